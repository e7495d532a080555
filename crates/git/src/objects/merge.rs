//! Merges trees in process.

use crate::error::Context as _;
use crate::objects::differences::Side;
use crate::objects::places::{Place, places};
use crate::{Error, objects};
use gix::ObjectId;
use gix::diff::tree_with_rewrites::Change;
use gix::merge::blob::builtin_driver::text::Labels;
use gix::merge::tree::{Conflict, Resolution, ResolutionFailure, TreatAsUnresolved};
use gix::objs::tree::{EntryKind, EntryMode};
use serde::{Deserialize, Serialize};

/// The number of conflicting places of a file that are reported, and the longest size of each.
const HUNKS: usize = 20;
const HUNK_BYTES: usize = 4096;

/// A file that two branches changed in conflicting ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictFile {
    pub path: String,
    /// Why, as a clause.
    pub reason: String,
    /// The conflicting places, each with conflict markers; bounded.
    pub hunks: Vec<String>,
    /// The conflicting places, as lines of each side; where one side deleted the file, the other's changed lines.
    pub places: Vec<Place>,
}

pub(crate) const BINARY: &str = "both sides changed a file that cannot be merged line by line";
pub(crate) const DELETED: &str = "one side changed the file and the other deleted it";
pub(crate) const KINDS: &str = "the two sides have different kinds of file here";
pub(crate) const LINES: &str = "both sides changed the same lines";
pub(crate) const SUBMODULE: &str = "both sides changed the submodule";

/// The result of merging two commits.
pub(crate) enum Trial {
    Tree(ObjectId),
    Conflict(Vec<ConflictFile>),
}

/// Merges two commits, each with the name it has in conflict markers, into a tree. The tree is written only when
/// it is to be kept; otherwise the answer names the empty one.
pub(crate) fn try_merge(
    repository: &gix::Repository,
    (ours, our_name): (ObjectId, &str),
    (theirs, their_name): (ObjectId, &str),
    is_kept: bool,
) -> Result<Trial, Error> {
    let labels = labels(our_name, their_name);
    let options = repository.tree_merge_options().context("prepare to merge", their_name)?;
    // A session may have begun a history of its own: what both have is then a conflict, and no reason to stop.
    let options = gix::merge::commit::Options::from(options).with_allow_missing_merge_base(true);
    let mut outcome = repository
        .merge_commits(ours, theirs, labels, options)
        .context("merge", format!("{their_name} into {our_name}"))?
        .tree_merge;
    let conflicts = unresolved(repository, &outcome.conflicts)?;
    if !conflicts.is_empty() {
        return Ok(Trial::Conflict(conflicts));
    }
    if !is_kept {
        return Ok(Trial::Tree(repository.empty_tree().id));
    }
    let tree = outcome.tree.write().context("write the merge of", their_name)?;
    Ok(Trial::Tree(tree.detach()))
}

/// Merges two trees over a base, each with the name it has in conflict markers, into one that is written.
pub(crate) fn resolve_trees(
    repository: &gix::Repository,
    base: ObjectId,
    (ours, our_name): (ObjectId, &str),
    (theirs, their_name): (ObjectId, &str),
) -> Result<Trial, Error> {
    let labels = labels(our_name, their_name);
    let options = repository.tree_merge_options().context("prepare to merge", their_name)?;
    let mut outcome =
        repository.merge_trees(base, ours, theirs, labels, options).context("merge", their_name)?;
    let conflicts = unresolved(repository, &outcome.conflicts)?;
    if !conflicts.is_empty() {
        return Ok(Trial::Conflict(conflicts));
    }
    let tree = outcome.tree.write().context("write the merge of", their_name)?;
    Ok(Trial::Tree(tree.detach()))
}

/// Returns the names of both sides in conflict markers.
fn labels<'a>(ours: &'a str, theirs: &'a str) -> Labels<'a> {
    Labels { ancestor: Some("base".into()), current: Some(ours.into()), other: Some(theirs.into()) }
}

/// Describes the conflicts that a person or an agent has to resolve.
fn unresolved(repository: &gix::Repository, conflicts: &[Conflict]) -> Result<Vec<ConflictFile>, Error> {
    let how = TreatAsUnresolved::git();
    let unresolved = conflicts.iter().filter(|conflict| conflict.is_unresolved(how));
    unresolved.map(|conflict| describe(repository, conflict)).collect()
}

fn describe(repository: &gix::Repository, conflict: &Conflict) -> Result<ConflictFile, Error> {
    let hunks = match conflict.content_merge() {
        Some(merge) => hunks(&objects::blob(repository, merge.merged_blob_id)?),
        None => Vec::new(),
    };
    let path = conflict.ours.location().to_string();
    let places = sides(repository, conflict)?;
    Ok(ConflictFile { path, reason: reason(conflict, hunks.is_empty()), hunks, places })
}

/// Returns the conflicting lines of both sides; none where a side has no lines.
fn sides(repository: &gix::Repository, conflict: &Conflict) -> Result<Vec<Place>, Error> {
    let is_renamed = |change: &Change| matches!(change, Change::Rewrite { .. });
    let is_one_path = conflict.ours.location() == conflict.theirs.location();
    if !is_one_path && !is_renamed(&conflict.ours) && !is_renamed(&conflict.theirs) {
        // A file on one side and a folder on the other.
        return Ok(Vec::new());
    }
    let is_plain = |mode: EntryMode| matches!(mode.kind(), EntryKind::Blob | EntryKind::BlobExecutable);
    let (our_base, ours) = versions(&conflict.ours);
    let (their_base, theirs) = versions(&conflict.theirs);
    let base = our_base.or(their_base);
    if [base, ours, theirs].into_iter().flatten().any(|(mode, _)| !is_plain(mode)) {
        return Ok(Vec::new());
    }
    let read = |side: Side| side.map(|(_, id)| objects::blob(repository, id)).transpose();
    let (base, ours, theirs) = (read(base)?.unwrap_or_default(), read(ours)?, read(theirs)?);
    let contents = [Some(&base), ours.as_ref(), theirs.as_ref()];
    if contents.into_iter().flatten().any(|content| crate::objects::diff::is_binary(content)) {
        return Ok(Vec::new());
    }
    Ok(places(&base, ours.as_deref(), theirs.as_deref()))
}

/// Returns what a path had and has on one side of a conflict.
fn versions(change: &Change) -> (Side, Side) {
    match change {
        Change::Addition { entry_mode, id, .. } => (None, Some((*entry_mode, *id))),
        Change::Deletion { entry_mode, id, .. } => (Some((*entry_mode, *id)), None),
        Change::Modification { previous_entry_mode, previous_id, entry_mode, id, .. } => {
            (Some((*previous_entry_mode, *previous_id)), Some((*entry_mode, *id)))
        }
        Change::Rewrite { source_entry_mode, source_id, entry_mode, id, .. } => {
            (Some((*source_entry_mode, *source_id)), Some((*entry_mode, *id)))
        }
    }
}

fn reason(conflict: &Conflict, is_binary: bool) -> String {
    let text = match &conflict.resolution {
        Ok(Resolution::OursModifiedTheirsModifiedThenBlobContentMerge { .. }) if is_binary => BINARY,
        Ok(Resolution::OursModifiedTheirsModifiedThenBlobContentMerge { .. }) => LINES,
        Ok(Resolution::OursModifiedTheirsRenamedAndChangedThenRename { .. }) => {
            "one side changed the file and the other renamed it"
        }
        Ok(Resolution::SourceLocationAffectedByRename { .. }) => {
            "one side renamed a folder that the other changed"
        }
        Ok(Resolution::Forced(failure)) | Err(failure) => match failure {
            ResolutionFailure::OursModifiedTheirsDeleted => DELETED,
            ResolutionFailure::OursDeletedTheirsRenamed => {
                "one side deleted the file and the other renamed it"
            }
            ResolutionFailure::OursRenamedTheirsRenamedDifferently { .. } => {
                "both sides renamed the file differently"
            }
            ResolutionFailure::OursRenamedTheirsRenamedToSameLocation => {
                "both sides renamed a file to this name"
            }
            ResolutionFailure::SubmoduleMerge | ResolutionFailure::SubmoduleAddAdd => SUBMODULE,
            ResolutionFailure::OursAddedTheirsAddedTypeMismatch { .. }
            | ResolutionFailure::OursModifiedTheirsRenamedTypeMismatch => KINDS,
            ResolutionFailure::OursModifiedTheirsDirectoryThenOursRenamed { .. }
            | ResolutionFailure::OursDirectoryTheirsNonDirectoryTheirsRenamed { .. } => {
                "one side has a file where the other has a folder"
            }
            ResolutionFailure::Unknown => "the two sides' changes conflict",
        },
    };
    text.to_owned()
}

/// Returns the marked places of a merged file.
fn hunks(merged: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(merged);
    let mut hunks: Vec<String> = Vec::new();
    let mut is_inside = false;
    for line in text.lines() {
        if line.starts_with("<<<<<<< ") {
            if hunks.len() == HUNKS {
                break;
            }
            is_inside = true;
            hunks.push(String::new());
        }
        let Some(hunk) = hunks.last_mut().filter(|_| is_inside) else { continue };
        let is_end = line.starts_with(">>>>>>> ");
        if hunk.len() + line.len() < HUNK_BYTES || is_end {
            hunk.push_str(line);
            hunk.push('\n');
        } else if !hunk.ends_with("…\n") {
            hunk.push_str("…\n");
        }
        is_inside = !is_end;
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::hunks;

    #[test]
    fn places_are_cut_out_with_their_markers() {
        let merged =
            b"a\n<<<<<<< main\nb\n=======\nc\n>>>>>>> task\nd\n<<<<<<< main\ne\n=======\n>>>>>>> task\n";
        assert_eq!(
            hunks(merged),
            ["<<<<<<< main\nb\n=======\nc\n>>>>>>> task\n", "<<<<<<< main\ne\n=======\n>>>>>>> task\n"]
        );
    }

    #[test]
    fn long_places_are_bounded_and_still_end_in_their_marker() {
        let merged = format!("<<<<<<< main\n{}=======\n>>>>>>> task\n", "line of text\n".repeat(10_000));
        let hunks = hunks(merged.as_bytes());
        assert_eq!(hunks.len(), 1);
        assert!(hunks[0].len() < 5000);
        assert!(hunks[0].ends_with("…\n>>>>>>> task\n"));
    }
}
