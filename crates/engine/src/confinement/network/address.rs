//! Addresses that host names must not resolve to unnoticed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Metadata services of clouds that have no link-local address.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16)];
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// The network that an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The internet.
    Public,
    /// A private network.
    Private,
    /// This machine, or its link: metadata services are there.
    Local,
    /// No single machine.
    Nowhere,
}

impl Reach {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [first, second, third, _] = address.octets();
        if address.is_unspecified() || address.is_multicast() || address.is_broadcast() || first >= 240 {
            Self::Nowhere
        } else if first == 0
            || address.is_loopback()
            || address.is_link_local()
            || METADATA_V4.contains(&address)
        {
            Self::Local
        } else if address.is_private()
            // Carriers' networks, benchmarks, protocol assignments.
            || (first == 100 && (64..128).contains(&second))
            || (first == 198 && (18..20).contains(&second))
            || (first == 192 && second == 0 && third == 0)
        {
            Self::Private
        } else {
            Self::Public
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let segments = address.segments();
        let [.., high, low] = segments;
        let embedded =
            |high: u16, low: u16| Self::of_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
        match segments {
            _ if address.is_unspecified() || address.is_multicast() => Self::Nowhere,
            _ if address.is_loopback() || address.is_unicast_link_local() => Self::Local,
            _ if address == METADATA_V6 => Self::Local,
            _ if address.is_unique_local() => Self::Private,
            // Site-local addresses, and the local prefix of translators.
            [0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Self::Private,
            // Addresses that stand for one of IPv4.
            [0x64, 0xff9b, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0, 0, ..] => embedded(high, low),
            [0x2002, high, low, ..] => embedded(high, low),
            [0x2001, 0, ..] => Self::Nowhere,
            _ => Self::Public,
        }
    }
}

/// Returns whether an address and port are where a server of this machine listens.
pub(super) fn is_server(address: SocketAddr, server: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    // Sockets bind to addresses of this machine alone.
    let is_own = || ip.is_loopback() || ip.is_unspecified() || UdpSocket::bind((ip, 0)).is_ok();
    address.port() == server.port() && (ip == server.ip().to_canonical() || is_own())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(text: &str) -> Reach {
        Reach::of(text.parse().expect("an address"))
    }

    #[test]
    fn addresses_that_are_not_public_are_known_in_every_form() {
        for text in [
            "127.0.0.1",
            "127.9.9.9",
            "0.1.2.3",
            "169.254.169.254",
            "::1",
            "fe80::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
        ] {
            assert_eq!(reach(text), Reach::Local, "{text}");
        }
        for text in [
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
        ] {
            assert_eq!(reach(text), Reach::Local, "{text}");
        }
        for text in ["10.1.2.3", "172.31.0.1", "192.168.0.1", "100.64.0.1", "fd00::1", "::ffff:10.0.0.1"] {
            assert_eq!(reach(text), Reach::Private, "{text}");
        }
        for text in ["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "250.0.0.1", "ff02::1", "2001::1"] {
            assert_eq!(reach(text), Reach::Nowhere, "{text}");
        }
        for text in ["93.184.216.34", "172.32.0.1", "2606:4700::1", "64:ff9b::5db8:d822"] {
            assert_eq!(reach(text), Reach::Public, "{text}");
        }
    }

    #[test]
    fn the_server_is_known_by_every_address_of_this_machine() {
        let server: SocketAddr = "0.0.0.0:8420".parse().expect("an address");
        for text in
            ["127.0.0.1:8420", "127.0.0.2:8420", "[::1]:8420", "0.0.0.0:8420", "[::ffff:127.0.0.1]:8420"]
        {
            assert!(is_server(text.parse().expect("an address"), server), "{text}");
        }
        for text in ["127.0.0.1:8421", "192.0.2.1:8420"] {
            assert!(!is_server(text.parse().expect("an address"), server), "{text}");
        }
    }
}
