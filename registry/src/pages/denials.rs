//! `/denials`: what was not fetched, or not kept, by reason: what it means, where it happened, and what a person can do.

use askama::Template;
use axum::response::Response;

use super::{
    frame::{Frame, with},
    text::{Chunk, coded, shown_id},
    visit::{Asked, Made, Visit},
};
use crate::{
    api::Refused,
    desk::{self, Denial, DenialFilter, Reason},
};

/// Refusals shown of each reason, beside others.
const FEW: u32 = 6;
/// Refusals shown of one reason alone.
const MANY: u32 = 200;

#[derive(Template)]
#[template(path = "denials.html")]
struct DenialsPage {
    f: Frame,
    headline: String,
    /// What is chosen, and where everything is shown again.
    is_narrowed: bool,
    all_link: String,
    entries: Vec<Choice>,
    codes: Vec<Choice>,
    groups: Vec<Group>,
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

struct Group {
    id: String,
    title: String,
    code: String,
    by: &'static str,
    by_words: String,
    count: String,
    last: String,
    means: Vec<Chunk>,
    todo: Vec<Chunk>,
    entries: Vec<(String, String, String)>,
    more: Option<(String, String)>,
    is_cut: bool,
    rows: Vec<Row>,
}

struct Row {
    at: String,
    iso: String,
    entry: Option<(String, String)>,
    url: Option<String>,
    because: String,
    evidence: Option<String>,
}

pub async fn page(visit: Visit) -> Response {
    visit.page(&["entry", "code"], build).await
}

fn build(asked: &mut Asked) -> Result<Made, Refused> {
    let chosen = |name: &str| asked.given.get(name).filter(|value| !value.is_empty()).cloned();
    let (entry, code) = (chosen("entry"), chosen("code"));
    let (all, shown) = asked
        .desk
        .store()
        .read(|db| {
            let all = desk::reasons(db, None)?;
            let mut shown = Vec::new();
            let of_entry = if entry.is_some() { desk::reasons(db, entry.as_deref())? } else { all.clone() };
            for reason in of_entry.into_iter().filter(|reason| code.as_ref().is_none_or(|code| *code == reason.code)) {
                let limit = if code.is_some() { MANY } else { FEW };
                let filter = DenialFilter { entry: entry.clone(), code: Some(reason.code.clone()), limit };
                let rows = desk::denials(db, &filter)?;
                shown.push((reason, rows));
            }
            Ok((all, shown))
        })
        .map_err(|why| Refused::internal(&why))?;
    let f = asked.frame("denials-title", "denials");
    let count = shown.iter().map(|(reason, _)| reason.count).sum::<u64>();
    let page = DenialsPage {
        headline: f.n("denials-count", &count),
        is_narrowed: entry.is_some() || code.is_some(),
        all_link: f.link("/denials"),
        entries: entries(&all, entry.as_deref()),
        codes: codes(&f, &all, code.as_deref()),
        groups: shown
            .into_iter()
            .map(|(reason, rows)| group(&f, reason, rows, entry.as_deref(), code.is_some()))
            .collect(),
        f,
    };
    Made::of(&page)
}

fn entries(all: &[Reason], chosen: Option<&str>) -> Vec<Choice> {
    let mut names: Vec<&str> = all.iter().flat_map(|reason| &reason.entries).map(|(name, _)| name.as_str()).collect();
    names.extend(chosen);
    names.sort_unstable();
    names.dedup();
    let choice = |name: &str| Choice {
        value: name.to_owned(),
        label: name.to_owned(),
        chosen: chosen.is_some_and(|own| own == name),
    };
    names.into_iter().map(choice).collect()
}

fn codes(f: &Frame, all: &[Reason], chosen: Option<&str>) -> Vec<Choice> {
    let mut codes: Vec<&str> = all.iter().map(|reason| reason.code.as_str()).collect();
    codes.extend(chosen.filter(|own| !all.iter().any(|reason| reason.code == *own)));
    let choice = |code: &str| Choice {
        value: code.to_owned(),
        label: f.word("code", code),
        chosen: chosen.is_some_and(|own| own == code),
    };
    codes.into_iter().map(choice).collect()
}

fn group(f: &Frame, reason: Reason, rows: Vec<Denial>, entry: Option<&str>, is_alone: bool) -> Group {
    let key = reason.code.replace('_', "-");
    let narrowed = |code: &str, entry: Option<&str>| {
        let path = with("/denials", "code", code);
        f.link(&entry.map_or(path.clone(), |entry| with(&path, "entry", entry)))
    };
    let is_cut = rows.len() as u64 != reason.count;
    Group {
        id: format!("reason-{key}"),
        title: f.word("code", &reason.code),
        by_words: f.word("denied-by", reason.by),
        by: reason.by,
        count: f.n("denials-times", &reason.count),
        last: f.moment(&reason.last_at),
        means: coded(&f.word("means", &reason.code)),
        todo: coded(&f.word("todo", &reason.code)),
        entries: match entry {
            Some(_) => Vec::new(),
            None => reason
                .entries
                .iter()
                .map(|(name, count)| (name.clone(), f.number(count), narrowed(&reason.code, Some(name))))
                .collect(),
        },
        more: (is_cut && !is_alone).then(|| (f.n("denials-more", &reason.count), narrowed(&reason.code, entry))),
        is_cut: is_cut && is_alone,
        rows: rows.into_iter().map(|denial| row(f, denial)).collect(),
        code: reason.code,
    }
}

fn row(f: &Frame, denial: Denial) -> Row {
    Row {
        at: f.moment(&denial.at),
        // A refusal by the registry has no unit of its own; its leaf is in the log.
        evidence: (denial.by == "agent").then(|| format!("/v1/records/{}/bundle", denial.id)),
        iso: denial.at,
        entry: denial.entry.map(|entry| (f.link(&format!("/sources/{entry}")), entry)),
        url: denial.url.map(|url| shown_id(&url)),
        because: shown_id(&denial.because),
    }
}
