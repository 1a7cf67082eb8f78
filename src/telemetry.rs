//! SHELL. Log lines: to standard error, ours from `info`, other crates' from `warn`.
//!
//! Lines carry ids (members, sessions, peers), never tokens, names or addresses of people.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// The variable that chooses what is logged, in `tracing-subscriber`'s words, such as
/// `roundtable=debug`.
pub const VARIABLE: &str = "ROUNDTABLE_LOG";

/// What is logged when nothing is asked for. ICE and DTLS warn of each packet that a stranger or a
/// browser newer than they are sends: nothing for an operator, and a way to fill a disk. The load
/// test's clients warn of each packet that comes right behind the end of their handshake.
const QUIET: &str =
    "warn,rtc_ice=off,rtc_dtls=off,rtc_stun=off,rtc::peer_connection=error,roundtable=info";

/// Starts logging. What is wrong with the variable's text is the error.
pub fn start() -> Result<(), String> {
    let filter = match std::env::var(VARIABLE) {
        Ok(asked) if !asked.is_empty() => EnvFilter::try_new(&asked)
            .map_err(|error| format!("{VARIABLE}={asked:?} is not a log filter: {error}"))?,
        Ok(_) | Err(_) => EnvFilter::new(QUIET),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init()
        .map_err(|error| error.to_string())
}
