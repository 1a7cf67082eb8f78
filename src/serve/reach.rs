//! SHELL. Where media is received when the settings name no address: where the page is reached.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// An address of the documentation range (RFC 5737): the way to it is the way to everybody.
const ELSEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);

/// The addresses for media: those that are `named`, else the page's own. A page that is reached
/// at every address, or through a proxy, says nothing of the way that media takes: then the
/// address counts that this machine reaches others from. Loopback alone serves this machine
/// alone.
pub fn media_addresses(named: &[IpAddr], listen: IpAddr, behind_proxy: bool) -> Vec<IpAddr> {
    if !named.is_empty() {
        return named.to_vec();
    }
    let everywhere = listen.is_unspecified() || behind_proxy && listen.is_loopback();
    let outward = if everywhere { outward_address() } else { None };
    match outward {
        Some(outward) => vec![outward],
        None if listen.is_unspecified() => vec![IpAddr::from([127, 0, 0, 1])],
        None => vec![listen],
    }
}

/// The address that this machine reaches others from. Choosing a way sends nothing.
fn outward_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(ELSEWHERE).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_unspecified()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const NAMED: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

    #[test]
    fn what_is_named_counts_else_the_page_s_address() {
        assert_eq!(media_addresses(&[NAMED], HERE, true), [NAMED]);
        assert_eq!(media_addresses(&[], HERE, false), [HERE]);
        assert_eq!(media_addresses(&[], NAMED, false), [NAMED]);
        assert_eq!(media_addresses(&[], NAMED, true), [NAMED]);
    }

    #[test]
    fn a_page_that_is_reached_everywhere_gets_one_address_that_can_be_bound() {
        for listen in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), HERE] {
            let found = media_addresses(&[], listen, true);
            assert_eq!(found.len(), 1);
            assert!(!found[0].is_unspecified());
            assert!(UdpSocket::bind((found[0], 0)).is_ok(), "{found:?}");
        }
    }
}
