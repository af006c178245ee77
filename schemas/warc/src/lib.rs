//! How is a WARC 1.1 file (ISO 28500:2017) written so that equal records give equal bytes, and read so that no byte goes unchecked?
//!
//! A [`Record`] is an ordered list of named fields and a block. [`Record::to_bytes`] is its one uncompressed form; a
//! [`Writer`] stores each record as one gzip member (RFC 1952), so that each opens alone. A [`Reader`] is either
//! [strict](Reader::strict), for files this crate wrote, or [lenient](Reader::lenient), for other people's.
//!
//! # What strict reading promises
//!
//! Records and members are canonical: from the uncompressed bytes follows every stored byte. A flipped bit is an
//! error or gives other uncompressed bytes, never the same records in silence. The gzip checksum alone does not give
//! that: padding bits count for nothing, and a back reference in repetitive text can be bent to an equal string further
//! away. So a strict reader compresses again what it read and compares. That ties strict reading to the compressor's
//! version (a test pins its output); [`Reader::any_encoder`] and [`read_member_at_any_encoder`] leave this one check out.
//!
//! What no member can show: that whole members are missing at the end of a file. Whoever keeps files counts records.
//!
//! The crate adds no fields but `Content-Length`, reads no clock and draws no random numbers.

mod error;
mod gzip;
mod head;
pub mod http;
mod limits;
mod read;
mod record;
mod source;
mod write;

pub use error::{Error, RecordError};
pub use gzip::gzip_member;
pub use limits::Limits;
pub use read::{Entry, Reader, read_member_at, read_member_at_any_encoder};
pub use record::{Record, RecordType, SPARE_BYTES, digest_sha256};
pub use write::Writer;
