//! Records a review round on the design-docs branch.

use super::{Done, Job, blocking, git_failure};
use crate::clock::now;
use git::{Change, Commit};
use std::fmt::Write as _;
use store::Verdict;
use workflow::records::paths;
use workflow::{Comment, Decision, Event, Failure, Millis};

/// A person's decision about a round of documents.
pub(super) struct Review<'a> {
    pub(super) round: u32,
    pub(super) decision: Decision,
    pub(super) by: &'a str,
    pub(super) comments: &'a str,
    pub(super) changes: &'a [String],
    /// The comments on places of the documents that go with it.
    pub(super) points: Vec<&'a Comment>,
}

pub(super) async fn perform(job: &Job<'_>, review: Review<'_>) -> Result<Done, Failure> {
    let app = job.app;
    let workplace =
        app.repositories.workplace(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let commit = Commit {
        branch: workplace.settings.design_docs_branch.clone(),
        changes: vec![Change {
            path: paths::review(&job.task.id, review.round, review.decision),
            content: Some(render(&review).into_bytes()),
        }],
        message: format!("{}: review round {} ({})", job.task.name, review.round, review.decision),
        author: crate::App::identity(),
        time_ms: now().0,
        effect: Some(job.trailer("review")),
    };
    blocking(move || workplace.repository.commit(&commit)).await?;
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

/// When it was decided, as the task's events have it.
async fn decided_at(job: &Job<'_>, review: &Review<'_>) -> Result<Millis, Failure> {
    let events = job.app.store.task_events(&job.task.id, 0, u64::MAX).await;
    let events = events.map_err(|error| super::store_failure(&error))?;
    let found = events.iter().rev().find(|logged| {
        matches!(&logged.event, Event::SpecsReviewed { round, decision, .. }
            if *round == review.round && *decision == review.decision)
    });
    Ok(found.map_or_else(now, |logged| logged.at))
}

fn render(review: &Review<'_>) -> String {
    let mut text = format!("# Review of round {}: {}\n\nBy {}.\n", review.round, review.decision, review.by);
    if !review.comments.trim().is_empty() {
        let _ = write!(text, "\n{}\n", review.comments.trim());
    }
    if !review.changes.is_empty() {
        text.push_str("\n## Changes asked for\n\n");
        for change in review.changes {
            let _ = writeln!(text, "- {change}");
        }
    }
    if !review.points.is_empty() {
        text.push_str("\n## Comments on the documents\n\n");
        for comment in &review.points {
            let _ =
                writeln!(text, "- {} ({}), {}.md", comment.label(), comment.kind, comment.anchor.document);
        }
        let _ =
            writeln!(text, "\nWhat they say is in [{0:04}-comments.md]({0:04}-comments.md).", review.round);
    }
    text
}
