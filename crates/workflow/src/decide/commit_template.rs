//! The documents of the task's template are committed.

use super::rules::approval::{self, Remarks};
use super::rules::preconditions::stale;
use crate::context::Draft;
use crate::{Event, PlanStart, Rejected, Specs};

/// Opens the review of the documents, or approves them if the template starts at once.
pub(super) fn handle(draft: &mut Draft<'_, '_>, specs: Specs) -> Result<(), Rejected> {
    if !draft.task.commits_its_template() {
        return Err(stale("the commit of the template's documents"));
    }
    draft.event(Event::SpecsReady { specs: specs.clone() });
    if draft.task.ready_plan() == Some(PlanStart::AtOnce) {
        let name = draft.task.template.as_ref().map_or("", |template| template.name.as_str());
        let remarks = Remarks {
            by: format!("template {name}"),
            comments: "The template has its plan ready and starts at once.".to_owned(),
            changes: Vec::new(),
        };
        approval::approve(draft, specs, &remarks, &[])?;
    }
    Ok(())
}
