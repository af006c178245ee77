//! Collects what news sites worldwide published, as GDELT lists it for a named query.
//!
//! Source: article lists of GDELT's DOC 2.0 API. A seed is `https://api.gdeltproject.org/api/v2/doc/doc?query=WORDS`
//! and nothing else; the words are GDELT's own (`domain:`, `sourcelang:`, `sourcecountry:`, `theme:`, …).
//! One article is one record of the platform `gdelt`. Its id is its address exactly as GDELT writes it: there is no other name.
//! A list is where to look, and no evidence: the article itself was not fetched, and its title is as GDELT read it.
//!
//! **When**: GDELT says when it *saw* an article, not when that was published. So `published_at` stays absent, and the
//! instant is `volatile_seen_by_gdelt_at` in `extra`: seeing an article again is no new revision of it.
//! Further in `extra`: `language` and `outlet_country`, in GDELT's English words ("French", "Canada"; a tag for the
//! language would be a guess). The author is the outlet's domain.
//!
//! **Without gaps**: time is asked for in slices, oldest first, and what was read whole is settled. A list of 250 was cut
//! and has no second page: half the time is asked for in its place. Below a quarter of an hour, in which GDELT adds
//! articles at once, that would not help: the slice is kept, told as partial, and passed.
//!
//! Misses: articles that GDELT does not crawl, or lists more than an hour after it saw them.
//! Left out on purpose: `url_mobile`, another address of the same article; the 15-minute files, a source of their own.

mod parse;

use jiff::{SignedDuration, Timestamp};
use kit::{About, Answer, Ask, Collector, Halt, Json as _, Place, Reading, Request, Unreadable, Work};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

/// The longest list that GDELT gives. Source: the API's documentation.
const LONGEST_LIST: usize = 250;
/// A slice below this is not halved: GDELT adds articles every 15 minutes.
const SHORTEST: SignedDuration = SignedDuration::from_mins(15);
/// How far back a first run looks, and the longest slice.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Time younger than this is asked for again: an article may be listed some time after it was seen. Our estimate.
const SETTLES: SignedDuration = SignedDuration::from_hours(1);
/// GDELT promises nothing about older articles. Source: the API's documentation, "three months".
const REACH: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The collector.
pub struct Gdelt;

/// Where the next run goes on.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Everything before was read whole, or told as partial. Absent before the first run.
    complete_to: Option<Timestamp>,
    /// How much time a list is likely to hold.
    span: Option<SignedDuration>,
}

/// A slice of time, and how far the walk goes.
#[derive(Clone, Serialize, Deserialize)]
pub struct Slice {
    from: Timestamp,
    span: SignedDuration,
    until: Timestamp,
}

impl Slice {
    fn to(&self) -> Timestamp {
        self.until.min(self.from + self.span)
    }

    fn request(self, seed: &str) -> Result<Request<Self>, Unreadable> {
        let url = Url::parse(seed).map_err(|why| Unreadable::new("seed", why))?;
        if !matches!(&*url.query_pairs().collect::<Vec<_>>(), [(name, words)] if name == "query" && !words.is_empty()) {
            return Err(Unreadable::new("seed", "is no `https://api.gdeltproject.org/api/v2/doc/doc?query=WORDS`"));
        }
        let (from, to) = (self.from.strftime("%Y%m%d%H%M%S"), self.to().strftime("%Y%m%d%H%M%S"));
        let list = format!("mode=artlist&format=json&sort=datedesc&maxrecords={LONGEST_LIST}");
        Ok(Request::get(format!("{url}&{list}&startdatetime={from}&enddatetime={to}"), self))
    }
}

impl Collector for Gdelt {
    const NAME: &'static str = "gdelt";
    type Cursor = Progress;
    type Step = Slice;

    fn about(&self) -> About {
        About {
            windows: true,
            misses: "what GDELT does not crawl, or lists late; articles beyond 250 in a quarter of an hour".to_owned(),
            ..About::of("Articles of news sites worldwide that fit a query, as GDELT lists them")
        }
    }

    fn plan(&self, ask: &Ask<'_, Progress>) -> Result<Vec<Request<Slice>>, Unreadable> {
        let (from, span, until) = match ask.work {
            Work::Poll => {
                // What lies ahead was said by a clock that was set back since.
                let from = ask.cursor.complete_to.map_or(ask.now - DAY, |to| to.min(ask.now - SETTLES));
                (from, ask.cursor.span.unwrap_or(DAY), ask.now)
            }
            Work::Window { from, to } => (from, DAY, to),
            Work::Items { .. } => return Ok(Vec::new()),
        };
        Ok(vec![Slice { from, span, until }.request(&ask.target.url)?])
    }

    fn read(&self, answer: &Answer<'_, Slice>, out: &mut Reading<'_, Self>) -> Result<(), Halt<Slice>> {
        let page: Option<Value> = match answer.json() {
            Ok(page) => Some(page),
            Err(_) if parse::is_too_short(answer) => None,
            Err(halt) => return Err(parse::prose(answer, halt)),
        };
        let measured = page.is_some();
        let page = page.unwrap_or_else(|| json!({}));
        let articles = if page == json!({}) { &[] } else { page.list("/articles")? };
        for (n, article) in articles.iter().enumerate() {
            out.item(Place::Json("/articles", n), parse::record(article));
        }
        if measured && articles.is_empty() {
            out.empty("GDELT lists no article of this time that fits the query");
        }

        let Slice { from, span, until } = *answer.step;
        let (to, seed) = (answer.step.to(), &answer.target.url);
        if !measured {
            // Asked for again it would be as short, and nothing after it would ever be collected.
            out.cut(format!("GDELT does not list a time as short as from {from} to {to}"));
        }
        if articles.len() >= LONGEST_LIST {
            let asked = to.duration_since(from);
            if asked >= SHORTEST {
                out.next(Slice { from, span: asked / 2, until }.request(seed)?);
                return Ok(());
            }
            out.cut(format!("GDELT lists 250 of the articles it saw from {from} to {to}, and no more"));
        }
        if from < answer.captured_at - REACH {
            out.cut("GDELT promises its articles of the last three months only");
        }
        let span = (span * 2).min(DAY);
        out.milestone(Progress { complete_to: Some(to.min(until - SETTLES)), span: Some(span) });
        if to < until {
            out.next(Slice { from: to, span, until }.request(seed)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_request(seed: &str) -> Result<String, String> {
        planned(seed, &Progress::default())
    }

    fn planned(seed: &str, cursor: &Progress) -> Result<String, String> {
        let url = seed.to_owned();
        let target = kit::contract::Target { id: "t".into(), entry: "t".into(), url, recipe: None, own_terms: false };
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        let ask = Ask { target: &target, work: Work::Poll, cursor, now };
        Gdelt.plan(&ask).map(|requests| requests[0].url.clone()).map_err(|why| why.to_string())
    }

    #[test]
    fn a_seed_is_a_query_and_the_time_is_ours() {
        let seed = "https://gdelt.example.org/api/v2/doc/doc?query=(harbour%20OR%20port)%20sourcecountry:canada";
        let asked = first_request(seed).unwrap();
        assert!(asked.starts_with(seed), "{asked}");
        assert!(asked.ends_with("&startdatetime=20261120120000&enddatetime=20261121120000"), "{asked}");
    }

    #[test]
    fn a_seed_without_a_query_or_with_more_is_refused() {
        for rest in ["", "?query=", "?query=harbour&timespan=24h", "?mode=artlist"] {
            let refused = first_request(&format!("https://gdelt.example.org/api/v2/doc/doc{rest}")).unwrap_err();
            assert!(refused.starts_with("seed: is no"), "{refused}");
        }
    }

    #[test]
    fn what_a_clock_that_ran_ahead_called_complete_is_not_believed() {
        let ahead = Progress { complete_to: Some("2026-11-22T11:00:00Z".parse().unwrap()), span: None };
        let asked = planned("https://gdelt.example.org/api/v2/doc/doc?query=harbour", &ahead).unwrap();
        assert!(asked.ends_with("&startdatetime=20261121110000&enddatetime=20261121120000"), "{asked}");
    }
}
