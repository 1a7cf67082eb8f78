//! Sine tones as WAV files: a microphone whose owner can be told by the frequency.

use std::{f64::consts::TAU, fs, path::Path};

/// Of the file, the browsers' audio path and Opus: no resampling blurs the tone.
const SAMPLE_RATE_HZ: u32 = 48_000;

/// Writes two seconds of `hz` at a quarter of full scale, 16-bit mono. A browser plays it in a loop,
/// so `hz` is whole: the loop's seam makes no click.
pub fn write(path: &Path, hz: u32) {
    let samples = SAMPLE_RATE_HZ * 2;
    let bytes = samples * 2;
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend(1_u16.to_le_bytes()); // PCM
    wav.extend(1_u16.to_le_bytes()); // one channel
    wav.extend(SAMPLE_RATE_HZ.to_le_bytes());
    wav.extend((SAMPLE_RATE_HZ * 2).to_le_bytes()); // bytes a second
    wav.extend(2_u16.to_le_bytes()); // bytes a frame
    wav.extend(16_u16.to_le_bytes()); // bits a sample
    wav.extend(b"data");
    wav.extend(bytes.to_le_bytes());
    for n in 0..samples {
        let turn = f64::from(n) * f64::from(hz) / f64::from(SAMPLE_RATE_HZ);
        let sample = ((turn * TAU).sin() * 8192.0).round();
        #[expect(clippy::cast_possible_truncation, reason = "within ±8192")]
        wav.extend((sample as i16).to_le_bytes());
    }
    fs::write(path, wav).expect("a writable folder");
}
