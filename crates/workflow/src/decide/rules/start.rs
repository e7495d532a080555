//! The start of a task, in one of three ways: without a plan, with a template's plan, or with a planner.

use super::planning;
use crate::context::Draft;
use crate::{Event, Planning, PlanningStep};

/// Starts a task that is in the backlog.
pub(crate) fn leave_backlog(draft: &mut Draft<'_, '_>) {
    if !draft.task.planned {
        draft.event(Event::ImplementationQueued);
        return;
    }
    if draft.task.ready_plan().is_some() {
        planning::commit_template(draft);
        return;
    }
    draft.event(Event::PlanningQueued { planning: Planning { round: 1, step: PlanningStep::Waiting } });
    planning::add_session(draft);
}
