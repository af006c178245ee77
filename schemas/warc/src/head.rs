//! How is a record's head (version line, named fields, empty line) taken apart, and which fields may it hold?

use crate::{Limits, RecordError};

/// Whose files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Ours: exactly the bytes this crate writes.
    Strict,
    /// Anyone's: what is clear is taken as meant.
    Lenient,
}

/// A head taken apart. `Content-Length` is not among the fields.
#[derive(Debug)]
pub(crate) struct Head {
    pub fields: Vec<(String, String)>,
    pub block_start: usize,
    pub block_bytes: u64,
}

/// Reads the head at the start of `bytes`, which may go on after it.
pub(crate) fn parse(bytes: &[u8], mode: Mode, limits: &Limits) -> Result<Head, RecordError> {
    let mut lines = Lines { bytes, at: 0, number: 0, mode, limit_bytes: limits.header_bytes };
    check_version(lines.take()?, mode)?;
    let mut fields: Vec<(String, String)> = Vec::new();
    loop {
        let line = lines.take()?;
        if line.is_empty() {
            break;
        }
        let folded = mode == Mode::Lenient && matches!(line.first(), Some(b' ' | b'\t'));
        if let (true, Some((_, value))) = (folded, fields.last_mut()) {
            value.push(' ');
            value.push_str(String::from_utf8_lossy(line).trim_matches([' ', '\t']));
            continue;
        }
        if fields.len() >= limits.fields {
            return Err(RecordError::TooManyFields { limit: limits.fields });
        }
        fields.push(field(line, lines.number, mode)?);
    }
    let block_bytes = take_length(&mut fields, mode)?;
    match mode {
        Mode::Strict => check_fields(&fields)?,
        Mode::Lenient if position(&fields, "WARC-Type").is_none() => {
            return Err(RecordError::Missing { name: "WARC-Type" });
        }
        Mode::Lenient => {}
    }
    Ok(Head { fields, block_start: lines.at, block_bytes })
}

/// What a record must keep to before it is written, and what strict reading asks of it.
///
/// `WARC-Type` first; an id in angle brackets and a date; names are tokens, values one line; nothing repeated but
/// `WARC-Concurrent-To`; no `Content-Length` (not among `fields` at this point).
pub(crate) fn check_fields(fields: &[(String, String)]) -> Result<(), RecordError> {
    for (index, (name, value)) in fields.iter().enumerate() {
        if !is_token(name) {
            return Err(RecordError::Name { name: name.escape_debug().to_string() });
        }
        if name.eq_ignore_ascii_case("Content-Length") {
            return Err(RecordError::LengthGiven);
        }
        if !is_one_line(value) || value.trim_matches([' ', '\t']).len() != value.len() {
            return Err(RecordError::Value { name: name.clone() });
        }
        let before = fields.get(..index).unwrap_or_default();
        if !name.eq_ignore_ascii_case("WARC-Concurrent-To") && position(before, name).is_some() {
            return Err(RecordError::Repeated { name: name.clone() });
        }
    }
    let value = |name: &str| position(fields, name).map(|(_, value)| value);
    match position(fields, "WARC-Type") {
        None => return Err(RecordError::Missing { name: "WARC-Type" }),
        Some((0, kind)) if !kind.is_empty() => {}
        Some((0, _)) => return Err(RecordError::Missing { name: "WARC-Type" }),
        Some(_) => return Err(RecordError::Order { name: "WARC-Type" }),
    }
    let id = value("WARC-Record-ID").and_then(|id| id.strip_prefix('<')).and_then(|id| id.strip_suffix('>'));
    if !id.is_some_and(|id| !id.is_empty() && !id.contains(['<', '>', ' ', '\t'])) {
        return Err(RecordError::Missing { name: "WARC-Record-ID" });
    }
    if value("WARC-Date").is_none_or(str::is_empty) {
        return Err(RecordError::Missing { name: "WARC-Date" });
    }
    Ok(())
}

/// Whether `name` is a `token` (RFC 9110, section 5.6.2), which WARC takes over for field names.
pub(crate) fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

pub(crate) fn is_one_line(value: &str) -> bool {
    !value.contains(['\r', '\n', '\0'])
}

/// Index and value of the first field with this name, in any case.
pub(crate) fn position<'a>(fields: &'a [(String, String)], name: &str) -> Option<(usize, &'a str)> {
    fields
        .iter()
        .enumerate()
        .find(|(_, (known, _))| known.eq_ignore_ascii_case(name))
        .map(|(index, (_, value))| (index, value.as_str()))
}

fn check_version(line: &[u8], mode: Mode) -> Result<(), RecordError> {
    let good = match mode {
        Mode::Strict => line == b"WARC/1.1",
        Mode::Lenient => line
            .trim_ascii_end()
            .strip_prefix(b"WARC/")
            .is_some_and(|rest| !rest.is_empty() && rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')),
    };
    if good { Ok(()) } else { Err(RecordError::Version { found: cut(&String::from_utf8_lossy(line)) }) }
}

fn field(line: &[u8], number: usize, mode: Mode) -> Result<(String, String), RecordError> {
    let not_a_field = || RecordError::NotAField { line: number };
    let colon = line.iter().position(|byte| *byte == b':').ok_or_else(not_a_field)?;
    let (name, value) = line.split_at_checked(colon).ok_or_else(not_a_field)?;
    let value = value.get(1..).unwrap_or_default();
    match mode {
        Mode::Strict => {
            let name = String::from_utf8(name.to_vec()).map_err(|_| not_a_field())?;
            let value = value.strip_prefix(b" ").ok_or_else(not_a_field)?;
            let value = String::from_utf8(value.to_vec()).map_err(|_| RecordError::Value { name: name.clone() })?;
            Ok((name, value))
        }
        Mode::Lenient => {
            let name = String::from_utf8_lossy(name).trim_matches([' ', '\t']).to_owned();
            if name.is_empty() {
                return Err(not_a_field());
            }
            Ok((name, String::from_utf8_lossy(value).trim_matches([' ', '\t']).to_owned()))
        }
    }
}

/// Takes `Content-Length` out of the fields. Strict: it is the last one, spelt and formed as we write it.
fn take_length(fields: &mut Vec<(String, String)>, mode: Mode) -> Result<u64, RecordError> {
    let missing = RecordError::Missing { name: "Content-Length" };
    let (index, found) = position(fields, "Content-Length").ok_or(missing)?;
    let length: Option<u64> = if found.bytes().all(|byte| byte.is_ascii_digit()) { found.parse().ok() } else { None };
    let length = length.ok_or_else(|| RecordError::Length { found: cut(found) })?;
    if mode == Mode::Strict {
        if found != length.to_string() {
            return Err(RecordError::Length { found: cut(found) });
        }
        let last = fields.pop().map(|(name, _)| name);
        if index != fields.len() || last.as_deref() != Some("Content-Length") {
            return Err(RecordError::Order { name: "Content-Length" });
        }
        return Ok(length);
    }
    let stated = found.to_owned();
    let agree = fields.iter().all(|(name, value)| !name.eq_ignore_ascii_case("Content-Length") || *value == stated);
    if !agree {
        return Err(RecordError::Repeated { name: "Content-Length".to_owned() });
    }
    fields.retain(|(name, _)| !name.eq_ignore_ascii_case("Content-Length"));
    Ok(length)
}

/// The first 40 characters, control characters escaped: enough to recognise a line by.
fn cut(text: &str) -> String {
    text.chars().take(40).collect::<String>().escape_debug().to_string()
}

struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    number: usize,
    mode: Mode,
    limit_bytes: usize,
}

impl<'a> Lines<'a> {
    /// The next line without its end.
    fn take(&mut self) -> Result<&'a [u8], RecordError> {
        let end = self.bytes.len().min(self.limit_bytes);
        let window = self.bytes.get(self.at..end).unwrap_or_default();
        let Some(length) = window.iter().position(|byte| *byte == b'\n') else {
            return Err(if self.bytes.len() > end || end == self.limit_bytes {
                RecordError::HeaderTooLarge { limit_bytes: self.limit_bytes }
            } else {
                RecordError::Truncated { missing: 1 }
            });
        };
        self.number += 1;
        self.at += length + 1;
        let line = window.get(..length).unwrap_or_default();
        let stripped = line.strip_suffix(b"\r");
        let clean = |line: &[u8]| !line.contains(&b'\r') && !line.contains(&0);
        match (self.mode, stripped) {
            (Mode::Lenient, _) => Ok(stripped.unwrap_or(line)),
            (Mode::Strict, Some(line)) if clean(line) => Ok(line),
            (Mode::Strict, _) => Err(RecordError::LineEnding { line: self.number }),
        }
    }
}
