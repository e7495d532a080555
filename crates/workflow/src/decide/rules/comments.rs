//! Comments on the documents.

use crate::comment::Comment;
use crate::context::Draft;
use crate::{CommentId, Rejected};

/// How many replies a comment has at most.
pub(crate) const MAX_REPLIES: usize = 200;

/// Returns the comment `id` of the task.
pub(crate) fn find<'d>(draft: &'d Draft<'_, '_>, id: &CommentId) -> Result<&'d Comment, Rejected> {
    let found = draft.task.comments.iter().find(|comment| comment.id == *id);
    found.ok_or_else(|| Rejected::Unknown(format!("the task has no comment {id}")))
}
