//! What a started server tells whoever started it.
//!
//! The line `Listening on URL` is for programs too: it stays as it is and comes when links work.

use std::{collections::BTreeSet, path::Path};

use crate::{auth::Link, meeting::roster::Role, programme::Programme};

/// What there is to tell.
pub struct Greeting<'a> {
    /// The event served.
    pub programme: &'a Programme,
    /// Where everything is kept.
    pub folder: &'a Path,
    /// Whether commands find that folder by themselves.
    pub usual_folder: bool,
    /// The listening address, as a URL.
    pub listening: &'a str,
    /// What links begin with.
    pub public: &'a str,
    /// Where media comes and goes.
    pub media: &'a str,
    /// The links to show: those of a demonstration.
    pub links: &'a [Link],
}

impl Greeting<'_> {
    /// The lines, each with its end.
    pub fn text(&self) -> String {
        let programme = self.programme;
        let mut lines = vec![
            format!("Roundtable {}", env!("CARGO_PKG_VERSION")),
            format!(
                "Event {}: {}{}",
                programme.id,
                programme.title,
                dates(programme)
            ),
            format!("Data in {}", self.folder.display()),
            format!("Media on UDP {}", self.media),
        ];
        if self.public != self.listening {
            lines.push(format!("Public address {}", self.public));
        }
        lines.push(format!("Listening on {}", self.listening));
        lines.push(String::new());
        if self.links.is_empty() {
            lines.push(format!("Everybody's links: {}", self.invite()));
        } else {
            lines.push(
                "Each link is one person's seat. Open each in a window of its own:".to_owned(),
            );
            lines.push(String::new());
            for link in self.links {
                lines.push(format!("  {} ({})", link.name, link.role.as_str()));
                lines.push(format!("  {}", link.url));
                lines.push(String::new());
            }
            lines.push(format!("Everybody's links: {}", self.invite()));
        }
        lines.push("Stop with Ctrl-C.".to_owned());
        lines.push(String::new());
        lines.join("\n")
    }

    fn invite(&self) -> String {
        if self.usual_folder {
            "roundtable invite".to_owned()
        } else {
            format!("roundtable invite --data {}", self.folder.display())
        }
    }
}

fn dates(programme: &Programme) -> String {
    match programme.days.as_slice() {
        [] => String::new(),
        [only] => format!(" ({})", only.date),
        [first, .., last] => format!(" ({} to {})", first.date, last.date),
    }
}

/// Who is shown of a demonstration, and how many of each.
const CAST: [(Role, usize); 5] = [
    (Role::Organiser, 1),
    (Role::Chair, 1),
    (Role::Delegate, 3),
    (Role::Podium, 1),
    (Role::Observer, 1),
];

/// A few people of each kind; delegates of different delegations where there are enough.
pub fn cast(links: &[Link]) -> Vec<Link> {
    let mut cast = Vec::new();
    for (role, count) in CAST {
        let of_role = || links.iter().filter(move |link| link.role == role);
        let mut delegations = BTreeSet::new();
        let (firsts, others): (Vec<&Link>, Vec<&Link>) =
            of_role().partition(|link| delegations.insert(&link.delegation));
        cast.extend(firsts.into_iter().chain(others).take(count).cloned());
    }
    cast
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(member: &str, role: Role, delegation: &str) -> Link {
        Link {
            member: member.parse().expect("a slug"),
            name: member.to_owned(),
            role,
            delegation: delegation.parse().expect("a slug"),
            url: format!("http://127.0.0.1:7880/join#{member}"),
            token: member.to_owned(),
            jti: member.to_owned(),
        }
    }

    #[test]
    fn the_cast_has_delegates_of_different_delegations() {
        let links = [
            link("a-1", Role::Delegate, "a"),
            link("a-2", Role::Delegate, "a"),
            link("a-3", Role::Delegate, "a"),
            link("b-1", Role::Delegate, "b"),
            link("chair-1", Role::Chair, "o"),
            link("chair-2", Role::Chair, "o"),
        ];
        let cast: Vec<String> = cast(&links)
            .iter()
            .map(|link| link.member.to_string())
            .collect();
        assert_eq!(cast, ["chair-1", "a-1", "b-1", "a-2"]);
    }

    #[test]
    fn the_line_for_programs_stands_alone() {
        let programme = crate::programme::parse(crate::programme::MODEL_EVENT).expect("an event");
        let links = [link("chair-1", Role::Chair, "o")];
        let text = Greeting {
            programme: &programme,
            folder: Path::new("/data"),
            usual_folder: false,
            listening: "http://127.0.0.1:7880",
            public: "https://conf.example",
            media: "127.0.0.1:7882",
            links: &links,
        }
        .text();
        assert!(
            text.lines()
                .any(|line| line == "Listening on http://127.0.0.1:7880"),
            "{text}"
        );
        assert!(
            text.contains("  http://127.0.0.1:7880/join#chair-1\n"),
            "{text}"
        );
        assert!(text.contains("roundtable invite --data /data\n"), "{text}");
        assert!(text.ends_with("Stop with Ctrl-C.\n"), "{text}");
    }
}
