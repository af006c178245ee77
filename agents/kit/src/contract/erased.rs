//! How do engine, suite and `read FILE` speak to any collector without knowing its types?

use std::panic::{AssertUnwindSafe, catch_unwind};

use schemas::canonical::canonical_of;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{About, Answer, Ask, Collector, Facts, Halt, Hear, Reading, Recipes, Request};
use crate::body::Body;

/// Largest step, as RFC 8785 JSON.
pub const MAX_STEP_BYTES: usize = 64 * 1024;

/// The contract with cursor and step as JSON. Implemented for every [`Collector`], by nothing else.
pub trait Erased: Send + Sync {
    /// [`Collector::NAME`].
    fn name(&self) -> &'static str;

    /// [`Collector::about`].
    fn about(&self) -> About;

    /// The cursor of a lane before its first walk.
    ///
    /// # Errors
    ///
    /// The default cursor cannot be written as JSON.
    fn first_cursor(&self) -> Result<Value, Broken>;

    /// [`Collector::plan`]. Not guarded against a panic: see [`checked_plan`].
    ///
    /// # Errors
    ///
    /// The cursor is not one of this collector's, or a step cannot be written as JSON.
    fn plan(&self, ask: &Ask<'_, Value>) -> Result<Vec<Request<Value>>, Broken>;

    /// [`Collector::read`]. Not guarded against a panic: see [`derive`](crate::derive::derive).
    ///
    /// # Errors
    ///
    /// The reader's halt; an unreadable one where the step is not one of this collector's.
    fn read(&self, facts: &Facts, body: &Body, out: &mut dyn Hear) -> Result<(), Halt<Value>>;

    /// [`Collector::recipes`].
    fn recipes(&self) -> Option<&dyn Recipes>;

    /// [`Collector::merge`].
    ///
    /// # Errors
    ///
    /// Either cursor is not one of this collector's.
    fn merge(&self, old: &Value, new: &Value) -> Result<Value, Broken>;

    /// Reads a stored step and writes it again, as this version does.
    ///
    /// # Errors
    ///
    /// The step is not one of this collector's.
    fn reread_step(&self, step: &Value) -> Result<Value, Broken>;

    /// Reads a stored cursor and writes it again, as this version does.
    ///
    /// # Errors
    ///
    /// The cursor is not one of this collector's.
    fn reread_cursor(&self, cursor: &Value) -> Result<Value, Broken>;
}

/// A collector broke the contract, or was handed what another one stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("collector `{collector}`: {what}: {why}")]
pub struct Broken {
    /// Which collector.
    pub collector: String,
    /// Its step, its cursor, a request of its own.
    pub what: String,
    /// What is wrong with it.
    pub why: String,
}

fn broken<C: Collector>(what: &str, why: impl std::fmt::Display) -> Broken {
    Broken { collector: C::NAME.to_owned(), what: what.to_owned(), why: why.to_string() }
}

fn typed<C: Collector, T: DeserializeOwned>(what: &str, value: &Value) -> Result<T, Broken> {
    T::deserialize(value).map_err(|error| broken::<C>(what, error))
}

fn json<C: Collector>(what: &str, value: impl serde::Serialize) -> Result<Value, Broken> {
    serde_json::to_value(value).map_err(|error| broken::<C>(what, error))
}

impl<C: Collector> Erased for C {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn about(&self) -> About {
        Collector::about(self)
    }

    fn first_cursor(&self) -> Result<Value, Broken> {
        json::<C>("cursor", C::Cursor::default())
    }

    fn plan(&self, ask: &Ask<'_, Value>) -> Result<Vec<Request<Value>>, Broken> {
        let cursor: C::Cursor = typed::<C, _>("cursor", ask.cursor)?;
        let ask = Ask { target: ask.target, work: ask.work.clone(), cursor: &cursor, now: ask.now };
        let requests = Collector::plan(self, &ask).map_err(|why| broken::<C>("plan", why))?;
        requests.into_iter().map(|request| request.try_map(|step| json::<C>("step", step))).collect()
    }

    fn read(&self, facts: &Facts, body: &Body, out: &mut dyn Hear) -> Result<(), Halt<Value>> {
        let step: C::Step = typed::<C, _>("step", &facts.step).map_err(|error| Halt::unreadable("step", error))?;
        let answer = Answer::new(&step, facts, body);
        match Collector::read(self, &answer, &mut Reading::new(out)) {
            Ok(()) => Ok(()),
            Err(halt) => Err(halt
                .try_map(|step| json::<C>("step", step))
                .unwrap_or_else(|error| Halt::unreadable("step", error))),
        }
    }

    fn recipes(&self) -> Option<&dyn Recipes> {
        Collector::recipes(self)
    }

    fn merge(&self, old: &Value, new: &Value) -> Result<Value, Broken> {
        json::<C>("cursor", C::merge(typed::<C, _>("cursor", old)?, typed::<C, _>("cursor", new)?))
    }

    fn reread_step(&self, step: &Value) -> Result<Value, Broken> {
        json::<C>("step", typed::<C, C::Step>("step", step)?)
    }

    fn reread_cursor(&self, cursor: &Value) -> Result<Value, Broken> {
        json::<C>("cursor", typed::<C, C::Cursor>("cursor", cursor)?)
    }
}

/// Whether a request may be stored and made: an absolute address, a step with a canonical form of at most [`MAX_STEP_BYTES`].
///
/// # Errors
///
/// Says which of them is not so.
pub fn check_request(request: &Request<Value>) -> Result<(), String> {
    if let Err(error) = url::Url::parse(&request.url) {
        let url: String = request.url.chars().take(200).collect();
        return Err(format!("`{url}` is not an absolute address: {error}"));
    }
    let step = canonical_of(&request.step).map_err(|error| format!("step: {error}"))?;
    if step.len() > MAX_STEP_BYTES {
        return Err(format!("step of {} bytes; at most {MAX_STEP_BYTES} are kept", step.len()));
    }
    Ok(())
}

/// [`Erased::plan`], with every request checked and a panic caught.
///
/// # Errors
///
/// [`Broken`], naming what the collector did.
pub fn checked_plan(collector: &dyn Erased, ask: &Ask<'_, Value>) -> Result<Vec<Request<Value>>, Broken> {
    let broken =
        |what: &str, why: String| Broken { collector: collector.name().to_owned(), what: what.to_owned(), why };
    let requests = catch_unwind(AssertUnwindSafe(|| collector.plan(ask)))
        .map_err(|panic| broken("plan", format!("panicked: {}", crate::derive::panic_text(&*panic))))??;
    for request in &requests {
        check_request(request).map_err(|why| broken("plan", why))?;
    }
    Ok(requests)
}
