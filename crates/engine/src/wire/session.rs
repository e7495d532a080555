//! Work sessions, their threads and planned tasks as clients see them.

use super::evidence::EvidenceView;
use super::rfc3339;
use super::task::{LastError, UsageView};
use crate::config::{HostPattern, NetworkMode};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use workflow::prompts::cited_criteria;
use workflow::{
    AgentType, BranchPoint, CreationMethod, Effort, Message, PlanEntry, PlannedItem, Priority, Session,
    SessionGraph, SessionId, SessionPhase, SessionState, SessionStatus, Task, ThreadStatus, Unit, UnitStatus,
};

/// A work session: one agent thread's piece of a task.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct WorkSession {
    pub id: String,
    pub spec_task_id: String,
    pub helix_session_id: String,
    pub name: String,
    pub description: String,
    #[schema(schema_with = super::session_phase)]
    pub phase: SessionPhase,
    #[schema(schema_with = super::session_status)]
    pub status: SessionStatus,
    #[schema(schema_with = super::agent_type)]
    pub agent_type: AgentType,
    /// The planned task that it carries out, where it carries out one.
    #[schema(required)]
    pub implementation_task_title: Option<String>,
    #[schema(required)]
    pub implementation_task_description: Option<String>,
    #[schema(required)]
    pub implementation_task_index: Option<usize>,
    /// The session that it comes from: by spawning, or as an alternative.
    #[schema(required)]
    pub parent_work_session_id: Option<String>,
    /// The session at work that asked for it.
    #[schema(required)]
    pub spawned_by_session_id: Option<String>,
    /// Work sessions whose work this one needs.
    pub depends_on: Vec<String>,
    /// Those of them that are not done yet.
    pub blocked_by: Vec<String>,
    /// What it waits for, as a sentence, while it waits.
    #[schema(required)]
    pub queue_reason: Option<String>,
    /// Whether its turn is over and a person is to speak next; it is active, and nothing runs.
    pub waits_for_person: bool,
    #[schema(schema_with = super::priority)]
    pub priority: Priority,
    #[schema(schema_with = super::effort)]
    pub effort: Effort,
    /// The sessions among which a person chooses, this one included; empty where there is no choice.
    pub alternatives: Vec<String>,
    /// The turn of another session from which it continues.
    #[schema(required)]
    pub branched_from: Option<BranchPointView>,
    /// What people said that no turn has carried yet.
    pub queued_messages: Vec<QueuedMessage>,
    pub agent_config: Value,
    pub environment_config: Value,
    #[schema(required)]
    pub workspace_path: Option<String>,
    #[schema(required)]
    pub branch_name: Option<String>,
    /// The share of its items that is done, 0 to 1: of its planned task in the checklist, or of its agent's own plan, which
    /// is a report: it makes a session complete only with the end of its work.
    pub progress: f64,
    /// The agent's own plan, as it reported it last.
    pub plan: Vec<PlanEntryView>,
    /// The sub-tasks that its agent did not report as done although the session ended.
    pub unreported: Vec<String>,
    pub usage: UsageView,
    #[schema(schema_with = super::creation_method)]
    pub creation_method: CreationMethod,
    #[schema(required)]
    pub last_error: Option<LastError>,
    /// What conflicts with its work, while that is not resolved.
    #[schema(required)]
    pub conflict: Option<ConflictView>,
    pub created_at: String,
    pub updated_at: String,
    #[schema(required)]
    pub started_at: Option<String>,
    #[schema(required)]
    pub completed_at: Option<String>,
    /// How its agent is confined; live messages leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxView>,
}

/// How agents and checks are confined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SandboxView {
    /// `bubblewrap`, `landlock` or `off`.
    pub level: String,
    /// What they reach over the network: `open`, `allowlist` or `none`.
    pub network: String,
    /// The hosts that its agent reaches under `allowlist` and `none`.
    pub network_hosts: Vec<String>,
    /// Why the level is not stronger.
    pub reasons: Vec<String>,
}

impl SandboxView {
    /// What confines processes here, in a network.
    pub fn of(sandbox: &sandbox::Sandbox, network: NetworkMode, hosts: &[HostPattern]) -> Self {
        Self {
            level: sandbox.level().name().to_owned(),
            network: network.name().to_owned(),
            network_hosts: hosts.iter().map(ToString::to_string).collect(),
            reasons: sandbox.reasons().to_vec(),
        }
    }
}

/// An entry of an agent's own plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PlanEntryView {
    pub content: String,
    /// `pending`, `in_progress` or `completed`.
    pub status: String,
}

/// A conflict with what was merged before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConflictView {
    pub files: Vec<String>,
    /// The conflicting places with the lines of both sides, as Markdown.
    pub details: String,
}

/// The end of a turn of another session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BranchPointView {
    pub work_session_id: String,
    pub turn_id: String,
    pub turn_number: u32,
    pub commit: String,
}

/// What a person said that no turn has carried yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct QueuedMessage {
    pub message_id: String,
    /// The turn that will carry it.
    pub turn_id: String,
    pub by: String,
    pub content: String,
    pub at: String,
}

/// A thread in an agent instance.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ZedThread {
    pub id: String,
    pub work_session_id: String,
    pub spec_task_id: String,
    /// The agent's own session id.
    pub zed_thread_id: String,
    pub thread_config: Value,
    #[schema(schema_with = super::thread_status)]
    pub status: ThreadStatus,
    #[schema(required)]
    pub last_activity_at: Option<String>,
    pub created_at: String,
}

/// A planned task.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ImplementationTask {
    pub id: String,
    pub spec_task_id: String,
    pub title: String,
    pub description: String,
    /// What the plan says below it, else the criteria of the requirements that it cites, in full.
    pub acceptance_criteria: String,
    pub estimated_effort: String,
    /// How much it matters: 0 for `low` to 3 for `critical`; that of its session, else that of the task.
    pub priority: u32,
    /// Whether the plan says that it may be left out.
    pub optional: bool,
    /// The share of its items that is done, 0 to 1.
    pub progress: f64,
    pub index: usize,
    /// As displayed in the plan.
    pub number: String,
    /// Indices of the planned tasks it needs.
    pub dependencies: Vec<usize>,
    pub requirements: Vec<String>,
    /// Whether the plan had it ticked before the approval: no session carries it out.
    pub completed_before: bool,
    #[schema(schema_with = super::unit_status)]
    pub status: UnitStatus,
    #[schema(required)]
    pub assigned_work_session_id: Option<String>,
    pub evidence: EvidenceView,
    pub created_at: String,
    #[schema(required)]
    pub completed_at: Option<String>,
}

impl PlanEntryView {
    pub fn of(entry: &PlanEntry) -> Self {
        Self { content: entry.content.clone(), status: entry.status.clone() }
    }
}

impl BranchPointView {
    pub fn of(point: &BranchPoint) -> Self {
        Self {
            work_session_id: point.session.to_string(),
            turn_id: point.turn.to_string(),
            turn_number: point.number,
            commit: point.commit.to_string(),
        }
    }
}

impl QueuedMessage {
    pub fn of(message: &Message) -> Self {
        Self {
            message_id: message.id.to_string(),
            turn_id: message.turn.to_string(),
            by: message.by.clone(),
            content: message.text.clone(),
            at: rfc3339(message.at),
        }
    }
}

/// A value that is an object, else an empty one.
fn object(value: &Value) -> Value {
    if value.is_object() { value.clone() } else { json!({}) }
}

fn agent_config(session: &Session) -> Value {
    let mut config = object(&session.wish.agent_config);
    config["agent"] = json!(session.agent);
    config
}

impl WorkSession {
    /// A session of a task, whose sessions are given with how they depend on each other.
    pub fn of(graph: &SessionGraph<'_>, session: &Session, path: Option<String>) -> Self {
        let task = graph.task();
        let unit = session.unit.and_then(|index| task.units().get(index));
        Self {
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
            waits_for_person: session.state == SessionState::Idle,
            priority: task.priority_of(session),
            effort: task.effort_of(session),
            alternatives: graph.alternatives(session).iter().map(|other| other.id.to_string()).collect(),
            branched_from: session.branched_from.as_ref().map(BranchPointView::of),
            queued_messages: session.messages.iter().map(QueuedMessage::of).collect(),
            agent_config: agent_config(session),
            environment_config: object(&session.wish.environment_config),
            workspace_path: path,
            branch_name: session.branch.clone(),
            progress: task.session_progress(session),
            plan: session.plan.iter().map(PlanEntryView::of).collect(),
            unreported: session.unreported.iter().map(PlannedItem::label).collect(),
            usage: UsageView::of(session.usage),
            creation_method: session.method,
            last_error: session.last_error.as_ref().map(LastError::of),
            conflict: session
                .conflict()
                .map(|(files, details)| ConflictView { files: files.to_vec(), details: details.to_owned() }),
            created_at: rfc3339(session.created_at),
            updated_at: rfc3339(session.updated_at),
            started_at: session.started_at.map(rfc3339),
            completed_at: session.completed_at.map(rfc3339),
            sandbox: None,
        }
    }
}

impl ImplementationTask {
    /// A planned task of the documents in force, whose requirements are given as text.
    pub fn of(task: &Task, unit: &Unit, requirements: &str) -> Self {
        let session = task.session_of_unit(unit.index);
        let acceptance_criteria = if unit.acceptance_criteria.trim().is_empty() {
            cited_criteria(requirements, &unit.requirements).join("\n")
        } else {
            unit.acceptance_criteria.clone()
        };
        Self {
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
            evidence: EvidenceView::of(
                &task.evidence(unit.index, task.unit_status(unit.index) == UnitStatus::Completed),
            ),
            created_at: rfc3339(task.approved().map_or(task.created_at, |approved| approved.at)),
            completed_at: session.and_then(|session| session.completed_at).map(rfc3339),
        }
    }
}

impl ZedThread {
    /// The thread of a session, once its agent has opened one.
    pub fn of(
        graph: &SessionGraph<'_>,
        session: &Session,
        run: &store::SessionRun,
        alive: bool,
    ) -> Option<Self> {
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
            (_, SessionStatus::Active | SessionStatus::Pending | SessionStatus::Blocked) => {
                ThreadStatus::Pending
            }
        };
        let mut thread_config = run.thread_config.as_ref().map_or_else(|| json!({}), object);
        thread_config["agent"] = json!(session.agent);
        thread_config["cwd"] = json!(run.workspace_path);
        Some(Self {
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
}

/// A session as watchers get it: without what only a lookup knows.
pub fn session_news(graph: &SessionGraph<'_>, session: &Session) -> Value {
    let mut news = serde_json::to_value(WorkSession::of(graph, session, None)).unwrap_or_default();
    if let Some(fields) = news.as_object_mut() {
        fields.remove("workspace_path");
    }
    news
}
