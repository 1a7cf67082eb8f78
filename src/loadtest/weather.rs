//! A worse network than there is: packets fall, and all are late by half a round trip each way.
//!
//! Seeded: the same packets of a path fall in each run. This module must never know what carries them.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// What each path of the bots' is made to be like.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Climate {
    /// Of a hundred packets so many fall, each way.
    pub loss_percent: f64,
    /// The round trip that is added.
    pub rtt: Duration,
}

impl Climate {
    /// Nothing is changed.
    pub fn is_calm(&self) -> bool {
        self.loss_percent <= 0.0 && self.rtt.is_zero()
    }

    /// How late a packet is made, each way.
    pub fn delay(&self) -> Duration {
        self.rtt / 2
    }
}

/// The weather on one way of one path.
#[derive(Debug)]
pub struct Weather {
    loss: f64,
    random: StdRng,
}

impl Weather {
    /// Of a way in that climate; `seed` is the way's own.
    pub fn new(climate: Climate, seed: u64) -> Self {
        Self {
            loss: climate.loss_percent / 100.0,
            random: StdRng::seed_from_u64(seed),
        }
    }

    /// Whether the next packet falls.
    pub fn fells(&mut self) -> bool {
        self.loss > 0.0 && self.random.random::<f64>() < self.loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fallen(loss_percent: f64, seed: u64) -> Vec<bool> {
        let climate = Climate {
            loss_percent,
            ..Climate::default()
        };
        let mut weather = Weather::new(climate, seed);
        (0..10_000).map(|_| weather.fells()).collect()
    }

    #[test]
    fn so_many_fall_and_the_same_ones_again() {
        let count = |loss, seed| fallen(loss, seed).iter().filter(|fell| **fell).count();
        assert_eq!(count(0.0, 1), 0);
        assert_eq!(count(100.0, 1), 10_000);
        assert!((400..600).contains(&count(5.0, 1)), "{}", count(5.0, 1));
        assert_eq!(fallen(5.0, 1), fallen(5.0, 1));
        assert_ne!(fallen(5.0, 1), fallen(5.0, 2));
    }

    #[test]
    fn calm_is_told_from_weather() {
        assert!(Climate::default().is_calm());
        let late = Climate {
            rtt: Duration::from_millis(80),
            ..Climate::default()
        };
        assert!(!late.is_calm());
        assert_eq!(late.delay(), Duration::from_millis(40));
    }
}
