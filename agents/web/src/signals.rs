//! What does a page say to robots, beyond robots.txt?
//!
//! `<meta name="robots">` and `X-Robots-Tag` (for everybody, or for our product token), and reservations of text and data mining (TDMRep): the page's own
//! come before the header's, and those before the site's file. A site's file that is out of reach, or of which nothing was written down, counts as a
//! reservation: an answer whose reservation was left out gives no more than one that is reserved. All of it is kept in `extra.robots`,
//! `extra.tdm_reservation` and `extra.tdm_said_by`. Where the entry obeys robots, it is obeyed so:
//!
//! | the page says | then |
//! | --- | --- |
//! | `noindex`, `none`, `unavailable_after` a day that is past | no record is made of it: it is withheld, and counted as set aside |
//! | `noarchive`, `nosnippet`, `max-snippet:0`, a reservation | the record has no text |
//! | `noimageindex` | the record names no pictures |
//! | `nofollow`, `none` | no link of it is followed, and coverage says so |
//!
//! The answer itself stays in the segment as evidence, as every answer the gate permitted. `noai` and its like speak of training, which nobody does
//! here: they are kept, and change nothing.

use jiff::Timestamp;
use kit::dates;
use schemas::reservation::{Reservation, ReservationOutcome};
use scraper::Html;

/// Directives that have a value after a colon, so that what stands before it is no robot's name.
const VALUED: [&str; 4] = ["unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"];

/// What a page says to robots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// Directives that concern us, lower case, in order, without repeats.
    pub robots: Vec<String>,
    /// A reservation of text and data mining.
    pub tdm: Option<Tdm>,
    /// Whether the site's reservation file is there and no JSON array.
    pub file_unreadable: bool,
}

/// A reservation of text and data mining.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tdm {
    /// The address of its policy, empty where none is named.
    pub policy: String,
    /// Who says so.
    pub said_by: SaidBy,
}

/// Who reserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaidBy {
    /// The page, by `<meta>`.
    Page,
    /// The answer's header.
    Header,
    /// The site's file.
    Site,
    /// Nobody: what the site's file says is not known, which counts as a reservation.
    Nobody,
}

impl Tdm {
    /// As `extra.tdm_reservation` has it: the policy, `reserved`, or `unknown`.
    #[must_use]
    pub fn word(&self) -> &str {
        match self.said_by {
            SaidBy::Nobody => "unknown",
            _ if self.policy.is_empty() => "reserved",
            _ => &self.policy,
        }
    }

    /// As `extra.tdm_said_by` has it.
    #[must_use]
    pub const fn channel(&self) -> &'static str {
        match self.said_by {
            SaidBy::Page => "page",
            SaidBy::Header => "header",
            SaidBy::Site | SaidBy::Nobody => "tdmrep.json",
        }
    }
}

impl Signals {
    /// Of what the site's file says of an answer's address, of the answer's headers, and of its page.
    #[must_use]
    pub fn of(site: Option<&Reservation>, headers: &[(String, String)], page: &Html) -> Self {
        let mut found = Self::default();
        let (mut reserved, mut policy) = (None, String::new());
        match site.map(|site| (site.outcome, &site.rule)) {
            Some((ReservationOutcome::Read, Some(rule))) => {
                reserved = Some((rule.reserved, SaidBy::Site));
                policy = rule.policy.clone().unwrap_or_default();
            }
            None | Some((ReservationOutcome::Unreachable, _)) => reserved = Some((true, SaidBy::Nobody)),
            Some((outcome, _)) => found.file_unreadable = outcome == ReservationOutcome::Unreadable,
        }
        for (name, value) in headers {
            match name.to_ascii_lowercase().as_str() {
                "x-robots-tag" => found.tag(value),
                "tdm-reservation" => reserved = said(value, SaidBy::Header).or(reserved),
                "tdm-policy" => value.trim().clone_into(&mut policy),
                _ => {}
            }
        }
        let head = page.root_element().child_elements().find(|element| element.value().name() == "head");
        for meta in
            head.iter().flat_map(|head| head.child_elements()).filter(|element| element.value().name() == "meta")
        {
            let attribute = |name: &str| meta.value().attr(name).map(str::trim);
            let (Some(name), Some(content)) = (attribute("name").map(str::to_ascii_lowercase), attribute("content"))
            else {
                continue;
            };
            match name.as_str() {
                "tdm-reservation" => reserved = said(content, SaidBy::Page).or(reserved),
                "tdm-policy" => content.clone_into(&mut policy),
                "robots" => found.directives(content),
                name if is_us(name) => found.directives(content),
                _ => {}
            }
        }
        found.tdm = reserved.filter(|(reserved, _)| *reserved).map(|(_, said_by)| Tdm { policy, said_by });
        found
    }

    fn directives(&mut self, list: &str) {
        let mut pieces = list.split(',').map(str::trim).filter(|piece| !piece.is_empty());
        while let Some(piece) = pieces.next() {
            let mut directive = piece.to_ascii_lowercase();
            // A date may hold a comma of its own: `Wed, 25 Jun 2026`.
            if directive
                .strip_prefix("unavailable_after:")
                .is_some_and(|rest| !rest.contains(|l: char| l.is_ascii_digit()))
                && let Some(rest) = pieces.next()
            {
                directive = format!("{directive}, {}", rest.to_ascii_lowercase());
            }
            if self.robots.len() < 40 && !self.robots.contains(&directive) {
                self.robots.push(directive);
            }
        }
    }

    /// A value of `X-Robots-Tag`: directives, those after `NAME:` for that robot alone.
    fn tag(&mut self, value: &str) {
        let mut ours = true;
        let mut kept: Vec<&str> = Vec::new();
        for piece in value.split(',') {
            let piece = piece.trim();
            let rest = match piece.split_once(':') {
                Some((name, rest))
                    if !VALUED.iter().any(|valued| name.trim().eq_ignore_ascii_case(valued)) && is_name(name) =>
                {
                    ours = is_us(&name.trim().to_ascii_lowercase());
                    rest.trim()
                }
                _ => piece,
            };
            if ours {
                kept.push(rest);
            }
        }
        self.directives(&kept.join(","));
    }

    fn says(&self, any: &[&str]) -> Option<&str> {
        self.robots.iter().map(String::as_str).find(|said| any.contains(said))
    }

    /// Why no record may be made of it.
    pub fn withhold(&self, at: Timestamp) -> Option<String> {
        if let Some(said) = self.says(&["noindex", "none"]) {
            return Some(format!("the page says `{said}`"));
        }
        let past = |said: &&String| {
            let claim = said.strip_prefix("unavailable_after:").and_then(dates::claimed);
            claim.and_then(|claim| claim.at).is_some_and(|end| end <= at)
        };
        self.robots.iter().find(past).map(|said| format!("the page says `{said}`"))
    }

    /// Why its text may not be kept.
    pub fn no_text(&self) -> Option<String> {
        if let Some(said) = self.says(&["noarchive", "nosnippet", "max-snippet:0", "max-snippet: 0"]) {
            return Some(format!("the page says `{said}`"));
        }
        self.tdm.as_ref().map(|tdm| match tdm.said_by {
            SaidBy::Page | SaidBy::Header => "the page reserves text and data mining".to_owned(),
            SaidBy::Site => "the site's tdmrep.json reserves text and data mining".to_owned(),
            SaidBy::Nobody => {
                "it is not known what the site's tdmrep.json reserves, which counts as a reservation".to_owned()
            }
        })
    }

    /// Why its text is missing for now, where that is for want of the site's file and not for what anybody said.
    pub fn text_waits(&self) -> Option<&'static str> {
        let unknown = self.tdm.as_ref().is_some_and(|tdm| tdm.said_by == SaidBy::Nobody);
        unknown.then_some("the site's tdmrep.json could not be read, so texts are left out until it can be")
    }

    /// Why its links may not be followed.
    pub fn no_follow(&self) -> Option<String> {
        self.says(&["nofollow", "none"]).map(|said| format!("the page says `{said}`"))
    }

    /// Whether its pictures may not be named.
    pub fn no_media(&self) -> bool {
        self.says(&["noimageindex", "none"]).is_some()
    }
}

/// What a value of `tdm-reservation` says; nothing where it is neither 0 nor 1, as the report has it.
fn said(value: &str, by: SaidBy) -> Option<(bool, SaidBy)> {
    match value.trim() {
        "1" => Some((true, by)),
        "0" => Some((false, by)),
        _ => None,
    }
}

fn is_us(name: &str) -> bool {
    name == "*" || name.eq_ignore_ascii_case(schemas::gate::PRODUCT_TOKEN)
}

fn is_name(name: &str) -> bool {
    let name = name.trim();
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*'))
}

#[cfg(test)]
mod tests {
    use schemas::reservation::ReservationRule;

    use super::*;

    fn site(outcome: ReservationOutcome, rule: Option<(bool, Option<&str>)>) -> Reservation {
        let rule = rule.map(|(reserved, policy)| ReservationRule {
            location: "/".to_owned(),
            reserved,
            policy: policy.map(ToOwned::to_owned),
        });
        Reservation { said_by: None, fetched_at: Timestamp::UNIX_EPOCH, outcome, rule }
    }

    fn of(headers: &[(&str, &str)], head: &str) -> Signals {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let none = site(ReservationOutcome::Absent, None);
        Signals::of(
            Some(&none),
            &headers,
            &Html::parse_document(&format!("<html><head>{head}</head><body></body></html>")),
        )
    }

    #[test]
    fn header_and_meta_add_up_for_us_and_for_everybody() {
        let found = of(
            &[("X-Robots-Tag", "noarchive"), ("x-robots-tag", "otherbot: noindex, nofollow")],
            "<meta name=Robots content='NoFollow, max-image-preview:large'><meta name=vigie content=nosnippet><meta name=otherbot content=none>",
        );
        assert_eq!(found.robots, ["noarchive", "nofollow", "max-image-preview:large", "nosnippet"]);
        let ours = of(&[("x-robots-tag", "otherbot: noindex, vigie: nofollow")], "");
        assert_eq!(ours.robots, ["nofollow"]);
        let valued = of(&[("x-robots-tag", "max-snippet: 0, noarchive")], "");
        assert_eq!(valued.robots, ["max-snippet: 0", "noarchive"]);
    }

    #[test]
    fn a_day_after_which_it_is_gone_holds_from_then_on() {
        let found = of(&[("x-robots-tag", "unavailable_after: Wed, 25 Nov 2026 15:00:00 GMT")], "");
        assert_eq!(found.withhold("2026-11-25T14:59:59Z".parse().unwrap()), None);
        assert!(found.withhold("2026-11-25T15:00:00Z".parse().unwrap()).is_some());
    }

    #[test]
    fn the_page_has_the_last_word_on_reservations() {
        let policy = |found: Signals| found.tdm.map(|tdm| (tdm.policy, tdm.said_by));
        let of = |headers: &[(&str, &str)], head: &str| policy(of(headers, head));
        assert_eq!(of(&[("tdm-reservation", "1")], ""), Some((String::new(), SaidBy::Header)));
        assert_eq!(of(&[("tdm-reservation", "1")], "<meta name=tdm-reservation content=0>"), None);
        assert_eq!(of(&[("tdm-reservation", "2")], "").map(|_| ()), None);
        assert!(of(&[("tdm-reservation", "1")], "<meta name=tdm-reservation content=yes>").is_some());
        let policy =
            of(&[], "<meta name=tdm-reservation content=1><meta name=tdm-policy content='https://example.org/p'>");
        assert_eq!(policy, Some(("https://example.org/p".to_owned(), SaidBy::Page)));
    }

    #[test]
    fn what_the_site_says_holds_until_header_or_page_say_otherwise() {
        let tdm = |site: Option<&Reservation>, headers: &[(&str, &str)], head: &str| {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let page = Html::parse_document(&format!("<html><head>{head}</head><body></body></html>"));
            Signals::of(site, &headers, &page).tdm.map(|tdm| (tdm.word().to_owned(), tdm.said_by))
        };
        let all = site(ReservationOutcome::Read, Some((true, Some("https://example.org/p"))));
        let said = |word: &str, by| Some((word.to_owned(), by));
        assert_eq!(tdm(Some(&all), &[], ""), said("https://example.org/p", SaidBy::Site));
        assert_eq!(tdm(Some(&all), &[("tdm-reservation", "0")], ""), None);
        assert_eq!(tdm(Some(&all), &[], "<meta name=tdm-reservation content=0>"), None);
        assert_eq!(tdm(Some(&all), &[("tdm-reservation", "2")], ""), said("https://example.org/p", SaidBy::Site));
        let open = site(ReservationOutcome::Read, Some((false, None)));
        assert_eq!(tdm(Some(&open), &[], ""), None);
        assert_eq!(tdm(Some(&open), &[("tdm-reservation", "1")], ""), said("reserved", SaidBy::Header));
        for outcome in [
            ReservationOutcome::Read,
            ReservationOutcome::Absent,
            ReservationOutcome::Unreadable,
            ReservationOutcome::Forbidden,
        ] {
            assert_eq!(tdm(Some(&site(outcome, None)), &[], ""), None, "{outcome:?}");
        }
        let lost = site(ReservationOutcome::Unreachable, None);
        for unknown in [None, Some(&lost)] {
            assert_eq!(tdm(unknown, &[], ""), said("unknown", SaidBy::Nobody), "left out or out of reach: {unknown:?}");
            assert_eq!(tdm(unknown, &[("tdm-reservation", "0")], ""), None);
        }
    }
}
