//! Whether browsers that open this server would give it camera and microphone.
//!
//! Pure. Browsers do so in a secure context only: HTTPS, or plain HTTP on the same machine.

use std::{fmt, net::SocketAddr, str::FromStr};

use axum::http::Uri;
use serde::{Deserialize, Serialize};

/// The address that members' browsers see: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicUrl {
    https: bool,
    authority: String,
}

/// Why a text is not a public URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a public URL: write https://host or https://host:port, without a path")]
pub struct NotAPublicUrl(String);

impl PublicUrl {
    /// The URL of a listening address itself.
    pub fn of_listener(https: bool, address: SocketAddr) -> Self {
        // A wildcard address names no host; this machine itself is among those it stands for.
        let authority = if address.ip().is_unspecified() {
            format!("localhost:{}", address.port())
        } else {
            address.to_string()
        };
        Self { https, authority }
    }

    /// Host, and port where it is not the scheme's own.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Without the port; an address of version 6 without its brackets.
    pub fn host(&self) -> &str {
        match self.authority.strip_prefix('[') {
            Some(six) => six.split(']').next().unwrap_or(six),
            None => self.authority.split(':').next().unwrap_or_default(),
        }
    }

    /// Whether browsers reach the server by TLS.
    pub fn is_https(&self) -> bool {
        self.https
    }
}

impl fmt::Display for PublicUrl {
    /// Without a slash at the end.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(out, "{scheme}://{}", self.authority)
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = NotAPublicUrl;

    fn try_from(text: String) -> Result<Self, NotAPublicUrl> {
        text.parse()
    }
}

impl From<PublicUrl> for String {
    fn from(url: PublicUrl) -> Self {
        url.to_string()
    }
}

impl FromStr for PublicUrl {
    type Err = NotAPublicUrl;

    fn from_str(text: &str) -> Result<Self, NotAPublicUrl> {
        let fault = || NotAPublicUrl(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| fault())?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(fault()),
        };
        let authority = uri.authority().ok_or_else(fault)?.as_str();
        // `Uri` drops a fragment silently, so it is looked for in the text.
        let bare = !authority.contains('@')
            && matches!(uri.path(), "" | "/")
            && uri.query().is_none()
            && !text.contains('#');
        if !bare {
            return Err(fault());
        }
        // A browser leaves the scheme's own port out of `Origin` and `Host`.
        let own_port = if https { ":443" } else { ":80" };
        let authority = authority.strip_suffix(own_port).unwrap_or(authority);
        Ok(Self {
            https,
            authority: authority.to_lowercase(),
        })
    }
}

/// Why a listening address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is reachable from other machines, where browsers give no camera or microphone over plain \
     HTTP: set http.tls_certificate and http.tls_key, or an https public_url of a reverse proxy, \
     or listen on 127.0.0.1, or force it with --force-plain-http"
)]
pub struct Exposed(SocketAddr);

/// Refuses plain HTTP beyond this machine.
///
/// # Errors
/// Where browsers would give no camera or microphone.
pub fn refuse_plain(
    address: SocketAddr,
    tls: bool,
    public_url: Option<&PublicUrl>,
    forced: bool,
) -> Result<(), Exposed> {
    let behind_https = public_url.is_some_and(PublicUrl::is_https);
    if address.ip().is_loopback() || tls || behind_https || forced {
        Ok(())
    } else {
        Err(Exposed(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> PublicUrl {
        text.parse().expect("a public URL")
    }

    #[test]
    fn a_public_url_is_scheme_and_host() {
        assert_eq!(
            url("https://Conf.Example/").to_string(),
            "https://conf.example"
        );
        assert_eq!(url("https://conf.example:443").authority(), "conf.example");
        assert_eq!(url("https://conf.example:8443").host(), "conf.example");
        assert_eq!(url("http://[::1]:80").host(), "::1");
        assert_eq!(
            url("http://conf.example:8080").to_string(),
            "http://conf.example:8080"
        );
        for bad in [
            "",
            "conf.example",
            "ftp://conf.example",
            "https://",
            "https://conf.example/a",
            "https://conf.example?x=1",
            "https://user@conf.example",
            "https://conf.example#x",
        ] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wildcard_listener_is_named_by_this_machine() {
        let any = "0.0.0.0:7880".parse().expect("an address");
        assert_eq!(
            PublicUrl::of_listener(false, any).to_string(),
            "http://localhost:7880"
        );
        let six = "[::1]:7880".parse().expect("an address");
        assert_eq!(
            PublicUrl::of_listener(true, six).to_string(),
            "https://[::1]:7880"
        );
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        let check = |address: &str, tls, public: Option<&str>, forced| {
            let public = public.map(url);
            refuse_plain(
                address.parse().expect("an address"),
                tls,
                public.as_ref(),
                forced,
            )
            .is_ok()
        };
        assert!(check("127.0.0.1:1", false, None, false));
        assert!(check("[::1]:1", false, None, false));
        assert!(!check("0.0.0.0:1", false, None, false));
        assert!(!check("192.0.2.1:1", false, None, false));
        assert!(!check(
            "192.0.2.1:1",
            false,
            Some("http://conf.example"),
            false
        ));
        assert!(check("192.0.2.1:1", true, None, false));
        assert!(check(
            "192.0.2.1:1",
            false,
            Some("https://conf.example"),
            false
        ));
        assert!(check("192.0.2.1:1", false, None, true));
    }
}
