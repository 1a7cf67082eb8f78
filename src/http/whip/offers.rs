//! What an offer's sections are for, and whether all of it can be answered.
//!
//! Pure. RFC 9725 section 4.4.3 asks for no half-answered publishers: a show without its picture
//! misleads whoever sends it. A player takes what there is.

use axum::http::StatusCode;

use super::super::problem::Problem;
use crate::{
    media::{
        Kind, Sending, Source,
        shard::sdp::{Direction, Offer, Section},
    },
    room::Purpose,
};

/// The sections that the client sends on.
pub(super) fn sending(purpose: Purpose, offer: &Offer) -> Result<Vec<Sending>, Problem> {
    match purpose {
        Purpose::Publish => published(offer),
        Purpose::Play => played(offer).map(|()| Vec::new()),
    }
}

fn published(offer: &Offer) -> Result<Vec<Sending>, Problem> {
    let mut sending: Vec<Sending> = Vec::new();
    for section in &offer.sections {
        let mid = &section.mid;
        match section.direction {
            Direction::SendOnly | Direction::SendRecv => {}
            Direction::RecvOnly | Direction::Inactive => {
                return Err(unprocessable(format!(
                    "section {mid} sends nothing: offer a=sendonly (/whep plays)"
                )));
            }
        }
        let source = match answerable(section)? {
            Kind::Audio => Source::Microphone,
            Kind::Video => Source::Camera,
        };
        if sending.iter().any(|other| other.source == source) {
            return Err(unacceptable(
                "one track of sound and one of pictures are taken, not more",
            ));
        }
        sending.push(Sending {
            mid: mid.clone(),
            source,
        });
    }
    Ok(sending)
}

fn played(offer: &Offer) -> Result<(), Problem> {
    let mut refusal = unprocessable("no section receives anything: offer a=recvonly".to_owned());
    let mut answered = false;
    for section in &offer.sections {
        match section.direction {
            Direction::RecvOnly => match answerable(section) {
                Ok(_) => answered = true,
                Err(problem) => refusal = problem,
            },
            Direction::SendOnly | Direction::SendRecv => {
                return Err(unprocessable(format!(
                    "section {} sends: offer a=recvonly (/whip publishes)",
                    section.mid
                )));
            }
            Direction::Inactive => {}
        }
    }
    if answered { Ok(()) } else { Err(refusal) }
}

fn answerable(section: &Section) -> Result<Kind, Problem> {
    let Some(kind) = section.kind else {
        return Err(unacceptable(format!(
            "section {} is {}: only audio and video are taken",
            section.mid, section.media
        )));
    };
    if section.codecs.is_empty() {
        let known = match kind {
            Kind::Audio => "Opus",
            Kind::Video => "VP8 or H.264",
        };
        return Err(unacceptable(format!(
            "section {} offers no codec that this server forwards: add {known}",
            section.mid
        )));
    }
    Ok(kind)
}

fn unacceptable(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::NOT_ACCEPTABLE, detail)
}

fn unprocessable(detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::shard::sdp;

    const OPUS: &str = "audio 111 opus/48000/2";
    const VP8: &str = "video 96 VP8/90000";
    const H265: &str = "video 97 H265/90000";
    const DATA: &str = "application webrtc-datachannel -";

    fn checked(purpose: Purpose, sections: &[(&str, &str)]) -> Result<Vec<Sending>, StatusCode> {
        let hash = ["AB"; 32].join(":");
        let mut text = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n".to_owned();
        text += "a=group:BUNDLE 0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n";
        text += &format!("a=fingerprint:sha-256 {hash}\r\na=setup:actpass\r\n");
        for (place, (direction, section)) in sections.iter().enumerate() {
            let words: Vec<&str> = section.split(' ').collect();
            text += &format!(
                "m={0} 9 UDP/TLS/RTP/SAVPF {1}\r\nc=IN IP4 0.0.0.0\r\na=mid:{place}\r\na={direction}\r\n\
                 a=rtcp-mux\r\na=rtpmap:{1} {2}\r\n",
                words[0], words[1], words[2]
            );
        }
        let offer = sdp::read(&text).expect("an offer");
        sending(purpose, &offer).map_err(|problem| problem.status())
    }

    #[test]
    fn a_publisher_is_answered_whole_or_not_at_all() {
        let publish = |sections: &[_]| checked(Purpose::Publish, sections);
        let both = publish(&[("sendonly", OPUS), ("sendrecv", VP8)]).expect("good");
        let sources: Vec<Source> = both.iter().map(|it| it.source).collect();
        assert_eq!(sources, [Source::Microphone, Source::Camera]);
        assert_eq!(both[1].mid, "1");
        for unacceptable in [
            [("sendonly", OPUS), ("sendonly", H265)],
            [("sendonly", OPUS), ("sendonly", OPUS)],
            [("sendonly", VP8), ("sendrecv", DATA)],
        ] {
            let refused = publish(&unacceptable);
            assert_eq!(refused, Err(StatusCode::NOT_ACCEPTABLE), "{unacceptable:?}");
        }
        for direction in ["recvonly", "inactive"] {
            let refused = publish(&[("sendonly", OPUS), (direction, VP8)]);
            assert_eq!(refused, Err(StatusCode::UNPROCESSABLE_ENTITY));
        }
    }

    #[test]
    fn a_player_takes_what_there_is() {
        let play = |sections: &[_]| checked(Purpose::Play, sections);
        assert_eq!(play(&[("recvonly", OPUS), ("recvonly", H265)]), Ok(vec![]));
        assert_eq!(play(&[("recvonly", H265)]), Err(StatusCode::NOT_ACCEPTABLE));
        for nothing in ["inactive", "sendonly", "sendrecv"] {
            let refused = play(&[(nothing, OPUS)]);
            assert_eq!(refused, Err(StatusCode::UNPROCESSABLE_ENTITY), "{nothing}");
        }
    }
}
