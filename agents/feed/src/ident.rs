//! Which entry is this, in this poll and in the next?
//!
//! The rule, in order:
//!
//! 1. `HOST|GUID`: the entry's own id (`guid`, `id`, `rdf:about`), scoped by the host of the feed's site. The site is the feed's `link`, else its
//!    own address, else the address that answered.
//! 2. No id: `HOST|URL`, the canonical address.
//! 3. Neither: `HOST|sha256:…` over what it says, title and text first. Such an entry cannot be seen to be edited: an edit makes another.
//! 4. One id for entries with different addresses (or, without addresses, different titles): `HOST|sha256:…` over id and address (or title), for all
//!    of them. Not the first one by its id and the others by their position: a feed's window moves, and with it who is first.
//!
//! An id over 1 KiB is replaced by its hash.

use std::collections::HashMap;

use schemas::{
    Digest,
    record::{Author, ClaimedTime, Record},
};

const MAX_BYTES: usize = 1024;

/// What of an entry can name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Its own id.
    pub guid: Option<String>,
    /// Its address, absolute and canonical but for the fragment.
    pub url: Option<String>,
    /// Hash input of last resort: what the entry says. Filled only where it has neither id nor address.
    pub content: String,
    /// Title. Filled only where it has not both id and address.
    pub title: String,
}

/// Ids of a document's entries in order; nothing for an entry that nothing names.
pub fn ids(site: &str, entries: &[Names]) -> Vec<Option<String>> {
    let mut same: HashMap<&str, (&Names, bool)> = HashMap::with_capacity(entries.len());
    for names in entries {
        let Some(key) = names.key() else { continue };
        same.entry(key)
            .and_modify(|(first, differs)| *differs |= first.second() != names.second())
            .or_insert((names, false));
    }
    let id = |names: &Names| {
        let Some(key) = names.key() else {
            return (!names.content.is_empty()).then(|| hashed(site, &[&names.content]));
        };
        if same.get(key).is_some_and(|(_, differs)| *differs) {
            return Some(hashed(site, &[key, names.second()]));
        }
        Some(scoped(site, key))
    };
    entries.iter().map(id).collect()
}

impl Names {
    /// What names an entry with this id and address, in a feed by this author.
    pub fn of(guid: Option<String>, url: Option<String>, record: &Record, inherited: Option<&Author>) -> Self {
        let named = guid.is_some() && url.is_some();
        let title = record.title.as_ref().filter(|_| !named).cloned().unwrap_or_default();
        // Only where nothing better names it: the text need not be copied otherwise.
        let content = if guid.is_none() && url.is_none() { content(record, inherited) } else { String::new() };
        Self { guid, url, content, title }
    }

    fn key(&self) -> Option<&str> {
        self.guid.as_deref().or(self.url.as_deref())
    }

    /// What tells entries of one id apart.
    fn second(&self) -> &str {
        match (&self.guid, &self.url) {
            (Some(_), Some(url)) => url,
            _ => &self.title,
        }
    }
}

/// Everything an entry says, in a fixed order; empty for one that says nothing. What it has from its feed is not its own.
fn content(record: &Record, inherited: Option<&Author>) -> String {
    let time = |claim: &Option<ClaimedTime>| claim.as_ref().map(|claim| claim.raw.clone()).unwrap_or_default();
    let mut parts = vec![
        record.title.clone().unwrap_or_default(),
        record.text.clone().unwrap_or_default(),
        time(&record.published_at),
        time(&record.edited_at),
        record.place.clone().unwrap_or_default(),
    ];
    if let Some(author) = record.author.as_ref().filter(|author| Some(*author) != inherited) {
        parts.extend([&author.name, &author.handle, &author.id].into_iter().flatten().cloned());
    }
    parts.extend(record.media.iter().map(|media| media.url.clone()));
    parts.extend(record.links.iter().chain(&record.tags).cloned());
    parts.extend(
        record
            .extra
            .iter()
            .filter(|(key, _)| !key.starts_with("volatile_"))
            .map(|(key, value)| format!("{key} {value}")),
    );
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// The id of the entry that the feed itself calls `guid`.
pub fn scoped(site: &str, guid: &str) -> String {
    if guid.len() > MAX_BYTES { hashed(site, &[guid]) } else { [site, "|", guid].concat() }
}

fn hashed(site: &str, parts: &[&str]) -> String {
    // A line feed cannot stand in an id or address, so no two lists of parts look alike.
    format!("{site}|sha256:{}", Digest::of(parts.join("\n").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{Names, ids};

    fn names(guid: &str, url: &str, title: &str) -> Names {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Names { guid: given(guid), url: given(url), title: title.to_owned(), content: title.to_owned() }
    }

    #[test]
    fn one_guid_for_all_does_not_merge_them_and_does_not_depend_on_order() {
        let (a, b) = (names("news", "https://example.org/a", "A"), names("news", "https://example.org/b", "B"));
        let forward = ids("example.org", &[a.clone(), b.clone()]);
        let backward = ids("example.org", &[b, a]);
        assert_ne!(forward[0], forward[1]);
        assert_eq!((&forward[0], &forward[1]), (&backward[1], &backward[0]));
    }

    #[test]
    fn the_same_entry_twice_has_one_id() {
        let twice = ids(
            "example.org",
            &[names("1", "https://example.org/a", "A"), names("1", "https://example.org/a", "A, edited")],
        );
        assert_eq!(twice, [Some("example.org|1".to_owned()), Some("example.org|1".to_owned())]);
    }

    #[test]
    fn fallbacks() {
        let found =
            ids("example.org", &[names("", "https://example.org/a", "A"), names("", "", "B"), names("", "", "")]);
        assert_eq!(found[0].as_deref(), Some("example.org|https://example.org/a"));
        assert!(found[1].as_deref().is_some_and(|id| id.starts_with("example.org|sha256:")));
        assert_eq!(found[2], None);
    }
}
