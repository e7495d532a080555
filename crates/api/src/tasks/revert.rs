//! Taking back a change that landed: a task of its own, whose change is reviewed as any other.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::idempotency::FreshIds;
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::tasks::create::{self, Asked};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::App;
use engine::clock::now;
use engine::insight::views;
use git::{Revert, Reverted};
use protocol::SpecTask;
use serde_json::json;
use workflow::{Commit, Input, Phase, Task, TaskId, TaskKind};

/// How many files a sentence names.
const NAMED: usize = 5;

/// Takes back what a task merged: a new task gets a commit that reverts the merge on its own branch. It is checked and
/// reviewed as any other change, and nothing moves on the base branch until a person approves it.
#[utoipa::path(post, path = "/spec-tasks/{id}/revert", tag = "spec-tasks", params(("id" = String, Path)),
    responses((status = 201, body = SpecTask), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn revert(
    State(app): State<App>,
    caller: Caller,
    mut ids: FreshIds,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<SpecTask>), Problem> {
    let task = caller.task(&app, &id).await?;
    let merged = merged(&app, &task).await?;
    let project = crate::projects::project::visible(&app, &caller, task.project.as_str()).await?;
    let fresh = TaskId::fresh(&mut ids);
    let short: String = merged.to_string().chars().take(10).collect();
    // A request whose answer was lost finds its task here.
    let made = match caller.task(&app, fresh.as_str()).await {
        Ok(made) => made,
        Err(_) => {
            let asked = Asked {
                prompt: format!(
                    "Revert {:?}, which was merged into {} as {short}.",
                    task.name, task.base_branch
                ),
                name: Some(name_of(&task)),
                description: Some(format!("Reverts {}.", task.id)),
                kind: Some(TaskKind::Batch),
                priority: Some(task.priority),
                spec_agent: Some(task.spec_agent.clone()),
                implementation_agent: Some(task.implementation_agent.clone()),
                base_branch: Some(task.base_branch.clone()),
                planning: Some(false),
                start: Some(false),
                ..Asked::default()
            };
            create::task(&app, &caller, fresh, &project, asked).await?
        }
    };
    let project_repo = app.repositories.project_repo(&task.project).await?;
    let wanted = Revert {
        commit: merged,
        from: task.base_branch.clone(),
        branch: made.branch(),
        message: format!("{}\n\nThis reverts commit {merged}.\n\nSpecTask-Task: {}\n", made.name, made.id),
        author: App::identity(),
        time_ms: now().0,
        effect: Some(format!("{}-revert", made.id)),
    };
    let reverted = engine::spawn_blocking(move || project_repo.repository.revert(&wanted)).await;
    let refused = match reverted.map_err(|error| Problem::internal(&error))? {
        Ok(Reverted::Reverted(_)) => None,
        Ok(Reverted::Nothing) => Some("Nothing of the change is left to revert.".to_owned()),
        Ok(Reverted::Conflict(files)) => {
            let names: Vec<&str> = files.iter().take(NAMED).map(|file| file.path.as_str()).collect();
            Some(format!(
                "Later changes touch the same lines, in {}. Create a task that describes what to take back instead.",
                names.join(", ")
            ))
        }
        Err(error) => return Err(Problem::internal(&error)),
    };
    if let Some(why) = refused {
        let by = caller.user.name.clone();
        app.orchestrator.ask(caller.id(), &made.id, Input::Cancel { by }).await?;
        return Err(Problem::conflict("cannot_revert", why));
    }
    let made = app.orchestrator.ask(caller.id(), &made.id, Input::ReviewBranch).await?;
    let data = json!({ "commit": merged.to_string(), "by_task": made.id });
    audit::record(&app, &caller, "revert", &id, &data).await?;
    Ok((StatusCode::CREATED, Json(views::task(&app, &made).await?)))
}

/// Returns the commit by which SpecTask merged a task's change.
async fn merged(app: &App, task: &Task) -> Result<git::CommitId, Problem> {
    let refused = |why: &str| Problem::conflict("cannot_revert", why);
    let Phase::Done { merged: Some(Commit(commit)), .. } = &task.phase else {
        return Err(refused("Only a change that was merged can be reverted."));
    };
    let commit: git::CommitId =
        commit.parse().map_err(|error: git::NotACommitId| Problem::internal(&error))?;
    let project_repo = app.repositories.project_repo(&task.project).await?;
    let message = engine::spawn_blocking(move || project_repo.repository.message_of(commit)).await;
    let message = message.map_err(|error| Problem::internal(&error))?;
    let own = format!("SpecTask-Task: {}", task.id);
    match message {
        Ok(message) if message.lines().any(|line| line.trim() == own) => Ok(commit),
        // A branch that was merged by hand has no commit that is this change alone.
        Ok(_) => Err(refused("The change was merged outside SpecTask; revert it with git.")),
        Err(_) => Err(refused("The merge commit is not in the repository any more.")),
    }
}

fn name_of(task: &Task) -> String {
    let name: String = task.name.chars().take(120).collect();
    format!("Revert “{name}”")
}
