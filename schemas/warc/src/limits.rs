//! How much of an untrusted file is a reader willing to hold?

/// Bounds of reading. Each has an error of its own that names the offset.
///
/// The defaults are also what [`Record::to_bytes`](crate::Record::to_bytes) keeps to for a record's head, so that what
/// was written can always be read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest uncompressed gzip member, or plain record with its head, in bytes. Default 64 MiB.
    ///
    /// The stored form may take a seventh more than that (incompressible data) and not a byte beyond: a gzip stream can
    /// go on for ever without yielding anything.
    pub member_bytes: u64,
    /// Largest record head in bytes, version line and closing empty line included. Default 64 KiB.
    pub header_bytes: usize,
    /// Most named fields in one record, `Content-Length` included. Default 256.
    pub fields: usize,
    /// Most records in one file. Default 1 000 000.
    pub records: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { member_bytes: 64 << 20, header_bytes: 64 << 10, fields: 256, records: 1_000_000 }
    }
}
