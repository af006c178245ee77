//! What may a collector say, and what is it told?
//!
//! A [`Collector`] is two pure functions: [`plan`](Collector::plan) names the requests to make, [`read`](Collector::read) says what one
//! answer holds. Neither can open a socket, read a clock, a file or the environment, sleep, log, see a credential or another answer:
//! nothing in here offers it. So every reading can be made again from kept bytes, and must come out equal, bit for bit.
//!
//! [`Erased`] is the same contract with cursor and step as JSON: engine, conformance suite and `read FILE` know only that one.

mod about;
mod answer;
mod erased;
mod halt;
mod place;
mod reading;
mod recipes;
mod request;
mod work;

pub use about::{About, Flow, Manifest, Place as SlotPlace, Refill, Slot, TokenStyle, Unit};
pub use answer::{Answer, Facts, Part};
pub use erased::{Broken, Erased, MAX_STEP_BYTES, check_request, checked_plan};
pub use halt::{Absent, Halt, Scope, Unreadable};
pub use place::Place;
pub use reading::{Hear, Reading, Word};
pub use recipes::{Matched, RecipeProblem, Recipes};
pub use request::{Accept, Bounds, Method, Request};
pub use schemas::{
    capture::{Target, What},
    record::Record,
};
pub use work::{Ask, Known, Work};

use serde::{Serialize, de::DeserializeOwned};

/// One platform: what to ask it, and how to read what it answers.
///
/// Both functions are pure. Equal arguments give equal results, on another machine, in another time zone, years later.
pub trait Collector: Sized + Send + Sync + 'static {
    /// Name in entries, segments and tables: lower case, digits and hyphens.
    const NAME: &'static str;

    /// What is true across runs, one per target and kind of work. `()` where nothing is.
    ///
    /// Evolves by added optional fields only: the cursors of every release must still be read.
    type Cursor: Serialize + DeserializeOwned + Default + Clone;

    /// Why a request was made; stored beside its response, so that the response can be read from the segment alone. `()` is the common case.
    ///
    /// At most [`MAX_STEP_BYTES`] as RFC 8785 JSON, so no floats and no integer beyond 2^53 - 1. Evolves as the cursor does.
    type Step: Serialize + DeserializeOwned + Clone;

    /// What this collector covers, needs and misses, as data. A method, because a recipe only knows itself at run time.
    fn about(&self) -> About;

    /// The first requests of a walk. An empty list means there is nothing to do now.
    ///
    /// # Errors
    ///
    /// A seed that means nothing here, in words for the person who wrote it: nothing is asked, and coverage says why.
    fn plan(&self, ask: &Ask<'_, Self::Cursor>) -> Result<Vec<Request<Self::Step>>, Unreadable>;

    /// Says what one answer holds.
    ///
    /// An `Ok` in which nothing was said (no item, no request, no cursor, no `empty`) counts as unreadable.
    ///
    /// # Errors
    ///
    /// The [`Halt`] that stands for the whole answer; whatever was said before it is thrown away.
    fn read(&self, answer: &Answer<'_, Self::Step>, out: &mut Reading<'_, Self>) -> Result<(), Halt<Self::Step>>;

    /// What can be said of recipes, for a collector that works by them. Its targets rest while theirs is missing or broken.
    fn recipes(&self) -> Option<&dyn Recipes> {
        None
    }

    /// Joins a cursor with a later proposal: `max` or union, so that the order of proposals does not matter.
    ///
    /// Associative and idempotent, and never goes back. The default takes the newer one, right for opaque cursors of a lane with one chain.
    fn merge(_old: Self::Cursor, new: Self::Cursor) -> Self::Cursor {
        new
    }
}
