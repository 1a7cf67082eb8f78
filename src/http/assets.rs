//! SHELL. The browser client's files, embedded in the program.
//!
//! Browsers ask again each time whether their copy is the newest (`no-cache` and an entity tag):
//! a new server must never meet an old page.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "src/client/"]
struct Client;

/// The page: at `/`, at `/join` and at `/check`.
pub(super) async fn page(headers: HeaderMap) -> Response {
    answer("index.html", &headers)
}

/// The organiser's board, at `/board`.
pub(super) async fn board(headers: HeaderMap) -> Response {
    answer("board.html", &headers)
}

/// Any file of the client, under `/assets`.
pub(super) async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    answer(&path, &headers)
}

/// What no route knows.
pub(super) async fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing here\n").into_response()
}

fn answer(path: &str, headers: &HeaderMap) -> Response {
    let found = content_type(path).zip(Client::get(path));
    let Some((kind, file)) = found else {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    };
    let tag = entity_tag(&file);
    let fresh = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    if has(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, fresh).into_response();
    }
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(kind))];
    (fresh, kind, file.data.into_owned()).into_response()
}

/// By the name's ending; a file of another ending is not the client's.
fn content_type(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/vnd.microsoft.icon",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        _ => return None,
    })
}

fn entity_tag(file: &EmbeddedFile) -> HeaderValue {
    let hex: String = file
        .metadata
        .sha256_hash()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    HeaderValue::from_str(&format!("\"{hex}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

fn has(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|value| value.trim().trim_start_matches("W/"))
        .any(|value| value == "*" || value.as_bytes() == tag.as_bytes())
}
