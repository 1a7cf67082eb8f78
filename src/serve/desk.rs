//! SHELL. What a running server does for a command line.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;

use super::{
    change,
    control::{Done, Reply, Request},
};
use crate::{auth::Tokens, clock::Clock, ids::EventId, programme, signalling, store::Store};

/// What a command line may ask of a running server.
pub(super) struct Desk {
    /// Shared with the journal's writer; each holds it for one transaction.
    pub store: Arc<Mutex<Store>>,
    pub event: EventId,
    pub public_url: String,
    pub context: Arc<signalling::Context>,
    /// The tokens of the API.
    pub tokens: Arc<Tokens>,
    /// Of an event that is imported.
    pub limits: programme::Settings,
    pub clock: Clock,
    /// Where the rooms run: this is called on a thread that may block.
    pub runtime: Handle,
}

impl Desk {
    /// Blocks for the disk's time.
    pub fn answer(&self, request: &Request) -> Reply {
        if *request == Request::Status {
            return Reply::Ok(Done {
                event: Some(self.event.clone()),
                public_url: Some(self.public_url.clone()),
                ..Done::default()
            });
        }
        // Each change is one transaction: a panic elsewhere has left none half done.
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let reply = change::carry_out(&mut store, request, &self.limits, self.clock.now());
        // What follows waits for rooms, and a room may be waiting for the journal.
        drop(store);
        if let Reply::Ok(done) = &reply {
            self.follow(request, done);
        }
        reply
    }

    /// Lets the running event follow what has been stored.
    fn follow(&self, request: &Request, done: &Done) {
        match request {
            Request::Revoke { event, jti } if *event == self.event => {
                let closed = self.runtime.block_on(self.context.revoke_link(jti));
                tracing::info!(closed, "a link was withdrawn");
            }
            Request::RevokeMember { event, member } if *event == self.event => {
                if let Some(at) = done.revoked_at {
                    let revoked = self.context.revoke_member(member, at);
                    let closed = self.runtime.block_on(revoked);
                    tracing::info!(%member, closed, "a member's links were withdrawn");
                }
            }
            Request::Import { .. } => {
                tracing::info!("an event was imported; it can be served from the next start on");
            }
            Request::KeepToken { token, .. } => {
                self.tokens.note(&token.jti);
                tracing::info!(jti = token.jti, event = %token.event, "a token of the API was made");
            }
            Request::RevokeToken { jti } => {
                self.tokens.revoke(jti);
                tracing::info!(jti, "a token of the API was revoked");
            }
            Request::KeepInvites { .. }
            | Request::Status
            | Request::Revoke { .. }
            | Request::RevokeMember { .. } => {}
        }
    }
}
