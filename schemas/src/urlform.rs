//! Which one spelling of a URL do the gate, the budget and the record all use?
//!
//! Two spellings that a server must treat alike (RFC 3986 sections 6.2.2 and 6.2.3) get one form, so that no rule can be
//! passed by writing the same address differently. What a server may tell apart stays apart: order of parameters, an empty
//! query, `%2F` against `/`, a trailing slash, a doubled one. Parsing is the WHATWG one of the `url` crate, so dot segments,
//! backslashes before the query and number-like hosts (`0x7f.1`) read here as they would in a browser.
//!
//! Whether the host may be connected to is asked in [`crate::address`]; which site it belongs to is not asked here.

use url::{Host, Url};

/// The longest URL accepted, in bytes, before and after it is brought into normal form.
pub const MAX_URL_BYTES: usize = 8 * 1024;

/// The longest host name the DNS can carry, in bytes, without its last dot (RFC 1035 section 2.3.4).
const MAX_HOST_BYTES: usize = 253;

/// Why a text is not a URL we would request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefusal {
    /// Longer than [`MAX_URL_BYTES`], as given or once percent-encoded.
    #[error("the URL has {bytes} bytes in full; at most {MAX_URL_BYTES} are accepted")]
    TooLong {
        /// Its length, in bytes.
        bytes: usize,
    },
    /// Holds a control character (Unicode category Cc), which parsers drop or read differently.
    #[error("the URL holds the control character U+{code:04X} at byte {at}; write it percent-encoded or leave it out")]
    ControlCharacter {
        /// The character's code point.
        code: u32,
        /// Where it stands, in bytes from 0.
        at: usize,
    },
    /// Has no `scheme://`.
    #[error("the URL is not absolute; begin it with `https://`")]
    NotAbsolute,
    /// A scheme that is not collected.
    #[error("the URL's scheme is `{scheme}`; only `http` and `https` are collected")]
    Scheme {
        /// The scheme as given, at most 32 characters of it.
        scheme: String,
    },
    /// Carries a user name or password, or the `@` that announces one.
    #[error("the URL carries user information before `@`; name a credential in the policy instead")]
    UserInfo,
    /// Names no host.
    #[error("the URL names no host")]
    EmptyHost,
    /// Names a host that no name or address can be: a forbidden character, an empty label, a number out of range, too long.
    #[error("the URL's host cannot be used: {why}")]
    Host {
        /// What is wrong with it.
        why: String,
    },
    /// Is no URL for another reason, e.g. a port above 65535.
    #[error("the URL cannot be read: {why}")]
    Unreadable {
        /// What is wrong with it.
        why: String,
    },
}

impl UrlRefusal {
    /// The refusal as one stable word, for vectors, metrics and records.
    pub fn word(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too_long",
            Self::ControlCharacter { .. } => "control_character",
            Self::NotAbsolute => "not_absolute",
            Self::Scheme { .. } => "scheme",
            Self::UserInfo => "user_info",
            Self::EmptyHost => "empty_host",
            Self::Host { .. } => "host",
            Self::Unreadable { .. } => "unreadable",
        }
    }
}

/// Brings a URL into normal form.
///
/// Scheme and host in lower case, the host in its ASCII form (IDNA, UTS 46) without a last dot, no default port, no dot
/// segments, `/` for an empty path, no fragment. In path and query: escapes in upper case, unreserved characters decoded,
/// whatever RFC 3986 does not allow encoded, a `%` that begins no escape written `%25`. Spaces around the text are ignored.
/// A URL in normal form is its own normal form.
///
/// # Errors
///
/// [`UrlRefusal`], which says what to change.
pub fn normal_form(text: &str) -> Result<Url, UrlRefusal> {
    within_length(text)?;
    if let Some((at, letter)) = text.char_indices().find(|(_, letter)| letter.is_control()) {
        return Err(UrlRefusal::ControlCharacter { code: u32::from(letter), at });
    }
    let text = text.trim_matches(' ');
    let authority = authority(text)?;
    if authority.contains('@') {
        return Err(UrlRefusal::UserInfo);
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err(UrlRefusal::EmptyHost);
    }

    let parsed = Url::parse(text).map_err(unreadable)?;
    let scheme = parsed.scheme();
    let host = match parsed.host() {
        Some(Host::Domain(name)) => plain_name(name)?.to_owned(),
        Some(address) => address.to_string(),
        None => return Err(UrlRefusal::EmptyHost),
    };
    let port = parsed.port().map_or_else(String::new, |port| format!(":{port}"));
    let path = uri_characters(parsed.path());
    let query = parsed.query().map_or_else(String::new, |query| format!("?{}", uri_characters(query)));

    let form = format!("{scheme}://{host}{port}{path}{query}");
    within_length(&form)?;
    Url::parse(&form).map_err(unreadable)
}

fn within_length(text: &str) -> Result<(), UrlRefusal> {
    if text.len() > MAX_URL_BYTES { Err(UrlRefusal::TooLong { bytes: text.len() }) } else { Ok(()) }
}

/// What stands between `://` and the path, as given. Judged before parsing, because parsers skip extra slashes (`http:///a` would get the host `a`) and drop an empty user name.
fn authority(text: &str) -> Result<&str, UrlRefusal> {
    let (scheme, rest) = text.split_once(':').ok_or(UrlRefusal::NotAbsolute)?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.'));
    if !is_scheme {
        return Err(UrlRefusal::NotAbsolute);
    }
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        // `example.org:8080/a` is a host and a port that lack their scheme, not a scheme.
        let port_follows = rest.starts_with(|first: char| first.is_ascii_digit());
        return Err(if port_follows {
            UrlRefusal::NotAbsolute
        } else {
            UrlRefusal::Scheme { scheme: scheme.chars().take(32).collect() }
        });
    }
    let rest = rest.strip_prefix("//").ok_or(UrlRefusal::NotAbsolute)?;
    Ok(rest.split(['/', '\\', '?', '#']).next().unwrap_or_default())
}

/// A host name without its last dot, if it is one the DNS could hold.
fn plain_name(name: &str) -> Result<&str, UrlRefusal> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let refused = |why: &str| Err(UrlRefusal::Host { why: why.to_owned() });
    if name.is_empty() {
        return Err(UrlRefusal::EmptyHost);
    }
    if name.split('.').any(str::is_empty) {
        return refused("two dots stand together or one begins it");
    }
    if name.split('.').any(|label| label.len() > 63) {
        return refused("a label has more than 63 bytes");
    }
    if name.len() > MAX_HOST_BYTES {
        return refused("it has more than 253 bytes");
    }
    Ok(name)
}

fn unreadable(error: url::ParseError) -> UrlRefusal {
    use url::ParseError as P;
    match error {
        P::EmptyHost => UrlRefusal::EmptyHost,
        P::IdnaError | P::InvalidIpv4Address | P::InvalidIpv6Address | P::InvalidDomainCharacter => {
            UrlRefusal::Host { why: error.to_string() }
        }
        P::RelativeUrlWithoutBase | P::RelativeUrlWithCannotBeABaseBase => UrlRefusal::NotAbsolute,
        other => UrlRefusal::Unreadable { why: other.to_string() },
    }
}

/// Path or query in the characters of RFC 3986, each in its one spelling.
fn uri_characters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((octet, after)) = rest.split_first() {
        rest = after;
        match (octet, escaped(after)) {
            (b'%', Some((value, after))) => {
                rest = after;
                put(value, is_unreserved(value), &mut out);
            }
            _ => put(*octet, is_unreserved(*octet) || is_reserved(*octet), &mut out),
        }
    }
    out
}

fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, after) = text.split_first_chunk::<2>()?;
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some((value(digits[0])? * 16 + value(digits[1])?, after))
}

fn put(octet: u8, bare: bool, out: &mut String) {
    if bare {
        out.push(char::from(octet));
    } else {
        out.push_str(&format!("%{octet:02X}"));
    }
}

/// RFC 3986 section 2.3.
fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-._~".contains(&octet)
}

/// RFC 3986 section 2.2: they part or mean something, so they stay as they came.
fn is_reserved(octet: u8) -> bool {
    b":/?#[]@!$&'()*+,;=".contains(&octet)
}
