//! SHELL. The resources behind the URLs that were given out, and the ICE session of each.

use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use axum::http::{HeaderValue, StatusCode};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use dashmap::DashMap;
use tokio::sync::Mutex;

use super::super::problem::Problem;
use crate::{ids::SessionId, room::Purpose, signalling::call::Call};

/// Bytes of a resource's name: too many to be guessed.
const NAME_BYTES: usize = 16;

/// One peer connection that was made by a request.
pub(super) struct Resource {
    pub purpose: Purpose,
    pub session: SessionId,
    pub call: Call,
    pub ice: Mutex<Ice>,
}

/// The live resources. There are never more than the server takes connections.
#[derive(Default)]
pub(in crate::http) struct Calls {
    by_name: DashMap<String, Arc<Resource>>,
}

impl Calls {
    /// Keeps a call under a new name until it ends.
    pub(super) fn keep(
        self: &Arc<Self>,
        purpose: Purpose,
        session: SessionId,
        call: Call,
        ice: Ice,
    ) -> Result<String, Problem> {
        let mut bytes = [0; NAME_BYTES];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "no entropy"))?;
        let name = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let resource = Resource {
            purpose,
            session,
            call: call.clone(),
            ice: Mutex::new(ice),
        };
        self.by_name.insert(name.clone(), Arc::new(resource));
        let (calls, gone) = (Arc::clone(self), name.clone());
        tokio::spawn(async move {
            call.ended().await;
            calls.by_name.remove(&gone);
        });
        Ok(name)
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<Resource>> {
        let found = self.by_name.get(name)?;
        Some(Arc::clone(found.value()))
    }
}

/// The ICE session that a resource is in; an entity tag names it.
pub(super) struct Ice {
    number: u64,
    remote_ufrag: String,
    mid: Option<String>,
}

impl Ice {
    /// The first one, of an offer with this user fragment and this first section.
    pub fn new(remote_ufrag: String, mid: Option<String>) -> Self {
        Self {
            number: 1,
            remote_ufrag,
            mid,
        }
    }

    /// The next one.
    pub fn restarted(&mut self, remote_ufrag: String) {
        self.number = self.number.saturating_add(1);
        self.remote_ufrag = remote_ufrag;
    }

    pub fn remote_ufrag(&self) -> &str {
        &self.remote_ufrag
    }

    pub fn mid(&self) -> &str {
        self.mid.as_deref().unwrap_or("0")
    }

    pub fn tag(&self) -> String {
        format!("\"{}\"", self.number)
    }

    /// RFC 9725 section 4.3.1: candidates name the session that they are for, a restart says `*`.
    pub fn check(&self, condition: Option<&HeaderValue>) -> Result<(), Problem> {
        let Some(condition) = condition.and_then(|value| value.to_str().ok()) else {
            let detail = "If-Match is required: the ETag of the ICE session, or * for a restart";
            return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, detail));
        };
        let tag = self.tag();
        let matches = condition
            .split(',')
            .map(str::trim)
            // Some clients quote the asterisk, as the examples of the drafts did.
            .any(|one| one == tag || one == "*" || one == "\"*\"");
        if matches {
            Ok(())
        } else {
            let detail = "If-Match is not the ETag of the present ICE session";
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_names_the_present_session_or_any() {
        let mut ice = Ice::new("abcd".to_owned(), None);
        let first = ice.tag();
        let status = |ice: &Ice, text: &str| {
            let value = HeaderValue::from_str(text).expect("a header");
            let checked = ice.check(Some(&value));
            checked.map_err(|problem| problem.status())
        };
        for good in [first.as_str(), "*", "\"*\"", "\"0\", \"1\""] {
            assert_eq!(status(&ice, good), Ok(()), "{good}");
        }
        ice.restarted("efgh".to_owned());
        for stale in [first.as_str(), "1", "W/\"2\"", ""] {
            let failed = Err(StatusCode::PRECONDITION_FAILED);
            assert_eq!(status(&ice, stale), failed, "{stale}");
        }
        let missing = ice.check(None).map_err(|problem| problem.status());
        assert_eq!(missing, Err(StatusCode::PRECONDITION_REQUIRED));
    }
}
