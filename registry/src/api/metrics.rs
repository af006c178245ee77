//! Is it alive, is it ready, and what has it done?

use std::{fmt::Write as _, sync::atomic::Ordering};

use axum::{extract::State, http::StatusCode};

use super::{Desk, Refused, blocking};
use crate::core::store::Store as _;

/// The process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The log and the tables answer.
pub async fn readyz(State(desk): State<Desk>) -> Result<&'static str, Refused> {
    blocking(move || {
        desk.store().leaf_count().map_err(|why| {
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "not ready", why.to_string())
        })?;
        Ok("ready\n")
    })
    .await
}

/// Counters in the Prometheus text format; no host, user or address is a label.
pub async fn metrics(State(desk): State<Desk>) -> Result<String, Refused> {
    blocking(move || {
        let mut out = String::new();
        let failed = |why: crate::core::store::StoreError| Refused::internal(&why);
        let counters = desk.counters();
        let rows = [
            ("vigie_log_size", "gauge", "leaves in the log", desk.store().leaf_count().map_err(failed)?),
            (
                "vigie_indexed_size",
                "gauge",
                "leaves the tables have followed",
                desk.store().followed().map_err(failed)?,
            ),
            (
                "vigie_alarms",
                "gauge",
                "alarms nobody has marked as seen",
                desk.store().alarms().map_err(failed)?.len() as u64,
            ),
            ("vigie_segments_accepted_total", "counter", "segments kept", counters.accepted.load(Ordering::Relaxed)),
            (
                "vigie_segments_refused_total",
                "counter",
                "segments answered with a refusal receipt",
                counters.refused.load(Ordering::Relaxed),
            ),
            (
                "vigie_put_problems_total",
                "counter",
                "segments answered with a problem",
                counters.problems.load(Ordering::Relaxed),
            ),
            (
                "vigie_segment_bytes_total",
                "counter",
                "stored bytes of segments kept",
                counters.bytes.load(Ordering::Relaxed),
            ),
            ("vigie_searches_total", "counter", "searches answered", counters.searches.load(Ordering::Relaxed)),
        ];
        for (name, kind, help, value) in rows {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
        Ok(out)
    })
    .await
}
