//! Who asks, and what they may.

use std::{collections::BTreeMap, sync::PoisonError};

use axum::http::HeaderMap;

use super::{
    Api,
    refusal::{forbidden, missing_scope, no_token, refused_link, refused_token, too_fast},
};
use crate::{
    auth::{LinkRefusal, Scope, TokenRefusal},
    http::{headers::bearer, problem::Problem},
    ids::EventId,
    meeting::roster::Role,
    signalling::{Rate, wire::Token},
    time::Timestamp,
};

/// Requests at once beyond the rate: a board that is opened asks for everything.
const BURST: u32 = 100;
/// Callers whose rate is remembered. Past it all are forgotten, and each may send a burst once more: it
/// takes as many tokens, which the organiser has given out.
const CALLERS_MAX: usize = 1000;

/// Somebody with a token that opens something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller {
    /// The one event.
    pub event: EventId,
    scopes: Vec<Scope>,
    /// The id of the token or of the invite.
    jti: String,
}

impl Caller {
    /// Who sends these headers.
    pub fn of(api: &Api, headers: &HeaderMap) -> Result<Self, Problem> {
        let text = bearer(headers).ok_or_else(no_token)?;
        let now = api.signalling.time();
        let caller = match api.desk.tokens.verify(&api.desk.key, text, now) {
            Ok(token) => Self {
                event: token.event,
                scopes: token.scopes,
                jti: token.jti,
            },
            // Not one of the API's: perhaps an organiser's link.
            Err(refusal @ TokenRefusal::Invalid) => {
                let granted = api.signalling.granted(&Token(text.to_owned()));
                let grant = granted.map_err(|link| match link {
                    LinkRefusal::Invalid => refused_token(refusal),
                    LinkRefusal::Expired
                    | LinkRefusal::NotYet
                    | LinkRefusal::Revoked
                    | LinkRefusal::UsedUp
                    | LinkRefusal::Uncounted => refused_link(link),
                })?;
                if grant.role != Role::Organiser {
                    return Err(forbidden(
                        "of invite links only an organiser's opens the API",
                    ));
                }
                // Requests come from no device that could be counted.
                if grant.uses.is_some() {
                    return Err(forbidden(
                        "an invite link of limited use does not open the API: take one without a \
                         limit, or a token made with `roundtable token`",
                    ));
                }
                Self {
                    event: grant.event,
                    scopes: Scope::ALL.to_vec(),
                    jti: grant.jti,
                }
            }
            Err(refusal @ (TokenRefusal::Expired | TokenRefusal::Revoked)) => {
                return Err(refused_token(refusal));
            }
        };
        let mut rates = api.rates.lock().unwrap_or_else(PoisonError::into_inner);
        if rates.take(&caller.jti, now) {
            Ok(caller)
        } else {
            Err(too_fast())
        }
    }

    /// Whether this may be done.
    pub fn may(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.contains(&scope) {
            Ok(())
        } else {
            Err(missing_scope(scope))
        }
    }

    /// Whether everything may be done, as by an organiser.
    pub fn may_all(&self) -> bool {
        Scope::ALL.iter().all(|scope| self.scopes.contains(scope))
    }

    /// Whether this event may be touched. The answer is the same for one that is not there.
    pub fn opens(&self, event: &str) -> Result<(), Problem> {
        if self.event.as_str() == event {
            Ok(())
        } else {
            Err(forbidden(format!(
                "this token is for the event {}",
                self.event
            )))
        }
    }
}

/// How fast each caller asks.
pub(super) struct Rates {
    per_s: u32,
    callers: BTreeMap<String, Rate>,
}

impl Rates {
    pub fn new(per_s: u32) -> Self {
        Self {
            per_s,
            callers: BTreeMap::new(),
        }
    }

    /// Takes a request's place; whether there was one.
    fn take(&mut self, jti: &str, now: Timestamp) -> bool {
        if self.callers.len() >= CALLERS_MAX && !self.callers.contains_key(jti) {
            self.callers.clear();
        }
        let per_s = self.per_s;
        let rate = self
            .callers
            .entry(jti.to_owned())
            .or_insert_with(|| Rate::new(per_s, BURST.max(per_s), now));
        rate.take(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_its_own_rate() {
        let mut rates = Rates::new(1);
        let now = Timestamp(0);
        for _ in 0..BURST {
            assert!(rates.take("a", now));
        }
        assert!(!rates.take("a", now));
        assert!(rates.take("b", now));
        for number in 0..CALLERS_MAX {
            rates.take(&number.to_string(), now);
        }
        assert!(rates.callers.len() <= CALLERS_MAX);
    }
}
