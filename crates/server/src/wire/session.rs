//! Work sessions, their threads and planned tasks as clients see them.

use super::rfc3339;
use super::task::{LastError, UsageView};
use crate::documents::ChecklistView;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use workflow::{
    CreationMethod, Session, SessionId, SessionPhase, SessionStatus, Task, TaskStatus, Unit, UnitStatus,
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
    /// `simple`, `helix_agent` or `zed_agent`.
    pub agent_type: String,
    #[schema(required)]
    pub implementation_task_title: Option<String>,
    #[schema(required)]
    pub implementation_task_description: Option<String>,
    #[schema(required)]
    pub implementation_task_index: Option<usize>,
    #[schema(required)]
    pub parent_work_session_id: Option<String>,
    #[schema(required)]
    pub spawned_by_session_id: Option<String>,
    /// Work sessions whose work this one needs.
    pub depends_on: Vec<String>,
    /// Those of them that are not done yet.
    pub blocked_by: Vec<String>,
    pub agent_config: Value,
    pub environment_config: Value,
    #[schema(required)]
    pub workspace_path: Option<String>,
    #[schema(required)]
    pub branch_name: Option<String>,
    /// The share of its items in the checklist that is done, 0 to 1.
    pub progress: f64,
    pub usage: UsageView,
    #[schema(schema_with = super::creation_method)]
    pub creation_method: CreationMethod,
    #[schema(required)]
    pub last_error: Option<LastError>,
    pub created_at: String,
    pub updated_at: String,
    #[schema(required)]
    pub started_at: Option<String>,
    #[schema(required)]
    pub completed_at: Option<String>,
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
    /// `pending`, `active`, `disconnected`, `completed` or `failed`.
    pub status: String,
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
    pub acceptance_criteria: String,
    pub estimated_effort: String,
    pub priority: u32,
    pub index: usize,
    /// As displayed in the plan.
    pub number: String,
    /// Indices of the planned tasks it needs.
    pub dependencies: Vec<usize>,
    pub requirements: Vec<String>,
    #[schema(schema_with = super::unit_status)]
    pub status: UnitStatus,
    #[schema(required)]
    pub assigned_work_session_id: Option<String>,
    pub created_at: String,
    #[schema(required)]
    pub completed_at: Option<String>,
}

impl WorkSession {
    /// A session of a task; the checklist, where there is one, tells how far it has come.
    pub fn of(
        task: &Task,
        session: &Session,
        path: Option<String>,
        checklist: Option<&ChecklistView>,
    ) -> Self {
        let unit = session.unit.and_then(|index| task.units().get(index));
        Self {
            id: session.id.to_string(),
            spec_task_id: task.id.to_string(),
            helix_session_id: session.helix_session.to_string(),
            name: session.name.clone(),
            description: session.description.clone(),
            phase: session.phase,
            status: task.session_status(session),
            agent_type: "zed_agent".to_owned(),
            implementation_task_title: unit.map(|unit| unit.title.clone()),
            implementation_task_description: unit.map(|unit| unit.description.clone()),
            implementation_task_index: session.unit,
            parent_work_session_id: session.parent.as_ref().map(SessionId::to_string),
            spawned_by_session_id: (session.method == CreationMethod::Spawned)
                .then(|| session.parent.as_ref().map(SessionId::to_string))
                .flatten(),
            depends_on: session.depends_on.iter().map(SessionId::to_string).collect(),
            blocked_by: task.blockers(session).into_iter().map(|blocker| blocker.id.to_string()).collect(),
            agent_config: json!({ "agent": session.agent }),
            environment_config: json!({}),
            workspace_path: path,
            branch_name: session.branch.clone(),
            progress: progress(task, session, unit, checklist),
            usage: UsageView::of(session.usage),
            creation_method: session.method,
            last_error: session.last_error.as_ref().map(LastError::of),
            created_at: rfc3339(session.created_at),
            updated_at: rfc3339(session.updated_at),
            started_at: session.started_at.map(rfc3339),
            completed_at: session.completed_at.map(rfc3339),
        }
    }
}

/// The share of a session's own items that is done, from the living checklist.
fn progress(task: &Task, session: &Session, unit: Option<&Unit>, checklist: Option<&ChecklistView>) -> f64 {
    if task.session_status(session) == SessionStatus::Completed {
        return 1.0;
    }
    let (Some(unit), Some(checklist)) = (unit, checklist) else { return 0.0 };
    let inside = format!("{}.", unit.number);
    let own: Vec<&str> = checklist
        .tasks
        .iter()
        .filter(|item| item.number.as_ref().is_some_and(|number| number.starts_with(&inside)))
        .map(|item| item.status.as_str())
        .collect();
    super::task::share(own.iter().filter(|status| **status == "completed").count(), own.len())
}

impl ImplementationTask {
    pub fn of(task: &Task, unit: &Unit) -> Self {
        let session = task.session_of_unit(unit.index);
        Self {
            id: unit.id.to_string(),
            spec_task_id: task.id.to_string(),
            title: unit.title.clone(),
            description: unit.description.clone(),
            acceptance_criteria: unit.acceptance_criteria.clone(),
            estimated_effort: unit.effort.clone(),
            priority: u32::try_from(unit.index).unwrap_or(u32::MAX),
            index: unit.index,
            number: unit.number.clone(),
            dependencies: unit.dependencies.clone(),
            requirements: unit.requirements.clone(),
            status: task.unit_status(unit.index),
            assigned_work_session_id: session.map(|session| session.id.to_string()),
            created_at: rfc3339(task.approved().map_or(task.created_at, |approved| approved.at)),
            completed_at: session.and_then(|session| session.completed_at).map(rfc3339),
        }
    }
}

impl ZedThread {
    /// The thread of a session, once its agent has opened one.
    pub fn of(task: &Task, session: &Session, run: &store::SessionRun, alive: bool) -> Option<Self> {
        let zed_thread_id = run.agent_sessions.last()?.clone();
        let status = match task.session_status(session) {
            SessionStatus::Completed => "completed",
            SessionStatus::Failed => "failed",
            SessionStatus::Cancelled => "completed",
            SessionStatus::Active if alive => "active",
            SessionStatus::Active => "disconnected",
            SessionStatus::Pending | SessionStatus::Blocked => "pending",
        };
        Some(Self {
            id: session.thread.to_string(),
            work_session_id: session.id.to_string(),
            spec_task_id: task.id.to_string(),
            zed_thread_id,
            thread_config: json!({ "agent": session.agent, "cwd": run.workspace_path }),
            status: status.to_owned(),
            last_activity_at: run.last_activity.map(rfc3339),
            created_at: rfc3339(session.started_at.unwrap_or(session.created_at)),
        })
    }
}

/// A session as its watchers are told of it: without what only a lookup knows.
pub fn session_news(task: &Task, session: &Session) -> Value {
    let mut news = serde_json::to_value(WorkSession::of(task, session, None, None)).unwrap_or_default();
    let done = task.status() == TaskStatus::Done || task.session_status(session) == SessionStatus::Completed;
    if let Some(fields) = news.as_object_mut() {
        fields.remove("workspace_path");
        if !done {
            fields.remove("progress");
        }
    }
    news
}
