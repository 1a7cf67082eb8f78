//! Whether the process may have as many files and connections open as a full server has.

use super::finding::{Check, Finding};

/// What every server has open beside its ports and its members: the database and its side files, the
/// lock, the log, the runtime's own; and the pages that are being loaded, for a moment each.
const BESIDE: u64 = 100;

/// What is needed is made of these.
pub(super) struct Facts {
    /// Members that media takes, over all shards.
    pub members_max: u64,
    /// Ports of HTTP and media.
    pub ports: u64,
    /// How many may be open; none: as many as there are.
    pub limit: Option<u64>,
    /// How far the process's own user may raise that; none: without end.
    pub hard_limit: Option<u64>,
}

impl Facts {
    /// For a full server.
    fn needed(&self) -> u64 {
        // A WebSocket each, and a connection for media where UDP is shut out.
        let members = self.members_max.saturating_mul(2);
        members.saturating_add(self.start())
    }

    /// For a server with nobody on it.
    fn start(&self) -> u64 {
        // A port of media has an event queue and a bell beside it.
        self.ports.saturating_mul(3).saturating_add(BESIDE)
    }
}

pub(super) fn judge(facts: &Facts) -> Finding {
    let (needed, members) = (facts.needed(), facts.members_max);
    let limit = match facts.limit {
        None => return Finding::ok(Check::OpenFiles, "without a limit"),
        Some(limit) if limit >= needed => {
            let what = format!("{limit} are allowed, {needed} are needed for {members} members");
            return Finding::ok(Check::OpenFiles, what);
        }
        Some(limit) => limit,
    };
    let what = format!("{limit} are allowed, {needed} are needed for {members} members");
    let finding = if limit < facts.start() {
        Finding::wrong(Check::OpenFiles, what)
    } else {
        Finding::warning(Check::OpenFiles, what)
    };
    let by_hand = match facts.hard_limit {
        Some(hard) if hard < needed => format!(
            "as root: ulimit -n {needed}, in the shell that starts it; the user may go to {hard} only"
        ),
        Some(_) | None => format!("ulimit -n {needed}, in the shell that starts it"),
    };
    finding.with(by_hand).with(format!(
        "under systemd: LimitNOFILE={needed} in the unit's [Service] section"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::doctor::State;

    fn judged(limit: Option<u64>, hard_limit: Option<u64>) -> Finding {
        judge(&Facts {
            members_max: 400,
            ports: 3,
            limit,
            hard_limit,
        })
    }

    #[test]
    fn the_usual_limit_of_1024_is_enough_for_one_shard() {
        let finding = judged(Some(1024), Some(1024));
        assert_eq!(finding.state, State::Ok, "{finding:?}");
        assert!(finding.what.contains("909 are needed"), "{finding:?}");
        assert_eq!(judged(None, None).state, State::Ok);
    }

    #[test]
    fn a_low_limit_is_told_with_what_raises_it() {
        for (limit, hard, state, said) in [
            (908, Some(4096), State::Warning, "ulimit -n 909, in"),
            (256, None, State::Warning, "ulimit -n 909, in"),
            (256, Some(256), State::Warning, "as root: ulimit -n 909"),
            (64, Some(4096), State::Wrong, "ulimit -n 909, in"),
        ] {
            let finding = judged(Some(limit), hard);
            assert_eq!(finding.state, state, "{finding:?}");
            assert!(finding.remedy[0].starts_with(said), "{finding:?}");
            assert!(finding.remedy[1].contains("LimitNOFILE=909"));
        }
    }
}
