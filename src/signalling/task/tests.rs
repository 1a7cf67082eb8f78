//! SHELL. Whole connections over an in-memory pipe: clients, server, rooms, and media that is played
//! by the test. The clock stands still.

use std::net::Ipv4Addr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio_tungstenite::tungstenite::{Message, protocol::Role as End};

use super::*;
use crate::{
    auth::{Grant, Invites, Revocations, Uses},
    check,
    ids::MemberId,
    media::{AudioRank, Gate, Notice, Order, PeerId},
    room::{
        self, Directory,
        fixture::{START, last, live_room, member, programme},
    },
    signalling::{Checks, Links},
    store,
    store::ToKeep,
    time::Millis,
};

/// Long enough for anything that happens at all, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the pipe to a client holds: little, so that one who does not read is noticed.
const PIPE_BYTES: usize = 4096;

/// A journal that takes no time and keeps nothing.
fn instant_journal() -> (impl FnMut(ToKeep) + Send + 'static, watch::Receiver<Rev>) {
    let (stored, heard) = watch::channel(Rev::default());
    let append = move |left: ToKeep| {
        if let ToKeep::Entries(entries) = left {
            stored.send_replace(last(&entries));
        }
    };
    (append, heard)
}

struct Server {
    context: Arc<Context>,
    invites: Arc<Invites>,
    orders: mpsc::Receiver<Order>,
    notices: mpsc::Sender<Notice>,
    /// The same of the peers that are being checked.
    check_orders: mpsc::Receiver<Order>,
    check_notices: mpsc::Sender<Notice>,
    reports: mpsc::Receiver<(MemberId, check::Report)>,
}

impl Server {
    fn start(settings: Settings, room: room::Settings) -> Self {
        let now: room::Now = Arc::new(|| START);
        let directory = Arc::new(Directory::new(Arc::clone(&now)));
        let (order, orders) = mpsc::channel(256);
        let (notices, noticed) = mpsc::channel(16);
        let first = live_room("session-1", room.clone());
        directory.open(
            "session-1".parse().expect("a slug"),
            first,
            (
                move |it| order.try_send(it).expect("room for an order"),
                noticed,
            ),
            instant_journal(),
        );
        let (_, silent) = mpsc::channel(1);
        let second = live_room("session-2", room);
        directory.open(
            "session-2".parse().expect("a slug"),
            second,
            (|_| {}, silent),
            instant_journal(),
        );
        let (check_order, check_orders) = mpsc::channel(16);
        let (check_notices, check_noticed) = mpsc::channel(16);
        let paths = check::start(
            check::Settings::default(),
            (
                move |it| check_order.try_send(it).expect("room for an order"),
                check_noticed,
            ),
            directory.peer_mint(),
            || START,
        );
        let (report, reports) = mpsc::channel(16);
        let checks = Checks {
            paths,
            keep_report: Arc::new(move |member, _, it| {
                let kept = report.try_send((member.clone(), it.clone()));
                kept.map_err(|_| store::Fault::Damaged("a full disk".to_owned()))
            }),
        };
        let invites = Arc::new(Invites::hs256(&[7; 32]).expect("a secret"));
        let context = Arc::new(Context::new(
            Arc::new(programme()),
            directory,
            Links {
                invites: Arc::clone(&invites),
                revocations: Revocations::default(),
                uses: Uses::default(),
                keep_use: Arc::new(|_, number| match number {
                    FULL_DISK => Err(store::Fault::Damaged("a full disk".to_owned())),
                    _ => Ok(()),
                }),
            },
            checks,
            now,
            settings,
        ));
        Self {
            context,
            invites,
            orders,
            notices,
            check_orders,
            check_notices,
            reports,
        }
    }

    fn default() -> Self {
        Self::start(Settings::default(), room::Settings::default())
    }

    async fn connect(&self) -> Client {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        let config = Some(self.context.websocket_config());
        let socket = WebSocketStream::from_raw_socket(ours, End::Server, config).await;
        let context = Arc::clone(&self.context);
        tokio::spawn(run(socket, context, Ipv4Addr::LOCALHOST.into()));
        Client {
            socket: WebSocketStream::from_raw_socket(theirs, End::Client, None).await,
            last: 0,
        }
    }

    fn token(&self, slug: &str) -> String {
        self.token_for(slug, None)
    }

    /// A link for so many devices.
    fn token_for(&self, slug: &str, uses: Option<u16>) -> String {
        let programme = programme();
        self.invites.mint(&Grant {
            event: programme.id.clone(),
            member: member(slug),
            role: programme.seat(&member(slug)).expect("a seat").role,
            jti: format!("link-of-{slug}"),
            not_before: START,
            expires: START + Millis::from_secs(60),
            uses,
        })
    }

    async fn greeted(&self, slug: &str) -> Client {
        let mut client = self.connect().await;
        let hello = json!({"type": "hello", "token": self.token(slug)});
        let answer = client.ask(hello).await;
        assert_eq!(answer["ok"]["member"]["id"], slug, "{answer}");
        client
    }

    async fn joined(&self, slug: &str) -> Client {
        let mut client = self.greeted(slug).await;
        client.join("session-1").await;
        client
    }

    async fn order(&mut self) -> Order {
        within(self.orders.recv()).await.expect("an order")
    }
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what)
        .await
        .expect("it did not happen in time")
}

struct Client {
    socket: WebSocketStream<DuplexStream>,
    /// The last request's id.
    last: u64,
}

impl Client {
    async fn send(&mut self, mut request: Value) {
        self.last += 1;
        request["id"] = self.last.into();
        let text = Message::Text(request.to_string().into());
        within(self.socket.send(text)).await.expect("sent");
    }

    /// The next text, or the code that the server closed with.
    async fn frame(&mut self) -> Result<Value, u16> {
        loop {
            match within(self.socket.next()).await {
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }

    async fn next(&mut self) -> Value {
        self.frame().await.expect("not closed")
    }

    /// The next event's type, after checking that it follows the one before.
    async fn event(&mut self, prev: u64) -> String {
        let event = self.next().await;
        assert_eq!(event["prev"], prev, "{event}");
        assert_eq!(event["rev"], prev + 1, "{event}");
        event["type"].as_str().expect("an event").to_owned()
    }

    /// Asks and expects the answer next.
    async fn ask(&mut self, request: Value) -> Value {
        self.send(request).await;
        let answer = self.next().await;
        assert_eq!(answer["id"], self.last, "{answer}");
        answer
    }

    async fn join(&mut self, session: &str) -> u64 {
        let join = json!({"type": "session.join", "session": session});
        let answer = self.ask(join).await;
        let rev = &answer["ok"]["snapshot"]["rev"];
        rev.as_u64().unwrap_or_else(|| panic!("{answer}"))
    }

    /// Reads to the end: the goodbye and the close code.
    async fn farewell(&mut self) -> (String, u16) {
        let mut goodbye = String::new();
        loop {
            match self.frame().await {
                Ok(text) if text["signal"] == "goodbye" => {
                    goodbye = text["code"].as_str().expect("a code").to_owned();
                }
                Ok(_) => {}
                Err(code) => return (goodbye, code),
            }
        }
    }
}

#[tokio::test]
async fn everybody_gets_the_same_events_and_the_asker_its_answer_after_them() {
    let server = Server::default();
    let mut chair = server.joined("chair-1").await;
    let mut delegate = server.greeted("indonesia-1").await;
    assert_eq!(delegate.join("session-1").await, 3);
    assert_eq!(chair.event(2).await, "member.joined");
    delegate.send(json!({"type": "floor.request"})).await;
    assert_eq!(delegate.event(3).await, "floor.requested");
    assert_eq!(delegate.next().await, json!({"id": 3, "ok": {}}));
    assert_eq!(chair.event(3).await, "floor.requested");
}

#[tokio::test]
async fn the_floor_reaches_media_and_audio_reaches_the_floor() {
    let mut server = Server::default();
    let mut chair = server.joined("chair-1").await;
    let mut delegate = server.joined("indonesia-1").await;
    chair.event(2).await;

    let offer = json!({"type": "media.offer", "sdp": "v=0", "sending": [
        {"mid": "0", "source": "microphone"}]});
    delegate.send(offer).await;
    let Order::Offer {
        peer, sdp, sending, ..
    } = server.order().await
    else {
        panic!("not an offer");
    };
    assert_eq!((sdp.as_str(), sending.len()), ("v=0", 1));
    assert_eq!(
        server.order().await,
        Order::Show {
            peer,
            seen: crate::media::Seen::ALL
        }
    );
    let answer = Ok("answer".to_owned());
    let answered = Notice::Answered { peer, answer };
    server.notices.send(answered).await.expect("a room");
    assert_eq!(delegate.next().await["ok"]["sdp"], "answer");
    let connected = Notice::Connected { peer };
    server.notices.send(connected).await.expect("a room");
    assert_eq!(delegate.next().await, json!({"signal": "media.connected"}));

    let grant = json!({"type": "floor.grant", "member": "indonesia-1", "after_turn": 0});
    chair.send(grant).await;
    assert_eq!(chair.event(3).await, "floor.granted");
    let peers = vec![peer];
    assert_eq!(server.order().await, Order::Prominence { peers });
    let gate = Gate::Open(AudioRank::Floor);
    assert_eq!(server.order().await, Order::Hear { peer, gate });
    assert_eq!(chair.next().await["ok"], json!({}));
    let delivered = Notice::AudioDelivered { peer };
    server.notices.send(delivered).await.expect("a room");
    assert_eq!(chair.event(4).await, "floor.confirmed");
}

#[tokio::test]
async fn peers_of_all_rooms_are_counted_together() {
    let mut server = Server::default();
    let mut seen = Vec::new();
    for slug in ["chair-1", "chair-2"] {
        let mut client = server.joined(slug).await;
        let offer = json!({"type": "media.offer", "sdp": "", "sending": []});
        client.send(offer).await;
        while seen.len() < 2 {
            if let Order::Offer { peer, .. } = server.order().await {
                seen.push(peer);
                break;
            }
        }
    }
    assert_eq!(seen, [PeerId(1), PeerId(2)]);
}

#[tokio::test]
async fn the_newer_connection_wins() {
    let server = Server::default();
    let mut older = server.joined("indonesia-1").await;
    let mut newer = server.joined("indonesia-1").await;
    assert_eq!(older.farewell().await, ("replaced".to_owned(), 4002));
    let answer = newer.ask(json!({"type": "session.snapshot"})).await;
    let members = answer["ok"]["snapshot"]["members"].as_array();
    assert_eq!(members.map(Vec::len), Some(1), "{answer}");
}

#[tokio::test]
async fn too_many_connections_of_one_member_close_the_oldest() {
    let server = Server::default();
    let mut oldest = server.greeted("indonesia-1").await;
    let mut clients = Vec::new();
    for _ in 0..Settings::default().connections_per_member_max {
        clients.push(server.greeted("indonesia-1").await);
    }
    assert_eq!(oldest.farewell().await, ("replaced".to_owned(), 4002));
    let last = clients.last_mut().expect("a client");
    assert_eq!(last.join("session-1").await, 2);
}

#[tokio::test]
async fn a_removed_member_hears_it_last() {
    let server = Server::default();
    let mut chair = server.joined("chair-1").await;
    let mut delegate = server.joined("indonesia-1").await;
    chair
        .send(json!({"type": "member.remove", "member": "indonesia-1"}))
        .await;
    assert_eq!(delegate.event(3).await, "member.left");
    assert_eq!(delegate.farewell().await, ("removed".to_owned(), 4001));
}

#[tokio::test]
async fn a_revoked_link_closes_at_once_and_opens_no_more() {
    let server = Server::default();
    let mut chair = server.joined("chair-1").await;
    let mut delegate = server.joined("indonesia-1").await;
    assert_eq!(chair.event(2).await, "member.joined");
    assert_eq!(server.context.revoke_link("link-of-malaysia-1").await, 0);
    assert_eq!(server.context.revoke_link("link-of-indonesia-1").await, 1);
    assert_eq!(delegate.farewell().await, ("link_revoked".to_owned(), 4004));
    assert_eq!(chair.event(3).await, "member.left", "without grace");
    let mut again = server.connect().await;
    let hello = json!({"type": "hello", "token": server.token("indonesia-1")});
    assert_eq!(again.ask(hello).await["error"]["code"], "link_revoked");

    let revoked = member("chair-1");
    let closed = server.context.revoke_member(&revoked, START);
    assert_eq!(closed.await, 1);
    assert_eq!(chair.farewell().await, ("link_revoked".to_owned(), 4004));
}

#[tokio::test]
async fn a_member_s_links_are_revoked_up_to_the_time_that_is_stored() {
    let server = Server::default();
    // Of another time than the clock's: a link that begins later opens, whenever this is heard of.
    let before = Timestamp(START.0 - 1);
    let delegate = member("indonesia-1");
    server.context.revoke_member(&delegate, before).await;
    server.joined("indonesia-1").await;
    server.context.revoke_member(&delegate, START).await;
    let mut again = server.connect().await;
    let hello = json!({"type": "hello", "token": server.token("indonesia-1")});
    assert_eq!(again.ask(hello).await["error"]["code"], "link_revoked");
}

#[tokio::test]
async fn a_revoked_links_member_loses_the_place_that_is_kept() {
    let server = Server::default();
    let mut chair = server.joined("chair-1").await;
    let mut delegate = server.joined("indonesia-1").await;
    assert_eq!(chair.event(2).await, "member.joined");
    within(delegate.socket.close(None)).await.expect("closed");
    assert_eq!(chair.event(3).await, "member.lost");
    assert_eq!(server.context.revoke_link("link-of-indonesia-1").await, 0);
    assert_eq!(chair.event(4).await, "member.left", "before the grace ends");
}

#[tokio::test]
async fn the_server_stops_with_a_word_to_everybody() {
    let server = Server::default();
    let mut joined = server.joined("indonesia-1").await;
    let mut silent = server.connect().await;
    let context = Arc::clone(&server.context);
    let stopped = tokio::spawn(async move { context.stop().await });
    assert_eq!(joined.farewell().await, ("stopping".to_owned(), 1012));
    assert_eq!(silent.farewell().await, ("stopping".to_owned(), 1012));
    within(stopped).await.expect("no panic");
    assert_eq!(server.context.open(), 0);
    let mut late = server.connect().await;
    assert_eq!(late.farewell().await, ("stopping".to_owned(), 1012));
}

#[tokio::test]
async fn a_server_that_is_about_to_end_tells_everybody_and_waits_for_who_is_in_a_room() {
    let server = Server::default();
    let mut joined = server.joined("indonesia-1").await;
    let mut greeted = server.greeted("malaysia-1").await;
    assert_eq!(server.context.present(), 1);
    server.context.drain(Millis(7000));
    let told = json!({"signal": "server.draining", "within_ms": 7000});
    assert_eq!(joined.next().await, told);
    assert_eq!(greeted.next().await, told);

    let join = json!({"type": "session.join", "session": "session-1"});
    let refused = greeted.ask(join.clone()).await;
    assert_eq!(refused["error"]["code"], "draining", "{refused}");
    let mut late = server.greeted("chair-1").await;
    assert_eq!(late.next().await, told, "also who comes now");
    let refused = late.ask(join).await;
    assert_eq!(refused["error"]["code"], "draining", "{refused}");

    // Who is in the room goes on in it.
    let hand = joined.ask(json!({"type": "session.snapshot"})).await;
    assert!(hand["ok"]["snapshot"].is_object(), "{hand}");
    let mut emptied = std::pin::pin!(server.context.emptied());
    assert!(futures_util::poll!(emptied.as_mut()).is_pending());
    joined.ask(json!({"type": "session.leave"})).await;
    within(emptied).await;
}

#[tokio::test]
async fn who_does_not_read_is_parted_with_and_nobody_waits() {
    let settings = Settings {
        requests_burst: 10_000,
        ..Settings::default()
    };
    let room = room::Settings {
        outbox_max: 8,
        ..room::Settings::default()
    };
    let server = Server::start(settings, room);
    let mut chair = server.joined("chair-1").await;
    let mut slow = server.joined("indonesia-1").await;
    chair.event(2).await;
    for round in 0..200_u64 {
        let microphones = 2 + round % 2;
        let request =
            json!({"type": "session.configure", "mode": "request", "microphones": microphones});
        chair.send(request).await;
        // Somewhere between the answers the slow one is lost.
        while chair.next().await["ok"] != json!({}) {}
    }
    assert_eq!(slow.farewell().await, ("too_slow".to_owned(), 4003));
    // It may come back: 200 settings, three before, lost and back.
    assert_eq!(
        server.greeted("indonesia-1").await.join("session-1").await,
        205
    );
}

/// So many events after this delegate's loss, of whom the last revision is given.
async fn missed(server: &Server, events: u64) -> u64 {
    let mut chair = server.joined("chair-1").await;
    let mut delegate = server.joined("indonesia-1").await;
    within(delegate.socket.close(None)).await.expect("closed");
    for round in 0..events {
        let microphones = 2 + round % 2;
        let request =
            json!({"type": "session.configure", "mode": "request", "microphones": microphones});
        chair.send(request).await;
        while chair.next().await["ok"] != json!({}) {}
    }
    3
}

fn patient() -> Settings {
    Settings {
        requests_burst: 10_000,
        ..Settings::default()
    }
}

#[tokio::test]
async fn who_comes_back_after_many_events_gets_them_all() {
    let server = Server::start(patient(), room::Settings::default());
    let mut rev = missed(&server, 600).await;
    let mut back = server.greeted("indonesia-1").await;
    let join = json!({"type": "session.join", "session": "session-1", "rev": rev});
    back.send(join).await;
    let mut events = 0;
    let resumed = loop {
        let next = back.next().await;
        if next["id"] == back.last {
            break next;
        }
        assert_eq!(next["prev"], rev, "{next}");
        rev = next["rev"].as_u64().expect("an event");
        events += 1;
    };
    assert!(events >= 600, "{events}");
    assert_eq!(resumed["ok"]["resumed"]["rev"], rev, "{resumed}");
}

#[tokio::test]
async fn who_is_parted_with_while_it_comes_in_is_told_why() {
    let room = room::Settings {
        outbox_max: 8,
        ..room::Settings::default()
    };
    let server = Server::start(patient(), room);
    let rev = missed(&server, 20).await;
    let mut back = server.greeted("indonesia-1").await;
    let join = json!({"type": "session.join", "session": "session-1", "rev": rev});
    back.send(join).await;
    // Not refused: it may come back.
    assert_eq!(back.farewell().await, ("too_slow".to_owned(), 4003));
}

#[tokio::test]
async fn bad_frames_close_and_a_flood_of_connections_is_turned_away() {
    let settings = Settings {
        connections_max: 2,
        ..Settings::default()
    };
    let server = Server::start(settings, room::Settings::default());
    let long = server.connect().await;
    let text = "x".repeat(64 * 1024 + 1);
    let mut binary = server.connect().await;
    let mut third = server.connect().await;
    assert_eq!(third.farewell().await, ("full".to_owned(), 1013));
    // Whoever sends too much can finish sending, and so reads why.
    let (mut write, mut read) = long.socket.split();
    let closed = async {
        let mut code = None;
        while let Some(Ok(message)) = read.next().await {
            if let Message::Close(frame) = message {
                code = frame.map(|frame| u16::from(frame.code));
            }
        }
        code
    };
    let sent = write.send(Message::Text(text.into()));
    let (sent, code) = within(async { tokio::join!(sent, closed) }).await;
    assert!(sent.is_ok(), "{sent:?}");
    assert_eq!(code, Some(1009));
    within(binary.socket.send(Message::Binary(vec![1].into())))
        .await
        .expect("sent");
    assert_eq!(binary.farewell().await, ("protocol".to_owned(), 1008));
    let mut fourth = server.greeted("chair-1").await;
    fourth.join("session-1").await;
}

#[tokio::test]
async fn another_session_is_entered_before_the_first_is_left() {
    let server = Server::default();
    let mut chair = server.joined("chair-1").await;
    let mut delegate = server.joined("indonesia-1").await;
    chair.event(2).await;
    assert_eq!(delegate.join("session-2").await, 2);
    assert_eq!(chair.event(3).await, "member.left");
    delegate.send(json!({"type": "floor.request"})).await;
    assert_eq!(delegate.event(2).await, "floor.requested");
    let unknown = json!({"type": "session.join", "session": "session-3"});
    assert_eq!(delegate.next().await["ok"], json!({}));
    assert_eq!(
        delegate.ask(unknown).await["error"]["code"],
        "unknown_session"
    );
}

#[tokio::test]
async fn a_client_that_goes_away_stays_for_the_grace() {
    let server = Server::default();
    let mut chair = server.joined("chair-1").await;
    let mut delegate = server.joined("indonesia-1").await;
    chair.event(2).await;
    within(delegate.socket.close(None)).await.expect("closed");
    assert_eq!(delegate.frame().await, Err(1005));
    let mut open = server.context.open.subscribe();
    within(open.wait_for(|open| *open == 1))
        .await
        .expect("open");
    let again = server.greeted("indonesia-1").await.join("session-1").await;
    assert_eq!(again, 5, "lost and back, and nothing else has happened");
}

#[tokio::test]
async fn what_is_on_is_told_to_those_who_are_in_no_room() {
    let server = Server::default();
    let mut waiting = server.greeted("indonesia-1").await;
    let mut chair = server.joined("chair-1").await;
    chair.send(json!({"type": "session.pause"})).await;
    let signal = waiting.next().await;
    assert_eq!(signal["signal"], "sessions");
    assert_eq!(signal["sessions"][0]["state"], "paused");
}

/// The device whose use the store of these tests does not take.
const FULL_DISK: i64 = 13;

#[tokio::test]
async fn a_limited_link_opens_on_so_many_devices() {
    let server = Server::default();
    let token = server.token_for("malaysia-1", Some(2));
    let said = async |device: Option<u64>| {
        let mut client = server.connect().await;
        let mut hello = json!({"type": "hello", "token": token});
        if let Some(device) = device {
            hello["device"] = device.into();
        }
        let answer = client.ask(hello).await;
        answer["error"]["code"].as_str().map(str::to_owned)
    };
    assert_eq!(said(Some(7)).await, None);
    assert_eq!(said(Some(7)).await, None, "it comes back");
    // What is not stored does not open, and is not counted.
    let unstored = u64::try_from(FULL_DISK).expect("a number");
    assert_eq!(said(Some(unstored)).await.as_deref(), Some("internal"));
    assert_eq!(said(None).await, None);
    for other in [None, Some(8)] {
        assert_eq!(said(other).await.as_deref(), Some("link_used_up"));
    }
    assert_eq!(said(Some(7)).await, None);
}

#[tokio::test]
async fn a_path_is_tried_beside_the_rooms_and_ends_with_its_client() {
    let mut server = Server::default();
    let mut client = server.connect().await;
    let token = server.token_for("indonesia-1", Some(1));
    let hello = json!({"type": "hello", "token": token, "check": true});
    assert!(client.ask(hello).await["ok"].is_object());
    let offer = json!({"type": "check.offer", "sdp": "v=0", "mid": "0"});
    client.send(offer).await;
    let order = within(server.check_orders.recv()).await.expect("an order");
    let Order::Offer { peer, sending, .. } = order else {
        panic!("not an offer");
    };
    assert_eq!(sending.len(), 1);
    let answer = Ok("answer".to_owned());
    let answered = Notice::Answered { peer, answer };
    server.check_notices.send(answered).await.expect("a task");
    assert_eq!(client.next().await["ok"]["sdp"], "answer");
    let join = json!({"type": "session.join", "session": "session-1"});
    assert_eq!(client.ask(join).await["error"]["code"], "not_now");
    let report = json!({"type": "check.report", "verdict": "udp", "rtt_ms": 24, "loss_pct": 0,
        "microphone": null, "camera": null, "speaker": null, "browser": "Firefox 153"});
    assert_eq!(client.ask(report).await["ok"], json!({}));
    let (of, kept) = within(server.reports.recv()).await.expect("a report");
    assert_eq!((of, kept.rtt_ms), (member("indonesia-1"), Some(24)));
    drop(client);
    let order = within(server.check_orders.recv()).await.expect("an order");
    assert_eq!(order, Order::Close { peer });
    assert!(server.orders.try_recv().is_err(), "no room was told of it");

    // That was no use of the link, which opens once.
    let mut device = server.connect().await;
    let hello = json!({"type": "hello", "token": token, "device": 1});
    assert!(device.ask(hello).await["ok"].is_object());
    let join = json!({"type": "session.join", "session": "session-1", "device": 1});
    assert!(device.ask(join).await["ok"].is_object());
}
