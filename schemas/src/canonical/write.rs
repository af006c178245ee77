//! The writer: RFC 8785 for values without floats, judged and written in one pass.

use serde_json::{Map, Value};

use super::{CanonicalError, Floats, MAX_DEPTH, Place, check_number};

/// Appends the canonical bytes of a value that holds no floats.
pub(super) fn write(value: &Value, at: &Place<'_>, depth: usize, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    match value {
        Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => {
            return Err(CanonicalError::TooDeep { pointer: at.pointer() });
        }
        Value::Number(number) => {
            check_number(number, Floats::Refuse, at)?;
            text(number, out)?;
        }
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, &Place::Item(at, index), depth + 1, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            out.push(b'{');
            if is_sorted(members) {
                all(members.iter(), at, depth, out)?;
            } else {
                let mut sorted: Vec<_> = members.iter().collect();
                sorted.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
                all(sorted.into_iter(), at, depth, out)?;
            }
            out.push(b'}');
        }
        Value::Null | Value::Bool(_) | Value::String(_) => text(value, out)?,
    }
    Ok(())
}

fn all<'a>(
    members: impl Iterator<Item = (&'a String, &'a Value)>,
    at: &Place<'_>,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), CanonicalError> {
    for (number, (key, item)) in members.enumerate() {
        if number > 0 {
            out.push(b',');
        }
        text(key, out)?;
        out.push(b':');
        write(item, &Place::Member(at, key), depth + 1, out)?;
    }
    Ok(())
}

/// serde_json escapes texts and prints integers as ECMAScript does.
fn text<T: serde::Serialize + ?Sized>(scalar: &T, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    serde_json::to_writer(out, scalar).map_err(|source| CanonicalError::Unwritable { source })
}

/// Whether members already come in the order of UTF-16 code units; for keys in ASCII that is the order of bytes.
fn is_sorted(members: &Map<String, Value>) -> bool {
    members.keys().is_sorted_by(|one, other| {
        if one.is_ascii() && other.is_ascii() { one < other } else { one.encode_utf16().lt(other.encode_utf16()) }
    })
}
