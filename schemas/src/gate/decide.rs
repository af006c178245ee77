//! The decision itself: one step after the other, the first refusal ends it.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use jiff::SignedDuration;
use url::Url;

use super::{
    Decision, DecisionCode, GateAsk, Origin, RobotsCopy,
    matching::{authority_of, entry_matches, path_and_query, query_matches, same_authority},
};
use crate::{
    address,
    permission::{Authors, Entry, Method, RobotsRule},
    policy::{CLOCK_TOLERANCE, InForce, NotInForceCode, Policy, is_loopback_host},
    pseudonym, reservation,
    robots::{self, RobotsDecision, RobotsOutcome},
    urlform,
};

/// The product token that robots.txt files are asked about.
pub const PRODUCT_TOKEN: &str = "Vigie";

/// Most redirects that are followed from one request, and from one request for a robots.txt (RFC 9309 section 2.3.1.2).
pub const MAX_HOPS: u32 = 5;

/// How long a robots.txt counts, from the end of its fetch (RFC 9309 section 2.4).
pub const ROBOTS_MAX_AGE: SignedDuration = SignedDuration::from_hours(24);

/// The headers a collector may choose.
const CHOSEN_HEADERS: [&str; 2] = ["accept", "accept-language"];

/// Whether the request may be made: permitted only if every step that can be judged agrees.
///
/// Pure: the same values give the same answer, words included, on agent, registry and verifier. `queries` are the address patterns of
/// the collector's query endpoints ([`super::query_matches`]). `robots` is the copy in hand for the address asked for; not needed for [`Origin::Robots`] nor for
/// entries with `robots = "api: …"`. A step that cannot be judged yet (no name looked up, no connection) is passed over, so an agent asks before it
/// resolves, again with the addresses, and again with the peer. How old `policy` is, is not asked here: [`Policy::stale`].
///
/// In a trial every destination must be loopback.
#[must_use]
pub fn decide(policy: &Policy, queries: &[String], ask: &GateAsk, robots: Option<&RobotsCopy>) -> Decision {
    let mut found = Found { entry: policy.entry(&ask.entry), url: None, robots: None };
    let form = urlform::normal_form(&ask.url);
    found.url = form.as_ref().ok().cloned();
    let answer = walk(policy, queries, ask, robots, form, &mut found);
    let (permitted, code, because) = match answer {
        Ok(because) => (true, DecisionCode::Permitted, format!("permitted, because {because}")),
        Err((code, why)) => (false, code, format!("refused, because {why}")),
    };
    Decision {
        permitted,
        code,
        because,
        entry: found.entry.and_then(|entry| policy.entry_digest(&entry.id)),
        url: found.url.map(String::from),
        robots: found.robots,
    }
}

/// What the answer reports besides yes or no.
struct Found<'a> {
    entry: Option<&'a Entry>,
    url: Option<Url>,
    robots: Option<RobotsDecision>,
}

type Refusal = (DecisionCode, String);

fn walk(
    policy: &Policy,
    queries: &[String],
    ask: &GateAsk,
    robots: Option<&RobotsCopy>,
    form: Result<Url, urlform::UrlRefusal>,
    found: &mut Found<'_>,
) -> Result<String, Refusal> {
    method_and_headers(queries, ask, form.as_ref().ok(), found.entry)?;
    let url = form.map_err(|refusal| (DecisionCode::Address, refusal.to_string()))?;
    origin(ask, &url)?;
    let in_force = entry_in_force(policy, ask, &url)?;
    let entry = in_force.entry;
    let by_robots = ask_robots(entry, ask, &url, robots, &mut found.robots)?;
    budget(entry, ask)?;
    credential(entry, ask)?;
    destination(policy, entry, ask, &url)?;
    let approvers = in_force.approvers.join(", ");
    Ok(format!(
        "entry `{}` (approved by {approvers}) allows {} {url}, and {by_robots}",
        entry.id,
        method_word(ask.method),
    ))
}

fn method_and_headers(
    queries: &[String],
    ask: &GateAsk,
    url: Option<&Url>,
    entry: Option<&Entry>,
) -> Result<(), Refusal> {
    let method = method_word(ask.method);
    if let Some(entry) = entry.filter(|entry| !entry.methods.contains(&ask.method)) {
        let why = format!("entry `{}` does not allow {method}", entry.id);
        return Err((DecisionCode::Method, why));
    }
    let listed = |url: &Url| queries.iter().any(|pattern| query_matches(pattern, url));
    // An address without a normal form is refused by the next step; only a list that is empty speaks against any address.
    let endpoint = url.map_or(!queries.is_empty(), listed);
    if ask.method == Method::Post && !endpoint {
        let why = "POST goes only to the query endpoints that the collector lists, and this is none";
        return Err((DecisionCode::Method, why.to_owned()));
    }
    let own = |header: &&String| !CHOSEN_HEADERS.contains(&header.as_str());
    if let Some(header) = ask.headers.iter().find(own) {
        let why = format!(
            "the collector chose the header `{}`, and may choose only `accept` and `accept-language`",
            header.escape_debug()
        );
        return Err((DecisionCode::Header, why));
    }
    Ok(())
}

fn origin(ask: &GateAsk, url: &Url) -> Result<(), Refusal> {
    let unplanned = |why: &str| Err((DecisionCode::Unplanned, why.to_owned()));
    let too_many = || {
        let why = format!("it would be redirect number {} or more, and {MAX_HOPS} are followed", MAX_HOPS + 1);
        Err((DecisionCode::Redirects, why))
    };
    match &ask.origin {
        Origin::Plan | Origin::Token => Ok(()),
        Origin::Follow { asked_by } if !is_record_id(asked_by) => {
            unplanned("it names no captured response whose reading asked for it")
        }
        Origin::Follow { .. } => Ok(()),
        Origin::Redirect { from, hop } => {
            if !is_record_id(from) || *hop == 0 {
                return unplanned("it names no captured response that redirected to it");
            }
            if *hop > MAX_HOPS { too_many() } else { Ok(()) }
        }
        Origin::Robots { hop } => {
            if *hop == 0 && (url.path() != "/robots.txt" || url.query().is_some()) {
                return unplanned("a request for robots.txt must ask for `/robots.txt`");
            }
            if *hop > MAX_HOPS { too_many() } else { Ok(()) }
        }
        Origin::Reservation { hop } => {
            if *hop == 0 && (url.path() != reservation::PATH || url.query().is_some()) {
                return unplanned("a request for the reservation file must ask for `/.well-known/tdmrep.json`");
            }
            if *hop > MAX_HOPS { too_many() } else { Ok(()) }
        }
    }
}

/// A WARC record id as our segments write it: `urn:uuid:` and a UUID in lower case.
fn is_record_id(text: &str) -> bool {
    let uuid = text.strip_prefix("urn:uuid:");
    uuid.is_some_and(|uuid| uuid::Uuid::try_parse(uuid).is_ok_and(|read| read.to_string() == uuid))
}

fn entry_in_force<'a>(policy: &'a Policy, ask: &GateAsk, url: &Url) -> Result<InForce<'a>, Refusal> {
    let in_force = policy.judge(&ask.entry, ask.at).map_err(|refusal| {
        let code = match refusal.code {
            NotInForceCode::NoEntry => DecisionCode::NoEntry,
            _ => DecisionCode::NotInForce,
        };
        (code, refusal.why)
    })?;
    let entry = in_force.entry;
    if entry.collector != ask.collector {
        let why =
            format!("entry `{}` is for the collector `{}`, not for `{}`", entry.id, entry.collector, ask.collector);
        return Err((DecisionCode::OtherCollector, why));
    }
    // A site's own rules are fetched as part of permitting its host, whatever paths the rules of the entry name.
    let rules_of_host = ask.origin.own_path() == Some(url.path())
        && url.query().is_none()
        && entry.matches.iter().any(|rule| same_authority(rule, url));
    if !rules_of_host && !entry_matches(entry, url) {
        let why = format!("no match rule of entry `{}` covers {url}", entry.id);
        return Err((DecisionCode::NoMatch, why));
    }
    if entry.authors != Authors::Named && !pseudonym::address_fits(entry, url) {
        let why = format!("the address could name a person, and entry `{}` keeps no authors by name", entry.id);
        return Err((DecisionCode::Person, why));
    }
    Ok(in_force)
}

fn ask_robots(
    entry: &Entry,
    ask: &GateAsk,
    url: &Url,
    robots: Option<&RobotsCopy>,
    answer: &mut Option<RobotsDecision>,
) -> Result<String, Refusal> {
    if matches!(ask.origin, Origin::Robots { .. }) {
        return Ok("robots.txt is asked for before anything else of its host".to_owned());
    }
    if let RobotsRule::Api { reason } = &entry.robots {
        return Ok(format!("robots.txt is not asked, because {reason}"));
    }
    let authority = authority_of(url);
    let site = url.origin().ascii_serialization();
    let missing = |why: String| Err((DecisionCode::RobotsMissing, why));
    let Some(copy) = robots else {
        return missing(format!("robots.txt of {site} has to be fetched first"));
    };
    if copy.v != 1 || copy.authority != authority {
        let of = copy.authority.escape_debug();
        return missing(format!("the robots.txt in hand is of `{of}`, not of `{authority}`"));
    }
    let age = ask.at.duration_since(copy.fetched_at);
    if age > ROBOTS_MAX_AGE || age < -CLOCK_TOLERANCE {
        let why = format!("robots.txt of {site} was fetched at {}, and counts for 24 hours", copy.fetched_at);
        return Err((DecisionCode::RobotsStale, why));
    }
    let Ok(body) = STANDARD.decode(&copy.body_base64) else {
        return missing(format!("the copy of robots.txt of {site} is not base64"));
    };
    // The copy may be stricter than its status (a body that broke off), never more lenient.
    let computed = robots::outcome(copy.status, copy.redirects);
    let forbids = |outcome| matches!(outcome, RobotsOutcome::Refused | RobotsOutcome::Unreachable);
    if copy.outcome != computed && !forbids(copy.outcome) {
        return missing(format!("the copy of robots.txt of {site} contradicts its own status"));
    }

    let said = robots::decide(copy.outcome, &body, PRODUCT_TOKEN, &path_and_query(url));
    let allowed = said.allowed;
    let line = said.rule.as_ref().map(|rule| format!(": `{rule}`"));
    *answer = Some(said);
    match (allowed, copy.outcome) {
        (true, RobotsOutcome::Available) => {
            let line = line.unwrap_or_else(|| ": no line is about it".to_owned());
            Ok(format!("robots.txt of {site} allows it{line}"))
        }
        (true, RobotsOutcome::Unavailable) => Ok(format!("{site} has no robots.txt")),
        (true, _) => Ok("robots.txt itself may always be asked for".to_owned()),
        (false, RobotsOutcome::Unreachable) => Err((
            DecisionCode::RobotsUnreachable,
            format!("robots.txt of {site} could not be read, which forbids everything (RFC 9309, section 2.3.1.4)"),
        )),
        (false, RobotsOutcome::Refused) => {
            Err((DecisionCode::Robots, format!("{site} refuses to show its robots.txt")))
        }
        (false, _) => {
            Err((DecisionCode::Robots, format!("robots.txt of {site} forbids it{}", line.unwrap_or_default())))
        }
    }
}

fn budget(entry: &Entry, ask: &GateAsk) -> Result<(), Refusal> {
    if ask.spent_today < entry.daily {
        return Ok(());
    }
    let why = format!("entry `{}` allows {} requests a day (UTC), and they are spent", entry.id, entry.daily);
    Err((DecisionCode::Budget, why))
}

fn credential(entry: &Entry, ask: &GateAsk) -> Result<(), Refusal> {
    let refused = |why| Err((DecisionCode::Credential, why));
    match (&ask.slot, &entry.credential) {
        (Some(slot), own) if own.as_ref() != Some(slot) => {
            refused(format!("the credential `{}` is not entry `{}`'s", slot.escape_debug(), entry.id))
        }
        (None, _) if ask.origin == Origin::Token => refused("a token call must name its credential".to_owned()),
        _ => Ok(()),
    }
}

fn destination(policy: &Policy, entry: &Entry, ask: &GateAsk, url: &Url) -> Result<(), Refusal> {
    let host = url.host_str().unwrap_or_default();
    let literal = address::literal(host);
    let resolved = ask.resolved.as_deref();
    if resolved.is_some_and(<[IpAddr]>::is_empty) {
        return Err((DecisionCode::Unresolved, format!("the name `{host}` has no address")));
    }
    let refused = |why: String| Err((DecisionCode::Destination, why));
    if policy.root().trial && literal.is_none() && resolved.is_none() && !is_loopback_host(host) {
        return refused(format!("this is a trial, and `{host}` is not this machine"));
    }
    let allowed: Vec<IpNet> = entry.allow_addresses.iter().filter_map(|text| network(text)).collect();
    let all = literal.iter().chain(resolved.unwrap_or_default()).chain(&ask.connected);
    for &ip in all {
        if let Err(refusal) = address::judge(ip, &allowed) {
            return refused(format!("`{host}` leads to {refusal}"));
        }
        if policy.root().trial && !ip.to_canonical().is_loopback() {
            return refused(format!("this is a trial, and {ip} is not this machine"));
        }
        if literal.is_some_and(|literal| literal.to_canonical() != ip.to_canonical()) {
            return refused(format!("`{host}` is an address, and {ip} is another"));
        }
    }
    // The resolver's answer was judged; a connection elsewhere was not asked for.
    if let (Some(peer), Some(resolved)) = (ask.connected, resolved) {
        let given = |ip: &IpAddr| ip.to_canonical() == peer.to_canonical();
        if !resolved.iter().any(given) {
            return refused(format!("{peer} is none of the addresses that `{host}` resolved to"));
        }
    }
    Ok(())
}

/// An address or a prefix, as `allow_addresses` names them.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    let one = text.parse::<IpAddr>().map(IpNet::from);
    one.ok().or_else(|| text.parse().ok())
}

fn method_word(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
    }
}
