//! `Idempotency-Key`: the same request again gets the first answer and does nothing.
//!
//! The key is taken in the database before anything is done, and what the request creates is named after it. So a repeat
//! creates nothing twice, even when the server ended, or another server was asked, before the first answer was kept.

use crate::request::caller::Reporter;
use crate::request::problem::Problem;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use engine::App;
use engine::clock::{Ulids, now};
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use store::{KeyClaim, KeyState, Remembered};
use workflow::{Ids, Millis};

const LOGIN: &str = "/api/v1/login";
const LOGOUT: &str = "/api/v1/logout";
/// Its answer is a secret that is shown once and kept nowhere.
const TOKENS: &str = "/api/v1/tokens";
/// How long a key may be.
const LONGEST: usize = 255;
/// How large an answer is remembered, in bytes.
const ANSWER: usize = 8 * 1024 * 1024;

/// The keys whose first request is under way: the second waits for the first one's answer.
#[derive(Clone, Default)]
pub(crate) struct InFlightKeys(Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>);

pub(crate) async fn remember(
    State((app, under_way)): State<(App, InFlightKeys)>,
    request: Request<Body>,
    next: Next,
) -> Response {
    match answer(&app, &under_way, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(
    app: &App,
    under_way: &InFlightKeys,
    request: Request<Body>,
    next: Next,
) -> Result<Response, Problem> {
    let key = request.headers().get("idempotency-key").cloned();
    // Logging in and out answers with a cookie and creates nothing.
    let is_kept =
        request.method() == Method::POST && !matches!(request.uri().path(), LOGIN | LOGOUT | TOKENS);
    let Some(key) = key.filter(|_| is_kept) else {
        return Ok(next.run(request).await);
    };
    let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= LONGEST).map(str::to_owned);
    let Some(key) = key else {
        let detail = format!("Idempotency-Key must be 1 to {LONGEST} visible ASCII characters.");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_idempotency_key", detail));
    };
    // A key is kept, and who makes one of a secret does not mean to have that kept.
    let key = app.redactor.redact(&key).into_owned();
    let (mut parts, body) = request.into_parts();
    let holder = Reporter::from_request_parts(&mut parts, app).await?.keyholder();
    let body = crate::request::extract::read(Request::new(body)).await?;
    let body_hash = hex::encode(Sha256::digest(&body));
    let route = parts.uri.path().to_owned();
    let turn = under_way.turn(&format!("{holder} {route} {key}"));
    let _held = turn.lock().await;
    let (user, at) = (holder.clone(), now());
    let claim = KeyClaim { user, route: route.clone(), key: key.clone(), body_hash, at };
    match app.store.claim_key(claim).await? {
        KeyState::Answered(first) => return Ok(replay(first)),
        KeyState::Unanswered { since } => {
            let seed = Sha256::digest(format!("{holder} {route} {key}")).into();
            parts.extensions.insert(Seed { since, seed });
        }
        KeyState::OtherBody => {
            let message = "was used with another body; take a fresh key for another request";
            let problem = Problem::invalid("Idempotency-Key", message);
            return Err(Problem { code: "idempotency_key_reused", ..problem });
        }
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    // An answer that may differ the next time is not kept, so that trying again can help.
    if response.status().is_server_error() || response.status() == StatusCode::TOO_MANY_REQUESTS {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, ANSWER).await else {
        return Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The answer could not be kept.",
        ));
    };
    if let Ok(text) = std::str::from_utf8(&bytes) {
        let kept = Remembered { status: parts.status.as_u16(), response: text.to_owned() };
        app.store.remember(&holder, &route, &key, kept).await?;
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn replay(first: Remembered) -> Response {
    let status = StatusCode::from_u16(first.status).unwrap_or(StatusCode::OK);
    let mut response = (status, first.response).into_response();
    let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}

/// A request's key as a source of identifiers.
#[derive(Clone, Copy, Debug)]
struct Seed {
    since: Millis,
    seed: [u8; 32],
}

/// The identifiers of what a request creates. They follow from its key, where it has one: a request that is repeated
/// because its first answer was lost names the same things again and finds them made.
pub(crate) struct FreshIds {
    seed: Option<Seed>,
    taken: u32,
}

impl<S: Send + Sync> FromRequestParts<S> for FreshIds {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self { seed: parts.extensions.get().copied(), taken: 0 })
    }
}

impl FreshIds {
    /// Returns whether the request was begun before a moment, and may be done without having been answered.
    pub(crate) fn were_taken_before(&self, moment: Millis) -> bool {
        self.seed.is_some_and(|seed| seed.since < moment)
    }
}

impl Ids for FreshIds {
    fn next(&mut self, prefix: &str) -> String {
        let Some(Seed { since, seed }) = &self.seed else { return Ulids.next(prefix) };
        self.taken += 1;
        let digest =
            Sha256::new().chain_update(seed).chain_update(format!("{prefix} {}", self.taken)).finalize();
        let mut chance = [0; 16];
        chance.copy_from_slice(&digest[..16]);
        let id = ulid::Ulid::from_parts(u64::try_from(since.0).unwrap_or(0), u128::from_be_bytes(chance));
        format!("{prefix}_{id}")
    }
}

impl InFlightKeys {
    fn turn(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.0.lock();
        // What no request holds is forgotten, so that the map does not grow.
        all.retain(|_, turn| Arc::strong_count(turn) > 1);
        all.entry(key.to_owned()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Api, id};
    use axum::http::Method;
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn identifiers_of_a_key_are_the_same_each_time_and_differ_among_themselves() {
        let of = |seed: u8| FreshIds {
            seed: Some(Seed { since: Millis(1_700_000_000_000), seed: [seed; 32] }),
            taken: 0,
        };
        let ids = |seed| {
            let mut ids = of(seed);
            [ids.next("spt"), ids.next("spt"), ids.next("prj")]
        };
        assert_eq!(ids(1), ids(1));
        let mut all: Vec<String> = ids(1).into_iter().chain(ids(2)).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 6, "{all:?}");
        assert!(all[0].starts_with("prj_01HF7YAT00") && all[0].len() == 30, "{}", all[0]);
    }

    #[tokio::test]
    async fn the_same_key_does_nothing_twice() {
        let api = Api::open().await;
        let project = api.project().await;
        let ask = async |prompt: &str| {
            let body = json!({ "prompt": prompt, "project_id": project, "start": false });
            let request =
                api.request(Method::POST, "/spec-tasks/from-prompt").header("idempotency-key", "k1");
            api.send(request, &body).await
        };
        let answers = futures::future::join_all((0..5).map(|_| ask("Do it"))).await;
        assert!(answers.iter().all(|answer| answer.status == 201), "{answers:#?}");
        let ids: BTreeSet<String> = answers.iter().map(|answer| id(&answer.body)).collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert_eq!(ask("Do something else").await.problem().0, 422);
        assert_eq!(api.get("/spec-tasks").await.as_array().map(Vec::len), Some(1));
    }
}
