//! Which targets may this collector be run for, and by which schedule?

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use schemas::{
    Digest,
    capture::Target,
    permission::{Entry, Missed as MissedWord, RobotsRule},
    policy::{Policy, open_statement},
    schedule::{Jitter, Missed, Schedule},
    statement::{PolicyBundle, Statement},
};

use crate::{
    contract::{About, Erased, Work},
    engine::{Order, RunFacts},
    sealing::Sealing,
};
use tokio_util::sync::CancellationToken;

/// A target that may be collected now, and when it is due.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What its runs go by.
    pub facts: RunFacts,
    /// The policy issue, as the log signed it.
    pub issue: String,
    /// When it is due.
    pub schedule: Schedule,
    /// Its own delay.
    pub jitter: Jitter,
    /// What becomes of missed runs.
    pub missed: Missed,
}

impl Planned {
    /// The target as the schedule sees it.
    #[must_use]
    pub fn line(&self) -> super::Line<'_> {
        super::Line {
            target: &self.facts.target.id,
            schedule: &self.schedule,
            jitter: self.jitter,
            missed: self.missed,
        }
    }

    /// The order for one run.
    #[must_use]
    pub fn order(&self, due: Option<Timestamp>, clock_synchronised: Option<bool>, stop: &CancellationToken) -> Order {
        Order {
            facts: self.facts.clone(),
            issue: self.issue.clone(),
            work: Work::Poll,
            due,
            clock_synchronised,
            stop: stop.clone(),
        }
    }
}

/// Targets, and entries of this collector that may not be run, with the reason.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// In the order of the allowlist.
    pub planned: Vec<Arc<Planned>>,
    /// Entry id and why it rests.
    pub resting: Vec<(String, String)>,
}

/// An entry's targets, or why it has none.
type Found = Result<Vec<Arc<Planned>>, String>;

/// Every entry of this collector with every seed of it, in force or not: worked out once for a policy.
#[derive(Clone, Debug)]
pub struct Entries {
    policy: Arc<Policy>,
    /// In the order of the allowlist.
    all: Vec<(String, Found)>,
}

impl Entries {
    /// `bundle` is the policy as the registry sent it; the caller has opened `policy` from it.
    #[must_use]
    pub fn of(bundle: &str, policy: &Arc<Policy>, collector: &dyn Erased, sealing: &Sealing) -> Self {
        let about = collector.about();
        let bundle: Option<PolicyBundle> = serde_json::from_str(bundle).ok();
        let issue = bundle.as_ref().map(|bundle| bundle.issue.clone()).unwrap_or_default();
        let recipes = bundle.as_ref().map(|bundle| recipes(&bundle.permission)).unwrap_or_default();
        let own = policy.allowlist().entries.iter().filter(|entry| entry.collector == collector.name());
        let all = own.map(|entry| {
            let planned = of_entry(entry, policy, collector, &about, &issue, &recipes);
            // Evidence that this agent can't seal is not collected.
            let planned = planned.and_then(|all| sealing.suffices(entry, policy.root()).map(|()| all));
            (entry.id.clone(), planned)
        });
        Self { policy: Arc::clone(policy), all: all.collect() }
    }

    /// A target, where it may be run for at an instant.
    ///
    /// # Errors
    ///
    /// Why it may not.
    pub fn target(&self, target: &Target, now: Timestamp) -> Result<Arc<Planned>, String> {
        let not_named = || format!("`{}` is not in the policy any more", target.id);
        let (entry, planned) = self.all.iter().find(|(entry, _)| *entry == target.entry).ok_or_else(not_named)?;
        self.policy.in_force(entry, now).map_err(|why| why.to_string())?;
        let found = planned.as_ref().map_err(Clone::clone)?.iter().find(|planned| {
            let Target { id, url, .. } = &planned.facts.target;
            *id == target.id && *url == target.url
        });
        found.cloned().ok_or_else(not_named)
    }

    /// Those that may be run for at an instant.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Targets {
        let mut found = Targets::default();
        for (entry, planned) in &self.all {
            let in_force = self.policy.in_force(entry, now).map_err(|why| why.to_string());
            match in_force.and_then(|_| planned.as_ref().map_err(Clone::clone)) {
                Ok(planned) => found.planned.extend(planned.iter().cloned()),
                Err(why) => found.resting.push((entry.clone(), why)),
            }
        }
        found
    }
}

fn recipes(permission: &str) -> BTreeMap<String, String> {
    match open_statement(permission).map(|opened| opened.statement) {
        Ok(Statement::Permission { recipes, .. }) => recipes,
        _ => BTreeMap::new(),
    }
}

/// Whether the collector can work by what the entry names.
fn readable(collector: &dyn Erased, recipe: Option<&str>, file: &str) -> Result<(), String> {
    let name = collector.name();
    match (collector.recipes(), recipe) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(format!("the collector `{name}` reads no recipes, and the entry names `{file}`")),
        (Some(_), None) => Err(format!("the collector `{name}` works by recipes, and the entry names none")),
        (Some(recipes), Some(text)) => match recipes.check(text, file) {
            Ok(_) => Ok(()),
            Err(problems) => {
                let first = problems.first().map(ToString::to_string).unwrap_or_default().replace('\n', "; ");
                Err(format!("its recipe cannot be read: {first}"))
            }
        },
    }
}

fn of_entry(
    entry: &Entry,
    policy: &Arc<Policy>,
    collector: &dyn Erased,
    about: &About,
    issue: &str,
    recipes: &BTreeMap<String, String>,
) -> Found {
    let schedule = Schedule::parse(&entry.schedule, &entry.zone).map_err(|error| error.to_string())?;
    let recipe = match &entry.recipe {
        None => None,
        Some(named) => {
            let text =
                recipes.get(&named.file).ok_or_else(|| format!("recipe `{}` is not in the policy", named.file))?;
            if Digest::of(text.as_bytes()) != named.digest {
                return Err(format!("recipe `{}` is not the one the entry names", named.file));
            }
            Some(text.clone())
        }
    };
    readable(collector, recipe.as_deref(), entry.recipe.as_ref().map_or("", |named| &named.file))?;
    let digest = entry.digest();
    let planned = entry.seeds.iter().enumerate().map(|(at, seed)| {
        let id = if at == 0 { entry.id.clone() } else { format!("{}#{}", entry.id, at + 1) };
        Arc::new(Planned {
            jitter: Jitter::of(&id, entry.jitter_secs),
            facts: RunFacts {
                policy: Arc::clone(policy),
                entry: entry.id.clone(),
                entry_digest: digest,
                target: Target {
                    id,
                    entry: entry.id.clone(),
                    url: seed.clone(),
                    recipe: recipe.clone(),
                    own_terms: entry.robots != RobotsRule::Obey,
                },
                collector: entry.collector.clone(),
                queries: about.queries.clone(),
                slots: about.slots.clone(),
                reservations: about.reservations,
            },
            issue: issue.to_owned(),
            schedule: schedule.clone(),
            missed: match entry.missed {
                MissedWord::Skip => Missed::Skip,
                MissedWord::Once => Missed::Once,
            },
        })
    });
    Ok(planned.collect())
}
