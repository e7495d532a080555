//! Ancestry of commits.

use gix::ObjectId;

/// Returns whether a commit is part of another's history.
pub(crate) fn is_ancestor(repository: &gix::Repository, ancestor: ObjectId, of: ObjectId) -> bool {
    ancestor == of
        || repository.merge_base(ancestor, of).is_ok_and(|base| base.is_some_and(|base| base == ancestor))
}
