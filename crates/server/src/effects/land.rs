//! Merges the task's branch into its base branch, without surprising whose repository it is.

use super::{Done, Job, blocking, git_failure, merge_session::details};
use crate::clock::now;
use git::{Land, Landed};
use workflow::{Commit, Failure, Input, LandOutcome};

pub(super) async fn perform(job: &Job<'_>) -> Result<Done, Failure> {
    let app = job.app;
    let workplace =
        app.repositories.workplace(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let land = Land {
        branch: job.task.branch(),
        onto: job.task.base_branch.clone(),
        message: format!("{}\n\nSpecTask-Task: {}\n", job.task.name, job.task.id),
        author: crate::App::identity(),
        time_ms: now().0,
        effect: Some(job.trailer("land")),
        fast_forward: false,
    };
    let outcome = match blocking(move || workplace.repository.land(&land)).await? {
        Landed::Landed(commit) | Landed::Already(commit) => {
            LandOutcome::Landed { commit: Commit(commit.to_string()) }
        }
        Landed::Waiting { reason } => LandOutcome::Waiting { reason },
        Landed::Conflict(files) => {
            let details = details(&files);
            LandOutcome::Conflict { files: files.into_iter().map(|file| file.path).collect(), details }
        }
    };
    Ok(Done::Report(Input::Landed { outcome }))
}
