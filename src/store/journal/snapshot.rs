//! What somebody made of a session's entries so far, so that a start need not read them again.
//!
//! One a session, the latest. It is derived and proves nothing: it is given only where the journal at
//! its entry is exactly what it was made of, and where it is damaged it is as good as none. What it must
//! never know is what is in it.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Made, chain::sha256};
use crate::{
    ids::{EventId, SessionId},
    meeting::event::Rev,
    store::Fault,
};

const HASH_AT: &str = "SELECT hash FROM journal WHERE event = ?1 AND chain = ?2 AND rev = ?3";
const KEEP: &str = "INSERT INTO snapshot (event, chain, rev, hash, basis, body, seal)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                    ON CONFLICT (event, chain) DO UPDATE SET rev = excluded.rev, hash = excluded.hash,
                    basis = excluded.basis, body = excluded.body, seal = excluded.seal";
/// Only one that was made of the very entry that the journal has there.
const FITTING: &str = "SELECT rev, hash, snapshot.body, seal FROM snapshot
                       JOIN journal USING (event, chain, rev, hash)
                       WHERE event = ?1 AND chain = ?2 AND basis = ?3";

/// Keeps a snapshot in place of the session's last.
pub(in crate::store) fn keep(
    connection: &Connection,
    (event, session): (&EventId, &SessionId),
    rev: Rev,
    basis: &str,
    body: &str,
) -> Result<(), Fault> {
    let missing = || Fault::NoEntry {
        session: session.clone(),
        rev: rev.0,
    };
    let place = i64::try_from(rev.0).map_err(|_| missing())?;
    let hash: Option<Vec<u8>> = connection
        .prepare_cached(HASH_AT)?
        .query_row(params![event.as_str(), session.as_str(), place], |row| {
            row.get(0)
        })
        .optional()?;
    let hash = hash.ok_or_else(missing)?;
    let seal = sha256(&[&hash, basis.as_bytes(), &[0], body.as_bytes()]);
    connection.prepare_cached(KEEP)?.execute(params![
        event.as_str(),
        session.as_str(),
        place,
        hash,
        basis,
        body,
        seal.as_slice()
    ])?;
    Ok(())
}

/// The session's snapshot, if it was made on this basis and of the journal's own entries. One that cannot
/// be read is none, whatever the reason: everything in it is in the journal.
pub(super) fn fitting(
    connection: &Connection,
    event: &EventId,
    session: &SessionId,
    basis: &str,
) -> Option<Made> {
    let found = connection.query_row(FITTING, [event.as_str(), session.as_str(), basis], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, Vec<u8>>(1)?,
            row.get::<_, String>(2)?,
            row.get::<_, Vec<u8>>(3)?,
        ))
    });
    let (rev, hash, body, seal) = found.ok()?;
    let rev = u64::try_from(rev).ok()?;
    let whole = sha256(&[&hash, basis.as_bytes(), &[0], body.as_bytes()]) == seal.as_slice();
    whole.then_some((Rev(rev), body))
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
        store::{Batch, Reading, Store},
        time::Timestamp,
    };

    const BASIS: &str = "the plan";
    const BODY: &str = "{\"turns\":3}";

    fn event() -> EventId {
        "nartt-2020".parse().expect("a slug")
    }

    fn session() -> SessionId {
        "session-1".parse().expect("a slug")
    }

    fn entries(revs: std::ops::RangeInclusive<u64>) -> Vec<Recorded> {
        revs.map(|rev| Recorded {
            v: EVENT_VERSION,
            rev: Rev(rev),
            at: Timestamp(0),
            event: Event::SessionOpened { by: None },
        })
        .collect()
    }

    fn append(store: &mut Store, revs: std::ops::RangeInclusive<u64>) {
        let batch = Batch {
            session: session(),
            entries: entries(revs),
        };
        store.append(&event(), &[batch]).expect("kept");
    }

    /// Five entries, and a snapshot of three.
    fn filled() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let programme = parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"));
        store.import(&programme, Timestamp(0)).expect("imported");
        append(&mut store, 1..=5);
        keep(&mut store, 3).expect("kept");
        (folder, store)
    }

    fn keep(store: &mut Store, rev: u64) -> Result<(), Fault> {
        store.keep_snapshot(&event(), &session(), Rev(rev), BASIS, BODY)
    }

    /// The snapshot's revision and that of the first entry after it.
    fn read(reading: &Reading, basis: &str) -> (Option<u64>, Option<u64>) {
        let (made, entries) = reading
            .journal_from(&event(), &session(), basis)
            .expect("read");
        if let Some((_, body)) = &made {
            assert_eq!(body, BODY);
        }
        assert_eq!(entries.last().map(|entry| entry.rev), Some(Rev(5)));
        (
            made.map(|(rev, _)| rev.0),
            entries.first().map(|entry| entry.rev.0),
        )
    }

    #[test]
    fn a_snapshot_stands_for_the_entries_that_it_was_made_of() {
        let (folder, mut store) = filled();
        assert_eq!(read(store.reading(), BASIS), (Some(3), Some(4)));
        keep(&mut store, 4).expect("the latest alone is kept");
        let reader = Reading::open(folder.path()).expect("a reader");
        assert_eq!(read(&reader, BASIS), (Some(4), Some(5)));
        keep(&mut store, 5).expect("kept");
        let (made, entries) = reader
            .journal_from(&event(), &session(), BASIS)
            .expect("read");
        assert_eq!(made, Some((Rev(5), BODY.to_owned())));
        assert_eq!(entries, []);
    }

    #[test]
    fn what_the_journal_has_not_is_refused() {
        let (_folder, mut store) = filled();
        for rev in [0, 6, u64::MAX] {
            let refused = keep(&mut store, rev).err();
            assert!(
                matches!(&refused, Some(Fault::NoEntry { rev: named, .. }) if *named == rev),
                "{refused:?}"
            );
        }
        assert_eq!(read(store.reading(), BASIS), (Some(3), Some(4)));
    }

    #[test]
    fn one_that_does_not_fit_or_is_damaged_is_none() {
        let (_folder, store) = filled();
        let changed = read(store.reading(), "another plan");
        assert_eq!(changed, (None, Some(1)));
        for change in [
            "UPDATE snapshot SET body = '{\"turns\":4}'",
            "UPDATE snapshot SET body = CAST(X'FF' AS TEXT)",
            "UPDATE snapshot SET rev = 4",
            "UPDATE snapshot SET rev = -1",
            "UPDATE snapshot SET hash = zeroblob(32)",
            "UPDATE snapshot SET seal = ''",
            "DELETE FROM snapshot",
        ] {
            let (_folder, store) = filled();
            let change = change.replace("''", "X''");
            let connection = store.reading().connection();
            assert_eq!(connection.execute(&change, []), Ok(1), "{change}");
            assert_eq!(read(store.reading(), BASIS), (None, Some(1)), "{change}");
        }
        let (_folder, store) = filled();
        let connection = store.reading().connection();
        connection
            .execute_batch("DROP TABLE snapshot")
            .expect("changed");
        assert_eq!(read(store.reading(), BASIS), (None, Some(1)));
    }

    #[test]
    fn a_snapshot_hides_no_damage_of_the_journal() {
        for change in [
            "UPDATE journal SET body = replace(body, 'opened', 'closed') WHERE rev = 2 AND chain != ''",
            "DELETE FROM journal WHERE rev = 1 AND chain != ''",
            "DELETE FROM journal WHERE rev = 5 AND chain != ''",
        ] {
            let (_folder, store) = filled();
            let connection = store.reading().connection();
            assert_eq!(connection.execute(change, []), Ok(1), "{change}");
            let refused = store
                .reading()
                .journal_from(&event(), &session(), BASIS)
                .err();
            assert!(matches!(refused, Some(Fault::Damaged(_))), "{refused:?}");
        }
    }
}
