//! What does a newsroom answer? Its state, and a function from request to reply.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use jiff::{SignedDuration, Timestamp};

use crate::formats::{Doc, http_date};
use crate::history::{Calendar, History};
use crate::newsroom::{Format, Mood, Newsroom, Paging, Robots};
use crate::reply::{Asked, Reply};
use crate::seen::Log;
use crate::{odd, page};

/// Entries in one archive document.
const ARCHIVE_ENTRIES: usize = 5;

/// How long `slowdown` asks clients to wait, in seconds: long enough to be noticed, short enough for a test.
pub(crate) const RETRY_AFTER_SECS: u32 = 2;

/// A newsroom at work.
pub(crate) struct Site {
    pub room: Newsroom,
    pub log: Log,
    /// Where `moved` sends those it sends away: the base of `elsewhere`.
    pub elsewhere: String,
    history: RwLock<History>,
    asked_for_feed: AtomicU64,
}

impl Site {
    pub fn new(room: Newsroom, seed: u64, calendar: Calendar, elsewhere: String) -> Site {
        let history = RwLock::new(History::open(&room, seed, calendar));
        Site { room, log: Log::default(), elsewhere, history, asked_for_feed: AtomicU64::new(0) }
    }

    pub fn history(&self) -> RwLockReadGuard<'_, History> {
        self.history.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn advance(&self) {
        self.history.write().unwrap_or_else(PoisonError::into_inner).advance();
    }

    /// Answers as if reached under `base`.
    pub fn answer(&self, base: &str, asked: &Asked) -> Reply {
        if !matches!(asked.method.as_str(), "GET" | "HEAD") {
            return Reply::text(405, "only GET and HEAD\n").with("allow", "GET, HEAD");
        }
        if asked.path == "/robots.txt" {
            return self.robots();
        }
        match self.room.mood {
            Mood::Login => return odd::login(),
            Mood::Forbidden => {
                return Reply::html(403, "<!doctype html><title>Forbidden</title><h1>Forbidden</h1>\n");
            }
            Mood::Wall => return Reply::html(200, page::challenge(&self.room.site())),
            _ => {}
        }
        let reply = if asked.path == self.room.feed { self.feed(base, asked) } else { self.other(base, asked) };
        if self.room.gzip { reply.gzip(asked) } else { reply }
    }

    fn robots(&self) -> Reply {
        match self.room.robots {
            Robots::Text(text) => Reply::text(200, text),
            Robots::Status(status) => Reply::text(status, "no robots.txt today\n"),
        }
    }

    fn feed(&self, base: &str, asked: &Asked) -> Reply {
        match self.room.mood {
            Mood::Moved => Reply::redirect(301, &format!("{base}/feeds/current.atom")),
            Mood::Liar => odd::steady(self.document(base, asked), asked),
            Mood::Slowdown => {
                let wait = SignedDuration::from_secs(i64::from(RETRY_AFTER_SECS));
                match self.asked_for_feed.fetch_add(1, Ordering::Relaxed) {
                    0 => odd::too_many(&RETRY_AFTER_SECS.to_string()),
                    1 => odd::too_many(&http_date(Timestamp::now() + wait)),
                    _ => self.honest(base, asked),
                }
            }
            Mood::Malformed => odd::torn(&self.room, &self.history()).conditional(asked, &self.changed()),
            _ => self.honest(base, asked),
        }
    }

    fn other(&self, base: &str, asked: &Asked) -> Reply {
        match (self.room.mood, asked.path.as_str()) {
            (Mood::Moved, "/feeds/current.atom") => return self.honest(base, asked),
            (Mood::Moved, "/away.atom") => {
                return Reply::redirect(302, &format!("{}/news.atom", self.elsewhere));
            }
            (Mood::Liar, "/twitchy.atom") => {
                let count = self.asked_for_feed.fetch_add(1, Ordering::Relaxed);
                return self.document(base, asked).with("etag", &format!("\"t{count}\""));
            }
            (Mood::Malformed, "/ajar.rss") => return odd::ajar(&self.room, &self.history()),
            (Mood::Malformed, "/cut.rss") => return odd::cut(&self.room, &self.history()),
            _ => {}
        }
        let history = self.history();
        let numbered = |before: &str, after: &str| -> Option<usize> {
            asked.path.strip_prefix(before)?.strip_suffix(after)?.parse().ok().filter(|number| *number > 0)
        };
        if asked.path == "/" {
            return Reply::html(200, page::front(&self.room, base, &history));
        }
        if asked.path == "/sitemap.xml" && self.room.pages {
            return Reply::new(200, "application/xml", page::sitemap(base, &history));
        }
        if let (true, Some(number)) = (self.room.pages, numbered("/articles/", "")) {
            return match history.entries.get(number - 1) {
                Some(entry) if entry.stands() => Reply::html(200, page::article(&self.room, base, entry))
                    .conditional(asked, &http_date(entry.updated_at())),
                Some(_) => Reply::html(410, "<!doctype html><title>Gone</title><h1>Gone</h1>\n"),
                None => not_found(),
            };
        }
        if let (Paging::Archive, Some(number)) = (self.room.paging, numbered("/archive/", ".atom")) {
            drop(history);
            return self.archive(base, asked, number);
        }
        // Closed to robots in `dengta` and `riviere`: a log without them is the proof that nobody looked.
        if asked.path.starts_with("/drafts/") || asked.path.starts_with("/brouillons/") {
            return Reply::html(200, "<!doctype html><title>Draft</title><p>not for robots</p>\n");
        }
        not_found()
    }

    /// The feed with validators that can be believed.
    fn honest(&self, base: &str, asked: &Asked) -> Reply {
        self.document(base, asked).conditional(asked, &self.changed())
    }

    fn changed(&self) -> String {
        http_date(self.history().changed_at)
    }

    fn document(&self, base: &str, asked: &Asked) -> Reply {
        let history = self.history();
        let page = asked.param("page").and_then(|page| page.parse().ok()).unwrap_or(1_usize).max(1);
        let paged = self.room.paging == Paging::Next;
        let page = if paged { page } else { 1 };
        let mut doc = Doc::main(&self.room, base, &history, page);
        let main = doc.own.clone();
        if paged && page > 1 {
            doc.own = format!("{main}?page={page}");
        }
        if paged && !history.page(page + 1).is_empty() {
            doc.links.push(("next", format!("{main}?page={}", page + 1)));
        }
        let archives = history.entries.len() / ARCHIVE_ENTRIES;
        if self.room.paging == Paging::Archive && archives > 0 {
            doc.links.push(("prev-archive", format!("{base}/archive/{archives}.atom")));
        }
        let (content_type, body) = doc.write();
        Reply::new(200, content_type, body)
    }

    /// Archive document `number`, counted from the oldest, which is 1. It exists once all its entries do.
    fn archive(&self, base: &str, asked: &Asked, number: usize) -> Reply {
        let history = self.history();
        let Some(entries) = history.entries.chunks_exact(ARCHIVE_ENTRIES).nth(number - 1) else {
            return not_found();
        };
        let address = |number: usize| format!("{base}/archive/{number}.atom");
        let mut links = vec![("current", format!("{base}{}", self.room.feed))];
        if number > 1 {
            links.push(("prev-archive", address(number - 1)));
        }
        if number < history.entries.len() / ARCHIVE_ENTRIES {
            links.push(("next-archive", address(number + 1)));
        }
        let last_change =
            entries.iter().filter_map(|entry| entry.deleted.map(|(_, at)| at).max(Some(entry.updated_at()))).max();
        let updated_at = last_change.unwrap_or(history.changed_at);
        let doc = Doc {
            room: &self.room,
            base,
            own: address(number),
            updated_at,
            entries: entries.iter().rev().filter(|entry| entry.stands()).collect(),
            graves: entries.iter().filter(|entry| !entry.stands()).collect(),
            links,
            archive: true,
        };
        let (content_type, body) = doc.write();
        debug_assert_eq!(self.room.format, Format::Atom, "archives are written in Atom only");
        Reply::new(200, content_type, body).conditional(asked, &http_date(updated_at))
    }
}

fn not_found() -> Reply {
    Reply::html(404, "<!doctype html><title>Not found</title><h1>Not found</h1>\n")
}
