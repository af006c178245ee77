//! What stands behind the `?` of an address.

use std::collections::HashMap;

use jiff::Timestamp;

use super::Refused;

/// Refuses parameters that nobody reads: a misspelt one must not silently widen an answer.
pub fn only(given: &HashMap<String, String>, known: &[&str]) -> Result<(), Refused> {
    match given.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(unknown) if known.is_empty() => {
            Err(Refused::bad_request(format!("`{unknown}` is not known: this takes no parameters")))
        }
        Some(unknown) => Err(Refused::bad_request(format!("`{unknown}` is not known; known are {}", known.join(", ")))),
    }
}

/// A number, where it is given.
pub fn number(given: &HashMap<String, String>, name: &str) -> Result<Option<u64>, Refused> {
    given
        .get(name)
        .map(|text| text.parse().map_err(|_| Refused::bad_request(format!("`{name}={text}` is no number"))))
        .transpose()
}

/// An instant, where it is given.
pub fn instant(given: &HashMap<String, String>, name: &str) -> Result<Option<Timestamp>, Refused> {
    given
        .get(name)
        .map(|text| {
            text.parse().map_err(|_| {
                Refused::bad_request(format!("`{name}={text}` is no instant: `2026-11-21T10:15:00Z` is expected"))
            })
        })
        .transpose()
}

/// A log size, which must be given.
pub fn size(given: &HashMap<String, String>, name: &str) -> Result<u64, Refused> {
    let text = given.get(name).ok_or_else(|| Refused::bad_request(format!("`{name}` is missing")))?;
    text.parse().map_err(|_| Refused::bad_request(format!("`{name}={text}` is no number")))
}
