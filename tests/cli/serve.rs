//! `roundtable serve`: what a started server prints, answers and leaves.

use std::{
    collections::BTreeMap,
    fs,
    io::{ErrorKind, Write as _},
    net,
    os::unix::fs::PermissionsExt,
};

use serde_json::Value;

use crate::{
    program::{Place, Served, free_ports, text_of},
    web::{PATIENCE, Socket, ask, get},
};

/// Every seat of a links file by its member.
pub fn links(path: &std::path::Path) -> BTreeMap<String, Value> {
    let text = fs::read_to_string(path).expect("a links file");
    let links: Vec<Value> = serde_json::from_str(&text).expect("a JSON array");
    links
        .into_iter()
        .map(|link| (link["member"].as_str().expect("a member").to_owned(), link))
        .collect()
}

pub fn token(link: &Value) -> &str {
    link["token"].as_str().expect("a token")
}

#[test]
fn without_arguments_it_serves_the_demonstration_from_the_users_folder() {
    let place = Place::new();
    let mut command = place.command(&[]);
    free_ports(&mut command);
    let served = Served::start(command);

    assert_eq!(get(&served, "/healthz", "").status, 200);
    assert_eq!(get(&served, "/readyz", "").status, 200);
    let data = place.path(".local/share/roundtable");
    assert!(
        served
            .greeting
            .contains(&format!("Data in {}\n", text_of(&data)))
    );
    let shown: Vec<&str> = served
        .greeting
        .lines()
        .filter(|line| line.contains("/join#"))
        .collect();
    assert_eq!(shown.len(), 7, "{}", served.greeting);
    assert!(
        shown
            .iter()
            .all(|line| line.trim().starts_with(&served.url)),
        "{shown:?}"
    );

    assert_eq!(served.end(libc::SIGTERM), Ok(0));
    assert!(data.join("roundtable.db").exists());
    assert!(!data.join("control.sock").exists());
}

#[test]
fn the_links_file_has_every_seat_and_is_private() {
    let place = Place::new();
    let file = place.path("links.json");
    let arguments = ["--demo", "--links-out", &text_of(&file)];
    let served = place.serve(&arguments);
    let first = links(&file);
    assert!(first.len() >= 62, "{} seats", first.len());
    let role = |role: &str| first.values().filter(|link| link["role"] == role).count();
    assert!(role("delegate") >= 50 && role("chair") >= 2 && role("organiser") >= 1);
    for link in first.values() {
        assert_eq!(link["url"], format!("{}/join#{}", served.url, token(link)));
        for key in ["name", "delegation"] {
            assert!(link[key].is_string(), "{link}");
        }
    }
    assert_eq!(
        fs::metadata(&file).expect("there").permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(served.end(libc::SIGINT), Ok(0));

    // The event, its key and so its links stay.
    let served = place.serve(&arguments);
    let again = links(&file);
    for (member, link) in &first {
        assert_eq!(token(&again[member]), token(link), "{member}");
    }
    drop(served);
}

#[test]
fn the_page_is_guarded_and_asked_for_again() {
    let served = Place::new().serve(&["--demo"]);
    for path in ["/", "/join", "/check"] {
        let page = get(&served, path, "");
        assert_eq!(page.status, 200);
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(page.body.contains("<!doctype html>"), "{}", page.body);
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(
            policy.contains("default-src 'self'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert!(
            policy.contains(&format!(" ws://{} ", served.address())),
            "{policy}"
        );
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        let permissions = page.header("permissions-policy").expect("a policy");
        assert!(permissions.contains("camera=(self), microphone=(self), display-capture=(self)"));

        let tag = page.header("etag").expect("a tag");
        let again = get(&served, path, &format!("If-None-Match: {tag}\r\n"));
        assert_eq!((again.status, again.body.as_str()), (304, ""));
    }
    let script = get(&served, "/assets/main.js", "");
    assert_eq!(
        script.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    for nothing in [
        "/assets/none.js",
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/serve.rs",
        "/x",
    ] {
        assert_eq!(get(&served, nothing, "").status, 404, "{nothing}");
    }
}

#[tokio::test]
async fn a_session_is_live_from_the_start_and_the_stop_is_told() {
    let place = Place::new();
    let file = place.path("links.json");
    let served = place.serve(&[
        "--demo",
        "--open",
        "session-1:open:12",
        "--links-out",
        &text_of(&file),
    ]);
    let links = links(&file);
    let (_, chair) = links
        .iter()
        .find(|(_, link)| link["role"] == "chair")
        .expect("a chair");
    let (socket, said) = Socket::hello(&served, token(chair)).await;
    let said = said.expect("welcome");
    assert_eq!(said["current"], "session-1");
    assert_eq!(said["sessions"][0]["state"], "live");
    assert_eq!(said["sessions"][1]["state"], "scheduled");

    let closed = tokio::spawn(socket.closed_with());
    let ended = tokio::task::spawn_blocking(move || served.end(libc::SIGTERM));
    assert_eq!(closed.await.expect("no panic"), 1012);
    assert_eq!(ended.await.expect("no panic"), Ok(0));
}

#[tokio::test]
async fn a_websocket_is_for_our_own_pages_and_protocol() {
    let served = Place::new().serve(&["--demo", "--public-url", "https://conf.example"]);
    let own = served.url.clone();
    for (protocol, origin, status) in [
        ("roundtable.v1", None, None),
        ("roundtable.v1", Some(own.as_str()), None),
        ("roundtable.v1", Some("https://conf.example"), None),
        ("roundtable.v1", Some("https://evil.example"), Some(403)),
        ("chat", None, Some(400)),
    ] {
        let refused = Socket::open(&served, protocol, origin).await.err();
        assert_eq!(
            refused.map(|refused| refused.as_u16()),
            status,
            "{protocol} {origin:?}"
        );
    }
    assert_eq!(get(&served, "/ws", "").status, 426);
}

#[test]
fn the_environment_goes_before_the_file_and_a_flag_before_both() {
    let place = Place::new();
    let settings = "[http]\npublic_url = \"https://file.example\"\nconnections_max = 0\n";
    let config = place.file("r.toml", settings);
    let mut command = place.command(&[
        "serve",
        "--demo",
        "--config",
        &config,
        "--listen",
        "127.0.0.1:0",
        "--media-port",
        "0",
    ]);
    command.env("ROUNDTABLE__HTTP__CONNECTIONS_MAX", "100");
    let served = Served::start(command);
    assert!(
        served.greeting.contains("https://file.example/join#"),
        "{}",
        served.greeting
    );
    assert_eq!(get(&served, "/healthz", "").status, 200);
    drop(served);

    let mut command = place.command(&[
        "serve",
        "--demo",
        "--config",
        &config,
        "--listen",
        "127.0.0.1:0",
        "--media-port",
        "0",
        "--public-url",
        "https://flag.example",
    ]);
    command.env(
        "ROUNDTABLE__HTTP__PUBLIC_URL",
        "https://environment.example",
    );
    let served = Served::start(command);
    assert!(
        served.greeting.contains("https://flag.example/join#"),
        "{}",
        served.greeting
    );
    // And the file's limit holds: no connection at all.
    let mut stream = net::TcpStream::connect(served.address()).expect("the kernel accepts");
    let _closed_meanwhile = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut answer = String::new();
    let _reset = std::io::Read::read_to_string(&mut stream, &mut answer);
    assert_eq!(answer, "");
}

/// A connection that never finishes its request, or its handshake, does not stay.
#[test]
fn who_dawdles_is_shown_out() {
    let place = Place::new();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let certificate = place.file("certificate.pem", &made.cert.pem());
    let key = place.file("key.pem", &made.signing_key.serialize_pem());
    let times = "[http]\nheader_timeout_ms = 200\nhandshake_timeout_ms = 200\n";
    let tls = format!("{times}tls_certificate = {certificate:?}\ntls_key = {key:?}\n");
    for (settings, beginning) in [
        (times, &b"GET /healthz HTTP/1.1\r\nHost: "[..]),
        (times, b""),
        (&tls, b"\x16\x03\x01"),
    ] {
        let config = place.file("r.toml", settings);
        let served = place.serve(&["--demo", "--config", &config]);
        let mut stream = net::TcpStream::connect(served.address()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(beginning).expect("sent");
        let ended = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
        assert!(
            !ended.is_err_and(|why| why.kind() == ErrorKind::WouldBlock),
            "{beginning:?}"
        );
    }
}

#[test]
fn tls_is_spoken_also_while_somebody_dawdles() {
    let place = Place::new();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let certificate = place.file("certificate.pem", &made.cert.pem());
    let key = place.file("key.pem", &made.signing_key.serialize_pem());
    let config = place.file(
        "r.toml",
        &format!("[http]\ntls_certificate = {certificate:?}\ntls_key = {key:?}\n"),
    );
    // With TLS any address may be listened on.
    let served = place.serve(&["--demo", "--config", &config, "--listen", "0.0.0.0:0"]);
    let port = served
        .url
        .strip_prefix("https://localhost:")
        .expect("TLS")
        .to_owned();
    let address = format!("127.0.0.1:{port}");
    let _dawdlers: Vec<net::TcpStream> = (0..8)
        .map(|_| net::TcpStream::connect(&address).expect("it listens"))
        .collect();

    use tokio_rustls::rustls;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a certificate");
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let session = rustls::ClientConnection::new(client.into(), name).expect("a session");
    let stream = net::TcpStream::connect(&address).expect("it listens");
    let mut stream = rustls::StreamOwned::new(session, stream);
    let answer = ask(&mut stream, "localhost", "/healthz", "");
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
}
