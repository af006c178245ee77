//! Was a capture permitted? What registry and verifier ask again of everything an agent kept.

use crate::{
    capture::Run,
    digest::Digest,
    gate::{self, Decision, GateAsk, RobotsCopy},
    permission::RobotsRule,
    policy::{History, Policy, PolicyError, open_issue},
};

/// One request an agent made, as its segment keeps it.
#[derive(Debug, Clone, Copy)]
pub struct Captured<'a> {
    /// The run it belongs to.
    pub run: &'a Run,
    /// What the gate was asked.
    pub ask: &'a GateAsk,
    /// The copy of robots.txt that the decision rests on.
    pub robots: Option<&'a RobotsCopy>,
    /// What the agent's gate answered.
    pub recorded: &'a Decision,
    /// Whether an answer came: then the address connected to must be recorded and is judged too.
    pub answered: bool,
}

/// Whether a capture stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptureVerdict {
    /// Permitted at its time by what the log holds.
    Accepted,
    /// Collected before the agent could know that permission had been narrowed or withdrawn: kept and flagged.
    AcceptedLate {
        /// What the newer policy says.
        why: String,
    },
    /// Not permitted: not kept.
    Refused {
        /// The reason, for people.
        why: String,
    },
}

/// The policy that a run names: its issue, if the log signed it and holds what it names.
///
/// # Errors
///
/// [`PolicyError`]: the run's issue is no issue of this log, or not the one whose digest and time the run states.
pub fn policy_of_run(history: &History, run: &Run) -> Result<Policy, PolicyError> {
    let refused = |why: &str| Err(PolicyError::content("policy of the run", why));
    let opened = open_issue(&run.issue)?;
    let Some(root) = history.root_named(opened.issue.root) else {
        return refused("its trust root is not in the log");
    };
    opened.verify(&root.log_verifier()?)?;
    if opened.digest != run.policy || opened.issue.issued_at != run.policy_issued_at || opened.issue.root != run.root {
        return refused("the run states another digest, time or root than its issue");
    }
    match history.policy_named(&opened.issue) {
        Some(policy) => Ok(policy),
        None => refused("the log never held these statements together as its newest"),
    }
}

/// Judges one capture by recomputing the gate's decision with what the log says was in force; digests are never merely compared.
///
/// First with the policy at the capture's time (in its minute, any that was). If that refuses: with the policy that the run names
/// ([`policy_of_run`]), if its issue was not stale at the capture.
///
/// What is compared with the recorded decision is what no policy changes: that it permitted, the address in normal form, and what robots.txt said.
///
/// Not judged here, since it takes the whole segment: the day's budget, the order of redirects and follow-ups, the agent's key, its clock, and whether the
/// recorded times and addresses are those of the WARC records.
#[must_use]
pub fn judge_capture(history: &History, captured: Captured<'_>) -> CaptureVerdict {
    let named = policy_of_run(history, captured.run).ok();
    judge_with(history, named.as_ref(), captured)
}

/// As [`judge_capture`], with the run's policy as [`policy_of_run`] gave it, which need not be verified again for each capture.
#[must_use]
pub fn judge_with(history: &History, named: Option<&Policy>, captured: Captured<'_>) -> CaptureVerdict {
    if let Err(why) = coherent(captured) {
        return CaptureVerdict::Refused { why };
    }
    let mut first_refusal = None;
    for policy in history.policies_around(captured.ask.at) {
        match permits(&policy, captured) {
            // What the gate has no eye for (how people and evidence are kept) may be that of an older entry only while its copy of the policy was good: or an
            // agent that names an old issue would keep in clear what is to be sealed by now.
            Ok(())
                if kept_alike(&policy, named, captured.run)
                    || named.is_some_and(|named| named.stale(captured.ask.at).is_none()) =>
            {
                return CaptureVerdict::Accepted;
            }
            Ok(()) => {
                let why = "refused, because its run keeps people or evidence as the entry no longer says, by a policy too old to act on";
                first_refusal = first_refusal.or(Some(why.to_owned()));
            }
            Err(why) => first_refusal = first_refusal.or(Some(why)),
        }
    }
    let why = first_refusal.unwrap_or_else(|| "refused, because the log held no permission at that time".to_owned());

    let at = captured.ask.at;
    match named {
        Some(policy) if policy.stale(at).is_none() && permits(policy, captured).is_ok() => {
            // An issue from after the capture, within the tolerance of clocks, is no old knowledge: the agent's clock is behind.
            if policy.issued_at() > at { CaptureVerdict::Accepted } else { CaptureVerdict::AcceptedLate { why } }
        }
        _ => CaptureVerdict::Refused { why },
    }
}

/// Whether a refusal that an agent wrote down follows from what it was asked and had in hand, under any policy it may have judged by.
///
/// # Errors
///
/// What does not follow, for people.
pub fn judge_refusal(history: &History, named: Option<&Policy>, captured: Captured<'_>) -> Result<(), String> {
    let Captured { run, ask, robots, recorded, .. } = captured;
    let at_capture = history.policies_around(ask.at);
    let follows = at_capture.iter().map(|policy| &**policy).chain(named).any(|policy| {
        let again = gate::decide(policy, &run.queries, ask, robots);
        !again.permitted && again.code == recorded.code && again.robots == recorded.robots && again.url == recorded.url
    });
    if follows && !recorded.permitted {
        return Ok(());
    }
    Err(format!("the recorded refusal does not follow from its own evidence: {}", recorded.because))
}

/// Whether an entry says the same of people and evidence as in the policy that the run names.
fn kept_alike(policy: &Policy, named: Option<&Policy>, run: &Run) -> bool {
    let terms = |policy: &Policy| {
        policy.entry(&run.target.entry).map(|entry| (entry.evidence, entry.authors, entry.fields.clone()))
    };
    named.is_none_or(|named| terms(named) == terms(policy))
}

/// What must hold whatever the policy.
fn coherent(captured: Captured<'_>) -> Result<(), String> {
    let Captured { run, ask, recorded, answered, .. } = captured;
    let refused = |why: &str| Err(format!("refused, because {why}"));
    if !recorded.permitted || recorded.code != gate::DecisionCode::Permitted {
        return refused("the agent's own gate had refused it, and it was made all the same");
    }
    if ask.entry != run.target.entry {
        return refused("it names another entry than its run");
    }
    if recorded.entry != Some(run.entry) {
        return refused("its decision rests on another entry than its run names");
    }
    if ask.collector != run.reader.name {
        return refused("it names another collector than its run's reader");
    }
    if answered && ask.connected.is_none() {
        return refused("the address it connected to is not recorded");
    }
    Ok(())
}

fn permits(policy: &Policy, captured: Captured<'_>) -> Result<(), String> {
    let again = gate::decide(policy, &captured.run.queries, captured.ask, captured.robots);
    if !again.permitted {
        return Err(again.because);
    }
    if again.url != captured.recorded.url {
        return Err("refused, because the recorded decision names another address".to_owned());
    }
    if again.robots != captured.recorded.robots {
        return Err("refused, because the recorded decision says otherwise about robots.txt".to_owned());
    }
    same_target(policy, captured.run)
}

/// What a run read by is what the entry says: the gate judges addresses, and recipe and rules decide what is made of the answers.
fn same_target(policy: &Policy, run: &Run) -> Result<(), String> {
    let entry = policy.entry(&run.target.entry);
    if run.target.own_terms != entry.is_some_and(|entry| entry.robots != RobotsRule::Obey) {
        return Err("refused, because the run took another rule for robots than the entry names".to_owned());
    }
    let named = entry.and_then(|entry| entry.recipe.as_ref());
    let used = run.target.recipe.as_ref().map(|text| Digest::of(text.as_bytes()));
    match (named, used) {
        (None, None) => Ok(()),
        (Some(named), Some(used)) if named.digest == used => Ok(()),
        (Some(named), Some(used)) => {
            let (file, named, used) = (&named.file, named.digest.short(), used.short());
            Err(format!(
                "refused, because the entry names the recipe `{file}` ({named}) and the run used another ({used})"
            ))
        }
        (Some(named), None) => {
            Err(format!("refused, because the entry names the recipe `{}` and the run used none", named.file))
        }
        (None, Some(_)) => Err("refused, because the run used a recipe and the entry names none".to_owned()),
    }
}
