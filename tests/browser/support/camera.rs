//! A camera whose owner can be told by the colour behind: a head and shoulders that nod before a plain
//! backdrop, as a Y4M file that a browser plays in a loop.

use std::{
    f64::consts::TAU,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

/// Width and height in pixels.
pub type Size = [usize; 2];

/// A camera of a plain laptop: two simulcast layers.
pub const SMALL: Size = [640, 360];
/// A good one: three layers, of 180, 360 and 720 lines.
pub const LARGE: Size = [1280, 720];

const FPS: usize = 15;
/// One nod, so that the loop has no seam.
const FRAMES: usize = FPS * 2;

/// Red, green, blue.
pub type Colour = [u8; 3];

/// Writes two seconds of somebody before a `backdrop`.
pub fn write(path: &Path, backdrop: Colour, [width, height]: Size) {
    let file = File::create(path).expect("a writable folder");
    let mut out = BufWriter::new(file);
    let mut put = |bytes: &[u8]| out.write_all(bytes).expect("space for a camera");
    put(format!("YUV4MPEG2 W{width} H{height} F{FPS}:1 Ip A1:1 C420\n").as_bytes());
    let clothes = backdrop.map(|part| part / 3 + 10);
    for frame in 0..FRAMES {
        put(b"FRAME\n");
        let nod = (frame as f64 / FRAMES as f64 * TAU).sin() * 8.0;
        let colour_at = |x: usize, y: usize| {
            let scale = height as f64 / 360.0;
            let (x, y) = ((x as f64 - width as f64 / 2.0) / scale, y as f64 / scale);
            let inside =
                |cy: f64, rx: f64, ry: f64| (x / rx).powi(2) + ((y - cy) / ry).powi(2) < 1.0;
            if inside(150.0 + nod, 62.0, 78.0) {
                [214, 170, 140]
            } else if inside(118.0 + nod, 72.0, 70.0) {
                [60, 44, 40]
            } else if inside(370.0 + nod / 3.0, 170.0, 145.0) {
                clothes
            } else {
                backdrop
            }
        };
        let plane = |part: usize, step: usize| -> Vec<u8> {
            let mut plane = Vec::with_capacity(width * height / step / step);
            for y in (0..height).step_by(step) {
                for x in (0..width).step_by(step) {
                    plane.push(to_yuv(colour_at(x, y))[part]);
                }
            }
            plane
        };
        put(&plane(0, 1));
        put(&plane(1, 2));
        put(&plane(2, 2));
    }
}

/// BT.601, limited range.
fn to_yuv(colour: Colour) -> [u8; 3] {
    let [r, g, b] = colour.map(f64::from);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "16 to 240 by the formula"
    )]
    let byte = |value: f64| value.round() as u8;
    [
        byte(16.0 + 0.257 * r + 0.504 * g + 0.098 * b),
        byte(128.0 - 0.148 * r - 0.291 * g + 0.439 * b),
        byte(128.0 + 0.439 * r - 0.368 * g - 0.071 * b),
    ]
}
