//! All additions that land with a branch: those of each of its commits, also those that a later one removes.

use crate::error::Context as _;
use crate::objects::differences::{Side, differences};
use crate::{CommitId, Error, Repository, objects};
use gix::ObjectId;
use gix::diff::blob::{Algorithm, InternedInput, diff_with_slider_heuristics};
use gix::objs::tree::EntryKind;
use gix::revision::walk::Sorting;
use gix::traverse::commit::simple::CommitTimeOrder;
use std::collections::HashSet;
use std::ops::Range;

/// Larger files are not read.
const BYTES: u64 = 64 * 1024 * 1024;

/// The lines that a commit adds to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition<'a> {
    pub commit: CommitId,
    /// The file; none for the commit's own message.
    pub path: Option<&'a str>,
    /// All of the file, or of the message.
    pub content: &'a [u8],
    /// The lines of it that were added, from 0.
    pub lines: &'a [Range<u32>],
}

impl Repository {
    /// Calls for everything that commits of `head` add which `base` has not, the newest first; the same content at the
    /// same path once.
    pub fn additions(
        &self,
        base: &str,
        head: &str,
        found: &mut dyn FnMut(Addition<'_>),
    ) -> Result<(), Error> {
        let repository = self.local();
        let (from, tip) = (self.need(&repository, base)?, self.need(&repository, head)?);
        let walk = repository
            .rev_walk([tip])
            .sorting(Sorting::ByCommitTime(CommitTimeOrder::NewestFirst))
            .with_hidden([from])
            .all()
            .context("walk the history of", head)?;
        let mut seen = HashSet::new();
        for info in walk {
            let id = info.context("walk the history of", head)?.id;
            let commit = repository.find_commit(id).context("read the commit", id)?;
            let message = commit.message_raw().context("read the message of", id)?;
            let all = 0..u32::MAX;
            let lines = std::slice::from_ref(&all);
            found(Addition { commit: CommitId(id), path: None, content: message, lines });
            let parents: Vec<ObjectId> = commit.parent_ids().map(gix::Id::detach).collect();
            changed(&repository, id, &parents, &mut |path, old, new| {
                if !seen.insert((path.to_owned(), new)) {
                    return Ok(());
                }
                let size = repository.find_header(new).context("read the size of", new)?.size();
                if size > BYTES {
                    return Ok(());
                }
                let content = objects::blob(&repository, new)?;
                let before = old.map(|old| objects::blob(&repository, old)).transpose()?.unwrap_or_default();
                let lines = added(&before, &content);
                found(Addition { commit: CommitId(id), path: Some(path), content: &content, lines: &lines });
                Ok(())
            })?;
        }
        Ok(())
    }
}

type Visit<'a> = &'a mut dyn FnMut(&str, Option<ObjectId>, ObjectId) -> Result<(), Error>;

/// The files that a commit has otherwise than its parents; of a merge, otherwise than each of them.
fn changed(
    repository: &gix::Repository,
    id: ObjectId,
    parents: &[ObjectId],
    visit: Visit<'_>,
) -> Result<(), Error> {
    let tree = objects::tree_of(repository, id)?;
    let first = match parents.first() {
        Some(parent) if repository.has_object(*parent) => objects::tree_of(repository, *parent)?,
        Some(_) | None => repository.empty_tree().id,
    };
    for difference in differences(repository, first, tree)? {
        let Some(new) = file(difference.new) else { continue };
        let path = difference.path.to_string();
        let mut is_merged = false;
        for parent in parents.iter().skip(1).filter(|parent| repository.has_object(**parent)) {
            let parent = objects::tree_of(repository, *parent)?;
            let parent = repository.find_tree(parent).context("read the tree", parent)?;
            let there = parent.lookup_entry_by_path(&path).context("look up", &path)?;
            is_merged |= there.is_some_and(|entry| entry.object_id() == new);
        }
        if !is_merged {
            visit(&path, file(difference.old), new)?;
        }
    }
    Ok(())
}

fn file(side: Side) -> Option<ObjectId> {
    side.filter(|(mode, _)| !matches!(mode.kind(), EntryKind::Commit | EntryKind::Tree)).map(|(_, id)| id)
}

fn added(old: &[u8], new: &[u8]) -> Vec<Range<u32>> {
    let input = InternedInput::new(old, new);
    let found = diff_with_slider_heuristics(Algorithm::Histogram, &input);
    found.hunks().map(|hunk| hunk.after).filter(|lines| !lines.is_empty()).collect()
}
