//! The seats that the bots take: the file of `serve --links-out`, and who of it does what.

use std::{collections::BTreeMap, fmt};

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
    /// With whom; nothing where the file does not say.
    pub delegation: String,
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
    #[serde(default)]
    delegation: String,
    url: String,
}

impl TryFrom<Written> for Invite {
    type Error = NotALink;

    fn try_from(written: Written) -> Result<Self, NotALink> {
        let (authority, token) = open(&written.url)?;
        Ok(Self {
            member: written.member,
            role: written.role,
            delegation: written.delegation,
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
    #[error("a server's address is http://HOST:PORT, a link http://HOST:PORT/join#TOKEN")]
    Form,
}

/// Host with port and token of a link.
///
/// # Errors
/// When it is none, or one that needs TLS.
pub fn open(url: &str) -> Result<(&str, &str), NotALink> {
    let (place_of, token) = url.split_once('#').unwrap_or((url, ""));
    let authority = place(place_of)?;
    if token.is_empty() {
        return Err(NotALink::Form);
    }
    Ok((authority, token))
}

/// Host with port of a server's address.
///
/// # Errors
/// When it is none, or one that needs TLS.
pub fn place(url: &str) -> Result<&str, NotALink> {
    if url.starts_with("https://") {
        return Err(NotALink::Tls);
    }
    let rest = url.strip_prefix("http://").ok_or(NotALink::Form)?;
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.is_empty() {
        return Err(NotALink::Form);
    }
    Ok(authority)
}

/// Reads the file of `serve --links-out` or `invite --format json`.
///
/// # Errors
/// With what is wrong in it, the place first.
pub fn read(text: &str) -> Result<Vec<Invite>, serde_json::Error> {
    serde_json::from_str(text)
}

/// What a bot is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// It sends and receives, under this number among those who send.
    Speak(u16),
    /// It receives.
    Listen,
    /// It receives in the back rows.
    ListenLean,
    /// It receives, and gives and takes the floor.
    Chair,
}

/// What one bot does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its seat.
    pub invite: Invite,
    /// The seat's number.
    pub seat: u64,
    /// What it is there for.
    pub duty: Duty,
}

/// How many of each kind there are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Casting {
    /// Everybody.
    pub participants: usize,
    /// Those who send.
    pub speakers: u16,
    /// Those who receive in the back rows.
    pub lean: usize,
    /// Whether one of them chairs.
    pub chair: bool,
}

/// Why the parts cannot be given out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoCast {
    /// Not enough seats.
    #[error("there are links for {0} seats, {1} participants are asked for")]
    Seats(usize, usize),
    /// Not enough who may be seen and heard.
    #[error("there are links for {0} delegates and podium guests, {1} speakers are asked for")]
    Speakers(usize, u16),
    /// Nobody to give the floor.
    #[error("there is no chair's link, and this scenario needs a chair")]
    Chair,
    /// More of a kind than there are.
    #[error("{0} participants cannot be {1} speakers and {2} lean receivers{chair}", chair = if *.3 { " beside the chair" } else { "" })]
    Sum(usize, u16, usize, bool),
}

/// Gives so many members their parts, the chair first where there is to be one, then the speakers.
/// Delegates come first, one of each delegation, then the second of each; other chairs last, so that a
/// person can chair the rehearsal.
///
/// # Errors
/// When there are too few seats.
pub fn cast(mut invites: Vec<Invite>, casting: Casting) -> Result<Vec<Part>, NoCast> {
    let Casting {
        participants,
        speakers,
        lean,
        chair,
    } = casting;
    let seats = invites.len();
    if seats < participants {
        return Err(NoCast::Seats(seats, participants));
    }
    let able = invites.iter().filter(|invite| may_publish(invite.role));
    let able = able.count();
    if able < usize::from(speakers) {
        return Err(NoCast::Speakers(able, speakers));
    }
    let listening = participants
        .checked_sub(usize::from(speakers) + lean + usize::from(chair))
        .ok_or(NoCast::Sum(participants, speakers, lean, chair))?;
    let mut seated_of: BTreeMap<(u8, String), usize> = BTreeMap::new();
    invites.sort_by_cached_key(|invite| {
        let eagerness = eagerness(invite.role);
        let of_it = seated_of.entry((eagerness, invite.delegation.clone()));
        let before = of_it.or_default();
        *before += 1;
        (eagerness, *before)
    });
    let mut duties = Vec::new();
    let mut seated = Vec::new();
    if chair {
        let last = invites.pop_if(|invite| invite.role == Role::Chair);
        seated.push(last.ok_or(NoCast::Chair)?);
        duties.push(Duty::Chair);
    }
    seated.extend(invites);
    duties.extend((0..speakers).map(Duty::Speak));
    duties.extend(std::iter::repeat_n(Duty::Listen, listening));
    duties.extend(std::iter::repeat_n(Duty::ListenLean, lean));
    let parts = seated.into_iter().zip(duties).zip(0..);
    Ok(parts
        .map(|((invite, duty), seat)| Part { invite, seat, duty })
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
                delegation: "a".to_owned(),
                authority: "127.0.0.1:7880".to_owned(),
                token: "t".to_owned(),
            })
            .collect()
    }

    fn casting(participants: usize, speakers: u16, lean: usize, chair: bool) -> Casting {
        Casting {
            participants,
            speakers,
            lean,
            chair,
        }
    }

    #[test]
    fn delegates_speak_and_chairs_come_last_or_chair() {
        let seats = invites(&[Role::Chair, Role::Observer, Role::Delegate, Role::Delegate]);
        let told = |casting| -> Vec<(String, Duty)> {
            let parts = cast(seats.clone(), casting).expect("enough seats");
            let told = parts.into_iter();
            told.map(|part| (part.invite.member.to_string(), part.duty))
                .collect()
        };
        let seat = |number: u8, duty| (format!("seat-{number}"), duty);
        assert_eq!(
            told(casting(3, 1, 1, false)),
            [
                seat(2, Duty::Speak(0)),
                seat(3, Duty::Listen),
                seat(1, Duty::ListenLean)
            ]
        );
        assert_eq!(
            told(casting(2, 1, 0, true)),
            [seat(0, Duty::Chair), seat(2, Duty::Speak(0))]
        );
    }

    #[test]
    fn the_delegations_speak_in_turn() {
        let mut seats = invites(&[Role::Delegate; 4]);
        for (seat, delegation) in seats.iter_mut().zip(["a", "a", "b", "c"]) {
            delegation.clone_into(&mut seat.delegation);
        }
        let parts = cast(seats, casting(4, 4, 0, false)).expect("enough seats");
        let seated: Vec<&str> = parts.iter().map(|it| it.invite.member.as_str()).collect();
        assert_eq!(seated, ["seat-0", "seat-2", "seat-3", "seat-1"]);
    }

    #[test]
    fn too_few_seats_are_told() {
        let seats = invites(&[Role::Chair, Role::Delegate]);
        let fault = |casting| cast(seats.clone(), casting).expect_err("too few");
        assert_eq!(fault(casting(3, 1, 0, false)), NoCast::Seats(2, 3));
        assert_eq!(fault(casting(2, 2, 0, false)), NoCast::Speakers(1, 2));
        assert_eq!(fault(casting(2, 1, 1, true)), NoCast::Sum(2, 1, 1, true));
        let delegates = invites(&[Role::Delegate, Role::Delegate]);
        let fault = cast(delegates, casting(2, 1, 0, true)).expect_err("no chair");
        assert_eq!(fault, NoCast::Chair);
        let told = NoCast::Sum(2, 1, 1, true).to_string();
        assert_eq!(
            told,
            "2 participants cannot be 1 speakers and 1 lean receivers beside the chair"
        );
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
