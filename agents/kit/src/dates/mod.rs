//! Which moment does a date in a feed or on a page claim?
//!
//! Feeds and pages write dates as RFC 822, RFC 3339, W3C-DTF and in whatever a content system's locale makes of them. This reader takes a date apart
//! into numbers, words and signs instead of trying patterns. What it refuses to do matters as much:
//!
//! - An instant follows only from an offset, from a zone name with one meaning, or from seconds since 1970. All else is a local time.
//! - `03/04/2026` stays text: which is the day depends on who wrote it. So do a month without a day, a day that the month has not, and
//!   zone names of several zones (`IST`, `BST`).
//! - Weekday names are ignored, right or wrong. `24:00` is the end of the day (ISO 8601); `24:15` is 00:15, as the formatters that write
//!   it mean it. A leap second counts as the one before.

mod words;

#[cfg(test)]
mod tests;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, Time},
    tz::Offset,
};
use schemas::record::ClaimedTime;

use words::{Half, Word};

/// Most characters kept of a date as written.
const MAX_RAW: usize = 200;

/// What a date says, with its text. Nothing if there is no text.
pub fn claimed(raw: &str) -> Option<ClaimedTime> {
    let raw = raw.trim();
    if raw.is_empty() {
        return None;
    }
    let plain = raw.len() <= MAX_RAW && raw.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let raw = if plain {
        raw.to_owned()
    } else {
        raw.chars().take(MAX_RAW).filter(|letter| !letter.is_control() || letter.is_whitespace()).collect()
    };
    let (at, local) = match read(&raw) {
        Some(Moment::At(at)) => (Some(at), None),
        Some(Moment::Local(at)) => (None, Some(at.to_string())),
        Some(Moment::Day(day)) => (None, Some(day.to_string())),
        None => (None, None),
    };
    Some(ClaimedTime { raw, at, local })
}

/// How much a text fixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    At(Timestamp),
    Local(DateTime),
    Day(Date),
}

fn read(text: &str) -> Option<Moment> {
    if let Some(at) = epoch(text) {
        return Some(Moment::At(at));
    }
    let mut parts = Parts::default();
    parts.scan(text)?;
    parts.moment()
}

/// Seconds or milliseconds since 1970: plain digits, too many for a date.
fn epoch(text: &str) -> Option<Timestamp> {
    let digits = text.len();
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match digits {
        9 | 10 => Timestamp::from_second(text.parse().ok()?).ok(),
        13 => Timestamp::from_millisecond(text.parse().ok()?).ok(),
        _ => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    Offset(i32),
    /// Named, but not by a name with one meaning.
    Unclear,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Parts {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    /// Numbers whose meaning depends on what else is found, and how many digits they have.
    numbers: [Option<(i32, usize)>; 3],
    time: Option<Time>,
    /// `24:00`.
    end_of_day: bool,
    half: Option<Half>,
    zone: Option<Zone>,
}

impl Parts {
    /// `2026-10-03`, `2026/10/3`, `20261003`, `2026-276`, `2026276` at the beginning; returns what follows.
    fn iso_date<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let (digits, rest) = leading_digits(text);
        let number = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<i32>().ok());
        match digits.len() {
            8 if !rest.starts_with([':', '.', '/']) => {
                self.set(number(0, 4)?, number(4, 6)?, number(6, 8)?)?;
                Some(rest)
            }
            7 if rest.is_empty() || rest.starts_with(['T', 't', ' ']) => {
                self.ordinal(number(0, 4)?, number(4, 7)?)?;
                Some(rest)
            }
            14 => {
                self.set(number(0, 4)?, number(4, 6)?, number(6, 8)?)?;
                self.clock(number(8, 10)?, number(10, 12)?, number(12, 14)?, 0)?;
                Some(rest)
            }
            4 => {
                let year = number(0, 4)?;
                let sign = rest.chars().next().filter(|sign| matches!(sign, '-' | '/' | '.'))?;
                let (second, rest) = leading_digits(rest.get(1..)?);
                match second.len() {
                    3 if sign == '-' => {
                        self.ordinal(year, second.parse().ok()?)?;
                        return Some(rest);
                    }
                    1 | 2 => {}
                    _ => return None,
                }
                let (third, rest) = leading_digits(rest.strip_prefix(sign)?);
                if !matches!(third.len(), 1 | 2) {
                    return None;
                }
                self.set(year, second.parse().ok()?, third.parse().ok()?)?;
                Some(rest)
            }
            _ => None,
        }
    }

    fn set(&mut self, year: i32, month: i32, day: i32) -> Option<()> {
        let date = Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        (self.year, self.month, self.day) = (Some(date.year()), Some(date.month()), Some(date.day()));
        Some(())
    }

    fn ordinal(&mut self, year: i32, day: i32) -> Option<()> {
        let first = Date::new(i16::try_from(year).ok()?, 1, 1).ok()?;
        let date = first
            .checked_add((i64::from(day) - 1).days())
            .ok()
            .filter(|date| date.year() == first.year() && day > 0)?;
        self.set(year, i32::from(date.month()), i32::from(date.day()))
    }

    fn clock(&mut self, hour: i32, minute: i32, second: i32, nanosecond: i32) -> Option<()> {
        let mut hour = hour;
        if hour == 24 {
            self.end_of_day = minute == 0 && second == 0;
            hour = 0;
        }
        let second = if second == 60 { 59 } else { second };
        // The second of two times (`00:00:00.0 15:04:05.0`) is the one that was filled in.
        self.time = Some(
            Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, i8::try_from(second).ok()?, nanosecond)
                .ok()?,
        );
        Some(())
    }

    /// Takes the rest apart. Nothing where something stands in it that no date has.
    fn scan(&mut self, text: &str) -> Option<()> {
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            if letter.is_ascii_digit() {
                rest = self.digits(rest)?;
            } else if letter.is_alphabetic() {
                rest = self.word(rest)?;
            } else if matches!(letter, '+' | '-' | '\u{2212}')
                && self.time.is_some()
                && self.zone.is_none_or(|zone| zone == Zone::Offset(0))
            {
                rest = self.offset(rest)?;
            } else if letter == '(' {
                // A comment of RFC 822, nearly always the zone's name again.
                rest = rest.split_once(')').map_or("", |(_, rest)| rest);
            } else if letter.is_whitespace()
                || matches!(letter, ',' | '.' | '-' | '/' | '\'' | '’' | ';' | '|' | '·' | '–' | '@' | '[' | ']')
            {
                rest = rest.get(letter.len_utf8()..)?;
            } else {
                return None;
            }
        }
        Some(())
    }

    fn digits<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        if self.day.is_none()
            && let Some(rest) = self.iso_date(text)
        {
            return Some(rest);
        }
        let (digits, rest) = leading_digits(text);
        let number: i32 = digits.parse().ok()?;
        if let Some(after) = rest.strip_prefix(':').filter(|_| digits.len() <= 2) {
            return self.time_of_day(number, after);
        }
        for (sign, slot) in [("年", 0), ("년", 0), ("月", 1), ("월", 1), ("日", 2), ("일", 2)] {
            if let Some(rest) = rest.strip_prefix(sign) {
                match slot {
                    0 => self.year = Some(i16::try_from(number).ok()?),
                    1 => self.month = Some(i8::try_from(number).ok()?),
                    _ => self.day = Some(i8::try_from(number).ok()?),
                }
                return Some(rest);
            }
        }
        if let Some(done) = self.numeric_date(number, digits.len(), rest) {
            return done;
        }
        // `3rd`, `1er`, `2ª`.
        let ordinal = ["st", "nd", "rd", "th", "er", "º", "ª"].iter().find_map(|ending| rest.strip_prefix(ending));
        let rest = ordinal.filter(|rest| !rest.starts_with(char::is_alphabetic)).unwrap_or(rest);
        // `T101455` of the basic format.
        if digits.len() == 6 && self.day.is_some() && self.time.is_none() {
            self.clock(number / 10_000, number / 100 % 100, number % 100, 0)?;
            return fraction(rest).map(|(_, rest)| rest);
        }
        *self.numbers.iter_mut().find(|free| free.is_none())? = Some((number, digits.len()));
        Some(rest)
    }

    /// `03.10.2026`, `13/10/2026`, `10-13-2026`: outer nothing if this is none, inner nothing if it is one that cannot be read.
    fn numeric_date<'t>(&mut self, first: i32, len: usize, rest: &'t str) -> Option<Option<&'t str>> {
        if len > 2 || self.day.is_some() {
            return None;
        }
        let sign = rest.chars().next().filter(|sign| matches!(sign, '.' | '/' | '-'))?;
        let (second, rest) = leading_digits(rest.get(1..)?);
        let (third, rest) = leading_digits(rest.strip_prefix(sign)?);
        if !matches!(second.len(), 1 | 2) || third.len() != 4 {
            return None;
        }
        let (second, year): (i32, i32) = (second.parse().ok()?, third.parse().ok()?);
        let (day, month) = match (sign, first, second) {
            ('.', day, month) | (_, day @ 13.., month) => (day, month),
            (_, month, day @ 13..) => (day, month),
            (_, day, month) if day == month => (day, month),
            _ => return Some(None),
        };
        Some(self.set(year, month, day).map(|()| rest))
    }

    fn time_of_day<'t>(&mut self, hour: i32, rest: &'t str) -> Option<&'t str> {
        let (minute, rest) = leading_digits(rest);
        let (second, rest) = match rest.strip_prefix(':').map(leading_digits) {
            Some((second, rest)) if !second.is_empty() => (second, rest),
            Some((_, rest)) => ("0", rest),
            None => ("0", rest),
        };
        let (nanosecond, rest) = fraction(rest)?;
        self.clock(hour, minute.parse().ok()?, second.parse().ok()?, nanosecond)?;
        Some(rest)
    }

    fn word<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let len = text.find(|letter: char| !letter.is_alphabetic() && letter != '\u{301}').unwrap_or(text.len());
        let (word, rest) = text.split_at(len);
        match words::meaning(word, self.time.is_some())? {
            Word::Month(month) => {
                // `Mar, 03 nov. 2026`: the first was a day of the week.
                self.month = Some(month);
            }
            Word::Half(half) => self.half = Some(half),
            Word::Offset(seconds) => self.zone = Some(Zone::Offset(seconds)),
            Word::UnclearZone => self.zone = Some(Zone::Unclear),
            Word::Nothing => {}
        }
        Some(rest)
    }

    /// `+02:00`, `-0500`, `+2`, `GMT+2`.
    fn offset<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let sign = if text.starts_with('+') { 1 } else { -1 };
        let mut letters = text.chars();
        letters.next();
        let (digits, rest) = leading_digits(letters.as_str());
        if digits.is_empty() {
            return Some(letters.as_str());
        }
        if digits.len() == 4 && self.year.is_none() && ("1900".."2100").contains(&digits) {
            // `10:00 3-Oct-2026`
            return Some(letters.as_str());
        }
        let (hours, minutes, rest) = match digits.len() {
            1 | 2 => match rest.strip_prefix(':').map(leading_digits) {
                Some((minutes, rest)) if !minutes.is_empty() => (digits, minutes, rest),
                _ => (digits, "0", rest),
            },
            3 => (digits.get(..1)?, digits.get(1..)?, rest),
            4 => (digits.get(..2)?, digits.get(2..)?, rest),
            _ => return None,
        };
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        // No zone is further away; a larger number is a mistake whose meaning cannot be known.
        self.zone = Some(if hours <= 15 && minutes < 60 {
            Zone::Offset(sign * (hours * 3600 + minutes * 60))
        } else {
            Zone::Unclear
        });
        Some(rest)
    }

    fn moment(mut self) -> Option<Moment> {
        self.place_numbers()?;
        let date = Date::new(self.year?, self.month?, self.day?).ok()?;
        let Some(mut time) = self.time else {
            return Some(Moment::Day(date));
        };
        if let Some(half) = self.half {
            let hour = match (half, time.hour()) {
                (Half::Morning, 12) => 0,
                (Half::Afternoon, hour @ 1..=11) => hour + 12,
                (_, hour) => hour,
            };
            time = time.with().hour(hour).build().ok()?;
        }
        let mut at = date.to_datetime(time);
        if self.end_of_day {
            at = at.checked_add(1.day()).ok()?;
        }
        match self.zone {
            Some(Zone::Offset(seconds)) => Offset::from_seconds(seconds).ok()?.to_timestamp(at).ok().map(Moment::At),
            Some(Zone::Unclear) | None => Some(Moment::Local(at)),
        }
    }

    /// Gives the numbers beside a month's name their places: a year has four digits or stands last.
    fn place_numbers(&mut self) -> Option<()> {
        for (number, digits) in self.numbers.into_iter().flatten() {
            let year = digits == 4 || (digits == 3 && number >= 100) || number > 31 || self.day.is_some();
            if year && self.year.is_none() {
                let year = match digits {
                    // RFC 2822, section 4.3.
                    1 | 2 if number < 50 => 2000 + number,
                    1..=3 => 1900 + number,
                    _ => number,
                };
                self.year = Some(i16::try_from(year).ok()?);
            } else if self.day.is_none() && digits <= 2 {
                self.day = Some(i8::try_from(number).ok()?);
            } else {
                return None;
            }
        }
        Some(())
    }
}

fn leading_digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

/// `.123` after a time, in nanoseconds; a comma counts as well if digits follow.
fn fraction(text: &str) -> Option<(i32, &str)> {
    let Some(after) = text.strip_prefix(['.', ',']) else {
        return Some((0, text));
    };
    let (digits, rest) = leading_digits(after);
    if digits.is_empty() {
        return Some((0, text));
    }
    let nine: String = digits.chars().chain("000000000".chars()).take(9).collect();
    Some((nine.parse().ok()?, rest))
}
