//! The server without sockets: the rooms, and the store that their entries go to in batches.

use std::collections::BTreeMap;

use roundtable::{
    ids::SessionId,
    meeting::{self, Meeting, event::Recorded},
    programme::Programme,
    room::{Output, Room, Settings},
    store::{Batch, Store},
    time::Timestamp,
};

pub struct House {
    pub programme: Programme,
    pub rooms: BTreeMap<SessionId, Room>,
    folder: tempfile::TempDir,
    store: Option<Store>,
    /// What the rooms have left for the disk, by session.
    unstored: BTreeMap<SessionId, Vec<Recorded>>,
}

impl House {
    pub fn open(programme: Programme) -> Self {
        // In memory where the machine has that: some ten thousand commits would wait for its disk.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = folder.expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        store.import(&programme, Timestamp(0)).expect("imported");
        let mut house = Self {
            programme,
            rooms: BTreeMap::new(),
            folder,
            store: Some(store),
            unstored: BTreeMap::new(),
        };
        house.rebuild(None);
        house
    }

    /// What comes out of the rooms. Entries stay until they are stored.
    pub fn outputs(&mut self) -> Vec<(SessionId, Output)> {
        let mut outputs = Vec::new();
        for (session, room) in &mut self.rooms {
            while let Some(output) = room.poll_output() {
                match output {
                    Output::Append(entries) => {
                        let waiting = self.unstored.entry(session.clone()).or_default();
                        waiting.extend(entries);
                    }
                    output => outputs.push((session.clone(), output)),
                }
            }
        }
        outputs
    }

    pub fn has_unstored(&self) -> bool {
        !self.unstored.is_empty()
    }

    /// The disk has taken what lay there.
    pub fn flush(&mut self) {
        let unstored = std::mem::take(&mut self.unstored);
        let batch = |(session, entries)| Batch { session, entries };
        let batches: Vec<Batch> = unstored.into_iter().map(batch).collect();
        let store = self.store.as_mut().expect("a store");
        store.append(&self.programme.id, &batches).expect("stored");
        for batch in &batches {
            let last = batch.entries.last().expect("no empty batch").rev;
            let room = self.rooms.get_mut(&batch.session).expect("a room");
            room.handle_stored(last);
        }
    }

    /// The process is killed: what is not stored is lost. It starts again.
    pub fn restart(&mut self, now: Timestamp) {
        self.unstored.clear();
        self.rooms.clear();
        self.store = None;
        self.store = Some(Store::open(self.folder.path()).expect("the store"));
        self.rebuild(Some(now));
    }

    fn rebuild(&mut self, restarted: Option<Timestamp>) {
        let store = self.store.as_ref().expect("a store");
        for (_, plan) in self.programme.sessions() {
            let seats = self.programme.seats.clone();
            let mut meeting = Meeting::new(plan.clone(), seats, meeting::Settings::default());
            let entries = store.reading().journal(&self.programme.id, &plan.id);
            for entry in entries.expect("whole") {
                meeting.apply(entry.at, &entry.event);
            }
            let room = match restarted {
                Some(now) => Room::recover(meeting, Settings::default(), now, now),
                None => Room::new(meeting, Settings::default()),
            };
            self.rooms.insert(plan.id.clone(), room);
        }
    }

    /// The folder, which nobody owns any more.
    pub fn close(&mut self) -> tempfile::TempDir {
        self.store = None;
        std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"))
    }
}
