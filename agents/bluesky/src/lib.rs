//! How are the public posts of a Bluesky account collected?
//!
//! **Seeds** are feeds, `https://public.api.bsky.app/xrpc/app.bsky.feed.getAuthorFeed?actor=did:plc:…`, asked without login. A seed names the DID, never
//! a handle: handles change hands, and people sign for an account.
//!
//! **Ids.** An account's is its DID; a post's and a repost's is the `at://` URI that begins with the DID. `extra.cid` is the version: an edit changes it.
//!
//! **Walk.** The profile, then the feed, newest first, back while a page holds something new; the first walk goes back to the beginning. Pins are not
//! asked into the feed, where they stand out of order: the profile names the pinned post, and a new pin is a revision of the account. A repost is
//! the same again by somebody else: content of the original, author and time of the repost.
//!
//! **Again** with `getPosts`, 25 in a request. Gone is what it does not show, even asked for alone, while the profile, asked for after that, is shown:
//! deleted or hidden. A repost is asked for by its original, so the entry's `fields` must name `handle`. While the account itself is closed, coverage
//! says that the target is gone, and its posts are not asked for until it is back.
//!
//! **Missed** is what the manifest says. **Left out** on purpose: accounts that ask not to be shown without login (`!no-unauthenticated`), unreadable
//! with that reason: the answer is kept in the segment, no record is made of it. An account that asks so once it is collected fails its poll, and what
//! it deletes from then on is not told. Also left out: parents and quoted posts, which are relations only; avatars; search (needs a login) and
//! Jetstream (a WebSocket).
//!
//! In `extra`: `cid`, `root` of the thread, `langs`, `embed` (type of what is shown, also of what is not read here), `card` (title and description of a
//! link's preview), `handle` and `pinned` of an account; `volatile_indexed_at`, `volatile_labels` of moderation.
//!
//! Not yet tried against the service: `fixtures/` are invented, and real answers were read from the service's own tests (`tests/real.rs`).

use kit::{
    About, Absent, Answer, Ask, Collector, Halt, Json as _, Known, Place, Reading, Request, Unreadable, What, Work,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

pub mod parse;

/// The collector.
pub struct Bluesky;

/// Why something was asked.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Whose feed is it? The feed comes next.
    Start,
    /// Is the account as it was?
    Account,
    /// What did it publish?
    Feed,
    /// Do these stand?
    Posts(Vec<Known>),
    /// Is what several were asked for together still not shown where it is asked for alone?
    Alone {
        /// All that are asked for by one address.
        asked: Vec<Known>,
        /// To be asked for after it.
        left: Vec<Known>,
        /// Not shown, also alone.
        absent: Vec<Known>,
    },
    /// Is the account shown, so that these are gone? The account itself may be among them.
    Absent(Vec<Known>),
}

impl Collector for Bluesky {
    const NAME: &'static str = parse::PLATFORM;
    type Cursor = ();
    type Step = Step;

    fn about(&self) -> About {
        About {
            misses: "posts deleted before the first look, or dated back; reposts that were taken back".to_owned(),
            batch: 25, // what getPosts takes
            recheck_after_secs: vec![3_600, 86_400, 604_800, 2_592_000],
            ..About::of("Posts, replies, quotes and reposts of public Bluesky accounts")
        }
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Result<Vec<Request<Step>>, Unreadable> {
        let seed = &ask.target.url;
        let Work::Items { due, .. } = &ask.work else { return Ok(vec![profile(seed, &did(seed)?, Step::Start)?]) };
        // Without its handle (an entry's `fields` may leave it out) a repost cannot be asked for: it stays unanswered rather than gone.
        if due.iter().any(is_post) {
            let asked: Vec<_> = due.iter().filter(|known| is_post(known) || is_account(known)).cloned().collect();
            return Ok(vec![standing(seed, Step::Posts(asked.clone()), &asked)?]);
        }
        due.iter().filter(|known| is_account(known)).map(|known| profile(seed, &known.id, Step::Account)).collect()
    }

    fn read(&self, answer: &Answer<'_, Step>, out: &mut Reading<'_, Self>) -> Result<(), Halt<Step>> {
        match answer.step {
            Step::Start | Step::Account => read_profile(answer, &[], out),
            Step::Absent(absent) => read_profile(answer, absent, out),
            Step::Feed => read_feed(answer, out),
            Step::Posts(asked) => read_standing(asked, &[], &[], answer, out),
            Step::Alone { asked, left, absent } => read_standing(asked, left, absent, answer, out),
        }
    }
}

/// What is absent is gone where the account is shown. A closed one hides its posts, and may have closed since the poll looked.
fn read_profile(answer: &Answer<'_, Step>, absent: &[Known], out: &mut Reading<'_, Bluesky>) -> Result<(), Halt<Step>> {
    if answer.status() == 400 {
        let error: Value = answer.parse()?;
        let why: String = error.need("/message")?;
        let closed = matches!(error["error"].as_str(), Some("AccountDeactivated" | "AccountTakedown"));
        let gone = closed || why == "Profile not found";
        if gone && matches!(answer.step, Step::Absent(_)) {
            out.cut(format_args!("the account is not shown, so nothing of it counts as gone: {why}"));
            return Ok(());
        }
        return Err(if gone { Halt::Gone(Absent::Asked { why }) } else { answer.unreadable("/error", why) });
    }
    out.record(Place::Whole, parse::account(&answer.json()?)?);
    if matches!(answer.step, Step::Start) {
        out.next(feed(&answer.target.url, None)?);
    }
    for known in absent.iter().filter(|known| is_post(known)) {
        let what = What::record(parse::PLATFORM, &known.id);
        out.gone(Place::Whole, what, "not shown, while the account is: deleted or hidden");
    }
    Ok(())
}

fn read_feed(answer: &Answer<'_, Step>, out: &mut Reading<'_, Bluesky>) -> Result<(), Halt<Step>> {
    let page: Value = answer.json()?;
    let items: Vec<_> = page.list("/feed")?.iter().map(parse::listed).collect();
    let readable = items.iter().any(Result::is_ok);
    match page.maybe("/cursor")?.map(|older| feed(&answer.target.url, Some(older))).transpose()? {
        Some(older) if readable => out.next(older.while_new()),
        Some(older) => {
            out.unreadable(Place::Pointer("/feed"), "nothing to read here, and more to come");
            out.next(older);
        }
        None if items.is_empty() => out.empty("the feed ends here"),
        None => {}
    }
    for (n, item) in items.into_iter().enumerate() {
        out.item(Place::Json("/feed", n), item);
    }
    Ok(())
}

/// What is not among several is asked for alone, one after the other, and at last the account is, before anything counts as gone.
fn read_standing(
    asked: &[Known],
    left: &[Known],
    absent: &[Known],
    answer: &Answer<'_, Step>,
    out: &mut Reading<'_, Bluesky>,
) -> Result<(), Halt<Step>> {
    let seed = &answer.target.url;
    let page: Value = answer.json()?;
    let posts = page.list("/posts")?;
    if let Some(n) = posts.iter().position(|post| asked.iter().all(|known| post["uri"] != known.handle)) {
        return Err(answer.unreadable(Place::Json("/posts", n), "was not asked for"));
    }
    let (mut left, mut absent) = (left.to_vec(), absent.to_vec());
    let alone = addresses(asked).len() == 1;
    if posts.is_empty() && !alone {
        out.empty("none of them is shown");
    }
    for known in asked {
        match posts.iter().position(|post| post["uri"] == known.handle) {
            Some(n) if known.id == known.handle => out.item(Place::Json("/posts", n), parse::post(&posts[n])),
            Some(_) => out.saw(&known.id), // a repost: its original stands
            None if alone || is_account(known) => absent.push(known.clone()),
            None => left.push(known.clone()),
        }
    }
    if let Some(address) = left.first().map(|known| known.handle.clone()) {
        let (asked, left): (Vec<_>, Vec<_>) = left.into_iter().partition(|known| known.handle == address);
        out.next(standing(seed, Step::Alone { asked: asked.clone(), left, absent }, &asked)?);
    } else if !absent.is_empty() {
        out.next(profile(seed, &did(seed)?, Step::Absent(absent))?);
    }
    Ok(())
}

fn is_account(known: &Known) -> bool {
    known.id.starts_with("did:")
}

/// A post, or a repost, which is asked for by its original.
fn is_post(known: &Known) -> bool {
    known.handle.contains("/app.bsky.feed.post/")
}

/// Where these are asked for, each once: an account may repeat its own post.
fn addresses(asked: &[Known]) -> Vec<&str> {
    let mut addresses: Vec<&str> = Vec::new();
    for known in asked.iter().filter(|known| is_post(known)) {
        if !addresses.contains(&&*known.handle) {
            addresses.push(&known.handle);
        }
    }
    addresses
}

/// The account a seed names. Its colons may be percent-encoded.
fn did(seed: &str) -> Result<String, Unreadable> {
    let (host, query) = seed.split_once("/xrpc/app.bsky.feed.getAuthorFeed?").unwrap_or_default();
    let mut settings = url::form_urlencoded::parse(query.as_bytes());
    match (settings.next(), settings.next()) {
        (Some((name, did)), None) if name == "actor" && did.starts_with("did:") => Ok(did.into_owned()),
        (Some((name, handle)), None) if name == "actor" => Err(Unreadable::new(
            "seed",
            format!("names no DID; {host}/xrpc/com.atproto.identity.resolveHandle?handle={handle} tells it"),
        )),
        _ => Err(Unreadable::new(
            "seed",
            "is not https://public.api.bsky.app/xrpc/app.bsky.feed.getAuthorFeed?actor=did:plc:…",
        )),
    }
}

fn profile(seed: &str, did: &str, step: Step) -> Result<Request<Step>, Unreadable> {
    request(seed, "app.bsky.actor.getProfile", &[("actor", did)], step)
}

fn feed(seed: &str, cursor: Option<&str>) -> Result<Request<Step>, Unreadable> {
    let did = did(seed)?;
    let mut query = vec![("actor", &*did), ("limit", "100")];
    query.extend(cursor.map(|cursor| ("cursor", cursor)));
    request(seed, "app.bsky.feed.getAuthorFeed", &query, Step::Feed)
}

fn standing(seed: &str, step: Step, asked: &[Known]) -> Result<Request<Step>, Unreadable> {
    let uris: Vec<_> = addresses(asked).into_iter().map(|address| ("uris", address)).collect();
    request(seed, "app.bsky.feed.getPosts", &uris, step)
}

/// A request to the host of the seed.
fn request(seed: &str, endpoint: &str, query: &[(&str, &str)], step: Step) -> Result<Request<Step>, Unreadable> {
    let mut url = Url::parse(seed)?.join(endpoint)?;
    url.query_pairs_mut().extend_pairs(query);
    Ok(Request::get(url, step))
}

#[cfg(test)]
mod tests {
    use super::did;

    #[test]
    fn seed_names_an_account_that_nobody_else_can_take_over() {
        let feed = "https://appview.example/xrpc/app.bsky.feed.getAuthorFeed?actor=";
        assert_eq!(did(&format!("{feed}did:plc:example")).unwrap(), "did:plc:example");
        assert_eq!(did(&format!("{feed}did%3Aplc%3aexample")).unwrap(), "did:plc:example");
        let handle = did(&format!("{feed}desk.example")).unwrap_err().to_string();
        assert!(
            handle.contains("https://appview.example/xrpc/com.atproto.identity.resolveHandle?handle=desk.example"),
            "{handle}"
        );
        for other in
            ["desk.example", "https://bsky.app/profile/desk.example", &format!("{feed}did:plc:example&limit=5")]
        {
            assert!(did(other).is_err(), "{other}");
        }
    }
}
