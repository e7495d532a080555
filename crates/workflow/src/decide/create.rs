//! A task is created, queued and admitted.

use super::{planning, sessions, stale, template, wrong_state};
use crate::context::Draft;
use crate::{Context, Effect, Event, NewTask, Phase, Planning, PlanningStep, Rejected, Step, Task};

impl Task {
    /// Creates a task in the backlog, or on its way when `start` is set.
    pub fn create(new: NewTask, start: bool, cx: &mut Context<'_>) -> Result<Step, Rejected> {
        if new.prompt.trim().is_empty() {
            return Err(Rejected::Invalid("the prompt is empty; say what is to be done".to_owned()));
        }
        let mut draft = Draft::new(Task::created(&new, cx.now), cx);
        draft.event(Event::TaskCreated { task: Box::new(new) });
        if start {
            self::start(&mut draft)?;
        }
        Ok(draft.finish())
    }
}

pub(super) fn start(draft: &mut Draft<'_, '_>) -> Result<(), Rejected> {
    match &draft.task.phase {
        Phase::Backlog => {}
        Phase::SpecGeneration { .. } | Phase::ImplementationQueued { .. } | Phase::Implementation { .. } => {
            return Err(Rejected::AlreadySo("the task has started".to_owned()));
        }
        Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecApproved { .. }
        | Phase::ImplementationReview { .. }
        | Phase::Done { .. }
        | Phase::SpecFailed { .. }
        | Phase::ImplementationFailed { .. }
        | Phase::Cancelled { .. } => {
            return Err(wrong_state(&draft.task, "start", "only a task in the backlog starts"));
        }
    }
    if !draft.task.planned {
        draft.event(Event::ImplementationQueued);
        return Ok(());
    }
    if draft.task.ready_plan().is_some() {
        template::take(draft);
        return Ok(());
    }
    draft.event(Event::PlanningQueued { planning: Planning { round: 1, step: PlanningStep::Waiting } });
    planning::add_session(draft);
    Ok(())
}

/// There is a place: planning or implementation begins.
pub(super) fn admit(draft: &mut Draft<'_, '_>) -> Result<(), Rejected> {
    match &draft.task.phase {
        Phase::SpecGeneration { planning } | Phase::SpecRevision { planning, .. }
            if planning.step == PlanningStep::Waiting =>
        {
            let round = planning.round;
            let Some(session) = planning::session(&draft.task) else {
                return Err(stale("the planning session"));
            };
            draft.event(Event::PlanningStarted { round, session: session.clone() });
            draft.event(Event::SessionOpening { session: session.clone() });
            draft.effect(Effect::PreparePlanning { session });
            Ok(())
        }
        Phase::ImplementationQueued { .. } => {
            draft.event(Event::ImplementationStarted);
            sessions::plan(draft);
            sessions::advance(draft);
            Ok(())
        }
        Phase::Backlog
        | Phase::SpecGeneration { .. }
        | Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecApproved { .. }
        | Phase::Implementation { .. }
        | Phase::ImplementationReview { .. }
        | Phase::Done { .. }
        | Phase::SpecFailed { .. }
        | Phase::ImplementationFailed { .. }
        | Phase::Cancelled { .. } => Err(stale("the wait for a slot")),
    }
}

/// There is no place; the reason is shown.
pub(super) fn wait(draft: &mut Draft<'_, '_>, reason: String) -> Result<(), Rejected> {
    if !draft.task.is_queued() {
        return Err(stale("the wait for a slot"));
    }
    if draft.task.queue_reason.as_deref() == Some(reason.as_str()) {
        return Err(Rejected::AlreadySo("the reason is known".to_owned()));
    }
    draft.event(Event::Queued { reason });
    Ok(())
}

impl Task {
    /// Whether the scheduler decides when the task continues.
    pub fn is_queued(&self) -> bool {
        match &self.phase {
            _ if self.paused.is_some() => false,
            Phase::SpecGeneration { planning } | Phase::SpecRevision { planning, .. } => {
                planning.step == PlanningStep::Waiting
            }
            Phase::ImplementationQueued { .. } => true,
            Phase::Backlog
            | Phase::SpecReview { .. }
            | Phase::SpecApproved { .. }
            | Phase::Implementation { .. }
            | Phase::ImplementationReview { .. }
            | Phase::Done { .. }
            | Phase::SpecFailed { .. }
            | Phase::ImplementationFailed { .. }
            | Phase::Cancelled { .. } => false,
        }
    }
}
