//! Logging in with a token, so that a browser keeps it in a cookie that scripts cannot read.

use super::caller::{COOKIE, Caller, find};
use super::extract::WholeBody;
use super::problem::Problem;
use crate::App;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use utoipa::ToSchema;

/// How many wrong tokens are taken within a window before all further ones wait.
const TRIES: usize = 10;
const WINDOW: Duration = Duration::from_secs(60);

/// The times of the last wrong tokens.
#[derive(Clone, Default)]
pub(crate) struct WrongTokens(Arc<Mutex<VecDeque<Instant>>>);

/// A token.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct LoginBody {
    token: String,
}

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    id: String,
    name: String,
    roles: Vec<String>,
}

impl Me {
    fn of(user: &store::User) -> Self {
        Self { id: user.id.to_string(), name: user.name.clone(), roles: user.roles.clone() }
    }
}

/// Logs in: the answer sets the session cookie.
#[utoipa::path(post, path = "/login", tag = "users", request_body = LoginBody,
    responses((status = 200, body = Me), (status = 401, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn login(
    State(app): State<App>,
    axum::Extension(wrong): axum::Extension<WrongTokens>,
    WholeBody(body): WholeBody<LoginBody>,
) -> Result<Response, Problem> {
    if wrong.too_many() {
        let detail = "Too many wrong tokens; wait a minute and try again.";
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", detail));
    }
    let token = body.token.trim();
    let Some(user) = find(&app, token).await? else {
        wrong.another();
        let detail = "This token is not known; `spectask token` prints the owner's.";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong_token", detail));
    };
    let mut response = Json(Me::of(&user)).into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie(token));
    Ok(response)
}

/// The cookie that carries a token: unreadable to scripts, never sent from other sites.
pub(crate) fn cookie(token: &str) -> HeaderValue {
    let token = utf8_percent_encode(token, NON_ALPHANUMERIC);
    let text = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000");
    // Encoded so, the token is letters, digits and percent signs.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// Logs out: the session cookie is taken back.
#[utoipa::path(post, path = "/logout", tag = "users", responses((status = 204)))]
pub(crate) async fn logout() -> Response {
    let text = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, text)]).into_response()
}

/// Shows who the caller is.
#[utoipa::path(get, path = "/me", tag = "users", responses((status = 200, body = Me), (status = 401, body = Problem)))]
pub(crate) async fn me(caller: Caller) -> Json<Me> {
    Json(Me::of(&caller.user))
}

impl WrongTokens {
    fn too_many(&self) -> bool {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.retain(|at| at.elapsed() < WINDOW);
        times.len() >= TRIES
    }

    fn another(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(Instant::now());
    }
}
