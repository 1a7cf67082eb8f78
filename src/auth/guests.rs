//! Who may be let in to an event, and which invite each seat has.

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{Grant, Revocations};
use crate::{
    ids::EventId,
    meeting::roster::Seat,
    time::{Millis, Timestamp},
};

/// Bytes of an invite's id: too many for two invites of an event to share one.
const JTI_BYTES: usize = 12;

/// Who may be let in to an event: what a token is verified against.
#[derive(Debug, Clone, Copy)]
pub struct GuestList<'a> {
    /// The event.
    pub event: &'a EventId,
    /// Its roster.
    pub seats: &'a [Seat],
    /// What its organiser has withdrawn.
    pub revocations: &'a Revocations,
}

/// When an event's invites are valid, and how often. The same validity gives the same invites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The beginning: by default when the event was first imported.
    pub not_before: Timestamp,
    /// The end: by default a day after the event's.
    pub expires: Timestamp,
    /// On how many devices each opens; none: on any number.
    pub uses: Option<u16>,
}

impl GuestList<'_> {
    /// The grants of every seat's present invite, in the order of the roster.
    pub fn grants(&self, validity: Validity) -> Vec<Grant> {
        let seats = self.seats.iter();
        seats.map(|seat| self.grant(seat, validity)).collect()
    }

    /// The grant of a seat's present invite.
    ///
    /// It follows from the seat and the validity alone, so that making the links again makes the
    /// same ones, and withdrawing one leaves no other that was made before. Only where it has been
    /// withdrawn does the next one differ.
    pub fn grant(&self, seat: &Seat, validity: Validity) -> Grant {
        let revoked_at = self.revocations.revoked_at(&seat.member);
        let after_revocation = revoked_at.map(|at| at + Millis::from_secs(1));
        let not_before =
            after_revocation.map_or(validity.not_before, |after| after.max(validity.not_before));
        let mut grant = Grant {
            event: self.event.clone(),
            member: seat.member.clone(),
            role: seat.role,
            jti: String::new(),
            not_before: whole_second(not_before),
            expires: whole_second(validity.expires),
            uses: validity.uses,
        };
        // Ends: there are no more rounds than ids withdrawn one by one, but for one in 64.
        for attempt in 0_u64.. {
            grant.jti = jti(&grant, attempt);
            // One that began with a hyphen would look like a flag to whoever withdraws it.
            if !grant.jti.starts_with('-') && !self.revocations.has_invite(&grant.jti) {
                break;
            }
        }
        grant
    }
}

fn jti(grant: &Grant, attempt: u64) -> String {
    let uses = grant.uses.map_or(String::new(), |uses| format!("{uses}/"));
    // Slugs and words have no `/`, so that no two invites are hashed as the same text.
    let text = format!(
        "{}/{}/{}/{}/{}/{uses}{attempt}",
        grant.event,
        grant.member,
        grant.role.as_str(),
        grant.not_before.0,
        grant.expires.0
    );
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    let head: Vec<u8> = hash.as_ref().iter().copied().take(JTI_BYTES).collect();
    BASE64_URL_SAFE_NO_PAD.encode(head)
}

fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp(time.0.saturating_sub(time.0.rem_euclid(1000)))
}
