//! Which segments has this agent closed, and what became of them?

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use schemas::Digest;

use super::{Cached as _, Change, State, StateError, at, us};

/// Where the agent's chain of segments stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Number the next segment gets, from 1.
    pub seq: u64,
    /// Digest of the newest manifest.
    pub prev: Option<Digest>,
    /// The newest checkpoint verified, as the log signed it.
    pub checkpoint: Option<String>,
}

/// A segment that has no receipt yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its number.
    pub seq: u64,
    /// Digest of its manifest: its name.
    pub manifest: Digest,
    /// File name below `outbox/`.
    pub file: String,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// When it was closed.
    pub closed_at: Timestamp,
    /// How often sending it was tried.
    pub tries: u32,
    /// Not to be tried before.
    pub not_before: Timestamp,
    /// What went wrong the last time.
    pub error: Option<String>,
}

/// A segment that has its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipted {
    /// Digest of its manifest.
    pub manifest: Digest,
    /// The receipt or refusal receipt, as the log signed it.
    pub receipt: String,
    /// Whether it is a refusal.
    pub refused: bool,
}

fn digest(text: &str) -> rusqlite::Result<Digest> {
    text.parse().map_err(|error: schemas::digest::NotADigest| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

fn waiting(row: &rusqlite::Row<'_>) -> rusqlite::Result<Waiting> {
    Ok(Waiting {
        seq: row.get::<_, i64>(0)?.unsigned_abs(),
        manifest: digest(&row.get::<_, String>(1)?)?,
        file: row.get(2)?,
        bytes: row.get::<_, i64>(3)?.unsigned_abs(),
        closed_at: at(row.get(4)?),
        tries: row.get(5)?,
        not_before: at(row.get(6)?),
        error: row.get(7)?,
    })
}

const WAITING: &str = "seq, manifest, file, bytes, closed_at, tries, not_before, error";

impl State {
    /// The chain of this key; begun where the state is new.
    ///
    /// # Errors
    ///
    /// [`StateError::OtherKey`] where the state was made with another key.
    pub fn chain(&self, agent: &str) -> Result<Chain, StateError> {
        let read = |row: &rusqlite::Row<'_>| {
            let prev = row.get::<_, Option<String>>(2)?.as_deref().map(digest).transpose()?;
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?.unsigned_abs(), prev, row.get(3)?))
        };
        let kept = self.look().one("SELECT agent, seq, prev, checkpoint FROM chain", [], read).optional()?;
        let (found, seq, prev, checkpoint) = match kept {
            Some(chain) => chain,
            None => {
                self.db()?.run("INSERT INTO chain (one, agent, seq) VALUES (1, ?1, 1)", [agent])?;
                (agent.to_owned(), 1, None, None)
            }
        };
        if found == agent {
            Ok(Chain { seq, prev, checkpoint })
        } else {
            Err(StateError::OtherKey { found, given: agent.to_owned() })
        }
    }

    /// Remembers a checkpoint that was verified and shown to grow out of the one before. The caller has checked both.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn set_checkpoint(&self, agent: &str, note: &str) -> Result<(), StateError> {
        self.chain(agent)?;
        self.db()?.run("UPDATE chain SET checkpoint = ?1", [note])?;
        Ok(())
    }

    /// Segments without a receipt, oldest first. They are sent in this order.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn waiting(&self) -> Result<Vec<Waiting>, StateError> {
        let db = self.look();
        let mut rows =
            db.prepare_cached(&format!("SELECT {WAITING} FROM outbox WHERE settled_at IS NULL ORDER BY seq"))?;
        let found = rows.query_map([], waiting)?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// The oldest segments without a receipt, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn oldest_waiting(&self, limit: u32) -> Result<Vec<Waiting>, StateError> {
        let db = self.look();
        let mut rows =
            db.prepare_cached(&format!("SELECT {WAITING} FROM outbox WHERE settled_at IS NULL ORDER BY seq LIMIT ?1"))?;
        let found = rows.query_map([limit], waiting)?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// Puts settled segments whose files are still here back among those that wait; gives how many.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn send_again(&self, manifests: &[Digest]) -> Result<usize, StateError> {
        let db = self.db()?;
        let tx = Change::begin(&db)?;
        let mut count = 0;
        for manifest in manifests {
            count += tx.run(
                "UPDATE outbox SET settled_at = NULL, not_before = 0 WHERE manifest = ?1 AND settled_at IS NOT NULL AND refused = 0 AND deleted_at IS NULL",
                [manifest.to_string()],
            )?;
        }
        tx.commit()?;
        Ok(count)
    }

    /// Notes that sending failed and when to try again.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn push_failed(&self, manifest: &Digest, error: &str, not_before: Timestamp) -> Result<(), StateError> {
        self.db()?.run(
            "UPDATE outbox SET tries = tries + 1, error = ?2, not_before = ?3 WHERE manifest = ?1",
            params![manifest.to_string(), error, us(not_before)],
        )?;
        Ok(())
    }

    /// Keeps verified receipts and refusal receipts, together with the newest checkpoint that covers them: one transaction.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn push_settled(&self, receipts: &[Receipted], checkpoint: &str, now: Timestamp) -> Result<(), StateError> {
        let db = self.db()?;
        let tx = Change::begin(&db)?;
        for Receipted { manifest, receipt, refused } in receipts {
            tx.run(
                "UPDATE outbox SET receipt = ?2, refused = ?3, settled_at = ?4, error = NULL WHERE manifest = ?1 AND settled_at IS NULL",
                params![manifest.to_string(), receipt, refused, us(now)],
            )?;
        }
        tx.run("UPDATE chain SET checkpoint = ?1", [checkpoint])?;
        tx.commit()?;
        Ok(())
    }

    /// Files whose receipt came before `settled_before` and that are still on disk: manifest and file name.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn deletable(&self, settled_before: Timestamp) -> Result<Vec<(Digest, String)>, StateError> {
        let db = self.look();
        let mut rows = db.prepare_cached(
            "SELECT manifest, file FROM outbox WHERE settled_at < ?1 AND deleted_at IS NULL ORDER BY seq",
        )?;
        let found = rows
            .query_map([us(settled_before)], |row| Ok((digest(&row.get::<_, String>(0)?)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// Notes that a file is gone.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn deleted(&self, manifest: &Digest, now: Timestamp) -> Result<(), StateError> {
        self.db()?
            .run("UPDATE outbox SET deleted_at = ?2 WHERE manifest = ?1", params![manifest.to_string(), us(now)])?;
        Ok(())
    }

    /// Names of all files that rows speak of and that must be on disk.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn outbox_files(&self) -> Result<Vec<String>, StateError> {
        let db = self.look();
        let mut rows = db.prepare("SELECT file FROM outbox WHERE deleted_at IS NULL ORDER BY seq")?;
        let found = rows.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// The newest policy bundle that held together, and when it came.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn policy(&self) -> Result<Option<(String, Timestamp)>, StateError> {
        let found = self
            .look()
            .one("SELECT bundle, fetched_at FROM policy", [], |row| Ok((row.get(0)?, at(row.get(1)?))))
            .optional()?;
        Ok(found)
    }

    /// Keeps a policy bundle. The caller has verified it.
    ///
    /// # Errors
    ///
    /// [`StateError::Sql`].
    pub fn set_policy(&self, bundle: &str, now: Timestamp) -> Result<(), StateError> {
        self.db()?.run(
            "INSERT INTO policy (one, bundle, fetched_at) VALUES (1, ?1, ?2)
             ON CONFLICT (one) DO UPDATE SET bundle = excluded.bundle, fetched_at = excluded.fetched_at",
            params![bundle, us(now)],
        )?;
        Ok(())
    }
}
