//! Signing in with a token: the browser gets a separate session, in a cookie that scripts cannot read.
//!
//! A session's id is random and says nothing about the token. It is replaced every hour, ends a day after it was given
//! out or a week after the person signed in, and with sign-out or with the token.

use crate::people::audit;
use crate::request::attempts::FailedAttempts;
use crate::request::caller::{self, COOKIE, Caller, SECURE_COOKIE, address, by_token, is_secure};
use crate::request::extract::WholeBody;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use engine::App;
use engine::clock::now;
use engine::settings::owner;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::BrowserSession;
use utoipa::ToSchema;

const HOUR: i64 = 60 * 60 * 1000;
/// When a session's id is replaced.
const RENEWED_AFTER: i64 = HOUR;
/// How long a session lasts without being used.
const MAX_IDLE: i64 = 24 * HOUR;
/// How long a session lasts at most.
const MAX_AGE: i64 = 7 * 24 * HOUR;
/// How long a replaced id is still good, for requests that were sent with it.
const OVERLAP: i64 = 60 * 1000;

/// The token to sign in with.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct LoginBody {
    /// A token of yours; `spectask token` on the server prints the owner's.
    #[schema(example = "sptk_0f3c…")]
    token: String,
}

/// The sessions that a sign-out ends.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct LogoutBody {
    /// Ends every browser session of the user, not only this one.
    everywhere: bool,
}

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// The user's id.
    #[schema(example = "usr_owner")]
    id: String,
    /// The user's name.
    #[schema(example = "owner")]
    name: String,
    /// The user's roles; `owner` may do everything.
    roles: Vec<String>,
    /// Whether the server is a demo, with sample repositories and the scripted agent.
    demo: bool,
}

impl Me {
    fn of(app: &App, user: &store::User) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name.clone(),
            roles: user.roles.clone(),
            demo: app.config.demo,
        }
    }
}

/// Signs in: the answer sets the session cookie.
#[utoipa::path(post, path = "/login", tag = "users", request_body = LoginBody,
    responses((status = 200, description = "Signed in; the cookie is the browser's session", body = Me),
        (status = 401, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn login(
    State(app): State<App>,
    headers: HeaderMap,
    extensions: Extensions,
    WholeBody(body): WholeBody<LoginBody>,
) -> Result<Response, Problem> {
    let (caller, cookie) = sign_in(&app, &headers, &extensions, body.token.trim()).await?;
    let mut response = Json(Me::of(&app, &caller.user)).into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Begins a browser session with a token, and returns its cookie.
pub(crate) async fn sign_in(
    app: &App,
    headers: &HeaderMap,
    extensions: &Extensions,
    token: &str,
) -> Result<(Caller, HeaderValue), Problem> {
    let address = address(app, headers, extensions);
    let peer = address.map_or_else(String::new, |address| address.to_string());
    let caller = by_token(app, token, "page", peer).await?;
    let caller = caller.map_err(|problem| match extensions.get::<FailedAttempts>() {
        Some(attempts) => attempts.count(address, problem),
        None => problem,
    })?;
    if let Some(connection) = extensions.get::<crate::request::http::Connection>() {
        connection.set_authenticated();
    }
    let (id, at) = (fresh_id(), now());
    let session = BrowserSession {
        hash: owner::hash(&id),
        user: caller.user.id.clone(),
        token: owner::hash(token),
        signed_in_at: at,
        issued_at: at,
        expires_at: at.plus(MAX_IDLE),
    };
    app.store.put_browser_session(session).await?;
    audit::record(app, &caller, "sign_in", caller.id().as_str(), &Value::Null).await?;
    Ok((caller, cookie(&id, is_secure(app, headers, extensions), MAX_AGE)))
}

/// Replaces the id of a browser session that has had it for an hour, and returns the cookie with the new one.
pub(crate) async fn renew(app: &App, caller: &Caller, parts: &Parts) -> Option<HeaderValue> {
    let session = caller.session.as_ref()?;
    let at = now();
    if session.issued_at.plus(RENEWED_AFTER) > at {
        return None;
    }
    let id = fresh_id();
    let end = session.signed_in_at.plus(MAX_AGE);
    let next = BrowserSession {
        hash: owner::hash(&id),
        issued_at: at,
        expires_at: at.plus(MAX_IDLE).min(end),
        ..session.clone()
    };
    match app.store.rotate_browser_session(&session.hash, at.plus(OVERLAP), next).await {
        Ok(true) => {
            let is_secure = is_secure(app, &parts.headers, &parts.extensions);
            Some(cookie(&id, is_secure, end.0 - at.0))
        }
        // Another request of the same page replaced it.
        Ok(false) => None,
        Err(error) => {
            tracing::warn!(%error, "could not replace the id of a browser session");
            None
        }
    }
}

fn fresh_id() -> String {
    owner::random("spbs")
}

/// Returns the cookie of a browser session: unreadable to scripts, never sent from other sites.
fn cookie(id: &str, is_secure: bool, age: i64) -> HeaderValue {
    let (name, secure) = if is_secure { (SECURE_COOKIE, "; Secure") } else { (COOKIE, "") };
    let text = format!("{name}={id}; Path=/; HttpOnly; SameSite=Strict{secure}; Max-Age={}", age / 1000);
    // An id is letters, digits and underscores.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// Signs out: the browser's session ends, and its cookie is taken back.
#[utoipa::path(post, path = "/logout", tag = "users", request_body(content = LogoutBody, description = "May be absent"),
    responses((status = 204, description = "Signed out")))]
pub(crate) async fn logout(
    State(app): State<App>,
    headers: HeaderMap,
    extensions: Extensions,
    WholeBody(body): WholeBody<LogoutBody>,
) -> Result<Response, Problem> {
    let is_secure = is_secure(&app, &headers, &extensions);
    for id in caller::cookies(&headers, is_secure).take(caller::MAX_COOKIES) {
        app.store.end_browser_sessions(&owner::hash(id), body.everywhere).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie("", is_secure, 0))]).into_response())
}

/// Shows who the caller is.
#[utoipa::path(get, path = "/me", tag = "users",
    responses((status = 200, description = "The user whose token or browser session it is", body = Me), (status = 401, body = Problem)))]
pub(crate) async fn me(State(app): State<App>, caller: Caller) -> Json<Me> {
    Json(Me::of(&app, &caller.user))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Api, anonymous};
    use axum::http::Method;
    use serde_json::json;

    #[test]
    fn the_cookie_is_bound_to_its_host_where_there_is_tls() {
        let text = |is_secure| cookie("spbs_1", is_secure, 5_000).to_str().expect("text").to_owned();
        assert_eq!(text(false), "spectask_session=spbs_1; Path=/; HttpOnly; SameSite=Strict; Max-Age=5");
        assert_eq!(
            text(true),
            "__Host-spectask_session=spbs_1; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=5"
        );
    }

    #[tokio::test]
    async fn a_browser_signs_in_by_link_or_form() {
        let api = Api::open().await;
        let get = async |path: &str| api.send(anonymous(Method::GET, path), &Value::Null).await;
        let led = get(&format!("/tasks?token={}&x=1", api.token)).await;
        assert_eq!(led.status, 303);
        assert_eq!(led.headers["location"], "/tasks?x=1");
        let cookie = led.headers["set-cookie"].to_str().expect("text").to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        let cookie = cookie.split(';').next().expect("a cookie").to_owned();
        let me = anonymous(Method::GET, "/api/v1/me").header(header::COOKIE, &cookie);
        assert_eq!(api.send(me, &Value::Null).await.body["name"], "owner");
        let unknown = get("/?token=nobody;Path=/x").await;
        assert_eq!((unknown.status, unknown.headers.contains_key("set-cookie")), (303, false));
        assert_eq!(get("/assets/none.js").await.status, 404);
        assert_eq!(get("/api").await.status, 404);
        let page = if crate::has_dashboard() { 200 } else { 404 };
        assert_eq!(get("/tasks/any").await.status, page);
        let login = async |token: &str| {
            api.send(anonymous(Method::POST, "/api/v1/login"), &json!({ "token": token })).await
        };
        assert_eq!(login(&api.token).await.status, 200);
        assert_eq!(login("wrong").await.problem().0, 401);
    }
}
