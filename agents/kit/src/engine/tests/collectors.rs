//! Invented collectors.

use serde::{Deserialize, Serialize};

use crate::contract::{About, Answer, Ask, Collector, Halt, Place, Reading, Request, Unreadable, What, Work};
use schemas::record::{Kind, Record};

/// Pages of a listing, an article behind every entry: `{"articles":[1,2],"next":2,"newest":9}`, `{"id":1,"title":"…"}`.
pub struct Listing;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Page,
    Article,
}

#[derive(Deserialize)]
struct Page {
    articles: Vec<u64>,
    next: Option<u64>,
    newest: Option<u64>,
}

#[derive(Deserialize)]
struct Article {
    id: u64,
    title: String,
}

pub fn page_url(n: u64) -> String {
    format!("https://news.example.org/list?page={n}")
}

pub fn article_url(n: u64) -> String {
    format!("https://news.example.org/article/{n}")
}

impl Collector for Listing {
    const NAME: &'static str = "listing";
    type Cursor = u64;
    type Step = Step;

    fn about(&self) -> About {
        About::of("an invented listing")
    }

    fn plan(&self, _: &Ask<'_, u64>) -> Result<Vec<Request<Step>>, Unreadable> {
        Ok(vec![Request::get(page_url(1), Step::Page)])
    }

    fn read(&self, answer: &Answer<'_, Step>, out: &mut Reading<'_, Self>) -> Result<(), Halt<Step>> {
        match answer.step {
            Step::Page => {
                let page: Page = answer.json()?;
                for id in &page.articles {
                    out.also(Request::get(article_url(*id), Step::Article).unless_known(article_url(*id)));
                }
                if page.articles.is_empty() {
                    out.empty("no articles");
                }
                if let Some(next) = page.next {
                    out.next(Request::get(page_url(next), Step::Page).while_new());
                }
                if let Some(newest) = page.newest {
                    out.cursor(newest);
                }
            }
            Step::Article => {
                let article: Article = answer.json()?;
                let mut record = Record::new(Kind::Article, "web", article.id.to_string());
                record.title = Some(article.title);
                out.record(Place::Whole, record);
            }
        }
        Ok(())
    }

    fn merge(old: u64, new: u64) -> u64 {
        old.max(new)
    }
}

/// One page of posts; wanted items are described one by one; halts by the text of the answer.
pub struct Feed;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Posts(Vec<u64>),
    /// So many, each with a text of a MiB.
    Long(u64),
    /// Asked for by what they repeat.
    Reposts(Vec<u64>),
    Withdrawn(u64),
    Empty,
    Want(Vec<u64>),
    NotYet(u32),
    Smaller(u32),
    SlowDown(i64),
    Loop,
    Promise(u64),
    Snapshot(Vec<u64>),
    /// The same, and asked for once more.
    SnapshotTwice(Vec<u64>),
    Gone,
}

/// To which no seed means anything.
pub struct Particular;

impl Collector for Particular {
    const NAME: &'static str = "posts";
    type Cursor = ();
    type Step = ();

    fn about(&self) -> About {
        About::of("nothing")
    }

    fn plan(&self, _: &Ask<'_, ()>) -> Result<Vec<Request<()>>, Unreadable> {
        Err(Unreadable::new("seed", "is no timeline"))
    }

    fn read(&self, _: &Answer<'_, ()>, _: &mut Reading<'_, Self>) -> Result<(), Halt<()>> {
        Ok(())
    }
}

impl Collector for Feed {
    const NAME: &'static str = "posts";
    type Cursor = ();
    type Step = u32;

    fn about(&self) -> About {
        About { overlap: true, ..About::of("an invented feed") }
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Result<Vec<Request<u32>>, Unreadable> {
        Ok(match &ask.work {
            Work::Items { due, .. } => due
                .iter()
                .map(|known| Request::get(format!("https://news.example.org/post/{}", known.handle), 0))
                .collect(),
            _ => vec![Request::get(&ask.target.url, 0).if_changed()],
        })
    }

    fn read(&self, answer: &Answer<'_, u32>, out: &mut Reading<'_, Self>) -> Result<(), Halt<u32>> {
        let post = |id: &u64| {
            let mut record = Record::new(Kind::Post, "posts", id.to_string());
            record.handle = Some(id.to_string());
            record
        };
        let mut posts = |ids: &[u64]| ids.iter().for_each(|id| out.record(Place::Whole, post(id)));
        let said = if answer.status() == 403 { answer.parse() } else { answer.json() };
        match said? {
            Said::Posts(ids) => posts(&ids),
            Said::Long(count) => (0..count).for_each(|id| {
                out.record(Place::Whole, Record { text: Some("x".repeat(1 << 20)), ..post(&id) });
            }),
            Said::Reposts(ids) => ids.iter().for_each(|id| {
                out.record(Place::Whole, Record { id: format!("repost-{id}"), ..post(id) });
            }),
            Said::Withdrawn(id) => {
                let what = What::Record { platform: "posts".to_owned(), id: id.to_string() };
                out.gone(Place::Whole, what, "deleted");
            }
            Said::Snapshot(ids) => {
                posts(&ids);
                out.snapshot("all");
            }
            Said::SnapshotTwice(ids) => {
                posts(&ids);
                out.snapshot("all");
                out.next(Request::get("https://news.example.org/again", 0));
            }
            Said::Promise(n) => {
                posts(&[1]);
                out.promised(n);
            }
            Said::Empty => out.empty("no posts"),
            Said::Want(ids) => ids.iter().for_each(|id| out.want(id.to_string(), id.to_string())),
            Said::NotYet(tries) => {
                let other = Request::get("https://news.example.org/other", 0);
                return Err(Halt::NotYet { wait_secs: 5, tries, or_else: Some(Box::new(other)) });
            }
            Said::Smaller(step) => {
                return Err(Halt::instead(Request::get(
                    format!("https://news.example.org/list?smaller={step}"),
                    step + 1,
                )));
            }
            Said::SlowDown(secs) => {
                let until = answer.captured_at.checked_add(jiff::SignedDuration::from_secs(secs)).unwrap();
                return Err(Halt::SlowDown { until, scope: crate::contract::Scope::Host });
            }
            Said::Loop => {
                posts(&[1]);
                out.next(Request::get("https://news.example.org/list", 0));
            }
            Said::Gone => {
                return Err(Halt::Gone(crate::contract::Absent::Asked { why: "404".into() }));
            }
        }
        Ok(())
    }
}
