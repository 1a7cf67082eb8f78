//! The subscriptions to an event, and how far each has been told of each session.
//!
//! What it must never know is what is delivered, nor when.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, TransactionBehavior, params};

use super::{Fault, journal};
use crate::{
    ids::{EventId, SessionId},
    meeting::event::Rev,
    time::Timestamp,
};

/// A subscription as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptHook {
    /// Its own name.
    pub id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Where it is delivered to.
    pub url: String,
    /// What its owner asked for.
    pub types: Vec<String>,
    /// What deliveries are signed with.
    pub secret: String,
    /// Whether it is delivered.
    pub state: HookState,
    /// The latest failure, where the receiver has taken nothing since.
    pub error: Option<(Timestamp, String)>,
    /// How far it is in each session; from the beginning in one that is not here.
    pub lanes: BTreeMap<SessionId, KeptLane>,
}

/// Whether a subscription is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookState {
    /// It is.
    Active,
    /// The receiver took nothing for too long.
    Failed,
    /// The receiver said that it wants no more.
    Gone,
}

impl HookState {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            HookState::Active => "active",
            HookState::Failed => "failed",
            HookState::Gone => "gone",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [HookState::Active, HookState::Failed, HookState::Gone]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// How far a subscription is in one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeptLane {
    /// The last entry that needs no delivery any more.
    pub rev: Rev,
    /// How often the next one has failed.
    pub attempts: u32,
    /// Since when.
    pub failing: Option<Timestamp>,
}

pub(super) fn add(
    connection: &mut Connection,
    event: &EventId,
    hook: &KeptHook,
    most: u32,
) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let kept: u32 = transaction.query_row(
        "SELECT count(*) FROM webhook WHERE event = ?1",
        [event.as_str()],
        |row| row.get(0),
    )?;
    if kept >= most {
        return Err(Fault::TooManyWebhooks(kept));
    }
    let types = serde_json::to_string(&hook.types)
        .map_err(|why| Fault::Damaged(format!("a webhook's types cannot be written: {why}")))?;
    transaction.execute(
        "INSERT INTO webhook (event, id, created_ms, url, types, secret, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            event.as_str(),
            hook.id,
            hook.created.0,
            hook.url,
            types,
            hook.secret,
            hook.state.as_str()
        ],
    )?;
    for (session, rev) in journal::revs(&transaction, event)? {
        let lane = KeptLane {
            rev,
            ..KeptLane::default()
        };
        keep_lane(&transaction, event, &hook.id, (&session, &lane))?;
    }
    Ok(transaction.commit()?)
}

pub(super) fn remove(connection: &Connection, event: &EventId, id: &str) -> Result<bool, Fault> {
    let removed = connection.execute(
        "DELETE FROM webhook WHERE event = ?1 AND id = ?2",
        [event.as_str(), id],
    )?;
    Ok(removed > 0)
}

pub(super) fn resume(
    connection: &mut Connection,
    event: &EventId,
    id: &str,
) -> Result<bool, Fault> {
    let transaction = connection.transaction()?;
    let resumed = transaction.execute(
        "UPDATE webhook SET state = 'active' WHERE event = ?1 AND id = ?2",
        [event.as_str(), id],
    )?;
    transaction.execute(
        "UPDATE webhook_lane SET attempts = 0, failing_ms = NULL WHERE event = ?1 AND id = ?2",
        [event.as_str(), id],
    )?;
    transaction.commit()?;
    Ok(resumed > 0)
}

pub(super) fn keep(
    connection: &mut Connection,
    event: &EventId,
    hook: &KeptHook,
) -> Result<(), Fault> {
    let transaction = connection.transaction()?;
    let (error_ms, error) = hook
        .error
        .as_ref()
        .map(|(at, why)| (at.0, why.as_str()))
        .unzip();
    let there = transaction.execute(
        "UPDATE webhook SET state = ?3, error_ms = ?4, error = ?5 WHERE event = ?1 AND id = ?2",
        params![
            event.as_str(),
            hook.id,
            hook.state.as_str(),
            error_ms,
            error
        ],
    )?;
    if there > 0 {
        for lane in &hook.lanes {
            keep_lane(&transaction, event, &hook.id, lane)?;
        }
    }
    Ok(transaction.commit()?)
}

fn keep_lane(
    connection: &Connection,
    event: &EventId,
    id: &str,
    (session, lane): (&SessionId, &KeptLane),
) -> Result<(), Fault> {
    let rev = i64::try_from(lane.rev.0).map_err(|_| Fault::NoEntry {
        session: session.clone(),
        rev: lane.rev.0,
    })?;
    connection.execute(
        "INSERT INTO webhook_lane (event, id, session, rev, attempts, failing_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (event, id, session) DO UPDATE SET rev = excluded.rev,
         attempts = excluded.attempts, failing_ms = excluded.failing_ms",
        params![
            event.as_str(),
            id,
            session.as_str(),
            rev,
            lane.attempts,
            lane.failing.map(|since| since.0)
        ],
    )?;
    Ok(())
}

/// Every subscription; beside them what is wrong with each that is damaged, which must not end the others.
pub(super) fn read(
    connection: &Connection,
    event: &EventId,
) -> Result<(Vec<KeptHook>, Vec<Fault>), Fault> {
    let mut statement = connection.prepare(
        "SELECT id, created_ms, url, types, secret, state, error_ms, error FROM webhook
         WHERE event = ?1 ORDER BY created_ms, id",
    )?;
    let mut rows = statement.query([event.as_str()])?;
    let (mut hooks, mut damaged) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        match hook(connection, event, row) {
            Ok(hook) => hooks.push(hook),
            Err(damage @ Fault::Damaged(_)) => damaged.push(damage),
            Err(fault) => return Err(fault),
        }
    }
    Ok((hooks, damaged))
}

fn hook(connection: &Connection, event: &EventId, row: &Row<'_>) -> Result<KeptHook, Fault> {
    let id: String = row.get(0)?;
    let types: String = row.get(3)?;
    let types = serde_json::from_str(&types)
        .map_err(|why| Fault::Damaged(format!("the types of the webhook {id}: {why}")))?;
    let state: String = row.get(5)?;
    let state = HookState::of(&state)
        .ok_or_else(|| Fault::Damaged(format!("the state of the webhook {id} is {state:?}")))?;
    let error_ms: Option<i64> = row.get(6)?;
    Ok(KeptHook {
        lanes: lanes(connection, event, &id)?,
        id,
        created: Timestamp(row.get(1)?),
        url: row.get(2)?,
        types,
        secret: row.get(4)?,
        state,
        error: error_ms.map(Timestamp).zip(row.get(7)?),
    })
}

fn lanes(
    connection: &Connection,
    event: &EventId,
    id: &str,
) -> Result<BTreeMap<SessionId, KeptLane>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT session, rev, attempts, failing_ms FROM webhook_lane WHERE event = ?1 AND id = ?2",
    )?;
    let mut rows = statement.query([event.as_str(), id])?;
    let mut lanes = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let session: String = row.get(0)?;
        let session = session
            .parse()
            .map_err(|why| Fault::Damaged(format!("a session of the webhook {id}: {why}")))?;
        let rev: i64 = row.get(1)?;
        let lane = KeptLane {
            rev: Rev(u64::try_from(rev).unwrap_or(0)),
            attempts: u32::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
            failing: row.get::<_, Option<i64>>(3)?.map(Timestamp),
        };
        lanes.insert(session, lane);
    }
    Ok(lanes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        meeting::{
            Event,
            event::{EVENT_VERSION, Recorded},
        },
        programme::{MODEL_EVENT, parse},
        store::{Batch, Store},
    };

    fn event() -> EventId {
        "nartt-2020".parse().expect("a slug")
    }

    fn session(name: &str) -> SessionId {
        name.parse().expect("a slug")
    }

    fn hook(id: &str) -> KeptHook {
        KeptHook {
            id: id.to_owned(),
            created: Timestamp(1),
            url: "https://example.org/".to_owned(),
            types: vec!["floor.*".to_owned()],
            secret: "whsec_".to_owned(),
            state: HookState::Active,
            error: None,
            lanes: BTreeMap::new(),
        }
    }

    fn lane(rev: u64) -> KeptLane {
        KeptLane {
            rev: Rev(rev),
            ..KeptLane::default()
        }
    }

    fn happen(store: &mut Store, name: &str, revs: std::ops::RangeInclusive<u64>) {
        let entries = revs.map(|rev| Recorded {
            v: EVENT_VERSION,
            rev: Rev(rev),
            at: Timestamp(0),
            event: Event::ChairAbsent,
        });
        let batch = Batch {
            session: session(name),
            entries: entries.collect(),
        };
        store.append(&event(), &[batch]).expect("kept");
    }

    /// A store of the model event, in whose first session three things have happened.
    fn filled() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let programme = parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"));
        store.import(&programme, Timestamp(0)).expect("imported");
        happen(&mut store, "session-1", 1..=3);
        (folder, store)
    }

    #[test]
    fn a_subscription_begins_after_what_has_happened_and_is_found_again() {
        let (folder, mut store) = filled();
        store.add_webhook(&event(), &hook("a"), 2).expect("kept");
        happen(&mut store, "session-1", 4..=5);
        happen(&mut store, "session-2", 1..=1);
        let mut expected = hook("a");
        expected.lanes = [(session("session-1"), lane(3))].into();
        let read = |store: &Store| store.reading().webhooks(&event()).expect("read").0;
        assert_eq!(read(&store), [expected.clone()]);

        expected.state = HookState::Failed;
        expected.error = Some((Timestamp(9), "answered 500".to_owned()));
        let failing = KeptLane {
            rev: Rev(4),
            attempts: 3,
            failing: Some(Timestamp(8)),
        };
        let failing = (session("session-1"), failing);
        expected.lanes = [failing, (session("session-2"), lane(1))].into();
        store.keep_webhook(&event(), &expected).expect("kept");
        drop(store);
        let mut store = Store::open(folder.path()).expect("the store");
        assert_eq!(read(&store), [expected.clone()]);

        assert!(store.resume_webhook(&event(), "a").expect("resumed"));
        expected.state = HookState::Active;
        expected.lanes.insert(session("session-1"), lane(4));
        assert_eq!(read(&store), [expected.clone()], "where it stopped");
        assert!(!store.resume_webhook(&event(), "b").expect("no such"));

        assert!(store.remove_webhook(&event(), "a").expect("removed"));
        assert!(!store.remove_webhook(&event(), "a").expect("no such"));
        store.keep_webhook(&event(), &expected).expect("nothing");
        assert_eq!(read(&store), []);
    }

    #[test]
    fn one_that_is_damaged_is_named_and_ends_no_other() {
        let (_folder, mut store) = filled();
        for id in ["a", "b", "c", "d"] {
            store.add_webhook(&event(), &hook(id), 9).expect("kept");
        }
        let damage = "UPDATE webhook SET types = '{' WHERE id = 'a';
                      UPDATE webhook SET state = 'asleep' WHERE id = 'b';
                      UPDATE webhook_lane SET session = 'No Slug' WHERE id = 'c';
                      UPDATE webhook_lane SET attempts = -1 WHERE id = 'd';";
        let connection = store.reading().connection();
        connection.execute_batch(damage).expect("damaged");
        let (hooks, damaged) = store.reading().webhooks(&event()).expect("read");
        let ids: Vec<&str> = hooks.iter().map(|hook| hook.id.as_str()).collect();
        assert_eq!(ids, ["d"]);
        let said: Vec<String> = damaged.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 3, "{said:?}");
        for (said, id) in said.iter().zip(["a", "b", "c"]) {
            assert!(said.contains(&format!("webhook {id}")), "{said}");
        }
    }

    #[test]
    fn an_event_has_so_many_and_a_stranger_none() {
        let (_folder, mut store) = filled();
        for id in ["a", "b"] {
            store.add_webhook(&event(), &hook(id), 2).expect("kept");
        }
        let refused = store.add_webhook(&event(), &hook("c"), 2).err();
        assert!(
            matches!(refused, Some(Fault::TooManyWebhooks(2))),
            "{refused:?}"
        );
        let nowhere: EventId = "nowhere".parse().expect("a slug");
        let refused = store.add_webhook(&nowhere, &hook("c"), 2).err();
        assert!(
            matches!(refused, Some(Fault::UnknownEvent(_))),
            "{refused:?}"
        );
    }

    #[test]
    fn the_journal_is_followed_from_an_entry_on() {
        let (_folder, mut store) = filled();
        happen(&mut store, "session-2", 1..=1);
        let revs = store.reading().revs(&event()).expect("read");
        assert_eq!(
            revs,
            [
                (session("session-1"), Rev(3)),
                (session("session-2"), Rev(1))
            ]
            .into()
        );
        let after = |rev, most| -> Vec<u64> {
            let entries = store
                .reading()
                .entries_after(&event(), &session("session-1"), Rev(rev), most)
                .expect("read");
            entries.iter().map(|entry| entry.rev.0).collect()
        };
        assert_eq!(after(0, 2), [1, 2]);
        assert_eq!(after(2, 9), [3]);
        assert_eq!(after(3, 9), [0; 0]);
        assert_eq!(after(u64::MAX, 9), [0; 0]);
    }
}
