//! Is this the answer that was asked for, or a page that stands in its way?

use jiff::{SignedDuration, Timestamp};

use super::{Body, challenge};
use crate::contract::{Absent, Facts, Halt, Scope};

/// What a reader expects a body to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// JSON.
    Json,
    /// Any text.
    Text,
    /// XML.
    Xml,
    /// An HTML page.
    Html,
    /// Lines, events, frames, rows.
    Frames,
    /// Anything.
    Bytes,
}

/// Pause where a source asks for one without saying how long.
const DEFAULT_PAUSE_SECS: i64 = 900;

/// Longest pause that is believed: a day.
const MAX_PAUSE_SECS: i64 = 86_400;

/// Passes an answer that has to be whole.
pub(crate) fn whole<S>(facts: &Facts, body: &Body, expected: Expected) -> Result<(), Halt<S>> {
    status(facts)?;
    if let Some(how) = &facts.truncated {
        return Err(Halt::unreadable("body", format_args!("cut by {how}; only frames may end early")));
    }
    content(facts, body, expected)
}

/// Passes an answer that may end early, frame by frame.
pub(crate) fn framed<S>(facts: &Facts, body: &Body) -> Result<(), Halt<S>> {
    status(facts)?;
    content(facts, body, Expected::Frames)
}

fn status<S>(facts: &Facts) -> Result<(), Halt<S>> {
    match facts.status {
        200..=203 => Ok(()),
        // Nothing, or a piece nobody asked for.
        204..=206 => Err(Halt::unreadable("status", format_args!("{} carries no whole answer", facts.status))),
        401 | 402 | 403 | 407 | 451 | 511 => Err(Halt::Blocked(format!("status {}", facts.status))),
        404 | 410 => Err(Halt::Gone(Absent::Asked { why: format!("status {}", facts.status) })),
        429 => Err(Halt::SlowDown { until: pause(facts, DEFAULT_PAUSE_SECS), scope: Scope::Host }),
        503 if facts.header("retry-after").is_some() => {
            Err(Halt::SlowDown { until: pause(facts, DEFAULT_PAUSE_SECS), scope: Scope::Host })
        }
        other => Err(Halt::unreadable("status", format_args!("{other} is not an answer"))),
    }
}

/// The end of the pause that `Retry-After` (RFC 9110, section 10.2.3) asks for: seconds or a date, counted from the capture.
pub(crate) fn pause(facts: &Facts, otherwise_secs: i64) -> Timestamp {
    let asked = facts.header("retry-after").map(str::trim).and_then(|value| {
        value.parse::<i64>().ok().or_else(|| {
            let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
            Some(date.duration_since(facts.captured_at).as_secs())
        })
    });
    let secs = asked.unwrap_or(otherwise_secs).clamp(1, MAX_PAUSE_SECS);
    facts.captured_at.checked_add(SignedDuration::from_secs(secs)).unwrap_or(facts.captured_at)
}

fn content<S>(facts: &Facts, body: &Body, expected: Expected) -> Result<(), Halt<S>> {
    if let Some(named) = challenge::named(|name| facts.header(name)) {
        return Err(Halt::Blocked(format!("challenge page: `{named}`")));
    }
    let broken = |error| Halt::unreadable("body", error);
    let page = challenge::is_page(&body.head(challenge::WITHIN_BYTES).map_err(broken)?);
    if page && let Some(mark) = body.mark().map_err(broken)? {
        return Err(Halt::Blocked(format!("challenge page: `{mark}`")));
    }
    let media_type = facts
        .header("content-type")
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match expected {
        Expected::Json | Expected::Xml | Expected::Frames if page => {
            let wanted = match expected {
                Expected::Json => "JSON",
                Expected::Xml => "XML",
                _ => "a stream or table",
            };
            Err(Halt::unreadable("body", format_args!("an HTML page where {wanted} was expected")))
        }
        Expected::Json if is_foreign_to_json(&media_type) => Err(Halt::unreadable(
            "content-type",
            format_args!("`{}` where JSON was expected", media_type.chars().take(80).collect::<String>()),
        )),
        Expected::Html if is_foreign_to_html(&media_type) => Err(Halt::unreadable(
            "content-type",
            format_args!("`{}` where HTML was expected", media_type.chars().take(80).collect::<String>()),
        )),
        _ => Ok(()),
    }
}

/// Types that nobody gives to JSON. Text types are let through: many servers name JSON so, and what is not JSON shows when it is parsed.
fn is_foreign_to_json(media_type: &str) -> bool {
    ["image/", "audio/", "video/", "font/"].iter().any(|kind| media_type.starts_with(kind))
        || matches!(
            media_type,
            "application/pdf" | "application/zip" | "text/css" | "text/csv" | "application/xml" | "text/xml"
        )
}

fn is_foreign_to_html(media_type: &str) -> bool {
    !matches!(media_type, "" | "text/html" | "application/xhtml+xml" | "text/plain" | "application/octet-stream")
}
