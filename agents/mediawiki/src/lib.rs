//! How are the edits of pages of a MediaWiki wiki collected?
//!
//! **Seeds** are the wiki's `api.php` with one `rctitle`, or without it with other filters of `recentchanges` (`rcnamespace`, `rcuser`, `rctag`,
//! `rcshow`): `https://en.wikipedia.org/w/api.php?rctitle=Example_article`. An entry's `match` covers `api.php`.
//!
//! **Ids.** A revision is `HOST/PATH:REVID`, where `HOST/PATH/api.php` answered (`en.wikipedia.org/w:1300000002`): revision ids count per wiki.
//! An author is `HOST/PATH:NAME`; whoever has no account is named by an IP address or a temporary name, as the wiki does.
//!
//! **Walk.** `list=recentchanges`, newest first, back while a page holds something new. It is taken rather than `prop=revisions` for its bot flag
//! and because it ends by itself. `prop=info` rides along, so that a title nobody has is told from a page nobody edits.
//!
//! **Missed** is what the manifest says. **Left out** on purpose: `log` and `categorize` entries, text and diffs of pages. An edit of which
//! anything is hidden (`suppressed`, `userhidden`, `commenthidden`) is gone. In `extra`: `type`, `minor`, `bot`, `old_revid`, `oldlen`, `newlen`;
//! `volatile_tags`, because wikis tag an edit long after it was made.
//!
//! Not yet tried against a wiki: the answers in `fixtures/` are invented after the documented form.

pub mod parse;

use std::collections::BTreeMap;

use kit::{About, Absent, Answer, Ask, Collector, Halt, Json as _, Place, Reading, Request, Scope, Unreadable};
use serde_json::Value;
use url::Url;

/// Platform of every record.
pub const PLATFORM: &str = "mediawiki";

const FILTERS: [&str; 5] = ["rctitle", "rcnamespace", "rcuser", "rctag", "rcshow"];
const ASKED: &str = "action=query&format=json&formatversion=2&maxlag=5&prop=info&list=recentchanges&rctype=edit|new&rcdir=older&rclimit=50\
                     &rcprop=title|ids|timestamp|user|comment|flags|sizes|tags";

/// Collects recent changes; the crate's documentation says how.
pub struct Mediawiki;

/// The seed's filters with what is always asked, and what `more` says to go on with.
fn address(seed: &str, more: &BTreeMap<String, String>) -> Result<String, Unreadable> {
    let mut url = Url::parse(seed)?;
    let filters: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    if !url.path().ends_with("/api.php")
        || filters.is_empty()
        || !filters.keys().all(|key| FILTERS.contains(&key.as_str()))
    {
        return Err(Unreadable::new("seed", "is no api.php with filters of recentchanges, such as rctitle"));
    }
    let titles = filters.get("rctitle").map(|title| ("titles", title));
    url.set_query(Some(ASKED));
    url.query_pairs_mut().extend_pairs(titles).extend_pairs(&filters).extend_pairs(more);
    Ok(url.into())
}

/// What the wiki says in place of an answer.
fn refusal(page: &Value, answer: &Answer<'_, ()>) -> Result<Halt<()>, Unreadable> {
    let (code, info): (&str, &str) = (page.need("/error/code")?, page.need("/error/info")?);
    let why = format!("{code}: {info}");
    Ok(match code {
        "maxlag" | "ratelimited" | "readonly" => Halt::SlowDown { until: answer.retry_after(60), scope: Scope::Host },
        "readapidenied" | "blocked" | "autoblocked" | "permissiondenied" => Halt::Blocked(why),
        code if code.starts_with("internal_api_error") => Halt::NotYet { wait_secs: 60, tries: 3, or_else: None },
        _ => answer.unreadable("/error", why),
    })
}

impl Collector for Mediawiki {
    const NAME: &'static str = "mediawiki";
    type Cursor = ();
    type Step = ();

    fn about(&self) -> About {
        About {
            overlap: true,
            misses: "edits older than the wiki's recent changes (about 30 days at Wikimedia) at the first look; edits of a page since moved or deleted; \
                     what is hidden once newer edits fill the first page"
                .to_owned(),
            ..About::of("Edits of named pages of MediaWiki wikis")
        }
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Result<Vec<Request<()>>, Unreadable> {
        Ok(vec![Request::get(address(&ask.target.url, &BTreeMap::new())?, ())])
    }

    fn read(&self, answer: &Answer<'_, ()>, out: &mut Reading<'_, Self>) -> Result<(), Halt<()>> {
        let page: Value = answer.json()?;
        if page.get("error").is_some() {
            return Err(refusal(&page, answer)?);
        }
        let changes = page.list("/query/recentchanges")?;
        match (answer.target.url.contains("rctitle="), page.maybe_list("/query/pages")?) {
            (false, None) => {}
            (true, Some([page])) if page.get("missing").or_else(|| page.get("invalid")).is_none() => {}
            (true, Some([_])) => return Err(Halt::Gone(Absent::Asked { why: "no page has this title".to_owned() })),
            _ => return Err(answer.unreadable("/query/pages", "is not the page asked for")),
        }
        let wiki = answer.url.as_str().split_once("/api.php").ok_or_else(|| Unreadable::missing("api.php"))?.0;
        let mut stands = false;
        for (n, entry) in changes.iter().enumerate() {
            let place = Place::Json("/query/recentchanges", n);
            match parse::change(wiki, entry, place, out) {
                Ok(edit) => stands |= edit,
                Err(why) => out.unreadable(place, why),
            }
        }
        if changes.is_empty() {
            out.empty("recentchanges is an empty list");
        }
        match page.maybe::<BTreeMap<_, _>>("/continue")? {
            Some(more) if more.contains_key("rccontinue") => {
                let older = Request::get(address(&answer.target.url, &more)?, ());
                // A page that filters left empty, or of hidden edits alone, lists nothing new and says nothing of the pages below.
                out.next(if stands { older.while_new() } else { older });
            }
            Some(_) => return Err(Unreadable::missing("/continue/rccontinue").into()),
            None if page.maybe("/batchcomplete")? == Some(true) => {}
            None => out.cut("neither batchcomplete nor continue"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::address;

    #[test]
    fn seed_is_an_api_with_filters_and_nothing_else() {
        for (seed, end) in [
            ("https://wiki.example.org/w/api.php?rctitle=A%26B", "&titles=A%26B&rctitle=A%26B"),
            ("https://wiki.example.org/api.php?rctag=x&rcnamespace=0", "&rcnamespace=0&rctag=x"),
        ] {
            assert!(address(seed, &BTreeMap::new()).unwrap().ends_with(end), "{seed}");
        }
        for seed in ["Example", "https://wiki.example.org/w/api.php", "https://wiki.example.org/wiki/Example?rctitle=A"]
        {
            assert!(address(seed, &BTreeMap::new()).is_err(), "{seed}");
        }
        assert!(address("https://wiki.example.org/w/api.php?rctitle=A&action=edit", &BTreeMap::new()).is_err());
    }
}
