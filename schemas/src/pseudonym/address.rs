//! Which addresses may stand in clear beside sealed evidence? Only those that can name nobody.

use url::Url;

use crate::{gate::same_authority, permission::Entry, reservation};

/// Words of paths after which an account stands.
pub(super) const PERSON_WORDS: [&str; 16] = [
    "users", "user", "u", "accounts", "account", "profile", "profiles", "author", "authors", "actor", "actors",
    "people", "member", "members", "channel", "c",
];

/// Words that paging and filters are made of, on every platform alike.
const PLAIN_WORDS: [&str; 39] = [
    "limit",
    "max_id",
    "min_id",
    "since_id",
    "page",
    "offset",
    "cursor",
    "local",
    "remote",
    "only_media",
    "order",
    "before",
    "after",
    "count",
    "n",
    "p",
    "start",
    "from",
    "to",
    "min",
    "max",
    "per_page",
    "true",
    "false",
    "asc",
    "desc",
    "new",
    "old",
    "top",
    "since",
    "until",
    "sort",
    "with_muted",
    "exclude_replies",
    "exclude_reblogs",
    "next",
    "prev",
    "first",
    "last",
];

/// Shortest run of letters and digits that counts as an id of the system's own making.
const MIN_OPAQUE: usize = 16;

/// Whether an address may be asked for, and so stand in decisions, under an entry that keeps no authors by name.
///
/// Every piece of path and query must be spelled in a seed or match rule of the entry, be a plain word of paging, or be a number or another id that no
/// person chose: digits with `.` and `-`, or at least 16 letters and digits of which a third are digits. The host must be one of the entry's.
/// Alike on agent and registry, so that no handle gets into a decision by way of a link.
#[must_use]
pub fn address_fits(entry: &Entry, url: &Url) -> bool {
    if !entry.matches.iter().any(|rule| same_authority(rule, url)) {
        return false;
    }
    if matches!(url.path(), "/robots.txt" | reservation::PATH) && url.query().is_none() {
        return true;
    }
    let spelled: Vec<&str> =
        entry.seeds.iter().chain(entry.matches.iter().map(|rule| &rule.path)).flat_map(|text| pieces(text)).collect();
    let query = url.query().unwrap_or_default();
    pieces(url.path())
        .chain(pieces(query))
        .all(|piece| spelled.contains(&piece) || PLAIN_WORDS.contains(&piece) || is_opaque(piece))
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split(['/', '?', '&', '=', '*', '$']).filter(|piece| !piece.is_empty())
}

/// A number, or an id that was made by a machine.
fn is_opaque(piece: &str) -> bool {
    let digits = piece.bytes().filter(u8::is_ascii_digit).count();
    let number = digits > 0 && piece.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    let made = piece.len() >= MIN_OPAQUE
        && piece.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && digits * 3 >= piece.len();
    number || made
}

/// Whether a seed names an account: `@name`, `name@host`, an address with `/@name`, `/users/name`, `acct=` and the like.
#[must_use]
pub fn names_a_person(seed: &str) -> bool {
    let lower = seed.to_ascii_lowercase();
    if lower.contains('@') || lower.contains("%40") || lower.contains("acct=") || lower.contains("acct:") {
        return true;
    }
    let Ok(url) = Url::parse(seed) else { return false };
    let parts: Vec<&str> = url.path_segments().into_iter().flatten().collect();
    parts.windows(2).any(|pair| matches!(pair, [word, name] if PERSON_WORDS.contains(word) && !name.is_empty()))
}
