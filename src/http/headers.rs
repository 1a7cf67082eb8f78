//! SHELL. What every answer says to the browser about itself: where the page may load from and what it may
//! use. Nothing from elsewhere, no inline script, camera, microphone and screen for itself alone.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use super::Rooms;

const FIXED: [(HeaderName, &str); 6] = [
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Adds the headers to every answer.
pub(super) async fn protect(
    State(rooms): State<Arc<Rooms>>,
    request: Request,
    next: Next,
) -> Response {
    let host = rooms
        .public_url
        .as_ref()
        .map(|url| url.authority().to_owned())
        .or_else(|| host(request.headers()).map(str::to_owned));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&content_policy(host.as_deref())) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The request's `Host`, if it looks like one: it is repeated in the policy, so nothing that
/// could end a directive may be in it.
pub(super) fn host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    (!host.is_empty() && host.bytes().all(plain)).then_some(host)
}

/// The bearer token of a request (RFC 6750 section 2.1), if it has one.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Safari before 15.4 does not count the same host's WebSocket as `'self'`, so it is named.
fn content_policy(host: Option<&str>) -> String {
    let sockets = host
        .map(|host| format!(" ws://{host} wss://{host}"))
        .unwrap_or_default();
    format!(
        "default-src 'self'; connect-src 'self'{sockets}; img-src 'self' data: blob:; \
         media-src 'self' blob: mediastream:; worker-src 'self' blob:; object-src 'none'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_host_is_repeated() {
        let with = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(value));
            host(&headers).map(str::to_owned)
        };
        assert_eq!(
            with("conf.example:7880").as_deref(),
            Some("conf.example:7880")
        );
        assert_eq!(with("[::1]:7880").as_deref(), Some("[::1]:7880"));
        for bad in ["", "a;script-src *", "a b", "a,b", "a/b"] {
            assert_eq!(with(bad), None, "{bad}");
        }
        assert_eq!(host(&HeaderMap::new()), None);
    }

    #[test]
    fn the_policy_names_the_socket_of_the_same_host_only() {
        assert!(
            content_policy(Some("a.example"))
                .contains("connect-src 'self' ws://a.example wss://a.example;")
        );
        assert!(content_policy(None).contains("connect-src 'self';"));
        assert!(!content_policy(None).contains("unsafe"));
    }
}
