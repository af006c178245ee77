//! Which moment does a date of this site claim?

use jiff::civil::DateTime;
use kit::dates;
use schemas::record::ClaimedTime;

use crate::recipe::{Clock, Order};

/// What a date says by the recipe's zone and order of numbers. A time that falls into a gap or fold of the zone stays local.
pub fn claimed(raw: &str, clock: &Clock) -> Option<ClaimedTime> {
    let ordered = clock.order.and_then(|order| reordered(raw, order));
    let spelt = hours(ordered.as_deref().unwrap_or(raw)).or(ordered);
    let mut claim = match &spelt {
        Some(text) => ClaimedTime { raw: dates::claimed(raw)?.raw, ..dates::claimed(text)? },
        None => dates::claimed(raw)?,
    };
    if let (None, Some(local), Some(zone)) = (claim.at, &claim.local, &clock.zone)
        && local.contains('T')
        && let Ok(local) = local.parse::<DateTime>()
        && let Ok(zoned) = zone.to_ambiguous_zoned(local).unambiguous()
    {
        claim.at = Some(zoned.timestamp());
        claim.local = None;
    }
    Some(claim)
}

/// The text with its French `10 h 30` or `10h` as `10:30` and `10:00`.
fn hours(raw: &str) -> Option<String> {
    let at = raw.char_indices().find(|(at, letter)| {
        *letter == 'h'
            && raw.get(..*at).is_some_and(|before| before.trim_end().ends_with(|l: char| l.is_ascii_digit()))
            && !raw.get(at + 1..).is_some_and(|after| after.starts_with(char::is_alphabetic))
    });
    let (at, _) = at?;
    let (before, after) = (raw.get(..at)?.trim_end(), raw.get(at + 1..)?);
    let rest = after.trim_start();
    match number(rest, 2) {
        Some((minutes, rest)) => Some(format!("{before}:{minutes:02}{rest}")),
        None => Some(format!("{before}:00{after}")),
    }
}

/// The text with its first `1/2/2026` (also with `.` or `-`) as `2026-02-01`.
fn reordered(raw: &str, order: Order) -> Option<String> {
    let starts = raw.char_indices().filter(|(at, letter)| {
        letter.is_ascii_digit() && !raw.get(..*at).is_some_and(|before| before.ends_with(|l: char| l.is_ascii_digit()))
    });
    for (at, _) in starts {
        let rest = raw.get(at..)?;
        let Some((first, rest)) = number(rest, 2) else { continue };
        let Some(rest) = rest.strip_prefix(['/', '.', '-']) else { continue };
        let Some((second, rest)) = number(rest, 2) else { continue };
        let Some(rest) = rest.strip_prefix(['/', '.', '-']) else { continue };
        let Some((year, after)) = number(rest, 4).filter(|(year, _)| *year >= 1000) else { continue };
        let (day, month) = match order {
            Order::DayMonthYear => (first, second),
            Order::MonthDayYear => (second, first),
        };
        return Some(format!("{}{year:04}-{month:02}-{day:02}{after}", raw.get(..at)?));
    }
    None
}

/// A number of at most so many digits, and what follows it, which is no digit.
fn number(text: &str, most: usize) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    (1..=most).contains(&digits).then_some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn said(raw: &str, zone: &str, order: Option<Order>) -> String {
        let zone = (!zone.is_empty()).then(|| TimeZone::get(zone).unwrap());
        let claim = claimed(raw, &Clock { zone, order }).unwrap();
        assert_eq!(claim.raw, raw);
        match (claim.at, claim.local) {
            (Some(at), None) => at.to_string(),
            (None, Some(local)) => local,
            (at, local) => format!("{at:?} {local:?}"),
        }
    }

    #[test]
    fn a_zone_of_the_recipe_makes_instants_of_times_and_never_of_days() {
        assert_eq!(said("2026-11-21 10:00", "America/Toronto", None), "2026-11-21T15:00:00Z");
        assert_eq!(said("le 3 octobre 2026", "America/Toronto", None), "2026-10-03");
        assert_eq!(said("le 20 novembre 2026 à 10 h 05", "America/Toronto", None), "2026-11-20T15:05:00Z");
        assert_eq!(said("20 novembre 2026 9h", "Europe/Paris", None), "2026-11-20T08:00:00Z");
        assert_eq!(said("2026-11-21T10:00:00+01:00", "America/Toronto", None), "2026-11-21T09:00:00Z");
        assert_eq!(said("2026-11-01 01:30", "America/Toronto", None), "2026-11-01T01:30:00", "the hour came twice");
        assert_eq!(said("2026-03-08 02:30", "America/Toronto", None), "2026-03-08T02:30:00", "the hour never came");
    }

    #[test]
    fn numbers_have_an_order_only_where_the_recipe_says_so() {
        assert_eq!(said("30.10.2026", "", Some(Order::DayMonthYear)), "2026-10-30");
        assert_eq!(said("3/4/2026 10:00", "", Some(Order::MonthDayYear)), "2026-03-04T10:00:00");
        assert_eq!(said("03/04/2026", "", None), "None None");
        assert_eq!(said("2026-10-03", "", Some(Order::MonthDayYear)), "2026-10-03");
    }
}
