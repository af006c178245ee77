//! How does search hear of revisions? The store tells it, inside the transactions that change them.

use rusqlite::{Connection, Result, Transaction};

use super::SqliteIndex;
use super::index::Doc;
use crate::core::store::{Indexed, Indexer};

impl Indexer for SqliteIndex {
    fn prepare(&self, connection: &Connection) -> Result<()> {
        self.make(connection)
    }

    fn index(&self, tx: &Transaction<'_>, item: &Indexed<'_>) -> Result<()> {
        let doc = Doc {
            row: item.id,
            item: item.item,
            record: item.record,
            entry: item.entry,
            vantage: item.vantage,
            home: item.home,
            first_seen_at: item.first_seen_at,
            time: item.time,
        };
        self.take_in(tx, &doc)
    }

    fn remove(&self, tx: &Transaction<'_>, id: i64) -> Result<()> {
        self.let_go(tx, id)
    }

    fn clear(&self, tx: &Transaction<'_>) -> Result<()> {
        self.empty(tx)
    }

    fn scrub(&self, connection: &Connection) -> Result<()> {
        self.rewrite(connection)
    }
}
