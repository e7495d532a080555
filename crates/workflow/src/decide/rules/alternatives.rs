//! Alternative sessions: forks of one session, of which a person keeps one.

use super::preconditions::wrong_state;
use crate::context::Draft;
use crate::{Effect, Event, Phase, Rejected, Session, SessionId, SessionPhase, SessionState};

/// Rejects an action on alternatives outside of the implementation.
pub(crate) fn expect_implementing(
    draft: &Draft<'_, '_>,
    session: &Session,
    action: &str,
) -> Result<(), Rejected> {
    let allowed = matches!(
        draft.task.phase,
        Phase::Implementation { checking: false, .. }
            | Phase::ImplementationQueued { .. }
            | Phase::ImplementationFailed { .. }
    );
    let is_here = !matches!(session.state, SessionState::External { .. });
    if session.phase != SessionPhase::Planning && allowed && is_here {
        return Ok(());
    }
    Err(wrong_state(
        &draft.task,
        action,
        "work sessions have alternatives while the task is being implemented",
    ))
}

/// Cancels sessions whose work is not needed any more, and their descendants. Their work is kept under saved refs.
pub(crate) fn discard(draft: &mut Draft<'_, '_>, sessions: &[SessionId]) {
    for id in with_descendants(draft, sessions) {
        let Some(other) = draft.task.session(&id) else { continue };
        if let SessionState::Working { turn } = &other.state {
            let turn = turn.id.clone();
            draft.effect(Effect::CancelTurn { session: id.clone(), turn });
        }
        draft.event(Event::SessionCancelled { session: id.clone() });
        draft.effect(Effect::KeepWork { session: id });
    }
}

/// Returns the open sessions among these and the sessions spawned from them, which build on work that is not kept.
fn with_descendants(draft: &Draft<'_, '_>, sessions: &[SessionId]) -> Vec<SessionId> {
    let mut all: Vec<SessionId> = sessions.to_vec();
    // A session is made after its parent, so that one pass in order finds every generation.
    for session in &draft.task.sessions {
        let parent = draft.task.parent_to_wait_for(session);
        if parent.is_some_and(|parent| all.contains(parent)) && !all.contains(&session.id) {
            all.push(session.id.clone());
        }
    }
    let is_open = |id: &SessionId| {
        draft.task.session(id).is_some_and(|session| {
            !matches!(
                session.state,
                SessionState::Completed | SessionState::Cancelled | SessionState::Skipped
            )
        })
    };
    all.retain(is_open);
    all
}
