//! Does a reading say of its answer and of itself what is so?

use super::Found;
use crate::{
    canonical,
    capture::{Exchange, Line},
    digest::Digest,
    segment::{Capture, Conversion},
};

impl Found<'_, '_> {
    pub(super) fn header(&mut self, conversion: &Conversion, capture: &Capture<'_>, exchange: &Exchange) {
        let Some((unit, Line::Header(header))) = conversion.lines.first().map(|first| (first.unit, &first.line)) else {
            return;
        };
        let step = canonical::to_canonical(&exchange.step).ok().map(|bytes| Digest::of(&bytes));
        if header.response != exchange.response || header.captured_at != capture.date || Some(header.step) != step {
            self.add(unit, "conversion", "its header names another response, date or step than the exchange");
        }
    }

    pub(super) fn lines(&mut self, conversion: &Conversion) {
        let mut items = Vec::new();
        let mut counts = [0_u64; 3];
        let last = conversion.lines.len().saturating_sub(1);
        for (number, at) in conversion.lines.iter().enumerate() {
            let unit = at.unit;
            match &at.line {
                Line::Header(header) => {
                    if number != 0 || header.v != 1 {
                        self.add(unit, "conversion", "a header that is not the first line, or of another version");
                    }
                    if self.view.run.as_ref().is_some_and(|(_, run)| run.reader.name != header.reader.name) {
                        self.add(unit, "conversion", "it was read by another collector than its run's");
                    }
                }
                Line::Record(line) => {
                    counts[0] += 1;
                    match line.item.content_hash() {
                        Ok(content) if content == line.content => {}
                        Ok(_) => self.add(unit, "content", "the content hash is not that of the record"),
                        Err(why) => self.add(unit, "content", format!("the record has no content hash: {why}")),
                    }
                }
                Line::Gone(_) => counts[1] += 1,
                Line::Unreadable(_) => counts[2] += 1,
                Line::End(end) => {
                    if number != last {
                        self.add(unit, "conversion", "an end that is not the last line");
                    }
                    if complete(conversion) {
                        if end.counts != counts {
                            self.add(unit, "reading", "its end counts other lines than there are");
                        }
                        if end.items.is_some_and(|said| said != Digest::of(&items)) {
                            self.add(unit, "reading", "its end names other lines than there are");
                        }
                    }
                }
                Line::Tombstone(_) => {}
            }
            if !matches!(at.line, Line::Header(_) | Line::End(_)) {
                items.extend_from_slice(&at.said_digest.0);
            }
        }
        let ends = conversion.lines.last().is_some_and(|line| matches!(line.line, Line::End(_)));
        if self.whole && !ends {
            let unit = conversion.lines.last().map_or(0, |line| line.unit);
            self.add(unit, "conversion", "its last line is no end");
        }
    }
}

/// Whether all lines of a reading are at hand, from its header on.
pub(super) fn complete(conversion: &Conversion) -> bool {
    let (Some(first), Some(last)) = (conversion.lines.first(), conversion.lines.last()) else {
        return false;
    };
    let gone = conversion.lines.iter().any(|line| matches!(line.line, Line::Tombstone(_)));
    matches!(first.line, Line::Header(_))
        && !gone
        && last.unit.checked_sub(first.unit) == Some(conversion.lines.len() as u64 - 1)
}
