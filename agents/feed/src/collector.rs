//! Which request does a feed need, and what does a reading of it say?

use kit::{About, Answer, Ask, Collector, Halt, Place, Reading, Request, Unreadable, contract::What};

use crate::{
    PLATFORM,
    model::{At, Entry, Feed, NoFeed},
};

/// What the answer should come as; whatever comes is read by what it is.
const ACCEPT: &str = "application/atom+xml, application/rss+xml, application/rdf+xml, application/feed+json, application/json;q=0.9, \
                      application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1";

/// Collects RSS, Atom and JSON feeds of newsrooms and official bodies. One entry is one record; [`ident`](crate::ident) says how it is named.
///
/// Misses whatever leaves the feed between two runs: coverage then says *partial*.
pub struct Collected;

impl Collector for Collected {
    const NAME: &'static str = "feed";
    type Cursor = ();
    type Step = ();

    fn about(&self) -> About {
        About {
            misses: "entries that left the feed between two runs; texts of which the feed gives a summary only"
                .to_owned(),
            overlap: true,
            ..About::of("RSS, Atom and JSON feeds")
        }
    }

    fn plan(&self, ask: &Ask<'_, ()>) -> Result<Vec<Request<()>>, Unreadable> {
        Ok(vec![Request::get(&ask.target.url, ()).if_changed().accept(ACCEPT, "")])
    }

    fn read(&self, answer: &Answer<'_, ()>, out: &mut Reading<'_, Self>) -> Result<(), Halt<()>> {
        let mut entries = 0_usize;
        let feed = document(answer, &mut |entry| {
            entries += 1;
            out.item(place(entry.at), entry.record);
        })?;
        let nothing = entries == 0 && feed.deleted.is_empty();
        for deleted in feed.deleted {
            out.gone(place(deleted.at), What::record(PLATFORM, deleted.id), deleted.why);
        }
        match feed.cut {
            Some(why) => out.cut(why),
            None if nothing => out.empty("a feed with no entries"),
            None => {}
        }
        if let Some(older) = feed.older {
            out.next(Request::get(older, ()).while_new().accept(ACCEPT, ""));
        }
        Ok(())
    }
}

/// The feed of an answer, and its entries as they are read. One that was cut on the way in is read as far as it goes: its whole entries stand.
fn document(answer: &Answer<'_, ()>, tell: &mut dyn FnMut(Entry)) -> Result<Feed, Halt<()>> {
    let read = match answer.truncated() {
        None => crate::feed(&answer.bytes()?, answer.header("content-type"), answer.url, tell),
        Some(how) => {
            // Judges status and block pages, but lets a cut body through.
            answer.lines()?;
            let cut = format!("the feed was cut by {how} on the way in");
            crate::read(&answer.raw_text()?, answer.url, tell).map(|feed| Feed { cut: feed.cut.or(Some(cut)), ..feed })
        }
    };
    read.map_err(|NoFeed { at, why }| Unreadable::new(at, why).into())
}

const fn place(at: At) -> Place<'static> {
    match at {
        At::Element(name, index) => Place::Element(name, index),
        At::Item(index) => Place::Json("/items", index),
    }
}
