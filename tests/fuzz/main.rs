//! A whole shard is fed with good input that was changed: offers of browsers, checks that are signed
//! and checks that are not, records of DTLS, RTP and RTCP under the right keys and under none. Nothing
//! panics, nothing grows, every answer is in bounds, and a pair in the same session talks on.
//!
//! A failing test names its seed; `ROUNDTABLE_SEED=n` runs it again, `ROUNDTABLE_LONG` runs far more.

#[path = "../shard/client.rs"]
#[allow(dead_code, reason = "shared with the shard's tests")]
mod client;
mod corpus;
mod mutate;
#[path = "../simulation/offer.rs"]
#[allow(dead_code, reason = "shared with the simulation")]
mod offer;
mod stage;
mod stun;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    env,
    sync::atomic::{AtomicIsize, Ordering},
};

use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};
use stage::Stage;

/// Inputs between two packets of the pair's, and how often that is repeated.
const INPUTS: usize = 10;
const ROUNDS: u16 = 400;
const SEEDS: u64 = 12;
/// What the memory in use may grow by from a quarter of a run to its end, in bytes: what lists have
/// kept of room.
const GROWTH_MAX: isize = 2 << 20;

struct Counting;

static IN_USE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size().cast_signed(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size().cast_signed(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Names the seed when the test fails with it.
struct Says(u64);

impl Drop for Says {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was seed {0}; ROUNDTABLE_SEED={0} runs it again", self.0);
        }
    }
}

#[test]
fn whatever_is_sent_the_pair_talks_on() {
    let only = env::var("ROUNDTABLE_SEED").ok();
    let only: Option<u64> = only.map(|seed| seed.parse().expect("a number"));
    let factor = if env::var_os("ROUNDTABLE_LONG").is_some() {
        30
    } else {
        1
    };
    let seeds = only.map_or(1..=SEEDS * factor, |seed| seed..=seed);
    for seed in seeds {
        let says = Says(seed);
        let mut stage = Stage::new(seed);
        let mut early = 0;
        for round in 1..=ROUNDS {
            for _ in 0..INPUTS {
                stage.attack();
            }
            stage.talk(round);
            if round == ROUNDS / 4 {
                early = IN_USE.load(Ordering::Relaxed);
            }
        }
        let grown = IN_USE.load(Ordering::Relaxed) - early;
        let reached = &stage.reached;
        assert!(grown < GROWTH_MAX, "{grown} bytes more after {reached:?}");
        println!("{reached:?}, {grown} bytes more");
        let counts = [
            reached.taken,
            reached.refused,
            reached.checked,
            reached.forwarded,
            reached.answered,
        ];
        // Of the packets forwarded 400 or 800 are the pair's.
        assert!(
            reached.forwarded >= 500 && counts.iter().all(|count| *count >= 25),
            "{reached:?}"
        );
        drop(says);
    }
}

proptest! {
    /// Reading an offer alone, with more of them than a shard would be shown.
    #[test]
    fn any_description_is_read_or_refused(seed: u64) {
        let corpus = [include_str!("chromium.sdp"), include_str!("firefox.sdp")];
        let text = mutate::text(&mut StdRng::seed_from_u64(seed), &corpus);
        if let Ok(offer) = roundtable::media::shard::sdp::read(&text) {
            prop_assert!(offer.sections.len() <= roundtable::media::shard::sdp::SECTIONS_MAX);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,400}") {
        let _ = roundtable::media::shard::sdp::read(&text);
    }
}
