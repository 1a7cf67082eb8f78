//! What the tests in real browsers stand on: browsers, tabs in them, the server under test, tones and
//! the measuring script. Drives Chromium by the DevTools protocol and Firefox by WebDriver BiDi, over
//! plain WebSockets, so that no Node is needed. Knows how to press and measure; what should be
//! seen is the tests' matter.

pub mod browser;
pub mod cable;
pub mod camera;
pub mod desk;
pub mod fingers;
pub mod process;
pub mod seat;
pub mod server;
pub mod speech;
pub mod tab;
pub mod tone;
pub mod wire;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The machine's clock in milliseconds, as a page's `Date.now()` gives it: one clock for the
/// test and all its browsers.
pub fn wall_ms() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970")
        .as_secs_f64()
        * 1000.0
}

/// Lets real time pass.
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
