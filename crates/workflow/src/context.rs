//! The context and the result of a decision.

use crate::{Effect, EffectId, EffectRow, Event, Ids, Millis, Task, TaskId};

/// The inputs of a decision beside the task: the time, and the source of identifiers.
pub struct Context<'a> {
    pub now: Millis,
    pub ids: &'a mut dyn Ids,
}

/// The outcome of a decision: the task after it, what happened, what to do next.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub task: Task,
    pub events: Vec<Event>,
    pub effects: Vec<EffectRow>,
}

/// Why an input was not accepted, in words for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The task's state does not allow the input; the message names the state and what is allowed.
    #[error("{0}")]
    WrongState(String),
    /// A report about work that is over, which needs no action.
    #[error("{0}")]
    Stale(String),
    /// The input itself is not acceptable.
    #[error("{0}")]
    Invalid(String),
    /// The task has no session, comment or message with this id.
    #[error("{0}")]
    Unknown(String),
    /// The input exceeds a limit, which the code names.
    #[error("{message}")]
    Limit { code: &'static str, message: String },
    /// The input conflicts with the state of the change, as the code says.
    #[error("{message}")]
    Conflict { code: &'static str, message: String },
    /// The task is already in the requested state.
    #[error("{0}")]
    AlreadySo(String),
    /// The task belongs to another user, and is shown to that user only.
    #[error("there is no such task")]
    OtherOwner,
    /// Tasks would wait for each other: the chain leads from the task back to itself.
    #[error("the tasks would wait for each other: {}", in_a_chain(chain))]
    DependencyCycle { chain: Vec<TaskId> },
}

fn in_a_chain(tasks: &[TaskId]) -> String {
    tasks.iter().map(TaskId::as_str).collect::<Vec<_>>().join(" → ")
}

/// A decision being made: events fold into the task at once, so that later choices see them.
pub(crate) struct Draft<'c, 'i> {
    pub(crate) task: Task,
    pub(crate) events: Vec<Event>,
    pub(crate) effects: Vec<EffectRow>,
    pub(crate) cx: &'c mut Context<'i>,
}

impl<'c, 'i> Draft<'c, 'i> {
    pub(crate) fn new(task: Task, cx: &'c mut Context<'i>) -> Self {
        Self { task, events: Vec::new(), effects: Vec::new(), cx }
    }

    /// Adds an event, and applies it to the task.
    pub(crate) fn event(&mut self, event: Event) {
        self.task.apply(&event, self.cx.now);
        self.events.push(event);
    }

    /// Adds an effect that runs at once.
    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effect_after(0, effect);
    }

    /// Adds an effect that runs after a delay.
    pub(crate) fn effect_after(&mut self, milliseconds: i64, effect: Effect) {
        let id = EffectId::fresh(self.cx.ids);
        self.effects.push(EffectRow { id, effect, not_before: self.cx.now.plus(milliseconds) });
    }

    pub(crate) fn finish(mut self) -> Step {
        if !self.events.is_empty() {
            self.task.version += 1;
            self.task.updated_at = self.cx.now;
        }
        // No milestone follows a task's end, so that late counts are recorded at once.
        let is_late = self.task.status().is_terminal()
            && self.events.iter().any(|event| matches!(event, Event::ItemsCounted { .. }));
        if is_late || self.events.iter().any(Event::is_milestone) {
            self.effect(Effect::RecordHistory);
        }
        Step { task: self.task, events: self.events, effects: self.effects }
    }
}
