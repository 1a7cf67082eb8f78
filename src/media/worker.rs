//! SHELL. One thread per shard: sockets in, shard, sockets out; one clock reading a batch.

use tokio::sync::mpsc;

use super::{Notice, Order};

/// The running shards.
pub struct Media {}

/// A room's way to the shard that owns its session. Dropping it ends the session's media.
pub struct SessionMedia {}

impl Media {
    /// Gives a new session to the least loaded shard. The receiver yields the session's notices.
    pub fn open_session(&self) -> (SessionMedia, mpsc::Receiver<Notice>) {
        let (_notices, receiver) = mpsc::channel(1);
        (SessionMedia {}, receiver)
    }
}

impl SessionMedia {
    /// Hands an order to the shard. Orders are carried out in the order given.
    pub fn order(&self, _order: Order) {}
}
