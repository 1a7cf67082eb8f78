//! Whether the ports of HTTP and media can be had, and if not, who has them and what chooses others.

use std::{collections::BTreeSet, net::SocketAddr};

use super::finding::{Check, Finding};
use crate::media::worker::Protocol;

/// Faulty ports that are told one by one; where there are more, these are enough to act upon.
const TOLD_MAX: usize = 8;

/// What came of taking every port that a start takes.
pub(super) struct Facts {
    /// The page's and the signalling's.
    pub http: Door,
    /// Media's, in the order of a start.
    pub media: Vec<Door>,
    /// The process that looks.
    pub own: u32,
    /// The process of the server on the same data folder.
    pub server: Option<u32>,
}

/// A port, and what came of taking it.
pub(super) struct Door {
    pub protocol: Protocol,
    pub address: SocketAddr,
    pub taken: Taken,
}

/// What came of taking a port.
pub(super) enum Taken {
    /// It was free, and is again.
    Free,
    /// Another socket has it; of this process, where that can be told.
    InUse(Option<Holder>),
    /// The machine has no such address.
    NotHere,
    /// This user may not have it.
    Forbidden,
    /// Another trouble, in the system's words.
    Failed(String),
}

/// A process that has a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub process: u32,
    /// The program's name.
    pub command: String,
}

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![facts.one(Check::HttpPort, &facts.http).unwrap_or_else(|| {
        let what = format!("{} is free", facts.http.name());
        Finding::ok(Check::HttpPort, what)
    })];
    let mut missing = BTreeSet::new();
    let mut told = 0_usize;
    let mut all_free = true;
    for door in &facts.media {
        // An address that is not here is one fault, however many ports there are at it.
        if matches!(door.taken, Taken::NotHere) && !missing.insert(door.address.ip()) {
            continue;
        }
        let Some(finding) = facts.one(Check::MediaPorts, door) else {
            continue;
        };
        all_free = false;
        told = told.saturating_add(1);
        if told <= TOLD_MAX {
            findings.push(finding);
        }
    }
    if all_free {
        findings.push(Finding::ok(Check::MediaPorts, free(&facts.media)));
    } else if told > TOLD_MAX {
        let what = format!("{told} cannot be had; the first {TOLD_MAX} are told above");
        findings.push(Finding::wrong(Check::MediaPorts, what));
    }
    findings
}

/// All of them, as far as a line holds.
fn free(doors: &[Door]) -> String {
    let mut shown: Vec<String> = doors.iter().take(TOLD_MAX).map(Door::name).collect();
    if doors.len() > TOLD_MAX {
        shown.push(format!("and {} more", doors.len().saturating_sub(TOLD_MAX)));
    }
    format!("{} are free", shown.join(", "))
}

impl Facts {
    /// What is to be said of a port; nothing when it is free.
    fn one(&self, check: Check, door: &Door) -> Option<Finding> {
        let port = door.name();
        Some(match &door.taken {
            Taken::Free => return None,
            Taken::InUse(Some(holder)) if Some(holder.process) == self.server => Finding::ok(
                check,
                format!("{port} is in use by the server that is running here"),
            ),
            Taken::InUse(Some(holder)) if holder.process == self.own => {
                Finding::wrong(check, format!("{port} is named twice in the settings"))
                    .with(chooser(check, door.protocol))
            }
            Taken::InUse(Some(Holder { process, command })) => Finding::wrong(
                check,
                format!("{port} is in use by process {process} ({command})"),
            )
            .with(chooser(check, door.protocol))
            .with(format!("or end that program: kill {process}")),
            Taken::InUse(None) => {
                let flag = match door.protocol {
                    Protocol::Udp => 'u',
                    Protocol::Tcp => 't',
                };
                let number = door.address.port();
                Finding::wrong(check, format!("{port} is in use by another program"))
                    .with(chooser(check, door.protocol))
                    .with(format!(
                        "to see which: sudo ss -lnp{flag} 'sport = :{number}'"
                    ))
            }
            Taken::NotHere => Finding::wrong(
                check,
                format!("{} is not an address of this machine", door.address.ip()),
            )
            .with(match check {
                Check::HttpPort => {
                    "--listen ADDR:PORT, or http.listen in the settings, takes one of \
                     those that `ip -brief address` shows; 0.0.0.0 stands for all of them"
                }
                _ => {
                    "--media-addr ADDR, or media.addresses in the settings, takes those that \
                     `ip -brief address` shows; a public address that is translated to one of them \
                     goes into media.public_addresses"
                }
            }),
            Taken::Forbidden => {
                Finding::wrong(check, format!("{port} is not for this user to take"))
                    .with(chooser(check, door.protocol))
                    .with(
                        "or allow it: sudo setcap cap_net_bind_service=+ep \
                         \"$(command -v roundtable)\"",
                    )
            }
            Taken::Failed(why) => Finding::wrong(check, format!("{port} cannot be taken: {why}"))
                .with(chooser(check, door.protocol)),
        })
    }
}

impl Door {
    /// For people.
    fn name(&self) -> String {
        let protocol = match self.protocol {
            Protocol::Udp => "UDP",
            Protocol::Tcp => "TCP",
        };
        match self.address.port() {
            0 => format!("any {protocol} port at {}", self.address.ip()),
            _ => format!("{protocol} {}", self.address),
        }
    }
}

/// What chooses another port.
fn chooser(check: Check, protocol: Protocol) -> &'static str {
    match (check, protocol) {
        (Check::MediaPorts, Protocol::Udp) => {
            "--media-port N, or media.port in the settings, chooses another"
        }
        (Check::MediaPorts, Protocol::Tcp) => {
            "media.tcp_port in the settings chooses another; or --media-port N both of them"
        }
        _ => "--listen ADDR:PORT, or http.listen in the settings, chooses another",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::doctor::State;

    const OWN: u32 = 99;
    const SERVER: u32 = 77;

    fn door(protocol: Protocol, address: &str, taken: Taken) -> Door {
        Door {
            protocol,
            address: address.parse().expect("an address"),
            taken,
        }
    }

    fn held(process: u32) -> Taken {
        Taken::InUse(Some(Holder {
            process,
            command: "nc".to_owned(),
        }))
    }

    fn judged(http: Taken, media: Vec<Door>) -> Vec<Finding> {
        judge(&Facts {
            http: door(Protocol::Tcp, "127.0.0.1:7880", http),
            media,
            own: OWN,
            server: Some(SERVER),
        })
    }

    #[test]
    fn free_ports_are_named() {
        let found = judged(
            Taken::Free,
            vec![
                door(Protocol::Udp, "192.0.2.1:7882", Taken::Free),
                door(Protocol::Tcp, "192.0.2.1:7882", Taken::Free),
            ],
        );
        let said: Vec<&str> = found.iter().map(|it| it.what.as_str()).collect();
        assert_eq!(
            said,
            [
                "TCP 127.0.0.1:7880 is free",
                "UDP 192.0.2.1:7882, TCP 192.0.2.1:7882 are free"
            ]
        );
        assert!(found.iter().all(|it| it.state == State::Ok));
    }

    #[test]
    fn who_has_a_port_is_named_with_what_chooses_another() {
        for (taken, state, what, remedy) in [
            (held(1), State::Wrong, "process 1 (nc)", "--listen"),
            (held(SERVER), State::Ok, "running here", ""),
            (held(OWN), State::Wrong, "named twice", "--listen"),
            (
                Taken::InUse(None),
                State::Wrong,
                "another program",
                "--listen",
            ),
            (
                Taken::NotHere,
                State::Wrong,
                "127.0.0.1 is not an address",
                "ip -brief address",
            ),
            (
                Taken::Forbidden,
                State::Wrong,
                "not for this user",
                "--listen",
            ),
            (
                Taken::Failed("odd".to_owned()),
                State::Wrong,
                "odd",
                "--listen",
            ),
        ] {
            let found = judged(taken, Vec::new());
            let first = &found[0];
            assert_eq!(first.state, state, "{first:?}");
            assert!(first.what.contains(what), "{first:?}");
            let told = first.remedy.first().map_or("", String::as_str);
            assert!(told.contains(remedy), "{first:?}");
        }
    }

    #[test]
    fn a_port_of_media_has_settings_of_its_own() {
        let udp = door(Protocol::Udp, "192.0.2.1:7882", held(1));
        let tcp = door(Protocol::Tcp, "192.0.2.1:443", Taken::Forbidden);
        let found = judged(Taken::Free, vec![udp, tcp]);
        assert!(found[1].remedy[0].contains("--media-port"), "{found:?}");
        assert!(found[2].remedy[0].contains("media.tcp_port"), "{found:?}");
        assert!(found[2].remedy[1].contains("setcap"), "{found:?}");
    }

    #[test]
    fn many_faults_are_summed_up_and_a_missing_address_is_one() {
        let missing = (1..=20).map(|n| {
            let address = format!("192.0.2.9:{n}");
            door(Protocol::Udp, &address, Taken::NotHere)
        });
        assert_eq!(judged(Taken::Free, missing.collect()).len(), 2);
        let taken = (1..=20).map(|n| door(Protocol::Udp, &format!("192.0.2.1:{n}"), held(1)));
        let found = judged(Taken::Free, taken.collect());
        assert_eq!(found.len(), 1 + TOLD_MAX + 1);
        let last = found.last().expect("the sum");
        assert!(last.what.starts_with("20 cannot be had"), "{last:?}");
    }
}
