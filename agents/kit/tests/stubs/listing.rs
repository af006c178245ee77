//! A page that lists articles, and the articles.

use kit::{About, Answer, Ask, Collector, Halt, Place, Reading, Record, Request, Unreadable};
use schemas::record::Kind;
use scraper::{Html, Selector};
use serde::{Deserialize, Serialize};

pub struct Listing;

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Page,
    Article { listed_at: String },
}

fn select<'a>(page: &'a Html, selector: &str) -> Vec<scraper::ElementRef<'a>> {
    let selector = Selector::parse(selector).expect("selectors here are constants");
    page.select(&selector).collect()
}

impl Listing {
    fn page(&self, answer: &Answer<'_, Step>, page: &Html, out: &mut Reading<'_, Self>) -> Result<(), Halt<Step>> {
        for (index, link) in select(page, "main a.entry").into_iter().enumerate() {
            match link.value().attr("href").map(|href| answer.url.join(href)) {
                Some(Ok(url)) => {
                    let step = Step::Article { listed_at: answer.url.to_string() };
                    out.also(Request::get(&url, step).unless_known(url.as_str()));
                }
                _ => out.unreadable(Place::Css("main a.entry", index), "a link without an address"),
            }
        }
        if !select(page, "main p.none").is_empty() {
            out.empty("the page says there are no entries");
        }
        if let Some(older) = select(page, "main a.older").first().and_then(|link| link.value().attr("href")) {
            out.next(Request::get(answer.url.join(older)?, Step::Page).while_new());
        }
        Ok(())
    }
}

impl Collector for Listing {
    const NAME: &'static str = "stub-listing";
    type Cursor = ();
    type Step = Step;

    fn about(&self) -> About {
        About { overlap: true, ..About::of("Articles of a site") }
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Result<Vec<Request<Step>>, Unreadable> {
        Ok(vec![Request::get(&ask.target.url, Step::Page).accept("text/html", "en")])
    }

    fn read(&self, answer: &Answer<'_, Step>, out: &mut Reading<'_, Self>) -> Result<(), Halt<Step>> {
        // HTML parsers mend what is cut off, so the end has to be looked for before they are asked.
        if !answer.text()?.trim_end().ends_with("</html>") {
            return Err(answer.unreadable("body", "the page ends early"));
        }
        let page = answer.html()?;
        match answer.step {
            Step::Page => self.page(answer, &page, out),
            Step::Article { .. } => {
                let title = select(&page, "article h1").first().map(|title| title.text().collect::<String>());
                let Some(title) = title else {
                    return Err(answer.unreadable("article h1", "is missing"));
                };
                let mut record = Record::new(Kind::Article, "web", answer.url.as_str());
                record.url = Some(answer.url.to_string());
                record.title = Some(title.trim().to_owned());
                record.text = select(&page, "article p").first().map(|text| text.text().collect());
                out.record(Place::Css("article", 0), record);
                Ok(())
            }
        }
    }
}
