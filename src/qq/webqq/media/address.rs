//! Where pictures and files may be fetched from: QQ redirects to wherever it likes, and an answer could be forged to make
//! us ask something within our own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Why `url` is none that we go to; `None` when it is fine. A name is fine here: what it stands for is looked at when it
/// is looked up.
pub(crate) fn fault(url: &Url, private_too: bool) -> Option<&'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        return Some("not http");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("with a user name");
    }
    let address = match url.host() {
        None => return Some("without a host"),
        Some(Host::Domain(_)) => return None,
        Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
        Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
    };
    (!private_too && !is_public(address)).then_some("not public")
}

/// Whether `address` is one of the world's and not of anybody's own network. Source: IANA's special-purpose registries.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [first, second, third, _] = v4.octets();
    !matches!(
        (first, second, third),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    if let Some(v4) = v6.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    match v6.segments() {
        // NAT64 and 6to4 lead to the IPv4 address within.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => is_public_v4(joined(high, low)),
        // Teredo, benchmarks, overlays (2001::/23), documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // All that is handed out so far.
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

fn joined(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    const PUBLIC: &str = "
        103.7.29.36 1.1.1.1 101.226.77.168 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.167.1.1 198.17.0.1
        223.255.255.255 2400:cb00::1 2001:4860:4860::8888 64:ff9b::101:101 2002:101:101::1 ::ffff:1.1.1.1";

    const OWN: &str = "
        0.0.0.0 0.1.2.3 10.0.0.1 127.0.0.1 127.255.255.255 100.64.0.1 100.127.255.255 169.254.169.254 172.16.0.1
        172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.9
        224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
        64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1::1 2002:c0a8:101:: 3fff::1 fc00::1
        fd12:3456::1 fe80::1 fec0::1 ff02::1 5f00::1";

    #[test]
    fn only_addresses_of_the_world_are_public() {
        for public in PUBLIC.split_whitespace() {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for own in OWN.split_whitespace() {
            assert!(!is_public(own.parse().unwrap()), "{own}");
        }
    }

    #[test]
    fn an_address_is_judged_as_it_will_be_connected_to() {
        for good in ["http://103.7.29.36:80/?rkey=1", "https://file1.web.qq.com/v2/1", "http://[2400:cb00::1]/"] {
            assert_eq!(fault(&url(good), false), None, "{good}");
        }
        for bad in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://[::1]:80/",
            "http://[::ffff:7f00:1]/",
            "http://10.0.0.1:8008/",
            "ftp://103.7.29.36/",
            "file:///etc/passwd",
            "http://user@103.7.29.36/",
            "http://u:p@w.qq.com/",
            "gopher://w.qq.com/",
        ] {
            assert!(fault(&url(bad), false).is_some(), "{bad}");
        }
        assert_eq!(fault(&url("http://127.0.0.1/"), true), None);
        assert!(fault(&url("ftp://127.0.0.1/"), true).is_some());
    }
}
