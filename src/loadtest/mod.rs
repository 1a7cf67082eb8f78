//! The load test: bots that take seats as people do, over a real WebSocket and real UDP, and
//! count what arrives.
//!
//! A separate user of the server: it knows its links and its protocol, and nothing of how it works.
//! Whoever wants a server of its own to be loaded starts one and hands over its links.
//!
//! | file | what it does |
//! |---|---|
//! | `scenario` | SHELL: who comes when, and what is made of it |
//! | `bot` | SHELL: one member, from the link to the farewell |
//! | `signalling`, `peer` | SHELL: a client's two connections; the end-to-end tests use them too |
//! | `tracks` | SHELL: what is sent and received on a peer connection |
//! | `sockets` | SHELL: room for what a busy machine is late to read |
//! | `publisher` | SHELL: sound and pictures in real time |
//! | `key_frames` | the server's wish for a key frame, brought to the camera |
//! | `invite` | the links, and who does what |
//! | `stamp` | what is sent: payloads that say which they are |
//! | `continuity`, `tally` | what has arrived, in counters |
//! | `report`, `table` | what it comes to, and for people |
//! | `cpu` | SHELL: processor time |

mod bot;
mod continuity;
mod cpu;
pub mod invite;
mod key_frames;
pub mod peer;
mod publisher;
pub mod report;
mod scenario;
pub mod signalling;
mod sockets;
pub mod stamp;
mod table;
mod tally;
mod tracks;

pub use scenario::{PUBLISHERS_MAX, Scenario, run};
