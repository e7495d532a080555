//! Commits what a turn left uncommitted on the session's branch.

use super::{Done, Job, blocking, git_failure};
use crate::clock::now;
use crate::instances::session_directory;
use workflow::{Commit, Failure, Input, SessionId, TurnId};

pub(super) async fn perform(job: &Job<'_>, id: &SessionId, turn: &TurnId) -> Result<Done, Failure> {
    let app = job.app;
    let session = job.session(id)?;
    let workplace =
        app.repositories.workplace(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let path = session_directory(app.repositories.data_dir(), &job.task.id, id);
    let branch = session.branch.clone().unwrap_or_else(|| job.task.session_branch(id));
    let task_branch = job.task.branch();
    let message = format!("{}\n\nSpecTask-Task: {}\nSpecTask-Session: {id}\n", session.name, job.task.id);
    let (author, effect) = (crate::App::identity(), job.trailer("work"));
    let (head, changed) = blocking(move || {
        let repository = workplace.repository;
        repository
            .commit_worktree(&path, &message, &author, now().0, Some(&effect))
            .map_err(|error| Box::new(error) as Box<dyn std::error::Error + Send + Sync>)
            .map_err(Boxed)?;
        let head = repository.resolve(&branch).map_err(|error| Boxed(Box::new(error)))?;
        let ahead = repository.log(Some(&task_branch), &branch, 1).map_err(|error| Boxed(Box::new(error)))?;
        Ok::<_, Boxed>((head, !ahead.is_empty()))
    })
    .await?;
    Ok(Done::Report(Input::WorkCommitted {
        session: id.clone(),
        turn: turn.clone(),
        head: head.map(|commit| Commit(commit.to_string())),
        changed,
    }))
}

/// One of several errors of git.
#[derive(Debug)]
pub(super) struct Boxed(pub(super) Box<dyn std::error::Error + Send + Sync>);

impl std::fmt::Display for Boxed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Boxed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
