//! Signs invites and verifies them: JSON Web Tokens of one pinned algorithm.
//!
//! Time is an argument. An invite ends exactly at `exp`; it begins [`EARLY_MS`] before `nbf`, as
//! the clock that wrote it may have been ahead of the server's.

use aws_lc_rs::{
    digest,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{Grant, Link, LinkRefusal, Revocations};
use crate::{
    ids::{EventId, MemberId},
    meeting::roster::{Role, Seat},
    time::{Millis, Timestamp},
};

/// Names the program, not the address: a server that moves keeps its links. Which server signed
/// is what the key proves.
const ISSUER: &str = "roundtable";
/// A longer token is refused unread; ours have some 400 bytes.
const TOKEN_BYTES_MAX: usize = 4096;
/// So long before its `nbf` an invite opens already.
const EARLY_MS: Millis = Millis::from_secs(60);
/// Bytes of an invite's id: too many for two invites of an event to share one.
const JTI_BYTES: usize = 12;
/// The shortest secret for HS256, in bytes: as long as its hash (RFC 7518 section 3.2).
pub const SECRET_BYTES_MIN: usize = 32;

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

/// When an event's invites are valid. The same validity gives the same invites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The beginning: by default when the event was first imported.
    pub not_before: Timestamp,
    /// The end: by default a day after the event's.
    pub expires: Timestamp,
}

/// Why a text cannot sign invites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// Not PEM, not PKCS#8, not Ed25519.
    #[error("not an Ed25519 private key in PKCS#8 PEM form")]
    Pem,
    /// Could be guessed.
    #[error("the secret for HS256 must have at least {SECRET_BYTES_MIN} bytes")]
    SecretLength,
}

/// The claims of a token, as RFC 7519 writes them.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: MemberId,
    event: EventId,
    role: Role,
    jti: String,
    /// Seconds since 1970.
    nbf: i64,
    /// Seconds since 1970.
    exp: i64,
}

/// Signs and verifies with one key.
pub struct Invites {
    algorithm: Algorithm,
    signing: EncodingKey,
    checking: DecodingKey,
}

impl Invites {
    /// With an Ed25519 private key, PKCS#8 in PEM: the default.
    pub fn ed25519(pem: &str) -> Result<Self, NotAKey> {
        let signing = EncodingKey::from_ed_pem(pem.as_bytes()).map_err(|_| NotAKey::Pem)?;
        let pair = Ed25519KeyPair::from_pkcs8(signing.as_bytes()).map_err(|_| NotAKey::Pem)?;
        Ok(Self {
            algorithm: Algorithm::EdDSA,
            checking: DecodingKey::from_ed_der(pair.public_key().as_ref()),
            signing,
        })
    }

    /// With a secret that another program shares, so that it can make invites too.
    pub fn hs256(secret: &[u8]) -> Result<Self, NotAKey> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err(NotAKey::SecretLength);
        }
        Ok(Self {
            algorithm: Algorithm::HS256,
            signing: EncodingKey::from_secret(secret),
            checking: DecodingKey::from_secret(secret),
        })
    }

    /// The signed token of a grant.
    pub fn mint(&self, grant: &Grant) -> String {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: grant.member.clone(),
            event: grant.event.clone(),
            role: grant.role,
            jti: grant.jti.clone(),
            nbf: seconds(grant.not_before),
            exp: seconds(grant.expires),
        };
        jsonwebtoken::encode(&Header::new(self.algorithm), &claims, &self.signing)
            .expect("the key was parsed for this algorithm, and such claims always are JSON")
    }

    /// What a token grants now, to somebody on the list.
    ///
    /// A member who is no longer on it, or has another role there, holds a withdrawn link.
    pub fn verify(
        &self,
        token: &str,
        now: Timestamp,
        guests: &GuestList<'_>,
    ) -> Result<Grant, LinkRefusal> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(LinkRefusal::Invalid);
        }
        let mut validation = Validation::new(self.algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["iss", "sub", "nbf", "exp"]);
        // These would read the system's clock; both are compared with `now` below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.checking, &validation)
            .map_err(|_| LinkRefusal::Invalid)?
            .claims;
        let grant = Grant {
            event: claims.event,
            member: claims.sub,
            role: claims.role,
            jti: claims.jti,
            not_before: Timestamp(claims.nbf.saturating_mul(1000)),
            expires: Timestamp(claims.exp.saturating_mul(1000)),
        };
        if grant.event != *guests.event {
            return Err(LinkRefusal::Invalid);
        }
        if now >= grant.expires {
            return Err(LinkRefusal::Expired);
        }
        if now + EARLY_MS < grant.not_before {
            return Err(LinkRefusal::NotYet);
        }
        let mut seats = guests.seats.iter();
        let seated = seats.any(|seat| seat.member == grant.member && seat.role == grant.role);
        if !seated || guests.revocations.covers(&grant) {
            return Err(LinkRefusal::Revoked);
        }
        Ok(grant)
    }

    /// A link for every seat, in the order of the roster.
    pub fn links(&self, guests: &GuestList<'_>, validity: Validity, public_url: &str) -> Vec<Link> {
        let link = |seat| {
            let grant = guests.grant(seat, validity);
            Link::new(seat, &grant, self.mint(&grant), public_url)
        };
        guests.seats.iter().map(link).collect()
    }
}

impl GuestList<'_> {
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
        };
        // One round more than the seat's invites withdrawn one by one: this ends.
        for attempt in 0_u64.. {
            grant.jti = jti(&grant, attempt);
            if !self.revocations.has_invite(&grant.jti) {
                break;
            }
        }
        grant
    }
}

fn jti(grant: &Grant, attempt: u64) -> String {
    // Slugs and words have no `/`, so that no two invites are hashed as the same text.
    let text = format!(
        "{}/{}/{}/{}/{}/{attempt}",
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

fn seconds(time: Timestamp) -> i64 {
    time.0.div_euclid(1000)
}

fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp(seconds(time).saturating_mul(1000))
}
