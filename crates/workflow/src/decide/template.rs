//! A task whose template has its plan ready: the documents are committed as they are, without a planner.

use super::{planning, review, stale};
use crate::context::Draft;
use crate::{Decision, Effect, Event, Phase, PlanStart, PlanningStep, Rejected, Specs, Task};

/// The round of documents that a template makes.
const ROUND: u32 = 1;

impl Task {
    /// Whether the documents of its template are being committed.
    pub(crate) fn commits_its_template(&self) -> bool {
        let commits = |step| step == PlanningStep::Committing;
        matches!(&self.phase, Phase::SpecGeneration { planning } if commits(planning.step))
            && self.ready_plan().is_some()
            && planning::session(self).is_none()
    }
}

/// Begins with the documents of the template.
pub(super) fn take(draft: &mut Draft<'_, '_>) {
    draft.event(Event::TemplateTaken { round: ROUND });
    draft.effect(Effect::CommitTemplate { round: ROUND });
}

/// The documents are committed: a person reviews them, unless the task starts at once.
pub(super) fn committed(draft: &mut Draft<'_, '_>, specs: Specs) -> Result<(), Rejected> {
    if !draft.task.commits_its_template() {
        return Err(stale("the commit of the template's documents"));
    }
    draft.event(Event::SpecsReady { specs });
    if draft.task.ready_plan() == Some(PlanStart::AtOnce) {
        let name = draft.task.template.as_ref().map_or("", |template| template.name.as_str());
        let review = review::SpecReview {
            decision: Decision::Approve,
            by: format!("template {name}"),
            comments: "The template has its plan ready and starts at once.".to_owned(),
            changes: Vec::new(),
            hash: None,
            run_again: Vec::new(),
        };
        review::specs(draft, review)?;
    }
    Ok(())
}
