//! The domain core: one session's meeting, pure and event-sourced.
//!
//! `decide` looks and answers, `apply` changes. A refused command has changed nothing. This
//! module must never know sockets, clocks, files, media packets or message formats.
//!
//! | file | what it decides or holds |
//! |---|---|
//! | `state` | `Meeting`: the state |
//! | `apply` | what each event changes: the only way it changes |
//! | `decide` | which feature answers a command |
//! | `rights` | the table of roles and commands |
//! | `session` | prepare, open, pause, resume, close, reopen |
//! | `agenda` | what a session is planned to be, its settings, how late it runs |
//! | `conduct` | settings, the agenda's items, the lock, the spotlight, a technical stop, who moderates |
//! | `presence` | who may come in, who is here, who was removed |
//! | `lobby` | who waits to be let in |
//! | `moderation` | mute, ask to unmute, unmute, block, stop a picture, remove |
//! | `floor`, `turn` | the queue and the turns as they stand; a turn's clocks |
//! | `queue` | the order of the hands, and why each is where it is |
//! | `asking`, `giving`, `list`, `clocks` | the members' and the chairs' commands of the floor |
//! | `timing` | what real audio and passing time do to a turn |
//! | `record` | chat, notices, notes, recommendations |
//! | `hearing` | who is heard, who is seen |
//! | `kinds` | the events' names |
//! | `view` | the state as a client is told it |

pub mod agenda;
mod apply;
mod asking;
mod clocks;
pub mod command;
mod conduct;
pub mod decide;
mod draft;
pub mod event;
pub mod floor;
mod giving;
pub mod hearing;
pub mod kinds;
mod list;
mod lobby;
mod moderation;
pub mod presence;
pub mod queue;
pub mod record;
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
mod brief;
#[cfg(test)]
mod cases;
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
pub use session::{SessionState, Standing};
pub use settings::Settings;
pub use state::Meeting;
pub use view::Snapshot;
