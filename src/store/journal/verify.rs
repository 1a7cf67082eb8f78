//! Whether all chains of an event are whole, and where they are not.
//!
//! Every entry of every chain is followed and read, and each head of a session that the event's own
//! chain has ever recorded is compared with the session's chain there. A chain is followed to its first
//! damaged entry: what comes after hangs on nothing. What it must never know is what an entry means.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, ErrorCode};

use super::{
    Damage, EVENT_CHAIN, as_of_now,
    chain::{Chain, hex},
    entry, heads,
};
use crate::{
    ids::{EventId, SessionId},
    programme::Programme,
    store::Fault,
};

const CHAINS: &str = "SELECT DISTINCT chain FROM journal WHERE event = ?1";

/// What became of looking at all chains of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The event's own chain. Its head stands for everything: it names the heads of all others.
    pub own: Walked,
    /// The sessions' chains by the session's id.
    pub sessions: BTreeMap<String, Walked>,
    /// Of these, the sessions that the programme does not have any more.
    pub dropped: BTreeSet<String>,
}

/// A chain that was followed, to its end or its first damaged entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// How many entries are whole.
    pub entries: u64,
    /// The hash of the last of them in hexadecimal.
    pub head: String,
    /// Where it is damaged.
    pub finding: Option<Finding>,
}

/// The first damaged entry of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its place, from 1.
    pub entry: u64,
    /// What is wrong with it.
    pub damage: Damage,
}

impl Verdict {
    /// Whether nothing is damaged.
    pub fn is_whole(&self) -> bool {
        self.own.finding.is_none() && self.sessions.values().all(|chain| chain.finding.is_none())
    }

    /// A line for the first damaged entry of each damaged chain.
    pub fn findings(&self) -> Vec<String> {
        let sessions = self.sessions.iter();
        let sessions = sessions.map(|(name, chain)| (name.as_str(), chain));
        sessions
            .chain([("the event's own journal", &self.own)])
            .filter_map(|(name, chain)| {
                let finding = chain.finding.as_ref()?;
                let dropped = if self.dropped.contains(name) {
                    " (not in the programme any more)"
                } else {
                    ""
                };
                Some(format!(
                    "{name}{dropped}, entry {}: {}",
                    finding.entry, finding.damage
                ))
            })
            .collect()
    }
}

/// The heads of each session that the event's own chain recorded: the hash at a revision.
type Recorded = BTreeMap<SessionId, BTreeMap<u64, String>>;

/// Looks at every chain of an event.
pub(in crate::store) fn verify(
    connection: &Connection,
    programme: &Programme,
) -> Result<Verdict, Fault> {
    let transaction = as_of_now(connection)?;
    look(&transaction, programme)
}

/// The same within a transaction that sees one moment.
pub(super) fn look(connection: &Connection, programme: &Programme) -> Result<Verdict, Fault> {
    let event = &programme.id;
    let (own, recorded) = walk_own(connection, event)?;
    let planned: BTreeSet<&str> = programme
        .sessions()
        .map(|(_, plan)| plan.id.as_str())
        .collect();
    let mut names: BTreeSet<String> = planned.iter().map(|&name| name.to_owned()).collect();
    names.extend(recorded.keys().map(ToString::to_string));
    let mut statement = connection.prepare(CHAINS)?;
    for name in statement.query_map([event.as_str()], |row| row.get(0))? {
        names.insert(name?);
    }
    names.remove(EVENT_CHAIN);

    let mut sessions = BTreeMap::new();
    let nothing = BTreeMap::new();
    for name in &names {
        let mut chain = Chain::start(event, name);
        let session = name.parse().ok();
        let known = session.and_then(|session| recorded.get(&session));
        let known = known.unwrap_or(&nothing);
        let mut walked = walk_session(connection, &mut chain, known)?;
        // Where the event's own chain ends early, it says nothing of what came later.
        let last = known.keys().next_back().copied().unwrap_or(0);
        if walked.finding.is_none() && own.finding.is_none() && walked.entries > last {
            walked.finding = Some(Finding {
                entry: last.saturating_add(1),
                damage: Damage::Unknown,
            });
        }
        sessions.insert(name.clone(), walked);
    }
    names.retain(|name| !planned.contains(name.as_str()));
    Ok(Verdict {
        own,
        sessions,
        dropped: names,
    })
}

fn walk_own(connection: &Connection, event: &EventId) -> Result<(Walked, Recorded), Fault> {
    let mut recorded = Recorded::new();
    let mut chain = Chain::start(event, EVENT_CHAIN);
    let damage = walk(connection, &mut chain, |rev, _, text| {
        let heads = heads(rev, text)?.heads;
        // Every entry names all sessions that have begun, each at least as far as the one before.
        for (session, known) in &recorded {
            let last = known.last_key_value();
            match (last, heads.get(session)) {
                (Some((rev, hash)), Some(head)) if *rev == head.rev && *hash == head.hash => {}
                (Some((rev, _)), Some(head)) if *rev < head.rev => {}
                (_, _) => return Err(Damage::Contradicting),
            }
        }
        for (session, head) in heads {
            let known = recorded.entry(session).or_default();
            known.insert(head.rev, head.hash);
        }
        Ok(())
    })?;
    Ok((walked(&chain, damage), recorded))
}

fn walk_session(
    connection: &Connection,
    chain: &mut Chain<'_>,
    known: &BTreeMap<u64, String>,
) -> Result<Walked, Fault> {
    let mut agreed = 0;
    let mut rewritten = None;
    let damage = walk(connection, chain, |rev, hash, text| {
        entry(rev, text)?;
        if let Some(recorded) = known.get(&rev) {
            if *recorded != hex(hash) {
                rewritten = Some(agreed + 1);
                return Err(Damage::Rewritten { until: rev });
            }
            agreed = rev;
        }
        Ok(())
    })?;
    let mut walked = walked(chain, damage);
    if let (Some(finding), Some(first)) = (&mut walked.finding, rewritten) {
        finding.entry = first;
    }
    let last = known.keys().next_back().copied().unwrap_or(0);
    if walked.finding.is_none() && last > walked.entries {
        walked.finding = Some(Finding {
            entry: walked.entries.saturating_add(1),
            damage: Damage::Cut { known: last },
        });
    }
    Ok(walked)
}

/// Follows a chain; what the file itself cannot give is damage too.
fn walk(
    connection: &Connection,
    chain: &mut Chain<'_>,
    look: impl FnMut(u64, &super::Hash, &str) -> Result<(), Damage>,
) -> Result<Option<Damage>, Fault> {
    match chain.walk(connection, look) {
        Ok(Ok(())) => Ok(None),
        Ok(Err(Damage::Newer)) => Err(Fault::Newer),
        Ok(Err(damage)) => Ok(Some(damage)),
        Err(why) if why.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            Ok(Some(Damage::Unreadable {
                why: why.to_string(),
            }))
        }
        Err(why) => Err(why.into()),
    }
}

fn walked(chain: &Chain<'_>, damage: Option<Damage>) -> Walked {
    Walked {
        entries: chain.rev,
        head: hex(&chain.hash),
        finding: damage.map(|damage| Finding {
            entry: chain.rev.saturating_add(1),
            damage,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::MemberId,
        meeting::{
            Event, Rev,
            event::{EVENT_VERSION, Recorded as Entry},
        },
        programme::{MODEL_EVENT, parse},
        store::{Batch, Store},
        time::Timestamp,
    };

    /// Three batches: 3 and 1 entries, 2 and none, 2 and 1.
    fn filled() -> (tempfile::TempDir, Store, Programme) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let programme = parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"));
        store.import(&programme, Timestamp(0)).expect("imported");
        for batches in [
            vec![batch("session-1", 1..=3), batch("session-2", 1..=1)],
            vec![batch("session-1", 4..=5)],
            vec![batch("session-1", 6..=7), batch("session-2", 2..=2)],
        ] {
            store.append(&programme.id, &batches).expect("kept");
        }
        (folder, store, programme)
    }

    fn batch(session: &str, revs: std::ops::RangeInclusive<u64>) -> Batch {
        let member: MemberId = "indonesia-1".parse().expect("a slug");
        let entries = revs.map(|rev| Entry {
            v: EVENT_VERSION,
            rev: Rev(rev),
            at: Timestamp(1000),
            event: Event::MemberLost {
                member: member.clone(),
            },
        });
        Batch {
            session: session.parse().expect("a slug"),
            entries: entries.collect(),
        }
    }

    fn looked(store: &Store, programme: &Programme) -> Verdict {
        let verdict = store.reading().verify(&programme.id);
        verdict.expect("it can be looked at")
    }

    /// What is found after a change from outside: `chain, entry: what`.
    fn found(changes: &str) -> Vec<String> {
        let (_folder, store, programme) = filled();
        let connection = store.reading().connection();
        connection.execute_batch(changes).expect(changes);
        let verdict = looked(&store, &programme);
        let own = ("own".to_owned(), verdict.own.clone());
        let chains = verdict.sessions.clone().into_iter().chain([own]);
        let found: Vec<String> = chains
            .filter_map(|(name, chain)| Some((name, chain.finding?)))
            .map(|(name, finding)| format!("{name}, entry {}: {}", finding.entry, finding.damage))
            .collect();
        assert_eq!(verdict.is_whole(), found.is_empty(), "{changes}");
        found
    }

    /// Chains a session's entries anew, as somebody would who knows how.
    fn chained_anew(store: &Store, programme: &Programme, name: &str) {
        let connection = store.reading().connection();
        let sql = "SELECT rev, body FROM journal WHERE chain = ?1 ORDER BY rev";
        let mut statement = connection.prepare(sql).expect("a statement");
        let rows = statement.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)));
        let rows: Vec<(i64, String)> = rows
            .and_then(Iterator::collect)
            .expect("the chain's entries");
        let mut hash = Chain::start(&programme.id, name).hash;
        for (rev, body) in rows {
            hash = super::super::chain::sha256(&[&hash, body.as_bytes()]);
            connection
                .execute(
                    "UPDATE journal SET hash = ?1 WHERE chain = ?2 AND rev = ?3",
                    (&hash[..], name, rev),
                )
                .expect("changed");
        }
    }

    #[test]
    fn what_is_whole_is_counted_with_its_heads() {
        let (_folder, store, programme) = filled();
        let verdict = looked(&store, &programme);
        assert!(verdict.is_whole() && verdict.dropped.is_empty());
        let entries: Vec<(&str, u64)> = verdict
            .sessions
            .iter()
            .map(|(name, chain)| (name.as_str(), chain.entries))
            .collect();
        let expected = [
            ("session-1", 7),
            ("session-2", 2),
            ("session-3", 0),
            ("session-4", 0),
        ];
        assert_eq!(entries, expected);
        assert_eq!((verdict.own.entries, verdict.own.head.len()), (3, 64));
        // Another copy of the same has the same head; more has another.
        let (_other_folder, mut other, _) = filled();
        assert_eq!(looked(&other, &programme), verdict);
        other
            .append(&programme.id, &[batch("session-3", 1..=1)])
            .expect("kept");
        assert_ne!(looked(&other, &programme).own.head, verdict.own.head);
    }

    #[test]
    fn a_session_that_the_programme_has_no_more_is_looked_at_too() {
        let (_folder, mut store, mut programme) = filled();
        for day in &mut programme.days {
            day.sessions.retain(|plan| plan.id.as_str() != "session-2");
        }
        store.import(&programme, Timestamp(0)).expect("imported");
        let verdict = looked(&store, &programme);
        assert!(verdict.is_whole());
        assert_eq!(verdict.dropped, BTreeSet::from(["session-2".to_owned()]));
        let connection = store.reading().connection();
        connection
            .execute("DELETE FROM journal WHERE chain = 'session-2'", [])
            .expect("changed");
        assert!(!looked(&store, &programme).is_whole());
    }

    #[test]
    fn each_kind_of_damage_is_named_with_its_first_entry() {
        for (changes, expected) in [
            (
                "UPDATE journal SET body = replace(body, 'indonesia', 'malaysia')
                 WHERE chain = 'session-1' AND rev IN (2, 5)",
                "session-1, entry 2: is not what was written",
            ),
            (
                "UPDATE journal SET hash = zeroblob(32) WHERE chain = 'session-1' AND rev = 3",
                "session-1, entry 3: is not what was written",
            ),
            (
                "DELETE FROM journal WHERE chain = 'session-1' AND rev = 4",
                "session-1, entry 4: is missing",
            ),
            (
                "UPDATE journal SET rev = 99 WHERE chain = 'session-1' AND rev = 2;
                 UPDATE journal SET rev = 2 WHERE chain = 'session-1' AND rev = 3;
                 UPDATE journal SET rev = 3 WHERE chain = 'session-1' AND rev = 99",
                "session-1, entry 2: is in the wrong place: it was written as entry 3",
            ),
            (
                "DELETE FROM journal WHERE chain = 'session-1' AND rev >= 5",
                "session-1, entry 5: is missing and all after it: the event's own journal knows \
                 of 7 entries",
            ),
            (
                "DELETE FROM journal WHERE chain = 'session-2'",
                "session-2, entry 1: is missing and all after it: the event's own journal knows \
                 of 2 entries",
            ),
            (
                "UPDATE journal SET body = replace(body, 'session-1', 'session-3')
                 WHERE chain = '' AND rev = 2",
                "own, entry 2: is not what was written",
            ),
            (
                "DELETE FROM journal WHERE chain = '' AND rev = 1",
                "own, entry 1: is missing",
            ),
        ] {
            assert_eq!(found(changes), [expected], "{changes}");
        }
    }

    #[test]
    fn what_the_events_own_journal_does_not_know_is_named() {
        let all = |first, second| {
            let unknown = "is not known to the event's own journal";
            [
                format!("session-1, entry {first}: {unknown}"),
                format!("session-2, entry {second}: {unknown}"),
            ]
        };
        let cut = "DELETE FROM journal WHERE chain = '' AND rev = 3";
        assert_eq!(found(cut), all(6, 2));
        assert_eq!(found("DELETE FROM journal WHERE chain = ''"), all(1, 1));
    }

    #[test]
    fn what_was_chained_anew_is_known_by_the_heads_that_were_recorded() {
        let (_folder, store, programme) = filled();
        let connection = store.reading().connection();
        connection
            .execute_batch(
                "UPDATE journal SET body = replace(body, 'indonesia', 'malaysia')
                 WHERE chain = 'session-1' AND rev = 5",
            )
            .expect("changed");
        chained_anew(&store, &programme, "session-1");
        let verdict = looked(&store, &programme);
        let expected = Finding {
            entry: 4,
            damage: Damage::Rewritten { until: 5 },
        };
        assert_eq!(verdict.sessions["session-1"].finding, Some(expected));
        // The event's own journal with it, but not to its end.
        connection
            .execute_batch(
                "DELETE FROM journal WHERE chain = '' AND rev = 2;
                 UPDATE journal SET rev = 2, body = replace(body, '\"rev\":3,', '\"rev\":2,')
                 WHERE chain = '' AND rev = 3;
                 INSERT INTO journal (event, chain, rev, hash, body)
                 SELECT event, chain, 3, hash, replace(body, '\"rev\":1,', '\"rev\":3,')
                 FROM journal WHERE chain = '' AND rev = 1",
            )
            .expect("changed");
        chained_anew(&store, &programme, EVENT_CHAIN);
        let finding = looked(&store, &programme).own.finding;
        let expected = Finding {
            entry: 3,
            damage: Damage::Contradicting,
        };
        assert_eq!(finding, Some(expected));
    }

    #[test]
    fn what_is_chained_but_is_no_entry_is_named_and_a_newer_one_is_no_damage() {
        let (_folder, store, programme) = filled();
        let change = |body: &str| {
            store
                .reading()
                .connection()
                .execute(
                    "UPDATE journal SET body = CAST(?1 AS TEXT) WHERE chain = 'session-2' AND rev = 2",
                    [body.as_bytes()],
                )
                .expect("changed");
            chained_anew(&store, &programme, "session-2");
        };
        change(r#"{"v":1,"rev":2,"at":1,"type":"never.heard_of"}"#);
        let session = looked(&store, &programme).sessions["session-2"].clone();
        let finding = session.finding.expect("damaged");
        assert!(
            matches!(finding.damage, Damage::Unreadable { .. }) && finding.entry == 2,
            "{finding:?}"
        );
        change(r#"{"v":9999,"rev":2,"at":1,"type":"never.heard_of"}"#);
        let refused = store.reading().verify(&programme.id).err();
        assert!(matches!(refused, Some(Fault::Newer)), "{refused:?}");
        // Half a letter, as a disk may leave it.
        let half = "UPDATE journal SET body = CAST(X'FF' AS TEXT)
                    WHERE chain = 'session-2' AND rev = 2";
        assert_eq!(found(half), ["session-2, entry 2: is not what was written"]);
    }
}
