//! Which source each slot carries: as few changes as possible.
//!
//! This module must never know why a source is wanted, nor send anything.

/// Fills `slots` with the first of `wanted`, as many as there are slots. A source that stays
/// wanted keeps its slot; new ones take the free slots from the front.
/// Returns whether anything changed.
pub fn fill<T: Copy + PartialEq>(slots: &mut [Option<T>], wanted: &[T]) -> bool {
    let wanted = wanted.get(..slots.len()).unwrap_or(wanted);
    let mut changed = false;
    for slot in slots.iter_mut() {
        if slot.is_some_and(|source| !wanted.contains(&source)) {
            *slot = None;
            changed = true;
        }
    }
    for source in wanted {
        if slots.contains(&Some(*source)) {
            continue;
        }
        if let Some(free) = slots.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(*source);
            changed = true;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn who_stays_keeps_the_slot() {
        let mut slots = [None; 3];
        assert!(fill(&mut slots, &['a', 'b', 'c', 'd']));
        assert_eq!(slots, [Some('a'), Some('b'), Some('c')]);
        // d comes to the front, c falls out; nobody else moves.
        assert!(fill(&mut slots, &['d', 'a', 'b', 'c']));
        assert_eq!(slots, [Some('a'), Some('b'), Some('d')]);
        assert!(!fill(&mut slots, &['b', 'd', 'a']));
        assert!(fill(&mut slots, &['b']));
        assert_eq!(slots, [None, Some('b'), None]);
        assert!(!fill::<char>(&mut [], &['a']));
    }
}
