//! SHELL. Where media is received when the settings name no address: where the page is reached.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// An address of the documentation range (RFC 5737): the way to it is the way to everybody.
const ELSEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);

/// The addresses for media: those that are `named`, else the page's own.
///
/// A page that is reached at every address, or through a proxy, says nothing of the way that media
/// takes: then the address counts that this machine reaches others from. A page on loopback has
/// that address beside its own: Firefox pairs none of its addresses with 127.0.0.1, so somebody
/// who opens the demonstration in it would see and hear nothing.
pub fn media_addresses(named: &[IpAddr], listen: IpAddr, behind_proxy: bool) -> Vec<IpAddr> {
    if !named.is_empty() {
        return named.to_vec();
    }
    choose(listen, behind_proxy, outward_address)
}

fn choose(
    listen: IpAddr,
    behind_proxy: bool,
    outward: impl FnOnce() -> Option<IpAddr>,
) -> Vec<IpAddr> {
    let loopback = IpAddr::from([127, 0, 0, 1]);
    if listen.is_unspecified() || behind_proxy && listen.is_loopback() {
        vec![outward().unwrap_or(loopback)]
    } else if listen.is_loopback() {
        let beside = outward().filter(|address| !address.is_loopback());
        [listen].into_iter().chain(beside).collect()
    } else {
        vec![listen]
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

    const OUT: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 9));
    const EVERYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

    #[test]
    fn what_is_named_counts_else_the_page_s_address() {
        assert_eq!(media_addresses(&[NAMED], HERE, true), [NAMED]);
        let out = || Some(OUT);
        assert_eq!(choose(NAMED, false, out), [NAMED]);
        assert_eq!(choose(NAMED, true, out), [NAMED]);
        assert_eq!(
            choose(HERE, false, out),
            [HERE, OUT],
            "for Firefox on this machine"
        );
        assert_eq!(choose(HERE, false, || None), [HERE]);
        assert_eq!(choose(HERE, false, || Some(HERE)), [HERE], "not twice");
        assert_eq!(choose(HERE, true, out), [OUT]);
        assert_eq!(choose(EVERYWHERE, false, out), [OUT]);
        assert_eq!(choose(EVERYWHERE, false, || None), [HERE]);
    }

    #[test]
    fn the_address_outward_can_be_bound() {
        if let Some(found) = outward_address() {
            assert!(!found.is_unspecified());
            assert!(UdpSocket::bind((found, 0)).is_ok(), "{found}");
        }
    }
}
