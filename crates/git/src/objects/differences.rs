//! The files that differ between two trees, without renames.

use crate::Error;
use crate::error::Context as _;
use gix::ObjectId;
use gix::bstr::BString;
use gix::object::tree::diff::ChangeDetached;
use gix::objs::tree::EntryMode;

/// The entry of a tree at a path.
pub(crate) type Side = Option<(EntryMode, ObjectId)>;

/// One path that differs between two trees.
pub(crate) struct Difference {
    pub(crate) path: BString,
    pub(crate) old: Side,
    pub(crate) new: Side,
}

/// Returns the files that differ between two trees; deletions first, so that a folder can take a file's place.
pub(crate) fn differences(
    repository: &gix::Repository,
    old: ObjectId,
    new: ObjectId,
) -> Result<Vec<Difference>, Error> {
    let old = repository.find_tree(old).context("read the tree", old)?;
    let new = repository.find_tree(new).context("read the tree", new)?;
    let options = gix::diff::Options::default();
    let changes = repository.diff_tree_to_tree(&old, &new, options).context("compare the tree", old.id)?;
    let mut differences: Vec<Difference> = changes
        .into_iter()
        .map(|change| match change {
            ChangeDetached::Addition { location, entry_mode, id, .. } => {
                Difference { path: location, old: None, new: Some((entry_mode, id)) }
            }
            ChangeDetached::Deletion { location, entry_mode, id, .. } => {
                Difference { path: location, old: Some((entry_mode, id)), new: None }
            }
            ChangeDetached::Modification { location, previous_entry_mode, previous_id, entry_mode, id } => {
                Difference {
                    path: location,
                    old: Some((previous_entry_mode, previous_id)),
                    new: Some((entry_mode, id)),
                }
            }
            ChangeDetached::Rewrite { location, entry_mode, id, .. } => {
                // Renames are not looked for.
                Difference { path: location, old: None, new: Some((entry_mode, id)) }
            }
        })
        .filter(|difference| !is_tree(difference.old) && !is_tree(difference.new))
        .collect();
    differences.sort_by_key(|difference| difference.new.is_some());
    Ok(differences)
}

fn is_tree(side: Side) -> bool {
    side.is_some_and(|(mode, _)| mode.is_tree())
}
