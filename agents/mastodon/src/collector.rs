//! Which requests does a timeline need, and what does a page of it say?

use kit::{
    About, Answer, Ask, Collector, Halt, Place, Reading, Record, Request, Unreadable, Work,
    contract::{Absent, What},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    PLATFORM, Timeline,
    parse::{self, LeftOut},
    wire,
};

/// Collects public, hashtag and account timelines; the crate's documentation says how.
pub struct Mastodon;

/// What is true of a timeline across runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reached {
    /// The account's id on this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// The server's id of the newest post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<String>,
    /// `Link` headers lead forward.
    #[serde(default)]
    forward: bool,
}

/// Why a request is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Which id the account has here.
    Lookup,
    /// A page and those older than it.
    Back(Back),
    /// The page right after a post.
    Forward(Forward),
    /// Whether a timeline without posts is closed.
    Instance,
    /// One item again, by the API.
    Check {
        /// Its canonical id.
        id: String,
    },
    /// One post again, as the ActivityPub object at its own address.
    Object {
        /// Its canonical id.
        id: String,
    },
}

/// How far back, and from where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Back {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// `max_id` of this page; none for the newest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// Posts that the first look may still bring, those of this page included; none where known posts end the walk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<u32>,
    /// The newest post of the last run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    known: Option<String>,
}

/// From where forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forward {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// `min_id` of this page.
    after: String,
    /// The first page of a run.
    first: bool,
}

impl Collector for Mastodon {
    const NAME: &'static str = "mastodon";
    type Cursor = Reached;
    type Step = Step;

    fn about(&self) -> About {
        About {
            misses: "posts older than the first look (400 unless the seed says `first=N`); posts that a server learns of late and files under an \
                     older id; what was written and withdrawn, or edited twice, between two looks"
                .to_owned(),
            recheck_after_secs: vec![3_600, 86_400, 604_800],
            ..About::of("Public, hashtag and account timelines of servers with the Mastodon API")
        }
    }

    fn plan(&self, ask: &Ask<'_, Reached>) -> Result<Vec<Request<Step>>, Unreadable> {
        let timeline = Timeline::of(&ask.target.url)?;
        Ok(match &ask.work {
            Work::Items { due, .. } => {
                due.iter().filter_map(|known| again(&timeline, &known.id, &known.handle)).collect()
            }
            Work::Window { .. } => Vec::new(),
            Work::Poll => vec![match ask.cursor {
                Reached { account, newest: Some(after), forward: true } => {
                    forward(&timeline, Forward { account: account.clone(), after: after.clone(), first: true })
                }
                Reached { account: None, .. } if timeline.needs_lookup() => json(timeline.lookup(), Step::Lookup),
                Reached { account, newest, .. } => {
                    let left = newest.is_none().then_some(timeline.first);
                    back(&timeline, Back { account: account.clone(), left, known: newest.clone(), before: None })
                }
            }],
        })
    }

    fn read(&self, answer: &Answer<'_, Step>, out: &mut Reading<'_, Self>) -> Result<(), Halt<Step>> {
        let timeline = Timeline::of(&answer.target.url)?;
        match answer.step {
            Step::Lookup => looked_up(answer, &timeline, out),
            Step::Back(step) => older(answer, &timeline, step, out),
            Step::Forward(step) => newer(answer, &timeline, step, out),
            Step::Instance => closed(answer, &timeline, out),
            Step::Check { id } => checked(answer, &timeline, id, out),
            Step::Object { id } => still_there(answer, id, out),
        }
    }
}

fn json(url: String, step: Step) -> Request<Step> {
    Request::get(url, step).accept("application/json", "")
}

fn back(timeline: &Timeline, step: Back) -> Request<Step> {
    let bound = step.before.as_deref().map(|id| ("max_id", id));
    json(timeline.page(step.account.as_deref(), bound), Step::Back(step))
}

fn forward(timeline: &Timeline, step: Forward) -> Request<Step> {
    json(timeline.page(step.account.as_deref(), Some(("min_id", &step.after))), Step::Forward(step))
}

/// The request for one item; none for a post of another server that this one shows to people with an account only.
fn again(timeline: &Timeline, id: &str, handle: &str) -> Option<Request<Step>> {
    let check = Step::Check { id: id.to_owned() };
    if let Some(account) = handle.strip_prefix("accounts/") {
        return Some(json(timeline.account(account), check));
    }
    if handle == id {
        let object = Request::get(id, Step::Object { id: id.to_owned() });
        return timeline.is_here(id).then(|| object.accept("application/activity+json", ""));
    }
    Some(json(timeline.status(handle), check))
}

type Read = Result<(), Halt<Step>>;

fn looked_up(answer: &Answer<'_, Step>, timeline: &Timeline, out: &mut Reading<'_, Mastodon>) -> Read {
    let account: Value = answer.json()?;
    let id = parse::native(&account)?;
    match parse::account(&account)? {
        Some(record) => out.record(Place::Whole, record),
        None => return Err(Halt::Gone(Absent::Asked { why: "the server has suspended the account".to_owned() })),
    }
    out.milestone(Reached { account: Some(id.clone()), ..Reached::default() });
    out.next(back(timeline, Back { account: Some(id), left: Some(timeline.first), ..Back::default() }));
    Ok(())
}

fn older(answer: &Answer<'_, Step>, timeline: &Timeline, step: &Back, out: &mut Reading<'_, Mastodon>) -> Read {
    let page = Page::read(answer, step.before.is_none() && !timeline.needs_lookup())?;
    let Some((newest, oldest)) = page.ends()? else {
        if step.before.is_some() {
            out.empty("nothing older");
        } else {
            out.empty("the timeline shows no posts");
            out.next(json(timeline.instance("v2"), Step::Instance).if_changed());
        }
        return Ok(());
    };
    page.say(answer, timeline, out);
    let reached = Reached { account: step.account.clone(), newest: Some(newest), forward: page.leads_forward() };
    if let Some(before) = &step.before
        && page.holds(before)
    {
        // `max_id` itself is never on its page: this server shows one page, whatever it is asked for.
        if step.left.is_none() && step.known.as_deref().is_none_or(|known| !page.holds(known)) {
            out.cut(format!(
                "the server shows its newest {} posts only, and the newest of the last run is not among them",
                page.items.len()
            ));
            out.milestone(reached);
        }
        return Ok(());
    }
    if step.before.is_none() {
        out.cursor(reached);
    }
    let Some(before) = page.older(oldest) else { return Ok(()) };
    let listed = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
    let next = |left| back(timeline, Back { before: Some(before.clone()), left, ..step.clone() });
    match step.left {
        None => out.next(next(None).while_new()),
        Some(left) if left > listed => out.next(next(Some(left - listed))),
        Some(_) => {}
    }
    Ok(())
}

fn newer(answer: &Answer<'_, Step>, timeline: &Timeline, step: &Forward, out: &mut Reading<'_, Mastodon>) -> Read {
    let page = Page::read(answer, step.first)?;
    let Some((newest, _)) = page.ends()? else {
        out.empty("nothing newer");
        if step.first {
            out.next(json(timeline.instance("v2"), Step::Instance).if_changed());
        }
        return Ok(());
    };
    if !page.leads_forward() {
        let known = Some(step.after.clone());
        return Err(Halt::instead(back(timeline, Back { account: step.account.clone(), known, ..Back::default() })));
    }
    page.say(answer, timeline, out);
    out.milestone(Reached { account: step.account.clone(), newest: Some(newest.clone()), forward: true });
    if newest != step.after {
        out.next(forward(timeline, Forward { after: newest, first: false, ..step.clone() }));
    }
    Ok(())
}

fn closed(answer: &Answer<'_, Step>, timeline: &Timeline, out: &mut Reading<'_, Mastodon>) -> Read {
    if answer.status() == 404 && answer.url.path().starts_with("/api/v2/") {
        return Err(Halt::instead(json(timeline.instance("v1"), Step::Instance)));
    }
    let instance: wire::Instance = answer.json()?;
    let access = instance.configuration.and_then(|all| all.timelines_access);
    let mut shut = Vec::new();
    let Some((feeds, halves)) = timeline.access() else {
        out.empty("the account has no public posts");
        return Ok(());
    };
    for half in halves {
        let at = format!("/{feeds}/{half}");
        match access.as_ref().and_then(|access| access.pointer(&at)).map(Value::as_str) {
            None | Some(Some("public")) => {}
            Some(Some(word @ ("authenticated" | "disabled"))) => shut.push(format!("{half} posts: {word}")),
            Some(other) => {
                return Err(Unreadable::unknown_value(
                    format!("/configuration/timelines_access{at}"),
                    other.unwrap_or("no text"),
                )
                .into());
            }
        }
    }
    if shut.len() == halves.len() {
        let why = shut.join(", ");
        return Err(Halt::Blocked(format!(
            "the server ({}) keeps this timeline from the public ({why})",
            instance.version
        )));
    }
    out.empty(match shut.first() {
        None => "the timeline is open and holds nothing new".to_owned(),
        Some(shut) => format!("the timeline holds nothing new; kept from the public: {shut}"),
    });
    Ok(())
}

fn checked(answer: &Answer<'_, Step>, timeline: &Timeline, id: &str, out: &mut Reading<'_, Mastodon>) -> Read {
    let gone = || What::record(PLATFORM, id);
    if matches!(answer.status(), 404 | 410) {
        let problem: wire::Problem = answer.parse()?;
        out.gone(
            Place::Whole,
            gone(),
            format!(
                "deleted, no longer public, or unknown to this server now: status {}, {}",
                answer.status(),
                problem.error
            ),
        );
        return Ok(());
    }
    let item: Value = answer.json()?;
    let account = answer.url.path().starts_with("/api/v1/accounts/");
    let (record, why) = if account {
        (parse::account(&item)?, "the server has suspended the account".to_owned())
    } else {
        let post = parse::post(&item, answer.url)?;
        match left_out(post.left_out, timeline) {
            Some(why) => (None, why),
            None => (Some(post.record), String::new()),
        }
    };
    match record {
        Some(record) if record.id == id => out.record(Place::Whole, record),
        Some(other) => return Err(Halt::unreadable("/uri", format_args!("`{}` was answered, not {id}", other.id))),
        None => out.gone(Place::Whole, gone(), why),
    }
    Ok(())
}

fn still_there(answer: &Answer<'_, Step>, id: &str, out: &mut Reading<'_, Mastodon>) -> Read {
    let gone = What::record(PLATFORM, id);
    if matches!(answer.status(), 404 | 410) {
        out.gone(Place::Whole, gone, format!("its own server answers {}", answer.status()));
        return Ok(());
    }
    let object: wire::Object = answer.json()?;
    match object.kind.as_str() {
        "Tombstone" => out.gone(Place::Whole, gone, "its own server says it was deleted"),
        "Note" | "Question" | "Article" | "Page" | "Event" | "Image" | "Audio" | "Video" => {
            if object.id != id {
                return Err(Halt::unreadable("/id", format_args!("`{}` was answered, not {id}", object.id)));
            }
            out.saw(id);
        }
        other => return Err(Unreadable::unknown_value("/type", other).into()),
    }
    Ok(())
}

/// Why a post is left out on this timeline, in words.
fn left_out(why: Option<LeftOut>, timeline: &Timeline) -> Option<String> {
    match why? {
        LeftOut::NotPublic(visibility) => Some(format!("its visibility is `{visibility}`: not public")),
        LeftOut::NoIndex if timeline.is_account() || timeline.keeps_noindex => None,
        LeftOut::NoIndex => Some("its author asks not to be indexed".to_owned()),
    }
}

/// Whether a text can be a server's id of a post.
fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// A page of posts, newest first, and where its `Link` header leads.
struct Page {
    items: Vec<Value>,
    older: Option<String>,
    newer: Option<String>,
    linked: bool,
}

impl Page {
    /// `first` is true where the timeline itself is asked for, so that a 404 means that it is gone.
    fn read(answer: &Answer<'_, Step>, first: bool) -> Result<Self, Halt<Step>> {
        let items: Vec<Value> = match answer.json() {
            Err(Halt::Gone(Absent::Asked { why })) if !first => return Err(Halt::unreadable("status", why)),
            other => other?,
        };
        let headers = answer.headers().iter().filter(|(name, _)| name.eq_ignore_ascii_case("link"));
        let links: Vec<Link<'_>> = headers.flat_map(|(_, value)| value.split(',')).filter_map(Link::read).collect();
        let bound = |rel: &str, name: &str| links.iter().find(|link| link.rel == rel).and_then(|link| link.bound(name));
        // It becomes the cursor: an odd one would have every later request refused.
        let newer = bound("prev", "min_id").filter(|id| is_plain(id));
        Ok(Self { older: bound("next", "max_id"), newer, linked: !links.is_empty(), items })
    }

    /// Ids of the newest and the oldest post; none for an empty page.
    fn ends(&self) -> Result<Option<(String, String)>, Unreadable> {
        let ids = self.items.iter().map(parse::native).collect::<Result<Vec<_>, _>>();
        // One odd item is set aside later; what matters here are ids that can be asked after.
        let ids = ids.or_else(|why| {
            let known: Vec<String> = self.items.iter().filter_map(|item| parse::native(item).ok()).collect();
            if known.is_empty() { Err(why) } else { Ok(known) }
        })?;
        let numbers = ids.iter().all(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
        let rank = |id: &&String| (id.len(), (*id).clone());
        let (newest, oldest) = if numbers {
            (ids.iter().max_by_key(rank), ids.iter().min_by_key(rank))
        } else {
            (ids.first(), ids.last())
        };
        Ok(newest.zip(oldest).map(|(newest, oldest)| (self.newer.as_ref().unwrap_or(newest).clone(), oldest.clone())))
    }

    const fn leads_forward(&self) -> bool {
        self.newer.is_some()
    }

    /// What to ask for to get the page below; nothing where the server's links end here.
    fn older(&self, oldest: String) -> Option<String> {
        match &self.older {
            Some(older) => Some(older.clone()),
            None if self.linked => None,
            None => Some(oldest),
        }
    }

    fn holds(&self, id: &str) -> bool {
        self.items.iter().any(|item| item.get("id").and_then(Value::as_str) == Some(id))
    }

    fn say(&self, answer: &Answer<'_, Step>, timeline: &Timeline, out: &mut Reading<'_, Mastodon>) {
        for (n, item) in self.items.iter().enumerate() {
            let post = parse::post(item, answer.url).and_then(|post| match left_out(post.left_out, timeline) {
                Some(why) => Err(Unreadable::new("left out", why)),
                None => Ok(Record { handle: self.handle(&post.record), ..post.record }),
            });
            out.item(Place::Json("", n), post);
        }
    }

    /// By what the post is asked for again: servers without links forward show single posts to people with an account only.
    fn handle(&self, record: &Record) -> Option<String> {
        if self.leads_forward() { record.handle.clone() } else { Some(record.id.clone()) }
    }
}

/// One link of a `Link` header (RFC 8288).
struct Link<'a> {
    target: &'a str,
    rel: &'a str,
}

impl<'a> Link<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (target, rest) = text.trim().strip_prefix('<')?.split_once('>')?;
        let rel = rest.split(';').find_map(|part| part.trim().strip_prefix("rel="))?;
        Some(Self { target, rel: rel.trim_matches('"') })
    }

    /// The value of a parameter of its target. The address is made from the seed, not taken from the header: a server behind a proxy may not know
    /// its own name.
    fn bound(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn an_id_that_no_server_gives_is_no_cursor() {
        for id in ["115300000000000001", "01HZ-a_b", "1700000000.123456"] {
            assert!(is_plain(id), "{id}");
        }
        for id in ["", "a b", "@desk", "1/../2", &"9".repeat(65)] {
            assert!(!is_plain(id), "{id}");
        }
    }
}
