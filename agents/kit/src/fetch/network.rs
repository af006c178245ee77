//! What does the engine's [`Network`] do, by gate, budgets, credentials and connections?

use jiff::Timestamp;
use schemas::{gate::Decision, permission::RobotsRule, urlform};

use super::{stream::flow_of, trip::Trip, web::Web};
use crate::{
    budget::Rows,
    contract::Scope,
    engine::{Network, Open, Outcome, Pending, Piece, RunFacts, Wanted},
    gate::Gate,
    reservations, robots,
};

impl Network for Web {
    fn exchange<'a>(&'a self, wanted: Wanted<'a>) -> Pending<'a, Outcome> {
        Box::pin(async move { Trip::new(self, &wanted).make().await })
    }

    fn piece<'a>(&'a self, wanted: Wanted<'a>, open: &'a mut Open, over: Pending<'a, ()>) -> Pending<'a, Piece> {
        Box::pin(async move {
            match flow_of(open) {
                Some(flow) => Trip::new(self, &wanted).piece(flow, over).await,
                None => Piece::Ended {
                    trail: Vec::new(),
                    why: Some("the connection is not one of this network".to_owned()),
                    chunks: 0,
                },
            }
        })
    }

    fn preview(&self, wanted: Wanted<'_>) -> Decision {
        let now = self.now();
        let run = wanted.run;
        let obeys = run.policy.entry(&run.entry).is_some_and(|entry| entry.robots == RobotsRule::Obey);
        let authority = urlform::normal_form(&wanted.request.url).ok().map(|url| schemas::gate::authority_of(&url));
        let known = self.rows.now(|rows| {
            let copy = match authority.filter(|_| obeys) {
                Some(authority) => robots::in_hand(rows, &authority, self.limits.robots_again, now)?,
                None => None,
            };
            Ok(copy)
        });
        // A preview is no permission: what the database does not tell counts as unknown.
        let (copy, spent) = (known.unwrap_or_default(), self.rows.spent(&run.entry, now).unwrap_or_default());
        let slot = run
            .policy
            .entry(&run.entry)
            .and_then(|entry| entry.credential.clone())
            .filter(|_| !wanted.request.slots.is_empty());
        let ask = Trip::question(run, wanted.request, &wanted.request.url, wanted.origin, now, spent, slot);
        Gate::of(run).decide(&ask, copy.as_deref())
    }

    fn rest(&self, run: &RunFacts, url: &str, scope: &Scope, until: Timestamp) {
        let credential = || run.policy.entry(&run.entry).and_then(|entry| entry.credential.clone());
        let scope = match scope {
            Scope::Host => {
                urlform::normal_form(url).ok().map(|url| format!("host {}", schemas::gate::authority_of(&url)))
            }
            Scope::Credential(_) => credential().map(|name| format!("credential {name}")),
            Scope::Bucket(unit) => Some(format!("unit {unit}")),
        };
        let now = self.now();
        if let Some(scope) = scope
            && let Err(error) = self.rows.now(|rows| Rows::rest(rows, &scope, until, now))
        {
            tracing::warn!(scope, %error, "a pause the source asked for could not be stored");
        }
    }

    fn stored(&self, responses: &[String]) {
        for file in self.unstored.take(responses) {
            if let Err(error) = self.rows.now(|rows| reservations::keep(rows, &file)) {
                tracing::warn!(authority = file.authority, %error, "a reservation file could not be stored, and will be asked for again");
            }
        }
    }

    fn spent(&self, run: &RunFacts, unit: &str, amount: u64) {
        let reserved = self.recall(run, unit);
        let now = self.now();
        if let Some(unit) = self.unit(unit)
            && let Err(error) = self.rows.now(|rows| Rows::settle(rows, unit, reserved, amount, now))
        {
            tracing::warn!(unit = unit.name, %error, "what a request cost could not be stored");
        }
    }
}
