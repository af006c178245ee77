//! Which moment does a page claim?

use schemas::record::ClaimedTime;
use url::Url;

use super::{Origin, Said};

/// Most claims kept.
const MAX_CLAIMS: usize = 8;

/// The claims, best first, from those of all places in order of precedence.
///
/// The first that reads as a date comes first, unless a later one is the same text with more to it: `2026-11-21T17:00:00` gives way to
/// `2026-11-21T17:00:00-05:00`, since both say the same and only one names the zone.
pub(super) fn ranked<'a>(said: impl Iterator<Item = (&'a str, Origin)>) -> Vec<Said<ClaimedTime>> {
    let mut claims: Vec<Said<ClaimedTime>> = Vec::new();
    for (raw, from) in said {
        let Some(value) = kit::dates::claimed(raw).filter(|claim| claim.at.is_some() || claim.local.is_some()) else {
            continue;
        };
        if claims.iter().all(|claim| claim.value.raw != value.raw) && claims.len() < MAX_CLAIMS {
            claims.push(Said { value, from });
        }
    }
    if let Some(first) = claims.first().filter(|first| first.value.at.is_none()) {
        let first = first.value.raw.clone();
        let fuller = claims
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(_, claim)| claim.value.raw.starts_with(&first))
            .max_by_key(|(place, claim)| (claim.value.at.is_some(), usize::MAX - place))
            .map(|(place, _)| place);
        if let Some(place) = fuller {
            let fuller = claims.remove(place);
            claims.insert(0, fuller);
        }
    }
    claims
}

/// The day in a path like `/2026/11/21/` or `/2026-11-21/`, as a date.
pub(super) fn in_path(url: &Url) -> Option<String> {
    let parts: Vec<&str> = url.path_segments()?.collect();
    let day = parts.windows(3).find_map(|three| {
        let [year, month, day] = three else { return None };
        let digits = |text: &str, most: usize| {
            !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        (year.len() == 4 && digits(year, 4) && digits(month, 2) && digits(day, 2))
            .then(|| format!("{year}-{month:0>2}-{day:0>2}"))
    });
    let day = day.or_else(|| {
        let shape = |part: &&str| {
            part.len() >= 10
                && part.bytes().take(10).enumerate().all(|(place, byte)| match place {
                    4 | 7 => byte == b'-',
                    _ => byte.is_ascii_digit(),
                })
                && part.as_bytes().get(10).is_none_or(|byte| !byte.is_ascii_digit())
        };
        parts.iter().find(|part| shape(part)).and_then(|part| part.get(..10)).map(str::to_owned)
    })?;
    let year: i32 = day.get(..4)?.parse().ok()?;
    ((1990..=2100).contains(&year) && day.parse::<jiff::civil::Date>().is_ok()).then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(said: &[&str]) -> (String, Option<String>) {
        let claims = ranked(said.iter().map(|raw| (*raw, Origin::Meta)));
        let best = &claims[0].value;
        (best.raw.clone(), best.at.map(|at| at.to_string()))
    }

    #[test]
    fn no_zone_is_guessed() {
        assert_eq!(best(&["2026-11-21T17:00:00"]), ("2026-11-21T17:00:00".to_owned(), None));
        assert_eq!(best(&["2026-11-21"]), ("2026-11-21".to_owned(), None));
        assert!(ranked([("soon", Origin::Page)].into_iter()).is_empty());
    }

    #[test]
    fn the_same_with_a_zone_is_better_and_another_is_not() {
        assert_eq!(
            best(&["2026-11-21T17:00:00", "2026-11-21T17:00:00-05:00"]).1.as_deref(),
            Some("2026-11-21T22:00:00Z")
        );
        assert_eq!(best(&["2026-11-21T17:00:00", "2026-11-20T09:00:00Z"]).1, None);
        assert_eq!(best(&["2026-11-21", "2026-11-21T17:00:00", "2026-11-21T22:00Z"]).0, "2026-11-21T22:00Z");
    }

    #[test]
    fn days_in_paths() {
        let day = |path: &str| in_path(&Url::parse(&format!("https://news.example.org{path}")).unwrap());
        assert_eq!(day("/2026/11/21/invented-story").as_deref(), Some("2026-11-21"));
        assert_eq!(day("/fr/2026/3/1/histoire").as_deref(), Some("2026-03-01"));
        assert_eq!(day("/2026-11-21-invented").as_deref(), Some("2026-11-21"));
        assert_eq!(day("/2026/13/21/x"), None);
        assert_eq!(day("/1234/11/21/x"), None);
        assert_eq!(day("/2026-11-210/x"), None);
    }
}
