//! Members of a zip archive, from a spool.

use std::{
    borrow::Cow,
    io::{self, Read, Write},
};

use zip::ZipArchive;

use super::{Charset, Elements, Lines, Rows, Spool, SpoolWriter, Table, charset};
use crate::contract::Unreadable;

/// Largest member that is unpacked, in bytes.
pub const MAX_MEMBER_BYTES: u64 = 1 << 30;

/// Most members of an archive.
pub const MAX_MEMBERS: usize = 10_000;

/// One member of an archive, unpacked into a spool of its own.
pub struct Member {
    name: String,
    spool: Spool,
}

impl Member {
    /// Its name in the archive.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its length, in bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.spool.len()
    }

    /// Whether it is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.spool.is_empty()
    }

    /// Its rows; see [`Answer::rows`](crate::contract::Answer::rows).
    ///
    /// # Errors
    ///
    /// There is no first row.
    pub fn rows(&self, table: Table, charset: Charset) -> Result<Rows<'_>, Unreadable> {
        Rows::new(&self.name, &self.spool, table, charset, None, false)
    }

    /// Its lines.
    #[must_use]
    pub fn lines(&self) -> Lines {
        Lines::new(io::BufReader::new(self.spool.reader()), false)
    }

    /// Its elements; see [`Answer::elements`](crate::contract::Answer::elements).
    ///
    /// # Errors
    ///
    /// The spool cannot be read.
    pub fn elements(&self, name: &str) -> Result<Elements, Unreadable> {
        let mut head = Vec::new();
        self.spool.reader().take(4096).read_to_end(&mut head).map_err(|error| Unreadable::new(&self.name, error))?;
        Ok(Elements::new(&self.spool, charset::of(&head, None), name))
    }
}

pub(super) fn member(spool: &Spool, pattern: &str) -> Result<Member, Unreadable> {
    let mut archive = ZipArchive::new(spool.reader()).map_err(|error| Unreadable::new("archive", error))?;
    if archive.len() > MAX_MEMBERS {
        return Err(Unreadable::new(
            "archive",
            format_args!("{} members; at most {MAX_MEMBERS} are looked at", archive.len()),
        ));
    }
    let mut fitting =
        archive.file_names().filter_map(Result::ok).filter(|name| fits(pattern, name)).map(Cow::into_owned);
    let name = fitting.next().ok_or_else(|| Unreadable::new("archive", format_args!("no member fits `{pattern}`")))?;
    if let Some(other) = fitting.next() {
        return Err(Unreadable::new("archive", format_args!("`{name}` and `{other}` both fit `{pattern}`")));
    }
    drop(fitting);
    let mut file = archive.by_name(&name).map_err(|error| Unreadable::new(&name, error))?;
    let mut out = SpoolWriter::like(spool, MAX_MEMBER_BYTES);
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut piece).map_err(|error| Unreadable::new(&name, error))?;
        if read == 0 {
            break;
        }
        out.write_all(piece.get(..read).unwrap_or_default()).map_err(|error| Unreadable::new(&name, error))?;
    }
    drop(file);
    let spool = out.finish().map_err(|error| Unreadable::new(&name, error))?;
    Ok(Member { name, spool })
}

/// Whether a name fits a pattern in which `*` stands for any characters. Linear in both.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn star_stands_for_any_characters() {
        for (pattern, name, expected) in [
            ("*-updated.csv", "ads-2026-updated.csv", true),
            ("*-updated.csv", "ads-2026.csv", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "acb", false),
            ("exact", "exact", true),
            ("exact", "exact.csv", false),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
