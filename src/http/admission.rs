//! SHELL. How many connections there are at once, and from one address.
//!
//! Policy: past a limit the new connection is closed at once, nobody else notices. Trusted proxies
//! are not counted by address, since everybody comes from theirs.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts the connections.
pub(super) struct Admission {
    total: u32,
    free: Arc<Semaphore>,
    per_address_max: u32,
    uncounted: Vec<IpAddr>,
    /// Holds one entry an address with a connection, so never more than `total`.
    by_address: Mutex<HashMap<IpAddr, u32>>,
}

/// A connection's place; gives it back when dropped.
pub(super) struct Place {
    _free: OwnedSemaphorePermit,
    counted: Option<(IpAddr, Arc<Admission>)>,
}

impl Admission {
    pub(super) fn new(total: u32, per_address_max: u32, uncounted: Vec<IpAddr>) -> Arc<Self> {
        Arc::new(Self {
            total,
            free: Arc::new(Semaphore::new(total as usize)),
            per_address_max,
            uncounted,
            by_address: Mutex::default(),
        })
    }

    /// A place for a connection from this address, if there is one.
    pub(super) fn place(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let free = Arc::clone(&self.free).try_acquire_owned().ok()?;
        if self.uncounted.contains(&address) {
            return Some(Place {
                _free: free,
                counted: None,
            });
        }
        let mut by_address = self.lock();
        let count = by_address.get(&address).copied().unwrap_or(0);
        if count >= self.per_address_max {
            return None;
        }
        by_address.insert(address, count.saturating_add(1));
        Some(Place {
            _free: free,
            counted: Some((address, Arc::clone(self))),
        })
    }

    /// Waits until no connection is left.
    pub(super) async fn idle(&self) {
        // Never closed, so that an error cannot be; and if it were, nobody would be left.
        let _all = self.free.acquire_many(self.total).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((address, admission)) = self.counted.take() else {
            return;
        };
        let mut by_address = admission.lock();
        match by_address.get_mut(&address) {
            Some(count) if *count > 1 => *count = count.saturating_sub(1),
            Some(_) | None => {
                by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn one_address_cannot_take_every_place() {
        let admission = Admission::new(10, 2, Vec::new());
        let first = admission.place(A).expect("free");
        let _second = admission.place(A).expect("free");
        assert!(admission.place(A).is_none());
        assert!(admission.place(B).is_some());
        drop(first);
        assert!(admission.place(A).is_some());
    }

    #[test]
    fn the_total_holds_for_all_and_nothing_is_kept_of_who_has_gone() {
        let admission = Admission::new(2, 2, vec![B]);
        let held = [
            admission.place(B).expect("free"),
            admission.place(A).expect("free"),
        ];
        assert!(admission.place(B).is_none());
        drop(held);
        assert!(admission.lock().is_empty());
        assert!(admission.place(B).is_some());
    }

    #[tokio::test]
    async fn idle_waits_for_the_last() {
        let admission = Admission::new(2, 2, Vec::new());
        let held = admission.place(A).expect("free");
        let mut idle = std::pin::pin!(admission.idle());
        assert!(futures_util::poll!(idle.as_mut()).is_pending());
        drop(held);
        idle.await;
    }
}
