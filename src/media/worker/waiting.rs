//! Packets that wait for room in one client's stream, framed.
//!
//! Sound and picture are only worth something while they are new, and a stream that stalls for
//! three seconds must not then play them: the oldest go first. What ICE and DTLS say is kept, it is
//! little. This module must never know whose packets they are.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::frames::{self, HEAD_BYTES};

/// Bytes that wait at most: a shared screen's key frame and what comes meanwhile. Full: the oldest
/// media that waits is dropped.
const BYTES_MAX: usize = 256 * 1024;

/// Media that has waited for so long is dropped: whoever hears it would rather be with the others.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// The first bytes of RTP and RTCP (RFC 7983).
const MEDIA: std::ops::RangeInclusive<u8> = 128..=191;

/// Full of what cannot be dropped: the client takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// One client's.
#[derive(Debug, Default)]
pub struct Waiting {
    bytes: VecDeque<u8>,
    /// The frames that `bytes` are, in order.
    frames: VecDeque<Frame>,
    /// So much of the first frame is sent: the rest of it must follow.
    begun: usize,
}

#[derive(Debug)]
struct Frame {
    /// With its head, in bytes.
    length: usize,
    since: Instant,
    media: bool,
}

impl Waiting {
    /// Puts a packet behind the others.
    pub fn push(&mut self, now: Instant, packet: &[u8]) -> Result<(), Full> {
        let Some(head) = frames::head(packet) else {
            return Ok(()); // None that we make is so long.
        };
        let media = packet.first().is_some_and(|first| MEDIA.contains(first));
        let length = HEAD_BYTES + packet.len();
        while self.bytes.len() + length > BYTES_MAX {
            let Some(oldest) = self.oldest_media() else {
                return if media { Ok(()) } else { Err(Full) };
            };
            self.drop(oldest);
        }
        self.bytes.extend(head);
        self.bytes.extend(packet);
        self.frames.push_back(Frame {
            length,
            since: now,
            media,
        });
        Ok(())
    }

    /// Drops the media that has waited for too long.
    pub fn expire(&mut self, now: Instant) {
        while let Some(oldest) = self.oldest_media() {
            let since = self.frames.get(oldest).map(|frame| frame.since);
            if since.is_none_or(|since| now.saturating_duration_since(since) <= WAIT_MAX) {
                return;
            }
            self.drop(oldest);
        }
    }

    /// What is to be sent, in two parts.
    pub fn parts(&self) -> [&[u8]; 2] {
        let (first, second) = self.bytes.as_slices();
        [first, second]
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// So many bytes are sent.
    pub fn sent(&mut self, bytes: usize) {
        self.bytes.drain(..bytes.min(self.bytes.len()));
        self.begun += bytes;
        while let Some(first) = self.frames.front()
            && self.begun >= first.length
        {
            self.begun -= first.length;
            self.frames.pop_front();
        }
    }

    /// The place of the first frame of media of which nothing is sent.
    fn oldest_media(&self) -> Option<usize> {
        let mut frames = self.frames.iter().enumerate();
        if self.begun > 0 {
            frames.next();
        }
        frames
            .find(|(_, frame)| frame.media)
            .map(|(place, _)| place)
    }

    fn drop(&mut self, place: usize) {
        let before: usize = self.frames.range(..place).map(|frame| frame.length).sum();
        let start = before.saturating_sub(self.begun);
        if let Some(frame) = self.frames.remove(place) {
            self.bytes.drain(start..start + frame.length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: u8 = 0x80;
    const STUN: u8 = 0;

    fn packet(kind: u8, number: u8, length: usize) -> Vec<u8> {
        let mut packet = vec![number; length];
        packet[0] = kind;
        packet
    }

    /// Sends everything and gives the packets as (kind, number).
    fn drain(waiting: &mut Waiting, begun: &[u8]) -> Vec<(u8, u8)> {
        let mut stream = begun.to_vec();
        stream.extend(waiting.parts().concat());
        waiting.sent(stream.len() - begun.len());
        assert!(waiting.is_empty() && waiting.frames.is_empty() && waiting.begun == 0);
        let mut packets = Vec::new();
        let mut unfinished = frames::Unfinished::default();
        unfinished
            .split(&mut stream, |packet| packets.push((packet[0], packet[1])))
            .expect("whole frames");
        packets
    }

    #[expect(clippy::disallowed_methods, reason = "a test's time begins somewhere")]
    fn now() -> Instant {
        Instant::now()
    }

    #[test]
    fn the_oldest_media_goes_first_and_the_rest_stays_in_order() {
        let (mut waiting, now) = (Waiting::default(), now());
        waiting.push(now, &packet(SOUND, 0, 1000)).expect("room");
        waiting.push(now, &packet(STUN, 1, 100)).expect("room");
        let begun = waiting.parts().concat()[..500].to_vec();
        waiting.sent(500);
        // Of what follows 130 find room beside the rest of the first and the check.
        for number in 2..=200 {
            waiting
                .push(now, &packet(SOUND, number, 1998))
                .expect("room");
        }
        let sent = drain(&mut waiting, &begun);
        assert_eq!(sent[..2], [(SOUND, 0), (STUN, 1)], "begun, and not media");
        let kept: Vec<u8> = sent[2..].iter().map(|(_, number)| *number).collect();
        assert_eq!(kept, (71..=200).collect::<Vec<u8>>());
    }

    #[test]
    fn late_media_is_dropped_and_nothing_else() {
        let (mut waiting, begin) = (Waiting::default(), now());
        waiting.push(begin, &packet(SOUND, 0, 10)).expect("room");
        waiting.push(begin, &packet(STUN, 1, 10)).expect("room");
        waiting.push(begin, &packet(SOUND, 2, 10)).expect("room");
        let later = begin + WAIT_MAX;
        waiting.push(later, &packet(SOUND, 3, 10)).expect("room");
        waiting.expire(later);
        waiting.expire(later + Duration::from_millis(1));
        assert_eq!(drain(&mut waiting, &[]), [(STUN, 1), (SOUND, 3)]);
    }

    #[test]
    fn a_client_that_takes_nothing_is_told_apart_from_a_slow_one() {
        let (mut waiting, now) = (Waiting::default(), now());
        let mut taken = 0;
        while waiting.push(now, &packet(STUN, 0, 1000)) == Ok(()) {
            taken += 1;
        }
        assert_eq!(taken, BYTES_MAX / 1002);
        waiting
            .push(now, &packet(SOUND, 0, 1000))
            .expect("is dropped itself");
        assert_eq!(drain(&mut waiting, &[]).len(), taken);
    }
}
