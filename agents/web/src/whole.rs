//! Did a page come whole?

use std::borrow::Cow;

use kit::{Answer, Halt};

use crate::{ask::Step, recipe::Recipe};

/// The text of a page that came whole. A parser of HTML mends what is cut off, so the end is looked for before.
///
/// # Errors
///
/// The halt of the answer; unreadable where the end is missing.
pub fn whole<'a>(recipe: &Recipe, answer: &Answer<'a, Step>) -> Result<Cow<'a, str>, Halt<Step>> {
    let text = answer.page()?;
    if recipe.unclosed || is_closed(&text) {
        return Ok(text);
    }
    let why = "the page ends without `</html>`: it was cut, or write `unclosed = true` into the recipe where all pages of the site do";
    Err(answer.unreadable("body", why))
}

/// Whether `</html>` is the last thing but comments and white space.
fn is_closed(text: &str) -> bool {
    let mut rest = text.trim_end();
    while rest.ends_with("-->") {
        let Some(start) = rest.rfind("<!--") else { return false };
        rest = rest.get(..start).unwrap_or_default().trim_end();
    }
    let tail = rest.len().saturating_sub("</html>".len());
    rest.get(tail..).is_some_and(|end| end.eq_ignore_ascii_case("</html>"))
}

#[cfg(test)]
mod tests {
    use super::is_closed;

    #[test]
    fn the_end_of_a_page_is_its_last_tag_but_comments() {
        for closed in ["<p>a</html>", "a</HTML>\n<!-- cached -->\n<!-- 12 ms -->\n"] {
            assert!(is_closed(closed), "{closed}");
        }
        for open in ["", "<p>a</html", "</html><p>a", "</html> -->", "é</htm"] {
            assert!(!is_closed(open), "{open}");
        }
    }
}
