### Everything the pages say, in Canadian English. `fr.ftl` has the same keys; a test compares them.

## Around every page
brand = Registry of public sources
skip = Skip to the content
nav = Sections
nav-search = Search
nav-sources = Sources
nav-coverage = Coverage
nav-denials = Refusals
nav-agents = Agents
other-language = Français
sign-out = Sign out
crumbs = You are here
trial-word = TRIAL
trial-says = This is a demonstration. It made all of its own keys, and what you see is invented: it proves nothing about the world.
trial-foot = nothing in this log can become evidence.
foot-log = Log
foot-size = Size
foot-followed = { $count ->
    [one] tables complete to { $count } leaf
   *[other] tables complete to { $count } leaves
  }
foot-checkpoint = Newest checkpoint
foot-utc = All times are UTC.
foot-claims = The log proves what agents reported, under which permission, and that it has not changed since; not that it is true.
foot-api = Interface for programs
trust-root = Trust root
leaves = { $count ->
    [one] { $count } leaf
   *[other] { $count } leaves
  }
days = { $count ->
    [one] { $count } day
   *[other] { $count } days
  }
items = { $count ->
    [0] no records
    [one] { $count } record
   *[other] { $count } records
  }
segments = { $count ->
    [0] none yet
    [one] { $count } segment
   *[other] { $count } segments
  }
nobody = nobody
ago = { $what } ago
span-under-a-minute = less than a minute
span-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
  }
span-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
  }
copy = Copy
copied = Copied
filter-button = Show
from-to = { $from } to { $to }

## Search
search-title = Search
search-title-for = { $what } – search
search-heading = What was collected, and how we know
search-label = Search the records
search-placeholder = Words, "exact words", source:…, lang:…
search-button = Search
search-found = { $count ->
    [0] Nothing found
    [one] { $count } record
   *[other] { $count } records
  }
search-complete = Complete to log size { $size }.
search-wrong = The query cannot be read
search-wrong-column = at character { $count }.
search-failed = The search has no answer
search-too-slow = The search took longer than { $count } ms. Ask for a shorter time or for rarer words.
search-cursor = This page belongs to another query. Start again from the newest.
search-index = The index could not be read.
query-too-long = The query has { $bytes } bytes; { $most } are allowed.
query-too-long-hint = Ask for less at once.
query-stray-bracket = This bracket closes nothing.
query-stray-bracket-hint = Remove it, or put it in quotes.
query-no-word = A word is missing here.
query-no-word-hint = Write a word, or put `OR`, `AND` or brackets in quotes to search for them.
query-too-deep = Brackets and minus signs nest deeper than { $most }.
query-too-deep-hint = Ask in a flatter way.
query-lone-minus = This minus excludes nothing.
query-lone-minus-hint = Write it directly before a word: `-ferry`. Inside text it needs no space: `ice-free`.
query-open-bracket = This bracket is not closed.
query-open-bracket-hint = Add `)`, or put it in quotes.
query-not = `NOT` is written as a minus.
query-not-hint = Write `-word`, or `"NOT"` to search for it.
query-star-inside = The star in `{ $value }` is not at the end.
query-star-inside-hint = Only beginnings of words can be searched: `harb*`.
query-no-letter = `{ $value }` holds no letter and no digit.
query-no-letter-hint = Punctuation cannot be searched for; remove it.
query-no-value = `{ $name }:` has no value.
query-no-value-hint = Write it without a space: `{ $name }:…`.
query-too-many = More than { $most } words and fields.
query-too-many-hint = Ask for less at once.
query-open-quote = This quote is not closed.
query-open-quote-hint = Add `"` at the end of the exact words.
query-other-field = There is no field `{ $name }`.
query-other-field-hint = Did you mean `{ $meant }:`? To search for the text itself, put it in quotes.
query-no-field = There is no field `{ $name }`.
query-no-field-hint = Known are `{ $known }`. To search for the text itself, put it in quotes.
query-not-one-of = `{ $name }:` does not know `{ $value }`.
query-not-one-of-hint = Write one of `{ $known }`.
query-no-moment = `{ $value }` is no day and no moment.
query-no-moment-hint = Write `{ $name }:2026-10-01`, `{ $name }:2026-10`, `{ $name }:2026` or `{ $name }:2026-10-01T09:00:00Z`.
query-no-span = `{ $value }` is no span of time and no day.
query-no-span-hint = Write `seen:24h`, `seen:7d`, `seen:2w`, `seen:2026-10-01` or `seen:2026-10-01..2026-10-05`.
query-days-turned = `{ $last }` lies before `{ $first }`.
query-days-turned-hint = Write the earlier day first.
query-no-host = `{ $value }` is no host and no address.
query-no-host-hint = Write `link:example.org` or `link:example.org/news/*`.
search-nothing = Nothing in the registry matches this query.
search-nothing-help = That says what was collected, not what was published. The sources page says who was looking, and when.
hits-heading = Records found
pager = Pages of results
pager-first = Back to the newest
pager-next = Older records
help-title-short = How to ask
help-intro = Words next to each other must all occur. Capitals and accents do not count.
help-phrase = these words, side by side
help-prefix = words that begin like this
help-or = one or the other
help-not = the first, without the second
help-title = in the title only
help-source = collected under this entry
help-lang = declared in this language
help-time = from a day on, up to a month
help-seen = first seen in the last seven days
help-link = links to this host, or lies there
help-is = known in several versions; also is:gone and is:vanished
facets = Narrow the search
facet-source = Source
facet-language = Declared language
facet-platform = Platform
facet-kind = Kind
facet-chosen = Chosen; remove:
facet-more = { $count ->
    [one] and { $count } more
   *[other] and { $count } more
  }
timeline-by-day = Records by day
timeline-by-month = Records by month
timeline-by-year = Records by year
timeline-highest = Highest bar: { $what }
timeline-count = { $count ->
    [0] no records
    [one] { $count } record
   *[other] { $count } records
  }
timeline-looked = every source was looked at
timeline-gaps = some looks failed or are missing
timeline-none = nobody was looking
timeline-more = Coverage by source
timeline-table = The same as a table
column-when = When
column-records = Records
column-coverage = Coverage
column-new = New
column-requests = Requests
column-refused = Refused
column-failed = Failed
column-by = By
column-what = What
column-why = Why
column-source = Source
column-who = Who
column-until = In force to
time-claimed = (the source’s claim)
time-ours = (first seen by us)
mark-revised = revised
mark-gone = withdrawn by the source
mark-vanished = no longer listed by the source
mark-claim-by = claim seen through { $what }
kind-post = post
kind-comment = comment
kind-article = article
kind-page = page
kind-video = video
kind-audio = sound recording
kind-account = account
kind-ad = advertisement
kind-registration = register entry
kind-event = event

## Record
record-title = Record
record-untitled = { $kind } – { $who }
record-facts = Particulars
record-no-text = The source gave no text.
record-erased = This record was lawfully erased. What is left shows that it existed, and who had it erased.
record-erased-title = Record { $what }: erased
mark-revised-count = { $count ->
    [one] { $count } version
   *[other] { $count } versions
  }
mark-earlier = earlier version
mark-late = collected before the agent could know of a narrower permission
fact-kind = Kind
fact-author = Author, as shown
fact-address = Address
fact-published = Published
fact-edited = Edited
fact-language = Declared language
fact-place = Place
fact-first = First seen by us
fact-last = Last seen by us
fact-source = Source
fact-platform = Platform
fact-id = Identifier
fact-vantage = Seen through
fact-hash = Content hash (SHA-256)
claimed = { $what } (the source’s claim)
claimed-no-instant = “{ $what }” (the source’s words; they fix no instant)
declared = { $what } (declared by the source)
list-links = Links
list-media = Media (linked, not copied)
list-mentions = Accounts named
list-tags = Tags
list-relations = Relations
list-extra = Further particulars
relation-reply = reply to
relation-repost = repost of
relation-quote = quotes
relation-translation = translation of
history = History
revision-number = Version { $count }
revision-withdrawn = Withdrawn
vanished-heading = No longer listed
vanished-lead = The source publishes its list whole. It did not say that this was withdrawn, or why it is missing; we compared complete lists.
vanished = Missing from “{ $what }”: last listed on { $stood }, in neither of the complete lists of { $before } and { $at }.
vanished-unreadable = { $count ->
    [one] One line of the newer list could not be read: it may be this one.
   *[other] { $count } lines of the newer list could not be read: this may be among them.
  }
vanished-back = Listed again on { $what }.
revision-current = shown by the source when last seen
cause-first = as we first saw it
cause-source = changed by the source
cause-reader = read by another version of our program
cause-late = learned of after a later version
first-seen = first seen on { $what }
last-seen = last seen on { $what }
sightings = { $count ->
    [one] seen once
   *[other] seen { $count } times
  }
sightings-of = { $count ->
    [one] One sighting of this version
   *[other] { $count } sightings of this version
  }
removed = Removed:
added = Added:
field-title = Title
field-text = Text
field-author = Author
field-url = Address
field-published-at = Published
field-edited-at = Edited
field-language = Declared language
field-links = Links
field-media = Media
field-mentions = Accounts named
field-tags = Tags
field-relations = Relations
field-place = Place
field-kind = Kind
field-extra = Further particulars
field-ad = Advertisement
field-registration = Registration

## Chain of custody
custody = Chain of custody
custody-lead = Five questions a reviewer would ask of this record. The answers were computed just now from the kept evidence and the log, not looked up in a table.
custody-none = The chain of custody could not be drawn up.
custody-allowed = Who approved collecting it, and why?
custody-robots = What did robots.txt say?
custody-bytes = What was fetched, byte for byte?
custody-reader = Which program made the record?
custody-changed = Was anything changed or removed since?
custody-limits = What this cannot prove
custody-decision-gone = The decision is not at hand: it was erased.
verdict-valid = Verified
verdict-valid-means = Every step was computed again and holds.
verdict-erased = Verified, in part lawfully erased
verdict-erased-means = Something was destroyed by a signed act that the log names. What is left is unchanged.
verdict-incomplete = Incomplete
verdict-incomplete-means = What is here is unchanged, but something that is needed is missing.
verdict-diverged = Contradiction
verdict-diverged-means = The log contradicts a checkpoint that was remembered.
verdict-invalid = Does not hold
verdict-invalid-means = At least one step does not hold. Do not rely on this record.
verdict-as-of = As of log size { $size }.
verdict-as-of-time = As of log size { $size }; newest leaf of { $time }.
finding-wrong = Wrong:
finding-diverged = Contradiction:
finding-missing = Missing:
finding-erased = Lawfully erased:
finding-note = Worth knowing:
allowed-by = { $who } approved the entry { $entry } that { $asked } had asked for. It is in force to { $until }.
allowed-by-nobody = Nobody whose signature counts had approved this.
allowed-because = The gate’s words at the time
allowed-again = Computed again
allowed-again-yes = From the signed statements, the decision comes out the same.
allowed-again-no = From the signed statements, the decision does not come out the same; see the findings.
allowed-approval = Approval
allowed-approval-is = Signed on { $signed }; counts to { $until }. { $leaf }
allowed-leaf = Leaf { $count } of the log.
allowed-issue = Policy in the agent’s hands, issued
robots-allows = robots.txt of { $what } allows this address.
robots-forbids = robots.txt of { $what } forbids this address.
robots-not-asked = robots.txt did not apply.
robots-unknown = The copy of robots.txt is not at hand, so the answer is the agent’s word.
robots-why = Reason
robots-no-line = No line of it is about this address.
robots-absent = There is no robots.txt, which allows everything (RFC 9309, section 2.3.1.3).
robots-refused = The site refused to show it, which forbids everything here.
robots-unreachable = It could not be read, which forbids everything (RFC 9309, section 2.3.1.4).
robots-rule = Line that decided
robots-line = Line number
robots-group = Group
robots-of = Rules of
robots-fetched = Fetched
robots-copy = Copy
robots-copy-is = { $size }, kept as unit { $unit }
robots-download = Download the copy of robots.txt
sha256 = SHA-256
bytes-none = Nothing was fetched, or the exchange is not at hand.
bytes-are = { $size } from { $url }, received on { $time } and kept as received.
bytes-download = Download these bytes
bytes-download-answer = The whole answer, with its head
bytes-not-here = Received on { $time }. The bytes themselves are not at hand; the notes say why.
bytes-sealed = Kept encrypted. { $what } may open it, each of them alone; nobody else can.
bytes-sealed-to = Who may open it
bytes-sealed-not = Who may not
bytes-sealed-nobody = everybody else: the registry and its administrators, the agent that collected it, whoever holds this account
bytes-request = Request
bytes-captured = Captured
bytes-captured-is = { $time }, by the agent’s clock; it took { $ms } ms
bytes-status = Answer
bytes-peer = Peer
bytes-certificate = Certificate (SHA-256)
bytes-no-certificate = none: the connection was not encrypted
bytes-body = Body (SHA-256)
bytes-remark = Note
bytes-units = Kept as
bytes-units-are = request unit { $request }, answer unit { $response }
bytes-file = In the file
reader-is = { $what } read it out of those bytes. The same program on the same bytes gives the same record.
reader-none = No reading: this is not a record.
reader-unknown = The run’s own account is not at hand, so the program is not known.
reader-program = Program (SHA-256)
reader-place = Place in the answer
reader-again = To derive it again
changed-valid = Nothing was changed or removed. Every step was computed again and holds.
changed-erased = Something was lawfully erased. What is left is unchanged.
changed-incomplete = What is here is unchanged, but not everything that is needed is here.
changed-diverged = The log contradicts a checkpoint that was remembered.
changed-invalid = Something does not hold. Do not rely on this record.
proof-unit = Place
proof-unit-is = unit { $unit } of { $units } in its segment
proof-commitment = Commitment of the unit
proof-root = Root of the segment
proof-manifest = Manifest
proof-signed = Signed by
proof-signed-is = { $agent }, as number { $seq } of its chain
proof-after = Begun after
proof-after-is = { $count ->
    [0] the agent had seen no checkpoint yet
    [one] the log had { $count } leaf
   *[other] the log had { $count } leaves
  }
proof-leaf = In the log
proof-leaf-is = as leaf { $count }
proof-checkpoint = Checkpoint
proof-checkpoint-is = { $count ->
    [one] { $count } leaf, signed by the log
   *[other] { $count } leaves, signed by the log
  }
proof-log-root = Root of the log
proof-later = Since then
proof-later-is = { $count ->
    [one] the log grew to { $count } leaf without changing any
   *[other] the log grew to { $count } leaves without changing any
  }
limit-trial = Anything about the world. This is a trial: the program made the keys of the log and of all people itself, on one machine, and only addresses of that machine could be asked.
limit-source = That the source really said this. The log proves what { $agent } reported, under which permission, and that it has not changed since. Whoever controlled that machine, its program or its key could have reported something else; peer, certificate and status are its word. A second capture by another agent, or an archive elsewhere, can corroborate it.
limit-time = When to the second. Times of capture are by the clock of { $agent }, times of leaves by the registry’s. { $order }
limit-order = What the log proves is order: the segment was begun after the log had { $size } leaves, and became its leaf { $leaf }.
limit-whole = That nothing was left out. A bundle shows what it holds: not what was collected besides, nor that no narrower permission or revocation was logged which its maker did not include. `vigie-verify` on a copy of the whole data folder shows both.
limit-meaning = That the record says what the source meant. It is what a program read out of the bytes; the bytes are in the bundle unless they are erased, and the same program gives the same record again.
limit-second = That there is no second history. If the holder of the log’s key and everybody who signs agreed to deceive, they could show others another log. A checkpoint that you keep and give as `--against` next time detects it. { $witnesses }
limit-sealed = That the record follows from the bytes. They are sealed: what is in them, and that they are the request and answer that stand beside them, only a recipient can show, by deriving the record again with `vigie rederive --identity`.
limit-an-agent = the agent
limit-cosigned = Cosigned by { $what }.
limit-no-witness = No witness cosigned this checkpoint.
prove-yourself = Do not take our word for it
prove-how = Download the evidence bundle and check it on your own machine, with no network and no trust but in the root file that you were given by hand.
prove-download = Download the evidence bundle
prove-command = Command to type
prove-root = The trust root comes from its keepers, not from this page. The unit’s own people can also do both at once:

## Sources
sources-title = Sources
sources-lead = What may be collected, by whose signature, and until when. Whatever no entry permits is refused.
sources-none = No allowlist has been published yet: nothing is collected.
sources-none-help = Two people sign before anything is collected: one asks for a source, another approves it.
sources-in-force = { $count ->
    [0] none in force
    [one] { $count } in force
   *[other] { $count } in force
  }
sources-not-in-force = { $count ->
    [one] { $count } not in force
   *[other] { $count } not in force
  }
sources-soon = { $count ->
    [one] { $count } ends within 30 days
   *[other] { $count } end within 30 days
  }
ends-in = { $count ->
    [0] ends today
    [one] ends in { $count } day
   *[other] ends in { $count } days
  }
refusals = { $count ->
    [one] { $count } refusal
   *[other] { $count } refusals
  }
source-title = Source { $what }
source-last = Last look
source-never = not heard of yet
source-items = Collected
source-denials = Refusals under this entry
source-lead = { $asked } asked for this entry and { $approved } approved it by signature. It ends on { $until }.
source-lead-nobody = { $asked } asked for this entry. Nobody whose signature counts has approved it, so nothing is collected. It would end on { $until }.
source-why-not = Nothing is collected under this entry.
source-entry = The entry in full
source-entry-lead = These are the words that were signed. A changed word is another digest, and needs new signatures.
in-force = in force
not-in-force = not in force
not-in-force-no-entry = No entry of this name is in the allowlist.
not-in-force-unsigned = Nobody who signed the allowlist may do so by the newest trust root.
not-in-force-unenforced = It asks for something that this release does not enforce.
not-in-force-expired = Its last day is over.
not-in-force-not-approved = Too few people other than the requester have signed it as it now reads.
not-in-force-approval-ended = Its approval has run out.
not-in-force-too-long = It would outlive its approval by more than twelve months.
coverage = Was anybody looking?
coverage-lead = A gap of ours must never look like silence at the source. Each mark takes the worst of what happened in its time; runs that were due and not heard of count.
coverage-words = The last 24 hours in words
coverage-words-of = { $what } in words
coverage-complete = looked, complete
coverage-empty = looked, and the source says there is nothing
coverage-partial = looked, cut short by a limit
coverage-rate-limited = slowed down by the source
coverage-not-heard-yet = due, and not heard of
coverage-not-attempted = due, and did not run
coverage-failed = failed
coverage-blocked = blocked by the source
coverage-none = nothing was due
coverage-future = still to come
coverage-unpermitted = no permission then
legend = Meaning of the marks
strip-day = The last 24 hours, by half hour
strip-week = Seven days, by hour
strip-day-of = { $what }, by half hour
strip-week-to = Seven days to { $what }, by hour
runs-note = { $count ->
    [one] The newest run
   *[other] The newest { $count } runs, one by one
  }
group-why = Why
group-until = Who, and until when
group-what = What
group-how = How
group-notes = Notes for reviewers
entry-purpose = Purpose
entry-program = Program
entry-question = Question to be answered
entry-legal = Legal ground
entry-pia = Privacy impact assessment
entry-other = Note
entry-seeds = Asked for
entry-match = May be fetched
entry-methods = Methods
entry-collector = Collector
entry-fields = Fields kept
entry-fields-all = all
entry-media = Media
entry-media-link = addresses only; pictures and films are not fetched
entry-authors = Authors
entry-authors-named = as the source names them
entry-authors-pseudonym = by pseudonym
entry-authors-omit = left out
entry-evidence = Evidence
entry-evidence-open = kept in clear
entry-evidence-sealed = kept encrypted
entry-domestic = Domestic content
entry-domestic-refuse = dropped
entry-domestic-quarantine = set apart
entry-domestic-allow = kept, because: { $what }
entry-schedule = Schedule
entry-rate = Pace
entry-rate-is = { $count ->
    [0] no pause between requests (loopback only)
    [one] at least { $count } second between requests to one host
   *[other] at least { $count } seconds between requests to one host
  }
entry-daily = Most a day
entry-daily-is = { $count ->
    [one] { $count } request
   *[other] { $count } requests
  }
entry-body = Largest answer
entry-robots = robots.txt
entry-robots-obey = is obeyed (RFC 9309)
entry-robots-api = does not apply, official interface: { $what }
entry-credential = Credential
entry-credential-is = { $what }: its value lies with the agent, and is struck out of all that is kept
entry-missed = Missed runs
entry-missed-skip = stay missed, and coverage says so
entry-missed-once = are made up for by one run
entry-expires = In force to
entry-retain = Kept for
entry-tlp = Marking
entry-requested = Asked for by
entry-approved = Approved by
entry-expect = Usual
entry-digest = Digest that was signed
legal-ca-privacy-act-4 = Privacy Act (Canada), section 4
legal-eu-gdpr-6-1-e = GDPR, article 6(1)(e)
legal-eu-gdpr-89 = GDPR, article 89
legal-eu-dsa-40-12 = Digital Services Act, article 40(12)
legal-no-personal-information = No personal information
legal-trial = Trial

## Coverage calendar
calendar-title = Coverage calendar
calendar-lead = Who was looking, source by source and day by day. A gap of ours must never look like silence at the source.
calendar-help = Each day takes the worst of what happened on it. Choose a day to see its runs.
calendar-turn = Weeks
calendar-earlier = Earlier
calendar-later = Later
calendar-newest = the newest weeks
calendar-headline = Whole on { $whole } of { $due } source-days on which something was due.
calendar-days = Whole
calendar-whole = { $whole } of { $due }
calendar-gaps = Days that were not whole, in words
calendar-gaps-lead = Numbers are runs. What is not listed was whole, or nothing was due.

## Refusals
denials-title = Refusals
denials-lead = What was not fetched, or not kept, and why. Refusals are evidence too: they show where the rules held.
denials-all = Show all
denials-none = Nothing was refused.
denials-none-help = Either everything that was asked for was permitted, or nothing was asked for yet: the coverage calendar tells which.
denials-none-such = Nothing was refused for this reason under this entry.
denials-count = { $count ->
    [0] No refusals
    [one] { $count } refusal
   *[other] { $count } refusals
  }
denials-times = { $count ->
    [one] once
   *[other] { $count } times
  }
denials-last = last on { $what }
denials-by-reason = Reason
denials-any-reason = every reason
denials-by-source = Source
denials-any-source = every source
denials-todo = What a person can do:
denials-where = Under
denials-words = The gate’s words at the time
denials-evidence = Evidence
denials-more = { $count ->
    [one] All { $count } of this reason
   *[other] All { $count } of this reason
  }
denials-cut = Only the newest 200 are shown.
denied-by-agent = agent: nothing was sent
denied-by-registry = registry: not kept
code-permitted = permitted
code-method = method not allowed
code-header = header that only the kit may set
code-address = address that may not be fetched
code-unplanned = neither planned nor following from what was
code-no-entry = no such entry
code-not-in-force = entry not in force
code-other-collector = entry of another collector
code-no-match = outside of what the entry permits
code-robots-missing = no copy of robots.txt yet
code-robots-stale = copy of robots.txt too old
code-robots = forbidden by robots.txt
code-robots-unreachable = unreachable robots.txt
code-budget = the day’s budget is spent
code-credential = credential of another entry
code-unresolved = the name has no address
code-destination = destination that is not public
code-person = a person is named, and authors are not to be
code-redirects = too many redirects
code-not-permitted = not permitted at the time
code-broken = does not hold together
code-revoked = key of the agent revoked
code-fork = two segments with one number
code-clock = times outside of what is possible
code-unknown-policy = policy that the log does not hold
code-too-large = too large
means-method = The entry does not allow this kind of request.
todo-method = If the source can only be read this way, ask for an entry that names the method; otherwise tell the collector’s author.
means-header = The collector chose a header that it may not choose.
todo-header = Tell the collector’s author. No permission changes this.
means-address = The address has no form that may be fetched.
todo-address = Look at where the address comes from: the source may have published it damaged.
means-unplanned = The request neither was planned nor follows from an answer that was kept.
todo-unplanned = Tell the collector’s author. No permission changes this.
means-no-entry = The allowlist holds no entry of this name.
todo-no-entry = If collecting was meant to end, nothing. Otherwise ask for the entry again and have another person approve it.
means-not-in-force = The entry is unsigned, has ended or was replaced.
todo-not-in-force = Read on the source’s page what is missing; a second person can approve or renew the entry.
means-other-collector = The entry was signed for another collector.
todo-other-collector = Correct the agent’s settings, or ask for an entry for this collector.
means-no-match = The address lies outside of what the entry permits, often after a redirect.
todo-no-match = Look at where the source leads. If it has moved for good, ask for an entry with the new host; if not, leave it refused.
means-robots-missing = robots.txt had not been fetched yet, and nothing is fetched before it.
todo-robots-missing = Usually nothing: the next run asks for it first. If it stays, look at the agent’s log.
means-robots-stale = The copy of robots.txt was older than 24 hours.
todo-robots-stale = Usually nothing: the next run fetches it anew. If it stays, look at the agent’s clock.
means-robots = The site’s robots.txt forbids this address, or the site refuses to show it.
todo-robots = Leave it: robots.txt is obeyed. Where the site has an official interface with terms of its own, another entry may ask for that.
means-robots-unreachable = robots.txt could not be read, which forbids everything (RFC 9309, section 2.3.1.4).
todo-robots-unreachable = Wait: it is asked for again. If the site stays so for days, write to its owner.
means-budget = The entry’s requests for that day (UTC) were spent.
todo-budget = See whether the source publishes more than was thought; then ask for a larger budget or a slower schedule.
means-credential = The credential belongs to another entry, or none was named.
todo-credential = Compare the agent’s settings with the entry.
means-person = The request names a person, and the entry wants pseudonyms or no authors.
todo-person = Tell the collector’s author. To read one account, an entry is needed that permits naming its author.
means-unresolved = The host’s name leads to no address.
todo-unresolved = See whether the name is spelt right and still exists.
means-destination = The name leads to a private or local address, which an agent never asks.
todo-destination = Treat it as a warning: the source may try to reach inside. Tell whoever keeps the network.
means-redirects = More redirects than the five that are followed.
todo-redirects = Open the source by hand: it may send programs in circles.
means-not-permitted = By what was in force at that time, the registry did not find the capture permitted.
todo-not-permitted = Compare the agent’s build with a released one: it judged otherwise than the registry.
means-broken = The segment’s bytes, signature or tree do not hold together.
todo-broken = Look at the agent’s disk, and at its build.
means-revoked = The agent’s key was revoked before the segment came.
todo-revoked = Find out who still runs an agent with this key.
means-fork = Another segment with this number is in the log already: two machines use one key, or one was set back.
todo-fork = Stop both machines, find out which is the true one, and enrol a new key.
means-clock = Times in the segment lie outside of what clocks and checkpoints allow.
todo-clock = Set the agent’s clock and have it synchronised.
means-unknown-policy = The segment names a policy or trust root that the log does not hold.
todo-unknown-policy = See which registry the agent asks, and which root file it was given.
means-too-large = The segment is larger than segments may be.
todo-too-large = Tell the agent’s author.

## Agents
agents-title = Agents
agents-lead = The programs that collect. Each signs what it hands in, in an unbroken chain.
agents-none = No agent has been enrolled yet.
agent-enrolled = enrolled
agent-revoked = revoked
agent-unknown = unknown
agent-segments = Handed in
agent-never = not heard of yet
agent-chain = Chain
agent-chain-whole = without gap or fork
agent-chain-broken = needs a person’s attention
agent-key = Key
agent-gap = { $count ->
    [one] Gap in the chain: segment { $from } is not in the log, later ones are.
   *[other] Gap in the chain: segments { $from } to { $to } are not in the log, later ones are.
  }
agent-refused = Segments { $from } to { $to } are not in the log, later ones are: segment { $to } was refused whole, at leaf { $leaf }, and leaf { $others } may have refused the rest. A refusal names neither agent nor number.
agent-fork = Fork in the chain: segment { $count } names another predecessor than the log has.
agent-fork-refused = Segment { $segment } was refused at leaf { $leaf }: its number was taken. Two machines use one key, or an agent was set back.
agent-heard = Last heard of
agent-clock = Clock
agent-clock-fits = agrees with the registry’s
agent-clock-ahead = ahead of the registry’s by { $what }
agent-clock-loose = not synchronised, says the agent
agent-clock-help = Have it synchronised: segments from the future are refused.
agent-queue = On its way
agent-queue-is = the newest segment came { $what } after it was closed
agent-frontier = { $count ->
    [0] No request was left to be made.
    [one] { $count } request was left to be made.
   *[other] { $count } requests were left to be made.
  }
agent-policy = Policy in its hands
agent-policy-is = { $what } old when the newest run began
agent-policy-at = Issued on { $what }.
agent-reader = Collector
agent-program = Program (SHA-256)

## Signing in
sign-in-title = Sign in
sign-in-lead = This registry is not open to everybody. What you read is written down together with the purpose you state.
sign-in-token = Token
sign-in-purpose = Purpose
sign-in-purpose-help = What you are reading for, in a few words: a file number, a question, a review.
sign-in-button = Sign in
sign-in-no-purpose = A purpose is needed.
sign-in-wrong-token = This token opens nothing here. It may have ended; an administrator makes another.

## Problems
error-400 = Not understood
error-400-help = The address asks for something in a way that this registry does not know. Nothing was guessed.
error-401 = Sign in first
error-401-help = This page is for people with a token.
error-403 = Not allowed
error-403-help = Your role does not allow this.
error-404 = Not here
error-404-help = There is no such page or record.
error-405 = Not possible here
error-405-help = This page cannot be used in that way.
error-410 = Erased
error-410-help = This was lawfully erased.
error-500 = This failed
error-500-help = The mistake is ours. Quote the identifier below when you report it.
error-503 = Not just now
error-503-help = The registry cannot answer at the moment. Try again shortly.
error-param-unknown = `{ $name }` is not known; known are `{ $known }`.
error-param-twice = `{ $name }` is given twice.
error-param-lang = `lang={ $value }` is not known; known are `en`, `fr`.
error-param-day = `{ $name }={ $value }` is no day: write it as `2026-11-21`.
error-no-page = `{ $what }` is no page of this registry.
error-no-file = There is no file `{ $what }`.
error-no-record = There is no record `{ $what }`. It may have been erased.
error-record-id = `{ $what }` is no record id: it is two numbers, such as `17.42`.
error-no-source = There is no source `{ $what }` in the allowlist of now.
error-code = Code:
error-back = To the search
