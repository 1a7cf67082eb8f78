//! An invite link as it is sent, and lists of them as text, JSON and CSV.

use std::fmt;

use serde::Serialize;

use super::Grant;
use crate::{
    csv::Table,
    ids::{DelegationId, MemberId},
    meeting::roster::{Role, Seat},
};

/// A seat's link. Whoever has it is let in as that member.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// The member.
    pub member: MemberId,
    /// The seat's name.
    pub name: String,
    /// The seat's role.
    pub role: Role,
    /// The seat's delegation.
    pub delegation: DelegationId,
    /// What is opened in a browser.
    pub url: String,
    /// The token in it, for clients that are no browser.
    pub token: String,
    /// The invite's id, by which it is revoked.
    pub jti: String,
}

impl fmt::Debug for Link {
    /// Without the token, so that no log can open the door.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Link")
            .field("member", &self.member)
            .field("role", &self.role)
            .field("jti", &self.jti)
            .finish_non_exhaustive()
    }
}

impl Link {
    /// The link of a seat. `public_url` is where browsers find the server, such as
    /// `https://meet.example.org`; the token stays in the fragment and so out of every log.
    pub fn new(seat: &Seat, grant: &Grant, token: String, public_url: &str) -> Self {
        let base = public_url.trim_end_matches('/');
        Self {
            member: seat.member.clone(),
            name: seat.name.clone(),
            role: seat.role,
            delegation: seat.delegation.clone(),
            url: format!("{base}/join#{token}"),
            token,
            jti: grant.jti.clone(),
        }
    }
}

/// For people: a line of who it is for, the link below it, an empty line between.
pub fn to_text(links: &[Link]) -> String {
    let blocks = links.iter().map(|link| {
        let Link {
            member,
            name,
            role,
            url,
            jti,
            ..
        } = link;
        format!("{member} ({}, {name}; id {jti})\n{url}\n", role.as_str())
    });
    blocks.collect::<Vec<_>>().join("\n")
}

/// A JSON array of objects with the fields of [`Link`].
pub fn to_json(links: &[Link]) -> String {
    let mut text = serde_json::to_string_pretty(links).expect("a list of texts always is JSON");
    text.push('\n');
    text
}

/// A table with a header.
pub fn to_csv(links: &[Link]) -> String {
    let mut table = Table::new([
        "member",
        "name",
        "role",
        "delegation",
        "url",
        "token",
        "jti",
    ]);
    for link in links {
        table.row([
            link.member.as_str(),
            &link.name,
            link.role.as_str(),
            link.delegation.as_str(),
            &link.url,
            &link.token,
            &link.jti,
        ]);
    }
    table.into_text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn link(name: &str) -> Link {
        let seat = Seat {
            member: "indonesia-1".parse().expect("a slug"),
            name: name.to_owned(),
            role: Role::Delegate,
            delegation: "indonesia".parse().expect("a slug"),
        };
        let grant = Grant {
            event: "e".parse().expect("a slug"),
            member: seat.member.clone(),
            role: seat.role,
            jti: "id1".to_owned(),
            not_before: Timestamp(0),
            expires: Timestamp(0),
            uses: None,
        };
        Link::new(&seat, &grant, "x.y.z".to_owned(), "https://meet.example/")
    }

    #[test]
    fn the_token_stays_in_the_fragment() {
        assert_eq!(link("N").url, "https://meet.example/join#x.y.z");
    }

    #[test]
    fn text_is_a_block_a_link() {
        let block = "indonesia-1 (delegate, N; id id1)\nhttps://meet.example/join#x.y.z\n";
        assert_eq!(
            to_text(&[link("N"), link("N")]),
            format!("{block}\n{block}")
        );
        assert_eq!(to_text(&[]), "");
    }

    #[test]
    fn json_has_every_field() {
        let read: serde_json::Value =
            serde_json::from_str(&to_json(&[link("Ä \"x\"")])).expect("JSON");
        let expected = serde_json::json!([{
            "member": "indonesia-1", "name": "Ä \"x\"", "role": "delegate",
            "delegation": "indonesia", "url": "https://meet.example/join#x.y.z",
            "token": "x.y.z", "jti": "id1",
        }]);
        assert_eq!(read, expected);
    }

    #[test]
    fn csv_has_a_row_for_each_link() {
        assert_eq!(
            to_csv(&[link("A, B")]),
            "\"member\",\"name\",\"role\",\"delegation\",\"url\",\"token\",\"jti\"\r\n\
             \"indonesia-1\",\"A, B\",\"delegate\",\"indonesia\",\
             \"https://meet.example/join#x.y.z\",\"x.y.z\",\"id1\"\r\n"
        );
    }

    #[test]
    fn no_log_shows_the_token() {
        assert!(!format!("{:?}", link("N")).contains("x.y.z"));
    }
}
