//! A task and its phases; a phase carries the data that is valid in it.

use crate::{
    Comment, Commit, Complexity, CoordinationEvent, Failure, InstanceId, Isolation, ItemCount, Millis,
    Priority, ProjectId, Repair, Session, SessionId, SessionPhase, SessionStatus, ShortId, StageInterval,
    TaskId, TaskKind, TaskStatus, Template, UnitId, UnitStatus, UserId, input::CheckResult,
};
use protocol::AgentOptionsRule;
use serde::{Deserialize, Serialize};

/// One prompt on its way to merged work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub id: TaskId,
    pub project: ProjectId,
    pub owner: UserId,
    /// Its short id; the store gives one to each task that it has.
    #[serde(default)]
    pub short_id: Option<ShortId>,
    pub name: String,
    /// Whether its documents may name it: no person did, and the documents are not approved.
    #[serde(default)]
    pub takes_title: bool,
    /// The name's part in branch names; editing the name does not change it.
    pub branch_slug: String,
    /// The short id in the names of its branches; those of a task of an earlier version have its id instead.
    #[serde(default)]
    pub branch_short_id: Option<ShortId>,
    pub description: String,
    pub kind: TaskKind,
    pub priority: Priority,
    pub complexity: Complexity,
    pub prompt: String,
    pub spec_agent: String,
    pub implementation_agent: String,
    pub base_branch: String,
    pub labels: Vec<String>,
    pub depends_on: Vec<TaskId>,
    pub budget: Option<Budget>,
    pub workspace_config: Option<serde_json::Value>,
    pub archived: bool,
    /// How many of its sessions may run at once.
    pub max_parallel: usize,
    /// Whether its plan needs a person's approval; tasks without a plan do not.
    pub planned: bool,
    /// Structured data of the request; agents get it in addition to the prompt.
    #[serde(default)]
    pub config: Option<serde_json::Value>,
    /// Options that agents get in its sessions, such as the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agent_options: Vec<AgentOptionsRule>,
    /// The template it was made from.
    #[serde(default)]
    pub template: Option<Template>,
    /// How often its history is committed; absent is the project's setting.
    #[serde(default)]
    pub commit_frequency_minutes: Option<u64>,
    pub phase: Phase,
    pub sessions: Vec<Session>,
    /// How many times a review requested changes of the documents.
    pub revisions: u32,
    /// The reason why the task waits, while it waits.
    pub queue_reason: Option<String>,
    pub last_error: Option<Failure>,
    /// How many times a person retried a failed step.
    pub attempts: u32,
    pub usage: Usage,
    /// Whether its sessions have a worktree each or share one.
    #[serde(default = "apart")]
    pub isolation: Isolation,
    /// The messages between its sessions and people, in order.
    #[serde(default)]
    pub coordination: Vec<CoordinationEvent>,
    /// The comments on its documents, in order.
    #[serde(default)]
    pub comments: Vec<Comment>,
    /// The person who paused it and when, until a person resumes it.
    #[serde(default)]
    pub paused: Option<Paused>,
    /// The counts of completed items of each planned task, from the living checklist.
    #[serde(default)]
    pub item_counts: Vec<ItemCount>,
    /// When it began to wait for a slot, while it waits.
    #[serde(default)]
    pub waiting_since: Option<Millis>,
    /// The repairs of its change by agents, in order.
    #[serde(default)]
    pub repairs: Vec<Repair>,
    /// How many rounds of repair there were since the last decision of a person.
    #[serde(default)]
    pub repair_rounds: u32,
    /// The stages it was at, in order; the last interval is open. A task of an earlier version has those since its upgrade.
    #[serde(default)]
    pub stages: Vec<StageInterval>,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub started_at: Option<Millis>,
    pub completed_at: Option<Millis>,
    /// Grows by one with every change of state.
    pub version: u64,
}

/// The pause of a task by a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paused {
    pub by: String,
    pub at: Millis,
}

/// Returns the isolation of tasks stored without one.
pub(crate) fn apart() -> Isolation {
    Isolation::Worktree
}

/// The phase of a task, with its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    Backlog,
    /// The planning agent writes the documents.
    SpecGeneration {
        planning: Planning,
    },
    /// A person reads them.
    SpecReview {
        specs: Specs,
    },
    /// A review requested changes, and planning waits for a slot.
    SpecRevision {
        specs: Specs,
        planning: Planning,
    },
    /// They were approved and are being handed off to git.
    SpecApproved {
        approved: Approved,
    },
    /// Implementation waits for a slot.
    ImplementationQueued {
        approved: Option<Approved>,
    },
    Implementation {
        approved: Option<Approved>,
        checking: bool,
    },
    ImplementationReview {
        approved: Option<Approved>,
        change: Change,
        landing: Landing,
    },
    Done {
        approved: Option<Approved>,
        merged: Option<Commit>,
        /// The reviewed change with its checks; absent if there was none.
        #[serde(default)]
        change: Option<Change>,
    },
    SpecFailed {
        specs: Option<Specs>,
        failure: Failure,
        stuck: RetryPoint,
    },
    ImplementationFailed {
        approved: Option<Approved>,
        failure: Failure,
    },
    Cancelled {
        was: TaskStatus,
        approved: Option<Approved>,
        specs: Option<Specs>,
    },
}

/// The round of planning in progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planning {
    /// The round of documents it makes, from 1.
    pub round: u32,
    pub step: PlanningStep,
}

/// The step of planning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanningStep {
    /// Waits for a slot.
    Waiting,
    /// The repository and the planner's worktree are being made ready.
    Preparing,
    /// The planner has its turn.
    Writing,
    /// Its documents are being validated and committed.
    Committing,
}

/// Where a task that failed before implementation continues when it is retried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryPoint {
    Planning(Planning),
    HandOff(Approved),
}

/// A round of documents, committed and valid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Specs {
    pub round: u32,
    /// The commit on the design-docs branch.
    pub commit: Commit,
    /// The hash of the three documents without checkbox state.
    pub hash: String,
    /// The title that the documents give the task.
    #[serde(default)]
    pub title: Option<String>,
    pub units: Vec<Unit>,
}

/// Documents a person approved; approval is bound to their content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approved {
    pub specs: Specs,
    pub by: String,
    pub at: Millis,
}

/// A planned task: a top-level item of the plan, carried out by one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    pub id: UnitId,
    pub index: usize,
    /// As displayed in the plan.
    pub number: String,
    pub title: String,
    pub description: String,
    pub acceptance_criteria: String,
    pub effort: String,
    pub optional: bool,
    /// Indices of the planned tasks it needs.
    pub dependencies: Vec<usize>,
    pub requirements: Vec<String>,
    pub boundary: Vec<String>,
    /// The resources that its session holds while it works, in the order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Whether the plan had it ticked already: no session carries it out, and its dependents may start.
    #[serde(default)]
    pub completed_before: bool,
}

/// The change that the sessions made, under review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub head: Commit,
    pub checks: Vec<CheckResult>,
}

/// The state of the landing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "landing", rename_all = "snake_case")]
pub enum Landing {
    /// A person has not decided.
    Undecided,
    /// A person approved, and the change is being merged.
    Merging {
        by: String,
        at: Millis,
        /// The findings of secrets that the person acknowledged.
        #[serde(default)]
        acknowledged: Vec<String>,
        /// Whether a person has to act before it can land; the task's queue reason says how.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        needs_person: bool,
    },
}

/// The budget of a task.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    #[serde(default)]
    pub max_cost_usd: Option<f64>,
    #[serde(default)]
    pub max_tokens: Option<u64>,
}

/// The tokens and money that were spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cached_tokens: u64,
    pub cost_usd: Option<f64>,
}

/// What an agent reports at a turn's end of its usage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ReportedUsage {
    /// The usage of the turn.
    Turn(Usage),
    /// The usage of the conversation since it began.
    Conversation(ConversationUsage),
}

/// The usage of a conversation with an agent since it began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConversationUsage {
    /// The agent's name for it.
    pub conversation: String,
    pub usage: Usage,
}

impl Task {
    /// Returns the status in the API.
    pub fn status(&self) -> TaskStatus {
        match &self.phase {
            Phase::Backlog => TaskStatus::Backlog,
            Phase::SpecGeneration { .. } => TaskStatus::SpecGeneration,
            Phase::SpecReview { .. } => TaskStatus::SpecReview,
            Phase::SpecRevision { .. } => TaskStatus::SpecRevision,
            Phase::SpecApproved { .. } => TaskStatus::SpecApproved,
            Phase::ImplementationQueued { .. } => TaskStatus::ImplementationQueued,
            Phase::Implementation { .. } => TaskStatus::Implementation,
            Phase::ImplementationReview { .. } => TaskStatus::ImplementationReview,
            Phase::Done { .. } => TaskStatus::Done,
            Phase::SpecFailed { .. } => TaskStatus::SpecFailed,
            Phase::ImplementationFailed { .. } => TaskStatus::ImplementationFailed,
            Phase::Cancelled { .. } => TaskStatus::Cancelled,
        }
    }

    /// Returns the approved documents, from the approval on.
    pub fn approved(&self) -> Option<&Approved> {
        match &self.phase {
            Phase::SpecApproved { approved } => Some(approved),
            Phase::SpecFailed { stuck: RetryPoint::HandOff(approved), .. } => Some(approved),
            Phase::ImplementationQueued { approved }
            | Phase::Implementation { approved, .. }
            | Phase::ImplementationReview { approved, .. }
            | Phase::Done { approved, .. }
            | Phase::ImplementationFailed { approved, .. }
            | Phase::Cancelled { approved, .. } => approved.as_ref(),
            Phase::Backlog
            | Phase::SpecGeneration { .. }
            | Phase::SpecReview { .. }
            | Phase::SpecRevision { .. }
            | Phase::SpecFailed { .. } => None,
        }
    }

    /// Returns the documents in force: the approved ones, or else the last committed ones.
    pub fn specs(&self) -> Option<&Specs> {
        match &self.phase {
            Phase::SpecReview { specs } | Phase::SpecRevision { specs, .. } => Some(specs),
            Phase::SpecFailed { specs: Some(specs), .. } => Some(specs),
            Phase::Cancelled { approved: None, specs, .. } => specs.as_ref(),
            Phase::Backlog
            | Phase::SpecGeneration { .. }
            | Phase::SpecApproved { .. }
            | Phase::ImplementationQueued { .. }
            | Phase::Implementation { .. }
            | Phase::ImplementationReview { .. }
            | Phase::Done { .. }
            | Phase::SpecFailed { .. }
            | Phase::ImplementationFailed { .. }
            | Phase::Cancelled { .. } => self.approved().map(|approved| &approved.specs),
        }
    }

    /// Returns the change that is or was under review.
    pub fn change(&self) -> Option<&Change> {
        match &self.phase {
            Phase::ImplementationReview { change, .. } => Some(change),
            Phase::Done { change, .. } => change.as_ref(),
            Phase::Backlog
            | Phase::SpecGeneration { .. }
            | Phase::SpecReview { .. }
            | Phase::SpecRevision { .. }
            | Phase::SpecApproved { .. }
            | Phase::ImplementationQueued { .. }
            | Phase::Implementation { .. }
            | Phase::SpecFailed { .. }
            | Phase::ImplementationFailed { .. }
            | Phase::Cancelled { .. } => None,
        }
    }

    /// Returns the planned tasks of the documents in force.
    pub fn units(&self) -> &[Unit] {
        self.specs().map_or(&[], |specs| &specs.units)
    }

    pub fn session(&self, id: &SessionId) -> Option<&Session> {
        self.sessions.iter().find(|session| session.id == *id)
    }

    /// Returns whether one session carries out the whole plan.
    fn is_single_session(&self) -> bool {
        self.complexity == Complexity::Simple && self.units().len() > 1
    }

    /// Returns the planned tasks that a session carries out.
    pub fn units_of(&self, session: &Session) -> &[Unit] {
        match session.unit {
            Some(_) if self.is_single_session() => self.units(),
            Some(index) => self.units().get(index).map_or(&[], std::slice::from_ref),
            None => &[],
        }
    }

    /// Returns the session that carries out a planned task, without cancelled ones.
    pub fn session_of_unit(&self, index: usize) -> Option<&Session> {
        let index = if self.is_single_session() { 0 } else { index };
        self.sessions
            .iter()
            .find(|session| session.unit == Some(index) && session.own_status() != SessionStatus::Cancelled)
            .or_else(|| self.sessions.iter().find(|session| session.unit == Some(index)))
    }

    /// Returns a session's status in the API.
    pub fn session_status(&self, session: &Session) -> SessionStatus {
        if self.blockers(session).is_empty() && self.awaited_answer(session).is_none() {
            session.own_status()
        } else {
            SessionStatus::Blocked
        }
    }

    /// Returns a planned task's status, from the session that carries it out.
    pub fn unit_status(&self, index: usize) -> UnitStatus {
        let Some(session) = self.session_of_unit(index) else {
            let is_done = self.units().get(index).is_some_and(|unit| unit.completed_before);
            return if is_done { UnitStatus::Completed } else { UnitStatus::Pending };
        };
        match self.session_status(session) {
            SessionStatus::Pending => UnitStatus::Assigned,
            SessionStatus::Active => UnitStatus::InProgress,
            SessionStatus::Blocked => UnitStatus::Blocked,
            SessionStatus::Completed if self.has_unreported(session, index) => UnitStatus::NotReported,
            SessionStatus::Completed => UnitStatus::Completed,
            SessionStatus::Failed => UnitStatus::Failed,
            SessionStatus::Cancelled => UnitStatus::Skipped,
        }
    }

    /// Returns whether a session left sub-tasks of a planned task unreported.
    pub fn has_unreported(&self, session: &Session, unit: usize) -> bool {
        match self.units().get(unit).filter(|_| self.is_single_session()) {
            Some(unit) => session.unreported.iter().any(|item| item.is_part_of(unit)),
            None => !session.unreported.is_empty(),
        }
    }

    /// Returns whether no session's work touches a file.
    pub fn is_change_empty(&self) -> bool {
        // A change without sessions was on the branch before any began, as that of a revert.
        if self.sessions.is_empty() {
            return false;
        }
        let has_changed = |session: &Session| session.ended.iter().any(|turn| turn.changed);
        !self.sessions.iter().any(|session| session.is_crew() && has_changed(session))
    }

    /// Returns the instance that serves or served the task's threads; none before the first began.
    pub fn instance(&self) -> Option<InstanceId> {
        let has_begun = self.sessions.iter().any(|session| session.started_at.is_some());
        has_begun.then(|| InstanceId::of(&self.id))
    }

    /// Returns the branch on which the sessions' work is merged.
    pub fn branch(&self) -> String {
        match &self.branch_short_id {
            Some(short_id) => format!("task/{short_id}-{}", self.branch_slug),
            None => format!("task/{}-{}", self.id, self.branch_slug),
        }
    }

    /// Returns the branch of a session's work: its own, or the task's if all share one worktree. The session is one of the
    /// task's, or the next one to be added.
    pub fn session_branch(&self, session: &SessionId, name: &str) -> String {
        match (self.isolation, &self.branch_short_id) {
            (Isolation::Shared, _) => self.branch(),
            (Isolation::Worktree, None) => format!("{}/{session}", self.session_branches()),
            (Isolation::Worktree, Some(_)) => {
                let mut crew = self.sessions.iter().filter(|known| known.phase != SessionPhase::Planning);
                let before = crew.by_ref().take_while(|known| known.id != *session).count();
                format!("{}/{}-{}", self.session_branches(), before + 1, slug(name))
            }
        }
    }

    /// Returns the id by which people are shown the task: the short one, once it has one.
    pub fn shown_id(&self) -> &str {
        self.short_id.as_ref().map_or(self.id.as_str(), ShortId::as_str)
    }

    /// Returns the folder below `refs/heads` in which its sessions have their branches.
    pub fn session_branches(&self) -> String {
        match &self.branch_short_id {
            Some(short_id) => format!("spectask/{short_id}"),
            None => format!("session/{}", self.id),
        }
    }

    /// Takes the title of the documents as its name, where they may name it.
    pub(crate) fn take_title(&mut self, specs: &Specs) {
        if let Some(title) = specs.title.as_ref().filter(|_| self.takes_title) {
            self.name.clone_from(title);
            self.branch_slug = slug(title);
        }
    }

    /// Returns whether a person acts next: reviews, answers, or handles a failure.
    pub fn needs_person(&self) -> bool {
        if self.open_person_requests().next().is_some() {
            return true;
        }
        match &self.phase {
            Phase::SpecReview { .. } | Phase::SpecFailed { .. } | Phase::ImplementationFailed { .. } => true,
            Phase::ImplementationReview { landing, .. } => *landing == Landing::Undecided,
            Phase::Implementation { .. } => {
                let has_failed =
                    |session: &Session| matches!(session.state, crate::SessionState::Failed { .. });
                self.is_waiting_for_user() || self.sessions.iter().any(has_failed)
            }
            Phase::Backlog
            | Phase::SpecGeneration { .. }
            | Phase::SpecRevision { .. }
            | Phase::SpecApproved { .. }
            | Phase::ImplementationQueued { .. }
            | Phase::Done { .. }
            | Phase::Cancelled { .. } => false,
        }
    }

    /// Returns whether its idle agent process is kept for a while: the next message needs it, or the same agent implements
    /// what it planned.
    pub fn may_keep_instance(&self) -> bool {
        let comes_back = match &self.phase {
            Phase::SpecReview { .. }
            | Phase::SpecRevision { .. }
            | Phase::SpecApproved { .. }
            | Phase::ImplementationQueued { .. } => true,
            Phase::Backlog
            | Phase::SpecGeneration { .. }
            | Phase::Implementation { .. }
            | Phase::ImplementationReview { .. }
            | Phase::Done { .. }
            | Phase::SpecFailed { .. }
            | Phase::ImplementationFailed { .. }
            | Phase::Cancelled { .. } => false,
        };
        let is_same = self.spec_agent == self.implementation_agent;
        self.is_waiting_for_user() || (comes_back && is_same && self.paused.is_none())
    }

    /// Returns whether all of its work waits for limits that last.
    pub fn is_parked(&self) -> bool {
        let mut at_work = self.sessions.iter().filter(|session| session.has_work_in_flight()).peekable();
        at_work.peek().is_some() && at_work.all(Session::is_parked)
    }

    /// Returns whether an agent process serves it or is about to.
    pub fn holds_instance(&self) -> bool {
        match &self.phase {
            _ if self.paused.is_some() => false,
            Phase::SpecGeneration { planning } => planning.step != PlanningStep::Waiting && !self.is_parked(),
            Phase::Implementation { .. } => !self.is_waiting_for_user() && !self.is_parked(),
            Phase::Backlog
            | Phase::SpecReview { .. }
            | Phase::SpecRevision { .. }
            | Phase::SpecApproved { .. }
            | Phase::ImplementationQueued { .. }
            | Phase::ImplementationReview { .. }
            | Phase::Done { .. }
            | Phase::SpecFailed { .. }
            | Phase::ImplementationFailed { .. }
            | Phase::Cancelled { .. } => false,
        }
    }
}

/// The longest part of a branch name that is made from a name, in bytes.
const MAX_SLUG_LEN: usize = 40;

/// Returns a name as a part of a branch name: lower-case ASCII words joined by hyphens, as many as fit. The words of other
/// scripts are left out.
pub(crate) fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let mut slug = String::new();
    for word in lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if slug.is_empty() {
            slug.push_str(&word[..word.len().min(MAX_SLUG_LEN)]);
        } else if slug.len() + 1 + word.len() <= MAX_SLUG_LEN {
            slug.push('-');
            slug.push_str(word);
        } else {
            break;
        }
    }
    if slug.is_empty() { "work".to_owned() } else { slug }
}
