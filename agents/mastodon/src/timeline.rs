//! Which timeline does a seed mean, and at which addresses is it asked?

use kit::Unreadable;
use url::Url;

/// Most posts a page is asked for: what Mastodon gives at most.
const PAGE: &str = "40";

/// Posts of the first look, unless the seed says `first=N`.
const FIRST_LOOK: u32 = 400;

/// Most posts a seed may ask for at the first look.
const LONGEST_LOOK: u32 = 10_000;

/// Parameters of the API that a seed may have.
const PASSED_ON: [&str; 9] =
    ["local", "remote", "only_media", "any[]", "all[]", "none[]", "exclude_replies", "exclude_reblogs", "tagged"];

/// A timeline of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    server: Url,
    feed: Feed,
    query: Vec<(String, String)>,
    /// Posts of the first look.
    pub first: u32,
    /// Posts of accounts that ask not to be indexed are kept.
    pub keeps_noindex: bool,
}

/// Which posts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Feed {
    /// Everybody's.
    Public,
    /// With a hashtag.
    Tag(String),
    /// Of an account, by name: `desk`, `desk@social.example`.
    Name(String),
    /// Of an account, by the server's id.
    Id(String),
}

impl Timeline {
    /// Reads a seed.
    ///
    /// # Errors
    ///
    /// A seed that names no timeline, in words for the person who wrote it.
    pub fn of(seed: &str) -> Result<Self, Unreadable> {
        let bad = |why: &str| Unreadable::new("seed", format_args!("{seed} {why}"));
        let url = Url::parse(seed).map_err(|error| bad(&format!("is no address: {error}")))?;
        let parts: Vec<&str> =
            url.path_segments().map(|parts| parts.filter(|part| !part.is_empty()).collect()).unwrap_or_default();
        let mut query = Vec::new();
        let feed = match parts.as_slice() {
            ["public"] | ["api", "v1", "timelines", "public"] => Feed::Public,
            ["public", only @ ("local" | "remote")] => {
                query.push(((*only).to_owned(), "true".to_owned()));
                Feed::Public
            }
            ["tags", tag] | ["api", "v1", "timelines", "tag", tag] => Feed::Tag(decoded(tag)),
            ["api", "v1", "accounts", id, "statuses"] => Feed::Id(decoded(id)),
            ["users", name] => Feed::Name(decoded(name)),
            [name] if name.starts_with('@') && name.len() > 1 => Feed::Name(decoded(name).split_off(1)),
            _ => return Err(bad("is none of /public, /tags/NAME, /@NAME, or a timeline below /api/v1")),
        };
        let mut timeline = Self { server: url.clone(), feed, query, first: FIRST_LOOK, keeps_noindex: false };
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "first" => {
                    timeline.first = value.parse().ok().filter(|first| *first <= LONGEST_LOOK).ok_or_else(|| {
                        bad(&format!("has `first={value}`; a number from 0 to {LONGEST_LOOK} is expected"))
                    })?;
                }
                "noindex" if value == "keep" => timeline.keeps_noindex = true,
                known if PASSED_ON.contains(&known) => timeline.query.push((known.to_owned(), value.into_owned())),
                other => return Err(bad(&format!("has `{other}={value}`, which this collector does not know"))),
            }
        }
        timeline.server.set_query(None);
        timeline.server.set_fragment(None);
        Ok(timeline)
    }

    /// True for an account's posts.
    #[must_use]
    pub const fn is_account(&self) -> bool {
        matches!(self.feed, Feed::Name(_) | Feed::Id(_))
    }

    /// True for an account whose id on this server has to be asked for first.
    #[must_use]
    pub const fn needs_lookup(&self) -> bool {
        matches!(self.feed, Feed::Name(_))
    }

    /// Where the account of this name is asked for.
    #[must_use]
    pub fn lookup(&self) -> String {
        let mut url = self.at(&["api", "v1", "accounts", "lookup"]);
        if let Feed::Name(name) = &self.feed {
            url.query_pairs_mut().append_pair("acct", name);
        }
        url.into()
    }

    /// A page: the newest one, or the one that `bound` (`max_id`, `min_id`) names. `account` is the id of a looked-up account.
    #[must_use]
    pub fn page(&self, account: Option<&str>, bound: Option<(&str, &str)>) -> String {
        let mut url = match &self.feed {
            Feed::Public => self.at(&["api", "v1", "timelines", "public"]),
            Feed::Tag(tag) => self.at(&["api", "v1", "timelines", "tag", tag]),
            Feed::Id(id) => self.at(&["api", "v1", "accounts", id, "statuses"]),
            Feed::Name(name) => self.at(&["api", "v1", "accounts", account.unwrap_or(name), "statuses"]),
        };
        let pairs = self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        url.query_pairs_mut().extend_pairs(pairs.chain([("limit", PAGE)]).chain(bound));
        url.into()
    }

    /// The instance document, of API version 2 or 1.
    #[must_use]
    pub fn instance(&self, version: &str) -> String {
        self.at(&["api", version, "instance"]).into()
    }

    /// One post, by the server's id.
    #[must_use]
    pub fn status(&self, id: &str) -> String {
        self.at(&["api", "v1", "statuses", id]).into()
    }

    /// One account, by the server's id.
    #[must_use]
    pub fn account(&self, id: &str) -> String {
        self.at(&["api", "v1", "accounts", id]).into()
    }

    /// Whether an address lies on this server.
    #[must_use]
    pub fn is_here(&self, address: &str) -> bool {
        Url::parse(address).is_ok_and(|url| url.origin() == self.server.origin())
    }

    /// The member of the instance document's `timelines_access` that speaks of this timeline, and which halves of it are asked for.
    #[must_use]
    pub fn access(&self) -> Option<(&'static str, &'static [&'static str])> {
        let feeds = match self.feed {
            Feed::Public => "live_feeds",
            Feed::Tag(_) => "hashtag_feeds",
            Feed::Name(_) | Feed::Id(_) => return None,
        };
        let set = |wanted: &str| {
            self.query.iter().any(|(name, value)| name == wanted && matches!(value.as_str(), "true" | "1"))
        };
        Some(match (set("local"), set("remote")) {
            (true, false) => (feeds, &["local"]),
            (false, true) => (feeds, &["remote"]),
            _ => (feeds, &["local", "remote"]),
        })
    }

    fn at(&self, parts: &[&str]) -> Url {
        let mut url = self.server.clone();
        // An http or https address can always have a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(parts);
        }
        url
    }
}

/// A segment of a path with its percent-encoding undone.
fn decoded(part: &str) -> String {
    // `query_pairs` decodes; a plus sign is none in a path.
    let query = part.replace('+', "%2B");
    url::form_urlencoded::parse(format!("x={query}").as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(seed: &str) -> String {
        Timeline::of(seed).unwrap().page(Some("7"), None)
    }

    #[test]
    fn pages_people_see_and_addresses_of_the_api_mean_the_same() {
        for (seed, asked) in [
            ("https://social.example/public", "/api/v1/timelines/public?limit=40"),
            ("https://social.example/public/local", "/api/v1/timelines/public?local=true&limit=40"),
            (
                "https://social.example/api/v1/timelines/public?only_media=true",
                "/api/v1/timelines/public?only_media=true&limit=40",
            ),
            (
                "https://social.example/tags/caf%C3%A9?first=80&any[]=tea",
                "/api/v1/timelines/tag/caf%C3%A9?any%5B%5D=tea&limit=40",
            ),
            (
                "https://social.example/@desk?exclude_replies=true",
                "/api/v1/accounts/7/statuses?exclude_replies=true&limit=40",
            ),
            ("https://social.example/@desk@other.example", "/api/v1/accounts/7/statuses?limit=40"),
            ("https://social.example/api/v1/accounts/9/statuses", "/api/v1/accounts/9/statuses?limit=40"),
        ] {
            assert_eq!(newest(seed), format!("https://social.example{asked}"));
        }
        let timeline = Timeline::of("https://social.example/@desk@other.example").unwrap();
        assert_eq!(timeline.lookup(), "https://social.example/api/v1/accounts/lookup?acct=desk%40other.example");
    }

    #[test]
    fn seed_that_is_no_timeline_says_so() {
        for (seed, word) in [
            ("https://social.example/about", "none of"),
            ("https://social.example/tags/a?first=many", "number"),
            ("https://social.example/tags/a?limit=5", "`limit=5`"),
            ("@desk@social.example", "no address"),
        ] {
            let why = Timeline::of(seed).unwrap_err().why;
            assert!(why.contains(word), "{why}");
        }
    }

    #[test]
    fn id_with_a_slash_stays_one_segment() {
        let timeline = Timeline::of("https://social.example/public").unwrap();
        assert_eq!(timeline.status("a/b?c"), "https://social.example/api/v1/statuses/a%2Fb%3Fc");
    }
}
