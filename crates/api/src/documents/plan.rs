//! The plan of a task as a person edits it: each planned task with its fields.

use crate::documents::document::{DocumentKind, present};
use crate::documents::lint::{FindingView, findings_of};
use crate::request::caller::Caller;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use engine::App;
use protocol::words::Effort;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use specs::plan;
use specs::plan::edit::{SubTask, outline};
use utoipa::ToSchema;
use workflow::{DocumentName, Task};

/// The document that is the plan.
pub(crate) const PLAN: DocumentKind = DocumentKind::Reviewed(DocumentName::Tasks);

/// A plan with its planned tasks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanView {
    /// The SHA-256 of `tasks.md`, byte for byte; an edit names it as `expected_hash`.
    pub(crate) hash: String,
    /// The planned tasks in the order of writing; none where the format of the document cannot be edited task by task.
    tasks: Vec<PlanTask>,
    /// Why the format of the document cannot be edited task by task; absent where it can.
    #[schema(required)]
    not_editable: Option<String>,
    /// The findings of the lint.
    findings: Vec<FindingView>,
}

/// A planned task with the values that an edit can change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanTask {
    /// The number by which edits and dependencies name it.
    number: String,
    /// Its title.
    title: String,
    /// The lines of its description, without bullets.
    details: Vec<String>,
    /// Its parts, which stand below it in the plan.
    subtasks: Vec<PlanSubTask>,
    /// The lines of its acceptance criteria.
    acceptance: Vec<String>,
    /// How much work it is.
    #[schema(required)]
    effort: Option<Effort>,
    /// Whether the implementation may leave it out.
    optional: bool,
    /// Whether it is ticked.
    done: bool,
    /// The requirements that it cites.
    requirements: Vec<String>,
    /// The paths or components that it may touch.
    boundary: Vec<String>,
    /// The resources that its session holds while it works.
    resources: Vec<String>,
    /// The numbers of the planned tasks that it waits for.
    dependencies: Vec<String>,
    /// Whether the document names its dependencies; else the order of writing makes them.
    dependencies_written: bool,
    /// The line that it begins with, from 1.
    line: usize,
}

/// A part of a planned task.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanSubTask {
    /// Its number; absent where it has none.
    #[schema(required)]
    number: Option<String>,
    /// Its title.
    title: String,
    /// Whether the implementation may leave it out.
    optional: bool,
}

impl PlanView {
    /// Reads a plan, with its findings beside its requirements.
    pub(crate) fn of(requirements: &str, tasks: &str) -> Self {
        let (found, not_editable) = match outline(tasks) {
            Ok(found) => (found, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        Self {
            hash: hex::encode(Sha256::digest(tasks)),
            tasks: found.into_iter().map(PlanTask::of).collect(),
            not_editable,
            findings: findings_of(requirements, tasks),
        }
    }
}

impl PlanTask {
    fn of(task: plan::edit::PlannedTask) -> Self {
        let subtask =
            |part: SubTask| PlanSubTask { number: part.number, title: part.title, optional: part.optional };
        Self {
            number: task.number,
            title: task.title,
            details: task.details,
            subtasks: task.parts.into_iter().map(subtask).collect(),
            acceptance: task.acceptance,
            effort: task.effort.map(|effort| match effort {
                plan::Effort::Small => Effort::Small,
                plan::Effort::Medium => Effort::Medium,
                plan::Effort::Large => Effort::Large,
            }),
            optional: task.optional,
            done: task.is_done,
            requirements: task.requirements,
            boundary: task.boundary,
            resources: task.resources,
            dependencies: task.dependencies,
            dependencies_written: task.has_written_dependencies,
            line: task.line,
        }
    }
}

/// Returns the requirements of a task as they stand on the branch.
pub(crate) async fn requirements(app: &App, task: &Task) -> Result<String, Problem> {
    Ok(app.repositories.docs(task).await?.requirements.unwrap_or_default())
}

/// Reads the plan as it stands on the branch, task by task.
#[utoipa::path(get, path = "/spec-tasks/{id}/plan", tag = "documents", params(("id" = String, Path)),
    responses((status = 200, body = PlanView), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<PlanView>, Problem> {
    let task = caller.task(&app, &id).await?;
    let present = present(&app, &task, PLAN).await?;
    Ok(Json(PlanView::of(&requirements(&app, &task).await?, &present.content)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Api;

    #[test]
    fn a_plan_that_cannot_be_edited_says_why() {
        let plan = PlanView::of("", "| # | Task |\n|---|---|\n| 1 | Set up |\n| 2 | Build |\n");
        assert!(plan.tasks.is_empty());
        assert!(plan.not_editable.is_some_and(|why| why.contains("table")));
        let plan = PlanView::of("", "- [ ] 1. One\n  - _Effort: small_\n- [ ] 2. Two\n");
        assert_eq!(plan.tasks.iter().map(|task| task.number.as_str()).collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(
            (plan.tasks[1].dependencies.join(" "), plan.tasks[1].dependencies_written),
            ("1".to_owned(), false)
        );
    }

    #[tokio::test]
    async fn a_task_without_documents_has_no_plan() {
        let api = Api::open().await;
        let project = api.project().await;
        let task = api.task(&project, "Notes").await;
        let (status, problem) = api.try_get(&format!("/spec-tasks/{task}/plan")).await.problem();
        assert_eq!((status, &problem["code"]), (404, &"not_generated_yet".into()));
    }
}
