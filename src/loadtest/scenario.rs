//! SHELL. The whole load test: publishers come and send, everybody else comes, all are in the room
//! together for a while, the publishers cease, and what has arrived is held against what was sent.

use std::{future, time::Duration};

use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{Instant, interval, sleep},
};

use super::{
    bot::{Bot, Fault},
    cpu::{self, Process},
    invite::Part,
    peer,
    publisher::publish,
    report::{Cpu, Report, Spread},
    tally::{Counts, SentStream},
};

/// What is on its way when the publishers cease arrives within this, what was asked for again too:
/// the crate asks every 100 ms.
const SETTLING: Duration = Duration::from_millis(1500);

/// Slots for pictures at most, and so publishers: with more, the server chooses whom each member
/// sees, and "everything arrives" would be said of nobody.
pub const PUBLISHERS_MAX: u16 = 4;

/// What is to be done.
#[derive(Debug)]
pub struct Scenario {
    /// Who comes, publishers first.
    pub parts: Vec<Part>,
    /// How many receivers come each second; 0: all at once.
    pub joins_per_s: u32,
    /// How long all are in the room together.
    pub together: Duration,
    /// The server's process, where it is on this machine.
    pub server: Option<u32>,
}

/// Does it. What a member meets with is in the report and ends no other.
pub async fn run(scenario: Scenario) -> Report {
    let Scenario {
        parts,
        joins_per_s,
        together,
        server,
    } = scenario;
    let run: u32 = rand::random();
    let members = parts.len();
    let (publishing, receiving): (Vec<Part>, Vec<Part>) =
        parts.into_iter().partition(|part| part.publisher.is_some());
    let publishers = u16::try_from(publishing.len()).unwrap_or(u16::MAX);
    let slots = publishing.len();
    let meter = Meter::start(server);

    let mut room = Room::default();
    let (stop, stopping) = watch::channel(false);
    let mut sending = Vec::new();
    for part in publishing {
        let name = part.invite.member.to_string();
        match come_and_send(part, run, slots, stopping.clone()).await {
            Ok((bot, task)) => {
                room.bots.push((name.clone(), bot));
                sending.push((name, task));
            }
            Err(why) => room.missed(&name, &why),
        }
    }
    room.fill(receiving, run, slots, joins_per_s).await;

    let began = now();
    let before = meter.server();
    sleep(together).await;
    let together_s = now().duration_since(began).as_secs_f64();
    let server_together = meter.server().zip(before).map(|(now, then)| now - then);
    stop.send_replace(true);
    let mut sent: Vec<SentStream> = Vec::new();
    for (name, task) in sending {
        match task.await {
            Ok(Ok(streams)) => sent.extend(streams),
            Ok(Err(why)) => room.missed(&name, &why.into()),
            // Only our own fault ends a task so; the panic has been printed.
            Err(why) => room.faults.push(format!("{name}: {why}")),
        }
    }
    sleep(SETTLING).await;

    let mut counts = Counts::default();
    let mut times: [Vec<Duration>; 3] = Default::default();
    let mut joined = 0;
    for (name, bot) in &room.bots {
        let outcome = bot.outcome();
        counts = counts.plus(outcome.tally.counts(&sent));
        // Publishers come before there is anything to receive.
        if !bot.publishes() {
            let [media, connected, picture] = &mut times;
            media.extend(outcome.join_to_media);
            connected.extend(outcome.connect_to_media);
            picture.extend(outcome.join_to_picture);
        }
        match outcome.fault {
            None => joined += 1,
            Some(why) => room.faults.push(format!("{name}: {why}")),
        }
    }
    let cpu_s = meter.end(server_together);
    let faults = room.leave().await;
    let [media, connected, picture] = times.map(Spread::of);
    Report {
        members,
        publishers,
        joined,
        joins_per_s,
        together_s,
        join_to_media_ms: media,
        connect_to_media_ms: connected,
        join_to_picture_ms: picture,
        arrivals: counts.into(),
        cpu_s,
        shortfalls: Vec::new(),
        passed: false,
    }
    .judged(&faults)
}

type Sending = JoinHandle<Result<[SentStream; 2], peer::Fault>>;

async fn come_and_send(
    part: Part,
    run: u32,
    slots: usize,
    stopping: watch::Receiver<bool>,
) -> Result<(Bot, Sending), Fault> {
    let number = part.publisher.unwrap_or_default();
    let bot = Bot::join(part, run, slots).await?;
    let task = tokio::spawn(publish(bot.peer(), run, number, stopping));
    bot.take_the_floor().await?;
    Ok((bot, task))
}

/// Everybody who is in the room, and why others are not.
#[derive(Default)]
struct Room {
    bots: Vec<(String, Bot)>,
    faults: Vec<String>,
}

impl Room {
    fn missed(&mut self, name: &str, why: &Fault) {
        self.faults.push(format!("{name}: {why}"));
    }

    /// Lets the receivers in, and waits until each is there or is not coming.
    async fn fill(&mut self, parts: Vec<Part>, run: u32, slots: usize, joins_per_s: u32) {
        let pace = Duration::from_secs(1).checked_div(joins_per_s);
        let mut pace = pace.map(interval);
        let mut coming = JoinSet::new();
        for part in parts {
            match &mut pace {
                Some(pace) => {
                    pace.tick().await;
                }
                None => future::ready(()).await,
            }
            let name = part.invite.member.to_string();
            coming.spawn(async move { (name, Bot::join(part, run, slots).await) });
        }
        while let Some(came) = coming.join_next().await {
            match came {
                Ok((name, Ok(bot))) => self.bots.push((name, bot)),
                Ok((name, Err(why))) => self.missed(&name, &why),
                Err(why) => self.faults.push(why.to_string()),
            }
        }
    }

    /// Lets everybody out and tells who was not there.
    async fn leave(self) -> Vec<String> {
        let mut leaving = JoinSet::new();
        for (_, bot) in self.bots {
            leaving.spawn(bot.leave());
        }
        leaving.join_all().await;
        self.faults
    }
}

/// Reads processor times.
struct Meter {
    server: Option<Process>,
    server_before: Option<Duration>,
    bots_before: Option<Duration>,
}

impl Meter {
    fn start(server: Option<u32>) -> Self {
        let server = server.map(Process::Other);
        Self {
            server,
            server_before: server.and_then(cpu::used),
            bots_before: cpu::used(Process::Own),
        }
    }

    /// What the server has used since its start, in s.
    fn server(&self) -> Option<f64> {
        let used = self.server.and_then(cpu::used)?;
        Some(used.as_secs_f64())
    }

    fn end(&self, server_together: Option<f64>) -> Cpu {
        let since = |now: Option<Duration>, then: Option<Duration>| {
            Some(now?.saturating_sub(then?).as_secs_f64())
        };
        Cpu {
            server: since(self.server.and_then(cpu::used), self.server_before),
            server_together,
            bots: since(cpu::used(Process::Own), self.bots_before),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the bots measure real time")]
fn now() -> Instant {
    Instant::now()
}
