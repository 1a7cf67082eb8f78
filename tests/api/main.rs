//! The organiser's API as scripts and the board use it: the real program, its command line, plain HTTP.
//! Every answer is held to the document that the server gives out.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about real time on real sockets"
)]

mod changes;
mod checks;
mod desk;
mod document;
mod fuzz;
#[path = "../whip/http.rs"]
mod http;
mod invites;
mod live;
#[path = "../cli/program.rs"]
#[expect(dead_code, reason = "the tests of the command line use more of it")]
mod program;
mod record;
mod rights;
#[path = "../webrtc/signalling.rs"]
#[expect(dead_code, reason = "the tests of media use more of it")]
mod signalling;
