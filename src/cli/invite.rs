//! SHELL. `roundtable invite`.

use std::path::Path;

use clap::{Args, ValueEnum};

use super::{Ending, Where, change, print};
use crate::{
    auth::{Link, USES_MAX, Validity, key_file, link},
    clock::Clock,
    config::Config,
    http::PublicUrl,
    ids::{EventId, MemberId},
    serve::{
        control::{self, Done, Invite, Reply, Request},
        event,
    },
    store::{Fault, Reading},
    time::Millis,
};

const DAY: Millis = Millis::from_secs(24 * 60 * 60);

#[derive(Debug, Args)]
pub(super) struct Flags {
    #[command(flatten)]
    place: Where,
    /// The event [default: the one that a server on this folder serves, else the only one stored]
    #[arg(long, value_name = "EVENT")]
    event: Option<EventId>,
    /// Only this member's link; may be repeated
    #[arg(long, value_name = "MEMBER", conflicts_with_all = ["revoke", "revoke_member"])]
    member: Vec<MemberId>,
    /// How the links are printed
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["revoke", "revoke_member"])]
    format: Format,
    /// What the links begin with [default: the running server's, else that of the settings]
    #[arg(long, value_name = "URL", conflicts_with_all = ["revoke", "revoke_member"])]
    public_url: Option<PublicUrl>,
    /// How long the links are valid from now on, in days [default: until a day after the event]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=3650))]
    valid_days: Option<u64>,
    /// On how many devices each link opens; coming back on one does not count again
    /// [default: on any number]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(USES_MAX)))]
    #[arg(conflicts_with_all = ["revoke", "revoke_member"])]
    uses: Option<u16>,
    /// Withdraw the link with this id, also while the server runs; may be repeated
    #[arg(long, value_name = "JTI", allow_hyphen_values = true)]
    revoke: Vec<String>,
    /// Withdraw every link that this member has been given so far; may be repeated
    #[arg(long, value_name = "MEMBER")]
    revoke_member: Vec<MemberId>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// An array of objects with member, name, role, delegation, url, token, jti
    Json,
    /// With a header, for a mail merge
    Csv,
}

pub(super) fn run(flags: &Flags) -> Result<(), Ending> {
    let (config, _) = flags.place.settings()?;
    let folder = flags.place.folder()?;
    let running = running(&folder)?;
    let reading = Reading::open(&folder).map_err(Ending::not_done)?;
    let asked = flags.event.as_ref().or(running.event.as_ref());
    let asked = asked.map_or(config.server.event.as_str(), EventId::as_str);
    let kept = event::choose(&reading, asked).map_err(|why| match why {
        event::NoEvent::Store(Fault::UnknownEvent(_)) => Ending::no(why),
        other => Ending::not_done(other),
    })?;
    if !flags.revoke.is_empty() || !flags.revoke_member.is_empty() {
        return revoke(flags, &kept.programme.id);
    }

    let revocations = reading
        .revocations(&kept.programme.id)
        .map_err(Ending::not_done)?;
    let mut validity = kept.validity();
    if let Some(days) = flags.valid_days {
        validity = Validity {
            expires: Clock::start().now() + Millis(DAY.0.saturating_mul(days)),
            ..validity
        };
    }
    validity.uses = flags.uses;
    let invites = key_file::load_or_make(&folder).map_err(Ending::not_done)?;
    let public_url = match (&flags.public_url, running.public_url) {
        (Some(url), _) => url.to_string(),
        (None, Some(url)) => url,
        (None, None) => configured_url(&config)?,
    };
    let guests = kept.guests(&revocations);
    let mut links = invites.links(&guests, validity, &public_url);
    if let Some(unknown) = flags.member.iter().find(|asked| !has(&links, asked)) {
        return Err(Ending::no(Fault::UnknownMember(unknown.clone())));
    }
    if !flags.member.is_empty() {
        links.retain(|link| flags.member.contains(&link.member));
    }
    // Before anything is printed: what is given out can be listed.
    let mut given = guests.grants(validity);
    given.retain(|grant| has(&links, &grant.member));
    let invites = given.into_iter().map(Invite).collect();
    change(&flags.place, &Request::KeepInvites { invites })?;
    print(&match flags.format {
        Format::Text => link::to_text(&links),
        Format::Json => link::to_json(&links),
        Format::Csv => link::to_csv(&links),
    });
    Ok(())
}

fn has(links: &[Link], member: &MemberId) -> bool {
    links.iter().any(|link| link.member == *member)
}

fn revoke(flags: &Flags, event: &EventId) -> Result<(), Ending> {
    for jti in &flags.revoke {
        let request = Request::Revoke {
            event: event.clone(),
            jti: jti.clone(),
        };
        change(&flags.place, &request)?;
        print(&format!("revoked {jti}\n"));
    }
    for member in &flags.revoke_member {
        let request = Request::RevokeMember {
            event: event.clone(),
            member: member.clone(),
        };
        change(&flags.place, &request)?;
        print(&format!("revoked every link of {member}\n"));
    }
    Ok(())
}

/// What the server on this folder serves, if there is one.
fn running(folder: &Path) -> Result<Done, Ending> {
    match control::ask(folder, &Request::Status) {
        Ok(Some(Reply::Ok(status))) => Ok(status),
        Ok(Some(Reply::Error(undone))) => Err(Ending::not_done(undone)),
        Ok(None) => Ok(Done::default()),
        Err(why) => Err(Ending::not_done(format!(
            "the running server does not answer: {why}"
        ))),
    }
}

fn configured_url(config: &Config) -> Result<String, Ending> {
    let http = &config.http;
    if http.public_url.is_empty() {
        let tls = !http.tls_certificate.as_os_str().is_empty();
        return Ok(PublicUrl::of_listener(tls, http.listen).to_string());
    }
    let url: PublicUrl = http.public_url.parse().map_err(Ending::not_done)?;
    Ok(url.to_string())
}
