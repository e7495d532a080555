//! The sessions of the crew: which one starts or merges next, and when the implementation phase ends.

use super::{conversation, coordination};
use crate::context::Draft;
use crate::order::{SessionGraph, StartKey};
use crate::{
    Commit, Effect, Event, Failure, FailureClass, Phase, Session, SessionId, SessionPhase, SessionState,
    SessionStatus, TaskStatus,
};

/// Starts and merges the sessions that can start and merge, and ends the phase when none is left.
pub(crate) fn advance(draft: &mut Draft<'_, '_>) {
    if !matches!(draft.task.phase, Phase::Implementation { checking: false, .. })
        || draft.task.paused.is_some()
    {
        return;
    }
    reopen_unread(draft);
    merge_next(draft);
    start_ready(draft);
    if draft.task.sessions.iter().any(|session| session.is_crew() && session.has_work_in_flight()) {
        return;
    }
    // The scheduler starts what waits for a resource.
    if !draft.task.awaiting_resources().is_empty() {
        return;
    }
    if draft.task.is_conversation() && conversation::awaits_user(&draft.task) {
        return;
    }
    if draft.task.sessions.iter().any(|session| draft.task.awaited_answer(session).is_some()) {
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

/// Reopens the sessions that received messages after their work was complete: they read them before they are merged.
fn reopen_unread(draft: &mut Draft<'_, '_>) {
    let unread: Vec<SessionId> = draft
        .task
        .sessions
        .iter()
        .filter(|session| {
            session.state == SessionState::WaitingToMerge && draft.task.has_unread_messages(session)
        })
        .map(|session| session.id.clone())
        .collect();
    for session in unread {
        draft.event(Event::SessionReopened { session });
    }
}

/// Merges the first session in merge order. One session merges at a time.
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

/// Opens worktrees for the sessions that nothing blocks, up to the task's limit, ordered by priority, size and time waited.
fn start_ready(draft: &mut Draft<'_, '_>) {
    let task = &draft.task;
    let free = task.free_slots();
    if free == 0 || task.is_over_budget() {
        return;
    }
    let graph = SessionGraph::of(task);
    let mut ready: Vec<(StartKey, SessionId, bool)> = task
        .sessions
        .iter()
        .filter(|session| session.is_crew() && graph.status(session) == SessionStatus::Pending)
        .filter_map(|session| {
            let needs_resource = !task.resources_of(session).is_empty();
            // One that waits for a resource leaves its slot to others.
            let is_waiting = needs_resource && session.resource_wait.is_some();
            (!is_waiting).then(|| (graph.start_key(session), session.id.clone(), needs_resource))
        })
        .collect();
    ready.sort();
    // The scheduler starts those that need a resource, which sessions of other tasks may hold.
    for (_, session, _) in ready.into_iter().take(free).filter(|(_, _, needs_resource)| !needs_resource) {
        open_session(draft, session);
    }
}

/// Opens the worktree of a session, which begins its work.
pub(crate) fn open_session(draft: &mut Draft<'_, '_>, session: SessionId) {
    draft.event(Event::SessionOpening { session: session.clone() });
    draft.effect(Effect::OpenWorktree { session });
}

/// Completes a session whose work is on the task's branch.
pub(crate) fn complete_session(draft: &mut Draft<'_, '_>, session: &SessionId, merged: Option<Commit>) {
    draft.event(Event::SessionCompleted { session: session.clone(), merged });
    draft.effect(Effect::MarkProgress { session: session.clone(), marker: 'x' });
    coordination::notify_completed(draft, session);
}

/// Returns why no session can continue although not all of them have ended.
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
    // A session that waits for a message holds nothing up.
    let is_waiting =
        |session: &&Session| session.is_crew() && !session.is_ended() && session.state != SessionState::Idle;
    let waiting: Vec<&Session> = task.sessions.iter().filter(is_waiting).collect();
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

/// Continues after a person ended the wait of a session. A task that gave up its slot while all of its sessions waited queues
/// for one.
pub(crate) fn end_wait(draft: &mut Draft<'_, '_>, gave_up_slot: bool) {
    if draft.task.status() != TaskStatus::Implementation {
        return;
    }
    if gave_up_slot && !draft.task.is_conversation() {
        draft.event(Event::ImplementationQueued);
    } else {
        requeue_or_advance(draft);
    }
}

/// Queues the implementation again, or advances it, after a person acted on one of its sessions.
pub(crate) fn requeue_or_advance(draft: &mut Draft<'_, '_>) {
    match draft.task.status() {
        // A restarted session needs a slot like a new one.
        TaskStatus::Implementation if conversation::is_runnable(&draft.task) => {
            draft.event(Event::ImplementationQueued);
        }
        TaskStatus::Implementation => advance(draft),
        TaskStatus::ImplementationFailed => draft.event(Event::ImplementationQueued),
        TaskStatus::ImplementationReview => {
            let is_waiting = |session: &Session| {
                session.is_crew() && !session.is_ended() && session.state != SessionState::Idle
            };
            if draft.task.sessions.iter().any(is_waiting) {
                draft.event(Event::ImplementationQueued);
            }
        }
        TaskStatus::Backlog
        | TaskStatus::SpecGeneration
        | TaskStatus::SpecReview
        | TaskStatus::SpecRevision
        | TaskStatus::SpecApproved
        | TaskStatus::ImplementationQueued
        | TaskStatus::Done
        | TaskStatus::SpecFailed
        | TaskStatus::Cancelled => {}
    }
}
