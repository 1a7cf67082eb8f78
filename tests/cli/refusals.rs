//! What is not done is said in one clear line, with exit code 2.

use std::net::{TcpListener, UdpSocket};

use crate::program::{Place, Said, finish, free_ports, text_of};

fn refused(place: &Place, arguments: &[&str]) -> String {
    let data = text_of(&place.data());
    let mut command = place.command(&[&["serve", "--data", &data], arguments].concat());
    free_ports(&mut command);
    one_line(&finish(command))
}

fn one_line(said: &Said) -> String {
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    said.one_line().to_owned()
}

#[test]
fn a_port_in_use() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let said = place.run_on_data(&["serve", "--demo", "--listen", &address, "--media-port", "0"]);
    let line = one_line(&said);
    assert!(line.contains(&address) && line.contains("in use"), "{line}");

    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let said = place.run_on_data(&[
        "serve",
        "--demo",
        "--listen",
        "127.0.0.1:0",
        "--media-port",
        &port,
    ]);
    let line = one_line(&said);
    assert!(line.contains(&port) && line.contains("in use"), "{line}");
}

#[test]
fn a_folder_that_cannot_be_written_or_is_in_use() {
    let place = Place::new();
    let file = place.file("file", "");
    for folder in [file.clone(), format!("{file}/below")] {
        let said = place.run(&[
            "serve",
            "--demo",
            "--listen",
            "127.0.0.1:0",
            "--media-port",
            "0",
            "--data",
            &folder,
        ]);
        let line = one_line(&said);
        assert!(line.contains(&folder), "{line}");
    }
    let _served = place.serve(&["--demo"]);
    let line = refused(&place, &["--demo"]);
    assert!(line.contains("in use by another roundtable"), "{line}");

    let unwritable = text_of(&place.path("none/links.json"));
    let line = refused(&Place::new(), &["--demo", "--links-out", &unwritable]);
    assert!(line.contains(&unwritable), "{line}");
}

#[test]
fn an_unknown_key() {
    let place = Place::new();
    let config = place.file(
        "r.toml",
        "[http]\nlisten = \"127.0.0.1:0\"\nconection_max = 3\n",
    );
    let line = refused(&place, &["--demo", "--config", &config]);
    assert!(
        line.starts_with(&format!("{config}:3:1: unknown key")),
        "{line}"
    );
    assert!(line.contains("\"http.connections_max\""), "{line}");

    let mut command = place.command(&["event", "list"]);
    command.env("ROUNDTABLE__MEDIA__PRT", "1");
    let line = one_line(&finish(command));
    assert!(
        line.starts_with("ROUNDTABLE__MEDIA__PRT: unknown key"),
        "{line}"
    );
    assert!(line.contains("\"media.port\""), "{line}");

    let missing = text_of(&place.path("missing.toml"));
    let line = refused(&place, &["--demo", "--config", &missing]);
    assert!(line.starts_with(&missing), "{line}");
}

#[test]
fn an_address_where_browsers_give_no_camera() {
    let place = Place::new();
    let line = refused(&place, &["--demo", "--listen", "0.0.0.0:0"]);
    assert!(
        line.contains("camera") && line.contains("--force-plain-http"),
        "{line}"
    );
    let line = refused(
        &place,
        &[
            "--demo",
            "--listen",
            "0.0.0.0:0",
            "--public-url",
            "http://a.example",
        ],
    );
    assert!(line.contains("camera"), "{line}");

    for trusted in [
        &["--force-plain-http"][..],
        &["--public-url", "https://a.example"],
    ] {
        let served = place.serve(&[&["--demo", "--listen", "0.0.0.0:0"], trusted].concat());
        assert!(
            served.url.starts_with("http://localhost:"),
            "{}",
            served.url
        );
    }
}

#[test]
fn tls_files_that_are_missing_or_wrong() {
    let place = Place::new();
    let nonsense = place.file("nonsense.pem", "nonsense");
    let missing = text_of(&place.path("missing.pem"));
    for (certificate, key, part) in [
        (nonsense.as_str(), "", "belong together"),
        (&missing, &missing, missing.as_str()),
        (&nonsense, &nonsense, nonsense.as_str()),
    ] {
        let text = format!("[http]\ntls_certificate = {certificate:?}\ntls_key = {key:?}\n");
        let config = place.file("r.toml", &text);
        let line = refused(&place, &["--demo", "--config", &config]);
        assert!(line.contains(part), "{line}");
    }
}

#[test]
fn an_event_or_a_session_that_is_not_there() {
    let place = Place::new();
    let line = refused(&place, &[]);
    assert!(
        line.contains("event import") && line.contains("--demo"),
        "{line}"
    );
    let line = refused(&place, &["--event", "other"]);
    assert!(line.contains("`other`"), "{line}");
    let line = refused(&place, &["--demo", "--open", "session-9"]);
    assert!(
        line.contains("session-9") && line.contains("session-1"),
        "{line}"
    );
}

#[test]
fn a_wrong_command_line() {
    let place = Place::new();
    for arguments in [
        &["sevre"][..],
        &["serve", "--lisen", "127.0.0.1:0"],
        &["serve", "--listen", "localhost"],
        &["serve", "--open", "session-1:free"],
        &["serve", "--open", "session-1:open:26"],
        &["serve", "--shards", "0"],
        &["event"],
        &["invite", "--format", "xml"],
    ] {
        let said = place.run(arguments);
        assert_eq!(
            (said.code, said.out.as_str()),
            (Some(2), ""),
            "{arguments:?}: {said:?}"
        );
        assert!(!said.err.is_empty());
    }
    let mut command = place.command(&["event", "list"]);
    command.env("ROUNDTABLE_LOG", "roundtable=louder");
    assert!(one_line(&finish(command)).contains("ROUNDTABLE_LOG"));
}

#[test]
fn help_tells_the_exit_codes() {
    let place = Place::new();
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["doctor", "--help"],
        &["event", "--help"],
        &["invite", "--help"],
    ] {
        let said = place.run(arguments);
        assert_eq!(
            (said.code, said.err.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
        assert!(
            said.out.contains("Exit codes:"),
            "{arguments:?}: {}",
            said.out
        );
    }
    let said = place.run(&["serve", "--help"]);
    for flag in [
        "--config",
        "--data",
        "--demo",
        "--listen",
        "--media-addr",
        "--media-port",
        "--public-url",
        "--links-out",
        "--open",
        "--shards",
        "--force-plain-http",
    ] {
        assert!(said.out.contains(flag), "{flag}");
    }
}
