//! Which part of a title is the headline?

/// What sets a site's name off from a headline, with a space on both sides.
const SEPARATORS: &[char] =
    &['|', '-', '–', '—', '\\', '/', '>', '»', '«', '⁄', '·', '•', '*', '⋆', '~', '∷', '‹', '›'];

/// The headline of a `title` element.
///
/// A first or last part that is the site's own name goes, if the page says that name. Else the last part goes, if more than four words
/// stay: a headline too long is better than half of one (the rule of Readability). Colons part nothing but a name from the rest, since
/// headlines have colons of their own.
pub(super) fn cut(title: &str, site: Option<&str>, host: &str) -> String {
    let title = title.trim();
    if let Some(rest) = without_site(title, |part| site.is_some_and(|site| same(part, site))) {
        return rest.to_owned();
    }
    if let Some(rest) = without_site(title, |part| is_host(part, host)) {
        return rest.to_owned();
    }
    match breaks(title).last() {
        Some(&(at, _)) => {
            let head = title[..at].trim_end();
            if head.split_whitespace().count() > 4 { head.to_owned() } else { title.to_owned() }
        }
        None => title.to_owned(),
    }
}

/// A title that was meant for sharing, without the site's name at either end.
pub(super) fn shared(title: &str, site: Option<&str>) -> String {
    let title = title.trim();
    without_site(title, |part| site.is_some_and(|site| same(part, site))).unwrap_or(title).to_owned()
}

fn without_site(title: &str, is_site: impl Fn(&str) -> bool) -> Option<&str> {
    let breaks = breaks(title);
    if let Some(&(at, _)) = breaks.iter().rev().find(|(_, after)| is_site(&title[*after..])) {
        return Some(title[..at].trim()).filter(|rest| !rest.is_empty());
    }
    if let Some(&(_, after)) = breaks.iter().find(|(at, _)| is_site(&title[..*at])) {
        return Some(title[after..].trim()).filter(|rest| !rest.is_empty());
    }
    let (head, rest) = title.split_once(": ")?;
    is_site(head).then(|| rest.trim()).filter(|rest| !rest.is_empty())
}

/// Where separators stand: end of what is before, start of what follows.
fn breaks(title: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut before = None;
    for (at, letter) in title.char_indices() {
        if SEPARATORS.contains(&letter) {
            let after = at + letter.len_utf8();
            let parted = title[after..].starts_with(char::is_whitespace);
            if before.is_some_and(char::is_whitespace) && parted && !title[..at].trim().is_empty() {
                found.push((at, after));
            }
        }
        before = Some(letter);
    }
    found
}

/// Letters and digits alone, in lower case.
fn folded(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn same(part: &str, site: &str) -> bool {
    let (part, site) = (folded(part), folded(site));
    !part.is_empty() && part == site
}

/// `News.Example.org` on `www.news.example.org`: a part that is the host's name as a whole.
fn is_host(part: &str, host: &str) -> bool {
    let part = part.trim().to_ascii_lowercase();
    part.contains('.') && (part == host || Some(part.as_str()) == host.strip_prefix("www."))
}

/// Which of two titles of one JSON-LD node is the page's, by likeness to its `title` element: the words they share, of all their words.
pub(super) fn likeness(one: &str, other: &str) -> u32 {
    let words = |text: &str| {
        let mut words: Vec<String> = text.split_whitespace().map(folded).filter(|word| !word.is_empty()).collect();
        words.sort();
        words.dedup();
        words
    };
    let (one, other) = (words(one), words(other));
    let shared = one.iter().filter(|word| other.binary_search(word).is_ok()).count();
    let all = one.len() + other.len() - shared;
    u32::try_from(shared * 1000 / all.max(1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sites_own_name_goes_at_either_end() {
        for title in [
            "Short | Example Daily",
            "Example Daily - Short",
            "Short — example daily",
            "Example Daily: Short",
            "Short · Example Daily",
        ] {
            assert_eq!(cut(title, Some("Example Daily"), "news.example.org"), "Short", "{title}");
        }
        assert_eq!(cut("Short | news.example.org", None, "www.news.example.org"), "Short");
    }

    #[test]
    fn an_unknown_name_goes_only_from_a_long_headline() {
        assert_eq!(
            cut("An invented story of five words | Somewhere", None, "x.example"),
            "An invented story of five words"
        );
        assert_eq!(cut("Too short | Somewhere", None, "x.example"), "Too short | Somewhere");
        assert_eq!(
            cut("Une histoire inventée – la suite d’hier – Site", None, "x.example"),
            "Une histoire inventée – la suite d’hier"
        );
    }

    #[test]
    fn hyphens_slashes_and_colons_inside_a_headline_stay() {
        for title in [
            "A well-known and/or invented story of today",
            "Minister: all is invented here and there",
            "10-11 percent more, says an office",
        ] {
            assert_eq!(cut(title, None, "x.example"), title);
        }
        assert_eq!(cut(" | Example Daily", Some("Example Daily"), "x.example"), "| Example Daily");
        assert_eq!(shared("Rain - again", Some("Example Daily")), "Rain - again");
    }

    #[test]
    fn likeness_is_of_words() {
        assert!(
            likeness("Invented story", "Invented story | Example")
                > likeness("Example Daily", "Invented story | Example")
        );
        assert_eq!(likeness("", ""), 0);
    }
}
