//! What is a person told? A state that lasts is told once, and so is its end; what was made or let go, a line each.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use schemas::{capture::Lane, coverage::Skipped};

use super::Targets;
use crate::engine::{EngineError, Report};

/// Something that is in order or not.
#[derive(Debug, Default)]
pub struct Told(Mutex<Option<String>>);

impl Told {
    /// It is not in order. True where that, or the reason, is news.
    pub fn trouble(&self, why: &str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let news = told.as_deref() != Some(why);
        *told = Some(why.to_owned());
        news
    }

    /// Whether it is not in order.
    #[cfg(test)]
    pub(crate) fn is_trouble(&self) -> bool {
        self.0.lock().unwrap().is_some()
    }

    /// It is in order. True where it was not before.
    pub fn good(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }
}

/// What goes on, in a line for the service manager.
pub(super) fn words(found: &Targets, running: usize, next: Option<Timestamp>) -> String {
    let next = next.map_or_else(String::new, |at| format!(", next due {}", at.strftime("%Y-%m-%d %H:%M:%S UTC")));
    let rest = match found.resting.len() {
        0 => String::new(),
        some => format!(", {some} not permitted now"),
    };
    format!("{} targets{rest}, {running} being collected{next}", found.planned.len())
}

/// One line for each stretch of runs that were let go.
pub(super) fn tell_skipped(target: &str, skipped: &[Skipped]) {
    for Skipped { first, last, runs, why } in skipped {
        let why = why.in_words();
        match runs {
            1 => tracing::warn!(target_id = %target, "`{target}`: the run due at {first} is not made: {why}"),
            _ => {
                tracing::warn!(target_id = %target, "`{target}`: {runs} runs due from {first} to {last} are not made: {why}")
            }
        }
    }
}

/// One line for a run that the agent's own disk failed.
pub(super) fn tell_failed(target: &str, error: &EngineError) {
    let why = crate::fetch::chain(error);
    tracing::error!(target_id = %target, "the run of `{target}` could not be carried through: {why}");
}

/// One line for each run that ended.
pub(super) fn tell(target: &str, report: &Report) {
    let words = report.in_words();
    let lane = match report.lane {
        Lane::Poll => "",
        Lane::Window => " (past)",
        Lane::Items => " (items)",
        Lane::Stream => " (stream)",
    };
    tracing::info!(target_id = %target, run = %report.run, "`{target}`{lane}: {words}");
}

#[cfg(test)]
mod tests {
    use super::Told;

    #[test]
    fn change_is_news_and_what_lasts_is_not() {
        let told = Told::default();
        let said =
            [told.good(), told.trouble("away"), told.trouble("away"), told.trouble("full"), told.good(), told.good()];
        assert_eq!(said, [false, true, false, true, true, false]);
    }
}
