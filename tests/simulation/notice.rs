//! What a participant notices: sound that is interrupted, pictures that stand still.

use std::time::{Duration, Instant};

use crate::{ear::longest_silence, seeds::Verdict, world::World};

/// A stretch of a scenario, and who is listening to whom.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub listener: usize,
    pub speaker: usize,
    pub from: Instant,
    pub to: Instant,
}

impl Look {
    /// Sound is never interrupted for longer, and of what was said this share is heard.
    pub fn sound(self, world: &World, silence_max: Duration, share: f64, verdict: &mut Verdict) {
        let name = self.name(world);
        let heard = world.seats[self.listener].heard(self.speaker);
        let silence = longest_silence(&heard, self.from, self.to);
        if silence > silence_max {
            verdict.push(format!("{name}: the sound is interrupted for {silence:?}"));
        }
        // Played a little after it was made: the same stretch of time has as many frames.
        let frames = heard
            .iter()
            .filter(|it| (self.from..self.to).contains(&it.at))
            .count();
        let made = (self.to - self.from).as_millis() / 20;
        let got = frames as f64 / made as f64;
        if got < share {
            verdict.push(format!(
                "{name}: {frames} of {made} frames of sound are heard"
            ));
        }
    }

    /// The share of sound that is to be heard: the plain one, or where frames come twice the other.
    pub fn share(self, world: &World, plain: f64, redundant: f64) -> f64 {
        if world.seats[self.speaker].microphone.is_redundant() {
            redundant
        } else {
            plain
        }
    }

    /// So many frames a second are seen, and the picture never stands still for longer.
    pub fn picture(self, world: &World, fps: f64, stall_max: Duration, verdict: &mut Verdict) {
        let name = self.name(world);
        let Some(eye) = world.seats[self.listener].eye_on(self.speaker) else {
            verdict.push(format!("{name}: no picture is seen"));
            return;
        };
        let frames = eye.between(self.from, self.to).count();
        let rate = frames as f64 / (self.to - self.from).as_secs_f64();
        if rate < fps {
            verdict.push(format!("{name}: the picture has {rate:.1} frames a second"));
        }
        let stall = eye.longest_stall(self.from, self.to);
        if stall > stall_max {
            verdict.push(format!("{name}: the picture stands still for {stall:?}"));
        }
    }
}

impl Look {
    /// The picture has only these sizes, by its height.
    pub fn heights(
        self,
        world: &World,
        wanted: std::ops::RangeInclusive<u16>,
        verdict: &mut Verdict,
    ) {
        let name = self.name(world);
        let eye = world.seats[self.listener].eye_on(self.speaker);
        let mut seen = eye
            .into_iter()
            .flat_map(|eye| eye.between(self.from, self.to));
        if let Some(seen) = seen.find(|seen| !wanted.contains(&seen.size.1)) {
            let after = seen.at - self.from;
            let height = seen.size.1;
            verdict.push(format!(
                "{name}: the picture is {height} high after {after:?}, not {wanted:?}"
            ));
        }
    }
}

impl Look {
    fn name(self, world: &World) -> String {
        let Self {
            listener, speaker, ..
        } = self;
        let [from, to] = [self.from, self.to].map(|at| (at - world.start).as_secs_f32());
        format!("seat {listener} of seat {speaker}, {from:.1} to {to:.1} s")
    }
}
