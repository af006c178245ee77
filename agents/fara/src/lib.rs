//! How is the US register of foreign agents (Foreign Agents Registration Act, FARA) collected?
//!
//! **Seeds** are the register's daily files, `https://efile.fara.gov/bulk/zip/FARA_All_NAME.csv.zip`, with NAME one of `Registrants`,
//! `ForeignPrincipals`, `ShortForms`, `RegistrantDocs`. They hold everything, ended registrations too, since 1942. They are taken rather than the
//! JSON interface, which answers for one registrant at a time and fails for most of what it documents; and rather than the same files as XML, of
//! which the columns of only two are known. A file is asked for only if it changed, and read whole: filings appear days after the date
//! they are stamped with, so no date tells what is new.
//!
//! **Ids.** `registrant:NUMBER`. What has no number in the register is named by its own cells, in lower case and with white space tidied:
//! `principal:NUMBER|SINCE|COUNTRY|NAME`, `short-form:NUMBER|SINCE|LAST|FIRST`. `document:FILE` is the name of its PDF; of a document that lies on
//! paper only `document:NUMBER|STAMPED|TYPE|PERSON|PRINCIPAL`. Where one of these cells is corrected, the old id leaves the file and is told as gone.
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

    fn plan(&self, ask: &Ask<'_, ()>) -> Vec<Request<()>> {
        let known = parse::file(&ask.target.url).is_some();
        let url = if known { ask.target.url.as_str() } else { "the seed is no daily file of the register" };
        vec![Request::get(url, ()).if_changed()]
    }

    fn read(&self, answer: &Answer<'_, ()>, out: &mut Reading<'_, Self>) -> Result<(), Halt<()>> {
        let file = parse::file(&answer.target.url).ok_or_else(|| Unreadable::missing("seed"))?;
        if !answer.bytes()?.starts_with(b"PK") {
            // At times the register's site answers 200 with a page of its own, or with nothing.
            return Err(Halt::NotYet { wait_secs: 30, tries: 5, or_else: None });
        }
        let member = answer.member("FARA_All_*.csv")?;
        let rows = member.rows(Table::Csv, Charset::Windows1252)?;
        rows.require(&file.columns.split(',').collect::<Vec<_>>())?;
        let mut none = true;
        for row in rows {
            let (place, row) = row?;
            none = false;
            match (file.record)(&row) {
                Ok(record) => out.record(place, record),
                Err(why) => out.unreadable(place, why),
            }
        }
        if none {
            return Err(Halt::unreadable(member.name(), "a register without rows"));
        }
        out.snapshot(file.name);
        Ok(())
    }
}
