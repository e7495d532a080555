//! An effect failed for good.

use super::rules::{
    planning,
    preconditions::{no_such_session, stale},
    turn,
};
use crate::context::Draft;
use crate::{
    Effect, Event, Failure, Landing, Phase, Rejected, SessionId, SessionPhase, SessionState, TaskStatus,
};

pub(super) fn handle(draft: &mut Draft<'_, '_>, effect: &Effect, failure: Failure) -> Result<(), Rejected> {
    match effect {
        Effect::RunTurn { session, turn } => turn::fail_or_retry(draft, session, turn, failure, None, None),
        Effect::PreparePlanning { session } => {
            expect_state(draft, session, |state| matches!(state, SessionState::Opening))?;
            planning::fail(draft, Some(session), failure);
            Ok(())
        }
        Effect::CommitSpecs { session, turn, .. } => {
            expect_state(
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
            let phase = expect_state(draft, session, |state| matches!(state, SessionState::Opening))?;
            turn::fail_session(draft, session, phase, failure);
            Ok(())
        }
        Effect::CommitWork { session, turn, .. } => {
            let phase = expect_state(
                draft,
                session,
                |state| matches!(state, SessionState::Saving { turn: at, .. } if at.id == *turn),
            )?;
            turn::fail_session(draft, session, phase, failure);
            Ok(())
        }
        Effect::MergeSession { session, .. } => {
            let phase = expect_state(draft, session, |state| matches!(state, SessionState::Merging))?;
            turn::fail_session(draft, session, phase, failure);
            Ok(())
        }
        Effect::RunChecks => fail_checks(draft, failure),
        Effect::Land => hold_landing(draft, failure),
        Effect::CancelTurn { .. }
        | Effect::RecordReview { .. }
        | Effect::KeepWork { .. }
        | Effect::MarkProgress { .. }
        | Effect::RecordHistory
        | Effect::StopInstance
        | Effect::CloseWorktrees => Err(stale("an effect that nothing waits for")),
    }
}

/// Returns the phase of a session whose state is the one that the effect works in.
fn expect_state(
    draft: &Draft<'_, '_>,
    id: &SessionId,
    is_expected: impl FnOnce(&SessionState) -> bool,
) -> Result<SessionPhase, Rejected> {
    let session = draft.task.session(id).ok_or_else(|| no_such_session(id))?;
    if is_expected(&session.state) { Ok(session.phase) } else { Err(stale("the effect")) }
}

/// Fails the implementation whose checks could not run.
fn fail_checks(draft: &mut Draft<'_, '_>, failure: Failure) -> Result<(), Rejected> {
    if draft.task.status() != TaskStatus::Implementation {
        return Err(stale("the checking"));
    }
    draft.event(Event::ImplementationFailed { failure });
    draft.effect(Effect::StopInstance);
    Ok(())
}

/// Keeps the change under review and shows why it did not land.
fn hold_landing(draft: &mut Draft<'_, '_>, failure: Failure) -> Result<(), Rejected> {
    if !matches!(draft.task.phase, Phase::ImplementationReview { landing: Landing::Merging { .. }, .. }) {
        return Err(stale("the landing"));
    }
    draft.event(Event::LandingHeld { failure });
    Ok(())
}
