//! An effect failed for good: what that means for the task.

use super::{landing, planning, stale, turns};
use crate::context::Draft;
use crate::{Effect, Event, Failure, Phase, Rejected, SessionId, SessionState};

pub(super) fn effect_failed(
    draft: &mut Draft<'_, '_>,
    effect: &Effect,
    failure: Failure,
) -> Result<(), Rejected> {
    match effect {
        Effect::RunTurn { session, turn } => turns::failed(draft, session, turn, failure, None),
        Effect::PreparePlanning { session } => {
            expect(draft, session, |state| matches!(state, SessionState::Opening))?;
            planning::fail(draft, Some(session), failure);
            Ok(())
        }
        Effect::CommitSpecs { session, turn, .. } => {
            expect(
                draft,
                session,
                |state| matches!(state, SessionState::Saving { turn: at, .. } if at.id == *turn),
            )?;
            planning::fail(draft, Some(session), failure);
            Ok(())
        }
        Effect::CommitTemplate { .. } => {
            if !draft.task.commits_its_template() {
                return Err(stale("the commit of the template's documents"));
            }
            planning::fail(draft, None, failure);
            Ok(())
        }
        Effect::HandOff { hash } => match &draft.task.phase {
            Phase::SpecApproved { approved } if approved.specs.hash == *hash => {
                draft.event(Event::SpecFailed { failure });
                Ok(())
            }
            Phase::Backlog
            | Phase::SpecGeneration { .. }
            | Phase::SpecReview { .. }
            | Phase::SpecRevision { .. }
            | Phase::SpecApproved { .. }
            | Phase::ImplementationQueued { .. }
            | Phase::Implementation { .. }
            | Phase::ImplementationReview { .. }
            | Phase::Done { .. }
            | Phase::SpecFailed { .. }
            | Phase::ImplementationFailed { .. }
            | Phase::Cancelled { .. } => Err(stale("the handoff")),
        },
        Effect::OpenWorktree { session } => {
            let phase = expect(draft, session, |state| matches!(state, SessionState::Opening))?;
            turns::fail(draft, session, phase, failure);
            Ok(())
        }
        Effect::CommitWork { session, turn, .. } => {
            let phase = expect(
                draft,
                session,
                |state| matches!(state, SessionState::Saving { turn: at, .. } if at.id == *turn),
            )?;
            turns::fail(draft, session, phase, failure);
            Ok(())
        }
        Effect::MergeSession { session, .. } => {
            let phase = expect(draft, session, |state| matches!(state, SessionState::Merging))?;
            turns::fail(draft, session, phase, failure);
            Ok(())
        }
        Effect::RunChecks => landing::checks_failed(draft, failure),
        Effect::Land => landing::land_failed(draft, failure),
        Effect::CancelTurn { .. }
        | Effect::RecordReview { .. }
        | Effect::KeepWork { .. }
        | Effect::MarkProgress { .. }
        | Effect::RecordHistory
        | Effect::StopInstance
        | Effect::CloseWorktrees => Err(stale("an effect that nothing waits for")),
    }
}

fn expect(
    draft: &Draft<'_, '_>,
    id: &SessionId,
    is_expected: impl FnOnce(&SessionState) -> bool,
) -> Result<crate::SessionPhase, Rejected> {
    let session = draft.task.session(id).ok_or_else(|| super::no_such_session(id))?;
    if is_expected(&session.state) { Ok(session.phase) } else { Err(stale("the effect")) }
}
