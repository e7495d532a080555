//! Merges a session's branch into the task's branch.

use super::{Done, Job, blocking, git_failure};
use crate::clock::now;
use git::{ConflictFile, Merge, Merged, Repository};
use std::fmt::Write as _;
use workflow::{Commit, Failure, Input, MergeOutcome, SessionId};

pub(super) async fn perform(job: &Job<'_>, id: &SessionId) -> Result<Done, Failure> {
    let app = job.app;
    let session = job.session(id)?;
    let project_repo =
        app.repositories.project_repo(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let branch = session.branch.clone().unwrap_or_else(|| job.task.session_branch(id, &session.name));
    let (repository, last) = (project_repo.repository.clone(), session.last_commit.clone());
    let from = blocking(move || merge_source(&repository, branch, last)).await?;
    let merge = Merge {
        into: job.task.branch(),
        from,
        message: format!(
            "Merge {:?}\n\nSpecTask-Task: {}\nSpecTask-Session: {id}\n",
            session.name, job.task.id
        ),
        author: crate::App::identity(),
        time_ms: now().0,
        effect: Some(job.trailer("merge")),
    };
    let into = job.task.branch();
    let merged = blocking(move || {
        let repository = project_repo.repository;
        // An agent may have deleted it: what was merged is not lost by that.
        if repository.ensure_exists(&into)? {
            tracing::warn!(branch = into, "a task's branch was deleted, and is made again where it stood");
        }
        let merged = repository.merge(&merge)?;
        repository.ensure_exists(&into)?;
        Ok::<_, git::Error>(merged)
    });
    let outcome = match merged.await? {
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

/// Returns what is merged: the session's branch, as long as it has what the session's last turn was gathered as, else
/// that commit. A move of the branch after the turn ended does not take work from the task.
fn merge_source(repository: &Repository, branch: String, last: Option<Commit>) -> Result<String, git::Error> {
    let Some(Commit(last)) = last else { return Ok(branch) };
    let has_it = repository.resolve(&branch)?.is_some() && repository.contains(&branch, &last)?;
    Ok(if has_it { branch } else { last })
}

/// How much of the conflicting places a prompt carries, in bytes.
pub(super) const DETAILS: usize = 12 * 1024;

/// Returns the conflicting places, as text for an agent or a person.
pub(super) fn details(files: &[ConflictFile]) -> String {
    let mut text = String::new();
    for file in files {
        let _ = writeln!(text, "### {}: {}\n", file.path, file.reason);
        for hunk in &file.hunks {
            let _ = writeln!(text, "```\n{}\n```\n", hunk.trim_end());
        }
        // Where the file has no merged text to mark places in, each side is described by itself.
        for place in file.places.iter().filter(|_| file.hunks.is_empty()) {
            for (whose, lines) in [("the merged work", &place.ours), ("yours", &place.theirs)] {
                let _ = match lines.count {
                    0 => writeln!(text, "In {whose}: nothing.\n"),
                    _ => {
                        writeln!(text, "In {whose}, from line {}:\n\n```\n{}\n```\n", lines.start, lines.text)
                    }
                };
            }
        }
        if text.len() > DETAILS {
            text.push_str("(further conflicts are left out; see them with git)\n");
            break;
        }
    }
    text
}
