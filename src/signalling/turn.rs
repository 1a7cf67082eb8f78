//! Credentials of an external TURN server that end by themselves: the shared-secret scheme of
//! draft-uberti-behave-turn-rest, which coturn calls `use-auth-secret`.
//!
//! The TURN server works out the same password and needs no word with this one.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{Settings, wire::IceServer};
use crate::{ids::MemberId, time::Timestamp};

/// What a peer connection of this member's is to be made with from now on.
pub(super) fn ice_servers(
    settings: &Settings,
    member: &MemberId,
    now: Timestamp,
) -> Vec<IceServer> {
    let mut servers = Vec::new();
    if !settings.ice_urls.is_empty() {
        servers.push(IceServer {
            urls: settings.ice_urls.clone(),
            username: None,
            credential: None,
        });
    }
    if !settings.turn_urls.is_empty() {
        let end_s = (now + settings.turn_lifetime_ms).0 / 1000;
        let username = format!("{end_s}:{member}");
        servers.push(IceServer {
            urls: settings.turn_urls.clone(),
            credential: Some(password(&settings.turn_secret.0, &username)),
            username: Some(username),
        });
    }
    servers
}

fn password(secret: &str, username: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    BASE64_STANDARD.encode(hmac::sign(&key, username.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{signalling::settings::Secret, time::Millis};

    #[test]
    fn the_password_is_what_coturn_works_out() {
        let settings = Settings {
            ice_urls: vec!["stun:stun.example.org".to_owned()],
            turn_urls: vec!["turn:turn.example.org?transport=tcp".to_owned()],
            turn_secret: Secret("north".to_owned()),
            turn_lifetime_ms: Millis::from_secs(3600),
            ..Settings::default()
        };
        let now = Timestamp(1_605_751_200_500);
        let member: MemberId = "indonesia-1".parse().expect("an id");
        let [stun, turn] = &ice_servers(&settings, &member, now)[..] else {
            panic!("one of each");
        };
        assert_eq!((&stun.username, &stun.credential), (&None, &None));
        assert_eq!(turn.urls, settings.turn_urls);
        assert_eq!(turn.username.as_deref(), Some("1605754800:indonesia-1"));
        // printf '1605754800:indonesia-1' | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(
            turn.credential.as_deref(),
            Some("URX+HUuBmiIRCsGFlxuu0JrINik=")
        );
        assert_eq!(ice_servers(&Settings::default(), &member, now), []);
    }
}
