//! SHELL. `roundtable event …`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};

use super::{Ending, Where, change, print, verify};
use crate::{
    ids::EventId,
    programme::{self, Programme},
    record::{ChairsChat, Journal, Record},
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
    /// Write an event's record: who came, who spoke, what was decided; also while a server runs
    Export(Export),
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The event file, TOML; config/nartt-2020.toml in the sources is a whole one
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The settings file, which says how large an event may be
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
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

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The event, by its id
    #[arg(value_name = "EVENT")]
    event: EventId,
    /// As what
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The file to write, or with `--format csv` the folder [default: standard output]
    #[arg(long, value_name = "FILE", required_if_eq("format", "csv"))]
    out: Option<PathBuf>,
    /// With what was written to the chairs alone
    #[arg(long)]
    with_chairs_chat: bool,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// A document: minutes to complete, and all lists
    #[default]
    Markdown,
    /// One object with everything
    Json,
    /// A table a file
    Csv,
}

pub(super) fn run(command: Command) -> Result<(), Ending> {
    match command {
        Command::Check(check) => {
            let place = Where {
                config: check.config,
                data: None,
            };
            let (_, programme) = read(&check.file, &place)?;
            print(&format!("{}\n", line(&programme)));
        }
        Command::Import(import) => {
            // Read here too, so that faults come with the file's name.
            let (text, programme) = read(&import.file, &import.place)?;
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
        Command::Export(export) => write_record(&export)?,
    }
    Ok(())
}

fn write_record(export: &Export) -> Result<(), Ending> {
    let reading = Reading::open(&export.place.folder()?).map_err(Ending::not_done)?;
    let whole = reading.whole(&export.event).map_err(verify::ending)?;
    if !whole.verdict.is_whole() {
        return Err(Ending::no(whole.verdict.findings().join("\n")));
    }
    let journals: Vec<Journal> = whole
        .sessions
        .into_iter()
        .map(|(session, entries)| Journal { session, entries })
        .collect();
    let chairs = if export.with_chairs_chat {
        ChairsChat::With
    } else {
        ChairsChat::Without
    };
    let head = whole.verdict.own.head;
    let record = Record::new(&whole.programme, &journals, head, chairs);
    let text = match (export.format, &export.out) {
        (Format::Markdown, _) => record.markdown(),
        (Format::Json, _) => record.json(),
        (Format::Csv, Some(folder)) => {
            fs::create_dir_all(folder).map_err(|why| unwritten(folder, &why))?;
            for file in record.tables() {
                write(&folder.join(file.name), &file.text)?;
            }
            return Ok(());
        }
        // The command line does not allow it.
        (Format::Csv, None) => return Err(Ending::not_done("--out DIR says where to")),
    };
    match &export.out {
        Some(file) => write(file, &text),
        None => {
            print(&text);
            Ok(())
        }
    }
}

fn write(file: &Path, text: &str) -> Result<(), Ending> {
    fs::write(file, text).map_err(|why| unwritten(file, &why))
}

fn unwritten(path: &Path, why: &std::io::Error) -> Ending {
    Ending::not_done(format!("{}: cannot be written: {why}", path.display()))
}

fn read(file: &PathBuf, place: &Where) -> Result<(String, Programme), Ending> {
    let (config, _) = place.settings()?;
    let name = file.display();
    let text = fs::read_to_string(file)
        .map_err(|why| Ending::not_done(format!("{name}: cannot be read: {why}")))?;
    let programme = programme::parse_within(&text, &config.programme).map_err(|problems| {
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
