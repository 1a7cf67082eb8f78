//! Whether the way gets longer: the slope of the delay over the last groups, against a threshold
//! that follows the path's own unrest (libwebrtc's trendline in place of the filter of
//! draft-ietf-rmcat-gcc-02 section 5.3; sections 5.4 for the threshold).
//!
//! This module must never know rates.

use super::groups::Step;

/// Groups that the slope is taken over.
const WINDOW: usize = 20;
/// How much of the smoothed delay stays with each group.
const SMOOTHING: f64 = 0.9;
/// Brings a slope to the threshold's scale.
const GAIN: f64 = 4.0;
const DELTAS_MAX: u32 = 60;
/// Overuse is believed when it lasted so long, in milliseconds.
const OVERUSE_MS: f64 = 10.0;
const THRESHOLD_START: f64 = 12.5;
const THRESHOLD_MIN: f64 = 6.0;
const THRESHOLD_MAX: f64 = 600.0;
/// A spike beyond the threshold by more than this does not move it.
const SPIKE: f64 = 15.0;
/// How fast the threshold goes up and down, per millisecond.
const RISE: f64 = 0.0087;
const FALL: f64 = 0.039;
/// A pause counts as no more than this, in milliseconds.
const PAUSE_MAX_MS: f64 = 100.0;

/// What the delay says of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// The delay stays.
    Normal,
    /// It grows: a queue builds up.
    Over,
    /// It shrinks: a queue drains.
    Under,
}

/// The last delays and what follows from them.
#[derive(Debug)]
pub struct Trend {
    /// Arrival and smoothed delay of the last groups, in milliseconds.
    points: [(f64, f64); WINDOW],
    count: u32,
    delay_ms: f64,
    smoothed_ms: f64,
    threshold: f64,
    threshold_at_ms: Option<f64>,
    over_ms: f64,
    over_count: u32,
    slope: f64,
    usage: Usage,
}

impl Trend {
    /// Nothing known.
    pub fn new() -> Self {
        Self {
            points: [(0.0, 0.0); WINDOW],
            count: 0,
            delay_ms: 0.0,
            smoothed_ms: 0.0,
            threshold: THRESHOLD_START,
            threshold_at_ms: None,
            over_ms: 0.0,
            over_count: 0,
            slope: 0.0,
            usage: Usage::Normal,
        }
    }

    /// What the groups so far say.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// One more step from group to group.
    pub fn push(&mut self, step: Step) {
        self.delay_ms += step.delay_ms;
        self.smoothed_ms = SMOOTHING * self.smoothed_ms + (1.0 - SMOOTHING) * self.delay_ms;
        // The oldest is written over: the slope does not ask for their order.
        let oldest = self.count as usize % WINDOW;
        if let Some(point) = self.points.get_mut(oldest) {
            *point = (step.arrival_ms, self.smoothed_ms);
        }
        self.count = self.count.saturating_add(1);
        let slope = if self.count as usize >= WINDOW {
            slope(&self.points).unwrap_or(self.slope)
        } else {
            self.slope
        };
        self.detect(slope, step);
    }

    fn detect(&mut self, slope: f64, step: Step) {
        let scaled = f64::from(self.count.min(DELTAS_MAX)) * slope * GAIN;
        if self.count < 2 {
            return;
        }
        if scaled > self.threshold {
            // Half of the first interval: when it began is not known.
            self.over_ms += if self.over_count == 0 {
                step.sent_ms / 2.0
            } else {
                step.sent_ms
            };
            self.over_count += 1;
            if self.over_ms > OVERUSE_MS && self.over_count > 1 && slope >= self.slope {
                self.over_ms = 0.0;
                self.over_count = 0;
                self.usage = Usage::Over;
            }
        } else {
            self.over_ms = 0.0;
            self.over_count = 0;
            self.usage = if scaled < -self.threshold {
                Usage::Under
            } else {
                Usage::Normal
            };
        }
        self.slope = slope;
        self.adapt(scaled.abs(), step.arrival_ms);
    }

    fn adapt(&mut self, size: f64, now_ms: f64) {
        let since = now_ms - self.threshold_at_ms.unwrap_or(now_ms);
        self.threshold_at_ms = Some(now_ms);
        if size > self.threshold + SPIKE {
            return;
        }
        let speed = if size < self.threshold { FALL } else { RISE };
        let moved = speed * (size - self.threshold) * since.clamp(0.0, PAUSE_MAX_MS);
        self.threshold = (self.threshold + moved).clamp(THRESHOLD_MIN, THRESHOLD_MAX);
    }
}

/// Least squares. `None` if all arrived at once.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let (x_sum, y_sum) = points
        .iter()
        .fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (x_mean, y_mean) = (x_sum / count, y_sum / count);
    let (up, across) = points.iter().fold((0.0, 0.0), |(up, across), (x, y)| {
        (
            up + (x - x_mean) * (y - y_mean),
            across + (x - x_mean) * (x - x_mean),
        )
    });
    (across > 0.0).then_some(up / across)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups each 20 ms that grow longer by so much each.
    fn usages(mut delay_of: impl FnMut(u32) -> f64, groups: u32) -> Vec<Usage> {
        let mut trend = Trend::new();
        let mut arrival_ms = 0.0;
        (0..groups)
            .map(|number| {
                let delay_ms = delay_of(number);
                arrival_ms += 20.0 + delay_ms;
                trend.push(Step {
                    delay_ms,
                    sent_ms: 20.0,
                    arrival_ms,
                });
                trend.usage()
            })
            .collect()
    }

    #[test]
    fn a_queue_that_builds_up_is_seen_and_one_that_drains() {
        assert_eq!(usages(|_| 0.0, 100), [Usage::Normal; 100]);
        let seen = usages(|number| if number < 50 { 2.0 } else { -2.0 }, 100);
        assert!(seen[..50].contains(&Usage::Over));
        assert!(!seen[..50].contains(&Usage::Under));
        assert_eq!(seen.last(), Some(&Usage::Under));
    }

    #[test]
    fn unrest_alone_is_no_overuse() {
        // Up by ten milliseconds and down again.
        let seen = usages(|number| if number % 2 == 0 { 10.0 } else { -10.0 }, 500);
        assert!(!seen.contains(&Usage::Over));
    }
}
