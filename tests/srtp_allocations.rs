//! Sealing and opening packets of known streams allocates nothing, and forged ones leave no
//! memory behind.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use roundtable::media::shard::rtp::{HeaderFields, write_header};
use roundtable::media::shard::srtp::{
    Keys, Opener, Profile, RTCP_OVERHEAD_MAX, RTP_OVERHEAD_MAX, Sealer,
};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations_of(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

const BODY_END: usize = 1200;

struct Session {
    sealer: Sealer,
    opener: Opener,
    packet: [u8; BODY_END + RTP_OVERHEAD_MAX],
}

impl Session {
    fn new(profile: Profile) -> Self {
        let material = vec![7; profile.exported_bytes()];
        let keys = Keys::from_exporter(profile, &material).unwrap();
        Self {
            sealer: Sealer::new(&keys.server).unwrap(),
            opener: Opener::new(&keys.server).unwrap(),
            packet: [0; BODY_END + RTP_OVERHEAD_MAX],
        }
    }

    fn rtp_there_and_back(&mut self, ssrc: u32, index: u64) {
        let fields = HeaderFields {
            marker: false,
            payload_type: 96,
            sequence: index as u16,
            timestamp: 0,
            ssrc,
            padded: false,
        };
        let roc = (index >> 16) as u32;
        let header = write_header(&mut self.packet, &fields, &[(3, &[1, 2])]).unwrap();
        let length = self
            .sealer
            .seal_rtp(&mut self.packet, header, BODY_END, roc)
            .unwrap();
        let opened = self.opener.open_rtp(&mut self.packet[..length]).unwrap();
        assert_eq!(opened.index, index);
    }

    fn rtcp_there_and_back(&mut self) {
        let mut packet = [0; 32 + RTCP_OVERHEAD_MAX];
        packet[..4].copy_from_slice(&[0x80, 201, 0, 7]);
        let length = self.sealer.seal_rtcp(&mut packet, 32).unwrap();
        assert!(self.opener.open_rtcp(&mut packet[..length]).is_ok());
    }
}

#[test]
fn known_streams_cost_no_allocation() {
    for profile in Profile::PREFERENCE {
        let mut session = Session::new(profile);
        assert_ne!(allocations_of(|| session.rtp_there_and_back(1, 0)), 0);
        session.rtcp_there_and_back();
        let allocations = allocations_of(|| {
            for index in 1..70_000 {
                session.rtp_there_and_back(1, index);
                session.rtcp_there_and_back();
            }
        });
        assert_eq!(allocations, 0, "{profile:?}");
    }
}

#[test]
fn a_hundred_thousand_forged_streams_cost_no_allocation() {
    for profile in Profile::PREFERENCE {
        let mut session = Session::new(profile);
        session.rtp_there_and_back(1, 0);
        let allocations = allocations_of(|| {
            for ssrc in 2..100_002_u32 {
                let mut forged = [0x80; 64];
                forged[8..12].copy_from_slice(&ssrc.to_be_bytes());
                assert!(session.opener.open_rtp(&mut forged).is_err());
                forged[4..8].copy_from_slice(&ssrc.to_be_bytes());
                assert!(session.opener.open_rtcp(&mut forged).is_err());
            }
        });
        assert_eq!(allocations, 0, "{profile:?}");
        assert_eq!(session.opener.streams(), 1);
    }
}
