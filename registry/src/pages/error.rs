//! What does a person see when there is no page to show?

use askama::Template;

use super::{
    frame::Frame,
    text::{Chunk, coded},
    words,
};
use crate::api::Refused;

/// A problem in words.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    f: Frame,
    status: u16,
    code: String,
    what: String,
    detail: Vec<Chunk>,
    /// The detail is the interface's own sentence.
    is_english: bool,
    id: Option<String>,
}

impl ErrorPage {
    /// The page of a problem. Its detail is in the language of the page where there are words for it.
    pub fn of(frame: Frame, why: &Refused) -> Self {
        let problem = why.problem();
        let key = match problem.status {
            400 => "error-400",
            401 => "error-401",
            403 => "error-403",
            404 => "error-404",
            410 => "error-410",
            405 => "error-405",
            503 => "error-503",
            _ => "error-500",
        };
        let f = frame.titled(key, "");
        let own = why.words().map(|(key, args)| f.say(key, &words::values(args)));
        Self {
            what: f.t(&format!("{key}-help")),
            is_english: own.is_none(),
            detail: own.as_deref().or(problem.detail.as_deref()).map(coded).unwrap_or_default(),
            f,
            status: problem.status,
            code: problem.code.clone(),
            id: problem.instance.clone(),
        }
    }
}
