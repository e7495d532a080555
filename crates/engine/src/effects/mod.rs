//! The effects, one file each: work on git or an agent that is safe to repeat.

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
mod repair;
mod run_checks;
mod run_turn;
pub mod scan;
mod stop_instance;

pub(crate) use prepare_planning::{make_planning_worktree, prestart};
pub use scan::{Found, scan};

use crate::App;
use crate::failure::{blocking, chain, failure, git_failure, is_out_of_space, store_failure};
use crate::job::Job;
use store::Claimed;
use workflow::records::reviews::Review;
use workflow::{Effect, Failure, Input};

/// How an effect ended.
#[derive(Clone)]
pub(crate) enum Done {
    /// The task gets an input.
    Report(Input),
    /// Nothing waits for it.
    Nothing,
}

/// Performs an effect; a failure goes to the runner, which retries or reports it to the task.
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
