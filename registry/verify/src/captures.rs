//! Does what a segment says hold together, and was every capture permitted?
//!
//! Works on whole segments and on the part of one that a bundle holds: what is absent is passed over here and named by the caller.

use std::collections::BTreeSet;

use schemas::{
    Digest,
    capture::Run,
    gate::{self, RobotsCopy},
    judge::{CaptureVerdict, Captured, judge_with, policy_of_run},
    policy::{CLOCK_TOLERANCE, Policy, open_issue},
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
        if self.name.is_empty() {
            format!("unit {unit}")
        } else {
            format!("{}, unit {unit}", self.name)
        }
    }

    /// Checks everything the view shows.
    pub fn check(&self, segment: &Segment, view: &View<'_>, out: &mut Findings) -> Counts {
        let mut counts = Counts::default();
        self.start(segment, view, out);
        let named = view
            .run
            .as_ref()
            .and_then(|(unit, run)| self.run(*unit, run, segment, out));
        if let (Some((_, run)), Some((unit, commit))) = (&view.run, &view.commit)
            && commit.run != run.id
        {
            out.wrong(
                "commit",
                self.place(*unit),
                "the commit record names another run than the run record",
            );
        }
        for capture in &view.captures {
            self.capture(segment, view, capture, named.as_ref(), &mut counts, out);
        }
        for conversion in &view.loose {
            self.lines(conversion, None, view, &mut counts, out);
        }
        counts
    }

    fn start(&self, segment: &Segment, view: &View<'_>, out: &mut Findings) {
        let place = self.place(0);
        if view.info.is_empty() {
            return;
        }
        let said = |name: &str| {
            view.info
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        let manifest = &segment.manifest;
        if said("vigie-segment") != Some("1") {
            out.wrong(
                "start",
                &*place,
                "the start record does not say `vigie-segment: 1`",
            );
        }
        if said("vigie-agent") != Some(&manifest.agent)
            || said("vigie-seq") != Some(&manifest.seq.to_string())
        {
            out.wrong(
                "start",
                &*place,
                "the start record names another agent or number than the manifest",
            );
        }
        let root = said("vigie-root").and_then(|text| text.parse::<Digest>().ok());
        match root.and_then(|root| self.replay.history.root_named(root)) {
            None => out.wrong(
                "start",
                place,
                "the start record names a trust root that the log does not hold",
            ),
            Some(root) if root.trial != (said("vigie-trial") == Some("true")) => {
                out.wrong(
                    "start",
                    place,
                    "the start record and its trust root differ on whether this is a trial",
                );
            }
            Some(_) => {}
        }
    }

    /// Checks the policy a run names; gives it back where the log holds it.
    fn run(&self, unit: u64, run: &Run, segment: &Segment, out: &mut Findings) -> Option<Policy> {
        let place = self.place(unit);
        let history = &self.replay.history;
        if run.v != 1 {
            out.wrong(
                "run",
                &*place,
                format!(
                    "format version {} of a run is not known to this release",
                    run.v
                ),
            );
        }
        if history.root_named(run.root).is_none() {
            out.wrong(
                "run",
                &*place,
                "the run names a trust root that the log does not hold",
            );
        }
        if self
            .collector
            .is_some_and(|collector| collector != run.reader.name)
        {
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
        if policy.entry_digest(&run.target.entry) != Some(run.entry) {
            out.wrong(
                "issue",
                place,
                "the policy issue does not hold the entry that the run names",
            );
        }
        Some(policy)
    }

    /// Tells a policy that cannot be found from one whose statements are not here.
    fn no_policy(&self, place: &str, run: &Run, why: &str, out: &mut Findings) {
        let issue = open_issue(&run.issue)
            .ok()
            .filter(|open| open.verify(self.log_key).is_ok());
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
        segment: &Segment,
        view: &View<'_>,
        capture: &Capture<'_>,
        named: Option<&Policy>,
        counts: &mut Counts,
        out: &mut Findings,
    ) {
        counts.captures += 1;
        let place = self.place(capture.unit);
        let ask = capture.ask();
        let closed = segment.manifest.time.start() + jiff::SignedDuration::from_mins(1);
        if ask.at.duration_since(closed) > CLOCK_TOLERANCE {
            out.wrong(
                "clock",
                &*place,
                format!("it says {}, after its segment was closed", ask.at),
            );
        }
        let robots = match capture.robots() {
            None => None,
            Some(id) => match view.robots.get(id) {
                Some((_, copy)) => Some(copy),
                // The caller names what is gone or absent; without the copy nothing can be recomputed.
                None if self.partial => return self.exchange(view, capture, counts, out),
                None => {
                    out.wrong(
                        "robots",
                        &*place,
                        "the robots.txt copy that the decision names is not in the segment",
                    );
                    None
                }
            },
        };
        if let Some((_, run)) = &view.run {
            self.permitted(&place, run, capture, robots, named, counts, out);
        }
        self.exchange(view, capture, counts, out);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one decision rests on all of them"
    )]
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
        let at_capture = self.replay.history.policies_around(ask.at);
        if let CaptureKind::Refused(_) = capture.kind {
            let follows = at_capture
                .iter()
                .map(|policy| &**policy)
                .chain(named)
                .any(|policy| {
                    let again = gate::decide(policy, &run.queries, ask, robots);
                    !again.permitted
                        && again.code == recorded.code
                        && again.robots == recorded.robots
                        && again.url == recorded.url
                });
            if !follows || recorded.permitted {
                out.wrong(
                    "refusal",
                    place,
                    format!(
                        "the recorded refusal does not follow from its own evidence: {}",
                        recorded.because
                    ),
                );
            }
            return;
        }
        let answered = matches!(capture.kind, CaptureKind::Exchange(_));
        let captured = Captured {
            run,
            ask,
            robots,
            recorded,
            answered,
        };
        match judge_with(&self.replay.history, named, captured) {
            CaptureVerdict::Accepted => {}
            CaptureVerdict::AcceptedLate { why } => {
                counts.late += 1;
                out.note(
                    "late",
                    place,
                    format!(
                        "collected before the agent could know that permission had changed: {why}"
                    ),
                );
            }
            CaptureVerdict::Refused { why } => {
                out.wrong(
                    "permission",
                    place,
                    format!("it was not permitted, and is kept: {why}"),
                );
            }
        }
    }
}

/// Units that hold what a reading needs besides its own lines, by number, as writers lay them: request, response, exchange.
pub(crate) fn beside(exchange_unit: u64) -> BTreeSet<u64> {
    [2, 1]
        .into_iter()
        .filter_map(|back| exchange_unit.checked_sub(back))
        .collect()
}
