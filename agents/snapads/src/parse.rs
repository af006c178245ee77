//! What does a row say of an ad?

use std::collections::BTreeMap;

use kit::{Record, Row, Unreadable, dates};
use schemas::record::{Ad, Author, Kind, Media};
use url::Url;

/// Columns with a field of their own, by their plain names.
const FIELDS: &str = "adid creativeurl spend impressions currencycode startdate enddate organizationname \
                      payingadvertisername countrycode";

/// Columns that say who was to see an ad; so does one that ends in `included` or `excluded`.
const TARGETING: &str = "gender agebracket interests ostype segments language advanceddemographics \
                         targetingconnectiontype targetingcarrierisp";

/// The columns of a file: plain names, in lower case without spaces and signs, and beside each how the file writes it.
pub struct Columns(BTreeMap<String, String>);

impl Columns {
    pub fn of(written: &[String]) -> Result<Self, Unreadable> {
        let plain = |name: &String| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        let columns: BTreeMap<_, _> = written.iter().map(|name| (plain(name), name.clone())).collect();
        if columns.len() < written.len() {
            return Err(Unreadable::new("header", "two columns differ in spaces, signs or case only"));
        }
        Ok(Self(columns))
    }

    /// What a row says under a plain name; nothing where the cell is blank.
    fn maybe(&self, row: &Row, plain: &str) -> Result<Option<String>, Unreadable> {
        Ok(row.maybe(self.0.get(plain).map_or(plain, String::as_str))?.map(str::to_owned))
    }

    fn need(&self, row: &Row, plain: &str) -> Result<String, Unreadable> {
        self.maybe(row, plain)?.ok_or_else(|| Unreadable::missing(plain))
    }
}

/// The ad of a row; nothing where it ran in another country than the one that is wanted.
pub fn ad(columns: &Columns, row: &Row, wanted: Option<&str>) -> Result<Option<Record>, Unreadable> {
    let place = columns.need(row, "countrycode")?;
    let country = country(&place)?;
    if wanted.is_some_and(|wanted| wanted != country) {
        return Ok(None);
    }
    let mut record = Record::new(Kind::Ad, "snap-ads", columns.need(row, "adid")?);
    record.place = Some(place);
    record.author = Some(Author { name: columns.maybe(row, "organizationname")?, ..Author::default() });
    let starts_on = columns.need(row, "startdate")?;
    record.published_at = dates::claimed(&starts_on);
    for metric in ["spend", "impressions"] {
        let amount = columns.need(row, metric)?;
        let amount = amount.parse().map_err(|_| Unreadable::unknown_value(metric, amount))?;
        record.set_metric(metric, Some(amount));
    }
    if let Some(address) = columns.maybe(row, "creativeurl")? {
        record.media.push(Media { url: Url::parse(&address)?.into(), alt: None, media_type: None });
    }
    let mut ad = Ad {
        payer: columns.maybe(row, "payingadvertisername")?,
        currency: Some(columns.need(row, "currencycode")?),
        starts_on: Some(starts_on),
        ends_on: columns.maybe(row, "enddate")?,
        ..Ad::default()
    };
    for plain in columns.0.keys() {
        let Some(value) = columns.maybe(row, plain)? else { continue };
        let is_in = |list: &str| list.split(' ').any(|name| name == plain);
        if is_in(TARGETING) || plain.ends_with("included") || plain.ends_with("excluded") {
            ad.targeting.push(format!("{plain}: {value}"));
        } else if !is_in(FIELDS) {
            record.set_extra(plain, value);
        }
    }
    record.ad = Some(ad);
    Ok(Some(record))
}

/// A country's name in lower case. A code, a list or nothing at all is no name, and must not pass for *another country*.
pub fn country(name: &str) -> Result<String, Unreadable> {
    let is_name = name.chars().count() > 3 && name.chars().all(|c| c.is_alphabetic() || " -'’.&()".contains(c));
    if is_name { Ok(name.to_lowercase()) } else { Err(Unreadable::unknown_value("country", name)) }
}

#[cfg(test)]
mod tests {
    use kit::body::{Body, Spool};
    use kit::{Charset, Table};

    use super::*;

    const OLDER: &str = include_str!("../fixtures/older-spelling/PoliticalAds.csv");
    const TODAY: &str = include_str!("../fixtures/this-year/PoliticalAds.csv");
    const TOMORROW: &str = include_str!("../fixtures/next-day/PoliticalAds.csv");

    /// What stands in a file for Canada, and why some of it cannot be told.
    fn canadian(text: &str) -> Result<Vec<Result<Record, Unreadable>>, Unreadable> {
        let body = Body::new(Spool::of(text.to_owned()), &[], false);
        let rows = body.rows(Table::Csv, Charset::Utf8)?;
        let columns = Columns::of(rows.columns())?;
        let mut ads = Vec::new();
        for row in rows {
            ads.extend(ad(&columns, &row?.1, Some("canada")).transpose());
        }
        Ok(ads)
    }

    fn first(text: &str) -> Record {
        canadian(text).unwrap().remove(0).unwrap()
    }

    #[test]
    fn spend_that_rises_is_no_new_revision() {
        let (before, after) = (first(TODAY), first(TOMORROW));
        assert_eq!((before.metrics["spend"], after.metrics["spend"]), (412, 530));
        assert_eq!(before.content_hash().unwrap(), after.content_hash().unwrap());
    }

    #[test]
    fn columns_spelled_otherwise_change_nothing() {
        let respelled =
            OLDER.replacen("ADID,CreativeUrl", "Ad ID,CREATIVE URL", 1).replacen("StartDate", "Start Date", 1);
        assert_ne!(respelled, OLDER);
        assert_eq!(canadian(&respelled).unwrap(), canadian(OLDER).unwrap());
    }

    #[test]
    fn two_columns_of_one_name_are_not_told_apart() {
        canadian(&OLDER.replacen("Gender", "Age Bracket", 1)).unwrap_err();
    }

    #[test]
    fn what_is_no_name_of_a_country_is_not_another_country() {
        let (header, row) = OLDER.split_once('\n').unwrap();
        let row = row.lines().next().unwrap();
        let told = |cell: &str| canadian(&format!("{header}\n{}\n", row.replace(",canada", cell))).unwrap().len();
        for odd in [",", ",CA", ",can", ",\"canada, france\"", ",canada;france", ",124"] {
            assert_eq!(told(odd), 1, "{odd} is set aside, and counted");
        }
        assert_eq!((told(",CANADA "), told(",norway")), (1, 0));
    }

    #[test]
    fn a_column_that_is_renamed_is_missed() {
        let header = OLDER.lines().next().unwrap();
        for name in header.split(',') {
            let plain = name.to_lowercase().replace(' ', "");
            let renamed = OLDER.replacen(name, "Renamed", 1);
            assert_eq!(canadian(&renamed).is_err(), FIELDS.split(' ').any(|field| field == plain), "{name}");
        }
    }
}
