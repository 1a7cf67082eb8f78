//! Whole sessions on a virtual clock: real shards, models of browsers, and a seeded network between
//! them that loses, delays, overtakes, doubles and narrows. What is asserted is what a participant
//! would notice.
//!
//! A seed decides what the network and the participants do, not the bytes of STUN and DTLS, which
//! come from the platform's randomness; therefore handshakes go over a perfect network. A failing
//! test names its seed, and `ROUNDTABLE_SEED=n` runs it again.

mod bandwidth;
mod camera;
#[path = "../shard/client.rs"]
#[allow(dead_code, reason = "shared with the shard's tests")]
mod client;
mod ear;
mod eye;
mod handover;
mod layers;
mod loss;
mod microphone;
mod moving;
mod network;
mod notice;
mod offer;
mod reception;
mod seat;
mod seeds;
mod wide;
mod world;
