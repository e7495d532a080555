//! A person reviews the documents.

use super::rules::approval::{self, Remarks};
use super::rules::{cancellation, planning, preconditions::wrong_state};
use crate::comment::Comment;
use crate::context::Draft;
use crate::{Ask, CommentId, Decision, Event, Phase, Planning, PlanningStep, Rejected, Specs, TaskStatus};

/// A person's decision about the documents.
pub(super) struct Review {
    pub(super) decision: Decision,
    pub(super) by: String,
    pub(super) comments: String,
    pub(super) changes: Vec<String>,
    /// The content that the person read; absent is the content under review.
    pub(super) hash: Option<String>,
    /// Ticked tasks of the plan that are carried out all the same, by their numbers.
    pub(super) run_again: Vec<String>,
}

pub(super) fn handle(draft: &mut Draft<'_, '_>, review: Review) -> Result<(), Rejected> {
    let Phase::SpecReview { specs } = &draft.task.phase else {
        return Err(not_in_review(draft, &review));
    };
    let specs = specs.clone();
    let Review { decision, by, comments, changes, hash, run_again } = review;
    if hash.is_some_and(|seen| seen != specs.hash) {
        return Err(Rejected::WrongState(
            "the documents changed since you read them; read the present ones and decide again".to_owned(),
        ));
    }
    let remarks = Remarks { by, comments, changes };
    match decision {
        Decision::Approve => approval::approve(draft, specs, &remarks, &run_again)?,
        Decision::RequestChanges => request_changes(draft, &specs, remarks)?,
        Decision::Reject => {
            let record = approval::record(draft, decision, specs.round, &remarks, &[]);
            draft.effect(record);
            cancellation::cancel_task(draft, remarks.by);
        }
    }
    Ok(())
}

/// Queues a revision of the documents, with the open comments on them.
fn request_changes(draft: &mut Draft<'_, '_>, specs: &Specs, remarks: Remarks) -> Result<(), Rejected> {
    let open = draft.task.comments.iter().filter(|comment| comment.is_open());
    let points: Vec<CommentId> = open.clone().map(|comment| comment.id.clone()).collect();
    let is_requested = open.into_iter().any(Comment::asks);
    if remarks.comments.trim().is_empty() && remarks.changes.is_empty() && !is_requested {
        return Err(Rejected::Invalid(
            "say what is to be changed in `comments` or `changes`, or comment on the documents".to_owned(),
        ));
    }
    let record = approval::record(draft, Decision::RequestChanges, specs.round, &remarks, &points);
    draft.effect(record);
    let planning = Planning { round: specs.round + 1, step: PlanningStep::Waiting };
    draft.event(Event::PlanningQueued { planning });
    let session = match planning::session(&draft.task) {
        Some(session) => {
            draft.event(Event::SessionRetried { session: session.clone() });
            session
        }
        // A template's documents are revised by a planner.
        None => planning::add_session(draft),
    };
    let Remarks { by: _, comments, changes } = remarks;
    draft.event(Event::SessionTold { session, ask: Ask::Revise { comments, changes, points } });
    Ok(())
}

/// Returns the rejection of a review out of spec_review: of a decision that is in force already, or of any other.
fn not_in_review(draft: &Draft<'_, '_>, review: &Review) -> Rejected {
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
