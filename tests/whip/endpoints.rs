//! The endpoints by plain HTTP: RFC 9725's methods, headers and errors, and what attackers send.

use std::net::SocketAddr;

use crate::{
    SESSION,
    http::{Answer, ask},
    support::server::Server,
    token,
};

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

const OPUS: &str = "audio 111 opus/48000/2";
const VP8: &str = "video 96 VP8/90000";
const UNKNOWN: &str = "video 97 H265/90000";

/// An offer of sections, each its direction and its codec.
fn offer(sections: &[(&str, &str)]) -> String {
    let mids: Vec<String> = (0..sections.len()).map(|mid| mid.to_string()).collect();
    let mut text = format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n",
        mids.join(" ")
    );
    for (mid, (direction, codec)) in sections.iter().enumerate() {
        let words: Vec<&str> = codec.split(' ').collect();
        text += &format!(
            "m={0} 9 UDP/TLS/RTP/SAVPF {1}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na={direction}\r\n\
             a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
             a=fingerprint:sha-256 {2}\r\na=setup:actpass\r\na=rtcp-mux\r\na=rtpmap:{1} {3}\r\n",
            words[0],
            words[1],
            ["AB"; 32].join(":"),
            words[2]
        );
    }
    text
}

fn publishing() -> String {
    offer(&[("sendonly", OPUS), ("sendonly", VP8)])
}

fn playing() -> String {
    offer(&[("recvonly", OPUS), ("recvonly", VP8)])
}

/// A client with a member's token.
struct Caller {
    server: SocketAddr,
    bearer: String,
}

impl Caller {
    fn new(server: &Server, member: &str) -> Self {
        Self {
            server: server.addresses()[0],
            bearer: format!("Bearer {}", token(server, member)),
        }
    }

    fn post(&self, path: &str, offer: &str) -> Answer {
        let headers = [("Authorization", &*self.bearer), ("Content-Type", SDP)];
        ask(self.server, "POST", path, &headers, offer.as_bytes())
    }

    fn patch(&self, path: &str, condition: &str, fragment: &str) -> Answer {
        let headers = [
            ("Authorization", &*self.bearer),
            ("Content-Type", FRAGMENT),
            ("If-Match", condition),
        ];
        ask(self.server, "PATCH", path, &headers, fragment.as_bytes())
    }

    fn delete(&self, path: &str) -> Answer {
        let headers = [("Authorization", &*self.bearer)];
        ask(self.server, "DELETE", path, &headers, b"")
    }

    /// A live resource, and the entity tag of its ICE session.
    fn opened(&self, word: &str, offer: &str) -> (String, String) {
        let answer = self.post(&format!("/{word}/{SESSION}"), offer);
        assert_eq!(answer.status, 201, "{answer:?}");
        let header = |name| answer.header(name).expect(name).to_owned();
        (header("location"), header("etag"))
    }
}

/// A refusal is a problem document, and a page of any origin may read it.
fn refused(answer: &Answer, status: u16, what: &str) {
    assert_eq!(answer.status, status, "{what}: {answer:?}");
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("application/problem+json"), "{what}");
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let problem: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(problem["status"], status, "{what}");
    assert!(problem["detail"].is_string(), "{what}: {problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_url_says_what_it_takes() {
    let server = Server::start(Some(SESSION)).await;
    let caller = Caller::new(&server, "indonesia-1");
    let (published, _) = caller.opened("whip", &publishing());
    let (played, _) = caller.opened("whep", &playing());
    for (path, allowed, accepts, kind) in [
        ("/whip/session-1", "POST, OPTIONS", "accept-post", SDP),
        ("/whep/session-1", "POST, OPTIONS", "accept-post", SDP),
        (
            &*published,
            "PATCH, DELETE, OPTIONS",
            "accept-patch",
            FRAGMENT,
        ),
        (&*played, "PATCH, DELETE, OPTIONS", "accept-patch", FRAGMENT),
    ] {
        let asked = ask(caller.server, "OPTIONS", path, &[], b"");
        assert_eq!(asked.status, 200, "{path}");
        assert_eq!(asked.header("allow"), Some(allowed));
        assert_eq!(asked.header("access-control-allow-methods"), Some(allowed));
        assert_eq!(asked.header(accepts), Some(kind));
        let headers = asked.header("access-control-allow-headers");
        for needed in ["Authorization", "Content-Type", "If-Match"] {
            assert!(headers.is_some_and(|headers| headers.contains(needed)));
        }
        let exposed = asked.header("access-control-expose-headers");
        for needed in ["Location", "ETag", "Link"] {
            assert!(exposed.is_some_and(|exposed| exposed.contains(needed)));
        }
        for method in ["GET", "PUT", "TRACE"] {
            let answer = ask(caller.server, method, path, &[], b"");
            refused(&answer, 405, method);
            assert_eq!(answer.header("allow"), Some(allowed));
        }
    }
    refused(
        &caller.delete("/whip/session-1"),
        405,
        "DELETE of the endpoint",
    );
    refused(
        &caller.post(&published, &publishing()),
        405,
        "POST to a resource",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wrong_offer_has_its_status() {
    let server = Server::start(Some(SESSION)).await;
    let caller = Caller::new(&server, "indonesia-1");
    let bearer = caller.bearer.as_str();
    let raw = |headers: &[(&str, &str)], body: &[u8]| {
        ask(caller.server, "POST", "/whip/session-1", headers, body)
    };

    let good = publishing();
    let typed = ("Content-Type", SDP);
    for authorization in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Basic dXNlcjpwYXNz",
        &bearer[..bearer.len() - 4],
        &format!("{bearer}{}", "A".repeat(5000)),
    ] {
        let answer = raw(&[("Authorization", authorization), typed], good.as_bytes());
        refused(&answer, 401, authorization);
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(challenge.starts_with("Bearer "), "{challenge}");
    }
    let nobody = raw(&[typed], &vec![b'x'; 1024 * 1024]);
    refused(&nobody, 401, "a stranger's body is not read");

    for kind in ["text/plain", "application/sdpx", "application/json", ""] {
        let headers = [("Authorization", bearer), ("Content-Type", kind)];
        refused(&raw(&headers, good.as_bytes()), 415, kind);
    }
    let spaced = [
        ("Authorization", bearer),
        ("Content-Type", "Application/SDP; charset=utf-8"),
    ];
    refused(
        &raw(&spaced, b"x"),
        400,
        "the type with a parameter is taken",
    );

    let headers = [("Authorization", bearer), typed];
    for (body, what) in [
        (&b""[..], "nothing"),
        (b"x", "no SDP"),
        (b"v=0\r\n", "no sections"),
        (b"\xff\xfe\x00", "no text"),
        (
            good.replace("a=ice-pwd", "a=ice-pw").as_bytes(),
            "no password",
        ),
        (good.replace("a=rtcp-mux", "a=x").as_bytes(), "no rtcp-mux"),
        (good.replace("actpass", "passive").as_bytes(), "passive"),
        (
            good.replace("a=mid:1", "a=mid:0").as_bytes(),
            "one mid twice",
        ),
    ] {
        refused(&raw(&headers, body), 400, what);
    }
    for size in [61 * 1024, 4 * 1024 * 1024] {
        refused(&raw(&headers, &vec![b'a'; size]), 413, "a long body");
    }

    for (sections, status) in [
        (&[("sendonly", OPUS), ("sendonly", UNKNOWN)][..], 406),
        (&[("sendonly", VP8), ("sendonly", VP8)], 406),
        (&[("sendonly", OPUS), ("recvonly", VP8)], 422),
        (&[("inactive", OPUS)], 422),
    ] {
        refused(
            &caller.post("/whip/session-1", &offer(sections)),
            status,
            "whip",
        );
    }
    for (sections, status) in [
        (&[("recvonly", UNKNOWN)][..], 406),
        (&[("sendonly", OPUS)], 422),
        (&[("recvonly", OPUS), ("sendrecv", VP8)], 422),
    ] {
        refused(
            &caller.post("/whep/session-1", &offer(sections)),
            status,
            "whep",
        );
    }

    for session in ["session-9", "Session-1", "-", "%00", "..%2f"] {
        let answer = caller.post(&format!("/whip/{session}"), &good);
        refused(&answer, 404, session);
    }
    refused(&caller.post("/whip/session-2", &good), 403, "not open yet");
    refused(
        &caller.post("/whep/session-2", &playing()),
        403,
        "not open yet",
    );
    // After all that the member comes in as if nothing had been.
    caller.opened("whip", &good);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resource_is_changed_by_its_member_alone() {
    let settings = [("signalling.ice_urls", "stun:stun.example.org:3478")];
    let server = Server::start_with(Some(SESSION), &settings).await;
    let owner = Caller::new(&server, "indonesia-1");
    let other = Caller::new(&server, "malaysia-1");
    for (word, wrong, offer) in [("whip", "whep", publishing()), ("whep", "whip", playing())] {
        let posted = owner.post(&format!("/{word}/{SESSION}"), &offer);
        assert_eq!(posted.header("content-type"), Some(SDP));
        let link = "<stun:stun.example.org:3478>; rel=\"ice-server\"";
        assert_eq!(posted.header("link"), Some(link));
        assert!(posted.body.contains("a=setup:passive"));
        assert!(posted.body.contains("a=candidate:"));
        let path = posted.header("location").expect("a location").to_owned();
        let tag = posted.header("etag").expect("a tag").to_owned();

        let candidate = "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n\
             a=candidate:1 1 udp 2122260223 127.0.0.1 61764 typ host\r\na=end-of-candidates\r\n";
        let trickled = owner.patch(&path, &tag, candidate);
        assert_eq!((trickled.status, trickled.header("etag")), (204, None));

        let bearer = ("Authorization", owner.bearer.as_str());
        let bare = [bearer, ("Content-Type", FRAGMENT)];
        let unconditional = ask(owner.server, "PATCH", &path, &bare, candidate.as_bytes());
        refused(&unconditional, 428, "no condition");
        refused(&owner.patch(&path, "\"0\"", candidate), 412, "another tag");
        let wrong_type = [bearer, ("Content-Type", SDP), ("If-Match", &*tag)];
        let answer = ask(
            owner.server,
            "PATCH",
            &path,
            &wrong_type,
            candidate.as_bytes(),
        );
        refused(&answer, 415, "an offer");
        refused(&owner.patch(&path, &tag, "hello"), 400, "no fragment");
        refused(
            &owner.patch(&path, &tag, &"a=x\r\n".repeat(9000)),
            413,
            "long",
        );
        let many = "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n".repeat(100);
        refused(&owner.patch(&path, &tag, &many), 422, "too many candidates");
        let long = format!("a=candidate:{}\r\n", "x".repeat(2000));
        refused(&owner.patch(&path, "*", &long), 413, "a long candidate");

        refused(&other.patch(&path, &tag, candidate), 403, "another's");
        refused(&other.delete(&path), 403, "another's");
        let nobody = ask(owner.server, "DELETE", &path, &[], b"");
        refused(&nobody, 401, "nobody's");
        refused(
            &owner.delete(&path.replace(word, wrong)),
            404,
            "the other word",
        );
        refused(
            &owner.delete(&path.replace("session-1", "session-2")),
            404,
            "elsewhere",
        );
        refused(&owner.delete(&format!("{path}x")), 404, "unknown");

        let restart = "a=ice-ufrag:renewed\r\na=ice-pwd:another-password-of-theirs\r\n";
        let restarted = owner.patch(&path, "*", restart);
        assert_eq!(restarted.status, 200, "{restarted:?}");
        assert_eq!(restarted.header("content-type"), Some(FRAGMENT));
        let next = restarted.header("etag").expect("a tag").to_owned();
        assert_ne!(next, tag);
        let ufrag = |text: &str| {
            let line = text.lines().find(|line| line.starts_with("a=ice-ufrag:"));
            line.expect("a ufrag").to_owned()
        };
        assert_ne!(ufrag(&restarted.body), ufrag(&posted.body));
        assert!(restarted.body.contains("a=candidate:"));
        refused(
            &owner.patch(&path, &tag, candidate),
            412,
            "the session before",
        );
        for bad in [
            "a=ice-ufrag:again\r\n",
            "a=ice-ufrag:again\r\na=ice-pwd:short\r\n",
        ] {
            let status = if bad.contains("pwd") { 422 } else { 400 };
            refused(&owner.patch(&path, "*", bad), status, bad);
        }
        let end = "a=end-of-candidates\r\n";
        assert_eq!(owner.patch(&path, &next, end).status, 204, "it goes on");

        assert_eq!(owner.delete(&path).status, 200);
        refused(&owner.delete(&path), 404, "gone");
        refused(&owner.patch(&path, &next, end), 404, "gone");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_members_players_are_counted_and_its_publisher_is_one() {
    let server = Server::start(Some(SESSION)).await;
    let caller = Caller::new(&server, "indonesia-1");
    let mut players: Vec<String> = (0..3)
        .map(|_| caller.opened("whep", &playing()).0)
        .collect();
    let fourth = || caller.post("/whep/session-1", &playing());
    refused(&fourth(), 429, "a fourth player");
    let others = Caller::new(&server, "malaysia-1");
    others.opened("whep", &playing());
    assert_eq!(caller.delete(&players.remove(0)).status, 200);
    assert_eq!(fourth().status, 201, "one has made room");

    let (first, _) = caller.opened("whip", &publishing());
    let (second, _) = caller.opened("whip", &publishing());
    refused(&caller.delete(&first), 404, "the newer has taken its place");
    assert_eq!(
        caller.delete(&players.remove(0)).status,
        200,
        "players stay"
    );
    assert_eq!(caller.delete(&second).status, 200);
}
