//! What has a newsroom published, round by round? A pure function of seed, newsroom, calendar and number of rounds.

use jiff::{SignedDuration, Timestamp};

use crate::dice::Dice;
use crate::newsroom::{Format, Mood, Newsroom};
use crate::wave;
use crate::words::{self, Lang};

/// Tombstones kept in a feed: the newest five, so that a deletion is told for a while and not for ever.
const TOMBSTONES: usize = 5;

/// How far apart the entries from before the opening are.
const BACKLOG_STEP_HOURS: i64 = 3;

/// When rounds happen, by the content's own clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar {
    pub epoch: Timestamp,
    pub step_secs: u32,
    /// No round is later than this row of moments: when round 0 really is, and the seconds from one to the next.
    pub latest: Option<(Timestamp, u32)>,
}

impl Calendar {
    pub fn at(self, round: u32) -> Timestamp {
        let row = |(first, step): (Timestamp, u32)| later(first, i64::from(round).saturating_mul(i64::from(step)));
        let told = row((self.epoch, self.step_secs));
        self.latest.map_or(told, |real| row(real).min(told))
    }
}

fn later(than: Timestamp, secs: i64) -> Timestamp {
    than.checked_add(SignedDuration::from_secs(secs)).unwrap_or(than)
}

#[cfg(test)]
mod calendar {
    use super::Calendar;

    #[test]
    fn a_round_is_never_told_later_than_it_is() {
        let at = |text: &str| text.parse().unwrap();
        let days = Calendar {
            epoch: at("2026-10-01T00:00:00Z"),
            step_secs: 86_400,
            latest: Some((at("2026-10-03T12:00:00Z"), 8)),
        };
        assert_eq!(days.at(2), at("2026-10-03T00:00:00Z"));
        assert_eq!(days.at(3), at("2026-10-03T12:00:24Z"));
        assert_eq!(days.at(4), at("2026-10-03T12:00:32Z"));
    }
}

/// One thing published, with all its wordings.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub number: u64,
    /// As the feed gives it.
    pub id: String,
    pub lang: Lang,
    pub author: String,
    pub tag: String,
    pub round: u32,
    pub published_at: Timestamp,
    /// Oldest first, never empty once built.
    pub versions: Vec<Version>,
    pub deleted: Option<(u32, Timestamp)>,
    /// The planted wave it belongs to.
    pub wave: Option<String>,
    /// An address outside that the text refers to.
    pub source: Option<String>,
    /// The rounds in which it stood in the main feed.
    pub visible: Vec<u32>,
}

/// One wording.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub round: u32,
    pub at: Timestamp,
    pub title: String,
    pub paragraphs: Vec<String>,
}

impl Entry {
    pub fn now(&self) -> &Version {
        self.versions.last().unwrap_or_else(|| unreachable!("an entry is built with its first version"))
    }

    pub fn title(&self) -> &str {
        &self.now().title
    }

    pub fn updated_at(&self) -> Timestamp {
        self.now().at
    }

    /// The paragraphs as HTML, with a reference to the source if there is one.
    pub fn html(&self, link: Option<&str>) -> String {
        let mut html: String =
            self.now().paragraphs.iter().map(|one| format!("<p>{}</p>", crate::formats::esc(one))).collect();
        for target in self.source.as_deref().into_iter().chain(link) {
            html.push_str(&format!("<p><a href=\"{0}\">{0}</a></p>", crate::formats::esc(target)));
        }
        html
    }

    /// The paragraphs as plain text.
    pub fn text(&self) -> String {
        self.now().paragraphs.join("\n\n")
    }

    pub fn stands(&self) -> bool {
        self.deleted.is_none()
    }
}

/// Everything one newsroom has published up to a round.
#[derive(Clone, Debug)]
pub(crate) struct History {
    room: Newsroom,
    seed: u64,
    calendar: Calendar,
    pub round: u32,
    pub entries: Vec<Entry>,
    /// When the main feed last changed.
    pub changed_at: Timestamp,
}

impl History {
    pub fn open(room: &Newsroom, seed: u64, calendar: Calendar) -> History {
        let mut history =
            History { room: room.clone(), seed, calendar, round: 0, entries: Vec::new(), changed_at: calendar.at(0) };
        let start = i64::try_from(room.pace.start).unwrap_or(0);
        for before in (1..=start).rev() {
            history.publish(later(calendar.at(0), -before * BACKLOG_STEP_HOURS * 3600));
        }
        history.note_visible();
        history
    }

    pub fn advance(&mut self) {
        self.round = self.round.saturating_add(1);
        let at = self.calendar.at(self.round);
        let before = self.entries.len();
        let fresh = i64::try_from(self.room.pace.per_round).unwrap_or(0);
        for left in (0..fresh).rev() {
            self.publish(later(at, -left));
        }
        if let Mood::Mirror(outlet) = self.room.mood {
            for post in wave::posts(self.round, outlet) {
                self.publish_wave(post, at);
            }
        }
        let mut changed = self.entries.len() > before;
        if self.room.edits && self.round >= 2 && self.round.is_multiple_of(2) {
            changed |= self.edit(at);
        }
        if self.room.deletes && self.round.is_multiple_of(3) {
            changed |= self.delete(at);
        }
        if changed {
            self.changed_at = at;
        }
        self.note_visible();
    }

    /// The entries in the main feed, newest first; `page` counts from 1.
    pub fn page(&self, page: usize) -> Vec<&Entry> {
        let skip = page.saturating_sub(1).saturating_mul(self.room.pace.window);
        self.entries.iter().rev().filter(|entry| entry.stands()).skip(skip).take(self.room.pace.window).collect()
    }

    /// The newest deleted entries, for tombstones.
    pub fn graves(&self) -> Vec<&Entry> {
        self.entries.iter().rev().filter(|entry| !entry.stands()).take(TOMBSTONES).collect()
    }

    fn publish(&mut self, at: Timestamp) {
        let number = self.next_number();
        let mut dice = Dice::of(self.seed, self.room.name, number);
        let text = words::write(self.room.lang, &mut dice);
        let version = Version { round: self.round, at, title: text.title, paragraphs: text.paragraphs };
        self.entries.push(Entry {
            number,
            id: self.id(number),
            lang: self.room.lang,
            author: text.author,
            tag: text.tag,
            round: self.round,
            published_at: at,
            versions: vec![version],
            deleted: None,
            wave: None,
            source: None,
            visible: Vec::new(),
        });
    }

    fn publish_wave(&mut self, post: wave::Post, at: Timestamp) {
        let number = self.next_number();
        let version = Version { round: self.round, at, title: post.title, paragraphs: post.paragraphs };
        self.entries.push(Entry {
            number,
            id: self.id(number),
            lang: post.lang,
            author: "Editors".to_owned(),
            tag: "coast".to_owned(),
            round: self.round,
            published_at: at,
            versions: vec![version],
            deleted: None,
            wave: Some(post.wave),
            source: Some(post.source),
            visible: Vec::new(),
        });
    }

    fn next_number(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn id(&self, number: u64) -> String {
        let site = self.room.site();
        match self.room.format {
            Format::Atom => format!("tag:{site},2026:{number}"),
            Format::Rss2Relative => format!("https://{site}/?p={number}"),
            Format::Rss2Cyrillic | Format::Json => format!("{}-{number}", self.room.name),
            Format::Rdf | Format::Rss091 => format!("https://{site}/articles/{number}"),
        }
    }

    /// Corrects the first entry of the round before. Every second correction changes the title as well.
    fn edit(&mut self, at: Timestamp) -> bool {
        let (round, room) = (self.round, &self.room);
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.stands() && entry.round + 1 == round) else {
            return false;
        };
        let mut dice = Dice::of(self.seed, &format!("{} edit", room.name), entry.number);
        let mut paragraphs = entry.now().paragraphs.clone();
        paragraphs.push(words::correction(entry.lang, &mut dice));
        let mut title = entry.title().to_owned();
        if round.is_multiple_of(4) {
            title = format!("{title} (2)");
        }
        entry.versions.push(Version { round, at, title, paragraphs });
        true
    }

    fn delete(&mut self, at: Timestamp) -> bool {
        let round = self.round;
        match self.entries.iter_mut().rev().find(|entry| entry.stands() && entry.round + 1 == round) {
            Some(entry) => {
                entry.deleted = Some((round, at));
                true
            }
            None => false,
        }
    }

    fn note_visible(&mut self) {
        let round = self.round;
        let window = self.room.pace.window;
        for entry in self.entries.iter_mut().rev().filter(|entry| entry.stands()).take(window) {
            entry.visible.push(round);
        }
    }
}
