//! The signalling protocol: how a client speaks with the server.
//!
//! `protocol.md` lists every message; `wire.rs` is the same list as types; `session.rs` is one
//! connection as a pure state machine; `task.rs` and `socket.rs` are its SHELL. This module must
//! never know what a meeting decides or what media does: it carries requests to a room and words
//! back.

mod connections;
mod listing;
mod rate;
mod refusals;
mod requests;
pub mod session;
mod settings;
mod socket;
pub mod task;
pub mod wire;

pub use settings::Settings;
pub use task::{Context, run};
