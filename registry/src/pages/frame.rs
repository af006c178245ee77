//! What stands around every page: language, title, navigation, trial notice, and the state of the log.

use fluent_bundle::FluentValue;
use jiff::Timestamp;
use rusqlite::OptionalExtension as _;

use super::{assets, lang::Lang, words};
use crate::api::{Desk, Seat};

/// The surroundings of a page, and the words to write it with.
pub struct Frame {
    /// Language.
    pub lang: Lang,
    /// Title, without the name of the house.
    pub title: String,
    /// Navigation item that is here: `search`, `sources`, `coverage`, `denials`, `agents`; empty for none.
    pub section: &'static str,
    /// True where the trust root is a trial.
    pub trial: bool,
    /// Path and query of this page, without `lang`.
    here: String,
    /// True where the language was named in the address: links go on naming it.
    named: bool,
    /// Name of the log; empty where nobody is signed in or there is none yet.
    pub origin: String,
    /// Leaves in the log.
    pub size: u64,
    /// Leaves the tables have followed.
    pub followed: u64,
    /// When the newest checkpoint was signed, by the registry's clock.
    pub checkpoint_at: Option<Timestamp>,
    /// Digest of the trust root.
    pub root: Option<String>,
    /// Name of the token somebody signed in with.
    pub signed_in: Option<String>,
}

impl Frame {
    /// A frame; what the log says is left out where nobody may read.
    #[must_use]
    pub fn new(desk: &Desk, lang: Lang, named: bool, here: String, seat: Option<&Seat>) -> Self {
        let history = desk.registry().history();
        let root = history.root();
        let mut frame = Self {
            lang,
            title: String::new(),
            section: "",
            trial: root.is_some_and(|root| root.trial),
            here,
            named,
            origin: String::new(),
            size: 0,
            followed: 0,
            checkpoint_at: None,
            root: None,
            signed_in: None,
        };
        if let Some(seat) = seat.filter(|seat| seat.role.is_some()) {
            let published = desk.registry().checkpoint();
            frame.origin = root.map(|root| root.origin.clone()).unwrap_or_default();
            frame.size = published.size;
            frame.followed = desk.registry().followed();
            frame.root = root.map(|root| root.digest().to_string());
            let newest = desk.store().read(|db| {
                db.query_row("SELECT at FROM checkpoints ORDER BY size DESC LIMIT 1", [], |row| row.get::<_, String>(0))
                    .optional()
            });
            frame.checkpoint_at = newest.ok().flatten().and_then(|at| at.parse().ok());
            frame.signed_in = (!desk.is_local()).then(|| seat.name.clone());
        }
        frame
    }

    /// The same with a title, given by its key, and a place in the navigation.
    #[must_use]
    pub fn titled(mut self, key: &str, section: &'static str) -> Self {
        self.title = self.t(key);
        self.section = section;
        self
    }

    /// A message.
    #[must_use]
    pub fn t(&self, key: &str) -> String {
        words::say(self.lang, key, &[])
    }

    /// A message with one count, `$count`.
    #[must_use]
    pub fn n(&self, key: &str, count: &u64) -> String {
        words::say(self.lang, key, &[("count", FluentValue::from(*count))])
    }

    /// A message with one text, `$what`.
    #[must_use]
    pub fn w(&self, key: &str, what: &str) -> String {
        words::say(self.lang, key, &[("what", FluentValue::from(what))])
    }

    /// A message with any arguments.
    #[must_use]
    pub fn say(&self, key: &str, args: &[(&str, FluentValue<'_>)]) -> String {
        words::say(self.lang, key, args)
    }

    /// The word for a closed list's value, `PREFIX-VALUE`; the value itself where the list has grown.
    #[must_use]
    pub fn word(&self, prefix: &str, value: &str) -> String {
        let key = format!("{prefix}-{}", value.replace(['_', '+'], "-"));
        if words::knows(self.lang, &key) { self.t(&key) } else { value.to_owned() }
    }

    /// A number.
    #[must_use]
    pub fn number(&self, number: &u64) -> String {
        self.lang.number(*number)
    }

    /// A moment of the tables.
    #[must_use]
    pub fn moment(&self, text: &str) -> String {
        self.lang.moment_of(text)
    }

    /// A local address, with the language where this page's address names it.
    #[must_use]
    pub fn link(&self, path: &str) -> String {
        if self.named { with(path, "lang", self.lang.code()) } else { path.to_owned() }
    }

    /// This page in the other language.
    #[must_use]
    pub fn otherwise(&self) -> String {
        with(&self.here, "lang", self.lang.other().code())
    }

    /// Language to carry along in a form; none where the cookie or the browser says it.
    #[must_use]
    pub fn form_lang(&self) -> Option<&'static str> {
        self.named.then(|| self.lang.code())
    }

    /// `" aria-current=page"` for the section that is here.
    #[must_use]
    pub fn is_here(&self, section: &str) -> bool {
        self.section == section
    }

    /// Address of the style sheet.
    #[must_use]
    pub fn css(&self) -> String {
        assets::css_path()
    }

    /// Address of the script.
    #[must_use]
    pub fn script(&self) -> String {
        assets::script_path()
    }

    /// Address of the mark.
    #[must_use]
    pub fn icon(&self) -> String {
        assets::icon_path()
    }

    /// The trust root's digest, its first twelve digits.
    #[must_use]
    pub fn root_short(&self) -> String {
        self.root.as_deref().unwrap_or_default().chars().take(12).collect()
    }
}

/// A path with one more parameter.
#[must_use]
pub fn with(path: &str, name: &str, value: &str) -> String {
    let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("{path}{mark}{name}={value}")
}
