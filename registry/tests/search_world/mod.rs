//! A registry with invented items in many languages, as far as search sees one.

#![allow(dead_code, reason = "each test uses its part of the world")]

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use registry::search::SqliteIndex;
use registry::search::index::Doc;
use rusqlite::{Connection, params};
use schemas::record::{Author, ClaimedTime, Kind, Media, Record};

/// The store's own tables.
const SCHEMA: &str = include_str!("../../src/core/store/index.sql");

/// One version of an item.
#[derive(Clone)]
pub struct Version {
    pub record: Record,
    pub first_seen_at: Timestamp,
    pub is_late: bool,
}

/// One item with all its versions; the last is current unless the item is gone.
#[derive(Clone)]
pub struct Item {
    pub versions: Vec<Version>,
    pub entry: String,
    pub is_gone: bool,
    pub is_vanished: bool,
}

pub struct World {
    pub connection: Connection,
    pub items: Vec<Item>,
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The moment at which queries are asked.
pub fn now() -> Timestamp {
    at("2026-10-20T12:00:00Z")
}

/// Row of a version: item and version number, so that rows are known without asking.
pub fn row(item: usize, version: usize) -> i64 {
    i64::try_from(item * 100 + version + 1).unwrap()
}

pub fn time_of(version: &Version) -> (Timestamp, bool) {
    let claim = version.record.published_at.as_ref().and_then(|claimed| claimed.at);
    match claim {
        Some(claim) if claim <= version.first_seen_at + SignedDuration::from_hours(24) => (claim, true),
        _ => (version.first_seen_at, false),
    }
}

impl World {
    pub fn of(items: Vec<Item>) -> Self {
        Self::on(Connection::open_in_memory().unwrap(), items)
    }

    pub fn in_file(path: &Path, items: Vec<Item>) -> Self {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON;").unwrap();
        Self::on(connection, items)
    }

    fn on(connection: Connection, items: Vec<Item>) -> Self {
        connection.execute_batch(SCHEMA).unwrap();
        connection.execute("UPDATE followed SET size = 41", []).unwrap();
        SqliteIndex.make(&connection).unwrap();
        let mut world = Self { connection, items: Vec::new() };
        for item in items {
            world.add(item);
        }
        world
    }

    pub fn add(&mut self, item: Item) {
        let number = self.items.len();
        let id = i64::try_from(number).unwrap() + 1;
        let tx = self.connection.transaction().unwrap();
        let last = item.versions.len() - 1;
        let first = &item.versions[0];
        let withdrawn = usize::from(item.is_gone);
        // Of what is gone, the words that were seen last.
        let shown = (0..=last).max_by_key(|version| (item.versions[*version].first_seen_at, *version)).unwrap();
        let shown = if item.is_gone { shown } else { last };
        tx.execute(
            "INSERT INTO items VALUES (?, ?, ?, 'example.org', 1, '', '', '', 1, ?, ?, ?, ?, ?, ?, ?)",
            params![
                id,
                first.record.platform,
                first.record.id,
                i64::try_from(item.versions.len() + withdrawn).unwrap(),
                i64::try_from(item.versions.len()).unwrap(),
                row(number, 0),
                row(number, last + withdrawn),
                row(number, shown),
                item.is_gone,
                item.is_vanished
            ],
        )
        .unwrap();
        let revision = "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, NULL)";
        for (version, what) in item.versions.iter().enumerate() {
            let (time, claimed) = time_of(what);
            let seen = what.first_seen_at.to_string();
            let text = serde_json::to_string(&what.record).unwrap();
            let cause = if what.is_late { "late" } else { "source" };
            let is_current = version == last && !item.is_gone;
            let (id_of_row, position) = (row(number, version), i64::try_from(version).unwrap() + 1);
            tx.execute(
                revision,
                params![
                    id_of_row,
                    id,
                    position,
                    text,
                    cause,
                    seen,
                    seen,
                    time.to_string(),
                    claimed,
                    is_current,
                    item.entry,
                    text
                ],
            )
            .unwrap();
            let doc = Doc {
                row: id_of_row,
                item: id,
                record: &what.record,
                entry: &item.entry,
                vantage: "example.org",
                home: true,
                first_seen_at: what.first_seen_at,
                time,
            };
            SqliteIndex.take_in(&tx, &doc).unwrap();
        }
        if item.is_gone {
            let none: Option<String> = None;
            let moment = now().to_string();
            let id_of_row = row(number, last + 1);
            tx.execute(
                revision,
                params![id_of_row, id, 99, none, "source", moment, moment, moment, false, true, item.entry, none],
            )
            .unwrap();
        }
        tx.commit().unwrap();
        self.items.push(item);
    }
}

/// An item with one version.
pub fn item(record: Record) -> Item {
    let first_seen_at = record
        .published_at
        .as_ref()
        .and_then(|claimed| claimed.at)
        .map_or(at("2026-10-10T00:00:00Z"), |claim| claim + SignedDuration::from_mins(30));
    Item {
        versions: vec![Version { record, first_seen_at, is_late: false }],
        entry: "harbour-news".into(),
        is_gone: false,
        is_vanished: false,
    }
}

pub fn record(id: &str, language: &str, title: &str, text: &str) -> Record {
    let mut made = Record::new(Kind::Article, "web", id);
    let present = |text: &str| {
        if text.is_empty() { None } else { Some(text.to_owned()) }
    };
    made.title = present(title);
    made.text = present(text);
    made.language = present(language);
    made.url = Some(format!("https://www.example.org/{id}"));
    made
}

pub fn claim(text: &str) -> Option<ClaimedTime> {
    Some(ClaimedTime { raw: text.to_owned(), at: Some(at(text)), local: None })
}

/// Sentences of the corpus: language, title, text.
const SENTENCES: [(&str, &str, &str); 18] = [
    ("en", "Harbour opens early", "The harbour is ice-free; ferries don't wait for the Harbour's pilot."),
    (
        "en-GB",
        "Ferry returns",
        "Night ferry returns to the harbour. Ice free since 3.14 this morning, see https://news.example.org/a-b?x=1",
    ),
    ("fr", "Le port s’ouvre tôt", "L’été au port : l'eau est libre de glace, dit la capitainerie à Québec."),
    ("fr-CA", "Traversier", "Le traversier revient au port; l’œuvre naïve de l'Élan."),
    ("ru", "Порт открыт", "Ещё не ёлка: порт открылся рано, лёд растаял в Твери."),
    ("ru-BY", "Паром", "Паром вернулся в порт, лед растаял."),
    ("uk", "Порт відкрито", "П’ять поромів, п'ять капітанів, їжак і ґанок у Києві."),
    ("zh", "港口提前开放", "港口没有冰。渡轮从中国回来,外国人民也回来了。"),
    ("zh-Hant", "渡輪", "中國的渡輪 ferry 回到港口"),
    ("ja", "フェリーが戻る", "東京タワーの近くの港、ｶﾞｿﾘﾝとガソリン。"),
    ("ko", "항구가 열렸다", "한국어 항구 소식: 얼음이 없다"),
    ("fa", "بندر باز شد", "کتابی دربارهٔ بندر، کشتی می\u{200c}رود ۱۴۰۵"),
    ("ar", "الميناء مفتوح", "أَهْلًا وَسَهْلًا، كتاب عن الميناء مرحبـــا ٢٠٢٦ يوم على"),
    ("de", "Hafen früh geöffnet", "Die Straße zum Hafen ist eisfrei, STRASSE gesperrt, Fähre kehrt zurück."),
    ("el", "Το λιμάνι άνοιξε", "Ο Ὀδυσσεύς ΟΔΥΣΣΕΥΣ γύρισε στο λιμάνι."),
    ("pl", "Łódź wraca", "Łódź wraca do portu w Gdańsku 🇵🇱 👍🏽"),
    ("he", "הנמל נפתח", "צה\"ל: שָׁלוֹם בנמל"),
    ("hi", "बंदरगाह खुला", "हिन्दी में बंदरगाह की खबर"),
];

/// Every sentence as an item, then sentences mixed: about a hundred items with edits, withdrawals, tags, links and authors.
pub fn corpus() -> Vec<Item> {
    let mut out = Vec::new();
    for number in 0..108_usize {
        let (language, title, text) = SENTENCES[number % SENTENCES.len()];
        let (_, _, other) = SENTENCES[(number * 7 + number / 18) % SENTENCES.len()];
        let round = number / SENTENCES.len();
        let body = if round == 0 { text.to_owned() } else { format!("{text}\n{other}") };
        let mut made = record(&format!("item/{number}"), if round == 3 { "" } else { language }, title, &body);
        made.kind = [Kind::Article, Kind::Post, Kind::Page, Kind::Video][number % 4];
        made.platform = ["web", "mastodon", "feed"][number % 3].to_owned();
        let published = at("2026-09-25T06:30:00Z") + SignedDuration::from_hours(i64::try_from(number * 5).unwrap());
        if number % 5 != 0 {
            made.published_at = claim(&published.to_string());
        }
        if number % 7 == 1 {
            made.edited_at = claim(&published.to_string());
        }
        if number % 4 == 1 {
            made.author = Some(Author {
                id: Some(format!("https://social.example.net/users/{}", number % 6)),
                handle: Some(format!("@Desk{}@social.example.net", number % 6)),
                name: Some(["Harbour Desk", "Élan Québec", "Редакция порта", "港口新闻"][number % 16 / 4].to_owned()),
                kind: None,
            });
        }
        if number % 3 == 0 {
            made.tags = vec!["#Harbour".into(), ["ice free", "Лёд", "港口"][number % 9 / 3].into()];
            made.links = vec![
                format!("https://news.example.org/{}/story?n={}#top", number % 4, number % 2),
                "http://www.example.net/".into(),
            ];
        }
        if number % 6 == 2 {
            made.media = vec![Media {
                url: "https://media.example.net/p.jpg".into(),
                media_type: None,
                alt: Some("A red ferry in ice".into()),
            }];
        }
        if number % 17 == 0 {
            made.text = None;
        }
        let mut whole = item(made.clone());
        whole.entry = ["harbour-news", "port-desk", "feed"][number % 5 % 3].to_owned();
        whole.versions[0].first_seen_at = published + SignedDuration::from_mins(i64::try_from(number).unwrap());
        if number % 8 == 3 {
            let mut edited = made;
            edited.text = Some(format!("{} edited later", other));
            let first_seen_at = published + SignedDuration::from_hours(30);
            whole.versions.push(Version { record: edited, first_seen_at, is_late: number % 16 == 3 });
        }
        whole.is_gone = number % 11 == 4;
        whole.is_vanished = number % 7 == 3;
        out.push(whole);
    }
    out
}
