//! All media of the sessions that one thread owns: pure, told what arrives and what time it is.

pub mod rtcp;
pub mod rtp;
pub mod srtp;
pub mod vp8;
