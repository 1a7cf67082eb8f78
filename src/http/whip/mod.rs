//! SHELL. WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): a peer connection by one HTTP request.
//!
//! | file | what it does |
//! |---|---|
//! | `offers` | what an offer is for, and whether it can be answered (pure) |
//! | `fragment` | the SDP fragments of `PATCH`, RFC 8840 (pure) |
//! | `problem` | every refusal as a status and a problem document |
//! | `calls` | the resources behind the URLs that were given out |
//! | this one | the methods and their headers |
//!
//! Both are for programs and pages of anybody's: every answer may be read by any origin, since what
//! grants anything is the bearer token, an invite link's, which no browser adds by itself.

mod calls;
mod fragment;
mod offers;
mod problem;

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

pub(super) use self::calls::Calls;
use self::{
    calls::{Ice, Resource},
    fragment::Fragment,
    problem::{ended, nobody},
};
use super::{
    Rooms,
    body::{self, BodyFault},
    forwarded::client_address,
    headers,
    listener::Caller,
    problem::Problem,
};
use crate::{
    ids::SessionId,
    media::shard::sdp,
    room::Purpose,
    signalling::{
        call::{Call, CallRefusal, Offered},
        wire::Token,
    },
};

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// A fragment has a line of some 120 bytes a candidate. A longer one is answered 413.
const FRAGMENT_BYTES_MAX: usize = 16 * 1024;

/// `/whip/{session}`.
pub(super) async fn publish(
    state: State<Arc<Rooms>>,
    caller: Extension<Caller>,
    session: Path<String>,
    request: Request,
) -> Response {
    endpoint(Purpose::Publish, state, caller, session, request).await
}

/// `/whep/{session}`.
pub(super) async fn play(
    state: State<Arc<Rooms>>,
    caller: Extension<Caller>,
    session: Path<String>,
    request: Request,
) -> Response {
    endpoint(Purpose::Play, state, caller, session, request).await
}

/// `/whip/{session}/{call}`.
pub(super) async fn published(
    state: State<Arc<Rooms>>,
    path: Path<(String, String)>,
    request: Request,
) -> Response {
    resource(Purpose::Publish, state, path, request).await
}

/// `/whep/{session}/{call}`.
pub(super) async fn played(
    state: State<Arc<Rooms>>,
    path: Path<(String, String)>,
    request: Request,
) -> Response {
    resource(Purpose::Play, state, path, request).await
}

async fn endpoint(
    purpose: Purpose,
    State(rooms): State<Arc<Rooms>>,
    Extension(caller): Extension<Caller>,
    Path(session): Path<String>,
    request: Request,
) -> Response {
    const ALLOWED: &str = "POST, OPTIONS";
    let answer = if request.method() == Method::OPTIONS {
        options(ALLOWED, header_of("accept-post", SDP))
    } else if request.method() == Method::POST {
        let posted = post(purpose, &rooms, &caller, &session, request).await;
        posted.unwrap_or_else(IntoResponse::into_response)
    } else {
        Problem::method(ALLOWED).into_response()
    };
    open_to_all(answer)
}

async fn resource(
    purpose: Purpose,
    State(rooms): State<Arc<Rooms>>,
    Path((session, call)): Path<(String, String)>,
    request: Request,
) -> Response {
    const ALLOWED: &str = "PATCH, DELETE, OPTIONS";
    let (method, headers) = (request.method(), request.headers());
    let answer = if method == Method::OPTIONS {
        options(ALLOWED, header_of("accept-patch", FRAGMENT))
    } else if method != Method::PATCH && method != Method::DELETE {
        Problem::method(ALLOWED).into_response()
    } else {
        match find(&rooms, purpose, &session, &call, headers) {
            Err(problem) => problem.into_response(),
            Ok(found) if method == Method::PATCH => {
                let patched = patch(&found, request).await;
                patched.unwrap_or_else(IntoResponse::into_response)
            }
            // An entity tag is of no concern to a DELETE.
            Ok(found) => {
                found.call.end().await;
                StatusCode::OK.into_response()
            }
        }
    };
    open_to_all(answer)
}

/// Opens a call.
async fn post(
    purpose: Purpose,
    rooms: &Arc<Rooms>,
    caller: &Caller,
    session: &str,
    request: Request,
) -> Result<Response, Problem> {
    if *rooms.stopping.borrow() {
        return Err(Problem::stopping());
    }
    if rooms.signalling.is_draining() {
        return Err(CallRefusal::Draining.into());
    }
    let token = bearer(request.headers())?;
    // Before a byte of the body is taken.
    rooms.signalling.member(&token)?;
    let session: SessionId = session.parse().map_err(|_| {
        Problem::new(
            StatusCode::NOT_FOUND,
            format!("there is no session {session}"),
        )
    })?;
    let address = client_address(caller.address, request.headers(), &rooms.trusted_proxies);
    let text = body(request, SDP, sdp::OFFER_BYTES_MAX).await?;
    let offer = sdp::read(&text).map_err(|refusal| Problem::malformed(refusal.to_string()))?;
    let sending = offers::sending(purpose, &offer)?;
    let ice = Ice::new(offer.ufrag, offer.sections.first().map(|it| it.mid.clone()));
    let offered = Offered {
        token,
        session: session.clone(),
        purpose,
        sdp: text,
        sending,
    };
    let signalling = Arc::clone(&rooms.signalling);
    let (call, answer) = Call::open(signalling, address, offered).await?;
    let tag = ice.tag();
    let id = rooms.calls.keep(purpose, session.clone(), call, ice)?;
    let location = format!("/{}/{session}/{id}", word(purpose));
    let mut response = (
        StatusCode::CREATED,
        [
            (header::CONTENT_TYPE, SDP.to_owned()),
            (header::LOCATION, location),
            (header::ETAG, tag),
        ],
        answer,
    )
        .into_response();
    for url in rooms.signalling.ice_urls() {
        if let Ok(link) = HeaderValue::from_str(&format!("<{url}>; rel=\"ice-server\"")) {
            response.headers_mut().append(header::LINK, link);
        }
    }
    Ok(response)
}

/// Candidates, or an ICE restart.
async fn patch(found: &Resource, request: Request) -> Result<Response, Problem> {
    let condition = request.headers().get(header::IF_MATCH).cloned();
    let text = body(request, FRAGMENT, FRAGMENT_BYTES_MAX).await?;
    let fragment: Fragment = text
        .parse()
        .map_err(|why| Problem::malformed(format!("{why}")))?;
    // Overlapping requests are carried out one by one: each compares the tag that the last one left.
    let mut ice = found.ice.lock().await;
    ice.check(condition.as_ref())?;
    let restart = match fragment.credentials {
        Some((ufrag, pwd)) if ufrag != ice.remote_ufrag() => {
            let pwd = pwd.ok_or_else(|| Problem::malformed("a=ice-ufrag without a=ice-pwd"))?;
            let restarted = found.call.restart(ufrag.clone(), pwd).await?;
            ice.restarted(ufrag);
            Some(restarted)
        }
        Some(_) | None => None,
    };
    for candidate in fragment.candidates {
        found.call.candidate(candidate).await?;
    }
    let Some(restarted) = restart else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let headers = [
        (header::CONTENT_TYPE, FRAGMENT.to_owned()),
        (header::ETAG, ice.tag()),
    ];
    let text = fragment::write(&restarted, ice.mid());
    Ok((StatusCode::OK, headers, text).into_response())
}

/// The resource, if it is this member's.
fn find(
    rooms: &Rooms,
    purpose: Purpose,
    session: &str,
    id: &str,
    headers: &HeaderMap,
) -> Result<Arc<Resource>, Problem> {
    let member = rooms.signalling.member(&bearer(headers)?)?;
    let found = rooms
        .calls
        .find(id)
        .filter(|found| found.purpose == purpose && found.session.as_str() == session);
    let found = found.ok_or_else(ended)?;
    if *found.call.member() == member {
        Ok(found)
    } else {
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "this is another member's connection",
        ))
    }
}

fn bearer(headers: &HeaderMap) -> Result<Token, Problem> {
    headers::bearer(headers)
        .map(|token| Token(token.to_owned()))
        .ok_or_else(nobody)
}

/// The whole body as text, if it is of this type.
async fn body(request: Request, wanted: &str, bytes_max: usize) -> Result<String, Problem> {
    let (parts, body): (_, Body) = request.into_parts();
    if !body::is_of_type(&parts.headers, wanted) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("the content type must be {wanted}"),
        ));
    }
    let bytes = body::read(body, bytes_max)
        .await
        .map_err(|fault| match fault {
            BodyFault::Slow => Problem::new(StatusCode::REQUEST_TIMEOUT, fault.to_string()),
            BodyFault::Long { .. } => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, fault.to_string())
            }
        })?;
    String::from_utf8(bytes.into()).map_err(|_| Problem::malformed("the body is not UTF-8"))
}

fn word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Publish => "whip",
        Purpose::Play => "whep",
    }
}

fn header_of(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
    (
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    )
}

fn options(allowed: &'static str, accepts: (HeaderName, HeaderValue)) -> Response {
    let allow = HeaderValue::from_static(allowed);
    let headers = [
        (header::ALLOW, allow.clone()),
        (header::ACCESS_CONTROL_ALLOW_METHODS, allow),
        accepts,
        header_of(
            "access-control-allow-headers",
            "Authorization, Content-Type, If-Match",
        ),
        header_of("access-control-max-age", "7200"),
    ];
    (StatusCode::OK, headers).into_response()
}

fn open_to_all(mut answer: Response) -> Response {
    const EXPOSED: &str = "Location, ETag, Link, Accept-Post, Accept-Patch, Retry-After";
    let headers = answer.headers_mut();
    for (name, value) in [
        header_of("access-control-allow-origin", "*"),
        header_of("access-control-expose-headers", EXPOSED),
        header_of("cache-control", "no-store"),
    ] {
        headers.insert(name, value);
    }
    answer
}
