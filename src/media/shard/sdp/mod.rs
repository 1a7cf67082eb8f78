//! Session descriptions: a client's offer read into what a peer needs, and the one answer.
//!
//! The client always offers (RFC 8829), the server always answers, once. This module must never
//! know sockets, keys in use or what a slot carries; it turns text into values and back.

mod answer;
mod offer;

pub use answer::{Local, Part, Receiving, Slot, answer};
pub use offer::{
    Codec, Direction, Encoding, Extensions, Offer, Rtx, Section, check_credentials, read,
};

/// Whether an offer is within what the server reads, in bytes.
pub const OFFER_BYTES_MAX: usize = 60 * 1024;
/// Media sections of an offer at most; more are an error, not silently dropped.
pub const SECTIONS_MAX: usize = 64;
/// Simulcast layers of one section at most; browsers send three.
pub const LAYERS_MAX: usize = 3;
