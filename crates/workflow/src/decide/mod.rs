//! The decisions: one file per [`Input`], named as its verb. `rules` has the rules that several inputs share.

mod add_session;
mod admit;
mod answer_request;
mod ask_person;
mod assign_agent;
mod await_resource;
mod cancel;
mod cancel_session;
mod change_documents;
mod choose;
mod close;
mod comment;
mod commit_specs;
mod commit_template;
mod commit_work;
mod conclude_merge;
mod coordinate;
mod count_items;
mod create;
mod edit;
mod edit_message;
mod end_turn;
mod fail_effect;
mod fail_turn;
mod finish;
mod fix_specs;
mod fork;
mod hand_off;
mod hand_over_turn;
mod land;
mod merge_session;
mod move_thread;
mod note_progress;
mod open_worktree;
mod park_turn;
mod pause;
mod read_coordination;
mod rename_session;
mod reopen;
mod reply_to_comment;
mod report_cost;
mod report_thread;
mod resolve_comment;
mod restart;
mod resume;
mod retry;
mod retry_session;
mod retry_turn;
mod review_branch;
mod review_change;
mod review_specs;
mod rules;
mod run_checks;
mod say;
mod set_recording;
mod skip_session;
mod spawn;
mod start;
mod start_planner;
mod start_session;
mod stop_turn;
mod update_plan;
mod wait;
mod withdraw_message;

use crate::context::Draft;
use crate::{Context, Input, Message, Rejected, Step, Task};
use rules::conflict::Conflict;

impl Task {
    /// Decides an input: returns the task after it with the events and effects, or a rejection in words for people.
    ///
    /// The function is pure: the same task, input, time and identifiers give the same step. The events, applied in their order
    /// with [`Task::apply`], give the task of the step, except for its version and time of change.
    pub fn handle(&self, input: Input, cx: &mut Context<'_>) -> Result<Step, Rejected> {
        let mut draft = Draft::new(self.clone(), cx);
        match input {
            Input::Start => start::handle(&mut draft)?,
            Input::Edit { edit } => edit::handle(&mut draft, *edit)?,
            Input::ReviewSpecs { decision, by, comments, changes, hash, run_again } => {
                let review = review_specs::Review { decision, by, comments, changes, hash, run_again };
                review_specs::handle(&mut draft, review)?;
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
                let review = review_change::Review {
                    decision,
                    by,
                    comments,
                    acknowledged,
                    line_comments,
                    commit,
                    allow_empty,
                };
                review_change::handle(&mut draft, review)?;
            }
            Input::Comment { comment } => comment::handle(&mut draft, *comment)?,
            Input::ReplyToComment { comment, by, text } => {
                reply_to_comment::handle(&mut draft, comment, by, text)?;
            }
            Input::ResolveComment { comment, by, resolved } => {
                resolve_comment::handle(&mut draft, comment, by, resolved)?;
            }
            Input::Cancel { by } => cancel::handle(&mut draft, by)?,
            Input::Retry { by } => retry::handle(&mut draft, by)?,
            Input::Pause { by } => pause::handle(&mut draft, by)?,
            Input::Resume { by } => resume::handle(&mut draft, by)?,
            Input::Reopen { by } => reopen::handle(&mut draft, by)?,
            Input::ReviewBranch => review_branch::handle(&mut draft)?,
            Input::Close { by } => close::handle(&mut draft, by)?,
            Input::Finish => finish::handle(&mut draft)?,
            Input::AddSession { session, limits } => add_session::handle(&mut draft, *session, limits)?,
            Input::AssignAgent { session, agent } => assign_agent::handle(&mut draft, session, agent)?,
            Input::RetrySession { session } => retry_session::handle(&mut draft, &session)?,
            Input::SkipSession { session } => skip_session::handle(&mut draft, &session)?,
            Input::CancelSession { session } => cancel_session::handle(&mut draft, &session)?,
            Input::StopTurn { session, by } => stop_turn::handle(&mut draft, &session, &by)?,
            Input::Say { session, id, turn, by, text, attachments, interrupt } => {
                let message = Message { id, turn, returned: false, by, text, attachments, at: draft.cx.now };
                say::handle(&mut draft, &session, message, interrupt)?;
            }
            Input::EditMessage { session, message, text } => {
                edit_message::handle(&mut draft, &session, &message, text)?;
            }
            Input::WithdrawMessage { session, message } => {
                withdraw_message::handle(&mut draft, &session, &message)?;
            }
            Input::RenameSession { session, name, description } => {
                rename_session::handle(&mut draft, session, name, description)?;
            }
            Input::Coordinate { event } => coordinate::handle(&mut draft, *event)?,
            Input::AskPerson { event } => ask_person::handle(&mut draft, *event)?,
            Input::AnswerRequest { request, answer } => {
                answer_request::handle(&mut draft, &request, *answer)?;
            }
            Input::ReadCoordination { session, events } => {
                read_coordination::handle(&mut draft, &session, &events)?;
            }
            Input::Spawn { parent, session, by, limits } => {
                spawn::handle(&mut draft, &parent, *session, by, limits)?;
            }
            Input::Branch { session, from_turn, alternative, limits } => {
                fork::handle(&mut draft, &session, from_turn.as_ref(), *alternative, limits)?;
            }
            Input::Choose { session } => choose::handle(&mut draft, &session)?,
            Input::ThreadReported { thread, limits } => {
                report_thread::handle(&mut draft, *thread, limits)?;
            }
            Input::ThreadMoved { session, status, detail } => {
                move_thread::handle(&mut draft, &session, status, detail)?;
            }
            Input::SetRecording { commit_frequency_minutes } => {
                set_recording::handle(&mut draft, commit_frequency_minutes)?;
            }
            Input::NoteProgress { by, summary, details } => {
                note_progress::handle(&mut draft, by, summary, details)?;
            }
            Input::Rebuilt => restart::handle(&mut draft)?,
            Input::Admit => admit::handle(&mut draft)?,
            Input::StartSession { session } => start_session::handle(&mut draft, session)?,
            Input::AwaitResource { session, reason } => await_resource::handle(&mut draft, session, reason)?,
            Input::Wait { reason } => wait::handle(&mut draft, reason)?,
            Input::PlanningReady { session } => start_planner::handle(&mut draft, &session)?,
            Input::TurnEnded { session, turn, stop_reason, usage, said, closing, plan } => {
                let end = end_turn::End { stop_reason, usage, said, closing, plan };
                end_turn::handle(&mut draft, &session, &turn, end)?;
            }
            Input::PlanUpdated { session, plan } => update_plan::handle(&mut draft, session, plan)?,
            Input::ItemsCounted { counts } => count_items::handle(&mut draft, counts)?,
            Input::CostReported { session, conversation, total_usd } => {
                report_cost::handle(&mut draft, &session, conversation, total_usd)?;
            }
            Input::TurnFailed { session, turn, failure, retry_at, usage } => {
                fail_turn::handle(&mut draft, &session, &turn, failure, retry_at, usage)?;
            }
            Input::TurnRetried { session, turn } => retry_turn::handle(&mut draft, session, turn)?,
            Input::TurnParked { session, turn, until, reason } => {
                park_turn::handle(&mut draft, session, turn, until, reason)?;
            }
            Input::TurnHandedOver { session, turn, agent } => {
                hand_over_turn::handle(&mut draft, session, turn, agent)?;
            }
            Input::SpecsCommitted { session, turn, specs } => {
                commit_specs::handle(&mut draft, &session, &turn, specs)?;
            }
            Input::SpecsInvalid { session, turn, problems } => {
                fix_specs::handle(&mut draft, &session, &turn, problems)?;
            }
            Input::DocumentsChanged { specs, by } => change_documents::handle(&mut draft, specs, by)?,
            Input::TemplateCommitted { specs } => commit_template::handle(&mut draft, specs)?,
            Input::HandedOff { hash, commit } => hand_off::handle(&mut draft, &hash, commit)?,
            Input::WorktreeOpened { session } => open_worktree::handle(&mut draft, &session)?,
            Input::WorkCommitted { session, turn, head, changed, report } => {
                commit_work::handle(
                    &mut draft,
                    &session,
                    &turn,
                    commit_work::Work { head, changed, report },
                )?;
            }
            Input::MergeUnfinished { session, turn, files, details } => {
                conclude_merge::handle(&mut draft, &session, &turn, Conflict { files, details })?;
            }
            Input::SessionMerged { session, outcome } => {
                merge_session::handle(&mut draft, &session, outcome)?;
            }
            Input::ChecksRan { head, results, repair } => {
                run_checks::handle(&mut draft, head, results, repair)?;
            }
            Input::Landed { outcome } => land::handle(&mut draft, outcome)?,
            Input::EffectFailed { effect, failure } => fail_effect::handle(&mut draft, &effect, failure)?,
        }
        Ok(draft.finish())
    }
}
