//! Where in a text does a person stand, and what stands there instead?

use url::Url;

use super::{PseudonymKey, SOMEONE};

/// Shortest name or bare handle that is looked for in texts, in characters: shorter ones are words of every language.
const MIN_CHARS: usize = 3;

/// How far ahead is looked for the sign that makes a word a handle or an address, in characters: longer than every host and user.
const NEAR: usize = 300;

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
        let shown = handle.trim().trim_start_matches('@');
        let whole = shown.to_lowercase();
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
        // As written: lower case of a whole word is not that of its letters (`Σ`, `İ`), and texts are compared letter by letter.
        self.learn(shown, stands.clone());
        self.learn(shown.split('@').next().unwrap_or_default(), stands);
    }

    /// Learns a name as shown, and without the pictures and marks that stand beside it.
    pub fn learn_name(&mut self, name: &str) {
        let name = name.trim();
        let stands = if self.omit { SOMEONE.to_owned() } else { self.key.token("name", &name.to_lowercase()) };
        let picture = |word: &str| word.len() > 2 && word.starts_with(':') && word.ends_with(':');
        let bare: Vec<&str> = name.split_whitespace().filter(|word| word.contains(is_word) && !picture(word)).collect();
        self.learn(bare.join(" ").trim_matches(|c| !is_word(c)), stands.clone());
        self.learn(name, stands);
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
        let words: Vec<char> = words
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .filter(|c| !is_unseen(*c))
            .map(lower)
            .collect();
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
            let host = if is_host(host) { self.host(host) } else { self.nobodys(host) };
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            return format!("{}://{host}{port}/{token}", url.scheme());
        }
        // `tag:example.org,2026:7` and `example.org|7` tell whose ids they are.
        let authority = text.strip_prefix("tag:").and_then(|rest| rest.split(',').next());
        let authority = authority.map(|authority| authority.rsplit('@').next().unwrap_or(authority));
        let scoped = text.split_once('|').map(|(host, _)| host).filter(|host| host.contains('.'));
        match authority.or(scoped) {
            Some(host) if is_host(host) => format!("{}|{token}", self.host(host)),
            // Somebody else's words where a host should be: still nobody's own id.
            Some(host) => format!("{}|{token}", self.nobodys(host)),
            None => token,
        }
    }

    /// A host without the labels that name a known person. Where too little is left, a name that is nobody's.
    fn host(&self, host: &str) -> String {
        let names = |label: &str| {
            let label: Vec<char> = label.chars().map(lower).collect();
            self.known.iter().any(|(known, _)| label.windows(known.len()).any(|part| part == known.as_slice()))
        };
        if !host.split('.').any(names) {
            return host.to_owned();
        }
        let kept: Vec<&str> = host.split('.').skip_while(|label| names(label)).collect();
        if kept.len() >= 2 && !kept.iter().any(|label| names(label)) { kept.join(".") } else { self.nobodys(host) }
    }

    fn nobodys(&self, host: &str) -> String {
        format!("{}.invalid", self.key.token("host", &host.to_lowercase()))
    }

    /// A text with everybody in it replaced.
    pub fn text(&self, text: &str) -> String {
        let chars = seen(text);
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(&here) = chars.get(at) {
            let begins = at.checked_sub(1).and_then(|before| chars.get(before)).is_none_or(|before| !is_word(*before));
            let begins = begins || at_sign(chars.get(at..).unwrap_or_default()) > 0;
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
        // Looked at in short stretches first, so that a text without spaces costs no more than another.
        let near = rest.get(..rest.len().min(NEAR))?;
        let head: String = near.iter().take(9).collect();
        let domain: String = near.iter().take_while(|c| is_word(**c) || matches!(c, '.' | '-' | ':')).collect();
        let is_address = starts_with_scheme(&head);
        let run = if is_address || is_domain(&domain) { address_length(rest) } else { 0 };
        let word: String = rest.get(..run)?.iter().collect();
        if is_address && starts_with_scheme(&word) {
            return Some((run, self.id(&word)));
        }
        let at = at_sign(rest);
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
        let signed = near
            .get(..handle_length(near))?
            .iter()
            .enumerate()
            .any(|(at, _)| at_sign(near.get(at..).unwrap_or_default()) > 0);
        let length = if signed { handle_length(rest) } else { 0 };
        let handle: String = rest.get(..length)?.iter().collect();
        if signed {
            return Some((length, format!("@{}", self.handle(&handle))));
        }
        for (known, stands) in &self.known {
            if let Some(length) = spelled(known, rest)
                && rest.get(length).is_none_or(|after| !is_word(*after))
            {
                return Some((length, stands.clone()));
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
        && (last.chars().all(char::is_alphabetic) || last.starts_with("xn--"))
        && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | ':'))
}

/// What can stand where a host is expected: no spaces, no second path, no user.
pub(super) fn is_host(text: &str) -> bool {
    (1..=260).contains(&text.len())
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']'))
}

/// How many characters at the beginning are these words in any case, with whatever space between them.
fn spelled(known: &[char], rest: &[char]) -> Option<usize> {
    let mut at = 0;
    for wanted in known {
        at += match (wanted, rest.get(at)?) {
            (' ', c) if c.is_whitespace() => rest.iter().skip(at).take_while(|c| c.is_whitespace()).count(),
            (wanted, c) if lower(*c) == *wanted => 1,
            _ => return None,
        };
    }
    Some(at)
}

/// The characters of a text without those that take no room and could stand between `@` and a handle.
pub(super) fn seen(text: &str) -> Vec<char> {
    let mut seen: Vec<char> = Vec::with_capacity(text.len());
    for c in text.chars() {
        let joins = matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
        if !(is_unseen(c) || joins && at_sign(seen.last().map_or(&[], std::slice::from_ref)) > 0) {
            seen.push(c);
        }
    }
    seen
}

/// Marks of width and direction. Joiners are not among them: they make letters and pictures what they are.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// How many characters at the beginning are an at sign; 0 for none.
pub(super) fn at_sign(rest: &[char]) -> usize {
    match rest {
        ['@' | '\u{ff20}' | '\u{fe6b}', ..] => 1,
        ['%', '4', '0', ..] => 3,
        _ => 0,
    }
}

/// How many characters at the beginning could be an address: to the next space or quotation mark, without marks that end a sentence.
pub(super) fn address_length(rest: &[char]) -> usize {
    // An apostrophe is part of many an address (`/O'Brien`).
    let run = rest.iter().take_while(|c| !c.is_whitespace() && (**c == '\'' || !is_quote(**c))).count();
    trimmed(rest.get(..run).unwrap_or_default())
}

fn lower(c: char) -> char {
    if c == 'ς' {
        return 'σ';
    }
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
    let marks = run
        .iter()
        .rev()
        .take_while(|c| matches!(**c, '\'' | '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']' | '}' | '…'));
    run.len() - marks.count()
}

pub(super) fn starts_with_scheme(word: &str) -> bool {
    let begins = |scheme: &str| word.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    (begins("http://") && word.len() > 7) || (begins("https://") && word.len() > 8)
}

/// How many characters at the beginning are a handle: `alice`, `alice@example.org`. 0 for none.
pub(super) fn handle_length(rest: &[char]) -> usize {
    let part = |from: usize, extra: &[char]| {
        let run = rest.get(from..).unwrap_or_default();
        let ends =
            |at: usize, c: char| !(is_word(c) || extra.contains(&c)) || at_sign(run.get(at..).unwrap_or_default()) > 0;
        let run = run.iter().enumerate().take_while(|(at, c)| !ends(*at, **c)).map(|(_, c)| *c).collect::<Vec<_>>();
        run.len() - run.iter().rev().take_while(|c| !is_word(**c)).count()
    };
    let mut length = part(0, &['.', '-', '+', '%']);
    // Oddities such as `a@b@c` are one handle, so that nothing of them is left over: a host takes whatever a local part may begin with.
    while length > 0 {
        let at = at_sign(rest.get(length..).unwrap_or_default());
        match part(length + at, &['.', '-', ':', '+', '%']) {
            _ if at == 0 => break,
            0 => break,
            host => length += at + host,
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
