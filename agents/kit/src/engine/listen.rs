//! What does a reading list, while its lines go by?

use std::{io, sync::Arc};

use schemas::{
    Digest,
    capture::{Line, Reader, What},
    minimise::minimise,
    permission::Evidence,
    policy::Policy,
    pseudonym::PseudonymKey,
    segment::keyed_lines,
};

use super::{Bounds, Turn};
use crate::{
    body::Body,
    contract::{Erased, Facts},
    derive::{Derived, LineSink, derive},
    sealing::quietly,
};

/// Most bytes the lines of one answer may take: response and lines must fit one segment.
pub(super) const MAX_LINES_BYTES: u64 = 24 << 20;

fn too_long() -> String {
    format!(
        "the records of one answer take more than {} MiB; ask for fewer at once, or keep fewer fields",
        MAX_LINES_BYTES >> 20
    )
}

/// An item that a reading described.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub platform: String,
    pub id: String,
    pub handle: Option<String>,
    pub content: Digest,
}

/// The lines of one answer, and what they list.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub lines: Vec<Vec<u8>>,
    pub bytes: u64,
    pub items: Vec<Item>,
    pub gone: Vec<What>,
    pub odd: u64,
    /// The last line as it was said, where the stored ones leave it out.
    pub said: Option<Vec<u8>>,
}

impl LineSink for Lines {
    fn line(&mut self, line: &Line, canonical: Vec<u8>) -> io::Result<()> {
        // 80 bytes for the salt and its name.
        self.bytes += canonical.len() as u64 + 80;
        if self.bytes > MAX_LINES_BYTES {
            return Err(io::Error::other(too_long()));
        }
        match line {
            Line::Record(record) => self.items.push(Item {
                platform: record.item.platform.clone(),
                id: record.item.id.clone(),
                handle: record.item.handle.clone(),
                content: record.content,
            }),
            Line::Gone(gone) => self.gone.push(gone.what.clone()),
            Line::Unreadable(_) => self.odd += 1,
            Line::Header(_) | Line::End(_) | Line::Tombstone(_) => {}
        }
        self.lines.push(canonical);
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        *self = Self::default();
        Ok(())
    }
}

/// Why there are no lines, for people.
pub(super) enum NoLines {
    /// The reading did not come back in time. It goes on on a thread that nobody waits for.
    TooLong(String),
    /// Anything else.
    Broken(String),
}

/// Reads one answer, off the reactor. One that takes long gives its turn away, so that a source whose pages nobody can read keeps nobody else waiting.
///
/// # Errors
///
/// [`NoLines`].
#[expect(clippy::too_many_arguments, reason = "a reading is given each of them, and is made in one place")]
pub(super) async fn listen(
    collector: Arc<dyn Erased>,
    facts: Facts,
    body: Body,
    reader: Reader,
    policy: Arc<Policy>,
    entry: String,
    key: Option<PseudonymKey>,
    bounds: Bounds,
    turn: &mut Turn,
) -> Result<(Lines, Derived), NoLines> {
    let mut reading = tokio::task::spawn_blocking(move || {
        let mut lines = Lines::default();
        let Some(entry) = policy.entry(&entry) else {
            return Err(format!("entry `{entry}` is not in the policy"));
        };
        let keep = |record| {
            // Under sealed evidence the keyed step follows once all is said.
            let kept = minimise(record, entry, None);
            (kept.record, kept.dropped)
        };
        let sealed = entry.evidence == Evidence::Sealed;
        let derived =
            quietly(sealed, || derive(&*collector, &facts, &body, &reader, &keep, &mut lines)).map_err(|error| {
                let why = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                format!("{error}: {why}")
            })?;
        if sealed {
            let stored = keyed_lines(&lines.lines, entry, key.as_ref()).map_err(|error| error.to_string())?;
            lines.bytes = stored.iter().map(|line| line.len() as u64 + 80).sum();
            if lines.bytes > MAX_LINES_BYTES {
                return Err(too_long());
            }
            lines.said = lines.lines.pop();
            lines.lines = stored;
        }
        Ok((lines, derived))
    });
    let most = bounds.reading;
    let soon = tokio::time::timeout(bounds.turn.min(most), &mut reading).await;
    let done = match soon {
        Ok(done) => Ok(done),
        Err(_) => {
            turn.take();
            tokio::time::timeout(most.saturating_sub(bounds.turn), reading).await
        }
    };
    match done {
        Ok(Ok(Ok(done))) => Ok(done),
        Ok(Ok(Err(why))) => Err(NoLines::Broken(why)),
        Ok(Err(died)) => Err(NoLines::Broken(format!("the reader died: {died}"))),
        Err(_) => Err(NoLines::TooLong(format!(
            "reading this answer took longer than {} s; the answer is kept and not read again by this reader",
            most.as_secs()
        ))),
    }
}
