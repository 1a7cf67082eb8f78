//! Whether browsers will take the certificate that they are shown.

use super::{
    clock::day,
    finding::{Check, Finding},
};
use crate::time::{Millis, Timestamp};

/// So long before its end somebody should see to the next.
const SOON: Millis = Millis::from_secs(14 * 24 * 60 * 60);

/// What was found of the two files.
pub(super) struct Facts {
    pub files: Files,
    pub now: Timestamp,
    /// Whom members' browsers ask for; none where it is this machine alone.
    pub host: Option<String>,
}

/// The settings `http.tls_certificate` and `http.tls_key`.
pub(super) enum Files {
    /// Neither is set.
    None,
    /// Only one of them is.
    One,
    /// Both are, but they cannot be used, and why.
    Unusable(String),
    /// What browsers are shown.
    Shown(Shown),
}

pub(super) struct Shown {
    pub from: Timestamp,
    pub until: Timestamp,
    pub self_signed: bool,
    /// Whether it is made for the host that browsers ask for.
    pub for_host: bool,
}

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let shown = match &facts.files {
        Files::None => {
            let what = "none is set: the port speaks plain HTTP";
            return vec![Finding::ok(Check::Certificate, what)];
        }
        Files::One => {
            let what = "http.tls_certificate and http.tls_key belong together, and one is missing";
            return vec![
                Finding::wrong(Check::Certificate, what).with("set both in the settings, or none"),
            ];
        }
        Files::Unusable(why) => {
            return vec![Finding::wrong(Check::Certificate, why).with(
                "http.tls_certificate and http.tls_key name two PEM files of one pair, which \
                     the server's user may read",
            )];
        }
        Files::Shown(shown) => shown,
    };
    let mut findings: Vec<Finding> = time(shown, facts.now).into_iter().collect();
    if let Some(host) = facts.host.as_deref().filter(|_| !shown.for_host) {
        let what = format!("it is not made for {host}, so that browsers refuse the page");
        findings.push(
            Finding::wrong(Check::Certificate, what)
                .with(format!(
                    "certbot certonly -d {host}, or your authority's way"
                ))
                .with("or --public-url names the host that it is made for"),
        );
    }
    if shown.self_signed {
        let what = "no authority has signed it: browsers warn, and some refuse to connect";
        findings
            .push(Finding::warning(Check::Certificate, what).with(
                "for others than testers, have an authority sign one, such as Let's Encrypt",
            ));
    }
    if findings.is_empty() {
        let what = format!("it holds until {}", day(shown.until));
        findings.push(Finding::ok(Check::Certificate, what));
    }
    findings
}

/// What is to be said of its time; nothing when it holds for long.
fn time(shown: &Shown, now: Timestamp) -> Option<Finding> {
    let renew = "renew it, then start the server anew: certbot renew, or your authority's way";
    if now < shown.from {
        let what = format!("it does not hold before {}", day(shown.from));
        Some(
            Finding::wrong(Check::Certificate, what)
                .with("wait, or have one made that holds now; if it does, see the clock below"),
        )
    } else if shown.until < now {
        let what = format!("it has expired on {}", day(shown.until));
        Some(Finding::wrong(Check::Certificate, what).with(renew))
    } else if shown.until < now + SOON {
        let what = format!("it expires soon, on {}", day(shown.until));
        Some(Finding::warning(Check::Certificate, what).with(renew))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::doctor::State;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const DAY: i64 = 24 * 60 * 60 * 1000;

    fn at(days: i64) -> Timestamp {
        Timestamp(NOW.0 + days * DAY)
    }

    fn judged(files: Files) -> Vec<Finding> {
        judge(&Facts {
            files,
            now: NOW,
            host: Some("conf.example".to_owned()),
        })
    }

    fn shown(from: i64, until: i64) -> Shown {
        Shown {
            from: at(from),
            until: at(until),
            self_signed: false,
            for_host: true,
        }
    }

    #[test]
    fn its_time_is_judged() {
        for (from, until, state, said) in [
            (-1, 90, State::Ok, "holds until"),
            (-90, 15, State::Ok, "holds until"),
            (-90, 13, State::Warning, "expires soon, on 2027-01-28"),
            (-90, -1, State::Wrong, "has expired on 2027-01-14"),
            (1, 90, State::Wrong, "does not hold before 2027-01-16"),
        ] {
            let found = judged(Files::Shown(shown(from, until)));
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].state, state, "{found:?}");
            assert!(found[0].what.contains(said), "{found:?}");
            assert_eq!(found[0].remedy.is_empty(), state == State::Ok);
        }
    }

    #[test]
    fn what_browsers_would_not_take_is_told() {
        let foreign = Shown {
            for_host: false,
            ..shown(-1, 90)
        };
        let found = judged(Files::Shown(foreign));
        assert_eq!(found[0].state, State::Wrong);
        assert!(found[0].remedy[0].contains("-d conf.example"), "{found:?}");
        let own = Shown {
            self_signed: true,
            ..shown(-1, 90)
        };
        assert_eq!(judged(Files::Shown(own))[0].state, State::Warning);
    }

    #[test]
    fn two_files_or_none() {
        assert_eq!(judged(Files::None)[0].state, State::Ok);
        assert_eq!(judged(Files::One)[0].state, State::Wrong);
        let found = judged(Files::Unusable("a.pem: no such file".to_owned()));
        assert_eq!(found[0].state, State::Wrong);
        assert_eq!(found[0].what, "a.pem: no such file");
    }
}
