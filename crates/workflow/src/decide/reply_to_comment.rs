//! A person replies to a comment on the documents.

use super::rules::comments::{self, MAX_REPLIES};
use crate::comment::Reply;
use crate::context::Draft;
use crate::{CommentId, Event, Rejected};

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    comment: CommentId,
    by: String,
    text: String,
) -> Result<(), Rejected> {
    let found = comments::find(draft, &comment)?;
    if found.replies.len() >= MAX_REPLIES {
        let message = format!("the comment has {MAX_REPLIES} replies, and takes no more");
        return Err(Rejected::Limit { code: "too_many_replies", message });
    }
    let reply = Reply { by, text, at: draft.cx.now, answer: None, round: None };
    draft.event(Event::CommentReplied { comment, reply });
    Ok(())
}
