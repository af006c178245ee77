//! What a reading becomes, and what a collector cannot get away with.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use kit::{
    About, Answer, Ask, Collector, Facts, Halt, Part, Place, Reading, Record, Request, Target, Unreadable, What,
    body::{Body, Spool},
    conformance::check,
    derive::{Derived, derive_lines, keep_all},
};
use schemas::{Digest, capture::Reader, record::Kind};
use serde::Deserialize;
use serde_json::Value;

/// Says what its answer tells it to say, one word a line.
struct Parrot;

impl Collector for Parrot {
    const NAME: &'static str = "parrot";
    type Cursor = Option<Value>;
    type Step = Value;

    fn about(&self) -> About {
        About::of("Whatever it is told")
    }

    fn plan(&self, ask: &Ask<'_, Option<Value>>) -> Result<Vec<Request<Value>>, Unreadable> {
        Ok(vec![Request::get(&ask.target.url, Value::Null)])
    }

    fn read(&self, answer: &Answer<'_, Value>, out: &mut Reading<'_, Self>) -> Result<(), Halt<Value>> {
        for line in answer.text()?.lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "record" => {
                    let (id, text) = rest.split_once(' ').unwrap_or((rest, ""));
                    let mut record = Record::new(Kind::Post, "stub", id);
                    record.text = Some(text.to_owned());
                    out.record(Place::Whole, record);
                }
                "float" => {
                    let mut record = Record::new(Kind::Post, "stub", rest);
                    record.extra.insert("share".to_owned(), Value::from(0.5));
                    out.record(Place::Whole, record);
                }
                "metric" => {
                    let mut record = Record::new(Kind::Post, "stub", rest);
                    record.metrics.insert("likes".to_owned(), 1 << 53);
                    out.record(Place::Whole, record);
                }
                "gone" => {
                    out.gone(Place::Whole, What::Record { platform: "stub".to_owned(), id: rest.to_owned() }, "said so")
                }
                "odd" => out.unreadable(Place::Whole, rest),
                "next" => out.next(Request::get(rest, Value::Null)),
                "heavy" => out.next(Request::get("https://example.org/", Value::from("x".repeat(70_000)))),
                "cursor" => out.cursor(serde_json::from_str(rest).ok()),
                "empty" => out.empty(rest),
                "promised" => out.promised(rest.parse().unwrap_or_default()),
                "snapshot" => out.snapshot(rest),
                "halt" => return Err(Halt::Blocked(rest.to_owned())),
                "panic" => panic!("{rest}"),
                _ => {}
            }
        }
        Ok(())
    }
}

fn facts() -> Facts {
    Facts {
        response: "urn:uuid:00000000-0000-4000-8000-000000000001".to_owned(),
        step: Value::Null,
        target: Target {
            id: "t".to_owned(),
            entry: "t".to_owned(),
            url: "https://example.org/".to_owned(),
            recipe: None,
            own_terms: false,
        },
        captured_at: "2026-10-03T09:00:00Z".parse().unwrap(),
        url: "https://example.org/".parse().unwrap(),
        status: 200,
        headers: Vec::new(),
        part: Part::WHOLE,
        truncated: None,
        reservation: None,
    }
}

fn reader() -> Reader {
    Reader { name: "parrot".to_owned(), version: "1".to_owned(), program: Digest::of(b"program") }
}

fn read(facts: &Facts, said: &str) -> (Vec<String>, Derived) {
    let body = Body::new(Spool::of(said.as_bytes().to_vec()), &facts.headers, facts.truncated.is_some());
    let (lines, derived) = derive_lines(&Parrot, facts, &body, &reader(), &keep_all).unwrap();
    (lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect(), derived)
}

fn halt(said: &str) -> String {
    let (lines, derived) = read(&facts(), said);
    assert_eq!(lines.len(), 2, "{said}: only header and end stay");
    assert_eq!((derived.end.counts, derived.end.items), ([0; 3], None));
    format!("{:?}", derived.halt.unwrap())
}

#[test]
fn header_names_the_response_and_the_end_hashes_every_line_between() {
    let (lines, derived) = read(&facts(), "record 1 a\ngone 2\nodd three");
    assert_eq!(
        lines[0],
        format!(
            r#"{{"header":{{"captured_at":"2026-10-03T09:00:00Z","reader":{{"name":"parrot","program":"{}","version":"1"}},"response":"urn:uuid:00000000-0000-4000-8000-000000000001","step":"{}","v":1}}}}"#,
            Digest::of(b"program"),
            Digest::of(b"null")
        )
    );
    let hashes: Vec<u8> = lines[1..4].iter().flat_map(|line| Digest::of(line.as_bytes()).0).collect();
    assert_eq!(derived.end.items, Some(Digest::of(&hashes)));
    assert_eq!(derived.end.counts, [1, 1, 1]);
    assert_eq!(lines[4], format!(r#"{{"end":{{"counts":[1,1,1],"items":"{}"}}}}"#, Digest::of(&hashes)));
}

#[test]
fn a_halt_takes_back_whatever_was_said() {
    assert!(halt("record 1 a\nhalt login wall").contains("login wall"));
}

#[test]
fn a_panic_is_a_halt_that_names_it() {
    assert!(halt("record 1 a\npanic slice index 7").contains("panicked: slice index 7"));
    assert!(read(&facts(), "panic x").1.panicked);
}

#[test]
fn saying_nothing_is_unreadable() {
    assert!(halt("").contains("nothing was said"));
    assert!(halt("promised 0\nsnapshot all").contains("nothing was said"));
    assert!(read(&facts(), "empty no posts").1.halt.is_none());
}

#[test]
fn nothing_and_items_cannot_both_be() {
    assert!(halt("record 1 a\nempty no posts").contains("both"));
}

#[test]
fn a_step_too_heavy_or_an_address_that_is_none_is_refused() {
    assert!(halt("heavy").contains("65536"));
    assert!(halt("next /relative").contains("absolute"));
    assert!(halt("record 1 a\ncursor 0.5").contains("float"));
}

#[test]
fn a_record_without_a_canonical_form_is_set_aside() {
    let (lines, derived) = read(&facts(), "float 1\nrecord 2 b");
    assert_eq!(derived.end.counts, [1, 0, 1]);
    assert!(lines[1].starts_with(r#"{"unreadable""#));
    let (lines, derived) = read(&facts(), "metric 1\nrecord 2 b");
    assert_eq!(derived.end.counts, [1, 0, 1]);
    assert!(lines[1].contains("/metrics/likes"), "{}", lines[1]);
    let (_, derived) = read(&facts(), &format!("record {} x\nrecord  y", "i".repeat(2_049)));
    assert_eq!(derived.end.counts, [0, 0, 2]);
}

#[test]
fn an_id_has_one_outcome_by_shape() {
    let said = "record 1 first\nrecord 2 only\nrecord 1 last\n";
    let texts = |lines: &[String]| {
        lines
            .iter()
            .filter_map(|line| {
                Some(serde_json::from_str::<Value>(line).unwrap().pointer("/record/item/text")?.as_str()?.to_owned())
            })
            .collect::<Vec<_>>()
    };
    let (lines, derived) = read(&facts(), said);
    assert_eq!((texts(&lines), derived.repeats), (vec!["first".to_owned(), "only".to_owned()], 1));
    let (lines, derived) = read(&facts(), &format!("{said}snapshot all"));
    assert_eq!((texts(&lines), derived.repeats), (vec!["only".to_owned(), "last".to_owned()], 1));
    assert_eq!(derived.end.counts, [2, 0, 0]);
    let chunk = Facts { part: Part { number: 3, last: false }, ..facts() };
    assert_eq!(texts(&read(&chunk, said).0), ["first", "only", "last"]);
}

#[test]
fn a_promise_that_is_not_kept_cuts() {
    assert_eq!(
        read(&facts(), "record 1 a\npromised 2").1.end.cut.as_deref(),
        Some("the source says 2 items, 1 were read")
    );
    assert_eq!(read(&facts(), "record 1 a\nrecord 1 b\npromised 2").1.end.cut, None);
}

#[test]
fn status_and_page_are_judged_before_the_body() {
    let with = |status: u16, header: (&str, &str), text: &str| {
        let facts = Facts { status, headers: vec![(header.0.to_owned(), header.1.to_owned())], ..facts() };
        format!("{:?}", read(&facts, text).1.halt)
    };
    assert!(with(403, ("x", "y"), "record 1 a").contains("Blocked"));
    assert!(with(404, ("x", "y"), "record 1 a").contains("Gone"));
    assert!(with(429, ("retry-after", "60"), "record 1 a").contains("2026-10-03T09:01:00Z"));
    assert!(with(503, ("Retry-After", "Sat, 03 Oct 2026 10:00:00 GMT"), "").contains("2026-10-03T10:00:00Z"));
    assert!(with(500, ("x", "y"), "record 1 a").contains("Unreadable"));
    assert!(with(200, ("CF-Mitigated", "challenge"), "record 1 a").contains("Blocked"));
    assert!(with(200, ("x", "y"), "<!-- hi --><!DOCTYPE HTML><title>Just a moment...</title>").contains("Blocked"));
}

/// Takes a 403 for an answer.
struct Trusting;

impl Collector for Trusting {
    const NAME: &'static str = "trusting";
    type Cursor = ();
    type Step = Value;

    fn about(&self) -> About {
        About::of("Whatever a 403 says")
    }

    fn plan(&self, _: &Ask<'_, ()>) -> Result<Vec<Request<Value>>, Unreadable> {
        Ok(Vec::new())
    }

    fn read(&self, answer: &Answer<'_, Value>, out: &mut Reading<'_, Self>) -> Result<(), Halt<Value>> {
        out.record(Place::Whole, Record::new(Kind::Post, "stub", "1"));
        out.next(Request::get("https://example.org/2", Value::Null));
        match &*answer.raw_text()? {
            "pause" => Err(Halt::SlowDown { until: answer.retry_after(60), scope: kit::Scope::Host }),
            "key" => Err(Halt::Denied("key".to_owned())),
            "wall" => Err(Halt::Blocked("a wall".to_owned())),
            "odd" => Err(Halt::unreadable("body", "is odd")),
            "gone" => Err(Halt::Gone(kit::Absent::Asked { why: "gone".to_owned() })),
            "soon" => Err(Halt::NotYet { wait_secs: 1, tries: 9, or_else: None }),
            "other" => Err(Halt::instead(Request::get("https://example.org/3", Value::Null))),
            "panic" => panic!("at the disco"),
            _ => Ok(()),
        }
    }
}

#[test]
fn of_a_403_nothing_counts_but_a_pause_or_a_stop() {
    let said = |status: u16, text: &str| {
        let (facts, body) = (Facts { status, ..facts() }, Body::new(Spool::of(text.to_owned()), &[], false));
        let (lines, derived) = derive_lines(&Trusting, &facts, &body, &reader(), &keep_all).unwrap();
        assert!(status == 200 || (lines.len(), derived.next.len()) == (2, 0), "{text}: {lines:?}");
        derived.halt
    };
    assert!(matches!(said(403, "pause"), Some(Halt::SlowDown { .. })));
    assert!(matches!(said(403, "key"), Some(Halt::Denied(slot)) if slot == "key"));
    assert!(matches!(said(403, "wall"), Some(Halt::Blocked(why)) if why == "a wall"));
    for text in ["odd", "gone", "soon", "other", "panic", "a record"] {
        assert!(matches!(said(403, text), Some(Halt::Blocked(why)) if why == "status 403"), "{text}");
    }
    assert_eq!(said(200, "a record"), None);
}

/// Follows defaults instead of types, and reads whatever comes.
struct Sloppy;

#[derive(Deserialize)]
struct Loose {
    #[serde(default)]
    items: Vec<Value>,
    next: Option<String>,
}

impl Collector for Sloppy {
    const NAME: &'static str = "sloppy";
    type Cursor = u64;
    type Step = ();

    fn about(&self) -> About {
        About::of("What the suite has to catch")
    }

    fn plan(&self, ask: &Ask<'_, u64>) -> Result<Vec<Request<()>>, Unreadable> {
        Ok(vec![Request::get(&ask.target.url, ())])
    }

    fn read(&self, answer: &Answer<'_, ()>, out: &mut Reading<'_, Self>) -> Result<(), Halt<()>> {
        let page: Loose = answer.parse()?;
        for (index, item) in page.items.iter().enumerate() {
            let id = item["id"].as_str().unwrap_or_default();
            if !id.is_empty() {
                assert!(!id.starts_with('x'), "an id nobody expected");
                let mut record = Record::new(Kind::Post, "stub", id);
                record.text = std::env::var("TZ").ok();
                out.record(Place::Json("/items", index), record);
            }
        }
        // True at once, though the next page was never read.
        out.milestone(page.items.len() as u64);
        if let Some(next) = page.next {
            out.next(Request::get(next, ()));
        }
        Ok(())
    }

    fn merge(old: u64, new: u64) -> u64 {
        old / 2 + new
    }
}

#[test]
fn the_suite_catches_what_a_sloppy_collector_does() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("two-pages");
    std::fs::create_dir(&case).unwrap();
    std::fs::write(
        case.join("case.json"),
        r#"{"target":{"id":"t","entry":"t","url":"https://example.org/1"},"now":"2026-10-03T09:00:00Z","exchanges":[
            {"step":null,"url":"https://example.org/1","body":"1.json"},{"step":null,"url":"https://example.org/2","body":"2.json"},
            {"step":null,"url":"https://example.org/3","body":"2.json"}]}"#,
    )
    .unwrap();
    std::fs::write(case.join("1.json"), r#"{"items":[{"id":"1"},{"id":"2"}],"next":"https://example.org/2"}"#).unwrap();
    std::fs::write(case.join("2.json"), r#"{"items":[{"id":"3"}],"next":null}"#).unwrap();
    let report = check(&Sloppy, folder.path());
    if report.rows.is_empty() {
        return; // A child of the suite: it has written what it read.
    }
    for caught in [
        "replay gives the expected text",
        "reads the same in other processes",
        "no panic on a damaged answer",
        "no silent loss",
        "error statuses are not answers",
        "every exchange is asked for",
        "merge keeps its laws",
    ] {
        let row = report.row(caught).unwrap();
        assert!(!row.passed(), "{caught} passed\n{report}");
    }
    assert!(!report.passed());
}
