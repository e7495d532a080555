//! The documents under review: reading them, deciding about them.

use crate::people::audit;
use crate::projects::project;
use crate::request::caller::Caller;
use crate::request::extract::JsonBody;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::App;
use engine::clock::rfc3339;
use engine::insight::views;
use protocol::SpecTask;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::num::NonZeroU32;
use utoipa::ToSchema;
use workflow::{Decision, Input, Task, TaskStatus};

/// A task's three documents.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Specs {
    task_id: String,
    status: TaskStatus,
    original_prompt: String,
    requirements_spec: String,
    technical_design: String,
    implementation_plan: String,
    #[schema(required)]
    spec_approved_by: Option<String>,
    #[schema(required)]
    spec_approved_at: Option<String>,
    spec_revision_count: u32,
    /// Names this content; sent with an approval, it makes sure that what was read is what is approved.
    content_hash: String,
    round: u32,
    commit: String,
}

/// Reads the documents in force.
#[utoipa::path(get, path = "/spec-tasks/{id}/specs", tag = "spec-tasks", params(("id" = String, Path)),
    responses((status = 200, body = Specs), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Specs>, Problem> {
    let task = caller.task(&app, &id).await?;
    let revision = views::in_force(&app, &task).await?.ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "not_generated_yet",
            "The planning agent has not written the documents yet.",
        )
    })?;
    let approved = task.approved();
    Ok(Json(Specs {
        task_id: id,
        status: task.status(),
        original_prompt: task.prompt.clone(),
        spec_approved_by: approved.map(|approved| approved.by.clone()),
        spec_approved_at: approved.map(|approved| rfc3339(approved.at)),
        spec_revision_count: task.revisions,
        content_hash: revision.hash,
        round: revision.round,
        commit: revision.commit.to_string(),
        requirements_spec: revision.requirements,
        technical_design: revision.design,
        implementation_plan: revision.tasks,
    }))
}

/// A reviewer's decision about the documents.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct ReviewBody {
    /// False sends the documents back with the comments and changes, unless `decision` says `reject`.
    approved: bool,
    /// `request_changes` is what `approved: false` means by itself; `reject` ends the task.
    decision: Option<Decision>,
    #[serde(default)]
    comments: String,
    #[serde(default)]
    changes: Vec<String>,
    /// The `content_hash` of what was read; with another one in force the decision is refused.
    content_hash: Option<String>,
    /// Numbers of planned tasks that the plan has ticked and that are to be carried out all the same, or `all`.
    #[serde(default)]
    run_again: Vec<String>,
}

/// Approves the documents, or sends them back.
#[utoipa::path(post, path = "/spec-tasks/{id}/approve-specs", tag = "spec-tasks", params(("id" = String, Path)),
    request_body = ReviewBody, responses((status = 200, body = SpecTask), (status = 409, body = Problem)))]
pub(crate) async fn approve(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ReviewBody>,
) -> Result<Json<SpecTask>, Problem> {
    let task = decide(&app, &caller, &id, body).await?;
    Ok(Json(views::task(&app, &task).await?))
}

async fn decide(app: &App, caller: &Caller, id: &str, body: ReviewBody) -> Result<Task, Problem> {
    let task = caller.task(app, id).await?;
    let decision = match (body.approved, body.decision) {
        (true, None | Some(Decision::Approve)) => Decision::Approve,
        (false, None | Some(Decision::RequestChanges)) => Decision::RequestChanges,
        (false, Some(Decision::Reject)) => Decision::Reject,
        (approved, Some(decision)) => {
            let message = format!("{decision} contradicts `approved: {approved}`");
            return Err(Problem::invalid("decision", message));
        }
    };
    let data = json!({
        "decision": decision, "comments": body.comments, "changes": body.changes, "run_again": body.run_again,
    });
    let input = Input::ReviewSpecs {
        decision,
        by: caller.user.name.clone(),
        comments: body.comments,
        changes: body.changes,
        hash: body.content_hash,
        run_again: body.run_again,
    };
    let after = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    if after.version != task.version {
        audit::record(app, caller, "review_specs", id, &data).await?;
    }
    Ok(after)
}

/// An approval together with how its result is to be handed off.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct HandoffBody {
    approved: bool,
    #[serde(default)]
    comments: String,
    #[serde(default)]
    changes: Vec<String>,
    content_hash: Option<String>,
    project_path: Option<String>,
    #[serde(default)]
    create_pull_request: bool,
    #[serde(default)]
    handoff_config: HandoffConfig,
}

/// How the result of an approval is handed off; what is not known here is handed back as it came.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub(crate) struct HandoffConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    commit_frequency_minutes: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec_reviewers: Option<Vec<String>>,
    #[serde(flatten)]
    others: serde_json::Map<String, Value>,
}

/// The result of a decision and its handoff.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HandoffAnswer {
    spec_task: SpecTask,
    approval: Value,
    handoff_result: Value,
    success: bool,
    message: String,
    next_steps: Vec<String>,
}

/// Decides about the documents and hands approved ones off to git.
#[utoipa::path(post, path = "/spec-tasks/{id}/approve-with-handoff", tag = "spec-tasks", params(("id" = String, Path)),
    request_body = HandoffBody, responses((status = 200, body = HandoffAnswer), (status = 409, body = Problem)))]
pub(crate) async fn approve_with_handoff(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<HandoffBody>,
) -> Result<Json<HandoffAnswer>, Problem> {
    let task = caller.task(&app, &id).await?;
    project::check_path(&app, &task, body.project_path.as_deref()).await?;
    if body.create_pull_request {
        let message = "the project names no forge to open a pull request on; leave it out, and the change is merged after its review";
        return Err(Problem { code: "no_forge", ..Problem::invalid("create_pull_request", message) });
    }
    if let Some(minutes) = body.handoff_config.commit_frequency_minutes {
        let input = Input::SetRecording { commit_frequency_minutes: minutes.get().into() };
        app.orchestrator.ask(caller.id(), &task.id, input).await?;
    }
    let review = ReviewBody {
        approved: body.approved,
        decision: None,
        comments: body.comments.clone(),
        changes: body.changes.clone(),
        content_hash: body.content_hash,
        run_again: Vec::new(),
    };
    let task = decide(&app, &caller, &id, review).await?;
    let spec_task = views::task(&app, &task).await?;
    let approval = json!({
        "spec_task_id": id,
        "approved": body.approved,
        "approved_by": caller.user.name,
        "approved_at": spec_task.spec_approved_at,
        "comments": body.comments,
        "changes": body.changes,
    });
    let (handoff_result, message, next_steps) = if body.approved {
        let documents = ["requirements.md", "design.md", "tasks.md", "spec-metadata.json"];
        let documents = documents.map(|name| format!("specs/{id}/{name}"));
        let result = json!({
            "spec_branch": format!("specs/{id}"),
            "branch_name": task.branch(),
            "base_branch": task.base_branch,
            "documents": documents,
            "handoff_config": body.handoff_config,
            "pull_request_url": Value::Null,
        });
        let steps = [
            "The approved documents are committed to their branch.",
            "One work session per planned task starts as its dependencies and the limits allow.",
            "Review the change when the task is in implementation_review.",
        ];
        (result, "The documents are approved; the handoff has begun.", steps.map(str::to_owned).to_vec())
    } else {
        let steps =
            ["The planning agent revises the documents.", "Review them when the task is in spec_review."];
        (
            Value::Null,
            "The documents were sent back to the planning agent.",
            steps.map(str::to_owned).to_vec(),
        )
    };
    Ok(Json(HandoffAnswer {
        spec_task,
        approval,
        handoff_result,
        success: true,
        message: message.to_owned(),
        next_steps,
    }))
}
