//! Records a review round on the design-docs branch.

use super::{Done, Job, blocking, git_failure};
use crate::clock::now;
use git::{Change, Commit};
use workflow::Failure;
use workflow::records::paths;
use workflow::records::reviews::{Review, render};

pub(super) async fn perform(job: &Job<'_>, review: Review<'_>) -> Result<Done, Failure> {
    let app = job.app;
    let project_repo =
        app.repositories.project_repo(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let commit = Commit {
        branch: project_repo.settings.design_docs_branch.clone(),
        changes: vec![Change {
            path: paths::review(&job.task.id, review.round, review.decision),
            content: Some(render(&review).into_bytes()),
        }],
        message: format!(
            "{} {}: review round {} ({})",
            job.task.shown_id(),
            job.task.name,
            review.round,
            review.decision
        ),
        author: crate::App::identity(),
        time_ms: now().0,
        effect: Some(job.trailer("review")),
    };
    blocking(move || project_repo.repository.commit(&commit)).await?;
    Ok(Done::Nothing)
}
