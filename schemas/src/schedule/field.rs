//! One field of a cron line: numbers, names, ranges, steps, lists.

use super::refused::ScheduleError;

/// A set of numbers below 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Set(u64);

impl Set {
    fn insert(&mut self, number: u8) {
        self.0 |= 1_u64.checked_shl(u32::from(number)).unwrap_or(0);
    }

    pub(super) fn has(self, number: u8) -> bool {
        self.0 & 1_u64.checked_shl(u32::from(number)).unwrap_or(0) != 0
    }

    pub(super) fn from(self, start: u8) -> impl Iterator<Item = u8> {
        (start..64).filter(move |number| self.has(*number))
    }

    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        self.from(0)
    }

    /// 64 if empty.
    pub(super) fn first(self) -> u8 {
        self.iter().next().unwrap_or(64)
    }

    /// Cron knows Sunday as 0 and as 7.
    pub(super) fn sunday_is_zero(mut self) -> Set {
        if self.has(7) {
            self.insert(0);
            self.0 &= !(1 << 7);
        }
        self
    }
}

/// What one field may hold.
pub(super) struct Field {
    name: &'static str,
    low: u8,
    high: u8,
    /// Names of the numbers from `low` on.
    names: &'static [&'static str],
}

impl Field {
    pub(super) fn new(name: &'static str, low: u8, high: u8) -> Field {
        Field { name, low, high, names: &[] }
    }

    pub(super) fn named(name: &'static str, low: u8, high: u8, names: &'static [&'static str]) -> Field {
        Field { name, low, high, names }
    }

    fn wrong(&self, text: &str, why: String) -> ScheduleError {
        ScheduleError::Field { field: self.name, text: text.to_owned(), why }
    }

    pub(super) fn parse(&self, text: &str) -> Result<Set, ScheduleError> {
        let mut set = Set::default();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                None => (part, None),
                Some((range, step)) => (range, Some(step)),
            };
            let (first, last) = match range.split_once('-') {
                _ if range == "*" => (self.low, if self.is_weekday() { 6 } else { self.high }),
                None if step.is_some() => {
                    let why = format!("a step needs a range, as in `{range}-{}/5` or `*/5`", self.high);
                    return Err(self.wrong(part, why));
                }
                None => (self.value(range)?, self.value(range)?),
                Some((first, last)) => (self.value(first)?, self.value(last)?),
            };
            // FRI-SUN: at the end of a range Sunday is the seventh day.
            let last = if self.is_weekday() && last == 0 && first > 0 { 7 } else { last };
            if first > last {
                let why =
                    format!("a range runs upwards; write `{first}-{},{}-{last}` to go around", self.high, self.low);
                return Err(self.wrong(part, why));
            }
            let step = match step {
                None => 1,
                Some(step) => number(step)
                    .and_then(|step| usize::try_from(step).ok())
                    .filter(|step| *step >= 1 && *step <= usize::from(last - first).max(1))
                    .ok_or_else(|| {
                        let most = (last - first).max(1);
                        self.wrong(part, format!("a step here is a number from 1 to {most}"))
                    })?,
            };
            (first..=last).step_by(step).for_each(|number| set.insert(number));
        }
        Ok(set)
    }

    fn is_weekday(&self) -> bool {
        self.high == 7
    }

    fn value(&self, text: &str) -> Result<u8, ScheduleError> {
        let by_name =
            (self.low..).zip(self.names).find_map(|(value, name)| name.eq_ignore_ascii_case(text).then_some(value));
        by_name
            .or_else(|| number(text).and_then(|value| u8::try_from(value).ok()))
            .filter(|value| (self.low..=self.high).contains(value))
            .ok_or_else(|| {
                let names = match (self.names.first(), self.names.last()) {
                    (Some(first), Some(last)) => format!(" or a name from {first} to {last}"),
                    _ => String::new(),
                };
                self.wrong(text, format!("not a number from {} to {}{names}", self.low, self.high))
            })
    }
}

/// Decimal digits only: no sign, no space, at most nine.
pub(super) fn number(text: &str) -> Option<u32> {
    if text.is_empty() || text.len() > 9 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
