//! `/denials`: what was not fetched, or not kept, and why.

use askama::Template;
use axum::response::Response;

use super::{
    frame::Frame,
    text::shown_id,
    visit::{Asked, Made, Visit},
};
use crate::{
    api::Refused,
    desk::{self, DenialFilter},
};

/// Refusals shown.
const SHOWN: u32 = 200;

#[derive(Template)]
#[template(path = "denials.html")]
struct DenialsPage {
    f: Frame,
    entry: Option<String>,
    all_link: String,
    is_cut: bool,
    denials: Vec<DenialView>,
}

struct DenialView {
    at: String,
    iso: String,
    by: &'static str,
    by_words: String,
    entry: Option<(String, String)>,
    url: Option<String>,
    code: String,
    code_words: String,
    because: String,
}

pub async fn page(visit: Visit) -> Response {
    visit.page(&["entry"], build).await
}

fn build(asked: &mut Asked) -> Result<Made, Refused> {
    let entry = asked.given.get("entry").cloned();
    let filter = DenialFilter { entry: entry.clone(), limit: SHOWN };
    let found = asked.desk.store().read(|db| desk::denials(db, &filter)).map_err(|why| Refused::internal(&why))?;
    let f = asked.frame("denials-title", "denials");
    let denials: Vec<_> = found
        .into_iter()
        .map(|denial| DenialView {
            at: f.moment(&denial.at),
            iso: denial.at,
            by: denial.by,
            by_words: f.word("denied-by", denial.by),
            entry: denial.entry.map(|entry| (f.link(&format!("/sources/{entry}")), entry)),
            url: denial.url.map(|url| shown_id(&url)),
            code_words: f.word("code", &denial.code),
            code: denial.code,
            because: shown_id(&denial.because),
        })
        .collect();
    let page = DenialsPage { all_link: f.link("/denials"), entry, is_cut: denials.len() >= SHOWN as usize, denials, f };
    Made::of(&page)
}
