//! A session at work asks for a further one, within the limits of its crew.

use super::{coordinate, landing, no_such_session, sessions, wrong_state};
use crate::context::Draft;
use crate::{
    CreationMethod, CrewLimits, Event, HelixSessionId, Landing, NewSession, Phase, PlannedSession, Rejected,
    Session, SessionId, SessionPhase, SessionStatus, ThreadId,
};

pub(super) fn spawn(
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
    expect_complete(draft, &new)?;
    expect_room(draft, found, limits)?;
    let planned = PlannedSession {
        helix_session: HelixSessionId::fresh(draft.cx.ids),
        thread: ThreadId::fresh(draft.cx.ids),
        agent: new.agent.unwrap_or_else(|| found.agent.clone()),
        phase: SessionPhase::Implementation,
        method: CreationMethod::Spawned,
        unit: None,
        parent: Some(parent.clone()),
        rank: found.rank,
        branch: Some(draft.task.session_branch(&new.id)),
        next_ask: None,
        name: new.name,
        description: new.description,
        depends_on: new.depends_on,
        wish: new.wish,
        branched_from: None,
        alternative_to: None,
        elsewhere: None,
        id: new.id.clone(),
    };
    draft.event(Event::SessionPlanned { session: Box::new(planned) });
    coordinate::spawned(draft, parent, &new.id, by);
    landing::resume(draft);
    Ok(())
}

/// A person adds a session that comes from no other.
pub(super) fn add(draft: &mut Draft<'_, '_>, new: NewSession, limits: CrewLimits) -> Result<(), Rejected> {
    if draft.task.session(&new.id).is_some() {
        return Err(Rejected::AlreadySo("the session is there".to_owned()));
    }
    let allowed = matches!(
        draft.task.phase,
        Phase::Implementation { checking: false, .. }
            | Phase::ImplementationQueued { .. }
            | Phase::ImplementationReview { landing: Landing::Undecided, .. }
            | Phase::ImplementationFailed { .. }
    );
    if !allowed {
        let advice = "sessions are added while the task is being implemented or its change is under review";
        return Err(wrong_state(&draft.task, "add a work session", advice));
    }
    expect_complete(draft, &new)?;
    expect_place(draft, limits)?;
    // The first session of a task is planned with it.
    if draft.task.is_conversation() {
        sessions::plan(draft);
    }
    let rank = draft.task.sessions.iter().map(|session| session.rank + 1).max().unwrap_or(0);
    let planned = PlannedSession {
        helix_session: HelixSessionId::fresh(draft.cx.ids),
        thread: ThreadId::fresh(draft.cx.ids),
        agent: new.agent.unwrap_or_else(|| draft.task.implementation_agent.clone()),
        phase: SessionPhase::Implementation,
        method: CreationMethod::AdHoc,
        unit: None,
        parent: None,
        rank,
        branch: Some(draft.task.session_branch(&new.id)),
        next_ask: None,
        name: new.name,
        description: new.description,
        depends_on: new.depends_on,
        wish: new.wish,
        branched_from: None,
        alternative_to: None,
        elsewhere: None,
        id: new.id,
    };
    draft.event(Event::SessionPlanned { session: Box::new(planned) });
    landing::resume(draft);
    Ok(())
}

pub(super) fn expect_complete(draft: &Draft<'_, '_>, new: &NewSession) -> Result<(), Rejected> {
    if new.name.trim().is_empty() || new.description.trim().is_empty() {
        return Err(Rejected::Invalid("say in `name` and `description` what is to be done".to_owned()));
    }
    let found = new.depends_on.iter().filter_map(|needed| draft.task.session(needed));
    if let Some(chosen) = found.into_iter().find_map(|needed| draft.task.superseded_by(needed)) {
        return Err(Rejected::Invalid(format!(
            "a session it depends on was given up for {chosen}; name that one"
        )));
    }
    match new
        .depends_on
        .iter()
        .find(|needed| draft.task.session(needed).is_none_or(|session| !session.is_crew()))
    {
        Some(unknown) => {
            Err(Rejected::Invalid(format!("the task has no work session {unknown} to depend on")))
        }
        None => Ok(()),
    }
}

/// The crew grows only so deep, so wide and so large, and not over its budget.
pub(super) fn expect_room(
    draft: &Draft<'_, '_>,
    parent: &Session,
    limits: CrewLimits,
) -> Result<(), Rejected> {
    let task = &draft.task;
    if task.depth(parent) >= limits.depth {
        let message = format!(
            "sessions spawn at most {} deep, and {:?} is that deep; do it there, or spawn from its parent",
            limits.depth, parent.name
        );
        return Err(Rejected::Limit { code: "spawn_too_deep", message });
    }
    let is_child = |session: &&Session| session.parent.as_ref() == Some(&parent.id) && !session.is_ended();
    if task.sessions.iter().filter(is_child).count() >= limits.children {
        let message = format!(
            "{:?} has as many sessions of its own under way as it may have ({}); wait until one of them has ended",
            parent.name, limits.children
        );
        return Err(Rejected::Limit { code: "too_many_children", message });
    }
    expect_place(draft, limits)
}

/// Whether the task may have one session more.
pub(super) fn expect_place(draft: &Draft<'_, '_>, limits: CrewLimits) -> Result<(), Rejected> {
    let task = &draft.task;
    if task.sessions.iter().filter(|session| session.phase != SessionPhase::Planning).count()
        >= limits.sessions
    {
        let message = format!("the task has {} work sessions, the most it may have", limits.sessions);
        return Err(Rejected::Limit { code: "too_many_sessions", message });
    }
    if task.is_over_budget() {
        let message = "the task's budget is spent; raise it first".to_owned();
        return Err(Rejected::Limit { code: "budget_spent", message });
    }
    Ok(())
}
