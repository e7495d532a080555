//! The last commit that changed some files or folders, found without reading what other commits changed.

use crate::error::Context as _;
use crate::history::unchanged::entries;
use crate::shared::{LastChange, lock};
use crate::{CommitId, Error, Repository, refs::resolve};
use gix::ObjectId;

/// The number of sets of paths that are remembered.
const REMEMBERED: usize = 4_096;

impl Repository {
    /// Returns the last commit on the way to a revision that changed one of the files or folders; none when it has none
    /// of them. Of a merge, the parent is followed that has them as they are. Asked again for a later commit, only the
    /// commits since are looked at.
    pub fn last_change(&self, rev: &str, paths: &[&str]) -> Result<Option<LastChange>, Error> {
        let repository = self.local();
        let Some(tip) = resolve::find_commit(&repository, rev)? else { return Ok(None) };
        let key: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let known = lock(self.last_changes()).0.get(&key).copied();
        let found = walk(&repository, tip, paths, known)?;
        let mut all = lock(self.last_changes());
        if all.0.len() >= REMEMBERED {
            all.0.clear();
        }
        all.0.insert(key, (tip, found));
        Ok(found)
    }
}

fn walk(
    repository: &gix::Repository,
    tip: ObjectId,
    paths: &[&str],
    known: Option<(ObjectId, Option<LastChange>)>,
) -> Result<Option<LastChange>, Error> {
    let mut at = tip;
    let mut here = entries(repository, tip, paths)?;
    if here.iter().all(Option::is_none) {
        return Ok(None);
    }
    loop {
        if let Some((_, found)) = known.filter(|(commit, _)| *commit == at) {
            return Ok(found);
        }
        let commit = repository.find_commit(at).context("read the commit", at)?;
        let mut same = None;
        for parent in commit.parent_ids() {
            // A shallow clone ends somewhere.
            if same.is_none() && repository.has_object(parent) {
                let there = entries(repository, parent.detach(), paths)?;
                same = (there == here).then_some((parent.detach(), there));
            }
        }
        match same {
            Some((parent, there)) => (at, here) = (parent, there),
            None => {
                let seconds = commit.time().context("read the date of", at)?.seconds;
                return Ok(Some(LastChange { id: CommitId(at), time_ms: seconds.saturating_mul(1000) }));
            }
        }
    }
}
