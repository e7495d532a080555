//! Commits the approved documents to their own branch, cuts the task's branch there, and writes the living checklist.
//!
//! What is handed off is what was approved, byte for byte: documents that changed since go back to review.

use super::{Done, Job, blocking, failure, git_failure, store_failure};
use crate::clock::now;
use crate::documents;
use crate::repositories::document;
use git::{Change, Commit};
use workflow::documents::{checklist, metadata, plan};
use workflow::{Failure, FailureClass, Input, Task};

pub(super) async fn perform(job: &Job<'_>, hash: &str) -> Result<Done, Failure> {
    let app = job.app;
    let task = job.task;
    let workplace = app.repositories.workplace(&task.project).await.map_err(|error| git_failure(&error))?;
    let docs_branch = workplace.settings.design_docs_branch.clone();
    let (repository, branch) = (workplace.repository.clone(), docs_branch.clone());
    let tip = blocking(move || repository.resolve(&branch)).await?;
    let tip = tip
        .ok_or_else(|| failure(FailureClass::Git, format!("The branch {docs_branch} is gone.")))?
        .to_string();
    let found = documents::read(&workplace, &task.id, &tip).await.map_err(|error| git_failure(&error))?;
    let found = found.unwrap_or_default();
    if found.hash() != hash {
        let round = task.specs().map_or(1, |specs| specs.round);
        let kept =
            documents::keep(app, task, round, &tip, &found).await.map_err(|error| store_failure(&error))?;
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
    let plan = plan::parse(&found.tasks);
    let metadata = metadata::render(&facts(task, hash));
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
        message: format!("{}: {what}\n\nSpecTask-Task: {}\n", task.name, task.id),
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
    let (base, task_branch) = (task.base_branch.clone(), task.branch());
    let head = {
        let repository = workplace.repository.clone();
        blocking(move || repository.create_branch(&specs_branch, &base)).await?;
        let repository = workplace.repository.clone();
        let committed = blocking(move || repository.commit(&on_specs)).await?;
        let repository = workplace.repository.clone();
        let at = committed.id.to_string();
        blocking(move || repository.create_branch(&task_branch, &at)).await?;
        committed.id.to_string()
    };
    blocking(move || workplace.repository.commit(&living)).await?;
    Ok(Done::Report(Input::HandedOff { hash: hash.to_owned(), commit: workflow::Commit(head) }))
}

/// What the metadata file says of the task.
fn facts(task: &Task, hash: &str) -> metadata::Facts {
    let time = |at: workflow::Millis| crate::wire::rfc3339(at);
    let approved = task.approved();
    metadata::Facts {
        spec_task_id: task.id.to_string(),
        name: task.name.clone(),
        description: task.description.clone(),
        kind: task.kind.to_string(),
        priority: task.priority.to_string(),
        status: task.status().to_string(),
        created_by: task.owner.to_string(),
        created_at: time(task.created_at),
        updated_at: time(task.updated_at),
        spec_approved_by: approved.map(|approved| approved.by.clone()),
        spec_approved_at: approved.map(|approved| time(approved.at)),
        planning_agent: task.spec_agent.clone(),
        implementation_agent: task.implementation_agent.clone(),
        project_path: None,
        zed_instance_id: None,
        generated_at: time(approved.map_or(task.updated_at, |approved| approved.at)),
        multi_session: task.complexity == workflow::Complexity::Complex,
        content_hash: hash.to_owned(),
        units: task.units().to_vec(),
    }
}
