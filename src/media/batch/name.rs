//! SHELL. Socket addresses as the kernel reads and writes them.

use std::{
    mem,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// How much of it an address takes, in bytes.
pub fn bytes(name: &libc::sockaddr_storage) -> u32 {
    let bytes = if i32::from(name.ss_family) == libc::AF_INET {
        mem::size_of::<libc::sockaddr_in>()
    } else {
        mem::size_of::<libc::sockaddr_in6>()
    };
    bytes as u32
}

/// Writes an address.
pub fn write(name: &mut libc::sockaddr_storage, address: SocketAddr) {
    // A sockaddr_storage is large and aligned enough for every address family.
    match address {
        SocketAddr::V4(address) => {
            let name = unsafe { &mut *(&raw mut *name).cast::<libc::sockaddr_in>() };
            name.sin_family = libc::AF_INET as u16;
            name.sin_port = address.port().to_be();
            name.sin_addr.s_addr = u32::from_ne_bytes(address.ip().octets());
        }
        SocketAddr::V6(address) => {
            let name = unsafe { &mut *(&raw mut *name).cast::<libc::sockaddr_in6>() };
            name.sin6_family = libc::AF_INET6 as u16;
            name.sin6_port = address.port().to_be();
            name.sin6_flowinfo = 0;
            name.sin6_addr.s6_addr = address.ip().octets();
            name.sin6_scope_id = address.scope_id();
        }
    }
}

/// Reads an address. Nothing for a family that is not the Internet's.
pub fn read(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(name.ss_family) {
        libc::AF_INET => {
            let name = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(name.sin_addr.s_addr.to_ne_bytes());
            Some((IpAddr::V4(ip), u16::from_be(name.sin_port)).into())
        }
        libc::AF_INET6 => {
            let name = unsafe { &*(&raw const *name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(name.sin6_addr.s6_addr);
            Some((IpAddr::V6(ip), u16::from_be(name.sin6_port)).into())
        }
        _ => None,
    }
}
