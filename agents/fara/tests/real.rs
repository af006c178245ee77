//! Do rows of the register itself read as records, and keep their ids from one day to another?
//!
//! Runs over `../shared/real/platforms/fara`: exports that people made by hand on the register's pages. They name their columns otherwise than the
//! daily files and hold fewer; their cells are the same. So the cells are put under the daily files' header.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads files; the collector reads nothing")]

use std::{collections::BTreeSet, fs, io::Write as _, path::Path};

use fara::parse::Seed;
use kit::{
    Charset, Record, Row, Table,
    body::{Body, Spool},
};

/// Columns of the daily files, and where an export has the same; nowhere for those that it lacks.
const REGISTRANTS: [(&str, &str); 10] = [
    ("Registration Number", "Registration #"),
    ("Registration Date", "RegistrationDate"),
    ("Termination Date", ""),
    ("Name", "Registrant"),
    ("Business Name", "BusinessName"),
    ("Address 1", ""),
    ("Address 2", ""),
    ("City", ""),
    ("State", ""),
    ("Zip", ""),
];

const PRINCIPALS: [(&str, &str); 11] = [
    ("Foreign Principal Termination Date", ""),
    ("Foreign Principal", "Foreign Principal"),
    ("Foreign Principal Registration Date", "Foreign PrincipalRegistration Date"),
    ("Country/Location Represented", "Country/LocationRepresented"),
    ("Registration Number", "Registration #"),
    ("Registrant Name", "Registrant"),
    ("Address 1", "Address"),
    ("Address 2", ""),
    ("City", ""),
    ("State", "State"),
    ("Zip", ""),
];

fn rows(csv: &[u8]) -> Vec<Row> {
    let body = Body::new(Spool::of(csv.to_vec()), &[], false);
    body.rows(Table::Csv, Charset::Utf8).unwrap().map(|row| row.unwrap().1).collect()
}

/// The records of an export, its cells put under the columns of the daily file `name`, and what was unreadable.
fn read(csv: &[u8], name: &str, columns: &[(&str, &str)]) -> (Vec<Record>, Vec<String>) {
    let seed = format!("https://efile.fara.gov/bulk/zip/FARA_All_{name}.csv.zip");
    let record = Seed::of(&seed).unwrap().record;
    let mut daily = columns.iter().map(|(ours, _)| *ours).collect::<Vec<_>>().join(",");
    for row in rows(csv) {
        assert!(record(&row).is_err(), "an export is no daily file");
        let cell = |theirs: &str| if theirs.is_empty() { "" } else { row.cell(theirs).unwrap() };
        let cells = columns.iter().map(|(_, theirs)| format!("\"{}\"", cell(theirs).replace('"', "\"\"")));
        daily += &format!("\n{}", cells.collect::<Vec<_>>().join(","));
    }
    let (mut records, mut unreadable) = (Vec::new(), Vec::new());
    for row in rows(daily.as_bytes()) {
        match record(&row) {
            Ok(record) => records.push(record),
            Err(why) => unreadable.push(why.to_string()),
        }
    }
    (records, unreadable)
}

fn ids(records: &[Record]) -> BTreeSet<&str> {
    records.iter().map(|record| &*record.id).collect()
}

#[test]
fn rows_of_the_register_read_and_keep_their_ids() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/real/platforms/fara");
    if !folder.is_dir() {
        assert!(std::env::var_os("VIGIE_REQUIRE_ALL").is_none(), "../shared/real/platforms/fara is not here");
        // Written past the capture of test output: what was skipped is said even where the test passes.
        let _ = std::io::stderr().write_all(
            b"skipped: rows_of_the_register_read_and_keep_their_ids: ../shared/real/platforms/fara is not here\n",
        );
        return;
    }
    let export = |name: &str| fs::read(folder.join(name)).unwrap();
    let registrants = read(&export("Active_Registrants_2025-03-26.csv"), "Registrants", &REGISTRANTS);
    let march = read(&export("Active_Foreign_Principals_2025-03-26.csv"), "ForeignPrincipals", &PRINCIPALS);
    let april = read(&export("Active_Foreign_Principals_2025-04-09.csv"), "ForeignPrincipals", &PRINCIPALS);
    for (records, unreadable) in [&registrants, &march, &april] {
        println!("{} records, unreadable: {unreadable:?}", records.len());
        assert!(records.len() > 500 && unreadable.is_empty(), "{unreadable:?}");
        assert_eq!(ids(records).len(), records.len(), "two rows have one id");
        let dated = |record: &&Record| record.published_at.as_ref().is_some_and(|day| day.local.is_some());
        assert_eq!(records.iter().filter(dated).count(), records.len());
    }
    let (before, after) = (ids(&march.0), ids(&april.0));
    let gone: Vec<_> = before.difference(&after).collect();
    println!("gone after two weeks: {gone:#?}\nnew: {:#?}", after.difference(&before).collect::<Vec<_>>());
    assert!(gone.len() * 50 < before.len(), "ids change from day to day: {gone:#?}");
}
