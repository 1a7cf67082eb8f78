//! SHELL. A command line's way to the server that owns its data folder.
//!
//! A Unix socket `control.sock` (mode 0600) in the data folder. One request a connection: a line of
//! JSON, answered by a line of JSON. Only the server's own user (or root) is answered.
//!
//! ```text
//! {"do":"status"}                                         {"ok":{"event":"nartt-2020","public_url":"http://127.0.0.1:7880"}}
//! {"do":"revoke","event":"nartt-2020","jti":"4Fh…"}       {"ok":{}}
//! {"do":"revoke_member","event":"nartt-2020","member":"indonesia-1"}
//!                                                         {"ok":{"revoked_at":1605754904000}}
//! {"do":"import","text":"event = …"}                      {"ok":{"event":"my-event"}}
//! {"do":"keep_invites","invites":[…]}                     {"ok":{}}
//! {"do":"keep_token","token":{…},"note":"a script"}
//! {"do":"revoke_token","jti":"4Fh…"}
//! anything refused                                        {"error":{"no":"the event has no seat `x`"}}
//! ```
//!
//! `no` is an answer (exit code 1 of the command), `fault` says why it could not be done (2).

use std::{
    fs::{self, File, Permissions},
    io::{self, BufRead, BufReader, Read, Write},
    os::{
        fd::AsRawFd,
        unix::{
            fs::{MetadataExt, PermissionsExt},
            net::UnixStream as BlockingStream,
        },
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader as AsyncBufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    time::timeout,
};

use crate::{
    auth::{ApiToken, Grant},
    ids::{EventId, MemberId},
    meeting::roster::Role,
    time::Timestamp,
};

/// The socket's name in the data folder.
const SOCKET_FILE: &str = "control.sock";
/// The longest request or answer, in bytes: an event file of the longest, escaped.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Connections served at once; further ones wait.
const CONNECTIONS_MAX: usize = 4;
/// A connection that takes longer is closed.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Which event is served, and where.
    Status,
    /// Withdraw an invite; its member is shown out.
    Revoke {
        /// The invite's event.
        event: EventId,
        /// Its id.
        jti: String,
    },
    /// Withdraw every invite of a member; the member is shown out.
    RevokeMember {
        /// The member's event.
        event: EventId,
        /// The member.
        member: MemberId,
    },
    /// Keep an event; it is served from the next start on.
    Import {
        /// The event file.
        text: String,
    },
    /// Keep that invites were given out.
    KeepInvites {
        /// What they grant.
        invites: Vec<Invite>,
    },
    /// Keep that a token of the API was made; it opens from now on.
    KeepToken {
        /// What it grants.
        token: ApiToken,
        /// What its maker calls it.
        note: String,
    },
    /// Revoke a token of the API.
    RevokeToken {
        /// The token's id.
        jti: String,
    },
}

/// What an invite grants, as it is written here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Grant")]
struct GrantForm {
    event: EventId,
    member: MemberId,
    role: Role,
    jti: String,
    not_before: Timestamp,
    expires: Timestamp,
    uses: Option<u16>,
}

/// An invite that was given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Invite(#[serde(with = "GrantForm")] pub Grant);

impl From<Invite> for Grant {
    fn from(invite: Invite) -> Self {
        invite.0
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Done.
    Ok(Done),
    /// Not done.
    Error(Undone),
}

/// What a done request has to tell.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Done {
    /// The event served, or imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    /// What links begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Up to when the validity of a member's withdrawn links began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Undone {
    /// The answer is no.
    #[error("{0}")]
    No(String),
    /// It could not be done.
    #[error("{0}")]
    Fault(String),
}

/// The open socket of a server; removed when dropped.
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
    /// The user whom the socket, and so the server, belongs to.
    owner: u32,
}

impl Control {
    /// Opens the socket. The folder must be owned: what is left of an earlier server is removed.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(SOCKET_FILE);
        match fs::remove_file(&path) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            Ok(()) | Err(_) => {}
        }
        let (_folder, short) = short_path(folder)?;
        let listener = UnixListener::bind(short)?;
        // The folder is its owner's alone, and so nobody else comes before this.
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let owner = fs::metadata(&path)?.uid();
        Ok(Self {
            listener,
            path,
            owner,
        })
    }

    /// Answers requests until the task is ended.
    pub async fn serve<F>(self, answer: F)
    where
        F: Fn(Request) -> Reply + Send + Sync + 'static,
    {
        let answer = Arc::new(answer);
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            // Never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let (answer, owner) = (Arc::clone(&answer), self.owner);
                    tokio::spawn(async move {
                        let _place = place;
                        match timeout(PATIENCE, serve_one(stream, owner, answer)).await {
                            Ok(Ok(())) => {}
                            Ok(Err(why)) => tracing::debug!("a control connection failed: {why}"),
                            Err(_) => tracing::debug!("a control connection took too long"),
                        }
                    });
                }
                Err(why) => {
                    tracing::warn!("a control connection could not be accepted: {why}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _removed_already = fs::remove_file(&self.path);
    }
}

async fn serve_one<F>(stream: UnixStream, owner: u32, answer: Arc<F>) -> io::Result<()>
where
    F: Fn(Request) -> Reply + Send + Sync + 'static,
{
    let peer = stream.peer_cred()?.uid();
    if peer != owner && peer != 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    AsyncBufReader::new(reader.take(LINE_BYTES_MAX))
        .read_line(&mut line)
        .await?;
    let reply = match serde_json::from_str(&line) {
        // The store waits for the disk: on a thread that may.
        Ok(request) => tokio::task::spawn_blocking(move || answer(request))
            .await
            .map_err(io::Error::other)?,
        Err(why) => Reply::Error(Undone::Fault(format!("not a request: {why}"))),
    };
    let mut text = serde_json::to_string(&reply)?;
    text.push('\n');
    writer.write_all(text.as_bytes()).await
}

/// Asks the server that owns the folder; `None` when no server answers there.
pub fn ask(folder: &Path, request: &Request) -> io::Result<Option<Reply>> {
    let Ok((_folder, path)) = short_path(folder) else {
        return Ok(None);
    };
    let mut stream = match BlockingStream::connect(path) {
        Ok(stream) => stream,
        Err(why)
            if matches!(
                why.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(why) => return Err(why),
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut text = serde_json::to_string(request)?;
    text.push('\n');
    stream.write_all(text.as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream.take(LINE_BYTES_MAX)).read_line(&mut line)?;
    Ok(Some(serde_json::from_str(&line)?))
}

/// A way to the socket that is short however deep the folder lies: a Unix socket's path has 107
/// bytes at most. It holds while the file does.
fn short_path(folder: &Path) -> io::Result<(File, PathBuf)> {
    let folder = File::open(folder)?;
    let path = format!("/proc/self/fd/{}/{SOCKET_FILE}", folder.as_raw_fd());
    Ok((folder, path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Option<Request> {
        serde_json::from_str(text).ok()
    }

    #[test]
    fn requests_are_strict() {
        assert_eq!(request(r#"{"do":"status"}"#), Some(Request::Status));
        assert!(request(r#"{"do":"revoke","event":"e","jti":"x"}"#).is_some());
        assert!(request(r#"{"do":"revoke","event":"e","jti":"x","also":1}"#).is_none());
        assert!(request(r#"{"do":"shutdown"}"#).is_none());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_request_is_answered_also_in_a_deep_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let deep = folder.path().join("d".repeat(120));
        fs::create_dir(&deep).expect("a folder");
        assert_eq!(ask(&deep, &Request::Status).expect("no trouble"), None);

        let control = Control::open(&deep).expect("a socket");
        let mode = fs::metadata(deep.join(SOCKET_FILE))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let serving = tokio::spawn(control.serve(|request| match request {
            Request::Status => Reply::Ok(Done::default()),
            Request::Revoke { .. }
            | Request::RevokeMember { .. }
            | Request::Import { .. }
            | Request::KeepInvites { .. }
            | Request::KeepToken { .. }
            | Request::RevokeToken { .. } => Reply::Error(Undone::No("no".to_owned())),
        }));
        let asking = deep.clone();
        let long = Request::Import {
            text: "\n".repeat(1024 * 1024),
        };
        let replies = tokio::task::spawn_blocking(move || {
            [&Request::Status, &long].map(|request| ask(&asking, request).expect("answered"))
        });
        let [status, import] = replies.await.expect("no panic");
        assert_eq!(status, Some(Reply::Ok(Done::default())));
        assert_eq!(import, Some(Reply::Error(Undone::No("no".to_owned()))));

        serving.abort();
        let _ended = serving.await;
        assert!(!deep.join(SOCKET_FILE).exists());
        // What a killed server leaves is removed by the next.
        fs::write(deep.join(SOCKET_FILE), "").expect("written");
        assert!(Control::open(&deep).is_ok());
    }
}
