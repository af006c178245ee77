//! Which machinery do the end-to-end tests share? A world of real processes: exhibit, registry, agent.
//!
//! Every program is the one that users run. Servers bind to loopback and stop when the world is dropped.
//!
//! Counts are small unless `VIGIE_LONG=1`; nothing is skipped without being named, and with `VIGIE_REQUIRE_ALL=1` nothing is skipped.

mod agent;
mod archive;
mod dice;
mod http;
mod manager;
mod process;
mod scan;
mod skip;
mod source;
mod truth;
mod until;
mod world;

pub use agent::Agent;
pub use archive::archive;
pub use dice::Dice;
pub use http::{Got, get, put};
pub use manager::Manager;
pub use process::{Output, Running, program};
pub use scan::{files, occurrences, rows, segments, terms};
pub use skip::{long, required, shared, skipped, times};
pub use source::Source;
pub use truth::{expected, missing};
pub use until::until;
pub use world::World;
