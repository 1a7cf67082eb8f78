//! The record: what the command line writes.

use std::fs;

use crate::desk::{Desk, EVENT, problem};

#[test]
fn the_record_is_that_of_the_command_line() {
    let desk = Desk::open();
    let path = format!("/events/{EVENT}/record");
    let export = |arguments: &[&str]| {
        let said = desk
            .place
            .run_on_data(&[&["event", "export", EVENT], arguments].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        said.out
    };
    assert_eq!(desk.get(&path).body, export(&[]));
    let json = [("Accept", "application/json")];
    let data = desk.ask("GET", &path, &json, None);
    assert_eq!(data.body, export(&["--format", "json"]));
    let folder = desk.place.path("tables");
    let folder_text = folder.to_str().expect("a plain path");
    export(&["--format", "csv", "--out", folder_text]);
    let mut tables = 0;
    for file in fs::read_dir(folder).expect("a folder") {
        let file = file.expect("a file");
        let name = file.file_name().into_string().expect("UTF-8");
        let table = desk.get(&format!("{path}/{name}"));
        let written = fs::read_to_string(file.path()).expect("text");
        assert_eq!((table.status, table.body), (200, written), "{name}");
        tables += 1;
    }
    assert_eq!(tables, 8);
    problem(&desk.get(&format!("{path}/colours.csv")), 404, "unknown");
    let flag = desk.get(&format!("{path}?chairs_chat=perhaps"));
    problem(&flag, 422, "invalid");
}
