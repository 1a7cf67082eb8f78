//! SHELL. `roundtable loadtest`.

mod own_server;

use std::{fs, path::PathBuf, time::Duration};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use self::own_server::OwnServer;
use super::{Ending, print};
use crate::loadtest::{
    self, PUBLISHERS_MAX, Scenario,
    invite::{self, Invite},
    report::Report,
};

#[derive(Debug, Args)]
pub(super) struct Flags {
    /// How many members join
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=1000))]
    members: u16,
    /// How many of them send sound and picture; the others receive alone
    #[arg(long, value_name = "P", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(PUBLISHERS_MAX)))]
    publishers: u16,
    /// How long all are in the room together, in seconds
    #[arg(long, value_name = "S", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// How many receivers come each second; 0: all at once
    #[arg(long, value_name = "N", default_value_t = 0)]
    joins_per_second: u32,
    /// The links of a running server, as `serve --links-out` or `invite --format json` writes them
    /// [default: a server of its own, with the demonstration event]
    #[arg(long, value_name = "FILE")]
    links: Option<PathBuf>,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(flags: &Flags) -> Result<(), Ending> {
    if flags.publishers > flags.members {
        return Err(Ending::not_done("--publishers is larger than --members"));
    }
    // Before there are other threads: the server dies with the one that starts it.
    let (server, invites) = match &flags.links {
        Some(file) => (None, read(file)?),
        None => {
            let (server, file) = OwnServer::start().map_err(Ending::not_done)?;
            let invites = read(&file)?;
            (Some(server), invites)
        }
    };
    let parts = invite::cast(invites, usize::from(flags.members), flags.publishers)
        .map_err(Ending::not_done)?;
    let scenario = Scenario {
        parts,
        joins_per_s: flags.joins_per_second,
        together: Duration::from_secs(flags.seconds),
        server: server.as_ref().map(OwnServer::id),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|why| Ending::not_done(format!("cannot start threads: {why}")))?;
    let report = runtime.block_on(watched(scenario));
    // What did not end in time is cut: all that was counted has been told.
    runtime.shutdown_background();
    let report = report?;
    drop(server);
    print(&text(&report, flags.json)?);
    if report.passed {
        Ok(())
    } else {
        Err(Ending::no(report.verdict()))
    }
}

fn read(file: &PathBuf) -> Result<Vec<Invite>, Ending> {
    let name = file.display();
    let text = fs::read_to_string(file)
        .map_err(|why| Ending::not_done(format!("{name}: cannot be read: {why}")))?;
    invite::read(&text).map_err(|why| Ending::not_done(format!("{name}: {why}")))
}

/// The load test, until it is done or the process is told to end.
async fn watched(scenario: Scenario) -> Result<Report, Ending> {
    let cannot = |why| Ending::not_done(format!("cannot wait for signals: {why}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    tokio::select! {
        report = loadtest::run(scenario) => Ok(report),
        _ = interrupt.recv() => Err(Ending::not_done("stopped before the end")),
        _ = terminate.recv() => Err(Ending::not_done("stopped before the end")),
    }
}

fn text(report: &Report, json: bool) -> Result<String, Ending> {
    if json {
        report.json().map_err(Ending::not_done)
    } else {
        Ok(report.table())
    }
}
