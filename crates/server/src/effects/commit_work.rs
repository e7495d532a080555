//! Gathers what a turn did onto the session's branch, whatever it did with git, and commits what it left uncommitted.

use super::{Done, Job, blocking, git_failure};
use crate::clock::now;
use crate::instances::workdir;
use git::{Gather, Oddity};
use serde_json::json;
use workflow::{Commit, Failure, Input, SessionId, TurnId};

/// How many of a session's commits are looked through for files that they touch.
const COMMITS: usize = 500;

pub(super) async fn perform(job: &Job<'_>, id: &SessionId, turn: &TurnId) -> Result<Done, Failure> {
    let app = job.app;
    let session = job.session(id)?;
    let workplace =
        app.repositories.workplace(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let run = app.store.session_run(id).await.map_err(|error| super::store_failure(&error))?;
    let branch = session.branch.clone().unwrap_or_else(|| job.task.session_branch(id));
    // What the session began with is not its own work.
    let begun = run.and_then(|run| run.base).unwrap_or_else(|| job.task.branch());
    let gather = Gather {
        worktree: workdir(app.repositories.data_dir(), job.task, session),
        branch: branch.clone(),
        upstream: vec![job.task.branch(), job.task.base_branch.clone(), begun.clone()],
        saved: format!("refs/spectask/saved/{}/{id}", job.task.id),
        message: format!("{}\n\nSpecTask-Task: {}\nSpecTask-Session: {id}\n", session.name, job.task.id),
        author: crate::App::identity(),
        time_ms: now().0,
        effect: Some(job.trailer("work")),
    };
    let (gathered, changed) = blocking(move || {
        let repository = workplace.repository;
        let gathered = repository.gather(&gather)?;
        let own = repository.log(Some(&begun), &branch, COMMITS)?;
        Ok::<_, git::Error>((gathered, own.iter().any(|commit| !commit.files_touched.is_empty())))
    })
    .await?;
    for oddity in &gathered.oddities {
        tracing::warn!(task = %job.task.id, session = %id, %oddity, "a session did something strange with git");
        tell(job, id, turn, oddity).await;
    }
    Ok(Done::Report(Input::WorkCommitted {
        session: id.clone(),
        turn: turn.clone(),
        head: Some(Commit(gathered.head.to_string())),
        changed,
    }))
}

/// Tells those who read the session's log what was put right. A log that cannot be written now is no reason to
/// gather again.
async fn tell(job: &Job<'_>, id: &SessionId, turn: &TurnId, oddity: &Oddity) {
    let entry = json!({ "kind": "notice", "text": oddity.to_string(), "turn_id": turn });
    match job.app.store.append_log(id, now(), vec![entry]).await {
        Ok(rows) => job.app.feed.publish_log(id, rows),
        Err(error) => tracing::warn!(%error, session = %id, "could not write a notice into a session's log"),
    }
}
