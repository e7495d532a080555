//! Findings in a task's change for the reviewer: secrets, stray files, a base branch that was moved.

use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::page::{PageQuery, Paged, page};
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::reviews::held::Confidence;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use engine::App;
use engine::effects::{Found, scan};
use serde::Serialize;
use utoipa::ToSchema;

/// A secret in what the task's branch adds to its base, which is not shown itself, or something else to know of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretFinding {
    /// The id in `acknowledged_findings`; the same for the same secret in the same file.
    id: String,
    /// A kind of secret, `base_branch_moved`, `base_branch_rewound`, `stray_files`, `unfiltered_file`,
    /// `replaced_object`, `link_outside`, `settings_file_changed` or `boundary_crossed`.
    kind: String,
    /// The finding as a clause; absent for secrets.
    #[schema(required)]
    description: Option<String>,
    /// `sure` holds the landing until a person acknowledges it, `likely` does not.
    confidence: Confidence,
    /// The tag that replaces the secret wherever it is shown.
    tag: String,
    /// Absent for the commit's message and the base branch.
    #[schema(required)]
    path: Option<String>,
    line: usize,
    commit: String,
    /// Whether the branch's last commit still has it; its history has it all the same.
    at_tip: bool,
}

impl SecretFinding {
    fn of(found: Found) -> Self {
        let Found { id, kind, is_sure, tag, path, line, commit, at_tip, description } = found;
        let confidence = Confidence::of(is_sure);
        Self { id, kind, description, confidence, tag, path, line, commit, at_tip }
    }
}

/// Looks for secrets in what the task's branch adds to its base.
#[utoipa::path(get, path = "/spec-tasks/{id}/secret-findings", tag = "spec-tasks", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Vec<SecretFinding>, headers(("X-Total-Count" = u64), ("Link" = String))),
    (status = 409, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<SecretFinding>, Problem> {
    let task = caller.task(&app, &id).await?;
    let project_repo = app.repositories.project_repo(&task.project).await?;
    let branch = task.branch();
    let begun = engine::spawn_blocking(move || project_repo.repository.resolve(&branch));
    let begun = begun.await.map_err(|error| Problem::internal(&error))?;
    if task.change().is_none() && !matches!(begun, Ok(Some(_))) {
        // Nothing is changed yet.
        return page(&uri, &query, Vec::new());
    }
    let head = task.change().map_or_else(|| task.branch(), |change| change.head.0.clone());
    let found = scan(&app, &task, &head).await.map_err(|failure| {
        let text = app.redactor.redact(&failure.message);
        Problem::new(StatusCode::CONFLICT, "repository_unusable", crate::request::problem::sentence(&text))
    })?;
    page(&uri, &query, found.into_iter().map(SecretFinding::of).collect())
}
