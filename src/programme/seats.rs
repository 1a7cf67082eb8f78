//! The part of an event file that says who: delegations and their seats.

use std::collections::BTreeSet;

use toml::{Spanned, de::DeValue};

use super::{
    Delegation, Programme, Settings,
    problem::{Place, Problems, did_you_mean},
    table::{Table, line_of},
};
use crate::{
    ids::{DelegationId, MemberId},
    meeting::roster::{Role, Seat},
};

/// Chairs at most: all of them may be heard at once, whatever the number of microphones.
const CHAIRS_MAX: usize = 8;

/// Delegations and seats, each in the order of the file.
#[derive(Default)]
pub(super) struct Roster {
    pub(super) delegations: Vec<Delegation>,
    pub(super) seats: Vec<Seat>,
    members: BTreeSet<MemberId>,
    /// A line could not be read: who is missing is not known.
    unread: bool,
}

/// Reads `delegations`; whatever is wrong with them has been reported.
pub(super) fn read(
    root: &mut Table<'_>,
    settings: &Settings,
    problems: &mut Problems<'_>,
) -> Roster {
    let mut roster = Roster::default();
    let Some(table) = root.required_table("delegations", problems) else {
        return roster;
    };
    let place = table.place().clone();
    for (name, value) in table.into_names() {
        let most = settings.delegations_max;
        if roster.delegations.len() == most {
            let message = format!("an event has at most {most} delegations");
            problems.at(&name.span(), message);
            break;
        }
        roster.delegation(&name, value, settings, problems);
    }
    let chairs = roster.seats.iter().filter(|seat| seat.role == Role::Chair);
    match chairs.count() {
        0 if roster.unread => {}
        0 => problems.at(&place, NO_CHAIR),
        chairs if chairs > CHAIRS_MAX => problems.at(&place, too_many_chairs(chairs)),
        _ => {}
    }
    roster
}

impl Roster {
    fn delegation(
        &mut self,
        name: &Spanned<&str>,
        value: &Spanned<DeValue<'_>>,
        settings: &Settings,
        problems: &mut Problems<'_>,
    ) {
        let id = match name.get_ref().parse::<DelegationId>() {
            Ok(id) => id,
            Err(why) => return problems.at(&name.span(), why.to_string()),
        };
        let Some(mut table) = Table::of(value, problems) else {
            return;
        };
        let title = table.required_line("name", settings.name_chars_max, problems);
        // Seats are read all the same when the name is wrong: they may be wrong too.
        let delegation = Delegation {
            name: title.unwrap_or_else(|| id.to_string()),
            id,
        };
        let mut next = 1;
        let values = table.array("seats", problems);
        self.unread |= values.is_none();
        for value in values.unwrap_or_default() {
            match Line::read(value, settings, problems) {
                Some(line) => next = self.line(&delegation, line, next, settings, problems),
                None => self.unread = true,
            }
        }
        table.finish(problems);
        self.delegations.push(delegation);
    }

    /// Adds a line's seats; the number that the next line goes on with.
    fn line(
        &mut self,
        delegation: &Delegation,
        line: Line,
        next: u32,
        settings: &Settings,
        problems: &mut Problems<'_>,
    ) -> u32 {
        let first = line.number.unwrap_or(next);
        let end = first.saturating_add(line.count);
        for number in first..end {
            if self.members.len() >= settings.seats_max {
                let message = format!("an event has at most {} seats", settings.seats_max);
                problems.at(&line.place, message);
                break;
            }
            let member = match format!("{}-{number}", delegation.id).parse::<MemberId>() {
                Ok(member) => member,
                Err(why) => {
                    problems.at(&line.place, why.to_string());
                    break;
                }
            };
            if !self.members.insert(member.clone()) {
                let message = format!("there is a seat `{member}` already");
                problems.at(&line.place, message);
                continue;
            }
            let name = line.name.clone();
            self.seats.push(Seat {
                name: name.unwrap_or_else(|| placeholder(line.role, delegation, number)),
                member,
                role: line.role,
                delegation: delegation.id.clone(),
            });
        }
        end
    }
}

impl Programme {
    /// The event with another name or role of one seat, or everything that is wrong with that.
    ///
    /// # Errors
    /// What is wrong, by the seat's key.
    pub fn with_seat(
        &self,
        member: &MemberId,
        name: &str,
        role: Role,
        settings: &Settings,
    ) -> Result<Self, Vec<(&'static str, String)>> {
        let mut wrong = Vec::new();
        let name = match line_of("name", name, settings.name_chars_max) {
            Ok(name) => name,
            Err(why) => {
                wrong.push(("name", why));
                String::new()
            }
        };
        let mut changed = self.clone();
        for seat in changed.seats.iter_mut().filter(|it| it.member == *member) {
            seat.name.clone_from(&name);
            seat.role = role;
        }
        let chairs = changed.seats.iter().filter(|it| it.role == Role::Chair);
        match chairs.count() {
            0 => wrong.push(("role", NO_CHAIR.to_owned())),
            chairs if chairs > CHAIRS_MAX => wrong.push(("role", too_many_chairs(chairs))),
            _ => {}
        }
        if wrong.is_empty() {
            Ok(changed)
        } else {
            Err(wrong)
        }
    }
}

const NO_CHAIR: &str = "no seat has the role \"chair\": nobody could open a session";

fn too_many_chairs(chairs: usize) -> String {
    format!("{chairs} seats have the role \"chair\", at most {CHAIRS_MAX} can")
}

/// One line of `seats`.
struct Line {
    place: Place,
    role: Role,
    count: u32,
    number: Option<u32>,
    name: Option<String>,
}

impl Line {
    fn read(
        value: &Spanned<DeValue<'_>>,
        settings: &Settings,
        problems: &mut Problems<'_>,
    ) -> Option<Self> {
        let seats_max = u32::try_from(settings.seats_max).unwrap_or(u32::MAX);
        let mut table = Table::of(value, problems)?;
        let role = table.required_text("role", problems);
        let role = role.and_then(|word| role_of(&word, problems));
        let count = table.whole("count", 1..=seats_max, problems);
        let number = table.whole("number", 1..=seats_max, problems);
        let name = table.line("name", settings.name_chars_max, problems);
        let count = count.map_or(1, Spanned::into_inner);
        if let Some(name) = &name
            && count > 1
        {
            let message = format!("one name for {count} seats: give each its own line");
            problems.at(&name.span(), message);
        }
        let place = table.place().clone();
        table.finish(problems);
        Some(Self {
            place,
            role: role?,
            count,
            number: number.map(Spanned::into_inner),
            name: name.map(Spanned::into_inner),
        })
    }
}

fn role_of(word: &Spanned<&str>, problems: &mut Problems<'_>) -> Option<Role> {
    let written = *word.get_ref();
    let role = Role::ALL.into_iter().find(|role| role.as_str() == written);
    if role.is_none() {
        let hint = did_you_mean(written, Role::ALL.map(Role::as_str));
        let known = Role::ALL.map(Role::as_str).join(", ");
        problems.at(
            &word.span(),
            format!("`{written}` is no role{hint} (roles: {known})"),
        );
    }
    role
}

/// The name of a seat that has none in the file, until its person gives one.
fn placeholder(role: Role, delegation: &Delegation, number: u32) -> String {
    let word = match role {
        Role::Organiser => "Organiser",
        Role::Chair => "Chair",
        Role::Delegate => "Delegate",
        Role::Podium => "Guest",
        Role::Interpreter => "Interpreter",
        Role::Observer => "Observer",
        Role::Technician => "Technician",
    };
    format!("{word} of {} {number}", delegation.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programme::{Problem, parse_within};

    fn event(delegations: &str) -> Result<Programme, Vec<Problem>> {
        event_within(&Settings::default(), delegations)
    }

    fn event_within(settings: &Settings, delegations: &str) -> Result<Programme, Vec<Problem>> {
        let text = format!(
            "event = 'e'\ntitle = 'E'\ntime_zone = 'UTC'\n\
             days = [{{ date = 2020-11-19, sessions = [\
               {{ id = 's', title = 'S', start = '10:00', minutes = 60 }}] }}]\n{delegations}"
        );
        parse_within(&text, settings)
    }

    fn seats(delegations: &str) -> Vec<(String, Role, String)> {
        let event = event(delegations).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let seats = event.seats.into_iter();
        seats
            .map(|seat| (seat.member.to_string(), seat.role, seat.name))
            .collect()
    }

    #[test]
    fn numbers_go_on_over_roles_and_each_delegation_has_its_own() {
        let found = seats(
            "[delegations.zeta]\nname = 'Zeta'\n\
             seats = [{ role = 'chair', name = ' The chair ' }, { role = 'delegate', count = 2 }, \
               { role = 'podium', number = 9 }, { role = 'observer' }]\n\
             [delegations.alpha]\nname = 'Alpha'\nseats = [{ role = 'technician' }]\n",
        );
        let seat = |member: &str, role, name: &str| (member.to_owned(), role, name.to_owned());
        assert_eq!(
            found,
            [
                seat("zeta-1", Role::Chair, "The chair"),
                seat("zeta-2", Role::Delegate, "Delegate of Zeta 2"),
                seat("zeta-3", Role::Delegate, "Delegate of Zeta 3"),
                seat("zeta-9", Role::Podium, "Guest of Zeta 9"),
                seat("zeta-10", Role::Observer, "Observer of Zeta 10"),
                seat("alpha-1", Role::Technician, "Technician of Alpha 1"),
            ]
        );
    }

    #[test]
    fn every_role_has_its_word_in_the_file() {
        for role in Role::ALL {
            let found = seats(&format!(
                "delegations.a = {{ name = 'A', seats = [{{ role = 'chair' }}, {{ role = '{}' }}] }}",
                role.as_str()
            ));
            assert_eq!(found[1].1, role);
        }
    }

    #[test]
    fn a_delegation_that_is_wrong_hides_no_other_fault() {
        let problems = event(
            "[delegations.a]\nseats = [{ role = 'char' }, 5]\ncolour = 1\n[delegations]\nb = 7\n",
        )
        .expect_err("wrong");
        let found: Vec<_> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(found.len(), 5, "{found:#?}");
    }

    #[test]
    fn a_delegations_name_leaves_room_for_the_seats_number() {
        let name = "a".repeat(crate::ids::SLUG_CHARS_MAX);
        let text = format!(
            "delegations.a = {{ name = 'A', seats = [{{ role = 'chair' }}] }}\n\
             delegations.{name} = {{ name = 'B', seats = [{{ role = 'delegate' }}] }}"
        );
        let problems = event(&text).expect_err("too long");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].message.contains("66"), "{problems:?}");
    }

    #[test]
    fn eight_chairs_fit() {
        let text = "delegations.a = { name = 'A', seats = [{ role = 'chair', count = 8 }] }";
        assert_eq!(seats(text).len(), 8);
    }

    #[test]
    fn a_roster_is_as_large_as_is_set() {
        let settings = Settings {
            delegations_max: 2,
            seats_max: 3,
            name_chars_max: 4,
            ..Settings::default()
        };
        let chair =
            "delegations.a = { name = 'Alfa', seats = [{ role = 'chair', name = 'Abcd' }] }\n";
        let right = format!(
            "{chair}delegations.b = {{ name = 'B', seats = [{{ role = 'delegate', count = 2 }}] }}"
        );
        assert!(event_within(&settings, &right).is_ok());
        for (from, to, expected) in [
            (
                "'B'",
                "'Bravo'",
                "`name` has 5 characters, at most 4 are allowed",
            ),
            (
                "'Abcd'",
                "'Abcde'",
                "`name` has 5 characters, at most 4 are allowed",
            ),
            ("count = 2", "count = 3", "an event has at most 3 seats"),
            ("count = 2", "count = 4", "`count` must be 1 to 3, not 4"),
            ("count = 2", "number = 4", "`number` must be 1 to 3, not 4"),
            (
                "}] }",
                "}] }\ndelegations.c = { name = 'C' }",
                "an event has at most 2 delegations",
            ),
        ] {
            let (first, last) = right.split_once('\n').expect("two lines");
            let wrong = if first.contains(from) {
                format!("{}\n{last}", first.replacen(from, to, 1))
            } else {
                format!("{first}\n{}", last.replacen(from, to, 1))
            };
            assert!(event(&wrong).is_ok(), "{wrong}");
            let problems = event_within(&settings, &wrong).expect_err("too large");
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].message, expected);
        }
    }

    #[test]
    fn a_changed_name_is_as_long_as_is_set() {
        let text = "delegations.a = { name = 'A', seats = [{ role = 'chair' }] }";
        let event = event(text).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let member = event.seats[0].member.clone();
        let settings = Settings {
            name_chars_max: 3,
            ..Settings::default()
        };
        let named = |name| event.with_seat(&member, name, Role::Chair, &settings);
        assert_eq!(
            named("Abc").map(|it| it.seats[0].name.clone()),
            Ok("Abc".to_owned())
        );
        let wrong = named("Abcd").expect_err("too long");
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert_eq!(wrong[0].0, "name");
    }
}
