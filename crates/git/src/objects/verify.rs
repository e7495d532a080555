//! Verifies objects against their names.
//!
//! Git and gix trust the object store: an object is what its file says. A process that writes there could show one content to a
//! reviewer and have another land, under the same name.

use crate::error::Context as _;
use crate::{Error, objects};
use gix::ObjectId;
use gix::object::Kind;
use std::collections::HashMap;

/// Rejects a change one of whose objects does not have the content that its name hashes.
pub(crate) fn verify_change(repository: &gix::Repository, old: ObjectId, new: ObjectId) -> Result<(), Error> {
    let data = read(repository, new, Kind::Commit)?;
    let commit = gix::objs::CommitRef::from_bytes(&data, new.kind()).context("read the commit", new)?;
    verify_tree(repository, Some(objects::tree_of(repository, old)?), commit.tree())
}

/// Reads a tree's new parts: parts that the old tree has at the same place were there before.
fn verify_tree(repository: &gix::Repository, old: Option<ObjectId>, new: ObjectId) -> Result<(), Error> {
    if old == Some(new) {
        return Ok(());
    }
    let mut before = HashMap::new();
    if let Some(old) = old {
        let tree = repository.find_tree(old).context("read the tree", old)?;
        for entry in tree.iter() {
            let entry = entry.context("read the tree", old)?;
            before.insert(entry.filename().to_owned(), entry.object_id());
        }
    }
    let data = read(repository, new, Kind::Tree)?;
    for entry in gix::objs::TreeRefIter::from_bytes(&data, new.kind()) {
        let entry = entry.context("read the tree", new)?;
        let (known, id) = (before.get(entry.filename).copied(), entry.oid.to_owned());
        if entry.mode.is_tree() {
            let known = known.filter(|known| is_tree(repository, *known));
            verify_tree(repository, known, id)?;
        } else if known != Some(id) && !entry.mode.is_commit() {
            read(repository, id, Kind::Blob)?;
        }
    }
    Ok(())
}

fn is_tree(repository: &gix::Repository, id: ObjectId) -> bool {
    repository.find_header(id).is_ok_and(|header| header.kind() == Kind::Tree)
}

/// Returns an object of a kind, whose content is what its name says.
pub(crate) fn read(repository: &gix::Repository, id: ObjectId, kind: Kind) -> Result<Vec<u8>, Error> {
    let object = repository.find_object(id).context("read the object", id)?.detach();
    let found = gix::objs::compute_hash(id.kind(), object.kind, &object.data).context("hash", id)?;
    if found == id && object.kind == kind {
        Ok(object.data)
    } else {
        Err(Error::Forged { id: id.to_string() })
    }
}
