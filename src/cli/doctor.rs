//! SHELL. `roundtable doctor`.

use clap::Args;

use super::{Ending, Where, addresses::Addresses, print};
use crate::serve::doctor;

#[derive(Debug, Args)]
pub(super) struct Flags {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    addresses: Addresses,
    /// Print what was found as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(flags: &Flags) -> Result<(), Ending> {
    let (mut config, _) = flags.place.settings()?;
    flags.addresses.lay_over(&mut config);
    let report = doctor::examine(&config).map_err(Ending::not_done)?;
    print(&if flags.json {
        report.json().map_err(Ending::not_done)?
    } else {
        report.text()
    });
    if report.passed {
        Ok(())
    } else {
        Err(Ending::no(report.verdict()))
    }
}
