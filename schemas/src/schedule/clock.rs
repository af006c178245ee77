//! From a rule and a zone to instants. The two DST rules of the module above live here and nowhere else.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::line::{Fields, Rule};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The first instant strictly later than `after`.
pub(super) fn next(rule: &Rule, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    // Dues and changes of a zone fall on whole seconds, so the fraction only matters for "strictly later".
    let after = i64::try_from(after.as_nanosecond().div_euclid(1_000_000_000)).ok()?;
    match rule {
        Rule::Every { secs } => {
            let secs = i64::from(secs.get());
            let next = after.div_euclid(secs).checked_add(1)?.checked_mul(secs)?;
            Timestamp::from_second(next).ok()
        }
        Rule::Cron(fields) => {
            // The floor of the smallest timestamp is not one; nothing is due there.
            let after = Timestamp::from_second(after).ok()?;
            if fields.names_every_hour() {
                next_reading(fields, zone, after)
            } else {
                next_reached(fields, zone, after)
            }
        }
    }
}

/// Hourly or finer: the next instant at which the local clock reads a matching time.
fn next_reading(fields: &Fields, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut start = after.checked_add(SECOND).ok()?;
    loop {
        let offset = zone.to_offset(start);
        let reading = fields.next_from(offset.to_datetime(start))?;
        let found = offset.to_timestamp(reading).ok();
        // The offset holds until the zone's next change; from there the clock reads differently.
        match (found, zone.following(start).next()) {
            (Some(found), Some(change)) if found >= change.timestamp() => start = change.timestamp(),
            (None, Some(change)) => start = change.timestamp(),
            (found, None) | (found @ Some(_), Some(_)) => return found,
        }
    }
}

/// Fixed times: the next instant at which the local clock reaches a matching time for the first time.
fn next_reached(fields: &Fields, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    // What the clock reads at `after`, and anything earlier, it has reached already.
    let mut reading = zone.to_datetime(after);
    loop {
        reading = fields.next_from(reading.checked_add(SECOND).ok()?)?;
        let found = first_reached(zone, reading)?;
        // In the second pass of a repeated hour the times ahead were reached in the first.
        if found > after {
            return Some(found);
        }
    }
}

/// The first instant at which the local clock reads `reading` or later.
fn first_reached(zone: &TimeZone, reading: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(reading).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(reading).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(reading).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            // By the clock that is not yet in force the reading lies before the change.
            let before_change = after.to_timestamp(reading).ok()?;
            zone.following(before_change)
                .find(|change| change.offset().to_datetime(change.timestamp()) >= reading)
                .map(|change| change.timestamp())
        }
    }
}
