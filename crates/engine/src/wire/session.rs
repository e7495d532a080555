//! Work sessions, their threads and planned tasks as clients see them.

use super::{evidence, last_error, usage};
use crate::clock::rfc3339;
use crate::settings::config::{HostPattern, NetworkMode};
use protocol::feed::WorkSessionUpdate;
use protocol::words::{ItemStatus, SandboxLevel};
use protocol::{
    BranchPointView, ConflictView, ImplementationTask, PlanEntryView, QueuedMessage, SandboxView,
    WorkSession, ZedThread,
};
use serde_json::{Value, json};
use workflow::prompts::cited_criteria;
use workflow::{
    AgentType, BranchPoint, CreationMethod, Message, PlanEntry, PlannedItem, Session, SessionGraph,
    SessionId, SessionState, SessionStatus, Task, ThreadStatus, Unit, UnitStatus,
};

/// Returns what confines processes here, in a network.
pub fn sandbox(sandbox: &sandbox::Sandbox, network: NetworkMode, hosts: &[HostPattern]) -> SandboxView {
    SandboxView {
        level: match sandbox.level() {
            sandbox::Level::Off => SandboxLevel::Off,
            sandbox::Level::Landlock => SandboxLevel::Landlock,
            sandbox::Level::Bubblewrap => SandboxLevel::Bubblewrap,
        },
        network,
        network_hosts: hosts.iter().map(ToString::to_string).collect(),
        reasons: sandbox.reasons().to_vec(),
    }
}

/// Returns the status of an entry of an agent's plan; one that the Agent Client Protocol does not have counts as
/// pending.
pub fn plan_entry_status(entry: &PlanEntry) -> ItemStatus {
    entry.status.parse().unwrap_or(ItemStatus::Pending)
}

fn plan_entry(entry: &PlanEntry) -> PlanEntryView {
    PlanEntryView { content: entry.content.clone(), status: plan_entry_status(entry) }
}

fn branch_point(point: &BranchPoint) -> BranchPointView {
    BranchPointView {
        work_session_id: point.session.to_string(),
        turn_id: point.turn.to_string(),
        turn_number: point.number,
        commit: point.commit.to_string(),
    }
}

/// Returns a message that waits for a turn.
pub fn queued_message(message: &Message) -> QueuedMessage {
    QueuedMessage {
        message_id: message.id.to_string(),
        turn_id: message.turn.to_string(),
        by: message.by.clone(),
        content: message.text.clone(),
        attachments: message.attachments.clone(),
        at: rfc3339(message.at),
    }
}

/// Returns a value that is an object, else an empty one.
fn object(value: &Value) -> Value {
    if value.is_object() { value.clone() } else { json!({}) }
}

fn agent_config(session: &Session) -> Value {
    let mut config = object(&session.wish.agent_config);
    config["agent"] = json!(session.agent);
    config
}

/// Returns a session of a task, whose sessions are given with how they depend on each other.
pub fn work_session(graph: &SessionGraph<'_>, session: &Session, path: Option<String>) -> WorkSession {
    let task = graph.task();
    let unit = session.unit.and_then(|index| task.units().get(index));
    WorkSession {
        id: session.id.to_string(),
        spec_task_id: task.id.to_string(),
        helix_session_id: session.helix_session.to_string(),
        name: session.display_name().to_owned(),
        description: session.shown_description().to_owned(),
        phase: session.phase,
        status: graph.status(session),
        agent_type: session.wish.agent_type.unwrap_or(AgentType::Zed),
        implementation_task_title: unit.map(|unit| unit.title.clone()),
        implementation_task_description: unit.map(|unit| unit.description.clone()),
        implementation_task_index: session.unit,
        parent_work_session_id: session.parent.as_ref().map(SessionId::to_string),
        spawned_by_session_id: (session.method == CreationMethod::Spawned)
            .then(|| session.parent.as_ref().map(SessionId::to_string))
            .flatten(),
        depends_on: session.depends_on.iter().map(SessionId::to_string).collect(),
        blocked_by: graph.blockers(session).into_iter().map(|blocker| blocker.id.to_string()).collect(),
        queue_reason: graph.waits_for(session),
        waits_until: session.retry_at.map(rfc3339),
        waits_for_person: session.state == SessionState::Idle,
        priority: task.priority_of(session),
        effort: task.effort_of(session),
        alternatives: graph.alternatives(session).iter().map(|other| other.id.to_string()).collect(),
        branched_from: session.branched_from.as_ref().map(branch_point),
        queued_messages: session.messages.iter().map(queued_message).collect(),
        agent_config: agent_config(session),
        environment_config: object(&session.wish.environment_config),
        workspace_path: path.into(),
        branch_name: session.branch.clone(),
        progress: task.session_progress(session),
        plan: session.plan.iter().map(plan_entry).collect(),
        unreported: session.unreported.iter().map(PlannedItem::label).collect(),
        usage: usage(session.usage),
        creation_method: session.method,
        last_error: session.last_error.as_ref().map(last_error),
        conflict: session
            .conflict()
            .map(|(files, details)| ConflictView { files: files.to_vec(), details: details.to_owned() }),
        created_at: rfc3339(session.created_at),
        updated_at: rfc3339(session.updated_at),
        started_at: session.started_at.map(rfc3339),
        completed_at: session.completed_at.map(rfc3339),
        agent_options: None,
        chosen_options: None,
        available_commands: None,
        sandbox: None,
    }
}

/// Returns a planned task of the documents in force, whose requirements are given as text.
pub fn implementation_task(task: &Task, unit: &Unit, requirements: &str) -> ImplementationTask {
    let session = task.session_of_unit(unit.index);
    let acceptance_criteria = if unit.acceptance_criteria.trim().is_empty() {
        cited_criteria(requirements, &unit.requirements).join("\n")
    } else {
        unit.acceptance_criteria.clone()
    };
    ImplementationTask {
        id: unit.id.to_string(),
        spec_task_id: task.id.to_string(),
        title: unit.title.clone(),
        description: unit.description.clone(),
        acceptance_criteria,
        estimated_effort: unit.effort.clone(),
        priority: session.map_or(task.priority, |session| task.priority_of(session)) as u32,
        optional: unit.optional,
        progress: task.unit_progress(unit.index),
        index: unit.index,
        number: unit.number.clone(),
        dependencies: unit.dependencies.clone(),
        requirements: unit.requirements.clone(),
        completed_before: unit.completed_before,
        status: task.unit_status(unit.index),
        assigned_work_session_id: session.map(|session| session.id.to_string()),
        evidence: evidence(&task.evidence(unit.index, task.unit_status(unit.index) == UnitStatus::Completed)),
        created_at: rfc3339(task.approved().map_or(task.created_at, |approved| approved.at)),
        completed_at: session.and_then(|session| session.completed_at).map(rfc3339),
    }
}

/// Returns the thread of a session, once its agent has opened one.
pub fn zed_thread(
    graph: &SessionGraph<'_>,
    session: &Session,
    run: &store::SessionRun,
    alive: bool,
) -> Option<ZedThread> {
    if run.thread_closed {
        return None;
    }
    // Before the agent has named the thread it goes by its own record's name.
    let opened = run.thread_opened.then(|| session.thread.to_string());
    let zed_thread_id =
        session.external_thread.clone().or_else(|| run.agent_sessions.last().cloned()).or(opened)?;
    let is_open = !run.agent_sessions.is_empty();
    let status = match (&session.state, graph.status(session)) {
        (SessionState::External { status }, _) => *status,
        (_, SessionStatus::Completed | SessionStatus::Cancelled) => ThreadStatus::Completed,
        (_, SessionStatus::Failed) => ThreadStatus::Failed,
        (_, SessionStatus::Active) if alive && is_open => ThreadStatus::Active,
        (_, SessionStatus::Active) if is_open => ThreadStatus::Disconnected,
        (_, SessionStatus::Active | SessionStatus::Pending | SessionStatus::Blocked) => ThreadStatus::Pending,
    };
    let mut thread_config = run.thread_config.as_ref().map_or_else(|| json!({}), object);
    thread_config["agent"] = json!(session.agent);
    thread_config["cwd"] = json!(run.workspace_path);
    Some(ZedThread {
        id: session.thread.to_string(),
        work_session_id: session.id.to_string(),
        spec_task_id: graph.task().id.to_string(),
        zed_thread_id,
        thread_config,
        status,
        last_activity_at: run.last_activity.map(rfc3339),
        created_at: rfc3339(session.started_at.unwrap_or(session.created_at)),
    })
}

/// Returns a session as watchers get it: without what only a lookup knows.
pub fn session_update(graph: &SessionGraph<'_>, session: &Session) -> WorkSessionUpdate {
    work_session(graph, session, None).into()
}
