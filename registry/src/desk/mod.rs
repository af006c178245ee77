//! What do people ask of the registry, besides searching? Read models over the tables, shared by command line, HTTP interface and pages.
//!
//! Every function takes a read-only connection and believes the tables: they are an index. What must be proven is proven from evidence,
//! by [`verify`].

mod agents;
mod cards;
mod coverage;
mod days;
mod heard;
mod item;
mod plan;
mod reasons;
mod runs;
mod unheard;

pub use agents::{AgentHealth, LastRun, agents, last_run};
pub use cards::{Card, cards};
pub use coverage::{CoverageDay, Denial, DenialFilter, Source, coverage_days, denials, sources};
pub use days::{Day, Looks, days_of, looks};
pub use heard::CoverageLine;
pub use item::{Capture, Item, RecordId, Revision, Sighting, item};
pub use plan::{MAX_LINES, Plan};
pub use reasons::{Reason, reasons};
pub use runs::{TargetDay, calendar, coverage_by};
