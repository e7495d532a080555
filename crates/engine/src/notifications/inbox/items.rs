//! The items that follow from the state of a task.

use super::{cut, id};
use crate::clock::rfc3339;
use protocol::words::{InboxAction, InboxKind};
use protocol::{InboxItem, InboxSession, InboxTask};
use workflow::{
    Change, CoordinationEvent, Failure, Landing, Millis, PersonRequest, Phase, Session, SessionGraph,
    SessionState, Specs, Task,
};

/// The longest summary, in characters.
const MAX_SUMMARY: usize = 500;

/// Returns the items of a task that wait for a person, without the permission requests of its agents. Archived tasks
/// have none.
pub fn of_task(task: &Task) -> Vec<InboxItem> {
    if task.archived {
        return Vec::new();
    }
    let mut items = of_phase(task);
    items.extend(task.open_person_requests().map(|event| asked(task, event)));
    items
}

fn of_phase(task: &Task) -> Vec<InboxItem> {
    match &task.phase {
        Phase::SpecReview { specs } => vec![spec_review(task, specs)],
        Phase::SpecFailed { failure, .. } => vec![task_failure(task, failure)],
        Phase::ImplementationFailed { failure, .. } => {
            let sessions = session_failures(task);
            if sessions.is_empty() { vec![task_failure(task, failure)] } else { sessions }
        }
        Phase::ImplementationReview { change, landing: Landing::Undecided, .. } => {
            vec![change_review(task, change)]
        }
        Phase::ImplementationReview { landing: Landing::Merging { at, needs_person: true, .. }, .. } => {
            vec![landing(task, *at)]
        }
        Phase::Implementation { .. } => at_work(task),
        Phase::ImplementationReview { landing: Landing::Merging { .. }, .. }
        | Phase::Backlog
        | Phase::SpecGeneration { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecApproved { .. }
        | Phase::ImplementationQueued { .. }
        | Phase::Done { .. }
        | Phase::Cancelled { .. } => Vec::new(),
    }
}

/// The parts of an item by which it differs from others.
pub(super) struct Parts<'a> {
    pub(super) kind: InboxKind,
    /// The key that distinguishes the item from others of its kind in its task.
    pub(super) key: &'a str,
    pub(super) session: Option<&'a Session>,
    pub(super) title: String,
    pub(super) summary: String,
    pub(super) since: Millis,
    pub(super) actions: Vec<InboxAction>,
}

pub(super) fn item(task: &Task, parts: Parts<'_>) -> InboxItem {
    let Parts { kind, key, session, title, summary, since, actions } = parts;
    let of_session = session.map_or("", |session| session.id.as_str());
    InboxItem {
        id: id(&[kind.as_str(), task.id.as_str(), of_session, key]),
        kind,
        task: InboxTask {
            id: task.id.to_string(),
            short_id: task.shown_id().to_owned(),
            name: task.name.clone(),
            project_id: task.project.to_string(),
        },
        work_session: session.map(|session| InboxSession {
            id: session.id.to_string(),
            name: session.display_name().to_owned(),
        }),
        title,
        summary: cut(&summary, MAX_SUMMARY),
        since: rfc3339(since),
        deadline: None,
        actions,
        content_hash: None,
        commit: None,
        request_id: None,
    }
}

/// Returns when the task's present stage began.
fn stage_since(task: &Task) -> Millis {
    task.stages.last().map_or(task.updated_at, |stage| stage.from)
}

fn spec_review(task: &Task, specs: &Specs) -> InboxItem {
    let planned = counted(specs.units.len(), "planned task");
    let summary =
        if specs.round > 1 { format!("Round {}, {planned}.", specs.round) } else { format!("{planned}.") };
    let parts = Parts {
        kind: InboxKind::SpecReview,
        key: &specs.round.to_string(),
        session: None,
        title: "Review the specification".to_owned(),
        summary,
        since: stage_since(task),
        actions: vec![InboxAction::Open, InboxAction::Approve, InboxAction::RequestChanges],
    };
    InboxItem { content_hash: Some(specs.hash.clone()), ..item(task, parts) }
}

fn change_review(task: &Task, change: &Change) -> InboxItem {
    let failed = change.checks.iter().filter(|check| !check.passed).count();
    // A command that waits for a person's trust has no exit code and took no time.
    let not_run =
        change.checks.iter().filter(|check| check.exit_code.is_none() && check.took_ms == 0).count();
    let checks = match (change.checks.len(), failed) {
        (0, _) => "No checks ran.".to_owned(),
        (all, _) if not_run > 0 => format!("{not_run} of {} did not run.", counted(all, "check")),
        (all, 0) => format!("{} passed.", counted(all, "check")),
        (all, failed) => format!("{failed} of {} failed.", counted(all, "check")),
    };
    let held = task.last_error.as_ref().map(|failure| format!(" {}", failure.message)).unwrap_or_default();
    let parts = Parts {
        kind: InboxKind::ChangeReview,
        key: change.head.0.as_str(),
        session: None,
        title: "Review the change".to_owned(),
        summary: format!("{checks}{held}"),
        since: stage_since(task),
        actions: vec![InboxAction::Open, InboxAction::Approve, InboxAction::RequestChanges],
    };
    InboxItem { commit: Some(change.head.to_string()), ..item(task, parts) }
}

fn landing(task: &Task, approved_at: Millis) -> InboxItem {
    let parts = Parts {
        kind: InboxKind::Landing,
        key: &approved_at.0.to_string(),
        session: None,
        title: format!("The change cannot land on {}", task.base_branch),
        summary: task.queue_reason.clone().unwrap_or_default(),
        since: approved_at,
        actions: vec![InboxAction::Open],
    };
    item(task, parts)
}

fn task_failure(task: &Task, failure: &Failure) -> InboxItem {
    let title = match &task.phase {
        Phase::SpecFailed { .. } => "Planning failed",
        _ => "Implementation failed",
    };
    let parts = Parts {
        kind: InboxKind::Failure,
        key: &failure.at.0.to_string(),
        session: None,
        title: title.to_owned(),
        summary: failure.message.clone(),
        since: failure.at,
        actions: vec![InboxAction::Retry, InboxAction::Open],
    };
    item(task, parts)
}

/// Returns what waits while sessions work: failed sessions, conversations, choices between forks, a budget that is used
/// up.
fn at_work(task: &Task) -> Vec<InboxItem> {
    let mut items = session_failures(task);
    if task.is_waiting_for_user() {
        items.extend(conversation(task));
    }
    let graph = SessionGraph::of(task);
    items.extend(task.sessions.iter().filter_map(|session| choice(task, &graph, session)));
    let has_started = task.sessions.iter().any(Session::has_work_in_flight);
    if task.is_over_budget() && !has_started && task.paused.is_none() && items.is_empty() {
        items.push(budget(task));
    }
    items
}

fn session_failures(task: &Task) -> Vec<InboxItem> {
    task.sessions.iter().filter_map(|session| session_failure(task, session)).collect()
}

fn session_failure(task: &Task, session: &Session) -> Option<InboxItem> {
    let SessionState::Failed { failure } = &session.state else { return None };
    let parts = Parts {
        kind: InboxKind::Failure,
        key: &failure.at.0.to_string(),
        session: Some(session),
        title: "A work session failed".to_owned(),
        summary: failure.message.clone(),
        since: failure.at,
        actions: vec![InboxAction::Retry, InboxAction::Skip, InboxAction::Open],
    };
    Some(item(task, parts))
}

/// Returns the session of a conversation whose turn ended last.
fn conversation(task: &Task) -> Option<InboxItem> {
    let idle = task.sessions.iter().filter(|session| session.state == SessionState::Idle);
    let session = idle.max_by_key(|session| session.updated_at)?;
    let last = session.worked.last().and_then(|interval| interval.until);
    let parts = Parts {
        kind: InboxKind::Message,
        key: &session.turns.to_string(),
        session: Some(session),
        title: "Reply to the agent".to_owned(),
        summary: "The agent ended its turn and waits for your message.".to_owned(),
        since: last.unwrap_or(session.updated_at),
        actions: vec![InboxAction::Reply, InboxAction::Open],
    };
    Some(item(task, parts))
}

/// Returns a choice between forks whose work is complete; the first one stands for all of them.
fn choice(task: &Task, graph: &SessionGraph<'_>, session: &Session) -> Option<InboxItem> {
    let alternatives = graph.alternatives(session);
    let is_complete = |one: &&Session| one.state == SessionState::WaitingToMerge || one.is_ended();
    if alternatives.first().is_none_or(|first| first.id != session.id)
        || !alternatives.iter().all(is_complete)
    {
        return None;
    }
    let names: Vec<&str> = alternatives.iter().map(|one| one.display_name()).collect();
    let since = alternatives.iter().map(|one| one.updated_at).max().unwrap_or(task.updated_at);
    let parts = Parts {
        kind: InboxKind::Question,
        key: &format!("choice {}", names.len()),
        session: Some(session),
        title: "Choose a version".to_owned(),
        summary: format!("One of these is merged: {}.", names.join(", ")),
        since,
        actions: vec![InboxAction::Open],
    };
    Some(item(task, parts))
}

/// Returns a question or a proposal of an agent.
fn asked(task: &Task, event: &CoordinationEvent) -> InboxItem {
    let title = match event.person_request {
        Some(PersonRequest::PlanChange { .. }) => "An agent proposes a change of the plan",
        Some(PersonRequest::Question { .. }) | None => "An agent asks",
    };
    let parts = Parts {
        kind: InboxKind::Question,
        key: event.id.as_str(),
        session: event.from.as_ref().and_then(|id| task.session(id)),
        title: title.to_owned(),
        summary: event.message.clone(),
        since: event.at,
        actions: vec![InboxAction::Open],
    };
    InboxItem { request_id: Some(event.id.to_string()), ..item(task, parts) }
}

fn budget(task: &Task) -> InboxItem {
    let parts = Parts {
        kind: InboxKind::Question,
        key: "budget",
        session: None,
        title: "The budget is used up".to_owned(),
        summary: "Raise the task's budget to continue, or cancel the task.".to_owned(),
        since: task.updated_at,
        actions: vec![InboxAction::Open],
    };
    item(task, parts)
}

/// Returns a number with its noun.
fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
