//! How is the US register of foreign agents (Foreign Agents Registration Act, FARA) collected?
//!
//! **Seeds** are the register's daily files, `https://efile.fara.gov/bulk/zip/FARA_All_NAME.csv.zip`, with NAME one of `Registrants`,
//! `ForeignPrincipals`, `ShortForms`, `RegistrantDocs`; with `?years=2016-2020`, which is not sent, of rows of these years and those without a day.
//! `RegistrantDocs` (153,603 rows in 2026) and `ShortForms` (44,606) need that: one answer may bring some 40,000 records. The files hold everything, ended registrations too, since 1942. They are taken rather than the
//! JSON interface, which answers for one registrant at a time and fails for most of what it documents; and rather than the same files as XML, of
//! which the columns of only two are known. A file is asked for only if it changed, and read whole: filings appear days after the date
//! they are stamped with, so no date tells what is new.
//!
//! **Ids.** `registrant:NUMBER`. What has no number in the register is named by its own cells, in lower case and with white space tidied:
//! `principal:NUMBER|SINCE|COUNTRY|NAME`, `short-form:NUMBER|SINCE|LAST|FIRST`. `document:FILE` is the name of its PDF; of a document that lies on
//! paper only `document:NUMBER|STAMPED|TYPE|PERSON|PRINCIPAL`. Where one of these cells is corrected, the record under the old id stays as it was last
//! seen, and a new one begins; the old id is then told to have vanished, as is a row that was taken out. An id that comes twice stands as its last row says.
//!
//! **Edits** are a new end (`terminated_on`), name, address or any other cell that is kept. **Dates** are days without a zone; a year before 1938,
//! when the Act was passed, is a slip of the pen: its text is kept and no date made of it.
//!
//! **Missed** is what the manifest says. **Unreadable** are rows that bad quoting at the source shifted: they have too many cells, a registration
//! number that is none, or a date that is none.
//!
//! **Left out** on purpose: the PDFs (`url` leads there, or to the page of the registrant), the registrant's date and address in rows about
//! others. In `extra`: `business_name`; of a document `short_form_name`, the person whose short form it is. The author is the registrant, of a
//! short form the person: the name is in the id too.
//!
//! To be in the register is a legal duty, and says nothing of wrongdoing.
//!
//! Not yet tried against the register itself: `fixtures/` are invented, and real rows were read from exports made by hand (`tests/real.rs`).

pub mod parse;

use parse::Seed;

use kit::{About, Answer, Ask, Charset, Collector, Halt, Reading, Request, Table, Unreadable};

/// Platform of every record.
pub const PLATFORM: &str = "fara";

/// Collects the register's daily files; the crate's documentation says how.
pub struct Fara;

impl Collector for Fara {
    const NAME: &'static str = "fara";
    type Cursor = ();
    type Step = ();

    fn about(&self) -> About {
        About {
            misses: "what came and went between two runs; the text of filings".to_owned(),
            ..About::of("The US register of foreign agents (FARA), from its daily files")
        }
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Result<Vec<Request<()>>, Unreadable> {
        Ok(vec![Request::get(Seed::of(&ask.target.url)?.file, ()).if_changed()])
    }

    fn read(&self, answer: &Answer<'_, ()>, out: &mut Reading<'_, Self>) -> Result<(), Halt<()>> {
        let seed = Seed::of(&answer.target.url)?;
        if !answer.bytes()?.starts_with(b"PK") {
            // At times the register's site answers 200 with a page of its own, or with nothing.
            return Err(Halt::NotYet { wait_secs: 30, tries: 5, or_else: None });
        }
        for row in answer.member("FARA_All_*.csv")?.rows(Table::Csv, Charset::Windows1252)? {
            let (place, row) = row?;
            let read = (seed.record)(&row);
            if !read.as_ref().is_ok_and(|record| !seed.covers(record)) {
                out.item(place, read);
            }
        }
        out.snapshot("file");
        Ok(())
    }
}
