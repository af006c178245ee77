//! What does a site's own file say of text and data mining?
//!
//! `/.well-known/tdmrep.json`, as the TDM Reservation Protocol has it (W3C Community Group, final report of 10 May 2024): rules in order, of which the first
//! that covers an address counts. Locations are read as robots.txt is. What the answer's header or the page itself says comes before it, and is the
//! reader's business. Pure: the agent that asks and whoever checks read alike.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::{gate::path_and_query, robots};

/// Where the file lies, on every authority.
pub const PATH: &str = "/.well-known/tdmrep.json";

/// Most bytes of it that are read. One that is longer counts as unread.
pub const MAX_BYTES: u64 = 128 << 10;

/// Longest location or policy, in bytes. A rule with a longer location is passed over, a longer policy left out.
const MAX_TEXT_BYTES: usize = 2_048;

/// What asking for the file came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReservationOutcome {
    /// There is one, and its rules apply.
    Read,
    /// The site gives none (4xx): nothing is reserved by it, as the report says.
    Absent,
    /// It is no JSON array: nothing is reserved by it, as the report says. Many sites answer every address with a page.
    Unreadable,
    /// robots.txt forbids to ask for it, so the site gives none.
    Forbidden,
    /// Nobody knows: 5xx, no answer, asked to slow down, a redirect that is not followed, cut or too long. Counts as a reservation.
    Unreachable,
}

/// One rule of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReservationRule {
    /// Which addresses: the beginning of path and query, with `*` and a last `$`.
    pub location: String,
    /// Whether text and data mining is reserved there.
    pub reserved: bool,
    /// Address of the terms on which a licence may be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// A site's file as an agent has it in hand, for a day at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReservationFile {
    /// Whose: `scheme://host:port`, port always written.
    pub authority: String,
    /// Record id of the answer that was read last; absent where none came.
    pub said_by: Option<String>,
    /// When its fetch ended.
    pub fetched_at: Timestamp,
    /// What the fetch came to.
    pub outcome: ReservationOutcome,
    /// Its rules, in order.
    pub rules: Vec<ReservationRule>,
}

/// What a site's file says of one address; stands with the answer that came from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reservation {
    /// Record id of the answer that says so, in this segment or an earlier one (`urn:uuid:…`); absent where none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_by: Option<String>,
    /// When that fetch ended, UTC. It counts for 24 hours at most.
    pub fetched_at: Timestamp,
    /// What the fetch came to.
    pub outcome: ReservationOutcome,
    /// The first rule that covers the address, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<ReservationRule>,
}

impl ReservationFile {
    /// What it says of an address in normal form.
    #[must_use]
    pub fn about(&self, url: &Url) -> Reservation {
        Reservation {
            said_by: self.said_by.clone(),
            fetched_at: self.fetched_at,
            outcome: self.outcome,
            rule: first(&self.rules, url).cloned(),
        }
    }
}

/// The first rule that covers an address in normal form.
#[must_use]
pub fn first<'a>(rules: &'a [ReservationRule], url: &Url) -> Option<&'a ReservationRule> {
    let path = path_and_query(url);
    rules.iter().find(|rule| robots::compare(&rule.location, &path).matches)
}

/// Reads the last answer to a request for the file: its status, and its body if that came whole.
///
/// As the report has it, a site that gives no such file reserves nothing by it. Stricter where the answer is not about the file: what speaks of this request
/// (407, 408, 425, 429), of the server (5xx), or leads where it was not followed (3xx) is unreachable, and so is a file that did not come whole. A rule
/// without a location, or with another value than 0 or 1, is passed over; the two may be written as text.
#[must_use]
pub fn read(status: Option<u16>, body: Option<&[u8]>) -> (ReservationOutcome, Vec<ReservationRule>) {
    let none = |outcome| (outcome, Vec::new());
    match (status, body) {
        (Some(200..=299), Some(body)) => match rules(body) {
            Some(rules) => (ReservationOutcome::Read, rules),
            None => none(ReservationOutcome::Unreadable),
        },
        (Some(407 | 408 | 425 | 429), _) => none(ReservationOutcome::Unreachable),
        (Some(400..=499), _) => none(ReservationOutcome::Absent),
        _ => none(ReservationOutcome::Unreachable),
    }
}

fn rules(body: &[u8]) -> Option<Vec<ReservationRule>> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let Ok(Value::Array(all)) = serde_json::from_slice(body) else { return None };
    Some(all.iter().filter_map(rule).collect())
}

fn rule(value: &Value) -> Option<ReservationRule> {
    let short = |name: &str| value.get(name)?.as_str().filter(|text| text.len() <= MAX_TEXT_BYTES).map(str::to_owned);
    let said = value.get("tdm-reservation")?;
    let reserved = match (said.as_u64(), said.as_str().map(str::trim)) {
        (Some(1), _) | (_, Some("1")) => true,
        (Some(0), _) | (_, Some("0")) => false,
        _ => return None,
    };
    let policy = short("tdm-policy").filter(|policy| reserved && !policy.is_empty());
    Some(ReservationRule { location: short("location")?, reserved, policy })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(file: &str, path: &str) -> Option<(bool, Option<String>)> {
        let (outcome, rules) = read(Some(200), Some(file.as_bytes()));
        assert_eq!(outcome, ReservationOutcome::Read, "{file}");
        let url = Url::parse(&format!("https://news.example.org{path}")).unwrap();
        first(&rules, &url).map(|rule| (rule.reserved, rule.policy.clone()))
    }

    #[test]
    fn the_first_rule_that_covers_an_address_counts() {
        let file = r#"[
            {"location": "/a/", "tdm-reservation": 1},
            {"location": "/b/html/", "tdm-reservation": 1, "tdm-policy": "https://example.org/policy.json"},
            {"location": "/b/images/*.jpg", "tdm-reservation": 0, "tdm-policy": "https://example.org/unasked"},
            {"location": "/b/", "tdm-reservation": "1"},
            {"location": "/a/open$", "tdm-reservation": 0},
            {"location": "/c$", "tdm-reservation": 1},
            {"location": "/d%24", "tdm-reservation": 1}
        ]"#;
        assert_eq!(said(file, "/a/open"), Some((true, None)), "a longer rule further down does not count");
        assert_eq!(said(file, "/b/html/1"), Some((true, Some("https://example.org/policy.json".to_owned()))));
        assert_eq!(said(file, "/b/images/x/y.jpg?w=9"), Some((false, None)));
        assert_eq!(said(file, "/b/images/y.png"), Some((true, None)));
        assert_eq!(said(file, "/c"), Some((true, None)));
        assert_eq!((said(file, "/c/"), said(file, "/A/"), said(file, "/")), (None, None, None));
        assert_eq!(said(file, "/d$"), Some((true, None)));
    }

    #[test]
    fn a_rule_that_says_nothing_known_is_passed_over() {
        for odd in [
            r#"{"location": "/", "tdm-reservation": 2}"#,
            r#"{"location": "/", "tdm-reservation": true}"#,
            r#"{"location": "/"}"#,
            r#"{"location": ["/"], "tdm-reservation": 1}"#,
            r#"{"tdm-reservation": 1}"#,
            r#""/""#,
            "null",
        ] {
            assert_eq!(said(&format!("[{odd}]"), "/a"), None, "{odd}");
            let next = format!(r#"[{odd}, {{"location": "/", "tdm-reservation": 1}}]"#);
            assert_eq!(said(&next, "/a"), Some((true, None)), "{odd}");
        }
        let long = format!(
            r#"[{{"location": "/{0}", "tdm-reservation": 1}}, {{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://example.org/{0}"}}]"#,
            "a".repeat(MAX_TEXT_BYTES)
        );
        assert_eq!(said(&long, &format!("/{}", "a".repeat(MAX_TEXT_BYTES))), Some((true, None)));
        assert_eq!(said("\u{feff}[]", "/"), None);
    }

    #[test]
    fn what_an_answer_means() {
        use ReservationOutcome::{Absent, Read, Unreachable, Unreadable};
        let open = Some(&b"[]"[..]);
        for (status, body, outcome) in [
            (Some(200), open, Read),
            (Some(200), None, Unreachable),
            (Some(200), Some(&b""[..]), Unreadable),
            (Some(200), Some(&b"<!doctype html>"[..]), Unreadable),
            (Some(200), Some(&br#"{"location": "/", "tdm-reservation": 1}"#[..]), Unreadable),
            (Some(403), open, Absent),
            (Some(404), None, Absent),
            (Some(410), open, Absent),
            (Some(429), open, Unreachable),
            (Some(302), open, Unreachable),
            (Some(304), None, Unreachable),
            (Some(500), open, Unreachable),
            (None, None, Unreachable),
        ] {
            assert_eq!(read(status, body).0, outcome, "{status:?} {body:?}");
        }
    }

    /// Whether a pattern covers a text, by trying everything.
    fn naive(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => true,
            Some((b'$', [])) => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|at| naive(rest, &text[at..])),
            Some((letter, rest)) => text.first() == Some(letter) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn the_rule_that_counts_is_the_one_that_trying_everything_finds(
            rules in prop::collection::vec(("/[ab/*]{0,6}[$]?", any::<bool>()), 0..6),
            path in "/[ab/]{0,8}(\\?[ab]{0,3})?",
        ) {
            let of = |(location, reserved): &(String, bool)| ReservationRule { location: location.clone(), reserved: *reserved, policy: None };
            let rules: Vec<_> = rules.iter().map(of).collect();
            let url = Url::parse(&format!("https://news.example.org{path}")).unwrap();
            let wanted = rules.iter().position(|rule| naive(rule.location.as_bytes(), path.as_bytes()));
            let found = first(&rules, &url).and_then(|found| rules.iter().position(|rule| std::ptr::eq(rule, found)));
            prop_assert_eq!(found, wanted, "{:?} of {:?}", path, rules);
        }

        #[test]
        fn no_bytes_break_it(status in any::<Option<u16>>(), body in any::<Vec<u8>>(), text in "\\[[^a]{0,80}\\]") {
            for (outcome, rules) in [read(status, Some(&body)), read(Some(200), Some(text.as_bytes()))] {
                prop_assert!(outcome == ReservationOutcome::Read || rules.is_empty());
            }
        }
    }
}
