//! The life of a task, as a pure function.
//!
//! [`Task::handle`] takes what a person asked or what the world reported and answers with events (what
//! happened) and effects (what to do next), or with a rejection in words for people. [`Task::apply`] folds
//! an event into the state, so that the log and the state cannot disagree.
//!
//! The crate knows no runtime, database, git, HTTP, clock, files or randomness: time and identifiers come in
//! as arguments, documents as text.

pub mod documents;

mod apply;
mod context;
mod decide;
mod effect;
mod event;
mod failure;
mod ids;
mod input;
pub mod prompts;
pub mod schedule;
mod session;
mod task;
mod wanted;
mod words;

pub use context::{Context, Rejected, Step};
pub use effect::{Effect, EffectRow};
pub use event::{Event, PlannedSession};
pub use failure::{Failure, MAX_HEALS};
pub use ids::*;
pub use input::{CheckResult, Input, LandOutcome, MergeOutcome, NewTask, TaskEdit};
pub use session::{Ask, Interval, Message, Session, SessionState, Turn};
pub use task::{
    Approved, Budget, Change, Landing, Phase, Planning, PlanningStep, Specs, Stuck, Task, Unit, Usage,
};
pub use words::*;
