//! SHELL. Everybody who is in the room: who comes, leaves and comes back, and what they have counted.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{interval, sleep},
};

use super::{
    bot::{self, Bot, House},
    histogram::Histogram,
    invite::{Duty, Part},
    peer,
    publisher::Publisher,
    report::Clients,
    tally::{Counts, SentStream},
    watch::Register,
};

/// What is on its way when the speakers cease arrives within this, what was asked for again too:
/// the crate asks every 100 ms.
pub const SETTLING: Duration = Duration::from_millis(1500);

/// Who comes back at the very end is listened to for so long.
const LAST_HEARING: Duration = Duration::from_secs(1);

/// Members that did not keep to the plan are named up to so many.
const FAULTS_MAX: usize = 50;

/// A speaker at work, and what it has sent in the end.
pub type Sending = JoinHandle<Result<Vec<SentStream>, peer::Fault>>;

/// Everybody who is in the room, and why others are not.
pub struct Room {
    /// What is the same for all.
    pub house: House,
    register: Register,
    /// By seat, each with its name.
    pub bots: BTreeMap<u64, (Bot, String)>,
    faults: Vec<String>,
    /// Of those who have gone before the end.
    gone: Ended,
}

/// One who was asked over to another session.
pub struct Over {
    /// Its seat.
    pub seat: u64,
    /// When it was there, with media.
    pub at: Instant,
    name: String,
    came: Result<Bot, bot::Fault>,
}

/// What it comes to.
#[derive(Default)]
pub struct Ended {
    /// Who joined and stayed.
    pub joined: u16,
    /// Those of each kind.
    pub clients: Clients,
    /// What all have counted.
    pub counts: Counts,
    /// From `session.join` sent to a speaker's first packet.
    pub first_media: Histogram,
    /// The same from the attempt to connect.
    pub connected: Histogram,
    /// From `session.join` sent to a picture's first packet.
    pub first_picture: Histogram,
    /// Times that somebody left and came back.
    pub returns: u32,
    /// What did not keep to the plan.
    pub faults: Vec<String>,
}

impl Ended {
    /// Takes a member's counts, held against what was sent while it was there.
    fn take(&mut self, bot: &Bot, sent: &[SentStream], house: &House) -> Option<bot::Fault> {
        let outcome = bot.outcome();
        self.counts = self.counts.plus(outcome.tally.counts(sent));
        // The first in front come before there is anything to receive.
        let finds_a_voice = match bot.part().duty {
            _ if house.plays_agenda => false,
            Duty::Listen | Duty::ListenLean => true,
            Duty::Speak(number) => number > 0,
            Duty::Chair => false,
        };
        if finds_a_voice {
            for (times, time) in [
                (&mut self.first_media, outcome.join_to_media),
                (&mut self.connected, outcome.connect_to_media),
                (&mut self.first_picture, outcome.join_to_picture),
            ] {
                if let Some(time) = time {
                    times.record(time);
                }
            }
        }
        outcome.fault
    }
}

impl Room {
    /// Nobody is there yet.
    pub fn new(house: House, register: Register) -> Self {
        Self {
            house,
            register,
            bots: BTreeMap::new(),
            faults: Vec::new(),
            gone: Ended::default(),
        }
    }

    /// Somebody is not there, or did not do its part.
    pub fn missed(&mut self, name: &str, why: &bot::Fault) {
        self.fault(format!("{name}: {why}"));
    }

    /// Something else did not keep to the plan.
    pub fn fault(&mut self, what: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(what);
        }
    }

    /// Lets one in, and waits until it is there. False when it is not coming.
    pub async fn come(&mut self, part: Part) -> bool {
        let name = part.invite.member.to_string();
        let came = Bot::join(part, &self.house).await;
        self.seat(name, came)
    }

    fn seat(&mut self, name: String, came: Result<Bot, bot::Fault>) -> bool {
        match came {
            Ok(bot) => {
                let seat = bot.part().seat;
                let waits_since = (!self.house.plays_agenda).then(|| bot.joining_at());
                self.register.enter(seat, bot.tally(), waits_since);
                self.bots.insert(seat, (bot, name));
                true
            }
            Err(why) => {
                self.missed(&name, &why);
                false
            }
        }
    }

    /// Lets the receivers in, and waits until each is there or is not coming.
    pub async fn fill(&mut self, parts: Vec<Part>, pace: Duration) {
        let mut pace = (!pace.is_zero()).then(|| interval(pace));
        let mut coming = JoinSet::new();
        for part in parts {
            if let Some(pace) = &mut pace {
                pace.tick().await;
            }
            let house = self.house.clone();
            coming.spawn(async move {
                let name = part.invite.member.to_string();
                (name, Bot::join(part, &house).await)
            });
            while let Some(came) = coming.try_join_next() {
                self.came(came);
            }
        }
        while let Some(came) = coming.join_next().await {
            self.came(came);
        }
    }

    fn came(&mut self, came: Result<(String, Result<Bot, bot::Fault>), tokio::task::JoinError>) {
        match came {
            Ok((name, came)) => {
                self.seat(name, came);
            }
            Err(why) => self.fault(why.to_string()),
        }
    }

    /// All are together for so long; every so often one of the receivers leaves and comes back.
    pub async fn pass(&mut self, together: Duration, churn: Duration) {
        if churn.is_zero() {
            sleep(together).await;
            return;
        }
        let end = now() + together;
        let mut pace = interval(churn);
        let mut coming = JoinSet::new();
        let mut last = 0;
        loop {
            tokio::select! {
                biased;
                () = sleep(end.saturating_duration_since(now())) => break,
                Some(came) = coming.join_next() => self.came(came),
                _ = pace.tick() => {
                    let Some(seat) = self.next_to_leave(last) else { continue };
                    last = seat;
                    let Some((bot, name)) = self.bots.remove(&seat) else { continue };
                    self.register.leave(seat);
                    if let Some(why) = self.gone.take(&bot, &[], &self.house) {
                        self.missed(&name, &why);
                    }
                    self.gone.returns = self.gone.returns.saturating_add(1);
                    let house = self.house.clone();
                    coming.spawn(async move {
                        let part = bot.part().clone();
                        bot.leave().await;
                        (name, Bot::join(part, &house).await)
                    });
                }
            }
        }
        while let Some(came) = coming.join_next().await {
            self.came(came);
        }
        // Who came back last is to hear something too.
        sleep(LAST_HEARING).await;
    }

    /// All begin to wait for the chair's word to go over to that session, and go when it comes.
    pub fn await_the_word(&mut self, session: &str, sent: &[SentStream]) -> JoinSet<Over> {
        let mut going = JoinSet::new();
        for (seat, (bot, name)) in std::mem::take(&mut self.bots) {
            self.register.leave(seat);
            if let Some(why) = self.gone.take(&bot, sent, &self.house) {
                self.missed(&name, &why);
                continue;
            }
            let (house, session) = (self.house.clone(), session.to_owned());
            going.spawn(async move {
                let came = bot.go_over(&house, &session).await;
                Over {
                    seat,
                    name,
                    came,
                    at: now(),
                }
            });
        }
        going
    }

    /// One has gone over. False when it has not.
    pub fn went(&mut self, over: Over, session: &str) -> bool {
        if let Err(why) = &over.came {
            self.fault(format!(
                "{} did not come over to {session}: {why}",
                over.name
            ));
            return false;
        }
        self.seat(over.name, over.came)
    }

    /// A speaker begins to send.
    pub fn publish(
        &self,
        seat: u64,
        video_kbit: u32,
        lateness: &Arc<Mutex<Histogram>>,
        stopping: &watch::Receiver<bool>,
    ) -> Option<(String, Sending)> {
        let (bot, name) = self.bots.get(&seat)?;
        let Duty::Speak(number) = bot.part().duty else {
            return None;
        };
        let publisher = Publisher {
            run: self.house.run,
            number,
            video_kbit,
            lateness: Arc::clone(lateness),
        };
        let task = tokio::spawn(publisher.publish(bot.peer()?, stopping.clone()));
        Some((name.clone(), task))
    }

    /// One of the receivers after the other.
    fn next_to_leave(&self, last: u64) -> Option<u64> {
        let receives =
            |(bot, _): &(Bot, String)| matches!(bot.part().duty, Duty::Listen | Duty::ListenLean);
        let mut later = self.bots.range(last.saturating_add(1)..);
        let next = later.find(|(_, bot)| receives(bot));
        next.or_else(|| self.bots.iter().find(|(_, bot)| receives(bot)))
            .map(|(seat, _)| *seat)
    }

    /// What the speakers have sent.
    pub async fn sent(&mut self, sending: Vec<(String, Sending)>) -> Vec<SentStream> {
        let mut sent = Vec::new();
        for (name, task) in sending {
            match task.await {
                Ok(Ok(streams)) => sent.extend(streams),
                Ok(Err(why)) => self.missed(&name, &why.into()),
                // Only our own fault ends a task so; the panic has been printed.
                Err(why) => self.fault(format!("{name}: {why}")),
            }
        }
        sent
    }

    /// Counts everybody, lets them out and tells who was not there.
    pub async fn end(mut self, sent: &[SentStream]) -> Ended {
        let mut ended = std::mem::take(&mut self.gone);
        let mut leaving = JoinSet::new();
        for (bot, name) in std::mem::take(&mut self.bots).into_values() {
            match ended.take(&bot, sent, &self.house) {
                None => ended.joined = ended.joined.saturating_add(1),
                Some(why) => self.missed(&name, &why),
            }
            let clients = &mut ended.clients;
            let count = match bot.part().duty {
                Duty::Speak(_) => &mut clients.speakers,
                Duty::Listen => &mut clients.full,
                Duty::ListenLean => &mut clients.lean,
                Duty::Chair => &mut clients.chairs,
            };
            *count = count.saturating_add(1);
            leaving.spawn(bot.leave());
        }
        leaving.join_all().await;
        ended.faults = self.faults;
        ended
    }
}

#[expect(clippy::disallowed_methods, reason = "the bots measure real time")]
fn now() -> Instant {
    Instant::now()
}
