//! What is asked of the tables, call by call.

use std::ops::RangeInclusive;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use schemas::Digest;

use super::{INDEX, KEPT, Sqlite, locked, transaction};
use crate::core::store::rows::{Alarm, AuditRow, Change, LeafKind, LeafRow, ReceiptRow, SegmentRow, Token};
use crate::core::store::{Fetch, Store, StoreError, tables};

/// Tables of [`INDEX`] in an order in which they may be emptied, with the columns that order their rows.
const DERIVED: &[(&str, &str)] = &[
    ("segments", "idx"),
    ("tombstones", "idx, unit"),
    ("captures", "id"),
    ("sightings", "id"),
    ("items", "id"),
    ("revisions", "id"),
    ("withdrawals", "id"),
    ("vanishings", "id"),
    ("oddities", "id"),
    ("coverage", "id"),
    ("refusals", "idx"),
    ("erasures", "idx"),
    ("statements", "idx"),
];

impl Store for Sqlite {
    fn append(&self, leaves: &[LeafRow], receipts: &[ReceiptRow]) -> Result<(), StoreError> {
        transaction(&self.kept, |tx| {
            let next = leaf_count(tx)?;
            for (leaf, expected) in leaves.iter().zip(next..) {
                if leaf.index != expected {
                    return Err(StoreError::Order { index: leaf.index, expected });
                }
                let (agent, seq) = leaf.link.as_ref().map_or((None, None), |(agent, seq)| (Some(agent), Some(*seq)));
                tx.prepare_cached("INSERT INTO leaves VALUES (?, ?, ?, ?, ?, ?)")?.execute(params![
                    leaf.index as i64,
                    leaf.bytes,
                    leaf.kind.word(),
                    leaf.digest.to_string(),
                    agent,
                    seq.map(|seq| seq as i64),
                ])?;
            }
            for receipt in receipts {
                insert_receipt(tx, receipt)?;
            }
            Ok(())
        })
    }

    fn leaf_count(&self) -> Result<u64, StoreError> {
        leaf_count(&self.kept())
    }

    fn leaves(&self, from: u64, limit: u64) -> Result<Vec<LeafRow>, StoreError> {
        let sql = "SELECT idx, bytes, kind, digest, agent, seq FROM leaves WHERE idx >= ? ORDER BY idx LIMIT ?";
        leaf_rows(&self.kept(), sql, params![from as i64, limit as i64])
    }

    fn find(&self, kind: LeafKind, digest: &Digest) -> Result<Option<LeafRow>, StoreError> {
        let sql = "SELECT idx, bytes, kind, digest, agent, seq FROM leaves WHERE digest = ? AND kind = ? ORDER BY idx LIMIT 1";
        Ok(leaf_rows(&self.kept(), sql, params![digest.to_string(), kind.word()])?.pop())
    }

    fn of_kind(&self, kind: LeafKind) -> Result<Vec<LeafRow>, StoreError> {
        let sql = "SELECT idx, bytes, kind, digest, agent, seq FROM leaves WHERE kind = ? ORDER BY idx";
        leaf_rows(&self.kept(), sql, params![kind.word()])
    }

    fn chain(&self, agent: &str, seqs: RangeInclusive<u64>) -> Result<Vec<LeafRow>, StoreError> {
        let bound = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
        let sql = "SELECT idx, bytes, kind, digest, agent, seq FROM leaves WHERE agent = ? AND seq BETWEEN ? AND ? ORDER BY seq, idx";
        leaf_rows(&self.kept(), sql, params![agent, bound(*seqs.start()), bound(*seqs.end())])
    }

    fn agents(&self) -> Result<Vec<String>, StoreError> {
        let connection = self.kept();
        let mut statement =
            connection.prepare("SELECT DISTINCT agent FROM leaves WHERE agent IS NOT NULL ORDER BY agent")?;
        let agents = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(agents)
    }

    fn receipt(&self, manifest: &Digest) -> Result<Option<ReceiptRow>, StoreError> {
        let body = self
            .kept()
            .prepare_cached("SELECT body FROM receipts WHERE manifest = ?")?
            .query_row([manifest.to_string()], |row| row.get(0))
            .optional()?;
        Ok(body.map(|body| ReceiptRow { manifest: *manifest, body }))
    }

    fn keep_receipt(&self, receipt: &ReceiptRow) -> Result<(), StoreError> {
        insert_receipt(&self.kept(), receipt)
    }

    fn followed(&self) -> Result<u64, StoreError> {
        followed(&self.index())
    }

    fn is_followed(&self) -> Result<bool, StoreError> {
        let (size, last): (i64, Option<String>) =
            self.index().query_row("SELECT size, last FROM followed", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(size == 0 || last.is_some() && last == last_before(&self.kept(), size.unsigned_abs())?)
    }

    fn apply(&self, from: u64, changes: &[Change], fetch: &Fetch<'_>) -> Result<(), StoreError> {
        let size = from + changes.len() as u64;
        let last = last_before(&self.kept(), size)?;
        transaction(&self.index, |tx| {
            let expected = followed(tx)?;
            if from != expected {
                return Err(StoreError::Order { index: from, expected });
            }
            for (change, index) in changes.iter().zip(from..) {
                tables::apply(tx, &*self.indexer, index, change, fetch)?;
            }
            tx.execute("UPDATE followed SET size = ?, last = ?", params![size as i64, last])?;
            Ok(())
        })
    }

    fn refresh(&self, segment: u64, row: &SegmentRow, fetch: &Fetch<'_>) -> Result<(), StoreError> {
        transaction(&self.index, |tx| {
            if segment >= followed(tx)? {
                return Ok(());
            }
            tables::replace_segment(tx, &*self.indexer, segment, row, fetch)
        })
    }

    fn spent(&self, entry: &str, day: &str) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM captures WHERE entry = ? AND day = ? AND kind <> 'refused'";
        let count: i64 = self.read(|db| db.query_row(sql, [entry, day], |row| row.get(0)))?;
        Ok(count.unsigned_abs())
    }

    fn revisits_of(&self, responses: &[String]) -> Result<Vec<(u64, u64)>, StoreError> {
        let sql =
            "SELECT idx, response_unit FROM captures WHERE revisit_of = ? AND response_unit IS NOT NULL ORDER BY id";
        self.read(|db| {
            let mut statement = db.prepare(sql)?;
            let mut found = Vec::new();
            for response in responses {
                let rows = statement.query_map([response], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
                for row in rows {
                    let (index, unit) = row?;
                    found.push((index.unsigned_abs(), unit.unsigned_abs()));
                }
            }
            Ok(found)
        })
    }

    fn clear_derived(&self) -> Result<(), StoreError> {
        let cleared = transaction(&self.index, |tx| {
            self.indexer.clear(tx)?;
            for (table, _) in DERIVED {
                tx.execute(&format!("DELETE FROM {table}"), [])?;
            }
            tx.execute("UPDATE followed SET size = 0, last = NULL", [])?;
            Ok(())
        });
        match cleared {
            Err(error) if error.is_damage() => self.renew_index()?,
            other => other?,
        }
        self.kept().execute("DELETE FROM leaves", [])?;
        Ok(())
    }

    fn scrub(&self) -> Result<(), StoreError> {
        // Idle readers could hold the journal open.
        locked(&self.readers).idle.clear();
        let connection = self.index();
        self.indexer.scrub(&connection)?;
        connection.execute_batch("VACUUM")?;
        let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy != 0 {
            let why = "a long query keeps old pages in use; they go when it ends, try again".to_owned();
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                Some(why),
            )
            .into());
        }
        // The engine empties the journal without waiting for the disk; after a power cut it would still hold what was removed.
        let journal = self.folder.join(format!("{INDEX}-wal"));
        std::fs::File::open(&journal)
            .and_then(|file| file.sync_all())
            .map_err(|source| StoreError::Left { path: journal, source })
    }

    fn copy_to(&self, folder: &Path) -> Result<(), StoreError> {
        // The index first: what it has followed is then among the leaves copied after it.
        for (name, connection) in [(INDEX, &self.index), (KEPT, &self.kept)] {
            locked(connection).execute("VACUUM INTO ?", [folder.join(name).to_string_lossy()])?;
        }
        Ok(())
    }

    fn dump_derived(&self) -> Result<String, StoreError> {
        let mut dump = String::new();
        dump_table(&self.kept(), "leaves", "idx", &mut dump)?;
        let index = self.index();
        for (table, order) in DERIVED {
            dump_table(&index, table, order, &mut dump)?;
        }
        Ok(dump)
    }

    fn is_erased(&self, leaf: u64) -> Result<bool, StoreError> {
        let sql = "SELECT count(*) FROM erasures_done WHERE idx = ?";
        let count: i64 = self.kept().query_row(sql, [leaf as i64], |row| row.get(0))?;
        Ok(count > 0)
    }

    fn set_erased(&self, leaf: u64) -> Result<(), StoreError> {
        self.kept().execute("INSERT OR IGNORE INTO erasures_done VALUES (?)", [leaf as i64])?;
        Ok(())
    }

    fn keep_checkpoint(&self, size: u64, root: &str, at: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO checkpoints VALUES (?, ?, ?)";
        self.kept().execute(sql, params![size as i64, root, at.to_string()])?;
        Ok(())
    }

    fn checkpoint_at(&self, size: u64) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT at FROM checkpoints WHERE size <= ? ORDER BY size DESC LIMIT 1";
        let found: Option<String> = self.kept().query_row(sql, [size as i64], |row| row.get(0)).optional()?;
        found.map(|text| time(&text)).transpose()
    }

    fn raise(&self, at: Timestamp, code: &str, detail: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO alarms (at, code, detail) SELECT ?1, ?2, ?3
                   WHERE NOT EXISTS (SELECT 1 FROM alarms WHERE code = ?2 AND detail = ?3 AND seen_at IS NULL)";
        self.kept().execute(sql, params![at.to_string(), code, detail])?;
        Ok(())
    }

    fn alarms(&self) -> Result<Vec<Alarm>, StoreError> {
        let connection = self.kept();
        let mut statement =
            connection.prepare("SELECT id, at, code, detail FROM alarms WHERE seen_at IS NULL ORDER BY id")?;
        let mut rows = statement.query([])?;
        let mut alarms = Vec::new();
        while let Some(row) = rows.next()? {
            alarms.push(Alarm {
                id: row.get(0)?,
                at: time(&row.get::<_, String>(1)?)?,
                code: row.get(2)?,
                detail: row.get(3)?,
            });
        }
        Ok(alarms)
    }

    fn see_alarm(&self, id: i64, at: Timestamp) -> Result<(), StoreError> {
        self.kept().execute("UPDATE alarms SET seen_at = ? WHERE id = ?", params![at.to_string(), id])?;
        Ok(())
    }

    fn keep_token(&self, hash: &Digest, token: &Token) -> Result<(), StoreError> {
        self.kept().execute(
            "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?, ?, ?)",
            params![
                hash.to_string(),
                token.name,
                token.role,
                token.made_at.to_string(),
                token.expires_at.map(|at| at.to_string()),
                token.revoked_at.map(|at| at.to_string()),
            ],
        )?;
        Ok(())
    }

    fn token(&self, hash: &Digest) -> Result<Option<Token>, StoreError> {
        let connection = self.kept();
        let sql = "SELECT hash, name, role, made_at, expires_at, revoked_at FROM tokens WHERE hash = ?";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([hash.to_string()])?;
        Ok(rows.next()?.map(token).transpose()?.map(|(_, token)| token))
    }

    fn tokens(&self) -> Result<Vec<(Digest, Token)>, StoreError> {
        let connection = self.kept();
        let sql = "SELECT hash, name, role, made_at, expires_at, revoked_at FROM tokens ORDER BY made_at, hash";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        let mut tokens = Vec::new();
        while let Some(row) = rows.next()? {
            tokens.push(token(row)?);
        }
        Ok(tokens)
    }

    fn audit(&self, row: &AuditRow) -> Result<(), StoreError> {
        self.kept().execute(
            "INSERT INTO audit (at, who, role, act, purpose, detail) VALUES (?, ?, ?, ?, ?, ?)",
            params![row.at.to_string(), row.who, row.role, row.act, row.purpose, row.detail],
        )?;
        Ok(())
    }
}

fn dump_table(connection: &Connection, table: &str, order: &str, dump: &mut String) -> Result<(), StoreError> {
    let mut statement = connection.prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        dump.push_str(table);
        for column in 0..columns {
            let text = match row.get::<_, Value>(column)? {
                Value::Null => "NULL".to_owned(),
                Value::Integer(number) => number.to_string(),
                Value::Real(number) => number.to_string(),
                Value::Text(text) => format!("{text:?}"),
                Value::Blob(bytes) => hex::encode(bytes),
            };
            dump.push('|');
            dump.push_str(&text);
        }
        dump.push('\n');
    }
    Ok(())
}

fn insert_receipt(connection: &Connection, receipt: &ReceiptRow) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO receipts VALUES (?, ?)";
    connection.prepare_cached(sql)?.execute(params![receipt.manifest.to_string(), receipt.body])?;
    Ok(())
}

fn leaf_count(connection: &Connection) -> Result<u64, StoreError> {
    let last: Option<i64> =
        connection.prepare_cached("SELECT max(idx) FROM leaves")?.query_row([], |row| row.get(0))?;
    Ok(last.map_or(0, |last| last.unsigned_abs() + 1))
}

/// What names the leaf before this index.
fn last_before(kept: &Connection, index: u64) -> Result<Option<String>, StoreError> {
    let bytes: Option<Vec<u8>> = kept
        .prepare_cached("SELECT bytes FROM leaves WHERE idx = ?")?
        .query_row([index as i64 - 1], |row| row.get(0))
        .optional()?;
    Ok(bytes.map(|bytes| Digest::of(&bytes).to_string()))
}

fn followed(connection: &Connection) -> Result<u64, StoreError> {
    let size: i64 = connection.query_row("SELECT size FROM followed", [], |row| row.get(0))?;
    Ok(size.unsigned_abs())
}

fn leaf_rows(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<LeafRow>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut leaves = Vec::new();
    while let Some(row) = rows.next()? {
        let index: i64 = row.get(0)?;
        let agent: Option<String> = row.get(4)?;
        let seq: Option<i64> = row.get(5)?;
        leaves.push(LeafRow {
            index: index.unsigned_abs(),
            bytes: row.get(1)?,
            kind: row.get::<_, String>(2)?.parse().map_err(|what| StoreError::Row { what })?,
            digest: digest(&row.get::<_, String>(3)?)?,
            link: agent.zip(seq.map(i64::unsigned_abs)),
        });
    }
    Ok(leaves)
}

fn token(row: &Row<'_>) -> Result<(Digest, Token), StoreError> {
    let maybe = |column: usize| -> Result<Option<Timestamp>, StoreError> {
        row.get::<_, Option<String>>(column)?.map(|text| time(&text)).transpose()
    };
    let found = Token {
        name: row.get(1)?,
        role: row.get(2)?,
        made_at: time(&row.get::<_, String>(3)?)?,
        expires_at: maybe(4)?,
        revoked_at: maybe(5)?,
    };
    Ok((digest(&row.get::<_, String>(0)?)?, found))
}

pub(in crate::core::store) fn time(text: &str) -> Result<Timestamp, StoreError> {
    text.parse().map_err(|_| StoreError::Row { what: format!("`{text}` is no time") })
}

fn digest(text: &str) -> Result<Digest, StoreError> {
    text.parse().map_err(|why: schemas::digest::NotADigest| StoreError::Row { what: why.to_string() })
}
