//! Who wrote it, out of one line of text?

use schemas::record::Author;

use crate::html::line;

/// Longest name kept, in characters.
const MAX_NAME: usize = 200;

/// An author from parts; nothing if all are empty.
pub fn of(name: Option<String>, address: Option<String>, uri: Option<String>) -> Option<Author> {
    let name = name.map(|name| line(&name).chars().take(MAX_NAME).collect::<String>()).filter(|name| !name.is_empty());
    let author = Author { id: uri, handle: address, name, kind: None };
    (author != Author::default()).then_some(author)
}

/// Reads `desk@example.org (Example Desk)`, `Example Desk <desk@example.org>`, `Example Desk (desk@example.org)` and either alone.
pub fn written(text: &str) -> Option<Author> {
    let text = line(text);
    let Some(address) = text.split([' ', '(', ')', '<', '>', ',', ';', '"']).find(|word| is_mail(word)) else {
        return of(Some(text), None, None);
    };
    let bare = address.strip_prefix("mailto:").unwrap_or(address).to_owned();
    let rest = text.replacen(address, "", 1);
    let name = rest.trim_matches(|letter: char| {
        letter.is_whitespace() || matches!(letter, '(' | ')' | '<' | '>' | ',' | ';' | '"' | '-')
    });
    of(Some(name.to_owned()), Some(bare), None)
}

fn is_mail(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.')
    })
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn name_and_address_are_told_apart() {
        for text in [
            "desk@example.org (Example Desk)",
            "Example Desk <desk@example.org>",
            "Example Desk (desk@example.org)",
            "\"Example Desk\" <mailto:desk@example.org>",
        ] {
            let author = written(text).unwrap();
            assert_eq!(
                (author.name.as_deref(), author.handle.as_deref()),
                (Some("Example Desk"), Some("desk@example.org")),
                "{text}"
            );
        }
        assert_eq!(written("desk@example.org").unwrap().name, None);
        assert_eq!(written("Example Desk").unwrap().handle, None);
        assert_eq!(written("  "), None);
    }
}
