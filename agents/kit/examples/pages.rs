//! The smallest whole agent: one page of links, one record a link. Collects `{"items":[{"id":"1","title":"…"}]}` from the seed.
//!
//! Misses: whatever leaves the page between two runs. Left out on purpose: everything else; it shows the shape and serves the kit's tests.

use kit::{About, Answer, Ask, Collector, Halt, Place, Reading, Record, Request, Unreadable, Work};
use schemas::record::Kind;
use serde::Deserialize;

fn main() -> std::process::ExitCode {
    kit::run(Pages)
}

struct Pages;

#[derive(Deserialize)]
struct Page {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    title: String,
}

impl Collector for Pages {
    const NAME: &'static str = "pages";
    type Cursor = ();
    type Step = ();

    fn about(&self) -> About {
        About { overlap: true, windows: true, ..About::of("a page of items, as JSON") }
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Result<Vec<Request<()>>, Unreadable> {
        Ok(match ask.work {
            Work::Window { from, to } => {
                let url = format!("{}?from={from}&to={to}", ask.target.url);
                vec![Request::get(url, ())]
            }
            _ => vec![Request::get(&ask.target.url, ()).if_changed()],
        })
    }

    fn read(&self, answer: &Answer<'_, ()>, out: &mut Reading<'_, Self>) -> Result<(), Halt<()>> {
        let page: Page = answer.json()?;
        if page.items.is_empty() {
            out.empty("a page without items");
        }
        for (at, item) in page.items.into_iter().enumerate() {
            let mut record = Record::new(Kind::Article, "web", item.id);
            record.title = Some(item.title);
            out.record(Place::Json("/items", at), record);
        }
        Ok(())
    }
}
