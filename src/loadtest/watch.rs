//! SHELL. Looks at everybody's counters once a second, and at both processes' load.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use super::{
    cpu::{self, Process},
    floor::Grants,
    histogram::Histogram,
    metrics::{Between, Figures},
    progress::Progress,
    report::ms,
    scrape::Metrics,
    series::{Entry, Series},
    tally::Tally,
};

const SECOND: Duration = Duration::from_secs(1);

/// One who is looked at.
#[derive(Debug)]
struct Watched {
    tally: Arc<Mutex<Tally>>,
    /// Since when it waits to hear something; nothing where nobody need speak.
    joining_at: Option<Instant>,
    /// Since when it can hear.
    entered_at: Instant,
    received: u64,
    missed: u64,
}

/// Everybody who is in the room, by seat.
#[derive(Debug, Clone, Default)]
pub struct Register(Arc<Mutex<BTreeMap<u64, Watched>>>);

impl Register {
    /// Somebody has come.
    pub fn enter(&self, seat: u64, tally: Arc<Mutex<Tally>>, joining_at: Option<Instant>) {
        let watched = Watched {
            tally,
            joining_at,
            entered_at: now(),
            received: 0,
            missed: 0,
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(seat, watched);
    }

    /// Somebody has gone.
    pub fn leave(&self, seat: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&seat);
    }
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// From sending to arrival.
    pub delays: Histogram,
    /// From the chair's request to being heard.
    pub grants: Histogram,
    /// Second by second.
    pub series: Series,
    /// Why the server tells nothing about itself.
    pub unavailable: Option<String>,
    /// Its latest figures, and when they were read.
    pub latest: Option<(Instant, Figures)>,
}

/// Looks until it is aborted.
pub struct Watch {
    /// Who is looked at.
    pub register: Register,
    /// What is found.
    pub findings: Arc<Mutex<Findings>>,
    /// Who was given the floor when.
    pub grants: Grants,
    /// Where the server tells about itself.
    pub metrics: Metrics,
    /// Its process, where it is ours.
    pub server: Option<u32>,
    /// Is told how many have come.
    pub progress: watch::Sender<Progress>,
}

impl Watch {
    /// Does it.
    pub async fn run(self) {
        let mut pace = interval(SECOND);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut bots = Load::of(Some(Process::Own));
        let mut server = Load::of(self.server.map(Process::Other));
        let mut before: Option<(Instant, Figures)> = None;
        loop {
            pace.tick().await;
            let read = self.metrics.fetch().await;
            let now = now();
            let mut entry = self.look();
            entry.bots_cores = bots.cores(now);
            entry.server_cores = server.cores(now);
            let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
            match read {
                Ok(figures) => {
                    if let Some((then, earlier)) = before {
                        let seconds = now.saturating_duration_since(then).as_secs_f64();
                        let Between { cores, .. } = figures.since(&earlier, seconds);
                        entry.server_cores = cores.or(entry.server_cores);
                    }
                    before = Some((now, figures));
                    findings.latest = before;
                    findings.unavailable = None;
                }
                Err(why) => {
                    before = None;
                    findings.unavailable = Some(why);
                }
            }
            findings.series.push(entry);
        }
    }

    /// Takes what everybody has counted since the last time.
    pub fn look(&self) -> Entry {
        let mut entry = Entry::default();
        let mut delays = Histogram::default();
        let mut waits = Vec::new();
        let mut all = self
            .register
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        entry.present = u32::try_from(all.len()).unwrap_or(u32::MAX);
        for watched in all.values_mut() {
            let mut tally = watched.tally.lock().unwrap_or_else(PoisonError::into_inner);
            let recent = tally.take_recent();
            let (received, missed) = tally.progress();
            let first = tally.first_media();
            drop(tally);
            delays.add(&recent.delays);
            // Who came in the middle of a turn did not wait for its beginning.
            let heard = recent.onsets.into_iter().filter_map(|(publisher, at)| {
                let granted = self.grants.before(publisher, at)?;
                (granted >= watched.entered_at).then(|| at.saturating_duration_since(granted))
            });
            waits.extend(heard);
            entry.received += received.saturating_sub(watched.received);
            entry.missed += missed.saturating_sub(watched.missed);
            (watched.received, watched.missed) = (received, missed);
            if let Some(first) = first
                && let Some(joining_at) = watched.joining_at.take()
            {
                let waited = ms(first.saturating_duration_since(joining_at));
                entry.join_ms = Some(entry.join_ms.map_or(waited, |longest| longest.max(waited)));
            }
        }
        drop(all);
        entry.delay_p50_ms = delays.percentile(50).map(ms);
        entry.delay_p99_ms = delays.percentile(99).map(ms);
        let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        findings.delays.add(&delays);
        for wait in waits {
            findings.grants.record(wait);
        }
        drop(findings);
        self.progress.send_modify(|progress| {
            progress.present = entry.present;
            progress.received = progress.received.saturating_add(entry.received);
        });
        entry
    }
}

/// A process's use of processors from one look to the next.
struct Load {
    process: Option<Process>,
    before: Option<(Instant, Duration)>,
}

impl Load {
    fn of(process: Option<Process>) -> Self {
        Self {
            process,
            before: None,
        }
    }

    fn cores(&mut self, now: Instant) -> Option<f64> {
        let used = self.process.and_then(cpu::used)?;
        let (then, before) = self.before.replace((now, used))?;
        let seconds = now.saturating_duration_since(then).as_secs_f64();
        let cores = used.saturating_sub(before).as_secs_f64() / seconds;
        cores.is_finite().then_some(cores)
    }
}

#[expect(clippy::disallowed_methods, reason = "the bots measure real time")]
fn now() -> Instant {
    Instant::now()
}
