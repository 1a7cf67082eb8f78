//! Changes to good input: bits, lengths, cuts, repetitions, and pieces of other good input.

use rand::{RngExt, rngs::StdRng};

/// Numbers at which things break.
const EDGES: [u8; 8] = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff, 0x10];
/// No datagram is longer.
const BYTES_MAX: usize = 1900;

/// A changed copy of one of these: once to four times, so that much of it stays good.
pub fn bytes(random: &mut StdRng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut changed = pick(random, corpus).clone();
    for _ in 0..random.random_range(1..=4) {
        change(random, &mut changed, corpus);
    }
    changed.truncate(BYTES_MAX);
    changed
}

fn change(random: &mut StdRng, changed: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    if changed.is_empty() {
        changed.extend(random.random::<[u8; 8]>());
    }
    let at = random.random_range(0..changed.len());
    let length = random.random_range(0..=(changed.len() - at).min(64));
    match random.random_range(0..9) {
        0 => changed[at] ^= 1 << random.random_range(0..8),
        1 => changed[at] = *pick(random, &EDGES),
        2 => changed[at] = random.random(),
        3 => changed.truncate(at),
        4 => {
            changed.drain(at..at + length);
        }
        5 => {
            let again = changed[at..at + length].to_vec();
            changed.splice(at..at, again);
        }
        6 => {
            let fresh: Vec<u8> = (0..length).map(|_| random.random()).collect();
            changed.splice(at..at, fresh);
        }
        7 => {
            // Two bytes that are a length somewhere.
            let number = [*pick(random, &EDGES), *pick(random, &EDGES)];
            let end = (at + 2).min(changed.len());
            changed[at..end].copy_from_slice(&number[..end - at]);
        }
        _ => {
            let other = pick(random, corpus);
            let from = random.random_range(0..=other.len());
            let to = (from + length).min(other.len());
            changed.splice(at..at, other[from..to].iter().copied());
        }
    }
}

/// A changed copy of one of these texts: lines, numbers and characters.
pub fn text(random: &mut StdRng, corpus: &[&str]) -> String {
    let mut lines: Vec<Vec<u8>> = split(pick::<&str>(random, corpus));
    for _ in 0..random.random_range(1..=6) {
        let at = random.random_range(0..lines.len());
        let other = random.random_range(0..lines.len());
        match random.random_range(0..9) {
            0 => {
                lines.remove(at);
            }
            1 => lines.insert(other, lines[at].clone()),
            2 => lines.swap(at, other),
            3 => {
                let theirs = split(pick::<&str>(random, corpus));
                lines.insert(at, pick(random, &theirs).clone());
            }
            4 => lines.truncate(at + 1),
            5 => {
                let long = b"x".repeat(random.random_range(1..5000));
                let place = random.random_range(0..=lines[at].len());
                lines[at].splice(place..place, long);
            }
            6 => {
                // A number becomes one that does not fit.
                let digits = lines[at].iter().position(u8::is_ascii_digit);
                if let Some(place) = digits {
                    let numbers = [
                        "-1",
                        "0",
                        "65536",
                        "4294967296",
                        "99999999999999999999",
                        "1e9",
                    ];
                    let number = pick(random, &numbers).bytes();
                    lines[at].splice(place..=place, number);
                }
            }
            _ => {
                let corpus = [lines[other].clone()];
                change(random, &mut lines[at], &corpus);
            }
        }
        if lines.is_empty() {
            lines.push(b"v=0".to_vec());
        }
    }
    String::from_utf8_lossy(&lines.join(&b"\r\n"[..])).into_owned()
}

fn split(text: &str) -> Vec<Vec<u8>> {
    text.split("\r\n")
        .map(|line| line.as_bytes().to_vec())
        .collect()
}

/// One of them.
pub fn pick<'a, T>(random: &mut StdRng, all: &'a [T]) -> &'a T {
    &all[random.random_range(0..all.len())]
}
