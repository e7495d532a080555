//! The planner writes the documents, and they are validated and committed.

use super::{pause, stale, turns};
use crate::context::Draft;
use crate::{
    Ask, CreationMethod, Effect, Event, Failure, FailureClass, HelixSessionId, Phase, PlannedSession,
    PlanningStep, Rejected, SessionId, SessionPhase, SessionRequest, SessionState, Specs, Task, ThreadId,
    TurnId,
};

/// How often a planner is asked to fix its documents before a person is asked.
const MAX_MENDS: u32 = 2;

/// The session that plans the task.
pub(super) fn session(task: &Task) -> Option<SessionId> {
    task.sessions
        .iter()
        .find(|session| session.phase == SessionPhase::Planning)
        .map(|session| session.id.clone())
}

/// Adds the session that plans the task.
pub(super) fn add_session(draft: &mut Draft<'_, '_>) -> SessionId {
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
        elsewhere: None,
    };
    draft.event(Event::SessionPlanned { session: Box::new(session) });
    id
}

pub(super) fn ready(draft: &mut Draft<'_, '_>, session: &SessionId) -> Result<(), Rejected> {
    if step(&draft.task) != Some(PlanningStep::Preparing) {
        return Err(stale("the preparation of planning"));
    }
    draft.event(Event::PlanningWriting { session: session.clone() });
    let ask = draft.task.session(session).and_then(|session| session.next_ask.clone()).unwrap_or(Ask::Plan);
    turns::start(draft, session, ask);
    Ok(())
}

/// The planner's turn is over: what it wrote is validated and committed.
pub(super) fn commit(draft: &mut Draft<'_, '_>, session: &SessionId, turn: &TurnId) {
    if let Phase::SpecGeneration { planning } = &draft.task.phase {
        let round = planning.round;
        draft.event(Event::PlanningCommitting { session: session.clone() });
        draft.effect(Effect::CommitSpecs { session: session.clone(), turn: turn.clone(), round });
    }
}

pub(super) fn committed(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    specs: Specs,
) -> Result<(), Rejected> {
    expect_committing(&draft.task, session, turn)?;
    draft.event(Event::SessionCompleted { session: session.clone(), merged: None });
    draft.event(Event::SpecsReady { specs });
    if !draft.task.may_keep_instance() {
        draft.effect(Effect::StopInstance);
    }
    Ok(())
}

pub(super) fn invalid(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    problems: Vec<String>,
) -> Result<(), Rejected> {
    expect_committing(&draft.task, session, turn)?;
    let asked = draft.task.session(session).map_or(0, |session| session.reprompts);
    if asked >= MAX_MENDS {
        let message = format!(
            "The planning agent was asked {} times and its documents are still unusable: {} Retry, or choose \
             another planning agent.",
            asked + 1,
            problems.join(" ")
        );
        fail(draft, Some(session), Failure { class: FailureClass::InvalidOutput, message, at: draft.cx.now });
        return Ok(());
    }
    draft.event(Event::DocumentsInvalid { session: session.clone(), problems: problems.clone() });
    if draft.task.paused.is_some() {
        pause::defer_planning(draft, Ask::MendDocuments { problems });
    } else {
        turns::start(draft, session, Ask::MendDocuments { problems });
    }
    Ok(())
}

/// Planning cannot go on by itself.
pub(super) fn fail(draft: &mut Draft<'_, '_>, session: Option<&SessionId>, failure: Failure) {
    if let Some(session) = session {
        draft.event(Event::SessionFailed { session: session.clone(), failure: failure.clone() });
    }
    draft.event(Event::SpecFailed { failure });
    draft.effect(Effect::StopInstance);
}

fn step(task: &Task) -> Option<PlanningStep> {
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

fn expect_committing(task: &Task, session: &SessionId, turn: &TurnId) -> Result<(), Rejected> {
    let saving = task.session(session).is_some_and(
        |session| matches!(&session.state, SessionState::Saving { turn: at, .. } if at.id == *turn),
    );
    if saving && step(task) == Some(PlanningStep::Committing) {
        Ok(())
    } else {
        Err(stale("the planner's turn"))
    }
}
