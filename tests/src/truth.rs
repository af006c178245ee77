//! What should be found, given which rounds were looked at?

use std::collections::BTreeSet;

use exhibit::{TrueEntry, Truth, Wording};
use serde_json::Value;

/// Entries that somebody who looked in these rounds could see, each with the wordings seen, oldest first.
#[must_use]
pub fn expected<'a>(truth: &'a Truth, looked: &[u32]) -> Vec<(&'a TrueEntry, Vec<&'a Wording>)> {
    let seen = |entry: &'a TrueEntry| -> Vec<&'a Wording> {
        let rounds: BTreeSet<u32> =
            entry.visible_rounds.iter().copied().filter(|round| looked.contains(round)).collect();
        let mut wordings: Vec<&Wording> = Vec::new();
        for round in rounds {
            if let Some(then) = entry.wordings.iter().rfind(|wording| wording.round <= round)
                && wordings.last().is_none_or(|last| *last != then)
            {
                wordings.push(then);
            }
        }
        wordings
    };
    truth.entries.iter().map(|entry| (entry, seen(entry))).filter(|(_, wordings)| !wordings.is_empty()).collect()
}

/// What does not stand in the records (as `vigie show --json` prints them) of one newsroom although it could be seen; and what stands
/// there twice, or without ever having been published.
#[must_use]
pub fn missing(truth: &Truth, looked: &[u32], records: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let expected = expected(truth, looked);
    for (entry, wordings) in &expected {
        let same: Vec<&Value> = records.iter().filter(|record| is(record, entry)).collect();
        let [record] = same.as_slice() else {
            wrong.push(format!("{}: `{}` is found {} times", truth.newsroom, entry.id, same.len()));
            continue;
        };
        let said: Vec<&Value> = record["revisions"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|revision| !revision["record"].is_null())
            .collect();
        if said.len() != wordings.len() {
            wrong.push(format!(
                "{}: `{}` has {} revisions, {} wordings could be seen",
                truth.newsroom,
                entry.id,
                said.len(),
                wordings.len()
            ));
        }
        for (revision, wording) in said.iter().zip(wordings) {
            let record = &revision["record"];
            if record["title"].as_str() != Some(wording.title.as_str()) {
                wrong.push(format!(
                    "{}: `{}` is titled {}, not `{}`",
                    truth.newsroom, entry.id, record["title"], wording.title
                ));
            }
            let text = squeezed(record["text"].as_str().unwrap_or_default());
            // RSS 0.91 gives the first paragraph alone.
            let shown = if truth.newsroom == "oldpress" {
                wording.text.split("\n\n").next().unwrap_or_default()
            } else {
                &wording.text
            };
            if !text.contains(&squeezed(shown)) {
                wrong.push(format!("{}: `{}` says `{text}`, not `{shown}`", truth.newsroom, entry.id));
            }
        }
    }
    // Pages of older entries may bring more than the main feed showed, but nothing that was never published.
    for record in records {
        let same = truth.entries.iter().filter(|entry| is(record, entry)).count();
        if same != 1 {
            wrong.push(format!("{}: record {} is {same} of the entries published", truth.newsroom, record["id"]));
        }
    }
    wrong
}

fn is(record: &Value, entry: &TrueEntry) -> bool {
    let newest =
        record["revisions"].as_array().into_iter().flatten().rev().find(|revision| !revision["record"].is_null());
    record["id"].as_str() == Some(&entry.id)
        || newest.and_then(|revision| revision["record"]["url"].as_str()) == Some(&entry.link)
}

/// White space does not matter, and markup may leave more or less of it.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
