//! Who asks: a bearer token, or the cookie that a login sets.

use super::problem::Problem;
use crate::{App, owner};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use percent_encoding::percent_decode_str;
use store::User;
use workflow::{SessionId, Task, TaskId, UserId};

/// The cookie with the token.
pub(crate) const COOKIE: &str = "spectask_token";

/// A known user.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: User,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let unknown = || {
            Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Send a valid token as `Authorization: Bearer TOKEN`; `spectask token` prints the owner's.",
            )
        };
        let token = token(&parts.headers).ok_or_else(unknown)?;
        find(app, &token).await?.map(|user| Self { user }).ok_or_else(unknown)
    }
}

/// The user whose token this is.
pub(crate) async fn find(app: &App, token: &str) -> Result<Option<User>, Problem> {
    let Some(token) = app.store.token(&owner::hash(token)).await? else { return Ok(None) };
    if token.revoked_at.is_some() {
        return Ok(None);
    }
    Ok(app.store.user(&token.user).await?)
}

/// The token of a request: from its `Authorization` header, else from its cookie.
fn token(headers: &HeaderMap) -> Option<String> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned());
    }
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, token)| percent_decode_str(token).decode_utf8_lossy().into_owned())
}

impl Caller {
    pub(crate) fn id(&self) -> &UserId {
        &self.user.id
    }

    /// Whose commits the caller's edits are.
    pub(crate) fn identity(&self) -> git::Identity {
        git::Identity { name: self.user.name.clone(), email: format!("{}@localhost", self.user.id) }
    }

    /// A task of the caller's; somebody else's is as unknown as one that never was.
    pub(crate) async fn task(&self, app: &App, id: &str) -> Result<Task, Problem> {
        let task = app.store.task(&TaskId::from(id)).await?;
        task.filter(|task| task.owner == self.user.id).ok_or_else(|| Problem::not_found("task"))
    }

    /// The caller's task that a work session belongs to.
    pub(crate) async fn task_of(&self, app: &App, session: &str) -> Result<Task, Problem> {
        let unknown = || Problem::not_found("work session");
        let task = app.store.task_of_session(&SessionId::from(session)).await?.ok_or_else(unknown)?;
        self.task(app, task.as_str())
            .await
            .map_err(|problem| if problem.status == 404 { unknown() } else { problem })
    }

    /// A project of the caller's.
    pub(crate) async fn project(&self, app: &App, id: &str) -> Result<store::Project, Problem> {
        let project = app.store.project(&workflow::ProjectId::from(id)).await?;
        project.filter(|project| project.owner == self.user.id).ok_or_else(|| Problem::not_found("project"))
    }
}
