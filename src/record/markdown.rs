//! The record as a document: minutes to be completed, and below them what the journal knows.

use std::fmt::Write as _;

use super::{Item, Note, Person, Record, Session, Speaking, Turn, When, when::length};
use crate::{ids::ItemId, meeting::record::Addressee, time::Millis};

impl Record {
    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut page = Page::default();
        page.heading(1, &self.title);
        page.paragraph(&format!(
            "Record of `{}`. Times are those of {}. The head of its journal is `{}`.",
            self.event, self.time_zone, self.head
        ));
        for session in &self.sessions {
            page.session(session);
        }
        if self.speaking != Speaking::default() {
            page.heading(2, "Speaking times of the whole event");
            page.speaking(&self.speaking, 3);
        }
        page.text
    }
}

/// A document that is being written.
#[derive(Default)]
struct Page<'r> {
    text: String,
    /// The session's: times of other days are said with their date.
    day: Option<&'r When>,
}

impl<'r> Page<'r> {
    fn heading(&mut self, level: usize, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(&format!("{} {}", "#".repeat(level), plain(text)));
    }

    fn paragraph(&mut self, text: &str) {
        self.text.push('\n');
        self.line(text);
    }

    fn line(&mut self, text: &str) {
        // Writing to a text cannot fail.
        let _never = writeln!(self.text, "{text}");
    }

    fn list(&mut self, entries: impl IntoIterator<Item = String>) {
        self.text.push('\n');
        for entry in entries {
            self.line(&format!("- {entry}"));
        }
    }

    fn table<const COLUMNS: usize>(
        &mut self,
        header: [&str; COLUMNS],
        rows: impl IntoIterator<Item = [String; COLUMNS]>,
    ) {
        self.text.push('\n');
        self.line(&format!("| {} |", header.join(" | ")));
        self.line(&format!("|{}", "---|".repeat(COLUMNS)));
        for row in rows {
            self.line(&format!("| {} |", row.join(" | ")));
        }
    }

    fn session(&mut self, session: &'r Session) {
        self.day = session.planned_start.as_ref().or(session.opened.as_ref());
        self.heading(2, &session.title);
        self.paragraph(&held(session));
        if session.is_empty() {
            return;
        }
        self.minutes(session);
        self.recommendations(session);
        self.attendance(session);
        self.turns(session);
        if session.speaking.by_member.is_empty() {
            return self.words(session);
        }
        self.heading(3, "Speaking times");
        self.speaking(&session.speaking, 4);
        self.words(session);
    }

    /// A heading for each item, with who spoke and what was noted, for somebody to complete.
    fn minutes(&mut self, session: &Session) {
        self.heading(3, "Minutes");
        let outside = |item: &Option<ItemId>| item.is_none();
        let early = session.turns.iter().any(|turn| outside(&turn.item))
            || session.notes.iter().any(|note| outside(&note.item));
        if early {
            self.item(session, None);
        }
        for item in &session.items {
            self.heading(4, &item.title);
            self.paragraph(&about(item, self.day));
            self.item(session, Some(&item.item));
        }
    }

    fn item(&mut self, session: &Session, item: Option<&ItemId>) {
        let turns = session
            .turns
            .iter()
            .filter(|turn| turn.item.as_ref() == item && turn.spoken_ms > Millis(0));
        let spoke: Vec<String> = turns
            .map(|turn| {
                format!(
                    "{} {}, {}",
                    turn.from.time(self.day),
                    named(&turn.person),
                    length(turn.spoken_ms)
                )
            })
            .collect();
        if !spoke.is_empty() {
            self.list(spoke);
        }
        let notes = session
            .notes
            .iter()
            .filter(|note| note.item.as_ref() == item);
        let notes: Vec<String> = notes.map(|note| said(note, self.day)).collect();
        if !notes.is_empty() {
            self.paragraph("Noted:");
            self.list(notes);
        }
    }

    fn recommendations(&mut self, session: &Session) {
        if session.recommendations.is_empty() {
            return;
        }
        self.heading(3, "Proposed recommendations");
        let day = self.day;
        let rows = session.recommendations.iter().map(|it| {
            let supporters = it.supporters.iter().map(named);
            let signed = it.signed.iter().map(|signature| {
                let at = &signature.at;
                let institute = plain(&signature.institute_name);
                format!(
                    "{institute} ({}, {})",
                    plain(&signature.by.name),
                    at.time(day)
                )
            });
            [
                it.number.to_string(),
                plain(&it.text),
                named(&it.proposer),
                supporters.collect::<Vec<_>>().join("; "),
                it.status.to_owned(),
                signed.collect::<Vec<_>>().join("; "),
            ]
        });
        let header = [
            "No.",
            "Text",
            "Proposed by",
            "Supported by",
            "Status",
            "Signed off by",
        ];
        self.table(header, rows);
    }

    fn attendance(&mut self, session: &Session) {
        if session.attendance.is_empty() {
            return;
        }
        self.heading(3, "Attendance");
        let day = self.day;
        let rows = session.attendance.iter().map(|it| {
            let person = &it.person;
            [
                plain(&person.name),
                plain(&person.delegation_name),
                it.role.unwrap_or_default().to_owned(),
                it.came.time(day),
                it.gone
                    .as_ref()
                    .map_or(String::new(), |gone| gone.time(day)),
                length(it.present_ms),
            ]
        });
        let header = ["Name", "Delegation", "Role", "Came", "Gone", "Present"];
        self.table(header, rows);
    }

    fn turns(&mut self, session: &Session) {
        if session.turns.is_empty() {
            return;
        }
        self.heading(3, "Who spoke when");
        let day = self.day;
        let rows = session.turns.iter().map(|turn| {
            let Turn {
                turn: number,
                person,
                item,
                from,
                spoken_ms,
                ended,
                ..
            } = turn;
            let title = item.as_ref().and_then(|id| {
                let known = session.items.iter().find(|item| item.item == *id)?;
                Some(plain(&known.title))
            });
            [
                number.to_string(),
                plain(&person.name),
                plain(&person.delegation_name),
                title.unwrap_or_default(),
                from.second(day),
                length(*spoken_ms),
                ended.clone().unwrap_or_else(|| "goes on".to_owned()),
            ]
        });
        let header = [
            "Turn",
            "Name",
            "Delegation",
            "Item",
            "From",
            "Spoken",
            "Why it ended",
        ];
        self.table(header, rows);
    }

    fn speaking(&mut self, speaking: &Speaking, level: usize) {
        self.heading(level, "By person");
        let rows = speaking.by_member.iter().map(|it| {
            [
                plain(&it.person.name),
                plain(&it.person.delegation_name),
                it.turns.to_string(),
                length(it.spoken_ms),
            ]
        });
        self.table(["Name", "Delegation", "Turns", "Spoken"], rows);
        self.heading(level, "By delegation");
        let rows = speaking.by_delegation.iter().map(|it| {
            let turns = it.turns.to_string();
            [plain(&it.delegation_name), turns, length(it.spoken_ms)]
        });
        self.table(["Delegation", "Turns", "Spoken"], rows);
        if speaking.by_item.is_empty() {
            return;
        }
        self.heading(level, "By item");
        let rows = speaking.by_item.iter().map(|it| {
            let title = if it.item.is_none() {
                "before the first".to_owned()
            } else {
                plain(&it.title)
            };
            let turns = it.turns.to_string();
            [it.session.to_string(), title, turns, length(it.spoken_ms)]
        });
        self.table(["Session", "Item", "Turns", "Spoken"], rows);
    }

    /// What was written, and what chairs did.
    fn words(&mut self, session: &Session) {
        let day = self.day;
        if !session.chat.is_empty() {
            self.heading(3, "Chat");
            self.list(session.chat.iter().map(|message| {
                let to = match message.to {
                    Addressee::Everybody => "",
                    Addressee::Chairs => " (to the chairs)",
                };
                let text = plain(&message.text);
                let who = named(&message.person);
                format!("{} {who}{to}: {text}", message.at.second(day))
            }));
        }
        if !session.notices.is_empty() {
            self.heading(3, "Notices");
            self.list(session.notices.iter().map(|notice| said(notice, day)));
        }
        if !session.decisions.is_empty() {
            self.heading(3, "What the chair decided");
            self.list(session.decisions.iter().map(|decision| {
                let at = decision.at.second(day);
                format!(
                    "{at} {} {}",
                    plain(&decision.person.name),
                    plain(&decision.what)
                )
            }));
        }
    }
}

impl Session {
    /// Whether nothing was recorded.
    fn is_empty(&self) -> bool {
        self.opened.is_none() && self.attendance.is_empty() && self.decisions.is_empty()
    }
}

/// When a session was planned and held.
fn held(session: &Session) -> String {
    let mut said = Vec::new();
    let day = session.planned_start.as_ref().or(session.opened.as_ref());
    said.extend(day.map(When::date));
    if let (Some(start), Some(minutes)) = (&session.planned_start, session.planned_minutes) {
        said.push(format!("planned {}, {minutes} minutes", start.time(day)));
    }
    said.push(match &session.opened {
        None => "not opened".to_owned(),
        Some(opened) => format!("opened {}", opened.time(day)),
    });
    if let Some(closed) = &session.closed {
        said.push(format!("closed {}", closed.time(day)));
    }
    format!("{} (`{}`).", said.join("; "), session.session)
}

fn about(item: &Item, day: Option<&When>) -> String {
    let planned = item
        .planned_minutes
        .map(|minutes| format!("Planned {minutes} minutes; "));
    let begun = match &item.started {
        Some(started) => format!("begun {}.", started.time(day)),
        None => "not begun.".to_owned(),
    };
    format!("{}{begun}", planned.unwrap_or_default())
}

fn said(note: &Note, day: Option<&When>) -> String {
    let text = plain(&note.text);
    format!("{} {}: {text}", note.at.time(day), plain(&note.person.name))
}

/// `Dr. Sari Wijaya (Indonesia)`.
fn named(person: &Person) -> String {
    let name = plain(&person.name);
    if person.delegation_name.is_empty() {
        name
    } else {
        format!("{name} ({})", plain(&person.delegation_name))
    }
}

/// Somebody's text on one line, which can neither end a table's cell nor mark anything up.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '&' | '~' => {
                plain.push('\\');
                plain.push(letter);
            }
            letter if letter.is_control() || letter == '\u{2028}' || letter == '\u{2029}' => {
                plain.push(' ');
            }
            letter => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_wrote_marks_nothing_up() {
        assert_eq!(
            plain("a | b\n# <script> [x](y) *b* & c"),
            "a \\| b \\# \\<script\\> \\[x\\](y) \\*b\\* \\& c"
        );
    }
}
