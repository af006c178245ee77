//! What may the unit collect?

use exhibit::Exhibit;

/// A source that the unit is permitted to collect.
#[derive(Clone, Debug)]
pub struct Source {
    /// Id of its entry.
    pub name: String,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// Path of its feed, or an absolute address.
    pub feed: String,
    /// Collector that reads it.
    pub collector: String,
    /// Further lines of its entry, as TOML.
    pub more: String,
}

impl Source {
    /// A source on a server.
    #[must_use]
    pub fn new(name: &str, url: &str, feed: &str) -> Self {
        let collector = "feed".to_owned();
        Self { name: name.to_owned(), url: url.to_owned(), feed: feed.to_owned(), collector, more: String::new() }
    }

    /// The newsrooms of an exhibit that may be collected: all but `elsewhere`.
    #[must_use]
    pub fn newsrooms(exhibit: &Exhibit) -> Vec<Self> {
        exhibit
            .listing()
            .newsrooms
            .iter()
            .filter(|place| place.name != "elsewhere")
            .map(|place| Source::new(&place.name, &place.url, &place.feed))
            .collect()
    }

    /// The same source, read by another collector.
    #[must_use]
    pub fn read_by(self, collector: &str) -> Self {
        Self { collector: collector.to_owned(), ..self }
    }

    /// The same source, its entry with further lines of TOML.
    #[must_use]
    pub fn with_lines(self, more: &str) -> Self {
        Self { more: more.to_owned(), ..self }
    }
}
