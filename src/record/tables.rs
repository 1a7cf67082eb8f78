//! The record as CSV: one table a file. Times are RFC 3339 with the zone's offset, lengths are
//! milliseconds.

use super::{Person, Record, Session, When};
use crate::{csv::Table, meeting::record::Addressee};

/// The names of the tables' files.
pub const TABLES: [&str; 8] = [
    "attendance.csv",
    "turns.csv",
    "speaking-by-member.csv",
    "speaking-by-delegation.csv",
    "speaking-by-item.csv",
    "chat.csv",
    "decisions.csv",
    "recommendations.csv",
];

/// A table and the name of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Such as `turns.csv`.
    pub name: &'static str,
    /// What is in it.
    pub text: String,
}

impl Record {
    /// As tables.
    pub fn tables(&self) -> Vec<File> {
        let texts = [
            attendance(&self.sessions),
            turns(&self.sessions),
            by_member(&self.sessions),
            by_delegation(&self.sessions),
            by_item(&self.sessions),
            chat(&self.sessions),
            decisions(&self.sessions),
            recommendations(&self.sessions),
        ];
        let files = TABLES.into_iter().zip(texts);
        files.map(|(name, text)| File { name, text }).collect()
    }
}

fn attendance(sessions: &[Session]) -> String {
    let mut table = Table::new([
        "session",
        "member",
        "name",
        "role",
        "delegation",
        "came",
        "gone",
        "present_ms",
    ]);
    for session in sessions {
        for attended in &session.attendance {
            table.row([
                session.session.as_str(),
                attended.person.member.as_str(),
                &attended.person.name,
                attended.role.unwrap_or_default(),
                delegation(&attended.person),
                &attended.came.rfc3339(),
                &or_nothing(attended.gone.as_ref()),
                &attended.present_ms.0.to_string(),
            ]);
        }
    }
    table.into_text()
}

fn turns(sessions: &[Session]) -> String {
    let mut table = Table::new([
        "session",
        "turn",
        "member",
        "name",
        "delegation",
        "kind",
        "item",
        "from",
        "spoken_ms",
        "ended",
    ]);
    for session in sessions {
        for turn in &session.turns {
            table.row([
                session.session.as_str(),
                &turn.turn.to_string(),
                turn.person.member.as_str(),
                &turn.person.name,
                delegation(&turn.person),
                turn.kind,
                turn.item.as_ref().map_or("", |item| item.as_str()),
                &turn.from.rfc3339(),
                &turn.spoken_ms.0.to_string(),
                turn.ended.as_deref().unwrap_or_default(),
            ]);
        }
    }
    table.into_text()
}

fn by_member(sessions: &[Session]) -> String {
    let mut table = Table::new([
        "session",
        "member",
        "name",
        "delegation",
        "turns",
        "spoken_ms",
    ]);
    for session in sessions {
        for member in &session.speaking.by_member {
            table.row([
                session.session.as_str(),
                member.person.member.as_str(),
                &member.person.name,
                delegation(&member.person),
                &member.turns.to_string(),
                &member.spoken_ms.0.to_string(),
            ]);
        }
    }
    table.into_text()
}

fn by_delegation(sessions: &[Session]) -> String {
    let mut table = Table::new(["session", "delegation", "name", "turns", "spoken_ms"]);
    for session in sessions {
        for its in &session.speaking.by_delegation {
            table.row([
                session.session.as_str(),
                its.delegation.as_ref().map_or("", |id| id.as_str()),
                &its.delegation_name,
                &its.turns.to_string(),
                &its.spoken_ms.0.to_string(),
            ]);
        }
    }
    table.into_text()
}

fn by_item(sessions: &[Session]) -> String {
    let mut table = Table::new(["session", "item", "title", "turns", "spoken_ms"]);
    for item in sessions
        .iter()
        .flat_map(|session| &session.speaking.by_item)
    {
        table.row([
            item.session.as_str(),
            item.item.as_ref().map_or("", |id| id.as_str()),
            &item.title,
            &item.turns.to_string(),
            &item.spoken_ms.0.to_string(),
        ]);
    }
    table.into_text()
}

fn chat(sessions: &[Session]) -> String {
    let mut table = Table::new([
        "session",
        "at",
        "member",
        "name",
        "delegation",
        "to",
        "text",
    ]);
    for session in sessions {
        for message in &session.chat {
            table.row([
                session.session.as_str(),
                &message.at.rfc3339(),
                message.person.member.as_str(),
                &message.person.name,
                delegation(&message.person),
                match message.to {
                    Addressee::Everybody => "everybody",
                    Addressee::Chairs => "chairs",
                },
                &message.text,
            ]);
        }
    }
    table.into_text()
}

fn decisions(sessions: &[Session]) -> String {
    let mut table = Table::new(["session", "at", "member", "name", "what"]);
    for session in sessions {
        for decision in &session.decisions {
            table.row([
                session.session.as_str(),
                &decision.at.rfc3339(),
                decision.person.member.as_str(),
                &decision.person.name,
                &decision.what,
            ]);
        }
    }
    table.into_text()
}

fn recommendations(sessions: &[Session]) -> String {
    let mut table = Table::new([
        "session",
        "number",
        "text",
        "proposed_at",
        "proposer",
        "proposer_name",
        "supporters",
        "status",
        "signed",
    ]);
    for session in sessions {
        for it in &session.recommendations {
            let supporters = it.supporters.iter().map(|person| person.member.as_str());
            let signed = it
                .signed
                .iter()
                .map(|signature| signature.institute.as_str());
            table.row([
                session.session.as_str(),
                &it.number.to_string(),
                &it.text,
                &it.proposed_at.rfc3339(),
                it.proposer.member.as_str(),
                &it.proposer.name,
                &supporters.collect::<Vec<_>>().join(" "),
                it.status,
                &signed.collect::<Vec<_>>().join(" "),
            ]);
        }
    }
    table.into_text()
}

fn delegation(person: &Person) -> &str {
    person.delegation.as_ref().map_or("", |id| id.as_str())
}

fn or_nothing(when: Option<&When>) -> String {
    when.map_or(String::new(), When::rfc3339)
}
