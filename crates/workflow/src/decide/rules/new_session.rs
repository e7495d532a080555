//! The requirements on a session that is added to the crew.

use crate::context::Draft;
use crate::{CrewLimits, NewSession, Rejected, Session, SessionPhase};

/// Rejects a session without a name or description, or with unknown dependencies.
pub(crate) fn expect_complete(draft: &Draft<'_, '_>, new: &NewSession) -> Result<(), Rejected> {
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

/// Rejects a child session beyond the limits on depth, on children of one parent and on the crew.
pub(crate) fn expect_room_under(
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
    expect_room(draft, limits)
}

/// Rejects a session beyond the limit on the crew or the task's budget.
pub(crate) fn expect_room(draft: &Draft<'_, '_>, limits: CrewLimits) -> Result<(), Rejected> {
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
