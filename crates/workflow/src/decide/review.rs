//! A person decides about the documents, and approved ones are handed off to git.

use super::{comments, planning, stale, wrong_state};
use crate::context::Draft;
use crate::{
    Approved, Ask, CommentId, Commit, Decision, Effect, Event, Phase, Planning, PlanningStep, Rejected,
    TaskStatus, Unit,
};

/// A person's decision about the documents.
pub(super) struct SpecReview {
    pub(super) decision: Decision,
    pub(super) by: String,
    pub(super) comments: String,
    pub(super) changes: Vec<String>,
    /// The content the person saw; absent is the content under review.
    pub(super) hash: Option<String>,
    /// Ticked tasks of the plan that are to be carried out all the same, by their numbers.
    pub(super) run_again: Vec<String>,
}

pub(super) fn specs(draft: &mut Draft<'_, '_>, review: SpecReview) -> Result<(), Rejected> {
    let Phase::SpecReview { specs } = &draft.task.phase else {
        return Err(not_in_review(draft, &review));
    };
    let mut specs = specs.clone();
    if review.hash.as_ref().is_some_and(|seen| *seen != specs.hash) {
        return Err(Rejected::WrongState(
            "the documents changed since you read them; read the present ones and decide again".to_owned(),
        ));
    }
    let points = match review.decision {
        Decision::RequestChanges => comments::open(draft),
        Decision::Approve | Decision::Reject => Vec::new(),
    };
    let asks = |id: &CommentId| draft.task.comments.iter().any(|comment| comment.id == *id && comment.asks());
    if review.decision == Decision::RequestChanges
        && review.comments.trim().is_empty()
        && review.changes.is_empty()
        && !points.iter().any(asks)
    {
        return Err(Rejected::Invalid(
            "say what is to be changed in `comments` or `changes`, or comment on the documents".to_owned(),
        ));
    }
    if review.decision == Decision::Approve {
        choose_again(&mut specs.units, &review.run_again)?;
    }
    let SpecReview { decision, by, comments, changes, hash: _, run_again: _ } = review;
    draft.event(Event::SpecsReviewed {
        decision,
        by: by.clone(),
        comments: comments.clone(),
        changes: changes.clone(),
        round: specs.round,
        points: points.clone(),
    });
    let record = Effect::RecordReview {
        round: specs.round,
        decision,
        by: by.clone(),
        comments: comments.clone(),
        changes: changes.clone(),
        points: points.clone(),
    };
    match decision {
        Decision::Approve => {
            let hash = specs.hash.clone();
            draft.event(Event::SpecsApproved { approved: Approved { specs, by, at: draft.cx.now } });
            // A task's effects run one after the other, and sessions start with the handoff.
            draft.effect(Effect::HandOff { hash });
            draft.effect(record);
        }
        Decision::RequestChanges => {
            draft.effect(record);
            let planning = Planning { round: specs.round + 1, step: PlanningStep::Waiting };
            draft.event(Event::PlanningQueued { planning });
            let session = match planning::session(&draft.task) {
                Some(session) => {
                    draft.event(Event::SessionRetried { session: session.clone() });
                    session
                }
                // What a template had ready is revised by a planner.
                None => planning::add_session(draft),
            };
            draft.event(Event::SessionTold { session, ask: Ask::Revise { comments, changes, points } });
        }
        Decision::Reject => {
            draft.effect(record);
            super::people::end(draft, by);
        }
    }
    Ok(())
}

/// Marks ticked tasks that are to be carried out all the same; a plan needs something to carry out.
fn choose_again(units: &mut [Unit], run_again: &[String]) -> Result<(), Rejected> {
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

/// Approving what is approved is no error; anything else out of review is.
fn not_in_review(draft: &Draft<'_, '_>, review: &SpecReview) -> Rejected {
    let task = &draft.task;
    let (same_decision, other_content) = match review.decision {
        Decision::Approve => (
            task.approved().is_some() && task.status() != TaskStatus::Cancelled,
            review.hash.is_some()
                && review.hash.as_ref() != task.approved().map(|approved| &approved.specs.hash),
        ),
        Decision::RequestChanges => (task.status() == TaskStatus::SpecRevision, false),
        Decision::Reject => (task.status() == TaskStatus::Cancelled, false),
    };
    if same_decision && !other_content {
        return Rejected::AlreadySo(format!("the decision {} is in force", review.decision));
    }
    wrong_state(task, "review the documents", "documents are reviewed in spec_review")
}

pub(super) fn handed_off(draft: &mut Draft<'_, '_>, hash: &str, commit: Commit) -> Result<(), Rejected> {
    match &draft.task.phase {
        Phase::SpecApproved { approved } if approved.specs.hash == hash => {
            draft.event(Event::HandedOff { commit });
            draft.event(Event::ImplementationQueued);
            Ok(())
        }
        Phase::Backlog
        | Phase::SpecGeneration { .. }
        | Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecApproved { .. }
        | Phase::ImplementationQueued { .. }
        | Phase::Implementation { .. }
        | Phase::ImplementationReview { .. }
        | Phase::Done { .. }
        | Phase::SpecFailed { .. }
        | Phase::ImplementationFailed { .. }
        | Phase::Cancelled { .. } => Err(stale("the handoff")),
    }
}
