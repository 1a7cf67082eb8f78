//! SHELL. `roundtable loadtest`.

mod event;
mod files;
mod own_server;
mod waiting;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use self::{event::Event, own_server::OwnServer, waiting::wait};
use super::{Ending, print};
use crate::loadtest::{
    self, Metrics, NotRun, Setting,
    cipher::Cipher,
    event_file,
    invite::{self, Casting, Invite},
    limits::Limits,
    progress::{Progress, about},
    report::Report,
    scenario::{Plan, SCENARIOS, SPEAKERS_MAX, Scenario},
    weather::Climate,
};
use crate::programme;

const PARTICIPANTS_MAX: i64 = 1000;

#[derive(Debug, Args)]
pub(super) struct Flags {
    /// What happens
    #[arg(long, value_name = "NAME", default_value = SCENARIOS[0].name, value_parser = SCENARIOS.map(|row| row.name))]
    scenario: String,
    /// The event whose agenda is played, its file; in the scenario agenda alone [default: the model event]
    #[arg(long, value_name = "FILE", conflicts_with = "links")]
    event: Option<PathBuf>,
    /// How many times faster than planned; in the scenario agenda alone [default: 60, a minute in a second]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3600))]
    speed: Option<u32>,
    /// How many join [default: the scenario's, 50 or 10; agenda: everybody of the event]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=PARTICIPANTS_MAX))]
    participants: Option<u16>,
    /// How many of them send; the others receive alone [default: the scenario's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(SPEAKERS_MAX)))]
    speakers: Option<u16>,
    /// Each speaker's picture in kbit/s, 0 for none [default: the scenario's]
    #[arg(long, value_name = "KBIT/S", value_parser = clap::value_parser!(u32).range(0..=20_000))]
    video: Option<u32>,
    /// How long all are together, in seconds; an agenda takes its own time [default: 20]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    duration: Option<u32>,
    /// Over how long they join, in seconds; 0: all at once [default: 5; storm: 10]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(0..=3600))]
    ramp: Option<u32>,
    /// How many receivers are there before the others begin to come [default: the scenario's]
    #[arg(long, value_name = "N")]
    present: Option<u16>,
    /// How many receivers are lean, cheap ones of our own; the others are whole clients of the webrtc
    /// crate [default: all participants beyond 12]
    #[arg(long, value_name = "N")]
    lean: Option<u16>,
    /// Lean receivers open no packets and count them by their headers alone, to measure a server:
    /// delays and silences are then not known, and nothing is asked for again
    #[arg(long)]
    sinks: bool,
    /// What packets are sealed with: gcm as browsers do, cm as some older clients
    #[arg(long, value_enum, default_value_t, value_name = "NAME")]
    cipher: Cipher,
    /// Of a hundred packets so many are dropped on each way of each participant's
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent)]
    loss: f64,
    /// Round trip added to each participant's path, in ms
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=5000))]
    rtt: u64,
    /// The links of a running server, as `serve --links-out` or `invite --format json` writes them
    /// [default: a server of its own is started, with as many seats as are needed]
    #[arg(long, value_name = "FILE")]
    links: Option<PathBuf>,
    /// Where that server is reached, such as http://192.0.2.7:7880 [default: as the links say]
    #[arg(long, value_name = "URL", requires = "links")]
    url: Option<String>,
    /// The token that opens the server's /metrics to other machines
    #[arg(long, value_name = "TOKEN")]
    metrics_token: Option<String>,
    /// Write the report to this file as one JSON object
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report to this file as a page to read and to send on
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write an event file with seats for so many participants, and do nothing else
    #[arg(long, num_args = 2, value_names = ["N", "FILE"])]
    write_event: Option<Vec<String>>,
    #[command(flatten)]
    limits: LimitFlags,
}

/// What must hold; each replaces the scenario's.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits, each of which has a default in each scenario")]
struct LimitFlags {
    /// Packets that never arrive, however often they are sent again, in percent [default: 1, and twice
    /// --loss more, since sound is not sent again]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    max_loss: Option<f64>,
    /// Time from sending to arrival that 99 of 100 packets keep [default: 150, and what --rtt and
    /// --loss make of it]
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    max_p99_ms: Option<f64>,
    /// Time from joining to the first sound or picture that 19 of 20 keep [default: 3000; storm: 6000;
    /// agenda: not looked at]
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    max_join_ms: Option<f64>,
    /// Longest silence of a speaker's sound at any receiver [default: 500; floor, agenda: not
    /// looked at]
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    max_gap_ms: Option<f64>,
    /// Time from giving the floor to its holder being heard that 19 of 20 receivers keep [default:
    /// 1000, in floor and agenda alone]
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    max_grant_ms: Option<f64>,
    /// Time from the chair's asking all over to the next session to the last one's being there [default:
    /// 10000, in agenda alone]
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    max_move_ms: Option<f64>,
    /// Participants who join and stay to the end [default: all]
    #[arg(long, value_name = "N")]
    min_joined: Option<u16>,
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.parse::<f64>().ok();
    let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| "write a number from 0 to 100".to_owned())
}

fn milliseconds(text: &str) -> Result<f64, String> {
    let ms = text.parse::<f64>().ok();
    let ms = ms.filter(|ms| ms.is_finite() && *ms >= 0.0);
    ms.ok_or_else(|| "write a number of milliseconds".to_owned())
}

impl LimitFlags {
    fn laid_over(&self, limits: Limits) -> Limits {
        Limits {
            loss_percent: self.max_loss.or(limits.loss_percent),
            p99_ms: self.max_p99_ms.or(limits.p99_ms),
            join_ms: self.max_join_ms.or(limits.join_ms),
            gap_ms: self.max_gap_ms.or(limits.gap_ms),
            grant_ms: self.max_grant_ms.or(limits.grant_ms),
            move_ms: self.max_move_ms.or(limits.move_ms),
            joined: self.min_joined.or(limits.joined),
        }
    }
}

impl Flags {
    fn row(&self) -> Result<Scenario, Ending> {
        let row = loadtest::scenario::named(&self.scenario);
        let row = *row.ok_or_else(|| Ending::not_done("there is no such scenario"))?;
        if !row.plays_agenda() && (self.event.is_some() || self.speed.is_some()) {
            let wrong = "--event and --speed are of the scenario agenda: add --scenario agenda";
            return Err(Ending::not_done(wrong));
        }
        Ok(row)
    }

    /// The event whose agenda is played, where it is not a running server's.
    fn event(&self, row: &Scenario) -> Result<Option<Event>, Ending> {
        if !row.plays_agenda() || self.links.is_some() {
            return Ok(None);
        }
        let event = match &self.event {
            None => Event::read(programme::MODEL_EVENT),
            Some(file) => {
                let name = file.display();
                let text = fs::read_to_string(file)
                    .map_err(|why| Ending::not_done(format!("{name}: cannot be read: {why}")))?;
                Event::read(&text).map_err(|why| format!("{name}: {why}"))
            }
        };
        event.map(Some).map_err(Ending::not_done)
    }

    /// Of that row, with the seats that there are.
    fn plan(&self, row: Scenario, seats: Option<usize>, minutes: u32) -> Result<Plan, Ending> {
        let speed = self.speed.unwrap_or(row.speed);
        // All who may come do, where it is their own event.
        let all = seats.filter(|_| row.plays_agenda());
        let all = all.map(|all| u16::try_from(all).unwrap_or(u16::MAX));
        let row = Scenario {
            participants: all.unwrap_or(row.participants),
            duration_s: match (minutes * 60).checked_div(speed) {
                Some(duration_s) if row.plays_agenda() => duration_s,
                Some(_) | None => row.duration_s,
            },
            speed,
            ..row
        };
        let scenario = Scenario {
            participants: self.participants.unwrap_or(row.participants),
            speakers: self.speakers.unwrap_or(row.speakers),
            video_kbit: self.video.unwrap_or(row.video_kbit),
            duration_s: self.duration.unwrap_or(row.duration_s),
            ramp_s: self.ramp.unwrap_or(row.ramp_s),
            present: self.present.unwrap_or(row.present),
            ..row
        };
        let climate = Climate {
            loss_percent: self.loss,
            rtt: Duration::from_millis(self.rtt),
        };
        let mut plan =
            Plan::new(scenario, self.lean, climate, !self.sinks).map_err(Ending::not_done)?;
        plan.cipher = self.cipher;
        plan.scenario.limits = self.limits.laid_over(plan.scenario.limits);
        Ok(plan)
    }
}

pub(super) fn run(flags: &Flags) -> Result<(), Ending> {
    if let Some(written) = &flags.write_event {
        return write_event(written);
    }
    let row = flags.row()?;
    let event = flags.event(&row)?;
    let invites = flags.links.as_deref().map(read).transpose()?;
    let seats = match (&event, &invites) {
        (Some(event), _) => Some(event.seats),
        (None, Some(invites)) => Some(invites.len()),
        (None, None) => None,
    };
    let minutes = event.as_ref().map_or(0, |event| event.minutes);
    let plan = flags.plan(row, seats, minutes)?;
    files::make_room(plan.scenario.participants);
    // Before there are other threads: the server dies with the one that starts it.
    let (server, mut invites) = match invites {
        Some(invites) => (None, invites),
        None => {
            let event = event.map(|event| event.text);
            let (server, file) =
                OwnServer::start(&plan, event.as_deref()).map_err(Ending::not_done)?;
            let invites = read(&file)?;
            (Some(server), invites)
        }
    };
    if let Some(url) = &flags.url {
        let authority = invite::place(url).map_err(Ending::not_done)?;
        for invite in &mut invites {
            authority.clone_into(&mut invite.authority);
        }
    }
    let casting = Casting {
        participants: plan.scenario.participants.into(),
        speakers: plan.scenario.speakers,
        lean: plan.lean.into(),
        chair: plan.scenario.has_chair(),
    };
    let parts = invite::cast(invites, casting).map_err(Ending::not_done)?;
    let authority = parts.first().map(|part| part.invite.authority.clone());
    let metrics = Metrics {
        authority: authority.unwrap_or_default(),
        token: flags.metrics_token.clone(),
    };
    let setting = Setting {
        plan,
        parts,
        metrics,
        server: server.as_ref().map(OwnServer::id),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|why| Ending::not_done(format!("cannot start threads: {why}")))?;
    let report = runtime.block_on(watched(setting));
    // What did not end in time is cut: all that was counted has been told.
    runtime.shutdown_background();
    let report = report?;
    drop(server);
    print(&report.table());
    if let Some(file) = &flags.json {
        write(file, &report.json().map_err(Ending::not_done)?)?;
    }
    if let Some(file) = &flags.html {
        write(file, &report.page())?;
    }
    if report.passed() {
        Ok(())
    } else {
        Err(Ending::no(report.verdict()))
    }
}

fn write_event(written: &[String]) -> Result<(), Ending> {
    let [seats, file] = written else {
        return Err(Ending::not_done("--write-event takes a number and a file"));
    };
    let seats = seats.parse::<u16>().ok();
    let seats = seats.filter(|seats| (1..=PARTICIPANTS_MAX).contains(&i64::from(*seats)));
    let seats = seats.ok_or_else(|| {
        Ending::not_done(format!(
            "--write-event: write 1 to {PARTICIPANTS_MAX} seats"
        ))
    })?;
    write(Path::new(file), &event_file::write(seats))
}

fn write(file: &Path, text: &str) -> Result<(), Ending> {
    fs::write(file, text)
        .map_err(|why| Ending::not_done(format!("{}: cannot be written: {why}", file.display())))
}

fn read(file: &Path) -> Result<Vec<Invite>, Ending> {
    let name = file.display();
    let text = fs::read_to_string(file)
        .map_err(|why| Ending::not_done(format!("{name}: cannot be read: {why}")))?;
    invite::read(&text).map_err(|why| Ending::not_done(format!("{name}: {why}")))
}

/// The load test, until it is done or the process is told to end.
async fn watched(setting: Setting) -> Result<Report, Ending> {
    let cannot = |why| Ending::not_done(format!("cannot wait for signals: {why}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let ramp = Duration::from_secs(setting.plan.scenario.ramp_s.into());
    let about = about(ramp, setting.plan.duration());
    let participants = setting.plan.scenario.participants;
    let (progress, told) = watch::channel(Progress::default());
    let waiting = tokio::spawn(wait(told, participants, about));
    let done = tokio::select! {
        report = loadtest::run(setting, progress) => report.map_err(|why: NotRun| Ending::not_done(why)),
        _ = interrupt.recv() => Err(Ending::not_done("stopped before the end")),
        _ = terminate.recv() => Err(Ending::not_done("stopped before the end")),
    };
    // It ends with the load test; its last line is not to come behind the report.
    let _ended = waiting.await;
    done
}
