//! The closed vocabularies, with the names they have on the wire and in the database.

use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// A word that is not in the vocabulary; the message lists what is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    pub word: String,
    pub allowed: String,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not one of {}", self.word, self.allowed)
    }
}

impl std::error::Error for UnknownWord {}

/// Declares string enums: each has a schema of its own in the OpenAPI document.
macro_rules! words {
    ($($(#[doc = $doc:literal])* $name:ident { $($variant:ident = $word:literal),+ $(,)? })*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum $name {
            $(#[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every value, in the order of the vocabulary.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// Returns the word on the wire and in the database.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word {
                    $($word => Ok($name::$variant),)+
                    _ => Err(UnknownWord { word: word.to_owned(), allowed: [$($word),+].join(", ") }),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = deserializer.deserialize_str(Word { allowed: &[$($word),+] })?;
                word.parse().map_err(D::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                crate::schema::words(concat!($($doc),*).trim(), &[$($word),+])
            }
        }

        impl utoipa::ToSchema for $name {}
    )*};
}

/// Reads a word; the error for another type lists the words.
struct Word {
    allowed: &'static [&'static str],
}

impl Visitor<'_> for Word {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", self.allowed.join(", "))
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<String, E> {
        if self.allowed.contains(&word) {
            Ok(word.to_owned())
        } else {
            Err(E::invalid_value(Unexpected::Str(word), &self))
        }
    }
}

words! {
    /// The status of a task.
    TaskStatus {
        Backlog = "backlog",
        SpecGeneration = "spec_generation",
        SpecReview = "spec_review",
        SpecRevision = "spec_revision",
        SpecApproved = "spec_approved",
        ImplementationQueued = "implementation_queued",
        Implementation = "implementation",
        ImplementationReview = "implementation_review",
        Done = "done",
        SpecFailed = "spec_failed",
        ImplementationFailed = "implementation_failed",
        Cancelled = "cancelled",
    }
    /// The kind of an item that waits for a person.
    InboxKind {
        Permission = "permission",
        Question = "question",
        Failure = "failure",
        Landing = "landing",
        SpecReview = "spec_review",
        ChangeReview = "change_review",
        Message = "message",
    }
    /// An answer to what waits for a person. `open` is always possible: the page of the task has the rest.
    InboxAction {
        Approve = "approve",
        RequestChanges = "request_changes",
        Allow = "allow",
        Deny = "deny",
        AllowAlways = "allow_always",
        Retry = "retry",
        Skip = "skip",
        Reply = "reply",
        Open = "open",
    }
    /// The meaning of an answer to a permission request. `allow_always` also answers equal requests of the task from then on.
    PermissionDecision {
        Allow = "allow",
        Deny = "deny",
        AllowAlways = "allow_always",
    }
    /// The event of an item of the inbox.
    InboxEvent {
        Added = "added",
        Changed = "changed",
        Resolved = "resolved",
    }
    /// The kind of a task; the last three have no plan.
    TaskKind {
        Feature = "feature",
        Bug = "bug",
        Refactor = "refactor",
        Interactive = "interactive",
        Batch = "batch",
        CodingSession = "coding_session",
    }
    /// The priority of a task for slots.
    Priority { Low = "low", Medium = "medium", High = "high", Critical = "critical" }
    /// Whether a plan is carried out by one session or by several.
    Complexity { Simple = "simple", Complex = "complex" }
    /// The phase a work session belongs to.
    SessionPhase { Planning = "planning", Implementation = "implementation", Validation = "validation" }
    /// The status of a work session.
    SessionStatus {
        Pending = "pending",
        Active = "active",
        Blocked = "blocked",
        Completed = "completed",
        Failed = "failed",
        Cancelled = "cancelled",
    }
    /// The status of a planned task.
    UnitStatus {
        Pending = "pending",
        Assigned = "assigned",
        InProgress = "in_progress",
        Completed = "completed",
        Blocked = "blocked",
        Failed = "failed",
        Skipped = "skipped",
        NotReported = "not_reported",
    }
    /// The documents that are reviewed.
    DocumentName { Requirements = "requirements", Design = "design", Tasks = "tasks" }
    /// The kind of a review comment.
    CommentKind { Question = "question", Suggestion = "suggestion", Blocking = "blocking", Praise = "praise" }
    /// The planner's answer to a comment.
    Answer { Done = "done", Declined = "declined" }
    /// Which side of a diff a line is on.
    DiffSide { Old = "old", New = "new" }
    /// How a work session was created.
    CreationMethod { Planned = "planned", Spawned = "spawned", AdHoc = "ad_hoc" }
    /// The effort of a session.
    Effort { Small = "small", Medium = "medium", Large = "large" }
    /// Whether sessions have a worktree each or share one.
    Isolation { Worktree = "worktree", Shared = "shared" }
    /// The kind of agent that a session requests.
    AgentType { Simple = "simple", Helix = "helix_agent", Zed = "zed_agent" }
    /// The status of a thread.
    ThreadStatus {
        Pending = "pending",
        Active = "active",
        Disconnected = "disconnected",
        Completed = "completed",
        Failed = "failed",
    }
    /// The kind of a coordination event.
    CoordinationKind {
        Handoff = "handoff",
        Blocking = "blocking",
        Notification = "notification",
        Request = "request",
        Response = "response",
        Broadcast = "broadcast",
        Completion = "completion",
        Spawn = "spawn",
    }
    /// When the sessions start if a template has its plan ready.
    PlanStart { AfterApproval = "after_approval", AtOnce = "at_once" }
    /// The decision of a reviewer.
    Decision { Approve = "approve", RequestChanges = "request_changes", Reject = "reject" }
    /// Whether the mark of an item as done has something behind it: commits that touch files (`done`) or only the mark
    /// (`claimed`). `not_reported` says that the session ended and its agent did not report the item as done.
    EvidenceState { Done = "done", Claimed = "claimed", NotReported = "not_reported" }
    /// The status of a requirement: no planned task names it (`uncovered`), its planned tasks wait, work or are done, a
    /// session ended without a report of all of it (`not_reported`), or a person skipped its planned tasks.
    RequirementStatus {
        Uncovered = "uncovered",
        Planned = "planned",
        InProgress = "in_progress",
        Done = "done",
        NotReported = "not_reported",
        Skipped = "skipped",
    }
    /// The evidence that a requirement is met: commits of each of its planned tasks (`evidenced`), or only their marks
    /// (`claimed`); `missing` while one of them is open.
    RequirementProof {
        Evidenced = "evidenced",
        Claimed = "claimed",
        NotReported = "not_reported",
        Missing = "missing",
    }
    /// Where a commit of a task comes from: a session's turn, the merge of a session, or the landing on the base branch.
    CommitKind { Work = "work", Merge = "merge", Landing = "landing" }
    /// A person's action on a task.
    DecisionAction {
        ReviewSpecs = "review_specs",
        EditDocuments = "edit_documents",
        ReviewImplementation = "review_implementation",
        Retry = "retry",
        Cancel = "cancel",
        Reopen = "reopen",
        Close = "close",
        SkipSession = "skip_session",
        ChooseSession = "choose_session",
    }
    /// The stage of a task, named for what it waits for. `planning_queued` and `implementation_queued` wait for a slot,
    /// `spec_review` and `implementation_review` for a person.
    Stage {
        Backlog = "backlog",
        PlanningQueued = "planning_queued",
        Planning = "planning",
        SpecReview = "spec_review",
        HandOff = "hand_off",
        ImplementationQueued = "implementation_queued",
        Implementation = "implementation",
        ImplementationReview = "implementation_review",
        Failed = "failed",
        Done = "done",
        Cancelled = "cancelled",
    }
    /// The status of an item of a checklist.
    ItemStatus { Pending = "pending", InProgress = "in_progress", Completed = "completed" }
    /// The status of a review comment: the planner answers, a person resolves.
    CommentStatus { Open = "open", Answered = "answered", Resolved = "resolved" }
    /// The state of the text that a comment is about in the newest version: `changed` says that what stands there is
    /// worded otherwise.
    AnchorState { Kept = "kept", Changed = "changed", Outdated = "outdated" }
    /// Whether two sessions' changes of a file go together.
    CollisionState { BothTouch = "both_touch", Conflict = "conflict" }
    /// The status of an agent instance.
    InstanceStatus {
        NotCreated = "not_created",
        Pending = "pending",
        Active = "active",
        Disconnected = "disconnected",
        Completed = "completed",
        Failed = "failed",
    }
    /// The confinement of agents and checks, from the strongest.
    SandboxLevel { Bubblewrap = "bubblewrap", Landlock = "landlock", Off = "off" }
    /// The network of a project's process trees: everything that the machine reaches (`open`), the hosts of
    /// `network_allow` (`allowlist`), or nothing. Agents reach their models in any case.
    NetworkMode { Open = "open", Allowlist = "allowlist", None = "none" }
    /// The state of a pull request.
    PullRequestState { Open = "open", Closed = "closed", Merged = "merged" }
    /// A part of the live stream that can be subscribed to: all tasks of the user, one task, or one session's log.
    TopicKind { Fleet = "fleet", Task = "task", Session = "session" }
    /// An event of the documents or the change under review.
    ReviewEvent {
        SpecsReady = "specs_ready",
        DocumentsChanged = "documents_changed",
        SpecsReviewed = "specs_reviewed",
        Commented = "commented",
        CommentReplied = "comment_replied",
        CommentResolved = "comment_resolved",
        ChangeReady = "change_ready",
        ImplementationReviewed = "implementation_reviewed",
    }
    /// Marks a message of the topic `coordination` that lists collisions.
    CollisionsEvent { Collisions = "collisions" }
    /// The use of a token: everything (`owner`), reading everything, the tasks of one project, or one task.
    TokenScope { Owner = "owner", Read = "read", Project = "project", Task = "task" }
    /// Where a token comes from: created by a person, from the server's environment, or in a file of its data directory.
    TokenOrigin { Created = "created", Environment = "environment", File = "file" }
    /// Whether a token can be used.
    TokenStatus { Valid = "valid", Expired = "expired", Revoked = "revoked" }
    /// Where something was found: in a task (name, prompt, description, labels), its documents, or a session's log.
    SearchKind { Task = "task", Spec = "spec", Transcript = "transcript" }
    /// The status of a file in a change.
    FileStatus { Added = "added", Modified = "modified", Deleted = "deleted", Renamed = "renamed" }
    /// Whether a line of a hunk is on both sides (a space), added (`+`) or removed (`-`), or git's note that the line before
    /// it has no newline (a backslash).
    LineKind { Context = " ", Added = "+", Removed = "-", Note = "\\" }
    /// The author of a message of a conversation.
    MessageRole { User = "user", Assistant = "assistant" }
    /// Where an agent is known from: it is part of SpecTask, the configuration names it, or SpecTask knows how to run it.
    AgentKind { BuiltIn = "built_in", Configured = "configured", Known = "known" }
    /// The role of an agent.
    AgentRole { Planning = "planning", Implementation = "implementation" }
    /// Where a template comes from: the project's repository, or SpecTask.
    TemplateSource { Repository = "repository", BuiltIn = "built_in" }
    /// The unit of a setting of retention.
    RuleUnit { Days = "days", Hours = "hours", Mebibytes = "MiB" }
    /// The activity of a session, or of the task when no session works, over a span of time. `permission` waits for a
    /// person to answer an agent's request, `ready` is complete and waits to be merged, `elsewhere` is in an editor.
    SpanActivity {
        Checks = "checks",
        Landing = "landing",
        Blocked = "blocked",
        Waiting = "waiting",
        Opening = "opening",
        Turn = "turn",
        Permission = "permission",
        Saving = "saving",
        Ready = "ready",
        Merging = "merging",
        Failed = "failed",
        Elsewhere = "elsewhere",
    }
    /// What a session is asked to fix in a finished change: a check that failed, or a finding that blocks the merge.
    ProblemKind { Check = "check", Finding = "finding" }
    /// A failure, classed by who can fix it.
    FailureClass {
        AgentCrashed = "agent_crashed",
        AgentRefused = "agent_refused",
        AgentMissing = "agent_missing",
        AgentSilent = "agent_silent",
        AgentError = "agent_error",
        AuthNeeded = "auth_needed",
        Network = "network",
        InvalidOutput = "invalid_output",
        NoChange = "no_change",
        Conflict = "conflict",
        Limit = "limit",
        Git = "git",
        Rejected = "rejected",
        SecretFound = "secret_found",
        OutOfSpace = "out_of_space",
        FindingOpen = "finding_open",
        SetupFailed = "setup_failed",
        Internal = "internal",
    }
}

impl Stage {
    /// Returns whether the stage waits for a person.
    pub fn is_review(self) -> bool {
        matches!(self, Self::SpecReview | Self::ImplementationReview)
    }

    /// Returns whether the task is over.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

impl FailureClass {
    /// Returns whether an automatic retry can succeed.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::AgentCrashed
                | Self::AgentSilent
                | Self::AgentError
                | Self::Network
                | Self::Limit
                | Self::Git
                | Self::OutOfSpace
                | Self::Internal
        )
    }
}

impl TaskKind {
    /// Returns whether tasks of this kind are planned and their plan is reviewed.
    pub fn is_planned(self) -> bool {
        matches!(self, Self::Feature | Self::Bug | Self::Refactor)
    }
}

impl TaskStatus {
    /// Returns whether the task is over.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

impl SessionStatus {
    /// Returns whether the session has ended, with or without success.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

#[expect(clippy::derivable_impls, reason = "the words are declared without a default")]
impl Default for NetworkMode {
    fn default() -> Self {
        Self::Open
    }
}

/// A token without a scope reads.
impl Default for TokenScope {
    fn default() -> Self {
        Self::Read
    }
}
