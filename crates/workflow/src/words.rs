//! The closed vocabularies of a task, with the names they have on the wire and in the database.

use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// A word that is not in the vocabulary; the message lists what is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not one of {allowed}")]
pub struct UnknownWord {
    pub word: String,
    pub allowed: String,
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum $name {
            $(#[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every value, in the order of the vocabulary.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word on the wire and in the database.
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
    )*};
}

/// Reads a word; what is no text is answered with the words there are.
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
    /// Where a task stands.
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
    /// What kind of work a task is; the last three have no plan.
    TaskKind {
        Feature = "feature",
        Bug = "bug",
        Refactor = "refactor",
        Interactive = "interactive",
        Batch = "batch",
        CodingSession = "coding_session",
    }
    /// How much a task matters when slots are short.
    Priority { Low = "low", Medium = "medium", High = "high", Critical = "critical" }
    /// Whether a plan is cut into several sessions.
    Complexity { Simple = "simple", Complex = "complex" }
    /// What a work session is for.
    SessionPhase { Planning = "planning", Implementation = "implementation", Validation = "validation" }
    /// Where a work session stands.
    SessionStatus {
        Pending = "pending",
        Active = "active",
        Blocked = "blocked",
        Completed = "completed",
        Failed = "failed",
        Cancelled = "cancelled",
    }
    /// Where a planned task stands.
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
    /// What a comment of a reviewer is.
    CommentKind { Question = "question", Suggestion = "suggestion", Blocking = "blocking", Praise = "praise" }
    /// What became of a comment, as the planner says.
    Answer { Done = "done", Declined = "declined" }
    /// Which side of a diff a line is on.
    DiffSide { Old = "old", New = "new" }
    /// How a work session came to be.
    CreationMethod { Planned = "planned", Spawned = "spawned", AdHoc = "ad_hoc" }
    /// How much work something is.
    Effort { Small = "small", Medium = "medium", Large = "large" }
    /// Whether sessions work apart or in one worktree.
    Isolation { Worktree = "worktree", Shared = "shared" }
    /// What kind of agent a session asks for.
    AgentType { Simple = "simple", Helix = "helix_agent", Zed = "zed_agent" }
    /// Where a thread stands.
    ThreadStatus {
        Pending = "pending",
        Active = "active",
        Disconnected = "disconnected",
        Completed = "completed",
        Failed = "failed",
    }
    /// What sessions and people tell each other.
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
    /// When the sessions of a plan start that a template has ready.
    PlanStart { AfterApproval = "after_approval", AtOnce = "at_once" }
    /// What a reviewer decided.
    Decision { Approve = "approve", RequestChanges = "request_changes", Reject = "reject" }
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
        Internal = "internal",
    }
}

impl FailureClass {
    /// Whether trying again by itself can help.
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
    /// Whether tasks of this kind go through planning and review of a plan.
    pub fn is_planned(self) -> bool {
        matches!(self, Self::Feature | Self::Bug | Self::Refactor)
    }
}

impl TaskStatus {
    /// Whether nothing further happens to a task by itself or by its agents.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

impl SessionStatus {
    /// Whether the session has ended, well or badly.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}
