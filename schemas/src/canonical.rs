//! Which bytes stand for a JSON value: one meaning, one encoding (RFC 8785), so that a digest names a meaning.
//!
//! Reading is stricter than JSON (RFC 8259) where leniency would let two parties read one text differently:
//! a key given twice, a lone surrogate, an integer that a double cannot hold, a byte order mark are errors,
//! never repaired. Records that we hash carry no floats at all; what needs a fraction is a string or a
//! smaller unit. [`Floats::Allow`] exists for foreign documents only.
//!
//! Whatever [`to_canonical`] returns, [`parse_strict`] reads back as the same value.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

mod already;
mod order;
mod strict;
mod write;

/// Deepest nesting of arrays and objects that is read or written. A scalar alone has depth 0, `[]` has depth 1.
pub const MAX_DEPTH: usize = 64;

/// Longest text that is read or written, in bytes (16 MiB).
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Room that a text is begun with, in bytes.
const FIRST_BYTES: usize = 512;

/// Largest integer, by magnitude, that every JSON reader keeps exactly: 2^53 − 1 (RFC 8259 section 6, RFC 7493
/// section 2.2). Platform ids are larger; they are strings.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// From here on ECMAScript prints a double with an exponent (RFC 8785 section 3.2.2.3); below it, as digits only.
const PRINTED_WITH_EXPONENT: f64 = 1e21;

/// Longest part of a JSON pointer that an error quotes, in characters. Keys come from outside and may be huge.
const MAX_POINTER_CHARS: usize = 200;

/// Whether numbers that are not integers are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Floats {
    /// The rule for everything that we hash: a float is an error, `1.0` and `-0` included.
    #[default]
    Refuse,
    /// For documents of others. A value that would be printed as an integer beyond ±(2^53 − 1) stays an error.
    Allow,
}

/// Why a text or a value has no canonical form, or is not in it. `pointer` is a JSON pointer (RFC 6901); the root
/// is the empty text, shown as `the top`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CanonicalError {
    /// The text, or what would be written, is longer than [`MAX_BYTES`].
    #[error("JSON of {bytes} bytes is longer than the {MAX_BYTES} bytes allowed")]
    TooLarge {
        /// Length found, in bytes.
        bytes: usize,
    },
    /// Arrays and objects nest deeper than [`MAX_DEPTH`].
    #[error("{} nests deeper than the {MAX_DEPTH} levels allowed", place(pointer))]
    TooDeep {
        /// The array or object one level too deep.
        pointer: String,
    },
    /// The text begins with a byte order mark, which RFC 8259 section 8.1 forbids to send.
    #[error("JSON begins with a byte order mark; remove the first three bytes")]
    ByteOrderMark,
    /// The bytes are not UTF-8.
    #[error("JSON is not valid UTF-8 from byte {offset} on")]
    NotUtf8 {
        /// First byte that is not part of a valid sequence, counted from 0.
        offset: usize,
    },
    /// The text is not JSON: syntax, a lone surrogate, a number no double can hold, or something after the value.
    #[error("not JSON: {source}")]
    NotJson {
        /// The parser's reason, with line and column.
        #[from]
        source: serde_json::Error,
    },
    /// An object names a member twice, so that readers differ on what it says.
    #[error("{} is given twice", place(pointer))]
    DuplicateKey {
        /// The second of the two members.
        pointer: String,
    },
    /// An integer lies outside ±(2^53 − 1): two such numbers can share one canonical form.
    #[error("{} is an integer outside ±9007199254740991; write it as a string", place(pointer))]
    IntegerTooLarge {
        /// The number.
        pointer: String,
    },
    /// A number is not an integer, and floats are refused.
    #[error("{} is the float {value:?}; write an integer of a smaller unit, or a string", place(pointer))]
    Float {
        /// The number.
        pointer: String,
        /// Its value as a double.
        value: f64,
    },
    /// The value could not be turned into JSON at all, such as a map whose keys are not texts.
    #[error("the value cannot be written as JSON")]
    Unwritable {
        /// What serde said.
        #[source]
        source: serde_json::Error,
    },
    /// The text is good JSON, but not in the one form that RFC 8785 gives its value.
    #[error("JSON is not in canonical form (RFC 8785): it differs from it at byte {offset}")]
    NotCanonical {
        /// First byte that differs, counted from 0.
        offset: usize,
    },
    /// The text is canonical JSON, but not of the shape asked for.
    #[error("{}: {source}", place(pointer))]
    Shape {
        /// Where the shape breaks.
        pointer: String,
        /// What was expected there.
        #[source]
        source: serde_json::Error,
    },
}

/// Reads one JSON value under the rules of records: no floats. See [`parse_strict_with`].
///
/// # Errors
///
/// As [`parse_strict_with`].
pub fn parse_strict(bytes: &[u8]) -> Result<Value, CanonicalError> {
    parse_strict_with(bytes, Floats::Refuse)
}

/// Reads one JSON value, refusing all that two readers could take differently.
///
/// White space around the value is fine here; [`from_canonical`] refuses it. At most [`MAX_BYTES`] long and
/// [`MAX_DEPTH`] deep.
///
/// # Errors
///
/// Every [`CanonicalError`] but `Unwritable`, `NotCanonical` and `Shape`.
pub fn parse_strict_with(bytes: &[u8], floats: Floats) -> Result<Value, CanonicalError> {
    if bytes.len() > MAX_BYTES {
        return Err(CanonicalError::TooLarge { bytes: bytes.len() });
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(CanonicalError::ByteOrderMark);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| CanonicalError::NotUtf8 { offset: error.valid_up_to() })?;
    strict::read(text, floats)
}

/// Writes a value in the form of RFC 8785, under the rules of records: no floats.
///
/// # Errors
///
/// `Float`, `IntegerTooLarge`, `TooDeep`, `TooLarge`.
pub fn to_canonical(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    to_canonical_with(value, Floats::Refuse)
}

/// Writes a value in the form of RFC 8785: members sorted by UTF-16 code units, no white space, numbers as
/// ECMAScript prints them.
///
/// # Errors
///
/// `Float` (unless allowed), `IntegerTooLarge`, `TooDeep`, `TooLarge`.
pub fn to_canonical_with(value: &Value, floats: Floats) -> Result<Vec<u8>, CanonicalError> {
    let bytes = match floats {
        Floats::Refuse => {
            let mut bytes = Vec::with_capacity(256);
            write::write(value, &Place::Top, 0, &mut bytes)?;
            bytes
        }
        Floats::Allow => {
            check(value, floats, &Place::Top, 0)?;
            serde_json_canonicalizer::to_vec(value).map_err(|source| CanonicalError::Unwritable { source })?
        }
    };
    if bytes.len() > MAX_BYTES {
        return Err(CanonicalError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes)
}

/// The canonical bytes of anything that serde can write.
///
/// Goes through JSON text, so that a member written twice (two flattened structs that share a name) is an error and not a
/// silent loss; where that text needs its members put in order and no more, not through a value. serde_json writes NaN and infinities as `null`: a hashed type has
/// no float fields.
///
/// # Errors
///
/// `Unwritable` if serde fails, else as [`parse_strict`].
pub fn canonical_of<T: Serialize + ?Sized>(thing: &T) -> Result<Vec<u8>, CanonicalError> {
    let mut text = Vec::with_capacity(FIRST_BYTES);
    serde_json::to_writer(&mut text, thing).map_err(|source| CanonicalError::Unwritable { source })?;
    // Types whose members are declared in order are written so.
    if text.len() <= MAX_BYTES && already::is(&text) {
        return Ok(text);
    }
    match order::ordered(&text) {
        Some(bytes) => Ok(bytes),
        None => to_canonical(&parse_strict(&text)?),
    }
}

/// Reads a thing from its canonical bytes, and only from them: any other encoding of the same value is refused.
///
/// A type that ignores unknown members accepts several texts for one value; hashed types deny them
/// (`#[serde(deny_unknown_fields)]`) or keep them.
///
/// # Errors
///
/// As [`parse_strict`]; `NotCanonical` if the bytes differ from what [`to_canonical`] writes; `Shape` with the
/// place of the first mismatch.
pub fn from_canonical<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CanonicalError> {
    if bytes.len() <= MAX_BYTES
        && let Some(text) = utf8(bytes)
        && already::is(bytes)
        && let Ok(thing) = serde_json::from_str(text)
    {
        return Ok(thing);
    }
    let value = parse_strict(bytes)?;
    let canonical = to_canonical(&value)?;
    if canonical != bytes {
        let same = canonical.iter().zip(bytes).take_while(|(ours, theirs)| ours == theirs).count();
        return Err(CanonicalError::NotCanonical { offset: same });
    }
    // Where the shape breaks is asked only once it does: keeping track of the place costs more than the rest.
    serde_json::from_slice(bytes).or_else(|_| {
        serde_path_to_error::deserialize(value)
            .map_err(|error| CanonicalError::Shape { pointer: pointer_of(error.path()), source: error.into_inner() })
    })
}

/// The bytes of a member of an object in canonical form, which are canonical themselves; none where the object has no such member.
///
/// The object must be canonical: its bytes came from [`to_canonical`], or [`from_canonical`] took them. Names are plain ASCII.
#[must_use]
pub fn member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    already::member(object, name)
}

/// Hands over the members of an object in order: name, the whole member, its value. False where this is no object in canonical form that may stand `depth`
/// levels deep, or one with a name that is not plain ASCII: then not all of them were handed over.
pub(crate) fn members<'a>(object: &'a [u8], depth: usize, member: impl FnMut(&'a [u8], &'a [u8], &'a [u8])) -> bool {
    already::members(object, depth, member)
}

/// The text that bytes are, if they are UTF-8. Where they are not, [`std::str::from_utf8`] says from where on.
#[must_use]
pub fn utf8(bytes: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(bytes).ok()
}

/// SHA-256 of the bytes, as 64 lower-case hex digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// SHA-256 of the canonical bytes of a thing, as 64 lower-case hex digits.
///
/// # Errors
///
/// As [`canonical_of`].
pub fn digest_of<T: Serialize + ?Sized>(thing: &T) -> Result<String, CanonicalError> {
    Ok(sha256_hex(&canonical_of(thing)?))
}

/// Where the reader is; a list through the stack, so that a pointer costs nothing until something is wrong.
enum Place<'a> {
    Top,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        let mut tokens = Vec::new();
        let mut here = self;
        loop {
            match here {
                Place::Top => break,
                Place::Member(above, key) => {
                    tokens.push(escape(key));
                    here = above;
                }
                Place::Item(above, index) => {
                    tokens.push(index.to_string());
                    here = above;
                }
            }
        }
        shorten(tokens.iter().rev().flat_map(|token| ["/", token]).collect())
    }
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let token = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", escape(key)),
        Segment::Enum { variant } => format!("/{}", escape(variant)),
        Segment::Unknown => "/?".to_owned(),
    };
    shorten(path.iter().map(token).collect())
}

/// RFC 6901 section 3.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn shorten(mut pointer: String) -> String {
    if let Some((end, _)) = pointer.char_indices().nth(MAX_POINTER_CHARS) {
        pointer.truncate(end);
        pointer.push('…');
    }
    pointer
}

fn place(pointer: &str) -> String {
    if pointer.is_empty() { "the top".to_owned() } else { format!("`{}`", pointer.escape_debug()) }
}

/// The rules of numbers and depth, for a value that did not come from a text.
fn check(value: &Value, floats: Floats, at: &Place<'_>, depth: usize) -> Result<(), CanonicalError> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) => check_number(number, floats, at),
        Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => {
            Err(CanonicalError::TooDeep { pointer: at.pointer() })
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check(item, floats, &Place::Item(at, index), depth + 1)),
        Value::Object(members) => {
            members.iter().try_for_each(|(key, item)| check(item, floats, &Place::Member(at, key), depth + 1))
        }
    }
}

fn check_number(number: &Number, floats: Floats, at: &Place<'_>) -> Result<(), CanonicalError> {
    if let Some(integer) = number.as_i128() {
        return if integer.unsigned_abs() <= u128::from(MAX_INTEGER) {
            Ok(())
        } else {
            Err(CanonicalError::IntegerTooLarge { pointer: at.pointer() })
        };
    }
    let value = number.as_f64().unwrap_or(f64::NAN);
    if floats == Floats::Refuse || !value.is_finite() {
        return Err(CanonicalError::Float { pointer: at.pointer(), value });
    }
    let size = value.abs();
    // MAX_INTEGER + 1 is 2^53, which a double holds exactly.
    if value.fract() == 0.0 && ((MAX_INTEGER + 1) as f64..PRINTED_WITH_EXPONENT).contains(&size) {
        return Err(CanonicalError::IntegerTooLarge { pointer: at.pointer() });
    }
    Ok(())
}
