//! Does the keyed step leave nobody in a record, and the record the same from one look to the next?

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use proptest::prelude::*;
use schemas::{
    minimise::{PERSON_FIELDS, minimise},
    permission::{Authors, Entry, Evidence},
    pseudonym::{PseudonymKey, StateKey, address_fits, check_record, is_token, names_a_person},
    record::{Ad, Author, ClaimedTime, Kind, Record},
};
use serde::Deserialize;

mod policy_world;

/// A row of `vectors/pseudonyms.jsonl`, whose pseudonyms were computed by another program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    key: String,
    authors: Authors,
    fields: Option<Vec<String>>,
    record: Record,
    kept: Record,
    dropped: Vec<String>,
}

fn rows() -> Vec<Row> {
    include_str!("../vectors/pseudonyms.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn entry(authors: Authors, fields: Option<Vec<String>>) -> Entry {
    Entry { authors, evidence: Evidence::Sealed, fields, ..policy_world::entry("news") }
}

fn key() -> PseudonymKey {
    PseudonymKey::parse(&rows().remove(0).key).unwrap()
}

#[test]
fn every_row_is_kept_as_written_and_has_the_form_that_a_registry_asks_for() {
    for row in rows() {
        let (key, entry) = (PseudonymKey::parse(&row.key).unwrap(), entry(row.authors, row.fields));
        let found = minimise(row.record.clone(), &entry, Some(&key));
        assert_eq!(found.record, row.kept, "{}", row.name);
        assert_eq!(found.dropped, row.dropped, "{}", row.name);
        check_record(&found.record, row.authors).unwrap_or_else(|why| panic!("{}: {why}", row.name));
        assert_eq!(minimise(found.record.clone(), &entry, Some(&key)).record, row.kept, "{}: twice", row.name);
        let whole = minimise(row.record.clone(), &entry, None);
        let kept = if row.authors == Authors::Named { row.kept } else { row.record.clone() };
        assert_eq!(whole.record, kept, "{}: before the keyed step", row.name);
    }
}

#[test]
fn records_that_missed_the_step_are_known_without_the_key() {
    let row = rows().remove(0);
    assert!(check_record(&row.record, Authors::Pseudonym).is_err());
    let broken: [fn(&mut Record); 18] = [
        |record| record.platform = "by Alice Example".to_owned(),
        |record| record.language = Some("aliceexample".to_owned()),
        |record| record.metrics = [("likes of alice".to_owned(), 1)].into(),
        |record| record.text = Some("write to alice@mail.example".to_owned()),
        |record| record.text = Some("write to alice%40mail.example".to_owned()),
        |record| record.text = Some("(https://social.example.org/users/alice)".to_owned()),
        |record| record.links = vec![format!("by Alice Example|px{}", "0".repeat(32))],
        |record| record.ad = Some(Ad { payer: Some("Alice".to_owned()), ..Ad::default() }),
        |record| record.published_at = Some(ClaimedTime { raw: "by @alice".to_owned(), at: None, local: None }),
        |record| record.keyed = None,
        |record| record.id = "https://social.example.org/users/alice".to_owned(),
        |record| record.url = Some("https://social.example.org/@alice".to_owned()),
        |record| record.author = Some(Author { name: Some("Alice".to_owned()), ..Author::default() }),
        |record| record.text = Some("hello @alice".to_owned()),
        |record| record.text = Some("see https://social.example.org/@alice".to_owned()),
        |record| record.mentions = vec!["@alice".to_owned()],
        |record| record.links = vec!["https://social.example.org/alice".to_owned()],
        |record| record.extra = [("a".to_owned(), serde_json::Value::Null)].into(),
    ];
    for (number, break_it) in broken.into_iter().enumerate() {
        let mut record = row.kept.clone();
        break_it(&mut record);
        assert!(check_record(&record, Authors::Pseudonym).is_err(), "{number}");
    }
    assert!(check_record(&row.kept, Authors::Omit).is_err(), "an author under `omit`");
}

/// Every field that can name a person is replaced or emptied: a canary in each of them survives in none.
#[test]
fn canary_in_every_field_of_a_person_survives_in_none() {
    let canary = "zaphira_canary";
    let mut record = Record::new(Kind::Post, "web", format!("https://a.example.org/@{canary}/1"));
    let mut value = serde_json::to_value(&record).unwrap();
    let said =
        format!("@{canary} {canary} {canary}@a.example.org https://a.example.org/u/{canary}?x={canary}#{canary}");
    for (field, content) in [
        ("handle", serde_json::json!(canary)),
        ("url", serde_json::json!(format!("https://a.example.org/@{canary}"))),
        ("author", serde_json::json!({ "id": canary, "handle": format!("@{canary}"), "name": canary })),
        ("title", serde_json::json!(said)),
        ("text", serde_json::json!(format!("({said}), {}!", canary.to_uppercase()))),
        ("links", serde_json::json!([format!("https://a.example.org/{canary}")])),
        (
            "media",
            serde_json::json!([{ "url": format!("https://a.example.org/{canary}"), "media_type": canary, "alt": said }]),
        ),
        ("mentions", serde_json::json!([format!("@{canary}"), format!("https://a.example.org/@{canary}")])),
        ("tags", serde_json::json!([canary, said])),
        ("relations", serde_json::json!([{ "kind": "reply_to", "to": format!("https://a.example.org/@{canary}/2") }])),
        ("ad", serde_json::json!({ "payer": canary, "targeting": [canary], "starts_on": canary, "currency": canary })),
        ("registration", serde_json::json!({ "registrant": canary })),
        ("place", serde_json::json!(said)),
        ("extra", serde_json::json!({ canary: canary })),
        ("language", serde_json::json!(canary)),
        ("published_at", serde_json::json!({ "raw": canary })),
    ] {
        value[field] = content;
    }
    for field in PERSON_FIELDS {
        assert!(value[field].to_string().contains(canary), "the canary is in `{field}`");
    }
    record = serde_json::from_value(value).unwrap();
    for authors in [Authors::Pseudonym, Authors::Omit] {
        let kept = minimise(record.clone(), &entry(authors, None), Some(&key())).record;
        let text = serde_json::to_string(&kept).unwrap().to_lowercase();
        assert!(!text.contains(canary), "{authors:?}: {text}");
        check_record(&kept, authors).unwrap();
    }
}

/// What a source can write around a person that it names in fields, or in the form of a handle.
#[test]
fn odd_spellings_hide_nobody() {
    let scrubbed = |name: &str, text: &str| {
        let mut record = Record::new(Kind::Post, "web", "1");
        record.author = Some(Author { name: Some(name.to_owned()), ..Author::default() });
        record.text = Some(text.to_owned());
        let kept = minimise(record.clone(), &entry(Authors::Pseudonym, None), Some(&key())).record;
        check_record(&kept, Authors::Pseudonym).unwrap_or_else(|why| panic!("{text}: {why}, {:?}", kept.text));
        kept.text.unwrap()
    };
    for (name, text, left) in [
        ("İbrahim Quokka", "by İbrahim Quokka.", "quokka"),
        ("ΝΙΚΟΣ ΚΟΥΚΑΣ", "by ΝΙΚΟΣ ΚΟΥΚΑΣ.", "ΝΙΚΟΣ"),
        ("Zora Quokka \u{1f30a}", "by Zora Quokka.", "quokka"),
        (":wave: Zora Quokka", "by Zora\u{a0} Quokka.", "quokka"),
        ("Zora Quokka", "by Zora\nQuo\u{200b}kka.", "kka"),
        ("x", "hello @\u{2068}quokka\u{2069}!", "quokka"),
        ("x", "hello @\u{200d}quokka", "quokka"),
        ("x", "write to quokka%40mail.example", "quokka"),
        ("x", "write to quokka\u{ff20}mail.example", "quokka"),
        ("x", "https://a.example/wiki/O'Quokka, 'https://a.example/quokka'", "quokka"),
        ("x", "https://a.example/1<https://a.example/u/quokka>\"https://a.example/2\"quote", "/u/"),
        ("x", "at xn--e1afmkfd.xn--p1ai/users/quokka", "quokka"),
        ("Zora Quokka", "Zora Quokka@a.example", "quokka"),
    ] {
        let kept = scrubbed(name, text);
        assert!(!kept.to_lowercase().contains(&left.to_lowercase()), "{text}: {kept}");
    }
    let mut record = Record::new(Kind::Post, "web", "tag:Zora B. Quokka,2026:1");
    record.author = Some(Author { id: Some("Zora B. Quokka|1".to_owned()), ..Author::default() });
    record.links = vec!["mailto:quokka@mail.example|1".to_owned(), "https://quokka%2Fa.b|1".to_owned()];
    let kept = minimise(record.clone(), &entry(Authors::Pseudonym, None), Some(&key())).record;
    assert!(!serde_json::to_string(&kept).unwrap().to_lowercase().contains("quokka"), "{kept:?}");
    check_record(&kept, Authors::Pseudonym).unwrap();
}

/// A text without spaces, as long as a source may send, is read through once.
#[test]
fn long_texts_without_spaces_are_scrubbed_in_time() {
    let mut record = Record::new(Kind::Post, "web", "1");
    record.text = Some("a.".repeat(100_000));
    let before = std::time::Instant::now();
    let kept = minimise(record.clone(), &entry(Authors::Pseudonym, None), Some(&key())).record;
    assert_eq!(kept.text, record.text);
    assert!(before.elapsed().as_secs() < 30, "{:?}", before.elapsed());
}

#[test]
fn keys_read_back_and_hide_themselves() {
    let key = PseudonymKey::new("harbour", [7; 32]).unwrap();
    let text = key.private_text();
    assert_eq!(PseudonymKey::parse(&format!("{}\n", *text)).unwrap().keyed(), key.keyed());
    assert!(!format!("{key:?}").contains(text.rsplit('+').next().unwrap()));
    let other = text.replace("+harbour+", "+harbor+");
    assert!(PseudonymKey::parse(&other).is_err(), "the id is not that of another scope");
    assert!(PseudonymKey::new("two words", [7; 32]).is_err());
    let state = StateKey::new([7; 32]);
    assert_eq!(StateKey::parse(&state.private_text()).unwrap().id(), state.id());
    assert!(StateKey::parse(&text).is_err());
    assert!(is_token(&key.handle("@Alice@Example.org")));
    assert_eq!(key.handle("@Alice@Example.org"), key.handle("alice@example.org"));
    assert_ne!(key.handle("alice"), PseudonymKey::new("other", [7; 32]).unwrap().handle("alice"));
}

#[test]
fn only_addresses_that_can_name_nobody_fit() {
    let mut entry = entry(Authors::Pseudonym, None);
    entry.seeds = vec!["https://social.example.org/api/v1/timelines/tag/harbour".to_owned()];
    entry.matches = ["/api/v1/timelines/tag/harbour", "/api/v1/statuses/"]
        .map(|path| serde_json::from_value(serde_json::json!({ "host": "social.example.org", "path": path })).unwrap())
        .into();
    let fits = |text: &str| address_fits(&entry, &text.parse().unwrap());
    for good in [
        "https://social.example.org/api/v1/timelines/tag/harbour?limit=40&max_id=1139",
        "https://social.example.org/api/v1/statuses/01HZ2QJ8T3M4N5P6R7S8V9W0XY",
        "https://social.example.org/api/v1/statuses/1730000000.123456",
        "https://social.example.org/robots.txt",
    ] {
        assert!(fits(good), "{good}");
    }
    for bad in [
        "https://social.example.org/api/v1/timelines/tag/harbour?max_id=alice",
        "https://social.example.org/api/v1/timelines/tag/harbour?alice=1",
        "https://social.example.org/@alice/1",
        "https://social.example.org/api/v1/statuses/alice",
        "https://social.example.org/api/v1/statuses/aliceinthewonderland1",
        "https://alice.example.org/api/v1/statuses/1",
        "https://social.example.org/alice/robots.txt",
    ] {
        assert!(!fits(bad), "{bad}");
    }
}

#[test]
fn seeds_that_name_an_account_are_known() {
    for person in [
        "@alice@social.example.org",
        "alice@social.example.org",
        "https://social.example.org/@alice.rss",
        "https://social.example.org/users/alice/outbox",
        "https://social.example.org/api/v1/accounts/1139/statuses",
        "https://social.example.org/api/v1/accounts/lookup?acct=alice",
    ] {
        assert!(names_a_person(person), "{person}");
    }
    for nobody in
        ["https://social.example.org/api/v1/timelines/tag/harbour", "https://news.example.org/feed.atom", "#harbour"]
    {
        assert!(!names_a_person(nobody), "{nobody}");
    }
}

#[test]
fn a_handle_with_an_odd_host_is_one_handle() {
    for odd in ["@a@%_", "@a@+b", "@a@%x@+y", "a@-b@%c"] {
        let mut record = Record::new(Kind::Post, "web", "1");
        record.text = Some(odd.to_owned());
        let kept = minimise(record.clone(), &entry(Authors::Pseudonym, None), Some(&key())).record;
        let text = kept.text.clone().unwrap();
        assert!(check_record(&kept, Authors::Pseudonym).is_ok() && !text.contains(odd), "{odd}: {text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    /// Whatever stands around it: no handle, no address and no known name comes through, and the form is always that which is asked for.
    #[test]
    fn no_text_lets_a_person_through(parts in prop::collection::vec("[ a-zé.,;:!?()/@<>\"'_%0-9\\-]{0,12}", 1..6), upper in any::<bool>()) {
        let canary = if upper { "QUOKKA_CANARY" } else { "quokka_canary" };
        for glue in ["@", "", "https://a.example.org/@", "a.example.org/", "%40"] {
            let text = parts.join(&format!(" {glue}{canary} "));
            let mut record = Record::new(Kind::Post, "web", "1");
            record.author = Some(Author { handle: Some("quokka_canary".to_owned()), ..Author::default() });
            record.text = Some(text);
            let kept = minimise(record.clone(), &entry(Authors::Pseudonym, None), Some(&key())).record;
            prop_assert!(!kept.text.clone().unwrap().to_lowercase().contains("quokka_canary"), "{:?}", kept.text);
            prop_assert!(check_record(&kept, Authors::Pseudonym).is_ok(), "{:?}", kept.text);
        }
    }
}
