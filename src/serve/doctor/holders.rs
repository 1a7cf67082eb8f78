//! SHELL. Which process has a port, as far as `/proc` tells this user.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use super::ports::Holder;
use crate::media::worker::Protocol;

/// Descriptors that are looked at before the search is given up: a machine with more has its own ways
/// to tell.
const DESCRIPTORS_MAX: usize = 1_000_000;
/// The state LISTEN of a TCP socket (`include/net/tcp_states.h`).
const LISTENING: &str = "0A";

/// Who has it, or what overlaps it.
pub(super) fn of(protocol: Protocol, address: SocketAddr) -> Option<Holder> {
    let tables = match protocol {
        Protocol::Udp => ["/proc/net/udp", "/proc/net/udp6"],
        Protocol::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
    };
    let inodes: Vec<u64> = tables
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|text| sockets(&text, protocol))
        .filter(|(its, _)| overlap(*its, address))
        .map(|(_, inode)| inode)
        .collect();
    process_with(&inodes)
}

/// The sockets of a table that have their port for themselves, with their inodes.
fn sockets(table: &str, protocol: Protocol) -> Vec<(SocketAddr, u64)> {
    let socket = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let listens = match protocol {
            Protocol::Udp => true,
            Protocol::Tcp => *fields.get(3)? == LISTENING,
        };
        let address = address(fields.get(1)?)?;
        let inode = fields.get(9)?.parse().ok()?;
        listens.then_some((address, inode))
    };
    // The first line names the columns.
    table.lines().skip(1).filter_map(socket).collect()
}

/// `0100007F:1ECA`: words of 32 bits as the machine has them in memory, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |from: usize| {
        let hex = ip.get(from..from.saturating_add(8))?;
        Some(u32::from_str_radix(hex, 16).ok()?.to_ne_bytes())
    };
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let [a, b, c, d] = [word(0)?, word(8)?, word(16)?, word(24)?];
            let mut octets = [0; 16];
            for (to, from) in octets.iter_mut().zip([a, b, c, d].into_iter().flatten()) {
                *to = from;
            }
            IpAddr::V6(Ipv6Addr::from(octets))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// Whether two sockets cannot be had at once.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let (a, b) = (one.ip().to_canonical(), other.ip().to_canonical());
    one.port() == other.port() && (a == b || a.is_unspecified() || b.is_unspecified())
}

fn process_with(inodes: &[u64]) -> Option<Holder> {
    let names: Vec<String> = inodes.iter().map(|it| format!("socket:[{it}]")).collect();
    if names.is_empty() {
        return None;
    }
    let mut looked_at = 0_usize;
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let process: Option<u32> = entry.file_name().to_str().and_then(|it| it.parse().ok());
        let Some(process) = process else {
            continue;
        };
        // Another user's, or one that has ended meanwhile.
        let Ok(descriptors) = fs::read_dir(entry.path().join("fd")) else {
            continue;
        };
        for descriptor in descriptors.flatten() {
            looked_at = looked_at.saturating_add(1);
            if looked_at > DESCRIPTORS_MAX {
                return None;
            }
            let target = fs::read_link(descriptor.path()).ok();
            let target = target.as_ref().and_then(|path| path.to_str());
            if target.is_some_and(|target| names.iter().any(|name| name == target)) {
                let command = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
                let command = printable(command.trim_end());
                return Some(Holder { process, command });
            }
        }
    }
    None
}

/// A program may call itself anything, and this goes to a terminal.
fn printable(name: &str) -> String {
    let plain = |letter: char| if letter.is_control() { '?' } else { letter };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1EC8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0
   1: 0100007F:1EC8 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0
   2: nonsense
";
    const UDP6: &str = "\
  sl  local_address                         remote_address                        st tx rx tr uid timeout inode
  12: 00000000000000000000000001000000:1ECA 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 99 2 0
";

    #[test]
    #[cfg(target_endian = "little")]
    fn who_listens_is_found_in_a_table() {
        let found = sockets(TCP, Protocol::Tcp);
        let here: SocketAddr = "127.0.0.1:7880".parse().expect("an address");
        assert_eq!(found, [(here, 4711)], "not the connection");
        let found = sockets(UDP6, Protocol::Udp);
        let six: SocketAddr = "[::1]:7882".parse().expect("an address");
        assert_eq!(found, [(six, 99)]);
        assert_eq!(sockets("", Protocol::Udp), []);
    }

    #[test]
    fn every_address_overlaps_each() {
        let check = |a: &str, b: &str| {
            overlap(
                a.parse().expect("an address"),
                b.parse().expect("an address"),
            )
        };
        assert!(check("127.0.0.1:1", "127.0.0.1:1"));
        assert!(check("0.0.0.0:1", "127.0.0.1:1"));
        assert!(check("127.0.0.1:1", "[::]:1"));
        assert!(!check("127.0.0.1:1", "127.0.0.2:1"));
        assert!(!check("127.0.0.1:1", "127.0.0.1:2"));
    }

    #[test]
    fn a_name_cannot_speak_to_the_terminal() {
        assert_eq!(printable("nc\u{1b}[2J"), "nc?[2J");
    }
}
