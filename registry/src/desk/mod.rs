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

pub use agents::{AgentHealth, LastRun, agents, last_run, lost};
pub use cards::{Card, cards};
pub use coverage::{CoverageDay, Denial, DenialFilter, Source, coverage_days, denials, sources};
pub use days::{Day, Looks, days_of, looks};
pub use heard::CoverageLine;
pub use item::{Capture, Item, RecordId, Revision, Sighting, Vanishing, item};
pub use plan::{MAX_LINES, Plan};
pub use reasons::{Reason, reasons};
pub use runs::{TargetDay, calendar, coverage_by};

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    /// These tables only grow, and somebody waits.
    #[test]
    fn what_is_rare_is_found_without_looking_at_every_row() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("../core/store/index.sql")).unwrap();
        for (sql, by) in [
            (super::coverage::REFUSED, "captures USING INDEX captures_refused"),
            (super::reasons::BY_AGENTS, "captures USING INDEX captures_refused"),
            (super::agents::LOST, "segments USING INDEX segments_lost"),
            (super::agents::NEWEST, "segments USING INDEX segments_agent (agent=?)"),
        ] {
            let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let (mut rows, mut plan) = (statement.raw_query(), String::new());
            while let Some(row) = rows.next().unwrap() {
                plan.push_str(&row.get::<_, String>(3).unwrap());
            }
            assert!(plan.contains(by) && !plan.contains("FOR ORDER BY"), "{sql}: {plan}");
        }
    }
}
