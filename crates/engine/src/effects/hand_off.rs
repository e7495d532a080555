//! Commits the approved documents to their own branch, cuts the task's branch there, and writes the living checklist.
//!
//! What is handed off is what was approved, byte for byte: documents that changed since go back to review.

use super::{Done, Job, blocking, failure, git_failure, store_failure};
use crate::clock::now;
use crate::documents;
use crate::documents::metadata;
use crate::projects::repositories::{ProjectRepo, document};
use git::{Change, Commit};
use specs::{checklist, plan};
use workflow::{Failure, FailureClass, Input};

pub(super) async fn perform(job: &Job<'_>, hash: &str) -> Result<Done, Failure> {
    let app = job.app;
    let task = job.task;
    let project_repo =
        app.repositories.project_repo(&task.project).await.map_err(|error| git_failure(&error))?;
    let docs_branch = project_repo.settings.design_docs_branch.clone();
    let tip = tip(&project_repo).await?;
    let put = match task.approved() {
        Some(approved) => documents::put_back(&project_repo, task, &approved.specs, &tip).await,
        None => Ok(false),
    };
    let tip = if put.map_err(|error| git_failure(&error))? { self::tip(&project_repo).await? } else { tip };
    let found = documents::read(&project_repo, &task.id, &tip).await.map_err(|error| git_failure(&error))?;
    let found = found.unwrap_or_default();
    if found.hash() != hash {
        let round = task.specs().map_or(1, |specs| specs.round);
        let kept = documents::keep(app, task, round, &tip, &found, Some("")).await;
        let kept = kept.map_err(|error| store_failure(&error))?;
        return match kept {
            Ok(specs) => Ok(Done::Report(Input::DocumentsChanged { specs, by: String::new() })),
            Err(problems) => {
                let message = format!(
                    "The documents were changed after the approval and cannot be used: {}",
                    problems.join(" ")
                );
                Ok(Done::Report(Input::EffectFailed {
                    effect: workflow::Effect::HandOff { hash: hash.to_owned() },
                    failure: failure(FailureClass::InvalidOutput, message),
                }))
            }
        };
    }
    let mut plan = plan::parse(&found.tasks);
    let Some(approved) = task.approved() else { return Ok(Done::Nothing) };
    // What the plan has ticked and a person wants to be carried out all the same is open again.
    let ticked: Vec<String> =
        plan.units().into_iter().filter(|unit| unit.is_done).map(|unit| unit.number).collect();
    let is_again = |unit: &&workflow::Unit| !unit.completed_before && ticked.contains(&unit.number);
    let again: Vec<&str> = task.units().iter().filter(is_again).map(|unit| unit.number.as_str()).collect();
    plan.open_again(&again);
    let metadata = metadata::of(app, task, &approved.specs, task.status(), serde_json::Map::new()).await;
    let metadata = metadata.map_err(|error| store_failure(&error))?;
    let file = |name: &str, text: &str| Change {
        path: document(&task.id, name),
        content: Some(text.as_bytes().to_vec()),
    };
    let approved = vec![
        file("requirements.md", &found.requirements),
        file("design.md", &found.design),
        file("tasks.md", &found.tasks),
        file("spec-metadata.json", &metadata),
    ];
    let commit = |branch: String, changes, what: &str| Commit {
        branch,
        changes,
        message: format!("{} {}: {what}\n\nSpecTask-Task: {}\n", task.shown_id(), task.name, task.id),
        author: crate::App::identity(),
        time_ms: now().0,
        effect: Some(job.trailer(what)),
    };
    let specs_branch = format!("specs/{}", task.id);
    let on_specs = commit(specs_branch.clone(), approved, "approved documents");
    let progress = checklist::render_progress(&plan, &task.name);
    let living = commit(
        docs_branch,
        vec![file("progress.md", &progress), file("spec-metadata.json", &metadata)],
        "checklist",
    );
    let base = app.repositories.base(&task.project, &task.base_branch).await;
    let (base, task_branch) = (base.map_err(|error| git_failure(&error))?.revision, task.branch());
    let head = {
        let (repository, at, folder) =
            (project_repo.repository.clone(), base.clone(), format!("specs/{}", task.id));
        if let Some(file) = blocking(move || repository.file_in_the_way(&at, &folder)).await? {
            let message = format!(
                "{} has a file `{file}`, and the approved documents go into a folder of that name. Rename the file there, \
                 then Retry.",
                task.base_branch
            );
            return Err(failure(FailureClass::Rejected, message));
        }
        let repository = project_repo.repository.clone();
        blocking(move || repository.create_branch(&specs_branch, &base)).await?;
        let repository = project_repo.repository.clone();
        let committed = blocking(move || repository.commit(&on_specs)).await?;
        let repository = project_repo.repository.clone();
        let at = committed.id.to_string();
        blocking(move || repository.create_branch(&task_branch, &at)).await?;
        committed.id.to_string()
    };
    blocking(move || project_repo.repository.commit(&living)).await?;
    Ok(Done::Report(Input::HandedOff { hash: hash.to_owned(), commit: workflow::Commit(head) }))
}

/// Returns where the design-docs branch stands.
async fn tip(project_repo: &ProjectRepo) -> Result<String, Failure> {
    let (repository, branch) =
        (project_repo.repository.clone(), project_repo.settings.design_docs_branch.clone());
    let gone = failure(FailureClass::Git, format!("The branch {branch} is gone."));
    blocking(move || repository.resolve(&branch)).await?.map(|tip| tip.to_string()).ok_or(gone)
}
