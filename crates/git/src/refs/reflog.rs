//! Git's logs of refs, read for the commits that a ref stood at.

use crate::Error;
use crate::files::plain::read_text;
use gix::ObjectId;
use std::collections::BTreeSet;
use std::path::Path;

/// The number of a log's newest lines that are read.
const LINES: usize = 20_000;

/// Returns the commits that a log names and that are there.
pub(crate) fn commits(repository: &gix::Repository, log: &Path) -> Result<BTreeSet<ObjectId>, Error> {
    let text = read_text(log)?.unwrap_or_default();
    let ids = text.lines().rev().take(LINES).flat_map(ids);
    Ok(ids.filter(|id| is_commit(repository, *id)).collect())
}

/// Returns the commit that a log's ref stood at last.
pub(crate) fn newest(repository: &gix::Repository, log: &Path) -> Result<Option<ObjectId>, Error> {
    let text = read_text(log)?.unwrap_or_default();
    Ok(text.lines().rev().filter_map(|line| ids(line).nth(1)).find(|id| is_commit(repository, *id)))
}

/// Returns the commit that a log's ref stood at first.
pub(crate) fn oldest(repository: &gix::Repository, log: &Path) -> Result<Option<ObjectId>, Error> {
    let text = read_text(log)?.unwrap_or_default();
    Ok(text.lines().filter_map(|line| ids(line).nth(1)).find(|id| is_commit(repository, *id)))
}

/// Returns where a log's ref came to stand by its newest entries.
pub(crate) fn recent(log: &Path, entries: usize) -> Result<Vec<ObjectId>, Error> {
    let text = read_text(log)?.unwrap_or_default();
    Ok(text.lines().rev().take(entries).filter_map(|line| ids(line).nth(1)).collect())
}

/// Returns where a line says the ref was, and is.
fn ids(line: &str) -> impl Iterator<Item = ObjectId> {
    line.splitn(3, ' ').take(2).filter_map(|id| ObjectId::from_hex(id.as_bytes()).ok())
}

fn is_commit(repository: &gix::Repository, id: ObjectId) -> bool {
    !id.is_null()
        && repository
            .try_find_header(id)
            .ok()
            .flatten()
            .is_some_and(|found| found.kind() == gix::object::Kind::Commit)
}
