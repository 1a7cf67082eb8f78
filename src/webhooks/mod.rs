//! Webhooks: a program of the organiser's is told what happens in the sessions by signed HTTP requests, as
//! Standard Webhooks says (<https://www.standardwebhooks.com>): each event once at least, under an id that
//! stays, and in each session in order.
//!
//! There is no second queue beside the journal: what a subscription has not been told yet is what its session's
//! journal has after its place, so nothing piles up however long a receiver is away, and a start goes on
//! where the last one ended. This module must never know who may subscribe, nor what an event means.
//!
//! | file | what it does |
//! |---|---|
//! | `filter` | which events a subscription is for |
//! | `target` | which URLs and addresses may be posted to |
//! | `signing` | the secret, and the signature that a receiver checks |
//! | `message` | an event as its receiver gets it |
//! | `queue` | what is read, sent and tried again next; pure |
//! | `post` | SHELL: one delivery |
//! | `task` | SHELL: follows the journal, has deliveries made, keeps how far each is |
//! | `desk` | what an organiser asks for: subscribe, list, resume, end |

mod desk;
mod filter;
mod message;
mod post;
mod queue;
mod signing;
mod target;
mod task;

use serde::{Deserialize, Serialize};

use crate::time::Millis;

pub use self::{
    desk::{Desk, Hook, Refused, Wanted},
    filter::NotAType,
    target::NotATarget,
    task::{Delivering, Parts, start},
};

/// How organisers' programs are told what happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Subscriptions of an event at most.
    pub subscriptions_max: u32,
    /// The longest URL, in bytes.
    pub url_bytes_max: usize,
    /// Names of types in a subscription at most.
    pub types_max: usize,
    /// Receivers may be at addresses that are not public.
    pub private_addresses: bool,
    /// Time for a delivery, from the look-up of the name to the status, in milliseconds.
    pub timeout_ms: Millis,
    /// How much of an answer's body is read, in bytes.
    pub answer_bytes_max: usize,
    /// The pause after the first failure, to deliver or to read the store, in milliseconds; each further one
    /// doubles it.
    pub retry_first_ms: Millis,
    /// The longest pause, in milliseconds.
    pub retry_longest_ms: Millis,
    /// After so long without success a subscription is given up, in milliseconds.
    pub give_up_ms: Millis,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            subscriptions_max: 16,
            url_bytes_max: 2048,
            types_max: 100,
            private_addresses: false,
            timeout_ms: Millis::from_secs(10),
            answer_bytes_max: 16 * 1024,
            retry_first_ms: Millis::from_secs(5),
            retry_longest_ms: Millis::from_secs(15 * 60),
            give_up_ms: Millis::from_secs(3 * 24 * 60 * 60),
        }
    }
}
