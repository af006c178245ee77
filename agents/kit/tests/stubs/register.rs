//! A register as a zip with a table in it, published whole every day.

use kit::{About, Answer, Ask, Charset, Collector, Halt, Reading, Record, Request, Row, Table, Unreadable};
use schemas::record::{Kind, Registration};

pub struct Register;

pub fn registration(row: &Row) -> Result<Record, Unreadable> {
    let number = row.cell("Number")?;
    if number.parse::<u32>().is_err() {
        return Err(Unreadable::unknown_value("Number", number));
    }
    let mut record = Record::new(Kind::Registration, "stub", number);
    record.registration = Some(Registration {
        registrant: Some(row.cell("Registrant")?.to_owned()),
        country: Some(row.cell("Country")?.to_owned()),
        registered_on: Some(row.cell("Since")?.to_owned()),
        ..Registration::default()
    });
    Ok(record)
}

impl Collector for Register {
    const NAME: &'static str = "stub-register";
    type Cursor = ();
    type Step = ();

    fn about(&self) -> About {
        About::of("A register, whole")
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Result<Vec<Request<()>>, Unreadable> {
        Ok(vec![Request::get(&ask.target.url, ()).if_changed().up_to_bytes(64 << 20)])
    }

    fn read(&self, answer: &Answer<'_, ()>, out: &mut Reading<'_, Self>) -> Result<(), Halt<()>> {
        let member = answer.member("register-*.csv")?;
        for row in member.rows(Table::Csv, Charset::Windows1252)? {
            let (place, row) = row?;
            out.item(place, registration(&row));
        }
        out.snapshot("register");
        Ok(())
    }
}
