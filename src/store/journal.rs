//! The journal: what happened in the sessions, in order, never changed.
//!
//! Every entry is chained to the one before it by a hash (SHA-256 of the earlier hash and the entry's
//! text), one chain a session. With each batch the event's own chain gets an entry that names the
//! heads of all its sessions' chains, so that a chain cut short is noticed too. This file must never
//! know what an entry means.
//!
//! | file | what it holds |
//! |---|---|
//! | `chain` | one chain, followed and continued; what can be wrong with an entry |
//! | `following` | how far the sessions are, and some entries after one |
//! | `snapshot` | what somebody made of a session's entries so far, so that they need not be read again |
//! | `verify` | whether all chains of an event are whole, and where they are not |

mod chain;
mod following;
mod snapshot;
mod verify;

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction};
use serde::{Deserialize, Serialize};

pub use self::{
    chain::Damage,
    verify::{Finding, Verdict, Walked},
};
pub(super) use self::{
    following::{entries_after, revs},
    snapshot::keep as keep_snapshot,
    verify::verify,
};

use self::chain::{Chain, Head};
use super::Fault;
use crate::{
    ids::{EventId, SessionId},
    meeting::event::{EVENT_VERSION, Recorded, Rev},
    programme::Programme,
    time::Timestamp,
};

/// The event's own chain; no session has this name, for it is no slug.
const EVENT_CHAIN: &str = "";
/// Version of the event chain's entries.
const HEADS_VERSION: u16 = 1;

type Hash = [u8; 32];

/// What a session's room wants kept: entries that follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The session.
    pub session: SessionId,
    /// What happened in it.
    pub entries: Vec<Recorded>,
}

/// An event with all that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// The event.
    pub programme: Programme,
    /// Whether its journal is whole.
    pub verdict: Verdict,
    /// Each session's entries in order; nothing where the journal is not whole.
    pub sessions: Vec<(SessionId, Vec<Recorded>)>,
}

/// What a snapshot gives: the last entry that it was made of, and what was made.
pub type Made = (Rev, String);

/// An entry of the event's own chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Heads {
    v: u16,
    rev: u64,
    at: Timestamp,
    heads: BTreeMap<SessionId, Head>,
}

/// Adds the batches to their chains and the new heads to the event's: all or nothing.
pub(super) fn append(
    connection: &mut Connection,
    event: &EventId,
    batches: &[Batch],
) -> Result<(), Fault> {
    let transaction = connection.transaction()?;
    let mut heads = last_heads(&transaction, event)?;
    let mut at = heads.at;
    for batch in batches {
        let mut chain = Chain::resume(&transaction, event, batch.session.as_str())?;
        for entry in &batch.entries {
            at = at.max(entry.at);
            chain.append(&transaction, entry.rev.0, &text(entry)?)?;
        }
        heads.heads.insert(batch.session.clone(), chain.head());
    }
    let mut own = Chain::resume(&transaction, event, EVENT_CHAIN)?;
    heads.rev = own.rev.saturating_add(1);
    heads.at = at;
    own.append(&transaction, heads.rev, &text(&heads)?)?;
    Ok(transaction.commit()?)
}

/// When the latest entry of an event was.
pub(super) fn latest(connection: &Connection, event: &EventId) -> Result<Timestamp, Fault> {
    Ok(last_heads(connection, event)?.at)
}

/// Everything that happened in a session, in order, with the whole chain checked.
pub(super) fn read(
    connection: &Connection,
    event: &EventId,
    session: &SessionId,
) -> Result<Vec<Recorded>, Fault> {
    let transaction = as_of_now(connection)?;
    read_after(&transaction, event, session, Rev(0))
}

/// What was looked at of an event, and where all of it is whole, the entries of every session.
pub(super) fn whole(connection: &Connection, programme: Programme) -> Result<Whole, Fault> {
    let transaction = as_of_now(connection)?;
    let verdict = verify::look(&transaction, &programme)?;
    let mut sessions = Vec::new();
    if verdict.is_whole() {
        // Only a session's name can be whole: entries of another are known to nobody.
        let names = verdict.sessions.keys().filter_map(|name| name.parse().ok());
        for session in names {
            let entries = read_after(&transaction, &programme.id, &session, Rev(0))?;
            sessions.push((session, entries));
        }
    }
    Ok(Whole {
        programme,
        verdict,
        sessions,
    })
}

/// The same after the snapshot that was made on this basis, where there is one that fits; after
/// nothing where there is none. The whole chain is checked in either case.
pub(super) fn read_on(
    connection: &Connection,
    event: &EventId,
    session: &SessionId,
    basis: &str,
) -> Result<(Option<Made>, Vec<Recorded>), Fault> {
    let transaction = as_of_now(connection)?;
    let made = snapshot::fitting(&transaction, event, session, basis);
    let after = made.as_ref().map_or(Rev(0), |(rev, _)| *rev);
    let entries = read_after(&transaction, event, session, after)?;
    Ok((made, entries))
}

/// What is there at this moment, whatever the store's owner writes meanwhile.
fn as_of_now(connection: &Connection) -> Result<Transaction<'_>, Fault> {
    Ok(connection.unchecked_transaction()?)
}

/// Checks the whole chain, and gives its entries after one.
fn read_after(
    connection: &Connection,
    event: &EventId,
    session: &SessionId,
    after: Rev,
) -> Result<Vec<Recorded>, Fault> {
    let mut chain = Chain::start(event, session.as_str());
    let mut entries = Vec::new();
    let walked = chain.walk(connection, |rev, _, text| {
        if rev > after.0 {
            entries.push(entry(rev, text)?);
        }
        Ok(())
    })?;
    match walked {
        Ok(()) => {}
        Err(Damage::Newer) => return Err(Fault::Newer),
        Err(damage) => return Err(chain.fault(damage)),
    }
    let known = last_heads(connection, event)?.heads.remove(session);
    match known {
        Some(head) if head.rev > chain.rev => Err(chain.fault(Damage::Cut { known: head.rev })),
        Some(head) if head.rev < chain.rev => Err(chain.fault_at(head.rev + 1, Damage::Unknown)),
        Some(head) if head != chain.head() => {
            Err(chain.fault_at(head.rev, "the event's own journal has another hash for it"))
        }
        None if chain.rev > 0 => Err(chain.fault_at(1, Damage::Unknown)),
        Some(_) | None => Ok(entries),
    }
}

/// A session's entry, read at its place.
fn entry(rev: u64, text: &str) -> Result<Recorded, Damage> {
    known(text, EVENT_VERSION, rev, |entry: &Recorded| {
        (entry.v, entry.rev.0)
    })
}

/// An entry of the event's own chain, read at its place.
fn heads(rev: u64, text: &str) -> Result<Heads, Damage> {
    known(text, HEADS_VERSION, rev, |heads: &Heads| {
        (heads.v, heads.rev)
    })
}

/// An entry of a version that this program knows, and of this place.
fn known<T: for<'a> Deserialize<'a>>(
    text: &str,
    v_max: u16,
    rev: u64,
    version_and_place: impl FnOnce(&T) -> (u16, u64),
) -> Result<T, Damage> {
    #[derive(Deserialize)]
    struct Version {
        v: u16,
    }
    let newer = |v: u16| v > v_max;
    match serde_json::from_str(text) {
        Ok(entry) => match version_and_place(&entry) {
            (v, _) if newer(v) => Err(Damage::Newer),
            (_, written) if written != rev => Err(Damage::Moved { written }),
            (_, _) => Ok(entry),
        },
        Err(why) => match serde_json::from_str(text) {
            Ok(Version { v }) if newer(v) => Err(Damage::Newer),
            Ok(_) | Err(_) => Err(Damage::Unreadable {
                why: why.to_string(),
            }),
        },
    }
}

/// What the event's own chain says last; nothing yet where it is empty.
fn last_heads(connection: &Connection, event: &EventId) -> Result<Heads, Fault> {
    let Some(body) = Chain::last(connection, event, EVENT_CHAIN)? else {
        return Ok(Heads {
            v: HEADS_VERSION,
            rev: 0,
            at: Timestamp(0),
            heads: BTreeMap::new(),
        });
    };
    let heads: Heads = serde_json::from_str(&body)
        .map_err(|why| Fault::Damaged(format!("the event's own journal: {why}")))?;
    if heads.v > HEADS_VERSION {
        return Err(Fault::Newer);
    }
    Ok(heads)
}

fn text(entry: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(entry)
        .map_err(|why| Fault::Damaged(format!("an entry cannot be written: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::MemberId,
        meeting::Event,
        programme::{MODEL_EVENT, parse},
        store::{Reading, Store},
    };

    const SESSION: &str = "session-1";

    fn session(name: &str) -> SessionId {
        name.parse().expect("a slug")
    }

    fn event() -> EventId {
        "nartt-2020".parse().expect("a slug")
    }

    /// Entries from one revision to another.
    fn entries(revs: std::ops::RangeInclusive<u64>) -> Vec<Recorded> {
        let member: MemberId = "indonesia-1".parse().expect("a slug");
        revs.map(|rev| Recorded {
            v: EVENT_VERSION,
            rev: Rev(rev),
            at: Timestamp(1000 + i64::try_from(rev).expect("small")),
            event: Event::MemberBack {
                member: member.clone(),
            },
        })
        .collect()
    }

    fn batch(name: &str, revs: std::ops::RangeInclusive<u64>) -> Batch {
        Batch {
            session: session(name),
            entries: entries(revs),
        }
    }

    fn filled() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let programme = parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"));
        store.import(&programme, Timestamp(0)).expect("imported");
        store
            .append(
                &event(),
                &[batch(SESSION, 1..=3), batch("session-2", 1..=1)],
            )
            .expect("kept");
        store
            .append(&event(), &[batch(SESSION, 4..=5)])
            .expect("kept");
        (folder, store)
    }

    fn kept(store: &Store, name: &str) -> Result<Vec<Recorded>, String> {
        let journal = store.reading().journal(&event(), &session(name));
        journal.map_err(|why| why.to_string())
    }

    #[test]
    fn what_happened_is_read_back_in_order_by_the_next_process_too() {
        let (folder, store) = filled();
        assert_eq!(kept(&store, SESSION), Ok(entries(1..=5)));
        drop(store);
        let mut store = Store::open(folder.path()).expect("the store");
        store
            .append(&event(), &[batch("session-2", 2..=2)])
            .expect("kept");
        assert_eq!(kept(&store, SESSION), Ok(entries(1..=5)));
        assert_eq!(kept(&store, "session-2"), Ok(entries(1..=2)));
        assert_eq!(kept(&store, "session-3"), Ok(Vec::new()));
        let reader = Reading::open(folder.path()).expect("a reader");
        let read = reader.journal(&event(), &session(SESSION)).expect("read");
        assert_eq!(read, entries(1..=5));
    }

    #[test]
    fn an_entry_is_written_once_and_in_its_place_or_nothing_is() {
        let (_folder, mut store) = filled();
        for revs in [5..=5, 7..=7, 6..=8] {
            let mut wrong = batch(SESSION, revs.clone());
            wrong.entries.dedup_by_key(|entry| entry.rev.0 / 2);
            let both = [batch("session-2", 2..=2), wrong];
            if revs == (6..=8) {
                assert_eq!(both[1].entries.len(), 2, "a hole");
            }
            let refused = store.append(&event(), &both).err();
            assert!(matches!(refused, Some(Fault::Damaged(_))), "{refused:?}");
        }
        assert_eq!(kept(&store, SESSION), Ok(entries(1..=5)));
        assert_eq!(kept(&store, "session-2"), Ok(entries(1..=1)));
    }

    #[test]
    fn a_server_was_alive_when_it_noted_so_and_at_its_latest_entry() {
        let (folder, mut store) = filled();
        let alive = |store: &Store| store.reading().last_alive(&event()).expect("read");
        assert_eq!(alive(&store), Timestamp(1005));
        store.note_alive(&event(), Timestamp(1004)).expect("noted");
        assert_eq!(alive(&store), Timestamp(1005));
        store.note_alive(&event(), Timestamp(2000)).expect("noted");
        let other: EventId = "other".parse().expect("a slug");
        store.note_alive(&other, Timestamp(9000)).expect("noted");
        drop(store);
        let store = Store::open(folder.path()).expect("the store");
        assert_eq!(alive(&store), Timestamp(2000));
    }

    #[test]
    fn whatever_is_changed_afterwards_is_noticed_and_named() {
        for (change, said) in [
            (
                "UPDATE journal SET body = replace(body, 'indonesia', 'malaysia')
                 WHERE chain = 'session-1' AND rev = 2",
                "journal of session-1 of `nartt-2020`, entry 2: is not what was written",
            ),
            (
                "DELETE FROM journal WHERE chain = 'session-1' AND rev = 3",
                "entry 3: is missing",
            ),
            (
                "DELETE FROM journal WHERE chain = 'session-1' AND rev >= 4",
                "entry 4: is missing and all after it: the event's own journal knows of 5 entries",
            ),
            (
                "DELETE FROM journal WHERE chain = 'session-1'",
                "entry 1: is missing and all after it: the event's own journal knows of 5 entries",
            ),
            (
                "DELETE FROM journal WHERE chain = ''",
                "entry 1: is not known to the event's own journal",
            ),
            (
                "UPDATE journal SET rev = 9 WHERE chain = 'session-1' AND rev = 5",
                "entry 5: is missing",
            ),
        ] {
            let (_folder, store) = filled();
            let changed = store.reading.connection().execute(change, []);
            assert!(changed.expect("changed") > 0, "{change}");
            let why = kept(&store, SESSION).expect_err(change);
            assert!(why.contains(said), "{change}: {why}");
        }
    }
}
