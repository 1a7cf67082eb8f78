//! Somebody who speaks, and how much of it arrives: the loudness of each 20 ms of what was said beside
//! that of what was heard.

use std::process::Command;

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
    let best = |heard: &[f64]| {
        let at = |lag: usize| {
            let said = (0..heard.len()).map(|place| said[(place * FINE + lag) % said.len()]);
            correlation(&said.collect::<Vec<_>>(), heard)
        };
        (0..said.len()).map(at).fold(-1.0, f64::max)
    };
    heard.chunks_exact(PART).map(best).collect()
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
