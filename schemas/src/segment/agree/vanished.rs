//! Does a reading show that an item was missing?

use std::collections::{HashMap, HashSet};

use super::{Found, reading::complete};
use crate::{
    capture::{End, Line, Vanished},
    segment::Conversion,
};

/// Code of what [`contradictions`](super::contradictions) finds about something that vanished. Registries refuse its unit alone: what was answered and read
/// stands without it.
pub const VANISHED_CODE: &str = "vanished";

/// What stands in a reading, asked by whoever is told that something does not.
#[derive(Debug)]
pub struct Standing<'a> {
    end: Option<&'a End>,
    complete: bool,
    items: HashSet<(&'a str, &'a str)>,
}

impl<'a> Standing<'a> {
    /// Of a reading, or of what is left of it.
    #[must_use]
    pub fn of(conversion: &'a Conversion) -> Self {
        let items = conversion.lines.iter().filter_map(|at| match &at.line {
            Line::Record(line) => Some((&*line.item.platform, &*line.item.id)),
            _ => None,
        });
        let end = conversion.lines.last().and_then(|at| match &at.line {
            Line::End(end) => Some(&**end),
            _ => None,
        });
        Self { end, complete: complete(conversion), items: items.collect() }
    }

    /// Whether the item stands in it.
    #[must_use]
    pub fn holds(&self, said: &Vanished) -> bool {
        self.items.contains(&(&*said.platform, &*said.id))
    }

    /// Whether it is of this scope, as far as its last line is at hand.
    #[must_use]
    pub fn is_of(&self, scope: &str) -> bool {
        self.end.is_some_and(|end| end.snapshot.as_deref() == Some(scope))
    }

    /// True where all of it is at hand and it shows the item to be missing from a complete reading of the scope; false where some of it is gone, and what
    /// is left does not say otherwise.
    ///
    /// # Errors
    ///
    /// What says otherwise, for people.
    pub fn lacks(&self, said: &Vanished) -> Result<bool, String> {
        if self.holds(said) {
            return Err("the item stands in the reading".to_owned());
        }
        let Some(end) = self.end else { return Ok(false) };
        if end.halt.is_some() {
            return Err("the reading was halted".to_owned());
        }
        if end.cut.is_some() {
            return Err("the reading says itself that more should have come".to_owned());
        }
        if end.snapshot.as_ref() != Some(&said.scope) {
            return Err("the reading does not say that it is all of that scope".to_owned());
        }
        Ok(self.complete)
    }
}

impl Found<'_, '_> {
    /// What is said to have vanished is missing from the reading before it, and said once.
    pub(super) fn vanished(&mut self) {
        let (view, mut readings, mut told) = (self.view, HashMap::new(), HashSet::new());
        for (unit, said) in &view.vanished {
            if said.v != 1 {
                self.add(
                    *unit,
                    VANISHED_CODE,
                    format!("format version {} of its record is not known to this release", said.v),
                );
            }
            if said.before == said.response {
                self.add(*unit, VANISHED_CODE, "it names one reading twice");
            }
            if !told.insert((&said.response, &said.platform, &said.id)) {
                self.add(*unit, VANISHED_CODE, "an item vanishes twice by one reading");
            }
            // The one before is hardly ever in the same segment.
            for response in [&said.response, &said.before] {
                let capture = self.responses.get(&**response).and_then(|at| view.captures.get(*at));
                let Some(conversion) = capture.and_then(|capture| capture.conversion) else { continue };
                let standing = readings.entry(response).or_insert_with(|| Standing::of(conversion));
                if let Err(why) = standing.lacks(said) {
                    self.add(*unit, VANISHED_CODE, format!("what it says vanished is not shown to be missing: {why}"));
                }
            }
        }
    }
}
