//! One meaning, one encoding: the facts about canonical JSON that digests rest on.

use proptest::prelude::*;
use schemas::canonical::{
    CanonicalError, Floats, MAX_BYTES, MAX_DEPTH, MAX_INTEGER, canonical_of, digest_of, from_canonical, parse_strict,
    parse_strict_with, sha256_hex, to_canonical, to_canonical_with,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

fn refusal(text: &str) -> String {
    parse_strict(text.as_bytes()).expect_err(text).to_string()
}

fn canonical(text: &str) -> String {
    let value = parse_strict(text.as_bytes()).expect(text);
    String::from_utf8(to_canonical(&value).expect(text)).expect("canonical JSON is UTF-8")
}

#[test]
fn own_vectors_hold() {
    #[derive(Deserialize)]
    struct Row {
        r#in: String,
        out: Option<String>,
        error: Option<String>,
    }
    let rows: Vec<Row> = serde_json::from_str(include_str!("../vectors/jcs-vectors.json")).unwrap();
    assert_eq!(rows.len(), 7);
    for row in rows {
        let read = parse_strict_with(row.r#in.as_bytes(), Floats::Allow);
        match (row.out, row.error) {
            (Some(out), None) => {
                let bytes = to_canonical_with(&read.unwrap(), Floats::Allow).unwrap();
                assert_eq!(String::from_utf8(bytes).unwrap(), out);
            }
            (None, Some(why)) => assert!(read.is_err(), "{}: {why}", row.r#in),
            _ => panic!("a row says either what comes out or why not"),
        }
    }
}

#[test]
fn members_are_sorted_by_utf16_code_units() {
    // U+1F600 is d83d de00 in UTF-16 and so comes before U+FB33, although its code point and UTF-8 bytes are larger.
    assert_eq!(canonical("{\"\u{fb33}\":1,\"\u{1f600}\":2,\"a\":3}"), "{\"a\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}");
}

#[test]
fn texts_are_escaped_as_little_as_possible() {
    assert_eq!(canonical(r#"["\u0001\b\t\n\f\r\"\\\/\u00e9\u007f"]"#), "[\"\\u0001\\b\\t\\n\\f\\r\\\"\\\\/é\u{7f}\"]");
}

#[test]
fn unicode_is_not_normalised() {
    assert_ne!(canonical("\"e\u{301}\""), canonical("\"\u{e9}\""));
}

#[test]
fn key_given_twice_is_refused_at_any_depth() {
    assert_eq!(refusal(r#"{"a":1,"a":1}"#), "`/a` is given twice");
    assert_eq!(refusal(r#"[{"x/y":{"~":1,"\u007e":2}}]"#), "`/0/x~1y/~0` is given twice");
}

#[test]
fn integer_beyond_a_double_is_refused() {
    let edge = MAX_INTEGER.to_string();
    assert_eq!(canonical(&edge), edge);
    assert_eq!(canonical(&format!("-{edge}")), format!("-{edge}"));
    for text in ["9007199254740992", "-9007199254740992", "18446744073709551615", "18446744073709551616"] {
        assert_eq!(
            refusal(&format!("{{\"id\":{text}}}")),
            "`/id` is an integer outside ±9007199254740991; write it as a string"
        );
        assert!(matches!(
            parse_strict_with(text.as_bytes(), Floats::Allow),
            Err(CanonicalError::IntegerTooLarge { .. })
        ));
    }
    // 40 digits: more than any integer type, and still an integer, not a float.
    let long = "\"7\\\"8\", 1.5, 1234567890123456789012345678901234567890";
    let found = parse_strict_with(format!("[{long}]").as_bytes(), Floats::Allow).unwrap_err();
    assert_eq!(found.to_string(), "`/2` is an integer outside ±9007199254740991; write it as a string");
}

#[test]
fn float_is_refused_in_records_and_named() {
    assert_eq!(
        refusal(r#"{"a":[1,{"b":0.5}]}"#),
        "`/a/1/b` is the float 0.5; write an integer of a smaller unit, or a string"
    );
    for text in ["1.0", "1e2", "-0", "-0.0", "1E-7"] {
        assert!(matches!(parse_strict(text.as_bytes()), Err(CanonicalError::Float { .. })), "{text}");
        assert!(parse_strict_with(text.as_bytes(), Floats::Allow).is_ok(), "{text}");
    }
    assert!(matches!(to_canonical(&json!({"a": 1.5})), Err(CanonicalError::Float { pointer, .. }) if pointer == "/a"));
    assert!(matches!(to_canonical(&json!(u64::MAX)), Err(CanonicalError::IntegerTooLarge { .. })));
    assert!(parse_strict_with(b"1e400", Floats::Allow).is_err());
}

#[test]
fn float_that_prints_as_a_large_integer_is_refused() {
    assert!(parse_strict_with(b"1e20", Floats::Allow).is_err());
    assert!(to_canonical_with(&json!(1e20), Floats::Allow).is_err());
    assert!(parse_strict_with(b"1e21", Floats::Allow).is_ok());
}

#[test]
fn text_that_is_not_clean_utf8_json_is_refused() {
    assert!(matches!(parse_strict(b"\xEF\xBB\xBF1"), Err(CanonicalError::ByteOrderMark)));
    assert!(matches!(parse_strict(b"\"a\xFF\""), Err(CanonicalError::NotUtf8 { offset: 2 })));
    assert!(matches!(parse_strict(b"\"\xED\xA0\x80\""), Err(CanonicalError::NotUtf8 { offset: 1 })));
    for text in [
        r#""\ud800""#,
        r#""\ud800x""#,
        r#""\udc00""#,
        r#"{"\ud83d":1}"#,
        "",
        " ",
        "1 2",
        "{}x",
        "[1,]",
        "nan",
        "'a'",
        "01",
        "\"\t\"",
    ] {
        assert!(matches!(parse_strict(text.as_bytes()), Err(CanonicalError::NotJson { .. })), "{text:?}");
    }
}

#[test]
fn depth_is_bounded_both_ways() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert_eq!(canonical(&nested(MAX_DEPTH)), nested(MAX_DEPTH));
    assert!(matches!(parse_strict(nested(MAX_DEPTH + 1).as_bytes()), Err(CanonicalError::TooDeep { .. })));
    assert!(parse_strict("[".repeat(100_000).as_bytes()).is_err());
    let value = (0..=MAX_DEPTH).fold(json!([]), |inner, _| json!([inner]));
    assert!(matches!(to_canonical(&value), Err(CanonicalError::TooDeep { .. })));
}

#[test]
fn size_is_bounded_both_ways() {
    let text = format!("\"{}\"", "a".repeat(MAX_BYTES));
    assert!(matches!(parse_strict(text.as_bytes()), Err(CanonicalError::TooLarge { .. })));
    assert!(matches!(to_canonical(&json!("a".repeat(MAX_BYTES))), Err(CanonicalError::TooLarge { .. })));
}

#[test]
fn huge_key_does_not_make_a_huge_error() {
    let key = "é".repeat(10_000);
    let said = refusal(&format!("{{\"{key}\":0.5}}"));
    assert!(said.chars().count() < 400 && said.contains('…'), "{said}");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    title: String,
    parts: Vec<u32>,
}

#[test]
fn only_canonical_bytes_are_read_back() {
    let note = Note { title: "harbour".to_owned(), parts: vec![1, 2] };
    let bytes = canonical_of(&note).unwrap();
    assert_eq!(bytes, br#"{"parts":[1,2],"title":"harbour"}"#);
    assert_eq!(from_canonical::<Note>(&bytes).unwrap(), note);
    for (text, offset) in [
        (&br#"{"title":"harbour","parts":[1,2]}"#[..], 2),
        (br#"{"parts":[1, 2],"title":"harbour"}"#, 12),
        (br#"{"parts":[1,2],"title":"h\u0061rbour"}"#, 25),
        (b"{\"parts\":[1,2],\"title\":\"harbour\"}\n", 33),
        (br#" {"parts":[1,2],"title":"harbour"}"#, 0),
    ] {
        match from_canonical::<Note>(text) {
            Err(CanonicalError::NotCanonical { offset: found }) => assert_eq!(found, offset),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn wrong_shape_is_named_by_place() {
    let said = from_canonical::<Note>(br#"{"parts":[1,-2],"title":"harbour"}"#).unwrap_err().to_string();
    assert!(said.starts_with("`/parts/1`: invalid value"), "{said}");
}

#[test]
fn member_written_twice_by_flattening_is_an_error() {
    #[derive(Serialize)]
    struct Twice {
        id: u8,
        #[serde(flatten)]
        more: std::collections::BTreeMap<String, u8>,
    }
    let twice = Twice { id: 1, more: [("id".to_owned(), 2)].into() };
    assert!(matches!(canonical_of(&twice), Err(CanonicalError::DuplicateKey { .. })));
}

#[test]
fn digests_are_lower_hex_sha256() {
    assert_eq!(sha256_hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(digest_of(&json!({"b": 1, "a": 2})).unwrap(), sha256_hex(br#"{"a":2,"b":1}"#));
}

fn any_value(floats: bool) -> impl Strategy<Value = Value> {
    let whole = (-(MAX_INTEGER as i64)..=MAX_INTEGER as i64).prop_map(Value::from);
    let number = if floats {
        prop_oneof![whole, (-1e15f64..1e15).prop_map(Value::from), (1e21f64..1e300).prop_map(Value::from)].boxed()
    } else {
        whole.boxed()
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_survives_its_canonical_form(value in any_value(false)) {
        let bytes = to_canonical(&value).unwrap();
        prop_assert_eq!(&parse_strict(&bytes).unwrap(), &value);
        prop_assert_eq!(&from_canonical::<Value>(&bytes).unwrap(), &value);
        // The order in which another program wrote the members, and its white space, make no difference.
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        prop_assert_eq!(to_canonical(&parse_strict(&pretty).unwrap()).unwrap(), bytes);
    }

    /// Values without floats are written by a writer of our own; the library's is the other opinion.
    #[test]
    fn own_writer_and_the_library_agree(value in any_value(false)) {
        let library = to_canonical_with(&value, Floats::Allow).unwrap();
        prop_assert_eq!(to_canonical(&value).unwrap(), library);
    }

    #[test]
    fn canonical_form_is_a_fixed_point_with_floats_too(value in any_value(true)) {
        let bytes = to_canonical_with(&value, Floats::Allow).unwrap();
        let again = parse_strict_with(&bytes, Floats::Allow).unwrap();
        prop_assert_eq!(to_canonical_with(&again, Floats::Allow).unwrap(), bytes);
    }

    #[test]
    fn members_come_out_in_utf16_order(keys in prop::collection::btree_set(any::<String>(), 0..12)) {
        let value = Value::Object(keys.iter().map(|key| (key.clone(), Value::Null)).collect());
        let mut sorted: Vec<_> = keys.into_iter().collect();
        sorted.sort_by_key(|key| key.encode_utf16().collect::<Vec<_>>());
        let bytes = to_canonical(&value).unwrap();
        let expected: Vec<_> = sorted
            .iter()
            .map(|key| String::from_utf8(to_canonical(&json!(key)).unwrap()).unwrap() + ":null")
            .collect();
        prop_assert_eq!(String::from_utf8(bytes).unwrap(), format!("{{{}}}", expected.join(",")));
    }

    #[test]
    fn any_bytes_are_answered_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = parse_strict(&bytes) {
            prop_assert!(to_canonical(&value).is_ok());
        }
    }

    #[test]
    fn any_jsonish_text_is_answered_without_a_panic(text in r#"[\[\]{}":,0-9eE.\\u \-a-f]{0,40}"#) {
        let _ = parse_strict(text.as_bytes());
        if let Ok(value) = parse_strict_with(text.as_bytes(), Floats::Allow) {
            prop_assert!(to_canonical_with(&value, Floats::Allow).is_ok());
        }
    }
}
