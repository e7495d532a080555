//! A person edits the plan task by task: the Markdown of its dialect is edited for them, and the result is saved as any
//! edit of a document is.

use crate::documents::document::present;
use crate::documents::edit_document::{Edit, check, expect_editable, save};
use crate::documents::plan::{PLAN, PlanView, requirements};
use crate::request::caller::Caller;
use crate::request::extract::JsonBody;
use crate::request::path::Path;
use crate::request::problem::{FieldError, Problem};
use axum::Json;
use axum::extract::State;
use engine::App;
use protocol::words::Effort;
use serde::{Deserialize, Serialize};
use specs::plan;
use specs::plan::edit::{EditError, NewTask, Operation, Place, TaskFields, apply};
use utoipa::ToSchema;
use workflow::TaskStatus;

/// How many operations one request may have.
const MAX_OPERATIONS: usize = 100;

/// An edit of the plan.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PlanEdits {
    /// The `hash` with which the plan was read; the edit is refused when the plan is another one now.
    expected_hash: String,
    /// The operations in their order; each names tasks by their numbers in the plan as the ones before it left it.
    operations: Vec<PlanOperation>,
    /// Whether the result is only returned and not saved.
    #[serde(default)]
    dry_run: bool,
}

/// One change of the plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum PlanOperation {
    /// Changes the fields that are given.
    Change(TaskChange),
    /// Splits a task in two or more, which follow each other.
    Split {
        /// The number of the task.
        task: String,
        /// The tasks to split it into, 2 to 20. The first keeps the text and sub-tasks of the split task, unless it gives `details`.
        parts: Vec<PlanNewTask>,
    },
    /// Adds what is written below a task to another task, and removes it.
    Merge {
        /// The number of the task that is removed.
        task: String,
        /// The number of the task that stays.
        into: String,
    },
    /// Moves a task beside another one.
    Move {
        /// The number of the task.
        task: String,
        /// The number of the task that it comes before; this or `after`.
        before: Option<String>,
        /// The number of the task that it comes after; this or `before`.
        after: Option<String>,
    },
    /// Removes a task; what depends on it depends on what it needed.
    Remove {
        /// The number of the task.
        task: String,
    },
    /// Adds a task, at the end where no place is given.
    Add {
        /// The number of the task that it comes before.
        before: Option<String>,
        /// The number of the task that it comes after.
        after: Option<String>,
        #[serde(flatten)]
        task: PlanNewTask,
    },
}

/// The fields of a planned task that change; absent ones stay.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TaskChange {
    /// The number of the task.
    task: String,
    /// Its title, in one line.
    title: Option<String>,
    /// The lines of its description, without bullets.
    details: Option<Vec<String>>,
    /// The lines of its acceptance criteria.
    acceptance: Option<Vec<String>>,
    /// How much work it is.
    effort: Option<Effort>,
    /// Whether the implementation may leave it out.
    optional: Option<bool>,
    /// The requirements that it cites.
    requirements: Option<Vec<String>>,
    /// The paths or components that it may touch.
    boundary: Option<Vec<String>>,
    /// The resources that its session holds while it works.
    resources: Option<Vec<String>>,
    /// The numbers of the planned tasks that it waits for; an empty list lets it start at once.
    dependencies: Option<Vec<String>>,
}

/// A task that an operation makes.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PlanNewTask {
    /// Its title, in one line.
    title: String,
    /// The lines of its description, without bullets.
    details: Option<Vec<String>>,
}

/// The plan after an edit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EditedPlan {
    #[serde(flatten)]
    plan: PlanView,
    /// The whole `tasks.md`.
    content: String,
    /// Whether the edit is saved; false for a dry run.
    saved: bool,
    /// The commit of the documents.
    commit: String,
    /// Where the task stands now.
    status: TaskStatus,
    /// Whether the edit made an approval void: the documents are to be reviewed again.
    approval_void: bool,
    /// What happened, in a sentence.
    message: String,
}

/// Edits the plan task by task, or returns what an edit would make of it.
#[utoipa::path(post, path = "/spec-tasks/{id}/plan-edits", tag = "documents", params(("id" = String, Path)),
    request_body = PlanEdits,
    responses((status = 200, body = EditedPlan), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn edit(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<PlanEdits>,
) -> Result<Json<EditedPlan>, Problem> {
    let task = caller.task(&app, &id).await?;
    let operations = operations(body.operations)?;
    expect_editable(&task, PLAN)?;
    let before = present(&app, &task, PLAN).await?;
    let requirements = requirements(&app, &task).await?;
    let is_expected = PlanView::of("", &before.content).hash == body.expected_hash;
    if !is_expected {
        let detail = "The plan was changed since you read it. Read it again and repeat your edit there.";
        return Err(Problem::conflict("plan_moved_on", detail));
    }
    let content = apply(&before.content, &operations).map_err(|(at, error)| refused(at, &error))?;
    let plan = PlanView::of(&requirements, &content);
    check(&app, &task, PLAN, &content).await?;
    if body.dry_run {
        let message = "Nothing is saved: this is a dry run.".to_owned();
        let commit = before.commit;
        let (status, approval_void) = (task.status(), false);
        return Ok(Json(EditedPlan { plan, content, saved: false, commit, status, approval_void, message }));
    }
    let edit = Edit { kind: PLAN, content: &content, base: &before.commit };
    let saved = save(&app, &caller, &task, edit).await?;
    Ok(Json(EditedPlan {
        plan,
        content,
        saved: true,
        commit: saved.document.commit,
        status: saved.status,
        approval_void: saved.approval_void,
        message: saved.message,
    }))
}

/// Returns the problem of an operation that is refused.
fn refused(at: usize, error: &EditError) -> Problem {
    let message = error.to_string();
    let mut problem = match error {
        EditError::Cycle(_) => {
            Problem::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "dependency_cycle", message.clone())
        }
        EditError::NotExpressible(_) => {
            Problem::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, "not_expressible", message.clone())
        }
        EditError::UnknownTask(_) | EditError::Invalid(..) => {
            return Problem::invalid(&format!("operations[{at}]"), message);
        }
    };
    problem.errors = vec![FieldError { field: format!("operations[{at}]"), message }];
    problem
}

fn operations(wanted: Vec<PlanOperation>) -> Result<Vec<Operation>, Problem> {
    if wanted.is_empty() || wanted.len() > MAX_OPERATIONS {
        let message = format!("has {} operations; send between 1 and {MAX_OPERATIONS}", wanted.len());
        return Err(Problem::invalid("operations", message));
    }
    wanted.into_iter().enumerate().map(|(at, one)| operation(at, one)).collect()
}

fn operation(at: usize, wanted: PlanOperation) -> Result<Operation, Problem> {
    let one_place = || {
        let message = "names two places or none; give `before` or `after`";
        Problem::invalid(&format!("operations[{at}]"), message)
    };
    let new = |task: PlanNewTask| NewTask { title: task.title, details: task.details };
    Ok(match wanted {
        PlanOperation::Change(change) => Operation::Change {
            fields: TaskFields {
                title: change.title,
                details: change.details,
                acceptance: change.acceptance,
                effort: change.effort.map(|effort| match effort {
                    Effort::Small => plan::Effort::Small,
                    Effort::Medium => plan::Effort::Medium,
                    Effort::Large => plan::Effort::Large,
                }),
                optional: change.optional,
                requirements: change.requirements,
                boundary: change.boundary,
                resources: change.resources,
                dependencies: change.dependencies,
            },
            task: change.task,
        },
        PlanOperation::Split { task, parts } => {
            Operation::Split { task, parts: parts.into_iter().map(new).collect() }
        }
        PlanOperation::Merge { task, into } => Operation::Merge { task, into },
        PlanOperation::Move { task, before, after } => {
            let place = place(before, after).map_err(|()| one_place())?.ok_or_else(one_place)?;
            Operation::Move { task, place }
        }
        PlanOperation::Remove { task } => Operation::Remove { task },
        PlanOperation::Add { before, after, task } => {
            Operation::Add { task: new(task), place: place(before, after).map_err(|()| one_place())? }
        }
    })
}

/// Returns the place that one of two fields names; an error where both do.
fn place(before: Option<String>, after: Option<String>) -> Result<Option<Place>, ()> {
    match (before, after) {
        (Some(number), None) => Ok(Some(Place::Before(number))),
        (None, Some(number)) => Ok(Some(Place::After(number))),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Api;
    use serde_json::json;

    #[tokio::test]
    async fn an_edit_that_is_none_is_refused_with_its_field() {
        let api = Api::open().await;
        let project = api.project().await;
        let task = api.task(&project, "Notes").await;
        let path = format!("/spec-tasks/{task}/plan-edits");
        for (operations, field) in [
            (json!([]), "operations"),
            (json!([{ "op": "move", "task": "1" }]), "operations[0]"),
            (
                json!([{ "op": "remove", "task": "1" }, { "op": "move", "task": "1", "before": "2", "after": "3" }]),
                "operations[1]",
            ),
        ] {
            let body = json!({ "expected_hash": "0", "operations": operations });
            let (status, problem) = api.try_post(&path, &body).await.problem();
            assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{problem:#}");
        }
        let body = json!({ "expected_hash": "0", "operations": [{ "op": "remove", "task": "1" }] });
        let (status, problem) = api.try_post(&path, &body).await.problem();
        assert_eq!((status, &problem["code"]), (409, &json!("wrong_state")), "{problem:#}");
        let unknown = api.try_post("/spec-tasks/spt_0/plan-edits", &body).await;
        assert_eq!(unknown.status, 404);
    }
}
