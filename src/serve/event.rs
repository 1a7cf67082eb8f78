//! Which of the stored events is meant.

use crate::{
    ids::{EventId, NotASlug},
    store::{Fault, Kept, Reading},
};

/// Why no event is.
#[derive(Debug, thiserror::Error)]
pub enum NoEvent {
    /// Not an event's id.
    #[error("the event's id: {0}")]
    NotAnId(#[from] NotASlug),
    /// Nothing has been imported.
    #[error(
        "there is no event in the data folder: import one with `roundtable event import FILE`, or \
         see the demonstration with `roundtable serve --demo`"
    )]
    None,
    /// More than one, and none was named.
    #[error("there are several events ({0}): choose one with --event")]
    Several(String),
    /// The store's own trouble, or no such event.
    #[error("{0}")]
    Store(#[from] Fault),
}

/// The event that was asked for, or the only one.
pub fn choose(reading: &Reading, asked: &str) -> Result<Kept, NoEvent> {
    if !asked.is_empty() {
        let id: EventId = asked.parse()?;
        return Ok(reading.event(&id)?);
    }
    let mut events = reading.events()?;
    match (events.pop(), events.is_empty()) {
        (None, _) => Err(NoEvent::None),
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            events.push(last);
            let ids: Vec<&str> = events
                .iter()
                .map(|kept| kept.programme.id.as_str())
                .collect();
            Err(NoEvent::Several(ids.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{programme, store::Store, time::Timestamp};

    #[test]
    fn the_only_event_needs_no_name_and_of_several_one_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let asked = |store: &Store, asked: &str| {
            choose(store.reading(), asked)
                .map(|kept| kept.programme.id.to_string())
                .map_err(|why| why.to_string())
        };
        let none = asked(&store, "").expect_err("none");
        assert!(none.contains("event import"), "{none}");

        let mut programme = programme::parse(programme::MODEL_EVENT).expect("the model event");
        store.import(&programme, Timestamp(0)).expect("kept");
        assert_eq!(asked(&store, "").as_deref(), Ok("nartt-2020"));

        programme.id = "other".parse().expect("a slug");
        store.import(&programme, Timestamp(0)).expect("kept");
        let several = asked(&store, "").expect_err("several");
        assert!(several.contains("nartt-2020, other"), "{several}");
        assert_eq!(asked(&store, "other").as_deref(), Ok("other"));
        assert!(asked(&store, "third").is_err());
        assert!(asked(&store, "No Slug").is_err());
    }
}
