//! How are the uploads of a YouTube channel collected?
//!
//! **Seeds** are channels, `https://youtube.googleapis.com/youtube/v3/channels?id=UC…`, never handles, which change hands. `&first=1000` after it bounds
//! the first look, which is 200 videos deep otherwise.
//!
//! **Ids** are the videos' own, letter for letter.
//!
//! **Walk.** At first the channel, which names its list of uploads; from then on that list, newest first, while a page holds something new. What is new
//! is described 50 at a time. Each request costs one unit, whatever it brings.
//!
//! **Again** within the 30 days that the API's terms give. Gone is what it leaves out, even asked for alone, while the channel, asked for after that, is
//! shown. While it is not, nothing is gone: the list of its uploads is not there either, and coverage says so of the target.
//!
//! **Missed**: videos removed before they were listed, or put into the list below 50 that are known. **Left out** on purpose: search (a quota of its own,
//! and no completeness), comments (private people speak there), what is not public, pictures and films themselves.
//!
//! In `extra`: `duration` (ISO 8601), `paid_promotion` and `synthetic_media` as the API marks them, `volatile_live` (`upcoming`, `live`, `none`).
//! `language` is the sound's where it is named, else the text's.
//!
//! A 403 that says that the quota is used up, which others may share, is a pause: until the day's units come back, or as long as the API says.
//!
//! Not yet tried against the service: `fixtures/` are invented; real answers of other requests are read in `tests/real.rs`.

use kit::{
    About, Absent, Answer, Ask, Collector, Flow, Halt, Json as _, Place, Reading, Refill, Request, Scope, Slot,
    SlotPlace, Unit, Unreadable, What, Work,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::form_urlencoded::Serializer;

pub mod parse;

/// Whose ids these are.
const PLATFORM: &str = "youtube";
/// The credential: an API key.
const KEY: &str = "key";
/// What the API bills: a list costs one, whatever it holds.
const UNITS: &str = "units";
/// What is asked of a video: one unit, however much it is.
const PARTS: &str = "snippet,contentDetails,status,statistics,paidProductPlacementDetails";
/// Words of an error that refuse the key itself.
const KEY_REFUSED: [&str; 2] = ["keyInvalid", "API_KEY_INVALID"];
const DAY_SECS: u32 = 86_400;
/// The API's largest page.
const PAGE: u32 = 50;

/// The collector.
pub struct Youtube;

/// What is true across runs.
#[derive(Serialize, Deserialize, Default, Clone)]
pub struct Cursor {
    /// The channel's list of uploads, once it was read down to its bound.
    uploads: Option<String>,
}

/// Why a request was made.
#[derive(Serialize, Deserialize, Clone)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Which list holds the channel's uploads?
    Channel,
    /// What is in that list?
    Uploads {
        /// Its id.
        list: String,
        /// How many pages may be read, this one included.
        pages: u32,
        /// Whether a request before this one found the channel or its list.
        under_way: bool,
    },
    /// What are these videos?
    Videos {
        /// Those that are asked for.
        ids: Vec<String>,
        /// Left out of several, to be asked for alone after these.
        left: Vec<String>,
        /// Left out, also alone.
        absent: Vec<String>,
    },
    /// Is the channel shown, so that these are gone?
    Absent(Vec<String>),
}

/// The API and the channel that a seed names: `https://youtube.googleapis.com/youtube/v3/channels?id=UC…`, with `&first=1000` for a longer first look.
struct Api<'a> {
    base: &'a str,
    channel: &'a str,
    first: u32,
}

impl<'a> Api<'a> {
    fn of(seed: &'a str) -> Result<Self, Unreadable> {
        let odd = || {
            Unreadable::new("seed", "is no …/youtube/v3/channels?id=UC… (an id; a handle can pass to another channel)")
        };
        let (base, query) = seed.split_once("/channels?id=").ok_or_else(odd)?;
        let (channel, first) = query.split_once("&first=").unwrap_or((query, "200"));
        let first = first.parse().map_err(|why| Unreadable::new("seed: first", why))?;
        let plain = channel.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let is_id = plain && channel.len() == 24 && channel.starts_with("UC");
        if is_id { Ok(Self { base, channel, first }) } else { Err(odd()) }
    }

    fn get(&self, method: &str, query: &[(&str, &str)], step: Step) -> Request<Step> {
        let query = Serializer::new(String::new()).extend_pairs(query).finish();
        Request::get(format!("{}/{method}?{query}", self.base), step).with(KEY).reserve(UNITS, 1)
    }

    fn channel(&self, step: Step) -> Request<Step> {
        self.get("channels", &[("part", "contentDetails"), ("id", self.channel)], step)
    }

    fn uploads(&self, list: &str, token: Option<&str>, pages: u32, under_way: bool) -> Request<Step> {
        let mut query = vec![("part", "contentDetails"), ("maxResults", "50"), ("playlistId", list)];
        query.extend(token.map(|token| ("pageToken", token)));
        self.get("playlistItems", &query, Step::Uploads { list: list.to_owned(), pages, under_way })
    }

    fn videos(&self, ids: Vec<String>, left: Vec<String>, absent: Vec<String>) -> Request<Step> {
        self.get("videos", &[("part", PARTS), ("id", &ids.join(","))], Step::Videos { ids, left, absent })
    }
}

impl Collector for Youtube {
    const NAME: &'static str = "youtube";
    type Cursor = Cursor;
    type Step = Step;

    fn about(&self) -> About {
        About {
            misses: "videos removed before they were listed; at the first look, what lies below the newest 200"
                .to_owned(),
            units: vec![Unit { name: UNITS.to_owned(), amount: 10_000, refill: refill() }],
            slots: vec![Slot {
                name: KEY.to_owned(),
                place: SlotPlace::Query("key".to_owned()),
                flow: Flow::Static,
                quota_by_403: true,
            }],
            recheck_after_secs: [1, 2, 4, 8, 14].map(|days| days * DAY_SECS).to_vec(),
            ..About::of("Uploads of named YouTube channels, by the Data API v3")
        }
    }

    fn plan(&self, ask: &Ask<'_, Cursor>) -> Result<Vec<Request<Step>>, Unreadable> {
        let api = Api::of(&ask.target.url)?;
        Ok(vec![match (&ask.work, &ask.cursor.uploads) {
            (Work::Items { due, .. }, _) => {
                api.videos(due.iter().map(|known| known.id.clone()).collect(), vec![], vec![])
            }
            (_, None) => api.channel(Step::Channel),
            (_, Some(list)) => api.uploads(list, None, u32::MAX, false),
        }])
    }

    fn read(&self, answer: &Answer<'_, Step>, out: &mut Reading<'_, Self>) -> Result<(), Halt<Step>> {
        let api = Api::of(&answer.target.url)?;
        refused(answer)?;
        let json: Value = answer.json()?;
        let items = parse::items(&json)?;
        match answer.step {
            Step::Channel => {
                let Some(channel) = items.first() else {
                    return Err(Halt::Gone(Absent::Asked { why: "the API shows no channel of this id".to_owned() }));
                };
                let list: String = channel.need("/contentDetails/relatedPlaylists/uploads")?;
                out.next(api.uploads(&list, None, api.first.div_ceil(PAGE), true));
                out.cursor(Cursor { uploads: Some(list) });
            }
            Step::Uploads { list, pages, .. } => {
                for (n, item) in items.iter().enumerate() {
                    match item.need::<&str>("/contentDetails/videoId") {
                        Ok(id) => out.want(id, id),
                        Err(why) => out.unreadable(Place::Json("/items", n), why),
                    }
                }
                match json.maybe("/nextPageToken")? {
                    Some(token) if *pages > 1 => out.next(api.uploads(list, Some(token), pages - 1, true).while_new()),
                    _ if items.is_empty() => out.empty("totalResults is 0"),
                    _ => {}
                }
            }
            Step::Videos { ids, left, absent } => {
                for (n, item) in items.iter().enumerate() {
                    out.item(Place::Json("/items", n), parse::video(item));
                }
                let (mut left, mut absent) = (left.clone(), absent.clone());
                match ids.as_slice() {
                    [alone] if items.is_empty() => absent.push(alone.clone()),
                    [_] => {}
                    several => {
                        left.extend(several.iter().filter(|id| items.iter().all(|item| item["id"] != **id)).cloned())
                    }
                }
                if !left.is_empty() {
                    let alone = left.remove(0);
                    out.next(api.videos(vec![alone], left, absent));
                } else if !absent.is_empty() {
                    out.next(api.channel(Step::Absent(absent)));
                }
            }
            Step::Absent(_) if items.is_empty() => {
                out.cut("the channel is not shown, so no video of it counts as gone")
            }
            Step::Absent(ids) => {
                let why = "left out when asked for alone, while its channel is shown";
                ids.iter().for_each(|id| out.gone(Place::Pointer("/items/0"), What::record(PLATFORM, id), why));
            }
        }
        out.spent(UNITS, 1);
        Ok(())
    }
}

/// The units come back at Google's midnight.
fn refill() -> Refill {
    Refill::Midnight("America/Los_Angeles".to_owned())
}

/// What the API says in place of an answer. A 404 means the target where it is the first answer of a poll, and elsewhere nothing that could be told.
fn refused(answer: &Answer<'_, Step>) -> Result<(), Halt<Step>> {
    let opens = matches!(answer.step, Step::Channel | Step::Uploads { under_way: false, .. });
    if !(400..500).contains(&answer.status()) || answer.status() == 404 && opens {
        return Ok(());
    }
    let refusal: Value = answer.parse()?;
    if answer.status() == 403 {
        let until = match refusal.need("/error/errors/0/reason")? {
            "quotaExceeded" | "dailyLimitExceeded" => refill().after(answer.captured_at),
            "rateLimitExceeded" | "userRateLimitExceeded" => answer.retry_after(900),
            other => return Err(Halt::Blocked(format!("the API answered 403 to slot `{KEY}`: {other}"))),
        };
        return Err(Halt::SlowDown { until, scope: Scope::Bucket(UNITS.to_owned()) });
    }
    let said = refusal["error"].to_string();
    let key = KEY_REFUSED.iter().any(|word| said.contains(word));
    Err(if key { Halt::Denied(KEY.to_owned()) } else { answer.unreadable("/error", said) })
}

#[cfg(test)]
mod tests {
    use super::Api;

    #[test]
    fn seed_names_a_channel_by_an_id_that_nobody_else_can_take_over() {
        let channels = "https://youtube.googleapis.com/youtube/v3/channels?id=";
        let seed = format!("{channels}UCexample000000000000001");
        assert_eq!(Api::of(&seed).unwrap().first, 200);
        let longer = format!("{seed}&first=1000");
        let api = Api::of(&longer).unwrap();
        assert_eq!((api.channel, api.first), ("UCexample000000000000001", 1_000));
        for other in [
            "https://www.youtube.com/channel/UCexample000000000000001",
            "https://youtube.googleapis.com/youtube/v3/channels?forHandle=@harbour",
            &format!("{channels}@harbour"),
            &format!("{channels}UUexample000000000000001"),
            &format!("{seed}&first=all"),
            &format!("{seed}&key=oh-no"),
            &format!("{channels}UCexample&key=oh-no-0001"),
        ] {
            assert!(Api::of(other).is_err(), "{other}");
        }
    }
}
