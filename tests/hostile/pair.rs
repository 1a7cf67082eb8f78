//! Two members who only want to talk: a speaker who sends sound every 20 ms and a picture every
//! 40 ms, and a listener who counts what arrives. They run in a thread of their own while an attack
//! does whatever it does; then it is looked whether they have noticed.

use std::{
    os::fd::AsRawFd,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use roundtable::media::shard::{
    rtcp::{self, Packet},
    rtp,
    srtp::Profile,
};

use crate::{caller::Caller, house::House};

/// The longest time between two packets of one track that counts as no gap: a jitter buffer and a
/// busy machine with two cores make less of it inaudible.
const GAP_MAX: Duration = Duration::from_millis(500);

/// What was sent in the last moment of an attack may still be on its way.
const ON_THE_WAY: Duration = Duration::from_millis(250);

const SOUND_EVERY: Duration = Duration::from_millis(20);
const PICTURE_EVERY: Duration = Duration::from_millis(40);

/// Marks the payloads of the pair among everybody's.
const MARK: &[u8; 8] = b"goodwill";

/// A VP8 key frame's descriptor and header: each frame can be begun with.
const KEY_FRAME: [u8; 11] = [0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 1, 240, 0];

/// One of the two tracks, as it was sent and as it arrived, by number.
#[derive(Debug, Default)]
struct Track {
    sent: Vec<Instant>,
    arrived: Vec<(u32, Instant)>,
}

#[derive(Debug, Default)]
struct Seen {
    sound: Track,
    picture: Track,
    /// Key frames that the server asked the speaker for.
    asked: usize,
    /// Sender reports that the listener got.
    reported: usize,
    /// A connection or the media path of one of them has ended.
    ended: bool,
}

/// The pair at work; ends when dropped.
pub struct Pair {
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pair {
    /// Two delegates, the last of the roster, join and begin.
    pub fn seat(house: &House) -> Self {
        let mut delegates = house.members("delegate");
        let (speaker, listener) = (delegates.pop(), delegates.pop());
        let join = |member: Option<String>, profile| {
            let member = member.expect("a delegate");
            Caller::join(house, &member, profile, (4, 2))
        };
        let mut speaker = join(speaker, Profile::AeadAes128Gcm);
        let listener = join(listener, Profile::AesCm128HmacSha1_80);
        speaker.take_floor();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let talk = Talk {
            speaker,
            listener,
            seen: Arc::clone(&seen),
            sound: 0,
            picture: 0,
        };
        let thread = {
            let stop = Arc::clone(&stop);
            thread::spawn(move || talk.run(&stop))
        };
        let pair = Self {
            seen,
            stop,
            thread: Some(thread),
        };
        pair.undisturbed("the pair alone", || wait(Duration::from_millis(300)));
        pair
    }

    /// How many key frames the server has asked the speaker for.
    pub fn asked(&self) -> usize {
        self.seen.lock().expect("no panic").asked
    }

    /// How many sender reports the listener has got, of all streams.
    pub fn reported(&self) -> usize {
        self.seen.lock().expect("no panic").reported
    }

    /// Whether every packet that was sent during the attack has arrived, once and in time.
    pub fn undisturbed<T>(&self, what: &str, attack: impl FnOnce() -> T) -> T {
        // The first packets may go before the listener's slots are filled.
        let settled = self.settled();
        let from = Instant::now();
        let given = attack();
        let until = Instant::now().max(from + Duration::from_millis(200));
        wait(until + ON_THE_WAY - Instant::now());
        let seen = self.seen.lock().expect("no panic");
        assert!(!seen.ended, "{what}: one of the pair was cut off");
        for (kind, track, settled) in [
            ("sound", &seen.sound, settled.0),
            ("picture", &seen.picture, settled.1),
        ] {
            track.is_whole(&format!("{what}: {kind}"), settled, from, until);
        }
        given
    }

    /// Waits until both tracks flow, and gives the first numbers from which on all must arrive.
    fn settled(&self) -> (u32, u32) {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let seen = self.seen.lock().expect("no panic");
            if let (Some((sound, _)), Some((picture, _))) =
                (seen.sound.arrived.first(), seen.picture.arrived.first())
            {
                return (*sound, *picture);
            }
            drop(seen);
            assert!(Instant::now() < end, "nothing of the pair arrives");
            wait(SOUND_EVERY);
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.expect("a thread").expect("the pair saw nothing odd");
        }
    }
}

impl Track {
    fn is_whole(&self, what: &str, settled: u32, from: Instant, until: Instant) {
        let within = |at: &Instant| (from..until).contains(at);
        let sent = (settled..)
            .zip(&self.sent[settled as usize..])
            .filter(|(_, at)| within(at));
        let sent: Vec<u32> = sent.map(|(number, _)| number).collect();
        let (Some(first), Some(last)) = (sent.first(), sent.last()) else {
            panic!("{what}: nothing was sent");
        };
        let arrived: Vec<(u32, Instant)> = self
            .arrived
            .iter()
            .filter(|(number, _)| (first..=last).contains(&number))
            .copied()
            .collect();
        let numbers: Vec<u32> = arrived.iter().map(|(number, _)| *number).collect();
        let lost = sent.len() - numbers.len().min(sent.len());
        assert!(numbers == sent, "{what}: {lost} of {} lost", sent.len());
        let gap = arrived
            .windows(2)
            .map(|two| two[1].1 - two[0].1)
            .max()
            .unwrap_or_default();
        println!("{what}: {} packets, longest gap {gap:?}", sent.len());
        assert!(gap <= GAP_MAX, "{what}: a gap of {gap:?}");
    }
}

/// The thread's half.
struct Talk {
    speaker: Caller,
    listener: Caller,
    seen: Arc<Mutex<Seen>>,
    sound: u32,
    picture: u32,
}

impl Talk {
    fn run(mut self, stop: &AtomicBool) {
        let begun = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            while begun + SOUND_EVERY * self.sound <= now {
                self.say();
            }
            while begun + PICTURE_EVERY * self.picture <= now {
                self.show();
            }
            self.speaker.live();
            self.listener.live();
            let open = self.speaker.line.take_in() && self.listener.line.take_in();
            self.note(open);
            self.sleep();
        }
    }

    fn say(&mut self) {
        let payload = [MARK.as_slice(), &self.sound.to_be_bytes(), &[0; 60]].concat();
        let number = self.sound as u16;
        let datagram = self
            .speaker
            .client
            .sound(number, self.sound * 960, 30, &payload);
        self.seen
            .lock()
            .expect("no panic")
            .sound
            .sent
            .push(Instant::now());
        self.speaker.send(&datagram);
        self.sound += 1;
    }

    fn show(&mut self) {
        let payload = [
            &KEY_FRAME,
            MARK.as_slice(),
            &self.picture.to_be_bytes(),
            &[0; 700],
        ]
        .concat();
        let number = self.picture as u16;
        let datagram = self
            .speaker
            .client
            .picture(number, self.picture * 3600, true, &payload);
        self.seen
            .lock()
            .expect("no panic")
            .picture
            .sent
            .push(Instant::now());
        self.speaker.send(&datagram);
        self.picture += 1;
    }

    /// Files what the two have received.
    fn note(&mut self, open: bool) {
        let now = Instant::now();
        let mut seen = self.seen.lock().expect("no panic");
        for packet in std::mem::take(&mut self.listener.client.received) {
            let header = rtp::Header::parse(&packet).expect("RTP");
            let payload = header.payload(&packet).expect("a payload");
            if let Some(number) = numbered(payload) {
                seen.sound.arrived.push((number, now));
            } else if let Some(number) = payload.strip_prefix(&KEY_FRAME).and_then(numbered) {
                seen.picture.arrived.push((number, now));
            }
        }
        for compound in std::mem::take(&mut self.speaker.client.reports) {
            seen.asked += rtcp::packets(&compound)
                .filter(|packet| {
                    matches!(
                        packet,
                        Packet::PictureLoss { .. } | Packet::FullIntra { .. }
                    )
                })
                .count();
        }
        for compound in std::mem::take(&mut self.listener.client.reports) {
            seen.reported += rtcp::packets(&compound)
                .filter(|packet| matches!(packet, Packet::SenderReport { .. }))
                .count();
        }
        self.speaker.client.received.clear();
        for line in [&mut self.speaker.line, &mut self.listener.line] {
            seen.ended |= line.told.iter().any(|told| told["signal"] == "media.lost");
            line.told.clear();
        }
        seen.ended |= !open;
    }

    /// Until something arrives or the next packet is due; the loop itself keeps the time.
    fn sleep(&self) {
        let mut watched =
            [&self.speaker.socket, &self.listener.socket].map(|socket| libc::pollfd {
                fd: socket.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            });
        // SAFETY: poll reads and writes the two elements.
        unsafe {
            libc::poll(watched.as_mut_ptr(), 2, 5);
        }
    }
}

fn numbered(payload: &[u8]) -> Option<u32> {
    let number = payload.strip_prefix(MARK)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*number))
}

/// Lets time pass: these scenes are about real time.
pub fn wait(time: Duration) {
    thread::sleep(time);
}
