//! Where does the next page begin? An opaque text that belongs to one query in one order.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::options::{Options, Order};
use super::{Query, SearchError};

const VERSION: u8 = 1;
const MARK_BYTES: usize = 8;

/// Behind which hit the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// By time: behind this one.
    Behind { time: i64, row: i64 },
    /// By relevance: after so many.
    Offset(u32),
}

/// The first bytes of a digest over what must stay the same from page to page.
fn mark(query: &Query, options: &Options) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update([VERSION, u8::from(options.order == Order::Relevance), u8::from(options.every_version)]);
    hash.update(query.to_string());
    hash.finalize().iter().copied().take(MARK_BYTES).collect()
}

pub(super) fn write(query: &Query, options: &Options, place: Place) -> String {
    let mut bytes = mark(query, options);
    match place {
        Place::Behind { time, row } => {
            bytes.extend(time.to_be_bytes());
            bytes.extend(row.to_be_bytes());
        }
        Place::Offset(offset) => bytes.extend(offset.to_be_bytes()),
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn read(query: &Query, options: &Options, cursor: &str) -> Result<Place, SearchError> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| SearchError::Cursor)?;
    let rest = bytes.strip_prefix(mark(query, options).as_slice()).ok_or(SearchError::Cursor)?;
    match options.order {
        Order::Newest => {
            let (time, row) = rest.split_first_chunk().ok_or(SearchError::Cursor)?;
            let row = row.try_into().map_err(|_| SearchError::Cursor)?;
            Ok(Place::Behind { time: i64::from_be_bytes(*time), row: i64::from_be_bytes(row) })
        }
        Order::Relevance => {
            let offset = rest.try_into().map_err(|_| SearchError::Cursor)?;
            Ok(Place::Offset(u32::from_be_bytes(offset)))
        }
    }
}
