//! Which queries would somebody ask of these records? Draws them at random from what the records hold, the same ones for the same seed.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemas::record::Record;

use super::field::{Field, Has, Is, Link, Seen, Unit, kind_word};
use super::{Expr, Query, Text};
use crate::search::analyser;

/// A source of random queries.
#[derive(Clone, Debug)]
pub struct Generator {
    state: u64,
    /// Texts to draw words and phrases from.
    texts: Vec<String>,
    /// Facts to ask for.
    fields: Vec<Field>,
}

impl Generator {
    /// Draws from these records, each with the entry it was collected under.
    pub fn of<'a>(records: impl IntoIterator<Item = (&'a Record, &'a str)>, seed: u64) -> Self {
        let mut made = Self { state: seed ^ 0x9e37_79b9_7f4a_7c15, texts: Vec::new(), fields: Vec::new() };
        for (record, entry) in records {
            made.learn(record, entry);
        }
        made.fields.extend([Has::Media, Has::Text, Has::Edit, Has::Title].map(Field::Has));
        made.fields.extend([Is::Gone, Is::Vanished, Is::Revised, Is::Late, Is::Trial].map(Field::Is));
        made.fields.extend(
            [(6, Unit::Hour), (7, Unit::Day), (3, Unit::Week), (90, Unit::Minute)]
                .map(|(amount, unit)| Field::Seen(Seen::Within { amount, unit })),
        );
        made
    }

    fn learn(&mut self, record: &Record, entry: &str) {
        self.texts.extend(record.title.iter().chain(&record.text).cloned());
        self.texts.extend(crate::search::index::about(record).into_iter().map(str::to_owned));
        let mut learned = vec![
            Field::Platform(record.platform.to_lowercase()),
            Field::Source(entry.to_owned()),
            Field::Id(record.id.clone()),
        ];
        learned.extend(Field::parse("kind", kind_word(record.kind)).ok());
        if let Some(language) = &record.language {
            let language = language.to_lowercase();
            learned.extend(language.split('-').next().map(|main| Field::Language(main.to_owned())));
            learned.push(Field::Language(language));
        }
        if let Some(author) = &record.author {
            learned
                .extend([&author.id, &author.handle, &author.name].into_iter().flatten().cloned().map(Field::Author));
        }
        learned.extend(record.tags.iter().cloned().map(Field::Tag));
        for address in record.url.iter().chain(&record.links) {
            if let Ok(link) = Field::parse("link", address) {
                if let Field::Link(Link::Address { address, .. }) = &link {
                    let host = address.split(['/', '?']).next().unwrap_or_default().to_owned();
                    let beginning: String = address.chars().take(host.chars().count() + 3).collect();
                    learned.push(Field::Link(Link::Host(host)));
                    learned.extend(Field::parse("link", &format!("{beginning}*")).ok());
                }
                learned.push(link);
            }
        }
        if let Some(at) = record.published_at.as_ref().and_then(|claimed| claimed.at) {
            let day: Date = at.to_zoned(TimeZone::UTC).date();
            learned.extend(day.to_zoned(TimeZone::UTC).map(|midnight| Field::Before(midnight.timestamp())));
            learned.extend([Field::After(at), Field::Before(at), Field::Seen(Seen::Days { first: day, last: day })]);
        }
        // Values without letters can't be written.
        learned.retain(|field| !field.to_string().ends_with(':') && !field.to_string().ends_with("\"\""));
        self.fields.extend(learned);
    }

    /// The next query; asks for everything if there is nothing to draw from.
    pub fn query(&mut self) -> Query {
        match self.expr(3) {
            Some(expr) => Query::of(expr),
            None => Query::everything(),
        }
    }

    fn expr(&mut self, depth: usize) -> Option<Expr> {
        let choice = if depth == 0 { self.below(5) } else { self.below(10) };
        match choice {
            0..=2 => self.text(),
            3 | 4 => self.fact(),
            5 | 6 => {
                let parts = self.parts(depth);
                Expr::all(parts)
            }
            7 | 8 => {
                let parts = self.parts(depth);
                Expr::any(parts)
            }
            _ => self.expr(depth.saturating_sub(1)).map(Expr::not),
        }
    }

    fn parts(&mut self, depth: usize) -> Vec<Expr> {
        let count = 2 + self.below(2);
        (0..count).filter_map(|_| self.expr(depth.saturating_sub(1))).collect()
    }

    fn fact(&mut self) -> Option<Expr> {
        let number = self.below(self.fields.len());
        self.fields.get(number).cloned().map(Expr::Field)
    }

    fn text(&mut self) -> Option<Expr> {
        let number = self.below(self.texts.len());
        let text = self.texts.get(number)?.clone();
        let words: Vec<&str> = text.split_whitespace().collect();
        let from = self.below(words.len());
        let count = if self.below(3) == 0 { 1 + self.below(4) } else { 1 };
        let mut words = words.iter().skip(from).take(count).copied().collect::<Vec<_>>().join(" ");
        let mut is_prefix = false;
        match self.below(6) {
            // The beginning of a word, or a part of a run without spaces.
            0 => {
                let keep = 1 + self.below(words.chars().count());
                words = words.chars().take(keep).collect();
                is_prefix = true;
            }
            1 => {
                let skip = self.below(words.chars().count());
                let keep = 1 + self.below(3);
                words = words.chars().skip(skip).take(keep).collect();
            }
            2 => words = words.to_uppercase(),
            _ => {}
        }
        let in_title = self.below(8) == 0;
        if analyser::atoms(&words).is_empty() {
            return None;
        }
        Some(Expr::Text(Text { words, is_prefix, in_title }))
    }

    /// A number below `end`, 0 for an empty range (SplitMix64).
    fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let end = u64::try_from(end).unwrap_or(u64::MAX);
        mixed.checked_rem(end).and_then(|rest| usize::try_from(rest).ok()).unwrap_or_default()
    }
}
