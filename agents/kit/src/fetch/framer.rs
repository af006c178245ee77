//! Where may a stream be cut? Only between two frames: after a blank line of server-sent events, after a line feed of anything else.

use crate::contract::Bounds;

/// What ends a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// A line feed.
    Lines,
    /// A blank line (WHATWG HTML, section 9.2.6).
    Events,
}

impl Framing {
    /// By the media type of the answer.
    pub fn of(content_type: &str) -> Self {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("text/event-stream") { Self::Events } else { Self::Lines }
    }
}

/// Bytes as they came, handed out frame by whole frame.
#[derive(Debug)]
pub(super) struct Framer {
    framing: Framing,
    held: Vec<u8>,
    /// How far `held` was looked at.
    seen: usize,
    /// End of the last whole frame.
    end: usize,
    /// Items up to `end`: lines that are not blank, events with data.
    items: u32,
    /// First byte of the line being looked at.
    line: usize,
    /// The frame being looked at holds an item.
    item: bool,
}

impl Framer {
    pub const fn new(framing: Framing) -> Self {
        Self { framing, held: Vec::new(), seen: 0, end: 0, items: 0, line: 0, item: false }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// Bytes that are not handed out yet.
    pub const fn len(&self) -> usize {
        self.held.len()
    }

    /// The next chunk, once a bound is reached. `due`: whatever whole frames there are. Frames without an item (heartbeats) make no chunk of their
    /// own; they go with the next one.
    pub fn take(&mut self, bounds: Bounds, due: bool) -> Option<Vec<u8>> {
        let most = usize::try_from(bounds.bytes).unwrap_or(usize::MAX);
        while let Some(at) = self.held.get(self.seen..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n')) {
            let next = self.seen + at + 1;
            let line = self.held.get(self.line..next - 1).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let whole = match self.framing {
                Framing::Lines => {
                    self.item = !line.is_empty();
                    true
                }
                Framing::Events => {
                    self.item |= line.starts_with(b"data");
                    line.is_empty()
                }
            };
            if whole && next > most && self.items > 0 {
                // This frame begins the next chunk.
                return Some(self.cut());
            }
            (self.seen, self.line) = (next, next);
            if whole {
                self.end = next;
                self.items += u32::from(self.item);
                self.item = false;
                if self.items > 0 && (self.items >= bounds.items || self.end >= most) {
                    return Some(self.cut());
                }
            }
        }
        self.seen = self.held.len();
        (due && self.items > 0).then(|| self.cut())
    }

    /// What is left once nothing more comes: a frame that was not ended, and heartbeats.
    pub fn rest(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.held);
        *self = Self::new(self.framing);
        rest
    }

    fn cut(&mut self) -> Vec<u8> {
        let rest = self.held.split_off(self.end);
        let chunk = std::mem::replace(&mut self.held, rest);
        (self.seen, self.end, self.line) = (0, 0, 0);
        (self.items, self.item) = (0, false);
        chunk
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bounds(items: u32, bytes: u64) -> Bounds {
        Bounds { items, bytes, secs: 60 }
    }

    fn chunks(framing: Framing, bounds: Bounds, pieces: &[&[u8]]) -> (Vec<String>, String) {
        let mut framer = Framer::new(framing);
        let mut out = Vec::new();
        for piece in pieces {
            framer.push(piece);
            while let Some(chunk) = framer.take(bounds, false) {
                out.push(String::from_utf8(chunk).unwrap());
            }
        }
        out.extend(framer.take(bounds, true).map(|chunk| String::from_utf8(chunk).unwrap()));
        (out, String::from_utf8(framer.rest()).unwrap())
    }

    #[test]
    fn lines_are_cut_after_a_line_feed_by_items_and_by_bytes() {
        let text: &[&[u8]] = &[b"1\n2", b"2\n3\n4\n5"];
        assert_eq!(
            chunks(Framing::Lines, bounds(2, 100), text),
            (vec!["1\n22\n".to_owned(), "3\n4\n".to_owned()], "5".to_owned())
        );
        assert_eq!(
            chunks(Framing::Lines, bounds(100, 4), text),
            (vec!["1\n".to_owned(), "22\n".to_owned(), "3\n4\n".to_owned()], "5".to_owned())
        );
    }

    #[test]
    fn events_are_cut_after_a_blank_line_and_heartbeats_wait_for_an_event() {
        let text: &[&[u8]] = &[b":ok\n\nid: 1\ndata: a\n", b"data: b\r\n\r", b"\n:beat\n\ndata: c\n\n:beat\n\ndat"];
        assert_eq!(
            chunks(Framing::Events, bounds(1, 100), text),
            (
                vec![":ok\n\nid: 1\ndata: a\ndata: b\r\n\r\n".to_owned(), ":beat\n\ndata: c\n\n".to_owned()],
                ":beat\n\ndat".to_owned()
            )
        );
        let (cut, rest) = chunks(Framing::Events, bounds(1, 100), &[b":beat\n\n:beat\n\n"]);
        assert!(cut.is_empty() && rest.len() == 14);
    }

    #[test]
    fn framing_is_known_by_the_media_type() {
        assert_eq!(Framing::of("text/event-stream; charset=utf-8"), Framing::Events);
        assert_eq!(Framing::of("application/x-ndjson"), Framing::Lines);
        assert_eq!(Framing::of(""), Framing::Lines);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_every_cut_is_at_a_border(
            text in "[a:d\n\r]{0,200}", at in 0_usize..200, items in 1_u32..5, bytes in 1_u64..40, events: bool
        ) {
            let framing = if events { Framing::Events } else { Framing::Lines };
            let at = at.min(text.len());
            let pieces = [&text.as_bytes()[..at], &text.as_bytes()[at..]];
            let (cut, rest) = chunks(framing, bounds(items, bytes), &pieces);
            prop_assert_eq!(cut.concat() + &rest, text);
            for chunk in &cut {
                prop_assert!(chunk.ends_with('\n'));
            }
        }
    }
}
