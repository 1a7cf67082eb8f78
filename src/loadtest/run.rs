//! SHELL. The whole load test: the speakers come and send, everybody else comes, all are together for a
//! while, the speakers cease, and what has arrived is held against what was sent.

use std::{
    num::NonZero,
    sync::{Arc, Mutex},
    thread::available_parallelism,
    time::{Duration, Instant},
};

use tokio::{
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    agenda,
    bot::House,
    cpu::{self, Process},
    floor::{Chair, Grants, Speaker},
    histogram::Histogram,
    invite::{Duty, Part},
    lean::{self, Crowd},
    metrics::{Between, Figures},
    progress::{Phase, Progress},
    report::{Generator, OfExpected, Report, Server, Verdict},
    room::{Room, SETTLING},
    scenario::Plan,
    scrape::Metrics,
    signalling::PATIENCE,
    tally::{Run, SentStream},
    watch::{Findings, Register, Watch},
};

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
        plays_agenda: plan.scenario.plays_agenda(),
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
    // In a set of its own, which ends it also when the load test is cut short.
    let mut watch = JoinSet::new();
    watch.spawn(watching().run());

    let mut room = Room::new(house, register.clone());
    let lateness = Arc::new(Mutex::new(Histogram::default()));
    let stage = Stage {
        plan: &plan,
        grants: &grants,
        lateness: &lateness,
        progress: &progress,
        metrics: &metrics,
        server,
    };
    let (load, sent, agenda) = if plan.scenario.plays_agenda() {
        progress.send_modify(|progress| progress.phase = Phase::Together);
        let meter = Meter::start(&metrics, server).await;
        let (sent, agenda) = agenda::play(&mut room, parts, &stage).await;
        (meter.end(&metrics).await, sent, Some(agenda))
    } else {
        let (load, sent) = rehearse(&mut room, parts, &stage).await;
        (load, sent, None)
    };
    progress.send_modify(|progress| progress.phase = Phase::Ending);
    sleep(SETTLING).await;

    watch.abort_all();
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
        longest_gap_ms: (!plan.scenario.has_chair() && plan.opens && counts.received > 0)
            .then(|| super::report::ms(counts.longest_silence)),
        grant_to_audio_ms: (found.grants.count() > 0).then(|| (&found.grants).into()),
        grants: grants.count(),
        returns: ended.returns,
        agenda,
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

/// What is known to all who play.
pub struct Stage<'a> {
    /// What happens.
    pub plan: &'a Plan,
    /// Who was given the floor when.
    pub grants: &'a Grants,
    /// How late speakers come to their packets.
    pub lateness: &'a Arc<Mutex<Histogram>>,
    progress: &'a watch::Sender<Progress>,
    metrics: &'a Metrics,
    server: Option<u32>,
}

/// One session, that is on already: all come, are together, and the speakers cease.
async fn rehearse(room: &mut Room, parts: Vec<Part>, stage: &Stage<'_>) -> (Load, Vec<SentStream>) {
    let Stage {
        plan,
        grants,
        lateness,
        progress,
        metrics,
        server,
    } = *stage;
    let (stop, stopping) = watch::channel(false);
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
                sending.extend(room.publish(seat, plan.scenario.video_kbit, lateness, &stopping));
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
    let meter = Meter::start(metrics, server).await;
    let churn = Duration::from_millis(plan.scenario.churn_ms.into());
    room.pass(plan.duration(), churn).await;
    let load = meter.end(metrics).await;
    if let Some(chairing) = chairing {
        stop.send_replace(true);
        match chairing.await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => room.missed("the chair", &why.into()),
            Err(why) => room.fault(why.to_string()),
        }
    }
    stop.send_replace(true);
    (load, room.sent(sending).await)
}

/// Whether anybody is there at all.
async fn knock(authority: &str) -> Result<(), NotRun> {
    match timeout(PATIENCE, TcpStream::connect(authority)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(why)) => Err(NotRun::Refused(authority.to_owned(), why)),
        Err(_) => Err(NotRun::Silent(authority.to_owned())),
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
