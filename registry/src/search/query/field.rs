//! Which facts can a query ask for besides words, and how is each written?

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemas::record::Kind;
use url::Url;

use super::Fault;
use super::bare::is_bare_value;

/// Names that stand before a colon, in the order they are offered to people.
pub const NAMES: [&str; 14] = [
    "platform", "lang", "author", "link", "after", "before", "seen", "source", "kind", "tag", "title", "id", "has",
    "is",
];

/// Names people know from elsewhere, and ours.
const ELSEWHERE: [(&str, &str); 14] = [
    ("language", "lang"),
    ("from", "author"),
    ("by", "author"),
    ("site", "link"),
    ("domain", "link"),
    ("host", "link"),
    ("url", "link"),
    ("since", "after"),
    ("until", "before"),
    ("entry", "source"),
    ("type", "kind"),
    ("hashtag", "tag"),
    ("intitle", "title"),
    ("headline", "title"),
];

/// A fact beside the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// System whose ids these are, lower case.
    Platform(String),
    /// BCP 47 tag or its beginning, lower case: `ru` also means `ru-by`.
    Language(String),
    /// Id, handle or name of the author; a leading `@` does not count.
    Author(String),
    /// Links to it or lies there.
    Link(Link),
    /// `time` at or after this moment.
    After(Timestamp),
    /// `time` before this moment.
    Before(Timestamp),
    /// First seen by us.
    Seen(Seen),
    /// Entry it was first seen under.
    Source(String),
    /// What sort of thing it is.
    Kind(Kind),
    /// Tag or category, without `#`.
    Tag(String),
    /// The record's `id`.
    Id(String),
    /// What the record has.
    Has(Has),
    /// What became of it.
    Is(Is),
}

/// Where a link leads. Scheme, port, fragment, a leading `www.` and a final `/` do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// This host and those below it.
    Host(String),
    /// This address, or all that begin so.
    Address {
        /// `host/path?query`
        address: String,
        /// Written with a star.
        is_prefix: bool,
    },
}

/// When we saw it first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// So long before now, at most.
    Within {
        /// How many.
        amount: u32,
        /// Of what.
        unit: Unit,
    },
    /// On these days (UTC), both included.
    Days {
        /// First day.
        first: Date,
        /// Last day.
        last: Date,
    },
}

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`, 24 hours
    Day,
    /// `w`, 7 days
    Week,
}

/// What a record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    /// Pictures, sounds or films.
    Media,
    /// A body.
    Text,
    /// A claimed time of edit.
    Edit,
    /// A title.
    Title,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    /// Withdrawn by its source; its last words are shown.
    Gone,
    /// Left a source that is published whole, which did not say so, and is not back.
    Vanished,
    /// Known in more than one version.
    Revised,
    /// A version that was learned of after a later one.
    Late,
    /// Collected in a trial.
    Trial,
}

impl Field {
    /// Reads the value of a field.
    ///
    /// # Errors
    ///
    /// What is wrong, and what to write.
    pub fn parse(name: &str, value: &str) -> Result<Self, Fault> {
        let text = || value.to_owned();
        Ok(match name {
            "platform" => Self::Platform(value.to_lowercase()),
            "lang" => Self::Language(value.to_lowercase()),
            "author" => Self::Author(text()),
            "source" => Self::Source(text()),
            "tag" => Self::Tag(text()),
            "id" => Self::Id(text()),
            "link" => Self::Link(Link::parse(value)?),
            "after" => Self::After(moment(name, value)?),
            "before" => Self::Before(moment(name, value)?),
            "seen" => Self::Seen(Seen::parse(value)?),
            "kind" => Self::Kind(one_of(name, value, &KINDS)?),
            "has" => Self::Has(one_of(name, value, &HAS)?),
            "is" => Self::Is(one_of(name, value, &IS)?),
            _ => return Err(unknown(name)),
        })
    }
}

pub(super) fn unknown(name: &str) -> Fault {
    let ours = ELSEWHERE.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours);
    let nearest = NAMES.iter().map(|known| (distance(name, known), *known)).min().filter(|(far, _)| *far <= 2);
    Fault::NoField { name: name.to_owned(), meant: ours.or(nearest.map(|(_, known)| known)) }
}

const KINDS: [(&str, Kind); 10] = [
    ("post", Kind::Post),
    ("comment", Kind::Comment),
    ("article", Kind::Article),
    ("page", Kind::Page),
    ("video", Kind::Video),
    ("audio", Kind::Audio),
    ("account", Kind::Account),
    ("ad", Kind::Ad),
    ("registration", Kind::Registration),
    ("event", Kind::Event),
];
const HAS: [(&str, Has); 4] = [("media", Has::Media), ("text", Has::Text), ("edit", Has::Edit), ("title", Has::Title)];
const IS: [(&str, Is); 5] = [
    ("gone", Is::Gone),
    ("vanished", Is::Vanished),
    ("revised", Is::Revised),
    ("late", Is::Late),
    ("trial", Is::Trial),
];

fn one_of<T: Copy>(name: &str, value: &str, known: &[(&'static str, T)]) -> Result<T, Fault> {
    let lower = value.to_lowercase();
    known.iter().find(|(word, _)| *word == lower).map(|(_, meaning)| *meaning).ok_or_else(|| Fault::NotOneOf {
        name: name.to_owned(),
        value: value.to_owned(),
        known: known.iter().map(|(word, _)| *word).collect(),
    })
}

fn word_of<T: Copy + PartialEq>(meaning: T, known: &[(&'static str, T)]) -> &'static str {
    known.iter().find(|(_, one)| *one == meaning).map_or("", |(word, _)| *word)
}

/// The word a query uses for a kind.
#[must_use]
pub fn kind_word(kind: Kind) -> &'static str {
    word_of(kind, &KINDS)
}

fn moment(name: &str, value: &str) -> Result<Timestamp, Fault> {
    let wrong = || Fault::NoMoment { name: name.to_owned(), value: value.to_owned() };
    let looks_so = |text: &str| text.is_ascii() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if !looks_so(value) {
        return value.parse().map_err(|_| wrong());
    }
    let whole = match value.len() {
        4 => format!("{value}-01-01"),
        7 => format!("{value}-01"),
        _ => value.to_owned(),
    };
    let date: Date = if whole.len() == 10 {
        whole.parse().map_err(|_| wrong())?
    } else {
        return Err(wrong());
    };
    midnight(date).ok_or_else(wrong)
}

fn midnight(date: Date) -> Option<Timestamp> {
    date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

impl Seen {
    fn parse(value: &str) -> Result<Self, Fault> {
        let wrong = || Fault::NoSpan { value: value.to_owned() };
        let day = |text: &str| {
            if text.len() == 10 { text.parse::<Date>().ok() } else { None }
        };
        if let Some((first, last)) = value.split_once("..") {
            let (first, last) = day(first).zip(day(last)).ok_or_else(wrong)?;
            if last < first {
                return Err(Fault::DaysTurned { first: first.to_string(), last: last.to_string() });
            }
            return Ok(Self::Days { first, last });
        }
        if let Some(date) = day(value) {
            return Ok(Self::Days { first: date, last: date });
        }
        let mut chars = value.chars();
        let unit = match chars.next_back() {
            Some('m') => Unit::Minute,
            Some('h') => Unit::Hour,
            Some('d') => Unit::Day,
            Some('w') => Unit::Week,
            _ => return Err(wrong()),
        };
        let digits = chars.as_str();
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        match digits.parse::<u32>() {
            Ok(amount @ 1..=100_000) => Ok(Self::Within { amount, unit }),
            _ => Err(wrong()),
        }
    }

    /// First moment that counts and the first that does not any more.
    #[must_use]
    pub fn bounds(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        match self {
            Self::Within { amount, unit } => {
                let minutes = match unit {
                    Unit::Minute => 1,
                    Unit::Hour => 60,
                    Unit::Day => 24 * 60,
                    Unit::Week => 7 * 24 * 60,
                };
                let span = SignedDuration::from_mins(i64::from(*amount).saturating_mul(minutes));
                (now.checked_sub(span).unwrap_or(Timestamp::MIN), Timestamp::MAX)
            }
            Self::Days { first, last } => {
                let end = last.tomorrow().ok().and_then(midnight);
                (midnight(*first).unwrap_or(Timestamp::MIN), end.unwrap_or(Timestamp::MAX))
            }
        }
    }
}

impl Link {
    fn parse(value: &str) -> Result<Self, Fault> {
        let wrong = || Fault::NoHost { value: value.to_owned() };
        let (plain, is_prefix) = value.strip_suffix('*').map_or((value, false), |plain| (plain, true));
        let absolute = if plain.contains("://") { plain.to_owned() } else { format!("https://{plain}") };
        let url = Url::parse(&absolute).map_err(|_| wrong())?;
        let key = address_key(&url).ok_or_else(wrong)?;
        match (key.split_once(['/', '?']), is_prefix) {
            (None, false) => Ok(Self::Host(key)),
            // `link:example.org/*` means the host itself.
            (None, true) if plain.ends_with('/') => Ok(Self::Host(key)),
            (None, true) => Err(wrong()),
            // The `/` before the star is part of the beginning.
            (Some(_), true) if plain.ends_with('/') => Ok(Self::Address { address: format!("{key}/"), is_prefix }),
            (Some(_), _) => Ok(Self::Address { address: key, is_prefix }),
        }
    }
}

/// What of an address counts for `link:`; `None` for what is not on the web.
#[must_use]
pub fn address_key(url: &Url) -> Option<String> {
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let host = host_key(url)?;
    let path = url.path().trim_end_matches('/');
    Some(match url.query() {
        Some(query) => format!("{host}{path}?{query}"),
        None => format!("{host}{path}"),
    })
}

/// Host of an address without a leading `www.`.
#[must_use]
pub fn host_key(url: &Url) -> Option<String> {
    let host = url.host_str()?.trim_end_matches('.');
    let host = host.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(host);
    if host.is_empty() { None } else { Some(host.to_owned()) }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform(value) => pair(f, "platform", value),
            Self::Language(value) => pair(f, "lang", value),
            Self::Author(value) => pair(f, "author", value),
            Self::Source(value) => pair(f, "source", value),
            Self::Tag(value) => pair(f, "tag", value),
            Self::Id(value) => pair(f, "id", value),
            Self::Link(Link::Host(host)) => pair(f, "link", host),
            Self::Link(Link::Address { address, is_prefix: false }) => pair(f, "link", address),
            // The star is no mark of the value here, so it stands inside the quotes where there must be some.
            Self::Link(Link::Address { address, is_prefix: true }) if is_bare_value(address) => {
                write!(f, "link:{address}*")
            }
            Self::Link(Link::Address { address, is_prefix: true }) => pair(f, "link", &format!("{address}*")),
            Self::After(at) => write!(f, "after:{}", moment_text(*at)),
            Self::Before(at) => write!(f, "before:{}", moment_text(*at)),
            Self::Seen(Seen::Within { amount, unit }) => {
                let letter = match unit {
                    Unit::Minute => 'm',
                    Unit::Hour => 'h',
                    Unit::Day => 'd',
                    Unit::Week => 'w',
                };
                write!(f, "seen:{amount}{letter}")
            }
            Self::Seen(Seen::Days { first, last }) if first == last => write!(f, "seen:{first}"),
            Self::Seen(Seen::Days { first, last }) => write!(f, "seen:{first}..{last}"),
            Self::Kind(kind) => write!(f, "kind:{}", kind_word(*kind)),
            Self::Has(has) => write!(f, "has:{}", word_of(*has, &HAS)),
            Self::Is(is) => write!(f, "is:{}", word_of(*is, &IS)),
        }
    }
}

fn pair(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    write!(f, "{name}:")?;
    if is_bare_value(value) { f.write_str(value) } else { super::quoted(f, value) }
}

fn moment_text(at: Timestamp) -> String {
    let date = at.to_zoned(TimeZone::UTC).date();
    if midnight(date) == Some(at) { date.to_string() } else { at.to_string() }
}

/// Letters to change, add or drop to get from one name to the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(from != *to)).min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
