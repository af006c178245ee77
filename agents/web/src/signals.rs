//! What does a page say to robots, beyond robots.txt?
//!
//! `<meta name="robots">` and `X-Robots-Tag` (for everybody, or for our product token), and reservations of text and data mining (TDMRep). All of it
//! is kept in `extra.robots` and `extra.tdm_reservation`. Where the entry obeys robots, it is obeyed so:
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
use scraper::Html;

/// Directives that have a value after a colon, so that what stands before it is no robot's name.
const VALUED: [&str; 4] = ["unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"];

/// What a page says to robots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// Directives that concern us, lower case, in order, without repeats.
    pub robots: Vec<String>,
    /// A reservation of text and data mining: the address of its policy, empty where none is named.
    pub tdm: Option<String>,
}

impl Signals {
    /// Of an answer's headers and its page.
    pub fn of(headers: &[(String, String)], page: &Html) -> Self {
        let mut found = Self::default();
        let (mut reserved, mut policy) = (None, String::new());
        for (name, value) in headers {
            match name.to_ascii_lowercase().as_str() {
                "x-robots-tag" => found.tag(value),
                "tdm-reservation" => reserved = Some(value.trim() == "1"),
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
                "tdm-reservation" => reserved = Some(content == "1"),
                "tdm-policy" => content.clone_into(&mut policy),
                "robots" => found.directives(content),
                name if is_us(name) => found.directives(content),
                _ => {}
            }
        }
        found.tdm = (reserved == Some(true)).then_some(policy);
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
        self.tdm.is_some().then(|| "the page reserves text and data mining".to_owned())
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

fn is_us(name: &str) -> bool {
    name == "*" || name.eq_ignore_ascii_case(schemas::gate::PRODUCT_TOKEN)
}

fn is_name(name: &str) -> bool {
    let name = name.trim();
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &[(&str, &str)], head: &str) -> Signals {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Signals::of(&headers, &Html::parse_document(&format!("<html><head>{head}</head><body></body></html>")))
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
        assert_eq!(of(&[("tdm-reservation", "1")], "").tdm.as_deref(), Some(""));
        assert_eq!(of(&[("tdm-reservation", "1")], "<meta name=tdm-reservation content=0>").tdm, None);
        let policy =
            of(&[], "<meta name=tdm-reservation content=1><meta name=tdm-policy content='https://example.org/p'>");
        assert_eq!(policy.tdm.as_deref(), Some("https://example.org/p"));
    }
}
