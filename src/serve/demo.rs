//! The demonstration: the model event, moved so that it is on now.
//!
//! It is moved once, at the first start, and stored: the second day stays tomorrow, and links go
//! on working. When all its days are over it is moved to now again, since whoever starts a
//! demonstration expects to see something.

use crate::{
    programme::{self, Programme},
    store::{Fault, Kept, Store},
    time::Timestamp,
};

/// The stored demonstration event; imported, or moved to now again, if need be.
pub fn ensure(store: &mut Store, now: Timestamp) -> Result<Kept, Fault> {
    let model = model()?;
    let stored = match store.reading().event(&model.id) {
        Ok(stored) => Some(stored),
        Err(Fault::UnknownEvent(_)) => None,
        Err(fault) => return Err(fault),
    };
    let moved = match &stored {
        None => Some(model.moved_to(now)),
        Some(stored) => {
            let over = stored.programme.ends().is_some_and(|end| end < now);
            over.then(|| stored.programme.moved_to(now))
        }
    };
    if let Some(moved) = moved {
        store.import(&moved, now)?;
    }
    store.reading().event(&model.id)
}

fn model() -> Result<Programme, Fault> {
    programme::parse(programme::MODEL_EVENT).map_err(|problems| {
        let first = problems.first().map(ToString::to_string);
        Fault::Damaged(format!("the embedded event: {}", first.unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Millis;

    const HOUR: Millis = Millis::from_secs(3600);

    #[test]
    fn it_is_moved_once_and_again_only_when_it_is_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let first = Timestamp(1_700_000_000_000);

        let kept = ensure(&mut store, first).expect("imported");
        let start = kept.programme.starts().expect("sessions");
        assert!(first.since(start) < Millis::from_secs(60), "{start:?}");

        let later = ensure(&mut store, first + HOUR).expect("kept");
        assert_eq!(later, kept);

        let end = kept.programme.ends().expect("sessions");
        let long_after = end + HOUR;
        let again = ensure(&mut store, long_after).expect("moved");
        let start = again.programme.starts().expect("sessions");
        assert!(long_after.since(start) < Millis::from_secs(60), "{start:?}");
        assert_eq!(again.programme.seats, kept.programme.seats);
        assert!(again.validity().expires > kept.validity().expires);
    }
}
