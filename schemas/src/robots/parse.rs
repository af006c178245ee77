//! From the bytes of a robots.txt to its groups (RFC 9309 section 2.2).

use super::{ContentSignal, PARSED_BYTES, Pattern, QUOTED_CHARS, Robots};

/// The longest crawl delay that is told, in milliseconds: one day. Longer ones count as this.
const LONGEST_DELAY_MS: u64 = 86_400_000;

/// How many signals of one line are kept, and how long the path before them may be, in bytes; a line with a longer one is not understood.
const SIGNALS_A_LINE: usize = 16;
const SIGNAL_PATH_BYTES: usize = 2048;

/// `Disallow` as people write it. Read as meant: a site that misspelt a refusal still refused.
const DISALLOW_SPELLINGS: [&str; 6] = ["disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"];

/// One group: the agents it names and what it tells them.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    /// Product tokens as written, cut where the token ends; `*` for everybody else. Empty where a line holds no token.
    pub(super) agents: Vec<String>,
    pub(super) rules: Vec<Rule>,
    pub(super) crawl_delay_ms: Option<u64>,
    pub(super) signals: Vec<ContentSignal>,
}

/// One `Allow` or `Disallow` line with a path.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) allow: bool,
    pub(super) pattern: Pattern,
    pub(super) quoted: String,
    pub(super) line: u32,
}

impl Rule {
    /// What makes a rule win over another that matches as well: more octets, then `Allow`.
    pub(super) fn strength(&self) -> (usize, bool) {
        (self.pattern.octets(), self.allow)
    }
}

/// What a line is about.
enum Key {
    UserAgent,
    Allow,
    Disallow,
    CrawlDelay,
    Sitemap,
    Signal(&'static str),
    Unknown,
}

impl Key {
    fn of(key: &[u8]) -> Self {
        let is = |name: &str| key.eq_ignore_ascii_case(name.as_bytes());
        let begins = |name: &str| key.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes()));
        if is("user-agent") || is("useragent") || is("user agent") {
            Self::UserAgent
        } else if is("allow") {
            Self::Allow
        } else if DISALLOW_SPELLINGS.into_iter().any(begins) {
            Self::Disallow
        } else if is("crawl-delay") {
            Self::CrawlDelay
        } else if is("sitemap") || is("site-map") {
            Self::Sitemap
        } else if is("content-signal") {
            Self::Signal("content-signal")
        } else if is("content-usage") {
            Self::Signal("content-usage")
        } else {
            Self::Unknown
        }
    }
}

/// Reads a whole file; see [`Robots::parse`].
pub(super) fn robots(body: &[u8]) -> Robots {
    let mut robots = Robots::default();
    // Whether a rule has been read since the last `User-agent`: then the next `User-agent` opens a new group.
    let mut rules_begun = false;

    for (line_number, line) in lines(without_mark(within_limit(body))) {
        let text = without_comment(line).trim_ascii();
        let Some((key, value)) = key_and_value(text) else {
            continue;
        };
        let group = robots.groups.last_mut();
        match (Key::of(key), group) {
            (Key::UserAgent, Some(group)) if !rules_begun => group.agents.push(agent(value)),
            (Key::UserAgent, _) => {
                robots.groups.push(Group { agents: vec![agent(value)], ..Group::default() });
                rules_begun = false;
            }
            (key @ (Key::Allow | Key::Disallow), Some(group)) => {
                rules_begun = true;
                // An empty path matches nothing, so it is no rule; it ends the list of agents all the same.
                if !value.is_empty() {
                    group.rules.push(Rule {
                        allow: matches!(key, Key::Allow),
                        pattern: Pattern::new(value),
                        quoted: quoted(text),
                        line: line_number,
                    });
                }
            }
            (Key::CrawlDelay, Some(group)) => group.crawl_delay_ms = group.crawl_delay_ms.max(delay_ms(value)),
            (Key::Sitemap, _) if !value.is_empty() => robots.sitemaps.push(String::from_utf8_lossy(value).into_owned()),
            (Key::Signal(field), group) => {
                let signals = group.map_or(&mut robots.ungrouped_signals, |group| &mut group.signals);
                push_signals(signals, field, value, line_number);
            }
            // Before the first group there is nobody to tell; a delay or a rule there says nothing.
            (Key::Allow | Key::Disallow | Key::CrawlDelay, None) | (Key::Sitemap | Key::Unknown, _) => {}
        }
    }
    robots
}

/// The part of the file that counts, ending with a whole line.
fn within_limit(body: &[u8]) -> &[u8] {
    let Some(head) = body.get(..PARSED_BYTES) else {
        return body;
    };
    if matches!(body.get(PARSED_BYTES), None | Some(b'\r' | b'\n')) {
        return head;
    }
    let whole = head.iter().rposition(|byte| matches!(byte, b'\r' | b'\n')).map_or(0, |end| end + 1);
    head.get(..whole).unwrap_or_default()
}

/// The file without its byte order mark, or the part of one that a careless editor left.
fn without_mark(body: &[u8]) -> &[u8] {
    [&b"\xef\xbb\xbf"[..], b"\xef\xbb", b"\xef"].into_iter().find_map(|mark| body.strip_prefix(mark)).unwrap_or(body)
}

/// Numbered lines, ended by LF, CR or CRLF.
fn lines(body: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = Some(body);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let Some((line, after)) = end.and_then(|end| text.split_at_checked(end)) else {
            rest = None;
            return Some(text);
        };
        rest = after.strip_prefix(b"\r\n").or_else(|| after.get(1..));
        Some(line)
    })
    .zip(1_u32..)
    .map(|(line, number)| (number, line))
}

fn without_comment(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == b'#').next().unwrap_or_default()
}

/// Parts a line at its colon, or, if it has none, at the only gap between two words (`disallow /`).
fn key_and_value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    if let Some(colon) = text.iter().position(|byte| *byte == b':') {
        let (key, rest) = text.split_at_checked(colon)?;
        let key = key.trim_ascii();
        return (!key.is_empty()).then_some((key, rest.get(1..)?.trim_ascii()));
    }
    let (key, rest) = text.split_at_checked(text.iter().position(blank)?)?;
    let value = rest.trim_ascii();
    (!value.iter().any(blank)).then_some((key, value))
}

/// The product token of a `User-agent` value: its leading letters, `_` and `-` (RFC 9309 section 2.2.1), or `*`.
fn agent(value: &[u8]) -> String {
    if value.first() == Some(&b'*') && value.get(1).is_none_or(u8::is_ascii_whitespace) {
        return "*".to_owned();
    }
    value
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'))
        .map(|byte| char::from(*byte))
        .collect()
}

/// The leading decimal number of a value, in milliseconds, rounded up; none if it does not begin with one.
fn delay_ms(value: &[u8]) -> Option<u64> {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = value.split_at_checked(digits(value))?;
    let fraction = rest.strip_prefix(b".").map_or(&[][..], |rest| rest.get(..digits(rest)).unwrap_or_default());
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let number = |digits: &[u8]| {
        digits.iter().fold(0_u64, |sum, byte| sum.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
    };
    let thousandths = fraction.iter().chain(b"000").take(3).fold(0, |sum, byte| sum * 10 + u64::from(byte - b'0'));
    let rest_of_fraction = u64::from(fraction.iter().skip(3).any(|byte| *byte != b'0'));
    Some(number(whole).saturating_mul(1000).saturating_add(thousandths + rest_of_fraction).min(LONGEST_DELAY_MS))
}

/// Reads `[/path] key=value, key=value`.
fn push_signals(signals: &mut Vec<ContentSignal>, field: &'static str, value: &[u8], line: u32) {
    let text = String::from_utf8_lossy(value);
    let (path, pairs) = match text.strip_prefix('/') {
        Some(_) => text
            .split_once(|letter: char| letter.is_ascii_whitespace())
            .map_or((Some(&*text), ""), |(path, rest)| (Some(path), rest)),
        None => (None, &*text),
    };
    if path.is_some_and(|path| path.len() > SIGNAL_PATH_BYTES) {
        return;
    }
    for pair in pairs.split([',', ';']).map(str::trim).filter(|pair| !pair.is_empty()).take(SIGNALS_A_LINE) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        signals.push(ContentSignal {
            field: field.to_owned(),
            path: path.map(str::to_owned),
            key: key.trim().to_ascii_lowercase(),
            value: value.trim().to_ascii_lowercase(),
            line,
        });
    }
}

/// A line as a decision quotes it: readable, without control characters, not endless.
fn quoted(text: &[u8]) -> String {
    // Four bytes are the most a character takes, so this much is enough and no more is decoded.
    let head = text.get(..QUOTED_CHARS * 4).unwrap_or(text);
    let decoded = String::from_utf8_lossy(head);
    let mut letters = decoded.chars().map(|letter| match letter {
        '\t' => ' ',
        letter if letter.is_control() => char::REPLACEMENT_CHARACTER,
        letter => letter,
    });
    let mut quoted: String = letters.by_ref().take(QUOTED_CHARS).collect();
    if letters.next().is_some() || head.len() < text.len() {
        quoted.pop();
        quoted.push('…');
    }
    quoted
}
