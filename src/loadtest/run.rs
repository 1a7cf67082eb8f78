//! SHELL. The whole load test: the speakers come and send, everybody else comes, all are together for a
//! while, the speakers cease, and what has arrived is held against what was sent.

use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::{Arc, Mutex},
    thread::available_parallelism,
    time::{Duration, Instant},
};

use tokio::{
    net::TcpStream,
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{interval, sleep, timeout},
};

use super::{
    bot::{self, Bot, House},
    cpu::{self, Process},
    floor::{Chair, Grants, Speaker},
    histogram::Histogram,
    invite::{Duty, Part},
    lean::{self, Crowd},
    metrics::{Between, Figures},
    peer,
    progress::{Phase, Progress},
    publisher::Publisher,
    report::{Clients, Generator, OfExpected, Report, Server, Verdict},
    scenario::Plan,
    scrape::Metrics,
    signalling::PATIENCE,
    tally::{Counts, Run, SentStream},
    watch::{Findings, Register, Watch},
};

/// What is on its way when the speakers cease arrives within this, what was asked for again too:
/// the crate asks every 100 ms.
const SETTLING: Duration = Duration::from_millis(1500);

/// Who comes back at the very end is listened to for so long.
const LAST_HEARING: Duration = Duration::from_secs(1);

/// Members that did not keep to the plan are named up to so many.
const FAULTS_MAX: usize = 50;

/// What is to be done, with whom.
pub struct Setting {
    /// What happens.
    pub plan: Plan,
    /// Who comes; one at least.
    pub parts: Vec<Part>,
    /// Where the server tells about itself.
    pub metrics: Metrics,
    /// The server's process, where it is a child of this one.
    pub server: Option<u32>,
}

/// Why nothing could be done at all.
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// Nobody is there.
    #[error(
        "nobody answers at {0} ({1}): start the server, or name the right one with --url http://HOST:PORT"
    )]
    Refused(String, std::io::Error),
    /// Nobody says anything.
    #[error(
        "{0} does not answer within {limit} s: is it the right address, and does the way there let TCP through?",
        limit = PATIENCE.as_secs()
    )]
    Silent(String),
    /// The machine has no room.
    #[error(transparent)]
    Lean(#[from] lean::Fault),
    /// Nobody to seat.
    #[error("there is nobody to take part")]
    Nobody,
}

/// Does it. What a member meets with is in the report and ends no other.
///
/// # Errors
/// When not even the first connection can be made.
pub async fn run(setting: Setting, progress: watch::Sender<Progress>) -> Result<Report, NotRun> {
    let Setting {
        plan,
        parts,
        metrics,
        server,
    } = setting;
    let authority = parts.first().map(|part| part.invite.authority.clone());
    knock(&authority.ok_or(NotRun::Nobody)?).await?;
    let (sound_slots, picture_slots) = plan.slots();
    let house = House {
        run: Run {
            number: rand::random(),
            began: now(),
        },
        sound_slots,
        picture_slots,
        climate: plan.climate,
        cipher: plan.cipher,
        crowd: Crowd::start(plan.climate, plan.opens, plan.cipher)?,
    };
    let findings = Arc::new(Mutex::new(Findings::default()));
    let grants = Grants::default();
    let register = Register::default();
    let watching = || Watch {
        register: register.clone(),
        findings: Arc::clone(&findings),
        grants: grants.clone(),
        metrics: metrics.clone(),
        server,
        progress: progress.clone(),
    };
    let watch = tokio::spawn(watching().run());

    let mut room = Room::new(house, register.clone());
    let (stop, stopping) = watch::channel(false);
    let lateness = Arc::new(Mutex::new(Histogram::default()));
    let (front, back): (Vec<Part>, Vec<Part>) = parts
        .into_iter()
        .partition(|part| matches!(part.duty, Duty::Speak(_) | Duty::Chair));
    let mut sending = Vec::new();
    let mut chair = None;
    // The chair first: the floor's rules stand before anybody wants to speak.
    for part in front {
        let (duty, name, seat) = (part.duty, part.invite.member.to_string(), part.seat);
        if !room.come(part).await {
            continue;
        }
        let Some((bot, _)) = room.bots.get(&seat) else {
            continue;
        };
        match duty {
            Duty::Chair => {
                let made = Chair {
                    signalling: bot.signalling().clone(),
                    last_turn: bot.last_turn(),
                    speakers: Vec::new(),
                    turn: Duration::from_millis(plan.scenario.turn_ms.into()),
                    grants: grants.clone(),
                };
                match made.take_the_chair().await {
                    Ok(()) => chair = Some(made),
                    Err(why) => room.missed(&name, &why.into()),
                }
            }
            Duty::Speak(number) => {
                let publisher = Publisher {
                    run: room.house.run,
                    number,
                    video_kbit: plan.scenario.video_kbit,
                    lateness: Arc::clone(&lateness),
                };
                if let Some(peer) = bot.peer() {
                    let task = tokio::spawn(publisher.publish(peer, stopping.clone()));
                    sending.push((name.clone(), task));
                }
                match &mut chair {
                    Some(chair) => chair.speakers.push(Speaker {
                        number,
                        member: bot.part().invite.member.clone(),
                        signalling: bot.signalling().clone(),
                    }),
                    None => {
                        if let Err(why) = bot.take_the_floor().await {
                            room.missed(&name, &why);
                        }
                    }
                }
            }
            Duty::Listen | Duty::ListenLean => {}
        }
    }
    // Before the others come, who else would wait for a voice.
    let chairing = chair.map(|chair| tokio::spawn(chair.work(stopping.clone())));
    let mut back = back.into_iter();
    let present = back.by_ref().take(plan.scenario.present.into());
    room.fill(present.collect(), Duration::ZERO).await;
    let coming: Vec<Part> = back.collect();
    let pace = plan.pace(coming.len());
    room.fill(coming, pace).await;

    progress.send_modify(|progress| progress.phase = Phase::Together);
    let meter = Meter::start(&metrics, server).await;
    let churn = Duration::from_millis(plan.scenario.churn_ms.into());
    room.pass(plan.duration(), churn).await;
    let load = meter.end(&metrics).await;
    if let Some(chairing) = chairing {
        stop.send_replace(true);
        match chairing.await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => room.missed("the chair", &why.into()),
            Err(why) => room.fault(why.to_string()),
        }
    }
    stop.send_replace(true);
    progress.send_modify(|progress| progress.phase = Phase::Ending);
    let sent = room.sent(sending).await;
    sleep(SETTLING).await;

    watch.abort();
    watching().look();
    let mut lateness = lateness
        .lock()
        .map_or_else(|_| Histogram::default(), |it| it.clone());
    lateness.add(&room.house.crowd.lateness());
    let mut found = findings
        .lock()
        .map_or_else(|_| Findings::default(), |it| it.clone());
    let ended = room.end(&sent).await;
    let mut server = load.server;
    server.unavailable = found
        .unavailable
        .take()
        .filter(|_| server.cpu_us_per_forwarded_packet.is_none());
    let counts = ended.counts;
    let report = Report {
        scenario: plan.scenario.name,
        scenario_says: plan.scenario.says,
        participants: plan.scenario.participants,
        joined: ended.joined,
        clients: ended.clients,
        together_s: load.seconds,
        loss_percent: plan.climate.loss_percent,
        rtt_ms: plan.climate.rtt.as_secs_f64() * 1000.0,
        opened: plan.opens,
        first_media_ms: (&ended.first_media).into(),
        connect_to_media_ms: (&ended.connected).into(),
        first_picture_ms: (&ended.first_picture).into(),
        streams: OfExpected {
            expected: counts.streams_expected,
            received: counts.streams_received,
        },
        voices: OfExpected {
            expected: counts.voices_expected,
            received: counts.voices_received,
        },
        packets: counts.into(),
        loss_ratio: counts.lost_after_repair as f64 / counts.expected.max(1) as f64,
        forward_delay_ms: (&found.delays).into(),
        longest_gap_ms: (!plan.has_chair() && plan.opens && counts.received > 0)
            .then(|| super::report::ms(counts.longest_silence)),
        grant_to_audio_ms: (found.grants.count() > 0).then(|| (&found.grants).into()),
        grants: grants.count(),
        returns: ended.returns,
        server,
        generator: Generator {
            lateness_ms: (&lateness).into(),
            ..load.generator
        },
        bottleneck: super::bottleneck::Bottleneck::None,
        bottleneck_why: String::new(),
        verdict: Verdict::Pass,
        verdict_reasons: Vec::new(),
        faults: ended.faults,
        limits: plan.scenario.limits,
        series: found.series,
    };
    Ok(report.judged(plan.scenario.limits))
}

/// Whether anybody is there at all.
async fn knock(authority: &str) -> Result<(), NotRun> {
    match timeout(PATIENCE, TcpStream::connect(authority)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(why)) => Err(NotRun::Refused(authority.to_owned(), why)),
        Err(_) => Err(NotRun::Silent(authority.to_owned())),
    }
}

type Sending = JoinHandle<Result<Vec<SentStream>, peer::Fault>>;

/// Everybody who is in the room, and why others are not.
struct Room {
    house: House,
    register: Register,
    bots: BTreeMap<u64, (Bot, String)>,
    faults: Vec<String>,
    /// Of those who have gone before the end.
    gone: Ended,
}

/// What it comes to.
#[derive(Default)]
struct Ended {
    joined: u16,
    clients: Clients,
    counts: Counts,
    first_media: Histogram,
    connected: Histogram,
    first_picture: Histogram,
    returns: u32,
    faults: Vec<String>,
}

impl Ended {
    /// Takes a member's counts, held against what was sent while it was there.
    fn take(&mut self, bot: &Bot, sent: &[SentStream]) -> Option<bot::Fault> {
        let outcome = bot.outcome();
        self.counts = self.counts.plus(outcome.tally.counts(sent));
        // The first in front come before there is anything to receive.
        let finds_a_voice = match bot.part().duty {
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
    fn new(house: House, register: Register) -> Self {
        Self {
            house,
            register,
            bots: BTreeMap::new(),
            faults: Vec::new(),
            gone: Ended::default(),
        }
    }

    fn missed(&mut self, name: &str, why: &bot::Fault) {
        self.fault(format!("{name}: {why}"));
    }

    fn fault(&mut self, what: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(what);
        }
    }

    /// Lets one in, and waits until it is there. False when it is not coming.
    async fn come(&mut self, part: Part) -> bool {
        let name = part.invite.member.to_string();
        let came = Bot::join(part, &self.house).await;
        self.seat(name, came)
    }

    fn seat(&mut self, name: String, came: Result<Bot, bot::Fault>) -> bool {
        match came {
            Ok(bot) => {
                let seat = bot.part().seat;
                self.register.enter(seat, bot.tally(), bot.joining_at());
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
    async fn fill(&mut self, parts: Vec<Part>, pace: Duration) {
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
    async fn pass(&mut self, together: Duration, churn: Duration) {
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
                    if let Some(why) = self.gone.take(&bot, &[]) {
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
    async fn sent(&mut self, sending: Vec<(String, Sending)>) -> Vec<SentStream> {
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
    async fn end(mut self, sent: &[SentStream]) -> Ended {
        let mut ended = std::mem::take(&mut self.gone);
        let mut leaving = JoinSet::new();
        for (bot, name) in std::mem::take(&mut self.bots).into_values() {
            match ended.take(&bot, sent) {
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

/// Reads both sides' load at the beginning and at the end.
struct Meter {
    began: Instant,
    process: Option<Process>,
    server_cpu: Option<Duration>,
    bots_cpu: Option<Duration>,
    figures: Option<Figures>,
}

/// What lies between.
struct Load {
    seconds: f64,
    server: Server,
    generator: Generator,
}

impl Meter {
    async fn start(metrics: &Metrics, server: Option<u32>) -> Self {
        let process = server.map(Process::Other);
        Self {
            began: now(),
            process,
            server_cpu: process.and_then(cpu::used),
            bots_cpu: cpu::used(Process::Own),
            figures: metrics.fetch().await.ok(),
        }
    }

    async fn end(self, metrics: &Metrics) -> Load {
        let seconds = now().saturating_duration_since(self.began).as_secs_f64();
        let cores = |now: Option<Duration>, then: Option<Duration>| {
            Some(now?.saturating_sub(then?).as_secs_f64() / seconds).filter(|it| it.is_finite())
        };
        let bots = cores(cpu::used(Process::Own), self.bots_cpu);
        let own_server = cores(self.process.and_then(cpu::used), self.server_cpu);
        let figures = metrics.fetch().await.ok();
        let between = match (figures, self.figures) {
            (Some(figures), Some(earlier)) => figures.since(&earlier, seconds),
            _ => Between::default(),
        };
        let rss_bytes = figures.and_then(|figures| figures.rss_bytes);
        let cores = available_parallelism().map_or(1, NonZero::get);
        Load {
            seconds,
            server: Server {
                cpu_us_per_forwarded_packet: between.cpu_us_per_forwarded_packet,
                packets_per_second: between.packets_per_second,
                rss_bytes: rss_bytes.map(|bytes| bytes as u64),
                cpu_cores: between.cores.or(own_server),
                media_cpu_cores: between.media_cores,
                unavailable: None,
            },
            generator: Generator {
                cpu_ratio: bots.map(|bots| bots / cores as f64),
                cores,
                ..Generator::default()
            },
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the bots measure real time")]
fn now() -> Instant {
    Instant::now()
}
