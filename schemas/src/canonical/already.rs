//! Is a text in canonical form already? Most texts that are read are, and those that are need no second writing to be compared with.
//!
//! Says yes only to what the strict reader takes and the writer gives back byte for byte. A no decides nothing: the reader says why, or takes it after
//! all. Keys are judged where they are plain ASCII; others get a no. That the bytes are UTF-8, and no text holds a control character as it is, is the
//! caller's to know: a parser that follows, or the writer before, has looked at each byte.

use memchr::{memchr, memchr2};

use super::{MAX_DEPTH, MAX_INTEGER};

/// Whether these bytes are one canonical value without floats.
pub(super) fn is(text: &[u8]) -> bool {
    let mut scan = Scan { rest: text };
    scan.value(0).is_some() && scan.rest.is_empty()
}

/// The bytes of a member of an object in canonical form; none where there is no such member.
pub(super) fn member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut scan = Scan { rest: object.strip_prefix(b"{")? };
    loop {
        let key = scan.key()?;
        let from = scan.rest;
        scan.value(1)?;
        if key == name.as_bytes() {
            return from.get(..from.len() - scan.rest.len());
        }
        scan.take(b',')?;
    }
}

/// Hands over the members of an object that stands `depth` levels deep: name, the whole member, value. False where it is not in canonical form.
pub(super) fn members<'a>(
    object: &'a [u8],
    depth: usize,
    mut member: impl FnMut(&'a [u8], &'a [u8], &'a [u8]),
) -> bool {
    let mut scan = Scan { rest: object };
    let whole = |from: &'a [u8], to: &'a [u8]| from.get(..from.len() - to.len()).unwrap_or_default();
    let seen = |from: &'a [u8], name: &'a [u8], value: &'a [u8], to: &'a [u8]| {
        member(name, whole(from, to), whole(value, to));
    };
    depth < MAX_DEPTH && scan.each(depth + 1, seen).is_some() && scan.rest.is_empty()
}

struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    /// One value, and what follows is left.
    fn value(&mut self, depth: usize) -> Option<()> {
        match self.rest.first()? {
            b'{' if depth < MAX_DEPTH => self.object(depth + 1),
            b'[' if depth < MAX_DEPTH => self.array(depth + 1),
            b'"' => self.text(),
            b'n' => self.word(b"null"),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'-' | b'0'..=b'9' => self.integer(),
            _ => None,
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.each(depth, |_, _, _, _| {})
    }

    /// An object whose values are `depth` levels deep. For each member: the text from it on, its name, the text from its value on, and what follows.
    fn each(&mut self, depth: usize, mut seen: impl FnMut(&'a [u8], &'a [u8], &'a [u8], &'a [u8])) -> Option<()> {
        self.take(b'{')?;
        if self.rest.first() == Some(&b'}') {
            return self.take(b'}');
        }
        let mut before: Option<&[u8]> = None;
        loop {
            let from = self.rest;
            let key = self.key()?;
            // Ascending, so that none comes twice; in ASCII the order of bytes is that of UTF-16.
            if before.is_some_and(|before| before >= key) {
                return None;
            }
            before = Some(key);
            let value = self.rest;
            self.value(depth)?;
            seen(from, key, value, self.rest);
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// A key in plain ASCII, and its colon.
    fn key(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.strip_prefix(b"\"")?;
        let end = memchr(b'"', text)?;
        let (key, rest) = text.split_at_checked(end)?;
        if !key.iter().all(|byte| matches!(byte, b' '..=0x7f) && *byte != b'\\') {
            return None;
        }
        self.rest = rest.strip_prefix(b"\":")?;
        Some(key)
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.next();
        if self.rest.first() == Some(&b']') {
            return self.take(b']');
        }
        loop {
            self.value(depth)?;
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// A text with no more escapes than it needs, each in its one spelling.
    fn text(&mut self) -> Option<()> {
        self.next();
        loop {
            let plain = memchr2(b'"', b'\\', self.rest)?;
            self.rest = self.rest.get(plain..)?;
            if self.next()? == b'"' {
                return Some(());
            }
            match self.rest {
                [b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r', rest @ ..] => self.rest = rest,
                // Control characters without a letter of their own.
                [b'u', b'0', b'0', b'0', b'0'..=b'7' | b'b' | b'e' | b'f', rest @ ..]
                | [b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', rest @ ..] => self.rest = rest,
                _ => return None,
            }
        }
    }

    fn integer(&mut self) -> Option<()> {
        let negative = self.rest.first() == Some(&b'-');
        if negative {
            self.next();
        }
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (token, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        if digits == 0 || digits > 16 || (token.first() == Some(&b'0') && (digits > 1 || negative)) {
            return None;
        }
        // What makes a float of it is none of the bytes that may follow a value.
        let value = token.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        (value <= MAX_INTEGER).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::canonical::{parse_strict, to_canonical};

    #[test]
    fn yes_is_said_to_canonical_texts_only() {
        for text in [
            "{}",
            "[]",
            "null",
            "-1",
            "0",
            "9007199254740991",
            r#"{"a":1,"b":[true,false,null]}"#,
            r#""\b\t\n\f\r\"\\\u0000\u001f""#,
            "\"é\u{7f}\u{2028}😀\"",
            "{\"\u{7f}\":1}",
        ] {
            assert!(is(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            " {}",
            "{} ",
            "{}{}",
            "-0",
            "01",
            "1.0",
            "1e3",
            "9007199254740992",
            r#"{"b":1,"a":2}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a": 1}"#,
            "[1,]",
            r#"{"a":1,}"#,
            r#""\/""#,
            r#""\u0041""#,
            r#""\u0008""#,
            r#""\u001F""#,
            r#""\ud800""#,
            "tru",
            "nul",
            "-",
            "[",
            r#"{"a""#,
            "\"a",
            r#"{a:1}"#,
        ] {
            assert!(!is(text.as_bytes()), "{text}");
        }
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(is(deep(MAX_DEPTH).as_bytes()));
        assert!(!is(deep(MAX_DEPTH + 1).as_bytes()));
    }

    #[test]
    fn members_are_found_at_the_top_only() {
        let text = br#"{"a":{"item":1},"item":{"x":["}"]},"z":"item"}"#;
        assert_eq!(member(text, "item"), Some(&br#"{"x":["}"]}"#[..]));
        assert_eq!(member(text, "z"), Some(&br#""item""#[..]));
        assert_eq!(member(text, "b"), None);
        assert_eq!(member(b"[]", "b"), None);
    }

    #[test]
    fn members_are_handed_over_in_order_or_the_object_is_none() {
        let all = |text: &'static str, depth| {
            let mut found = Vec::new();
            let whole = members(text.as_bytes(), depth, |name, member, value| {
                found.push([name, member, value].map(|part| String::from_utf8_lossy(part).into_owned()).join(" "));
            });
            (whole, found)
        };
        let (whole, found) = all(r#"{"a":{"b":1},"c":"}"}"#, 0);
        assert!(whole);
        assert_eq!(found, [r#"a "a":{"b":1} {"b":1}"#, r#"c "c":"}" "}""#]);
        assert_eq!(all("{}", 0), (true, vec![]));
        for text in ["", "[]", "{} ", r#"{"b":1,"a":2}"#, r#"{"a":1.5}"#, r#"{"a":1"#] {
            assert!(!all(text, 0).0, "{text}");
        }
        assert!(all(r#"{"a":[[]]}"#, MAX_DEPTH - 3).0);
        assert!(!all(r#"{"a":[[]]}"#, MAX_DEPTH - 2).0);
        assert!(!all("{}", MAX_DEPTH).0);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(1_i64 << 53)..=1 << 53).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-c]{0,2}|.{0,3}", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Pieces of what is hard to read, in no order.
    fn nasty() -> impl Strategy<Value = String> {
        const PIECES: &[&str] = &[
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"",
            "\"a\":",
            "\"b\":",
            "\"\":",
            "{\"a\":1",
            ",\"b\":",
            "0",
            "-",
            "-0",
            "00",
            "1",
            "9",
            "1.0",
            "1e2",
            "1E+2",
            "0.1",
            "1e400",
            "-1e-400",
            "9007199254740991",
            "9007199254740992",
            "-9007199254740991",
            "-9007199254740992",
            "18446744073709551616",
            "null",
            "true",
            "false",
            "nul",
            " ",
            "\n",
            "\\u0000",
            "\\u001f",
            "\\u001F",
            "\\u0008",
            "\\u007f",
            "\\ud83d",
            "\\ude00",
            "\\ud83d\\ude00",
            "\\/",
            "\\\\",
            "\\\"",
            "\\n",
            "\\x",
            "\u{7f}",
            "\u{1}",
            "é",
            "😀",
            "\u{ffff}",
            "\u{feff}",
        ];
        prop::collection::vec(prop::sample::select(PIECES), 0..9).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn whatever_is_hard_to_read_is_read_as_the_slow_way_reads_it(text in nasty(), quoted in any::<bool>()) {
            let text = if quoted { format!("\"{text}\"") } else { text };
            let slow = parse_strict(text.as_bytes()).ok().filter(|value| to_canonical(value).is_ok_and(|again| again == text.as_bytes()));
            prop_assert_eq!(crate::canonical::from_canonical::<Value>(text.as_bytes()).ok(), slow, "{}", text);
        }

        /// Whatever it says yes to, the slow way takes and gives back the same.
        #[test]
        fn a_yes_is_what_the_reader_and_the_writer_say(value in value(), cut in any::<prop::sample::Index>(), other in any::<u8>()) {
            let plain = serde_json::to_vec(&value).unwrap();
            let mut texts = vec![plain.clone()];
            texts.extend(to_canonical(&value));
            let mut broken = plain;
            let at = cut.index(broken.len());
            broken[at] = other;
            texts.push(broken);
            for text in texts {
                let slow = parse_strict(&text).and_then(|value| to_canonical(&value)).is_ok_and(|again| again == text);
                let valid = serde_json::from_slice::<Value>(&text).is_ok();
                prop_assert!(!(valid && is(&text)) || slow, "{}", String::from_utf8_lossy(&text));
                let ascii = text.is_ascii() && !text.contains(&b'\\');
                prop_assert!(!(slow && ascii) || is(&text), "{}", String::from_utf8_lossy(&text));
            }
        }
    }
}
