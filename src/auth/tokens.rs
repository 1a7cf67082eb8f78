//! Tokens of the organiser's API: what each may do, for one event; how they are made and end.
//!
//! Signed with the key of the invites, for another audience: an invite never passes for one, and one
//! never opens a room. Beside the signature a token must be known: it has been kept when it was made
//! ([`Tokens`]), so that all of them can be listed, and each can be revoked.

use std::{
    collections::BTreeMap,
    fmt,
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jsonwebtoken::{Header, Validation};
use serde::{Deserialize, Serialize};

use super::{
    Invites,
    invites::{ISSUER, TOKEN_BYTES_MAX, seconds},
};
use crate::{ids::EventId, time::Timestamp};

/// Whom these tokens are for. An invite has no audience.
const AUDIENCE: &str = "roundtable-api";

/// Something that a token may do.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Read the event, its sessions, members, live state and checks.
    Read,
    /// Change the event, its sessions and its roster.
    Write,
    /// List, make and revoke invites.
    Invites,
    /// Read the record.
    Record,
    /// List, make and end webhooks.
    Webhooks,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 5] = [
        Scope::Read,
        Scope::Write,
        Scope::Invites,
        Scope::Record,
        Scope::Webhooks,
    ];

    /// The scope's word in tokens and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Invites => "invites",
            Scope::Record => "record",
            Scope::Webhooks => "webhooks",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A text that is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no scope: write read, write, invites, record or webhooks")]
pub struct NotAScope(String);

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, NotAScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| NotAScope(text.to_owned()))
    }
}

/// What a token grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// The one event.
    pub event: EventId,
    /// What may be done with it.
    pub scopes: Vec<Scope>,
    /// The token's own id, by which it is listed and revoked.
    pub jti: String,
    /// When it was made, a whole second.
    pub minted: Timestamp,
    /// The end of its validity, a whole second.
    pub expires: Timestamp,
}

/// A token as it is kept: never the token itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptToken {
    /// What it grants.
    pub token: ApiToken,
    /// What its maker called it.
    pub note: String,
    /// Since when it opens nothing, if it was revoked.
    pub revoked: Option<Timestamp>,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// Damaged, or not one of the API's.
    #[error("this is no token of this server's API: make one with `roundtable token`")]
    Invalid,
    /// Its time is over.
    #[error("this token has expired: make another with `roundtable token`")]
    Expired,
    /// Revoked by the organiser.
    #[error("this token was revoked: make another with `roundtable token`")]
    Revoked,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    event: EventId,
    /// Words with spaces between (RFC 8693 section 4.2).
    scope: String,
    jti: String,
    /// Seconds since 1970.
    iat: i64,
    exp: i64,
}

impl Invites {
    /// The signed text of a token.
    pub fn mint_token(&self, token: &ApiToken) -> String {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            event: token.event.clone(),
            scope: scopes.join(" "),
            jti: token.jti.clone(),
            iat: seconds(token.minted),
            exp: seconds(token.expires),
        };
        jsonwebtoken::encode(&Header::new(self.algorithm), &claims, &self.signing)
            .expect("the key was parsed for this algorithm, and such claims always are JSON")
    }

    /// What a token's text says, where the signature is right. Whether it is known and still good is
    /// for [`Tokens`] to say.
    fn read_token(&self, text: &str) -> Option<ApiToken> {
        if text.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let mut validation = Validation::new(self.algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "exp"]);
        // This would read the system's clock; it is compared with an argument.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(text, &self.checking, &validation)
            .ok()?
            .claims;
        let scopes = claims.scope.split(' ').map(str::parse);
        Some(ApiToken {
            event: claims.event,
            scopes: scopes.collect::<Result<_, _>>().ok()?,
            jti: claims.jti,
            minted: Timestamp(claims.iat.saturating_mul(1000)),
            expires: Timestamp(claims.exp.saturating_mul(1000)),
        })
    }
}

/// The tokens that a running server knows. `store` keeps and bounds them.
#[derive(Debug, Default)]
pub struct Tokens {
    /// By id: whether it is good.
    known: Mutex<BTreeMap<String, bool>>,
}

impl Tokens {
    /// Those that have been kept.
    pub fn new(kept: &[KeptToken]) -> Self {
        let known = kept
            .iter()
            .map(|kept| (kept.token.jti.clone(), kept.revoked.is_none()));
        Self {
            known: Mutex::new(known.collect()),
        }
    }

    /// A token was made, and kept.
    pub fn note(&self, jti: &str) {
        self.lock().entry(jti.to_owned()).or_insert(true);
    }

    /// A token was revoked.
    pub fn revoke(&self, jti: &str) {
        self.lock().insert(jti.to_owned(), false);
    }

    /// What a text grants now.
    ///
    /// # Errors
    /// Where it grants nothing, or no longer.
    pub fn verify(
        &self,
        key: &Invites,
        text: &str,
        now: Timestamp,
    ) -> Result<ApiToken, TokenRefusal> {
        let token = key.read_token(text).ok_or(TokenRefusal::Invalid)?;
        match self.lock().get(&token.jti) {
            None => Err(TokenRefusal::Invalid),
            Some(false) => Err(TokenRefusal::Revoked),
            Some(true) if now >= token.expires => Err(TokenRefusal::Expired),
            Some(true) => Ok(token),
        }
    }

    /// A panic elsewhere leaves the table as whole as it was: each change is one step.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, bool>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::{GuestList, LinkRefusal, Revocations, SECRET_BYTES_MIN, Validity},
        meeting::roster::{Role, Seat},
    };

    const NOW: Timestamp = Timestamp(1_500_000_000);

    fn key() -> Invites {
        Invites::hs256(&[7; SECRET_BYTES_MIN]).expect("a secret")
    }

    fn token() -> ApiToken {
        ApiToken {
            event: "e".parse().expect("a slug"),
            scopes: vec![Scope::Read, Scope::Invites],
            jti: "one".to_owned(),
            minted: Timestamp(1_000_000_000),
            expires: Timestamp(2_000_000_000),
        }
    }

    fn kept(revoked: Option<Timestamp>) -> Tokens {
        Tokens::new(&[KeptToken {
            token: token(),
            note: String::new(),
            revoked,
        }])
    }

    #[test]
    fn a_token_grants_what_it_was_made_for_while_it_is_good() {
        let text = key().mint_token(&token());
        let verify = |tokens: &Tokens, now| tokens.verify(&key(), &text, now);
        assert_eq!(verify(&kept(None), NOW), Ok(token()));
        let end = Timestamp(2_000_000_000);
        assert_eq!(verify(&kept(None), end), Err(TokenRefusal::Expired));
        assert_eq!(verify(&kept(Some(NOW)), NOW), Err(TokenRefusal::Revoked));
        assert_eq!(
            verify(&Tokens::default(), NOW),
            Err(TokenRefusal::Invalid),
            "one that was never kept is not known"
        );
        let live = Tokens::default();
        live.note("one");
        assert_eq!(verify(&live, NOW), Ok(token()));
        live.revoke("one");
        live.note("one");
        assert_eq!(verify(&live, NOW), Err(TokenRefusal::Revoked));
    }

    #[test]
    fn a_token_is_no_invite_and_an_invite_is_no_token() {
        let seat = Seat {
            member: "a-1".parse().expect("a slug"),
            name: String::new(),
            role: Role::Organiser,
            delegation: "a".parse().expect("a slug"),
        };
        let (event, revocations) = (token().event, Revocations::default());
        let guests = GuestList {
            event: &event,
            seats: std::slice::from_ref(&seat),
            revocations: &revocations,
        };
        let validity = Validity {
            not_before: Timestamp(1_000_000_000),
            expires: Timestamp(2_000_000_000),
            uses: None,
        };
        let grant = guests.grant(&seat, validity);
        let tokens = kept(None);
        tokens.note(&grant.jti);
        let invite = key().mint(&grant);
        assert!(key().verify(&invite, NOW, &guests).is_ok());
        let refused = tokens.verify(&key(), &invite, NOW);
        assert_eq!(refused, Err(TokenRefusal::Invalid));
        let text = key().mint_token(&token());
        assert_eq!(key().verify(&text, NOW, &guests), Err(LinkRefusal::Invalid));
    }

    #[test]
    fn a_token_damaged_anywhere_or_of_another_key_grants_nothing() {
        let text = key().mint_token(&token());
        for index in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[index] = if damaged[index] == b'A' { b'Q' } else { b'A' };
            let damaged = String::from_utf8(damaged).expect("ASCII");
            let refused = kept(None).verify(&key(), &damaged, NOW);
            assert_eq!(refused, Err(TokenRefusal::Invalid), "byte {index}");
        }
        let other = Invites::hs256(&[8; SECRET_BYTES_MIN]).expect("a secret");
        let refused = kept(None).verify(&other, &text, NOW);
        assert_eq!(refused, Err(TokenRefusal::Invalid));
    }
}
