//! The decisions: one file per part of a task's life.

mod create;
mod documents;
mod failing;
mod landing;
mod people;
mod planning;
mod review;
mod sessions;
mod talk;
mod turns;

use crate::context::Draft;
use crate::{Context, Input, Rejected, Step, Task};

impl Task {
    /// Decides what an input means for the task: events and effects, or a rejection in words for people.
    ///
    /// The function is pure: the same task, input, time and identifiers give the same step.
    pub fn handle(&self, input: Input, cx: &mut Context<'_>) -> Result<Step, Rejected> {
        let mut draft = Draft::new(self.clone(), cx);
        match input {
            Input::Start => create::start(&mut draft)?,
            Input::Edit { edit } => people::edit(&mut draft, edit)?,
            Input::ReviewSpecs { decision, by, comments, changes, hash } => {
                review::specs(&mut draft, review::SpecReview { decision, by, comments, changes, hash })?;
            }
            Input::ReviewImplementation { decision, by, comments } => {
                landing::review(&mut draft, decision, by, comments)?;
            }
            Input::Cancel { by } => people::cancel(&mut draft, by)?,
            Input::Retry { by } => people::retry(&mut draft, by)?,
            Input::RetrySession { session } => people::retry_session(&mut draft, &session)?,
            Input::SkipSession { session } => people::skip_session(&mut draft, &session)?,
            Input::CancelSession { session } => people::cancel_session(&mut draft, &session)?,
            Input::Say { session, turn, by, text, interrupt } => {
                talk::say(&mut draft, &session, turn, by, text, interrupt)?;
            }
            Input::Admit => create::admit(&mut draft)?,
            Input::Wait { reason } => create::wait(&mut draft, reason)?,
            Input::PlanningReady { session } => planning::ready(&mut draft, &session)?,
            Input::TurnEnded { session, turn, stop_reason, usage } => {
                turns::ended(&mut draft, &session, &turn, stop_reason, usage)?;
            }
            Input::TurnFailed { session, turn, failure } => {
                turns::failed(&mut draft, &session, &turn, failure)?;
            }
            Input::SpecsCommitted { session, turn, specs } => {
                planning::committed(&mut draft, &session, &turn, specs)?;
            }
            Input::SpecsInvalid { session, turn, problems } => {
                planning::invalid(&mut draft, &session, &turn, problems)?;
            }
            Input::DocumentsChanged { specs, by } => documents::changed(&mut draft, specs, by)?,
            Input::HandedOff { hash, commit } => review::handed_off(&mut draft, &hash, commit)?,
            Input::WorktreeOpened { session } => sessions::opened(&mut draft, &session)?,
            Input::WorkCommitted { session, turn, head, changed } => {
                turns::committed(&mut draft, &session, &turn, head, changed)?;
            }
            Input::SessionMerged { session, outcome } => sessions::merged(&mut draft, &session, outcome)?,
            Input::ChecksRan { head, results } => landing::checks_ran(&mut draft, head, results)?,
            Input::Landed { outcome } => landing::landed(&mut draft, outcome)?,
            Input::EffectFailed { effect, failure } => failing::effect_failed(&mut draft, &effect, failure)?,
        }
        Ok(draft.finish())
    }
}

/// The rejection of something the task's state does not allow.
fn wrong_state(task: &Task, action: &str, allowed: &str) -> Rejected {
    Rejected::WrongState(format!("cannot {action} while the task is in {}; {allowed}", task.status()))
}

/// The rejection of a report about something that is over.
fn stale(what: &str) -> Rejected {
    Rejected::Stale(format!("{what} is over"))
}

/// The rejection of a session the task does not have.
fn no_such_session(id: &crate::SessionId) -> Rejected {
    Rejected::Invalid(format!("the task has no work session {id}"))
}
