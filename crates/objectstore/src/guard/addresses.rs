//! What lies behind an IP address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who can be reached at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Anyone on the internet.
    Public,
    /// Someone in the same house.
    Private,
    /// This machine.
    Loopback,
    /// Someone on the same wire; where clouds keep machine credentials.
    LinkLocal,
    /// A cloud's service for its own machines, outside the link-local networks.
    Metadata,
    /// Nobody that a store could be: unspecified, multicast, broadcast, reserved.
    Special,
}

/// Known services of clouds for their own machines.
const METADATA: [IpAddr; 5] = [
    // AWS over IPv6.
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    // Google Cloud over IPv6.
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    // Alibaba Cloud.
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    // Azure's wire server, a public address that only Azure's machines reach.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
];

impl Reach {
    /// Sorts an address. IPv6 forms that carry an IPv4 address count as what they carry.
    pub(super) fn of(address: IpAddr) -> Self {
        if METADATA.contains(&address) {
            return Self::Metadata;
        }
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => match carried(address) {
                Some(inner) => Self::of(IpAddr::V4(inner)),
                None => Self::of_v6(address),
            },
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [a, b, c, _] = address.octets();
        match (a, b, c) {
            (127, ..) => Self::Loopback,
            (169, 254, _) => Self::LinkLocal,
            // "This network", protocol assignments (Oracle keeps metadata there),
            // documentation, multicast, reserved and broadcast.
            (0 | 224.., ..) | (192, 0, 0 | 2) | (198, 51, 100) | (203, 0, 113) => Self::Special,
            // Networks of a house, shared address space of providers, benchmark networks.
            (10, ..)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (100, 64..=127, _)
            | (198, 18..=19, _) => Self::Private,
            _ => Self::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let [first, second, ..] = address.segments();
        if address.is_loopback() {
            Self::Loopback
        } else if first & 0xffc0 == 0xfe80 {
            Self::LinkLocal
        } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfec0 {
            Self::Private
        } else if first & 0xe000 != 0x2000 || first == 0x2001 && matches!(second, 0 | 0x0db8) {
            // Outside 2000::/3 there is nothing public; Teredo and documentation
            // lie inside of it.
            Self::Special
        } else {
            Self::Public
        }
    }

    /// With its article, for messages.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Public => "a public address",
            Self::Private => "an address in a private network",
            Self::Loopback => "an address of the server's own machine",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "the address of a cloud's metadata service",
            Self::Special => "an address that no store can have",
        }
    }
}

/// The IPv4 address inside an IPv6 address: mapped, compatible, NAT64 (with the
/// local-use prefix) and 6to4.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(join(high, low))
        }
        // Compatible form, but not :: and ::1.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(join(high, low)),
        [0x64, 0xff9b, 1, .., high, low] | [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

/// An address with the number of its leading bits that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Reads `10.0.0.0/8`, `fd00::/8`, or a single address.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        (bits <= width).then_some(Self { address, bits })
    }

    pub(super) fn contains(self, other: IpAddr) -> bool {
        match (self.address, other.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(other)) => {
                let drop = 32 - self.bits;
                u32::from(net).checked_shr(drop) == u32::from(other).checked_shr(drop)
            }
            (IpAddr::V6(net), IpAddr::V6(other)) => {
                let drop = 128 - self.bits;
                u128::from(net).checked_shr(drop) == u128::from(other).checked_shr(drop)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_sorted_by_who_can_be_reached() {
        for (text, reach) in [
            ("8.8.8.8", Reach::Public),
            ("2606:4700::1111", Reach::Public),
            ("127.9.9.9", Reach::Loopback),
            ("::1", Reach::Loopback),
            ("::ffff:127.0.0.1", Reach::Loopback),
            ("64:ff9b::7f00:1", Reach::Loopback),
            ("2002:7f00:1::", Reach::Loopback),
            ("::127.0.0.1", Reach::Loopback),
            ("10.0.0.1", Reach::Private),
            ("172.31.255.255", Reach::Private),
            ("172.32.0.0", Reach::Public),
            ("192.168.1.1", Reach::Private),
            ("100.127.0.1", Reach::Private),
            ("fd12::1", Reach::Private),
            ("::ffff:10.0.0.1", Reach::Private),
            ("64:ff9b:1::a00:1", Reach::Private),
            ("169.254.169.254", Reach::LinkLocal),
            ("::ffff:169.254.169.254", Reach::LinkLocal),
            ("fe80::1", Reach::LinkLocal),
            ("fd00:ec2::254", Reach::Metadata),
            ("100.100.100.200", Reach::Metadata),
            ("::ffff:100.100.100.200", Reach::Metadata),
            ("168.63.129.16", Reach::Metadata),
            ("0.0.0.0", Reach::Special),
            ("0.1.2.3", Reach::Special),
            ("::", Reach::Special),
            ("224.0.0.1", Reach::Special),
            ("255.255.255.255", Reach::Special),
            ("192.0.0.192", Reach::Special),
            ("ff02::1", Reach::Special),
            ("2001:db8::1", Reach::Special),
            ("2001::1", Reach::Special),
            ("5f00::1", Reach::Special),
        ] {
            assert_eq!(Reach::of(text.parse().unwrap()), reach, "{text}");
        }
    }

    #[test]
    fn networks_hold_their_addresses_and_no_others() {
        let holds = |net: &str, address: &str| {
            Network::parse(net).unwrap().contains(address.parse().unwrap())
        };
        assert!(holds("10.1.0.0/16", "10.1.255.1") && !holds("10.1.0.0/16", "10.2.0.0"));
        assert!(holds("10.1.0.0/16", "::ffff:10.1.0.1"));
        assert!(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "2606::1"));
        assert!(holds("fd00::/8", "fdff::1") && !holds("fd00::/8", "fc00::1"));
        assert!(
            holds("169.254.169.254", "169.254.169.254")
                && !holds("169.254.169.254", "169.254.169.253")
        );
        assert_eq!(Network::parse("10.0.0.0/33"), None);
        assert_eq!(Network::parse("minio.lab"), None);
    }
}
