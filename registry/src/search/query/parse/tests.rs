//! Every way to write a query, every mistake, and any text at all.

use proptest::prelude::*;
use schemas::record::{Kind, Record};

use crate::search::query::generator::Generator;
use crate::search::query::{Expr, MAX_DEPTH, MAX_TERMS, Query};

/// The tree with a bracket around every part.
fn shape(expr: &Expr) -> String {
    let list = |parts: &[Expr]| parts.iter().map(shape).collect::<Vec<_>>().join(" ");
    match expr {
        Expr::And(parts) => format!("(and {})", list(parts)),
        Expr::Or(parts) => format!("(or {})", list(parts)),
        Expr::Not(part) => format!("(not {})", shape(part)),
        leaf => leaf.to_string(),
    }
}

fn check(text: &str, expected: &str) {
    let query = Query::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
    assert_eq!(query.expr().map(shape).unwrap_or_default(), expected, "{text}");
    assert_eq!(Query::parse(&query.to_string()).as_ref(), Ok(&query), "{text}");
}

#[test]
fn everything_has_one_reading() {
    for (text, expected) in [
        ("", ""),
        ("  \t ", ""),
        ("harbour", "harbour"),
        ("\"exact words\" word -not", "(and \"exact words\" word (not not))"),
        ("a b OR c d", "(or (and a b) (and c d))"),
        ("a (b OR c) d", "(and a (or b c) d)"),
        ("a AND b AND c", "(and a b c)"),
        ("((a)) OR ((b OR c))", "(or a b c)"),
        ("-(a b) --c -(-d)", "(and (not (and a b)) c d)"),
        ("ice-free l'eau @desk #ice 12:30 3.14", "(and ice-free l'eau @desk #ice 12:30 3.14)"),
        ("harb* \"ice fr\"*", "(and harb* \"ice fr\"*)"),
        ("https://news.example.org/a", "https://news.example.org/a"),
        ("\"OR\" \"lang:ru\" \"-x\"", "(and \"OR\" \"lang:ru\" \"-x\")"),
        (r#""say \"yes\" \\""#, r#""say \"yes\" \\""#),
        ("title:port title:\"ice free\" title:por*", "(and title:port title:\"ice free\" title:por*)"),
        ("platform:Mastodon LANG:RU-by kind:Article", "(and platform:mastodon lang:ru-by kind:article)"),
        ("author:@desk@news.example.org", "author:@desk@news.example.org"),
        ("link:https://www.Example.ORG/", "link:example.org"),
        ("link:http://example.org/a/?b=1#c link:example.org/a/*", "(and link:example.org/a?b=1 link:example.org/a/*)"),
        ("link:пример.example.org", "link:xn--e1afmkfd.example.org"),
        ("after:2026-10-01 before:2026-11 after:2026", "(and after:2026-10-01 before:2026-11-01 after:2026-01-01)"),
        ("after:2026-10-01T09:00:00+02:00", "after:2026-10-01T07:00:00Z"),
        (
            "seen:7d seen:2026-10-01 seen:2026-10-01..2026-10-05",
            "(and seen:7d seen:2026-10-01 seen:2026-10-01..2026-10-05)",
        ),
        ("has:media is:gone -is:late", "(and has:media is:gone (not is:late))"),
        (
            "id:\"tag:news.example.org,2026:7\" source:harbour-news",
            "(and id:tag:news.example.org,2026:7 source:harbour-news)",
        ),
        ("tag:\"two words\"", "tag:\"two words\""),
        ("中国 OR (한국 -국)", "(or 中国 (and 한국 (not 국)))"),
    ] {
        check(text, expected);
    }
}

fn wrong(text: &str, expected: &str) {
    let why = Query::parse(text).expect_err(text);
    assert_eq!(format!("{}: {}; {}", why.column, why.message, why.hint), expected, "{text}");
}

#[test]
fn mistakes_say_where_and_what_to_write() {
    wrong(
        "a langg:ru",
        "3: there is no field `langg`; did you mean `lang:`? To search for the text itself, put it in quotes",
    );
    wrong(
        "site:example.org",
        "1: there is no field `site`; did you mean `link:`? To search for the text itself, put it in quotes",
    );
    wrong(
        "é frobnicate:1",
        "3: there is no field `frobnicate`; known are platform, lang, author, link, after, before, seen, source, kind, tag, title, id, has, is; to search for the text itself, put it in quotes",
    );
    wrong("lang: ru", "1: `lang:` has no value; write it without a space: `lang:…`");
    wrong("a \"b c", "3: this quote is not closed; add `\"` at the end of the exact words");
    wrong("a (b", "3: this bracket is not closed; add `)`, or put it in quotes");
    wrong("a) b", "2: this bracket closes nothing; remove it, or put it in quotes");
    let missing = "a word is missing here; write a word, or put `OR`, `AND` or brackets in quotes to search for them";
    for (text, column) in [("a OR", 5), ("OR a", 1), ("a ()", 4), ("a AND", 6), ("a OR OR b", 6)] {
        wrong(text, &format!("{column}: {missing}"));
    }
    wrong(
        "a - b",
        "3: this minus excludes nothing; write it directly before a word: `-ferry`; inside text it needs no space: `ice-free`",
    );
    wrong("a NOT b", "3: `NOT` is written as a minus; write `-word`, or `\"NOT\"` to search for it");
    wrong("wo*rd", "1: the star in `wo*rd` is not at the end; only beginnings of words can be searched: `harb*`");
    wrong("—", "1: `—` holds no letter and no digit; punctuation can't be searched for; remove it");
    wrong(
        "kind:poem",
        "1: `kind:` does not know `poem`; write one of post, comment, article, page, video, audio, account, ad, registration, event",
    );
    for text in [
        "after:yesterday",
        "before:2026-13",
        "after:20261001",
        "seen:7",
        "seen:0d",
        "seen:d",
        "seen:2026-10-05..2026-10-01",
    ] {
        assert!(Query::parse(text).is_err(), "{text}");
    }
    for text in ["link:", "link:ftp://example.org/x", "link:exam*", "link:a@b c:d", "is:here", "has:"] {
        assert!(Query::parse(text).is_err(), "{text}");
    }
}

#[test]
fn limits_hold() {
    let many = "a ".repeat(MAX_TERMS);
    assert!(Query::parse(&many).is_ok());
    assert!(Query::parse(&format!("{many}a")).unwrap_err().message.contains("100 words"));
    let deep = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Query::parse(&deep(MAX_DEPTH)).is_ok());
    assert!(Query::parse(&deep(MAX_DEPTH + 1)).unwrap_err().message.contains("deeper"));
    assert!(Query::parse(&deep(2000)).is_err());
    assert!(Query::parse(&"-".repeat(4000)).is_err());
    assert!(Query::parse(&"x".repeat(5000)).unwrap_err().message.contains("5000 bytes"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_text_is_read_or_refused_and_reads_the_same_again(text in "[a-c中é\"\\\\*():\\- .ORANDNTlangtikes:0-9]{0,30}|\\PC{0,30}") {
        if let Ok(query) = Query::parse(&text) {
            let again = Query::parse(&query.to_string());
            prop_assert_eq!(again.as_ref(), Ok(&query), "{}", query);
        }
    }

    #[test]
    fn drawn_queries_read_as_they_are_written(text in "\\PC{0,60}", value in "\\PC{1,12}", seed: u64) {
        let mut record = Record::new(Kind::Post, "web", value.clone());
        record.text = Some(text);
        record.tags = vec![value];
        record.links = vec!["https://news.example.org/a(b)?c=\"d\"".into()];
        let mut draw = Generator::of([(&record, "harbour-news")], seed);
        for _ in 0..10 {
            let query = draw.query();
            let again = Query::parse(&query.to_string());
            prop_assert_eq!(again.as_ref(), Ok(&query), "{}", query);
        }
    }
}
