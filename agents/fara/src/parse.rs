//! What does a row of a daily file say?

use std::ops::RangeInclusive;

use jiff::civil::Date;
use kit::{Record, Row, Unreadable};
use schemas::record::{Author, AuthorKind, ClaimedTime, Kind, Registration};

use crate::PLATFORM;

/// What a seed asks for.
pub struct Seed<'a> {
    /// Address of a daily file.
    pub file: &'a str,
    /// What a row of it says.
    pub record: fn(&Row) -> Result<Record, Unreadable>,
    years: RangeInclusive<i16>,
}

impl<'a> Seed<'a> {
    /// Reads a seed.
    ///
    /// # Errors
    ///
    /// Where it is no daily file of the register, or names years otherwise than `years=FIRST-LAST`, the earlier one first.
    pub fn of(seed: &'a str) -> Result<Self, Unreadable> {
        let bad =
            || Unreadable::new("seed", format_args!("{seed} is no daily file, with or without `?years=2016-2020`"));
        let (file, years) = seed.split_once("?years=").unwrap_or((seed, "0-9999"));
        let (first, last) = years.split_once('-').ok_or_else(bad)?;
        let (Ok(first), Ok(last)) = (first.parse(), last.parse()) else { return Err(bad()) };
        if first > last {
            return Err(bad());
        }
        let name = file.strip_prefix("https://efile.fara.gov/bulk/zip/FARA_All_").unwrap_or_default();
        let record = match name {
            "Registrants.csv.zip" => registrant,
            "ForeignPrincipals.csv.zip" => principal,
            "ShortForms.csv.zip" => short_form,
            "RegistrantDocs.csv.zip" => document,
            _ => return Err(bad()),
        };
        Ok(Self { file, record, years: first..=last })
    }

    /// Whether a record is of the years that are asked for. One without a day is of all.
    pub fn covers(&self, record: &Record) -> bool {
        let day = record.published_at.as_ref().and_then(|day| day.local.as_ref()?.parse::<Date>().ok());
        day.is_none_or(|day| self.years.contains(&day.year()))
    }
}

/// What a cell says, white space tidied; nothing where it is empty.
fn said(row: &Row, column: &str) -> Result<Option<String>, Unreadable> {
    Ok(row.maybe(column)?.map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" ")))
}

fn must(row: &Row, column: &str) -> Result<String, Unreadable> {
    said(row, column)?.ok_or_else(|| Unreadable::missing(column))
}

/// A day as month/day/year.
fn day(row: &Row, column: &str) -> Result<Option<ClaimedTime>, Unreadable> {
    let Some(raw) = said(row, column)? else { return Ok(None) };
    let Ok(day) = Date::strptime("%m/%d/%Y", &raw) else {
        return Err(Unreadable::new(column, format_args!("`{raw}` is not a day as month/day/year")));
    };
    Ok(Some(ClaimedTime { at: None, local: (day.year() >= 1938).then(|| day.to_string()), raw }))
}

/// What the rows of all files say. The cells of `key` make the id, with the registrant's number.
fn entry(row: &Row, of: &str, key: &[&str], registrant: &str, date: &str) -> Result<Record, Unreadable> {
    let number = must(row, "Registration Number")?;
    let Ok(number) = number.parse::<u32>() else {
        return Err(Unreadable::unknown_value("Registration Number", number));
    };
    let mut id = format!("{of}:{number}");
    for column in key {
        id = format!("{id}|{}", said(row, column)?.unwrap_or_default().to_lowercase());
    }
    let mut record = Record::new(Kind::Registration, PLATFORM, id);
    record.url = Some(format!("https://efile.fara.gov/ords/fara/f?p=1235:200:::NO:RP,200:P200_REG_NUMBER:{number}"));
    record.author = Some(Author {
        id: Some(format!("registrant:{number}")),
        name: Some(must(row, registrant)?),
        ..Author::default()
    });
    record.published_at = day(row, date)?;
    Ok(record)
}

/// Who registered, and from when until when.
fn term(row: &Row, registrant: &str, since: &str, until: &str) -> Result<Registration, Unreadable> {
    Ok(Registration {
        registrant: said(row, registrant)?,
        registered_on: said(row, since)?,
        terminated_on: day(row, until)?.map(|until| until.raw),
        ..Registration::default()
    })
}

fn address(row: &Row) -> Result<Option<String>, Unreadable> {
    let mut lines = Vec::new();
    for column in ["Address 1", "Address 2", "City", "State", "Zip"] {
        lines.extend(said(row, column)?);
    }
    Ok(Some(lines.join(", ")).filter(|address| !address.is_empty()))
}

fn registrant(row: &Row) -> Result<Record, Unreadable> {
    let mut record = entry(row, "registrant", &[], "Name", "Registration Date")?;
    record.registration = Some(term(row, "Name", "Registration Date", "Termination Date")?);
    record.place = address(row)?;
    record.set_extra("business_name", said(row, "Business Name")?);
    Ok(record)
}

fn principal(row: &Row) -> Result<Record, Unreadable> {
    let (name, since) = ("Foreign Principal", "Foreign Principal Registration Date");
    let mut record = entry(row, "principal", &[since, "Country/Location Represented", name], "Registrant Name", since)?;
    record.registration = Some(Registration {
        principal: Some(must(row, name)?),
        country: said(row, "Country/Location Represented")?,
        ..term(row, "Registrant Name", since, "Foreign Principal Termination Date")?
    });
    record.place = address(row)?;
    Ok(record)
}

fn short_form(row: &Row) -> Result<Record, Unreadable> {
    let (last, first) = ("Short Form Last Name", "Short Form First Name");
    let key = ["Short Form Date", last, first];
    let mut record = entry(row, "short-form", &key, "Registrant Name", "Short Form Date")?;
    let name = format!("{} {}", said(row, first)?.unwrap_or_default(), must(row, last)?);
    record.author =
        Some(Author { name: Some(name.trim_start().to_owned()), kind: Some(AuthorKind::Person), ..Author::default() });
    record.registration = Some(term(row, "Registrant Name", "Short Form Date", "Short Form Termination Date")?);
    Ok(record)
}

fn document(row: &Row) -> Result<Record, Unreadable> {
    let key = ["Date Stamped", "Document Type", "Short Form Name", "Foreign Principal Name"];
    let mut record = entry(row, "document", &key, "Registrant Name", "Date Stamped")?;
    record.title = Some(must(row, "Document Type")?);
    record.registration = Some(Registration {
        registrant: said(row, "Registrant Name")?,
        principal: said(row, "Foreign Principal Name")?,
        country: said(row, "Foreign Principal Country")?,
        ..Registration::default()
    });
    record.set_extra("short_form_name", said(row, "Short Form Name")?);
    let url = must(row, "URL")?;
    match url.strip_prefix("https://efile.fara.gov/docs/") {
        Some(file) => {
            record.id = format!("document:{file}");
            record.url = Some(url);
        }
        None if url == "Available-FARA-Public-Office" => {}
        None => return Err(Unreadable::unknown_value("URL", url)),
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use kit::{
        Charset, Record, Table,
        body::{Body, Spool},
    };

    use super::Seed;

    fn seed(name: &str) -> String {
        format!("https://efile.fara.gov/bulk/zip/FARA_All_{name}.csv.zip")
    }

    /// The one row of a daily file.
    fn read(name: &str, columns: &str, cells: &str) -> Result<Record, String> {
        let body = Body::new(Spool::of(format!("{columns}\n{cells}\n")), &[], false);
        let mut rows = body.rows(Table::Csv, Charset::Utf8).unwrap();
        let seed = seed(name);
        (Seed::of(&seed).unwrap().record)(&rows.next().unwrap().unwrap().1).map_err(|why| why.to_string())
    }

    const REGISTRANTS: &str =
        "Registration Number,Registration Date,Termination Date,Name,Business Name,Address 1,Address 2,City,State,Zip";
    const PRINCIPALS: &str = "Foreign Principal Termination Date,Foreign Principal,Foreign Principal Registration Date,\
                              Country/Location Represented,Registration Number,Registrant Name,Address 1,Address 2,City,State,Zip";

    #[test]
    fn seed_is_a_daily_file_and_nothing_else() {
        for name in ["Registrants", "ForeignPrincipals", "ShortForms", "RegistrantDocs"] {
            assert!(Seed::of(&seed(name)).is_ok(), "{name}");
        }
        for other in [
            "Registrants",
            &seed("Countries"),
            &format!("{}?cachebust=1", seed("Registrants")),
            &format!("{}?years=2016", seed("Registrants")),
            &format!("{}?years=2020-2016", seed("Registrants")),
            "https://efile.fara.gov/api/v1/",
        ] {
            assert!(Seed::of(other).is_err(), "{other}");
        }
    }

    #[test]
    fn seed_of_some_years_covers_them_and_what_has_no_day() {
        let seed = format!("{}?years=2016-2020", seed("Registrants"));
        let seed = Seed::of(&seed).unwrap();
        assert!(seed.file.ends_with(".csv.zip"));
        for (day, covered) in
            [("12/31/2015", false), ("01/01/2016", true), ("12/31/2020", true), ("01/01/2021", false), ("", true)]
        {
            let row = read("Registrants", REGISTRANTS, &format!("9002,{day},,Sample Group,,,,,,")).unwrap();
            assert_eq!(seed.covers(&row), covered, "{day}");
        }
    }

    #[test]
    fn end_is_an_edit_of_the_same_entry() {
        let one =
            read("ForeignPrincipals", PRINCIPALS, ",Port of Sampleville,04/03/2026,SAMPLELAND,9002,Sample Group,,,,,")
                .unwrap();
        let ended = "10/30/2026,Port  of SAMPLEVILLE,04/03/2026,SAMPLELAND,9002,Sample Group,,,,,";
        let ended = read("ForeignPrincipals", PRINCIPALS, ended).unwrap();
        assert_eq!(one.id, "principal:9002|04/03/2026|sampleland|port of sampleville");
        assert_eq!(one.id, ended.id);
        assert_eq!(ended.registration.unwrap().terminated_on.unwrap(), "10/30/2026");
        assert_eq!(one.registration.unwrap().terminated_on, None);
    }

    #[test]
    fn what_is_no_day_or_number_is_not_guessed() {
        for (cells, why) in [
            ("9002,04/31/2026,,Sample Group,,,,,,", "`04/31/2026` is not a day"),
            ("9002,2026-04-03,,Sample Group,,,,,,", "`2026-04-03` is not a day"),
            ("9002,04/03/2026,soon,Sample Group,,,,,,", "`soon` is not a day"),
            ("9002a,04/03/2026,,Sample Group,,,,,,", "`9002a` is not"),
            (",04/03/2026,,Sample Group,,,,,,", "Registration Number: is missing"),
            ("9002,04/03/2026,,,,,,,,", "Name: is missing"),
        ] {
            let said = read("Registrants", REGISTRANTS, cells).unwrap_err();
            assert!(said.contains(why), "{said}");
        }
        let slip =
            read("Registrants", REGISTRANTS, "812,11/16/0200,,Harbour Society,,,,,,").unwrap().published_at.unwrap();
        assert_eq!((slip.raw.as_str(), slip.local), ("11/16/0200", None));
    }
}
