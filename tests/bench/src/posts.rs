//! Collects generated posts, so that segments for measuring ingest are made the way all segments are: by the kit, through the gate.
//!
//! A target's seed answers `{"posts": […]}`; ids are the generator's and name no host. Misses nothing, leaves nothing out.

use jiff::Timestamp;
use kit::{About, Answer, Ask, Collector, Halt, Place, Reading, Record, Request, Unreadable};
use schemas::record::{Author, ClaimedTime, Kind};
use serde::Deserialize;

struct Posts;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    posts: Vec<Post>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Post {
    id: String,
    platform: String,
    author: String,
    lang: String,
    published: i64,
    #[serde(rename = "collected")]
    _collected: i64,
    url: String,
    text: String,
}

impl Post {
    fn record(self) -> Result<Record, jiff::Error> {
        let mut record = Record::new(Kind::Post, self.platform, self.id);
        record.url = Some(self.url);
        record.author = Some(Author { id: Some(self.author), ..Author::default() });
        let at = Timestamp::from_second(self.published)?;
        record.published_at = Some(ClaimedTime { raw: self.published.to_string(), at: Some(at), local: None });
        record.language = Some(self.lang);
        record.text = Some(self.text);
        Ok(record)
    }
}

impl Collector for Posts {
    const NAME: &'static str = "posts";
    type Cursor = ();
    type Step = ();

    fn about(&self) -> About {
        About { misses: "nothing: what it reads is generated".to_owned(), ..About::of("Generated posts") }
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Result<Vec<Request<()>>, Unreadable> {
        Ok(vec![Request::get(&ask.target.url, ())])
    }

    fn read(&self, answer: &Answer<'_, ()>, out: &mut Reading<'_, Self>) -> Result<(), Halt<()>> {
        let page: Page = answer.json()?;
        for (n, post) in page.posts.into_iter().enumerate() {
            match post.record() {
                Ok(record) => out.record(Place::Json("/posts", n), record),
                Err(why) => out.unreadable(Place::Json("/posts", n), why),
            }
        }
        Ok(())
    }
}

fn main() -> std::process::ExitCode {
    kit::run(Posts)
}
