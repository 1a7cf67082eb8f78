//! SHELL. `roundtable serve`.

use std::path::PathBuf;

use clap::Args;

use super::{Ending, Where, addresses::Addresses, print};
use crate::{
    config::Config,
    serve::{self, ServeFault, Start, opening::Opening},
};

#[derive(Debug, Default, Args)]
pub(super) struct Flags {
    #[command(flatten)]
    place: Where,
    /// Serve the demonstration event, its days moved to now
    #[arg(long)]
    demo: bool,
    /// The event served, by its id [default: the only one stored]
    #[arg(long, value_name = "EVENT", conflicts_with = "demo")]
    event: Option<String>,
    #[command(flatten)]
    addresses: Addresses,
    /// Write every seat's link to this file, as a JSON array readable by its owner alone
    #[arg(long, value_name = "FILE")]
    links_out: Option<PathBuf>,
    /// A session live from the start, with its floor's mode (open or request) and number of open
    /// microphones (1 to 25), such as session-1:open:12; may be repeated
    #[arg(long, value_name = "SESSION[:MODE[:MICROPHONES]]")]
    open: Vec<Opening>,
}

/// What is meant when nothing at all is said: the settings file's event, or the demonstration.
pub(super) fn run_without_arguments() -> Result<(), Ending> {
    let (config, has_file) = Where::default().settings()?;
    start(Start {
        config,
        demo: !has_file,
        openings: Vec::new(),
        links_out: None,
    })
}

pub(super) fn run(flags: Flags) -> Result<(), Ending> {
    let (mut config, _) = flags.place.settings()?;
    lay_over(&mut config, &flags);
    start(Start {
        config,
        demo: flags.demo,
        openings: flags.open,
        links_out: flags.links_out,
    })
}

fn lay_over(config: &mut Config, flags: &Flags) {
    if let Some(event) = &flags.event {
        config.server.event.clone_from(event);
    }
    flags.addresses.lay_over(config);
}

fn start(start: Start) -> Result<(), Ending> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|why| Ending::not_done(format!("cannot start threads: {why}")))?;
    let served = runtime.block_on(serve::run(start, print));
    // What did not end in time is cut; it has been told.
    runtime.shutdown_background();
    served.map_err(|why| match why {
        ServeFault::Failed => Ending::no(why),
        not_started => Ending::not_done(not_started),
    })
}
