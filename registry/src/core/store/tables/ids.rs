//! Which number does an item have in the tables?

use rusqlite::{OptionalExtension as _, Transaction, params};
use schemas::record::Record;
use sha2::{Digest as _, Sha256};

use crate::core::store::StoreError;

/// Lower bits of an item's id, which follow from the vantage.
const VANTAGE_BITS: u32 = 16;

/// An item's id, taken or free.
pub(super) enum Found {
    Known(i64),
    New(i64),
}

/// The ids that items of this platform and native id may have, whatever their vantage.
fn ids(platform: &str, native: &str) -> (i64, i64) {
    let mut hash = Sha256::new();
    for part in [platform, native] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let first = (sixty_two_bits(hash) >> VANTAGE_BITS) << VANTAGE_BITS;
    (first, first | ((1 << VANTAGE_BITS) - 1))
}

pub(super) fn sixty_two_bits(hash: Sha256) -> i64 {
    (hash.finalize().iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)) >> 2) as i64
}

/// The item's id, or the one it is to have.
pub(super) fn find(tx: &Transaction<'_>, record: &Record, vantage: &str) -> Result<Found, StoreError> {
    let (first, last) = ids(&record.platform, &record.id);
    let mut statement =
        tx.prepare_cached("SELECT id, platform, native, vantage FROM items WHERE id BETWEEN ? AND ? ORDER BY id")?;
    let mut rows = statement.query([first, last])?;
    let mut taken = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        let same = row.get_ref(1)?.as_str().is_ok_and(|platform| platform == record.platform)
            && row.get_ref(2)?.as_str().is_ok_and(|native| native == record.id)
            && row.get_ref(3)?.as_str().is_ok_and(|known| known == vantage);
        if same {
            return Ok(Found::Known(id));
        }
        taken.push(id);
    }
    let wanted = sixty_two_bits(Sha256::new_with_prefix(vantage)) & (last - first);
    let free = (wanted..=last - first).chain(0..wanted).map(|low| first | low).find(|id| !taken.contains(id));
    free.map(Found::New).ok_or_else(|| StoreError::Row {
        what: format!("`{}` of {} is seen through more than {} vantages", record.id, record.platform, last - first),
    })
}

/// The item of an identity seen through a vantage, if it is known.
pub(super) fn known(
    tx: &Transaction<'_>,
    platform: &str,
    native: &str,
    vantage: &str,
) -> Result<Option<i64>, StoreError> {
    let (first, last) = ids(platform, native);
    let sql = "SELECT id FROM items WHERE id BETWEEN ? AND ? AND platform = ? AND native = ? AND vantage = ?";
    let params = params![first, last, platform, native, vantage];
    Ok(tx.prepare_cached(sql)?.query_row(params, |row| row.get(0)).optional()?)
}
