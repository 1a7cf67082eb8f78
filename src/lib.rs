//! Roundtable: the server that a serious online roundtable runs on.
//!
//! One process holds everything: the page's files, the signalling WebSocket, the meetings, and the
//! forwarding of sound and picture. This page is the map.
//!
//! # What there is
//!
//! | module | what it is | may import |
//! |---|---|---|
//! | [`ids`], [`time`], [`csv`] | names that may be stored; time that may be stored; tables as text | nothing |
//! | [`meeting`] | DOMAIN CORE, pure: `decide(now, actor, command)` gives events or a refusal, `apply(event)` changes | `ids`, `time` |
//! | [`media::shard`] | MEDIA CORE, pure: datagrams and orders in, datagrams and notices out | `media`'s vocabulary |
//! | [`media::worker`] | SHELL: a thread a shard, `recvmmsg` and `sendmmsg` with runs (GRO, GSO), one clock reading a batch | `media::shard` |
//! | [`programme`] | an event as its organiser wrote it, and what is wrong with the file | `meeting` |
//! | [`auth`] | invite links and tokens of the API: made, verified, withdrawn, counted | the roster's roles, `csv` |
//! | [`record`] | what an event leaves behind, pure: journal entries and the programme in; a document, tables, JSON out | `meeting`'s events, `programme`, `csv` |
//! | [`check`] | before the room: a path is tried with a peer that enters no session (pure, and a SHELL), and a member's report | `media`'s vocabulary |
//! | [`store`] | what survives a crash: SQLite in one folder that one process owns; the sessions' hash-chained journal and the thread that writes it (SHELL) | `programme`, `auth`, `meeting`'s events |
//! | [`room`] | a running session: one meeting, its media, its members' connections; a pure `Room`, and the task that owns it (SHELL) | the above |
//! | [`signalling`] | the protocol (`protocol.md`), a connection as a pure state machine, and its task (SHELL) | `room` and below |
//! | [`webhooks`] | what happens, told to organisers' programs: a pure queue, and the task that follows the journal and delivers (SHELL) | `store`, `meeting`'s events |
//! | [`http`] | SHELL: routes, TLS, the page's files, the WebSocket upgrade, WHIP and WHEP, the organiser's API, metrics | `signalling`, `record`, `webhooks` and below |
//! | [`loadtest`] | bots that use the server as strangers do, and count and time what arrives (SHELL) | [`meeting`]'s roster, the protocol's name |
//! | [`config`] | the settings file; each module owns its own `Settings` | whoever has settings |
//! | [`serve`], [`cli`] | SHELL: the composition root, and `serve::doctor`, which looks at the machine before; the command line | everything |
//! | [`clock`], [`telemetry`] | SHELL: the clock that makes timestamps; the log | `time` |
//!
//! `src/client` is the browser's side: plain ES modules, embedded in the binary. `protocol.js`,
//! `meeting.js` and `media.js` never touch the page; the `ui-….js` files touch little else. `board.js` is
//! another page, the organiser's, with `board-….js` files of its own: it knows the API alone.
//!
//! `tests/architecture` holds the third column to the sources, and keeps clocks, sockets, threads
//! and `async` in files that say SHELL.
//!
//! # What is deliberately absent
//!
//! - [`meeting`] and [`media`] do not know one another. They meet in [`room`], which turns who may
//!   be heard into orders to the shard.
//! - No peer-connection object and no chain of interceptors: ICE, DTLS and SDP are `rtc`'s
//!   sans-IO parts, the packet path is our own.
//! - No lock, no allocation and no await for a forwarded packet; no sound or picture is decoded.
//! - No clock in a core: time is an argument, so a meeting can be replayed and a shard be tried
//!   on a clock of the test's.
//!
//! # The walk of a packet
//!
//! [`media::worker`] takes a batch from the socket and reads the clock once. `shard::demux` tells
//! STUN, DTLS, RTP and RTCP apart by the first byte. STUN finds its peer by the user fragment and
//! binds the address when it is authentic; anything else from an address that passed no check is
//! dropped. `srtp` authenticates and decrypts in place. The source's gate is asked: **this is the
//! floor**; sound whose gate is closed ends here. The payload is copied once, into the source's
//! `ring`, which also answers retransmission requests. The worker waits for the rest of a picture's
//! frame, half a millisecond at most. Then `forward` takes the subscribers one by one, each with all
//! that is new for it: `rewrite` maps the numbers so that each slot is one continuous stream over its
//! changing sources, and the header, the payload and the seal are written straight into the
//! batch that `sendmmsg` sends, in which what goes to one address in a row is one message. `router`
//! fills the slots anew when somebody comes, goes, is given the floor, begins or ceases to send: once
//! a turn, before anything leaves.
//!
//! A camera may come as three simulcast layers, each a source of its own. Some times a second
//! `choose` asks for each peer what its client shows and how large, what each layer costs, and what
//! `bandwidth` believes of the path, and `allocate` answers which layer each slot is to carry; the slot
//! goes over to it at that layer's next key frame. Layers that nobody shows are stopped at their sender.
//!
//! # The walk of a raised hand
//!
//! The connection's task (`signalling::task`) reads a frame; `signalling::session` decodes it,
//! counts it against the rate, and knows whose it is from the invite. The room's task reads the
//! clock and hands it to `Room`: `Meeting::decide` gives events or a refusal that has changed
//! nothing; each event is applied and left for the journal. What a member may be heard as is compared
//! with what the shard was last told, and what closes a microphone is ordered at once; everything
//! else waits in the room, which goes on meanwhile, until the journal's thread has committed: then the
//! event is encoded once and put into every member's bounded queue (some are for chairs alone), the
//! answer follows, and microphones open. A member whose queue is full loses the connection, comes back with the last
//! revision it has, and gets what it missed; the room never waits.
//!
//! # Before a room
//!
//! A page at its check offers a peer connection by UDP alone and one by TCP alone (`check.offer`).
//! [`check`] has a media session of its own, in which nobody is heard or shown: the shard answers, counts
//! what the page sends, and reports what was lost, as to any sender; after 15 s the peer is closed.
//!
//! # The walk of a webhook
//!
//! The journal's thread has committed and says so; `webhooks::task` asks the store how far each session is,
//! and tells the pure `Queue`, which orders entries to be read after each subscription's place and the next
//! one to be sent. It is signed, and posted to an address that was looked at after its name was resolved. Only
//! when the receiver has taken it comes the next of that session; until then it is tried again, later each
//! time. How far each is lies in the store, so that a start goes on there.
//!
//! # A call without a page
//!
//! An encoder posts an offer to `/whip/{session}` with its member's token, a player to
//! `/whep/{session}`. `http::whip` reads the offer, refuses what cannot be answered whole, and opens a
//! call (`signalling::call`): a connection like a page's, but without a WebSocket. The room's `calls`
//! have the shard answer first; then a publisher takes its member's place, where the floor and
//! everything else holds for it as for any page, while a player has none: the shard fills its slots by
//! the same claims, but never with its own member's tracks, which are of one kin.
//!
//! # A look from outside
//!
//! A program with a token, or the organiser's board, asks `/api/v1/…/live`. `http::api` is a table of
//! operations, of which both the routes and the OpenAPI document are made; it knows who asks and what the
//! token is for, and asks each session's room to be looked at (`room::looking`). The room asks its shard
//! how the paths do, at most once a second however many look, and shows that together with its state, when
//! that is stored. A change goes to the store on a thread that may wait for the disk, and names the version
//! that it is one of.
//!
//! # The way to an end
//!
//! A signal comes to [`serve`]. Where members are in a room, it lets `signalling::Context` drain: each
//! connection's session tells its member and refuses `session.join`, `/readyz` says so to whoever stands
//! before the server, and calls are refused. When the last member has left, or time is over, every
//! connection is closed as 1012, and the journal's thread writes what is left.
//!
//! # The way back after a crash
//!
//! [`serve`] reads each session's journal, checks its chain and applies the events to a new
//! `Meeting`, or those after the last state that was kept beside it; the `Room` then records that
//! everybody is lost and that every clock waits for a chair, as of the time when the server before it was
//! last known to run: the journal's thread notes every few seconds that it does. Pages connect anew by themselves and join
//! with their last revision.

pub mod auth;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod csv;
pub mod http;
pub mod ids;
pub mod loadtest;
pub mod media;
pub mod meeting;
pub mod programme;
pub mod record;
pub mod room;
pub mod serve;
pub mod signalling;
pub mod store;
pub mod telemetry;
pub mod time;
pub mod webhooks;
