//! WHIP and WHEP: what the endpoints answer, and the programs and browsers that speak with them.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about real time on real sockets"
)]

mod browsers;
mod endpoints;
mod http;
mod programs;
#[path = "../browser/support/mod.rs"]
#[expect(dead_code, reason = "the tests of the page use more of it")]
mod support;

use support::server::Server;
use tokio::sync::{Mutex, MutexGuard};

/// The session that is live.
const SESSION: &str = "session-1";

/// One scene at a time: two cores carry one of programs or browsers, not several.
static STAGE: Mutex<()> = Mutex::const_new(());

async fn stage() -> MutexGuard<'static, ()> {
    STAGE.lock().await
}

/// A member's bearer token: what follows `#` in the link.
fn token(server: &Server, member: &str) -> String {
    let (_, token) = server.link(member).url.split_once('#').expect("a link");
    token.to_owned()
}

/// Where a session is published to (`whip`) or played from (`whep`).
fn endpoint(server: &Server, word: &str) -> String {
    format!("http://{}/{word}/{SESSION}", server.addresses()[0])
}
