//! All findings, for people as a table and for programs as one JSON object.

use serde::Serialize;

use super::finding::{Finding, State};

/// What the look at a machine comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether nothing is wrong; warnings are allowed.
    pub passed: bool,
    /// In the order of looking.
    pub findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(findings: Vec<Finding>) -> Self {
        Self {
            passed: findings.iter().all(|finding| finding.state != State::Wrong),
            findings,
        }
    }

    /// A line a finding, each followed by what to do, and the sum.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let (state, check) = (finding.state.word(), finding.check.word());
            text.push_str(&format!("{state:<11}{check:<13}{}\n", finding.what));
            for remedy in &finding.remedy {
                text.push_str(&format!("{:<24}-> {remedy}\n", ""));
            }
        }
        text.push_str(&format!("\n{}\n", self.verdict()));
        text
    }

    /// One JSON object.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// The sum, in one line.
    pub fn verdict(&self) -> String {
        let count = |state| {
            let of_it = self.findings.iter().filter(|it| it.state == state);
            of_it.count()
        };
        let warnings = match count(State::Warning) {
            0 => String::new(),
            1 => ", 1 warning".to_owned(),
            several => format!(", {several} warnings"),
        };
        match count(State::Wrong) {
            0 => format!("Nothing is wrong{warnings}."),
            1 => format!("1 thing is wrong{warnings}."),
            several => format!("{several} things are wrong{warnings}."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::doctor::Check;

    #[test]
    fn people_get_a_table_with_what_to_do_and_programs_an_object() {
        let report = Report::new(vec![
            Finding::ok(Check::HttpPort, "127.0.0.1:7880 is free"),
            Finding::warning(Check::OpenFiles, "few")
                .with("type this")
                .with("and that"),
            Finding::wrong(Check::DataFolder, "gone"),
        ]);
        assert_eq!(
            report.text(),
            "ok         HTTP port    127.0.0.1:7880 is free\n\
             warning    open files   few\n                        -> type this\n\
             \u{20}                       -> and that\n\
             wrong      data folder  gone\n\n\
             1 thing is wrong, 1 warning.\n"
        );
        let json: serde_json::Value =
            serde_json::from_str(&report.json().expect("plain")).expect("JSON");
        assert_eq!(json["passed"], false);
        assert_eq!(json["findings"][0]["check"], "http_port");
        assert_eq!(json["findings"][1]["state"], "warning");
        assert_eq!(json["findings"][1]["remedy"][1], "and that");
    }

    #[test]
    fn warnings_and_what_is_not_known_do_not_fail() {
        let passed = |state| Report::new(vec![Finding::new(Check::Clock, state, "")]).passed;
        assert!(passed(State::Ok) && passed(State::NotKnown) && passed(State::Warning));
        assert!(!passed(State::Wrong));
        assert_eq!(Report::new(Vec::new()).verdict(), "Nothing is wrong.");
    }
}
