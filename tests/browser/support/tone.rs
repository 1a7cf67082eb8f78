//! What microphones hear, as WAV files: sine tones, whose owner can be told by the frequency.

use std::{f64::consts::TAU, fs, path::Path};

/// Of the file, the browsers' audio path and Opus: no resampling blurs the tone.
pub const SAMPLE_RATE_HZ: u32 = 48_000;

/// Two seconds of `hz` at a quarter of full scale. A browser plays it in a loop, so `hz` is whole: the
/// loop's seam makes no click.
pub fn wave(hz: u32) -> Vec<i16> {
    let samples = SAMPLE_RATE_HZ * 2;
    let sample = |n: u32| {
        let turn = f64::from(n) * f64::from(hz) / f64::from(SAMPLE_RATE_HZ);
        let sample = ((turn * TAU).sin() * 8192.0).round();
        #[expect(clippy::cast_possible_truncation, reason = "within ±8192")]
        let sample = sample as i16;
        sample
    };
    (0..samples).map(sample).collect()
}

/// Writes 16-bit mono samples.
pub fn write(path: &Path, samples: &[i16]) {
    let bytes = u32::try_from(samples.len() * 2).expect("a short file");
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
    for sample in samples {
        wav.extend(sample.to_le_bytes());
    }
    fs::write(path, wav).expect("a writable folder");
}
