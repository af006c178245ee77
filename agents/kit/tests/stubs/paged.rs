//! A search by POST, day by day, with a token and billed units.

use std::collections::BTreeSet;

use kit::{
    About, Answer, Ask, Collector, Flow, Halt, Place, Reading, Record, Refill, Request, Slot, SlotPlace, Unit,
    Unreadable, Work,
};
use schemas::record::Kind;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct Paged;

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Days {
    done: BTreeSet<String>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    day: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// Items to a page; halved when the source says it is too much.
    limit: u32,
}

#[derive(Deserialize)]
struct Found {
    videos: Vec<Video>,
    count: u64,
    after: After,
    quota: Quota,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum After {
    End,
    Token(String),
}

#[derive(Deserialize)]
struct Quota {
    used: u64,
}

#[derive(Deserialize)]
struct Video {
    id: String,
    description: String,
    likes: u64,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
}

fn request(url: &str, page: Page) -> Request<Page> {
    let query = json!({ "day": page.day, "limit": page.limit, "token": page.token });
    Request::query(url, &query, page).with("search").reserve("points", 5).accept("application/json", "")
}

impl Collector for Paged {
    const NAME: &'static str = "stub-paged";
    type Cursor = Days;
    type Step = Page;

    fn about(&self) -> About {
        About {
            queries: vec!["https://api.example.org/v1/search".to_owned()],
            units: vec![Unit { name: "points".to_owned(), amount: 1_000, refill: Refill::Midnight("UTC".to_owned()) }],
            slots: vec![Slot {
                name: "search".to_owned(),
                place: SlotPlace::Bearer,
                flow: Flow::Static,
                quota_by_403: false,
            }],
            ..About::of("Videos by day")
        }
    }

    fn plan(&self, ask: &Ask<'_, Days>) -> Result<Vec<Request<Page>>, Unreadable> {
        let Work::Poll = ask.work else {
            return Ok(Vec::new());
        };
        let day = ask.now.to_string().chars().take(10).collect::<String>();
        if ask.cursor.done.contains(&day) {
            return Ok(Vec::new());
        }
        Ok(vec![request(&ask.target.url, Page { day, token: None, limit: 4 })])
    }

    fn read(&self, answer: &Answer<'_, Page>, out: &mut Reading<'_, Self>) -> Result<(), Halt<Page>> {
        if answer.status() == 400 {
            let problem: Problem = answer.parse()?;
            return Err(match problem.code.as_str() {
                "too_much" if answer.step.limit > 1 => {
                    let page = Page { limit: answer.step.limit / 2, ..answer.step.clone() };
                    Halt::instead(request(&answer.target.url, page))
                }
                "not_ready" => Halt::NotYet { wait_secs: 5, tries: 3, or_else: None },
                other => Halt::unreadable("/code", format_args!("`{other}` is not a code this reader knows")),
            });
        }
        let found: Found = answer.json()?;
        out.spent("points", found.quota.used);
        out.promised(found.count);
        for (index, video) in found.videos.iter().enumerate() {
            let place = Place::Json("/videos", index);
            if video.id.is_empty() {
                out.unreadable(place, "a video without an id");
                continue;
            }
            let mut record = Record::new(Kind::Video, "stub", &video.id);
            record.text = Some(video.description.clone());
            record.metrics.insert("likes".to_owned(), video.likes);
            out.record(place, record);
        }
        if answer.step.token.is_none() {
            out.cursor(Days { done: [answer.step.day.clone()].into() });
        }
        match found.after {
            After::Token(token) if token.is_empty() => {
                return Err(Halt::unreadable("/after/token", "is empty"));
            }
            After::Token(token) => {
                out.next(request(&answer.target.url, Page { token: Some(token), ..answer.step.clone() }))
            }
            After::End if found.videos.is_empty() => out.empty("no videos on this day"),
            After::End => {}
        }
        Ok(())
    }

    fn merge(mut old: Days, new: Days) -> Days {
        old.done.extend(new.done);
        old
    }
}
