//! Through which site was something seen, and whose ids are whose?

use schemas::record::Record;
use url::{Host, Url};

/// The registrable domain that was asked (`example.org` for `https://news.example.org/a`), or the address or name where there is none.
#[must_use]
pub fn of(url: &str) -> String {
    let host = Url::parse(url).ok().and_then(|url| url.host().map(|host| host.to_owned()));
    match host {
        Some(Host::Domain(name)) => registrable(&name),
        Some(address) => address.to_string(),
        None => String::new(),
    }
}

fn registrable(name: &str) -> String {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    psl::domain_str(&name).unwrap_or(&name).to_owned()
}

/// Whether the vantage is where this identity belongs. An id that names no host belongs to whoever is asked for it.
///
/// Hosts are read from addresses (`https://a.example.org/1`), tag URIs (`tag:example.org,2026:1`) and scoped ids (`example.org|1`).
#[must_use]
pub fn is_home(record: &Record, vantage: &str) -> bool {
    let id = &record.id;
    let host = if let Ok(url) = Url::parse(id)
        && matches!(url.scheme(), "http" | "https")
    {
        return of(id) == vantage;
    } else if let Some(rest) = id.strip_prefix("tag:") {
        rest.split(',').next().map(|authority| authority.rsplit('@').next().unwrap_or(authority))
    } else {
        id.split_once('|').map(|(host, _)| host).filter(|host| host.contains('.'))
    };
    let Some(host) = host else { return true };
    // A port belongs to a server, not to the name; addresses stand for themselves.
    let bare = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|c| c.is_ascii_digit()))
        .map_or(host, |(host, _)| host);
    let found = match bare.parse::<std::net::IpAddr>() {
        Ok(address) => address.to_string(),
        Err(_) => registrable(bare),
    };
    found == vantage
}

#[cfg(test)]
mod tests {
    use schemas::record::Kind;

    use super::*;

    #[test]
    fn a_source_has_its_own_ids_only() {
        let home = |id: &str, vantage: &str| is_home(&Record::new(Kind::Post, "web", id), vantage);
        assert_eq!(of("https://news.example.org/a?b"), "example.org");
        assert_eq!(of("https://www.news.co.uk/"), "news.co.uk");
        assert_eq!(of("http://127.0.0.1:8080/"), "127.0.0.1");
        assert!(home("https://www.example.org/1", "example.org"));
        assert!(home("tag:example.org,2026:7", "example.org"));
        assert!(home("news.example.org|7", "example.org"));
        assert!(home("127.0.0.1:8080|7", "127.0.0.1"));
        assert!(home("dQw4w9WgXcQ", "example.org"));
        assert!(!home("https://other.example.net/1", "example.org"));
        assert!(!home("tag:example.net,2026:7", "example.org"));
        assert!(!home("example.net|7", "example.org"));
    }
}
