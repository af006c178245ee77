//! How is the political ads library of Snap collected?
//!
//! **Seeds** are the library's files, one zip of CSV for each year since 2018:
//! `https://storage.googleapis.com/ad-manager-political-ads-dump/political/2024/PoliticalAds.zip`. In the place of the year may stand `this-year` or
//! `last-year`, in UTC: over New Year that is another file, and nothing has vanished from the old one. `?country=canada`, which is not sent, asks for the ads of one country, by its name in the file, in whatever case. A file is asked
//! for only if it changed.
//!
//! **Id.** The AD ID without the spaces around it, platform `snap-ads`.
//!
//! **Record.** The author is the organisation that ran the ad, `payer` who paid. Spend, in whole units of the currency, and impressions are exact and
//! `metrics`: they rise while an ad runs, and nobody has edited it. `targeting` has a line for each column that says who was to see it. Columns without a
//! field stand in `extra`. Both go by a column's plain name, in lower case without spaces and signs, since the files spell them in several ways:
//! `agebracket`, `regionsincluded`, `billingaddress`, `committeename`.
//!
//! **Missed** is what the manifest says. **Unreadable** are rows with too many or too few cells, an amount that is no whole number, or a country that is
//! no name: a code must not pass for another country. A file without a column that has a field of its own, or with two of one plain name, is not read.
//!
//! **Left out** on purpose: films and pictures (`media` leads there, for some time), and Snap's Ads Gallery for Europe, which is another interface.
//!
//! Not yet tried against the library itself: `fixtures/` are invented, by columns that public analyses name. Not known: whether an ad that runs over New
//! Year stands in both years' files, and with which part of its spend; the path of each look's capture tells the file.

use jiff::tz::TimeZone;
use kit::{About, Answer, Ask, Charset, Collector, Halt, Reading, Request, Table, Unreadable};
use url::Url;

mod parse;

/// Collects the library's yearly files; the crate's documentation says how.
#[derive(Debug, Clone, Copy)]
pub struct SnapAds;

impl Collector for SnapAds {
    const NAME: &'static str = "snapads";
    type Cursor = ();
    type Step = ();

    fn about(&self) -> About {
        About {
            misses: "spend between two looks; ads that came and went between them".to_owned(),
            ..About::of("Ads of the Snap political ads library, with exact spend and impressions")
        }
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Result<Vec<Request<()>>, Unreadable> {
        let mut file = Url::parse(&ask.target.url)?;
        country(&file)?;
        file.set_query(None);
        let year = ask.now.to_zoned(TimeZone::UTC).year();
        let file = file.as_str().replace("/this-year/", &format!("/{year}/"));
        let file = file.replace("/last-year/", &format!("/{}/", year - 1));
        Ok(vec![Request::get(file, ()).if_changed()])
    }

    fn read(&self, answer: &Answer<'_, ()>, out: &mut Reading<'_, Self>) -> Result<(), Halt<()>> {
        let country = country(&Url::parse(&answer.target.url)?)?;
        let file = answer.member("*.csv")?;
        let rows = file.rows(Table::Csv, Charset::Utf8)?;
        let columns = parse::Columns::of(rows.columns())?;
        let (mut listed, mut wanted) = (0, 0);
        for row in rows {
            let (place, row) = row?;
            listed += 1;
            if let Some(ad) = parse::ad(&columns, &row, country.as_deref()).transpose() {
                wanted += 1;
                out.item(place, ad);
            }
        }
        let country = country.as_deref().unwrap_or("any country");
        if wanted == 0 {
            out.empty(format!("{listed} ads in the file, none of {country}"));
        }
        out.snapshot(format!("{}, {country}", answer.url.path()));
        Ok(())
    }
}

/// The country that a seed asks for, in lower case; nothing where it asks for every ad.
fn country(seed: &Url) -> Result<Option<String>, Unreadable> {
    let settings: Vec<_> = seed.query_pairs().collect();
    match settings.as_slice() {
        _ if !seed.path().ends_with("/PoliticalAds.zip") => Err(Unreadable::new("seed", "is no `PoliticalAds.zip`")),
        [] => Ok(None),
        [(name, value)] if name == "country" => Ok(Some(parse::country(value)?)),
        _ => Err(Unreadable::new("seed", "may have no query but `country=NAME`")),
    }
}

#[cfg(test)]
mod tests {
    use kit::{Target, Work};

    use super::*;

    fn asked(seed: &str) -> Result<String, Unreadable> {
        let url = seed.replacen("LIBRARY", "https://files.example.org/library", 1);
        let target = Target { id: "a".into(), entry: "a".into(), url, recipe: None, own_terms: false };
        let now = "2027-01-01T00:00:00Z".parse().unwrap();
        let requests = SnapAds.plan(&Ask { target: &target, work: Work::Poll, cursor: &(), now })?;
        Ok(requests[0].url.replacen("https://files.example.org/library", "LIBRARY", 1))
    }

    #[test]
    fn a_seed_names_a_year_by_itself_or_as_it_comes() {
        assert_eq!(asked("LIBRARY/2019/PoliticalAds.zip").unwrap(), "LIBRARY/2019/PoliticalAds.zip");
        assert_eq!(asked("LIBRARY/this-year/PoliticalAds.zip").unwrap(), "LIBRARY/2027/PoliticalAds.zip");
        assert_eq!(asked("LIBRARY/last-year/PoliticalAds.zip").unwrap(), "LIBRARY/2026/PoliticalAds.zip");
    }

    #[test]
    fn a_country_is_not_sent() {
        assert_eq!(
            asked("LIBRARY/2019/PoliticalAds.zip?country=United+States").unwrap(),
            "LIBRARY/2019/PoliticalAds.zip"
        );
    }

    #[test]
    fn a_seed_that_means_nothing_is_refused() {
        for query in ["?country=CA", "?country=", "?countries=canada", "?country=canada&country=france", "/"] {
            asked(&format!("LIBRARY/2026/PoliticalAds.zip{query}")).unwrap_err();
        }
        asked("canada").unwrap_err();
    }
}
