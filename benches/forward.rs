//! The hot path in memory: one source's packet opened, stored, rewritten and sealed for fifty
//! slots, beside the bare cost of AES-128-GCM over as many bytes in the same run.
//!
//! `cargo bench --bench forward` prints, after Criterion's report, a line for each size:
//! `forward 1200B x50: <µs> us/packet, limit <µs>, ratio <r>`. Per packet is per forwarded packet:
//! the work of receiving is shared out over the slots. The limit is one seal of those bytes.
//! Allocations are counted; one in the steady state fails the run.

#[path = "../tests/shard/client.rs"]
#[allow(dead_code, reason = "shared with the shard's tests")]
mod client;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use client::Hall;
use criterion::{Criterion, Throughput};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use roundtable::media::{
    AudioRank, Gate, Order,
    shard::{DATAGRAM_BYTES_MAX, srtp::Profile},
};

const SLOTS: usize = 50;
/// Packets of the source in one timed stretch; as many as its ring holds of sound.
const STRETCH: u16 = 64;
/// Stretches for the printed line, of which the median counts.
const STRETCHES: usize = 101;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// Hands everything to the system's allocator and counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

/// A hall with one speaker whose gate is open and camera shown, and fifty listeners.
struct Stage {
    hall: Hall,
    clients: Vec<client::Client>,
    sequence: u16,
    payload: Vec<u8>,
    picture: bool,
}

impl Stage {
    fn new(bytes: usize) -> Self {
        let mut hall = Hall::new();
        // With everything on that a browser asks for: levels, RTX, transport-wide numbers.
        hall.offering = |sdp| {
            let numbers = "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n";
            ["a=rtpmap:111 opus/48000/2\r\n", "a=rtpmap:96 VP8/90000\r\n"]
                .into_iter()
                .fold(sdp, |sdp, map| sdp.replace(map, &format!("{map}{numbers}")))
        };
        let mut clients = Vec::new();
        for _ in 0..=SLOTS {
            hall.join(&mut clients, Profile::AeadAes128Gcm, 1, 1);
        }
        let peer = clients[0].id;
        let gate = Gate::Open(AudioRank::Floor);
        hall.order(Order::Hear { peer, gate }, &mut clients);
        hall.order(Order::Show { peer, shown: true }, &mut clients);
        // The large packets are a picture's, the small ones sound.
        let picture = bytes > 500;
        let mut payload = vec![0x55; bytes];
        if picture {
            payload[..7].copy_from_slice(&[0x90, 0xe0, 0x80, 1, 1, 0x20, 0]);
        }
        let mut stage = Self {
            hall,
            clients,
            sequence: 1,
            payload,
            picture,
        };
        // Until slots, buffers and queues have their sizes.
        for _ in 0..4 {
            stage.stretch();
        }
        stage
    }

    /// Forwards [`STRETCH`] packets. Returns the time it took and the allocations it made.
    fn stretch(&mut self) -> (Duration, u64) {
        let packets: Vec<Vec<u8>> = (0..STRETCH)
            .map(|_| {
                let timestamp = u32::from(self.sequence) * 960;
                let speaker = &mut self.clients[0];
                let packet = if self.picture {
                    speaker.picture(self.sequence, timestamp, true, &self.payload)
                } else {
                    speaker.sound(self.sequence, timestamp, 20, &self.payload)
                };
                self.sequence = self.sequence.checked_add(1).expect("no rollover");
                packet
            })
            .collect();
        let from = self.clients[0].address();
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        let mut forwarded = 0;
        let (allocations, begun) = (ALLOCATIONS.load(Ordering::Relaxed), now());
        for mut packet in packets {
            self.hall
                .shard
                .handle_datagram(self.hall.now, 0, from, &mut packet);
            while let Some(transmit) = self.hall.shard.poll_transmit(&mut buffer) {
                black_box(&buffer[..transmit.length]);
                forwarded += 1;
            }
        }
        let (taken, allocations) = (
            begun.elapsed(),
            ALLOCATIONS.load(Ordering::Relaxed) - allocations,
        );
        assert_eq!(
            forwarded,
            usize::from(STRETCH) * SLOTS,
            "each slot got each packet"
        );
        (taken, allocations)
    }
}

/// The bare cost: AES-128-GCM alone over as many bytes, by the library that seals.
struct Bare {
    key: LessSafeKey,
    packet: Vec<u8>,
}

impl Bare {
    fn new(bytes: usize) -> Self {
        let key = UnboundKey::new(&AES_128_GCM, &[7; 16]).expect("a key's length");
        Self {
            key: LessSafeKey::new(key),
            packet: vec![0x55; bytes],
        }
    }

    fn seal(&mut self) {
        let tag = self.key.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key([9; 12]),
            Aad::from([0x80; 12]),
            &mut self.packet,
        );
        let _ = black_box(tag.expect("sealed"));
    }

    fn stretch(&mut self) -> Duration {
        let begun = now();
        for _ in 0..usize::from(STRETCH) * SLOTS {
            self.seal();
        }
        begun.elapsed()
    }
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort();
    values[values.len() / 2]
}

fn micros_per_packet(stretch: Duration) -> f64 {
    stretch.as_secs_f64() * 1e6 / f64::from(STRETCH) / SLOTS as f64
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
        .configure_from_args();
    let mut lines = Vec::new();
    for bytes in [1200, 120] {
        let packets = u64::from(STRETCH) * SLOTS as u64;
        let mut group = criterion.benchmark_group(format!("forward {bytes}B"));
        group.throughput(Throughput::Elements(packets));
        group.bench_function("bare AES-128-GCM", |bencher| {
            let mut bare = Bare::new(bytes);
            bencher.iter(|| {
                for _ in 0..packets {
                    bare.seal();
                }
            });
        });
        group.bench_function("x50", |bencher| {
            bencher.iter_custom(|iterations| {
                // A fresh stage for each 500 stretches, before the sequence number rolls over.
                let mut left = iterations;
                let mut total = Duration::ZERO;
                while left > 0 {
                    let mut stage = Stage::new(bytes);
                    for _ in 0..left.min(500) {
                        total += stage.stretch().0;
                    }
                    left = left.saturating_sub(500);
                }
                total
            });
        });
        group.finish();

        // In turn, so that the machine's moods meet both.
        let (mut stage, mut bare) = (Stage::new(bytes), Bare::new(bytes));
        let mut times = (Vec::new(), Vec::new());
        let mut allocations = 0;
        for _ in 0..STRETCHES {
            times.1.push(bare.stretch());
            let (taken, made) = stage.stretch();
            times.0.push(taken);
            allocations += made;
        }
        assert_eq!(allocations, 0, "forwarding must not allocate");
        let (forward, limit) = (
            micros_per_packet(median(times.0)),
            micros_per_packet(median(times.1)),
        );
        lines.push(format!(
            "forward {bytes}B x{SLOTS}: {forward:.3} us/packet, limit {limit:.3}, ratio {:.2}",
            forward / limit
        ));
    }
    criterion.final_summary();
    println!("allocations per forwarded packet in the steady state: 0 (counted)");
    for line in lines {
        println!("{line}");
    }
}
