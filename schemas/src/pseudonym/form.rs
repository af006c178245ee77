//! Has a record the form that pseudonyms leave? What can be seen without the key.

use super::{
    SOMEONE,
    record::{is_language, is_plain},
    text::{address_length, at_sign, handle_length, is_host, is_word, seen, starts_with_scheme},
};
use crate::{permission::Authors, record::Record};

/// Whether a text is one pseudonym: `px` and 32 lower-case hexadecimal digits.
#[must_use]
pub fn is_token(text: &str) -> bool {
    let digits = text.strip_prefix("px").unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a record could have come out of the keyed step: a registry and a reviewer ask this without the key.
///
/// A well-made record passes whatever its pseudonyms were made with; what this finds is an agent that left the step out.
///
/// # Errors
///
/// The first thing that the keyed step leaves in no record, without the thing itself.
pub fn check_record(record: &Record, authors: Authors) -> Result<(), &'static str> {
    if authors == Authors::Named {
        return Ok(());
    }
    if record.keyed.is_none() {
        return Err("it names no key of pseudonyms");
    }
    if !record.extra.is_empty() || record.registration.is_some() {
        return Err("it keeps fields that no pseudonym replaces");
    }
    let metrics = record.metrics.keys().all(|name| is_plain(name, 40, "_"));
    let media = record.media.iter().filter_map(|one| one.media_type.as_ref()).all(|media| is_plain(media, 60, "/+.-"));
    if !is_plain(&record.platform, 40, "-_.")
        || !record.language.as_deref().is_none_or(is_language)
        || !media
        || !metrics
    {
        return Err("a word in it has not the form of a platform, language, type of media or count");
    }
    let addresses = std::iter::once(&record.id)
        .chain(&record.handle)
        .chain(&record.url)
        .chain(&record.links)
        .chain(record.media.iter().map(|media| &media.url))
        .chain(record.relations.iter().map(|relation| &relation.to));
    if !addresses.into_iter().all(|address| is_keyed(address)) {
        return Err("an id or address in it is no pseudonym");
    }
    if !record.mentions.iter().all(|one| is_keyed(one) || one.strip_prefix('@').is_some_and(is_token)) {
        return Err("a mention in it is no pseudonym");
    }
    if let Some(author) = &record.author {
        let handle = author.handle.as_deref().is_none_or(|one| one.strip_prefix('@').is_some_and(is_token));
        if authors == Authors::Omit || author.name.is_some() || !handle || !author.id.as_deref().is_none_or(is_keyed) {
            return Err("its author is no pseudonym");
        }
    }
    if record.ad.as_ref().is_some_and(|ad| ad.payer.is_some() || !ad.targeting.is_empty()) {
        return Err("it keeps who paid for an advertisement, or whom it was for");
    }
    let times = [&record.published_at, &record.edited_at].into_iter().flatten().map(|at| &at.raw);
    let days = record.ad.iter().flat_map(|ad| [&ad.starts_on, &ad.ends_on]).flatten();
    let texts = [&record.title, &record.text, &record.place].into_iter().flatten().chain(&record.tags);
    let texts = texts.chain(times).chain(days);
    if !texts.chain(record.media.iter().filter_map(|media| media.alt.as_ref())).all(|text| names_nobody(text)) {
        return Err("a text in it holds a handle or an address");
    }
    Ok(())
}

/// A pseudonym, alone or behind a host: `px…`, `https://host/px…`, `host|px…`.
pub(crate) fn is_keyed(text: &str) -> bool {
    let last = text.rsplit(['/', '|']).next().unwrap_or_default();
    if !is_token(last) {
        return false;
    }
    match text.get(..text.len() - last.len()).unwrap_or_default() {
        "" => true,
        before => before.strip_suffix('|').or_else(|| before.strip_suffix('/')).is_some_and(|before| {
            let host = before.strip_prefix("https://").or_else(|| before.strip_prefix("http://")).unwrap_or(before);
            is_host(host)
        }),
    }
}

/// A pseudonym, or the word for somebody left out, and what cannot go on a handle.
fn begins_with_nobody(handle: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| is_word(c) || c == '@');
    let token = handle.split_at_checked(34).is_some_and(|(token, rest)| is_token(token) && ends(rest));
    token || handle.strip_prefix(SOMEONE).is_some_and(ends)
}

/// Whether every handle and every address in a text is a pseudonym.
fn names_nobody(text: &str) -> bool {
    let chars = seen(text);
    (0..chars.len()).all(|at| {
        let rest = chars.get(at..).unwrap_or_default();
        let sign = at_sign(rest);
        if sign > 0 {
            let rest = rest.get(sign..).unwrap_or_default();
            let handle: String = rest.iter().take(handle_length(rest)).collect();
            return handle.is_empty() || begins_with_nobody(&handle);
        }
        let begins = at.checked_sub(1).and_then(|before| chars.get(before)).is_none_or(|before| !is_word(*before));
        let head: String = rest.iter().take(9).collect();
        if !(begins && starts_with_scheme(&head)) {
            return true;
        }
        let word: String = rest.iter().take(address_length(rest)).collect();
        !starts_with_scheme(&word) || is_keyed(&word)
    })
}
