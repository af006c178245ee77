//! Is this a language tag, and which one was meant?

/// Names that people write for languages, and their tags.
const NAMES: [(&str, &[&str]); 20] = [
    ("ar", &["arabic", "العربية"]),
    ("cs", &["czech", "čeština"]),
    ("de", &["german", "deutsch"]),
    ("el", &["greek", "ελληνικά"]),
    ("en", &["english", "anglais"]),
    ("es", &["spanish", "español", "espanol"]),
    ("et", &["estonian", "eesti"]),
    ("fi", &["finnish", "suomi"]),
    ("fr", &["french", "français", "francais"]),
    ("it", &["italian", "italiano"]),
    ("ja", &["japanese", "日本語"]),
    ("ko", &["korean", "한국어"]),
    ("lt", &["lithuanian", "lietuvių"]),
    ("lv", &["latvian", "latviešu"]),
    ("nl", &["dutch", "nederlands"]),
    ("pl", &["polish", "polski"]),
    ("pt", &["portuguese", "português"]),
    ("ru", &["russian", "русский"]),
    ("uk", &["ukrainian", "українська"]),
    ("zh", &["chinese", "中文"]),
];

/// Whether a text has the shape of a language tag (RFC 5646, section 2.1), its language being one of two or three letters.
pub(super) fn is_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    matches!(language.len(), 2 | 3)
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// What to write in place of a text that is no tag.
pub(super) fn meant(text: &str) -> String {
    let small = text.trim().to_lowercase();
    let named = NAMES.iter().find(|(_, names)| names.contains(&small.as_str())).map(|(tag, _)| (*tag).to_owned());
    match named.or_else(|| Some(text.trim().replace('_', "-")).filter(|text| is_tag(text))) {
        Some(tag) => format!("write `{tag}`"),
        None => "write it as `en`, `fr` or `fr-CA`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_begins_with_a_language_of_two_or_three_letters() {
        for tag in ["en", "fr-CA", "EN", "zh-Hans-CN", "gsw", "de-CH-1901"] {
            assert!(is_tag(tag), "{tag}");
        }
        for (text, words) in [
            ("english", "write `en`"),
            ("Français", "write `fr`"),
            ("en_CA", "write `en-CA`"),
            ("klingon", "write it as"),
            ("", "write it as"),
            ("e", "write it as"),
            ("12", "write it as"),
            ("en-", "write it as"),
        ] {
            assert!(!is_tag(text) && meant(text).starts_with(words), "{text}: {}", meant(text));
        }
    }
}
