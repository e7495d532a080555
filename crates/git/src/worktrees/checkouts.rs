//! Worktrees by the branch they have checked out.

use crate::error::Context as _;
use crate::files::plain::read_text;
use crate::repository::open::{IN_FORCE, absolute, ignore_programs};
use crate::{Error, Repository, refs::branches};
use gix::ObjectId;
use gix::refs::FullName;
use std::path::{Path, PathBuf};

/// A worktree whose folder is there.
#[derive(Clone, Debug)]
pub(crate) struct Checkout {
    pub(crate) git_dir: PathBuf,
    pub(crate) root: PathBuf,
    /// The full name of the branch it is on, or is being rebased; `None` when detached.
    pub(crate) branch: Option<String>,
}

impl Checkout {
    /// Returns the commit that is checked out; `None` when its branch has no commit or is gone.
    pub(crate) fn head(&self, repository: &gix::Repository) -> Result<Option<ObjectId>, Error> {
        let head = read_text(&self.git_dir.join("HEAD"))?.unwrap_or_default();
        match head.strip_prefix("ref: ") {
            Some(name) => match FullName::try_from(name.trim()) {
                Ok(name) => branches::tip_of(repository, &name),
                // What is no name of a ref has no commit either.
                Err(_) => Ok(None),
            },
            None => Ok(ObjectId::from_hex(head.trim().as_bytes()).ok()),
        }
    }

    /// Returns the operation under way in it, such as a merge that waits for a person.
    pub(crate) fn operation(&self) -> Option<&'static str> {
        let signs = [
            ("MERGE_HEAD", "a merge"),
            ("rebase-merge", "a rebase"),
            ("rebase-apply", "a rebase"),
            ("CHERRY_PICK_HEAD", "a cherry-pick"),
            ("REVERT_HEAD", "a revert"),
            ("BISECT_LOG", "a bisection"),
        ];
        signs.into_iter().find(|(file, _)| self.git_dir.join(file).exists()).map(|(_, operation)| operation)
    }
}

impl Repository {
    /// Returns the worktrees that are there.
    pub(crate) fn checkouts(&self) -> Result<Vec<Checkout>, Error> {
        let mut checkouts = Vec::new();
        if let Some(root) = self.0.main_root.as_ref().filter(|root| root.is_dir()) {
            let git_dir = self.0.common_dir.clone();
            let branch = branch(&git_dir)?;
            checkouts.push(Checkout { git_dir, root: root.clone(), branch });
        }
        for registration in
            self.registrations()?.into_iter().filter(crate::worktrees::registration::Registration::is_whole)
        {
            if self.is_behind_link(&registration.root) {
                continue;
            }
            // One that cannot be read does not keep the others from being listed.
            let branch = crate::files::plain::unless_replaced(branch(&registration.git_dir))?;
            let (git_dir, root) = (registration.git_dir, registration.root);
            checkouts.push(Checkout { git_dir, root, branch });
        }
        Ok(checkouts)
    }

    /// Returns whether a symbolic link in the repository's folder leads to a place in it: what is written there would
    /// be elsewhere.
    pub(crate) fn is_behind_link(&self, place: &Path) -> bool {
        self.link_to(place).is_some()
    }

    /// Returns the symbolic link in the repository's folder that leads to a place in it.
    pub(crate) fn link_to<'p>(&self, place: &'p Path) -> Option<&'p Path> {
        let root = self.path();
        let is_inside = |part: &&Path| part.starts_with(root) && *part != root;
        place.ancestors().take_while(is_inside).find(|part| part.is_symlink())
    }

    /// Returns the worktrees that are on a branch, by its full name.
    pub(crate) fn checkouts_of(&self, branch: &str) -> Result<Vec<Checkout>, Error> {
        let mut checkouts = self.checkouts()?;
        checkouts.retain(|checkout| checkout.branch.as_deref() == Some(branch));
        Ok(checkouts)
    }

    /// Returns the worktree of a folder.
    pub(crate) fn checkout(&self, path: &Path) -> Result<Checkout, Error> {
        let resolved = crate::worktrees::registration::resolved(path);
        let all = self.checkouts()?;
        let found = all
            .into_iter()
            .find(|checkout| crate::worktrees::registration::resolved(&checkout.root) == resolved);
        found.ok_or_else(|| Error::NotAWorktree { path: path.to_owned(), repository: self.path().to_owned() })
    }
}

/// Opens a linked worktree by what the repository keeps of it, without following the worktree's own pointer.
pub(crate) fn open(checkout: &Checkout) -> Result<gix::Repository, Error> {
    let shown = || checkout.root.display();
    let options = gix::open::Options::isolated().config_overrides(IN_FORCE).open_path_as_is(true);
    let mut opened = options.open(&checkout.git_dir).context("open the worktree", shown())?.to_thread_local();
    ignore_programs(&mut opened).context("open the worktree", shown())?;
    let is_there = opened.workdir().is_some_and(|workdir| absolute(workdir) == absolute(&checkout.root));
    if !is_there {
        let repository = absolute(opened.common_dir());
        return Err(Error::NotAWorktree { path: checkout.root.clone(), repository });
    }
    Ok(opened)
}

/// Returns the branch of a worktree: what its `HEAD` names, or what is being rebased or bisected in it.
fn branch(git_dir: &Path) -> Result<Option<String>, Error> {
    let head = read_text(&git_dir.join("HEAD"))?.unwrap_or_default();
    if let Some(name) = head.strip_prefix("ref: ") {
        return Ok(Some(name.trim().to_owned()));
    }
    for file in ["rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"] {
        if let Some(name) = read_text(&git_dir.join(file))? {
            let name = name.trim();
            return Ok(Some(if name.starts_with("refs/") {
                name.to_owned()
            } else {
                format!("refs/heads/{name}")
            }));
        }
    }
    Ok(None)
}
