//! A session asks for a child session, within the limits of its crew.

use super::rules::{
    coordination, crew, new_session,
    preconditions::{no_such_session, wrong_state},
};
use crate::context::Draft;
use crate::{
    CoordinationKind, CreationMethod, CrewLimits, Event, EventId, HelixSessionId, NewCoordination,
    NewSession, Phase, PlannedSession, Rejected, Session, SessionId, SessionPhase, SessionStatus, ThreadId,
};
use serde_json::json;

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    parent: &SessionId,
    new: NewSession,
    by: Option<String>,
    limits: CrewLimits,
) -> Result<(), Rejected> {
    let found = draft.task.session(parent).ok_or_else(|| no_such_session(parent))?;
    if found.phase == SessionPhase::Planning {
        return Err(wrong_state(&draft.task, "spawn from the planning session", "work sessions spawn"));
    }
    let status = draft.task.session_status(found);
    if status != SessionStatus::Active {
        return Err(Rejected::WrongState(format!(
            "cannot spawn from a work session that is {status}; only an active one spawns"
        )));
    }
    if !matches!(draft.task.phase, Phase::Implementation { checking: false, .. }) {
        return Err(wrong_state(&draft.task, "spawn", "sessions spawn while the task is being implemented"));
    }
    new_session::expect_complete(draft, &new)?;
    new_session::expect_room_under(draft, found, limits)?;
    let planned = PlannedSession {
        helix_session: HelixSessionId::fresh(draft.cx.ids),
        thread: ThreadId::fresh(draft.cx.ids),
        agent: new.agent.unwrap_or_else(|| found.agent.clone()),
        phase: SessionPhase::Implementation,
        method: CreationMethod::Spawned,
        unit: None,
        parent: Some(parent.clone()),
        rank: found.rank,
        branch: Some(draft.task.session_branch(&new.id, &new.name)),
        next_ask: None,
        name: new.name,
        description: new.description,
        depends_on: new.depends_on,
        wish: new.wish,
        branched_from: None,
        alternative_to: None,
        external_thread: None,
        is_conversation: false,
        id: new.id.clone(),
    };
    draft.event(Event::SessionPlanned { session: Box::new(planned) });
    notify_spawned(draft, parent, &new.id, by);
    crew::requeue_or_advance(draft);
    Ok(())
}

/// Notifies the child which session spawned it.
fn notify_spawned(draft: &mut Draft<'_, '_>, parent: &SessionId, child: &SessionId, by: Option<String>) {
    let name = |id| draft.task.session(id).map(|session: &Session| session.name.clone()).unwrap_or_default();
    let message = format!("{:?} spawned {:?}.", name(parent), name(child));
    let new = NewCoordination {
        id: EventId::fresh(draft.cx.ids),
        kind: CoordinationKind::Spawn,
        from: Some(parent.clone()),
        to: Some(child.clone()),
        by,
        message,
        data: json!({ "work_session_id": child }),
        answers: None,
        before_merge: false,
        person_request: None,
    };
    coordination::send(draft, new);
}
