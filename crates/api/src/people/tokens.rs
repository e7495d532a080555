//! Tokens: named, with a scope and an end; the server keeps only their hashes.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::{Query, WholeBody};
use crate::request::page::{PageQuery, Paged, page};
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use engine::App;
use engine::clock::rfc3339;
use engine::clock::{Ulids, now};
use engine::settings::owner;
use protocol::words::{TokenOrigin, TokenScope, TokenStatus};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Token;
use utoipa::ToSchema;
use workflow::Ids as _;

const DAY: i64 = 24 * 60 * 60 * 1000;
/// How many days a token may be valid.
const MAX_DAYS: u32 = 3650;
/// How long a token's name may be, in characters.
const MAX_NAME: usize = 100;

/// A token to create.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewToken {
    /// The name of the token in lists and in the audit log.
    #[schema(example = "build server")]
    name: String,
    /// The use of the token; `read` when absent.
    #[serde(default)]
    scope: TokenScope,
    /// The project of a token with the scope `project`.
    project_id: Option<String>,
    /// The task of a token with the scope `task`.
    task_id: Option<String>,
    /// Whether a token with the scope `project` or `task` may also approve, reject and answer agents' questions.
    #[serde(default)]
    can_decide: bool,
    /// In how many days it expires, 1 to 3650; absent is never.
    #[schema(minimum = 1, maximum = 3650)]
    expires_in_days: Option<u32>,
}

/// A token as it is listed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenView {
    /// By which it is revoked; it is not the token itself.
    #[schema(example = "tok_01KAQ3H2V7T9Y4M8N5B6C1D0EF")]
    id: String,
    /// The name of the token.
    name: String,
    /// The use of the token.
    scope: TokenScope,
    /// The project or task that the scope is limited to.
    #[schema(required)]
    target_id: Option<String>,
    /// Whether it may approve and reject.
    can_decide: bool,
    /// Where it comes from.
    origin: TokenOrigin,
    /// Whether it can be used.
    status: TokenStatus,
    /// When it was created.
    created_at: String,
    /// When it expires; null is never.
    #[schema(required)]
    expires_at: Option<String>,
    /// When it was used last, to within ten minutes.
    #[schema(required)]
    last_used_at: Option<String>,
    /// When it was revoked.
    #[schema(required)]
    revoked_at: Option<String>,
}

/// A token that was just created.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    /// The token itself. It is shown this once: the server keeps its hash only.
    #[schema(example = "sptk_0f3c…")]
    token: String,
    #[serde(flatten)]
    view: TokenView,
}

impl TokenView {
    fn of(token: &Token) -> Self {
        let status = match token.revoked_at {
            Some(_) => TokenStatus::Revoked,
            None if token.is_valid_at(now()) => TokenStatus::Valid,
            None => TokenStatus::Expired,
        };
        Self {
            id: token.id.clone(),
            name: token.label.clone(),
            scope: token.scope.parse().unwrap_or(TokenScope::Read),
            target_id: token.target.clone(),
            can_decide: token.decides || token.scope == "owner",
            origin: token.origin.parse().unwrap_or(TokenOrigin::File),
            status,
            created_at: rfc3339(token.created_at),
            expires_at: token.expires_at.map(rfc3339),
            last_used_at: token.last_used_at.map(rfc3339),
            revoked_at: token.revoked_at.map(rfc3339),
        }
    }
}

/// Lists the tokens, oldest first; the tokens themselves are kept nowhere.
#[utoipa::path(get, path = "/tokens", tag = "users", params(PageQuery),
    responses((status = 200, description = "A page of tokens", body = Vec<TokenView>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<TokenView>, Problem> {
    let all = app.store.tokens(caller.id()).await?.iter().map(TokenView::of).collect();
    page(&uri, &query, all)
}

/// Creates a token. The answer is the only place where it is shown.
#[utoipa::path(post, path = "/tokens", tag = "users", request_body = NewToken,
    responses((status = 201, description = "The token, shown this once", body = CreatedToken), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    WholeBody(body): WholeBody<NewToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Problem> {
    let name = body.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Problem::invalid("name", format!("must be 1 to {MAX_NAME} characters on one line")));
    }
    if body.expires_in_days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days)) {
        return Err(Problem::invalid("expires_in_days", format!("is not within 1 to {MAX_DAYS}")));
    }
    let target = target(&app, &caller, &body).await?;
    let (secret, at) = (owner::fresh(), now());
    let token = Token {
        hash: owner::hash(&secret),
        id: Ulids.next("tok"),
        user: caller.id().clone(),
        scope: body.scope.as_str().to_owned(),
        target,
        decides: body.can_decide,
        label: name.to_owned(),
        origin: "created".to_owned(),
        created_at: at,
        expires_at: body.expires_in_days.map(|days| at.plus(i64::from(days) * DAY)),
        last_used_at: None,
        revoked_at: None,
    };
    app.store.put_token(token.clone()).await?;
    let data = json!({ "name": token.label, "scope": token.scope, "target_id": token.target, "can_decide": token.decides });
    audit::record(&app, &caller, "create_token", &token.id, &data).await?;
    Ok((StatusCode::CREATED, Json(CreatedToken { token: secret, view: TokenView::of(&token) })))
}

/// Returns what a token's scope is limited to.
async fn target(app: &App, caller: &Caller, body: &NewToken) -> Result<Option<String>, Problem> {
    let is_for = |scope: TokenScope, field: &str| {
        let message = format!("belongs to the scope `{}`", scope.as_str());
        Problem::invalid(field, message)
    };
    if body.project_id.is_some() && body.scope != TokenScope::Project {
        return Err(is_for(TokenScope::Project, "project_id"));
    }
    if body.task_id.is_some() && body.scope != TokenScope::Task {
        return Err(is_for(TokenScope::Task, "task_id"));
    }
    match body.scope {
        TokenScope::Owner => Ok(None),
        TokenScope::Read if body.can_decide => {
            Err(Problem::invalid("can_decide", "a token with the scope `read` changes nothing"))
        }
        TokenScope::Read => Ok(None),
        TokenScope::Project => {
            let id = body.project_id.as_deref();
            let id =
                id.ok_or_else(|| Problem::invalid("project_id", "is required for the scope `project`"))?;
            let found = caller.project(app, id).await;
            found.map_err(|_| Problem::invalid("project_id", format!("there is no project {id:?}")))?;
            Ok(Some(id.to_owned()))
        }
        TokenScope::Task => {
            let id = body.task_id.as_deref();
            let id = id.ok_or_else(|| Problem::invalid("task_id", "is required for the scope `task`"))?;
            let found = caller.task(app, id).await;
            found.map_err(|_| Problem::invalid("task_id", format!("there is no task {id:?}")))?;
            Ok(Some(id.to_owned()))
        }
    }
}

/// Revokes a token: it and the browser sessions that were begun with it stop working at once.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "users",
    params(("id" = String, Path, description = "The token's id, as the list has it")),
    responses((status = 204, description = "Revoked"), (status = 404, body = Problem)))]
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let tokens = app.store.tokens(caller.id()).await?;
    let token = tokens.iter().find(|token| token.id == id).ok_or_else(|| Problem::not_found("token"))?;
    if app.store.revoke_token(&token.hash, now()).await? {
        let data = json!({ "name": token.label, "scope": token.scope });
        audit::record(&app, &caller, "revoke_token", &id, &data).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
