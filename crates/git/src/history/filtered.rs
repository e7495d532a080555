//! Files of a change that programs of the repository's users convert, such as Git LFS, and that no program converted here.

use crate::error::Context as _;
use crate::objects::differences::differences;
use crate::{Error, Repository, objects};
use gix::worktree::stack::state::attributes::Source;

/// The first line of a Git LFS pointer file.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

impl Repository {
    /// Returns the files that a change adds or edits, that attributes give to a filter, and that are no pointers of Git
    /// LFS, each with the filter's name. Filters are not run here, so those files are in the commit as they are in the
    /// worktree.
    pub fn filtered_files(&self, base: &str, head: &str) -> Result<Vec<(String, String)>, Error> {
        let repository = self.local();
        let (base, head) = (self.need(&repository, base)?, self.need(&repository, head)?);
        let (old, new) = (objects::tree_of(&repository, base)?, objects::tree_of(&repository, head)?);
        let changed = differences(&repository, old, new)?;
        if changed.is_empty() {
            return Ok(Vec::new());
        }
        let index = repository.index_from_tree(&new).context("list the files of", head)?;
        let shown = || self.path().display();
        let mut attributes = repository
            .attributes_only(&index, Source::IdMapping)
            .context("read the attributes of", shown())?;
        let mut found = Vec::new();
        for difference in changed {
            let Some((_, id)) = difference.new.filter(|(mode, _)| mode.is_blob()) else { continue };
            let mut matches = attributes.selected_attribute_matches(["filter"]);
            let path: &gix::bstr::BStr = difference.path.as_ref();
            let entry = attributes.at_entry(path, None).context("read the attributes of", path)?;
            entry.matching_attributes(&mut matches);
            let filter = matches
                .iter_selected()
                .find_map(|one| one.assignment.state.as_bstr().map(ToString::to_string));
            let Some(filter) = filter else { continue };
            if !objects::blob(&repository, id)?.starts_with(POINTER) {
                found.push((difference.path.to_string(), filter));
            }
        }
        Ok(found)
    }
}
