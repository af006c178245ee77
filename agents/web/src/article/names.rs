//! Who wrote it, out of one line of a page?

use schemas::record::{Author, AuthorKind};

/// Longest name kept, in characters; longer lines name nobody.
const MAX_NAME: usize = 100;

/// Most authors kept.
pub(super) const MAX_AUTHORS: usize = 50;

/// Words that introduce authors whatever the page's language. A colon or a space must follow.
const BY: &[&str] = &[
    "written by",
    "posted by",
    "reported by",
    "story by",
    "article by",
    "words by",
    "text by",
    "by",
    "author",
    "authors",
    "propos recueillis par",
    "un texte de",
    "publié par",
    "écrit par",
    "rédigé par",
    "par",
    "auteur",
    "auteurs",
    "auteure",
    "autrice",
    "autor",
    "autorin",
    "autoren",
    "autore",
    "autrice:",
    "escrito por",
    "por",
    "автор",
    "авторы",
    "автори",
    "作者",
    "记者",
    "記者",
    "文",
    "نویسنده",
    "بقلم",
    "كتب",
    "الكاتب",
    "מאת",
];

/// Words that introduce authors in one language and begin names in others.
const BY_IN: &[(&str, &str)] = &[
    ("de", "von"),
    ("de", "text"),
    ("it", "di"),
    ("it", "a cura di"),
    ("nl", "door"),
    ("sv", "av"),
    ("no", "av"),
    ("nb", "av"),
    ("da", "af"),
    ("fi", "kirjoittanut"),
    ("pl", "autor"),
];

/// Words that make a line with "and" or "et" in it an institution's name.
const INSTITUTION: &[&str] = &[
    "affairs",
    "agence",
    "agency",
    "association",
    "bureau",
    "canada",
    "center",
    "centre",
    "commission",
    "committee",
    "council",
    "department",
    "desk",
    "division",
    "foundation",
    "government",
    "gouvernement",
    "institut",
    "institute",
    "media",
    "ministry",
    "ministère",
    "news",
    "office",
    "presse",
    "press",
    "relations",
    "research",
    "service",
    "services",
    "society",
    "staff",
    "team",
    "university",
    "université",
];

/// The authors that a line of a page names: the words that introduce them, dates and outlets behind them are taken away.
///
/// `language` is the page's, where known: `von` introduces an author in German alone.
pub(super) fn in_line(line: &str, language: Option<&str>) -> Vec<Author> {
    let mut lines = line.lines().map(str::trim).filter(|line| !line.is_empty());
    let Some(first) = lines.next() else { return Vec::new() };
    let bare = without_by(first, language);
    // "By" may stand on a line of its own.
    let text = if bare.is_empty() { lines.next().unwrap_or_default() } else { bare };
    let text = text.split([' ', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let text = text.split(['|', '•', '·', '\u{2022}']).next().unwrap_or_default();
    let text = without_date(text);
    split(text).into_iter().filter_map(one).take(MAX_AUTHORS).collect()
}

/// One author from a text that names one: addresses go where addresses belong.
pub(super) fn one(text: &str) -> Option<Author> {
    let mut author = Author::default();
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let bare = word.trim_matches(['(', ')', '<', '>', '[', ']', ',', ';']);
        if bare.starts_with("http://") || bare.starts_with("https://") {
            author.id.get_or_insert_with(|| bare.to_owned());
        } else if is_mail(bare) {
            author.handle.get_or_insert_with(|| bare.strip_prefix("mailto:").unwrap_or(bare).to_owned());
        } else {
            words.push(word);
        }
    }
    let name = words.join(" ");
    let name = name.trim_matches(|letter: char| {
        letter.is_whitespace()
            || matches!(letter, ',' | ';' | ':' | '-' | '–' | '—' | '/' | '|' | '"' | '“' | '”' | '«' | '»' | '：')
    });
    if name.chars().any(char::is_alphabetic) && name.chars().count() <= MAX_NAME {
        if name.starts_with('@') && !name.contains(' ') {
            author.handle.get_or_insert_with(|| name.to_owned());
        } else {
            author.name = Some(name.to_owned());
        }
    }
    // An address alone names a profile page, not a person: the sheet of metadata conventions counts it as nobody.
    (author.name.is_some() || author.handle.is_some()).then_some(author)
}

/// An author by name and kind, as JSON-LD gives them.
pub(super) fn said(name: &str, id: Option<String>, kind: Option<AuthorKind>) -> Option<Author> {
    let mut author = one(name)?;
    author.id = author.id.or(id);
    author.kind = kind;
    Some(author)
}

fn is_mail(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.')
    })
}

/// The line after the word that introduces an author; as it is where there is none.
fn without_by<'a>(line: &'a str, language: Option<&str>) -> &'a str {
    let language = language.and_then(|tag| tag.split(['-', '_']).next()).unwrap_or_default().to_ascii_lowercase();
    let local = BY_IN.iter().filter(|(tag, _)| *tag == language).map(|(_, by)| *by);
    // The longest match counts: "written by" before nothing, "author" before nothing, "authors" before "author".
    let rest = BY.iter().copied().chain(local).filter_map(|by| after(line, by)).min_by_key(|rest| rest.len());
    rest.map_or(line, str::trim_start)
}

/// What follows `by` in `line`, case aside, if a colon, a space or the end is between them.
fn after<'a>(line: &'a str, by: &str) -> Option<&'a str> {
    let mut rest = line.chars();
    for expected in by.chars() {
        let letter = rest.next()?;
        if letter != expected && !letter.to_lowercase().eq(expected.to_lowercase()) {
            return None;
        }
    }
    let rest = rest.as_str();
    let bare = rest.trim_start().trim_start_matches([':', '：', '/', '／']);
    let parted = rest.is_empty() || rest.starts_with(char::is_whitespace) || bare.len() < rest.trim_start().len();
    parted.then_some(bare)
}

/// The line before a date: `Ada Example, 21 November 2026` is one name.
fn without_date(line: &str) -> &str {
    let Some(digit) = line.find(|letter: char| letter.is_ascii_digit()) else { return line };
    let before = &line[..digit];
    // A month before the day goes too; `kit::dates` knows the months of many languages.
    let trimmed = before.trim_end();
    let (rest, word) = trimmed.rsplit_once(' ').unwrap_or(("", trimmed));
    let is_month =
        !word.is_empty() && kit::dates::claimed(&format!("{word} 5, 2020")).is_some_and(|claim| claim.local.is_some());
    let rest = if is_month { rest } else { before };
    let rest = rest
        .trim_end_matches(|letter: char| letter.is_whitespace() || matches!(letter, ',' | '-' | '–' | '—' | '(' | '/'));
    if rest.is_empty() { line } else { rest }
}

/// The names in a list of names. An institution's name, and one turned round at its comma, stay whole.
fn split(line: &str) -> Vec<&str> {
    let parts: Vec<&str> = line.split([';', '；', '、', '，']).collect();
    if parts.len() > 1 {
        return parts;
    }
    let mut pieces = vec![line];
    for between in [" and ", " & ", " et ", " und ", " y ", " e ", " och ", " en ", " og ", " i ", " та ", " и ", ", "]
    {
        pieces = pieces.iter().flat_map(|piece| piece.split(between)).collect();
    }
    let pieces: Vec<&str> = pieces
        .into_iter()
        .map(|piece| piece.trim().trim_start_matches("and ").trim_start_matches("et ").trim_matches(','))
        .filter(|piece| !piece.is_empty())
        .collect();
    if pieces.len() > 1 && pieces.iter().all(|piece| is_personal(piece)) { pieces } else { vec![line] }
}

/// Two to four words that begin with capitals (particles aside), none of them an institution's.
fn is_personal(name: &str) -> bool {
    const PARTICLES: &[&str] = &[
        "de", "du", "des", "la", "le", "von", "van", "der", "den", "di", "da", "dos", "el", "al", "bin", "ibn", "zu",
        "ter", "af", "av",
    ];
    let words: Vec<&str> = name.split_whitespace().collect();
    (2..=5).contains(&words.len())
        && words.iter().all(|word| {
            let lower = word.to_lowercase();
            let institution = INSTITUTION.contains(&lower.trim_matches(['.', ',']));
            let capital = word.chars().next().is_some_and(|letter| letter.is_uppercase() || !letter.is_lowercase());
            !institution
                && (capital || PARTICLES.contains(&lower.as_str()))
                && !word.chars().any(|letter| letter.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(line: &str, language: &str) -> Vec<String> {
        in_line(line, Some(language)).into_iter().filter_map(|author| author.name).collect()
    }

    #[test]
    fn words_that_introduce_authors() {
        for (line, language) in [
            ("By Ada Example", "en"),
            ("by: Ada Example", "en-CA"),
            ("BY ADA EXAMPLE", "en"),
            ("By\n  Ada Example\n  Science desk", "en"),
            ("Written by Ada Example | Example Daily", "en"),
            ("Ada Example —", "en"),
            ("Par Ada Example", "fr"),
            ("Propos recueillis par Ada Example", "fr-CA"),
            ("Von Ada Example", "de"),
            ("Por Ada Example", "es"),
            ("Di Ada Example", "it"),
            ("Door Ada Example", "nl"),
            ("Автор: Ada Example", "ru"),
            ("作者：Ada Example", "zh"),
            ("نویسنده: Ada Example", "fa"),
            ("By Ada Example, 21 November 2026", "en"),
            ("By Ada Example November 21, 2026", "en"),
            ("Par Ada Example – 21 novembre 2026", "fr"),
        ] {
            let found = names(line, language);
            assert_eq!(found.len(), 1, "{line}: {found:?}");
            assert!(found[0].eq_ignore_ascii_case("Ada Example"), "{line}: {found:?}");
        }
    }

    #[test]
    fn names_that_begin_like_such_words_stay() {
        assert_eq!(names("Di Example", "en"), ["Di Example"]);
        assert_eq!(names("Byron Example", "en"), ["Byron Example"]);
        assert_eq!(names("Parker Example", "fr"), ["Parker Example"]);
        assert_eq!(names("Authora Example", "en"), ["Authora Example"]);
        assert_eq!(names("May Example 2", "en"), ["May Example"]);
    }

    #[test]
    fn lists_are_split_and_institutions_are_not() {
        assert_eq!(names("By Ada Example and Ben Sample", "en"), ["Ada Example", "Ben Sample"]);
        assert_eq!(
            names("Par Ada Example, Ben Sample et Cid van Muster", "fr"),
            ["Ada Example", "Ben Sample", "Cid van Muster"]
        );
        assert_eq!(names("Ada Example; Ben Sample", "en"), ["Ada Example", "Ben Sample"]);
        for whole in [
            "Example, Ada",
            "Fisheries and Oceans Canada",
            "Northern Affairs and Foreign Relations Office",
            "Example Research and Sample Services",
        ] {
            assert_eq!(names(whole, "en"), [whole]);
        }
    }

    #[test]
    fn addresses_are_no_names() {
        let author = one("Ada Example (https://example.org/ada)").unwrap();
        assert_eq!(
            (author.name.as_deref(), author.id.as_deref()),
            (Some("Ada Example"), Some("https://example.org/ada"))
        );
        assert_eq!(one("https://www.example.com/desk"), None);
        assert_eq!(one("desk@example.org").unwrap().handle.as_deref(), Some("desk@example.org"));
        assert_eq!(one(" - "), None);
    }
}
