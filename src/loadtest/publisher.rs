//! SHELL. A publisher at work: sound and pictures in real time, until it is told to stop.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    sync::watch,
    time::{Interval, interval},
};

use super::{
    histogram::Histogram,
    peer::{Fault, Peer},
    stamp::{Camera, Medium, Microphone},
    tally::{Run, SentStream},
};

/// Every 20 ms a packet of sound, on a clock of 48 kHz.
const SOUND_EVERY: Duration = Duration::from_millis(20);
const SOUND_TICKS: u32 = 960;

/// Every 40 ms a frame, on a clock of 90 kHz.
const FRAME_EVERY: Duration = Duration::from_millis(40);
const FRAME_TICKS: u32 = 3600;
const FRAMES_PER_S: usize = 25;

/// Streams begin a little before their sequence numbers wrap, so that every run goes over it.
const FIRST_SEQUENCE: u16 = u16::MAX - 100;

/// What a publisher sends.
#[derive(Debug, Clone)]
pub struct Publisher {
    /// The load test that it is of.
    pub run: Run,
    /// Its number.
    pub number: u16,
    /// Its picture, in kbit/s; 0: none.
    pub video_kbit: u32,
    /// How late it came to its packets.
    pub lateness: Arc<Mutex<Histogram>>,
}

impl Publisher {
    /// Sends until `stop` is true, and says what was sent.
    ///
    /// # Errors
    /// When the connection ends before.
    pub async fn publish(
        self,
        peer: Arc<Peer>,
        stop: watch::Receiver<bool>,
    ) -> Result<Vec<SentStream>, Fault> {
        let Run { number: run, .. } = self.run;
        let frame_bytes = self.video_kbit as usize * 1000 / 8 / FRAMES_PER_S;
        let sound = self.speak(&peer, Microphone::new(run, self.number), stop.clone());
        let sent = |medium, packets| SentStream {
            publisher: self.number,
            medium,
            packets,
            ended: now(),
        };
        if self.video_kbit == 0 {
            return Ok(vec![sent(Medium::Sound, sound.await?)]);
        }
        let pictures = self.show(&peer, Camera::new(run, self.number, frame_bytes), stop);
        let (sound, pictures) = tokio::try_join!(sound, pictures)?;
        Ok(vec![
            sent(Medium::Sound, sound),
            sent(Medium::Picture, pictures),
        ])
    }

    async fn speak(
        &self,
        peer: &Peer,
        mut microphone: Microphone,
        mut stop: watch::Receiver<bool>,
    ) -> Result<u32, Fault> {
        let mut pace = interval(SOUND_EVERY);
        let mut timestamp = 0_u32;
        while self.goes_on(&mut pace, &mut stop).await {
            let sequence = sequence(microphone.sent());
            let payload = microphone.packet(self.run.micros(now()));
            peer.speak(sequence, timestamp, payload).await?;
            timestamp = timestamp.wrapping_add(SOUND_TICKS);
        }
        Ok(microphone.sent())
    }

    async fn show(
        &self,
        peer: &Peer,
        mut camera: Camera,
        mut stop: watch::Receiver<bool>,
    ) -> Result<u32, Fault> {
        let mut pace = interval(FRAME_EVERY);
        let mut timestamp = 0_u32;
        let mut answered = 0;
        while self.goes_on(&mut pace, &mut stop).await {
            // As an encoder does: the first frame is a key frame, and one for each request.
            let asked = peer.asked();
            let is_key = camera.sent() == 0 || asked != answered;
            answered = asked;
            let first = camera.sent();
            let packets = camera.frame(is_key, self.run.micros(now()));
            let last = packets.len().saturating_sub(1);
            for ((place, payload), number) in packets.into_iter().enumerate().zip(first..) {
                peer.show(sequence(number), timestamp, place == last, payload)
                    .await?;
            }
            timestamp = timestamp.wrapping_add(FRAME_TICKS);
        }
        Ok(camera.sent())
    }

    /// Waits for the next packet's time; false when it is time to stop. What was late is made up for.
    async fn goes_on(&self, pace: &mut Interval, stop: &mut watch::Receiver<bool>) -> bool {
        tokio::select! {
            biased;
            _stopped_or_gone = stop.wait_for(|stop| *stop) => false,
            due = pace.tick() => {
                let late = now().saturating_duration_since(due.into_std());
                let mut lateness = self.lateness.lock().unwrap_or_else(PoisonError::into_inner);
                lateness.record(late);
                true
            }
        }
    }
}

/// The RTP sequence number of a stream's packet.
fn sequence(number: u32) -> u16 {
    FIRST_SEQUENCE.wrapping_add(number as u16)
}

#[expect(clippy::disallowed_methods, reason = "the bots measure real time")]
fn now() -> Instant {
    Instant::now()
}
