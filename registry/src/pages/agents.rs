//! `/agents`: who collects, when were they last heard, how do they do, and is anything missing in their chains?

use askama::Template;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};

use super::{
    frame::Frame,
    text::{person, shown_id},
    visit::{Asked, Made, Visit},
};
use crate::{
    api::Refused,
    core::chains::{ChainFinding, listed},
    desk::{self, AgentHealth, LastRun},
};

/// An agent's clock may be so far from ours before a page says so.
const CLOCK_SECS: i64 = 120;
/// A segment may lie so long in an outbox before a page says so.
const WAITED_SECS: i64 = 15 * 60;
/// An agent not heard of for so long may be dead.
const SILENT: SignedDuration = SignedDuration::from_hours(24);
/// A policy older than this stops an agent soon.
const OLD_POLICY: SignedDuration = SignedDuration::from_hours(12);

#[derive(Template)]
#[template(path = "agents.html")]
struct AgentsPage {
    f: Frame,
    agents: Vec<AgentView>,
    /// Forks that were refused at the door: they name no agent.
    refused_forks: Vec<String>,
}

struct AgentView {
    name: String,
    state: String,
    enrolled: bool,
    /// Chain findings in words.
    findings: Vec<String>,
    facts: Vec<Fact>,
}

/// One line of health.
struct Fact {
    label: String,
    value: String,
    /// `good`, `warn`, `bad` or `plain`.
    tone: &'static str,
    is_code: bool,
    note: Option<String>,
}

impl Fact {
    fn sign(&self) -> &'static str {
        match self.tone {
            "good" => "✓",
            "warn" => "!",
            "bad" => "✕",
            _ => "",
        }
    }
}

pub async fn page(visit: Visit) -> Response {
    visit.page(&[], build).await
}

fn build(asked: &mut Asked) -> Result<Made, Refused> {
    let registry = asked.desk.registry();
    let history = registry.history();
    let now = registry.clock();
    let chains = registry.chain_findings().map_err(|why| Refused::internal(&why))?;
    let found =
        asked.desk.store().read(|db| desk::agents(db, &history, &chains)).map_err(|why| Refused::internal(&why))?;
    let runs: Vec<Option<LastRun>> = found
        .iter()
        .map(|agent| {
            let manifest = agent.last_manifest.as_deref()?.parse().ok()?;
            desk::last_run(&registry.evidence().segment(&manifest).ok()?)
        })
        .collect();
    let f = asked.frame("agents-title", "agents");
    let refused_forks = chains.iter().filter_map(|finding| match finding {
        ChainFinding::Fork { manifest, leaf } => {
            let args = [("segment", manifest.short().to_string().into()), ("leaf", (*leaf).into())];
            Some(f.say("agent-fork-refused", &args))
        }
        _ => None,
    });
    let page = AgentsPage {
        refused_forks: refused_forks.collect(),
        agents: found.iter().zip(&runs).map(|(agent, run)| view(&f, agent, run.as_ref(), &chains, now)).collect(),
        f,
    };
    Made::of(&page)
}

fn view(f: &Frame, agent: &AgentHealth, run: Option<&LastRun>, chains: &[ChainFinding], now: Timestamp) -> AgentView {
    let findings: Vec<String> = chains.iter().filter_map(|finding| in_words(f, finding, &agent.id)).collect();
    let enrolled = agent.state == "enrolled";
    let mut facts = Vec::new();
    let mut put = |key: &str, value: String, tone: &'static str, note: Option<String>| {
        facts.push(Fact { label: f.t(key), value, tone, is_code: false, note });
    };
    let heard = agent.taken_at.as_deref().and_then(|at| at.parse::<Timestamp>().ok());
    match heard {
        None => put("agent-heard", f.t("agent-never"), if enrolled { "warn" } else { "plain" }, None),
        Some(at) => {
            let silence = now.duration_since(at);
            let tone = match (enrolled, silence > SILENT) {
                (false, _) => "plain",
                (true, true) => "bad",
                (true, false) => "good",
            };
            put("agent-heard", f.lang.moment(at), tone, Some(f.w("ago", &span(f, silence.as_secs()))));
        }
    }
    put("agent-segments", f.n("segments", &agent.segments), "plain", None);
    match agent.delay_secs {
        None => {}
        Some(delay) if delay < -CLOCK_SECS => {
            put("agent-clock", f.w("agent-clock-ahead", &span(f, -delay)), "bad", Some(f.t("agent-clock-help")));
        }
        Some(_) if run.is_some_and(|run| run.clock_synchronised == Some(false)) => {
            put("agent-clock", f.t("agent-clock-loose"), "warn", Some(f.t("agent-clock-help")));
        }
        Some(_) => put("agent-clock", f.t("agent-clock-fits"), "good", None),
    }
    if let Some(delay) = agent.delay_secs.filter(|delay| *delay >= 0) {
        let waited = delay > WAITED_SECS;
        let note = run.and_then(|run| run.frontier).map(|left| f.n("agent-frontier", &left));
        put("agent-queue", f.w("agent-queue-is", &span(f, delay)), if waited { "warn" } else { "good" }, note);
    }
    if findings.is_empty() {
        put("agent-chain", f.t("agent-chain-whole"), "good", None);
    } else {
        put("agent-chain", f.t("agent-chain-broken"), "bad", None);
    }
    if let Some(run) = run {
        let age = run.began_at.duration_since(run.policy_issued_at);
        let tone = if age > OLD_POLICY { "warn" } else { "good" };
        let value = f.w("agent-policy-is", &span(f, age.as_secs()));
        put("agent-policy", value, tone, Some(f.w("agent-policy-at", &f.lang.moment(run.policy_issued_at))));
        put("agent-reader", run.reader.clone(), "plain", None);
        facts.push(code(f, "agent-program", run.program.to_string()));
    } else if !agent.collector.is_empty() {
        put("entry-collector", agent.collector.clone(), "plain", None);
    }
    facts.push(code(f, "agent-key", shown_id(&agent.id)));
    AgentView { name: person(&agent.id), state: f.word("agent", &agent.state), enrolled, findings, facts }
}

fn code(f: &Frame, key: &str, value: String) -> Fact {
    Fact { label: f.t(key), value, tone: "plain", is_code: true, note: None }
}

/// A length of time in its largest unit.
fn span(f: &Frame, seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    match seconds {
        0..60 => f.t("span-under-a-minute"),
        60..3600 => f.n("span-minutes", &(seconds / 60)),
        3600..172_800 => f.n("span-hours", &(seconds / 3600)),
        _ => f.n("days", &(seconds / 86_400)),
    }
}

/// What a finding says of one agent's chain; nothing where it speaks of another.
fn in_words(f: &Frame, finding: &ChainFinding, id: &str) -> Option<String> {
    match finding {
        ChainFinding::Gap { agent, from, to } if agent == id => Some(
            f.say("agent-gap", &[("from", (*from).into()), ("to", (*to).into()), ("count", (to - from + 1).into())]),
        ),
        ChainFinding::Refused { agent, from, to, leaf, others } if agent == id => Some(f.say(
            "agent-refused",
            &[
                ("from", (*from).into()),
                ("to", (*to).into()),
                ("leaf", (*leaf).into()),
                ("others", listed(others).into()),
            ],
        )),
        ChainFinding::Broken { agent, seq, .. } if agent == id => Some(f.n("agent-fork", seq)),
        _ => None,
    }
}
