//! Who may read the metrics: this machine, and whoever has the token.

use std::net::IpAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::HeaderMap;

use super::super::headers::bearer;
use crate::signalling::Secret;

/// What a reverse proxy adds. With any of them the request comes from elsewhere, whatever the
/// connection's address says.
fn is_of_a_proxy(name: &str) -> bool {
    matches!(name, "forwarded" | "via" | "x-real-ip") || name.starts_with("x-forwarded")
}

/// Whether a request over a connection from this address may.
pub(super) fn may_read(peer: IpAddr, headers: &HeaderMap, token: &Secret) -> bool {
    let proxied = headers.keys().any(|name| is_of_a_proxy(name.as_str()));
    let direct = peer.to_canonical().is_loopback() && !proxied;
    direct || has_token(headers, token)
}

fn has_token(headers: &HeaderMap, token: &Secret) -> bool {
    let sent = bearer(headers).unwrap_or_default();
    // An empty setting is nobody's. The time that the comparison takes tells the length at most.
    !token.0.is_empty() && verify_slices_are_equal(sent.as_bytes(), token.0.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn may(peer: &str, headers: &[(&str, &str)], token: &str) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            map.append(name, value.parse().expect("a value"));
        }
        let peer = peer.parse().expect("an address");
        may_read(peer, &map, &Secret(token.to_owned()))
    }

    #[test]
    fn this_machine_may_and_a_proxy_on_it_may_not() {
        for here in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.9.9.9"] {
            assert!(may(here, &[], ""), "{here}");
            assert!(may(here, &[], "secret"), "{here}");
        }
        for header in [
            "X-Forwarded-For",
            "x-forwarded-host",
            "Forwarded",
            "Via",
            "X-Real-IP",
        ] {
            assert!(!may("127.0.0.1", &[(header, "127.0.0.1")], ""), "{header}");
        }
        assert!(!may("192.0.2.1", &[], ""));
    }

    #[test]
    fn elsewhere_the_token_is_needed() {
        let with = |value: &str, token: &str| {
            let headers = [("authorization", value), ("x-forwarded-for", "192.0.2.1")];
            may("192.0.2.1", &headers, token)
        };
        assert!(with("Bearer secret", "secret"));
        assert!(with("bearer  secret ", "secret"));
        for (sent, token) in [
            ("Bearer secre", "secret"),
            ("Bearer secret2", "secret"),
            ("Bearer Secret", "secret"),
            ("Basic secret", "secret"),
            ("secret", "secret"),
            ("Bearer ", "secret"),
            ("Bearer ", ""),
            ("Bearer", ""),
        ] {
            assert!(!with(sent, token), "{sent} for {token}");
        }
    }
}
