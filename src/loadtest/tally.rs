//! What one member has received: its slots by RTP's numbers, the publishers' streams by their stamps.
//!
//! Counters alone, no packet is kept. This module must never know where packets come from.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    continuity::Continuity,
    histogram::Histogram,
    stamp::{Medium, Reading, Stamp},
};

/// A voice that comes after so long is a new turn of speaking.
const SILENCE: Duration = Duration::from_millis(300);
/// Beginnings of voices that nobody has asked for yet; one more is not noted.
const ONSETS_MAX: usize = 256;

/// Which load test it is: others may run on the same server, and all of one have one clock.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Stands in each stamp.
    pub number: u32,
    /// When stamps begin to count.
    pub began: Instant,
}

impl Run {
    /// The time of a stamp.
    pub fn micros(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.began);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}

/// One member's counters. There are as many slots as were offered and as many streams as publishers
/// send.
#[derive(Debug, Clone)]
pub struct Tally {
    run: Run,
    own: Option<u16>,
    slots: BTreeMap<String, Continuity>,
    streams: BTreeMap<(u16, Medium), Stream>,
    first_media: Option<Instant>,
    first_picture: Option<Instant>,
    damaged: u64,
    echoed: u64,
    unopened: u64,
    recent: Recent,
}

#[derive(Debug, Clone)]
struct Stream {
    arrived: Continuity,
    last: Instant,
    longest_silence: Duration,
}

/// What was counted since it was last asked for.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    /// From sending to arrival.
    pub delays: Histogram,
    /// When a voice began to be heard, and whose.
    pub onsets: Vec<(u16, Instant)>,
}

impl Tally {
    /// For a member of that load test, who perhaps is that publisher.
    pub fn new(run: Run, own: Option<u16>) -> Self {
        Self {
            run,
            own,
            slots: BTreeMap::new(),
            streams: BTreeMap::new(),
            first_media: None,
            first_picture: None,
            damaged: 0,
            echoed: 0,
            unopened: 0,
            recent: Recent::default(),
        }
    }

    /// Takes a packet that came on the slot `mid`.
    pub fn arrive(
        &mut self,
        now: Instant,
        mid: &str,
        medium: Medium,
        sequence: u16,
        payload: &[u8],
    ) {
        self.number(mid, sequence);
        match Stamp::read(self.run.number, medium, payload) {
            Reading::Whole(stamp) if Some(stamp.publisher) == self.own => {
                self.echoed = self.echoed.saturating_add(1);
            }
            Reading::Whole(stamp) => {
                self.stamped(now, stamp);
                self.first_media.get_or_insert(now);
                if medium == Medium::Picture {
                    self.first_picture.get_or_insert(now);
                }
            }
            Reading::Damaged => self.damaged = self.damaged.saturating_add(1),
            // A person at the same table.
            Reading::Foreign => {}
        }
    }

    /// Takes a packet that is not opened: all that is known of it is its slot and its number.
    pub fn arrive_sealed(&mut self, now: Instant, mid: &str, sequence: u16) {
        self.number(mid, sequence);
        self.first_media.get_or_insert(now);
    }

    /// A packet came that was not authentic.
    pub fn unopened(&mut self) {
        self.unopened = self.unopened.saturating_add(1);
    }

    fn number(&mut self, mid: &str, sequence: u16) {
        if let Some(slot) = self.slots.get_mut(mid) {
            slot.arrive_short(sequence);
        } else {
            let mut slot = Continuity::default();
            slot.arrive_short(sequence);
            self.slots.insert(mid.to_owned(), slot);
        }
    }

    fn stamped(&mut self, now: Instant, stamp: Stamp) {
        let key = (stamp.publisher, stamp.medium);
        let mut is_onset = false;
        let stream = self.streams.entry(key).or_insert_with(|| {
            is_onset = true;
            Stream {
                arrived: Continuity::default(),
                last: now,
                longest_silence: Duration::ZERO,
            }
        });
        // A client may have asked for it again in vain: what comes twice was not so late.
        if stream.arrived.arrive(u64::from(stamp.number)) {
            let sent = Duration::from_micros(stamp.sent_us);
            let since = now.saturating_duration_since(self.run.began);
            self.recent.delays.record(since.saturating_sub(sent));
        }
        let silence = now.saturating_duration_since(stream.last);
        stream.longest_silence = stream.longest_silence.max(silence);
        stream.last = now;
        is_onset |= silence >= SILENCE;
        if is_onset && stamp.medium == Medium::Sound && self.recent.onsets.len() < ONSETS_MAX {
            self.recent.onsets.push((stamp.publisher, now));
        }
    }

    /// What was counted since this was last called.
    pub fn take_recent(&mut self) -> Recent {
        Recent {
            delays: self.recent.delays.take().unwrap_or_default(),
            onsets: std::mem::take(&mut self.recent.onsets),
        }
    }

    /// Packets that have come until now, and how many of those until now did not come with their
    /// first sending.
    pub fn progress(&self) -> (u64, u64) {
        let slots = self.slots.values();
        slots.fold((0, 0), |(received, missed), slot| {
            (
                received + slot.received(),
                missed + slot.gaps() + slot.late(),
            )
        })
    }

    /// When the first packet of a publisher's came.
    pub fn first_media(&self) -> Option<Instant> {
        self.first_media
    }

    /// When the first packet of a publisher's picture came: it begins a key frame.
    pub fn first_picture(&self) -> Option<Instant> {
        self.first_picture
    }

    /// The counts, held against what the publishers have sent.
    pub fn counts(&self, sent: &[SentStream]) -> Counts {
        let mut counts = Counts {
            damaged: self.damaged,
            echoed: self.echoed,
            unopened: self.unopened,
            ..Counts::default()
        };
        for slot in self.slots.values() {
            counts.received += slot.received();
            counts.lost_after_repair += slot.gaps();
            counts.lost_before_repair += slot.gaps() + slot.late();
            counts.duplicated += slot.duplicated();
        }
        for ((_, medium), stream) in &self.streams {
            if *medium == Medium::Sound {
                counts.longest_silence = counts.longest_silence.max(stream.longest_silence);
            }
        }
        let mut missing = 0;
        for stream in sent
            .iter()
            .filter(|stream| Some(stream.publisher) != self.own)
        {
            let is_voice = u64::from(stream.medium == Medium::Sound);
            counts.streams_expected += 1;
            counts.voices_expected += is_voice;
            let Some(last) = stream.packets.checked_sub(1) else {
                continue;
            };
            let Some(arrived) = self.streams.get(&(stream.publisher, stream.medium)) else {
                continue;
            };
            counts.streams_received += 1;
            counts.voices_received += is_voice;
            let came = &arrived.arrived;
            let expected = came.expected_until(u64::from(last));
            missing += expected.saturating_sub(came.received());
            counts.repeated += came.duplicated();
            if stream.medium == Medium::Sound {
                let since = stream.ended.saturating_duration_since(arrived.last);
                counts.longest_silence = counts.longest_silence.max(since);
            }
        }
        counts.withheld = missing.saturating_sub(counts.lost_after_repair);
        counts.expected = counts.received + counts.lost_after_repair;
        counts
    }
}

/// What a publisher has sent of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentStream {
    /// Whose.
    pub publisher: u16,
    /// Which.
    pub medium: Medium,
    /// How many packets.
    pub packets: u32,
    /// When it ended.
    pub ended: Instant,
}

/// A member's counts, or the sum of several members'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Streams that others sent.
    pub streams_expected: u64,
    /// Those of which something came.
    pub streams_received: u64,
    /// Those of sound.
    pub voices_expected: u64,
    /// Those of sound of which something came.
    pub voices_received: u64,
    /// Packets that the server has numbered for the member, as far as it can know: those that came
    /// and those left out between them.
    pub expected: u64,
    /// Those of them that came, be it late.
    pub received: u64,
    /// Those that did not come with their first sending, or behind later ones.
    pub lost_before_repair: u64,
    /// Those that never came.
    pub lost_after_repair: u64,
    /// Packets that others sent and the server never numbered for the member: the path had no room
    /// for the picture, or the sender had no floor.
    pub withheld: u64,
    /// Numbers that came again.
    pub duplicated: u64,
    /// Payloads that came again.
    pub repeated: u64,
    /// Packets of which not every byte came as it was sent.
    pub damaged: u64,
    /// One's own packets.
    pub echoed: u64,
    /// Packets that were not authentic.
    pub unopened: u64,
    /// The longest time without a packet of a voice that had been heard.
    pub longest_silence: Duration,
}

impl Counts {
    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            streams_expected: self.streams_expected + other.streams_expected,
            streams_received: self.streams_received + other.streams_received,
            voices_expected: self.voices_expected + other.voices_expected,
            voices_received: self.voices_received + other.voices_received,
            expected: self.expected + other.expected,
            received: self.received + other.received,
            lost_before_repair: self.lost_before_repair + other.lost_before_repair,
            lost_after_repair: self.lost_after_repair + other.lost_after_repair,
            withheld: self.withheld + other.withheld,
            duplicated: self.duplicated + other.duplicated,
            repeated: self.repeated + other.repeated,
            damaged: self.damaged + other.damaged,
            echoed: self.echoed + other.echoed,
            unopened: self.unopened + other.unopened,
            longest_silence: self.longest_silence.max(other.longest_silence),
        }
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "an instant cannot be made from nothing"
)]
mod tests {
    use super::super::stamp::{Camera, Microphone};
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn run() -> Run {
        Run {
            number: 7,
            began: Instant::now(),
        }
    }

    fn sent(run: Run, publisher: u16, medium: Medium, packets: u32) -> SentStream {
        SentStream {
            publisher,
            medium,
            packets,
            ended: run.began + packets * 20 * MS,
        }
    }

    /// What a member counts who is sent 100 packets of publisher 1's voice, numbered on RTP as the
    /// server would, each 5 ms on its way, with what `disturb` makes of them.
    fn tally_after(run: Run, disturb: impl Fn(&mut Vec<(u16, Vec<u8>)>)) -> (Tally, Counts) {
        let mut microphone = Microphone::new(run.number, 1);
        let mut packets: Vec<(u16, Vec<u8>)> = (0..100)
            .map(|place| {
                let payload = microphone.packet(u64::from(place) * 20_000);
                (u16::MAX.wrapping_add(place), payload.to_vec())
            })
            .collect();
        disturb(&mut packets);
        let mut tally = Tally::new(run, Some(0));
        for (place, (sequence, payload)) in (0_u32..).zip(packets) {
            let at = run.began + place * 20 * MS + 5 * MS;
            tally.arrive(at, "4", Medium::Sound, sequence, &payload);
        }
        let counts = tally.counts(&[sent(run, 1, Medium::Sound, microphone.sent())]);
        (tally, counts)
    }

    fn after(disturb: impl Fn(&mut Vec<(u16, Vec<u8>)>)) -> Counts {
        tally_after(run(), disturb).1
    }

    /// Expected, received, lost before and after repair, withheld, twice by number and by payload,
    /// damaged.
    fn all(counts: &Counts) -> [u64; 8] {
        [
            counts.expected,
            counts.received,
            counts.lost_before_repair,
            counts.lost_after_repair,
            counts.withheld,
            counts.duplicated,
            counts.repeated,
            counts.damaged,
        ]
    }

    #[test]
    fn what_arrives_whole_is_counted_whole() {
        let (mut tally, counts) = tally_after(run(), |_| {});
        assert_eq!(all(&counts), [100, 100, 0, 0, 0, 0, 0, 0]);
        assert_eq!((counts.streams_expected, counts.streams_received), (1, 1));
        assert_eq!(counts.longest_silence, 20 * MS);
        let recent = tally.take_recent();
        assert_eq!(recent.delays.count(), 100);
        assert_eq!(recent.delays.max(), Some(5 * MS));
        assert_eq!(recent.onsets.len(), 1, "a voice began once");
        assert_eq!(tally.take_recent().delays.count(), 0);
        assert_eq!(tally.progress(), (100, 0));
        let late = after(|packets| {
            packets.drain(..30);
        });
        assert_eq!(all(&late), [70, 70, 0, 0, 0, 0, 0, 0], "who comes later");
    }

    #[test]
    fn a_packet_that_the_network_loses_is_lost() {
        let (tally, counts) = tally_after(run(), |packets| {
            packets.remove(50);
        });
        assert_eq!(all(&counts), [100, 99, 1, 1, 0, 0, 0, 0]);
        assert_eq!(tally.progress(), (99, 1));
    }

    #[test]
    fn a_packet_that_is_sent_again_was_lost_before_and_not_after() {
        let counts = after(|packets| {
            let packet = packets.remove(50);
            packets.insert(55, packet);
        });
        assert_eq!(all(&counts), [100, 100, 1, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_packet_that_the_server_never_numbers_is_withheld() {
        let counts = after(|packets| {
            packets.remove(50);
            for (sequence, _) in packets.iter_mut().skip(50) {
                *sequence = sequence.wrapping_sub(1);
            }
        });
        assert_eq!(all(&counts), [99, 99, 0, 0, 1, 0, 0, 0]);
    }

    #[test]
    fn a_voice_that_ceases_is_silent_until_the_end() {
        let counts = after(|packets| packets.truncate(50));
        assert_eq!(all(&counts), [50, 50, 0, 0, 50, 0, 0, 0]);
        // The last came at 49 * 20 + 5 ms, the sender ended at 100 * 20.
        assert_eq!(counts.longest_silence, 1015 * MS);
    }

    #[test]
    fn twice_is_once_too_often() {
        let (mut tally, counts) =
            tally_after(run(), |packets| packets.insert(99, packets[49].clone()));
        assert_eq!(all(&counts), [100, 100, 0, 0, 0, 1, 1, 0]);
        let delays = tally.take_recent().delays;
        assert_eq!(
            (delays.count(), delays.max()),
            (100, Some(25 * MS)),
            "the first counts"
        );
        let renumbered = after(|packets| {
            packets.insert(50, packets[49].clone());
            for (place, (sequence, _)) in packets.iter_mut().enumerate() {
                *sequence = place as u16;
            }
        });
        assert_eq!(all(&renumbered), [101, 101, 0, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn a_damaged_packet_is_damaged() {
        let counts = after(|packets| packets[50].1[60] ^= 4);
        assert_eq!(counts.damaged, 1);
        assert_eq!(counts.lost_after_repair, 0, "its number came");
    }

    #[test]
    fn a_stream_of_which_nothing_comes_is_missed_and_ones_own_is_an_echo() {
        let run = run();
        let mut tally = Tally::new(run, Some(0));
        let mut own = Camera::new(run.number, 0, 1000);
        for payload in own.frame(true, 0) {
            tally.arrive(run.began, "8", Medium::Picture, 1, &payload);
        }
        let sent = [
            sent(run, 0, Medium::Picture, own.sent()),
            sent(run, 1, Medium::Sound, 10),
        ];
        let counts = tally.counts(&sent);
        assert_eq!((counts.streams_expected, counts.streams_received), (1, 0));
        assert_eq!((counts.voices_expected, counts.voices_received), (1, 0));
        assert_eq!(counts.echoed, u64::from(own.sent()));
        assert!(tally.first_media().is_none());
    }

    #[test]
    fn what_is_not_opened_is_counted_by_its_numbers() {
        let run = run();
        let mut tally = Tally::new(run, None);
        for sequence in [1, 2, 4] {
            tally.arrive_sealed(run.began, "0", sequence);
        }
        let counts = tally.counts(&[]);
        assert_eq!(all(&counts), [4, 3, 1, 1, 0, 0, 0, 0]);
        assert_eq!(tally.first_media(), Some(run.began));
    }

    #[test]
    fn a_voice_that_comes_back_begins_anew() {
        let run = run();
        let mut tally = Tally::new(run, None);
        let mut microphone = Microphone::new(run.number, 3);
        for (sequence, ms) in [(0, 0), (1, 20), (2, 600), (3, 620)] {
            let at = run.began + ms * MS;
            tally.arrive(at, "0", Medium::Sound, sequence, &microphone.packet(0));
        }
        let onsets = tally.take_recent().onsets;
        assert_eq!(onsets, [(3, run.began), (3, run.began + 600 * MS)]);
    }
}
