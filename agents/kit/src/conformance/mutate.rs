//! What does a reader do with an answer that went wrong? Every answer is damaged in every way, one at a time.

use serde_json::{Value, json};

use super::case::{Exchange, archive};
use crate::derive::Derived;

/// Most JSON values or cells of one answer that are replaced.
const MAX_VALUES: usize = 400;

/// Statuses that are no answer.
const STATUSES: [u16; 18] = [301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 408, 410, 429, 451, 500, 502, 503, 204];

const PLAIN_PAGE: &str =
    "<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>Please sign in.</p></body></html>";
const CHALLENGE_PAGE: &str = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body><noscript>Enable JavaScript</noscript></body></html>";

/// What was done to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The body ends early, known or not.
    Cut,
    /// One JSON value, or one cell of a table, is another.
    Value,
    /// The status is another; the body is the same.
    Status,
    /// 200 with an HTML page in place of the answer.
    Page,
}

/// A damaged answer.
pub(super) struct Mutation {
    pub kind: Kind,
    pub label: String,
    pub exchange: Exchange,
}

/// Every mutation of an answer.
pub(super) fn mutations(exchange: &Exchange) -> Vec<Mutation> {
    let mut all = Vec::new();
    cuts(exchange, &mut all);
    values(exchange, &mut all);
    cells(exchange, &mut all);
    if exchange.facts.status < 300 {
        for status in STATUSES {
            let mut changed = exchange.clone();
            changed.facts.status = status;
            all.push(Mutation { kind: Kind::Status, label: format!("status {status}"), exchange: changed });
        }
    }
    for (name, page) in [("page", PLAIN_PAGE), ("challenge page", CHALLENGE_PAGE)] {
        let mut changed = exchange.clone();
        changed.bytes = page.as_bytes().to_vec();
        changed.facts.status = 200;
        changed.facts.headers.retain(|(name, _)| {
            !name.eq_ignore_ascii_case("content-type") && !name.eq_ignore_ascii_case("content-encoding")
        });
        changed.facts.headers.push(("content-type".to_owned(), "text/html; charset=utf-8".to_owned()));
        all.push(Mutation { kind: Kind::Page, label: format!("200 with a {name}"), exchange: changed });
    }
    all
}

fn cuts(exchange: &Exchange, all: &mut Vec<Mutation>) {
    let len = exchange.bytes.len();
    let mut lengths = vec![0, 1, len / 2, len.saturating_sub(1)];
    lengths.retain(|to| *to < len);
    lengths.dedup();
    for to in lengths {
        for known in [false, true] {
            let mut changed = exchange.clone();
            changed.bytes.truncate(to);
            if known {
                changed.facts.truncated = Some("disconnect".to_owned());
            }
            let known = if known { ", known" } else { "" };
            all.push(Mutation { kind: Kind::Cut, label: format!("cut at {to} of {len}{known}"), exchange: changed });
        }
    }
}

/// The body as one JSON document, or as lines or `data:` lines of JSON.
fn values(exchange: &Exchange, all: &mut Vec<Mutation>) {
    let Ok(text) = std::str::from_utf8(&exchange.bytes) else {
        return;
    };
    if let Ok(document) = serde_json::from_str::<Value>(text) {
        replaced(exchange, "", &document, &|changed| changed.to_string(), all);
        return;
    }
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate().take(4) {
        let (prefix, json) = line.strip_prefix("data:").map_or(("", *line), |rest| ("data:", rest));
        let Ok(document @ Value::Object(_)) = serde_json::from_str::<Value>(json.trim()) else {
            continue;
        };
        let whole = |changed: &Value| {
            let mut text: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            if let Some(line) = text.get_mut(index) {
                *line = format!("{prefix}{changed}");
            }
            text.join("\n") + "\n"
        };
        replaced(exchange, &format!("line {}", index + 1), &document, &whole, all);
    }
}

fn replaced(
    exchange: &Exchange,
    at: &str,
    document: &Value,
    whole: &dyn Fn(&Value) -> String,
    all: &mut Vec<Mutation>,
) {
    let mut pointers = Vec::new();
    collect(document, String::new(), &mut pointers);
    // Evenly spread where there are too many: the last page of a list matters as much as the first.
    let every = pointers.len().div_ceil(MAX_VALUES).max(1);
    for pointer in pointers.into_iter().step_by(every) {
        for wrong in [json!(null), json!(true), json!(0), json!(-1), json!(""), json!("x"), json!([]), json!({})] {
            let mut changed = document.clone();
            match changed.pointer_mut(&pointer) {
                Some(value) if *value != wrong => *value = wrong.clone(),
                _ => continue,
            }
            let mut mutated = exchange.clone();
            mutated.bytes = whole(&changed).into_bytes();
            all.push(Mutation { kind: Kind::Value, label: format!("{at}{pointer} = {wrong}"), exchange: mutated });
        }
    }
}

/// The tables of an archive, names of columns included.
fn cells(exchange: &Exchange, all: &mut Vec<Mutation>) {
    for (number, (name, table)) in exchange.members.iter().enumerate().filter(|(_, (name, _))| name.ends_with(".csv")) {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(table.as_slice());
        let rows: Vec<csv::ByteRecord> = reader.byte_records().filter_map(Result::ok).collect();
        let places: Vec<(usize, usize)> =
            rows.iter().enumerate().flat_map(|(row, cells)| (0..cells.len()).map(move |cell| (row, cell))).collect();
        let every = places.len().div_ceil(MAX_VALUES).max(1);
        for (row, cell) in places.into_iter().step_by(every) {
            for wrong in ["", "0", "-1", "x"] {
                let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
                let written = rows.iter().enumerate().try_for_each(|(at, cells)| {
                    let is_it = |column| (at, column) == (row, cell);
                    let damaged = cells.iter().enumerate();
                    writer.write_record(damaged.map(|(at, old)| if is_it(at) { wrong.as_bytes() } else { old }))
                });
                let mut mutated = exchange.clone();
                let (Ok(()), Ok(table)) = (written, writer.into_inner()) else { continue };
                mutated.members[number].1 = table;
                let Ok(bytes) = archive(&mutated.members) else { continue };
                mutated.bytes = bytes;
                let label = format!("{name} row {row} cell {} = `{wrong}`", cell + 1);
                all.push(Mutation { kind: Kind::Value, label, exchange: mutated });
            }
        }
    }
}

fn collect(value: &Value, pointer: String, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            collect(value, format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), into)
        }),
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(index, value)| collect(value, format!("{pointer}/{index}"), into));
        }
        _ => {}
    }
    into.push(pointer);
}

/// Whether a reading of a damaged answer brings fewer items or follow-ups than the original and says nothing about it.
pub(super) fn lost_silently(original: &Derived, mutated: &Derived) -> bool {
    let [records, gone, _] = original.end.counts;
    let [still, still_gone, set_aside] = mutated.end.counts;
    let follow =
        |derived: &Derived| derived.next.len() + derived.also.len() + derived.end.want.len() + derived.end.saw.len();
    let fewer =
        still + still_gone + mutated.repeats < records + gone + original.repeats || follow(mutated) < follow(original);
    fewer && set_aside == 0 && mutated.halt.is_none() && mutated.end.cut.is_none() && mutated.end.empty.is_none()
}
