//! Trees and commits, written in process.

pub(crate) mod ancestry;
pub(crate) mod convert;
pub(crate) mod diff;
pub(crate) mod differences;
pub(crate) mod merge;
pub(crate) mod message;
pub(crate) mod places;
pub(crate) mod verify;

use crate::error::Context as _;
use crate::{Change, Error, Identity, names};
use gix::ObjectId;
use gix::actor::Signature;
use gix::objs::tree::EntryKind;

/// Returns a tree with the changes made to it.
pub(crate) fn edited_tree(
    repository: &gix::Repository,
    tree: ObjectId,
    changes: &[Change],
) -> Result<ObjectId, Error> {
    if changes.is_empty() {
        return Ok(tree);
    }
    let mut editor = repository.edit_tree(tree).context("read the tree", tree)?;
    let before = repository.find_tree(tree).context("read the tree", tree)?;
    for change in changes {
        let path = names::path(&change.path)?;
        match &change.content {
            Some(content) => {
                let was = before
                    .lookup_entry_by_path(path)
                    .context("look up", path)?
                    .map(|entry| entry.mode().kind());
                let kind = match was {
                    Some(EntryKind::BlobExecutable) => EntryKind::BlobExecutable,
                    _ => EntryKind::Blob,
                };
                let blob = repository.write_blob(content).context("write the content of", path)?;
                editor.upsert(path, kind, blob.detach()).context("change", path)?;
            }
            None => {
                editor.remove(path).context("delete", path)?;
            }
        }
    }
    Ok(editor.write().context("write a tree from", tree)?.detach())
}

/// Writes a commit whose every byte follows from the arguments.
pub(crate) fn write_commit(
    repository: &gix::Repository,
    tree: ObjectId,
    parents: &[ObjectId],
    message: &str,
    author: &Identity,
    time_ms: i64,
) -> Result<ObjectId, Error> {
    let signature = signature(author, time_ms);
    let commit = gix::objs::Commit {
        tree,
        parents: parents.iter().copied().collect(),
        author: signature.clone(),
        committer: signature,
        encoding: None,
        message: message.into(),
        extra_headers: Vec::new(),
    };
    Ok(repository.write_object(&commit).context("write a commit on", tree)?.detach())
}

/// Returns a name and an address as commits can carry them.
pub(crate) fn signature(identity: &Identity, time_ms: i64) -> Signature {
    let clean = |text: &str| {
        let text: String =
            text.chars().filter(|letter| !matches!(letter, '<' | '>' | '\n' | '\r' | '\0')).collect();
        text.trim().to_owned()
    };
    Signature {
        name: clean(&identity.name).into(),
        email: clean(&identity.email).into(),
        time: gix::date::Time::new(time_ms.div_euclid(1000), 0),
    }
}

/// Returns the tree of a commit.
pub(crate) fn tree_of(repository: &gix::Repository, commit: ObjectId) -> Result<ObjectId, Error> {
    let commit = repository.find_commit(commit).context("read the commit", commit)?;
    Ok(commit.tree_id().context("read the tree of", commit.id)?.detach())
}

/// Returns the bytes of a blob. One whose content does not match its name is refused: a process that writes into the
/// object store could show one content to a reviewer and land another.
pub(crate) fn blob(repository: &gix::Repository, id: ObjectId) -> Result<Vec<u8>, Error> {
    verify::read(repository, id, gix::object::Kind::Blob)
}
