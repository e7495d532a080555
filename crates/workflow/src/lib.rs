//! The life of a task, as a pure function.
//!
//! [`Task::handle`] takes an input (a request of a person, or a report of git or an agent) and returns events (what
//! happened) and effects (what to do next), or a rejection in words for people. [`Task::apply`] folds an event into the state, so
//! that the log and the state cannot disagree.
//!
//! The crate knows no runtime, database, git, HTTP, clock, files or randomness: time and identifiers come in
//! as arguments, documents as text.

mod apply;
mod comment;
mod context;
mod coordination;
mod decide;
mod effect;
mod estimate;
mod event;
mod evidence;
mod failure;
mod forecast;
mod ids;
mod input;
mod items;
mod metrics;
mod needed;
mod order;
mod progress;
pub mod prompts;
pub mod records;
mod repair;
pub mod resources;
pub mod schedule;
mod session;
mod short_id;
mod stage;
mod task;
mod template;
pub mod timeline;
mod waiting;

pub use comment::{Comment, CommentAnchor, LineComment, NewComment, Reply, Resolved};
pub use context::{Context, Rejected, Step};
pub use coordination::{CoordinationEvent, DeliveredIn, Delivery, PersonRequest};
pub use effect::{Effect, EffectRow};
pub use estimate::{Estimate, SessionTime};
pub use event::{Event, PlannedSession};
pub use evidence::Evidence;
pub use failure::{Failure, MAX_RETRIES};
pub use forecast::{Forecast, PlannedUsage, Range};
pub use ids::*;
pub use input::{
    CheckResult, CrewLimits, Input, LandOutcome, MergeOutcome, NewCoordination, NewSession, NewTask,
    PersonAnswer, ReportedThread, TaskEdit,
};
pub use items::{tick_reported, work_report};
pub use metrics::{FailureCount, SessionMetrics, Spent, TaskMetrics, day};
pub use order::SessionGraph;
pub use progress::{ItemCount, share};
pub use protocol::words::{
    AgentType, Answer, CommentKind, Complexity, CoordinationKind, CreationMethod, Decision, DiffSide,
    DocumentName, Effort, EvidenceState, FailureClass, Isolation, PlanStart, Priority, ProblemKind,
    SessionPhase, SessionStatus, Stage, TaskKind, TaskStatus, ThreadStatus, UnitStatus, UnknownWord,
};
pub use repair::{Problem, Repair, RepairOutcome, RepairRequest};
pub use session::{
    Ask, BranchPoint, Closing, EndedTurn, Interval, Message, PlanEntry, PlannedItem, Session, SessionRequest,
    SessionState, Turn, WorkReport,
};
pub use short_id::{ShortId, derive_key, is_key};
pub use stage::StageInterval;
pub use task::{
    Approved, Budget, Change, ConversationUsage, Landing, Paused, Phase, Planning, PlanningStep,
    ReportedUsage, RetryPoint, Specs, Task, Unit, Usage,
};
pub use template::Template;
