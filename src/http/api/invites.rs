//! SHELL. Invite links: made, listed, revoked. A link is shown when it is made and is not kept.

use std::sync::Arc;

use axum::{
    http::{Method, StatusCode},
    response::Response,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Api,
    answer::{self, done, page, text_as},
    call::Call,
    members::Limit,
    operation::{CSV, Operation},
    refusal::{Finding, conflict, failed, forbidden, invalid},
    times::At,
    whole,
};
use crate::{
    auth::{Grant, Link, Revocations, Scope, USES_MAX, link},
    csv::Table,
    http::problem::Problem,
    ids::{EventId, MemberId},
    meeting::roster::{Role, Seat},
    programme::Programme,
    store::KeptInvite,
    time::{Millis, Timestamp},
};

const TAG: &str = "Invites";

/// The longest validity from now on: ten years.
const VALID_MAX: Millis = Millis::from_secs(3650 * 24 * 60 * 60);

/// A part of the invites that were made.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct InviteList {
    invites: Vec<Invite>,
    /// Where the next part goes on: `?after=`; null at the end.
    next: Option<String>,
}

/// An invite that was made. The link itself is not kept.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Invite {
    /// The invite's id, by which it is revoked.
    jti: String,
    member: MemberId,
    /// When it was made first.
    minted: At,
    expires: At,
    /// On how many devices it opens; null: on any number.
    uses: Option<u16>,
    /// On how many it has been used; null where that is not limited, and so not counted.
    used: Option<u64>,
    /// Whether it opens nothing any more: withdrawn, or its seat is gone or has another role, by the roster
    /// that is served where the event is.
    revoked: bool,
}

/// What invites are wanted.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    members: Whom,
    /// On how many devices each link opens; left out: on any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    uses: Option<u16>,
    /// Until when; left out: a day after the event's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<At>,
}

// The document says as much.
const _: () = assert!(USES_MAX == 1000);

/// For whom.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "`members` must be \"all\", or a list of members by their ids"
)]
enum Whom {
    /// Everybody on the roster.
    All(All),
    /// These members.
    These(#[schemars(length(min = 1, max = 2000))] Vec<MemberId>),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
enum All {
    #[serde(rename = "all")]
    All,
}

/// Links that were made: shown once.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Minted {
    invites: Vec<MintedInvite>,
}

/// A link that was made.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct MintedInvite {
    member: MemberId,
    name: String,
    role: Role,
    /// The invite's id, by which it is revoked.
    jti: String,
    /// What the member opens. Whoever has it is let in as that member.
    link: String,
    expires: At,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/events/{event}/invites",
            "listInvites",
            "The invites that were made",
            |api, call| Box::pin(list(api, call)),
        )
        .details("Never the links: they are not kept. As a table all of them come at once.")
        .tag(TAG)
        .scope(Scope::Invites)
        .query::<String>("after", "Go on after the invite with this id.")
        .query::<Limit>("limit", "So many at most.")
        .gives::<InviteList>(200, "By member, each member's in the order of making.")
        .also_as(CSV),
        Operation::new(
            Method::POST,
            "/events/{event}/invites",
            "mintInvites",
            "Make invite links",
            |api, call| Box::pin(mint(api, call)),
        )
        .details(
            "The same members, uses and expiry give the same links, until they are revoked: then \
             new ones. A server goes on with the roster that it was started with: a member whose seat \
             is new or has another role since gets no link before its next start. An organiser's link \
             may do everything here, and takes a token with every scope to make. `all` leaves both \
             out. As a table it is what `roundtable invite --format csv` prints.",
        )
        .tag(TAG)
        .scope(Scope::Invites)
        .takes::<Wanted>("Which links.")
        .gives::<Minted>(201, "The links, in the roster's order.")
        .also_as(CSV)
        .refuses(
            409,
            "There is no room for further invites, or a seat is as named from the next start on.",
        ),
        Operation::new(
            Method::DELETE,
            "/events/{event}/invites/{jti}",
            "revokeInvite",
            "Revoke one invite",
            |api, call| Box::pin(revoke(api, call)),
        )
        .details(
            "Who is in by it is shown out at once. One that is not in the list is revoked as well: \
             who shares the server's key may have made it.",
        )
        .tag(TAG)
        .scope(Scope::Invites)
        .gives_nothing(204, "It opens nothing any more.")
        .refuses(409, "There is no room for further revocations."),
        Operation::new(
            Method::DELETE,
            "/events/{event}/members/{member}/invites",
            "revokeMember",
            "Revoke every invite of a member",
            |api, call| Box::pin(revoke_member(api, call)),
        )
        .details("The member is shown out at once. Links that are made later open again.")
        .tag(TAG)
        .scope(Scope::Invites)
        .gives_nothing(204, "None of those made so far opens any more.")
        .refuses(409, "There is no room for further revocations."),
    ]
}

async fn list(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let event = call.event()?;
    let served = served(&api, &event);
    let (kept, revocations, invites) = api
        .read(move |reading| {
            let kept = reading.event(&event)?;
            let revocations = reading.revocations(&event)?;
            Ok((kept, revocations, reading.invites(&event)?))
        })
        .await?;
    let roster = served.as_deref().unwrap_or(&kept.programme);
    let invites: Vec<Invite> = invites
        .into_iter()
        .map(|invite| listed(roster, &revocations, invite))
        .collect();
    if call.form == Some(CSV) && call.asked("limit").is_none() && call.asked("after").is_none() {
        return Ok(text_as(StatusCode::OK, CSV, table(&invites)));
    }
    let (invites, next) = page(&call, invites, |invite| &invite.jti)?;
    if call.form == Some(CSV) {
        return Ok(text_as(StatusCode::OK, CSV, table(&invites)));
    }
    answer::json(StatusCode::OK, &InviteList { invites, next })
}

/// The event as it is served, if it is: by that roster links open, and not by the one that is stored.
fn served(api: &Api, event: &EventId) -> Option<Arc<Programme>> {
    api.serves(event).then(|| Arc::clone(api.served()))
}

fn has_seat(roster: &Programme, member: &MemberId, role: Role) -> bool {
    roster.seat(member).is_some_and(|seat| seat.role == role)
}

fn listed(roster: &Programme, revocations: &Revocations, invite: KeptInvite) -> Invite {
    let KeptInvite {
        grant,
        minted,
        used,
    } = invite;
    Invite {
        revoked: !has_seat(roster, &grant.member, grant.role) || revocations.covers(&grant),
        used: grant.uses.map(|_| used),
        jti: grant.jti,
        member: grant.member,
        minted: At(minted),
        expires: At(grant.expires),
        uses: grant.uses,
    }
}

fn table(invites: &[Invite]) -> String {
    let mut table = Table::new([
        "jti", "member", "minted", "expires", "uses", "used", "revoked",
    ]);
    for invite in invites {
        let number = |number: Option<u64>| number.map_or_else(String::new, |it| it.to_string());
        table.row([
            &invite.jti,
            invite.member.as_str(),
            &invite.minted.to_string(),
            &invite.expires.to_string(),
            &number(invite.uses.map(u64::from)),
            &number(invite.used),
            if invite.revoked { "true" } else { "false" },
        ]);
    }
    table.into_text()
}

async fn mint(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let event = call.event()?;
    let Wanted {
        members,
        uses,
        expires,
    } = call.json()?;
    let now = api.signalling.time();
    check(uses, expires, now)?;
    let served = served(&api, &event);
    let all_scopes = call.caller()?.may_all();
    let granted: Vec<(Seat, Grant)> = api
        .change(move |store| {
            let kept = store.reading().event(&event)?;
            let revocations = store.reading().revocations(&event)?;
            let mut validity = kept.validity();
            validity.uses = uses;
            if let Some(At(expires)) = expires {
                validity.expires = expires;
            }
            let guests = kept.guests(&revocations);
            let roster = served.as_deref().unwrap_or(&kept.programme);
            let seats = wanted(&kept.programme, roster, all_scopes, &members)?;
            let granted: Vec<(Seat, Grant)> = seats
                .into_iter()
                .map(|seat| (seat.clone(), guests.grant(seat, validity)))
                .collect();
            let grants: Vec<Grant> = granted.iter().map(|(_, grant)| grant.clone()).collect();
            store.keep_invites(&grants, now)?;
            Ok(granted)
        })
        .await?;
    // So many signatures take their time, during which the store is not held.
    let key = Arc::clone(&api.desk.key);
    let public_url = api.desk.public_url.clone();
    let signing = tokio::task::spawn_blocking(move || {
        let sign = |(seat, grant): (Seat, Grant)| {
            let link = Link::new(&seat, &grant, key.mint(&grant), &public_url);
            (link, grant)
        };
        granted.into_iter().map(sign).collect::<Vec<_>>()
    });
    let minted = signing.await.map_err(failed)?;
    tracing::info!(count = minted.len(), "invites were made by the API");
    if call.form == Some(CSV) {
        let links: Vec<Link> = minted.into_iter().map(|(link, _)| link).collect();
        return Ok(text_as(StatusCode::CREATED, CSV, link::to_csv(&links)));
    }
    let invites = minted.into_iter().map(|(link, grant)| MintedInvite {
        member: link.member,
        name: link.name,
        role: link.role,
        jti: link.jti,
        link: link.url,
        expires: At(grant.expires),
    });
    let invites = invites.collect();
    answer::json(StatusCode::CREATED, &Minted { invites })
}

fn check(uses: Option<u16>, expires: Option<At>, now: Timestamp) -> Result<(), Problem> {
    let mut findings = Vec::new();
    if uses.is_some_and(|uses| !(1..=USES_MAX).contains(&uses)) {
        let message = format!("`uses` must be 1 to {USES_MAX}");
        findings.push(Finding::at("/uses", message));
    }
    if let Some(At(expires)) = expires {
        if expires <= now {
            findings.push(Finding::at("/expires", "`expires` is past"));
        } else if expires > now + VALID_MAX {
            let message = "`expires` is more than ten years from now";
            findings.push(Finding::at("/expires", message));
        }
    }
    if findings.is_empty() {
        Ok(())
    } else {
        Err(invalid(findings))
    }
}

/// The seats that are wanted, in the roster's order, each once. `served`: by which roster links open now.
fn wanted<'s>(
    stored: &'s Programme,
    served: &Programme,
    all_scopes: bool,
    members: &Whom,
) -> Result<Vec<&'s Seat>, Problem> {
    let seats = stored.seats.iter();
    let may = |seat: &&Seat| all_scopes || seat.role != Role::Organiser;
    let opens = |seat: &&Seat| has_seat(served, &seat.member, seat.role);
    let members = match members {
        Whom::All(All::All) => return Ok(seats.filter(may).filter(opens).collect()),
        Whom::These(members) => members,
    };
    let findings: Vec<Finding> = members
        .iter()
        .enumerate()
        .filter(|(_, member)| stored.seat(member).is_none())
        .map(|(place, member)| {
            let message = format!("the event has no seat `{member}`");
            Finding::at(format!("/members/{place}"), message)
        })
        .take(100)
        .collect();
    if !findings.is_empty() {
        return Err(invalid(findings));
    }
    if members.is_empty() {
        let message = "`members` is empty: name some, or write \"all\"";
        return Err(invalid(vec![Finding::at("/members", message)]));
    }
    let seats: Vec<&Seat> = seats
        .filter(|seat| members.contains(&seat.member))
        .collect();
    if !seats.iter().all(may) {
        return Err(forbidden(
            "an organiser's link may do everything here: it takes a token with every scope to make \
             one",
        ));
    }
    let changed: Vec<String> = seats
        .iter()
        .filter(|seat| !opens(seat))
        .map(|seat| format!("`{}` is {} from then on", seat.member, seat.role.as_str()))
        .take(100)
        .collect();
    if !changed.is_empty() {
        let detail = "the roster has been changed since the server was started: links of changed \
                      seats are made from its next start on";
        return Err(conflict(detail, changed));
    }
    Ok(seats)
}

async fn revoke(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (event, jti) = (call.event()?, call.param("jti").to_owned());
    let now = api.signalling.time();
    whole(async move {
        let serves = api.serves(&event);
        let jti = api
            .change(move |store| {
                store.revoke_invite(&event, &jti, now)?;
                Ok(jti)
            })
            .await?;
        if serves {
            let closed = api.signalling.revoke_link(&jti).await;
            tracing::info!(closed, "a link was withdrawn by the API");
        }
        Ok(done())
    })
    .await
}

async fn revoke_member(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (event, member) = (call.event()?, call.member()?);
    let now = api.signalling.time();
    whole(async move {
        let serves = api.serves(&event);
        let (member, at) = api
            .change(move |store| {
                let at = store.revoke_member(&event, &member, now)?;
                Ok((member, at))
            })
            .await?;
        if serves {
            let closed = api.signalling.revoke_member(&member, at).await;
            tracing::info!(%member, closed, "a member's links were withdrawn by the API");
        }
        Ok(done())
    })
    .await
}
