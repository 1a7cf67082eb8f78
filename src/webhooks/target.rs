//! Which URLs and addresses may be posted to. An organiser's word sends requests from this machine, which may
//! stand where the organiser does not: so to the open network alone unless the settings say otherwise.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hyper::Uri;

/// Why a text is not where deliveries may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotATarget {
    /// Not a URL with a host.
    #[error("the URL is not one: write https://host/path")]
    NotAUrl,
    /// Too much of it.
    #[error("the URL has more than {most} bytes")]
    TooLong { most: usize },
    /// Readable on its way.
    #[error("the URL must begin with https://: plain HTTP is for this machine itself alone")]
    Plain,
    /// With a name and a password.
    #[error("the URL holds a name or a password: deliveries are signed instead")]
    Credentials,
    /// At an address of a closed network.
    #[error(
        "the URL names an address that is not public: webhooks.private_addresses in the settings \
         allows such"
    )]
    Private,
}

/// Where deliveries go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub https: bool,
    /// Without the brackets of an address of version 6.
    pub host: String,
    pub port: u16,
    /// Host and, where it was written, port.
    pub authority: String,
    pub path: String,
}

impl Target {
    /// Of a URL as its owner wrote it.
    pub fn parse(text: &str, most: usize, private: bool) -> Result<Self, NotATarget> {
        if text.len() > most {
            return Err(NotATarget::TooLong { most });
        }
        let uri: Uri = text.parse().map_err(|_| NotATarget::NotAUrl)?;
        let authority = uri.authority().ok_or(NotATarget::NotAUrl)?;
        if authority.as_str().contains('@') {
            return Err(NotATarget::Credentials);
        }
        let host = authority.host().trim_matches(['[', ']']).to_lowercase();
        // A fragment is dropped silently, so it is looked for in the text.
        if host.is_empty() || text.contains('#') {
            return Err(NotATarget::NotAUrl);
        }
        let address: Option<IpAddr> = host.parse().ok();
        let here = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if here => false,
            Some("http") => return Err(NotATarget::Plain),
            Some(_) | None => return Err(NotATarget::NotAUrl),
        };
        // Any other name is looked at when it has been resolved, each time.
        let closed = here || address.is_some_and(|address| !is_public(address));
        if closed && !private {
            return Err(NotATarget::Private);
        }
        Ok(Self {
            https,
            port: authority.port_u16().unwrap_or(if https { 443 } else { 80 }),
            authority: authority.to_string(),
            path: uri
                .path_and_query()
                .map_or_else(|| "/".to_owned(), ToString::to_string),
            host,
        })
    }
}

/// Whether an address is one of the open network (the registries of RFC 6890).
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(four) => is_public_4(four),
        IpAddr::V6(six) => is_public_6(six),
    }
}

fn is_public_4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let closed = match (a, b, c) {
        // This network; shared between a provider's customers (RFC 6598); protocols (RFC 6890);
        // benchmarks (RFC 2544); multicast and what is reserved.
        (0 | 224..=255, _, _) | (100, 64..=127, _) | (192, 0, 0) | (198, 18 | 19, _) => true,
        _ => false,
    };
    !(closed
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation())
}

/// Of the unicast addresses that are given out, 2000::/3, those that do not hide one of version 4
/// (6to4, Teredo) and are no documentation's. NAT64's 64:ff9b::/96 lies outside.
fn is_public_6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let given_out = first & 0xe000 == 0x2000;
    let closed = matches!(
        (first, second),
        (0x2002, _) | (0x2001, 0..=0x01ff | 0x0db8) | (0x3fff, 0..=0x0fff)
    );
    given_out && !closed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Target, NotATarget> {
        Target::parse(text, 60, false)
    }

    #[test]
    fn https_to_a_name_or_a_public_address_is_taken() {
        let target = parse("https://Hooks.example.org/a/b?c=d").expect("a target");
        assert_eq!(
            target,
            Target {
                https: true,
                host: "hooks.example.org".to_owned(),
                port: 443,
                authority: "Hooks.example.org".to_owned(),
                path: "/a/b?c=d".to_owned(),
            }
        );
        let target = parse("https://[2606:4700::1111]:8443").expect("a target");
        assert_eq!(
            (target.host.as_str(), target.port),
            ("2606:4700::1111", 8443)
        );
        assert_eq!(target.path, "/");
    }

    #[test]
    fn what_is_not_is_refused_with_the_reason() {
        for (text, why) in [
            ("", NotATarget::NotAUrl),
            ("/only/a/path", NotATarget::NotAUrl),
            ("ftp://example.org/", NotATarget::NotAUrl),
            ("https://example.org/#a", NotATarget::NotAUrl),
            ("http://example.org/", NotATarget::Plain),
            ("http://10.0.0.1/", NotATarget::Plain),
            ("https://a:b@example.org/", NotATarget::Credentials),
            ("https://127.0.0.1/", NotATarget::Private),
            ("http://localhost:9/", NotATarget::Private),
            ("https://10.1.2.3/", NotATarget::Private),
            ("https://[::1]/", NotATarget::Private),
        ] {
            assert_eq!(parse(text), Err(why), "{text}");
        }
        let long = format!("https://example.org/{}", "a".repeat(60));
        assert_eq!(parse(&long), Err(NotATarget::TooLong { most: 60 }));
    }

    #[test]
    fn plain_http_is_for_this_machine_where_the_settings_allow() {
        for text in [
            "http://127.0.0.1:9/",
            "http://localhost/",
            "http://[::1]:9/",
        ] {
            let target = Target::parse(text, 60, true).expect("a target");
            assert!(!target.https, "{text}");
        }
        assert_eq!(
            Target::parse("http://10.0.0.1/", 60, true),
            Err(NotATarget::Plain)
        );
        assert!(Target::parse("https://10.0.0.1/", 60, true).is_ok());
    }

    #[test]
    fn closed_networks_are_known() {
        for closed in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::",
            "3fff::1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(closed.parse().expect("an address")), "{closed}");
        }
        for open in [
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_public(open.parse().expect("an address")), "{open}");
        }
    }
}
