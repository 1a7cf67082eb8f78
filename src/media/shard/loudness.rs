//! Who is loud: RFC 6464 levels, smoothed. Never decodes sound.

use std::time::{Duration, Instant};

use super::rtp::AudioLevel;

/// Louder than this, in −dBov, counts as speaking.
const SPEAKING_LEVEL: f32 = 50.0;
/// Time constants of the smoothing: quick to rise, slow to fall, so that a pause between two words
/// is not an end.
const RISE: Duration = Duration::from_millis(60);
const FALL: Duration = Duration::from_millis(500);
const SILENCE: f32 = 127.0;

/// A smoothed level.
#[derive(Debug, Clone)]
pub struct Loudness {
    /// In −dBov: 0 is the loudest.
    level: f32,
    at: Option<Instant>,
}

impl Default for Loudness {
    fn default() -> Self {
        Self {
            level: SILENCE,
            at: None,
        }
    }
}

impl Loudness {
    /// Takes one packet's level.
    pub fn handle(&mut self, now: Instant, level: AudioLevel) {
        let level = f32::from(level.level);
        let passed = self.at.map_or(RISE, |at| now.saturating_duration_since(at));
        let time = if level < self.level { RISE } else { FALL };
        let weight = 1.0 - (-passed.as_secs_f32() / time.as_secs_f32()).exp();
        self.level += (level - self.level) * weight;
        self.at = Some(now);
    }

    /// The level now, in −dBov; silence when nothing has come for a while.
    pub fn level(&self, now: Instant) -> f32 {
        match self.at {
            Some(at) if now.saturating_duration_since(at) < FALL => self.level,
            Some(_) | None => SILENCE,
        }
    }

    /// Audibly speaking now.
    pub fn is_speaking(&self, now: Instant) -> bool {
        self.level(now) < SPEAKING_LEVEL
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use super::*;

    #[test]
    fn speech_rises_at_once_and_outlasts_a_pause() {
        let start = Instant::now();
        let mut loudness = Loudness::default();
        let mut now = start;
        let feed = |level, packets, now: &mut Instant, loudness: &mut Loudness| {
            for _ in 0..packets {
                *now += Duration::from_millis(20);
                loudness.handle(
                    *now,
                    AudioLevel {
                        voice: false,
                        level,
                    },
                );
            }
        };
        feed(127, 50, &mut now, &mut loudness);
        assert!(!loudness.is_speaking(now));
        feed(20, 8, &mut now, &mut loudness);
        assert!(loudness.is_speaking(now), "within 160 ms");
        feed(90, 5, &mut now, &mut loudness);
        assert!(loudness.is_speaking(now), "a pause of 100 ms");
        feed(90, 50, &mut now, &mut loudness);
        assert!(!loudness.is_speaking(now));
        feed(20, 8, &mut now, &mut loudness);
        assert!(!loudness.is_speaking(now + FALL), "no packets at all");
    }
}
