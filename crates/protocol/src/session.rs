//! Work sessions, their threads and planned tasks as clients see them.

use crate::words::{
    AgentType, CreationMethod, Effort, ItemStatus, NetworkMode, Priority, SandboxLevel, SessionPhase,
    SessionStatus, ThreadStatus, UnitStatus,
};
use crate::{
    AgentCommand, AgentOption, Attachment, EvidenceView, LastError, OptionValues, Optional, UsageView,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A work session: one agent thread's piece of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorkSession {
    pub id: String,
    pub spec_task_id: String,
    pub helix_session_id: String,
    pub name: String,
    pub description: String,
    pub phase: SessionPhase,
    pub status: SessionStatus,
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
    /// The reason why it waits, as a sentence, while it waits.
    #[schema(required)]
    pub queue_reason: Option<String>,
    /// When its turn is retried or a limit of its agent ends, while it waits for that.
    #[serde(default)]
    #[schema(required)]
    pub waits_until: Option<String>,
    /// Whether its turn is over and a person is to speak next; it is active, and nothing runs.
    pub waits_for_person: bool,
    pub priority: Priority,
    pub effort: Effort,
    /// The sessions among which a person chooses, this one included; empty where there is no choice.
    pub alternatives: Vec<String>,
    /// The turn of another session from which it continues.
    #[schema(required)]
    pub branched_from: Option<BranchPointView>,
    /// Messages of people that no turn has delivered yet.
    pub queued_messages: Vec<QueuedMessage>,
    pub agent_config: Value,
    pub environment_config: Value,
    #[serde(default, skip_serializing_if = "Optional::is_absent")]
    #[schema(required, value_type = Option<String>)]
    pub workspace_path: Optional<String>,
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
    pub creation_method: CreationMethod,
    #[schema(required)]
    pub last_error: Option<LastError>,
    /// The conflict of its work, while it is not resolved.
    #[schema(required)]
    pub conflict: Option<ConflictView>,
    pub created_at: String,
    pub updated_at: String,
    #[schema(required)]
    pub started_at: Option<String>,
    #[schema(required)]
    pub completed_at: Option<String>,
    /// The options that its agent offers with their values, such as model, mode and effort; empty before the agent's session
    /// began. Lists and live messages leave them out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_options: Option<Vec<AgentOption>>,
    /// The options that a person chose for this session, by id; the agent gets them again whenever its session is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::BTreeMap<String, Value>>)]
    pub chosen_options: Option<OptionValues>,
    /// The commands that its agent offers: messages that begin with `/` and the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_commands: Option<Vec<AgentCommand>>,
    /// How its agent is confined; live messages leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxView>,
}

/// How agents and checks are confined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SandboxView {
    /// The level of confinement.
    pub level: SandboxLevel,
    /// The network that they reach.
    pub network: NetworkMode,
    /// The hosts that its agent reaches under `allowlist` and `none`.
    pub network_hosts: Vec<String>,
    /// Why the level is not stronger.
    pub reasons: Vec<String>,
}

/// An entry of an agent's own plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanEntryView {
    pub content: String,
    pub status: ItemStatus,
}

/// A conflict with what was merged before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConflictView {
    pub files: Vec<String>,
    /// The conflicting places with the lines of both sides, as Markdown.
    pub details: String,
}

/// The end of a turn of another session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BranchPointView {
    pub work_session_id: String,
    pub turn_id: String,
    pub turn_number: u32,
    pub commit: String,
}

/// A message of a person that no turn has delivered yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueuedMessage {
    pub message_id: String,
    /// The turn that will carry it.
    pub turn_id: String,
    pub by: String,
    pub content: String,
    /// The files that the person attached.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    pub at: String,
}

/// A thread in an agent instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ZedThread {
    pub id: String,
    pub work_session_id: String,
    pub spec_task_id: String,
    /// The agent's own session id.
    pub zed_thread_id: String,
    pub thread_config: Value,
    pub status: ThreadStatus,
    #[schema(required)]
    pub last_activity_at: Option<String>,
    pub created_at: String,
}

/// A planned task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImplementationTask {
    pub id: String,
    pub spec_task_id: String,
    pub title: String,
    pub description: String,
    /// The text below it in the plan, else the criteria of the requirements that it cites, in full.
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
    pub status: UnitStatus,
    #[schema(required)]
    pub assigned_work_session_id: Option<String>,
    pub evidence: EvidenceView,
    pub created_at: String,
    #[schema(required)]
    pub completed_at: Option<String>,
}
