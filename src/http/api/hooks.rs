//! SHELL. Webhooks: programs that are told what happens.

use std::sync::Arc;

use axum::{
    http::{Method, StatusCode},
    response::Response,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Api,
    answer::{done, json},
    call::Call,
    operation::Operation,
    refusal::{Finding, failed, invalid, unknown},
    times::At,
};
use crate::{
    auth::Scope,
    http::problem::Problem,
    store::HookState,
    webhooks::{Desk, Hook, Refused, Wanted},
};

const TAG: &str = "Webhooks";
const ALL: &str = "/events/{event}/webhooks";
const ONE: &str = "/events/{event}/webhooks/{webhook}";

/// A subscription.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Webhook {
    id: String,
    /// What deliveries are signed with: of one that has just been made, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Where deliveries go.
    url: String,
    /// What of, as it was asked for; none: all that need not be named.
    types: Vec<String>,
    created: At,
    state: State,
    /// Entries of the journal that it has not passed yet; not each of them need be for it. May be a second
    /// old.
    pending: u64,
    /// What failed last, where the receiver has taken nothing since.
    last_error: Option<String>,
    /// When that was.
    last_error_at: Option<At>,
}

/// Whether it is delivered.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It is.
    Active,
    /// The receiver took nothing for too long.
    Failed,
    /// The receiver said that it wants no more.
    Gone,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Webhooks {
    /// The eldest first.
    webhooks: Vec<Webhook>,
}

/// What a subscription is to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewWebhook {
    /// `https://…`, at a public address.
    url: String,
    /// Types of the protocol's events (`floor.granted`), families (`floor.*`), `*` for all, and
    /// `chat.sent.chairs` for what is written to the chairs alone. None: all but the latter.
    #[serde(default)]
    types: Vec<String>,
}

impl From<Hook> for Webhook {
    fn from(hook: Hook) -> Self {
        let (last_error_at, last_error) = hook.error.map(|(at, why)| (At(at), why)).unzip();
        Self {
            id: hook.id,
            secret: None,
            url: hook.url,
            types: hook.types,
            created: At(hook.created),
            state: match hook.state {
                HookState::Active => State::Active,
                HookState::Failed => State::Failed,
                HookState::Gone => State::Gone,
            },
            pending: hook.pending,
            last_error,
            last_error_at,
        }
    }
}

pub(super) fn operations() -> Vec<Operation> {
    let all = vec![
        Operation::get(ALL, "listWebhooks", "The event's webhooks", |api, call| {
            Box::pin(list(api, call))
        })
        .gives::<Webhooks>(200, "Each with how far it is."),
        Operation::new(
            Method::POST,
            ALL,
            "subscribe",
            "Subscribe to what happens from now on",
            |api, call| Box::pin(subscribe(api, call)),
        )
        .details(
            "Deliveries are signed as Standard Webhooks says (https://www.standardwebhooks.com): each \
             is a POST of `{event, session, rev, at, type, data}`, sent once at least under an id that \
             stays, in order in each session, and tried again until a 2xx.",
        )
        .takes::<NewWebhook>("Where to, and what of.")
        .gives::<Webhook>(201, "With its secret, this once.")
        .refuses(409, "There are as many as the settings allow.")
        .refuses(422, "Deliveries may not go there, or it names no event."),
        Operation::get(ONE, "readWebhook", "One webhook", |api, call| {
            Box::pin(read(api, call))
        })
        .gives::<Webhook>(200, "How far it is."),
        Operation::new(
            Method::DELETE,
            ONE,
            "endWebhook",
            "End a webhook for good",
            |api, call| Box::pin(end(api, call)),
        )
        .gives_nothing(204, "It has ended; what is on its way may still arrive."),
        Operation::new(
            Method::POST,
            "/events/{event}/webhooks/{webhook}/resume",
            "resumeWebhook",
            "Let one that has failed or is gone go on where it stopped",
            |api, call| Box::pin(resume(api, call)),
        )
        .gives::<Webhook>(200, "It goes on; one that has not ended does so anyway."),
    ];
    let all = all.into_iter();
    all.map(|it| it.tag(TAG).scope(Scope::Webhooks)).collect()
}

async fn list(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let event = call.event()?;
    let hooks = api
        .read(move |reading| Ok(Desk::list(reading, &event)?))
        .await?;
    let webhooks = hooks.into_iter().map(Webhook::from).collect();
    json(StatusCode::OK, &Webhooks { webhooks })
}

async fn subscribe(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let event = call.event()?;
    let NewWebhook { url, types } = call.json()?;
    let now = api.signalling.time();
    let wanted = Wanted { url, types };
    let made = at_the_desk(&api, move |desk| Ok(desk.subscribe(&event, wanted, now)?)).await?;
    let (hook, secret) = made;
    let made = Webhook {
        secret: Some(secret),
        ..hook.into()
    };
    json(StatusCode::CREATED, &made)
}

async fn read(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    answer_one(&api, &call).await
}

async fn end(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (event, id) = (call.event()?, call.param("webhook").to_owned());
    let ended = at_the_desk(&api, move |desk| Ok(desk.end(&event, &id)?)).await?;
    if ended {
        Ok(done())
    } else {
        Err(no_such(&call))
    }
}

async fn resume(api: Arc<Api>, call: Call) -> Result<Response, Problem> {
    let (event, id) = (call.event()?, call.param("webhook").to_owned());
    let resumed = at_the_desk(&api, move |desk| Ok(desk.resume(&event, &id)?)).await?;
    if resumed {
        answer_one(&api, &call).await
    } else {
        Err(no_such(&call))
    }
}

async fn answer_one(api: &Api, call: &Call) -> Result<Response, Problem> {
    let event = call.event()?;
    let hooks = api
        .read(move |reading| Ok(Desk::list(reading, &event)?))
        .await?;
    let found = hooks
        .into_iter()
        .find(|hook| hook.id == call.param("webhook"));
    let hook = found.ok_or_else(|| no_such(call))?;
    json(StatusCode::OK, &Webhook::from(hook))
}

fn no_such(call: &Call) -> Problem {
    unknown(format!("there is no webhook `{}`", call.param("webhook")))
}

/// Asks on a thread that may wait for the disk.
async fn at_the_desk<T, F>(api: &Api, ask: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&Desk) -> Result<T, Problem> + Send + 'static,
{
    let desk = api.desk.webhooks.clone();
    let asked = tokio::task::spawn_blocking(move || ask(&desk));
    asked.await.map_err(failed)?
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let text = refused.to_string();
        match refused {
            Refused::Target(_) => invalid(vec![Finding::at("/url", text)]),
            Refused::Type(_) | Refused::TypesTooMany { .. } => {
                invalid(vec![Finding::at("/types", text)])
            }
            Refused::Store(fault) => fault.into(),
            Refused::Randomness => failed(text),
        }
    }
}
