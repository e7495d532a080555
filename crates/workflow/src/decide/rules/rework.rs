//! Sessions that make the changes which a review or a landing requires.

use crate::context::Draft;
use crate::prompts;
use crate::{
    Ask, CreationMethod, Event, HelixSessionId, PlannedSession, SessionId, SessionPhase, SessionRequest,
    ThreadId,
};

/// The name of a session that makes the changes a review requested.
pub(crate) const REVIEW_CHANGES: &str = "Review changes";

/// Adds a session that runs after all others, and queues the implementation.
pub(crate) fn add_session(draft: &mut Draft<'_, '_>, name: &str, ask: Ask) {
    let rank = draft.task.sessions.iter().map(|session| session.rank + 1).max().unwrap_or(0);
    let id = SessionId::fresh(draft.cx.ids);
    let description = match &ask {
        Ask::Rework { comments, line_comments } => prompts::rework_words(comments, line_comments),
        Ask::ResolveConflict { files, .. } => {
            format!("Resolve the conflict with the base branch in {}.", files.join(", "))
        }
        Ask::Plan
        | Ask::Revise { .. }
        | Ask::FixDocuments { .. }
        | Ask::Implement
        | Ask::Continue { .. }
        | Ask::NothingChanged
        | Ask::Repair { .. }
        | Ask::ReportItems { .. }
        | Ask::Message => String::new(),
    };
    let session = PlannedSession {
        helix_session: HelixSessionId::fresh(draft.cx.ids),
        thread: ThreadId::fresh(draft.cx.ids),
        name: name.to_owned(),
        description,
        phase: SessionPhase::Validation,
        agent: draft.task.implementation_agent.clone(),
        method: CreationMethod::AdHoc,
        unit: None,
        parent: None,
        depends_on: Vec::new(),
        rank,
        branch: Some(draft.task.session_branch(&id, name)),
        next_ask: Some(ask),
        wish: SessionRequest::default(),
        branched_from: None,
        alternative_to: None,
        external_thread: None,
        is_conversation: false,
        id,
    };
    draft.event(Event::SessionPlanned { session: Box::new(session) });
    draft.event(Event::ImplementationQueued);
}
