//! The dashboard's side of previews: on which ports something listens, and the link that opens one.

use crate::preview::Previews;
use crate::preview::host::{self, Target};
use crate::preview::proxy::OPEN_PATH;
use crate::preview::sign_ins::SignIn;
use crate::request::caller::{Caller, is_secure};
use crate::request::extract::JsonBody;
use crate::request::problem::{Problem, sentence};
use crate::sessions::session::found;
use axum::extract::{Path, State};
use axum::http::uri::Authority;
use axum::http::{Extensions, HeaderMap, header};
use axum::{Extension, Json};
use engine::App;
use engine::worktrees::previews::{self, PreviewError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The previews that a session offers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewList {
    /// The session's ports on which something listens, in their order.
    previews: Vec<Preview>,
    /// Why nothing can listen on the session's ports, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    unavailable: Option<String>,
}

/// A port of a session on which something listens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Preview {
    /// The number in `SPECTASK_PORT_1` to `SPECTASK_PORT_9`.
    #[schema(example = 1, minimum = 1, maximum = 9)]
    number: u8,
    /// The port.
    #[schema(example = 20_001)]
    port: u16,
}

/// Which preview is to be opened.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PreviewBody {
    /// The number in `SPECTASK_PORT_1` to `SPECTASK_PORT_9`.
    #[schema(example = 1, minimum = 1, maximum = 9)]
    number: u8,
}

/// A link to a preview.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewLink {
    /// The address that opens the preview, once and within a minute.
    #[schema(
        example = "http://01kaq3h2v7t9y4m8n5b6c1d0ef-1.preview.localhost:8420/.spectask/open?ticket=sppt_0f3c…"
    )]
    url: String,
}

/// Lists the session's reserved ports on which something listens.
#[utoipa::path(get, path = "/work-sessions/{id}/previews", tag = "work-sessions", params(("id" = String, Path)),
    responses((status = 200, body = PreviewList), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<PreviewList>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let session = found(&task, &id)?;
    let (previews, unavailable) = match previews::listening(&app, &task, session).await {
        Ok(ports) => (ports, None),
        Err(PreviewError::NoWorktree | PreviewError::NoPorts) => (Vec::new(), None),
        Err(error @ PreviewError::NoNetwork { .. }) => (Vec::new(), Some(sentence(&error.to_string()))),
        Err(error) => return Err(error.into()),
    };
    let previews = previews.into_iter().map(|one| Preview { number: one.number, port: one.port }).collect();
    Ok(Json(PreviewList { previews, unavailable }))
}

/// Makes a link that opens the preview of a port in a browser. The browser then has a cookie for this preview alone.
#[utoipa::path(post, path = "/work-sessions/{id}/previews", tag = "work-sessions", params(("id" = String, Path)),
    request_body = PreviewBody, responses((status = 200, body = PreviewLink), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn open(
    State(app): State<App>,
    Extension(previews): Extension<Previews>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
    JsonBody(body): JsonBody<PreviewBody>,
) -> Result<Json<PreviewLink>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let session = found(&task, &id)?;
    previews::port(&app, &task, session, body.number).await?;
    let target = Target { session: session.id.clone(), number: body.number };
    let dashboard = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let label = target.label();
    let authority = label.and_then(|label| host::authority(&app.config, dashboard.as_ref()?, &label));
    let Some(authority) = authority else {
        let detail = "The server has no host for previews: set `preview_host` in its configuration to a name whose \
                      subdomains lead to the server, or open the dashboard at localhost.";
        return Err(Problem::conflict("no_preview_host", detail));
    };
    let scheme = if is_secure(&app, &headers, &extensions) { "https" } else { "http" };
    let ticket = previews.issue_ticket(SignIn::new(target, task.id.clone(), caller));
    Ok(Json(PreviewLink { url: format!("{scheme}://{authority}{OPEN_PATH}?ticket={ticket}") }))
}

impl From<PreviewError> for Problem {
    fn from(error: PreviewError) -> Self {
        let code = match error {
            PreviewError::Store(error) => return error.into(),
            PreviewError::Failed(error) => return Self::internal(&error),
            PreviewError::NoSuchPort { .. } => return Self::invalid("number", sentence(&error.to_string())),
            PreviewError::NoWorktree => "no_worktree",
            PreviewError::NoPorts => "no_ports",
            PreviewError::NotListening { .. } => "not_listening",
            PreviewError::NoNetwork { .. } => "no_network",
        };
        Self::conflict(code, sentence(&error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Answer, Api, anonymous, id};
    use axum::body::Body;
    use axum::http::{Method, header};
    use serde_json::json;

    /// Asks for a path at a host with the owner's token.
    async fn asked(api: &Api, host: &str, path: &str) -> Answer {
        let mut request =
            anonymous(Method::GET, path).header("authorization", format!("Bearer {}", api.token));
        request.headers_mut().expect("headers").insert(header::HOST, host.parse().expect("a host"));
        api.send_raw(request.body(Body::empty()).expect("a request")).await
    }

    #[tokio::test]
    async fn a_session_without_a_worktree_has_no_previews() {
        let api = Api::open().await;
        let project = api.project().await;
        let body = json!({ "prompt": "Write a note", "project_id": project });
        let task = id(&api.post("/spec-tasks/from-prompt", &body).await);
        let sessions = api.get(&format!("/spec-tasks/{task}/work-sessions")).await;
        let path = format!("/work-sessions/{}/previews", id(&sessions["work_sessions"][0]));
        assert_eq!(api.get(&path).await, json!({ "previews": [] }));
        let (status, problem) = api.try_post(&path, &json!({ "number": 1 })).await.problem();
        assert_eq!((status, problem["code"].as_str()), (409, Some("no_worktree")), "{problem:#}");
        assert_eq!(api.try_get("/work-sessions/stws_none/previews").await.problem().0, 404);
        let anonymous = anonymous(Method::POST, &format!("/api/v1{path}"));
        assert_eq!(api.send(anonymous, &json!({ "number": 1 })).await.problem().0, 401);
    }

    #[tokio::test]
    async fn the_host_of_a_preview_has_no_routes_of_the_dashboard() {
        let api = Api::open().await;
        let host = "01kaq3h2v7t9y4m8n5b6c1d0ef-1.preview.localhost:7433";
        for path in ["/", "/api/v1/me", "/healthz", "/metrics"] {
            let answer = asked(&api, host, path).await;
            assert_eq!(answer.status, 401, "{path}");
            let page = answer.body.as_str().expect("a page");
            assert!(page.contains("Not signed in to this preview"), "{page}");
        }
        let signed_in = asked(&api, host, &format!("/?token={}", api.token)).await;
        assert_eq!((signed_in.status, signed_in.headers.contains_key("set-cookie")), (401, false));
        assert_eq!(asked(&api, host, "/.spectask/open?ticket=sppt_none").await.status, 410);
        assert_eq!(asked(&api, host, "/.spectask/open").await.status, 410);
        for other in ["preview.localhost:7433", "x-1.preview.localhost:7433"] {
            assert_eq!(asked(&api, other, "/api/v1/me").await.problem().0, 403, "{other}");
        }
    }
}
