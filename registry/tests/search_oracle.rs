//! The same queries, asked of the index and of a loop over all records: the answers must be equal, page by page and count by count.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod search_world;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use registry::search::analyser::{self, Atom};
use registry::search::index::about;
use registry::search::query::field::{Has, Is, Link, address_key, host_key, kind_word};
use registry::search::query::generator::Generator;
use registry::search::query::{Expr, Field, Text};
use registry::search::{Answer, Count, Options, Order, Query, Search};
use search_world::{Item, Version, World, corpus, now, row, time_of};
use url::Url;

/// A version that the loop looks at.
struct Seen<'a> {
    row: i64,
    item: &'a Item,
    version: &'a Version,
    time: Timestamp,
}

fn everything(items: &[Item], every_version: bool) -> Vec<Seen<'_>> {
    let mut out = Vec::new();
    for (number, item) in items.iter().enumerate() {
        for (position, version) in item.versions.iter().enumerate() {
            if every_version || position + 1 == item.versions.len() {
                out.push(Seen { row: row(number, position), item, version, time: time_of(version).0 });
            }
        }
    }
    out.sort_by_key(|seen| std::cmp::Reverse((seen.time, seen.row)));
    out
}

fn holds(expr: &Expr, seen: &Seen<'_>) -> bool {
    match expr {
        Expr::And(parts) => parts.iter().all(|part| holds(part, seen)),
        Expr::Or(parts) => parts.iter().any(|part| holds(part, seen)),
        Expr::Not(part) => !holds(part, seen),
        Expr::Text(text) => says(text, seen),
        Expr::Field(field) => is(field, seen),
    }
}

fn says(text: &Text, seen: &Seen<'_>) -> bool {
    let record = &seen.version.record;
    let mut texts: Vec<&str> = record.title.iter().map(String::as_str).collect();
    if !text.in_title {
        texts.extend(record.text.as_deref());
        texts.extend(about(record));
    }
    let wanted = analyser::atoms(&text.words);
    texts.iter().any(|hay| with_atoms(hay, |hay| stands_in(hay, &wanted, text.is_prefix)))
}

/// Cuts each text of the corpus once.
fn with_atoms(text: &str, look: impl FnOnce(&[Atom]) -> bool) -> bool {
    thread_local! {
        static CUT: RefCell<HashMap<String, Vec<Atom>>> = RefCell::default();
    }
    CUT.with_borrow_mut(|cut| {
        if !cut.contains_key(text) {
            cut.insert(text.to_owned(), analyser::atoms(text));
        }
        look(&cut[text])
    })
}

/// Words side by side; characters of one run only inside one run; the last word perhaps a beginning.
fn stands_in(hay: &[Atom], wanted: &[Atom], is_prefix: bool) -> bool {
    !wanted.is_empty()
        && hay.windows(wanted.len()).any(|window| {
            window.iter().zip(wanted).enumerate().all(|(at, (found, wanted_atom))| {
                let is_last = at + 1 == wanted.len();
                let same = found.text == wanted_atom.text
                    || (is_prefix && is_last && !wanted_atom.is_cjk && found.text.starts_with(&wanted_atom.text));
                same && (at == 0 || found.is_joined == wanted_atom.is_joined)
            })
        })
}

fn is(field: &Field, seen: &Seen<'_>) -> bool {
    let record = &seen.version.record;
    let same = |ours: &str, asked: &str, sign: char| {
        analyser::fold(ours.trim_start_matches(sign)) == analyser::fold(asked.trim_start_matches(sign))
    };
    match field {
        Field::Platform(platform) => record.platform == *platform,
        Field::Source(entry) => seen.item.entry == *entry,
        Field::Id(id) => record.id == *id,
        Field::Kind(kind) => kind_word(record.kind) == kind_word(*kind),
        Field::Language(asked) => {
            let language = record.language.clone().unwrap_or_default().to_lowercase();
            language == *asked || language.starts_with(&format!("{asked}-"))
        }
        Field::Author(asked) => record.author.as_ref().is_some_and(|author| {
            [&author.id, &author.handle, &author.name].into_iter().flatten().any(|ours| same(ours, asked, '@'))
        }),
        Field::Tag(asked) => record.tags.iter().any(|tag| same(tag, asked, '#')),
        Field::Link(link) => {
            let addresses = record.url.iter().chain(&record.links).chain(record.media.iter().map(|media| &media.url));
            addresses.filter_map(|text| Url::parse(text).ok()).any(|url| match link {
                Link::Host(host) => {
                    host_key(&url).is_some_and(|ours| ours == *host || ours.ends_with(&format!(".{host}")))
                }
                Link::Address { address, is_prefix: true } => {
                    address_key(&url).is_some_and(|ours| ours.starts_with(address.as_str()))
                }
                Link::Address { address, is_prefix: false } => address_key(&url).as_ref() == Some(address),
            })
        }
        Field::After(at) => seen.time >= *at,
        Field::Before(at) => seen.time < *at,
        Field::Seen(when) => {
            let (from, to) = when.bounds(now());
            (from..to).contains(&seen.version.first_seen_at)
        }
        Field::Has(Has::Media) => !record.media.is_empty(),
        Field::Has(Has::Text) => record.text.is_some(),
        Field::Has(Has::Edit) => record.edited_at.is_some(),
        Field::Has(Has::Title) => record.title.is_some(),
        Field::Is(Is::Gone) => seen.item.is_gone,
        Field::Is(Is::Vanished) => seen.item.is_vanished,
        Field::Is(Is::Revised) => seen.item.versions.len() > 1,
        Field::Is(Is::Late) => seen.version.is_late,
        Field::Is(Is::Trial) => false,
    }
}

fn counts<'a>(values: impl Iterator<Item = &'a str>) -> Vec<Count> {
    let mut found: BTreeMap<&str, u64> = BTreeMap::new();
    for value in values {
        *found.entry(value).or_default() += 1;
    }
    let mut out: Vec<Count> =
        found.into_iter().map(|(value, count)| Count { value: value.to_owned(), count }).collect();
    out.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    out
}

fn pages(world: &World, query: &Query, options: &Options) -> (Vec<i64>, Answer) {
    let mut options = options.clone();
    let mut rows = Vec::new();
    let first = Search::run(&world.connection, query, &options).unwrap_or_else(|why| panic!("{query}: {why:?}"));
    let mut answer = first.clone();
    loop {
        rows.extend(answer.hits.iter().map(|hit| hit.revision));
        let Some(next) = answer.next else {
            return (rows, first);
        };
        options.cursor = Some(next);
        answer = Search::run(&world.connection, query, &options).unwrap();
        assert_eq!(answer.total, first.total);
    }
}

#[test]
fn a_thousand_drawn_queries_have_the_answers_of_a_plain_loop() {
    let world = World::of(corpus());
    let records =
        world.items.iter().flat_map(|item| item.versions.iter().map(|version| (&version.record, item.entry.as_str())));
    let mut draw = Generator::of(records, 7);
    let (mut with_hits, mut with_words) = (0, 0);
    for number in 0..1000_u32 {
        let query = draw.query();
        let every_version = number % 4 == 0;
        let all = everything(&world.items, every_version);
        let expected: Vec<&Seen<'_>> =
            all.iter().filter(|seen| query.expr().is_none_or(|expr| holds(expr, seen))).collect();
        let expected_rows: Vec<i64> = expected.iter().map(|seen| seen.row).collect();
        let options = Options { limit: 7 + number % 40, facets: true, every_version, ..Options::at(now()) };
        let (rows, answer) = pages(&world, &query, &options);
        assert_eq!(rows, expected_rows, "{query}");
        assert_eq!(answer.total, expected_rows.len() as u64, "{query}");
        assert_eq!(Query::parse(&answer.query).as_ref(), Ok(&query));
        let facets = answer.facets.unwrap();
        assert_eq!(
            facets.platform,
            counts(expected.iter().map(|seen| seen.version.record.platform.as_str())),
            "{query}"
        );
        assert_eq!(facets.source, counts(expected.iter().map(|seen| seen.item.entry.as_str())), "{query}");
        assert_eq!(facets.kind, counts(expected.iter().map(|seen| kind_word(seen.version.record.kind))), "{query}");
        let languages: Vec<String> = expected
            .iter()
            .map(|seen| seen.version.record.language.clone().unwrap_or_default().to_lowercase())
            .collect();
        assert_eq!(facets.language, counts(languages.iter().map(String::as_str)), "{query}");
        let days: Vec<String> =
            expected.iter().map(|seen| seen.time.to_zoned(TimeZone::UTC).date().to_string()).collect();
        let mut by_day = counts(days.iter().map(String::as_str));
        by_day.sort_by(|a, b| a.value.cmp(&b.value));
        assert_eq!(facets.day, by_day, "{query}");

        let (mut ranked, _) = pages(&world, &query, &Options { order: Order::Relevance, facets: false, ..options });
        ranked.sort_unstable();
        let mut sorted = expected_rows.clone();
        sorted.sort_unstable();
        assert_eq!(ranked, sorted, "by relevance: {query}");
        with_hits += u32::from(!expected_rows.is_empty());
        with_words += u32::from(!query.wanted_words().is_empty() && !expected_rows.is_empty());
    }
    assert!(with_hits > 600 && with_words > 300, "{with_hits} queries had hits, {with_words} of them words");
}
