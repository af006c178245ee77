//! The grammar of schedule lines, and which local times a cron line names.

use std::num::NonZeroU32;

use jiff::civil::{Date, DateTime, Time};

use super::{
    field::{Field, Set, number},
    refused::{MAX_INTERVAL_SECS, MAX_LINE_BYTES, MIN_INTERVAL_SECS, ScheduleError},
};

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// What a line says, without the zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    Every { secs: NonZeroU32 },
    Cron(Fields),
}

impl Rule {
    pub(super) fn parse(line: &str) -> Result<Rule, ScheduleError> {
        if line.len() > MAX_LINE_BYTES {
            return Err(ScheduleError::TooLong { bytes: line.len() });
        }
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["every", length] => Rule::every(length),
            ["@hourly"] => Fields::parse(["0", "0", "*", "*", "*", "*"]).map(Rule::Cron),
            ["@daily"] => Fields::parse(["0", "0", "0", "*", "*", "*"]).map(Rule::Cron),
            ["@weekly"] => Fields::parse(["0", "0", "0", "*", "*", "0"]).map(Rule::Cron),
            [word] if word.starts_with('@') => Err(ScheduleError::UnknownShortcut { text: (*word).to_owned() }),
            &[minute, hour, day, month, weekday] => {
                Fields::parse(["0", minute, hour, day, month, weekday]).map(Rule::Cron)
            }
            &[second, minute, hour, day, month, weekday] => {
                Fields::parse([second, minute, hour, day, month, weekday]).map(Rule::Cron)
            }
            _ => Err(ScheduleError::FieldCount { found: words.len() }),
        }
    }

    fn every(text: &str) -> Result<Rule, ScheduleError> {
        let wrong = || ScheduleError::NotAnInterval { text: text.to_owned() };
        let (digits, unit) =
            text.char_indices().last().and_then(|(end, unit)| Some((text.get(..end)?, unit))).ok_or_else(wrong)?;
        let unit_secs = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let secs = number(digits).ok_or_else(wrong)?.saturating_mul(unit_secs);
        let secs = NonZeroU32::new(secs).ok_or_else(wrong)?;
        if secs.get() < MIN_INTERVAL_SECS {
            return Err(ScheduleError::TooOften { secs: secs.get() });
        }
        if secs.get() > MAX_INTERVAL_SECS {
            return Err(ScheduleError::TooRare { text: text.to_owned() });
        }
        Ok(Rule::Every { secs })
    }
}

/// The times a cron line names. No set is empty, and some day of some year matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    seconds: Set,
    minutes: Set,
    hours: Set,
    days: Set,
    months: Set,
    /// Sunday is 0.
    weekdays: Set,
}

impl Fields {
    fn parse(texts: [&str; 6]) -> Result<Fields, ScheduleError> {
        let [seconds, minutes, hours, days, months, weekdays] = texts;
        let fields = Fields {
            seconds: Field::new("second", 0, 59).parse(seconds)?,
            minutes: Field::new("minute", 0, 59).parse(minutes)?,
            hours: Field::new("hour", 0, 23).parse(hours)?,
            days: Field::new("day of month", 1, 31).parse(days)?,
            months: Field::named("month", 1, 12, MONTHS).parse(months)?,
            weekdays: Field::named("day of week", 0, 7, WEEKDAYS).parse(weekdays)?.sunday_is_zero(),
        };
        // Over 400 years every date falls on every day of the week, so only day and month can fail to meet.
        if !fields.months.iter().any(|month| fields.days.first() <= longest(month)) {
            return Err(ScheduleError::Never { days: days.to_owned(), months: months.to_owned() });
        }
        match fields.shortest_wait_secs() {
            secs if secs < MIN_INTERVAL_SECS => Err(ScheduleError::TooOften { secs }),
            _ => Ok(fields),
        }
    }

    /// The shortest wait between two seconds named, in seconds, at most 60. The wait into the next minute counts only
    /// if two neighbouring minutes are named; 59 and 0 count as neighbours whatever the hours are.
    fn shortest_wait_secs(&self) -> u32 {
        let seconds: Vec<u32> = self.seconds.iter().map(u32::from).collect();
        let within = seconds.iter().zip(seconds.iter().skip(1)).map(|(one, next)| next - one);
        let neighbours = self.minutes.iter().any(|minute| self.minutes.has((minute + 1) % 60));
        let across = match (seconds.first(), seconds.last()) {
            (Some(first), Some(last)) if neighbours => 60 + first - last,
            _ => 60,
        };
        within.min().unwrap_or(60).min(across)
    }

    pub(super) fn names_every_hour(&self) -> bool {
        self.hours.iter().count() == 24
    }

    /// The first time named at or after `from` (whose fraction of a second is ignored), on a calendar without zones.
    pub(super) fn next_from(&self, from: DateTime) -> Option<DateTime> {
        let mut date = from.date();
        if self.has_day(date)
            && let Some(time) = self.time_from(from.time())
        {
            return Some(date.to_datetime(time));
        }
        loop {
            date = if self.has_month(date) { date.tomorrow().ok()? } else { date.last_of_month().tomorrow().ok()? };
            if self.has_day(date) {
                return Some(date.to_datetime(self.time_from(Time::midnight())?));
            }
        }
    }

    fn has_month(&self, date: Date) -> bool {
        u8::try_from(date.month()).is_ok_and(|month| self.months.has(month))
    }

    fn has_day(&self, date: Date) -> bool {
        let weekday = date.weekday().to_sunday_zero_offset();
        self.has_month(date)
            && u8::try_from(date.day()).is_ok_and(|day| self.days.has(day))
            && u8::try_from(weekday).is_ok_and(|weekday| self.weekdays.has(weekday))
    }

    fn time_from(&self, from: Time) -> Option<Time> {
        let [hour_now, minute_now, second_now] =
            [from.hour(), from.minute(), from.second()].map(|part| u8::try_from(part).unwrap_or(0));
        for hour in self.hours.from(hour_now) {
            let same_hour = hour == hour_now;
            for minute in self.minutes.from(if same_hour { minute_now } else { 0 }) {
                let same_minute = same_hour && minute == minute_now;
                if let Some(second) = self.seconds.from(if same_minute { second_now } else { 0 }).next() {
                    let [hour, minute, second] = [hour, minute, second].map(|part| i8::try_from(part).unwrap_or(0));
                    return Time::new(hour, minute, second, 0).ok();
                }
            }
        }
        None
    }
}

/// Days of the month in the year in which it has most.
fn longest(month: u8) -> u8 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
