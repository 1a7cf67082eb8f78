//! Which events a subscription is for.

use std::collections::BTreeSet;

use crate::meeting::{Event, kinds::EVENT_TYPES, record::Addressee};

/// Messages to the chairs alone: personal, and so for those alone who name them.
const TO_CHAIRS: &str = "chat.sent.chairs";

/// Everything.
const ALL: &str = "*";

/// Why a text names no events.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no event: write a type of the protocol such as floor.granted, a family such as \
     floor.*, * for all, or chat.sent.chairs for what is written to the chairs alone"
)]
pub struct NotAType(String);

/// The events that a subscription is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    types: BTreeSet<&'static str>,
    to_chairs: bool,
}

impl Filter {
    /// Of names as their owner wrote them; none: everything but what must be named.
    pub fn parse(names: &[String]) -> Result<Self, NotAType> {
        let mut filter = Self {
            types: BTreeSet::new(),
            to_chairs: false,
        };
        for name in names {
            if name == TO_CHAIRS {
                filter.to_chairs = true;
                continue;
            }
            let named: Vec<_> = EVENT_TYPES
                .into_iter()
                .filter(|kind| covers(name, kind))
                .collect();
            if named.is_empty() {
                return Err(NotAType(name.clone()));
            }
            filter.types.extend(named);
        }
        if names.is_empty() {
            filter.types.extend(EVENT_TYPES);
        }
        Ok(filter)
    }

    /// Whether it is for this event, of this type.
    pub fn wants(&self, event: &Event, kind: &str) -> bool {
        let to_chairs = matches!(
            event,
            Event::ChatSent {
                to: Addressee::Chairs,
                ..
            }
        );
        if to_chairs {
            self.to_chairs
        } else {
            self.types.contains(kind)
        }
    }
}

fn covers(name: &str, kind: &str) -> bool {
    let family = name.strip_suffix('*').filter(|rest| rest.ends_with('.'));
    name == ALL || name == kind || family.is_some_and(|family| kind.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(names: &[&str]) -> Result<Filter, NotAType> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        Filter::parse(&names)
    }

    fn chat(to: Addressee) -> Event {
        Event::ChatSent {
            member: "chair-1".parse().expect("a slug"),
            to,
            text: "a word".to_owned(),
        }
    }

    fn wants(names: &[&str], event: &Event, kind: &str) -> bool {
        filter(names).expect("a filter").wants(event, kind)
    }

    #[test]
    fn a_type_a_family_or_everything_is_named() {
        let absent = Event::ChairAbsent;
        for names in [&["chair.absent"][..], &["chair.*"], &["*"], &[]] {
            assert!(wants(names, &absent, "chair.absent"), "{names:?}");
        }
        for names in [&["session.opened"][..], &["floor.*"], &["chat.sent.chairs"]] {
            assert!(!wants(names, &absent, "chair.absent"), "{names:?}");
        }
    }

    #[test]
    fn what_is_for_the_chairs_alone_has_to_be_named() {
        for names in [&["chat.sent"][..], &["chat.*"], &["*"], &[]] {
            assert!(wants(names, &chat(Addressee::Everybody), "chat.sent"));
            assert!(!wants(names, &chat(Addressee::Chairs), "chat.sent"));
        }
        let named = ["chat.sent.chairs"];
        assert!(wants(&named, &chat(Addressee::Chairs), "chat.sent"));
        assert!(!wants(&named, &chat(Addressee::Everybody), "chat.sent"));
    }

    #[test]
    fn a_name_of_nothing_is_refused() {
        for name in [
            "",
            "floor",
            "floor.",
            "floor.grant",
            "floor*",
            "nothing.*",
            "**",
            ".*",
        ] {
            assert_eq!(filter(&[name]), Err(NotAType(name.to_owned())), "{name}");
        }
    }
}
