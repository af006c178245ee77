//! Does one address have one spelling, and is everything else refused with the right word?

use proptest::prelude::*;
use schemas::urlform::{MAX_URL_BYTES, UrlRefusal, normal_form};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    url: String,
    form: Option<String>,
    refused: Option<String>,
}

#[test]
fn vectors_have_their_form_or_their_refusal() {
    let rows = include_str!("../vectors/urlform.jsonl").lines();
    let vectors: Vec<Vector> = rows.map(|row| serde_json::from_str(row).expect(row)).collect();
    assert!(vectors.len() >= 100, "{} vectors", vectors.len());
    for Vector { url, form, refused } in vectors {
        match normal_form(&url) {
            Ok(got) => assert_eq!((Some(got.to_string()), None), (form, refused), "{url:?}"),
            Err(why) => assert_eq!((None, Some(why.word().to_owned())), (form, refused), "{url:?}: {why}"),
        }
    }
}

#[test]
fn length_is_judged_before_and_after_encoding() {
    let of_length = |bytes: usize| format!("https://example.org/{}", "a".repeat(bytes - "https://example.org/".len()));
    assert_eq!(normal_form(&of_length(MAX_URL_BYTES)).unwrap().as_str().len(), MAX_URL_BYTES);
    assert_eq!(normal_form(&of_length(MAX_URL_BYTES + 1)), Err(UrlRefusal::TooLong { bytes: MAX_URL_BYTES + 1 }));
    let grows = format!("https://example.org/{}", "é".repeat(2000));
    assert!(grows.len() < MAX_URL_BYTES);
    assert_eq!(normal_form(&grows), Err(UrlRefusal::TooLong { bytes: 12_020 }));
}

#[test]
fn refusals_say_what_to_change() {
    let said = |url: &str| normal_form(url).unwrap_err().to_string();
    assert_eq!(said("ftp://example.org/"), "the URL's scheme is `ftp`; only `http` and `https` are collected");
    assert_eq!(said("example.org"), "the URL is not absolute; begin it with `https://`");
    assert_eq!(
        said("https://example.org/\n"),
        "the URL holds the control character U+000A at byte 20; write it percent-encoded or leave it out"
    );
    assert_eq!(
        said("https://a:b@example.org/"),
        "the URL carries user information before `@`; name a credential in the policy instead"
    );
}

/// Whether a text is written as [`normal_form`] promises, judged by its characters alone.
fn looks_normal(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let path = &rest[rest.find('/').unwrap_or(rest.len())..];
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&octet);
    let escapes = path.split('%').skip(1).all(|after| {
        let digits = after.get(..2).unwrap_or_default();
        let upper = digits.len() == 2 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'));
        upper
            && u8::from_str_radix(digits, 16)
                .is_ok_and(|octet| !(octet.is_ascii_alphanumeric() || b"-._~".contains(&octet)))
    });
    path.starts_with('/') && path.bytes().all(allowed) && escapes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_normal_form_is_its_own_normal_form(
        host in "([a-z0-9.é。%-]{1,12}|\\[[0-9a-f:.]{2,12}\\]|[0-9x.]{1,10}|example.org)",
        port in "(:[0-9]{0,5})?",
        rest in "([/?#%.;&=+a-zA-Z0-9é|^'\"<> \\\\~]|%[0-9a-fA-F]{2}|%2e|\\.\\./){0,30}",
    ) {
        let text = format!("http://{host}{port}/{rest}");
        if let Ok(form) = normal_form(&text) {
            prop_assert!(looks_normal(form.as_str()), "{} of {}", form, text);
            prop_assert_eq!(form.fragment(), None);
            prop_assert_eq!(normal_form(form.as_str()), Ok(form));
        }
    }

    #[test]
    fn any_text_is_read(text in ".{0,80}", tail in ".{0,60}") {
        for text in [text, format!("https://{tail}")] {
            if let Ok(form) = normal_form(&text) {
                prop_assert!(matches!(form.scheme(), "http" | "https") && form.has_host() && form.username().is_empty());
                prop_assert_eq!(normal_form(form.as_str()), Ok(form));
            }
        }
    }

    #[test]
    fn spelling_does_not_matter(path in "/[a-zA-Z0-9._~-]{1,12}") {
        prop_assume!(!path.trim_start_matches('/').chars().all(|letter| letter == '.'));
        let escaped: String = path.bytes().map(|octet| if octet == b'/' { "/".to_owned() } else { format!("%{octet:02x}") }).collect();
        prop_assert_eq!(normal_form(&format!("HTTP://Example.ORG.:80{escaped}#x")), normal_form(&format!("http://example.org{path}")));
    }
}
