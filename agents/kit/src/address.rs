//! What is an address relative to, and which one spelling of it goes into a record?

use url::Url;

/// Longest address taken from a source, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// What addresses in a piece of a feed or page are relative to; nothing where it gives no absolute address at all.
#[derive(Clone, Debug, Default)]
pub struct Base(Option<Url>);

impl Base {
    /// An absolute address as base.
    pub const fn of(url: Url) -> Self {
        Self(Some(url))
    }

    /// No base: only absolute addresses count.
    pub const fn none() -> Self {
        Self(None)
    }

    /// This base, changed by an `xml:base`. An unusable one changes nothing.
    pub fn and(&self, reference: &str) -> Self {
        self.join(reference).map_or_else(|| self.clone(), Self::of)
    }

    /// The absolute address that a reference stands for, whatever its scheme.
    pub fn join(&self, reference: &str) -> Option<Url> {
        let reference = reference.trim();
        if reference.is_empty() || reference.len() > MAX_BYTES {
            return None;
        }
        let joined = match &self.0 {
            Some(base) => base.join(reference),
            None => Url::parse(reference),
        };
        joined.ok()
    }

    /// As [`join`](Self::join), but only addresses of the web, as text.
    pub fn web(&self, reference: &str) -> Option<String> {
        self.page(reference).map(String::from)
    }

    /// As [`web`](Self::web), taken apart.
    pub fn page(&self, reference: &str) -> Option<Url> {
        self.join(reference).filter(is_web)
    }
}

/// True for `http` and `https` with a host.
pub fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

/// Where a feed's relative addresses lie when an interface on another host answers for the site: the address asked, but for those.
///
/// `api.io.canada.ca` is the Government of Canada's news interface; what it lists lies on `www.canada.ca`, and its links may be
/// relative to that.
pub fn site_behind(url: Url) -> Url {
    const BEHIND: [(&str, &str); 1] = [("api.io.canada.ca", "https://www.canada.ca/")];
    let behind = BEHIND.iter().find(|(interface, _)| url.host_str() == Some(interface));
    behind.and_then(|(_, site)| Url::parse(site).ok()).unwrap_or(url)
}

/// The spelling that is equal for every way to the same page: without fragment and without the parameters that only count where readers
/// came from (`utm_*`, `mc_*`, `fbclid`, `gclid`). The order and case of everything else stay.
pub fn canonical(mut url: Url) -> Url {
    url.set_fragment(None);
    let Some(query) = url.query() else { return url };
    if query.split('&').any(|pair| is_tracking(&pair)) {
        let kept: Vec<&str> = query.split('&').filter(|pair| !is_tracking(pair)).collect();
        let kept = kept.join("&");
        url.set_query((!kept.is_empty()).then_some(kept.as_str()));
    }
    url
}

fn is_tracking(pair: &&str) -> bool {
    let name = pair.split('=').next().unwrap_or_default();
    let begins = |prefix: &str| name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    begins("utm_") || begins("mc_") || name.eq_ignore_ascii_case("fbclid") || name.eq_ignore_ascii_case("gclid")
}

#[cfg(test)]
mod tests {
    use super::{Base, canonical, site_behind};

    #[test]
    fn an_interface_that_answers_for_a_site_is_not_the_site() {
        for (asked, site) in [
            ("https://api.io.canada.ca/io-server/gc/news/fr/v2?dept=x", "https://www.canada.ca/"),
            ("https://www.example.org/feed", "https://www.example.org/feed"),
        ] {
            assert_eq!(site_behind(asked.parse().unwrap()).as_str(), site);
        }
    }

    #[test]
    fn ways_to_a_page_are_stripped_and_nothing_else() {
        for (given, kept) in [
            ("https://example.org/A?utm_source=rss&b=2&UTM_medium=x#top", "https://example.org/A?b=2"),
            ("https://example.org/?fbclid=1&gclid=2&mc_cid=3", "https://example.org/"),
            ("https://example.org/?b=1&a=&b=2", "https://example.org/?b=1&a=&b=2"),
            ("https://example.org/?q=utm_source", "https://example.org/?q=utm_source"),
        ] {
            assert_eq!(canonical(given.parse().unwrap()).as_str(), kept);
        }
    }

    #[test]
    fn relative_without_a_base_is_no_address() {
        assert_eq!(Base::default().web("/a"), None);
        assert_eq!(Base::default().web("https://example.org/a").as_deref(), Some("https://example.org/a"));
        assert_eq!(Base::of("https://example.org/b/".parse().unwrap()).web("javascript:alert(1)"), None);
    }
}
