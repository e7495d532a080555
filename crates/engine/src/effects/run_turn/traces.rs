//! Whether a turn changed files. An agent that does not report its work has done it where files changed.

use crate::effects::Job;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use workflow::prompts::DocumentPaths;
use workflow::{Session, SessionPhase};

/// By how much the times of files can be behind the clock.
const CLOCK_STEP: Duration = Duration::from_secs(1);

/// The files that a turn may change, and when it began.
pub(super) struct Traces<'a> {
    job: &'a Job<'a>,
    session: &'a Session,
    worktree: &'a Path,
    documents: [PathBuf; 3],
    since: SystemTime,
}

impl<'a> Traces<'a> {
    /// Returns the files of a turn that begins now.
    pub(super) fn from_now(
        job: &'a Job<'a>,
        session: &'a Session,
        worktree: &'a Path,
        documents: &DocumentPaths,
    ) -> Self {
        let documents = [&documents.requirements, &documents.design, &documents.tasks].map(PathBuf::from);
        let now = SystemTime::now();
        Self { job, session, worktree, documents, since: now.checked_sub(CLOCK_STEP).unwrap_or(now) }
    }

    /// Returns whether a planner wrote a document, or another agent changed a file of its worktree since its last commit.
    pub(super) async fn are_there(&self) -> bool {
        if self.session.phase == SessionPhase::Planning {
            let is_written = |path: &PathBuf| {
                path.symlink_metadata()
                    .and_then(|found| found.modified())
                    .is_ok_and(|modified| modified >= self.since)
            };
            return self.documents.iter().any(is_written);
        }
        match self.changed_files().await {
            Ok(changed) => changed > 0,
            Err(error) => {
                tracing::warn!(session = %self.session.id, error, "could not look for what a silent turn changed");
                false
            }
        }
    }

    async fn changed_files(&self) -> Result<usize, String> {
        let (app, task) = (self.job.app, self.job.task);
        let repository = app.repositories.project_repo(&task.project).await;
        let repository = repository.map_err(|error| error.to_string())?.repository;
        let run = app.store.session_run(&self.session.id).await.map_err(|error| error.to_string())?;
        let last = self.session.last_commit.as_ref().map(ToString::to_string);
        let base = last.or(run.and_then(|run| run.base)).unwrap_or_else(|| task.branch());
        let worktree = self.worktree.to_owned();
        let compared = crate::spawn_blocking(move || repository.diff_of_worktree(&base, &worktree)).await;
        compared
            .map_err(|error| error.to_string())?
            .map(|files| files.len())
            .map_err(|error| error.to_string())
    }
}
