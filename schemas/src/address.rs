//! May a connection go to this address, and is this host an address in disguise?
//!
//! A collector that follows links must not be led to the machine it runs on or to the network around it. So an address is
//! judged three times: as a literal in the URL, as an answer of the resolver, and as the peer actually connected to.
//! All three use [`forbidden`], which knows the IANA special-purpose registries of both families (state of 2025; RFC 6890
//! and its successors), the multicast blocks, the unassigned rest of IPv6 and the addresses on which clouds serve secrets.
//!
//! Pure functions: nothing is resolved here.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use schemars::JsonSchema;
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is to a collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Destination {
    /// A global unicast address, as a public site has.
    Public,
    /// Anything else.
    Forbidden {
        /// The word of [`forbidden`].
        reason: &'static str,
    },
}

impl Destination {
    /// Judges an address without exceptions.
    pub fn of(ip: IpAddr) -> Self {
        forbidden(ip).map_or(Self::Public, |reason| Self::Forbidden { reason })
    }
}

/// A connection that must not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{ip} is a {reason} address; the entry would have to name it under its permitted addresses")]
pub struct DestinationRefusal {
    /// The address.
    pub ip: IpAddr,
    /// The word of [`forbidden`].
    pub reason: &'static str,
}

/// Judges an address, given the addresses and prefixes that the entry in force names.
///
/// An IPv4-mapped address is compared as the IPv4 address that it reaches. A prefix lifts every reason but these: an
/// unspecified, broadcast or multicast address is never lifted, because no site is there; a metadata address only by an
/// exception for that one address (`/32`, `/128`), because a prefix that happens to cover it was not meant for it.
///
/// # Errors
///
/// [`DestinationRefusal`] if the address is forbidden and not lifted.
pub fn judge(ip: IpAddr, allowed: &[IpNet]) -> Result<(), DestinationRefusal> {
    let Some(reason) = forbidden(ip) else {
        return Ok(());
    };
    let reached = ip.to_canonical();
    let liftable = |net: &IpNet| match reason {
        "unspecified" | "broadcast" | "multicast" => false,
        "metadata" => net.prefix_len() == net.max_prefix_len(),
        _ => true,
    };
    if allowed.iter().any(|net| net.contains(&reached) && liftable(net)) {
        Ok(())
    } else {
        Err(DestinationRefusal { ip, reason })
    }
}

/// Why an address is no public site's, as one stable word; nothing if it may be one.
///
/// IPv4-mapped (`::ffff:0:0/96`) and well-known NAT64 (`64:ff9b::/96`) addresses are judged by the IPv4 address inside, since
/// that is where the connection ends. IPv4-compatible, translated, 6to4, Teredo and ISATAP addresses get that address's word
/// if it has one and are forbidden in any case: no site answers on them today.
pub fn forbidden(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => forbidden_v4(ip),
        IpAddr::V6(ip) => forbidden_v6(ip),
    }
}

/// Reads a host as an IP address in every notation that a browser or the C library would, so that it can be judged without asking the DNS.
///
/// IPv4: decimal, octal (`0177.0.0.1`), hexadecimal (`0x7f.1`), one to four parts, a last dot, percent-encoded, in full-width
/// or other digits that IDNA maps to ASCII. IPv6: with or without brackets, with a zone (`fe80::1%eth0`, `%25eth0`), with an
/// IPv4 tail. Nothing for a name, and nothing for a number that is no address (`256.1.1.1`), which [`crate::urlform`] refuses.
pub fn literal(host: &str) -> Option<IpAddr> {
    let host = host.trim_matches(|letter: char| letter.is_whitespace());
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if bare.contains(':') {
        let without_zone = bare.split('%').next().unwrap_or_default();
        return without_zone.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    match url::Host::parse(bare).ok()? {
        url::Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
        url::Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
        url::Host::Domain(_) => None,
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(s: [u16; 8], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]), length)
}

/// The first entry that contains the address gives its word, so the narrower stand before the wider.
#[rustfmt::skip]
const FORBIDDEN_V4: &[(Ipv4Net, &str)] = &[
    // Where clouds hand credentials to whoever asks from inside.
    (v4(169, 254, 169, 254, 32), "metadata"), // Amazon, Google, Microsoft, most others
    (v4(169, 254, 170, 2, 32), "metadata"),   // Amazon, containers
    (v4(169, 254, 170, 23, 32), "metadata"),  // Amazon, pods
    (v4(100, 100, 100, 200, 32), "metadata"), // Alibaba
    (v4(192, 0, 0, 192, 32), "metadata"),     // Oracle, older
    (v4(168, 63, 129, 16, 32), "metadata"),   // Microsoft, a public address that only guests reach

    (v4(0, 0, 0, 0, 32), "unspecified"),
    (v4(0, 0, 0, 0, 8), "this-network"),      // RFC 791
    (v4(10, 0, 0, 0, 8), "private"),          // RFC 1918
    (v4(100, 64, 0, 0, 10), "cgnat"),         // RFC 6598
    (v4(127, 0, 0, 0, 8), "loopback"),        // RFC 1122
    (v4(169, 254, 0, 0, 16), "link-local"),   // RFC 3927
    (v4(172, 16, 0, 0, 12), "private"),       // RFC 1918
    (v4(192, 0, 2, 0, 24), "documentation"),  // RFC 5737
    (v4(192, 0, 0, 0, 24), "reserved"),       // RFC 6890, protocol assignments
    (v4(192, 31, 196, 0, 24), "reserved"),    // RFC 7535, AS112
    (v4(192, 52, 193, 0, 24), "reserved"),    // RFC 7450, AMT
    (v4(192, 88, 99, 0, 24), "6to4"),         // RFC 7526, relay anycast
    (v4(192, 168, 0, 0, 16), "private"),      // RFC 1918
    (v4(192, 175, 48, 0, 24), "reserved"),    // RFC 7534, AS112
    (v4(198, 18, 0, 0, 15), "benchmark"),     // RFC 2544
    (v4(198, 51, 100, 0, 24), "documentation"),
    (v4(203, 0, 113, 0, 24), "documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),       // RFC 5771
    (v4(255, 255, 255, 255, 32), "broadcast"),
    (v4(240, 0, 0, 0, 4), "reserved"),        // RFC 1112
];

#[rustfmt::skip]
const FORBIDDEN_V6: &[(Ipv6Net, &str)] = &[
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128), "metadata"), // Amazon
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23], 128), "metadata"),  // Amazon, pods
    (v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128), "metadata"),  // Google

    (v6([0; 8], 128), "unspecified"),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), "loopback"),
    (v6([0; 8], 96), "ipv4-compatible"),                          // RFC 4291, given up
    (v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), "ipv4-translated"),   // RFC 2765, given up
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "nat64"),          // RFC 8215, local use
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "discard"),            // RFC 6666
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "teredo"),            // RFC 4380
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), "benchmark"),         // RFC 5180
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "documentation"), // RFC 3849
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "reserved"),          // RFC 2928: ORCHID, AMT, AS112, drones
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "6to4"),              // RFC 3056
    (v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), "reserved"),  // RFC 7534, AS112
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "documentation"),     // RFC 9637
    (v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), "reserved"),          // RFC 9602, segment identifiers
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "unique-local"),       // RFC 4193
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link-local"),        // RFC 4291
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "site-local"),        // RFC 3879
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast"),          // RFC 4291
];

/// All that IANA has opened for global unicast (RFC 4291). What lies outside and has no word of its own is reserved.
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

fn forbidden_v4(ip: Ipv4Addr) -> Option<&'static str> {
    FORBIDDEN_V4.iter().find(|(net, _)| net.contains(&ip)).map(|(_, word)| *word)
}

fn forbidden_v6(ip: Ipv6Addr) -> Option<&'static str> {
    let listed = FORBIDDEN_V6.iter().find(|(net, _)| net.contains(&ip)).map(|(_, word)| *word);
    match (embedded(ip), listed) {
        (Some(Embedded::Reached(inside)), _) => forbidden_v4(inside),
        // `::` and `::1` would read as IPv4-compatible forms of 0.0.0.0/8; their own words say more.
        (_, Some(own @ ("unspecified" | "loopback"))) => Some(own),
        (Some(Embedded::Carried(inside)), listed) => forbidden_v4(inside).or(listed).or(Some("isatap")),
        (None, Some(word)) => Some(word),
        (None, None) => (!GLOBAL_UNICAST.contains(&ip)).then_some("reserved"),
    }
}

/// An IPv4 address inside an IPv6 one.
enum Embedded {
    /// A connection goes to it.
    Reached(Ipv4Addr),
    /// A tunnel or an old translator might send packets to it.
    Carried(Ipv4Addr),
}

fn embedded(ip: Ipv6Addr) -> Option<Embedded> {
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Embedded::Reached(join(high, low)))
        }
        [0, 0, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => Some(Embedded::Carried(join(high, low))),
        [0x2002, high, low, ..] => Some(Embedded::Carried(join(high, low))),
        // Teredo writes the client's address with every bit turned (RFC 4380 section 4).
        [0x2001, 0, .., high, low] => Some(Embedded::Carried(join(!high, !low))),
        // ISATAP (RFC 5214 section 6.1), inside a public prefix or any other.
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Some(Embedded::Carried(join(high, low))),
        _ => None,
    }
}
