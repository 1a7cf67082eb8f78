//! SHELL. The command line: what may be asked for, and which answer ends with which exit code.
//!
//! Each sub-command has its file. They must never know how anything is done; they ask the module
//! that does it and print its answer.

mod addresses;
mod doctor;
mod event;
mod invite;
mod loadtest;
mod serve;
mod token;
mod verify;

use std::{fmt, io::Write, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{
    clock::Clock,
    config::{self, Config},
    serve::{
        change,
        control::{self, Reply, Request, Undone},
        folder,
    },
    store::{Fault, Store},
    telemetry,
};

const EXIT_CODES: &str = "\
Exit codes:
  0  done; for `serve`: stopped by Ctrl-C or SIGTERM
  1  the answer is no: a faulty event file, an unknown event, member or token, a record that is not whole,
     a machine with which something is wrong, a load test that broke a limit, a server that failed
     while it ran
  2  not done: wrong usage, setting or file, a port or a folder that cannot be had

Settings come from flags, then the environment (ROUNDTABLE__SECTION__KEY), then the file given by
--config, then defaults; config/roundtable.toml in the sources documents all of them. Without
--config the file is roundtable.toml in the user's configuration folder (on Linux
~/.config/roundtable), where there is one. ROUNDTABLE_LOG chooses what is logged, such as
ROUNDTABLE_LOG=roundtable=debug.";

/// A conferencing server for serious online roundtables.
///
/// Without a command it serves; without a settings file too, it serves the demonstration event.
#[derive(Debug, Parser)]
#[command(name = "roundtable", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve an event: page, signalling and media.
    #[command(after_help = EXIT_CODES)]
    Serve(serve::Flags),
    /// Look at this machine as `serve` would use it, and say what is wrong and what to type.
    #[command(after_help = EXIT_CODES)]
    Doctor(doctor::Flags),
    /// Check, import and list events, and export their record.
    #[command(subcommand, after_help = EXIT_CODES)]
    Event(event::Command),
    /// Print invite links, or revoke one.
    #[command(after_help = EXIT_CODES)]
    Invite(invite::Flags),
    /// Make a token for the organiser's API, list them, or revoke one.
    #[command(after_help = EXIT_CODES)]
    Token(token::Flags),
    /// Prove that an event's record is whole, or say where it is not; also while a server runs.
    #[command(after_help = EXIT_CODES)]
    Verify(verify::Flags),
    /// Let bots join, send and receive, and count what arrives.
    #[command(after_help = EXIT_CODES)]
    Loadtest(loadtest::Flags),
}

/// Flags of every command that reads what is kept.
#[derive(Debug, Default, Args)]
struct Where {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of everything that is kept [default: the user's data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Where {
    /// The settings with the flags laid over them, and whether there is a settings file.
    fn settings(&self) -> Result<(Config, bool), Ending> {
        let file = self.config.clone().or_else(config::usual_file);
        let mut config =
            config::load(file.as_deref(), config::environment()).map_err(Ending::not_done)?;
        if let Some(data) = &self.data {
            config.server.data.clone_from(data);
        }
        Ok((config, file.is_some()))
    }

    /// The data folder.
    fn folder(&self) -> Result<PathBuf, Ending> {
        folder_of(&self.settings()?.0)
    }
}

fn folder_of(config: &Config) -> Result<PathBuf, Ending> {
    folder::data_folder(&config.server.data).map_err(Ending::not_done)
}

/// Changes what is kept: through the server that owns the folder, which is told by `true`, or as
/// its owner.
fn change(place: &Where, request: &Request) -> Result<bool, Ending> {
    let (config, _) = place.settings()?;
    let folder = folder_of(&config)?;
    let (reply, by_server) = match Store::open(&folder) {
        Ok(mut store) => (
            change::carry_out(&mut store, request, &config.programme, Clock::start().now()),
            false,
        ),
        Err(in_use @ Fault::InUse { .. }) => {
            let reply = control::ask(&folder, request)
                .map_err(|why| {
                    Ending::not_done(format!("the running server does not answer: {why}"))
                })?
                .ok_or_else(|| Ending::not_done(in_use))?;
            (reply, true)
        }
        Err(fault) => return Err(Ending::not_done(fault)),
    };
    match reply {
        Reply::Ok(_) => Ok(by_server),
        Reply::Error(Undone::No(why)) => Err(Ending::no(why)),
        Reply::Error(Undone::Fault(why)) => Err(Ending::not_done(why)),
    }
}

/// Why a command did not end well: one line (or one for each fault) for whoever gave it.
#[derive(Debug)]
enum Ending {
    /// The answer is no.
    No(String),
    /// It could not be done.
    NotDone(String),
}

impl Ending {
    fn no(why: impl fmt::Display) -> Self {
        Self::No(why.to_string())
    }

    fn not_done(why: impl fmt::Display) -> Self {
        Self::NotDone(why.to_string())
    }
}

/// Does what the process was asked for.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let done =
        telemetry::start()
            .map_err(Ending::not_done)
            .and_then(|()| match arguments.command {
                None => serve::run_without_arguments(),
                Some(Command::Serve(flags)) => serve::run(flags),
                Some(Command::Doctor(flags)) => doctor::run(&flags),
                Some(Command::Event(command)) => event::run(command),
                Some(Command::Invite(flags)) => invite::run(&flags),
                Some(Command::Token(flags)) => token::run(&flags),
                Some(Command::Verify(flags)) => verify::run(&flags),
                Some(Command::Loadtest(flags)) => loadtest::run(&flags),
            });
    let (code, why) = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Ending::No(why)) => (1, why),
        Err(Ending::NotDone(why)) => (2, why),
    };
    // Nothing is left to be done about a standard error that is gone.
    let _unheard = writeln!(std::io::stderr(), "{why}");
    ExitCode::from(code)
}

/// Prints a command's answer. A reader that has gone (`| head`) is no fault of ours.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_flag_and_command_says_what_it_does() {
        fn visit(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{}: {argument}",
                    command.get_name()
                );
            }
            command.get_subcommands().for_each(visit);
        }
        let mut command = Arguments::command();
        command.build();
        visit(&command);
        assert!(command.render_help().to_string().contains("Exit codes:"));
    }
}
