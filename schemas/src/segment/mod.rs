//! How is a segment written, read and partly erased? The layout is in `README.md`, section *Segment*.
//!
//! [`SegmentWriter`] gathers what was fetched and read, and closes it with the agent's signature. [`Segment::read`] takes it apart and believes nothing:
//! it recomputes every commitment and the root, and refuses what the layout does not allow. [`erase`] puts tombstones in the place of units.
//! Whether signatures count and captures were permitted is not judged here.

mod agree;
mod close;
mod erase;
mod line;
mod read;
mod sealed;
mod view;
mod write;

pub use agree::{Contradiction, Standing, VANISHED_CODE, contradictions, frame_contradictions};
pub use close::{Closing, Sealed, Start};
pub use erase::{erase, tombstoned_units};
pub use line::{line_bytes, record_line_bytes, salted, unsalted};
pub use read::{Conversion, LineAt, Part, RecordAt, Segment, SegmentError};
pub use sealed::{Open, Opened, SEALED_WHY, Seal, breaches, is_sealed, keyed_lines, keyed_vanished, sealed_coverage};
pub use view::{Capture, CaptureKind, View};
pub use write::{Fetch, Ids, Referred, ResponseKind, SegmentWriter, WriteError};

use uuid::Uuid;

/// Largest segment, in uncompressed bytes of all its records together: 64 MiB.
pub const MAX_SEGMENT_BYTES: u64 = 64 << 20;
/// Largest segment file as stored: 72 MiB, enough for incompressible content.
pub const MAX_FILE_BYTES: u64 = 72 << 20;
/// Name of the field that holds a unit's salt.
pub const SALT_FIELD: &str = "Vigie-Salt";
/// Date of records that stand for erased ones.
const NO_DATE: &str = "1970-01-01T00:00:00Z";

/// Record id of the conversion of `response`.
fn conversion_id(response: &str) -> String {
    urn(&format!("vigie:conversion:{response}"))
}

/// UUID version 5 (URL namespace) of `name`, as a URN.
fn urn(name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).urn().to_string()
}

#[cfg(test)]
mod tests;
