//! `roundtable doctor`: what is wrong with a machine is named, with what to type.

use std::net::{TcpListener, UdpSocket};

use serde_json::Value;

use crate::program::{Place, Said, finish, free_ports, text_of};

/// Small enough for every system to grant it.
const BUFFER_BYTES: &str = "16384";

/// Looks at this machine with settings that it can keep to, but for what is said otherwise.
fn looked(place: &Place, arguments: &[&str], environment: &[(&str, &str)]) -> Said {
    let data = text_of(&place.data());
    let mut command = place.command(&[&["doctor", "--data", &data], arguments].concat());
    free_ports(&mut command);
    command.env("ROUNDTABLE__MEDIA__SOCKET_BUFFER_BYTES", BUFFER_BYTES);
    command.envs(environment.iter().copied());
    finish(command)
}

/// The line of a check, and what is to be done.
fn line<'s>(said: &'s Said, check: &str) -> (&'s str, Vec<&'s str>) {
    let mut lines = said.out.lines().skip_while(|line| {
        line.get(11..)
            .is_none_or(|behind| !behind.starts_with(check))
    });
    let found = lines.next().unwrap_or_else(|| panic!("{check}: {said:?}"));
    let remedy = lines.map_while(|line| line.trim_start().strip_prefix("-> "));
    (found, remedy.collect())
}

#[test]
fn a_machine_that_is_well() {
    let place = Place::new();
    let said = looked(&place, &[], &[]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    for check in [
        "settings",
        "HTTP port",
        "media ports",
        "certificate",
        "address",
        "UDP buffers",
        "data folder",
    ] {
        let (line, remedy) = line(&said, check);
        assert!(line.starts_with("ok "), "{line}");
        assert_eq!(remedy, Vec::<&str>::new(), "{line}");
    }
    assert!(said.out.contains("\nNothing is wrong"), "{said:?}");
    assert!(!place.data().exists(), "it only looks");
}

#[test]
fn programs_are_given_the_same() {
    let said = looked(&Place::new(), &["--json"], &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let report: Value = serde_json::from_str(&said.out).expect("a JSON object");
    assert_eq!(report["passed"], true);
    let findings = report["findings"].as_array().expect("findings");
    let port = findings
        .iter()
        .find(|finding| finding["check"] == "http_port")
        .expect("the port");
    assert_eq!(port["state"], "ok");
    assert_eq!(port["remedy"], serde_json::json!([]));
}

#[test]
fn a_port_that_somebody_has() {
    let place = Place::new();
    let holder = format!("in use by process {} (", std::process::id());
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let said = looked(&place, &["--listen", &address], &[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let (found, remedy) = line(&said, "HTTP port");
    assert!(found.starts_with("wrong "), "{found}");
    assert!(
        found.contains(&address) && found.contains(&holder),
        "{found}"
    );
    assert!(remedy[0].contains("--listen"), "{remedy:?}");
    assert!(said.one_line().starts_with("1 thing is wrong"), "{said:?}");

    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let only = ["--media-addr", "127.0.0.1", "--media-port", &port];
    let said = looked(&place, &only, &[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let (found, remedy) = line(&said, "media ports");
    assert!(
        found.contains(&format!("UDP 127.0.0.1:{port} ")) && found.contains(&holder),
        "{found}"
    );
    assert!(remedy[0].contains("--media-port"), "{remedy:?}");
}

#[test]
fn a_certificate_that_has_expired() {
    let place = Place::new();
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut made = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("names");
    made.not_before = rcgen::date_time_ymd(2019, 11, 19);
    made.not_after = rcgen::date_time_ymd(2020, 11, 19);
    let made = made.self_signed(&key).expect("made");
    let certificate = place.file("certificate.pem", &made.pem());
    let its_key = place.file("key.pem", &key.serialize_pem());
    let other_key = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    let other_key = place.file("other.pem", &other_key);
    for (key, fault, remedy) in [
        (&its_key, "expired on 2020-11-19", "renew"),
        (&other_key, "is not the key of", "one pair"),
    ] {
        let config = place.file(
            "r.toml",
            &format!("[http]\ntls_certificate = {certificate:?}\ntls_key = {key:?}\n"),
        );
        let said = looked(&place, &["--config", &config], &[]);
        assert_eq!(said.code, Some(1), "{said:?}");
        let (found, told) = line(&said, "certificate");
        assert!(
            found.starts_with("wrong ") && found.contains(fault),
            "{found}"
        );
        assert!(told[0].contains(remedy), "{told:?}");
    }
}

#[test]
fn buffers_that_are_smaller_than_media_asks_for() {
    // No system grants so much without having been told to.
    let absurd = [("ROUNDTABLE__MEDIA__SOCKET_BUFFER_BYTES", "1073741823")];
    let said = looked(&Place::new(), &[], &absurd);
    assert_eq!(said.code, Some(0), "a warning: {said:?}");
    let (found, remedy) = line(&said, "UDP buffers");
    assert!(
        found.starts_with("warning ") && found.contains("of 1073741823 bytes"),
        "{found}"
    );
    assert!(
        remedy.contains(&"sysctl -w net.core.rmem_max=1073741823"),
        "{remedy:?}"
    );
    assert!(
        remedy.iter().any(|line| line.contains("/etc/sysctl.d/")),
        "{remedy:?}"
    );
}

#[test]
fn a_folder_that_cannot_be_written() {
    let place = Place::new();
    // Permissions do not hold for root, but these do.
    let file = place.file("file", "");
    for folder in [file.clone(), format!("{file}/below"), "/proc/below".into()] {
        let mut command = place.command(&["doctor", "--data", &folder]);
        free_ports(&mut command);
        let said = finish(command);
        assert_eq!(said.code, Some(1), "{said:?}");
        let (found, remedy) = line(&said, "data folder");
        assert!(
            found.starts_with("wrong ") && found.contains(&format!("{folder} cannot be written")),
            "{found}"
        );
        assert!(remedy[0].contains("--data"), "{remedy:?}");
    }
}

#[test]
fn a_server_that_runs_here_is_no_fault() {
    let place = Place::new();
    let served = place.serve(&["--demo"]);
    let said = looked(&place, &["--listen", served.address()], &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let (found, _) = line(&said, "data folder");
    assert!(found.contains("a server is running here"), "{found}");
    let (found, _) = line(&said, "HTTP port");
    assert!(
        found.contains("by the server that is running here"),
        "{found}"
    );
    assert_eq!(served.end(libc::SIGTERM), Ok(0));
}

#[test]
fn an_address_that_browsers_or_members_cannot_use() {
    let said = looked(&Place::new(), &["--listen", "0.0.0.0:0"], &[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let (found, remedy) = line(&said, "address");
    assert!(found.contains("browsers refuse camera"), "{found}");
    assert!(
        remedy.iter().any(|line| line.contains("--public-url")),
        "{remedy:?}"
    );

    // Of the range for documentation (RFC 5737), so nobody's.
    let said = looked(&Place::new(), &["--media-addr", "192.0.2.77"], &[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let (found, remedy) = line(&said, "media ports");
    assert!(
        found.contains("192.0.2.77 is not an address of this machine"),
        "{found}"
    );
    assert!(remedy[0].contains("ip -brief address"), "{remedy:?}");
}

#[test]
fn what_cannot_be_looked_at_is_not_done() {
    let place = Place::new();
    let missing = text_of(&place.path("missing.toml"));
    let said = looked(&place, &["--config", &missing], &[]);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    assert!(said.one_line().starts_with(&missing), "{said:?}");
}
