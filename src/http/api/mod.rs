//! SHELL. `/api/v1`: the organiser's desk for programs, and for the board.
//!
//! | file | what it does |
//! |---|---|
//! | `operation` | what an operation is: method, path, scope, what it takes and gives |
//! | `call` | one request to an operation: checked, and its body read |
//! | `caller` | who asks, and what for they may |
//! | `refusal` | every kind of problem that there is |
//! | `answer` | what handlers give: JSON, tables, entity tags |
//! | `event`, `sessions`, `members`, `checks`, `invites`, `live`, `record`, `hooks` | one resource each |
//! | `document` | the OpenAPI document, made of the operations |
//! | `page` | the same for people |
//! | `times` | points in time as they are written here |
//! | this one | the routes, made of the operations too |
//!
//! One table, [`operations`], is both what is routed and what is documented, so that the two cannot
//! differ. A token opens its own event and no other. Programs send it themselves and no browser adds
//! it, so that nothing here can be asked for by another site's page; nobody is sent CORS headers.
//!
//! The store waits for the disk: it is asked on threads that may block, reads on a connection of their
//! own, so that a long one does not hold up the journal.

mod answer;
mod call;
mod caller;
mod checks;
mod document;
mod event;
mod hooks;
mod invites;
mod live;
mod members;
mod operation;
mod page;
mod record;
mod refusal;
mod sessions;
mod times;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::Method,
    response::{IntoResponse, Response},
    routing::any,
};
use tokio::sync::{Semaphore, watch};

use self::{
    call::Call,
    caller::Rates,
    operation::Operation,
    refusal::{busy, stopping, unknown, wrong_method},
};
use super::{Rooms, problem::Problem};
use crate::{
    auth::{Invites, Tokens},
    ids::{EventId, SessionId},
    programme::{self, Programme},
    room::{Look, Looked},
    signalling,
    store::{Reading, Store},
    webhooks,
};

/// Where all paths begin.
const BASE: &str = "/api/v1";
/// Reads of the store at once; further ones wait for a moment, then are refused.
const READS_MAX: usize = 8;
/// How long a request waits for its turn at the store, or for a room.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// What the API is made of.
pub struct Desk {
    /// Shared with the journal's writer; each holds it for one transaction.
    pub store: Arc<Mutex<Store>>,
    /// Where that is kept: reads open it for themselves.
    pub folder: PathBuf,
    /// The key that invites and tokens are signed with.
    pub key: Arc<Invites>,
    /// The tokens that are known.
    pub tokens: Arc<Tokens>,
    /// Who is told what happens.
    pub webhooks: webhooks::Desk,
    /// What links begin with.
    pub public_url: String,
    /// Requests of one caller a second in the long run.
    pub requests_per_s: u32,
    /// Of an event that is written.
    pub limits: programme::Settings,
}

/// What every operation needs.
pub(super) struct Api {
    desk: Desk,
    signalling: Arc<signalling::Context>,
    stopping: watch::Receiver<bool>,
    rates: Mutex<Rates>,
    reads: Arc<Semaphore>,
}

impl Api {
    pub(super) fn new(
        desk: Desk,
        signalling: Arc<signalling::Context>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            rates: Mutex::new(Rates::new(desk.requests_per_s)),
            desk,
            signalling,
            stopping,
            reads: Arc::new(Semaphore::new(READS_MAX)),
        }
    }

    /// The event that is served.
    fn served(&self) -> &Arc<Programme> {
        self.signalling.programme()
    }

    /// Whether this is the event that is served.
    fn serves(&self, event: &EventId) -> bool {
        self.served().id == *event
    }

    /// Reads from the store, on a thread that may wait for the disk.
    async fn read<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Reading) -> Result<T, Problem> + Send + 'static,
    {
        let turn = Arc::clone(&self.reads).acquire_owned();
        let turn = tokio::time::timeout(PATIENCE, turn).await;
        let Ok(Ok(turn)) = turn else {
            return Err(busy("too much is being read at once"));
        };
        let folder = self.desk.folder.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            read(&Reading::open(&folder)?)
        });
        reading.await.map_err(refusal::failed)?
    }

    /// Changes what is stored, on a thread that may wait for the disk. Changes come one after the
    /// other: what one has looked at is so until it is done.
    async fn change<T, F>(&self, change: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&mut Store) -> Result<T, Problem> + Send + 'static,
    {
        let store = Arc::clone(&self.desk.store);
        let changing = tokio::task::spawn_blocking(move || {
            // Each change is one transaction: a panic elsewhere has left none half done.
            let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut store)
        });
        changing.await.map_err(refusal::failed)?
    }

    /// Looks at the room of a session.
    async fn look(&self, session: &SessionId, look: Look) -> Result<Looked, Problem> {
        let room = self.signalling.directory().room(session);
        let room = room.ok_or_else(|| unknown(format!("there is no session {session}")))?;
        match tokio::time::timeout(PATIENCE, room.look(look)).await {
            Ok(Ok(looked)) => Ok(looked),
            Ok(Err(_)) | Err(_) => Err(busy("the session's room does not answer")),
        }
    }
}

/// Carries something out to its end: a handler is dropped when its caller hangs up, and what has been
/// stored must come into force all the same.
async fn whole<T: Send + 'static>(
    doing: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(doing).await.map_err(refusal::failed)?
}

/// Every operation, in the order of the document.
fn operations() -> Vec<Operation> {
    [
        event::operations(),
        sessions::operations(),
        live::operations(),
        members::operations(),
        checks::operations(),
        invites::operations(),
        record::operations(),
        hooks::operations(),
        document::operations(),
        page::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The operations of one path.
type Path = Arc<Vec<Operation>>;

/// The routes.
pub(super) fn router() -> Router<Arc<Rooms>> {
    let mut paths: BTreeMap<&'static str, Vec<Operation>> = BTreeMap::new();
    for operation in operations() {
        paths.entry(operation.path).or_default().push(operation);
    }
    let mut router = Router::new()
        .route(BASE, any(page::move_on))
        .route(&format!("{BASE}/{{*anything}}"), any(nothing));
    for (path, operations) in paths {
        let operations: Path = Arc::new(operations);
        let serve = move |State(rooms): State<Arc<Rooms>>,
                          params: Result<RawPathParams, RawPathParamsRejection>,
                          request: Request| {
            let operations = Arc::clone(&operations);
            serve(rooms, operations, params.ok(), request)
        };
        router = router.route(&format!("{BASE}{path}"), any(serve));
    }
    router
}

async fn nothing() -> Response {
    unknown("there is nothing at this address").into_response()
}

/// One request to a path that there is.
async fn serve(
    rooms: Arc<Rooms>,
    operations: Path,
    params: Option<RawPathParams>,
    request: Request,
) -> Response {
    let api = Arc::clone(&rooms.api);
    // A HEAD is answered as a GET; its body is not sent.
    let method = match request.method() {
        head if head == Method::HEAD => Method::GET,
        other => other.clone(),
    };
    let answered = async {
        let asked = operations.iter().find(|it| it.method == method);
        let operation = asked.ok_or_else(|| wrong_method(&operations))?;
        if *api.stopping.borrow() {
            return Err(stopping());
        }
        let params = params.ok_or_else(|| unknown("the address is not UTF-8"))?;
        let params = params
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let call = Call::read(&api, operation, params, request).await?;
        (operation.handler)(api, call).await
    };
    answered.await.unwrap_or_else(IntoResponse::into_response)
}

#[cfg(test)]
mod tests;
