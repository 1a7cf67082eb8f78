//! SHELL. `roundtable event …`.

use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};

use super::{Ending, Where, change, print};
use crate::{
    programme::{self, Programme},
    serve::control::Request,
    store::{Fault, Reading},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say everything that is wrong with an event file, with line and column
    Check(Check),
    /// Keep an event, or the newer version of one; a running server serves it from its next start on
    Import(Import),
    /// Print a line for each event that is kept, its id first
    List(List),
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The event file, TOML; config/nartt-2020.toml in the sources is a whole one
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The event file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Where,
}

pub(super) fn run(command: Command) -> Result<(), Ending> {
    match command {
        Command::Check(check) => {
            let (_, programme) = read(&check.file)?;
            print(&format!("{}\n", line(&programme)));
        }
        Command::Import(import) => {
            // Read here too, so that faults come with the file's name.
            let (text, programme) = read(&import.file)?;
            let by_server = change(&import.place, &Request::Import { text })?;
            print(&format!("imported {}\n", line(&programme)));
            if by_server {
                print(
                    "a server is running on this folder: it serves this from its next start on\n",
                );
            }
        }
        Command::List(list) => {
            let reading = match Reading::open(&list.place.folder()?) {
                Ok(reading) => reading,
                // Nothing kept yet: nothing to list.
                Err(Fault::Missing { .. }) => return Ok(()),
                Err(fault) => return Err(Ending::not_done(fault)),
            };
            for kept in reading.events().map_err(Ending::not_done)? {
                print(&format!("{}\n", line(&kept.programme)));
            }
        }
    }
    Ok(())
}

fn read(file: &PathBuf) -> Result<(String, Programme), Ending> {
    let name = file.display();
    let text = fs::read_to_string(file)
        .map_err(|why| Ending::not_done(format!("{name}: cannot be read: {why}")))?;
    let programme = programme::parse(&text).map_err(|problems| {
        let lines: Vec<String> = problems
            .iter()
            .map(|problem| format!("{name}:{problem}"))
            .collect();
        Ending::no(lines.join("\n"))
    })?;
    Ok((text, programme))
}

fn line(programme: &Programme) -> String {
    let Programme {
        id,
        title,
        days,
        seats,
        ..
    } = programme;
    let dates = match days.as_slice() {
        [] => "no days".to_owned(),
        [only] => only.date.clone(),
        [first, .., last] => format!("{} to {}", first.date, last.date),
    };
    let sessions = programme.sessions().count();
    format!(
        "{id}  {dates}  {sessions} sessions  {} seats  {title}",
        seats.len()
    )
}
