//! SHELL. Tells whoever waits for a load test how far it is: by a bar on a terminal, by a line now and
//! then elsewhere.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use tokio::{sync::watch, time::interval};

use crate::loadtest::progress::Progress;

/// How often a bar moves, and how often a line is written.
const BAR: Duration = Duration::from_millis(200);
const LINE: Duration = Duration::from_secs(10);

/// Characters of a bar.
const WIDTH: usize = 24;

/// Tells, until the load test has ended.
pub(super) async fn wait(mut told: watch::Receiver<Progress>, participants: u16, about: Duration) {
    let is_terminal = std::io::stderr().is_terminal();
    let began = now();
    let mut pace = interval(if is_terminal { BAR } else { LINE });
    // The first tick is at once, when there is nothing to tell.
    pace.tick().await;
    loop {
        // Changes come all the time; what counts is whether there will be any.
        let ended = async { while told.changed().await.is_ok() {} };
        tokio::select! {
            () = ended => break,
            _ = pace.tick() => {}
        }
        let progress = *told.borrow();
        let passed = now().saturating_duration_since(began);
        let line = line(progress, participants, passed, about);
        if is_terminal {
            // To the line's beginning, and what stood there before is erased.
            say(&format!("\r\x1b[K{} {line}", bar(passed, about)));
        } else {
            say(&format!("{line}\n"));
        }
    }
    if is_terminal {
        say("\r\x1b[K");
    }
}

fn say(text: &str) {
    let mut out = std::io::stderr().lock();
    // Nobody is left to hear of a standard error that is gone.
    let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn line(progress: Progress, participants: u16, passed: Duration, about: Duration) -> String {
    format!(
        "{}: {} of {participants} there, {} packets received, {} of about {} s",
        progress.phase.name(),
        progress.present,
        progress.received,
        passed.as_secs(),
        about.as_secs().max(passed.as_secs())
    )
}

fn bar(passed: Duration, about: Duration) -> String {
    let share = passed.as_secs_f64() / about.as_secs_f64().max(1.0);
    let full = ((share * WIDTH as f64) as usize).min(WIDTH);
    format!("[{}{}]", "#".repeat(full), ".".repeat(WIDTH - full))
}

#[expect(clippy::disallowed_methods, reason = "somebody waits in real time")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_and_never_overflows() {
        let seconds = Duration::from_secs;
        assert_eq!(
            bar(seconds(0), seconds(10)),
            format!("[{}]", ".".repeat(24))
        );
        assert_eq!(bar(seconds(5), seconds(10)).matches('#').count(), 12);
        assert_eq!(
            bar(seconds(50), seconds(10)),
            format!("[{}]", "#".repeat(24))
        );
    }

    #[test]
    fn a_line_says_how_far_it_is() {
        let progress = Progress {
            present: 7,
            received: 1234,
            ..Progress::default()
        };
        let line = line(
            progress,
            50,
            Duration::from_secs(4),
            Duration::from_secs(30),
        );
        assert_eq!(
            line,
            "joining: 7 of 50 there, 1234 packets received, 4 of about 30 s"
        );
    }
}
