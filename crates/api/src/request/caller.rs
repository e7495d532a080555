//! The caller of a request: a token in the `Authorization` header, or a browser that signed in.

use crate::request::attempts::FailedAttempts;
use crate::request::http::{Connection, client_address};
use crate::request::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::App;
use engine::clock::now;
use engine::settings::owner;
use std::net::IpAddr;
use store::{BrowserSession, Revision, Token, User};
use workflow::{CommentId, ProjectId, ReviewId, SessionId, ShortId, Task, TaskId, UserId};

/// The cookie of a browser that signed in over plain HTTP, which only loopback should be.
pub(crate) const COOKIE: &str = "spectask_session";
/// The same over TLS: browsers take it from this host only, and send it over TLS only.
pub(crate) const SECURE_COOKIE: &str = "__Host-spectask_session";
/// How long a token's use is not noted again, in milliseconds.
const USE_NOTED: i64 = 10 * 60 * 1000;

/// The level of access of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Read,
    /// Create, edit, send messages, cancel and retry.
    Work,
    /// Approve, reject and answer agents' questions too.
    Decide,
    /// Everything, also projects, tokens and the audit log.
    Own,
}

/// Which things a credential is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    All,
    Project(ProjectId),
    Task(TaskId),
}

/// The rights of a credential: its level and its reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    pub(crate) level: Level,
    pub(crate) reach: Reach,
}

impl Rights {
    /// Returns the rights of a token; one with a scope that this version does not know may do nothing.
    pub(crate) fn of(token: &Token) -> Option<Self> {
        let level = if token.decides { Level::Decide } else { Level::Work };
        let target = token.target.clone();
        match token.scope.as_str() {
            "owner" => Some(Self { level: Level::Own, reach: Reach::All }),
            "read" => Some(Self { level: Level::Read, reach: Reach::All }),
            "project" => Some(Self { level, reach: Reach::Project(ProjectId(target?)) }),
            "task" => Some(Self { level, reach: Reach::Task(TaskId(target?)) }),
            _ => None,
        }
    }
}

/// How a request came, for the audit log.
#[derive(Clone, Debug)]
pub(crate) struct Via {
    /// `page`, `command_line`, `api`, `git` or `instance`.
    pub(crate) way: &'static str,
    /// The name of the token that was shown, or that the browser signed in with.
    pub(crate) credential: String,
    /// The client's address.
    pub(crate) peer: String,
}

/// A known user, with what the shown credential allows.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) user: User,
    pub(crate) rights: Rights,
    pub(crate) via: Via,
    /// The hash of the token that was shown, or that the browser signed in with.
    pub(crate) token: String,
    /// The browser session that was shown.
    pub(crate) session: Option<BrowserSession>,
}

/// The author of a request, found once for each request.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    User(Caller),
    /// An agent instance, with the user whose task it works on.
    Instance {
        task: TaskId,
        owner: Caller,
    },
    /// The agent of one session, with the user whose task it works on.
    Session {
        task: TaskId,
        session: SessionId,
        owner: Caller,
    },
}

impl Identity {
    /// The user whose tasks the request is about.
    pub(crate) fn owner(&self) -> &UserId {
        match self {
            Self::User(caller) => caller.id(),
            Self::Instance { owner, .. } | Self::Session { owner, .. } => owner.id(),
        }
    }
}

/// A credential as a request shows it.
enum Shown {
    Bearer(String),
    /// The password of basic authentication, as git sends a token.
    Password(String),
    /// The browser sessions' ids, as many as a request is looked up for. There is more than one where the page of another port of
    /// the host sets a cookie with the same name.
    Cookies(Vec<String>),
}

/// How many cookies with the name of the dashboard's are looked up.
pub(crate) const MAX_COOKIES: usize = 8;

/// Finds the caller of a request.
pub(crate) async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Identity, Problem> {
    let address = address(app, headers, extensions);
    let peer = address.map_or_else(String::new, |address| address.to_string());
    let shown = shown(headers, is_secure(app, headers, extensions)).ok_or_else(unauthorized)?;
    let found = match &shown {
        Shown::Cookies(ids) => of_browser(app, ids, &peer).await?,
        Shown::Bearer(token) | Shown::Password(token) => {
            let way = match &shown {
                Shown::Password(_) => "git",
                _ if is_command_line(headers) => "command_line",
                _ => "api",
            };
            if let Some(task) = app.instances.task_of_token(token) {
                return instance(app, task, peer).await;
            }
            if let Some((task, session)) = app.instances.session_of_token(token) {
                return of_session(app, task, session, peer).await;
            }
            by_token(app, token, way, peer).await?
        }
    };
    found.map(Identity::User).map_err(|problem| match extensions.get::<FailedAttempts>() {
        Some(attempts) => attempts.count(address, problem),
        None => problem,
    })
}

/// Returns the address of a request's client.
pub(crate) fn address(app: &App, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
    let peer = extensions.get::<Connection>().map(Connection::peer);
    client_address(peer, headers, &app.config.http)
}

/// Returns whether the client speaks to us over TLS: a proxy that ends it says so, or the page that sends the request.
pub(crate) fn is_secure(app: &App, headers: &HeaderMap, extensions: &Extensions) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_proxied = extensions.get::<Connection>().is_some_and(|connection| {
        let peer = connection.peer().ip().to_canonical();
        peer.is_loopback() || app.config.http.trusted_proxies.contains(&peer)
    });
    let proto = text("x-forwarded-proto").filter(|_| is_proxied).map(str::trim);
    match proto {
        Some(proto) => proto.eq_ignore_ascii_case("https"),
        None => text("origin").is_some_and(|origin| origin.starts_with("https://")),
    }
}

fn is_command_line(headers: &HeaderMap) -> bool {
    headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"spectask/"))
}

async fn instance(app: &App, task: TaskId, peer: String) -> Result<Identity, Problem> {
    let found = app.store.task(&task).await?.ok_or_else(unauthorized)?;
    let user = app.store.user(&found.owner).await?.ok_or_else(unauthorized)?;
    let via = Via { way: "instance", credential: workflow::InstanceId::of(&task).to_string(), peer };
    let rights = Rights { level: Level::Work, reach: Reach::Task(task.clone()) };
    Ok(Identity::Instance { task, owner: Caller { user, rights, via, token: String::new(), session: None } })
}

/// Returns the agent of a session; its token ends with the session.
async fn of_session(app: &App, task: TaskId, session: SessionId, peer: String) -> Result<Identity, Problem> {
    let found = app.store.task(&task).await?.ok_or_else(unauthorized)?;
    let is_over = found.session(&session).is_none_or(workflow::Session::is_ended);
    if is_over || found.status().is_terminal() {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "session_over",
            "The work session of this token has ended.",
        ));
    }
    let user = app.store.user(&found.owner).await?.ok_or_else(unauthorized)?;
    let via = Via { way: "session", credential: session.to_string(), peer };
    let rights = Rights { level: Level::Work, reach: Reach::Task(task.clone()) };
    let owner = Caller { user, rights, via, token: String::new(), session: None };
    Ok(Identity::Session { task, session, owner })
}

/// Returns the user whose token this is; the inner error is a wrong credential.
pub(crate) async fn by_token(
    app: &App,
    token: &str,
    way: &'static str,
    peer: String,
) -> Result<Result<Caller, Problem>, Problem> {
    let Some(found) = app.store.token(&owner::hash(token)).await? else {
        return Ok(Err(wrong_token("Invalid token. Run `spectask token` on the server to get one.")));
    };
    of_token(app, found, way, peer).await
}

async fn of_token(
    app: &App,
    token: Token,
    way: &'static str,
    peer: String,
) -> Result<Result<Caller, Problem>, Problem> {
    let at = now();
    if token.revoked_at.is_some() {
        return Ok(Err(wrong_token("This token was revoked; ask the owner for another.")));
    }
    if !token.is_valid_at(at) {
        return Ok(Err(wrong_token("This token has expired; ask the owner for another.")));
    }
    let Some(rights) = Rights::of(&token) else {
        return Ok(Err(wrong_token("This token has a scope that the server does not know.")));
    };
    let Some(user) = app.store.user(&token.user).await? else {
        return Ok(Err(wrong_token("The user of this token is gone.")));
    };
    if token.last_used_at.is_none_or(|used| used.plus(USE_NOTED) < at) {
        // It is for people who look through their tokens; a request does not wait for it.
        let (store, hash) = (app.store.clone(), token.hash.clone());
        tokio::spawn(async move {
            if let Err(error) = store.note_token_use(&hash, at).await {
                tracing::debug!(%error, "could not note that a token was used");
            }
        });
    }
    let via = Via { way, credential: token.label, peer };
    Ok(Ok(Caller { user, rights, via, token: token.hash, session: None }))
}

/// Returns the user of the first browser session that is valid; without one, what is wrong with the first.
async fn of_browser(app: &App, ids: &[String], peer: &str) -> Result<Result<Caller, Problem>, Problem> {
    let mut wrong = None;
    for id in ids {
        match browser(app, id, peer.to_owned()).await? {
            Ok(caller) => return Ok(Ok(caller)),
            Err(problem) => wrong = wrong.or(Some(problem)),
        }
    }
    Ok(Err(wrong.unwrap_or_else(unauthorized)))
}

/// Returns the user of a browser that signed in.
async fn browser(app: &App, id: &str, peer: String) -> Result<Result<Caller, Problem>, Problem> {
    let ended = || Problem::new(StatusCode::UNAUTHORIZED, "signed_out", "You are signed out; sign in again.");
    let Some(session) = app.store.browser_session(&owner::hash(id)).await? else { return Ok(Err(ended())) };
    if session.expires_at <= now() {
        return Ok(Err(ended()));
    }
    let Some(token) = app.store.token(&session.token).await? else { return Ok(Err(ended())) };
    let found = of_token(app, token, "page", peer).await?;
    Ok(found.map(|caller| Caller { session: Some(session), ..caller }))
}

/// Returns the credential of a request: in its `Authorization` header, else in its cookie.
fn shown(headers: &HeaderMap, is_secure: bool) -> Option<Shown> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, value) = value.to_str().ok()?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Shown::Bearer(value.trim().to_owned()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let pair = String::from_utf8(BASE64_STANDARD.decode(value.trim()).ok()?).ok()?;
        return pair.split_once(':').map(|(_, password)| Shown::Password(password.to_owned()));
    }
    let ids: Vec<String> = cookies(headers, is_secure).take(MAX_COOKIES).map(str::to_owned).collect();
    (!ids.is_empty()).then_some(Shown::Cookies(ids))
}

/// Returns the ids of browser sessions in a request's cookies.
pub(crate) fn cookies(headers: &HeaderMap, is_secure: bool) -> impl Iterator<Item = &str> {
    let wanted = if is_secure { SECURE_COOKIE } else { COOKIE };
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(move |(name, _)| *name == wanted)
        .map(|(_, id)| id)
}

fn unauthorized() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "Send a valid token as `Authorization: Bearer TOKEN`; `spectask token` prints the owner's.",
    )
}

fn wrong_token(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "wrong_token", detail)
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        match parts.extensions.get::<Identity>() {
            Some(Identity::User(caller)) => Ok(caller.clone()),
            Some(Identity::Instance { .. } | Identity::Session { .. }) | None => Err(unauthorized()),
        }
    }
}

/// The reporter of an agent instance's events: its owner, or the instance itself with the token it was started with.
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    /// The instance's owner.
    pub(crate) caller: Caller,
    /// The task whose instance reports.
    only: Option<TaskId>,
}

impl FromRequestParts<App> for Reporter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        match parts.extensions.get::<Identity>() {
            Some(Identity::User(caller)) => Ok(Self { caller: caller.clone(), only: None }),
            Some(Identity::Instance { task, owner } | Identity::Session { task, owner, .. }) => {
                Ok(Self { caller: owner.clone(), only: Some(task.clone()) })
            }
            None => Err(unauthorized()),
        }
    }
}

impl Reporter {
    /// Returns whose keys its requests have: an instance's are not its owner's.
    pub(crate) fn keyholder(&self) -> UserId {
        match &self.only {
            Some(task) => UserId::from(workflow::InstanceId::of(task).as_str()),
            None => self.caller.id().clone(),
        }
    }

    /// Returns whose words a report carries.
    pub(crate) fn name(&self) -> &str {
        match &self.only {
            Some(_) => "agent",
            None => &self.caller.user.name,
        }
    }

    /// Returns a task that may be reported of; any other is as unknown as one that never was.
    pub(crate) async fn task(&self, app: &App, id: &str) -> Result<Task, Problem> {
        if self.only.as_ref().is_some_and(|only| only.as_str() != id) {
            return Err(Problem::not_found("task"));
        }
        self.caller.task(app, id).await
    }
}

impl Caller {
    pub(crate) fn id(&self) -> &UserId {
        &self.user.id
    }

    /// Returns whether the user is the server's owner.
    pub(crate) fn is_owner(&self) -> bool {
        self.user.roles.iter().any(|role| role == "owner")
    }

    /// Returns whose commits the caller's edits are.
    pub(crate) fn identity(&self) -> git::Identity {
        git::Identity { name: self.user.name.clone(), email: format!("{}@localhost", self.user.id) }
    }

    /// Returns whether the credential that was shown is still good; when that cannot be read, it is.
    pub(crate) async fn is_still_valid(&self, app: &App) -> bool {
        let is_valid = async {
            let token = app.store.token(&self.token).await?;
            let has_session = match &self.session {
                Some(session) => app.store.is_signed_in(&session.user, session.signed_in_at, now()).await?,
                None => true,
            };
            Ok::<_, store::StoreError>(has_session && token.is_some_and(|token| token.is_valid_at(now())))
        };
        is_valid.await.unwrap_or(true)
    }

    /// Returns whether a task is the caller's and within the token's reach.
    pub(crate) fn covers(&self, task: &Task) -> bool {
        let is_within = match &self.rights.reach {
            Reach::All => true,
            Reach::Project(project) => task.project == *project,
            Reach::Task(id) => task.id == *id,
        };
        is_within && task.owner == self.user.id
    }

    /// Returns whether a project is the caller's and within the token's reach.
    pub(crate) fn covers_project(&self, project: &store::Project) -> bool {
        let is_within = match &self.rights.reach {
            Reach::All => true,
            Reach::Project(id) => project.id == *id,
            Reach::Task(_) => false,
        };
        is_within && project.owner == self.user.id
    }

    /// Returns the caller's projects within the token's reach.
    pub(crate) async fn projects(&self, app: &App) -> Result<Vec<store::Project>, Problem> {
        let mut all = app.store.projects(self.id()).await?;
        all.retain(|project| self.covers_project(project));
        Ok(all)
    }

    /// A task of the caller's, by its id or its short id; another user's is as unknown as one that does not exist.
    pub(crate) async fn task(&self, app: &App, id: &str) -> Result<Task, Problem> {
        let named = match ShortId::parse(id) {
            Some(short_id) => app.store.task_by_short_id(self.id(), &short_id).await?,
            None => Some(TaskId::from(id)),
        };
        let named = named.ok_or_else(|| Problem::not_found("task"))?;
        let task = app.store.task(&named).await?;
        task.filter(|task| self.covers(task)).ok_or_else(|| Problem::not_found("task"))
    }

    /// Returns the caller's task that a work session belongs to.
    pub(crate) async fn task_of(&self, app: &App, session: &str) -> Result<Task, Problem> {
        let unknown = || Problem::not_found("work session");
        let task = app.store.task_of_session(&SessionId::from(session)).await?.ok_or_else(unknown)?;
        self.task(app, task.as_str())
            .await
            .map_err(|problem| if problem.status == 404 { unknown() } else { problem })
    }

    /// Returns a project of the caller's.
    pub(crate) async fn project(&self, app: &App, id: &str) -> Result<store::Project, Problem> {
        let project = app.store.project(&workflow::ProjectId::from(id)).await?;
        project.filter(|project| self.covers_project(project)).ok_or_else(|| Problem::not_found("project"))
    }

    /// Returns a round of documents of the caller's, with its task.
    pub(crate) async fn review(&self, app: &App, id: &str) -> Result<(Task, Revision), Problem> {
        let unknown = || Problem::not_found("review");
        let revision = app.store.review(&ReviewId::from(id)).await?.ok_or_else(unknown)?;
        let task = self.task(app, revision.task.as_str()).await.map_err(|_| unknown())?;
        Ok((task, revision))
    }

    /// Returns the task of the caller's that a comment is on.
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
