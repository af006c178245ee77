//! Do start, run and commit record speak of this segment?

use super::{Contradiction, Found};
use crate::{
    capture::Run,
    digest::Digest,
    policy::{History, Policy},
    segment::{Segment, View},
};

/// What start, run and commit record say of each other, of the manifest and of the policy that the run names.
///
/// `policy` is that of [`crate::judge::policy_of_run`], where it is known.
#[must_use]
pub fn frame_contradictions(
    history: &History,
    policy: Option<&Policy>,
    segment: &Segment,
    view: &View<'_>,
) -> Vec<Contradiction> {
    let mut found = Found::new(segment, view);
    found.start(history);
    if let Some((unit, run)) = &view.run {
        found.run(*unit, run, policy);
        if let Some((unit, commit)) = &view.commit {
            if commit.v != 1 {
                found.add(
                    *unit,
                    "commit",
                    format!("format version {} of a commit is not known to this release", commit.v),
                );
            }
            if commit.run != run.id {
                found.add(*unit, "commit", "the commit record names another run than the run record");
            }
            if commit.coverage.target != run.target.id {
                found.add(*unit, "commit", "its coverage is of another target than its run's");
            }
        }
    }
    found.said
}

impl Found<'_, '_> {
    fn start(&mut self, history: &History) {
        if self.view.info.is_empty() {
            return;
        }
        let fields = &self.view.info;
        let said = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let manifest = &self.segment.manifest;
        let known = said("vigie-segment") == Some("1");
        let own = said("vigie-agent") == Some(&manifest.agent) && said("vigie-seq") == Some(&manifest.seq.to_string());
        let root = said("vigie-root").and_then(|text| text.parse::<Digest>().ok());
        let trial = said("vigie-trial") == Some("true");
        if !known {
            self.add(0, "start", "the start record does not say `vigie-segment: 1`");
        }
        if !own {
            self.add(0, "start", "the start record names another agent or number than the manifest");
        }
        match root.and_then(|root| history.root_named(root)) {
            None => self.add(0, "start", "the start record names a trust root that the log does not hold"),
            Some(root) if root.trial != trial => {
                self.add(0, "start", "the start record and its trust root differ on whether this is a trial");
            }
            Some(_) => {}
        }
        if let Some((_, run)) = &self.view.run
            && root.is_some_and(|root| root != run.root)
        {
            self.add(0, "start", "the start record names another trust root than the run record");
        }
    }

    fn run(&mut self, unit: u64, run: &Run, policy: Option<&Policy>) {
        if run.v != 1 {
            self.add(unit, "run", format!("format version {} of a run is not known to this release", run.v));
        }
        let Some(policy) = policy else { return };
        if policy.entry_digest(&run.target.entry) != Some(run.entry) {
            self.add(unit, "issue", "the policy issue does not hold the entry that the run names");
        }
        let Some(entry) = policy.entry(&run.target.entry) else {
            return;
        };
        if !entry.seeds.contains(&run.target.url) {
            self.add(unit, "run", "its target is no seed of its entry");
        }
        let numbered = run.target.id.strip_prefix(&entry.id).is_some_and(|rest| {
            rest.is_empty()
                || rest
                    .strip_prefix('#')
                    .and_then(|number| number.parse::<usize>().ok())
                    .is_some_and(|number| (2..=entry.seeds.len()).contains(&number))
        });
        if !numbered {
            self.add(unit, "run", "its target is not named after its entry");
        }
    }
}
