//! The changes of one work session, also while its work is not committed yet.

use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::page::PageQuery;
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::sessions::session::found;
use crate::tasks::implementation::FileDiffView;
use crate::tasks::task::page_headers;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use engine::App;
use engine::projects::session_changes;
use serde::Serialize;
use utoipa::ToSchema;
use workflow::Isolation;

/// The changes of a work session, a page of its files.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionDiffView {
    work_session_id: String,
    spec_task_id: String,
    /// Null for a session that only reads.
    #[schema(required)]
    branch_name: Option<String>,
    /// Whether what is not committed is in it, because the session is at work.
    with_uncommitted: bool,
    /// Whether all sessions of the task work on this branch, so that the others' work since this one began is in it.
    is_shared: bool,
    files: Vec<FileDiffView>,
    total_files: usize,
    additions: usize,
    deletions: usize,
}

/// Shows what a work session changed: from where its branch began to its worktree as it is, to its branch, or to what
/// was merged of it.
#[utoipa::path(get, path = "/work-sessions/{id}/diff", tag = "work-sessions", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = SessionDiffView), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<(HeaderMap, Json<SessionDiffView>), Problem> {
    let task = caller.task_of(&app, &id).await?;
    let session = found(&task, &id)?;
    let (files, with_uncommitted) = session_changes::of(&app, &task, session).await?;
    let total_files = files.len();
    let (additions, deletions) =
        files.iter().fold((0, 0), |(plus, minus), file| (plus + file.additions, minus + file.deletions));
    let part = query.range()?;
    let next = (part.end < total_files).then(|| part.end.to_string());
    let headers = page_headers(&uri, u64::try_from(total_files).unwrap_or(u64::MAX), next.as_deref());
    let view = SessionDiffView {
        work_session_id: id,
        spec_task_id: task.id.to_string(),
        branch_name: session.branch.clone(),
        with_uncommitted,
        is_shared: task.isolation == Isolation::Shared && session.branch.is_some(),
        files: files.into_iter().skip(part.start).take(part.len()).map(FileDiffView::of).collect(),
        total_files,
        additions,
        deletions,
    };
    Ok((headers, Json(view)))
}
