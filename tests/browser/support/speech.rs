//! Somebody who speaks, and how much of it arrives: the loudness of each 20 ms of what was said beside
//! that of what was heard.

use std::{ops::Range, process::Command};

use super::{seat::Seat, tone::SAMPLE_RATE_HZ};

/// What is said, some twelve seconds of it.
const WORDS: &str = "Mister chairman, distinguished colleagues. The first of our three recommendations \
    is a common register of think tanks. The second is a yearly exchange of young researchers. The \
    third, and most urgent, is an open archive of all that was said today.";

/// Length of one step of an envelope, in samples.
const STEP: usize = 960;

/// Speech of espeak-ng's as 16-bit mono samples at 48 kHz.
pub fn say() -> Vec<i16> {
    let spoken = Command::new("espeak-ng")
        .args(["--stdout", "-s", "150", WORDS])
        .output()
        .expect("espeak-ng is installed");
    let wav = spoken.stdout;
    let header: [u8; 4] = wav[24..28].try_into().expect("a WAV header");
    let rate = f64::from(u32::from_le_bytes(header));
    let data = wav
        .windows(4)
        .position(|part| part == b"data")
        .expect("samples")
        + 8;
    let (samples, _) = wav[data..].as_chunks::<2>();
    let samples: Vec<f64> = samples
        .iter()
        .map(|pair| f64::from(i16::from_le_bytes(*pair)))
        .collect();
    let length = samples.len() as f64 * f64::from(SAMPLE_RATE_HZ) / rate;
    let said = (0..length as usize / STEP * STEP).map(|place| {
        let at = place as f64 * rate / f64::from(SAMPLE_RATE_HZ);
        let (before, part) = (at as usize, at.fract());
        let after = samples.get(before + 1).unwrap_or(&0.0);
        // Half as loud as it comes: nothing on the way limits it.
        ((samples[before] * (1.0 - part) + after * part) / 2.0) as i16
    });
    said.collect()
}

/// Length of the parts that are compared each at its own lag, in steps: 5 s. A browser's fake
/// microphone and the receiver's buffer do not keep the same pace over a longer time.
const PART: usize = 250;

/// Steps of one pace within a part: 1 s. From one to the next the lag may change by [`DRIFT`].
const PACE: usize = 50;

/// A receiver's buffer that has become too long is played a little faster, one that is too short a
/// little slower, and nothing is lost by it: 60 ms in a second, in fine lags.
const DRIFT: usize = 12;

/// How finely lags are tried: so many to a step.
const FINE: usize = 4;

/// The loudness of each 20 ms, four times shifted: one value each 5 ms.
pub fn envelope(samples: &[i16]) -> Vec<f64> {
    let power = |sample: &i16| (f64::from(*sample) / 32768.0).powi(2);
    let shifted = |place: usize| {
        let step = samples.iter().cycle().skip(place * STEP / FINE).take(STEP);
        (step.map(power).sum::<f64>() / STEP as f64).sqrt()
    };
    (0..samples.len() * FINE / STEP).map(shifted).collect()
}

/// How alike what was heard, in steps of 20 ms, is to what is said again and again: for each 5 s the
/// correlation of both envelopes at the lag where it is largest, from -1 to 1.
pub fn likeness(said: &[f64], heard: &[f64]) -> Vec<f64> {
    let parts = heard.chunks_exact(PART);
    parts.map(|part| best(said, part)).collect()
}

/// The same for one part.
fn best(said: &[f64], heard: &[f64]) -> f64 {
    let (steady, middle) = fitting(said, heard, 0, 0..said.len());
    let middle = middle + said.len();
    // Second by second from a lag near that which fits the whole best.
    let paced = |first: usize| {
        let mut lag = first;
        let mut aligned = Vec::with_capacity(heard.len());
        for (second, part) in heard.chunks(PACE).enumerate() {
            let from = second * PACE;
            if second > 0 {
                (_, lag) = fitting(said, part, from, lag - DRIFT..lag + DRIFT + 1);
            }
            aligned.extend(at(said, lag, from, part.len()));
        }
        correlation(&aligned, heard)
    };
    let begins = middle - 4 * DRIFT..=middle + 4 * DRIFT;
    begins.map(paced).fold(steady, f64::max)
}

/// Of some lags the one at which these steps of a part fit best, with their correlation.
fn fitting(said: &[f64], heard: &[f64], from: usize, lags: Range<usize>) -> (f64, usize) {
    let likened = lags.map(|lag| {
        let aligned: Vec<f64> = at(said, lag, from, heard.len()).collect();
        (correlation(&aligned, heard), lag)
    });
    likened.fold(
        (-1.0, 0),
        |best, one| if one.0 > best.0 { one } else { best },
    )
}

/// What was said in so many steps from one of a part's on, where the part begins at a lag.
fn at(said: &[f64], lag: usize, from: usize, steps: usize) -> impl Iterator<Item = f64> {
    (from..from + steps).map(move |step| said[(step * FINE + lag) % said.len()])
}

fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_one, mean_other) = (mean(one), mean(other));
    let pairs = || {
        one.iter()
            .zip(other)
            .map(|(a, b)| (a - mean_one, b - mean_other))
    };
    let together: f64 = pairs().map(|(a, b)| a * b).sum();
    let alone: f64 =
        pairs().map(|(a, _)| a * a).sum::<f64>() * pairs().map(|(_, b)| b * b).sum::<f64>();
    together / alone.sqrt()
}

/// The envelope of what a page plays of a member's microphone over so many seconds. Recorded and
/// decoded there without an output device, which the test machines do not have.
pub async fn hear(seat: &Seat, member: &str, seconds: u32) -> Vec<f64> {
    seat.tab
        .run(&format!(
            "const slot = roundtable.media.slots.find((each) => each.kind === 'audio' && each.member === '{member}');
             const recorder = new MediaRecorder(roundtable.media.slotStream(slot.mid));
             const parts = [];
             recorder.ondataavailable = ({{ data }}) => parts.push(data);
             const stopped = new Promise((resolve) => {{ recorder.onstop = resolve; }});
             recorder.start();
             setTimeout(() => recorder.stop(), {seconds} * 1000);
             await stopped;
             const bytes = await new Blob(parts).arrayBuffer();
             const decoded = await new OfflineAudioContext(1, 1, {SAMPLE_RATE_HZ}).decodeAudioData(bytes);
             const samples = decoded.getChannelData(0);
             const envelope = [];
             for (let at = 0; at + {STEP} <= samples.length; at += {STEP}) {{
               let power = 0;
               for (let place = at; place < at + {STEP}; place += 1) power += samples[place] ** 2;
               envelope.push(Math.sqrt(power / {STEP}));
             }}
             return envelope;"
        ))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is heard of speech that is played so much faster, in steps of 20 ms.
    fn played(said: &[f64], pace: f64) -> Vec<f64> {
        let steps = (said.len() as f64 / FINE as f64 / pace) as usize;
        let at =
            |step: usize| said[((step as f64 * pace * FINE as f64) as usize + 700) % said.len()];
        (0..steps).map(at).collect()
    }

    #[test]
    fn a_pace_is_forgiven_and_a_hole_is_not() {
        let said = envelope(&say());
        let least = |heard: &[f64]| likeness(&said, heard).into_iter().fold(1.0, f64::min);
        for pace in [0.98, 1.0, 1.02] {
            let least = least(&played(&said, pace));
            assert!(least > 0.95, "{least} at a pace of {pace}");
        }
        // A tenth of a second is gone of each second, as if it had not been said.
        let cut: Vec<f64> = played(&said, 1.0)
            .chunks(50)
            .flat_map(|second| second[5.min(second.len())..].to_vec())
            .collect();
        assert!(least(&cut) < 0.9, "{}", least(&cut));
        // A fifth of each second is silent.
        let mut holes = played(&said, 1.0);
        for second in holes.chunks_mut(50) {
            second.iter_mut().take(10).for_each(|step| *step = 0.0);
        }
        assert!(least(&holes) < 0.9, "{}", least(&holes));
    }
}
