//! Records a review round on the design-docs branch.

use super::{Done, Job, blocking, git_failure};
use crate::clock::now;
use git::{Change, Commit};
use store::Verdict;
use workflow::records::paths;
use workflow::records::reviews::{Review, render};
use workflow::{Event, Failure, Millis};

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
    let at = decided_at(job, &review).await?;
    let saved = app
        .store
        .decide_revision(
            &job.task.id,
            review.round,
            Verdict {
                reviewer: review.by.to_owned(),
                decision: review.decision,
                comments: review.comments.to_owned(),
                changes: review.changes.to_vec(),
                at,
            },
        )
        .await;
    saved.map_err(|error| super::store_failure(&error))?;
    Ok(Done::Nothing)
}

/// Returns when it was decided, as the task's events have it.
async fn decided_at(job: &Job<'_>, review: &Review<'_>) -> Result<Millis, Failure> {
    let events = job.app.store.task_events(&job.task.id, 0, u64::MAX).await;
    let events = events.map_err(|error| super::store_failure(&error))?;
    let found = events.iter().rev().find(|logged| {
        matches!(&logged.event, Event::SpecsReviewed { round, decision, .. }
            if *round == review.round && *decision == review.decision)
    });
    Ok(found.map_or_else(now, |logged| logged.at))
}
