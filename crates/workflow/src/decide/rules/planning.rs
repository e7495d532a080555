//! The planning session, which writes the documents.

use super::preconditions::stale;
use crate::context::Draft;
use crate::{
    CreationMethod, Effect, Event, Failure, HelixSessionId, Phase, PlannedSession, PlanningStep, Rejected,
    SessionId, SessionPhase, SessionRequest, SessionState, Task, ThreadId, TurnId,
};

/// The round of the documents that come from a template.
const TEMPLATE_ROUND: u32 = 1;

/// Returns the session that plans the task.
pub(crate) fn session(task: &Task) -> Option<SessionId> {
    task.sessions
        .iter()
        .find(|session| session.phase == SessionPhase::Planning)
        .map(|session| session.id.clone())
}

/// Adds the session that plans the task.
pub(crate) fn add_session(draft: &mut Draft<'_, '_>) -> SessionId {
    let id = SessionId::fresh(draft.cx.ids);
    let session = PlannedSession {
        id: id.clone(),
        helix_session: HelixSessionId::fresh(draft.cx.ids),
        thread: ThreadId::fresh(draft.cx.ids),
        name: "Planning".to_owned(),
        description: "Writes the requirements, the design and the plan.".to_owned(),
        phase: SessionPhase::Planning,
        agent: draft.task.spec_agent.clone(),
        method: CreationMethod::Planned,
        unit: None,
        parent: None,
        depends_on: Vec::new(),
        rank: 0,
        branch: None,
        next_ask: None,
        wish: SessionRequest::default(),
        branched_from: None,
        alternative_to: None,
        external_thread: None,
        is_conversation: false,
    };
    draft.event(Event::SessionPlanned { session: Box::new(session) });
    id
}

/// Returns the step that planning is at.
pub(crate) fn step(task: &Task) -> Option<PlanningStep> {
    match &task.phase {
        Phase::SpecGeneration { planning } => Some(planning.step),
        Phase::Backlog
        | Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecApproved { .. }
        | Phase::ImplementationQueued { .. }
        | Phase::Implementation { .. }
        | Phase::ImplementationReview { .. }
        | Phase::Done { .. }
        | Phase::SpecFailed { .. }
        | Phase::ImplementationFailed { .. }
        | Phase::Cancelled { .. } => None,
    }
}

/// Rejects a report about documents that are not being committed.
pub(crate) fn expect_committing(task: &Task, session: &SessionId, turn: &TurnId) -> Result<(), Rejected> {
    let saving = task.session(session).is_some_and(
        |session| matches!(&session.state, SessionState::Saving { turn: at, .. } if at.id == *turn),
    );
    if saving && step(task) == Some(PlanningStep::Committing) {
        Ok(())
    } else {
        Err(stale("the planner's turn"))
    }
}

/// Fails planning, which cannot continue until a person acts.
pub(crate) fn fail(draft: &mut Draft<'_, '_>, session: Option<&SessionId>, failure: Failure) {
    if let Some(session) = session {
        draft.event(Event::SessionFailed { session: session.clone(), failure: failure.clone() });
    }
    draft.event(Event::SpecFailed { failure });
    draft.effect(Effect::StopInstance);
}

/// Takes the template's documents as the plan and commits them.
pub(crate) fn commit_template(draft: &mut Draft<'_, '_>) {
    draft.event(Event::TemplateTaken { round: TEMPLATE_ROUND });
    draft.effect(Effect::CommitTemplate { round: TEMPLATE_ROUND });
}
