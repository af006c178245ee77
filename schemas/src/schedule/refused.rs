//! Which schedules are refused, and in which words?

/// Shortest wait between two runs that a line may ask for, in seconds.
pub(super) const MIN_INTERVAL_SECS: u32 = 10;

/// Longest `every`, in seconds: 366 days. Approvals last at most a year.
pub(super) const MAX_INTERVAL_SECS: u32 = 366 * 86_400;

/// Longest line, in bytes. The longest sensible list of minutes stays far below.
pub(super) const MAX_LINE_BYTES: usize = 200;

/// Why a schedule is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// More than 200 bytes.
    #[error("schedule line has {bytes} bytes; at most {MAX_LINE_BYTES} are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Neither a shortcut, nor `every`, nor five or six fields.
    #[error(
        "schedule line has {found} fields; write 5 (minute hour day month weekday), 6 (second first), \
         `@hourly`, `@daily`, `@weekly` or `every 15m`"
    )]
    FieldCount {
        /// Fields found.
        found: usize,
    },
    /// A word after `@` that is not a known shortcut.
    #[error("shortcut `{text}` is not known; there are `@hourly`, `@daily` and `@weekly`")]
    UnknownShortcut {
        /// The word.
        text: String,
    },
    /// `every` without a usable length.
    #[error("`{text}` is not an interval; write a number from 1 and one of `s`, `m`, `h`, `d`, as in `every 15m`")]
    NotAnInterval {
        /// What follows `every`.
        text: String,
    },
    /// `every` with more than 366 days.
    #[error("an interval of `{text}` is longer than the 366 days allowed")]
    TooRare {
        /// What follows `every`.
        text: String,
    },
    /// A field holds something that is not a number, name, range, step or list.
    #[error("{field} `{text}`: {why}")]
    Field {
        /// Its name in words, such as `day of month`.
        field: &'static str,
        /// The part of it that is wrong.
        text: String,
        /// What may stand there.
        why: String,
    },
    /// Two runs would lie closer together than 10 seconds.
    #[error("runs would be {secs} s apart; the shortest interval allowed is {MIN_INTERVAL_SECS} s")]
    TooOften {
        /// The shortest wait.
        secs: u32,
    },
    /// No month named has a day named, as for 30 February.
    #[error("day of month and month never meet: no month of `{months}` has a day of `{days}`")]
    Never {
        /// The field of days.
        days: String,
        /// The field of months.
        months: String,
    },
    /// The zone is not in the database.
    #[error("time zone `{zone}` is not in the IANA database; write a name such as `America/Toronto` or `UTC`")]
    UnknownZone {
        /// The name, cut at 64 characters.
        zone: String,
    },
    /// The zone is spelt in other letters than in the database.
    #[error("time zone `{zone}` is spelt `{proper}`")]
    ZoneSpelling {
        /// The name given.
        zone: String,
        /// The name in the database.
        proper: String,
    },
}
