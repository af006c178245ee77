//! The strict reader: serde_json parses, this visitor refuses what two readers could take differently.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{CanonicalError, Floats, MAX_DEPTH, Place, check_number};

/// Reads one value and the end of the text. Length, byte order mark and UTF-8 are checked by the caller.
pub(super) fn read(text: &str, floats: Floats) -> Result<Value, CanonicalError> {
    let reading =
        Reading { floats, numbers: RefCell::new(NumberTokens { rest: text.as_bytes() }), refusal: RefCell::new(None) };
    let mut parser = serde_json::Deserializer::from_str(text);
    let value = Seed { reading: &reading, at: &Place::Top, depth: 0 }.deserialize(&mut parser);
    // Our own refusal travels beside the parser's error, which can carry text only.
    if let Some(refusal) = reading.refusal.into_inner() {
        return Err(refusal);
    }
    let value = value?;
    parser.end()?;
    Ok(value)
}

/// What one reading knows besides the parser's own state.
struct Reading<'text> {
    floats: Floats,
    numbers: RefCell<NumberTokens<'text>>,
    refusal: RefCell<Option<CanonicalError>>,
}

/// The number tokens of a text, in order. serde_json hands over a value, and 18446744073709551616 then looks
/// like a float; only the token tells an integer from a float. Lags behind or runs beside the parser, so it
/// never judges syntax: on a broken text the parser stops first.
struct NumberTokens<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for NumberTokens<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut in_text = false;
        let mut escaped = false;
        let start = self.rest.iter().position(|&byte| {
            if in_text {
                in_text = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
                return false;
            }
            in_text = byte == b'"';
            byte == b'-' || byte.is_ascii_digit()
        })?;
        let (_, token) = self.rest.split_at(start);
        let end = token
            .iter()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .unwrap_or(token.len());
        let (token, rest) = token.split_at(end);
        self.rest = rest;
        Some(token)
    }
}

struct Seed<'a, 'text> {
    reading: &'a Reading<'text>,
    at: &'a Place<'a>,
    depth: usize,
}

impl Seed<'_, '_> {
    fn refuse<E: serde::de::Error>(&self, refusal: CanonicalError) -> E {
        *self.reading.refusal.borrow_mut() = Some(refusal);
        E::custom("refused")
    }

    fn number<E: serde::de::Error>(&self, number: Number) -> Result<Value, E> {
        let token = self.reading.numbers.borrow_mut().next().unwrap_or_default();
        let is_integer = !token.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
        if is_integer && number.is_f64() && number.as_f64() != Some(0.0) {
            return Err(self.refuse(CanonicalError::IntegerTooLarge { pointer: self.at.pointer() }));
        }
        check_number(&number, self.reading.floats, self.at).map_err(|refusal| self.refuse(refusal))?;
        Ok(Value::Number(number))
    }

    fn one_deeper<E: serde::de::Error>(&self) -> Result<usize, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.refuse(CanonicalError::TooDeep { pointer: self.at.pointer() }));
        }
        Ok(self.depth + 1)
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, parser: D) -> Result<Value, D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        self.number(value.into())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        self.number(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        match Number::from_f64(value) {
            Some(number) => self.number(number),
            None => Err(self.refuse(CanonicalError::Float { pointer: self.at.pointer(), value })),
        }
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let depth = self.one_deeper()?;
        let mut array = Vec::new();
        loop {
            let at = Place::Item(self.at, array.len());
            match items.next_element_seed(Seed { reading: self.reading, at: &at, depth })? {
                Some(item) => array.push(item),
                None => return Ok(Value::Array(array)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let depth = self.one_deeper()?;
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let at = Place::Member(self.at, &key);
            if object.contains_key(&key) {
                return Err(self.refuse(CanonicalError::DuplicateKey { pointer: at.pointer() }));
            }
            let value = members.next_value_seed(Seed { reading: self.reading, at: &at, depth })?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
