//! What went wrong on the way, in words for whoever is on call?
//!
//! The libraries below say what their code met (`InvalidContentType`, `tls handshake eof`). Here it is said what that means for the site, once, for
//! collecting and pushing alike. What is not known here keeps the library's own words.

use std::{error::Error, io};

use jiff::Timestamp;
use rustls::{
    AlertDescription, CertificateError, Error as Tls, OtherError, PeerIncompatible, pki_types::ServerName,
    pki_types::UnixTime,
};

/// How many names of a certificate are told, and how long one may be: it says what it likes.
const NAMES: (usize, usize) = (3, 80);

/// The words of the layers between our request and what broke it.
const OF_LAYERS: [&str; 4] = [
    "error sending request",
    "error decoding response body",
    "error reading a body from connection",
    "client error (Connect)",
];

/// Why a request failed.
pub(crate) fn why(error: &(dyn Error + 'static)) -> String {
    let causes = causes(error);
    if let Some(words) = causes.iter().find_map(|cause| of_tls(cause.downcast_ref()?)) {
        return words;
    }
    if let Some(words) = causes.iter().find_map(|cause| of_socket(cause.downcast_ref()?)) {
        return words.to_owned();
    }
    let mut told: Vec<String> = Vec::new();
    for cause in causes.iter().map(ToString::to_string) {
        if !OF_LAYERS.contains(&cause.as_str()) && told.last().is_none_or(|last| !last.ends_with(&cause)) {
            told.push(cause);
        }
    }
    if told.is_empty() { error.to_string() } else { told.join(": ") }
}

/// An error and its causes, outermost first; also what stands inside an [`io::Error`], which names it as no cause of its own.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> Vec<&'e (dyn Error + 'static)> {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        causes.push(cause);
        let inside = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| cause.source());
    }
    causes
}

fn of_tls(error: &Tls) -> Option<String> {
    Some(match error {
        Tls::InvalidCertificate(error) => of_certificate(error),
        Tls::InvalidMessage(_) => "what it answered is not TLS; it may speak plain HTTP on this port".to_owned(),
        Tls::AlertReceived(AlertDescription::ProtocolVersion)
        | Tls::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13 | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => "it speaks no TLS from version 1.2 on".to_owned(),
        Tls::AlertReceived(AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity) => {
            "it and this machine have no way of encrypting in common".to_owned()
        }
        Tls::AlertReceived(AlertDescription::UnrecognisedName) => {
            "it does not know the name it was asked for".to_owned()
        }
        Tls::AlertReceived(AlertDescription::CertificateRequired) => "it asks for a client's certificate".to_owned(),
        Tls::AlertReceived(alert) => format!("it broke TLS off with the alert {alert:?}"),
        Tls::PeerIncompatible(what) => format!("its TLS does not fit this machine's: {what:?}"),
        Tls::PeerMisbehaved(what) => format!("its TLS breaks the rules: {what:?}"),
        Tls::DecryptError => "its TLS breaks the rules: what came could not be decrypted".to_owned(),
        _ => return None,
    })
}

fn of_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired => "its certificate has expired".to_owned(),
        CertificateError::ExpiredContext { time, not_after } => {
            format!("its certificate expired at {}; this machine's clock says {}", at(*not_after), at(*time))
        }
        CertificateError::NotValidYet => "its certificate does not count yet".to_owned(),
        CertificateError::NotValidYetContext { time, not_before } => {
            format!("its certificate counts from {} on; this machine's clock says {}", at(*not_before), at(*time))
        }
        CertificateError::NotValidForName => "its certificate is for another name".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            format!("its certificate is for {}, not for {}", names(presented), name(expected))
        }
        CertificateError::UnknownIssuer => "its certificate is signed by nobody whom this machine trusts".to_owned(),
        CertificateError::Other(OtherError(why)) if why.to_string() == "CaUsedAsEndEntity" => {
            "its certificate is an authority's own, as self-signed ones often are, and no site's".to_owned()
        }
        CertificateError::BadEncoding => "its certificate can't be read".to_owned(),
        CertificateError::Revoked => "its certificate is revoked".to_owned(),
        CertificateError::BadSignature => "its certificate's signature is wrong".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its certificate is not for servers".to_owned()
        }
        other => format!("its certificate can't be used: {other}"),
    }
}

fn of_socket(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        io::ErrorKind::ConnectionRefused => "nobody listens there (connection refused)",
        io::ErrorKind::ConnectionReset => "it broke the connection off (reset)",
        io::ErrorKind::UnexpectedEof => "it closed the connection before the end",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "there is no way to it on the network",
        _ => return None,
    })
}

fn at(time: UnixTime) -> String {
    let at = i64::try_from(time.as_secs()).ok().and_then(|secs| Timestamp::from_second(secs).ok());
    at.map_or_else(|| format!("second {}", time.as_secs()), |at| at.to_string())
}

fn name(name: &ServerName<'_>) -> String {
    match name {
        ServerName::IpAddress(address) => std::net::IpAddr::from(*address).to_string(),
        name => format!("`{}`", name.to_str()),
    }
}

/// Names as rustls gives them: `DnsName("example.org")`.
fn names(presented: &[String]) -> String {
    let mut told: Vec<String> = presented
        .iter()
        .take(NAMES.0)
        .map(|name| {
            let bare =
                name.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"')).map_or(&**name, |(bare, _)| bare);
            format!("`{}`", bare.chars().filter(|c| !c.is_control()).take(NAMES.1).collect::<String>())
        })
        .collect();
    match presented.len().saturating_sub(NAMES.0) {
        0 => {}
        more => told.push(format!("{more} more")),
    }
    if told.is_empty() { "no name at all".to_owned() } else { told.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_many_names_is_told_in_a_line() {
        let presented: Vec<String> = (0..100).map(|n| format!("DnsName(\"{n}.example.org\")")).collect();
        assert_eq!(names(&presented), "`0.example.org`, `1.example.org`, `2.example.org`, 97 more");
        assert_eq!(names(&["\u{1b}".repeat(200) + &"x".repeat(200)]), format!("`{}`", "x".repeat(80)));
        assert_eq!(names(&[]), "no name at all");
    }

    #[test]
    fn what_is_not_known_keeps_its_own_words() {
        let unknown = io::Error::other(io::Error::other("the cable is out"));
        assert_eq!(why(&unknown), "the cable is out");
        assert_eq!(
            why(&io::Error::from(io::ErrorKind::ConnectionRefused)),
            "nobody listens there (connection refused)"
        );
    }
}
