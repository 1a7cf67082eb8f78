//! SHELL. `/metrics`: what the server counts, in Prometheus' text format 0.0.4.
//!
//! | file | what it does |
//! |---|---|
//! | `access` | who may read them (pure) |
//! | `page` | the format (pure) |
//! | `families` | every name, with what it counts (pure) |
//! | `process` | what the system counts of this process |
//! | this one | the route |

mod access;
mod families;
mod page;
mod process;

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use self::{families::Totals, process::Process};
use super::{Rooms, listener::Caller};

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

const REFUSED: &str = "metrics are read on this machine itself, not through a proxy, or from elsewhere \
                       with `Authorization: Bearer TOKEN`, where TOKEN is the setting \
                       http.metrics_token\n";

/// The route.
pub(super) async fn read(
    State(rooms): State<Arc<Rooms>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    if !access::may_read(caller.address, &headers, &rooms.metrics_token) {
        return (StatusCode::FORBIDDEN, REFUSED).into_response();
    }
    // The system's files are read at once, but how many there are is not ours to say.
    let process = tokio::task::spawn_blocking(Process::read).await;
    let totals = Totals {
        shards: rooms.media.counts(),
        members: rooms.signalling.present(),
        connections: rooms.signalling.open(),
        process: process.unwrap_or_default(),
    };
    let headers = [
        (header::CONTENT_TYPE, CONTENT_TYPE),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, families::page(&totals)).into_response()
}
