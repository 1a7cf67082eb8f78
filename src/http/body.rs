//! SHELL. The body of a request: bounded in length and in time.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, header},
};
use tokio::time::timeout;

/// A body that has not come by then is given up: whoever sends so slowly could not send media.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyFault {
    /// It did not come in time.
    #[error("the body did not come in time")]
    Slow,
    /// It is too long.
    #[error("the body may have {bytes_max} bytes")]
    Long { bytes_max: usize },
}

/// The media type that a request says of its body, without parameters; empty where it says none.
pub(super) fn media_type(headers: &HeaderMap) -> &str {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim()
}

/// Whether the body is said to be of this type.
pub(super) fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    media_type(headers).eq_ignore_ascii_case(wanted)
}

/// The whole body.
pub(super) async fn read(body: Body, bytes_max: usize) -> Result<Bytes, BodyFault> {
    timeout(BODY_TIME_MAX, to_bytes(body, bytes_max))
        .await
        .map_err(|_| BodyFault::Slow)?
        .map_err(|_| BodyFault::Long { bytes_max })
}
