//! The documents changed on the design-docs branch.

use super::rules::preconditions::stale;
use crate::context::Draft;
use crate::{Approved, Effect, Event, Landing, Phase, Rejected, SessionState, Specs};

/// Voids the approval if the content changed: no session starts until the documents are approved again.
pub(super) fn handle(draft: &mut Draft<'_, '_>, specs: Specs, by: String) -> Result<(), Rejected> {
    match &draft.task.phase {
        Phase::SpecReview { specs: now } | Phase::SpecApproved { approved: Approved { specs: now, .. } } => {
            if now.hash == specs.hash {
                return Err(Rejected::AlreadySo("the documents are the ones in force".to_owned()));
            }
            draft.event(Event::DocumentsChanged { specs, by });
        }
        Phase::ImplementationQueued { approved: Some(approved) }
        | Phase::Implementation { approved: Some(approved), .. }
        | Phase::ImplementationReview { approved: Some(approved), landing: Landing::Undecided, .. }
        | Phase::ImplementationFailed { approved: Some(approved), .. } => {
            if approved.specs.hash == specs.hash {
                return Err(Rejected::AlreadySo("the documents are the ones in force".to_owned()));
            }
            pause_sessions(draft);
            draft.event(Event::DocumentsChanged { specs, by });
            draft.effect(Effect::StopInstance);
        }
        Phase::Backlog
        | Phase::SpecGeneration { .. }
        | Phase::SpecRevision { .. }
        | Phase::ImplementationQueued { approved: None }
        | Phase::Implementation { approved: None, .. }
        | Phase::ImplementationReview { .. }
        | Phase::Done { .. }
        | Phase::SpecFailed { .. }
        | Phase::ImplementationFailed { approved: None, .. }
        | Phase::Cancelled { .. } => return Err(stale("the review of these documents")),
    }
    Ok(())
}

/// Pauses sessions that are opening or working. Sessions that are saving or merging finish that first.
fn pause_sessions(draft: &mut Draft<'_, '_>) {
    for session in draft.task.sessions.clone() {
        match &session.state {
            SessionState::Working { turn } => {
                draft.effect(Effect::CancelTurn { session: session.id.clone(), turn: turn.id.clone() });
            }
            SessionState::Opening => {}
            SessionState::Pending
            | SessionState::Saving { .. }
            | SessionState::WaitingToMerge
            | SessionState::Merging
            | SessionState::Idle
            | SessionState::Completed
            | SessionState::Failed { .. }
            | SessionState::Skipped
            | SessionState::Cancelled
            | SessionState::External { .. } => continue,
        }
        let why = "The approved documents changed while you worked; read them again.".to_owned();
        draft.event(Event::SessionPaused { session: session.id, why });
    }
}
