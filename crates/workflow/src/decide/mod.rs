//! The decisions: one file per part of a task's life.

mod alternatives;
mod comments;
mod conversation;
mod coordinate;
mod create;
mod documents;
mod elsewhere;
mod failing;
mod landing;
mod pause;
mod people;
mod planning;
mod rebuilt;
mod recording;
mod reopen;
mod review;
mod sessions;
mod spawn;
mod talk;
mod template;
mod turns;

use crate::context::Draft;
use crate::{Context, Input, Message, Rejected, Step, Task};
use sessions::Conflict;

impl Task {
    /// Decides what an input means for the task: events and effects, or a rejection in words for people.
    ///
    /// The function is pure: the same task, input, time and identifiers give the same step.
    pub fn handle(&self, input: Input, cx: &mut Context<'_>) -> Result<Step, Rejected> {
        let mut draft = Draft::new(self.clone(), cx);
        match input {
            Input::Start => create::start(&mut draft)?,
            Input::Edit { edit } => people::edit(&mut draft, *edit)?,
            Input::ReviewSpecs { decision, by, comments, changes, hash, run_again } => {
                let review = review::SpecReview { decision, by, comments, changes, hash, run_again };
                review::specs(&mut draft, review)?;
            }
            Input::ReviewImplementation {
                decision,
                by,
                comments,
                acknowledged,
                line_comments,
                commit,
                allow_empty,
            } => {
                let review = landing::ChangeReview {
                    decision,
                    by,
                    comments,
                    acknowledged,
                    line_comments,
                    commit,
                    allow_empty,
                };
                landing::review(&mut draft, review)?;
            }
            Input::Comment { comment } => comments::add(&mut draft, *comment)?,
            Input::ReplyToComment { comment, by, text } => comments::reply(&mut draft, comment, by, text)?,
            Input::ResolveComment { comment, by, resolved } => {
                comments::resolve(&mut draft, comment, by, resolved)?;
            }
            Input::Cancel { by } => people::cancel(&mut draft, by)?,
            Input::Retry { by } => people::retry(&mut draft, by)?,
            Input::Pause { by } => pause::pause(&mut draft, by)?,
            Input::Resume { by } => pause::resume(&mut draft, by)?,
            Input::Reopen { by } => reopen::reopen(&mut draft, by)?,
            Input::ReviewBranch => landing::review_branch(&mut draft)?,
            Input::Close { by } => conversation::close(&mut draft, by)?,
            Input::Finish => conversation::finish(&mut draft)?,
            Input::AddSession { session, limits } => spawn::add(&mut draft, *session, limits)?,
            Input::AssignAgent { session, agent } => people::assign_agent(&mut draft, session, agent)?,
            Input::RetrySession { session } => people::retry_session(&mut draft, &session)?,
            Input::SkipSession { session } => people::skip_session(&mut draft, &session)?,
            Input::CancelSession { session } => people::cancel_session(&mut draft, &session)?,
            Input::Say { session, id, turn, by, text, interrupt } => {
                let message = Message { id, turn, returned: false, by, text, at: draft.cx.now };
                talk::say(&mut draft, &session, message, interrupt)?;
            }
            Input::EditMessage { session, message, text } => {
                talk::edit(&mut draft, &session, &message, text)?;
            }
            Input::WithdrawMessage { session, message } => talk::withdraw(&mut draft, &session, &message)?,
            Input::RenameSession { session, name, description } => {
                people::rename_session(&mut draft, session, name, description)?;
            }
            Input::Coordinate { event } => coordinate::tell(&mut draft, *event)?,
            Input::Spawn { parent, session, by, limits } => {
                spawn::spawn(&mut draft, &parent, *session, by, limits)?;
            }
            Input::Branch { session, from_turn, alternative, limits } => {
                alternatives::branch(&mut draft, &session, from_turn.as_ref(), *alternative, limits)?;
            }
            Input::Choose { session } => alternatives::choose(&mut draft, &session)?,
            Input::ThreadReported { thread, limits } => {
                elsewhere::reported(&mut draft, *thread, limits)?;
            }
            Input::ThreadMoved { session, status, detail } => {
                elsewhere::moved(&mut draft, &session, status, detail)?;
            }
            Input::SetRecording { commit_frequency_minutes } => {
                recording::set(&mut draft, commit_frequency_minutes)?;
            }
            Input::NoteProgress { by, summary, details } => {
                recording::note_progress(&mut draft, by, summary, details)?;
            }
            Input::Rebuilt => rebuilt::restart(&mut draft)?,
            Input::Admit => create::admit(&mut draft)?,
            Input::Wait { reason } => create::wait(&mut draft, reason)?,
            Input::PlanningReady { session } => planning::ready(&mut draft, &session)?,
            Input::TurnEnded { session, turn, stop_reason, usage, said, closing, plan } => {
                let end = turns::End { stop_reason, usage, said, closing, plan };
                turns::ended(&mut draft, &session, &turn, end)?;
            }
            Input::PlanUpdated { session, plan } => turns::plan_updated(&mut draft, session, plan)?,
            Input::ItemsCounted { counts } => recording::items_counted(&mut draft, counts)?,
            Input::CostReported { session, conversation, total_usd } => {
                turns::cost(&mut draft, &session, conversation, total_usd)?;
            }
            Input::TurnFailed { session, turn, failure, retry_at } => {
                turns::failed(&mut draft, &session, &turn, failure, retry_at)?;
            }
            Input::TurnRetried { session, turn } => turns::retried(&mut draft, session, turn)?,
            Input::SpecsCommitted { session, turn, specs } => {
                planning::committed(&mut draft, &session, &turn, specs)?;
            }
            Input::SpecsInvalid { session, turn, problems } => {
                planning::invalid(&mut draft, &session, &turn, problems)?;
            }
            Input::DocumentsChanged { specs, by } => documents::changed(&mut draft, specs, by)?,
            Input::TemplateCommitted { specs } => template::committed(&mut draft, specs)?,
            Input::HandedOff { hash, commit } => review::handed_off(&mut draft, &hash, commit)?,
            Input::WorktreeOpened { session } => sessions::opened(&mut draft, &session)?,
            Input::WorkCommitted { session, turn, head, changed, report } => {
                turns::committed(&mut draft, &session, &turn, turns::Work { head, changed, report })?;
            }
            Input::MergeUnfinished { session, turn, files, details } => {
                turns::merge_unfinished(&mut draft, &session, &turn, Conflict { files, details })?;
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
    Rejected::Unknown(format!("the task has no work session {id}"))
}
