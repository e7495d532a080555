//! The implementation sessions that the approved plan asks for.

use super::alternatives;
use crate::context::Draft;
use crate::{
    Complexity, CreationMethod, Event, HelixSessionId, PlannedSession, Session, SessionId, SessionPhase,
    SessionRequest, SessionState, SessionStatus, Task, ThreadId, Unit,
};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Adds, changes and cancels sessions until they are those of the plan. Sessions that match the plan keep their state.
pub(crate) fn plan_sessions(draft: &mut Draft<'_, '_>) {
    // A conversation begins with one session; people add the others.
    if draft.task.is_conversation() && draft.task.sessions.iter().any(Session::is_crew) {
        return;
    }
    let units = units_to_carry_out(draft);
    let order = in_dependency_order(&units);
    // The session of each unit, by the unit's index.
    let mut of_unit: Vec<Option<SessionId>> = vec![None; units.len()];
    for unit in &units {
        of_unit[unit.index] = session_for(unit, &draft.task).map(|session| session.id.clone());
    }
    for (rank, index) in order.into_iter().enumerate() {
        let unit = &units[index];
        if unit.completed_before {
            continue;
        }
        let depends_on: Vec<SessionId> =
            unit.dependencies.iter().filter_map(|needed| of_unit.get(*needed).cloned().flatten()).collect();
        if let Some(id) = of_unit[index].clone() {
            if draft.task.session(&id).is_some_and(|session| !matches_unit(session, unit, &depends_on, rank))
            {
                draft.event(Event::SessionReplanned {
                    session: id,
                    unit: unit.index,
                    name: unit.title.clone(),
                    description: unit.description.clone(),
                    depends_on,
                    rank,
                });
            }
            continue;
        }
        let id = SessionId::fresh(draft.cx.ids);
        let session = PlannedSession {
            helix_session: HelixSessionId::fresh(draft.cx.ids),
            thread: ThreadId::fresh(draft.cx.ids),
            name: unit.title.clone(),
            description: unit.description.clone(),
            phase: SessionPhase::Implementation,
            agent: draft.task.implementation_agent.clone(),
            method: CreationMethod::Planned,
            unit: Some(unit.index),
            parent: None,
            depends_on,
            rank,
            branch: Some(draft.task.session_branch(&id, &unit.title)),
            next_ask: None,
            wish: SessionRequest::default(),
            branched_from: None,
            alternative_to: None,
            external_thread: None,
            is_conversation: false,
            id: id.clone(),
        };
        draft.event(Event::SessionPlanned { session: Box::new(session) });
        of_unit[index] = Some(id);
    }
    // Sessions that the plan does not name any more are discarded, except one that a person retried beside its replacement.
    let gone: Vec<SessionId> = draft
        .task
        .sessions
        .iter()
        .filter(|session| session.phase == SessionPhase::Implementation && session.unit.is_some())
        .filter(|session| {
            session.own_status() == SessionStatus::Pending
                && !units.iter().any(|unit| !unit.completed_before && is_for(session, unit, &draft.task))
        })
        .map(|session| session.id.clone())
        .collect();
    alternatives::discard(draft, &gone);
}

/// Returns the planned tasks; a task without a plan, or a simple one, is a single unit.
fn units_to_carry_out(draft: &Draft<'_, '_>) -> Vec<Unit> {
    let task = &draft.task;
    let planned: Vec<Unit> = task.units().to_vec();
    if !planned.is_empty() && (task.complexity == Complexity::Complex || planned.len() == 1) {
        return planned;
    }
    let id =
        planned.first().map_or_else(|| crate::UnitId(format!("stit_{}", task.id)), |unit| unit.id.clone());
    let description = if planned.is_empty() {
        task.prompt.clone()
    } else {
        let parts: Vec<String> = planned
            .iter()
            .filter(|unit| !unit.completed_before)
            .map(|unit| format!("{}. {}\n{}\n", unit.number, unit.title, unit.description))
            .collect();
        parts.concat()
    };
    vec![Unit {
        id,
        index: 0,
        number: "1".to_owned(),
        title: task.name.clone(),
        description,
        acceptance_criteria: String::new(),
        effort: "medium".to_owned(),
        optional: false,
        dependencies: Vec::new(),
        requirements: Vec::new(),
        boundary: Vec::new(),
        resources: Vec::new(),
        completed_before: false,
    }]
}

/// Returns the session that carries out a unit. A cancelled session remains the session of its unit until documents that were
/// approved later replace it.
fn session_for<'t>(unit: &Unit, task: &'t Task) -> Option<&'t Session> {
    let is_cancelled = |session: &&Session| session.state == SessionState::Cancelled;
    let approved = task.approved().map(|approved| approved.at);
    let stands = |session: &&Session| {
        session.superseded_by.is_none()
            && approved.is_none_or(|approved| session.completed_at >= Some(approved))
    };
    let all = || {
        task.sessions
            .iter()
            .filter(|session| session.phase == SessionPhase::Implementation && is_for(session, unit, task))
    };
    let carried_out = all().find(|session| !is_cancelled(session));
    carried_out.or_else(|| all().filter(is_cancelled).rfind(stands))
}

/// Returns whether a session carries out this unit. Titles decide, because numbers change between revisions.
fn is_for(session: &Session, unit: &Unit, task: &Task) -> bool {
    let same = session.name == unit.title
        || (session.unit == Some(unit.index) && task.units().iter().all(|other| other.title != session.name));
    same && session.unit.is_some()
}

fn matches_unit(session: &Session, unit: &Unit, depends_on: &[SessionId], rank: usize) -> bool {
    session.unit == Some(unit.index)
        && session.name == unit.title
        && session.description == unit.description
        && session.depends_on == depends_on
        && session.rank == rank
}

/// Returns the indices of the units, each after its dependencies and otherwise in the order of the plan.
fn in_dependency_order(units: &[Unit]) -> Vec<usize> {
    let mut open: Vec<usize> = vec![0; units.len()];
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); units.len()];
    for (at, unit) in units.iter().enumerate() {
        for needed in unit.dependencies.iter().filter(|needed| **needed < units.len()) {
            open[at] += 1;
            dependents[*needed].push(at);
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..units.len()).filter(|at| open[*at] == 0).map(Reverse).collect();
    let mut is_placed = vec![false; units.len()];
    let mut order = Vec::with_capacity(units.len());
    let mut first_open = 0;
    while order.len() < units.len() {
        // A cycle does not get past validation; should one, the order of writing decides.
        let next = ready.pop().map_or(first_open, |Reverse(next)| next);
        if !std::mem::replace(&mut is_placed[next], true) {
            order.push(next);
            for dependent in &dependents[next] {
                open[*dependent] -= 1;
                if open[*dependent] == 0 {
                    ready.push(Reverse(*dependent));
                }
            }
        }
        while first_open < units.len() && is_placed[first_open] {
            first_open += 1;
        }
    }
    order
}
