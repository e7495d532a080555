//! The review rounds of a task's documents, with their comments.

use crate::documents::lint::{FindingView, findings};
use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::page::{PageQuery, Paged, page};
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use engine::App;
use engine::clock::rfc3339;
use engine::wire::{self, Anchors};
use protocol::CommentView;
use serde::Serialize;
use similar::TextDiff;
use store::Revision;
use utoipa::ToSchema;
use workflow::{Decision, Task, TaskStatus};

/// Where a review round stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReviewStatus {
    Open,
    Decided,
    Superseded,
}

/// A review round: a snapshot of the documents at a commit, and what was decided.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Review {
    id: String,
    spec_task_id: String,
    round: u32,
    /// Whether it waits for a decision.
    status: ReviewStatus,
    commit: String,
    #[schema(required)]
    reviewer: Option<String>,
    #[schema(required)]
    decision: Option<Decision>,
    #[schema(required)]
    overall_comment: Option<String>,
    changes: Vec<String>,
    /// The review comments on this version, with their lines in the newest one.
    comments: Vec<CommentView>,
    /// Names this content, as the documents in force do.
    content_hash: String,
    /// The person who edited the documents into this version, if it was not the planner who wrote it.
    #[schema(required)]
    edited_by: Option<String>,
    lint: Vec<FindingView>,
    /// The unified diff to the version before, per document; null for the first version.
    #[schema(required)]
    diff_from_previous: Option<DocumentDiffs>,
    created_at: String,
    #[schema(required)]
    decided_at: Option<String>,
    requirements_spec: String,
    technical_design: String,
    implementation_plan: String,
}

/// The changes of a version to each document, as unified diffs; empty where it changed nothing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentDiffs {
    /// The diff of requirements.md.
    requirements: String,
    /// The diff of design.md.
    design: String,
    /// The diff of tasks.md.
    tasks: String,
}

impl Review {
    fn of(
        task: &Task,
        revision: &Revision,
        before: Option<&Revision>,
        is_last: bool,
        anchors: &Anchors<'_>,
    ) -> Self {
        let made_on = task.comments.iter().filter(|comment| comment.review == revision.id);
        let status = match (revision.decision, is_last) {
            (Some(_), _) => ReviewStatus::Decided,
            (None, true) if task.status() == TaskStatus::SpecReview => ReviewStatus::Open,
            (None, _) => ReviewStatus::Superseded,
        };
        Self {
            id: revision.id.to_string(),
            spec_task_id: revision.task.to_string(),
            round: revision.round,
            status,
            commit: revision.commit.to_string(),
            reviewer: revision.reviewer.clone(),
            decision: revision.decision,
            overall_comment: revision.comments.clone(),
            changes: revision.changes.clone(),
            comments: made_on.map(|comment| wire::comment(task, comment, anchors)).collect(),
            content_hash: revision.hash.clone(),
            edited_by: revision.edited_by.clone(),
            lint: findings(revision),
            diff_from_previous: before.map(|before| DocumentDiffs {
                requirements: diff("requirements.md", &before.requirements, &revision.requirements),
                design: diff("design.md", &before.design, &revision.design),
                tasks: diff("tasks.md", &before.tasks, &revision.tasks),
            }),
            created_at: rfc3339(revision.created_at),
            decided_at: revision.decided_at.map(rfc3339),
            requirements_spec: revision.requirements.clone(),
            technical_design: revision.design.clone(),
            implementation_plan: revision.tasks.clone(),
        }
    }
}

fn diff(name: &str, before: &str, after: &str) -> String {
    TextDiff::from_lines(before, after).unified_diff().context_radius(3).header(name, name).to_string()
}

fn rounds(task: &Task, revisions: &[Revision]) -> Vec<Review> {
    let anchors = Anchors::new(revisions);
    (0..revisions.len())
        .map(|at| {
            let before = at.checked_sub(1).and_then(|before| revisions.get(before));
            Review::of(task, &revisions[at], before, at + 1 == revisions.len(), &anchors)
        })
        .collect()
}

/// Lists a task's review rounds, oldest first.
#[utoipa::path(get, path = "/spec-tasks/{id}/reviews", tag = "documents", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Vec<Review>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<Review>, Problem> {
    let task = caller.task(&app, &id).await?;
    page(&uri, &query, rounds(&task, &app.store.revisions(&task.id).await?))
}

/// Reads a review round.
#[utoipa::path(get, path = "/reviews/{id}", tag = "documents", params(("id" = String, Path)),
    responses((status = 200, body = Review), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Review>, Problem> {
    let (task, _) = caller.review(&app, &id).await?;
    let all = rounds(&task, &app.store.revisions(&task.id).await?);
    all.into_iter().find(|round| round.id == id).map(Json).ok_or_else(|| Problem::not_found("review"))
}
