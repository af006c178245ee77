//! Where in a text does a person stand, and what stands there instead?

use url::Url;

use super::{PseudonymKey, SOMEONE};

/// Shortest name or bare handle that is looked for in texts, in characters: shorter ones are words of every language.
const MIN_CHARS: usize = 3;

/// Replaces people in texts and addresses: those a record speaks of, and whatever has the form of a handle or an address.
pub(super) struct Scrubber<'k> {
    key: &'k PseudonymKey,
    omit: bool,
    /// Words of known people in lower case, the longest first, and what stands for them.
    known: Vec<(Vec<char>, String)>,
    /// Known handles: local part, whole handle, both in lower case.
    handles: Vec<(String, String)>,
}

impl<'k> Scrubber<'k> {
    pub fn new(key: &'k PseudonymKey, omit: bool) -> Self {
        Self { key, omit, known: Vec::new(), handles: Vec::new() }
    }

    /// Learns a handle: `@alice@example.org`, `alice@example.org`, `@alice`.
    pub fn learn_handle(&mut self, handle: &str) {
        let whole = handle.trim().trim_start_matches('@').to_lowercase();
        let local = whole.split('@').next().unwrap_or_default().to_owned();
        if local.is_empty() {
            return;
        }
        // Of several with one local part the fullest is meant.
        match self.handles.iter_mut().find(|(known, _)| *known == local) {
            Some((_, known)) if whole.len() > known.len() => *known = whole.clone(),
            Some(_) => {}
            None => self.handles.push((local.clone(), whole.clone())),
        }
        let whole = self.whole(&local);
        let stands = if self.omit { SOMEONE.to_owned() } else { self.key.handle(&whole) };
        self.learn(&whole, stands.clone());
        self.learn(&local, stands);
    }

    /// Learns a name as shown.
    pub fn learn_name(&mut self, name: &str) {
        let name = name.trim().to_lowercase();
        let stands = if self.omit { SOMEONE.to_owned() } else { self.key.token("name", &name) };
        self.learn(&name, stands);
    }

    /// Learns the handle that an address of a profile or post spells: what follows `/@` or stands after a word such as `users`.
    pub fn learn_address(&mut self, text: &str) {
        let Ok(url) = Url::parse(text) else { return };
        let mut parts = url.path_segments().into_iter().flatten().peekable();
        while let Some(part) = parts.next() {
            let decoded = percent(part);
            if let Some(handle) = decoded.strip_prefix('@') {
                self.learn_handle(handle);
            } else if super::address::PERSON_WORDS.contains(&part)
                && let Some(next) = parts.peek()
            {
                self.learn_handle(&percent(next));
            }
        }
    }

    fn learn(&mut self, words: &str, stands: String) {
        let words: Vec<char> = words.chars().collect();
        if words.len() < MIN_CHARS || self.known.iter().any(|(known, _)| *known == words) {
            return;
        }
        let at = self.known.partition_point(|(known, _)| known.len() >= words.len());
        self.known.insert(at, (words, stands));
    }

    fn whole(&self, local: &str) -> String {
        self.handles
            .iter()
            .find(|(known, _)| known == local)
            .map_or_else(|| local.to_owned(), |(_, whole)| whole.clone())
    }

    /// A handle in a text, without its first `@`.
    fn handle(&self, handle: &str) -> String {
        if self.omit {
            return SOMEONE.to_owned();
        }
        let handle = handle.to_lowercase();
        self.key.handle(&if handle.contains('@') { handle } else { self.whole(&handle) })
    }

    /// An id or address: host and port of an address stay, as long as they name nobody; the rest becomes a pseudonym.
    pub fn id(&self, text: &str) -> String {
        let token = self.key.token("address", text);
        if let Ok(url) = Url::parse(text)
            && matches!(url.scheme(), "http" | "https")
            && let Some(host) = url.host_str()
        {
            let host = self.host(host);
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            return format!("{}://{host}{port}/{token}", url.scheme());
        }
        // `tag:example.org,2026:7` and `example.org|7` tell whose ids they are.
        let authority = text.strip_prefix("tag:").and_then(|rest| rest.split(',').next());
        let authority = authority.map(|authority| authority.rsplit('@').next().unwrap_or(authority));
        let scoped = text.split_once('|').map(|(host, _)| host).filter(|host| host.contains('.'));
        match authority.or(scoped) {
            Some(host) => format!("{}|{token}", self.host(host)),
            None => token,
        }
    }

    /// A host without the labels that name a known person. Where too little is left, a name that is nobody's.
    fn host(&self, host: &str) -> String {
        let names = |label: &str| {
            let label: Vec<char> = label.to_lowercase().chars().collect();
            self.known.iter().any(|(known, _)| label.windows(known.len()).any(|part| part == known.as_slice()))
        };
        if !host.split('.').any(names) {
            return host.to_owned();
        }
        let kept: Vec<&str> = host.split('.').skip_while(|label| names(label)).collect();
        if kept.len() >= 2 && !kept.iter().any(|label| names(label)) {
            kept.join(".")
        } else {
            format!("{}.invalid", self.key.token("host", &host.to_lowercase()))
        }
    }

    /// A text with everybody in it replaced.
    pub fn text(&self, text: &str) -> String {
        let chars: Vec<char> = text.chars().collect();
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(&here) = chars.get(at) {
            let begins = at.checked_sub(1).and_then(|before| chars.get(before)).is_none_or(|before| !is_word(*before));
            if begins && let Some((length, stands)) = self.someone(&chars[at..]) {
                out.push_str(&stands);
                at += length;
            } else {
                out.push(here);
                at += 1;
            }
        }
        out
    }

    /// What stands at the beginning of `rest`, and for how many characters.
    fn someone(&self, rest: &[char]) -> Option<(usize, String)> {
        let run = rest.iter().take_while(|c| !c.is_whitespace() && !is_quote(**c)).count();
        let run = trimmed(rest.get(..run)?);
        let word: String = rest.get(..run)?.iter().collect();
        if starts_with_scheme(&word) {
            return Some((run, self.id(&word)));
        }
        let at = match rest {
            ['@' | '\u{ff20}', ..] => 1,
            ['%', '4', '0', ..] => 3,
            _ => 0,
        };
        if at > 0 {
            let length = handle_length(rest.get(at..)?);
            let handle: String = rest.get(at..at + length)?.iter().collect();
            return (length > 0).then(|| (at + length, format!("@{}", self.handle(&handle))));
        }
        if let Some((host, path)) = word.split_once('/')
            && is_domain(host)
            && !path.is_empty()
        {
            return Some((
                run,
                format!("{}/{}", self.host(host), self.key.token("address", &format!("https://{word}"))),
            ));
        }
        let length = handle_length(rest);
        if length > 0 && rest.get(..length)?.contains(&'@') {
            let handle: String = rest.get(..length)?.iter().collect();
            return Some((length, format!("@{}", self.handle(&handle))));
        }
        for (known, stands) in &self.known {
            let same = rest.len() >= known.len() && known.iter().zip(rest).all(|(known, c)| lower(*c) == *known);
            if same && rest.get(known.len()).is_none_or(|after| !is_word(*after)) {
                return Some((known.len(), stands.clone()));
            }
        }
        None
    }
}

/// `example.org`, `example.org:8080`: a last label of letters.
fn is_domain(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or_default();
    let last = name.rsplit('.').next().unwrap_or_default();
    name.contains('.')
        && last.len() >= 2
        && last.chars().all(char::is_alphabetic)
        && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | ':'))
}

fn lower(c: char) -> char {
    let mut all = c.to_lowercase();
    match (all.next(), all.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_quote(c: char) -> bool {
    matches!(c, '<' | '>' | '"' | '\'' | '“' | '”' | '«' | '»' | '`')
}

/// Length without the marks that end a sentence or close a bracket.
fn trimmed(run: &[char]) -> usize {
    let marks =
        run.iter().rev().take_while(|c| matches!(**c, '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']' | '}' | '…'));
    run.len() - marks.count()
}

pub(super) fn starts_with_scheme(word: &str) -> bool {
    let begins = |scheme: &str| word.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    (begins("http://") && word.len() > 7) || (begins("https://") && word.len() > 8)
}

/// How many characters at the beginning are a handle: `alice`, `alice@example.org`. 0 for none.
pub(super) fn handle_length(rest: &[char]) -> usize {
    let part = |from: usize, extra: &[char]| {
        let run: Vec<char> = rest.iter().skip(from).copied().take_while(|c| is_word(*c) || extra.contains(c)).collect();
        run.len() - run.iter().rev().take_while(|c| !is_word(**c)).count()
    };
    let mut length = part(0, &['.', '-', '+', '%']);
    // Oddities such as `a@b@c` are one handle, so that nothing of them is left over.
    while length > 0 && rest.get(length) == Some(&'@') {
        match part(length + 1, &['.', '-', ':']) {
            0 => break,
            host => length += 1 + host,
        }
    }
    length
}

fn percent(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let coded = (first == b'%').then(|| after.get(..2)).flatten().and_then(|two| {
            let mut byte = [0];
            hex::decode_to_slice(two, &mut byte).ok().map(|()| byte[0])
        });
        match coded {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
