//! SHELL. A publisher at work: sound and pictures in real time, until it is told to stop.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Interval, interval},
};

use super::{
    peer::{Fault, Peer},
    stamp::{Camera, Medium, Microphone},
    tally::SentStream,
};

/// Every 20 ms a packet of sound, on a clock of 48 kHz.
const SOUND_EVERY: Duration = Duration::from_millis(20);
const SOUND_TICKS: u32 = 960;

/// Every 40 ms a frame, on a clock of 90 kHz.
const FRAME_EVERY: Duration = Duration::from_millis(40);
const FRAME_TICKS: u32 = 3600;

/// Streams begin a little before their sequence numbers wrap, so that every run goes over it.
const FIRST_SEQUENCE: u16 = u16::MAX - 100;

/// Sends until `stop` is true, and says what was sent.
///
/// # Errors
/// When the connection ends before.
pub async fn publish(
    peer: Arc<Peer>,
    run: u32,
    publisher: u16,
    stop: watch::Receiver<bool>,
) -> Result<[SentStream; 2], Fault> {
    let sound = speak(&peer, Microphone::new(run, publisher), stop.clone());
    let pictures = show(&peer, Camera::new(run, publisher), stop);
    let (sound, pictures) = tokio::try_join!(sound, pictures)?;
    let sent = |medium, packets| SentStream {
        publisher,
        medium,
        packets,
    };
    Ok([sent(Medium::Sound, sound), sent(Medium::Picture, pictures)])
}

async fn speak(
    peer: &Peer,
    mut microphone: Microphone,
    mut stop: watch::Receiver<bool>,
) -> Result<u32, Fault> {
    let mut pace = interval(SOUND_EVERY);
    let mut timestamp = 0_u32;
    while goes_on(&mut pace, &mut stop).await {
        let sequence = sequence(microphone.sent());
        let payload = microphone.packet();
        peer.speak(sequence, timestamp, payload).await?;
        timestamp = timestamp.wrapping_add(SOUND_TICKS);
    }
    Ok(microphone.sent())
}

async fn show(
    peer: &Peer,
    mut camera: Camera,
    mut stop: watch::Receiver<bool>,
) -> Result<u32, Fault> {
    let mut pace = interval(FRAME_EVERY);
    let mut timestamp = 0_u32;
    let mut answered = 0;
    while goes_on(&mut pace, &mut stop).await {
        // As an encoder does: the first frame is a key frame, and one for each request.
        let asked = peer.asked();
        let is_key = camera.sent() == 0 || asked != answered;
        answered = asked;
        let first = camera.sent();
        let packets = camera.frame(is_key);
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
async fn goes_on(pace: &mut Interval, stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        biased;
        _stopped_or_gone = stop.wait_for(|stop| *stop) => false,
        _ = pace.tick() => true,
    }
}

/// The RTP sequence number of a stream's packet.
fn sequence(number: u32) -> u16 {
    FIRST_SEQUENCE.wrapping_add(number as u16)
}
