//! Whether the system keeps as much for a UDP socket as media asks for.

use super::finding::{Check, Finding};
use crate::media::worker::Granted;

/// What was asked for and what was granted.
pub(super) struct Facts {
    /// The setting `media.socket_buffer_bytes`.
    pub wanted_bytes: u32,
    /// Or the system's words.
    pub granted: Result<Granted, String>,
}

pub(super) fn judge(facts: &Facts) -> Finding {
    let wanted = facts.wanted_bytes;
    let granted = match &facts.granted {
        Ok(granted) => granted,
        Err(why) => {
            let what = format!("the system does not tell their size: {why}");
            return Finding::not_known(Check::SocketBuffers, what);
        }
    };
    let short: Vec<(&str, &str, u32)> = [
        ("received", "rmem", granted.receive_bytes),
        ("sent", "wmem", granted.send_bytes),
    ]
    .into_iter()
    .filter(|(_, _, bytes)| *bytes < wanted)
    .collect();
    if short.is_empty() {
        let what = format!("{wanted} bytes each way are granted");
        return Finding::ok(Check::SocketBuffers, what);
    }
    let parts: Vec<String> = short
        .iter()
        .map(|(way, _, bytes)| format!("{bytes} of {wanted} bytes for what is {way}"))
        .collect();
    let what = format!(
        "the system grants {}: a burst that is longer loses packets",
        parts.join(" and ")
    );
    let mut finding = Finding::warning(Check::SocketBuffers, what);
    for (_, name, _) in &short {
        finding = finding.with(format!("sysctl -w net.core.{name}_max={wanted}"));
    }
    for (_, name, _) in &short {
        let line = format!("net.core.{name}_max = {wanted}");
        finding = finding.with(format!(
            "to keep it: echo '{line}' >> /etc/sysctl.d/60-roundtable.conf"
        ));
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::doctor::State;

    fn judged(receive_bytes: u32, send_bytes: u32) -> Finding {
        judge(&Facts {
            wanted_bytes: 4_194_304,
            granted: Ok(Granted {
                receive_bytes,
                send_bytes,
            }),
        })
    }

    #[test]
    fn what_is_granted_in_full_is_fine() {
        assert_eq!(judged(4_194_304, 5_000_000).state, State::Ok);
    }

    #[test]
    fn each_way_that_is_short_has_its_own_line_to_type() {
        let both = judged(212_992, 212_992);
        assert_eq!(both.state, State::Warning);
        assert_eq!(
            both.remedy,
            [
                "sysctl -w net.core.rmem_max=4194304",
                "sysctl -w net.core.wmem_max=4194304",
                "to keep it: echo 'net.core.rmem_max = 4194304' >> /etc/sysctl.d/60-roundtable.conf",
                "to keep it: echo 'net.core.wmem_max = 4194304' >> /etc/sysctl.d/60-roundtable.conf",
            ]
        );
        let one = judged(4_194_304, 212_992);
        assert!(one.what.contains("212992 of 4194304"), "{one:?}");
        assert!(!one.what.contains("received"), "{one:?}");
        assert_eq!(one.remedy.len(), 2);
        assert!(one.remedy[0].contains("wmem"));
    }

    #[test]
    fn a_system_that_does_not_tell_is_not_blamed() {
        let facts = Facts {
            wanted_bytes: 1,
            granted: Err("no".to_owned()),
        };
        assert_eq!(judge(&facts).state, State::NotKnown);
    }
}
