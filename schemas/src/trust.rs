//! Whose signature counts for what? The trust root, put by hand on every agent host and reviewer's machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{canonical, digest::Digest};

/// The trust root (`trust.toml`). A new one counts only with the old one's threshold of signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustRoot {
    /// Version of this format; this release reads 1.
    pub format: u32,
    /// Counts up from 1; a root with a lower or equal version never replaces another.
    pub version: u32,
    /// Name of the log, as in its checkpoints (C2SP tlog-checkpoint: a scheme-less address). Ends in `.invalid` or `.invalid/…` exactly where `trial` is true.
    pub origin: String,
    /// True for a demonstration, whose log can never become a production log.
    #[serde(default)]
    pub trial: bool,
    /// The log's verifier key (C2SP signed-note vkey); its name is `origin`.
    pub log_key: String,
    /// Address shown to the sites that are asked: a page or mailbox of the unit. Real sources are refused while it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Digest of the root this one replaces; absent in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// How many different people must sign each act.
    #[serde(default)]
    pub needs: Needs,
    /// The people, their keys and roles.
    #[serde(rename = "person")]
    pub people: Vec<Person>,
    /// Who may open sealed evidence. At least two, or none: then no entry may ask for it.
    #[serde(default, rename = "evidence_recipient", skip_serializing_if = "Vec::is_empty")]
    pub evidence_recipients: Vec<Recipient>,
    /// Verifier keys of witnesses (cosignature keys) whose cosignatures are shown.
    #[serde(default, rename = "witness", skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<String>,
}

impl TrustRoot {
    /// SHA-256 of the root's RFC 8785 bytes: what people compare by eye and what every segment names.
    ///
    /// # Panics
    ///
    /// Never: a root holds text, lists and small integers only.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the type holds nothing canonical JSON can refuse")]
    pub fn digest(&self) -> Digest {
        Digest::of(&canonical::canonical_of(self).expect("a trust root is canonical"))
    }
}

/// How many different people must sign each act. At least 1 each; `erase` at least 2 outside a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Needs {
    /// Approving an entry: people other than its requester.
    pub approve: u32,
    /// Enrolling or revoking an agent.
    pub enrol: u32,
    /// Erasing units.
    pub erase: u32,
    /// Replacing the root.
    pub root: u32,
}

impl Default for Needs {
    fn default() -> Self {
        Self { approve: 1, enrol: 1, erase: 2, root: 2 }
    }
}

/// A person whose key counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Verifier key (C2SP vkey); its name is the person's short name, without spaces or `+`.
    pub key: String,
    /// What the person may sign.
    pub roles: Vec<Role>,
}

/// Somebody who may open sealed evidence: the private half of the key is on a machine of theirs, never on an agent's or the registry's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// Short name of the person or office, without spaces or `+`; nobody who enrols agents or replaces the root.
    pub name: String,
    /// Their age recipient (X25519): `age1` and 58 characters, as `vigie key evidence` prints it.
    pub age: String,
}

/// What a person may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Ask for an entry, and publish the allowlist.
    Requester,
    /// Approve entries that somebody else asked for.
    Approver,
    /// Enrol and revoke agents.
    Enroller,
    /// Erase.
    Eraser,
    /// Replace the root.
    Rooter,
    /// Review.
    Reviewer,
}
