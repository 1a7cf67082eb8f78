//! The load test: bots that take seats as people do, over a real WebSocket and real UDP, and
//! count what arrives.
//!
//! A separate user of the server: it knows its links and its protocol, and nothing of how it works.
//! Whoever wants a server of its own to be loaded starts one and hands over its links.
//!
//! | file | what it does |
//! |---|---|
//! | `scenario` | what happens: the scenarios as a table, and the plan made from one |
//! | `run` | SHELL: who comes when, and what is made of it |
//! | `room` | SHELL: everybody who is in the room |
//! | `bot` | SHELL: one member, from the link to the farewell |
//! | `agenda` | SHELL: a chair who plays an event's agenda, session by session |
//! | `schedule` | which items, how long, how their floor is given |
//! | `floor` | SHELL: a chair who gives the floor and takes it back |
//! | `signalling`, `peer` | SHELL: a client's two connections; the end-to-end tests use them too |
//! | `tracks` | SHELL: what is sent and received on a peer connection |
//! | `lean` | receivers of our own that cost a fraction of a whole client |
//! | `sockets`, `weather_socket` | SHELL: room for what a busy machine is late to read; loss and delay |
//! | `cipher` | the seal that is agreed on |
//! | `weather` | which packets fall, and how late the others are |
//! | `publisher` | SHELL: sound and pictures in real time |
//! | `key_frames` | the server's wish for a key frame, brought to the camera |
//! | `invite` | the links, and who does what |
//! | `event_file` | an event with as many seats as are wanted |
//! | `stamp` | what is sent: payloads that say which they are, and when they were sent |
//! | `continuity`, `tally`, `histogram` | what has arrived, in counters |
//! | `watch`, `series` | SHELL: everybody's counters, second by second; the list of them |
//! | `metrics`, `scrape` | the server's figures about itself; SHELL: fetched |
//! | `limits`, `bottleneck` | what must hold, and what stood in the way |
//! | `report`, `table`, `page` | what it comes to; for people at a terminal, and as a page |
//! | `chart` | a line over time, as SVG |
//! | `progress` | how far it is |
//! | `cpu` | SHELL: processor time |

mod agenda;
mod bot;
mod bottleneck;
mod chart;
pub mod cipher;
mod continuity;
mod cpu;
pub mod event_file;
mod floor;
mod histogram;
pub mod invite;
mod key_frames;
mod lean;
pub mod limits;
mod metrics;
mod page;
pub mod peer;
pub mod progress;
mod publisher;
pub mod report;
mod room;
mod run;
pub mod scenario;
mod schedule;
mod scrape;
mod series;
pub mod signalling;
mod sockets;
pub mod stamp;
mod table;
mod tally;
mod tracks;
mod watch;
pub mod weather;
mod weather_socket;

pub use run::{NotRun, Setting, run};
pub use scrape::Metrics;
