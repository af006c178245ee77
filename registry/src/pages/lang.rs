//! In which language does a page speak, and how are numbers and times written in it?
//!
//! Canadian English and French. Times are UTC everywhere and say so in words, never by colour or place alone.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// Name of the cookie that remembers a choice made by link.
pub const COOKIE: &str = "vigie-lang";

const MONTHS: [[&str; 12]; 2] = [
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
];

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English, as written in Canada.
    #[default]
    En,
    /// French, as written in Canada.
    Fr,
}

impl Lang {
    /// Its code in addresses and cookies.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }

    /// Its tag (BCP 47) for `lang` attributes.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en-CA",
            Self::Fr => "fr-CA",
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::En => Self::Fr,
            Self::Fr => Self::En,
        }
    }

    /// The language with that code.
    #[must_use]
    pub fn named(code: &str) -> Option<Self> {
        [Self::En, Self::Fr].into_iter().find(|lang| lang.code() == code)
    }

    /// What a browser prefers of the two, by `Accept-Language` (RFC 9110, section 12.5.4); English where it names neither.
    #[must_use]
    pub fn preferred(accept: &str) -> Self {
        let mut best = (Self::En, 0.0_f32);
        for item in accept.split(',').take(50) {
            let (range, rest) = item.split_once(';').unwrap_or((item, ""));
            let primary = range.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
            let weight = match rest.trim().strip_prefix("q=") {
                Some(weight) => weight.trim().parse().unwrap_or(0.0),
                None => 1.0,
            };
            if let Some(lang) = Self::named(&primary)
                && weight > best.1
            {
                best = (lang, weight);
            }
        }
        best.0
    }

    /// A whole number, its digits in groups: `12,345`, `12 345` (no-break space).
    #[must_use]
    pub fn number(self, number: u64) -> String {
        let digits = number.to_string();
        let mut out = String::with_capacity(digits.len() + digits.len() / 3);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(match self {
                    Self::En => ',',
                    Self::Fr => '\u{a0}',
                });
            }
            out.push(digit);
        }
        out
    }

    /// A size in bytes, in decimal units.
    #[must_use]
    pub fn bytes(self, bytes: u64) -> String {
        let (names, point) = match self {
            Self::En => (["bytes", "kB", "MB", "GB"], '.'),
            Self::Fr => (["octets", "ko", "Mo", "Go"], ','),
        };
        let mut unit = 0;
        let mut tenths = bytes.saturating_mul(10);
        while tenths >= 10_000 && unit + 1 < names.len() {
            tenths /= 1000;
            unit += 1;
        }
        let name = names.get(unit).copied().unwrap_or_default();
        match unit {
            0 => format!("{}\u{a0}{name}", self.number(bytes)),
            _ => format!("{}{point}{}\u{a0}{name}", self.number(tenths / 10), tenths % 10),
        }
    }

    /// A day: `21 November 2026`, `1er décembre 2026`.
    #[must_use]
    pub fn day(self, day: jiff::civil::Date) -> String {
        let month = usize::try_from(day.month()).ok().and_then(|month| month.checked_sub(1));
        let month = month.and_then(|month| MONTHS.get(self as usize)?.get(month)).copied().unwrap_or_default();
        let number = match (self, day.day()) {
            (Self::Fr, 1) => "1er".to_owned(),
            (_, number) => number.to_string(),
        };
        format!("{number}\u{a0}{month}\u{a0}{}", day.year())
    }

    /// A time of day to the minute: `09:05`, `9 h 05`.
    #[must_use]
    pub fn clock(self, time: DateTime) -> String {
        match self {
            Self::En => format!("{:02}:{:02}", time.hour(), time.minute()),
            Self::Fr => format!("{}\u{a0}h\u{a0}{:02}", time.hour(), time.minute()),
        }
    }

    /// Day and time to the minute, UTC.
    #[must_use]
    pub fn moment(self, at: Timestamp) -> String {
        let time = at.to_zoned(TimeZone::UTC).datetime();
        format!("{}, {}", self.day(time.date()), self.clock(time))
    }

    /// As [`Lang::moment`], of a text as the tables hold it; a text that is no instant stays as it is.
    #[must_use]
    pub fn moment_of(self, text: &str) -> String {
        text.parse().map_or_else(|_| text.to_owned(), |at| self.moment(at))
    }

    /// As [`Lang::day`], of `YYYY-MM-DD`.
    #[must_use]
    pub fn day_of(self, text: &str) -> String {
        text.parse().map_or_else(|_| text.to_owned(), |day| self.day(day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_is_asked_which_language() {
        for (accept, expected) in [
            ("", Lang::En),
            ("fr", Lang::Fr),
            ("fr-CA,en;q=0.8", Lang::Fr),
            ("en;q=0.3, fr;q=0.5", Lang::Fr),
            ("de, en-GB;q=0.9, fr;q=0.8", Lang::En),
            ("fr;q=0", Lang::En),
            ("fr;q=abc,;;,", Lang::En),
        ] {
            assert_eq!(Lang::preferred(accept), expected, "{accept}");
        }
    }

    #[test]
    fn numbers_sizes_and_times_are_written_as_each_language_does() {
        assert_eq!(Lang::En.number(1_234_567), "1,234,567");
        assert_eq!(Lang::Fr.number(1_234_567), "1\u{a0}234\u{a0}567");
        assert_eq!(Lang::En.number(123), "123");
        assert_eq!(Lang::En.bytes(999), "999\u{a0}bytes");
        assert_eq!(Lang::Fr.bytes(15_728_640), "15,7\u{a0}Mo");
        let at: Timestamp = "2026-10-01T09:05:59Z".parse().unwrap();
        assert_eq!(Lang::En.moment(at), "1\u{a0}October\u{a0}2026, 09:05");
        assert_eq!(Lang::Fr.moment(at), "1er\u{a0}octobre\u{a0}2026, 9\u{a0}h\u{a0}05");
        assert_eq!(Lang::Fr.moment_of("soon"), "soon");
    }
}
