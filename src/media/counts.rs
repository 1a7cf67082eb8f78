//! What a shard has counted since it started, for whoever watches the server.

use std::time::Duration;

/// Packets in a run at least, for each place of [`Counts::runs`].
pub const RUN_LENGTHS: [u64; 6] = [1, 2, 4, 8, 16, 32];

/// One shard's counts. All but the last four only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams and packets over TCP that arrived, whatever they were.
    pub packets_received: u64,
    /// Their bytes, without the headers of IP, UDP and TCP.
    pub bytes_received: u64,
    /// Datagrams and packets over TCP that left, whatever they were.
    pub packets_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Media packets sent to a subscriber, each subscriber counted, repetitions not.
    pub packets_forwarded: u64,
    /// Media packets that a subscriber asked for again and was sent again.
    pub packets_repeated: u64,
    /// Datagrams that the kernel did not take: no route, or a full buffer.
    pub packets_refused: u64,
    /// Datagrams that the kernel dropped because nobody had read those before them.
    pub receive_drops: u64,
    /// Messages handed to the kernel, by the datagrams in each: at least as many as the place's number
    /// in [`RUN_LENGTHS`], and fewer than the next.
    pub runs: [u64; RUN_LENGTHS.len()],
    /// Datagrams in those messages: [`Counts::packets_sent`] but for what went over TCP.
    pub packets_in_runs: u64,
    /// Packets that subscribers asked for again.
    pub nacks_received: u64,
    /// Packets that were asked for again at publishers.
    pub nacks_sent: u64,
    /// Key frames that subscribers asked for.
    pub key_frame_requests_received: u64,
    /// Key frames that were asked for at publishers.
    pub key_frame_requests_sent: u64,
    /// Processor time of the shard's thread.
    pub cpu: Duration,
    /// Sessions now.
    pub sessions: usize,
    /// Peer connections now.
    pub peers: usize,
    /// Peers of whose path something is known now.
    pub estimated: usize,
    /// What those paths are believed to carry together, in bits a second.
    pub estimates_bits: u64,
}
