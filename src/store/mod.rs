//! SHELL. Where an event, what has been given out for it and revoked, and its sessions' journal are
//! kept: SQLite, one writer.
//!
//! One file, `roundtable.db`, in a data folder that one process owns at a time ([`Store`]); others
//! may read meanwhile ([`Reading`]). Calls block for the disk's time: an async caller makes them
//! on a thread that may block. This module must never know who may do what, nor what time it is.

mod access;
mod fault;
mod folder;
mod journal;
mod reading;
mod schema;
mod webhooks;
mod writer;

use std::path::Path;

use rusqlite::{OpenFlags, OptionalExtension, params};

pub use access::KeptInvite;
pub use fault::Fault;
pub use folder::Owner;
pub use journal::{Batch, Damage, Finding, Made, Verdict, Walked, Whole};
pub use writer::{Journal, ToKeep, Writer};

pub use reading::{Kept, Reading};
pub use webhooks::{HookState, KeptHook, KeptLane};

use crate::{
    check::Report,
    ids::{EventId, MemberId, SessionId},
    meeting::Rev,
    programme::Programme,
    time::{Millis, Timestamp},
};

/// The database's name in the data folder.
const DATABASE_FILE: &str = "roundtable.db";
/// What is in a data folder that has been used.
pub const FILES: [&str; 2] = [DATABASE_FILE, folder::LOCK_FILE];
/// Revocations of each kind for an event at most. Past it a further one is refused.
const REVOCATIONS_MAX: i64 = 10_000;
/// The longest id of an invite that is kept, in bytes; ours have 16.
const JTI_BYTES_MAX: usize = 64;

/// A store with its folder: the only writer.
pub struct Store {
    reading: Reading,
    // Dropped after the connection: the folder is given up last.
    _lock: folder::FolderLock,
}

impl Store {
    /// Takes the folder and opens its store, each made when it is not there.
    pub fn open(folder: &Path) -> Result<Self, Fault> {
        folder::make(folder)?;
        let lock = folder::lock(folder)?;
        let path = folder.join(DATABASE_FILE);
        // SQLite would make it readable by others; its side files follow this one's mode.
        drop(folder::make_file(folder, &path)?);
        let mut connection = reading::connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        schema::migrate(&mut connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // What has been committed survives power loss, not only the process's end.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        Ok(Self {
            reading: Reading::of(connection),
            _lock: lock,
        })
    }

    /// Who owns a data folder at present, if anybody does. Neither takes nor makes anything.
    pub fn owner(folder: &Path) -> Result<Option<Owner>, Fault> {
        folder::owner(folder)
    }

    /// Everything that can be read.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Keeps an event; one with the same id is replaced and keeps its revocations and its links.
    pub fn import(&mut self, programme: &Programme, now: Timestamp) -> Result<(), Fault> {
        let body = serde_json::to_string(programme)
            .map_err(|why| Fault::Damaged(format!("the event cannot be written: {why}")))?;
        self.reading.connection().execute(
            "INSERT INTO programme (event, imported_ms, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (event) DO UPDATE SET body = excluded.body",
            params![programme.id.as_str(), now.0, body],
        )?;
        Ok(())
    }

    /// Withdraws one invite of an event.
    pub fn revoke_invite(
        &mut self,
        event: &EventId,
        jti: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if jti.is_empty() || jti.len() > JTI_BYTES_MAX {
            return Err(Fault::BadJti);
        }
        self.room_for_revocation(
            event,
            "SELECT count(*) FROM revoked_invite WHERE event = ?1",
        )?;
        self.reading.connection().execute(
            "INSERT INTO revoked_invite (event, jti, at_ms) VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING",
            params![event.as_str(), jti, now.0],
        )?;
        Ok(())
    }

    /// Withdraws every invite that a member has been given so far: those whose validity began up to the
    /// time that is given back, which is what a running server must go by too.
    pub fn revoke_member(
        &mut self,
        event: &EventId,
        member: &MemberId,
        now: Timestamp,
    ) -> Result<Timestamp, Fault> {
        let kept = self.reading.event(event)?;
        if kept.programme.seat(member).is_none() {
            return Err(Fault::UnknownMember(member.clone()));
        }
        self.room_for_revocation(
            event,
            "SELECT count(*) FROM revoked_member WHERE event = ?1",
        )?;
        let connection = self.reading.connection();
        let last = connection
            .query_row(
                "SELECT at_ms FROM revoked_member WHERE event = ?1 AND member = ?2",
                [event.as_str(), member.as_str()],
                |row| row.get(0),
            )
            .optional()?;
        // A link that was made since begins up to a second after the last time.
        let at = last.map_or(now, |last| now.max(Timestamp(last) + Millis::from_secs(1)));
        connection.execute(
            "INSERT INTO revoked_member (event, member, at_ms) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms",
            params![event.as_str(), member.as_str(), at.0],
        )?;
        Ok(at)
    }

    /// Keeps that a limited invite was used on a device. The invite's limit bounds how many.
    pub fn keep_use(&mut self, event: &EventId, jti: &str, device: i64) -> Result<(), Fault> {
        self.reading.connection().execute(
            "INSERT INTO invite_use (event, jti, device) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![event.as_str(), jti, device],
        )?;
        Ok(())
    }

    /// Keeps what a member's check has found, in place of what an earlier one had. The roster bounds how
    /// many are kept.
    pub fn keep_report(
        &mut self,
        event: &EventId,
        member: &MemberId,
        at: Timestamp,
        report: &Report,
    ) -> Result<(), Fault> {
        let body = serde_json::to_string(report)
            .map_err(|why| Fault::Damaged(format!("a report cannot be written: {why}")))?;
        self.reading.connection().execute(
            "INSERT INTO check_report (event, member, at_ms, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms, body = excluded.body",
            params![event.as_str(), member.as_str(), at.0, body],
        )?;
        Ok(())
    }

    fn room_for_revocation(&self, event: &EventId, count: &str) -> Result<(), Fault> {
        self.reading.event(event)?;
        let kept: i64 = self
            .reading
            .connection()
            .query_row(count, [event.as_str()], |row| row.get(0))?;
        if kept >= REVOCATIONS_MAX {
            return Err(Fault::TooManyRevocations);
        }
        Ok(())
    }

    /// Adds what happened to the journal, all or nothing. Each session's entries follow on what the
    /// journal has of it.
    pub fn append(&mut self, event: &EventId, batches: &[Batch]) -> Result<(), Fault> {
        journal::append(self.reading.connection_mut(), event, batches)
    }

    /// Keeps what somebody made of a session's entries up to one, in place of what was kept of it
    /// before. `basis`: what else it was made of; where that has changed it is of no use.
    pub fn keep_snapshot(
        &mut self,
        event: &EventId,
        session: &SessionId,
        rev: Rev,
        basis: &str,
        body: &str,
    ) -> Result<(), Fault> {
        journal::keep_snapshot(
            self.reading.connection(),
            (event, session),
            rev,
            basis,
            body,
        )
    }

    /// Keeps a subscription, which begins after what has happened so far. `most`: of an event.
    pub fn add_webhook(
        &mut self,
        event: &EventId,
        hook: &KeptHook,
        most: u32,
    ) -> Result<(), Fault> {
        self.reading.event(event)?;
        webhooks::add(self.reading.connection_mut(), event, hook, most)
    }

    /// Forgets a subscription; whether there was one.
    pub fn remove_webhook(&mut self, event: &EventId, id: &str) -> Result<bool, Fault> {
        webhooks::remove(self.reading.connection(), event, id)
    }

    /// Lets a subscription that has ended go on where it stopped; whether there is one.
    pub fn resume_webhook(&mut self, event: &EventId, id: &str) -> Result<bool, Fault> {
        webhooks::resume(self.reading.connection_mut(), event, id)
    }

    /// Keeps how a subscription stands. One that has been removed stays so.
    pub fn keep_webhook(&mut self, event: &EventId, hook: &KeptHook) -> Result<(), Fault> {
        webhooks::keep(self.reading.connection_mut(), event, hook)
    }

    /// Notes that an event's server runs.
    pub fn note_alive(&mut self, event: &EventId, now: Timestamp) -> Result<(), Fault> {
        self.set_meta(&alive_key(event), &now.0.to_string())
    }

    /// Keeps a fact about the store itself under a name of the program's.
    pub fn set_meta(&mut self, key: &str, value: &str) -> Result<(), Fault> {
        self.reading.connection().execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![key, value],
        )?;
        Ok(())
    }
}

/// Under which name it is kept when an event's server last ran.
fn alive_key(event: &EventId) -> String {
    format!("alive_ms {event}")
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt};

    use rusqlite::Connection;

    use super::*;
    use crate::{
        auth::{Grant, Revocations, Uses, Validity},
        check::{Checked, Verdict},
        programme::{MODEL_EVENT, parse},
    };

    const NOW: Timestamp = Timestamp(1_600_000_000_000);

    fn model() -> Programme {
        parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    fn later(secs: u64) -> Timestamp {
        NOW + Millis::from_secs(secs)
    }

    /// A folder whose store keeps the model event.
    fn filled() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        store.import(&model(), NOW).expect("imported");
        (folder, store)
    }

    fn first_grant(reading: &Reading) -> Grant {
        let kept = reading.event(&model().id).expect("the event");
        let revocations = reading.revocations(&model().id).expect("revocations");
        let seat = &kept.programme.seats[0];
        kept.guests(&revocations).grant(seat, kept.validity())
    }

    #[test]
    fn an_event_is_kept_beyond_the_process() {
        let (folder, mut store) = filled();
        store.set_meta("k", "1").expect("kept");
        store.set_meta("k", "2").expect("kept");
        drop(store);
        let store = Store::open(folder.path()).expect("the store");
        let kept = store.reading().event(&model().id).expect("the event");
        let expected = Kept {
            programme: model(),
            imported: NOW,
        };
        assert_eq!(kept, expected);
        assert_eq!(store.reading().events().expect("events"), [expected]);
        let meta = |key| store.reading().meta(key).expect("meta");
        assert_eq!((meta("k").as_deref(), meta("x")), (Some("2"), None));
    }

    #[test]
    fn an_event_imported_again_is_replaced_and_keeps_links_and_revocations() {
        let (_folder, mut store) = filled();
        let links_before = first_grant(store.reading());
        store.revoke_invite(&model().id, "x", NOW).expect("revoked");
        let mut changed = model();
        changed.title = "Another title".to_owned();
        store.import(&changed, later(60)).expect("imported");

        let kept = store.reading().events().expect("events");
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].programme, changed);
        assert_eq!(kept[0].imported, NOW);
        assert_eq!(first_grant(store.reading()), links_before);
        let revocations = store.reading().revocations(&model().id).expect("read");
        assert_ne!(revocations, Revocations::default());
    }

    #[test]
    fn links_are_valid_from_the_import_until_a_day_after_the_event() {
        let (_folder, store) = filled();
        let kept = store.reading().event(&model().id).expect("the event");
        let end = model().ends().expect("an end");
        let expected = Validity {
            not_before: NOW,
            expires: Timestamp(end.0 + 86_400_000),
            uses: None,
        };
        assert_eq!(kept.validity(), expected);
    }

    #[test]
    fn revocations_are_kept_for_their_event_alone() {
        let (folder, mut store) = filled();
        let mut other = model();
        other.id = "other".parse().expect("a slug");
        store.import(&other, NOW).expect("imported");
        let grant = first_grant(store.reading());
        let covers = |store: &Store, event: &EventId, grant: &Grant| {
            let revocations = store.reading().revocations(event).expect("revocations");
            revocations.covers(grant)
        };

        for _ in 0..2 {
            store
                .revoke_invite(&model().id, &grant.jti, later(9))
                .expect("revoked");
        }
        assert!(covers(&store, &model().id, &grant));
        assert!(!covers(&store, &other.id, &grant));

        let next = first_grant(store.reading());
        store
            .revoke_member(&model().id, &next.member, later(20))
            .expect("revoked");
        drop(store);
        let store = Store::open(folder.path()).expect("the store");
        assert!(covers(&store, &model().id, &next));
        let newest = first_grant(store.reading());
        assert_eq!(newest.not_before, later(21));
        assert!(!covers(&store, &model().id, &newest));
    }

    #[test]
    fn a_member_s_links_are_withdrawn_again_within_the_second_in_which_one_was_made() {
        let (_folder, mut store) = filled();
        let member = first_grant(store.reading()).member;
        let revoke = |store: &mut Store, now| {
            let at = store.revoke_member(&model().id, &member, now);
            at.expect("revoked")
        };
        let covers = |store: &Store, grant: &Grant| {
            let revocations = store.reading().revocations(&model().id);
            revocations.expect("revocations").covers(grant)
        };
        let first = later(10) + Millis(400);
        assert_eq!(revoke(&mut store, first), first);
        let between = first_grant(store.reading());
        assert!(!covers(&store, &between));
        // A clock that was set back does not let it through either.
        for now in [first + Millis(100), later(0)] {
            let at = revoke(&mut store, now);
            assert!(at > first && covers(&store, &between), "{at:?}");
        }
        assert!(!covers(&store, &first_grant(store.reading())));
    }

    #[test]
    fn the_devices_of_a_limited_link_are_kept() {
        let (folder, mut store) = filled();
        for device in [7, 7, -1] {
            store.keep_use(&model().id, "x", device).expect("kept");
        }
        drop(store);
        let store = Store::open(folder.path()).expect("the store");
        let mut expected = Uses::default();
        expected.note("x", 7);
        expected.note("x", -1);
        assert_eq!(store.reading().uses(&model().id).expect("read"), expected);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let (_folder, mut store) = filled();
        let nowhere: EventId = "nowhere".parse().expect("a slug");
        let nobody: MemberId = "nobody-1".parse().expect("a slug");
        let refused = [
            store.reading().event(&nowhere).err(),
            store.revoke_invite(&nowhere, "x", NOW).err(),
            store.revoke_member(&nowhere, &nobody, NOW).err(),
        ];
        for fault in refused {
            assert!(
                matches!(&fault, Some(Fault::UnknownEvent(id)) if *id == nowhere),
                "{fault:?}"
            );
        }
        let refused = store.revoke_member(&model().id, &nobody, NOW).err();
        assert!(
            matches!(refused, Some(Fault::UnknownMember(_))),
            "{refused:?}"
        );
        for jti in ["", &"x".repeat(JTI_BYTES_MAX + 1)] {
            let refused = store.revoke_invite(&model().id, jti, NOW).err();
            assert!(matches!(refused, Some(Fault::BadJti)), "{refused:?}");
        }
    }

    #[test]
    fn revocations_are_bounded() {
        let (_folder, mut store) = filled();
        store
            .reading
            .connection()
            .execute(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
                 INSERT INTO revoked_invite SELECT ?2, 'jti-' || n, 0 FROM n",
                params![REVOCATIONS_MAX, model().id.as_str()],
            )
            .expect("filled");
        let refused = store.revoke_invite(&model().id, "x", NOW).err();
        assert!(
            matches!(refused, Some(Fault::TooManyRevocations)),
            "{refused:?}"
        );
        let member = model().seats[0].member.clone();
        store
            .revoke_member(&model().id, &member, NOW)
            .expect("the way out that the message names");
    }

    #[test]
    fn of_each_member_the_latest_report_is_kept() {
        let (folder, mut store) = filled();
        let event = model().id;
        let [one, other] = [0, 1].map(|place: usize| model().seats[place].member.clone());
        let report = |verdict, rtt_ms| Report {
            verdict,
            rtt_ms: Some(rtt_ms),
            loss_pct: Some(0),
            microphone: Some(true),
            camera: None,
            speaker: Some(false),
            browser: "Firefox 153".to_owned(),
        };
        let mut keep = |member: &MemberId, at, report: &Report| {
            let kept = store.keep_report(&event, member, at, report);
            kept.expect("kept");
        };
        keep(&one, NOW, &report(Verdict::None, 1));
        keep(&other, later(1), &report(Verdict::Tcp, 2));
        keep(&one, later(2), &report(Verdict::Udp, 3));
        // The seat of one who was taken off the roster.
        keep(
            &"nobody".parse().expect("a slug"),
            NOW,
            &report(Verdict::Udp, 4),
        );
        drop(store);
        let store = Store::open(folder.path()).expect("the store");
        let mut checks = store.reading().checks(&model()).expect("checks");
        checks.sort_by_key(|checked| checked.at);
        let checked = |member: &MemberId, at, report| Checked {
            member: member.clone(),
            at,
            report,
        };
        let expected = [
            checked(&other, later(1), report(Verdict::Tcp, 2)),
            checked(&one, later(2), report(Verdict::Udp, 3)),
        ];
        assert_eq!(checks, expected);
    }

    #[test]
    fn a_folder_has_one_owner_and_any_number_of_readers() {
        let (folder, mut store) = filled();
        let refused = Store::open(folder.path())
            .err()
            .expect("in use")
            .to_string();
        let own_id = format!("(process {})", std::process::id());
        assert!(
            refused.contains("in use") && refused.ends_with(&own_id),
            "{refused}"
        );

        let owner = || Store::owner(folder.path()).expect("told");
        let process = Some(std::process::id());
        assert_eq!(owner(), Some(Owner { process }));

        let reader = Reading::open(folder.path()).expect("a reader");
        assert_eq!(reader.events().expect("events").len(), 1);
        store.revoke_invite(&model().id, "x", NOW).expect("revoked");
        let seen = reader.revocations(&model().id).expect("revocations");
        assert_ne!(seen, Revocations::default());

        drop(store);
        assert_eq!(owner(), None);
        Store::open(folder.path()).expect("free again");
    }

    #[test]
    fn a_reader_changes_nothing() {
        let (folder, store) = filled();
        drop(store);
        let reader = Reading::open(folder.path()).expect("a reader");
        let changed = reader.connection().execute("DELETE FROM programme", []);
        assert!(changed.is_err());
    }

    #[test]
    fn nothing_in_the_folder_can_be_read_by_others() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("a").join("b");
        let mut store = Store::open(&folder).expect("a store");
        store.import(&model(), NOW).expect("imported");
        let mode = |path: &Path| fs::metadata(path).expect("there").mode() & 0o7777;
        assert_eq!(mode(&folder), 0o700);
        let files: Vec<_> = fs::read_dir(&folder)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        // The database, its two side files and the lock.
        assert_eq!(files.len(), 4, "{files:?}");
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }

    #[test]
    fn what_has_been_committed_survives_power_loss() {
        let (_folder, store) = filled();
        let connection = store.reading.connection();
        let journal: String = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .expect("a mode");
        let synchronous: i64 = connection
            .pragma_query_value(None, "synchronous", |row| row.get(0))
            .expect("a mode");
        // 2 is FULL.
        assert_eq!((journal.as_str(), synchronous), ("wal", 2));
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("a file");
        for path in [file.clone(), file.join("below")] {
            let refused = Store::open(&path).err();
            let named = matches!(&refused, Some(Fault::Folder { folder, .. }) if *folder == path);
            assert!(named, "{refused:?}");
        }
        let refused = Reading::open(folder.path()).err();
        assert!(
            matches!(refused, Some(Fault::Missing { .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn files_of_others_and_of_the_future_are_refused_untouched() {
        let both = |folder: &Path| [Store::open(folder).err(), Reading::open(folder).err()];

        let (folder, store) = filled();
        store
            .reading
            .connection()
            .pragma_update(None, "user_version", 1000)
            .expect("set");
        drop(store);
        for fault in both(folder.path()) {
            assert!(matches!(fault, Some(Fault::Newer)), "{fault:?}");
        }

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(DATABASE_FILE);
        let foreign = Connection::open(&path).expect("a file");
        foreign
            .execute_batch("CREATE TABLE t (x)")
            .expect("a table");
        drop(foreign);
        let before = fs::read(&path).expect("the file");
        for fault in both(folder.path()) {
            assert!(matches!(fault, Some(Fault::Foreign)), "{fault:?}");
        }
        assert_eq!(fs::read(&path).expect("the file"), before);

        fs::write(
            &path,
            "no database at all, but long enough to look at".repeat(9),
        )
        .expect("written");
        for fault in both(folder.path()) {
            assert!(matches!(fault, Some(Fault::Sqlite(_))), "{fault:?}");
        }
    }

    #[test]
    fn a_new_file_without_content_is_a_missing_store() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(DATABASE_FILE), "").expect("a file");
        let refused = Reading::open(folder.path()).err();
        assert!(
            matches!(refused, Some(Fault::Missing { .. })),
            "{refused:?}"
        );
        Store::open(folder.path()).expect("filled now");
        Reading::open(folder.path()).expect("a store");
    }

    #[test]
    fn a_body_that_cannot_be_read_is_damage() {
        let (_folder, store) = filled();
        store
            .reading
            .connection()
            .execute("UPDATE programme SET body = '{}'", [])
            .expect("set");
        let refused = store.reading().events().err();
        assert!(matches!(refused, Some(Fault::Damaged(_))), "{refused:?}");
    }
}
