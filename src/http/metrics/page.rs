//! Prometheus' text format 0.0.4: for each family what it is, then its samples.

use std::fmt::{Display, Write};

/// What a family's numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows.
    Counter,
    /// It comes and goes.
    Gauge,
    /// How often which size.
    Histogram,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// A page that is being written. Labels are numbers and so need no escapes.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// Begins a family. `help` is one line without a backslash.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {}", kind.word()));
    }

    /// The one sample of a family without labels.
    pub fn sample(&mut self, name: &str, value: impl Display) {
        self.line(format_args!("{name} {value}"));
    }

    /// A shard's.
    pub fn of_shard(&mut self, name: &str, shard: usize, value: impl Display) {
        self.line(format_args!("{name}{{shard=\"{shard}\"}} {value}"));
    }

    /// A bucket of a shard's histogram: how often not more than `most` (none: at all).
    pub fn bucket(&mut self, name: &str, shard: usize, most: Option<u64>, count: u64) {
        let most = most.map_or("+Inf".to_owned(), |most| most.to_string());
        self.line(format_args!(
            "{name}_bucket{{shard=\"{shard}\",le=\"{most}\"}} {count}"
        ));
    }

    pub fn text(self) -> String {
        self.0
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing into a text cannot fail.
        let _ = writeln!(self.0, "{line}");
    }
}
