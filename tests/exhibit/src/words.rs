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
pub(crate) fn write(lang: Lang, dice: &mut Dice) -> Text {
    let bank = bank(lang);
    let nothing = Topic::default();
    let topic = bank
        .topics
        .get(dice.below(bank.topics.len()))
        .unwrap_or(&nothing);
    let mut slots = Slots::roll(bank, dice);
    let title = slots.fill(dice.pick(&topic.titles));
    let skipped = dice.below(topic.lines.len() + 1);
    let kept = topic
        .lines
        .iter()
        .enumerate()
        .filter(|(place, _)| *place != skipped);
    let lead: Vec<String> = kept.map(|(_, line)| slots.fill(line)).collect();
    slots.reroll_numbers(dice);
    let first = dice.below(bank.also.len().max(1));
    let tail: Vec<String> = [first, first + 2]
        .iter()
        .filter_map(|at| bank.also.get(at % bank.also.len().max(1)))
        .map(|line| slots.fill(line))
        .collect();
    Text {
        title: capital(&title),
        paragraphs: vec![join(lang, &lead), join(lang, &tail)],
        author: dice.pick(&bank.persons).to_owned(),
        tag: topic.name.to_owned(),
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
                "fix" => bank.fix = value,
                "also" => bank.also.push(value),
                "topic" => bank.topics.push(Topic {
                    name: value,
                    ..Topic::default()
                }),
                "title" => bank
                    .topics
                    .last_mut()
                    .into_iter()
                    .for_each(|topic| topic.titles.push(value)),
                "line" => bank
                    .topics
                    .last_mut()
                    .into_iter()
                    .for_each(|topic| topic.lines.push(value)),
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
            assert!(
                bank.topics.len() >= 5,
                "{lang:?} has {} topics",
                bank.topics.len()
            );
            for number in 0..200 {
                let mut dice = Dice::of(1, "words", number);
                let text = write(lang, &mut dice);
                let all = format!(
                    "{} {} {}",
                    text.title,
                    text.paragraphs.join(" "),
                    correction(lang, &mut dice)
                );
                assert!(!all.contains(['{', '}', '|']), "{lang:?}: {all}");
                assert!(
                    text.title.chars().count() > 5
                        && text.paragraphs.iter().all(|one| one.chars().count() > 15)
                );
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
                    [
                        "place", "org", "person", "day", "fix", "also", "topic", "title", "line"
                    ]
                    .contains(&key),
                    "{line}"
                );
            }
        }
    }
}
