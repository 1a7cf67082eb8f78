//! The domain core: one session's meeting, pure and event-sourced.
//!
//! `decide` looks and answers, `apply` changes. A refused command has changed nothing. This
//! module must never know sockets, clocks, files, media packets or message formats.
//!
//! | file | what it decides or holds |
//! |---|---|
//! | `state` | `Meeting`: the state, and `apply`, the only way it changes |
//! | `decide` | which feature answers a command |
//! | `rights` | the table of roles and commands |
//! | `session` | prepare, open, pause, resume, close, reopen |
//! | `presence` | who may come in, who is here, who was removed |
//! | `moderation` | mute, ask to unmute, unmute, remove |
//! | `floor`, `turn` | the queue and the turns as they stand; a turn's clocks |
//! | `asking`, `giving` | the members' and the chairs' commands of the floor |
//! | `timing` | what real audio and passing time do to a turn |
//! | `hearing` | who is heard, who is seen |
//! | `view` | the state as a client is told it |

pub mod agenda;
mod asking;
pub mod command;
pub mod decide;
mod draft;
pub mod event;
pub mod floor;
mod giving;
pub mod hearing;
mod moderation;
pub mod presence;
pub mod refusal;
pub mod rights;
pub mod roster;
pub mod session;
pub mod settings;
pub mod spoken;
pub mod state;
mod timing;
pub mod turn;
pub mod view;

#[cfg(test)]
mod model;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod script;

pub use command::{Actor, Command};
pub use event::{Event, Recorded, Rev, TurnNumber};
pub use hearing::Hearing;
pub use refusal::{Refusal, RefusalCode};
pub use session::SessionState;
pub use settings::Settings;
pub use state::Meeting;
pub use view::Snapshot;
