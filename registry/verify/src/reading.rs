//! Do the records of a segment agree with each other? Asked with the very function by which a registry takes segments in.

use schemas::{
    capture::Line,
    policy::Policy,
    segment::{Part, Segment, View, breaches, contradictions, frame_contradictions, tombstoned_units},
};

use crate::{
    captures::{Counts, Judge},
    verdict::Findings,
};

impl Judge<'_> {
    /// Names whatever in the segment contradicts something else in it.
    pub(crate) fn agreement(
        &self,
        segment: &Segment,
        view: &View<'_>,
        named: Option<&Policy>,
        counts: &mut Counts,
        out: &mut Findings,
    ) {
        for found in frame_contradictions(&self.replay.history, named, segment, view) {
            out.wrong(found.code, self.place(found.unit), found.what);
        }
        for found in contradictions(segment, view) {
            let place = self.place(found.unit);
            match found.code {
                // The unit tree already holds each line in its place: a wrong sum says that the agent reckons badly, not that anything was changed.
                "reading" => out.note(found.code, place, found.what),
                code => out.wrong(code, place, found.what),
            }
        }
        if let (Some((_, run)), Some(policy)) = (&view.run, named)
            && let Some(entry) = policy.entry(&run.target.entry)
        {
            let whole = !self.partial && tombstoned_units(segment).is_empty();
            for found in breaches(entry, policy.root(), view, whole) {
                out.wrong(found.code, self.place(found.unit), found.what);
            }
        }
        let lines = segment.parts.iter().filter_map(|part| match part {
            Part::Conversion(conversion) => Some(&conversion.lines),
            _ => None,
        });
        for at in lines.flatten() {
            match &at.line {
                Line::Record(_) => counts.records += 1,
                Line::Header(header)
                    if view.run.as_ref().is_some_and(|(_, run)| {
                        run.reader.name == header.reader.name && run.reader != header.reader
                    }) =>
                {
                    out.note("other-reader", self.place(at.unit), "it was read by another version than its run names");
                }
                _ => {}
            }
        }
    }
}
