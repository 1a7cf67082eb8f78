//! What one member has received: its slots by RTP's numbers, the publishers' streams by their stamps.
//!
//! Counters alone, no packet is kept. This module must never know where packets come from.

use std::{collections::BTreeMap, time::Instant};

use super::{
    continuity::Continuity,
    stamp::{Medium, Reading, Stamp},
};

/// One member's counters. There are as many slots as were offered and as many streams as publishers
/// send.
#[derive(Debug, Clone)]
pub struct Tally {
    run: u32,
    own: Option<u16>,
    slots: BTreeMap<String, Continuity>,
    streams: BTreeMap<(u16, Medium), Continuity>,
    first_media: Option<Instant>,
    first_picture: Option<Instant>,
    damaged: u64,
    echoed: u64,
}

impl Tally {
    /// For a member of the load test `run`, who perhaps is that publisher.
    pub fn new(run: u32, own: Option<u16>) -> Self {
        Self {
            run,
            own,
            slots: BTreeMap::new(),
            streams: BTreeMap::new(),
            first_media: None,
            first_picture: None,
            damaged: 0,
            echoed: 0,
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
        if let Some(slot) = self.slots.get_mut(mid) {
            slot.arrive_short(sequence);
        } else {
            let mut slot = Continuity::default();
            slot.arrive_short(sequence);
            self.slots.insert(mid.to_owned(), slot);
        }
        match Stamp::read(self.run, medium, payload) {
            Reading::Whole(stamp) if Some(stamp.publisher) == self.own => {
                self.echoed = self.echoed.saturating_add(1);
            }
            Reading::Whole(stamp) => {
                let stream = (stamp.publisher, medium);
                let stream = self.streams.entry(stream).or_default();
                stream.arrive(u64::from(stamp.number));
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
            ..Counts::default()
        };
        for slot in self.slots.values() {
            counts.sequence_gaps += slot.gaps();
            counts.sequence_duplicated += slot.duplicated();
        }
        for stream in sent
            .iter()
            .filter(|stream| Some(stream.publisher) != self.own)
        {
            counts.streams_expected += 1;
            let Some(last) = stream.packets.checked_sub(1) else {
                continue;
            };
            let Some(arrived) = self.streams.get(&(stream.publisher, stream.medium)) else {
                continue;
            };
            let expected = arrived.expected_until(u64::from(last));
            counts.streams_received += 1;
            counts.expected += expected;
            counts.received += arrived.received();
            counts.lost += expected.saturating_sub(arrived.received());
            counts.duplicated += arrived.duplicated();
            counts.late += arrived.late();
        }
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
}

/// A member's counts, or the sum of several members'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Streams that others sent.
    pub streams_expected: u64,
    /// Those of which something came.
    pub streams_received: u64,
    /// Packets sent from the first that came to the last of all.
    pub expected: u64,
    /// Those of them that came.
    pub received: u64,
    /// Those of them that did not.
    pub lost: u64,
    /// Packets that came again.
    pub duplicated: u64,
    /// Packets that came behind later ones.
    pub late: u64,
    /// Packets of which not every byte came as it was sent.
    pub damaged: u64,
    /// One's own packets.
    pub echoed: u64,
    /// RTP sequence numbers of a slot that were left out and not filled in.
    pub sequence_gaps: u64,
    /// RTP sequence numbers of a slot that came again.
    pub sequence_duplicated: u64,
}

impl Counts {
    /// The sum.
    pub fn plus(self, other: Self) -> Self {
        Self {
            streams_expected: self.streams_expected + other.streams_expected,
            streams_received: self.streams_received + other.streams_received,
            expected: self.expected + other.expected,
            received: self.received + other.received,
            lost: self.lost + other.lost,
            duplicated: self.duplicated + other.duplicated,
            late: self.late + other.late,
            damaged: self.damaged + other.damaged,
            echoed: self.echoed + other.echoed,
            sequence_gaps: self.sequence_gaps + other.sequence_gaps,
            sequence_duplicated: self.sequence_duplicated + other.sequence_duplicated,
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

    const RUN: u32 = 7;

    /// What a member counts who is sent 100 packets of publisher 1's voice, numbered on RTP as the
    /// server would, with what `disturb` makes of them on the way.
    fn after(disturb: impl Fn(&mut Vec<(u16, Vec<u8>)>)) -> Counts {
        let mut microphone = Microphone::new(RUN, 1);
        let mut packets: Vec<(u16, Vec<u8>)> = (0..100)
            .map(|place| (u16::MAX.wrapping_add(place), microphone.packet().to_vec()))
            .collect();
        disturb(&mut packets);
        let mut tally = Tally::new(RUN, Some(0));
        for (sequence, payload) in packets {
            tally.arrive(Instant::now(), "4", Medium::Sound, sequence, &payload);
        }
        tally.counts(&[sent(1, Medium::Sound, microphone.sent())])
    }

    fn sent(publisher: u16, medium: Medium, packets: u32) -> SentStream {
        SentStream {
            publisher,
            medium,
            packets,
        }
    }

    fn all(counts: &Counts) -> [u64; 8] {
        [
            counts.expected,
            counts.received,
            counts.lost,
            counts.duplicated,
            counts.late,
            counts.damaged,
            counts.sequence_gaps,
            counts.sequence_duplicated,
        ]
    }

    #[test]
    fn what_arrives_whole_is_counted_whole() {
        let counts = after(|_| {});
        assert_eq!(all(&counts), [100, 100, 0, 0, 0, 0, 0, 0]);
        assert_eq!((counts.streams_expected, counts.streams_received), (1, 1));
        let late = after(|packets| {
            packets.drain(..30);
        });
        assert_eq!(all(&late), [70, 70, 0, 0, 0, 0, 0, 0], "who comes later");
    }

    #[test]
    fn a_packet_that_the_network_loses_is_lost_and_a_gap() {
        let counts = after(|packets| {
            packets.remove(50);
        });
        assert_eq!(all(&counts), [100, 99, 1, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn a_packet_that_the_server_never_numbers_is_lost_without_a_gap() {
        let counts = after(|packets| {
            packets.remove(50);
            for (sequence, _) in packets.iter_mut().skip(50) {
                *sequence = sequence.wrapping_sub(1);
            }
        });
        assert_eq!(all(&counts), [100, 99, 1, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_missing_at_the_end_is_lost() {
        let counts = after(|packets| packets.truncate(97));
        assert_eq!(all(&counts), [100, 97, 3, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn twice_is_once_too_often() {
        let counts = after(|packets| packets.insert(50, packets[49].clone()));
        assert_eq!(all(&counts), [100, 100, 0, 1, 0, 0, 0, 1]);
        let renumbered = after(|packets| {
            packets.insert(50, packets[49].clone());
            for (place, (sequence, _)) in packets.iter_mut().enumerate() {
                *sequence = place as u16;
            }
        });
        assert_eq!(all(&renumbered), [100, 100, 0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn order_is_noticed_and_is_no_loss() {
        let counts = after(|packets| packets.swap(50, 51));
        assert_eq!(all(&counts), [100, 100, 0, 0, 1, 0, 0, 0]);
    }

    #[test]
    fn a_damaged_packet_is_damaged_and_lost() {
        let counts = after(|packets| packets[50].1[60] ^= 4);
        assert_eq!(all(&counts), [100, 99, 1, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_stream_of_which_nothing_comes_is_missed_and_ones_own_is_an_echo() {
        let mut tally = Tally::new(RUN, Some(0));
        let mut own = Camera::new(RUN, 0);
        for payload in own.frame(true) {
            tally.arrive(Instant::now(), "8", Medium::Picture, 1, &payload);
        }
        let sent = [
            sent(0, Medium::Picture, own.sent()),
            sent(1, Medium::Sound, 10),
        ];
        let counts = tally.counts(&sent);
        assert_eq!((counts.streams_expected, counts.streams_received), (1, 0));
        assert_eq!(counts.echoed, u64::from(own.sent()));
        assert!(tally.first_media().is_none());
    }
}
