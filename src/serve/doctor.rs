//! A look at the machine as `serve` would use it: what is wrong, and what to type.
//!
//! | file | what it does |
//! |---|---|
//! | `look` | SHELL: reads the facts from the machine, and leaves it as it was |
//! | `holders` | SHELL: which process has a port |
//! | `finding`, `report` | what is said, for people and for programs |
//! | the others | each one thing that may be wrong: its facts, and the judgement of them, pure |
//!
//! A judgement never looks: all that it knows are the facts that it is given, so that each fault is
//! tried in a table and not on a broken machine.

mod address;
mod buffers;
mod certificate;
mod clock;
mod descriptors;
mod finding;
mod holders;
mod look;
mod ports;
mod report;
mod storage;

pub use self::{
    finding::{Check, Finding, State},
    report::Report,
};
use super::folder::Homeless;
use crate::config::Config;

/// Everything that was looked at, before it is judged.
struct Facts {
    /// What in the settings contradicts itself, so that a server would not start.
    settings: Option<String>,
    ports: ports::Facts,
    certificate: certificate::Facts,
    address: address::Facts,
    buffers: buffers::Facts,
    descriptors: descriptors::Facts,
    storage: storage::Facts,
    clock: clock::Facts,
}

/// Looks at the machine and judges it by the settings, flags included.
///
/// # Errors
/// Where not even the data folder is known.
pub fn examine(config: &Config) -> Result<Report, Homeless> {
    Ok(judge(&look::facts(config)?))
}

fn judge(facts: &Facts) -> Report {
    let mut findings = vec![match &facts.settings {
        None => Finding::ok(Check::Settings, "do not contradict one another"),
        Some(why) => Finding::wrong(Check::Settings, why).with("correct the settings"),
    }];
    findings.extend(ports::judge(&facts.ports));
    findings.extend(certificate::judge(&facts.certificate));
    findings.extend(address::judge(&facts.address));
    findings.push(buffers::judge(&facts.buffers));
    findings.push(descriptors::judge(&facts.descriptors));
    findings.extend(storage::judge(&facts.storage));
    findings.push(clock::judge(&facts.clock));
    Report::new(findings)
}
