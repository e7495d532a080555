//! A person resolves a comment on the documents, or reopens it.

use super::rules::comments;
use crate::comment::Resolved;
use crate::context::Draft;
use crate::{CommentId, Event, Rejected};

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    comment: CommentId,
    by: String,
    resolved: bool,
) -> Result<(), Rejected> {
    let found = comments::find(draft, &comment)?;
    if found.resolved.is_some() == resolved {
        return Err(Rejected::AlreadySo("no change".to_owned()));
    }
    let resolved = resolved.then_some(Resolved { by, at: draft.cx.now });
    draft.event(Event::CommentResolved { comment, resolved });
    Ok(())
}
