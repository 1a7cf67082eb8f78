//! The roundtable in real browsers: what its people would see and hear.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about real time in real browsers"
)]

mod access;
mod asleep;
mod board;
mod busy;
mod checking;
mod coming;
mod delegate;
mod desk;
mod floor;
mod layers;
mod links;
mod listening;
mod looks;
mod loss;
mod measuring;
mod returning;
mod screen;
mod support;
mod table;

use support::browser::{Browser, Person};
use tokio::sync::{Mutex, MutexGuard};

/// Up to four members. No tone is near a harmonic of another.
const PEOPLE: [Person; 4] = [
    Person {
        tone: 440,
        backdrop: [38, 84, 124],
    },
    Person {
        tone: 620,
        backdrop: [140, 70, 52],
    },
    Person {
        tone: 970,
        backdrop: [52, 110, 76],
    },
    Person {
        tone: 1430,
        backdrop: [110, 104, 130],
    },
];

/// Their microphones, in Hz.
const TONES: [u32; 4] = [
    PEOPLE[0].tone,
    PEOPLE[1].tone,
    PEOPLE[2].tone,
    PEOPLE[3].tone,
];

/// How soon the floor is heard, or no longer heard, and a picture is seen.
const AT_ONCE_MS: f64 = 1000.0;

/// One scene at a time: two cores carry one roundtable of browsers, not several.
static STAGE: Mutex<()> = Mutex::const_new(());

async fn stage() -> MutexGuard<'static, ()> {
    STAGE.lock().await
}

/// A browser for each of the four.
async fn browsers() -> Vec<Browser> {
    let mut browsers = Vec::new();
    for person in PEOPLE {
        browsers.push(Browser::chromium(person).await);
    }
    browsers
}

/// Which of the four stands before a backdrop most like this one.
fn person_before(colour: [u8; 3]) -> usize {
    let distance = |person: &Person| -> u32 {
        let parts = person.backdrop.iter().zip(colour);
        parts.map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    let nearest = PEOPLE.iter().map(distance).enumerate();
    nearest
        .min_by_key(|(_, distance)| *distance)
        .map_or(0, |(place, _)| place)
}
