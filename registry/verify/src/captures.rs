//! Does what a segment says hold together, and was every capture permitted?
//!
//! Works on whole segments and on the part of one that a bundle holds: what is absent is passed over here and named by the caller.

use std::collections::BTreeSet;

use schemas::{
    capture::Run,
    gate::{RobotsCopy, decide},
    judge::{CaptureVerdict, Captured, judge_refusal, judge_with, policy_of_run},
    policy::{Policy, open_issue},
    segment::{Capture, CaptureKind, Segment, View},
};
use tlog::VerifierKey;

use crate::{
    replay::{Replay, chain},
    verdict::Findings,
};

/// What a segment is judged against.
pub(crate) struct Judge<'a> {
    pub replay: &'a Replay,
    pub log_key: &'a VerifierKey,
    /// Index of the manifest's leaf.
    pub leaf: u64,
    /// The collector the agent was enrolled for.
    pub collector: Option<&'a str>,
    /// True where units are absent from the view, erased or not included.
    pub partial: bool,
    /// How places are named: `segments/ab/….warc.gz` or nothing.
    pub name: &'a str,
}

/// What was recomputed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub captures: u64,
    pub late: u64,
    pub records: u64,
}

impl Judge<'_> {
    pub fn place(&self, unit: u64) -> String {
        if self.name.is_empty() { format!("unit {unit}") } else { format!("{}, unit {unit}", self.name) }
    }

    /// Checks everything the view shows.
    pub fn check(&self, segment: &Segment, view: &View<'_>, out: &mut Findings) -> Counts {
        let mut counts = Counts::default();
        let named = view.run.as_ref().and_then(|(unit, run)| self.run(*unit, run, segment, out));
        self.agreement(segment, view, named.as_ref(), &mut counts, out);
        for capture in &view.captures {
            self.capture(view, capture, named.as_ref(), &mut counts, out);
        }
        counts
    }

    /// Checks the policy a run names; gives it back where the log holds it.
    fn run(&self, unit: u64, run: &Run, segment: &Segment, out: &mut Findings) -> Option<Policy> {
        let place = self.place(unit);
        let history = &self.replay.history;
        if history.root_named(run.root).is_none() {
            out.wrong("run", &*place, "the run names a trust root that the log does not hold");
        }
        if self.collector.is_some_and(|collector| collector != run.reader.name) {
            let what = format!(
                "agent {} is enrolled for another collector than `{}`",
                segment.manifest.agent, run.reader.name
            );
            out.wrong("collector", &*place, what);
        }
        let policy = match policy_of_run(history, run) {
            Ok(policy) => policy,
            Err(why) => {
                self.no_policy(&place, run, &chain(&why), out);
                return None;
            }
        };
        if open_issue(&run.issue).is_ok_and(|open| open.issue.log_size > self.leaf) {
            out.wrong(
                "issue",
                &*place,
                "the policy issue speaks of a log larger than it was when the segment was taken in",
            );
        }
        Some(policy)
    }

    /// Tells a policy that cannot be found from one whose statements are not here.
    fn no_policy(&self, place: &str, run: &Run, why: &str, out: &mut Findings) {
        let issue = open_issue(&run.issue).ok().filter(|open| open.verify(self.log_key).is_ok());
        let absent = issue.as_ref().and_then(|open| {
            let mut named = std::iter::once(&open.issue.permission).chain(&open.issue.approvals);
            named.find(|digest| !self.replay.history.holds(**digest))
        });
        match absent {
            Some(digest) => out.missing(
                "missing-statement",
                format!("statements/{digest}.note"),
                format!("the policy issue in {place} names this statement, and it is not here, or does not count"),
            ),
            None => out.wrong("issue", place, why),
        }
    }

    fn capture(
        &self,
        view: &View<'_>,
        capture: &Capture<'_>,
        named: Option<&Policy>,
        counts: &mut Counts,
        out: &mut Findings,
    ) {
        counts.captures += 1;
        let place = self.place(capture.unit);
        let robots = match capture.robots() {
            None => None,
            Some(id) => match view.robots.get(id) {
                Some((_, copy)) => Some(copy),
                // The caller names what is gone or absent; without the copy nothing can be recomputed.
                None if self.partial => return,
                None => {
                    out.wrong("robots", &*place, "the robots.txt copy that the decision names is not in the segment");
                    None
                }
            },
        };
        if let Some((_, run)) = &view.run {
            self.permitted(&place, run, capture, robots, named, counts, out);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one decision rests on all of them")]
    fn permitted(
        &self,
        place: &str,
        run: &Run,
        capture: &Capture<'_>,
        robots: Option<&RobotsCopy>,
        named: Option<&Policy>,
        counts: &mut Counts,
        out: &mut Findings,
    ) {
        let (ask, recorded) = (capture.ask(), capture.decision());
        let answered = matches!(capture.kind, CaptureKind::Exchange(_));
        let captured = Captured { run, ask, robots, recorded, answered };
        if let CaptureKind::Refused(_) = capture.kind {
            if let Err(why) = judge_refusal(&self.replay.history, named, captured) {
                out.wrong("refusal", place, why);
            }
            return;
        }
        // Shown to people as the agent wrote them; which policy was in its hands, and in which release's words, may differ.
        let policies = self.replay.history.policies_around(ask.at);
        let again = policies
            .iter()
            .map(|policy| &**policy)
            .chain(named)
            .map(|policy| decide(policy, &run.queries, ask, robots).because)
            .collect::<Vec<_>>();
        if let Some(ours) = again.last()
            && !again.contains(&recorded.because)
        {
            out.note(
                "words",
                place,
                format!("the agent's words for its decision are not those computed again, which are: {ours}"),
            );
        }
        match judge_with(&self.replay.history, named, captured) {
            CaptureVerdict::Accepted => {}
            CaptureVerdict::AcceptedLate { why } => {
                counts.late += 1;
                out.note(
                    "late",
                    place,
                    format!("collected before the agent could know that permission had changed: {why}"),
                );
            }
            CaptureVerdict::Refused { why } => {
                out.wrong("permission", place, format!("it was not permitted, and is kept: {why}"));
            }
        }
    }
}

/// Units that hold what a reading needs besides its own lines, by number, as writers lay them: request, response, exchange.
pub(crate) fn beside(exchange_unit: u64) -> BTreeSet<u64> {
    [2, 1].into_iter().filter_map(|back| exchange_unit.checked_sub(back)).collect()
}
