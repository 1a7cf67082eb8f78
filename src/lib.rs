//! Roundtable: the server that a serious online roundtable runs on.
//!
//! (The architecture page: map, layers, the walk of a packet and of a raised hand.)

pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod http;
pub mod ids;
pub mod media;
pub mod meeting;
pub mod programme;
pub mod room;
pub mod serve;
pub mod signalling;
pub mod store;
pub mod telemetry;
pub mod time;
