//! SHELL. Room for as many sockets as a load test opens: its own, and its server's, which inherits it.

/// Descriptors that a process has beside its members'.
const OTHERS: u64 = 256;
/// Of each member: a WebSocket and a UDP socket, and both again while it comes back.
const OF_A_MEMBER: u64 = 4;

/// Asks for it. What the system does not grant is missed by the member that needs it, who then says so.
pub(super) fn make_room(participants: u16) {
    let wanted = OTHERS + OF_A_MEMBER * u64::from(participants);
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    #[expect(
        unsafe_code,
        reason = "both calls read or write the structure, which is here"
    )]
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 && limit.rlim_cur < wanted {
            limit.rlim_cur = wanted.min(limit.rlim_max);
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}
