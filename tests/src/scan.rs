//! Is a word anywhere in a folder? Opens every gzip member, every table and every index term, and looks at every byte of every file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, types::ValueRef};

/// Every segment file below `data`.
#[must_use]
pub fn segments(data: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> =
        files(&data.join("segments")).into_iter().filter(|file| file.extension().is_some_and(|e| e == "gz")).collect();
    found.sort();
    found
}

/// Places where `word` occurs below `folder`: raw in a file, inside a gzip member, in a row of a table, or in an index term, upper and
/// lower case of ASCII letters alike.
#[must_use]
pub fn occurrences(folder: &Path, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for file in files(folder) {
        let bytes = fs::read(&file).unwrap_or_default();
        let name = file.strip_prefix(folder).unwrap_or(&file).display().to_string();
        if contains(&bytes, word) {
            found.push(name.clone());
        }
        if bytes.starts_with(&[0x1f, 0x8b]) {
            for entry in warc::Reader::lenient(&*bytes).flatten() {
                if contains(&entry.raw, word) {
                    found.push(format!("{name}, gzip member at byte {}", entry.offset));
                }
            }
        }
        if bytes.starts_with(b"SQLite format 3\0") {
            found.extend(rows(&file, word).into_iter().map(|place| format!("{name}, {place}")));
            found.extend(terms(&file, word).into_iter().map(|place| format!("{name}, {place}")));
        }
    }
    found
}

/// Tables (shadow tables included) of a database with a value that holds `word`.
///
/// # Panics
///
/// Where the database cannot be read.
#[must_use]
pub fn rows(file: &Path, word: &str) -> Vec<String> {
    let db = open(file);
    let tables = names(&db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'");
    let mut found = Vec::new();
    for table in tables {
        let mut statement = db.prepare(&format!("SELECT * FROM \"{table}\"")).expect("a table can be read");
        let columns = statement.column_count();
        let mut all = statement.query([]).expect("a table can be read");
        let mut count = 0_usize;
        while let Some(row) = all.next().expect("a row can be read") {
            let holds = |column: usize| match row.get_ref(column) {
                Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => contains(bytes, word),
                _ => false,
            };
            count += usize::from((0..columns).any(holds));
        }
        if count > 0 {
            found.push(format!("{count} rows of table {table}"));
        }
    }
    found
}

/// Terms of full-text indexes that hold `word`.
///
/// # Panics
///
/// Where the database cannot be read.
#[must_use]
pub fn terms(file: &Path, word: &str) -> Vec<String> {
    let db = open(file);
    let mut found = Vec::new();
    for table in names(&db, "SELECT name FROM sqlite_schema WHERE sql LIKE '%USING fts5(%'") {
        db.execute_batch(&format!(
            "CREATE VIRTUAL TABLE temp.\"terms of {table}\" USING fts5vocab(main, '{table}', 'row')"
        ))
        .expect("terms can be listed");
        for term in names(&db, &format!("SELECT term FROM temp.\"terms of {table}\"")) {
            if contains(term.as_bytes(), word) {
                found.push(format!("term `{term}` of index {table}"));
            }
        }
    }
    found
}

/// Every file below a folder, in the same order each time.
#[must_use]
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn open(file: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(file, flags).expect("a database can be opened")
}

fn names(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).expect("the query is right");
    let found = statement.query_map([], |row| row.get(0)).expect("names can be read");
    found.collect::<Result<_, _>>().expect("names are text")
}

fn contains(haystack: &[u8], word: &str) -> bool {
    !word.is_empty() && haystack.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_is_found_wherever_it_hides() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = warc::Writer::new(Vec::new());
        let record = warc::Record::new(
            warc::RecordType::Metadata,
            "urn:uuid:0e5a8a5e-27f4-4f3c-9a58-7a4c3b0c6a01",
            "2026-10-01T06:00:00Z",
        );
        writer.write(&record.block(*b"the Canary sings")).unwrap();
        fs::write(folder.path().join("a.warc.gz"), writer.into_inner()).unwrap();
        fs::write(folder.path().join("b"), b"a canary").unwrap();
        let db = Connection::open(folder.path().join("c.sqlite")).unwrap();
        db.execute_batch(
            "CREATE TABLE t (x BLOB); INSERT INTO t VALUES (x'63616e617279');
             CREATE VIRTUAL TABLE f USING fts5(y, content=''); INSERT INTO f VALUES ('canarylike canary');",
        )
        .unwrap();
        drop(db);
        let found = occurrences(folder.path(), "canary").join("\n");
        for place in ["gzip member", "b\n", "table t", "term `canarylike` of index f", "term `canary` of index f"] {
            assert!(found.contains(place), "{place} is not in\n{found}");
        }
        assert!(occurrences(folder.path(), "cuckoo").is_empty());
    }
}
