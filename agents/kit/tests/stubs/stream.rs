//! An open connection of JSON lines, read in chunks, going on where it stopped.

use kit::{About, Answer, Ask, Bounds, Collector, Halt, Place, Reading, Record, Request, What, contract::Unreadable};
use schemas::record::Kind;
use serde::{Deserialize, Serialize};

pub struct Stream;

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Through {
    seq: u64,
}

/// Why it was asked: from which event on.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct From {
    seq: u64,
}

#[derive(Deserialize)]
struct Event {
    seq: u64,
    #[serde(flatten)]
    what: Happened,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Happened {
    Post { id: String, text: String },
    Delete { id: String },
    Pulse,
}

impl Collector for Stream {
    const NAME: &'static str = "stub-stream";
    type Cursor = Through;
    type Step = From;

    fn about(&self) -> About {
        About::of("Posts as they come")
    }

    fn plan(&self, ask: &Ask<'_, Through>) -> Result<Vec<Request<From>>, Unreadable> {
        let seq = ask.cursor.seq;
        Ok(vec![Request::get(format!("{}?from={seq}", ask.target.url), From { seq }).stream(Bounds::default())])
    }

    fn read(&self, answer: &Answer<'_, From>, out: &mut Reading<'_, Self>) -> Result<(), Halt<From>> {
        let mut through = None;
        let mut items = 0_u64;
        for line in answer.lines()? {
            let (place, line) = line?;
            let event = match serde_json::from_str::<Event>(&line) {
                Ok(event) => event,
                Err(error) => {
                    out.unreadable(place, Unreadable::from(error));
                    items += 1;
                    continue;
                }
            };
            if through.is_none() && answer.part.number == 0 && event.seq > answer.step.seq + 1 {
                out.cut(format_args!("asked from {}, answered from {}", answer.step.seq, event.seq));
            }
            through = through.max(Some(event.seq));
            items += u64::from(say(place, event.what, out));
        }
        match through {
            Some(seq) => out.milestone(Through { seq }),
            None if items == 0 => return Err(Halt::unreadable("body", "a chunk without a line")),
            None => {}
        }
        if items == 0 {
            out.empty("pulses only");
        }
        Ok(())
    }

    fn merge(old: Through, new: Through) -> Through {
        Through { seq: old.seq.max(new.seq) }
    }
}

/// Whether it was an item.
fn say(place: Place<'_>, what: Happened, out: &mut Reading<'_, Stream>) -> bool {
    match what {
        Happened::Post { id, text } => {
            let mut record = Record::new(Kind::Post, "stub", id);
            record.text = Some(text);
            out.record(place, record);
            true
        }
        Happened::Delete { id } => {
            out.gone(place, What::Record { platform: "stub".to_owned(), id }, "deleted by its author");
            true
        }
        Happened::Pulse => false,
    }
}
