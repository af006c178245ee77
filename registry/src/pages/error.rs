//! What does a person see when there is no page to show?

use askama::Template;
use schemas::problem::Problem;

use super::frame::Frame;

/// A problem in words.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    f: Frame,
    status: u16,
    code: String,
    what: String,
    detail: Option<String>,
    id: Option<String>,
}

impl ErrorPage {
    /// The page of a problem. Its detail is the interface's own sentence, in English.
    pub fn of(frame: Frame, problem: &Problem) -> Self {
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
        Self {
            what: f.t(&format!("{key}-help")),
            f,
            status: problem.status,
            code: problem.code.clone(),
            detail: problem.detail.clone(),
            id: problem.instance.clone(),
        }
    }
}
