//! Lean receivers: participants of the back rows, who see and hear like the others and cost a
//! fraction of them.
//!
//! A whole peer connection of the `webrtc` crate costs several times what the server spends on it, so
//! that a few dozen of them fill the machine that is to fill the server. These speak the same
//! protocols to the same server, ICE, DTLS, SRTP and RTCP, and leave out all that nobody looks at:
//! they send nothing but their own checks, reports, feedback and requests, and one thread serves all.
//!
//! | file | what it does |
//! |---|---|
//! | `crowd` | SHELL: the thread, its sockets, its clock |
//! | `waiting` | SHELL: the kernel's lists of readable sockets and of what has come |
//! | `receiver` | one receiver as a pure state machine: datagrams in, datagrams out |
//! | `offer` | its SDP: what it offers, what it reads in the answer |
//! | `stun` | connectivity checks |
//! | `handshake`, `keys` | DTLS and what it exports: SRTP |
//! | `slot` | one stream: what is missing, what is reported |
//! | `wide` | transport-wide feedback |

mod crowd;
mod handshake;
mod keys;
mod offer;
mod receiver;
mod slot;
mod stun;
mod waiting;
mod wide;

pub use crowd::{Crowd, Fault, Place};
