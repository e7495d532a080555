//! A person reviews the change that the sessions made.

use super::rules::{cancellation, preconditions::wrong_state, rework};
use crate::context::Draft;
use crate::prompts;
use crate::{Ask, Change, Commit, Decision, Effect, Event, Landing, LineComment, Phase, Rejected, Task};

/// A person's decision about the change.
pub(super) struct Review {
    pub(super) decision: Decision,
    pub(super) by: String,
    pub(super) comments: String,
    pub(super) acknowledged: Vec<String>,
    pub(super) line_comments: Vec<LineComment>,
    /// The head of the change that the reviewer saw.
    pub(super) commit: Option<Commit>,
    pub(super) allow_empty: bool,
}

pub(super) fn handle(draft: &mut Draft<'_, '_>, review: Review) -> Result<(), Rejected> {
    let Review { decision, by, comments, acknowledged, line_comments, commit, allow_empty } = review;
    match (&draft.task.phase, decision) {
        (Phase::ImplementationReview { landing: Landing::Undecided, change, .. }, _) => {
            expect_seen(change, commit.as_ref())?;
            if decision == Decision::Approve && !allow_empty && draft.task.is_change_empty() {
                return Err(Rejected::Conflict {
                    code: "empty_change",
                    message: "the change is empty: no session changed a file. Request changes, reject it, or approve it \
                              with `allow_empty` if that is what you want"
                        .to_owned(),
                });
            }
        }
        (Phase::ImplementationReview { .. } | Phase::Done { .. }, Decision::Approve) => {
            return Err(Rejected::AlreadySo("the change is approved".to_owned()));
        }
        (Phase::Implementation { .. } | Phase::ImplementationQueued { .. }, Decision::RequestChanges)
            if is_requested(&draft.task, &comments, &line_comments) =>
        {
            return Err(Rejected::AlreadySo("these changes are asked for".to_owned()));
        }
        (Phase::Cancelled { .. }, Decision::Reject) => {
            return Err(Rejected::AlreadySo("the task is cancelled".to_owned()));
        }
        (
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
            | Phase::Cancelled { .. },
            _,
        ) => {
            let allowed = "an implementation is reviewed in implementation_review, before it lands";
            return Err(wrong_state(&draft.task, "review the implementation", allowed));
        }
    }
    if decision == Decision::RequestChanges && comments.trim().is_empty() && line_comments.is_empty() {
        return Err(Rejected::Invalid(
            "say what is to be changed in `comments` or `line_comments`".to_owned(),
        ));
    }
    draft.event(Event::ImplementationReviewed {
        decision,
        by: by.clone(),
        comments: comments.clone(),
        acknowledged,
        line_comments: line_comments.clone(),
    });
    match decision {
        Decision::Approve => draft.effect(Effect::Land),
        Decision::RequestChanges => {
            rework::add_session(draft, rework::REVIEW_CHANGES, Ask::Rework { comments, line_comments });
        }
        Decision::Reject => cancellation::cancel_task(draft, by),
    }
    Ok(())
}

/// Rejects a decision about a change that is not the one the reviewer read.
fn expect_seen(change: &Change, seen: Option<&Commit>) -> Result<(), Rejected> {
    match seen {
        Some(seen) if !change.head.is_named(&seen.0) => Err(Rejected::Conflict {
            code: "change_moved",
            message: format!(
                "the change is not the one that you read: it is at {} now, and you read {seen}. Read it again, then decide",
                change.head
            ),
        }),
        Some(_) | None => Ok(()),
    }
}

/// Returns whether a session is already making exactly these changes.
fn is_requested(task: &Task, comments: &str, line_comments: &[LineComment]) -> bool {
    let last = task.sessions.iter().max_by_key(|session| session.rank);
    last.is_some_and(|session| {
        session.name == rework::REVIEW_CHANGES
            && !session.is_ended()
            && session.description == prompts::rework_words(comments, line_comments)
    })
}
