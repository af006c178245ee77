//! How often and how much may be asked? Pace in memory, counts and rests as rows.
//!
//! Pace ([`Pace`]) is what a host feels: pauses between requests, longer after errors. Counts are what a permission and a platform allow: they are written
//! before a request is sent, so a crash can only count too much, and they never go back, whatever the clock does.

mod pace;
mod quota;
mod rows;

pub use pace::Pace;
pub use quota::Short;
pub use rows::{Rest, Rows, day_of, end_of_day};
