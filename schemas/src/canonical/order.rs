//! The short way to canonical bytes: JSON text that serde_json wrote, its members put in order.
//!
//! Such a text has the bytes of RFC 8785 already, but for the order of members. What might not (a float, an escape that serde_json does
//! not write, a key that is not plain ASCII) or must be refused (a key twice, a large integer) is left to the long way through a value.

use std::ops::Range;

use memchr::memchr2;

use super::{MAX_BYTES, MAX_DEPTH, MAX_INTEGER};

/// The canonical bytes of a JSON text without white space; nothing where the long way has to be gone.
pub(super) fn ordered(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let mut order = Order { text, at: 0, out: Vec::with_capacity(text.len()), members: Vec::new(), spare: Vec::new() };
    order.value(0)?;
    (order.at == text.len()).then_some(order.out)
}

struct Order<'a> {
    text: &'a [u8],
    at: usize,
    out: Vec<u8>,
    /// Members of the objects that are open: key in `text` without its quotes, the whole in `out`.
    members: Vec<(Range<usize>, Range<usize>)>,
    spare: Vec<u8>,
}

impl Order<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.integer(),
            _ => [&b"null"[..], b"true", b"false"].into_iter().find_map(|word| self.word(word)),
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let end = self.at + word.len();
        (self.text.get(self.at..end)? == word).then(|| self.copy_to(end))
    }

    fn copy_to(&mut self, end: usize) {
        self.out.extend_from_slice(self.text.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    fn integer(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let sign = usize::from(rest.first() == Some(&b'-'));
        let digits = rest.get(sign..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 1 && rest.get(sign) == Some(&b'0') {
            return None;
        }
        let number: u64 = std::str::from_utf8(rest.get(sign..sign + digits)?).ok()?.parse().ok()?;
        let whole = !matches!(rest.get(sign + digits), Some(b'.' | b'e' | b'E'));
        (whole && number <= MAX_INTEGER && (sign == 0 || number > 0)).then(|| self.copy_to(self.at + sign + digits))
    }

    /// A text.
    fn string(&mut self) -> Option<()> {
        let mut end = self.at + 1;
        loop {
            end += memchr2(b'"', b'\\', self.text.get(end..)?)?;
            if self.text.get(end) == Some(&b'"') {
                break;
            }
            end += self.escape(end)?;
        }
        self.copy_to(end + 1);
        Some(())
    }

    /// A key of plain ASCII; where it stands, without its quotes.
    fn key(&mut self) -> Option<Range<usize>> {
        let from = self.at + 1;
        let length = self.text.get(from..)?.iter().position(|byte| matches!(byte, b'"' | b'\\') || !byte.is_ascii())?;
        if self.peek()? != b'"' || self.text.get(from + length) != Some(&b'"') {
            return None;
        }
        self.copy_to(from + length + 1);
        Some(from..from + length)
    }

    /// Length of an escape that has no shorter form.
    fn escape(&self, at: usize) -> Option<usize> {
        match self.text.get(at + 1)? {
            b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
            b'u' => {
                let [b'0', b'0', high @ (b'0' | b'1'), low @ (b'0'..=b'9' | b'a'..=b'f')] =
                    self.text.get(at + 2..at + 6)?
                else {
                    return None;
                };
                let short = *high == b'0' && matches!(low, b'8' | b'9' | b'a' | b'c' | b'd');
                (!short).then_some(6)
            }
            _ => None,
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        if depth >= MAX_DEPTH {
            return None;
        }
        self.copy_to(self.at + 1);
        if self.peek()? == b']' {
            return self.word(b"]");
        }
        loop {
            self.value(depth + 1)?;
            match self.peek()? {
                b',' => self.copy_to(self.at + 1),
                _ => return self.word(b"]"),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        if depth >= MAX_DEPTH {
            return None;
        }
        self.copy_to(self.at + 1);
        if self.peek()? == b'}' {
            return self.word(b"}");
        }
        let (first, begins) = (self.members.len(), self.out.len());
        loop {
            let member = self.out.len();
            let key = self.key()?;
            self.expect(b':')?;
            self.out.push(b':');
            self.value(depth + 1)?;
            self.members.push((key, member..self.out.len()));
            match self.peek()? {
                b',' => self.copy_to(self.at + 1),
                _ => break,
            }
        }
        self.sort(first, begins)?;
        self.word(b"}")
    }

    /// Puts the members from `first` on, which lie in `out` from `begins` on, in order.
    fn sort(&mut self, first: usize, begins: usize) -> Option<()> {
        let key = |(key, _): &(Range<usize>, Range<usize>)| self.text.get(key.clone()).unwrap_or_default();
        let members = self.members.get_mut(first..)?;
        if !members.is_sorted_by(|one, other| key(one) < key(other)) {
            members.sort_unstable_by(|one, other| key(one).cmp(key(other)));
            if members.windows(2).any(|pair| matches!(pair, [one, other] if key(one) == key(other))) {
                return None;
            }
            self.spare.clear();
            for (number, (_, member)) in members.iter().enumerate() {
                if number > 0 {
                    self.spare.push(b',');
                }
                self.spare.extend_from_slice(self.out.get(member.clone())?);
            }
            self.out.get_mut(begins..)?.copy_from_slice(&self.spare);
        }
        self.members.truncate(first);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::canonical::{canonical_of, parse_strict, to_canonical};

    fn any_json() -> impl Strategy<Value = Value> {
        let text = "[a-e\\PC\"\\\\\n\t\u{1}\u{7f}\u{1f600}]{0,6}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-5_i64..5).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((text, inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn both_ways_give_the_same_bytes(value in any_json()) {
            let text = serde_json::to_vec(&value).unwrap();
            let long = parse_strict(&text).and_then(|value| to_canonical(&value));
            if let Some(short) = ordered(&text) {
                prop_assert_eq!(&short, long.as_ref().unwrap());
            }
            prop_assert_eq!(canonical_of(&value).ok(), long.ok());
        }

        #[test]
        fn any_bytes_are_left_alone_or_read_as_json(text in "[{}\\[\\]:,\"a0-9.e\\\\u tnrf-]{0,12}") {
            if let Some(short) = ordered(text.as_bytes()) {
                prop_assert_eq!(short, to_canonical(&parse_strict(text.as_bytes()).unwrap()).unwrap());
            }
        }
    }

    #[test]
    fn members_that_come_unsorted_are_put_in_order() {
        let text = br#"{"b":[{"z":1,"y":"\n\u0001"}],"a":{},"aa":-7}"#;
        assert_eq!(ordered(text).unwrap(), br#"{"a":{},"aa":-7,"b":[{"y":"\n\u0001","z":1}]}"#);
    }

    #[test]
    fn what_is_unusual_goes_the_long_way() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"\n":1}"#,
            r#"{"é":1}"#,
            "1.5",
            "1e3",
            "-0",
            "00",
            "9007199254740992",
            r#""\u00e9""#,
            r#""\/""#,
            r#""\u000a""#,
            "{ }",
            "[1,]",
            "",
        ] {
            assert_eq!(ordered(text.as_bytes()), None, "{text}");
        }
        let deep = format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
        assert_eq!(ordered(deep.as_bytes()), None);
        assert!(ordered(serde_json::to_vec(&json!({"deep": [[[]]]})).unwrap().as_slice()).is_some());
    }
}
