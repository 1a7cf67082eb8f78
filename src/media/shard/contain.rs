//! Where the libraries read what strangers send. They have panicked there (a member could end the
//! whole shard by DTLS fragments), and a panic ends the thread that everybody's media runs on; here
//! it ends the one connection that it is about.
//!
//! For those calls alone: a panic of our own is a bug that must not be hidden.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `part` gives; nothing where it panicked. What it has changed is then in any state, and must
/// not be used again.
pub fn contained<T>(part: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(part)).ok()
}

#[cfg(test)]
mod tests {
    use super::contained;

    #[test]
    fn a_panic_ends_here() {
        assert_eq!(contained(|| 7), Some(7));
        let places: [u8; 0] = [];
        let beyond = std::hint::black_box(3);
        assert_eq!(contained(|| places[beyond]), None);
    }
}
