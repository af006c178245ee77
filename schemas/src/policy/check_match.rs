//! Is a match rule one that the gate can keep, and do the seeds lie inside?

use crate::{
    address,
    gate::entry_matches,
    permission::{Entry, Match},
    urlform,
};

/// Longest path pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 2 * 1024;

/// Longest seed that is no address (an account, a query), in characters.
const MAX_SEED_CHARS: usize = 1_000;

/// What is wrong, and what to do.
pub(super) type Complaint = (String, String);

/// Whether a host is this machine itself: a loopback address, `localhost`, or a name below it (RFC 6761).
pub(crate) fn is_loopback_host(host: &str) -> bool {
    match address::literal(host) {
        Some(ip) => ip.to_canonical().is_loopback(),
        None => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Everything wrong with one rule.
pub(super) fn rule(rule: &Match) -> Vec<Complaint> {
    let mut found = Vec::new();
    if rule.scheme != "https" && rule.scheme != "http" {
        found.push((
            format!("`{}` is no scheme that is collected", rule.scheme.escape_debug()),
            "write `https` or `http`".to_owned(),
        ));
    }
    if rule.port == Some(0) {
        found.push(("port 0 is no port".to_owned(), "leave `port` out for the scheme's own".to_owned()));
    }
    found.extend(host(&rule.host));
    found.extend(path(&rule.path));
    found
}

fn host(host: &str) -> Option<Complaint> {
    let shown = host.escape_debug();
    let exact = host.strip_prefix("*.").unwrap_or(host);
    let wildcard = exact.len() != host.len();
    if exact.contains('*') {
        return Some((
            format!("the host `{shown}` has a `*` that is not its first label"),
            "write an exact host, or `*.` and a name for everything below it".to_owned(),
        ));
    }
    if wildcard && address::literal(exact).is_some() {
        return Some((format!("the host `{shown}` puts `*.` before an address"), "name the address alone".to_owned()));
    }
    if wildcard && !exact.contains('.') && exact != "localhost" {
        return Some((
            format!("the host `{shown}` would cover a whole top-level domain"),
            "name at least two labels after `*.`".to_owned(),
        ));
    }
    let form = match urlform::normal_form(&format!("https://{exact}/")) {
        Ok(form) => form.host_str().unwrap_or_default().to_owned(),
        Err(error) => {
            return Some((
                format!("`{shown}` is no host: {error}"),
                "write the host alone: no scheme, port or path".to_owned(),
            ));
        }
    };
    (form != exact).then(|| {
        let form = if wildcard { format!("*.{form}") } else { form };
        (format!("the host `{shown}` is not in normal form"), format!("write `{form}`"))
    })
}

fn path(pattern: &str) -> Option<Complaint> {
    let shown: String = pattern.chars().take(80).collect();
    let shown = shown.escape_debug();
    if pattern.len() > MAX_PATTERN_BYTES {
        return Some((
            format!("the path pattern `{shown}…` is longer than {MAX_PATTERN_BYTES} bytes"),
            "shorten it with `*`".to_owned(),
        ));
    }
    if !pattern.starts_with('/') && !pattern.starts_with('*') {
        return Some((
            format!("the path pattern `{shown}` matches no path"),
            "begin it with `/`, or with `*` for any run".to_owned(),
        ));
    }
    let bare = pattern.strip_suffix('$').unwrap_or(pattern);
    if bare.contains('$') {
        return Some((
            format!("the path pattern `{shown}` has a `$` before its end"),
            "`$` asks for the end and stands last; write `%24` for the character".to_owned(),
        ));
    }
    let slash = if bare.starts_with('/') { "" } else { "/" };
    let address = format!("https://example.org{slash}{bare}");
    let form = urlform::normal_form(&address).map(String::from);
    let proper = match form {
        Ok(form) if form == address => return None,
        Ok(form) => {
            let path = form.strip_prefix("https://example.org").unwrap_or_default();
            let path = path.strip_prefix(slash).unwrap_or(path);
            let end = if bare.len() == pattern.len() { "" } else { "$" };
            format!("write `{path}{end}`")
        }
        Err(error) => error.to_string(),
    };
    Some((format!("the path pattern `{shown}` is not in normal form, so it would never match"), proper))
}

/// Everything wrong with the seeds. A seed that is an address must be in normal form and inside the rules.
pub(super) fn seeds(entry: &Entry) -> Vec<Complaint> {
    let mut found = Vec::new();
    if entry.seeds.is_empty() {
        found.push(("`seeds` is empty".to_owned(), "name at least one address, account or query".to_owned()));
    }
    for (at, seed) in entry.seeds.iter().enumerate() {
        let shown: String = seed.chars().take(80).collect();
        let shown = shown.escape_debug();
        if entry.seeds.iter().take(at).any(|earlier| earlier == seed) {
            found.push((format!("the seed `{shown}` is given twice"), "leave one of them out".to_owned()));
            continue;
        }
        if !seed.contains("://") {
            let odd = seed.trim() != seed || seed.chars().any(char::is_control);
            if seed.is_empty() || odd || seed.chars().count() > MAX_SEED_CHARS {
                found.push((
                    format!("the seed `{shown}` is empty, too long, or holds spaces at its ends or control characters"),
                    "write the address, account or query alone".to_owned(),
                ));
            }
            continue;
        }
        match urlform::normal_form(seed) {
            Err(error) => found.push((
                format!("the seed `{shown}` cannot be fetched: {error}"),
                "write the address as a browser shows it".to_owned(),
            )),
            Ok(url) if url.as_str() != seed => {
                found.push((format!("the seed `{shown}` is not in normal form"), format!("write `{url}`")))
            }
            Ok(url) if !entry_matches(entry, &url) => found.push((
                format!("no `match` rule covers the seed `{shown}`"),
                format!(
                    "add `{{ host = \"{}\" }}` to `match`, with the port and path it needs, or correct the seed",
                    url.host_str().unwrap_or_default()
                ),
            )),
            Ok(_) => {}
        }
    }
    found
}
