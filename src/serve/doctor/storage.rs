//! Whether everything can be kept in the data folder.

use std::path::PathBuf;

use super::finding::{Check, Finding};

/// With less, a server does not start for long: its journal and its database's side files need room.
const LEAST_BYTES: u64 = 32 * MIB;
/// With less, somebody should look before the next event.
const ENOUGH_BYTES: u64 = 512 * MIB;
const MIB: u64 = 1024 * 1024;

/// What was found of the folder.
pub(super) struct Facts {
    /// Where everything is kept.
    pub folder: PathBuf,
    /// Whether it can be used.
    pub place: Place,
    /// Free on its disk, for this user; or the system's words.
    pub free_bytes: Result<u64, String>,
    /// The server that owns it, if there is one.
    pub server: Option<Running>,
}

/// Whether the folder can be used.
pub(super) enum Place {
    /// It is there and can be written.
    Writable,
    /// It is not there and can be made.
    Missing,
    /// Neither, in the system's words.
    Refused(String),
}

/// A server that owns the folder.
pub(super) struct Running {
    /// Its process, where it says so.
    pub process: Option<u32>,
}

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let folder = facts.folder.display();
    let place = match &facts.place {
        Place::Writable => match &facts.server {
            None => Finding::ok(Check::DataFolder, format!("{folder} can be written")),
            Some(Running { process }) => {
                let process = process.map_or(String::new(), |id| format!(" (process {id})"));
                let what = format!("a server is running here{process}: {folder}");
                Finding::ok(Check::DataFolder, what)
            }
        },
        Place::Missing => {
            let what = format!("{folder} is not there yet; a start makes it");
            Finding::ok(Check::DataFolder, what)
        }
        Place::Refused(why) => {
            let what = format!("{folder} cannot be written: {why}");
            Finding::wrong(Check::DataFolder, what)
                .with("--data DIR, or server.data in the settings, chooses another folder")
                .with(format!(
                    "or make it the server's own: sudo install -d -m 700 -o \"$(id -un)\" {folder}"
                ))
        }
    };
    vec![place, space(facts)]
}

fn space(facts: &Facts) -> Finding {
    let free = match &facts.free_bytes {
        Ok(free) => *free,
        Err(why) => {
            let what = format!("the system does not tell it: {why}");
            return Finding::not_known(Check::DiskSpace, what);
        }
    };
    let what = format!("{} MiB are free for {}", free / MIB, facts.folder.display());
    let finding = if free >= ENOUGH_BYTES {
        return Finding::ok(Check::DiskSpace, what);
    } else if free >= LEAST_BYTES {
        Finding::warning(Check::DiskSpace, what)
    } else {
        Finding::wrong(
            Check::DiskSpace,
            format!("{what}: a meeting whose journal cannot be written stands still"),
        )
    };
    finding
        .with(format!("make room: df -h {}", facts.folder.display()))
        .with("or --data DIR, on another disk")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::doctor::State;

    fn judged(place: Place, free: u64, server: Option<Running>) -> Vec<Finding> {
        judge(&Facts {
            folder: "/srv/roundtable".into(),
            place,
            free_bytes: Ok(free),
            server,
        })
    }

    #[test]
    fn a_folder_that_is_there_or_can_be_made_is_fine() {
        for place in [Place::Writable, Place::Missing] {
            let found = judged(place, ENOUGH_BYTES, None);
            assert!(found.iter().all(|it| it.state == State::Ok), "{found:?}");
            assert!(found[0].what.contains("/srv/roundtable"), "{found:?}");
        }
    }

    #[test]
    fn a_running_server_is_no_fault() {
        let process = Some(4711);
        let found = judged(Place::Writable, ENOUGH_BYTES, Some(Running { process }));
        assert_eq!(found[0].state, State::Ok);
        assert!(
            found[0]
                .what
                .starts_with("a server is running here (process 4711)"),
            "{found:?}"
        );
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_wrong_and_another_can_be_chosen() {
        let found = judged(Place::Refused("no".to_owned()), ENOUGH_BYTES, None);
        assert_eq!(found[0].state, State::Wrong);
        assert!(found[0].remedy[0].contains("--data"), "{found:?}");
    }

    #[test]
    fn little_room_is_a_warning_and_none_is_wrong() {
        for (free, state) in [
            (ENOUGH_BYTES, State::Ok),
            (ENOUGH_BYTES - 1, State::Warning),
            (LEAST_BYTES, State::Warning),
            (LEAST_BYTES - 1, State::Wrong),
            (0, State::Wrong),
        ] {
            let found = judged(Place::Writable, free, None);
            assert_eq!(found[1].state, state, "{found:?}");
            assert_eq!(found[1].remedy.is_empty(), state == State::Ok);
        }
    }
}
