//! The signalling protocol: how a client speaks with the server.
//!
//! `protocol.md` lists every message; `wire.rs` is the same list as types, and `schema.rs` as JSON
//! Schema; `session.rs` is one
//! connection as a pure state machine; `task.rs` and `socket.rs` are its SHELL, `call.rs` (SHELL) is a
//! connection without a WebSocket, `context.rs` is what all of them share. This module must
//! never know what a meeting decides or what media does: it carries requests to a room and words
//! back.

pub mod call;
pub mod closing;
mod connections;
mod context;
mod listing;
#[cfg(test)]
mod page;
mod rate;
mod refusals;
mod requests;
mod schema;
pub mod session;
mod settings;
mod socket;
pub mod task;
mod turn;
pub mod wire;

pub use context::{Checks, Context, KeepReport, KeepUse, Links};
pub use rate::Rate;
pub use schema::{plain, schema};
pub use settings::{Secret, Settings};
pub use task::run;
