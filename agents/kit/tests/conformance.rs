//! Four small collectors with made-up sources, each of another shape, run through the suite.

mod stubs;

use kit::{
    About, Answer, Ask, Charset, Collector, Halt, Reading, Request, Table, Unreadable,
    conformance::{assert_conforms, check},
};

fn fixtures(name: &str) -> String {
    format!("{}/tests/stubs/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn paged_query_with_a_credential_and_billed_units_conforms() {
    assert_conforms(&stubs::paged::Paged, fixtures("paged"));
}

#[test]
fn stream_read_in_chunks_conforms() {
    assert_conforms(&stubs::stream::Stream, fixtures("stream"));
}

#[test]
fn register_in_a_zip_conforms() {
    assert_conforms(&stubs::register::Register, fixtures("register"));
}

#[test]
fn listing_and_its_articles_conform() {
    assert_conforms(&stubs::listing::Listing, fixtures("listing"));
}

/// Reads a register as [`stubs::register::Register`] does, and passes over the rows that it does not like.
struct Careless;

impl Collector for Careless {
    const NAME: &'static str = "stub-careless";
    type Cursor = ();
    type Step = ();

    fn about(&self) -> About {
        About::of("A register, as far as it is understood")
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Result<Vec<Request<()>>, Unreadable> {
        stubs::register::Register.plan(ask)
    }

    fn read(&self, answer: &Answer<'_, ()>, out: &mut Reading<'_, Self>) -> Result<(), Halt<()>> {
        for row in answer.member("register-*.csv")?.rows(Table::Csv, Charset::Windows1252)? {
            let (place, row) = row?;
            if let Ok(record) = stubs::register::registration(&row) {
                out.record(place, record);
            }
        }
        Ok(())
    }
}

#[test]
fn row_passed_over_for_one_odd_cell_is_a_silent_loss() {
    let report = check(&Careless, fixtures("register"));
    let Some(row) = report.row("no silent loss") else {
        return; // A child of the suite: it has written what it read.
    };
    assert!(row.examples.iter().any(|one| one.contains("cell 1 = `x`")), "{report}");
}

/// Reads a register as [`stubs::register::Register`] does, and says that it is empty as well.
struct TwoMinds;

impl Collector for TwoMinds {
    const NAME: &'static str = "stub-two-minds";
    type Cursor = ();
    type Step = ();

    fn about(&self) -> About {
        About::of("A register that is full and empty")
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Result<Vec<Request<()>>, Unreadable> {
        stubs::register::Register.plan(ask)
    }

    fn read(&self, answer: &Answer<'_, ()>, out: &mut Reading<'_, Self>) -> Result<(), Halt<()>> {
        for row in answer.member("register-*.csv")?.rows(Table::Csv, Charset::Windows1252)? {
            let (place, row) = row?;
            out.item(place, stubs::register::registration(&row));
        }
        out.empty("there is nothing");
        Ok(())
    }
}

#[test]
fn case_that_contradicts_itself_is_told_whatever_was_blessed() {
    let report = check(&TwoMinds, fixtures("register"));
    if report.rows.is_empty() {
        return; // A child of the suite: it has written what it read.
    }
    let row = report.row("no case is set aside for its reader").expect("a row of its own");
    assert!(row.examples.iter().any(|one| one.contains("says both that there is nothing and")), "{report}");
}
