//! How are the tables made again from truth?

use super::log::{Log, row};
use super::store::Store as _;
use super::{Inner, Registry, RegistryError};

/// Leaves put back at once.
const CHUNK: u64 = 1024;

impl Registry {
    /// Empties all derived tables and follows the log from leaf 0. Operator data stays.
    ///
    /// Segments that arrive meanwhile wait. Answers are the same afterwards: row ids come from leaf and unit numbers.
    ///
    /// # Errors
    ///
    /// Bundles or statements that are damaged; what can't be read of a segment is in `segments.problem`, not an error.
    pub fn rebuild(&self) -> Result<(), RegistryError> {
        let inner = &self.inner;
        let _alone = inner.acting();
        inner.log.settle()?;
        let size = inner.log.published().size;
        inner.fresh.clear();
        inner.log.check_bundles()?;
        {
            // The follower must not be in between. It need not have come to the end: tables that can't follow are why somebody rebuilds.
            let _following = inner.following();
            inner.store.clear_derived()?;
            inner.refill(size)?;
            let mut progress = inner.progress();
            (progress.followed, progress.trouble) = (0, None);
        }
        inner.wait(size)
    }
}

impl Inner {
    /// Rows of leaves, out of the bundles.
    pub(super) fn refill(&self, size: u64) -> Result<(), RegistryError> {
        let mut next = self.store.leaf_count()?;
        while next < size {
            let mut rows = Vec::new();
            for index in next..size.min(next + CHUNK) {
                rows.push(row(index, &self.log.leaf(index)?)?);
            }
            self.store.append(&rows, &[])?;
            next += rows.len() as u64;
        }
        Ok(())
    }
}

impl Log {
    /// Every entry against its leaf hash, and the tree against the checkpoint.
    fn check_bundles(&self) -> Result<(), RegistryError> {
        let published = self.published();
        let tiles = self.tiles();
        let tree = tlog::TileTree::new(&tiles, published.size);
        tree.check_growth(0).map_err(super::LogError::from)?;
        let found = tree.root().map_err(super::LogError::from)?;
        if found == published.root {
            return Ok(());
        }
        Err(super::LogError::ReadBack { size: published.size, found, expected: published.root }.into())
    }
}
