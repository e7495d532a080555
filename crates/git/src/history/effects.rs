//! Finds the commit that an effect made, so that no effect makes two.
//!
//! A branch's history is read once and remembered; a later lookup reads the new commits only. A branch
//! that was rewritten is read again, since the remembered commits may not be part of it.

use crate::error::Context as _;
use crate::shared::Seen;
use crate::{Error, Repository, objects::message};
use gix::ObjectId;
use gix::refs::FullName;
use std::collections::{HashMap, HashSet, VecDeque};

/// The number of commits that are read back at most. An effect is repeated soon after it was interrupted, so its commit
/// is near the tip.
const DEPTH: usize = 2000;
/// The number of commits that are remembered of a branch before its history is read again.
const REMEMBERED: usize = 50_000;

impl Repository {
    /// Returns the commit of an effect, if it is part of the branch's history.
    pub(crate) fn find_effect(
        &self,
        repository: &gix::Repository,
        branch: &FullName,
        tip: ObjectId,
        effect: &str,
    ) -> Result<Option<ObjectId>, Error> {
        let mut all = self.seen();
        let known =
            all.remove(branch.as_bstr().to_string().as_str()).filter(|seen| seen.commits.len() < REMEMBERED);
        let seen = match known {
            Some(seen) if seen.tip == tip => seen,
            Some(seen) => match extend(repository, seen, tip)? {
                Some(seen) => seen,
                None => rescan(repository, tip)?,
            },
            None => rescan(repository, tip)?,
        };
        let found = seen.effects.get(effect).copied();
        all.insert(branch.as_bstr().to_string(), seen);
        Ok(found)
    }
}

fn rescan(repository: &gix::Repository, tip: ObjectId) -> Result<Seen, Error> {
    let mut seen = Seen { tip, commits: HashSet::new(), effects: HashMap::new() };
    walk(repository, &mut seen, tip)?;
    Ok(seen)
}

/// Reads on to a new tip; `None` when the known tip is not part of its history.
fn extend(repository: &gix::Repository, mut seen: Seen, tip: ObjectId) -> Result<Option<Seen>, Error> {
    if seen.commits.contains(&tip) {
        return Ok(None);
    }
    let is_ahead = walk(repository, &mut seen, tip)?;
    seen.tip = tip;
    Ok(is_ahead.then_some(seen))
}

/// Reads commits that are not known yet, nearest first; returns whether it reached the known tip.
fn walk(repository: &gix::Repository, seen: &mut Seen, from: ObjectId) -> Result<bool, Error> {
    let mut is_ahead = false;
    let mut waiting = VecDeque::from([from]);
    let mut left = DEPTH;
    while let Some(id) = waiting.pop_front() {
        if id == seen.tip && id != from {
            is_ahead = true;
        }
        if left == 0 || !seen.commits.insert(id) {
            continue;
        }
        left -= 1;
        // A shallow clone ends somewhere.
        let Some(object) = repository.try_find_object(id).context("read the commit", id)? else { continue };
        let commit = object.try_into_commit().context("read the commit", id)?;
        let text = commit.message_raw().context("read the message of", id)?.to_string();
        if let Some(effect) = message::effect(&text) {
            seen.effects.entry(effect.to_owned()).or_insert(id);
        }
        waiting.extend(commit.parent_ids().map(gix::Id::detach));
    }
    Ok(is_ahead)
}
