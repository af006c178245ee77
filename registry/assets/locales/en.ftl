### Everything the pages say, in Canadian English. `fr.ftl` has the same keys; a test compares them.

## Around every page
brand = Registry of public sources
skip = Skip to the content
nav = Sections
nav-search = Search
nav-sources = Sources
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
help-is = known in several versions; also is:gone
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
time-claimed = (the source’s claim)
time-ours = first seen by us
mark-revised = revised
mark-gone = withdrawn by the source
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
custody-allowed = Who allowed this, why, and until when?
custody-robots = What did robots.txt say?
custody-bytes = Which bytes, from where?
custody-changed = Has anything changed since?
custody-limits = What can this not prove?
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
robots-allows = It allows this address.
robots-forbids = It forbids this address.
robots-not-asked = It did not apply.
robots-unknown = The copy is not at hand, so the answer is the agent’s word.
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
sha256 = SHA-256
bytes-none = Nothing was fetched, or the exchange is not at hand.
bytes-are = { $size } of body, received on { $time } and kept as received.
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
changed-valid = No. Every step was computed again and holds.
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
coverage = Was anybody looking?
coverage-lead = A gap of ours must never look like silence at the source. Each mark takes the worst of what happened in its time; runs that were due and not heard of count.
coverage-words = The last 24 hours in words
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

## Refusals
denials-title = Refusals
denials-lead = What was not fetched, or not kept, and why. Refusals are evidence too: they show where the rules held.
denials-of = Only { $what }
denials-all = Show all
denials-none = Nothing was refused.
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
code-robots-missing = robots.txt not fetched yet
code-robots-stale = robots.txt too old to decide
code-robots = robots.txt forbids it
code-robots-unreachable = robots.txt could not be reached
code-budget = the day’s budget is spent
code-credential = credential of another entry
code-unresolved = the name has no address
code-destination = destination that is not public
code-redirects = too many redirects
code-not-permitted = not permitted at the time
code-broken = does not hold together
code-revoked = key of the agent revoked
code-fork = two segments with one number
code-clock = times outside of what is possible
code-unknown-policy = policy that the log does not hold
code-too-large = too large

## Agents
agents-title = Agents
agents-lead = The programs that collect. Each signs what it hands in, in an unbroken chain.
agents-none = No agent has been enrolled yet.
agent-enrolled = enrolled
agent-revoked = revoked
agent-unknown = unknown
agent-segments = Handed in
agent-last = Last segment closed
agent-never = not heard of yet
agent-chain = Chain
agent-chain-whole = without gap or fork
agent-chain-broken = needs a person’s attention
agent-key = Key
agent-gap = Gap in the chain: not all segments have arrived.
agent-fork = Fork in the chain: two segments bear the same number.

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
error-code = Code:
error-back = To the search
