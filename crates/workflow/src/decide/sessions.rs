//! The implementation sessions: planned from the approved plan, started as the plan allows, merged in its order.

use super::{alternatives, conversation, coordinate, no_such_session, stale, turns};
use crate::context::Draft;
use crate::order::{SessionGraph, StartKey};
use crate::{
    Ask, Commit, Complexity, CreationMethod, Effect, Event, Failure, FailureClass, HelixSessionId,
    MergeOutcome, Phase, PlannedSession, Rejected, Session, SessionId, SessionPhase, SessionRequest,
    SessionState, SessionStatus, Task, ThreadId, Unit,
};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How often a conflict goes back to the session's agent before a person is asked.
const MAX_CONFLICT_ROUNDS: u32 = 3;

/// Makes the task's sessions those of its plan; sessions there already stay what they are.
pub(super) fn plan(draft: &mut Draft<'_, '_>) {
    // A conversation begins with one session; what it has besides, people added.
    if draft.task.is_conversation() && draft.task.sessions.iter().any(Session::is_crew) {
        return;
    }
    let units = units_to_carry_out(draft);
    let order = in_dependency_order(&units);
    // Sessions by unit index, known or about to be.
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
            if draft.task.session(&id).is_some_and(|session| !matches(session, unit, &depends_on, rank)) {
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
            branch: Some(draft.task.session_branch(&id)),
            next_ask: None,
            wish: SessionRequest::default(),
            branched_from: None,
            alternative_to: None,
            elsewhere: None,
            id: id.clone(),
        };
        draft.event(Event::SessionPlanned { session: Box::new(session) });
        of_unit[index] = Some(id);
    }
    // What the plan does not name any more is not started; one that a person tried again beside its replacement is.
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
    alternatives::give_up(draft, &gone);
}

/// The planned tasks; a task without a plan, or a simple one, is a single unit of the whole.
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
        completed_before: false,
    }]
}

/// The session that carries out a unit. One that a person cancelled stays that of its unit: only documents that were
/// approved since make another of it.
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

/// Whether a session is of this unit: by the unit's title, since numbers move between revisions.
fn is_for(session: &Session, unit: &Unit, task: &Task) -> bool {
    let same = session.name == unit.title
        || (session.unit == Some(unit.index) && task.units().iter().all(|other| other.title != session.name));
    same && session.unit.is_some()
}

fn matches(session: &Session, unit: &Unit, depends_on: &[SessionId], rank: usize) -> bool {
    session.unit == Some(unit.index)
        && session.name == unit.title
        && session.description == unit.description
        && session.depends_on == depends_on
        && session.rank == rank
}

/// Indices with every unit after what it needs, otherwise in the order of writing.
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

/// Starts and merges whatever may start and merge now, and ends the phase when nothing is left.
pub(super) fn advance(draft: &mut Draft<'_, '_>) {
    if !matches!(draft.task.phase, Phase::Implementation { checking: false, .. })
        || draft.task.paused.is_some()
    {
        return;
    }
    reopen_told(draft);
    merge_next(draft);
    start_ready(draft);
    if draft.task.sessions.iter().any(|session| session.is_crew() && session.has_work_in_flight()) {
        return;
    }
    if draft.task.is_conversation() && conversation::awaits_user(&draft.task) {
        return;
    }
    if let Some(failure) = stall_reason(draft) {
        draft.event(Event::ImplementationFailed { failure });
        draft.effect(Effect::StopInstance);
    } else {
        draft.event(Event::ChecksStarted);
        draft.effect(Effect::RunChecks);
    }
}

/// Sessions that were told something since their work was complete read it before they are merged.
fn reopen_told(draft: &mut Draft<'_, '_>) {
    let spoken_to: Vec<SessionId> = draft
        .task
        .sessions
        .iter()
        .filter(|session| {
            session.state == SessionState::WaitingToMerge && draft.task.has_unread_messages(session)
        })
        .map(|session| session.id.clone())
        .collect();
    for session in spoken_to {
        draft.event(Event::SessionRecalled { session });
    }
}

/// Merges the first session whose turn it is, one at a time.
fn merge_next(draft: &mut Draft<'_, '_>) {
    let task = &draft.task;
    if task.sessions.iter().any(|session| session.state == SessionState::Merging) {
        return;
    }
    let mut waiting =
        task.sessions.iter().filter(|session| session.state == SessionState::WaitingToMerge).peekable();
    if waiting.peek().is_none() {
        return;
    }
    let graph = SessionGraph::of(task);
    let next = waiting
        .filter(|session| !graph.has_choice(session) && graph.merge_blocked_by(session).is_none())
        .min_by_key(|session| graph.merge_key(session));
    if let Some(session) = next {
        let (id, attempt) = (session.id.clone(), session.turns);
        draft.event(Event::SessionMerging { session: id.clone() });
        draft.effect(Effect::MergeSession { session: id, attempt });
    }
}

/// Opens worktrees for the sessions that nothing blocks, up to the task's limit: what matters more, is smaller and
/// has waited longer first.
fn start_ready(draft: &mut Draft<'_, '_>) {
    let task = &draft.task;
    let at_work = task.sessions.iter().filter(|session| session.occupies_slot()).count();
    let free = task.max_parallel.saturating_sub(at_work);
    if free == 0 || task.is_over_budget() {
        return;
    }
    let graph = SessionGraph::of(task);
    let mut ready: Vec<(StartKey, SessionId)> = task
        .sessions
        .iter()
        .filter(|session| session.is_crew() && graph.status(session) == SessionStatus::Pending)
        .map(|session| (graph.start_key(session), session.id.clone()))
        .collect();
    ready.sort();
    for (_, session) in ready.into_iter().take(free) {
        draft.event(Event::SessionOpening { session: session.clone() });
        draft.effect(Effect::OpenWorktree { session });
    }
}

/// A session's work is on the task's branch.
pub(super) fn complete(draft: &mut Draft<'_, '_>, session: &SessionId, merged: Option<Commit>) {
    draft.event(Event::SessionCompleted { session: session.clone(), merged });
    draft.effect(Effect::MarkProgress { session: session.clone(), marker: 'x' });
    coordinate::completed(draft, session);
}

/// Why nothing can go on although not everything is done.
fn stall_reason(draft: &Draft<'_, '_>) -> Option<Failure> {
    let task = &draft.task;
    let at = draft.cx.now;
    let failed: Vec<&Session> = task
        .sessions
        .iter()
        .filter(|session| session.phase != SessionPhase::Planning)
        .filter(|session| matches!(session.state, SessionState::Failed { .. }))
        .collect();
    if let [first, ..] = failed.as_slice() {
        let class = first.last_error.as_ref().map_or(FailureClass::Internal, |failure| failure.class);
        let reason = first.last_error.as_ref().map_or("", |failure| failure.message.as_str());
        let message =
            format!("{} of the work sessions failed, first {:?}: {reason}", failed.len(), first.name);
        return Some(Failure { class, message, at });
    }
    let waiting: Vec<&Session> =
        task.sessions.iter().filter(|session| session.is_crew() && !session.is_ended()).collect();
    let first = *waiting.first()?;
    let undecided = waiting.iter().map(|session| task.alternatives(session)).find(|all| !all.is_empty());
    if let Some(alternatives) = undecided {
        let names: Vec<String> = alternatives.iter().map(|session| format!("{:?}", session.name)).collect();
        let message = format!("Choose which work to keep: {}.", names.join(", "));
        return Some(Failure { class: FailureClass::Rejected, message, at });
    }
    if task.is_over_budget() && waiting.iter().any(|session| session.state == SessionState::Pending) {
        let message = "The task's budget is spent. Raise it, then Retry.".to_owned();
        return Some(Failure { class: FailureClass::Limit, message, at });
    }
    let message = format!(
        "{:?} waits for a session that was cancelled. Retry that one, or skip it to continue without it.",
        first.name
    );
    Some(Failure { class: FailureClass::Rejected, message, at })
}

pub(super) fn opened(draft: &mut Draft<'_, '_>, session: &SessionId) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    if found.state != SessionState::Opening || found.phase == SessionPhase::Planning {
        return Err(stale("the opening of the worktree"));
    }
    let spoken_to = draft.task.has_unread_messages(found);
    let first = found.turns == 0;
    let ask = match found.next_ask.clone() {
        Some(ask) => ask,
        None if spoken_to && !first => Ask::Message,
        None if first => Ask::Implement,
        None => Ask::Continue { why: "The session is tried again.".to_owned() },
    };
    if found.unit.is_some() {
        draft.effect(Effect::MarkProgress { session: session.clone(), marker: '~' });
    }
    turns::start(draft, session, ask);
    Ok(())
}

pub(super) fn merged(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    outcome: MergeOutcome,
) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    if found.state != SessionState::Merging {
        return Err(stale("the merge"));
    }
    match outcome {
        MergeOutcome::Merged { commit } => {
            if draft.task.is_conversation() {
                draft.event(Event::SessionIdle { session: session.clone(), merged: Some(commit) });
            } else {
                complete(draft, session, Some(commit));
            }
            if draft.task.session(session).is_some_and(|session| draft.task.has_unread_messages(session)) {
                draft.event(Event::SessionRecalled { session: session.clone() });
            }
            advance(draft);
        }
        MergeOutcome::Conflict { files, details } => {
            if conflicts(draft, session, Conflict { files, details }, false) {
                // It takes a place among the sessions at work again.
                draft.event(Event::SessionRecalled { session: session.clone() });
                advance(draft);
            }
        }
    }
    Ok(())
}

/// What conflicts with a session's work.
pub(super) struct Conflict {
    pub(super) files: Vec<String>,
    pub(super) details: String,
}

/// A conflict goes back to the session's agent, a few times; then the session fails, and a person sees both sides.
pub(super) fn conflicts(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    conflict: Conflict,
    begun: bool,
) -> bool {
    let Some(found) = draft.task.session(session) else { return false };
    let (rounds, phase) = (found.conflicts, found.phase);
    let Conflict { files, details } = conflict;
    let names = files.join(", ");
    let ask = Ask::ResolveConflict { files, details, begun };
    if rounds < MAX_CONFLICT_ROUNDS {
        draft.event(Event::SessionAskedAgain { session: session.clone(), ask });
        return true;
    }
    // A retry begins with it.
    draft.event(Event::SessionTold { session: session.clone(), ask });
    let message = format!(
        "The session's work still conflicts with what was merged before it, after {rounds} rounds, in {names}. Resolve it in \
         the session's worktree and Retry, or Skip."
    );
    let failure = Failure { class: FailureClass::Conflict, message, at: draft.cx.now };
    turns::fail(draft, session, phase, failure);
    false
}

impl Task {
    /// Whether more was spent than the budget allows.
    pub fn is_over_budget(&self) -> bool {
        let Some(budget) = &self.budget else { return false };
        let tokens = self.usage.input_tokens + self.usage.output_tokens;
        budget.max_tokens.is_some_and(|most| tokens > most)
            || budget.max_cost_usd.is_some_and(|most| self.usage.cost_usd.is_some_and(|cost| cost > most))
    }
}
