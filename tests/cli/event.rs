//! `roundtable event …`.

use crate::program::{Place, text_of};

const MODEL: &str = include_str!("../../config/nartt-2020.toml");

#[test]
fn a_whole_file_is_summed_up() {
    let place = Place::new();
    let file = place.file("event.toml", MODEL);
    let said = place.run(&["event", "check", &file]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert!(
        said.out
            .starts_with("nartt-2020  2020-11-19 to 2020-11-20  4 sessions"),
        "{said:?}"
    );
}

#[test]
fn every_fault_is_told_with_line_and_column() {
    let place = Place::new();
    let file = place.file(
        "event.toml",
        &MODEL.replace("\ntitle = \"Second", "\n  titel = \"Second"),
    );
    let said = place.run(&["event", "check", &file]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
    let line = MODEL
        .lines()
        .position(|line| line.starts_with("title ="))
        .expect("a title");
    let place_of_it = format!("{file}:{}:3: ", line.saturating_add(1));
    assert!(
        said.err.lines().any(|line| line.starts_with(&place_of_it)),
        "{said:?}"
    );
    assert!(
        said.err
            .lines()
            .all(|line| line.starts_with(&format!("{file}:"))),
        "{said:?}"
    );

    let said = place.run_on_data(&["event", "import", &file]);
    assert_eq!(said.code, Some(1), "{said:?}");

    let missing = text_of(&place.path("missing.toml"));
    let said = place.run(&["event", "check", &missing]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.one_line().starts_with(&missing), "{said:?}");
}

#[test]
fn an_event_is_as_large_as_the_settings_allow() {
    let place = Place::new();
    let file = place.file("event.toml", MODEL);
    let settings = place.file("settings.toml", "[programme]\ndays_max = 1\n");
    let config = ["--config", settings.as_str()];
    for said in [
        place.run(&[&["event", "check", &file], &config[..]].concat()),
        place.run_on_data(&[&["event", "import", &file], &config[..]].concat()),
    ] {
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.one_line().starts_with(&file), "{said:?}");
        assert!(said.one_line().ends_with(": an event has at most 1 days"));
    }
    assert_eq!(place.run_on_data(&["event", "list"]).out, "");
}

#[test]
fn an_imported_event_is_listed_and_served() {
    let place = Place::new();
    let said = place.run_on_data(&["event", "list"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{said:?}");

    let file = place.file(
        "event.toml",
        &MODEL.replace("event = \"nartt-2020\"", "event = \"my-event\""),
    );
    let said = place.run_on_data(&["event", "import", &file]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let said = place.run_on_data(&["event", "list"]);
    assert_eq!(said.out.lines().count(), 1, "{said:?}");
    assert!(said.out.starts_with("my-event  2020-11-19"), "{said:?}");

    // The only event needs no name.
    let served = place.serve(&[]);
    assert!(
        served.greeting.contains("Event my-event: "),
        "{}",
        served.greeting
    );
    assert!(
        !served.greeting.contains("/join#"),
        "only a demonstration shows links"
    );

    // What is imported meanwhile goes through the server, which serves it from its next start on.
    let file = place.file(
        "other.toml",
        &MODEL.replace("event = \"nartt-2020\"", "event = \"other\""),
    );
    let said = place.run_on_data(&["event", "import", &file]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert!(said.out.contains("next start"), "{said:?}");
    let said = place.run_on_data(&["event", "list"]);
    assert_eq!(said.out.lines().count(), 2, "{said:?}");
    drop(served);

    let said = place.run_on_data(&["serve", "--listen", "127.0.0.1:0", "--media-port", "0"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.one_line().contains("my-event, other"), "{said:?}");
    assert!(
        place
            .serve(&["--event", "other"])
            .greeting
            .contains("Event other: ")
    );
}
