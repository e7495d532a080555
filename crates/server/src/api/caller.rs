//! Who asks: a bearer token, or the cookie that a login sets.

use super::problem::Problem;
use crate::instances::instance_id;
use crate::{App, owner};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use store::{Revision, User};
use workflow::{CommentId, ReviewId, SessionId, Task, TaskId, UserId};

/// The cookie with the token.
pub(crate) const COOKIE: &str = "spectask_token";

/// A known user.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: User,
}

/// The caller as git names one: with the token as the password of basic authentication, whoever the user is.
#[derive(Clone, Debug)]
pub(crate) struct GitCaller(pub(crate) Caller);

impl FromRequestParts<App> for GitCaller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let found = match password(&parts.headers) {
            Some(token) => match find(app, &token).await {
                Ok(user) => user.map(|user| Caller { user }).ok_or_else(unauthorized),
                Err(problem) => Err(problem),
            },
            None => Caller::from_request_parts(parts, app).await,
        };
        found.map(Self).map_err(|problem| {
            let is_asked = problem.status == StatusCode::UNAUTHORIZED.as_u16();
            let mut response = problem.into_response();
            if is_asked {
                // With it git asks for a password and tries again.
                let scheme = HeaderValue::from_static("Basic realm=\"SpecTask\", charset=\"UTF-8\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            }
            response
        })
    }
}

/// The password of basic authentication.
fn password(headers: &HeaderMap) -> Option<String> {
    let (scheme, value) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(BASE64_STANDARD.decode(value.trim()).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

/// Who reports what an agent instance does: its owner, or the instance itself with the token it was started with.
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    /// The instance's owner.
    pub(crate) caller: Caller,
    /// The task whose instance reports.
    only: Option<TaskId>,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let token = token(&parts.headers).ok_or_else(unauthorized)?;
        if let Some(user) = find(app, &token).await? {
            return Ok(Self { user });
        }
        if app.instances.task_of_token(&token).is_some() {
            let detail =
                "This token is an agent instance's: with it threads and events are reported, nothing else.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "instance_token", detail));
        }
        Err(unauthorized())
    }
}

impl FromRequestParts<App> for Reporter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let token = token(&parts.headers).ok_or_else(unauthorized)?;
        let Some(id) = app.instances.task_of_token(&token) else {
            return Ok(Self { caller: Caller::from_request_parts(parts, app).await?, only: None });
        };
        let task = app.store.task(&id).await?.ok_or_else(unauthorized)?;
        let user = app.store.user(&task.owner).await?.ok_or_else(unauthorized)?;
        Ok(Self { caller: Caller { user }, only: Some(id) })
    }
}

impl Reporter {
    /// Whose keys its requests have: an instance's are not its owner's.
    pub(crate) fn keyholder(&self) -> UserId {
        match &self.only {
            Some(task) => UserId::from(instance_id(task).as_str()),
            None => self.caller.id().clone(),
        }
    }

    /// Whose words a report carries.
    pub(crate) fn name(&self) -> &str {
        match &self.only {
            Some(_) => "agent",
            None => &self.caller.user.name,
        }
    }

    /// A task that may be reported of; any other is as unknown as one that never was.
    pub(crate) async fn task(&self, app: &App, id: &str) -> Result<Task, Problem> {
        if self.only.as_ref().is_some_and(|only| only.as_str() != id) {
            return Err(Problem::not_found("task"));
        }
        self.caller.task(app, id).await
    }
}

fn unauthorized() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "Send a valid token as `Authorization: Bearer TOKEN`; `spectask token` prints the owner's.",
    )
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

    /// A round of documents of the caller's, with its task.
    pub(crate) async fn review(&self, app: &App, id: &str) -> Result<(Task, Revision), Problem> {
        let unknown = || Problem::not_found("review");
        let revision = app.store.review(&ReviewId::from(id)).await?.ok_or_else(unknown)?;
        let task = self.task(app, revision.task.as_str()).await.map_err(|_| unknown())?;
        Ok((task, revision))
    }

    /// The task of the caller's that a comment is on.
    pub(crate) async fn comment(&self, app: &App, id: &str) -> Result<(TaskId, CommentId), Problem> {
        let unknown = || Problem::not_found("comment");
        let comment = CommentId::from(id);
        let task = app.store.task_of_comment(&comment).await?.ok_or_else(unknown)?;
        let task = self.task(app, task.as_str()).await.map_err(|_| unknown())?;
        Ok((task.id, comment))
    }

    /// Refuses a path that names what the caller does not have.
    pub(crate) async fn named(&self, app: &App, path: &str) -> Result<(), Problem> {
        let mut segments = path.split('/');
        while let Some(segment) = segments.next() {
            let id = match segment {
                "spec-tasks" | "tasks" | "work-sessions" | "projects" | "reviews" | "comments" => {
                    segments.next()
                }
                _ => None,
            };
            match (segment, id) {
                // These create a task.
                (_, None | Some("from-prompt" | "from-demo")) => {}
                ("work-sessions", Some(id)) => drop(self.task_of(app, id).await?),
                ("reviews", Some(id)) => drop(self.review(app, id).await?),
                ("comments", Some(id)) => drop(self.comment(app, id).await?),
                ("projects", Some(id)) => drop(self.project(app, id).await?),
                (_, Some(id)) => drop(self.task(app, id).await?),
            }
        }
        Ok(())
    }
}
