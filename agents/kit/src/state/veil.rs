//! How does an agent remember what it must not keep in clear?
//!
//! Under a state key every column that can hold what a source said (ids, addresses, cursors, requests, answers being read) goes through `hide` on its way in
//! and `show` on its way out: XChaCha20-Poly1305 with a nonce that is an HMAC of the value, so that equal values give equal bytes and look-ups work. Who reads
//! the file without the key learns how many there are, how long, and which are equal. Without a state key both functions give back what they are given.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::Aead};
use rusqlite::{
    Connection, Error, OptionalExtension,
    functions::{Context, FunctionFlags},
    types::{Value, ValueRef},
};
use schemas::pseudonym::StateKey;

use super::StateError;

const NONCE_BYTES: usize = 24;

/// Columns that are hidden. A new column that can hold a source's words belongs here.
const HIDDEN: [(&str, &[&str]); 14] = [
    ("lanes", &["cursor"]),
    ("walks", &["work", "cursor", "tally"]),
    ("nodes", &["node"]),
    ("shelf", &["item"]),
    ("wants", &["id", "handle"]),
    ("marks", &["id", "handle", "content", "scope", "platform"]),
    ("snapshots", &["scope"]),
    ("doubts", &["scope", "url"]),
    ("keys", &["key"]),
    ("validators", &["url", "etag", "last_modified", "response_url"]),
    ("readings", &["answer", "told", "why"]),
    ("reading_blocks", &["request", "response"]),
    ("runs", &["coverage"]),
    ("targets", &["blocked"]),
];

struct Veil {
    key: StateKey,
    cipher: XChaCha20Poly1305,
}

impl Veil {
    fn new(key: StateKey) -> Self {
        let cipher = XChaCha20Poly1305::new(&key.mac("cipher", &[]).into());
        Self { key, cipher }
    }

    fn hide(&self, label: &str, plain: &[u8]) -> Option<Vec<u8>> {
        let mut out = self.key.mac(label, plain).get(..NONCE_BYTES)?.to_vec();
        let hidden = self.cipher.encrypt(XNonce::from_slice(&out), plain).ok()?;
        out.extend_from_slice(&hidden);
        Some(out)
    }

    fn show(&self, hidden: &[u8]) -> Option<Vec<u8>> {
        let (nonce, hidden) = hidden.split_at_checked(NONCE_BYTES)?;
        self.cipher.decrypt(XNonce::from_slice(nonce), hidden).ok()
    }
}

/// Gives a connection its `hide` and `show`.
pub(super) fn install(db: &Connection, key: Option<&StateKey>) -> Result<(), StateError> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let Some(key) = key else {
        for name in ["hide", "show"] {
            db.create_scalar_function(name, 1, flags, |context| Ok(context.get_arg(0)))?;
        }
        return Ok(());
    };
    let veil = Arc::new(Veil::new(key.clone()));
    let hide = Arc::clone(&veil);
    db.create_scalar_function("hide", 1, flags, move |context| {
        through(context, &hide, |veil, value| match value {
            ValueRef::Text(text) => Some(Value::Text(STANDARD.encode(veil.hide("text", text)?))),
            ValueRef::Blob(bytes) => Some(Value::Blob(veil.hide("blob", bytes)?)),
            _ => None,
        })
    })?;
    db.create_scalar_function("show", 1, flags, move |context| {
        through(context, &veil, |veil, value| match value {
            ValueRef::Text(text) => String::from_utf8(veil.show(&STANDARD.decode(text).ok()?)?).ok().map(Value::Text),
            ValueRef::Blob(bytes) => veil.show(bytes).map(Value::Blob),
            _ => None,
        })
    })?;
    Ok(())
}

fn through(
    context: &Context<'_>,
    veil: &Veil,
    change: impl Fn(&Veil, ValueRef<'_>) -> Option<Value>,
) -> rusqlite::Result<Value> {
    let given = context.get_raw(0);
    match given {
        ValueRef::Null => Ok(Value::Null),
        given => change(veil, given)
            .ok_or_else(|| Error::UserFunctionError("a value of the state does not open with the state key".into())),
    }
}

/// Sees that the state is hidden by this key and no other; hides one that was kept in clear before.
pub(super) fn settle(db: &mut Connection, key: Option<&StateKey>, file: &std::path::Path) -> Result<(), StateError> {
    let found: Option<String> = db.query_row("SELECT key FROM veil", [], |row| row.get(0)).optional()?;
    let given = key.map(StateKey::id);
    if found == given {
        return Ok(());
    }
    if found.is_some() {
        return Err(StateError::OtherStateKey { file: file.to_owned() });
    }
    let tx = db.transaction()?;
    for (table, columns) in HIDDEN {
        let set: Vec<String> = columns.iter().map(|column| format!("{column} = hide({column})")).collect();
        tx.execute(&format!("UPDATE {table} SET {}", set.join(", ")), [])?;
    }
    tx.execute("INSERT INTO veil (one, key) VALUES (1, ?1)", [given])?;
    tx.commit()?;
    // What stood in clear must not lie on in free pages.
    db.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;

    fn key(byte: u8) -> StateKey {
        StateKey::new([byte; 32])
    }

    #[test]
    fn what_is_hidden_is_equal_for_equal_values_and_opens_with_its_key_only() {
        let veil = Veil::new(key(1));
        let hidden = veil.hide("text", b"@alice@example.org").unwrap();
        assert_eq!(hidden, veil.hide("text", b"@alice@example.org").unwrap());
        assert_ne!(hidden, veil.hide("text", b"@bob@example.org").unwrap());
        assert_eq!(veil.show(&hidden).unwrap(), b"@alice@example.org");
        assert_eq!(Veil::new(key(2)).show(&hidden), None);
        assert_eq!(veil.show(b"short"), None);
    }

    #[test]
    fn clear_state_is_hidden_when_it_gets_a_key_and_never_opens_with_another() {
        let dir = tempfile::tempdir().unwrap();
        let clear = State::open(dir.path()).unwrap();
        clear
            .look()
            .execute("INSERT INTO keys (target, key, settled_at) VALUES ('t', hide('want:alice'), 1)", [])
            .unwrap();
        assert!(clear.is_settled("t", "want:alice").unwrap());
        drop(clear);
        let state = State::open_hidden(dir.path(), Some(&key(1))).unwrap();
        assert!(state.is_settled("t", "want:alice").unwrap());
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(10).any(|part| part == b"want:alice"));
        }
        drop(state);
        for other in [None, Some(&key(2))] {
            assert!(matches!(State::open_hidden(dir.path(), other), Err(StateError::OtherStateKey { .. })));
        }
    }

    /// Every text or blob column is either hidden or known to hold nothing of a source's.
    #[test]
    fn every_column_is_hidden_or_known_to_hold_no_words_of_a_source() {
        const OURS: [&str; 22] = [
            "target",
            "schedule",
            "reason",
            "lane",
            "reader",
            "agent",
            "prev",
            "checkpoint",
            "manifest",
            "run",
            "file",
            "error",
            "receipt",
            "bundle",
            "state",
            "response",
            "response_date",
            "key",
            "name",
            "type",
            "sql",
            "tbl_name",
        ];
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).unwrap();
        let db = state.look();
        let mut rows = db
            .prepare("SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.type <> 'INTEGER'")
            .unwrap();
        let all: Vec<(String, String)> =
            rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
        assert!(all.len() > 40);
        for (table, column) in all {
            let hidden = HIDDEN.iter().any(|(name, columns)| *name == table && columns.contains(&column.as_str()));
            assert!(
                hidden || OURS.contains(&column.as_str()),
                "decide whether {table}.{column} can hold a source's words"
            );
        }
    }
}
