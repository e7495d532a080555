//! Merges a session's branch into the task's branch.

use super::{Done, Job, blocking, git_failure};
use crate::clock::now;
use git::{ConflictFile, Merge, Merged};
use std::fmt::Write as _;
use workflow::{Commit, Failure, Input, MergeOutcome, SessionId};

pub(super) async fn perform(job: &Job<'_>, id: &SessionId) -> Result<Done, Failure> {
    let app = job.app;
    let session = job.session(id)?;
    let workplace =
        app.repositories.workplace(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let merge = Merge {
        into: job.task.branch(),
        from: session.branch.clone().unwrap_or_else(|| job.task.session_branch(id)),
        message: format!(
            "Merge {:?}\n\nSpecTask-Task: {}\nSpecTask-Session: {id}\n",
            session.name, job.task.id
        ),
        author: crate::App::identity(),
        time_ms: now().0,
        effect: Some(job.trailer("merge")),
    };
    let outcome = match blocking(move || workplace.repository.merge(&merge)).await? {
        Merged::Merged(commit) | Merged::UpToDate(commit) => {
            MergeOutcome::Merged { commit: Commit(commit.to_string()) }
        }
        Merged::Conflict(files) => {
            let details = details(&files);
            MergeOutcome::Conflict { files: files.into_iter().map(|file| file.path).collect(), details }
        }
    };
    Ok(Done::Report(Input::SessionMerged { session: id.clone(), outcome }))
}

/// How much of the conflicting places a prompt carries, in bytes.
const DETAILS: usize = 12 * 1024;

/// The conflicting places, as text for an agent or a person.
pub(super) fn details(files: &[ConflictFile]) -> String {
    let mut text = String::new();
    for file in files {
        let _ = writeln!(text, "### {}: {}\n", file.path, file.reason);
        for hunk in &file.hunks {
            let _ = writeln!(text, "```\n{hunk}\n```\n");
        }
        if text.len() > DETAILS {
            text.push_str("(further conflicts are left out; see them with git)\n");
            break;
        }
    }
    text
}
