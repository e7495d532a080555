//! The effects, one file each: what touches git or an agent, safe to repeat.

mod cancel_turn;
mod close_worktrees;
mod commit_specs;
mod commit_template;
mod commit_work;
mod hand_off;
mod keep_work;
mod land;
mod mark_progress;
mod merge_session;
mod open_worktree;
mod prepare_planning;
mod record_history;
mod record_review;
mod run_checks;
mod run_turn;
pub mod scan;
mod stop_instance;

pub(crate) use prepare_planning::{make_planning_worktree, prestart};
pub use scan::{Found, scan};

use crate::App;
use crate::clock::now;
use store::Claimed;
use workflow::records::reviews::Review;
use workflow::{Effect, Failure, FailureClass, Input, Session, SessionId, Task};

/// How an effect ended.
#[derive(Clone)]
pub(crate) enum Done {
    /// The task gets an input.
    Report(Input),
    /// Nothing waits for it.
    Nothing,
}

/// An effect being done: the task as it is now and the effect's identity, which its commits carry.
pub(crate) struct Job<'a> {
    pub(crate) app: &'a App,
    pub(crate) task: &'a Task,
    pub(crate) id: &'a str,
    pub(crate) attempt: i64,
}

/// Does an effect; a failure is given back to the runner, which tries again or tells the task.
pub(crate) async fn perform(app: &App, claimed: &Claimed) -> Result<Done, Failure> {
    let task = app.store.task(&claimed.task).await.map_err(|error| {
        tracing::error!(error = chain(&error), "could not read a task");
        store_failure(&error)
    })?;
    let Some(task) = task else { return Ok(Done::Nothing) };
    if !task.still_needs(&claimed.row.effect) {
        return Ok(Done::Nothing);
    }
    let job = Job { app, task: &task, id: claimed.row.id.as_str(), attempt: claimed.attempt };
    match &claimed.row.effect {
        Effect::PreparePlanning { session } => prepare_planning::perform(&job, session).await,
        Effect::RunTurn { session, turn } => run_turn::perform(&job, session, turn).await,
        Effect::CancelTurn { session, turn } => cancel_turn::perform(&job, session, turn).await,
        Effect::CommitSpecs { session, turn, round } => {
            commit_specs::perform(&job, session, turn, *round).await
        }
        Effect::CommitTemplate { round } => commit_template::perform(&job, *round).await,
        Effect::RecordReview { round, decision, by, comments, changes, points } => {
            let points = task.comments.iter().filter(|comment| points.contains(&comment.id)).collect();
            let review = Review { round: *round, decision: *decision, by, comments, changes, points };
            record_review::perform(&job, review).await
        }
        Effect::HandOff { hash } => hand_off::perform(&job, hash).await,
        Effect::OpenWorktree { session } => open_worktree::perform(&job, session).await,
        Effect::CommitWork { session, turn, .. } => commit_work::perform(&job, session, turn).await,
        Effect::MergeSession { session, .. } => merge_session::perform(&job, session).await,
        Effect::KeepWork { session } => keep_work::perform(&job, session).await,
        Effect::MarkProgress { session, marker } => mark_progress::perform(&job, session, *marker).await,
        Effect::RunChecks => run_checks::perform(&job).await,
        Effect::Land => land::perform(&job).await,
        Effect::RecordHistory => record_history::perform(&job).await,
        Effect::StopInstance => stop_instance::perform(&job).await,
        Effect::CloseWorktrees => close_worktrees::perform(&job).await,
    }
}

impl Job<'_> {
    /// The session an effect names.
    pub(crate) fn session(&self, id: &SessionId) -> Result<&Session, Failure> {
        self.task
            .session(id)
            .ok_or_else(|| failure(FailureClass::Internal, format!("The task has no work session {id}.")))
    }

    /// The trailer's text for the n-th commit of this effect.
    fn trailer(&self, part: &str) -> String {
        format!("{}/{part}", self.id)
    }
}

/// A failure that happens now.
pub(crate) fn failure(class: FailureClass, message: String) -> Failure {
    Failure { class, message, at: now() }
}

/// A failure of git, with the whole chain of causes as its message.
pub(crate) fn git_failure(error: &dyn std::error::Error) -> Failure {
    let class = if is_out_of_space(error) { FailureClass::OutOfSpace } else { FailureClass::Git };
    failure(class, chain(error))
}

/// Whether a full disk or a used-up quota is the cause: the system's own words, from this process as well as from git, or
/// SQLite's.
pub fn is_out_of_space(error: &dyn std::error::Error) -> bool {
    const SIGNS: [&str; 3] = ["No space left on device", "Disk quota exceeded", "database or disk is full"];
    let message = chain(error);
    SIGNS.iter().any(|full| message.contains(full))
}

/// An error and its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Does blocking work on git away from the runtime's threads.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, Failure>
where
    T: Send + 'static,
    E: std::error::Error + Send + 'static,
{
    match crate::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| git_failure(&error)),
        Err(error) => Err(failure(FailureClass::Internal, format!("Work on git ended early: {error}."))),
    }
}

/// A failure of the database.
pub(crate) fn store_failure(error: &store::StoreError) -> Failure {
    let is_full = error.fault() == Some(store::Fault::OutOfSpace);
    failure(if is_full { FailureClass::OutOfSpace } else { FailureClass::Internal }, chain(error))
}
