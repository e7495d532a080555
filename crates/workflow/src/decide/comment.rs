//! A person comments on the documents.

use super::rules::preconditions::wrong_state;
use crate::comment::{Comment, NewComment};
use crate::context::Draft;
use crate::{Event, Rejected, TaskStatus};

/// How many comments a task has at most.
const MAX_COMMENTS: usize = 500;

pub(super) fn handle(draft: &mut Draft<'_, '_>, new: NewComment) -> Result<(), Rejected> {
    let task = &draft.task;
    if task.comments.iter().any(|comment| comment.id == new.id) {
        return Err(Rejected::AlreadySo("the comment is made".to_owned()));
    }
    let allowed = "documents are commented on while they are under review or in force";
    if matches!(task.status(), TaskStatus::Done | TaskStatus::Cancelled) {
        return Err(wrong_state(task, "comment on the documents", allowed));
    }
    let specs = task.specs().ok_or_else(|| wrong_state(task, "comment on the documents", allowed))?;
    if specs.hash != new.hash || specs.round != new.round {
        return Err(Rejected::WrongState(format!(
            "the documents changed since this version; comment on the present one of round {}",
            specs.round
        )));
    }
    if task.comments.len() >= MAX_COMMENTS {
        let message =
            format!("the task has {MAX_COMMENTS} comments, and takes no more; request changes by them first");
        return Err(Rejected::Limit { code: "too_many_comments", message });
    }
    let NewComment { id, review, round, hash: _, anchor, kind, text, by } = new;
    let comment = Comment {
        id,
        number: task.comments.len() + 1,
        review,
        round,
        anchor,
        kind,
        text,
        by,
        at: draft.cx.now,
        replies: Vec::new(),
        resolved: None,
        sent: None,
    };
    draft.event(Event::Commented { comment: Box::new(comment) });
    Ok(())
}
