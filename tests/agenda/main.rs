//! The model event's two days on a virtual clock: every session with its agenda and 60 members, the
//! rooms and the store as the server has them, played from a seed in seconds, with a restart of the
//! server in every session.
//!
//! Members here are what a client holds of what it was told; media is answered by notices, as a shard
//! would give them. Packets and browsers are `tests/simulation`'s and `tests/browser`'s.
//!
//! A failing run names its seed, and `ROUNDTABLE_SEED=n` runs it again.

mod house;
mod member;
mod play;

use std::collections::BTreeMap;

use roundtable::{
    ids::{MemberId, SessionId},
    record::{ChairsChat, Journal, Record},
    store::Reading,
};
use rusqlite::Connection;

use self::play::Play;

/// Members who come, of the roster's.
const MEMBERS: usize = 60;

fn seeds() -> Vec<u64> {
    match std::env::var("ROUNDTABLE_SEED") {
        Ok(seed) => vec![seed.parse().expect("ROUNDTABLE_SEED is a number")],
        Err(_) => (1..=2).collect(),
    }
}

/// The speaking times that the record's JSON object says, by member.
fn spoken(record: &Record) -> BTreeMap<MemberId, u64> {
    let record = serde_json::to_value(record).expect("JSON");
    let rows = record["speaking"]["by_member"].as_array().expect("rows");
    let row = |row: &serde_json::Value| {
        let member = row["member"].as_str().expect("a slug").parse();
        let ms = row["spoken_ms"].as_u64().expect("a length");
        (member.expect("a slug"), ms)
    };
    rows.iter().map(row).filter(|(_, ms)| *ms > 0).collect()
}

#[test]
fn the_two_days_with_a_restart_in_every_session_leave_what_everybody_saw() {
    for seed in seeds() {
        println!("seed {seed}");
        let mut play = Play::new(seed, MEMBERS);
        let sessions: Vec<SessionId> = play.sessions();
        for session in &sessions {
            play.session(session);
        }
        assert_eq!(play.restarts(), sessions.len(), "one in every session");

        let folder = play.close();
        let reading = Reading::open(folder.path()).expect("a store");
        let event = play.event();
        let verdict = reading.verify(&event).expect("looked at");
        assert!(verdict.is_whole(), "{verdict:?}");

        // Whatever anybody was told is in the record, word for word, and nothing else was told.
        let mut journals = Vec::new();
        for session in &sessions {
            let entries = reading.journal(&event, session).expect("whole");
            assert!(entries.len() > 500, "{session}: {} entries", entries.len());
            play.members()
                .for_each(|member| member.check(session, &entries));
            let told = play.told(session);
            let end = play.end_of(session);
            for entry in entries.iter().take_while(|it| it.rev <= end) {
                assert!(
                    told.contains(&entry.rev),
                    "{session}: nobody knows of {entry:?}"
                );
            }
            journals.push(Journal {
                session: session.clone(),
                entries,
            });
        }

        // Who spoke how long is what the clients showed when each session ended.
        let head = verdict.own.head.clone();
        let record = Record::new(play.programme(), &journals, head, ChairsChat::With);
        assert_eq!(spoken(&record), play.spoken());
        assert!(play.spoken().len() > 30, "most of them spoke");

        // One flipped byte is found and named.
        drop(reading);
        let database = Connection::open(folder.path().join("roundtable.db")).expect("a database");
        let changed = database.execute(
            "UPDATE journal SET body = replace(body, '\"rev\":321,', '\"rev\":320,')
             WHERE chain = 'session-3' AND rev = 321",
            [],
        );
        assert_eq!(changed.expect("changed"), 1);
        drop(database);
        let reading = Reading::open(folder.path()).expect("a store");
        let verdict = reading.verify(&event).expect("looked at");
        let found = &verdict.sessions["session-3"].finding;
        assert_eq!(found.as_ref().map(|it| it.entry), Some(321), "{verdict:?}");
        let others = verdict
            .sessions
            .iter()
            .filter(|(name, _)| *name != "session-3");
        for (name, walked) in others {
            assert!(walked.finding.is_none(), "{name}: {walked:?}");
        }
    }
}
