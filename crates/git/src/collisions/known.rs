//! Computes in memory what merging worktrees would give.
//!
//! A file that two worktrees change is merged alone, from what their branches' common base had. Only where one side
//! deleted what the other changes, or has a file where the other has a folder, are the whole trees merged, because
//! renames are found in whole trees only. Objects are kept in memory, and no ref is written.

use super::followed::{Followed, Has, entry, plain};
use super::pair::{Pair, Trial};
use crate::error::Context as _;
use crate::objects::differences::{Side, differences};
use crate::objects::merge::{self, try_merge};
use crate::objects::places::places;
use crate::{Error, objects, objects::merge::ConflictFile};
use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice as _};
use gix::merge::blob::builtin_driver::text::Labels;
use gix::merge::blob::pipeline::WorktreeRoots;
use gix::merge::blob::{Platform, Resolution, ResourceKind};
use gix::objs::tree::EntryKind;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// How many trials are remembered.
const TRIALS: usize = 4096;

/// The cache of what was read and tried, by the objects that it follows from.
pub(super) struct Known {
    pub(super) objects: gix::Repository,
    bases: HashMap<(ObjectId, ObjectId), Option<ObjectId>>,
    changes: HashMap<(Option<ObjectId>, ObjectId), Arc<Changes>>,
    trials: HashMap<[Side; 3], Arc<Trial>>,
}

/// The changes of a commit since a base: what the base had and what the commit has, by path.
type Changes = BTreeMap<BString, (Side, Side)>;

/// The resources that are set up once for many files.
#[derive(Default)]
pub(super) struct Bench {
    platform: Option<Platform>,
}

impl Known {
    pub(super) fn new(objects: gix::Repository) -> Self {
        Self { objects, bases: HashMap::new(), changes: HashMap::new(), trials: HashMap::new() }
    }

    /// Returns how many objects are in memory.
    pub(super) fn in_memory(&self) -> usize {
        self.objects.objects.num_objects_in_memory()
    }

    /// Releases the objects in memory and the results of trials with them.
    pub(super) fn release_unused(&mut self) {
        self.objects.objects.reset_object_memory();
        self.trials.clear();
    }

    /// Tries the files that changed in one worktree against another; `mine` is the index of the changed one.
    pub(super) fn compare(
        &mut self,
        bench: &mut Bench,
        pair: &mut Pair,
        sides: [&Followed; 2],
        paths: Option<&[BString]>,
        names: [&str; 2],
        mine: usize,
    ) -> Result<bool, Error> {
        let base = self.base(sides[0].head, sides[1].head);
        let changes = [self.changes(base, sides[0].head)?, self.changes(base, sides[1].head)?];
        let mut changed = false;
        let mut has_looked = false;
        if let Some(paths) = paths {
            for path in paths {
                has_looked = true;
                changed |= self.recheck(bench, pair, sides, &changes, base, path)?;
            }
        } else {
            *pair = Pair::default();
            let touched: BTreeSet<&BString> = sides[mine].dirty.keys().chain(changes[mine].keys()).collect();
            for path in touched {
                has_looked = true;
                changed |= self.recheck(bench, pair, sides, &changes, base, path)?;
            }
        }
        if pair.whole.is_empty() {
            changed |= !pair.conflicts.is_empty();
            pair.conflicts.clear();
        } else if has_looked {
            let conflicts = self.merge_whole(sides, names)?;
            changed |= conflicts != pair.conflicts;
            pair.conflicts = conflicts;
        }
        Ok(changed)
    }

    /// Tries one file; returns whether the result changed.
    fn recheck(
        &mut self,
        bench: &mut Bench,
        pair: &mut Pair,
        sides: [&Followed; 2],
        changes: &[Arc<Changes>; 2],
        base: Option<ObjectId>,
        path: &BString,
    ) -> Result<bool, Error> {
        let has = [0, 1].map(|at| side(sides[at], &changes[at], path));
        let (was, was_whole) = (pair.files.get(path).cloned(), pair.whole.contains_key(path));
        pair.forget(path);
        if has.iter().all(Option::is_none) {
            return Ok(was.is_some() || was_whole);
        }
        let common = match changes.iter().find_map(|changes| changes.get(path)) {
            Some((old, _)) => *old,
            None => self.at(base, path.as_ref())?,
        };
        let touches = |has: Option<Has>| has.filter(|has| *has != Has::Entry(common));
        let meets_folder = |at: usize| {
            touches(has[at]).is_some_and(|has| has != Has::Entry(None))
                && common.is_none()
                && meets(sides[1 - at], &changes[1 - at], path)
        };
        if meets_folder(0) || meets_folder(1) {
            pair.whole.insert(path.clone(), touches(has[0]).is_some() && touches(has[1]).is_some());
            return Ok(!was_whole);
        }
        let (Some(ours), Some(theirs)) = (touches(has[0]), touches(has[1])) else {
            return Ok(was.is_some() || was_whole);
        };
        let trial = match (ours, theirs) {
            (Has::Unread, _) | (_, Has::Unread) => Arc::new(Trial::Clean),
            (Has::Entry(None), _) | (_, Has::Entry(None)) => {
                pair.whole.insert(path.clone(), true);
                return Ok(!was_whole);
            }
            (Has::Entry(ours), Has::Entry(theirs)) => {
                self.trial(bench, path.as_ref(), [common, ours, theirs])?
            }
        };
        let is_same = was.is_some_and(|was| was == trial);
        pair.files.insert(path.clone(), trial);
        Ok(!is_same || was_whole)
    }

    /// The trial of one file from what the base and both sides have.
    fn trial(&mut self, bench: &mut Bench, path: &BStr, versions: [Side; 3]) -> Result<Arc<Trial>, Error> {
        if let Some(known) = self.trials.get(&versions) {
            return Ok(Arc::clone(known));
        }
        if self.trials.len() >= TRIALS {
            self.trials.clear();
        }
        let trial = Arc::new(self.merge_file(bench, path, versions)?);
        self.trials.insert(versions, Arc::clone(&trial));
        Ok(trial)
    }

    fn merge_file(&self, bench: &mut Bench, path: &BStr, versions: [Side; 3]) -> Result<Trial, Error> {
        let [base, ours, theirs] = versions;
        let conflict = |reason: &str, places| Ok(Trial::Conflict { reason: reason.to_owned(), places });
        let (Some((our_mode, our_id)), Some((their_mode, their_id))) = (ours, theirs) else {
            return conflict(merge::DELETED, Vec::new());
        };
        let is_plain = |kind| matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable);
        let kinds = (our_mode.kind(), their_mode.kind());
        if our_id == their_id && (is_plain(kinds.0) == is_plain(kinds.1)) {
            return Ok(Trial::Clean);
        }
        if !is_plain(kinds.0) || !is_plain(kinds.1) {
            return match kinds {
                (EntryKind::Commit, EntryKind::Commit) => conflict(merge::SUBMODULE, Vec::new()),
                (ours, theirs) if ours == theirs => conflict(merge::BINARY, Vec::new()),
                _ => conflict(merge::KINDS, Vec::new()),
            };
        }
        if let Some((_, base)) = base.filter(|(mode, _)| is_plain(mode.kind()))
            && (base == our_id || base == their_id)
        {
            // One side changed the mode alone.
            return Ok(Trial::Clean);
        }
        let objects = &self.objects;
        let platform = match &mut bench.platform {
            Some(platform) => platform,
            empty => empty.insert(
                objects.merge_resource_cache(WorktreeRoots::default()).context("prepare to merge", path)?,
            ),
        };
        let base = base.filter(|(mode, _)| is_plain(mode.kind()));
        let (base_kind, base_id) =
            base.map_or((kinds.0, objects.object_hash().null()), |(mode, id)| (mode.kind(), id));
        let resources = [
            (our_id, kinds.0, ResourceKind::CurrentOrOurs),
            (their_id, kinds.1, ResourceKind::OtherOrTheirs),
            (base_id, base_kind, ResourceKind::CommonAncestorOrBase),
        ];
        for (id, kind, resource) in resources {
            platform.set_resource(id, kind, path, resource, &objects.objects).context("read", path)?;
        }
        let options = objects.blob_merge_options().context("prepare to merge", path)?;
        let prepared = platform.prepare_merge(&objects.objects, options).context("prepare to merge", path)?;
        let mut merged = Vec::new();
        let (_, resolution) = prepared
            .merge(&mut merged, Labels::default(), &gix::command::Context::default())
            .context("merge", path)?;
        match resolution {
            Resolution::Complete | Resolution::CompleteWithAutoResolvedConflict => Ok(Trial::Clean),
            Resolution::Conflict => {
                let base = base.map_or(Ok(Vec::new()), |(_, id)| objects::blob(objects, id))?;
                let (ours, theirs) = (objects::blob(objects, our_id)?, objects::blob(objects, their_id)?);
                if [&base, &ours, &theirs].into_iter().any(|content| crate::objects::diff::is_binary(content))
                {
                    return conflict(merge::BINARY, Vec::new());
                }
                conflict(merge::LINES, places(&base, Some(&ours), Some(&theirs)))
            }
        }
    }

    /// Merges everything two worktrees have, and returns what conflicts.
    fn merge_whole(
        &self,
        sides: [&Followed; 2],
        names: [&str; 2],
    ) -> Result<BTreeMap<BString, Arc<Trial>>, Error> {
        let commits = [self.as_commit(sides[0])?, self.as_commit(sides[1])?];
        let merged = try_merge(&self.objects, (commits[0], names[0]), (commits[1], names[1]), false)?;
        let files = match merged {
            merge::Trial::Tree(_) => Vec::new(),
            merge::Trial::Conflict(files) => files,
        };
        let trial = |ConflictFile { path, reason, hunks: _, places }: ConflictFile| {
            (path.into(), Arc::new(Trial::Conflict { reason, places }))
        };
        Ok(files.into_iter().map(trial).collect())
    }

    /// Returns what a worktree has, as a commit in memory.
    fn as_commit(&self, followed: &Followed) -> Result<ObjectId, Error> {
        let (objects, head) = (&self.objects, followed.head);
        if followed.dirty.is_empty() {
            return Ok(head);
        }
        let mut editor =
            objects.edit_tree(objects::tree_of(objects, head)?).context("read the tree of", head)?;
        // Deletions come first, so that a folder can take a file's place.
        for (path, has) in &followed.dirty {
            if *has == Has::Entry(None) {
                editor.remove(path.as_bstr()).context("delete", path)?;
            }
        }
        for (path, has) in &followed.dirty {
            if let Has::Entry(Some((mode, id))) = has {
                editor.upsert(path.as_bstr(), mode.kind(), *id).context("change", path)?;
            }
        }
        let tree = editor.write().context("write the tree of", followed.root().display())?.detach();
        let unnamed = crate::Identity { name: String::new(), email: String::new() };
        objects::write_commit(objects, tree, &[head], "Uncommitted work\n", &unnamed, 0)
    }

    fn base(&mut self, one: ObjectId, other: ObjectId) -> Option<ObjectId> {
        if let Some(known) = self.bases.get(&(one, other)) {
            return *known;
        }
        let base = if one == other {
            Some(one)
        } else {
            // Histories without a common commit have no base, which is not an error.
            self.objects.merge_base(one, other).ok().flatten().map(gix::Id::detach)
        };
        self.bases.insert((one, other), base);
        base
    }

    fn changes(&mut self, base: Option<ObjectId>, head: ObjectId) -> Result<Arc<Changes>, Error> {
        if let Some(known) = self.changes.get(&(base, head)) {
            return Ok(Arc::clone(known));
        }
        let old = match base {
            Some(base) => objects::tree_of(&self.objects, base)?,
            None => self.objects.empty_tree().id,
        };
        let found = if base == Some(head) {
            Vec::new()
        } else {
            differences(&self.objects, old, objects::tree_of(&self.objects, head)?)?
        };
        let mut changes = Changes::new();
        // A folder in a file's place makes a deletion and additions; a path is reported once.
        for difference in found {
            let (old, new) = (plain(difference.old), plain(difference.new));
            changes.insert(difference.path, (old, new));
        }
        let changes = Arc::new(changes);
        self.changes.insert((base, head), Arc::clone(&changes));
        Ok(changes)
    }

    /// Returns what a commit has at a path.
    fn at(&self, commit: Option<ObjectId>, path: &BStr) -> Result<Side, Error> {
        let Some(commit) = commit else { return Ok(None) };
        let tree = objects::tree_of(&self.objects, commit)?;
        entry(&self.objects.find_tree(tree).context("read the tree of", commit)?, path)
    }

    /// Forgets what was computed from commits that no worktree has checked out any more.
    pub(super) fn forget_old(&mut self, followed: &BTreeMap<String, Followed>) {
        let heads: BTreeSet<ObjectId> = followed.values().map(|followed| followed.head).collect();
        self.bases.retain(|(one, other), _| heads.contains(one) && heads.contains(other));
        self.changes.retain(|(_, head), _| heads.contains(head));
    }
}

/// Returns what a worktree has at a path that it touches, or that its branch touches.
fn side(followed: &Followed, changes: &Changes, path: &BString) -> Option<Has> {
    followed.dirty.get(path).copied().or_else(|| changes.get(path).map(|(_, new)| Has::Entry(*new)))
}

/// Returns whether a worktree made a file below a path, or in place of a folder that leads to it.
fn meets(followed: &Followed, changes: &Changes, path: &BString) -> bool {
    let is_there = |path: &BString| side(followed, changes, path).is_some_and(|has| has != Has::Entry(None));
    let mut beneath = path.clone();
    beneath.push(b'/');
    let dirty = followed.dirty.range(beneath.clone()..).map(|(path, _)| path);
    let committed = changes.range(beneath.clone()..).map(|(path, _)| path);
    let mut inside = dirty
        .take_while(|path| path.starts_with(&beneath))
        .chain(committed.take_while(|path| path.starts_with(&beneath)));
    inside.any(is_there) || path.find_iter(b"/").any(|at| is_there(&path[..at].into()))
}
