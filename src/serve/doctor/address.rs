//! Whether members can open the page with camera and microphone, and whether media reaches them.

use std::net::{IpAddr, SocketAddr};

use super::finding::{Check, Finding};
use crate::http::{PublicUrl, refuse_plain};

/// What the settings say of it, with the addresses that a start would choose.
pub(super) struct Facts {
    pub listen: SocketAddr,
    /// Whether the port speaks TLS.
    pub tls: bool,
    /// The address that members' browsers see, where one is set; or why it is none.
    pub public_url: Option<Result<PublicUrl, String>>,
    /// Plain HTTP is asked for all the same.
    pub forced: bool,
    /// Whether any reverse proxy is named.
    pub proxies: bool,
    /// Where media is received.
    pub media: Vec<IpAddr>,
    /// Where members reach that from outside; empty: at the addresses themselves.
    pub announced: Vec<IpAddr>,
}

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let url = match &facts.public_url {
        Some(Ok(url)) => Some(url),
        None => None,
        Some(Err(why)) => {
            return vec![
                Finding::wrong(Check::Address, why)
                    .with("--public-url https://conference.example, or http.public_url"),
            ];
        }
    };
    let exposed = !facts.listen.ip().is_loopback() || url.is_some();
    let mut findings: Vec<Finding> = page(facts, url).into_iter().collect();
    if exposed {
        findings.extend(media(facts));
    }
    if findings.is_empty() {
        let opened = url.map_or_else(
            || PublicUrl::of_listener(facts.tls, facts.listen).to_string(),
            PublicUrl::to_string,
        );
        let who = if exposed {
            "members"
        } else {
            "this machine alone"
        };
        let what = format!("{opened}, for {who}; media at {}", list(reached(facts)));
        findings.push(Finding::ok(Check::Address, what));
    }
    findings
}

/// What is to be said of the way to the page.
fn page(facts: &Facts, url: Option<&PublicUrl>) -> Option<Finding> {
    let Facts { listen, tls, .. } = facts;
    const HTTPS: &str = "--public-url https://conference.example, where a reverse proxy speaks TLS";
    const FILES: &str =
        "http.tls_certificate and http.tls_key in the settings, to speak TLS itself";
    let port = listen.port();
    if refuse_plain(*listen, *tls, url, false).is_err() {
        let refused = format!(
            "{listen} is reached by plain HTTP, where browsers refuse camera and microphone"
        );
        return Some(if facts.forced {
            Finding::warning(Check::Address, refused)
                .with(FILES)
                .with(HTTPS)
        } else {
            Finding::wrong(Check::Address, format!("{refused}: `serve` does not start"))
                .with(FILES)
                .with(format!("or {HTTPS}"))
                .with(format!(
                    "or --listen 127.0.0.1:{port}, for this machine alone"
                ))
        });
    }
    let url = url?;
    if !url.is_https() && !is_this_machine(url.host()) {
        let what = format!("links begin with {url}, where browsers refuse camera and microphone");
        return Some(Finding::warning(Check::Address, what).with(HTTPS));
    }
    if url.is_https() && !tls && !facts.proxies {
        let what = format!(
            "{url} needs a reverse proxy before {listen}, and none is trusted: everybody counts as \
             one address, its own"
        );
        return Some(
            Finding::warning(Check::Address, what)
                .with("http.trusted_proxies = [\"127.0.0.1\"], if the proxy is on this machine"),
        );
    }
    None
}

/// What is to be said of the way to media, for members elsewhere.
fn media(facts: &Facts) -> Option<Finding> {
    let reached = reached(facts);
    if reached.iter().all(IpAddr::is_loopback) {
        let what = format!(
            "media is received at {} alone: members elsewhere will see and hear nobody",
            list(reached)
        );
        return Some(
            Finding::wrong(Check::Address, what)
                .with("--media-addr ADDR, or media.addresses, with one of `ip -brief address`"),
        );
    }
    if reached.iter().all(|ip| ip.is_loopback() || is_private(ip)) {
        let what = format!(
            "media is received at {}, which members reach inside the same network only",
            list(reached)
        );
        return Some(
            Finding::warning(Check::Address, what)
                .with("media.public_addresses names the addresses that these are translated from")
                .with("or signalling.turn_urls names a relay that members reach"),
        );
    }
    None
}

fn reached(facts: &Facts) -> &[IpAddr] {
    if facts.announced.is_empty() {
        &facts.media
    } else {
        &facts.announced
    }
}

fn list(addresses: &[IpAddr]) -> String {
    let all: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    all.join(", ")
}

/// Browsers count it as secure whatever the scheme.
fn is_this_machine(host: &str) -> bool {
    let address: Option<IpAddr> = host.parse().ok();
    host == "localhost"
        || host.ends_with(".localhost")
        || address.is_some_and(|ip| ip.is_loopback())
}

/// Not reached from the internet: RFC 1918, RFC 6598 (shared by a provider's customers), RFC 3927,
/// RFC 4193, RFC 4291 section 2.5.6.
fn is_private(address: &IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(four) => {
            let [a, b, ..] = four.octets();
            let shared = a == 100 && (64..128).contains(&b);
            four.is_private() || four.is_link_local() || shared
        }
        IpAddr::V6(six) => six.is_unique_local() || six.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::doctor::State;

    /// Where nobody but this machine comes.
    fn at_home() -> Facts {
        Facts {
            listen: "127.0.0.1:7880".parse().expect("an address"),
            tls: false,
            public_url: None,
            forced: false,
            proxies: false,
            media: vec![[127, 0, 0, 1].into()],
            announced: Vec::new(),
        }
    }

    fn url(text: &str) -> Option<Result<PublicUrl, String>> {
        Some(text.parse().map_err(|why| format!("{why}")))
    }

    /// A public server behind a proxy of its own machine.
    fn public() -> Facts {
        Facts {
            public_url: url("https://conf.example"),
            proxies: true,
            media: vec![[198, 51, 100, 7].into()],
            ..at_home()
        }
    }

    fn check(facts: &Facts, state: State, what: &str, remedy: &str) {
        let found = judge(facts);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].state, state, "{found:?}");
        assert!(found[0].what.contains(what), "{found:?}");
        let to_do = found[0].remedy.join("\n");
        assert!(to_do.contains(remedy), "{found:?}");
    }

    #[test]
    fn at_home_and_in_public_all_is_well() {
        check(&at_home(), State::Ok, "this machine alone", "");
        check(
            &public(),
            State::Ok,
            "https://conf.example, for members",
            "",
        );
        let own_tls = Facts {
            listen: "0.0.0.0:443".parse().expect("an address"),
            tls: true,
            public_url: None,
            ..public()
        };
        check(&own_tls, State::Ok, "https://localhost:443", "");
    }

    #[test]
    fn plain_http_for_others_is_what_browsers_refuse() {
        let listen = "0.0.0.0:7880".parse().expect("an address");
        let plain = Facts {
            listen,
            public_url: None,
            ..public()
        };
        check(&plain, State::Wrong, "browsers refuse", "tls_certificate");
        let forced = Facts {
            forced: true,
            ..plain
        };
        check(&forced, State::Warning, "browsers refuse", "--public-url");
        let link = Facts {
            public_url: url("http://conf.example"),
            ..public()
        };
        check(&link, State::Warning, "http://conf.example", "https://");
        let link = Facts {
            public_url: url("http://localhost:8080"),
            ..public()
        };
        check(&link, State::Ok, "http://localhost:8080", "");
        let none = Facts {
            public_url: url("conf.example/x"),
            ..public()
        };
        check(&none, State::Wrong, "is not a public URL", "--public-url");
    }

    #[test]
    fn a_proxy_that_is_not_trusted_hides_everybody() {
        let facts = Facts {
            proxies: false,
            ..public()
        };
        check(&facts, State::Warning, "reverse proxy", "trusted_proxies");
    }

    #[test]
    fn media_that_members_do_not_reach_is_told() {
        let here = Facts {
            media: vec![[127, 0, 0, 1].into()],
            ..public()
        };
        check(&here, State::Wrong, "hear nobody", "--media-addr");
        for private in [
            "10.0.0.2",
            "100.64.0.1",
            "169.254.1.1",
            "fd00::1",
            "fe80::1",
        ] {
            let inside = Facts {
                media: vec![private.parse().expect("an address")],
                ..public()
            };
            check(&inside, State::Warning, private, "media.public_addresses");
        }
        let translated = Facts {
            media: vec![[10, 0, 0, 2].into()],
            announced: vec![[198, 51, 100, 7].into()],
            ..public()
        };
        check(&translated, State::Ok, "media at 198.51.100.7", "");
    }
}
