//! `/agents`: who collects, when were they last heard, and is anything missing in their chains?

use askama::Template;
use axum::response::Response;

use super::{
    frame::Frame,
    text::{person, shown_id},
    visit::{Asked, Made, Visit},
};
use crate::{api::Refused, desk};

#[derive(Template)]
#[template(path = "agents.html")]
struct AgentsPage {
    f: Frame,
    agents: Vec<AgentView>,
}

struct AgentView {
    name: String,
    id: String,
    collector: String,
    state: String,
    enrolled: bool,
    segments: String,
    last: Option<String>,
    finding: Option<String>,
    /// The finding in the registry's words.
    detail: String,
}

pub async fn page(visit: Visit) -> Response {
    visit.page(&[], build).await
}

fn build(asked: &mut Asked) -> Result<Made, Refused> {
    let history = asked.desk.registry().history();
    let chains = asked.desk.registry().chain_findings().map_err(|why| Refused::internal(&why))?;
    let found =
        asked.desk.store().read(|db| desk::agents(db, &history, &chains)).map_err(|why| Refused::internal(&why))?;
    let f = asked.frame("agents-title", "agents");
    let agents = found
        .into_iter()
        .map(|agent| {
            let finding = agent
                .finding
                .as_deref()
                .map(|finding| if finding.starts_with("fork") { "agent-fork" } else { "agent-gap" });
            AgentView {
                name: person(&agent.id),
                collector: agent.collector.clone(),
                state: f.word("agent", &agent.state),
                enrolled: agent.state == "enrolled",
                segments: f.n("segments", &agent.segments),
                last: agent.last_at.as_deref().map(|at| f.moment(at)),
                finding: finding.map(|key| f.t(key)),
                detail: agent.finding.clone().unwrap_or_default(),
                id: shown_id(&agent.id),
            }
        })
        .collect();
    Made::of(&AgentsPage { f, agents })
}
