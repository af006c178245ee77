use proptest::prelude::*;
use schemas::permission::Entry;

use super::*;

fn encode(text: &str, form: u8, lower: bool) -> String {
    let hex = |byte: u8| {
        if lower { format!("{byte:02x}") } else { format!("{byte:02X}") }
    };
    match form {
        0 => text.to_owned(),
        1 => text.bytes().map(percent).collect(),
        2 => text.bytes().map(|byte| format!("%{}", hex(byte))).collect(),
        3 => {
            let quoted = serde_json::to_string(text).unwrap();
            quoted[1..quoted.len() - 1].to_owned()
        }
        4 => text.bytes().map(|byte| format!("\\u00{}", hex(byte))).collect(),
        5 => text.replace('/', "\\/"),
        6 => text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;"),
        7 => text.bytes().map(|byte| format!("&#{byte};")).collect(),
        // Each byte in another form.
        _ => text
            .bytes()
            .enumerate()
            .map(|(at, byte)| if at % 2 == 0 { format!("%{}", hex(byte)) } else { char::from(byte).to_string() })
            .collect(),
    }
}

proptest! {
    #[test]
    fn no_form_survives(
        secret in "[!-~]{8,40}",
        before in "[ -~]{0,20}",
        after in "[ -~]{0,20}",
        form in 0_u8..9,
        lower: bool,
    ) {
        let shown = encode(&secret, form, lower);
        let mut block = format!("{before}{shown}{after}").into_bytes();
        let (length, offset) = (block.len(), before.len());
        let ranges = Striker::new("s", &[&secret]).strike(&mut block, false);
        prop_assert_eq!(block.len(), length);
        prop_assert!(block[offset..offset + shown.len()].iter().all(|byte| *byte == b'*'), "{:?}", String::from_utf8_lossy(&block));
        let covered = ranges.iter().any(|(from, len)| *from as usize <= offset && (from + len) as usize >= offset + shown.len());
        prop_assert!(covered, "the list names what was struck");
    }

    #[test]
    fn no_beginning_survives_at_the_end_of_what_was_cut(
        secret in "[!-~]{8,40}",
        before in "[ -~]{0,20}",
        form in 0_u8..9,
        base64: bool,
        cut_off in 0_usize..80,
    ) {
        use base64::engine::general_purpose::STANDARD_NO_PAD;
        let written = if base64 { STANDARD_NO_PAD.encode(&secret) } else { secret.clone() };
        let (shown, least) = (encode(&written, form, false), encode(&written[..4], form, false).len());
        let kept = shown.len().saturating_sub(cut_off).max(least);
        let mut block = format!("{before}{}", &shown[..kept]).into_bytes();
        Striker::new("s", &[&secret]).strike(&mut block, true);
        prop_assert!(block[before.len()..].iter().all(|byte| *byte == b'*'), "{:?}", String::from_utf8_lossy(&block));
    }

    #[test]
    fn no_base64_survives(
        secret in "[!-~]{8,40}",
        before in proptest::collection::vec(any::<u8>(), 0..7),
        after in proptest::collection::vec(any::<u8>(), 0..7),
        url_safe: bool,
        form in 0_u8..6,
    ) {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let bytes = [before.as_slice(), secret.as_bytes(), after.as_slice()].concat();
        let encoded = if url_safe { URL_SAFE_NO_PAD.encode(&bytes) } else { STANDARD.encode(&bytes) };
        let mut block = encode(&encoded, form, true).into_bytes();
        Striker::new("s", &[&secret]).strike(&mut block, false);
        // What is left of the base64 decodes to nothing of the secret: letters that hold a bit of it are gone.
        let text: String = String::from_utf8(block).unwrap();
        let first = before.len() * 8 / 6;
        let last = ((before.len() + secret.len()) * 8).div_ceil(6);
        let left = text.chars().filter(|letter| *letter != '*').count();
        let shown: usize = encoded.bytes().enumerate().filter(|(at, _)| *at < first || *at >= last)
            .map(|(_, byte)| encode(&char::from(byte).to_string(), form, true).len()).sum();
        prop_assert!(left <= shown, "{text}");
    }

    #[test]
    fn what_holds_no_secret_stays(block in "[a-m \r\n:/%&=]{0,200}") {
        let mut bytes = block.clone().into_bytes();
        prop_assert!(Striker::new("s", &["ZYXWVUTSRQ"]).strike(&mut bytes, false).is_empty());
        prop_assert_eq!(bytes, block.into_bytes());
    }
}

#[test]
fn an_escape_at_the_end_is_not_taken_for_a_doubled_one() {
    for (secret, shown) in [("aaAA00!\\", "aaAA00!\\\\\""), ("aaAA00!%", "aaAA00!%2541")] {
        assert!(Striker::new("s", &[secret]).struck(shown).starts_with("*********"), "{secret}");
    }
}

fn entry() -> Entry {
    serde_json::from_value(serde_json::json!({
        "id": "a", "collector": "web", "seeds": ["https://api.example.org/"],
        "match": [{"host": "api.example.org"}, {"host": "*.example.org"}], "credential": "key",
        "purpose": "p", "program": "p", "legal_basis": {"code": "trial", "reason": "r"}, "question": "q", "pia": "none: r",
        "requested_by": "ann+00000000", "schedule": "every 1h", "zone": "UTC", "daily": 10, "retain_days": 1, "tlp": "clear",
        "domestic": "allow: invented", "expires_on": "2026-12-31"
    }))
    .unwrap()
}

fn slot(place: Place) -> Slot {
    Slot { name: "token".to_owned(), place, flow: Flow::Static, quota_by_403: false }
}

fn vault(value: &str) -> (tempfile::TempDir, Vault) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key"), value).unwrap();
    fs::set_permissions(folder.path().join("key"), fs::Permissions::from_mode(0o600)).unwrap();
    let vault = Vault::new(Some(folder.path().to_owned()));
    (folder, vault)
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn a_credential_goes_to_its_hosts_only() {
    let (folder, vault) = vault("ab%cd/efgh\n");
    let own = vault.open(&slot(Place::Bearer), &entry()).unwrap();
    assert!(own.may_go_to(&url("https://api.example.org/x")));
    assert!(!own.may_go_to(&url("http://api.example.org/x")), "in clear");
    assert!(!own.may_go_to(&url("https://www.example.org/x")), "only a wildcard names it");
    assert!(!own.may_go_to(&url("https://api.example.org.evil.invalid/")));
    fs::write(folder.path().join("key.hosts"), "auth.example.org\n").unwrap();
    let narrowed = vault.open(&slot(Place::Bearer), &entry()).unwrap();
    assert!(narrowed.may_go_to(&url("https://auth.example.org/")));
    assert!(!narrowed.may_go_to(&url("https://api.example.org/")));
}

#[test]
fn a_query_credential_is_veiled_at_equal_length() {
    let (_folder, vault) = vault("ab%cd/efgh");
    let own = vault.open(&slot(Place::Query("key".to_owned())), &entry()).unwrap();
    let veiled = own.veiled("https://api.example.org/x?key=old&a=1#f");
    assert_eq!(veiled, "https://api.example.org/x?a=1&key=**************");
    let wire = own.unveiled(&url(&veiled)).unwrap();
    assert_eq!(wire.as_str(), "https://api.example.org/x?a=1&key=ab%25cd%2Fefgh");
    assert_eq!(own.striker().struck(wire.as_str()), veiled);
}

#[test]
fn a_basic_credential_leaves_no_trace_in_its_header() {
    let (_folder, vault) = vault("ann:correct-horse");
    let own = vault.open(&slot(Place::Basic), &entry()).unwrap();
    let (_, value) = own.header().unwrap();
    let line = format!("authorization: {}\r\nx: 1", value.to_str().unwrap());
    let stars = "*".repeat(STANDARD.encode("ann:correct-horse").trim_end_matches('=').len());
    assert_eq!(own.striker().struck(&line), format!("authorization: Basic {stars}=\r\nx: 1"));
    assert_eq!(own.striker().struck("password is correct-horse"), "password is *************");
}

#[test]
fn unfit_credentials_are_refused_without_showing_them() {
    for (value, why) in [
        ("short", "fewer than 8"),
        ("has a space here", "visible ASCII"),
        ("", "fewer than 8"),
        ("PRIVATE+KEY+harbour+01020304+abcdefgh", "goes nowhere"),
    ] {
        let (_folder, vault) = vault(value);
        let error = vault.open(&slot(Place::Bearer), &entry()).err().expect("refused").to_string();
        assert!(error.contains(why), "{error}");
        assert!(value.is_empty() || !error.contains(value), "{error}");
    }
    let (_folder, vault) = vault("a-long-enough-value");
    let mut wrong = entry();
    for name in ["../key", ".key", "", "a/b", "agent.key", "registry.token", "State.key"] {
        wrong.credential = Some(name.to_owned());
        assert!(matches!(vault.open(&slot(Place::Bearer), &wrong), Err(SecretError::Name { .. })), "{name}");
    }
    wrong.credential = Some("absent".to_owned());
    assert!(matches!(vault.open(&slot(Place::Bearer), &wrong), Err(SecretError::Missing { .. })));
}

#[test]
fn a_credential_that_everybody_may_read_is_refused() {
    let (folder, vault) = vault("a-long-enough-value");
    fs::set_permissions(folder.path().join("key"), fs::Permissions::from_mode(0o644)).unwrap();
    let error = vault.open(&slot(Place::Bearer), &entry()).err().expect("refused");
    assert!(crate::fetch::chain(&error).contains("chmod 600"), "{error}");
    fs::write(folder.path().join("key.hosts"), "auth.example.org\n").unwrap();
    fs::set_permissions(folder.path().join("key"), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(vault.open(&slot(Place::Bearer), &entry()).is_ok(), "hosts are no secret");
}
