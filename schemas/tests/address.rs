//! Is every address that is no public site's refused, however it is written?

use ipnet::IpNet;
use proptest::prelude::*;
use schemas::address::{Destination, DestinationRefusal, forbidden, judge, literal};
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One row: a host as a URL may hold it, the address it stands for (none if it is a name), and why that is forbidden.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    host: String,
    ip: Option<IpAddr>,
    reason: Option<String>,
}

#[test]
fn vectors_are_recognised_and_judged() {
    let rows = include_str!("../vectors/address.jsonl").lines();
    let vectors: Vec<Vector> = rows.map(|row| serde_json::from_str(row).expect(row)).collect();
    assert!(vectors.len() >= 120, "{} vectors", vectors.len());
    for Vector { host, ip, reason } in vectors {
        assert_eq!(literal(&host), ip, "{host:?}");
        assert_eq!(ip.and_then(forbidden), reason.as_deref(), "{host:?}");
    }
}

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().expect("the test holds valid text")).collect()
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("the test holds valid text")
}

#[test]
fn an_entry_may_name_what_is_forbidden_otherwise() {
    let demo = nets(&["127.0.0.0/8", "::1/128"]);
    for named in ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(judge(ip(named), &demo), Ok(()), "{named}");
        assert!(judge(ip(named), &[]).is_err(), "{named}");
    }
    for other in ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "0.0.0.0"] {
        assert!(judge(ip(other), &demo).is_err(), "{other}");
    }
    assert_eq!(judge(ip("8.8.8.8"), &[]), Ok(()));
    assert_eq!(judge(ip("64:ff9b::808:808"), &[]), Ok(()));
}

#[test]
fn a_wide_exception_does_not_open_metadata_or_what_no_site_has() {
    let all = nets(&["0.0.0.0/0", "::/0"]);
    for never in [
        "0.0.0.0",
        "::",
        "255.255.255.255",
        "224.0.0.1",
        "ff02::1",
        "169.254.169.254",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
    ] {
        assert!(judge(ip(never), &all).is_err(), "{never}");
    }
    assert_eq!(judge(ip("169.254.169.254"), &nets(&["169.254.169.254/32"])), Ok(()));
    assert_eq!(judge(ip("::ffff:169.254.169.254"), &nets(&["169.254.169.254/32"])), Ok(()));
    assert!(judge(ip("224.0.0.1"), &nets(&["224.0.0.1/32"])).is_err());
}

#[test]
fn an_exception_for_ipv4_does_not_reach_through_a_translator() {
    assert!(judge(ip("64:ff9b::a00:1"), &nets(&["10.0.0.0/8"])).is_err());
    assert_eq!(judge(ip("64:ff9b::a00:1"), &nets(&["64:ff9b::/96"])), Ok(()));
}

#[test]
fn a_refusal_says_which_address_and_why() {
    let refusal = judge(ip("10.1.2.3"), &[]).unwrap_err();
    assert_eq!(refusal, DestinationRefusal { ip: ip("10.1.2.3"), reason: "private" });
    assert_eq!(
        refusal.to_string(),
        "10.1.2.3 is a private address; the entry would have to name it under its permitted addresses"
    );
    assert_eq!(Destination::of(ip("10.1.2.3")), Destination::Forbidden { reason: "private" });
    assert_eq!(Destination::of(ip("9.9.9.9")), Destination::Public);
    assert_eq!(
        serde_json::to_string(&Destination::of(ip("::1"))).unwrap(),
        r#"{"kind":"forbidden","reason":"loopback"}"#
    );
}

/// The special-purpose registries again, written down apart from the code.
const SPECIAL_V4: [&str; 22] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "168.63.129.16/32",
    "233.252.0.0/24",
    "192.0.0.170/31",
];
const SPECIAL_V6: [&str; 24] = [
    "::/128",
    "::1/128",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001::/32",
    "2001:1::1/128",
    "2001:2::/48",
    "2001:3::/32",
    "2001:4:112::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:30::/28",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "4000::/2",
];

/// An address inside one of the prefixes.
fn inside(prefixes: &'static [&'static str]) -> impl Strategy<Value = IpAddr> {
    (prop::sample::select(prefixes), any::<u128>()).prop_map(|(prefix, bits)| {
        match prefix.parse().expect("the test holds prefixes") {
            IpNet::V4(net) => {
                let bits = u32::try_from(bits >> 96).expect("32 bits are left");
                IpAddr::V4(Ipv4Addr::from(u32::from(net.network()) | (bits & u32::from(net.hostmask()))))
            }
            IpNet::V6(net) => {
                IpAddr::V6(Ipv6Addr::from(u128::from(net.network()) | (bits & u128::from(net.hostmask()))))
            }
        }
    })
}

/// The IPv6 addresses that carry an IPv4 address.
fn carriers(ip: Ipv4Addr) -> [Ipv6Addr; 7] {
    let v4 = u128::from(u32::from(ip));
    [
        (0xffff_u128 << 32) | v4,
        v4,
        (0xffff_u128 << 48) | v4,
        (0x64_ff9b_u128 << 96) | v4,
        (0x2002_u128 << 112) | (v4 << 80) | 1,
        (0x2001_u128 << 112) | (!v4 & 0xffff_ffff),
        (0x2600_u128 << 112) | (0x5efe_u128 << 32) | v4,
    ]
    .map(Ipv6Addr::from)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn all_of_ipv4s_special_prefixes_is_forbidden_in_every_dress(ip in inside(&SPECIAL_V4)) {
        let IpAddr::V4(v4) = ip else { unreachable!("the list holds IPv4 prefixes") };
        let reason = forbidden(ip);
        prop_assert!(reason.is_some());
        prop_assert_eq!(forbidden(IpAddr::V6(v4.to_ipv6_mapped())), reason);
        for carrier in carriers(v4) {
            prop_assert!(forbidden(IpAddr::V6(carrier)).is_some(), "{}", carrier);
        }
    }

    #[test]
    fn all_of_ipv6s_special_prefixes_is_forbidden(ip in inside(&SPECIAL_V6)) {
        prop_assert!(forbidden(ip).is_some());
        prop_assert!(judge(ip, &[]).is_err());
    }

    #[test]
    fn the_rest_of_ipv4_is_public_and_so_is_its_mapped_form(bits in any::<u32>()) {
        let ip = Ipv4Addr::from(bits);
        let special = SPECIAL_V4.iter().any(|net| net.parse::<IpNet>().unwrap().contains(&IpAddr::V4(ip)));
        prop_assert_eq!(forbidden(IpAddr::V4(ip)).is_some(), special);
        prop_assert_eq!(forbidden(IpAddr::V6(ip.to_ipv6_mapped())).is_some(), special);
    }

    #[test]
    fn global_unicast_ipv6_is_public(bits in any::<u128>()) {
        let ip = IpAddr::V6(Ipv6Addr::from((0b001 << 125) | (bits >> 3)));
        let special = SPECIAL_V6.iter().any(|net| net.parse::<IpNet>().unwrap().contains(&ip));
        // RFC 5214, section 6.1: the interface identifier begins with 0000:5efe or 0200:5efe.
        let isatap = matches!(ip, IpAddr::V6(ip) if matches!(ip.segments(), [_, _, _, _, 0 | 0x200, 0x5efe, ..]));
        prop_assert_eq!(forbidden(ip).is_some(), special || isatap);
    }

    #[test]
    fn every_notation_of_an_ipv4_address_is_the_address(bits in any::<u32>()) {
        let ip = Ipv4Addr::from(bits);
        let [a, b, c, d] = ip.octets();
        let low = bits & 0xff_ffff;
        let half = bits & 0xffff;
        let wide: String = ip.to_string().chars().map(|letter| match letter {
            '.' => '。',
            digit => char::from_u32(digit as u32 - '0' as u32 + '０' as u32).unwrap(),
        }).collect();
        let percent: String = ip.to_string().bytes().map(|octet| format!("%{octet:02X}")).collect();
        for text in [
            ip.to_string(), format!("{ip}."), bits.to_string(), format!("{bits:#x}"), format!("0{bits:o}"), format!("{a}.{low}"),
            format!("{a}.{b}.{half}"), format!("{a:#X}.{b:#x}.0{c:o}.{d}"), format!("0000{a:o}.{b}.{c}.{d}"), wide, percent,
            format!("[{ip}]"), format!(" {ip}"),
        ] {
            prop_assert_eq!(literal(&text), Some(IpAddr::V4(ip)), "{}", text);
        }
        for text in [format!("[::ffff:{ip}]"), format!("::ffff:{ip}"), format!("[::FFFF:{:x}:{:x}]", bits >> 16, half)] {
            prop_assert_eq!(literal(&text), Some(IpAddr::V6(ip.to_ipv6_mapped())), "{}", text);
        }
    }

    #[test]
    fn every_notation_of_an_ipv6_address_is_the_address(bits in any::<u128>()) {
        let ip = Ipv6Addr::from(bits);
        for text in [ip.to_string(), format!("[{ip}]"), format!("[{ip}%eth0]"), format!("[{ip}%25eth0]"), format!("{ip}%1"), ip.to_string().to_uppercase()] {
            prop_assert_eq!(literal(&text), Some(IpAddr::V6(ip)), "{}", text);
        }
    }

    #[test]
    fn any_host_is_read(host in ".{0,30}", digits in "[0-9a-fx.:%\\[\\]]{0,20}") {
        literal(&host);
        literal(&digits);
    }

    #[test]
    fn literal_finds_what_the_url_parser_finds(host in "(0x?[0-9a-f]{0,4}|[0-9]{1,4}|１|①|%31)([.。](0x?[0-9a-f]{0,3}|[0-9]{1,3})){0,4}[.]?") {
        let parsed = url::Url::parse(&format!("http://{host}/")).ok();
        let found = parsed.as_ref().and_then(|url| match url.host() {
            Some(url::Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            _ => None,
        });
        prop_assert_eq!(literal(&host), found);
    }
}
