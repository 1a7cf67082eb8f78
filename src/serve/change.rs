//! A change to what is kept, as it is asked for on a command line.
//!
//! The same for a command line that owns the data folder and for the server that does.

use super::control::{Done, Reply, Request, Undone};
use crate::{
    auth::Grant,
    programme,
    store::{Fault, Store},
    time::Timestamp,
};

/// Carries out a change and says what has become of it.
pub fn carry_out(
    store: &mut Store,
    request: &Request,
    limits: &programme::Settings,
    now: Timestamp,
) -> Reply {
    match attempt(store, request, limits, now) {
        Ok(done) => Reply::Ok(done),
        Err(undone) => Reply::Error(undone),
    }
}

fn attempt(
    store: &mut Store,
    request: &Request,
    limits: &programme::Settings,
    now: Timestamp,
) -> Result<Done, Undone> {
    match request {
        Request::Status => return Err(Undone::Fault("no server is running".to_owned())),
        Request::Revoke { event, jti } => store.revoke_invite(event, jti, now)?,
        Request::RevokeMember { event, member } => {
            return Ok(Done {
                revoked_at: Some(store.revoke_member(event, member, now)?),
                ..Done::default()
            });
        }
        Request::KeepInvites { invites } => {
            let grants: Vec<Grant> = invites.iter().cloned().map(Grant::from).collect();
            store.keep_invites(&grants, now)?;
        }
        Request::KeepToken { token, note } => store.keep_token(token, note)?,
        Request::RevokeToken { jti } => store.revoke_token(jti, now)?,
        Request::Import { text } => {
            let programme = programme::parse_within(text, limits).map_err(|problems| {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                Undone::No(lines.join("\n"))
            })?;
            store.import(&programme, now)?;
            return Ok(Done {
                event: Some(programme.id),
                ..Done::default()
            });
        }
    }
    Ok(Done::default())
}

impl From<Fault> for Undone {
    fn from(fault: Fault) -> Self {
        let text = fault.to_string();
        match fault {
            Fault::UnknownEvent(_)
            | Fault::UnknownMember(_)
            | Fault::BadJti
            | Fault::TooManyRevocations
            | Fault::TooManyWebhooks(_)
            | Fault::TooManyInvites
            | Fault::TooManyTokens
            | Fault::UnknownToken(_) => Undone::No(text),
            Fault::Folder { .. }
            | Fault::InUse { .. }
            | Fault::Missing { .. }
            | Fault::Foreign
            | Fault::Newer
            | Fault::Older
            | Fault::NoEntry { .. }
            | Fault::Damaged(_)
            | Fault::Sqlite(_) => Undone::Fault(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn carry_out(store: &mut Store, request: &Request, now: Timestamp) -> Reply {
        super::carry_out(store, request, &programme::Settings::default(), now)
    }

    #[test]
    fn an_event_is_imported_and_its_links_withdrawn() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let import = Request::Import {
            text: programme::MODEL_EVENT.to_owned(),
        };
        let Reply::Ok(Done {
            event: Some(event), ..
        }) = carry_out(&mut store, &import, NOW)
        else {
            panic!("not imported");
        };
        let member = store.reading().event(&event).expect("kept").programme.seats[0]
            .member
            .clone();
        let revoke = Request::Revoke {
            event: event.clone(),
            jti: "abc".to_owned(),
        };
        let revoke_member = Request::RevokeMember {
            event: event.clone(),
            member,
        };
        for (request, revoked_at) in [(revoke, None), (revoke_member, Some(NOW))] {
            let done = Done {
                revoked_at,
                ..Done::default()
            };
            assert_eq!(carry_out(&mut store, &request, NOW), Reply::Ok(done));
        }
        let kept = store.reading().event(&event).expect("kept");
        let revocations = store.reading().revocations(&event).expect("kept");
        let mut grant = kept
            .guests(&revocations)
            .grant(&kept.programme.seats[1], kept.validity());
        assert!(!revocations.covers(&grant));
        grant.jti = "abc".to_owned();
        assert!(revocations.covers(&grant));
    }

    #[test]
    fn an_event_beyond_the_limits_is_not_imported() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let import = Request::Import {
            text: programme::MODEL_EVENT.to_owned(),
        };
        let limits = programme::Settings {
            days_max: 1,
            ..programme::Settings::default()
        };
        let reply = super::carry_out(&mut store, &import, &limits, NOW);
        let Reply::Error(Undone::No(why)) = &reply else {
            panic!("{reply:?}");
        };
        assert!(why.ends_with("an event has at most 1 days"), "{why}");
        assert!(store.reading().events().expect("read").is_empty());
    }

    #[test]
    fn what_cannot_be_is_answered_no() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let unknown = Request::Revoke {
            event: "nowhere".parse().expect("a slug"),
            jti: "abc".to_owned(),
        };
        let faulty = Request::Import {
            text: "evnt = 1\n".to_owned(),
        };
        for request in [unknown, faulty] {
            let reply = carry_out(&mut store, &request, NOW);
            assert!(matches!(reply, Reply::Error(Undone::No(_))), "{reply:?}");
        }
    }
}
