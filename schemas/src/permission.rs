//! What may be collected, why, how and until when? One entry of the allowlist, as data.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{canonical, digest::Digest};

/// The allowlist as a person writes it (`allowlist.toml`) and as a permission statement carries it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allowlist {
    /// Version of this format; this release reads 1.
    pub format: u32,
    /// How old an agent's copy may be before it stops, in hours. Default 24, at most 168.
    #[serde(default = "day")]
    pub max_policy_age_hours: u32,
    /// One permission a target.
    #[serde(default, rename = "entry", skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
}

const fn day() -> u32 {
    24
}

/// Permission to collect one target. Default deny: what no entry in force names is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Stable name: 1 to 64 of `a-z 0-9 -`.
    pub id: String,
    /// Which collector may use it: `feed`, `web`, `mastodon`…
    pub collector: String,
    /// What is asked for: addresses, accounts, queries. At least one.
    pub seeds: Vec<String>,
    /// What may be fetched to get it: hosts of redirects, tokens, files and follow-ups included. At least one.
    #[serde(rename = "match")]
    pub matches: Vec<Match>,
    /// `GET`, and `POST` where the collector's manifest lists query endpoints.
    #[serde(default = "only_get")]
    pub methods: Vec<Method>,
    /// For collectors that read recipes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Recipe>,
    /// Name of a stored credential; its value is never here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// How media are kept; this release links them.
    #[serde(default)]
    pub media: MediaRule,
    /// Names of record fields to keep. Absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// What the material is collected for.
    pub purpose: String,
    /// Program or activity it relates to.
    pub program: String,
    /// Ground in law, from a closed list, with the reason in words.
    pub legal_basis: LegalBasis,
    /// The question that collecting this should answer.
    pub question: String,
    /// Reference of the privacy impact assessment, or `none: reason`.
    pub pia: String,
    /// Key id of the person who asks (`name+0a1b2c3d`).
    pub requested_by: String,
    /// Cron line or `every 15m`: see [`crate::schedule`].
    pub schedule: String,
    /// IANA time zone of `schedule`.
    pub zone: String,
    /// Largest delay added to each run, in seconds; the delay itself is fixed by the target's name. At most 3,600.
    #[serde(default)]
    pub jitter_secs: u32,
    /// What becomes of runs missed while an agent was down.
    #[serde(default)]
    pub missed: Missed,
    /// Fewest seconds between two requests to one host. At least 1, but for loopback hosts, where 0 is allowed.
    #[serde(default = "two")]
    pub rate_secs: u32,
    /// Most requests a UTC day over all of the entry, robots.txt included. 1 to 100,000.
    pub daily: u32,
    /// Largest body in bytes, as sent and after decompression. Default 15 MiB, at most 48 MiB.
    #[serde(default = "fifteen_mib")]
    pub max_body_bytes: u64,
    /// `obey`, or `api: reason` for official interfaces that are used by their own terms.
    #[serde(default)]
    pub robots: RobotsRule,
    /// How authors are kept. `pseudonym` and `omit` demand sealed evidence.
    #[serde(default)]
    pub authors: Authors,
    /// Whether evidence is kept in clear. `sealed` demands two recipients in the trust root.
    #[serde(default)]
    pub evidence: Evidence,
    /// How long records are kept, in days. 1 to 3,650.
    pub retain_days: u32,
    /// TLP 2.0 marking.
    pub tlp: Tlp,
    /// Rule for domestic content. `refuse` and `quarantine` are not in this release and refused by `policy check`.
    pub domestic: Domestic,
    /// How many records a day are usual, `5..200 per day`; outside it someone is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// Last day in force, UTC, `YYYY-MM-DD`; at most twelve months after the approval.
    pub expires_on: String,
    /// Digest of the entry this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Digest>,
    /// Addresses or prefixes that would be refused as private, and are meant: `127.0.0.1/32`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_addresses: Vec<String>,
    /// Anything a reviewer should know: language, terms-of-service review, contact.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, String>,
}

fn only_get() -> Vec<Method> {
    vec![Method::Get]
}

const fn two() -> u32 {
    2
}

const fn fifteen_mib() -> u64 {
    15 * 1024 * 1024
}

/// Files in which this project's programs keep secrets and settings of their own, beside those that entries name. An entry that could name one could send it
/// to a host of its choice.
const OWN_FILES: [&str; 8] =
    ["agent.key", "agent.toml", "log.key", "pseudonym.key", "registry.token", "state.key", "tls.key", "trust.toml"];

/// Whether an entry may name a credential so: 1 to 64 of `a-z A-Z 0-9 - _ .`, not beginning with a dot, and no secret of an agent's own.
#[must_use]
pub fn is_credential_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = (1..=64).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(plain);
    fits && !OWN_FILES.iter().any(|own| own.eq_ignore_ascii_case(name))
}

impl Entry {
    /// SHA-256 of the entry's RFC 8785 bytes: what approvals sign.
    ///
    /// # Panics
    ///
    /// Never: an entry holds text, lists and integers below 2^53 only, which canonical JSON always accepts.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the type holds nothing canonical JSON can refuse")]
    pub fn digest(&self) -> Digest {
        Digest::of(&canonical::canonical_of(self).expect("an entry is canonical"))
    }
}

/// One rule of what may be fetched. All parts must match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// `https` or `http`.
    #[serde(default = "https")]
    pub scheme: String,
    /// Exact host, or `*.example.org` for every name below it (not the name itself). IDNA A-labels.
    pub host: String,
    /// Port; absent is the scheme's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Pattern over path and query: a prefix, `*` for any run, `$` for the end. Default `/`.
    #[serde(default = "slash")]
    pub path: String,
}

fn https() -> String {
    "https".to_owned()
}

fn slash() -> String {
    "/".to_owned()
}

/// A request method an entry may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Read.
    Get,
    /// Read by a query endpoint or token call that the collector's manifest lists.
    Post,
}

/// A recipe and what it must hash to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// File name beside the allowlist.
    pub file: String,
    /// SHA-256 of its bytes.
    pub digest: Digest,
}

/// A ground from the closed list `legal-basis/v1` and the reason it applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LegalBasis {
    /// Code of the list.
    pub code: LegalBasisCode,
    /// Why it applies here, for a reviewer.
    pub reason: String,
}

/// The closed list, version 1. A new ground is a new version of this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum LegalBasisCode {
    /// Privacy Act (Canada), section 4: relates directly to an operating program or activity.
    #[serde(rename = "ca-privacy-act-4")]
    CaPrivacyAct4,
    /// GDPR article 6(1)(e): task in the public interest.
    #[serde(rename = "eu-gdpr-6-1-e")]
    EuGdpr61e,
    /// GDPR article 89: research in the public interest, with safeguards.
    #[serde(rename = "eu-gdpr-89")]
    EuGdpr89,
    /// DSA article 40(12): publicly accessible data for research on systemic risk.
    #[serde(rename = "eu-dsa-40-12")]
    EuDsa4012,
    /// No personal information is collected; the reason says why.
    #[serde(rename = "no-personal-information")]
    NoPersonalInformation,
    /// A demonstration with invented content; refused outside a trial.
    #[serde(rename = "trial")]
    Trial,
}

/// How media are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MediaRule {
    /// Addresses are recorded, bytes are not fetched.
    #[default]
    Link,
}

/// What becomes of missed runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// They stay missed, and coverage says so.
    Skip,
    /// One run makes up for all of them.
    #[default]
    Once,
}

/// Whether robots.txt decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub enum RobotsRule {
    /// RFC 9309, as [`crate::robots`] reads it.
    #[default]
    Obey,
    /// An official interface, used by its own terms; the reason is for reviewers.
    Api {
        /// Why robots.txt does not apply.
        reason: String,
    },
}

impl TryFrom<String> for RobotsRule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "obey" {
            return Ok(Self::Obey);
        }
        match text.strip_prefix("api:").map(str::trim) {
            Some(reason) if !reason.is_empty() => Ok(Self::Api { reason: reason.to_owned() }),
            _ => Err(format!("`{text}` is neither `obey` nor `api: reason`")),
        }
    }
}

impl From<RobotsRule> for String {
    fn from(rule: RobotsRule) -> Self {
        match rule {
            RobotsRule::Obey => "obey".to_owned(),
            RobotsRule::Api { reason } => format!("api: {reason}"),
        }
    }
}

/// How authors are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Authors {
    /// As the source names them.
    #[default]
    Named,
    /// Replaced by keyed pseudonyms.
    Pseudonym,
    /// Left out.
    Omit,
}

/// Whether evidence is kept in clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// In clear.
    #[default]
    Open,
    /// Encrypted before it touches the agent's disk.
    Sealed,
}

/// TLP 2.0 (FIRST).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Tlp {
    /// May go anywhere.
    #[serde(rename = "clear")]
    Clear,
    /// The community.
    #[serde(rename = "green")]
    Green,
    /// The organisation and its clients.
    #[serde(rename = "amber")]
    Amber,
    /// The organisation only.
    #[serde(rename = "amber+strict")]
    AmberStrict,
    /// Named recipients only.
    #[serde(rename = "red")]
    Red,
}

/// Rule for domestic content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub enum Domestic {
    /// Dropped; not in this release.
    Refuse,
    /// Set apart; not in this release.
    Quarantine,
    /// Kept, for the reason given.
    Allow {
        /// Why domestic content may be kept.
        reason: String,
    },
}

impl TryFrom<String> for Domestic {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "refuse" => Ok(Self::Refuse),
            "quarantine" => Ok(Self::Quarantine),
            other => match other.strip_prefix("allow:").map(str::trim) {
                Some(reason) if !reason.is_empty() => Ok(Self::Allow { reason: reason.to_owned() }),
                _ => Err(format!("`{other}` is none of `refuse`, `quarantine`, `allow: reason`")),
            },
        }
    }
}

impl From<Domestic> for String {
    fn from(rule: Domestic) -> Self {
        match rule {
            Domestic::Refuse => "refuse".to_owned(),
            Domestic::Quarantine => "quarantine".to_owned(),
            Domestic::Allow { reason } => format!("allow: {reason}"),
        }
    }
}
