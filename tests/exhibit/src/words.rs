//! What do the newsrooms write about? Invented towns, people and events, as templates in four languages.
//!
//! The templates are data, one file a language. A line is `key: value`; `place`, `org`, `person` and `day` list their
//! values between bars, and each `topic` owns the `title` and `line` templates after it. Nothing here names a real place.

use std::sync::LazyLock;

use serde::Serialize;

use crate::dice::Dice;

/// A language content is written in. Serialised as its BCP 47 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    En,
    /// French.
    Fr,
    /// Russian.
    Ru,
    /// Chinese, simplified characters.
    Zh,
}

impl Lang {
    /// All of them, for tests that must leave none out.
    pub const ALL: [Lang; 4] = [Lang::En, Lang::Fr, Lang::Ru, Lang::Zh];

    /// The BCP 47 code, as feeds declare it.
    pub fn code(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Fr => "fr",
            Lang::Ru => "ru",
            Lang::Zh => "zh",
        }
    }

    /// What stands between two sentences: nothing in Chinese, a space elsewhere.
    pub(crate) fn gap(self) -> &'static str {
        if self == Lang::Zh { "" } else { " " }
    }
}

/// One text as its author first wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub title: String,
    pub paragraphs: Vec<String>,
    pub author: String,
    pub tag: String,
}

#[derive(Default)]
struct Bank {
    places: Vec<&'static str>,
    orgs: Vec<&'static str>,
    persons: Vec<&'static str>,
    days: Vec<&'static str>,
    /// What leads over to the lines of other topics.
    apart: &'static str,
    fix: &'static str,
    also: Vec<&'static str>,
    topics: Vec<Topic>,
}

#[derive(Default)]
struct Topic {
    name: &'static str,
    titles: Vec<&'static str>,
    lines: Vec<&'static str>,
}

static BANKS: LazyLock<[Bank; 4]> = LazyLock::new(|| {
    [
        include_str!("words/en.txt"),
        include_str!("words/fr.txt"),
        include_str!("words/ru.txt"),
        include_str!("words/zh.txt"),
    ]
    .map(Bank::read)
});

fn bank(lang: Lang) -> &'static Bank {
    let [en, fr, ru, zh] = &*BANKS;
    match lang {
        Lang::En => en,
        Lang::Fr => fr,
        Lang::Ru => ru,
        Lang::Zh => zh,
    }
}

/// Writes one text. The same dice give the same text.
///
/// Two lines of its topic, one line each of two other topics, and a line that fits anywhere: enough to draw from that
/// texts on one topic stay clearly apart, and only the planted wave looks copied.
pub(crate) fn write(lang: Lang, dice: &mut Dice) -> Text {
    let bank = bank(lang);
    let count = bank.topics.len().max(1);
    let at = dice.below(count);
    let topic = |turn: usize| bank.topics.get((at + turn) % count);
    let line = |turn: usize, dice: &mut Dice| topic(turn).map_or("", |topic| dice.pick(&topic.lines));
    let mut slots = Slots::roll(bank, dice);
    let title = slots.fill(topic(0).map_or("", |topic| dice.pick(&topic.titles)));
    let lead: Vec<String> =
        topic(0).map_or(&[][..], |topic| &topic.lines).iter().map(|line| slots.fill(line)).collect();
    let (first, step) = (dice.below(lead.len()), 1 + dice.below(lead.len().saturating_sub(1)));
    let second = (first + step) % lead.len().max(1);
    let lead = [first.min(second), first.max(second)].map(|place| lead.get(place).cloned().unwrap_or_default());
    let turn = 1 + dice.below(count.saturating_sub(2));
    let mut apart = vec![bank.apart.to_owned()];
    for turn in [turn, turn + 1] {
        slots = Slots::roll(bank, dice);
        apart.push(slots.fill(line(turn, dice)));
    }
    let last = slots.fill(dice.pick(&bank.also));
    Text {
        title: capital(&title),
        paragraphs: vec![join(lang, &lead), join(lang, &apart), capital(&last)],
        author: dice.pick(&bank.persons).to_owned(),
        tag: topic(0).map_or("", |topic| topic.name).to_owned(),
    }
}

/// The sentence an editor adds when a figure was wrong.
pub(crate) fn correction(lang: Lang, dice: &mut Dice) -> String {
    let bank = bank(lang);
    Slots::roll(bank, dice).fill(bank.fix)
}

fn join(lang: Lang, sentences: &[String]) -> String {
    let sentences: Vec<String> = sentences.iter().map(|one| capital(one)).collect();
    sentences.join(lang.gap())
}

fn capital(sentence: &str) -> String {
    let mut chars = sentence.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

struct Slots {
    place: &'static str,
    org: &'static str,
    person: &'static str,
    day: &'static str,
    n: usize,
    m: usize,
}

impl Slots {
    fn roll(bank: &Bank, dice: &mut Dice) -> Slots {
        let mut slots = Slots {
            place: dice.pick(&bank.places),
            org: dice.pick(&bank.orgs),
            person: dice.pick(&bank.persons),
            day: dice.pick(&bank.days),
            n: 0,
            m: 0,
        };
        slots.reroll_numbers(dice);
        slots
    }

    fn reroll_numbers(&mut self, dice: &mut Dice) {
        self.n = 6 + dice.below(290);
        self.m = self.n + 2 + dice.below(90);
    }

    fn fill(&self, template: &str) -> String {
        template
            .replace("{place}", self.place)
            .replace("{org}", self.org)
            .replace("{person}", self.person)
            .replace("{day}", self.day)
            .replace("{n}", &self.n.to_string())
            .replace("{m}", &self.m.to_string())
    }
}

impl Bank {
    fn read(file: &'static str) -> Bank {
        let mut bank = Bank::default();
        for line in file.lines() {
            let Some((key, value)) = line.split_once(": ") else {
                continue;
            };
            let list = || value.split(" | ").collect();
            match key {
                "place" => bank.places = list(),
                "org" => bank.orgs = list(),
                "person" => bank.persons = list(),
                "day" => bank.days = list(),
                "apart" => bank.apart = value,
                "fix" => bank.fix = value,
                "also" => bank.also.push(value),
                "topic" => bank.topics.push(Topic { name: value, ..Topic::default() }),
                "title" => bank.topics.last_mut().into_iter().for_each(|topic| topic.titles.push(value)),
                "line" => bank.topics.last_mut().into_iter().for_each(|topic| topic.lines.push(value)),
                _ => {}
            }
        }
        bank
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_fills_every_slot() {
        for lang in Lang::ALL {
            let bank = bank(lang);
            assert!(bank.topics.len() >= 5, "{lang:?} has {} topics", bank.topics.len());
            for number in 0..200 {
                let mut dice = Dice::of(1, "words", number);
                let text = write(lang, &mut dice);
                let all = format!("{} {} {}", text.title, text.paragraphs.join(" "), correction(lang, &mut dice));
                assert!(!all.contains(['{', '}', '|']), "{lang:?}: {all}");
                assert!(text.title.chars().count() > 5 && text.paragraphs.iter().all(|one| one.chars().count() > 8));
            }
        }
    }

    #[test]
    fn no_line_of_a_word_file_is_left_unread() {
        for file in [
            include_str!("words/en.txt"),
            include_str!("words/fr.txt"),
            include_str!("words/ru.txt"),
            include_str!("words/zh.txt"),
        ] {
            for line in file.lines() {
                let key = line.split_once(": ").map_or("", |(key, _)| key);
                assert!(
                    ["place", "org", "person", "day", "apart", "fix", "also", "topic", "title", "line"].contains(&key),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn ordinary_texts_are_not_copies_of_each_other() {
        use std::collections::BTreeSet;
        for lang in Lang::ALL {
            let shingles = |number: u64| -> BTreeSet<String> {
                let text = write(lang, &mut Dice::of(1, "words", number)).paragraphs.join(" ");
                let parts: Vec<String> = match lang {
                    Lang::Zh => text.chars().map(String::from).collect(),
                    _ => text.split_whitespace().map(str::to_owned).collect(),
                };
                parts.windows(3).map(|three| three.join(" ")).collect()
            };
            let all: Vec<BTreeSet<String>> = (0..60).map(shingles).collect();
            for (place, one) in all.iter().enumerate() {
                for other in all.iter().take(place) {
                    let shared = one.intersection(other).count() * 100 / one.union(other).count();
                    assert!(shared < 60, "{lang:?}: {shared} % of three-word shingles shared");
                }
            }
        }
    }
}
