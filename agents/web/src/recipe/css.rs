//! What is wrong with a selector, in words for whoever wrote it?

use scraper::{Selector, error::SelectorErrorKind};

/// Why a text is no selector; no full stop.
pub(super) fn complaint(css: &str, error: &SelectorErrorKind) -> String {
    if css.is_empty() {
        return "it is empty: name the element".to_owned();
    }
    if css.starts_with('/') {
        return "it is an XPath".to_owned();
    }
    let outline = Outline::of(css);
    if outline.open {
        return "it ends too early: a bracket or quote is open".to_owned();
    }
    if let Some(at) = outline.at {
        let (before, name) = css.split_at(at);
        let name = name.trim_start_matches('@');
        return if name.trim().is_empty() {
            "no attribute name after `@`".to_owned()
        } else if name.starts_with(char::is_whitespace) {
            "a space stands between `@` and the attribute's name".to_owned()
        } else if before.ends_with(char::is_whitespace) {
            "what follows `@` is no attribute's name: it is one word, and stands at the end".to_owned()
        } else {
            "a space is missing before `@`".to_owned()
        };
    }
    if let Some(pseudo) = outline.pseudos.iter().find(|part| Selector::parse(&format!("*{part}")).is_err()) {
        let name = pseudo.split('(').next().unwrap_or_default();
        return if name.trim_matches(':').is_empty() {
            format!("a name is missing after `{name}`")
        } else if pseudo.contains('(') && Selector::parse(&format!("*{name}(a)")).is_ok() {
            format!("what stands in the brackets of `{name}` is not understood")
        } else {
            format!("`{name}` is not known in CSS selectors that work without a browser")
        };
    }
    let last = css.chars().next_back().unwrap_or_default();
    let first = css.chars().next().unwrap_or_default();
    match (first, last) {
        (_, '.' | '#') => format!("a name is missing after `{last}`"),
        (_, '>' | '+' | '~' | ',') => format!("nothing stands after `{last}`"),
        ('>' | '+' | '~' | ',', _) => format!("nothing stands before `{first}`"),
        _ => between(css, error),
    }
}

/// What stands wrongly in the middle of a selector.
fn between(css: &str, error: &SelectorErrorKind) -> String {
    let dense: Vec<char> = css.chars().filter(|letter| !letter.is_whitespace()).collect();
    let joins = |letter: char| matches!(letter, '>' | '+' | '~' | ',');
    for pair in dense.windows(2) {
        match *pair {
            [one, other] if joins(one) && joins(other) => {
                return format!("nothing stands between `{one}` and `{other}`");
            }
            ['.', other] if other == '.' || other.is_ascii_digit() => {
                return "a name must follow each `.`, and does not begin with a digit".to_owned();
            }
            _ => {}
        }
    }
    // The kinds are another crate's and are not re-exported: only their names can be told apart.
    if css.contains('[') || format!("{error:?}").contains("Attr") {
        return "what stands in `[…]` is not understood; write it as `[data-id=\"7\"]`".to_owned();
    }
    UNCLEAR.to_owned()
}

const UNCLEAR: &str = "something stands where CSS has no place for it";

/// What a selector is made of, as far as a complaint needs it.
#[derive(Default)]
struct Outline {
    /// A bracket or quote is not closed.
    open: bool,
    /// Where an `@` stands outside brackets and quotes.
    at: Option<usize>,
    /// `:name` and `::name`, with brackets and what is in them.
    pseudos: Vec<String>,
}

impl Outline {
    fn of(css: &str) -> Self {
        let mut out = Self::default();
        let (mut quote, mut brackets, mut escaped) = (None, Vec::new(), false);
        let mut pseudo: Option<String> = None;
        for (at, letter) in css.char_indices() {
            let outside = quote.is_none() && brackets.is_empty() && !escaped;
            let ends = !(letter.is_alphanumeric() || matches!(letter, '-' | '_' | '('));
            if outside && letter == ':' {
                let begun = pseudo.as_ref().is_some_and(|begun| begun == ":");
                if !begun {
                    out.pseudos.extend(pseudo.replace(String::new()));
                }
            } else if outside && ends {
                out.pseudos.extend(pseudo.take());
            }
            if let Some(pseudo) = &mut pseudo {
                pseudo.push(letter);
            }
            match (letter, quote) {
                _ if escaped => escaped = false,
                ('\\', _) => escaped = true,
                ('"' | '\'', None) => quote = Some(letter),
                (_, Some(open)) if letter == open => quote = None,
                (_, Some(_)) => {}
                ('(' | '[', None) => brackets.push(letter),
                (')' | ']', None) => {
                    brackets.pop();
                    if brackets.is_empty() && letter == ')' {
                        out.pseudos.extend(pseudo.take());
                    }
                }
                ('@', None) if brackets.is_empty() => out.at = out.at.or(Some(at)),
                _ => {}
            }
        }
        out.pseudos.extend(pseudo);
        out.open = quote.is_some() || !brackets.is_empty();
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_selector_is_told_in_words() {
        let mut amiss = Vec::new();
        for (css, words) in [
            ("li[", "a bracket or quote is open"),
            ("p::text", "`::text` is not known in CSS"),
            ("p:contains(a:b) > a", "`:contains` is not known in CSS"),
            ("p:not(::x)", "in the brackets of `:not`"),
            ("p:", "a name is missing after `:`"),
            ("a @", "no attribute name after `@`"),
            ("a @ href", "a space stands between `@`"),
            ("a@href", "a space is missing before `@`"),
            ("a @href b", "is one word"),
            ("", "it is empty"),
            ("//div", "XPath"),
            ("ul >", "nothing stands after `>`"),
            ("> li", "nothing stands before `>`"),
            ("a,, b", "nothing stands between `,` and `,`"),
            ("a > > b", "nothing stands between `>` and `>`"),
            ("a > , b", "nothing stands between `>` and `,`"),
            ("..x", "a name must follow each `.`"),
            (".2nd", "a name must follow each `.`"),
            ("p.", "a name is missing after `.`"),
            ("a[=x]", "what stands in `[…]`"),
            ("a[x=]", "what stands in `[…]`"),
            ("a ! b", UNCLEAR),
        ] {
            let said = Selector::parse(css).map(|_| "parsed".to_owned()).unwrap_or_else(|error| complaint(css, &error));
            if !said.contains(words) {
                amiss.push(format!("{css}: {said}"));
            }
        }
        assert!(amiss.is_empty(), "{amiss:#?}");
    }
}
