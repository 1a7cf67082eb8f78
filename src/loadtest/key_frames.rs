//! Lets a camera hear that a key frame is wanted.
//!
//! The crate keeps what comes by RTCP from its tracks unless an interceptor says otherwise, and
//! hands a compound packet to the track that its first part is about. A request stands behind a
//! receiver report (RFC 3550 section 6.1), which may be about nothing.
//!
//! This module must never know who asks or what is done about it.

use std::{collections::VecDeque, time::Instant};

use rtc::{
    interceptor::{Attribute, Interceptor, Packet, StreamInfo, TaggedPacket},
    rtcp::payload_feedbacks::{
        full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication,
    },
    sansio::Protocol,
    shared::error::Error,
};

/// Whether this asks for a key frame.
pub fn is_request(packet: &dyn rtc::rtcp::Packet) -> bool {
    let packet = packet.as_any();
    packet.is::<PictureLossIndication>() || packet.is::<FullIntraRequest>()
}

/// Passes requests for key frames on to the tracks, and no other RTCP.
#[derive(Default)]
pub struct KeyFrameRequests {
    // Both are emptied by the chain after each packet.
    read: VecDeque<TaggedPacket>,
    written: VecDeque<TaggedPacket>,
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for KeyFrameRequests {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut read: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(packets) = &mut read.message.packet {
            packets.retain(|packet| is_request(packet.as_ref()));
            if !packets.is_empty() {
                read.message.add(Attribute::DeliverToApplication);
            }
        }
        self.read.push_back(read);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.read.pop_front()
    }

    fn handle_write(&mut self, written: TaggedPacket) -> Result<(), Error> {
        self.written.push_back(written);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.written.pop_front()
    }
}

impl Interceptor for KeyFrameRequests {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
