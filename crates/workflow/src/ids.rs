//! Identifiers: prefixed strings, one type per kind of thing.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where new identifiers come from; the caller decides, so that tests are repeatable.
pub trait Ids {
    /// Returns an identifier never returned before, as `{prefix}_{unique part}`.
    fn next(&mut self, prefix: &str) -> String;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The prefix of identifiers of this kind.
            pub const PREFIX: &'static str = $prefix;

            /// Takes a fresh identifier.
            pub fn fresh(ids: &mut dyn Ids) -> Self {
                Self(ids.next(Self::PREFIX))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    )*};
}

ids! {
    /// A task: one prompt on its way to merged work.
    TaskId = "spt";
    /// A work session: one agent thread's piece of a task.
    SessionId = "stws";
    /// The conversation that belongs to a work session, one to one.
    HelixSessionId = "ses";
    /// The record of a thread in an agent instance.
    ThreadId = "thread";
    /// An agent instance: one process tree that serves a task's threads.
    InstanceId = "zi";
    /// A planned task as clients see it.
    UnitId = "stit";
    /// A project: a repository and its settings.
    ProjectId = "prj";
    /// A review round.
    ReviewId = "rev";
    /// A review comment.
    CommentId = "cmt";
    /// An entry of a task's event log.
    EventId = "evt";
    /// A person.
    UserId = "usr";
    /// A turn: one prompt to an agent and what it does until it stops.
    TurnId = "turn";
    /// A message of a person to a session.
    MessageId = "msg";
    /// An effect: one piece of work on one outside thing.
    EffectId = "eff";
}

/// A commit's id, as git prints it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Commit(pub String);

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// This time and `milliseconds` more.
    #[must_use]
    pub fn plus(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }
}

impl Commit {
    /// Returns whether a name, abbreviated to at least seven characters or whole, is that of this commit.
    pub fn is_named(&self, name: &str) -> bool {
        self.0 == name || (name.len() >= 7 && self.0.starts_with(name))
    }
}

impl InstanceId {
    /// Returns the identity of a task's instance: the same over restarts of its processes and of the server.
    pub fn of(task: &TaskId) -> Self {
        Self(format!("{}_{}", Self::PREFIX, task.as_str().trim_start_matches("spt_")))
    }
}
