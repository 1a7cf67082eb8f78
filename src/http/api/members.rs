//! SHELL. The roster: who has a seat, and a seat's name and role changed.

use std::sync::Arc;

use axum::{
    http::{Method, StatusCode},
    response::Response,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Api,
    answer::{self, page, tagged},
    call::Call,
    event::{Stored, stored, tag},
    operation::{Condition, Operation},
    refusal::{Finding, invalid, unknown},
};
use crate::{
    auth::Scope,
    http::problem::Problem,
    ids::{DelegationId, MemberId},
    meeting::roster::{Role, Seat},
    programme::{Programme, Settings},
};

const TAG: &str = "Members";

/// A part of the roster.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct MemberList {
    members: Vec<Member>,
    /// Where the next part goes on: `?after=`; null at the end.
    next: Option<String>,
}

/// A seat of the roster.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Seat", deny_unknown_fields)]
struct Member {
    /// The member's name in links and messages.
    member: MemberId,
    /// What others see, unless the member says otherwise at the join.
    name: String,
    role: Role,
    /// The country or institution.
    delegation: DelegationId,
    /// What that is called.
    delegation_name: String,
}

/// What can be changed of a seat. A seat's delegation is part of its name and cannot. A server's settings
/// (`[programme]`) may allow a shorter name than stands here.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SeatChange {
    /// What others see.
    #[schemars(length(min = 1, max = Settings::MOST.name_chars_max))]
    name: String,
    role: Role,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/events/{event}/members",
            "listMembers",
            "The roster",
            |api, call| Box::pin(list(api, call)),
        )
        .details("As it is stored, in the order of the event file. The entity tag is the event's.")
        .tag(TAG)
        .scope(Scope::Read)
        .query::<MemberId>("after", "Go on after this member.")
        .query::<Limit>("limit", "So many at most.")
        .gives::<MemberList>(200, "The seats.")
        .tagged(),
        Operation::get(
            "/events/{event}/members/{member}",
            "readMember",
            "One seat",
            |api, call| Box::pin(read(api, call)),
        )
        .tag(TAG)
        .scope(Scope::Read)
        .gives::<Member>(200, "The seat, with the event's entity tag.")
        .tagged(),
        Operation::new(
            Method::PUT,
            "/events/{event}/members/{member}",
            "writeMember",
            "Change a seat's name and role",
            |api, call| Box::pin(write(api, call)),
        )
        .details(
            "A server goes on with the roster that it was started with: `served_from` says so. With \
             another role the member's links open no longer from then on, and new ones can be made.",
        )
        .tag(TAG)
        .scope(Scope::Write)
        .condition(Condition::Match)
        .takes::<SeatChange>("The seat.")
        .gives::<Stored>(200, "It is stored.")
        .tagged(),
    ]
}

/// How many entries of a list are wanted.
#[derive(JsonSchema)]
#[schemars(inline)]
pub(super) struct Limit(
    #[schemars(range(min = 1, max = 500))]
    #[expect(dead_code)]
    usize,
);

async fn list(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let event = call.event()?;
    let kept = api.read(move |reading| Ok(reading.event(&event)?)).await?;
    let programme = &kept.programme;
    let seats: Vec<Member> = programme
        .seats
        .iter()
        .map(|seat| member(programme, seat))
        .collect();
    let (members, next) = page(&call, seats, |seat| seat.member.as_str())?;
    let answer = answer::json(StatusCode::OK, &MemberList { members, next })?;
    Ok(tagged(&call, &part_tag(&call, programme)?, answer))
}

/// The event's tag, where all of it is given: another part of a list is another thing.
fn part_tag(call: &Call, programme: &Programme) -> Result<answer::Tag, Problem> {
    let tag = tag(programme)?;
    let whole = call.asked("after").is_none() && call.asked("limit").is_none();
    Ok(if whole { tag } else { tag.weak() })
}

async fn read(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (event, asked) = (call.event()?, call.member()?);
    let kept = api.read(move |reading| Ok(reading.event(&event)?)).await?;
    let seat = kept.programme.seat(&asked).ok_or_else(|| no_seat(&asked))?;
    let answer = answer::json(StatusCode::OK, &member(&kept.programme, seat))?;
    Ok(tagged(&call, &tag(&kept.programme)?, answer))
}

async fn write(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (event, asked) = (call.event()?, call.member()?);
    let SeatChange { name, role } = call.json()?;
    let now = api.signalling.time();
    let limits = api.desk.limits.clone();
    let (call, programme) = api
        .change(move |store| {
            let kept = store.reading().event(&event)?;
            kept.programme.seat(&asked).ok_or_else(|| no_seat(&asked))?;
            call.check(Some(&tag(&kept.programme)?))?;
            let changed = kept.programme.with_seat(&asked, &name, role, &limits);
            let changed = changed.map_err(|wrong| {
                let wrong = wrong.into_iter();
                invalid(
                    wrong
                        .map(|(key, why)| Finding::at(format!("/{key}"), why))
                        .collect(),
                )
            })?;
            store.import(&changed, now)?;
            tracing::info!(%event, member = %asked, "a seat was changed by the API");
            Ok((call, changed))
        })
        .await?;
    stored(&api, &call, StatusCode::OK, &programme)
}

fn no_seat(member: &MemberId) -> Problem {
    unknown(format!("the event has no seat `{member}`"))
}

fn member(programme: &Programme, seat: &Seat) -> Member {
    let delegation = programme
        .delegations
        .iter()
        .find(|delegation| delegation.id == seat.delegation);
    Member {
        member: seat.member.clone(),
        name: seat.name.clone(),
        role: seat.role,
        delegation: seat.delegation.clone(),
        delegation_name: delegation.map_or_else(String::new, |it| it.name.clone()),
    }
}
