//! The seats that the bots take: the file of `serve --links-out`, and who of it does what.

use std::fmt;

use serde::Deserialize;

use crate::{ids::MemberId, meeting::roster::Role};

/// One seat's link, taken apart.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Invite {
    /// Whose seat.
    pub member: MemberId,
    /// What the member is there for.
    pub role: Role,
    /// Host and port of the server.
    pub authority: String,
    /// What opens the door.
    pub token: String,
}

/// A link as the file has it; what else stands there is not needed.
#[derive(Deserialize)]
struct Written {
    member: MemberId,
    role: Role,
    url: String,
}

impl TryFrom<Written> for Invite {
    type Error = NotALink;

    fn try_from(written: Written) -> Result<Self, NotALink> {
        let (authority, token) = open(&written.url)?;
        Ok(Self {
            member: written.member,
            role: written.role,
            authority: authority.to_owned(),
            token: token.to_owned(),
        })
    }
}

impl fmt::Debug for Invite {
    /// Without the token, so that no log can open the door.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Invite")
            .field("member", &self.member)
            .field("role", &self.role)
            .field("authority", &self.authority)
            .finish_non_exhaustive()
    }
}

/// Why a URL is no link that the bots can follow. Never says the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotALink {
    /// By TLS.
    #[error(
        "the links begin with https://, which the load test does not speak: write them for the \
         server's plain address, as `roundtable invite --format json --public-url http://HOST:PORT`"
    )]
    Tls,
    /// Nothing that leads to a server.
    #[error("a link is http://HOST:PORT/join#TOKEN")]
    Form,
}

/// Host with port and token of a link.
///
/// # Errors
/// When it is none, or one that needs TLS.
pub fn open(url: &str) -> Result<(&str, &str), NotALink> {
    if url.starts_with("https://") {
        return Err(NotALink::Tls);
    }
    let (place, token) = url.split_once('#').ok_or(NotALink::Form)?;
    let rest = place.strip_prefix("http://").ok_or(NotALink::Form)?;
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.is_empty() || token.is_empty() {
        return Err(NotALink::Form);
    }
    Ok((authority, token))
}

/// Reads the file of `serve --links-out` or `invite --format json`.
///
/// # Errors
/// With what is wrong in it, the place first.
pub fn read(text: &str) -> Result<Vec<Invite>, serde_json::Error> {
    serde_json::from_str(text)
}

/// What one bot does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its seat.
    pub invite: Invite,
    /// Its number among those who send; the others receive alone.
    pub publisher: Option<u16>,
}

/// Why the parts cannot be given out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoCast {
    /// Not enough seats.
    #[error("there are links for {0} seats, {1} members are asked for")]
    Seats(usize, usize),
    /// Not enough who may be seen and heard.
    #[error("there are links for {0} delegates and podium guests, {1} publishers are asked for")]
    Speakers(usize, u16),
}

/// Gives so many members their parts, publishers first. Delegates come first and chairs last, so that
/// a person can chair the rehearsal.
///
/// # Errors
/// When there are too few seats.
pub fn cast(
    mut invites: Vec<Invite>,
    members: usize,
    publishers: u16,
) -> Result<Vec<Part>, NoCast> {
    let seats = invites.len();
    if seats < members {
        return Err(NoCast::Seats(seats, members));
    }
    let speakers = invites.iter().filter(|invite| may_publish(invite.role));
    let speakers = speakers.count();
    if speakers < usize::from(publishers) {
        return Err(NoCast::Speakers(speakers, publishers));
    }
    invites.sort_by_key(|invite| eagerness(invite.role));
    let numbers = (0..publishers).map(Some).chain(std::iter::repeat(None));
    let parts = invites.into_iter().zip(numbers).take(members);
    Ok(parts
        .map(|(invite, publisher)| Part { invite, publisher })
        .collect())
}

/// Whose place in the order leaves room for a publisher's part: the first of [`eagerness`].
fn may_publish(role: Role) -> bool {
    match role {
        Role::Delegate | Role::Podium => true,
        Role::Organiser | Role::Chair | Role::Interpreter | Role::Observer | Role::Technician => {
            false
        }
    }
}

fn eagerness(role: Role) -> u8 {
    match role {
        Role::Delegate => 0,
        Role::Podium => 1,
        Role::Observer => 2,
        Role::Interpreter => 3,
        Role::Technician => 4,
        Role::Organiser => 5,
        Role::Chair => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invites(roles: &[Role]) -> Vec<Invite> {
        let seats = roles.iter().enumerate();
        seats
            .map(|(place, role)| Invite {
                member: format!("seat-{place}").parse().expect("a slug"),
                role: *role,
                authority: "127.0.0.1:7880".to_owned(),
                token: "t".to_owned(),
            })
            .collect()
    }

    #[test]
    fn delegates_publish_and_chairs_come_last() {
        let seats = invites(&[Role::Chair, Role::Observer, Role::Delegate, Role::Delegate]);
        let parts = cast(seats, 3, 1).expect("enough seats");
        let told: Vec<(&str, Option<u16>)> = parts
            .iter()
            .map(|part| (part.invite.member.as_str(), part.publisher))
            .collect();
        assert_eq!(
            told,
            [("seat-2", Some(0)), ("seat-3", None), ("seat-1", None)]
        );
    }

    #[test]
    fn too_few_seats_are_told() {
        let seats = invites(&[Role::Chair, Role::Delegate]);
        assert_eq!(cast(seats.clone(), 3, 1), Err(NoCast::Seats(2, 3)));
        assert_eq!(cast(seats, 2, 2), Err(NoCast::Speakers(1, 2)));
    }

    #[test]
    fn the_servers_file_is_read_and_no_token_is_shown() {
        let text = r#"[{"member":"a-1","name":"A","role":"delegate","delegation":"a",
            "url":"http://127.0.0.1:7880/join#secret","token":"secret","jti":"x"}]"#;
        let [invite]: [Invite; 1] = read(text).expect("links").try_into().expect("one");
        assert_eq!(invite.authority, "127.0.0.1:7880");
        assert_eq!(invite.token, "secret");
        assert!(!format!("{invite:?}").contains("secret"));
        for url in [
            "https://host/join#secret",
            "http:///join#secret",
            "ftp://h/#secret",
            "http://h/join",
        ] {
            let fault = open(url).expect_err(url).to_string();
            assert!(!fault.contains("secret"), "{fault}");
        }
    }
}
