//! `roundtable verify` and `roundtable event export`.

use roundtable::{
    meeting::{Event, Recorded, Rev, event::EVENT_VERSION},
    store::{Batch, Store},
    time::Timestamp,
};
use rusqlite::Connection;

use crate::program::{Place, Said, text_of};

const MODEL: &str = include_str!("../../config/nartt-2020.toml");

/// A data folder with the model event and a journal of two sessions.
fn recorded() -> Place {
    let place = Place::new();
    let file = place.file("event.toml", MODEL);
    assert_eq!(place.run_on_data(&["event", "import", &file]).code, Some(0));
    let mut store = Store::open(&place.data()).expect("a store");
    let event = "nartt-2020".parse().expect("a slug");
    for (session, last) in [("session-1", 1200), ("session-2", 34)] {
        let entries = (1..=last).map(|rev| Recorded {
            v: EVENT_VERSION,
            rev: Rev(rev),
            at: Timestamp(1_605_750_000_000),
            event: Event::MemberLost {
                member: "indonesia-1".parse().expect("a slug"),
            },
        });
        let batch = Batch {
            session: session.parse().expect("a slug"),
            entries: entries.collect(),
        };
        store.append(&event, &[batch]).expect("kept");
    }
    place
}

fn verify(place: &Place) -> Said {
    place.run_on_data(&["verify", "nartt-2020"])
}

fn change(place: &Place, sql: &str) {
    let database = Connection::open(place.data().join("roundtable.db")).expect("a database");
    assert_eq!(database.execute(sql, []), Ok(1));
}

#[test]
fn a_whole_record_is_summed_up_so_that_copies_can_be_compared() {
    let place = recorded();
    let said = verify(&place);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[0], "nartt-2020: 4 sessions, 1,234 entries, whole");
    assert!(lines[1].starts_with("session-1: 1,200 entries, head "));
    assert!(lines[2].starts_with("session-2: 34 entries, head "));
    assert_eq!(lines.len(), 7, "{said:?}");
    let head = |said: &Said| {
        let line = said.out.lines().nth(5).expect("a line").to_owned();
        let hash = line
            .strip_prefix("the event's own journal: 2 entries, head ")
            .expect("its line");
        assert_eq!(hash.len(), 64, "{line}");
        line
    };
    assert_eq!(head(&said), head(&verify(&recorded())), "an equal record");

    // Also while a server has the folder, which has more to tell.
    let served = place.serve(&["--open", "session-3"]);
    let while_served = verify(&place);
    assert_eq!(while_served.code, Some(0), "{while_served:?}");
    assert!(
        while_served.out.contains("session-3: 1 entry, head "),
        "{while_served:?}"
    );
    drop(served);
}

#[test]
fn the_first_damaged_entry_is_named() {
    let place = recorded();
    change(
        &place,
        "UPDATE journal SET body = replace(body, 'indonesia-1', 'indonesia-2')
         WHERE chain = 'session-1' AND rev = 2",
    );
    let said = verify(&place);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
    assert_eq!(
        said.one_line(),
        "session-1, entry 2: is not what was written"
    );

    change(
        &place,
        "DELETE FROM journal WHERE chain = 'session-2' AND rev = 34",
    );
    let said = verify(&place);
    assert_eq!(said.code, Some(1), "{said:?}");
    let lines: Vec<&str> = said.err.lines().collect();
    assert_eq!(
        lines,
        [
            "session-1, entry 2: is not what was written",
            "session-2, entry 34: is missing and all after it: the event's own journal knows of \
             34 entries",
        ]
    );
}

#[test]
fn what_cannot_be_looked_at_is_said() {
    let place = Place::new();
    assert_eq!(verify(&place).code, Some(2), "no store");
    let place = recorded();
    let said = place.run_on_data(&["verify", "other"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.one_line().contains("`other`"), "{said:?}");
    assert_eq!(place.run_on_data(&["verify", "No Slug"]).code, Some(2));
    assert_eq!(place.run_on_data(&["verify"]).code, Some(2));
}

#[test]
fn a_record_is_exported_where_it_is_whole() {
    let place = recorded();
    let export = |arguments: &[&str]| {
        place.run_on_data(&[&["event", "export", "nartt-2020"], arguments].concat())
    };
    let said = export(&[]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert!(said.out.starts_with("# Second Meeting of"), "{said:?}");
    // The same hash as `verify` says.
    let verified = verify(&place).out;
    let line = verified.lines().nth(5).expect("the event's own journal");
    let head = line.rsplit(' ').next().expect("a hash");
    assert!(said.out.contains(head), "{said:?}");

    let file = text_of(&place.path("record.json"));
    let said = export(&["--format", "json", "--out", &file]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{said:?}");
    let text = std::fs::read_to_string(&file).expect("written");
    let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(read["head"], head);

    let folder = place.path("tables");
    let said = export(&["--format", "csv", "--out", &text_of(&folder)]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{said:?}");
    let files = std::fs::read_dir(&folder).expect("made").count();
    assert_eq!(files, 8);
    assert_eq!(export(&["--format", "csv"]).code, Some(2), "where to?");
    let nowhere = text_of(&place.path("none/record.md"));
    let said = export(&["--out", &nowhere]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.one_line().starts_with(&nowhere), "{said:?}");
    let said = place.run_on_data(&["event", "export", "other"]);
    assert_eq!(said.code, Some(1), "{said:?}");

    change(
        &place,
        "UPDATE journal SET body = replace(body, 'indonesia-1', 'indonesia-2')
         WHERE chain = 'session-1' AND rev = 2",
    );
    let said = export(&[]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
    assert_eq!(
        said.one_line(),
        "session-1, entry 2: is not what was written"
    );
}
