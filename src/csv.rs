//! Tables as text for spreadsheets and mail merges (RFC 4180), harmless in either. It must never know
//! what is in them.

/// A table that is being written: a header, then rows of as many fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table<const COLUMNS: usize> {
    text: String,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// With the columns' names.
    pub fn new(header: [&str; COLUMNS]) -> Self {
        let mut table = Self {
            text: String::new(),
        };
        table.row(header);
        table
    }

    /// Adds a row.
    pub fn row(&mut self, fields: [&str; COLUMNS]) {
        self.text.push_str(&fields.map(field).join(","));
        self.text.push_str("\r\n");
    }

    /// What has been written.
    pub fn into_text(self) -> String {
        self.text
    }
}

/// Everything is quoted, and what a spreadsheet would take for a formula begins with an apostrophe.
fn field(text: &str) -> String {
    let quoted = text.replace('"', "\"\"");
    // Spreadsheets skip blanks before they look for a formula.
    let formula =
        text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r']);
    let guard = if formula { "'" } else { "" };
    format!("\"{guard}{quoted}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_follow_the_header() {
        let mut table = Table::new(["a", "b"]);
        table.row(["1, 2", ""]);
        table.row(["two\nlines", "x"]);
        assert_eq!(
            table.into_text(),
            "\"a\",\"b\"\r\n\"1, 2\",\"\"\r\n\"two\nlines\",\"x\"\r\n"
        );
    }

    #[test]
    fn a_field_is_quoted_and_harmless_in_a_spreadsheet() {
        assert_eq!(field("Dr. \"Bob\""), "\"Dr. \"\"Bob\"\"\"");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1"] {
            assert_eq!(field(formula), format!("\"'{formula}\""));
        }
        assert_eq!(field("A = B"), "\"A = B\"");
    }
}
