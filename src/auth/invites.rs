//! Signs invites and verifies them: JSON Web Tokens of one pinned algorithm.
//!
//! Time is an argument. An invite ends exactly at `exp`; it begins [`EARLY_MS`] before `nbf`, as
//! the clock that wrote it may have been ahead of the server's.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{Grant, GuestList, Link, LinkRefusal, Validity};
use crate::{
    ids::{EventId, MemberId},
    meeting::roster::Role,
    time::{Millis, Timestamp},
};

/// Names the program, not the address: a server that moves keeps its links. Which server signed
/// is what the key proves.
pub(super) const ISSUER: &str = "roundtable";
/// A longer token is refused unread; ours have some 400 bytes.
pub(super) const TOKEN_BYTES_MAX: usize = 4096;
/// The highest limit of an invite's use. Past it the invite is none of ours: a limited link makes the
/// store keep as many devices.
pub const USES_MAX: u16 = 1000;
/// So long before its `nbf` an invite opens already.
const EARLY_MS: Millis = Millis::from_secs(60);
/// The shortest secret for HS256, in bytes: as long as its hash (RFC 7518 section 3.2).
pub const SECRET_BYTES_MIN: usize = 32;

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
    /// On how many devices it opens, 1 to [`USES_MAX`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uses: Option<u16>,
}

/// Signs and verifies with one key.
pub struct Invites {
    pub(super) algorithm: Algorithm,
    pub(super) signing: EncodingKey,
    pub(super) checking: DecodingKey,
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
            uses: grant.uses,
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
            uses: claims.uses,
        };
        let possible = grant.uses.is_none_or(|uses| (1..=USES_MAX).contains(&uses));
        if grant.event != *guests.event || !possible {
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

pub(super) fn seconds(time: Timestamp) -> i64 {
    time.0.div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;
    use crate::{
        auth::{Revocations, key_file::to_pem},
        ids::DelegationId,
        meeting::roster::Seat,
    };

    const SECRET: [u8; SECRET_BYTES_MIN] = [7; SECRET_BYTES_MIN];
    const VALIDITY: Validity = Validity {
        not_before: Timestamp(1_000_000_400),
        expires: Timestamp(2_000_000_900),
        uses: None,
    };
    const NOW: Timestamp = Timestamp(1_500_000_000);

    /// An event with two seats, and what has been withdrawn.
    struct Event {
        id: EventId,
        seats: Vec<Seat>,
        revocations: Revocations,
    }

    impl Event {
        fn new(id: &str) -> Self {
            let seat = |member: &str, role| Seat {
                member: member.parse().expect("a slug"),
                name: String::new(),
                role,
                delegation: "a".parse::<DelegationId>().expect("a slug"),
            };
            Self {
                id: id.parse().expect("a slug"),
                seats: vec![seat("a-1", Role::Chair), seat("a-2", Role::Delegate)],
                revocations: Revocations::default(),
            }
        }

        fn guests(&self) -> GuestList<'_> {
            GuestList {
                event: &self.id,
                seats: &self.seats,
                revocations: &self.revocations,
            }
        }

        /// The present grant of the delegate.
        fn grant(&self) -> Grant {
            self.guests().grant(&self.seats[1], VALIDITY)
        }
    }

    /// The key file of a server, the same for the same seed.
    fn key(seed: u8) -> String {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a key");
        to_pem(pair.to_pkcs8v1().expect("PKCS#8").as_ref())
    }

    fn invites() -> Invites {
        Invites::ed25519(&key(1)).expect("a key")
    }

    /// What the event's delegate gets with a token now.
    fn verify(token: &str) -> Result<Grant, LinkRefusal> {
        invites().verify(token, NOW, &Event::new("e").guests())
    }

    /// A token of the delegate's claims with another header, signed as it is told.
    fn forged(header: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
        let good = invites().mint(&Event::new("e").grant());
        let claims = good.split('.').nth(1).expect("claims");
        let message = format!("{}.{claims}", BASE64_URL_SAFE_NO_PAD.encode(header));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    fn hmac_sha256(key: &[u8]) -> impl FnOnce(&[u8]) -> Vec<u8> {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
        move |message| aws_lc_rs::hmac::sign(&key, message).as_ref().to_vec()
    }

    #[test]
    fn a_minted_token_grants_what_was_granted() {
        let event = Event::new("e");
        let grant = event.grant();
        for invites in [invites(), Invites::hs256(&SECRET).expect("a secret")] {
            let token = invites.mint(&grant);
            assert_eq!(
                invites.verify(&token, NOW, &event.guests()),
                Ok(grant.clone())
            );
        }
        assert_eq!(grant.not_before, Timestamp(1_000_000_000));
        assert_eq!(grant.expires, Timestamp(2_000_000_000));
    }

    #[test]
    fn the_claims_are_those_of_the_specification() {
        let token = invites().mint(&Event::new("e").grant());
        let part = |index| {
            let part = token.split('.').nth(index).expect("a part");
            let json = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64");
            serde_json::from_slice::<serde_json::Value>(&json).expect("JSON")
        };
        let jti = Event::new("e").grant().jti;
        let claims = serde_json::json!({
            "iss": "roundtable", "sub": "a-2", "event": "e", "role": "delegate",
            "jti": jti, "nbf": 1_000_000, "exp": 2_000_000,
        });
        assert_eq!(part(1), claims);
        assert_eq!(part(0), serde_json::json!({"typ": "JWT", "alg": "EdDSA"}));
        assert_eq!(jti.len(), 16);
    }

    #[test]
    fn a_token_damaged_anywhere_is_invalid() {
        let token = invites().mint(&Event::new("e").grant());
        assert!(verify(&token).is_ok());
        for index in 0..token.len() {
            let mut damaged = token.clone().into_bytes();
            // Another letter of the alphabet, so that what breaks is the signature, not base64.
            damaged[index] = if damaged[index] == b'A' { b'Q' } else { b'A' };
            let damaged = String::from_utf8(damaged).expect("ASCII");
            assert_eq!(verify(&damaged), Err(LinkRefusal::Invalid), "byte {index}");
        }
        let long = token.clone() + &"A".repeat(TOKEN_BYTES_MAX);
        for text in ["", ".", "..", "a.b.c", "é", &token[1..], long.as_str()] {
            assert_eq!(verify(text), Err(LinkRefusal::Invalid), "{text}");
        }
    }

    #[test]
    fn only_the_pinned_algorithm_is_taken() {
        let public = invites()
            .checking
            .try_get_as_bytes()
            .expect("bytes")
            .to_vec();
        // The fixed head of an Ed25519 public key in DER (RFC 8410 section 4).
        let der = [
            b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".as_slice(),
            &public,
        ]
        .concat();
        let base64 = base64::prelude::BASE64_STANDARD.encode(der);
        let public_pem =
            format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
        let attempts = [
            forged(r#"{"alg":"none"}"#, |_| Vec::new()),
            forged(r#"{"alg":"None"}"#, |_| Vec::new()),
            forged(r#"{"typ":"JWT"}"#, |_| Vec::new()),
            // The public key taken for a secret, raw and as the file that people have.
            forged(r#"{"alg":"HS256"}"#, hmac_sha256(&public)),
            forged(r#"{"alg":"HS256"}"#, hmac_sha256(public_pem.as_bytes())),
            forged(r#"{"alg":"HS256"}"#, hmac_sha256(b"")),
            forged(r#"{"alg":"EdDSA"}"#, |_| vec![0; 64]),
        ];
        for token in attempts {
            assert_eq!(verify(&token), Err(LinkRefusal::Invalid), "{token}");
        }
        // The forging itself is right: signed with the key, the same message opens.
        let pair = Ed25519KeyPair::from_pkcs8(invites().signing.as_bytes()).expect("a key");
        let right = forged(r#"{"alg":"EdDSA"}"#, |message| {
            pair.sign(message).as_ref().to_vec()
        });
        assert!(verify(&right).is_ok());

        let event = Event::new("e");
        let by_secret = Invites::hs256(&SECRET).expect("a secret");
        let refused = by_secret.verify(&right, NOW, &event.guests());
        assert_eq!(refused, Err(LinkRefusal::Invalid));
        let right = forged(r#"{"alg":"HS256"}"#, hmac_sha256(&SECRET));
        assert!(by_secret.verify(&right, NOW, &event.guests()).is_ok());
    }

    #[test]
    fn another_servers_token_is_invalid() {
        let event = Event::new("e");
        let other = Invites::ed25519(&key(2)).expect("a key");
        assert_eq!(
            verify(&other.mint(&event.grant())),
            Err(LinkRefusal::Invalid)
        );
        let other = Invites::hs256(&[8; SECRET_BYTES_MIN]).expect("a secret");
        let ours = Invites::hs256(&SECRET).expect("a secret");
        let refused = ours.verify(&other.mint(&event.grant()), NOW, &event.guests());
        assert_eq!(refused, Err(LinkRefusal::Invalid));
    }

    #[test]
    fn a_signed_token_lacking_a_claim_or_of_another_issuer_is_invalid() {
        let invites = invites();
        let all = serde_json::json!({
            "iss": "roundtable", "sub": "a-2", "event": "e", "role": "delegate",
            "jti": "x", "nbf": 1_000_000, "exp": 2_000_000,
        });
        let sign = |claims: &serde_json::Value| {
            let header = Header::new(Algorithm::EdDSA);
            jsonwebtoken::encode(&header, claims, &invites.signing).expect("a token")
        };
        assert!(verify(&sign(&all)).is_ok());
        for claim in ["iss", "sub", "event", "role", "jti", "nbf", "exp"] {
            let mut lacking = all.clone();
            lacking.as_object_mut().expect("claims").remove(claim);
            assert_eq!(
                verify(&sign(&lacking)),
                Err(LinkRefusal::Invalid),
                "{claim}"
            );
        }
        for (claim, value) in [("iss", "other"), ("sub", "../a"), ("role", "king")] {
            let mut other = all.clone();
            other[claim] = value.into();
            assert_eq!(verify(&sign(&other)), Err(LinkRefusal::Invalid), "{claim}");
        }
    }

    #[test]
    fn another_events_token_is_invalid() {
        let token = invites().mint(&Event::new("other").grant());
        assert_eq!(verify(&token), Err(LinkRefusal::Invalid));
    }

    #[test]
    fn a_link_opens_a_minute_early_and_ends_to_the_millisecond() {
        let event = Event::new("e");
        let token = invites().mint(&event.grant());
        let at = |ms| {
            let verified = invites().verify(&token, Timestamp(ms), &event.guests());
            verified.map(|_| ())
        };
        assert_eq!(at(1_000_000_000 - 60_001), Err(LinkRefusal::NotYet));
        assert_eq!(at(1_000_000_000 - 60_000), Ok(()));
        assert_eq!(at(2_000_000_000 - 1), Ok(()));
        assert_eq!(at(2_000_000_000), Err(LinkRefusal::Expired));
        assert_eq!(at(i64::MIN), Err(LinkRefusal::NotYet));
        assert_eq!(at(i64::MAX), Err(LinkRefusal::Expired));
    }

    #[test]
    fn a_withdrawn_link_opens_nothing_and_the_next_one_does() {
        let mut event = Event::new("e");
        let first = event.grant();
        event.revocations.revoke_invite(first.jti.clone());
        let refused = invites().verify(&invites().mint(&first), NOW, &event.guests());
        assert_eq!(refused, Err(LinkRefusal::Revoked));

        let second = event.grant();
        assert_ne!(second.jti, first.jti);
        let token = invites().mint(&second);
        assert_eq!(
            invites().verify(&token, NOW, &event.guests()),
            Ok(second.clone())
        );

        event.revocations.revoke_invite(second.jti);
        let third = event.grant().jti;
        assert!(third != first.jti && !event.revocations.has_invite(&third));
    }

    #[test]
    fn a_withdrawn_members_links_open_nothing_until_new_ones_are_made() {
        let mut event = Event::new("e");
        let first = invites().mint(&event.grant());
        let delegate = event.seats[1].member.clone();
        event.revocations.revoke_member(delegate.clone(), NOW);
        // An earlier withdrawal that is heard of later takes nothing back.
        event.revocations.revoke_member(delegate, Timestamp(0));
        let verify = |token: &str| invites().verify(token, NOW, &event.guests());
        assert_eq!(verify(&first), Err(LinkRefusal::Revoked));
        assert_eq!(verify(&invites().mint(&event.grant())), Ok(event.grant()));

        let chair = event.guests().grant(&event.seats[0], VALIDITY);
        assert_eq!(verify(&invites().mint(&chair)), Ok(chair));
    }

    #[test]
    fn a_member_off_the_roster_or_of_another_role_holds_a_withdrawn_link() {
        let mut event = Event::new("e");
        let token = invites().mint(&event.grant());
        event.seats[1].role = Role::Observer;
        let refused = invites().verify(&token, NOW, &event.guests());
        assert_eq!(refused, Err(LinkRefusal::Revoked));
        event.seats.pop();
        let refused = invites().verify(&token, NOW, &event.guests());
        assert_eq!(refused, Err(LinkRefusal::Revoked));
    }

    #[test]
    fn links_made_again_are_the_same_and_each_seats_differs() {
        let event = Event::new("e");
        let links = || invites().links(&event.guests(), VALIDITY, "https://x.example/");
        assert_eq!(links(), links());
        assert_eq!(links().len(), 2);
        assert_ne!(links()[0].jti, links()[1].jti);
        let later = Validity {
            expires: Timestamp(3_000_000_000),
            ..VALIDITY
        };
        let again = invites().links(&event.guests(), later, "https://x.example/");
        assert_ne!(again[0].jti, links()[0].jti);
        assert_ne!(Event::new("other").grant().jti, event.grant().jti);
    }

    #[test]
    fn a_limited_link_is_another_and_says_its_limit() {
        let event = Event::new("e");
        let limited = |uses| Validity {
            uses: Some(uses),
            ..VALIDITY
        };
        let grant = event.guests().grant(&event.seats[1], limited(3));
        assert_eq!(verify(&invites().mint(&grant)), Ok(grant.clone()));
        assert_ne!(grant.jti, event.grant().jti);
        for uses in [0, USES_MAX + 1] {
            let grant = event.guests().grant(&event.seats[1], limited(uses));
            let refused = verify(&invites().mint(&grant));
            assert_eq!(refused, Err(LinkRefusal::Invalid), "{uses}");
        }
    }

    #[test]
    fn no_links_id_looks_like_a_flag() {
        for n in 0..500 {
            let jti = Event::new(&format!("e{n}")).grant().jti;
            assert!(!jti.starts_with('-'), "{jti}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let refused = |pem: &str| Invites::ed25519(pem).err();
        let key = key(1);
        let public = key.replace("PRIVATE", "PUBLIC");
        for pem in ["", "key", &key[..60], &public] {
            assert_eq!(refused(pem), Some(NotAKey::Pem), "{pem}");
        }
        let short = Invites::hs256(&SECRET[1..]).err();
        assert_eq!(short, Some(NotAKey::SecretLength));
    }
}
