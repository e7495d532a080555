//! Values that were redacted from documents under review: a person keeps or removes them.

use crate::documents::document::DocumentKind;
use crate::documents::edit_document;
use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::{JsonBody, Query};
use crate::request::page::{PageQuery, Paged, page};
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use engine::App;
use engine::held::{self, Held, HeldDecision};
use engine::insight::views;
use protocol::words::DocumentName;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use workflow::Task;

/// How sure it is that a value is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Confidence {
    Sure,
    Likely,
}

impl Confidence {
    pub(crate) fn of(is_sure: bool) -> Self {
        if is_sure { Self::Sure } else { Self::Likely }
    }
}

/// A value that was taken out of a document as a secret; the value itself is not shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeldSecret {
    /// The id in the decision.
    id: String,
    /// The document that it was taken out of.
    document: DocumentName,
    /// The line of the document in force that it was taken out of.
    line: usize,
    kind: String,
    /// How sure it is that the value is a secret.
    confidence: Confidence,
    /// The tag that replaces it.
    tag: String,
    /// Whether it can be kept; a value that is known to be secret cannot.
    can_keep: bool,
    /// `keep` or `remove`; null until a person decides. What is not decided stays removed.
    #[schema(required)]
    decision: Option<HeldDecision>,
}

impl HeldSecret {
    fn of(held: &Held, document: DocumentName, line: usize) -> Self {
        Self {
            id: held.id.clone(),
            document,
            line,
            kind: held.kind.clone(),
            confidence: Confidence::of(held.is_sure),
            tag: held.tag.clone(),
            can_keep: held.value.is_some(),
            decision: held.decision,
        }
    }
}

/// Lists what was taken out of the documents in force as secrets.
#[utoipa::path(get, path = "/spec-tasks/{id}/held-secrets", tag = "documents", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Vec<HeldSecret>, headers(("X-Total-Count" = u64), ("Link" = String))),
        (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<HeldSecret>, Problem> {
    let task = caller.task(&app, &id).await?;
    page(&uri, &query, present(&app, &task).await?)
}

/// The decision about a value that was removed.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct HeldDecisionBody {
    decision: HeldDecision,
}

/// Decides about a value that was taken out of a document: `keep` puts it back, `remove` forgets it.
#[utoipa::path(post, path = "/spec-tasks/{id}/held-secrets/{secret}", tag = "documents",
    params(("id" = String, Path), ("secret" = String, Path)), request_body = HeldDecisionBody,
    responses((status = 200, body = Vec<HeldSecret>), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path((id, secret)): Path<(String, String)>,
    JsonBody(body): JsonBody<HeldDecisionBody>,
) -> Result<Json<Vec<HeldSecret>>, Problem> {
    let task = caller.task(&app, &id).await?;
    let data_dir = app.repositories.data_dir();
    let mut all = held::read(data_dir, &task.id);
    let one = all.iter_mut().find(|held| held.id == secret).ok_or_else(|| Problem::not_found("secret"))?;
    let unwritten = |error: std::io::Error| Problem::internal(&error);
    match (one.decision, body.decision) {
        (Some(before), now) if before == now => return Ok(Json(present(&app, &task).await?)),
        (Some(_), _) => {
            let detail = "It is decided already, and its value is forgotten; edit the document instead.";
            return Err(Problem::conflict("decided", detail));
        }
        (None, HeldDecision::Remove) => {}
        (None, HeldDecision::Keep) => {
            let Some(value) = one.value.clone() else {
                let detail = "It is a secret that SpecTask itself knows; it cannot be kept in a document.";
                return Err(Problem::conflict("known_secret", detail));
            };
            held::keep(data_dir, &app.redactor, &value).map_err(unwritten)?;
            edit_document::replace(
                &app,
                &caller,
                &task,
                DocumentKind::of(&one.document)?,
                (&one.tag, &value),
            )
            .await?;
        }
    }
    one.value = None;
    one.decision = Some(body.decision);
    held::write(data_dir, &task.id, &all).map_err(unwritten)?;
    audit::record(
        &app,
        &caller,
        "decide_secret",
        &id,
        &json!({ "secret": secret, "decision": body.decision }),
    )
    .await?;
    let task = caller.task(&app, &id).await?;
    Ok(Json(present(&app, &task).await?))
}

/// Returns what is held and still stands in the documents in force as a tag, in the order of the documents.
async fn present(app: &App, task: &Task) -> Result<Vec<HeldSecret>, Problem> {
    let Some(revision) = views::in_force(app, task).await? else { return Ok(Vec::new()) };
    let all = held::read(app.repositories.data_dir(), &task.id);
    let mut shown: Vec<HeldSecret> = all
        .iter()
        .filter_map(|held| {
            let document = held.document.parse().ok()?;
            let text = revision.text(document);
            let at = text.find(&held.tag)?;
            Some(HeldSecret::of(held, document, text[..at].matches('\n').count() + 1))
        })
        .collect();
    shown.sort_by_key(|one| (one.document, one.line));
    Ok(shown)
}
