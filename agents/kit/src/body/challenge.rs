//! By which marks is a page known that tests or stops a visitor instead of answering? One list, for the fetcher and for readers.

use memchr::memmem;

/// How much of a page is searched, in decoded bytes.
pub(crate) const WITHIN_BYTES: u64 = 64 * 1024;

/// What such pages cannot do without, and what the scripts that the same services put into ordinary pages do not have. In lower case.
const MARKS: [&str; 18] = [
    "<title>just a moment...</title>",
    "<title>attention required! | cloudflare</title>",
    "window._cf_chl_opt",
    "checking your browser before accessing",
    "id=\"cf-challenge",
    "class=\"cf-challenge",
    "id=\"challenge-form\"",
    "id=\"main-iframe\" src=\"/_incapsula_resource",
    "captcha-delivery.com",
    "<title>ddos-guard</title>",
    "<title>access denied</title>",
    "<title>pardon our interruption",
    "window.awswafcookiedomainlist",
    "px-captcha",
    "<form id=\"captcha",
    "<title>are you a robot?",
    "<title>captcha</title>",
    "<title>robot check</title>",
];

/// The header by which one service names its challenges (`cf-mitigated: challenge`), as it is told.
pub(crate) fn named<'h>(mut header: impl FnMut(&str) -> Option<&'h str>) -> Option<&'static str> {
    header("cf-mitigated")
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("challenge"))
        .then_some("cf-mitigated: challenge")
}

/// Words of which every mark that is no title holds one: few, so that a page is searched through a few times only.
const WORDS: [&str; 7] = [
    "_cf_chl_opt",
    "checking your browser",
    "challenge",
    "_incapsula_resource",
    "captcha",
    "awswafcookiedomainlist",
    "<title>",
];

/// The mark by which the head of a page, in lower case, is one of a challenge.
pub(crate) fn mark(page: &[u8]) -> Option<&'static str> {
    let within = |word: &&str| memmem::find(page, word.as_bytes()).is_some();
    let met: Vec<&str> = WORDS.into_iter().filter(within).collect();
    let titles: Vec<usize> = memmem::find_iter(page, "<title>").collect();
    MARKS.into_iter().find(|mark| {
        if mark.starts_with("<title>") {
            titles.iter().any(|at| page.get(*at..).is_some_and(|rest| rest.starts_with(mark.as_bytes())))
        } else {
            met.iter().any(|word| mark.contains(word)) && within(mark)
        }
    })
}

/// Whether a document is HTML by how it begins; XHTML with an XML declaration included.
pub(crate) fn is_page(document: &[u8]) -> bool {
    let mut rest = begin(document);
    loop {
        let end: &[u8] = if rest.starts_with(b"<!--") {
            b"-->"
        } else if rest.starts_with(b"<?") {
            b"?>"
        } else {
            break;
        };
        match memmem::find(rest, end) {
            Some(at) => rest = begin(rest.get(at + end.len()..).unwrap_or_default()),
            None => return false,
        }
    }
    ["<!doctype html", "<html", "<head", "<body"]
        .iter()
        .any(|start| rest.get(..start.len()).is_some_and(|it| it.eq_ignore_ascii_case(start.as_bytes())))
}

/// Without the byte order mark and the white space at its beginning.
fn begin(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_as_they_are_searched_for() {
        for found in MARKS {
            assert_eq!(found, found.to_lowercase());
            assert!(WORDS.iter().any(|word| found.contains(word)), "{found}");
            assert!(mark(format!("<html>{found}").as_bytes()).is_some());
        }
        // What the same services put into pages that do answer.
        for innocent in [
            "<script src=\"/cdn-cgi/challenge-platform/scripts/jsd/main.js\">",
            "<script src=\"/_incapsula_resource?swjiylwa=719d\">",
            "<p>they wrote about captchas and access denied</p>",
        ] {
            assert_eq!(mark(innocent.as_bytes()), None, "{innocent}");
        }
    }
}
