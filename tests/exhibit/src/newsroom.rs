//! Who plays? The newsrooms as data: what each writes in, how it serves, and what is wrong with it.

use crate::words::Lang;

/// One newsroom: a name, a manner of publishing, and one oddity at most.
#[derive(Clone, Debug)]
pub struct Newsroom {
    /// Its key: lower-case ASCII, fit for an allowlist id and a path segment.
    pub name: &'static str,
    /// Its title in its own language.
    pub title: &'static str,
    /// One English sentence on what it is for.
    pub about: &'static str,
    /// What its feed declares and most of its entries are in.
    pub lang: Lang,
    /// The path of its main feed.
    pub feed: &'static str,
    /// How the feed is written.
    pub format: Format,
    /// What `/robots.txt` answers.
    pub robots: Robots,
    /// What is peculiar about its answers.
    pub mood: Mood,
    /// How much it publishes.
    pub pace: Pace,
    /// Whether every even round from 2 on changes the text of an entry of the round before.
    pub edits: bool,
    /// Whether every third round takes away the newest entry of the round before.
    pub deletes: bool,
    /// Whether links lead to article pages here; otherwise they name `NAME.example.org`, which is never served.
    pub pages: bool,
    /// Whether answers are compressed for clients that take gzip.
    pub gzip: bool,
    /// How older entries can be reached.
    pub paging: Paging,
}

/// How many entries: all per newsroom.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Published before the exhibit opened.
    pub start: usize,
    /// Published in each round after 0.
    pub per_round: usize,
    /// How many of the newest stand in the feed.
    pub window: usize,
}

/// How a feed is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Atom 1.0 (RFC 4287), with tombstones (RFC 6721).
    Atom,
    /// RSS 2.0 with `content:encoded`, links relative to the feed, UTF-8.
    Rss2Relative,
    /// RSS 2.0 in windows-1251, as the XML declaration says and the Content-Type does not.
    Rss2Cyrillic,
    /// JSON Feed 1.1.
    Json,
    /// RSS 1.0 (RDF Site Summary).
    Rdf,
    /// RSS 0.91: no ids and no dates.
    Rss091,
}

/// The moods of robots.txt (RFC 9309).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Robots {
    /// 200 with this text.
    Text(&'static str),
    /// This status and no rules.
    Status(u16),
}

/// What is peculiar about a newsroom's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Nothing: it serves as it should, validators and 304 included.
    Honest,
    /// The feed keeps one ETag for ever and answers 304 to it; `/twitchy.atom` has a new ETag for the same bytes each time.
    Liar,
    /// The feed has moved for good to `/feeds/current.atom`; `/away.atom` redirects to the newsroom `elsewhere`.
    Moved,
    /// The first feed request gets 429 with seconds, the second 429 with an HTTP-date, every later one 200.
    Slowdown,
    /// 200 and a challenge page where the feed should be.
    Wall,
    /// Broken items between good ones; `/ajar.rss` is well-formed with odd items; `/cut.rss` ends in the middle of an item.
    Malformed,
    /// 401 with `WWW-Authenticate`.
    Login,
    /// 403.
    Forbidden,
    /// Takes part in the planted wave, as outlet 0, 1 or 2.
    Mirror(usize),
}

/// How older entries can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// They cannot.
    None,
    /// RFC 5005, section 4: `prev-archive` to documents of five entries that no longer move.
    Archive,
    /// RFC 5005, section 3 (`next`), or `next_url` in JSON Feed: pages as long as the window, which move.
    Next,
}

/// Names nothing and disallows nothing.
const ALLOW: Robots = Robots::Text("User-agent: *\nAllow: /\n");

impl Newsroom {
    /// A newsroom without oddities: Atom, English, 6 entries at first and 2 a round, of which 10 stand in the feed.
    pub fn plain(name: &'static str, title: &'static str, about: &'static str) -> Newsroom {
        Newsroom {
            name,
            title,
            about,
            lang: Lang::En,
            feed: "/news.atom",
            format: Format::Atom,
            robots: ALLOW,
            mood: Mood::Honest,
            pace: Pace { start: 6, per_round: 2, window: 10 },
            edits: false,
            deletes: false,
            pages: true,
            gzip: false,
            paging: Paging::None,
        }
    }

    /// The host its content names: under example.org, which is reserved (RFC 2606) and never served.
    pub fn site(&self) -> String {
        format!("{}.example.org", self.name)
    }

    /// The whole cast.
    pub fn all() -> Vec<Newsroom> {
        let mut cast = good();
        cast.extend(odd());
        cast
    }

    /// The newsrooms of the cast with these names, in the cast's order; unknown names are ignored.
    pub fn named(names: &[&str]) -> Vec<Newsroom> {
        Newsroom::all().into_iter().filter(|room| names.contains(&room.name)).collect()
    }
}

/// Those that serve as they should.
fn good() -> Vec<Newsroom> {
    vec![
        Newsroom {
            pace: Pace { start: 18, per_round: 2, window: 8 },
            edits: true,
            deletes: true,
            paging: Paging::Archive,
            ..Newsroom::plain("harbour", "The Harbour Bell", "Atom with edits, deletions and an archive")
        },
        Newsroom {
            lang: Lang::Fr,
            feed: "/fil.rss",
            format: Format::Rss2Relative,
            robots: Robots::Text("User-agent: *\nDisallow: /\n\nUser-agent: Vigie\nDisallow: /brouillons/\nAllow: /\n"),
            gzip: true,
            paging: Paging::Next,
            pace: Pace { start: 25, per_round: 2, window: 10 },
            ..Newsroom::plain(
                "riviere",
                "Le Courrier de la Rivière",
                "RSS 2.0 with relative links, open to Vigie alone, gzip, paged",
            )
        },
        Newsroom {
            lang: Lang::Ru,
            feed: "/lenta.rss",
            format: Format::Rss2Cyrillic,
            robots: Robots::Status(404),
            edits: true,
            ..Newsroom::plain("mayak", "Береговой маяк", "RSS 2.0 in windows-1251, without robots.txt")
        },
        Newsroom {
            lang: Lang::Zh,
            feed: "/feed.json",
            format: Format::Json,
            robots: Robots::Text("User-agent: *\nDisallow: /drafts/\nDisallow: /*?print=\n"),
            gzip: true,
            paging: Paging::Next,
            pace: Pace { start: 14, per_round: 2, window: 10 },
            ..Newsroom::plain("dengta", "灯塔晚报", "JSON Feed 1.1, part of the site closed to robots, gzip, paged")
        },
        Newsroom {
            feed: "/index.rdf",
            format: Format::Rdf,
            robots: Robots::Text("User-agent: *\nCrawl-delay: 1\nAllow: /\n"),
            pages: false,
            ..Newsroom::plain("quarry", "Quarry Road Notes", "RSS 1.0, asks for a pause between requests")
        },
        Newsroom {
            feed: "/headlines.xml",
            format: Format::Rss091,
            robots: Robots::Text(""),
            pace: Pace { start: 6, per_round: 1, window: 15 },
            pages: false,
            ..Newsroom::plain("oldpress", "The Old Press", "RSS 0.91 without ids or dates, robots.txt empty")
        },
        Newsroom {
            pace: Pace { start: 5, per_round: 9, window: 5 },
            robots: Robots::Text("\u{feff}# all welcome\r\nUser-Agent: *\r\nAllow: /\r\n"),
            ..Newsroom::plain(
                "fast",
                "Fast Wire",
                "nine new entries a round in a feed of five: entries are lost between polls",
            )
        },
        Newsroom {
            pace: Pace { start: 0, per_round: 0, window: 10 },
            ..Newsroom::plain("empty", "The Empty Page", "a valid feed without entries")
        },
        mirror("mirror-a", "Mirror of the Coast", Lang::En, 0),
        mirror("mirror-b", "Miroir du Large", Lang::Fr, 1),
        mirror("mirror-c", "Зеркало побережья", Lang::Ru, 2),
    ]
}

/// Those that test a collector's patience.
fn odd() -> Vec<Newsroom> {
    let plain = Newsroom::plain;
    vec![
        Newsroom {
            mood: Mood::Liar,
            robots: Robots::Status(404),
            ..plain("liar", "The Steady Tag", "an ETag that never changes, and one that always does")
        },
        Newsroom {
            mood: Mood::Moved,
            ..plain("moved", "The Moved Desk", "redirects: one for good, one to where nobody may go")
        },
        Newsroom {
            mood: Mood::Slowdown,
            ..plain("slowdown", "The Slow Door", "429 with seconds, 429 with a date, then the feed")
        },
        Newsroom {
            mood: Mood::Wall,
            ..plain("wall", "The Wall", "a challenge page with status 200 instead of the feed")
        },
        Newsroom {
            robots: Robots::Text("User-agent: *\nDisallow: /\n"),
            ..plain("closed", "The Closed Gate", "robots.txt disallows everything")
        },
        Newsroom {
            robots: Robots::Status(503),
            ..plain("broken-robots", "The Broken Gate", "robots.txt answers 503, which forbids everything")
        },
        Newsroom {
            feed: "/news.rss",
            mood: Mood::Malformed,
            ..plain("malformed", "The Torn Page", "a broken item between good ones, a bare ampersand, impossible dates")
        },
        Newsroom { mood: Mood::Login, ..plain("login", "Members Only", "401") },
        Newsroom {
            mood: Mood::Forbidden,
            robots: Robots::Status(403),
            ..plain("forbidden", "No Entry", "403, for robots.txt as well")
        },
        plain(
            "elsewhere",
            "Elsewhere",
            "where `moved` redirects to; no entry should permit it and its log should stay empty",
        ),
    ]
}

fn mirror(name: &'static str, title: &'static str, lang: Lang, outlet: usize) -> Newsroom {
    Newsroom {
        lang,
        mood: Mood::Mirror(outlet),
        pace: Pace { start: 4, per_round: 1, window: 20 },
        ..Newsroom::plain(name, title, "one of three outlets that carry the planted wave")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_for_paths() {
        let mut names: Vec<_> = Newsroom::all().iter().map(|room| room.name).collect();
        assert_eq!(names.len(), 21);
        assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '-')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 21);
    }
}
