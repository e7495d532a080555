//! The access rules of the routes.
//!
//! Every request is checked here, before anything else reads it: the credential it shows, whether the route is open to
//! that credential, and whether it comes from a process that runs what an agent wrote. A route that has no rule is refused.

use crate::people::audit;
use crate::people::login;
use crate::request::caller::{Caller, Identity, Level, Reach, authenticate};
use crate::request::http::Connection;
use crate::request::peer_process::{self, Descendant, Origin};
use crate::request::problem::Problem;
use crate::server::agents_socket::FromAgentsSocket;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use engine::App;
use parking_lot::Mutex;
use protocol::LogEntry;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use workflow::TaskId;

/// How long the same refusal of the same task is recorded once only.
const REFUSAL_WINDOW: Duration = Duration::from_secs(60);

/// The access that a route requires of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Open to all.
    Open,
    /// Signing in and out: it shows its own credential.
    SignIn,
    /// Reports about an agent instance: the instance's own token, or its owner.
    Report,
    /// The tools of a crew: the token of a session of the task, or a user's credential that may work with it.
    Crew,
    /// The figures for monitoring, which may be opened to all.
    Metrics,
    /// A user's credential with this level.
    User(Level, Shape),
}

/// Which things a route is about: what a token for one project or task may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An object that its path or body names; the route looks it up within the token's reach.
    Named,
    /// A list that can be narrowed to a project by `project_id`.
    Listed,
    /// It makes a task in a project that it names.
    Creates,
    /// Nothing in particular, or only what is within reach.
    Any,
    /// The whole server.
    Whole,
}

/// Returns the rule of a route, or none when there is no such route.
pub(crate) fn rule(method: &Method, path: &str) -> Option<Access> {
    use Access::{Crew, Metrics, Open, Report, SignIn, User};
    use Level::{Decide, Own, Read, Work};
    use Shape::{Any, Creates, Listed, Named, Whole};
    let is = |wanted: &Method| *method == *wanted;
    let (get, post, put, delete) =
        (is(&Method::GET) || is(&Method::HEAD), is(&Method::POST), is(&Method::PUT), is(&Method::DELETE));
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let access = match path {
        "/healthz" | "/readyz" if get => Open,
        "/metrics" if get => Metrics,
        "/login" | "/logout" if post => SignIn,
        "/me" | "/openapi.json" | "/schemas/spec-metadata.json" | "/agents" | "/demo-repos" if get => {
            User(Read, Any)
        }
        "/work-sessions" if get => User(Read, Any),
        "/editor-threads" if post => User(Work, Any),
        "/ws" | "/events" | "/permissions" | "/questions" | "/inbox" | "/projects" | "/templates" if get => {
            User(Read, Any)
        }
        "/agents/fleet/live-progress" if get => User(Read, Any),
        "/spec-tasks" | "/tasks" | "/search" | "/analytics" if get => User(Read, Listed),
        "/tokens" | "/tokens/{id}" | "/audit" | "/audit/values" | "/config" if get || post || delete => {
            User(Own, Whole)
        }
        "/secrets" if get => User(Own, Whole),
        "/secrets/{name}" if put || delete => User(Own, Whole),
        "/maintenance" if get || post => User(Own, Whole),
        // It holds for the tasks of all users.
        "/agents/{id}/resume" if post => User(Own, Whole),
        "/webhooks" | "/webhooks/{id}/deliveries" if get => User(Own, Whole),
        "/webhooks/{id}/test" | "/webhooks/{id}/deliveries/{delivery}/redeliver" if post => User(Own, Whole),
        // A subscription is of the credential that makes it, and is sent what that one sees.
        "/push/key" | "/push/subscriptions" | "/push/subscriptions/{id}/deliveries" if get => User(Read, Any),
        "/push/subscriptions" | "/push/subscriptions/{id}/test" if post => User(Work, Any),
        "/push/subscriptions/{id}" if delete => User(Work, Any),
        "/spec-tasks/{id}/permission-grants/{grant}" if delete => User(Decide, Named),
        "/projects" | "/projects/detect" if post => User(Own, Whole),
        "/projects/{id}" if get => User(Read, Named),
        "/projects/{id}" if put || delete => User(Own, Whole),
        // The commands of the file run on this machine.
        "/projects/{id}/trust-settings" if post => User(Own, Whole),
        "/projects/{id}/prompts" | "/projects/{id}/usage" if get => User(Read, Named),
        // Agents follow the prompt.
        "/projects/{id}/prompts" if post => User(Own, Whole),
        "/projects/{id}/mcp-json" if get || post => User(Own, Whole),
        "/permissions/{id}" | "/spec-tasks/{id}/questions/{question_id}/answer" if post => {
            User(Decide, Named)
        }
        crew if crew.starts_with("/spec-tasks/{id}/crew/") => {
            return (get || post).then_some(Crew);
        }
        "/spec-tasks/from-prompt" | "/tasks" if post => User(Work, Creates),
        "/spec-tasks/from-demo" if post => User(Own, Whole),
        "/zed/events" | "/zed-threads/create-session" if post => Report,
        "/git/{owner}/{repo}/info/refs" if get => User(Read, Named),
        "/git/{owner}/{repo}/git-upload-pack" if post => User(Read, Named),
        "/git/{owner}/{repo}/git-receive-pack" if post => User(Work, Named),
        "/spec-tasks/{id}/approve-specs"
        | "/spec-tasks/{id}/approve-with-handoff"
        | "/spec-tasks/{id}/approve-implementation"
            if post =>
        {
            User(Decide, Named)
        }
        // It can close a task, and land what it made.
        "/tasks/{id}/status" if put => User(Decide, Named),
        "/work-sessions/{id}/choose" if post => User(Decide, Named),
        // Both say which agent works, and how freely.
        "/work-sessions/{id}/agent" | "/work-sessions/{id}/agent-options" if put => User(Decide, Named),
        // What is typed there runs on this machine.
        "/work-sessions/{id}/terminal" if get => User(Own, Named),
        // It shows what runs; what a page does there is up to the dev server.
        "/work-sessions/{id}/previews" if post => User(Work, Named),
        // What a person took out of the way or let land comes back by a person's decision alone.
        "/spec-tasks/{id}/reopen" | "/spec-tasks/{id}/revert" | "/spec-tasks/{id}/held-secrets/{secret}"
            if post =>
        {
            User(Decide, Named)
        }
        "/tasks/{id}" if delete => User(Decide, Named),
        _ => {
            let root = path.split('/').nth(1).unwrap_or_default();
            let is_known = ["spec-tasks", "tasks", "work-sessions", "sessions", "reviews", "comments"]
                .contains(&root)
                && path.contains("/{id}");
            if !is_known {
                return None;
            }
            if get {
                User(Read, Named)
            } else if post || put || delete {
                User(Work, Named)
            } else {
                return None;
            }
        }
    };
    Some(access)
}

/// Refusals that were recorded lately.
#[derive(Clone, Default)]
pub(crate) struct Refusals(Arc<Mutex<HashMap<String, Instant>>>);

impl Refusals {
    /// Returns whether a refusal of a request is to be recorded: not when the same one was a moment ago.
    fn is_fresh(parts: &Parts, key: String) -> bool {
        parts.extensions.get::<Self>().is_none_or(|lately| lately.insert(key))
    }

    /// Notes a refusal, and returns whether there was none like it lately.
    fn insert(&self, key: String) -> bool {
        let now = Instant::now();
        let mut all = self.0.lock();
        all.retain(|_, at| now - *at < REFUSAL_WINDOW);
        match all.entry(key) {
            std::collections::hash_map::Entry::Occupied(_) => false,
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(now);
                true
            }
        }
    }
}

/// Checks a request and remembers who asks.
pub(crate) async fn check(State(app): State<App>, request: Request<Body>, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let path = path.unwrap_or_else(|| request.uri().path().to_owned());
    let Some(access) = rule(request.method(), &path) else {
        let is_route = [Method::GET, Method::POST, Method::PUT, Method::DELETE]
            .iter()
            .any(|method| rule(method, &path).is_some());
        if is_route {
            // The router says which methods there are.
            return next.run(request).await;
        }
        tracing::error!(path, "a route has no rule for access");
        return not_allowed("The route is not open to any token.").into_response();
    };
    match admit(&app, access, &path, request).await {
        Ok((request, renewed)) => {
            let mut response = next.run(request).await;
            if let Some(cookie) = renewed {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(problem) => {
            let is_asked = problem.status == StatusCode::UNAUTHORIZED.as_u16() && path.contains("/git/");
            let mut response = problem.into_response();
            if is_asked {
                // With it git asks for a password and tries again.
                let scheme = HeaderValue::from_static("Basic realm=\"SpecTask\", charset=\"UTF-8\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            }
            response
        }
    }
}

/// Lets a request through, with who asks, and with the cookie that is to replace its own.
async fn admit(
    app: &App,
    access: Access,
    path: &str,
    request: Request<Body>,
) -> Result<(Request<Body>, Option<HeaderValue>), Problem> {
    let (mut parts, body) = request.into_parts();
    let is_agents_socket = parts.extensions.get::<FromAgentsSocket>().is_some();
    if is_agents_socket && access != Access::Crew {
        return Err(not_allowed("The agents' socket serves the tools of crews, nothing else."));
    }
    let is_free = access == Access::Open || (access == Access::Metrics && app.config.http.open_metrics);
    if is_free {
        // Some open routes say more to those who may use the server.
        let has_credential =
            [header::AUTHORIZATION, header::COOKIE].iter().any(|name| parts.headers.contains_key(name));
        if has_credential && let Ok(identity) = authenticate(app, &parts.headers, &parts.extensions).await {
            parts.extensions.insert(identity);
        }
        return Ok((Request::from_parts(parts, body), None));
    }
    if access == Access::SignIn {
        if path.ends_with("/login") {
            refuse_descendant(app, &parts, path, None).await?;
        }
        return Ok((Request::from_parts(parts, body), None));
    }
    let identity = authenticate(app, &parts.headers, &parts.extensions).await?;
    if let Some(connection) = parts.extensions.get::<Connection>() {
        connection.set_authenticated();
    }
    let mut renewed = None;
    match &identity {
        Identity::Instance { task, .. } => {
            if access != Access::Report {
                let task = task.clone();
                record_refusal(app, &task, path, &parts).await;
                let detail = "This token is an agent instance's. With it threads and events are reported, nothing else: a \
                              person's decision needs a person's token.";
                return Err(Problem::new(StatusCode::FORBIDDEN, "instance_token", detail));
            }
        }
        Identity::Session { task, .. } => {
            if access != Access::Crew {
                let task = task.clone();
                record_refusal(app, &task, path, &parts).await;
                let detail = "This token is that of a work session's agent. With it the tools of the session's crew are used, \
                              nothing else: a person's decision needs a person's token.";
                return Err(Problem::new(StatusCode::FORBIDDEN, "session_token", detail));
            }
        }
        Identity::User(_) if is_agents_socket => {
            return Err(not_allowed("The agents' socket takes tokens of work sessions alone."));
        }
        Identity::User(caller) => {
            refuse_descendant(app, &parts, path, Some(caller)).await?;
            permit(caller, access, parts.uri.query().unwrap_or_default())?;
            let is_upgrade = parts.headers.contains_key(header::UPGRADE);
            if !is_upgrade {
                renewed = login::renew(app, caller, &parts).await;
            }
        }
    }
    parts.extensions.insert(identity);
    Ok((Request::from_parts(parts, body), renewed))
}

/// Holds a caller's token against a route's rule.
fn permit(caller: &Caller, access: Access, query: &str) -> Result<(), Problem> {
    let (level, shape) = match access {
        Access::User(level, shape) => (level, shape),
        // Only the owner reports in an instance's place.
        Access::Report | Access::Crew => (Level::Work, Shape::Named),
        Access::Metrics => (Level::Read, Shape::Any),
        Access::Open | Access::SignIn => return Ok(()),
    };
    let name = &caller.via.credential;
    if caller.rights.level < level {
        let detail = match level {
            Level::Read | Level::Work => format!("The token {name:?} may only read."),
            Level::Decide => {
                format!("The token {name:?} may not approve, reject or close; use one that may decide.")
            }
            Level::Own => format!("The token {name:?} is not the owner's, and this needs the owner's."),
        };
        return Err(not_allowed(detail));
    }
    let is_within = match (&caller.rights.reach, shape) {
        (Reach::All, _) | (_, Shape::Named | Shape::Any) => true,
        (Reach::Project(_), Shape::Creates) => true,
        (Reach::Project(project), Shape::Listed) => {
            let named = project_ids(query);
            matches!(named.as_slice(), [one] if one == project.as_str())
        }
        (Reach::Project(_), Shape::Whole) => false,
        (Reach::Task(_), Shape::Listed | Shape::Creates | Shape::Whole) => false,
    };
    if is_within {
        return Ok(());
    }
    Err(not_allowed(match &caller.rights.reach {
        Reach::Project(project) => {
            format!(
                "The token {name:?} is for the project {project} only; name it with `project_id` where a list takes it."
            )
        }
        Reach::Task(task) => format!("The token {name:?} is for the task {task} only."),
        Reach::All => "This is not allowed.".to_owned(),
    }))
}

/// Returns the projects that a query names.
fn project_ids(query: &str) -> Vec<String> {
    let pairs: Vec<(String, String)> = serde_html_form::from_str(query).unwrap_or_default();
    pairs.into_iter().filter(|(name, _)| name == "project_id").map(|(_, value)| value).collect()
}

fn not_allowed(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "not_allowed", detail)
}

/// Refuses a request from a process that the server started, whatever token it shows.
async fn refuse_descendant(
    app: &App,
    parts: &Parts,
    path: &str,
    caller: Option<&Caller>,
) -> Result<(), Problem> {
    let Some(connection) = parts.extensions.get::<Connection>() else { return Ok(()) };
    let found = connection
        .origin()
        .get_or_try_init(async || {
            let (peer, local) = (connection.peer(), connection.local());
            match engine::spawn_blocking(move || peer_process::origin(peer, local)).await {
                // It is looked up again for the next request.
                Ok(Origin::Unknown) | Err(_) => Err(()),
                Ok(found) => Ok(found),
            }
        })
        .await;
    let descendant = match found {
        Ok(Origin::Outside) => return Ok(()),
        Ok(Origin::Descendant(descendant)) => Some(descendant.clone()),
        Ok(Origin::Unknown) | Err(()) => None,
    };
    let Some(descendant) = descendant else {
        let detail = "It could not be told which process of this machine sends the request, and agents are running: \
                      try again. A decision needs a person.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "unknown_process", detail));
    };
    record_descendant(app, parts, path, caller, &descendant).await;
    let detail = "The request comes from a process that an agent, a check or a setup command started. Whatever token it \
                  shows, a person's decision needs a person.";
    Err(Problem::new(StatusCode::FORBIDDEN, "agent_process", detail))
}

/// Records a refused request of an agent's process in the audit log, and shows it in the agent's sessions.
async fn record_descendant(
    app: &App,
    parts: &Parts,
    path: &str,
    caller: Option<&Caller>,
    descendant: &Descendant,
) {
    let Descendant { pid, program, ancestors } = descendant;
    let owner = app.instances.owner_of_process(*pid, ancestors);
    let subject = owner.as_ref().map_or_else(|| format!("pid {pid}"), |(task, _)| task.to_string());
    let what = format!("{} {path}", parts.method);
    if !Refusals::is_fresh(parts, format!("{subject} {what}")) {
        return;
    }
    let credential = caller.map(|caller| caller.via.credential.clone());
    tracing::warn!(pid, program, request = what, subject, "refused a request from an agent's process");
    let data = json!({ "request": what, "pid": pid, "program": program, "credential": credential });
    audit::record_refusal(app, &subject, "agent_process", &data, parts).await;
    let text = format!(
        "SpecTask refused {what}: it came from the process {pid} ({program}) below this agent, and a person's decision needs a person."
    );
    for session in owner.into_iter().flat_map(|(_, sessions)| sessions) {
        app.instances.recorder(&session).record(LogEntry::notice(text.as_str())).await;
    }
}

async fn record_refusal(app: &App, task: &TaskId, path: &str, parts: &Parts) {
    let what = format!("{} {path}", parts.method);
    if !Refusals::is_fresh(parts, format!("{task} token {what}")) {
        return;
    }
    let data = json!({ "request": what, "credential": "the token of an agent" });
    audit::record_refusal(app, task.as_str(), "instance", &data, parts).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Api, anonymous};
    use serde_json::Value;

    #[test]
    fn every_documented_route_has_a_rule() {
        let document = serde_json::to_value(crate::document()).expect("a document");
        for (path, methods) in document["paths"].as_object().expect("paths") {
            for method in methods.as_object().expect("methods").keys().filter(|name| *name != "parameters") {
                let method = method.to_uppercase().parse().expect("a method");
                assert!(rule(&method, path).is_some(), "{method} {path} has no rule for access");
            }
        }
    }

    #[test]
    fn what_changes_something_is_never_open_to_readers() {
        let document = serde_json::to_value(crate::document()).expect("a document");
        for (path, methods) in document["paths"].as_object().expect("paths") {
            for method in methods.as_object().expect("methods").keys() {
                let is_fetch = method == "get" || path.ends_with("/git-upload-pack");
                let method = method.to_uppercase().parse().expect("a method");
                if let Some(Access::User(level, _)) = rule(&method, path) {
                    assert!(is_fetch || level > Level::Read, "{method} {path}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_route_has_no_rule() {
        for path in ["/api/v1/weather", "/api/v1/spec-tasks/all", "/"] {
            assert_eq!(rule(&Method::GET, path), None, "{path}");
        }
    }

    #[tokio::test]
    async fn every_route_needs_a_token() {
        let api = Api::open().await;
        let document = api.get("/openapi.json").await;
        let paths = document["paths"].as_object().expect("paths");
        assert!(paths.len() > 40, "{}", paths.len());
        for (path, methods) in paths {
            for method in methods.as_object().expect("methods").keys() {
                if !path.starts_with("/api/v1") || path.ends_with("/login") || path.ends_with("/logout") {
                    continue;
                }
                let method: Method = method.to_uppercase().parse().expect("a method");
                let concrete = path.replace("{id}", "x").replace("{doc}", "design");
                let (status, _) =
                    api.send(anonymous(method.clone(), &concrete), &Value::Null).await.problem();
                assert_eq!(status, 401, "{method} {path}");
            }
        }
        for open in ["/healthz", "/readyz"] {
            assert_eq!(api.send(anonymous(Method::GET, open), &Value::Null).await.status, 200, "{open}");
        }
    }
}
