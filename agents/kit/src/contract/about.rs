//! What does a collector cover, need and miss? Its manifest, as data.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A collector's manifest: README, `policy check`, engine and conformance suite read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// Format version, 1.
    pub v: u32,
    /// What it collects, in a line.
    pub description: String,
    /// What it cannot see, in a line; coverage says the rest.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub misses: String,
    /// A poll shows the newest items only: unless one of them was seen before, something may have been lost between two runs.
    #[serde(default)]
    pub overlap: bool,
    /// It can be asked for a stretch of the past: its `plan` answers [`Work::Window`](super::Work::Window), which `once --from --to` orders.
    #[serde(default, skip_serializing_if = "is_false")]
    pub windows: bool,
    /// Sites' reservation files ([`schemas::reservation`]) are heeded: the kit asks for that of each site before anything else of it, and readings are told
    /// what it says.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reservations: bool,
    /// Endpoints that take a query by POST: address patterns as in an entry's `match`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queries: Vec<String>,
    /// Hosts it needs beside the seed's own: API, file and token hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// What the platform bills or caps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<Unit>,
    /// Credentials it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<Slot>,
    /// An open walk older than this is dropped and planned anew, because page tokens expire. Default 86 400 seconds.
    pub walk_max_age_secs: u32,
    /// How many answers in a row must say that a target is gone before it is believed. Default 3.
    pub misses_before_gone: u32,
    /// How many wanted items one `plan` is given at most. Default 50.
    pub batch: u32,
    /// How long an item stays worth a re-check, and how often: pauses in seconds between checks, from first sight on. Empty for never.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recheck_after_secs: Vec<u32>,
}

impl About {
    /// A manifest with this description and nothing special.
    #[must_use]
    pub fn of(description: &str) -> Self {
        Self {
            v: 1,
            description: description.to_owned(),
            misses: String::new(),
            overlap: false,
            windows: false,
            reservations: false,
            queries: Vec::new(),
            hosts: Vec::new(),
            units: Vec::new(),
            slots: Vec::new(),
            walk_max_age_secs: 86_400,
            misses_before_gone: 3,
            batch: 50,
            recheck_after_secs: Vec::new(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What `about` prints, and what `policy check` reads: the manifest with the program it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Collector name.
    pub collector: String,
    /// Version of the program.
    pub version: String,
    /// The rest.
    pub about: About,
}

impl Manifest {
    /// The manifest of a collector in a program of this version.
    #[must_use]
    pub fn of(collector: &dyn super::Erased, version: &str) -> Self {
        Self { collector: collector.name().to_owned(), version: version.to_owned(), about: collector.about() }
    }
}

/// Something the platform counts, and how much of it there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Name, as used in `reserve` and `spent`.
    pub name: String,
    /// How many there are until it refills, by the platform's published terms; the entry may allow fewer.
    pub amount: u64,
    /// When it refills.
    pub refill: Refill,
}

/// When a bucket is full again. [`after`](Self::after) says it of an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Refill {
    /// At midnight in this zone, by its IANA name.
    Midnight(String),
    /// On the first day of a month, 00:00 UTC.
    Month,
    /// So many seconds after it was first drawn from.
    Window(u32),
}

impl Refill {
    /// When a bucket that was drawn from at `at` is full again.
    #[must_use]
    pub fn after(&self, at: Timestamp) -> Timestamp {
        let midnight = |day: Option<Date>, zone: TimeZone| day.and_then(|day| day.to_zoned(zone).ok());
        let full = match self {
            Self::Midnight(zone) => {
                // A zone nobody knows is a mistake in the manifest; UTC's midnight is then as good as any.
                let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
                midnight(at.to_zoned(zone.clone()).date().tomorrow().ok(), zone)
            }
            Self::Month => {
                let today = at.to_zoned(TimeZone::UTC).date();
                midnight(today.last_of_month().tomorrow().ok(), TimeZone::UTC)
            }
            Self::Window(secs) => {
                let secs = SignedDuration::from_secs(i64::from(*secs));
                return at.checked_add(secs).unwrap_or(Timestamp::MAX);
            }
        };
        full.map_or(at, |midnight| midnight.timestamp())
    }
}

/// A credential that requests ask for by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Name, as used in [`Request::with`](super::Request::with).
    pub name: String,
    /// Where the value goes.
    pub place: Place,
    /// How the value is come by.
    pub flow: Flow,
    /// The interface says by a 403 that a quota is used up: a 403 to this credential is given to `read`, whole and where it is no challenge page.
    ///
    /// Of such an answer nothing counts but [`Halt::SlowDown`](super::Halt::SlowDown), [`Denied`](super::Halt::Denied) and
    /// [`Blocked`](super::Halt::Blocked): whatever else is said, or nothing, blocks the target, as every 403 does without this. Default false.
    #[serde(default, skip_serializing_if = "is_false")]
    pub quota_by_403: bool,
}

/// Where in a request a credential goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Place {
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`; the value is `name:password`.
    Basic,
    /// A header of this name.
    Header(String),
    /// A query parameter of this name.
    Query(String),
    /// A form field of this name.
    Form(String),
}

/// How a credential is come by. The kit runs it through the gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Flow {
    /// The stored secret is the value.
    Static,
    /// The value ends on a day a person knows; warned of beforehand.
    Dated,
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4); the stored secret is `id:secret`.
    ClientCredentials {
        /// Token endpoint.
        url: String,
        /// How it wants the client's name.
        style: TokenStyle,
        /// JSON pointer to the token.
        token: String,
        /// JSON pointer to its life in seconds.
        expires: String,
    },
    /// A session made from a name and password, and refreshed.
    Login {
        /// Endpoint that makes one.
        create: String,
        /// Endpoint that renews one.
        refresh: String,
        /// JSON pointers to every secret of the answer, the access token first, then the refresh token.
        secrets: Vec<String>,
    },
}

/// How a token endpoint wants the client's name and secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenStyle {
    /// `Authorization: Basic`.
    Basic,
    /// Form fields `client_id` and `client_secret`.
    Form,
    /// Form fields `client_key` and `client_secret`.
    ClientKeyForm,
}

#[cfg(test)]
mod tests {
    use super::About;

    #[test]
    fn manifest_comes_back_as_it_was_written_and_refuses_unknown_members() {
        let about = About { overlap: true, ..About::of("Feeds") };
        let text = serde_json::to_string(&about).unwrap();
        assert_eq!(serde_json::from_str::<About>(&text).unwrap(), about);
        assert!(serde_json::from_str::<About>(&text.replacen('{', r#"{"overlaps":true,"#, 1)).is_err());
    }
}
