//! What does a site's robots.txt say to us about one path?
//!
//! Follows RFC 9309. Everything here is a pure function of bytes and plain values: the agent asks before a request,
//! the registry asks again at ingest, the offline verifier asks years later, and all three must hear the same answer.
//! Fetching, caching and ageing are not here.
//!
//! Where the RFC is silent or leaves a choice, the reading is the stricter one:
//! - misspelt or colon-less `Disallow` lines count (lists in `parse`); misspelt `Allow` lines do not;
//! - 401, 403 and 451 forbid, although the RFC counts them with the other 4xx ([`outcome`]);
//! - lines are never cut short, so a long `Allow` cannot grow into a wider one.
//!
//! Two readings of RFC 9309 section 2.2.2 worth knowing. Percent-encoded unreserved characters are decoded and everything
//! outside ASCII is encoded on both sides, as the RFC demands; Google's matcher leaves that to its caller. Reserved
//! characters are encoded on both sides too, except `/ ? & = ; +`, which separate parts of a URL: `%2F` is not `/`.
//!
//! Not here: the `X-Robots-Tag` header and other page-level signals; `Request-rate`, `Host`, `Clean-param`.

mod outcome;
mod parse;
mod pattern;

pub use outcome::{MAX_REDIRECTS, RobotsOutcome, decide, outcome};
pub use pattern::{Comparison, compare};

use parse::Group;
use pattern::{Path, Pattern};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much of a robots.txt is read, in bytes: the 500 KiB that RFC 9309 section 2.5 asks for at least.
///
/// It is the memory guard as well, for rules are never dropped to save space: a file of this length holds at most
/// 64,000 of them (`allow:/` and a line end). Nothing that [`Robots::parse`] keeps grows faster than the file; the worst
/// file takes some tens of MiB. Of a signal line, 16 signals are kept.
pub const PARSED_BYTES: usize = 500 * 1024;

/// How much of a rule's line a decision quotes, in characters; a longer one ends in `…`.
pub const QUOTED_CHARS: usize = 512;

/// The answer for one path and one product token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RobotsDecision {
    /// Whether the path may be requested.
    pub allowed: bool,
    /// The product token of the group that applied, as the file spells it, or `*`; absent if no group applied or no file was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The line that decided, without its comment, e.g. `Disallow: /private/`; absent if no rule matched. At most [`QUOTED_CHARS`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Where that line stands, counting from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// `Crawl-delay` of the group that applied, in milliseconds, at most one day; the longest if it has several. Not part of the RFC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crawl_delay_ms: Option<u64>,
}

impl RobotsDecision {
    /// An answer that no rule gave.
    fn without_rule(allowed: bool) -> Self {
        Self { allowed, group: None, rule: None, line: None, crawl_delay_ms: None }
    }
}

/// One `key=value` of a `Content-Signal` or `Content-Usage` line: how the site wants its content used. Kept, never judged here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContentSignal {
    /// `content-signal` or `content-usage`.
    pub field: String,
    /// The path the line limits itself to, where it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The use, in lower case, e.g. `ai-train`.
    pub key: String,
    /// The wish, in lower case, e.g. `no`. Empty if the line gives none.
    pub value: String,
    /// Where the line stands, counting from 1.
    pub line: u32,
}

/// A robots.txt, read.
#[derive(Debug, Clone, Default)]
pub struct Robots {
    groups: Vec<Group>,
    sitemaps: Vec<String>,
    ungrouped_signals: Vec<ContentSignal>,
}

impl Robots {
    /// Reads a robots.txt. Never fails: a line that is not understood says nothing, and bytes that are not UTF-8 are matched as bytes.
    ///
    /// Only the first [`PARSED_BYTES`] count. A line that this limit cuts in two is dropped, since half an `Allow` would permit more than the whole.
    pub fn parse(body: &[u8]) -> Self {
        parse::robots(body)
    }

    /// Whether `token` may request `path_and_query`, and which line says so.
    ///
    /// `token` is compared whole, ignoring case, with the tokens of the file (RFC 9309 section 2.2.1). Groups that name it are
    /// read as one; only if there is none do the `*` groups apply. The longest matching rule wins, an `Allow` on a tie;
    /// `/robots.txt` itself is always allowed (section 2.2.2). A fragment is ignored, an empty path is `/`.
    ///
    /// Time is proportional to the number of rules times the length of path and rule, whatever the number of `*`.
    pub fn decide(&self, token: &str, path_and_query: &str) -> RobotsDecision {
        let groups = self.groups_for(token);
        let mut decision = RobotsDecision {
            group: groups.first().map(|(name, _)| (*name).to_owned()),
            crawl_delay_ms: groups.iter().filter_map(|(_, group)| group.crawl_delay_ms).max(),
            ..RobotsDecision::without_rule(true)
        };
        let path = Path::new(path_and_query);
        if path.is_robots_txt() {
            return decision;
        }

        let mut best: Option<&parse::Rule> = None;
        for rule in groups.iter().flat_map(|(_, group)| &group.rules) {
            let stronger = best.is_none_or(|best| rule.strength() > best.strength());
            if stronger && rule.pattern.matches(&path) {
                best = Some(rule);
            }
        }
        if let Some(rule) = best {
            decision.allowed = rule.allow;
            decision.rule = Some(rule.quoted.clone());
            decision.line = Some(rule.line);
        }
        decision
    }

    /// The addresses of `Sitemap` lines, as written and in order. They belong to no group.
    pub fn sitemaps(&self) -> &[String] {
        &self.sitemaps
    }

    /// The content signals that speak to `token`: those outside any group, then those of its groups, chosen as in [`Robots::decide`].
    pub fn content_signals(&self, token: &str) -> Vec<&ContentSignal> {
        let grouped = self.groups_for(token).into_iter().flat_map(|(_, group)| &group.signals);
        self.ungrouped_signals.iter().chain(grouped).collect()
    }

    /// The groups that apply to a token, each with the name that made it apply.
    fn groups_for(&self, token: &str) -> Vec<(&str, &Group)> {
        let named = |wanted: &str| -> Vec<(&str, &Group)> {
            let name_in = |group: &'_ Group| group.agents.iter().position(|agent| agent.eq_ignore_ascii_case(wanted));
            self.groups
                .iter()
                .filter_map(|group| {
                    name_in(group).and_then(|at| group.agents.get(at)).map(|name| (name.as_str(), group))
                })
                .collect()
        };
        // A group whose name holds no token character has an empty name; an empty token must not meet it.
        let own = if token.is_empty() || token == "*" { Vec::new() } else { named(token) };
        if own.is_empty() { named("*") } else { own }
    }
}
