//! What would the world answer? A server on loopback that plays newsrooms, with wholly invented content.
//!
//! [`Exhibit`] plays the cast of [`Newsroom::all`], each on a port of its own, because robots.txt belongs to an authority;
//! all of them can be reached under one port as well, as `/NAME/…`, with no robots.txt. Content moves by rounds, not by the
//! clock, and is the same for the same seed. [`hostile`] plays sites that mean harm, `tls` sites over TLS, [`FileSite`] serves a folder, and
//! [`ForbiddenListener`] is a place where no byte should arrive.
//!
//! Every server runs on threads of its own: it can be started from synchronous and asynchronous code alike, and a test
//! that blocks does not starve it. Everything listens on 127.0.0.1 and closes when dropped.

mod appview;
mod clippings;
mod control;
mod dice;
mod file_site;
mod forbidden;
mod formats;
mod history;
pub mod hostile;
mod listen;
mod mastodon;
mod newsroom;
mod odd;
mod page;
mod reply;
mod seen;
mod site;
#[cfg(feature = "tls")]
pub mod tls;
mod truth;
mod tube;
mod wave;
mod words;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use serde::Serialize;

pub use appview::Appview;
pub use clippings::Clippings;
pub use file_site::{FileSite, Headers};
pub use forbidden::ForbiddenListener;
pub use mastodon::{Instance, Manner};
pub use newsroom::{Format, Mood, Newsroom, Pace, Paging, Robots};
pub use seen::Seen;
pub use truth::{TrueEntry, Truth, Wording};
pub use tube::Tube;
pub use words::Lang;

use history::Calendar;
use listen::{Stage, bind};
use reply::Reply;
use site::Site;

/// What to play and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The first port: this one for all newsrooms together, the next for control, then one a newsroom, in order.
    /// 0, the default, takes free ports.
    pub port: u16,
    /// The same seed gives the same entries. Default 1.
    pub seed: u64,
    /// When round 0 was, by the content's own clock. Default 2026-10-01T06:00:00Z, so that tests can name dates.
    pub epoch: Timestamp,
    /// Seconds between rounds, by the content's own clock. Default 3600.
    pub step_secs: u32,
    /// No round is told later than this row of moments: when round 0 really is, and the seconds between rounds. Default none.
    pub latest: Option<(Timestamp, u32)>,
    /// Who plays. Default: the whole cast.
    pub newsrooms: Vec<Newsroom>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            port: 0,
            seed: 1,
            // 2026-10-01T06:00:00Z: within the range of a timestamp, so the fallback is never taken.
            epoch: Timestamp::from_second(1_790_834_400).unwrap_or(Timestamp::UNIX_EPOCH),
            step_secs: 3600,
            latest: None,
            newsrooms: Newsroom::all(),
        }
    }
}

impl Options {
    /// The default options, with only these newsrooms of the cast.
    pub fn only(names: &[&str]) -> Options {
        Options { newsrooms: Newsroom::named(names), ..Options::default() }
    }
}

/// Where one newsroom can be found.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// The newsroom's name.
    pub name: String,
    /// Its own authority, without a slash at the end.
    pub url: String,
    /// The path of its feed there.
    pub feed: String,
    /// BCP 47.
    pub lang: Lang,
    /// Its title in its own language.
    pub title: String,
    /// What it is for, in English.
    pub about: String,
}

/// Where everything can be found: the line the `exhibit` command prints.
#[derive(Clone, Debug, Serialize)]
pub struct Listing {
    /// One a newsroom, in the order of the options.
    pub newsrooms: Vec<Place>,
    /// Where all of them can be found as `/NAME/…`.
    pub all: String,
    /// Where rounds are advanced and logs read: POST `/-/advance`; GET `/-/round`, `/-/truth`, `/-/log/NAME`, `/-/newsrooms`.
    pub control: String,
}

/// A running cast of newsrooms.
pub struct Exhibit {
    shared: Arc<Shared>,
    stage: Stage,
}

pub(crate) struct Shared {
    sites: Vec<(String, Arc<Site>)>,
    round: AtomicU32,
    listing: Listing,
}

impl Exhibit {
    /// Opens the doors at round 0. Listeners are bound when this returns.
    ///
    /// # Errors
    ///
    /// A port that is taken, or a system that gives no more threads or sockets.
    pub fn start(options: Options) -> io::Result<Exhibit> {
        let stage = Stage::new()?;
        let mut next_port = options.port;
        let mut listen = || {
            let bound = bind(next_port)?;
            next_port = if next_port == 0 { 0 } else { next_port.saturating_add(1) };
            io::Result::Ok((bound.0, format!("http://{}", bound.1)))
        };
        let (hall_listener, all) = listen()?;
        let (control_listener, control) = listen()?;
        let mut doors = Vec::new();
        for room in &options.newsrooms {
            doors.push((room.clone(), listen()?));
        }
        let elsewhere = doors.iter().find(|(room, _)| room.name == "elsewhere").map(|(_, (_, base))| base.clone());
        let elsewhere = elsewhere.unwrap_or_else(|| "http://elsewhere.invalid".to_owned());
        let calendar = Calendar { epoch: options.epoch, step_secs: options.step_secs, latest: options.latest };
        let mut sites = Vec::new();
        for (room, (listener, base)) in doors {
            let site = Arc::new(Site::new(room, options.seed, calendar, elsewhere.clone()));
            let (played, own) = (site.clone(), base.clone());
            stage.serve(listener, site.log.clone(), Arc::new(move |asked| played.answer(&own, asked)))?;
            sites.push((base, site));
        }
        let place = |(base, site): &(String, Arc<Site>)| Place {
            name: site.room.name.to_owned(),
            url: base.clone(),
            feed: site.room.feed.to_owned(),
            lang: site.room.lang,
            title: site.room.title.to_owned(),
            about: site.room.about.to_owned(),
        };
        let listing = Listing { newsrooms: sites.iter().map(place).collect(), all, control };
        let shared = Arc::new(Shared { sites, round: AtomicU32::new(0), listing });
        let hall = shared.clone();
        stage.serve(hall_listener, seen::Log::default(), Arc::new(move |asked| hall.hall(asked)))?;
        let desk = shared.clone();
        stage.serve(control_listener, seen::Log::default(), Arc::new(move |asked| control::answer(&desk, asked)))?;
        Ok(Exhibit { shared, stage })
    }

    /// Where every newsroom is found as `/NAME/…`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.shared.listing.all
    }

    /// A newsroom's own authority, without a slash at the end.
    ///
    /// # Panics
    ///
    /// If nobody of that name plays: a test that asks for it is wrong.
    pub fn url(&self, name: &str) -> &str {
        &self.shared.place(name).url
    }

    /// The address of a newsroom's main feed. Panics like [`Exhibit::url`].
    pub fn feed_url(&self, name: &str) -> String {
        let place = self.shared.place(name);
        format!("{}{}", place.url, place.feed)
    }

    /// Where everything is.
    pub fn listing(&self) -> &Listing {
        &self.shared.listing
    }

    /// The current round; the first is 0.
    pub fn round(&self) -> u32 {
        self.shared.round.load(Ordering::SeqCst)
    }

    /// Plays one more round in every newsroom and returns its number.
    pub fn advance(&self) -> u32 {
        self.shared.advance()
    }

    /// The requests that reached a newsroom's own authority, oldest first. Panics like [`Exhibit::url`].
    pub fn log(&self, name: &str) -> Vec<Seen> {
        self.shared.site(name).1.log.all()
    }

    /// How many requests reached a newsroom; see [`Exhibit::log`].
    pub fn requests(&self, name: &str) -> u64 {
        self.shared.site(name).1.log.requests()
    }

    /// How many connections a newsroom accepted, also those that asked nothing. Panics like [`Exhibit::url`].
    pub fn connections(&self, name: &str) -> u64 {
        self.shared.site(name).1.log.connections()
    }

    /// What every newsroom has published so far.
    pub fn truth(&self) -> Vec<Truth> {
        self.shared.truth()
    }

    /// What one newsroom has published so far. Panics like [`Exhibit::url`].
    pub fn truth_of(&self, name: &str) -> Truth {
        let (base, site) = self.shared.site(name);
        truth::of(&site.room, base, &site.history())
    }

    /// Closes all listeners. Once this returns the ports refuse connections.
    pub fn stop(&self) {
        self.stage.close();
    }
}

impl Shared {
    fn advance(&self) -> u32 {
        for (_, site) in &self.sites {
            site.advance();
        }
        self.round.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn truth(&self) -> Vec<Truth> {
        self.sites.iter().map(|(base, site)| truth::of(&site.room, base, &site.history())).collect()
    }

    fn find(&self, name: &str) -> Option<&(String, Arc<Site>)> {
        self.sites.iter().find(|(_, site)| site.room.name == name)
    }

    fn site(&self, name: &str) -> &(String, Arc<Site>) {
        self.find(name).unwrap_or_else(|| panic!("no newsroom `{name}` plays in this exhibit"))
    }

    fn place(&self, name: &str) -> &Place {
        let found = self.listing.newsrooms.iter().find(|place| place.name == name);
        found.unwrap_or_else(|| panic!("no newsroom `{name}` plays in this exhibit"))
    }

    /// `/NAME/path` answered by the newsroom NAME, as if that were where it lived.
    fn hall(&self, asked: &reply::Asked) -> Reply {
        let (name, path) = asked.path.trim_start_matches('/').split_once('/').unwrap_or(("", ""));
        let Some((_, site)) = self.find(name) else {
            return Reply::text(404, "the newsrooms are at /NAME/\n");
        };
        let base = format!("{}/{name}", self.listing.all);
        let inner = reply::Asked {
            method: asked.method.clone(),
            path: format!("/{path}"),
            query: asked.query.clone(),
            headers: asked.headers.clone(),
        };
        let reply = site.answer(&base, &inner);
        site.log.push(asked, &reply);
        reply
    }
}
