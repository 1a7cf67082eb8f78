//! The domain core: one session's meeting, pure and event-sourced.
//!
//! `decide` looks and answers, `apply` changes. A refused command has changed nothing. This
//! module must never know sockets, clocks, files, media packets or message formats.

pub mod agenda;
pub mod event;
pub mod roster;
