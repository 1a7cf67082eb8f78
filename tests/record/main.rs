//! A scripted journal becomes exactly the files in `expected`, in every form of the record.
//!
//! `ROUNDTABLE_WRITE_EXPECTED=1 cargo test --test record` writes them anew: look at what changed.

use std::{fs, path::Path};

use roundtable::{
    meeting::{Recorded, event::EVENT_VERSION},
    programme::{MODEL_EVENT, Programme, parse},
    record::{ChairsChat, Journal, Record},
};
use serde_json::{Value, json};

/// What happens in the first session: seconds after its planned start, and the event.
const FIRST: &[(i64, &str)] = &[
    (-600, r#"{"type":"session.prepared","by":"csis-1"}"#),
    (
        -600,
        r#"{"type":"member.joined","member":"csis-1","name":"Chair, CSIS Jakarta","role":"chair","delegation":"csis","rank":1}"#,
    ),
    (
        -30,
        r#"{"type":"lobby.admitted","member":"indonesia-1","by":"csis-1"}"#,
    ),
    (
        -30,
        r#"{"type":"member.joined","member":"indonesia-1","name":"Dr. Sari *Wijaya*","role":"delegate","delegation":"indonesia"}"#,
    ),
    (0, r#"{"type":"session.opened","by":"csis-1"}"#),
    (
        5,
        r#"{"type":"session.notice","text":"Please keep to five minutes.","by":"csis-1"}"#,
    ),
    (
        10,
        r#"{"type":"member.joined","member":"russia-1","name":"","role":"delegate","delegation":"russia"}"#,
    ),
    (20, r#"{"type":"floor.requested","member":"indonesia-1"}"#),
    (
        30,
        r#"{"type":"floor.granted","turn":1,"member":"indonesia-1","by":"csis-1","limit_ms":300000}"#,
    ),
    (
        31,
        r#"{"type":"floor.confirmed","turn":1,"member":"indonesia-1"}"#,
    ),
    (
        33,
        r#"{"type":"floor.started","turn":1,"member":"indonesia-1"}"#,
    ),
    (
        40,
        r#"{"type":"chat.sent","member":"russia-1","to":"everybody","text":"=1+1 | a|b\nnext line"}"#,
    ),
    (
        41,
        r#"{"type":"chat.sent","member":"russia-1","to":"chairs","text":"May I speak next?"}"#,
    ),
    (
        153,
        r#"{"type":"floor.ended","turn":1,"member":"indonesia-1","reason":"finished","by":null,"spoken_ms":120000}"#,
    ),
    (
        160,
        r#"{"type":"minutes.noted","text":"Indonesia proposes a yearly meeting.","by":"csis-1"}"#,
    ),
    (
        200,
        r#"{"type":"session.configured","by":"csis-1","mode":"fifo","microphones":2,"turn_ms":180000,"lobby":true}"#,
    ),
    (
        300,
        r#"{"type":"agenda.item_started","item":"presentations","by":"csis-1"}"#,
    ),
    (310, r#"{"type":"floor.requested","member":"russia-1"}"#),
    (
        310,
        r#"{"type":"floor.granted","turn":2,"member":"russia-1","by":null,"limit_ms":180000}"#,
    ),
    (
        320,
        r#"{"type":"floor.missed","turn":2,"member":"russia-1","requeued":true}"#,
    ),
    (
        321,
        r#"{"type":"floor.granted","turn":3,"member":"russia-1","kind":"response","by":"csis-1","limit_ms":120000}"#,
    ),
    (
        323,
        r#"{"type":"floor.started","turn":3,"member":"russia-1"}"#,
    ),
    (
        330,
        r#"{"type":"floor.extended","turn":3,"member":"russia-1","limit_ms":180000,"by":"csis-1"}"#,
    ),
    (
        500,
        r#"{"type":"floor.ended","turn":3,"member":"russia-1","reason":"stopped","by":"csis-1","spoken_ms":176500}"#,
    ),
    (
        510,
        r#"{"type":"recommendation.proposed","number":1,"member":"indonesia-1","text":"Meet yearly."}"#,
    ),
    (
        515,
        r#"{"type":"recommendation.supported","number":1,"member":"csis-1"}"#,
    ),
    (
        520,
        r#"{"type":"recommendation.edited","number":1,"member":"indonesia-1","text":"Meet every year, in turn."}"#,
    ),
    (
        525,
        r#"{"type":"recommendation.supported","number":1,"member":"russia-1"}"#,
    ),
    (
        530,
        r#"{"type":"recommendation.status_set","number":1,"status":"agreed","by":"csis-1"}"#,
    ),
    (
        540,
        r#"{"type":"recommendation.signed","number":1,"institute":"csis","by":"csis-1"}"#,
    ),
    (
        545,
        r#"{"type":"recommendation.proposed","number":2,"member":"russia-1","text":"A joint library."}"#,
    ),
    (550, r#"{"type":"member.lost","member":"russia-1"}"#),
    (555, r#"{"type":"member.back","member":"russia-1"}"#),
    (560, r#"{"type":"member.lost","member":"indonesia-1"}"#),
    (
        620,
        r#"{"type":"member.left","member":"indonesia-1","reason":"lost","by":null}"#,
    ),
    (
        700,
        r#"{"type":"member.joined","member":"indonesia-1","name":"Dr. Sari Wijaya","role":"delegate","delegation":"indonesia"}"#,
    ),
    (
        900,
        r#"{"type":"member.muted","member":"indonesia-1","by":"csis-1"}"#,
    ),
    (
        950,
        r#"{"type":"member.left","member":"russia-1","reason":"removed","by":"csis-1"}"#,
    ),
    (
        1000,
        r#"{"type":"floor.granted","turn":4,"member":"indonesia-1","by":"csis-1","limit_ms":180000}"#,
    ),
    (
        1002,
        r#"{"type":"floor.started","turn":4,"member":"indonesia-1"}"#,
    ),
    (
        1032,
        r#"{"type":"floor.ended","turn":4,"member":"indonesia-1","reason":"closed","by":"csis-1","spoken_ms":30000}"#,
    ),
    (1032, r#"{"type":"session.closed","by":"csis-1"}"#),
    (
        1100,
        r#"{"type":"member.left","member":"indonesia-1","reason":"left","by":null}"#,
    ),
    (
        1200,
        r#"{"type":"member.left","member":"csis-1","reason":"left","by":null}"#,
    ),
    // The next day.
    (
        86_390,
        r#"{"type":"member.joined","member":"csis-1","name":"Chair, CSIS Jakarta","role":"chair","delegation":"csis","rank":1}"#,
    ),
    (86_400, r#"{"type":"session.reopened","by":"csis-1"}"#),
    (86_500, r#"{"type":"session.closed","by":"csis-1"}"#),
];

/// What happens in a session that the programme does not have any more.
const DROPPED: &[(i64, &str)] = &[
    (0, r#"{"type":"session.opened","by":null}"#),
    (
        1,
        r#"{"type":"floor.granted","turn":1,"member":"nobody-1","by":null,"limit_ms":60000}"#,
    ),
    (
        2,
        r#"{"type":"floor.ended","turn":1,"member":"nobody-1","reason":"time","by":null,"spoken_ms":1000}"#,
    ),
    (
        3,
        r#"{"type":"floor.granted","turn":2,"member":"laos-1","by":null,"limit_ms":60000}"#,
    ),
];

fn model() -> Programme {
    parse(MODEL_EVENT).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn journal(session: &str, script: &[(i64, &str)]) -> Journal {
    let start = model().starts().expect("a start").0;
    let entries = script.iter().zip(1..).map(|((second, event), rev)| {
        let mut entry: Value = serde_json::from_str(event).expect("JSON");
        entry["v"] = json!(EVENT_VERSION);
        entry["rev"] = json!(rev);
        entry["at"] = json!(start + second * 1000);
        let read: Recorded =
            serde_json::from_value(entry).unwrap_or_else(|why| panic!("{event}: {why}"));
        read
    });
    Journal {
        session: session.parse().expect("a slug"),
        entries: entries.collect(),
    }
}

fn record(chairs: ChairsChat) -> Record {
    let journals = [journal("session-1", FIRST), journal("session-9", DROPPED)];
    Record::new(&model(), &journals, "97c1".repeat(16), chairs)
}

fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/record/expected")
        .join(name);
    if std::env::var_os("ROUNDTABLE_WRITE_EXPECTED").is_some() {
        fs::write(&path, text).expect("written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == expected,
        "{} is not what is expected:\n{text}",
        path.display()
    );
}

#[test]
fn the_document_is_exactly_this() {
    compare("record.md", &record(ChairsChat::Without).markdown());
}

#[test]
fn the_object_is_exactly_this() {
    compare("record.json", &record(ChairsChat::Without).json());
}

#[test]
fn each_table_is_exactly_this() {
    let tables = record(ChairsChat::Without).tables();
    assert_eq!(tables.len(), 8);
    for table in tables {
        compare(table.name, &table.text);
    }
}

#[test]
fn what_was_written_to_the_chairs_is_theirs() {
    let said = "May I speak next?";
    for (chairs, there) in [(ChairsChat::Without, false), (ChairsChat::With, true)] {
        let record = record(chairs);
        let chat = record.tables().swap_remove(5);
        assert_eq!(chat.name, "chat.csv");
        for text in [record.markdown(), record.json(), chat.text] {
            assert_eq!(text.contains(said), there);
        }
    }
}

/// The record of a first session in which this happens.
fn session(script: &[(i64, &str)]) -> Value {
    let journals = [journal("session-1", script)];
    let record = Record::new(&model(), &journals, String::new(), ChairsChat::Without);
    let read: Value = serde_json::from_str(&record.json()).expect("JSON");
    read["sessions"][0].clone()
}

#[test]
fn a_turn_began_with_its_first_words_also_where_its_speaker_was_lost_meanwhile() {
    let session = session(&[
        (0, r#"{"type":"session.opened","by":null}"#),
        (
            1,
            r#"{"type":"floor.granted","turn":1,"member":"indonesia-1","by":null,"limit_ms":60000}"#,
        ),
        (
            3,
            r#"{"type":"floor.started","turn":1,"member":"indonesia-1"}"#,
        ),
        (20, r#"{"type":"member.lost","member":"indonesia-1"}"#),
        (30, r#"{"type":"member.back","member":"indonesia-1"}"#),
        (
            35,
            r#"{"type":"floor.started","turn":1,"member":"indonesia-1"}"#,
        ),
        (
            40,
            r#"{"type":"floor.ended","turn":1,"member":"indonesia-1","reason":"finished","by":null,"spoken_ms":22000}"#,
        ),
    ]);
    assert_eq!(session["turns"][0]["from"], "2020-11-19T14:00:03+07:00");
}

/// Pages that were left open come back by themselves, as others or under another name.
#[test]
fn a_night_without_a_server_is_nobodys_presence() {
    let session = session(&[
        (0, r#"{"type":"session.opened","by":null}"#),
        (
            10,
            r#"{"type":"member.joined","member":"indonesia-1","name":"I","role":"delegate","delegation":"indonesia"}"#,
        ),
        (
            20,
            r#"{"type":"member.joined","member":"russia-1","name":"R","role":"delegate","delegation":"russia"}"#,
        ),
        (
            30,
            r#"{"type":"member.joined","member":"laos-1","name":"L","role":"delegate","delegation":"laos"}"#,
        ),
        (500, r#"{"type":"member.lost","member":"laos-1"}"#),
        (550, r#"{"type":"member.back","member":"laos-1"}"#),
        (
            580,
            r#"{"type":"member.left","member":"laos-1","reason":"left","by":null}"#,
        ),
        (600, r#"{"type":"member.lost","member":"indonesia-1"}"#),
        (600, r#"{"type":"member.lost","member":"russia-1"}"#),
        (47_400, r#"{"type":"member.back","member":"indonesia-1"}"#),
        (
            47_410,
            r#"{"type":"member.joined","member":"russia-1","name":"Dr. R","role":"delegate","delegation":"russia"}"#,
        ),
        (47_410, r#"{"type":"member.back","member":"russia-1"}"#),
        (47_500, r#"{"type":"session.closed","by":"csis-1"}"#),
    ]);
    let attended = session["attendance"].as_array().expect("a list").iter();
    let present: Vec<_> = attended
        .map(|it| (it["member"].as_str(), it["present_ms"].as_u64()))
        .collect();
    let expected = [
        (Some("indonesia-1"), Some(690_000)),
        (Some("russia-1"), Some(670_000)),
        (Some("laos-1"), Some(550_000)),
    ];
    assert_eq!(present, expected);
}

#[test]
fn an_event_of_which_nothing_was_recorded_has_a_record_too() {
    let record = Record::new(&model(), &[], String::new(), ChairsChat::With);
    let document = record.markdown();
    assert_eq!(document.matches("not opened").count(), 4, "{document}");
    let read: Value = serde_json::from_str(&record.json()).expect("JSON");
    assert_eq!(read["sessions"].as_array().map(Vec::len), Some(4));
    assert!(
        record
            .tables()
            .iter()
            .all(|it| it.text.lines().count() <= 11)
    );
}
