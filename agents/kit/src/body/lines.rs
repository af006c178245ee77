//! Text in lines, and events in lines.

use std::io::{self, BufRead, BufReader, Read};

use super::SpoolReader;
use crate::contract::{Place, Unreadable};

/// Longest line that is read, in bytes without its end.
pub const MAX_LINE_BYTES: usize = 16 << 20;

/// Lines of a body with their places, in constant memory. Ends are LF or CRLF and left out.
///
/// A line that is too long or not UTF-8 ends the reading: nothing after it could be trusted to begin where it seems to.
pub struct Lines {
    from: BufReader<SpoolReader>,
    cut: bool,
    row: u64,
    done: bool,
}

impl Lines {
    pub(super) const fn new(from: BufReader<SpoolReader>, cut: bool) -> Self {
        Self { from, cut, row: 0, done: false }
    }

    fn line(&mut self) -> Result<Option<String>, Unreadable> {
        let at = Place::Row("", self.row + 1);
        let mut line = Vec::new();
        let mut from = (&mut self.from).take(MAX_LINE_BYTES as u64 + 2);
        from.read_until(b'\n', &mut line).map_err(|error| Unreadable::new(at, error))?;
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        } else if line.is_empty() || self.cut && line.len() <= MAX_LINE_BYTES {
            return Ok(None);
        }
        if line.len() > MAX_LINE_BYTES {
            return Err(Unreadable::new(at, format_args!("longer than the {MAX_LINE_BYTES} bytes a line may have")));
        }
        self.row += 1;
        String::from_utf8(line).map(Some).map_err(|_| Unreadable::new(at, "is not UTF-8"))
    }
}

impl Iterator for Lines {
    type Item = Result<(Place<'static>, String), Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let line = self.line().transpose();
        self.done = !matches!(line, Some(Ok(_)));
        Some(line?.map(|line| (Place::Row("", self.row), line)))
    }
}

/// One server-sent event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// `event`; `message` where the source named none.
    pub kind: String,
    /// Last `id` seen so far, of this event or an earlier one of this answer; empty for none.
    pub id: String,
    /// `data` lines, joined by line feeds.
    pub data: String,
}

/// Server-sent events (WHATWG HTML, section 9.2.6) with their places. Comments and events without data are no events.
///
/// An event that the body ends in is dropped, as the format asks for.
pub struct Events {
    lines: Lines,
    id: String,
    frame: u64,
}

impl Events {
    pub(super) const fn new(lines: Lines) -> Self {
        Self { lines, id: String::new(), frame: 0 }
    }
}

impl Iterator for Events {
    type Item = Result<(Place<'static>, Event), Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut event = Event::default();
        let mut data: Option<String> = None;
        loop {
            let line = match self.lines.next()? {
                Ok((_, line)) => line,
                Err(error) => return Some(Err(error)),
            };
            if line.is_empty() {
                if let Some(data) = data.take() {
                    let place = Place::Frame(self.frame);
                    self.frame += 1;
                    if event.kind.is_empty() {
                        event.kind.push_str("message");
                    }
                    return Some(Ok((place, Event { id: self.id.clone(), data, ..event })));
                }
                event = Event::default();
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut event.kind),
                "id" if !value.contains('\0') => value.clone_into(&mut self.id),
                "data" => match &mut data {
                    Some(data) if data.len() + value.len() >= MAX_LINE_BYTES => {
                        return Some(Err(Unreadable::new(
                            Place::Frame(self.frame),
                            format_args!("longer than the {MAX_LINE_BYTES} bytes an event may have"),
                        )));
                    }
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    None => data = Some(value.to_owned()),
                },
                // `retry` speaks to the connection; comments and unknown fields are to be ignored.
                _ => {}
            }
        }
    }
}

/// A bounded line for headers of recorded frames.
pub(super) fn short_line(from: &mut impl BufRead, most: u64) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    from.take(most).read_until(b'\n', &mut line)?;
    Ok(line)
}
