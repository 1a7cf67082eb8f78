//! Tests of the whole against an independent SRTP (`rtc::srtp`), and of its known defects.

use proptest::prelude::*;
use rtc::srtp::context::Context;
use rtc::srtp::protection_profile::ProtectionProfile;

use super::*;
use crate::media::shard::rtp::{FIXED_HEADER_BYTES, Header};

const SSRC: u32 = 0xCAFE_F00D;

/// Both directions of one session, ours and the reference's.
struct Session {
    profile: Profile,
    /// Seals with the server's key.
    sealer: Sealer,
    /// Opens with the server's key.
    their_opener: Context,
    /// Seals with the client's key.
    their_sealer: Context,
    /// Opens with the client's key.
    opener: Opener,
    /// Seals with the client's key what the reference would not.
    peer: Sealer,
}

fn session(profile: Profile) -> Session {
    let material: Vec<u8> = (0..profile.exported_bytes())
        .map(|at| (at * 7 + 3) as u8)
        .collect();
    let keys = Keys::from_exporter(profile, &material).unwrap();
    let theirs = |key_at: usize, salt_at: usize| {
        let theirs = match profile {
            Profile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
            Profile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
            Profile::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
        };
        let crypto = rtc::crypto::default_provider().unwrap();
        Context::new(
            &material[key_at..key_at + profile.key_bytes()],
            &material[salt_at..salt_at + profile.salt_bytes()],
            theirs,
            None,
            None,
            crypto.crypto(),
        )
        .unwrap()
    };
    let (key, salt) = (profile.key_bytes(), profile.salt_bytes());
    Session {
        profile,
        sealer: Sealer::new(&keys.server).unwrap(),
        their_opener: theirs(key, 2 * key + salt),
        their_sealer: theirs(0, 2 * key),
        opener: Opener::new(&keys.client).unwrap(),
        peer: Sealer::new(&keys.client).unwrap(),
    }
}

fn sessions() -> impl Iterator<Item = Session> {
    Profile::PREFERENCE.into_iter().map(session)
}

/// A packet whose shape varies with its index: contributing sources, extensions, payload length.
fn plain_rtp(ssrc: u32, index: u64) -> Vec<u8> {
    let [.., s0, s1] = index.to_be_bytes();
    let mut packet = vec![0x80, 0x60, s0, s1, 0, 0, s0, s1];
    packet.extend(ssrc.to_be_bytes());
    if index % 2 == 1 {
        packet[0] |= 0x01;
        packet.extend([0, 0, 0, 9]);
    }
    if index % 3 == 1 {
        packet[0] |= 0x10;
        packet.extend([0xBE, 0xDE, 0, 1, 0x10, 0x55, 0, 0]);
    }
    packet.extend((0..index % 5 * 31).map(|at| at as u8));
    packet
}

fn seal(sealer: &Sealer, plain: &[u8], roc: u32) -> Vec<u8> {
    let mut packet = plain.to_vec();
    packet.resize(plain.len() + RTP_OVERHEAD_MAX, 0xEE);
    let header_bytes = Header::parse(plain).unwrap().header_bytes();
    let length = sealer
        .seal_rtp(&mut packet, header_bytes, plain.len(), roc)
        .unwrap();
    packet.truncate(length);
    packet
}

fn open(opener: &mut Opener, sealed: &[u8]) -> Result<(Vec<u8>, u64), Rejected> {
    let mut packet = sealed.to_vec();
    let opened = opener.open_rtp(&mut packet)?;
    Ok((opened.packet.to_vec(), opened.index))
}

fn open_rtcp(opener: &mut Opener, sealed: &[u8]) -> Result<Vec<u8>, Rejected> {
    let mut packet = sealed.to_vec();
    opener.open_rtcp(&mut packet).map(<[u8]>::to_vec)
}

const RECEIVER_REPORT: [u8; 8] = [0x80, 201, 0, 1, 0xCA, 0xFE, 0xF0, 0x0D];

fn plain_rtcp(salt: u8) -> Vec<u8> {
    let mut packet = RECEIVER_REPORT.to_vec();
    packet.extend([0x81, 206, 0, 2, 0xCA, 0xFE, 0xF0, 0x0D, 0, 0, 0, salt]);
    packet
}

#[test]
fn the_reference_opens_what_we_seal_over_the_rollover() {
    for mut session in sessions() {
        for index in 65_500..65_600_u64 {
            let plain = plain_rtp(SSRC, index);
            let sealed = seal(&session.sealer, &plain, (index >> 16) as u32);
            assert_eq!(
                sealed.len(),
                plain.len() + session.sealer.rtp_overhead_bytes()
            );
            let opened = session.their_opener.decrypt_rtp(&sealed).unwrap();
            assert_eq!(opened, plain, "{:?} {index}", session.profile);
        }
    }
}

#[test]
fn we_open_what_the_reference_seals_over_the_rollover() {
    for mut session in sessions() {
        for index in 65_500..65_600_u64 {
            let plain = plain_rtp(SSRC, index);
            let sealed = session.their_sealer.encrypt_rtp(&plain).unwrap();
            assert_eq!(
                open(&mut session.opener, &sealed),
                Ok((plain, index)),
                "{:?}",
                session.profile
            );
        }
    }
}

#[test]
fn late_packets_from_before_the_rollover_open_and_open_once() {
    for mut session in sessions() {
        let sealed: Vec<_> = (65_000..66_000_u64)
            .map(|index| {
                let plain = plain_rtp(SSRC, index);
                (
                    session.their_sealer.encrypt_rtp(&plain).unwrap(),
                    plain,
                    index,
                )
            })
            .collect();
        // Every 13th of 1000, round and round: far out of order, each once.
        for step in 0..1000_usize {
            let (sealed, plain, index) = &sealed[step * 13 % 700];
            let opened = open(&mut session.opener, sealed);
            if step < 700 {
                assert_eq!(opened, Ok((plain.clone(), *index)), "{:?}", session.profile);
            } else {
                assert_eq!(opened, Err(Rejected::Replayed), "{:?}", session.profile);
            }
        }
    }
}

#[test]
fn a_packet_older_than_the_window_is_refused_and_one_within_it_is_not() {
    for mut session in sessions() {
        let packet = |index: u64| plain_rtp(SSRC, index);
        let first = seal(&session.peer, &packet(100), 0);
        let within = seal(&session.peer, &packet(2000 - 960), 0);
        let newest = seal(&session.peer, &packet(2000), 0);
        assert!(open(&mut session.opener, &newest).is_ok());
        assert!(open(&mut session.opener, &within).is_ok());
        assert_eq!(open(&mut session.opener, &first), Err(Rejected::Replayed));
    }
}

#[test]
fn no_byte_of_an_rtp_packet_can_be_changed() {
    for mut session in sessions() {
        let plain = plain_rtp(SSRC, 65_537);
        let sealed = seal(&session.peer, &plain, 0);
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut forged = sealed.clone();
                forged[at] ^= 1 << bit;
                assert!(
                    open(&mut session.opener, &forged).is_err(),
                    "{:?} byte {at} bit {bit}",
                    session.profile
                );
            }
        }
        for length in 0..sealed.len() {
            assert!(open(&mut session.opener, &sealed[..length]).is_err());
        }
        assert_eq!(session.opener.streams(), 0);
        assert_eq!(open(&mut session.opener, &sealed), Ok((plain, 1)));
    }
}

#[test]
fn a_forged_number_does_not_move_the_window() {
    for mut session in sessions() {
        let packet = |index| plain_rtp(SSRC, index);
        let first = seal(&session.peer, &packet(10), 0);
        let second = seal(&session.peer, &packet(11), 0);
        assert!(open(&mut session.opener, &first).is_ok());
        let mut forged = seal(&session.peer, &packet(12), 0);
        forged[2] = 0x7F;
        assert_eq!(open(&mut session.opener, &forged), Err(Rejected::Forged));
        assert!(open(&mut session.opener, &second).is_ok());
    }
}

#[test]
fn rtcp_goes_both_ways_and_each_packet_once() {
    for mut session in sessions() {
        for salt in 0..100 {
            let plain = plain_rtcp(salt);
            let mut sealed = plain.clone();
            sealed.resize(plain.len() + RTCP_OVERHEAD_MAX, 0xEE);
            let length = session.sealer.seal_rtcp(&mut sealed, plain.len()).unwrap();
            let opened = session.their_opener.decrypt_rtcp(&sealed[..length]);
            assert_eq!(opened.unwrap(), plain, "{:?}", session.profile);

            let sealed = session.their_sealer.encrypt_rtcp(&plain).unwrap();
            assert_eq!(open_rtcp(&mut session.opener, &sealed), Ok(plain));
            assert_eq!(
                open_rtcp(&mut session.opener, &sealed),
                Err(Rejected::Replayed)
            );
        }
        assert_eq!(session.opener.streams(), 1);
    }
}

#[test]
fn no_byte_of_an_rtcp_packet_can_be_changed() {
    for mut session in sessions() {
        let plain = plain_rtcp(7);
        let sealed = session.their_sealer.encrypt_rtcp(&plain).unwrap();
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut forged = sealed.to_vec();
                forged[at] ^= 1 << bit;
                assert!(
                    open_rtcp(&mut session.opener, &forged).is_err(),
                    "{:?} byte {at} bit {bit}",
                    session.profile
                );
            }
        }
        for length in 0..sealed.len() {
            assert!(open_rtcp(&mut session.opener, &sealed[..length]).is_err());
        }
        assert_eq!(session.opener.streams(), 0);
        assert_eq!(open_rtcp(&mut session.opener, &sealed), Ok(plain));
    }
}

/// `rtc-srtp` 0.21.1 takes such a packet without a look at its tag.
#[test]
fn rtcp_that_says_it_is_not_encrypted_is_refused() {
    for mut session in sessions() {
        let index_at_end = match session.profile {
            Profile::AesCm128HmacSha1_80 => 14,
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => 4,
        };
        let mut packet = plain_rtcp(1);
        packet.extend([0; 20]);
        for index in [0, 1, 0x7F] {
            let at = packet.len() - index_at_end;
            packet[at] = index;
            assert_eq!(
                open_rtcp(&mut session.opener, &packet),
                Err(Rejected::Unencrypted),
                "{:?}",
                session.profile
            );
        }
        assert_eq!(session.opener.streams(), 0);
    }
}

/// `rtc-srtp` 0.21.1 keeps state for each of them, for ever.
#[test]
fn forged_streams_leave_nothing_behind() {
    for mut session in sessions() {
        let sealed = seal(&session.peer, &plain_rtp(SSRC, 7), 0);
        open(&mut session.opener, &sealed).unwrap();
        let mut forged = [0; 100];
        forged[0] = 0x80;
        for ssrc in 0..50_000_u32 {
            forged[8..12].copy_from_slice(&ssrc.to_be_bytes());
            let opened = session.opener.open_rtp(&mut forged).map(drop);
            assert_eq!(opened, Err(Rejected::Forged));
        }
        for ssrc in 0..50_000_u32 {
            let mut forged = [0xFF; 60];
            forged[..4].copy_from_slice(&RECEIVER_REPORT[..4]);
            forged[4..8].copy_from_slice(&ssrc.to_be_bytes());
            let opened = session.opener.open_rtcp(&mut forged).map(drop);
            assert_eq!(opened, Err(Rejected::Forged));
        }
        assert_eq!(session.opener.streams(), 1);
    }
}

#[test]
fn streams_beyond_the_bound_are_refused_and_the_others_go_on() {
    for mut session in sessions() {
        for round in 0..2_u64 {
            for ssrc in 0..SSRCS_MAX as u32 {
                let sealed = seal(&session.peer, &plain_rtp(ssrc, round), 0);
                assert!(open(&mut session.opener, &sealed).is_ok());
            }
            let one_more = seal(&session.peer, &plain_rtp(1 << 20, round), 0);
            assert_eq!(
                open(&mut session.opener, &one_more),
                Err(Rejected::TooManyStreams)
            );
        }
        assert_eq!(session.opener.streams(), SSRCS_MAX);
    }
}

#[test]
fn nothing_is_sealed_where_it_does_not_fit() {
    for mut session in sessions() {
        let plain = plain_rtp(SSRC, 9);
        let header = Header::parse(&plain).unwrap().header_bytes();
        let whole = plain.len() + session.sealer.rtp_overhead_bytes();
        let mut packet = plain.clone();
        packet.resize(whole, 0);
        let mut seal = |room: usize, header: usize, end: usize| {
            session.sealer.seal_rtp(&mut packet[..room], header, end, 0)
        };
        assert_eq!(seal(whole - 1, header, plain.len()), None);
        assert_eq!(seal(whole, header, whole + 1), None);
        assert_eq!(seal(whole, header, header - 1), None);
        assert_eq!(seal(whole, FIXED_HEADER_BYTES - 1, plain.len()), None);
        assert_eq!(seal(whole, header, plain.len()), Some(whole));

        let mut packet = plain_rtcp(1);
        let length = packet.len();
        assert_eq!(session.sealer.seal_rtcp(&mut packet, length), None);
        packet.resize(length + RTCP_OVERHEAD_MAX, 0);
        assert_eq!(session.sealer.seal_rtcp(&mut packet, 7), None);
        assert!(session.sealer.seal_rtcp(&mut packet, length).is_some());
    }
}

#[test]
fn an_opened_packet_keeps_its_padding_for_the_header_to_judge() {
    for mut session in sessions() {
        let mut plain = plain_rtp(SSRC, 0);
        plain[0] |= 0x20;
        plain.extend([1, 2, 3, 0, 0, 3]);
        let mut sealed = seal(&session.peer, &plain, 0);
        let opened = session.opener.open_rtp(&mut sealed).unwrap();
        assert_eq!(opened.header.payload(opened.packet), Ok(&[1, 2, 3][..]));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..120), shaped: bool) {
        if let (true, Some(first)) = (shaped, bytes.first_mut()) {
            *first = *first & 0x3F | 0x80;
        }
        for mut session in sessions() {
            prop_assert!(open(&mut session.opener, &bytes).is_err());
            prop_assert!(open_rtcp(&mut session.opener, &bytes).is_err());
            prop_assert_eq!(session.opener.streams(), 0);
        }
    }
}
