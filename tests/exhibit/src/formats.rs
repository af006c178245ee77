//! How is a feed written? Six formats, each from the same entries.

mod atom;
mod json;
mod rss;

use jiff::Timestamp;

use crate::history::{Entry, History};
use crate::newsroom::{Format, Newsroom};

/// What a writer needs to know about one document of a feed.
pub(crate) struct Doc<'a> {
    pub room: &'a Newsroom,
    /// Scheme and authority, with a prefix if there is one, without a slash at the end.
    pub base: &'a str,
    /// The address of this document.
    pub own: String,
    pub updated_at: Timestamp,
    pub entries: Vec<&'a Entry>,
    pub graves: Vec<&'a Entry>,
    /// Relations of this document (RFC 5005), as relation and address.
    pub links: Vec<(&'static str, String)>,
    /// Whether this is an archive document, which no longer changes but for erasures.
    pub archive: bool,
}

impl<'a> Doc<'a> {
    pub fn main(room: &'a Newsroom, base: &'a str, history: &'a History, page: usize) -> Doc<'a> {
        Doc {
            room,
            base,
            own: format!("{base}{}", room.feed),
            updated_at: history.changed_at,
            entries: history.page(page),
            graves: if page <= 1 { history.graves() } else { Vec::new() },
            links: Vec::new(),
            archive: false,
        }
    }

    /// Where an entry's link leads: a page here, or a name that is never served.
    pub fn link(&self, entry: &Entry) -> String {
        if self.room.pages {
            format!("{}/articles/{}", self.base, entry.number)
        } else {
            format!("https://{}/articles/{}", self.room.site(), entry.number)
        }
    }

    fn home(&self) -> String {
        if self.room.pages { format!("{}/", self.base) } else { format!("https://{}/", self.room.site()) }
    }

    /// The document's bytes and Content-Type.
    pub fn write(&self) -> (&'static str, Vec<u8>) {
        match self.room.format {
            Format::Atom => ("application/atom+xml; charset=utf-8", atom::write(self).into_bytes()),
            Format::Rss2Relative => ("application/rss+xml; charset=utf-8", rss::two(self, "UTF-8").into_bytes()),
            Format::Rss2Cyrillic => ("application/rss+xml", windows_1251(&rss::two(self, "windows-1251"))),
            Format::Json => ("application/feed+json", json::write(self).into_bytes()),
            Format::Rdf => ("application/rdf+xml", rss::rdf(self).into_bytes()),
            Format::Rss091 => ("text/xml", rss::old(self).into_bytes()),
        }
    }
}

/// Text for XML or HTML, between tags or within double quotes.
pub(crate) fn esc(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// An IMF-fixdate (RFC 9110, section 5.6.7), for headers.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// A date as RSS 2.0 wants it (RFC 822 with a year of four digits).
pub(crate) fn rss_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// Encodes as windows-1251; what it lacks becomes a numeric character reference.
fn windows_1251(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        let code = u32::from(c);
        let byte = match c {
            '\0'..='\u{7f}' => u8::try_from(code).ok(),
            'А'..='я' => u8::try_from(code - 0x410 + 0xc0).ok(),
            'Ё' => Some(0xa8),
            'ё' => Some(0xb8),
            '«' => Some(0xab),
            '»' => Some(0xbb),
            '—' => Some(0x97),
            '–' => Some(0x96),
            '…' => Some(0x85),
            '№' => Some(0xb9),
            '\u{a0}' => Some(0xa0),
            _ => None,
        };
        match byte {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(format!("&#{code};").as_bytes()),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cyrillic_becomes_one_byte_a_letter() {
        assert_eq!(windows_1251("Ая ё«»"), [0xc0, 0xff, b' ', 0xb8, 0xab, 0xbb]);
        assert_eq!(windows_1251("灯"), b"&#28783;");
    }

    #[test]
    fn dates_are_written_as_the_standards_say() {
        let at: Timestamp = "2026-10-01T06:05:04Z".parse().unwrap();
        assert_eq!(http_date(at), "Thu, 01 Oct 2026 06:05:04 GMT");
        assert_eq!(rss_date(at), "Thu, 01 Oct 2026 06:05:04 +0000");
    }
}
