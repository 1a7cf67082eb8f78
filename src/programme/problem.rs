//! What is wrong with an event file, and where.

use std::{fmt, ops::Range};

/// Reported at most; a file with more is not the event file that was meant. Further ones are
/// left out and show up after these are mended.
const PROBLEMS_MAX: usize = 100;

/// One thing that is wrong with an event file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is wrong, for the organiser.
    pub message: String,
}

impl fmt::Display for Problem {
    /// `line:column: message`, to be put behind a file's name and a colon.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.line, self.column, self.message)
    }
}

/// A stretch of the text, in bytes.
pub(super) type Place = Range<usize>;

/// Collects problems, so that one reading finds all of them.
pub(super) struct Problems<'t> {
    text: &'t str,
    found: Vec<Problem>,
}

impl<'t> Problems<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            found: Vec::new(),
        }
    }

    pub(super) fn at(&mut self, place: &Place, message: impl Into<String>) {
        if self.found.len() == PROBLEMS_MAX {
            return;
        }
        // A place inside a character would be the parser's slip: the whole text is better than a panic.
        let before = self.text.get(..place.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        self.found.push(Problem {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// In the order of the file.
    pub(super) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort();
        self.found
    }
}

/// Names further from what was written than this many edits are no help.
const EDITS_MAX: usize = 3;

/// `; did you mean …?` with the nearest of the known names, or nothing when none is near.
pub(super) fn did_you_mean<'k>(given: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    // An edit for every two letters would make any short word a neighbour of any other.
    let edits_max = EDITS_MAX.min(given.chars().count().div_ceil(2));
    known
        .into_iter()
        .map(|name| {
            let edits = strsim::osa_distance(&given.to_lowercase(), &name.to_lowercase());
            (edits, name)
        })
        .filter(|(edits, _)| *edits <= edits_max)
        .min()
        .map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let text = "a\nпривет = 1\n";
        let mut problems = Problems::new(text);
        problems.at(&(text.find('=').expect("there")..text.len()), "second");
        problems.at(&(0..1), "first");
        let found: Vec<_> = problems
            .into_sorted()
            .iter()
            .map(Problem::to_string)
            .collect();
        assert_eq!(found, ["1:1: first", "2:8: second"]);
    }

    #[test]
    fn only_near_names_are_offered() {
        let known = ["title", "time_zone", "event"];
        assert_eq!(did_you_mean("titel", known), "; did you mean `title`?");
        assert_eq!(
            did_you_mean("Timezone", known),
            "; did you mean `time_zone`?"
        );
        assert_eq!(did_you_mean("days", known), "");
        assert_eq!(did_you_mean("x", known), "");
    }

    #[test]
    fn the_list_of_problems_is_bounded() {
        let mut problems = Problems::new("");
        for _ in 0..PROBLEMS_MAX + 5 {
            problems.at(&(0..0), "again");
        }
        assert_eq!(problems.into_sorted().len(), PROBLEMS_MAX);
    }
}
