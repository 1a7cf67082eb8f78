//! SHELL. `roundtable token`.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use clap::Args;

use super::{Ending, Where, change, print};
use crate::{
    auth::{ApiToken, KeptToken, Scope, key_file},
    clock::Clock,
    ids::EventId,
    serve::control::Request,
    store::{Fault, Reading},
    time::{Millis, Timestamp},
};

const DAY: Millis = Millis::from_secs(24 * 60 * 60);
/// Bytes of a token's id: too many for two to share one.
const JTI_BYTES: usize = 12;
/// Characters of a note at most.
const NOTE_CHARS_MAX: usize = 100;

#[derive(Debug, Args)]
pub(super) struct Flags {
    #[command(flatten)]
    place: Where,
    /// The event that the token opens; it need not be there yet
    #[arg(long, value_name = "EVENT", required_unless_present_any = ["list", "revoke"])]
    event: Option<EventId>,
    /// What the token may do: read, write, invites, record, webhooks; may be repeated
    #[arg(long, value_name = "SCOPE", required_unless_present_any = ["list", "revoke"])]
    scope: Vec<Scope>,
    /// How long it is valid from now on, in days
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3650))]
    valid_days: u64,
    /// What it is called in the list, such as the script that uses it
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Print every token that was made (never the tokens themselves, which are not kept)
    #[arg(long, conflicts_with_all = ["event", "scope", "revoke"])]
    list: bool,
    /// Revoke the token with this id, also while the server runs; may be repeated
    #[arg(long, value_name = "JTI", allow_hyphen_values = true)]
    #[arg(conflicts_with_all = ["event", "scope"])]
    revoke: Vec<String>,
}

pub(super) fn run(flags: &Flags) -> Result<(), Ending> {
    if flags.list {
        return list(flags);
    }
    if !flags.revoke.is_empty() {
        for jti in &flags.revoke {
            let jti = jti.clone();
            let said = format!("revoked {jti}\n");
            change(&flags.place, &Request::RevokeToken { jti })?;
            print(&said);
        }
        return Ok(());
    }
    let Some(event) = flags.event.clone() else {
        // The command line does not allow it.
        return Err(Ending::not_done("--event says for which"));
    };
    mint(flags, event)
}

/// Makes a token, has it kept, and prints it: it is nowhere else.
fn mint(flags: &Flags, event: EventId) -> Result<(), Ending> {
    let note = flags.note.trim().to_owned();
    if note.chars().count() > NOTE_CHARS_MAX || note.chars().any(char::is_control) {
        let why = format!("--note is one line of {NOTE_CHARS_MAX} characters at most");
        return Err(Ending::not_done(why));
    }
    let mut scopes = flags.scope.clone();
    scopes.sort_unstable();
    scopes.dedup();
    let now = whole_second(Clock::start().now());
    let token = ApiToken {
        event,
        scopes,
        jti: jti()?,
        minted: now,
        expires: now + Millis(DAY.0.saturating_mul(flags.valid_days)),
    };
    // The change makes the folder, where there is none.
    let request = Request::KeepToken {
        token: token.clone(),
        note,
    };
    change(&flags.place, &request)?;
    let folder = flags.place.folder()?;
    let key = key_file::load_or_make(&folder).map_err(Ending::not_done)?;
    print(&format!("{}\n", key.mint_token(&token)));
    Ok(())
}

/// One that began with a hyphen would look like a flag to whoever revokes it.
fn jti() -> Result<String, Ending> {
    loop {
        let mut bytes = [0; JTI_BYTES];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| Ending::not_done("the system gives no randomness"))?;
        let jti = BASE64_URL_SAFE_NO_PAD.encode(bytes);
        if !jti.starts_with('-') {
            return Ok(jti);
        }
    }
}

fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp(time.0.saturating_sub(time.0.rem_euclid(1000)))
}

fn list(flags: &Flags) -> Result<(), Ending> {
    let reading = match Reading::open(&flags.place.folder()?) {
        Ok(reading) => reading,
        // Nothing kept yet: nothing to list.
        Err(Fault::Missing { .. }) => return Ok(()),
        Err(fault) => return Err(Ending::not_done(fault)),
    };
    let now = Clock::start().now();
    for kept in reading.tokens().map_err(Ending::not_done)? {
        print(&line(&kept, now));
    }
    Ok(())
}

/// `JTI  EVENT  SCOPES  STATE  NOTE`.
fn line(kept: &KeptToken, now: Timestamp) -> String {
    let KeptToken {
        token,
        note,
        revoked,
    } = kept;
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    let until = jiff::Timestamp::from_millisecond(token.expires.0).unwrap_or_default();
    let state = match revoked {
        Some(_) => "revoked".to_owned(),
        None if token.expires <= now => format!("expired {until}"),
        None => format!("until {until}"),
    };
    let (jti, event, scopes) = (&token.jti, &token.event, scopes.join(","));
    format!("{jti}  {event}  {scopes}  {state}  {note}")
        .trim_end()
        .to_owned()
        + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_a_token_may_and_until_when() {
        let mut kept = KeptToken {
            token: ApiToken {
                event: "e".parse().expect("a slug"),
                scopes: vec![Scope::Read, Scope::Invites],
                jti: "one".to_owned(),
                minted: Timestamp(0),
                expires: Timestamp(86_400_000),
            },
            note: "a script".to_owned(),
            revoked: None,
        };
        let said = |kept: &KeptToken, now| line(kept, Timestamp(now));
        assert_eq!(
            said(&kept, 5),
            "one  e  read,invites  until 1970-01-02T00:00:00Z  a script\n"
        );
        assert!(said(&kept, 86_400_000).contains("expired"));
        kept.revoked = Some(Timestamp(1));
        kept.note.clear();
        assert_eq!(said(&kept, 5), "one  e  read,invites  revoked\n");
    }
}
