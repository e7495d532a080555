//! The implementation sessions: planned from the approved plan, started as the plan allows, merged in its order.

use super::{no_such_session, stale, turns};
use crate::context::Draft;
use crate::{
    Ask, Complexity, CreationMethod, Effect, Event, Failure, FailureClass, HelixSessionId, MergeOutcome,
    Phase, PlannedSession, Rejected, Session, SessionId, SessionPhase, SessionState, SessionStatus, Task,
    ThreadId, Unit,
};

/// How often a conflict goes back to the session's agent before a person is asked.
const MAX_CONFLICT_ROUNDS: u32 = 3;

/// Makes the task's sessions those of its plan; sessions there already stay what they are.
pub(super) fn plan(draft: &mut Draft<'_, '_>) {
    let units = units_to_carry_out(draft);
    let order = in_dependency_order(&units);
    // Sessions by unit index, known or about to be.
    let mut of_unit: Vec<Option<SessionId>> = vec![None; units.len()];
    for unit in &units {
        of_unit[unit.index] = draft
            .task
            .sessions
            .iter()
            .find(|session| {
                session.phase == SessionPhase::Implementation && is_for(session, unit, &draft.task)
            })
            .map(|session| session.id.clone());
    }
    for (rank, index) in order.into_iter().enumerate() {
        let unit = &units[index];
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
            id: id.clone(),
        };
        draft.event(Event::SessionPlanned { session: Box::new(session) });
        of_unit[index] = Some(id);
    }
    // What the plan does not name any more is not started.
    let gone: Vec<SessionId> = draft
        .task
        .sessions
        .iter()
        .filter(|session| session.phase == SessionPhase::Implementation && session.unit.is_some())
        .filter(|session| {
            !of_unit.contains(&Some(session.id.clone())) && session.plain_status() == SessionStatus::Pending
        })
        .map(|session| session.id.clone())
        .collect();
    for session in gone {
        draft.event(Event::SessionCancelled { session });
    }
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
    }]
}

/// Whether a session carries out this unit: by the unit's title, since numbers move between revisions.
fn is_for(session: &Session, unit: &Unit, task: &Task) -> bool {
    let same = session.name == unit.title
        || (session.unit == Some(unit.index) && task.units().iter().all(|other| other.title != session.name));
    same && session.unit.is_some() && session.state != SessionState::Cancelled
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
    let mut order: Vec<usize> = Vec::with_capacity(units.len());
    while order.len() < units.len() {
        let next = units.iter().position(|unit| {
            !order.contains(&unit.index)
                && unit.dependencies.iter().all(|needed| order.contains(needed) || *needed >= units.len())
        });
        // A cycle does not get past validation; should one, the order of writing decides.
        let next = next.or_else(|| units.iter().position(|unit| !order.contains(&unit.index)));
        match next {
            Some(next) => order.push(next),
            None => break,
        }
    }
    order
}

/// Starts and merges whatever may start and merge now, and ends the phase when nothing is left.
pub(super) fn go_on(draft: &mut Draft<'_, '_>) {
    if !matches!(draft.task.phase, Phase::Implementation { checking: false, .. }) {
        return;
    }
    merge_next(draft);
    start_ready(draft);
    let implementing =
        || draft.task.sessions.iter().filter(|session| session.phase != SessionPhase::Planning);
    if implementing().any(Session::is_live) {
        return;
    }
    if let Some(failure) = standstill(draft) {
        draft.event(Event::ImplementationFailed { failure });
        draft.effect(Effect::StopInstance);
    } else {
        draft.event(Event::ChecksStarted);
        draft.effect(Effect::RunChecks);
    }
}

/// Merges the first session whose turn it is, one at a time.
fn merge_next(draft: &mut Draft<'_, '_>) {
    if draft.task.sessions.iter().any(|session| session.state == SessionState::Merging) {
        return;
    }
    let mut waiting: Vec<&Session> =
        draft.task.sessions.iter().filter(|session| session.state == SessionState::WaitingToMerge).collect();
    waiting.sort_by_key(|session| session.rank);
    let next = waiting.into_iter().find(|session| !is_held_back(&draft.task, session));
    if let Some(session) = next {
        let (id, attempt) = (session.id.clone(), session.turns);
        draft.event(Event::SessionMerging { session: id.clone() });
        draft.effect(Effect::MergeSession { session: id, attempt });
    }
}

/// Whether a session before this one in plan order can still be merged by itself.
fn is_held_back(task: &Task, session: &Session) -> bool {
    task.sessions.iter().any(|earlier| {
        earlier.phase != SessionPhase::Planning
            && earlier.rank < session.rank
            && !earlier.is_ended()
            && !is_stuck(task, earlier)
    })
}

/// Whether a session waits for one that failed or was cancelled: a person has to act first.
fn is_stuck(task: &Task, session: &Session) -> bool {
    task.blockers(session).iter().any(|blocker| blocker.is_ended() || is_stuck(task, blocker))
}

/// Opens worktrees for the sessions that nothing blocks, up to the task's limit, in plan order.
fn start_ready(draft: &mut Draft<'_, '_>) {
    let running = |task: &Task| {
        task.sessions
            .iter()
            .filter(|session| {
                matches!(
                    session.state,
                    SessionState::Opening | SessionState::Working { .. } | SessionState::Saving { .. }
                )
            })
            .count()
    };
    let mut ready: Vec<(usize, SessionId)> = draft
        .task
        .sessions
        .iter()
        .filter(|session| session.phase != SessionPhase::Planning)
        .filter(|session| draft.task.session_status(session) == SessionStatus::Pending)
        .map(|session| (session.rank, session.id.clone()))
        .collect();
    ready.sort();
    for (_, session) in ready {
        if running(&draft.task) >= draft.task.max_parallel || draft.task.is_over_budget() {
            return;
        }
        draft.event(Event::SessionOpening { session: session.clone() });
        draft.effect(Effect::OpenWorktree { session });
    }
}

/// Why nothing can go on although not everything is done.
fn standstill(draft: &Draft<'_, '_>) -> Option<Failure> {
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
    let pending = task
        .sessions
        .iter()
        .find(|session| session.phase != SessionPhase::Planning && session.state == SessionState::Pending)?;
    if task.is_over_budget() {
        let message = "The task's budget is spent. Raise it, then Retry.".to_owned();
        return Some(Failure { class: FailureClass::Limit, message, at });
    }
    let message = format!(
        "{:?} waits for a session that was cancelled. Retry that one, or skip it to go on without it.",
        pending.name
    );
    Some(Failure { class: FailureClass::Rejected, message, at })
}

pub(super) fn opened(draft: &mut Draft<'_, '_>, session: &SessionId) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    if found.state != SessionState::Opening || found.phase == SessionPhase::Planning {
        return Err(stale("the opening of the worktree"));
    }
    let spoken_to = !found.messages.is_empty();
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
    let (asks, phase) = (found.asks, found.phase);
    match outcome {
        MergeOutcome::Merged { commit } => {
            draft.event(Event::SessionCompleted { session: session.clone(), merged: Some(commit) });
            draft.effect(Effect::MarkProgress { session: session.clone(), marker: 'x' });
            go_on(draft);
        }
        MergeOutcome::Conflict { files, details } if asks < MAX_CONFLICT_ROUNDS => {
            let ask = Ask::ResolveConflict { files, details };
            draft.event(Event::SessionAskedAgain { session: session.clone(), ask: ask.clone() });
            turns::go_or_pause(draft, session, ask);
            go_on(draft);
        }
        MergeOutcome::Conflict { files, .. } => {
            let message = format!(
                "The session's branch still conflicts with the task's branch after {asks} rounds, in {}. Resolve it in \
                 the session's worktree and Retry, or Skip.",
                files.join(", ")
            );
            turns::fail(
                draft,
                session,
                phase,
                Failure { class: FailureClass::Conflict, message, at: draft.cx.now },
            );
        }
    }
    Ok(())
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
