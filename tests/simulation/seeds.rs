//! Which seeds a scenario runs with.
//!
//! `ROUNDTABLE_SEED=n` runs that one alone; `ROUNDTABLE_LONG` ten times as many.

use std::env;

/// What a scenario found wrong, in a participant's words. Empty is well.
pub type Verdict = Vec<String>;

/// Runs a scenario with so many seeds.
pub fn each(seeds: u64, scenario: impl Fn(u64) -> Verdict) {
    let only = env::var("ROUNDTABLE_SEED").ok();
    let only = only.map(|seed| seed.parse().expect("ROUNDTABLE_SEED is a number"));
    let factor = if env::var_os("ROUNDTABLE_LONG").is_some() {
        10
    } else {
        1
    };
    let seeds = match only {
        Some(seed) => seed..=seed,
        None => 1..=seeds * factor,
    };
    for seed in seeds {
        let says = Says(seed);
        let verdict = scenario(seed);
        assert!(verdict.is_empty(), "{}", verdict.join("\n"));
        drop(says);
    }
}

/// Names the seed when a test fails with it.
struct Says(u64);

impl Drop for Says {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was seed {0}; ROUNDTABLE_SEED={0} runs it again", self.0);
        }
    }
}
