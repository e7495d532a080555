//! The approval of the documents, by a person or by a template that starts at once.

use crate::context::Draft;
use crate::{Approved, CommentId, Decision, Effect, Event, Rejected, Specs, Unit};

/// The author and the text of a review of the documents.
pub(crate) struct Remarks {
    pub(crate) by: String,
    pub(crate) comments: String,
    pub(crate) changes: Vec<String>,
}

/// Approves the documents and hands them off. `run_again` has the numbers of ticked planned tasks that are carried out all
/// the same, or `all`.
pub(crate) fn approve(
    draft: &mut Draft<'_, '_>,
    mut specs: Specs,
    remarks: &Remarks,
    run_again: &[String],
) -> Result<(), Rejected> {
    unmark_completed(&mut specs.units, run_again)?;
    let record = record(draft, Decision::Approve, specs.round, remarks, &[]);
    let (hash, by) = (specs.hash.clone(), remarks.by.clone());
    draft.event(Event::SpecsApproved { approved: Approved { specs, by, at: draft.cx.now } });
    // A task's effects run one after the other, and sessions start with the handoff.
    draft.effect(Effect::HandOff { hash });
    draft.effect(record);
    Ok(())
}

/// Adds the event of a review of the documents, and returns the effect that writes the review to git.
pub(crate) fn record(
    draft: &mut Draft<'_, '_>,
    decision: Decision,
    round: u32,
    remarks: &Remarks,
    points: &[CommentId],
) -> Effect {
    let Remarks { by, comments, changes } = remarks;
    draft.event(Event::SpecsReviewed {
        decision,
        by: by.clone(),
        comments: comments.clone(),
        changes: changes.clone(),
        round,
        points: points.to_vec(),
    });
    Effect::RecordReview {
        round,
        decision,
        by: by.clone(),
        comments: comments.clone(),
        changes: changes.clone(),
        points: points.to_vec(),
    }
}

/// Unmarks ticked tasks of the plan that are carried out all the same. Rejects a plan without a task to carry out.
fn unmark_completed(units: &mut [Unit], run_again: &[String]) -> Result<(), Rejected> {
    for number in run_again {
        let mut chosen = units.iter_mut().filter(|unit| number == "all" || unit.number == *number).peekable();
        if chosen.peek().is_none() {
            return Err(Rejected::Invalid(format!(
                "`run_again` names {number}, which the plan does not have"
            )));
        }
        chosen.for_each(|unit| unit.completed_before = false);
    }
    if !units.is_empty() && units.iter().all(|unit| unit.completed_before) {
        return Err(Rejected::Invalid(
            "every task of the plan is ticked already, so there is nothing to carry out; name in `run_again` the numbers of the \
             tasks to run again, or `all`"
                .to_owned(),
        ));
    }
    Ok(())
}
