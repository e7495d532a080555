//! Branches: listed, made, and moved by compare-and-set.

use crate::error::Context as _;
use crate::refs::find::find_ref;
use crate::{
    CommitId, Error, Identity, OpenError, Repository, files::durable, files::lock_files, files::safe_path,
    names, objects, refs::resolve,
};
use gix::ObjectId;
use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit};
use gix::refs::{FullName, Target};
use std::path::PathBuf;

/// The number of attempts to move a ref while other processes keep locking it.
const MAX_LOCKED_TRIES: usize = 10;

/// Whether a ref was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Swap {
    Done,
    /// The ref has another value, so nothing was written.
    Lost,
}

/// Returns where a ref stands; `None` when there is none.
pub(crate) fn tip_of(repository: &gix::Repository, name: &FullName) -> Result<Option<ObjectId>, Error> {
    let found = find_ref(repository, name.as_ref())?;
    let Some(mut reference) = found.filter(|found| found.name() == name.as_ref()) else { return Ok(None) };
    Ok(Some(reference.peel_to_id().context("read the ref", name.as_bstr())?.detach()))
}

/// Returns whether agents move a branch themselves.
fn is_of_agents(name: &FullName) -> bool {
    let name = name.as_bstr();
    ["refs/heads/spectask/", "refs/heads/session/", "refs/heads/task/"]
        .iter()
        .any(|prefix| name.starts_with(prefix.as_bytes()))
}

/// The author, time and reason of a ref's move, for the reflog.
pub(crate) struct Mover<'a> {
    pub(crate) by: &'a Identity,
    pub(crate) time_ms: i64,
    pub(crate) reason: &'a str,
}

/// What the names of branches made here begin with, before the slash.
const PREFIXES: [&str; 3] = ["specs", "task", "spectask"];

/// Names that projects give to the branch everything is cut from.
const USUAL_DEFAULTS: [&str; 3] = ["main", "master", "trunk"];

impl Repository {
    /// Returns the branch that others are cut from: the one the remote names, else the one checked out, else one with a
    /// usual name, else the only one.
    pub fn default_branch(&self) -> Result<Option<String>, Error> {
        let branches = self.branches()?;
        let has = |name: &String| branches.contains(name);
        let remote = self.symbolic("refs/remotes/origin/HEAD", "refs/remotes/origin/")?.filter(has);
        if remote.is_some() {
            return Ok(remote);
        }
        let head = self.symbolic("HEAD", "refs/heads/")?.filter(has);
        if head.is_some() {
            return Ok(head);
        }
        let usual = USUAL_DEFAULTS.iter().map(|&name| name.to_owned()).find(has);
        Ok(usual.or_else(|| branches.first().filter(|_| branches.len() == 1).cloned()))
    }

    /// Rejects a repository in which a branch has a name that is a prefix of others made here: `specs` beside `specs/1`
    /// cannot be.
    pub fn refuse_names_in_the_way(&self, docs_branch: &str) -> Result<(), OpenError> {
        let path = || self.path().to_owned();
        let branches =
            self.branches().map_err(|source| OpenError::Damaged { path: path(), source: source.into() })?;
        let mut prefixes: Vec<&str> = PREFIXES.to_vec();
        // The branch of the documents may have folders in its name, too.
        prefixes.extend(docs_branch.match_indices('/').map(|(at, _)| &docs_branch[..at]));
        let beneath_docs = format!("{docs_branch}/");
        for branch in branches {
            if let Some(wanted) = prefixes.iter().find(|prefix| branch.eq_ignore_ascii_case(prefix)) {
                return Err(OpenError::BranchInTheWay { path: path(), branch, wanted: (*wanted).to_owned() });
            }
            if branch.starts_with(&beneath_docs) {
                return Err(OpenError::BranchBeneathDocuments {
                    path: path(),
                    branch,
                    docs_branch: docs_branch.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Returns the names of all branches, sorted.
    pub fn branches(&self) -> Result<Vec<String>, Error> {
        let repository = self.local();
        let references = repository.references().context("list the refs of", self.path().display())?;
        let mut names = Vec::new();
        for found in references.local_branches().context("list the branches of", self.path().display())? {
            match found {
                Ok(reference) => names.push(reference.name().shorten().to_string()),
                // A broken ref hides itself, not the others.
                Err(error) => tracing::debug!(%error, path = %self.path().display(), "a ref cannot be read"),
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Returns whether the repository has a local branch of this name. Tags, remote branches and commits are none.
    pub fn has_branch(&self, name: &str) -> Result<bool, Error> {
        Ok(tip_of(&self.local(), &names::branch(name)?)?.is_some())
    }

    /// Creates a branch at a revision; one that exists is left where it is. Returns its tip.
    pub fn create_branch(&self, name: &str, at: &str) -> Result<CommitId, Error> {
        let branch = names::branch(name)?;
        let queue = self.queue(branch.as_bstr().to_string().as_str());
        let _turn = crate::shared::lock(&queue);
        self.begin_branch(&branch, at)
    }

    /// Creates a branch, unless there is one; the caller holds its lock.
    pub(crate) fn begin_branch(&self, branch: &FullName, at: &str) -> Result<CommitId, Error> {
        let repository = self.local();
        if let Some(tip) = tip_of(&repository, branch)? {
            return Ok(CommitId(tip));
        }
        let start = resolve::find_commit(&repository, at)?.ok_or_else(|| self.unknown(at))?;
        let reason = format!("branch: created from {at}");
        let mover = Mover { by: self.identity(), time_ms: now_ms(), reason: &reason };
        self.sync_objects()?;
        match self.swap(&repository, branch, None, start, &mover)? {
            Swap::Done => Ok(CommitId(start)),
            Swap::Lost => {
                let tip = tip_of(&repository, branch)?.map(CommitId);
                tip.ok_or_else(|| self.unknown(&names::short(branch)))
            }
        }
    }

    /// Makes everything written so far durable; comes before a ref is moved to it.
    pub(crate) fn sync_objects(&self) -> Result<(), Error> {
        durable::objects(&self.0.common_dir)
            .context("bring to the disk the objects of", self.path().display())
    }

    /// Moves a ref as [`Repository::try_swap`] does, and waits while another process holds its lock.
    pub(crate) fn swap(
        &self,
        repository: &gix::Repository,
        name: &FullName,
        old: Option<ObjectId>,
        new: ObjectId,
        mover: &Mover<'_>,
    ) -> Result<Swap, Error> {
        for _ in 0..MAX_LOCKED_TRIES {
            match self.try_swap(repository, name, old, new, mover) {
                Err(Error::Locked { lock }) => self.wait_for_lock(&lock.with_extension(""))?,
                swapped => return swapped,
            }
        }
        self.try_swap(repository, name, old, new, mover)
    }

    /// Moves a ref from `old` to `new`: makes the objects durable, moves the ref, then makes the ref durable. Returns
    /// [`Error::Locked`] while another process holds the ref's lock, so that a caller that holds worktrees can release
    /// them before it waits.
    pub(crate) fn try_swap(
        &self,
        repository: &gix::Repository,
        name: &FullName,
        old: Option<ObjectId>,
        new: ObjectId,
        mover: &Mover<'_>,
    ) -> Result<Swap, Error> {
        self.refuse_moved()?;
        let common = &self.0.common_dir;
        let expected = old
            .map_or(PreviousValue::MustNotExist, |old| PreviousValue::MustExistAndMatch(Target::Object(old)));
        let log = LogChange { message: one_line(mover.reason).into(), ..LogChange::default() };
        let change = Change::Update { log, expected, new: Target::Object(new) };
        let edit = RefEdit { change, name: name.clone(), deref: false };
        // An agent that works on these branches can put a link in the place of their logs.
        let mut without_logs = repository.clone();
        without_logs.refs.write_reflog = gix::refs::store::WriteReflog::Disable;
        let repository = if is_of_agents(name) { &without_logs } else { repository };
        let signature = objects::signature(mover.by, mover.time_ms);
        let mut buffer = gix::date::parse::TimeBuf::default();
        if let Err(error) = repository.edit_references_as(Some(edit), Some(signature.to_ref(&mut buffer))) {
            if tip_of(repository, name)? != old {
                return Ok(Swap::Lost);
            }
            if !error.is_retryable() {
                if let Some(target) = self.symbolic(&name.as_bstr().to_string(), "")? {
                    return Err(Error::SymbolicRef { name: name.as_bstr().to_string(), target });
                }
                return Err(error).context("move the ref", name.as_bstr());
            }
            let locks = [self.ref_file(name), common.join("packed-refs")].map(|file| lock_files::of(&file));
            let places = self.places()?;
            for lock in locks {
                let is_removed =
                    lock_files::remove_if_dead(&lock, &places).context("remove", lock.display())?;
                if !is_removed && lock.exists() {
                    return Err(Error::Locked { lock });
                }
            }
            return Ok(Swap::Lost);
        }
        let file = self.ref_file(name);
        // A ref that was packed meanwhile was made durable by the process that packed it.
        lock_files::found(durable::file(&file, common)).context("bring to the disk", file.display())?;
        Ok(Swap::Done)
    }

    /// Returns the file of a loose ref.
    pub(crate) fn ref_file(&self, name: &FullName) -> PathBuf {
        self.0.common_dir.join(safe_path::name(name.as_bstr()))
    }

    /// Returns the branch that a symbolic ref names, without its prefix.
    fn symbolic(&self, name: &str, prefix: &str) -> Result<Option<String>, Error> {
        let text = crate::files::plain::read_text(&self.0.common_dir.join(name))?;
        Ok(text.and_then(|text| Some(text.strip_prefix("ref: ")?.trim().strip_prefix(prefix)?.to_owned())))
    }
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// Returns the wall clock, for refs and commits without a given date.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
