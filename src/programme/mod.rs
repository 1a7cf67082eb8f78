//! An event as its organiser wrote it: days, sessions, delegations, roster; the event file.
//!
//! Pure: it is given text and answers what is wrong with it. It must never know where the text
//! came from or where it is kept.

use crate::{
    ids::{DelegationId, EventId},
    meeting::{agenda::SessionPlan, roster::Seat},
};

/// A whole event.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Programme {
    /// The event's slug.
    pub id: EventId,
    /// What it is called.
    pub title: String,
    /// IANA name, such as `Asia/Jakarta`.
    pub time_zone: String,
    /// Countries and institutions.
    pub delegations: Vec<Delegation>,
    /// Everybody who may take part.
    pub seats: Vec<Seat>,
    /// The days in order.
    pub days: Vec<Day>,
}

/// A country or institution.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Delegation {
    /// Its slug.
    pub id: DelegationId,
    /// Its name.
    pub name: String,
}

/// One day of an event.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Day {
    /// ISO date in the event's time zone, such as `2020-11-19`.
    pub date: String,
    /// Its sessions in order.
    pub sessions: Vec<SessionPlan>,
}
