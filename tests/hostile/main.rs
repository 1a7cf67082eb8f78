//! Hostile input against the real program on loopback: whatever a stranger or a member sends, it
//! gets the documented error (or silence, over UDP), memory stays flat, nothing panics, and two
//! members who only want to talk notice nothing.
//!
//! Each test starts a server of its own, seats that pair, and attacks.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about real time on real sockets"
)]

mod caller;
#[path = "../shard/client.rs"]
#[expect(dead_code, reason = "the tests in memory use more of it")]
mod client;
mod control;
mod crowds;
mod descriptions;
mod flood;
mod frames;
mod handshakes;
mod house;
mod inside;
mod line;
mod links;
mod messages;
mod offers;
mod outside;
mod pair;
mod readers;
mod streams;
