//! Opens repositories.

use crate::repository::{Inner, identity};
use crate::{Error, Git, OpenError, Repository, files::plain};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Settings of each managed repository: written objects and refs reach the disk, and git runs no cleanup by itself.
const SETTINGS: [(&str, &str); 4] = [
    ("core.fsync", "objects,reference"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("gc.worktreePruneExpire", "never"),
];

/// Sections whose values name programs or change what a merge or diff gives.
const IGNORED_SECTIONS: [&str; 4] = ["diff", "filter", "gpg", "merge"];

/// Files of a git folder that are read when a repository is opened.
const READ_AT_OPENING: [&str; 9] = [
    "commondir",
    "config",
    "config.worktree",
    "gitdir",
    "HEAD",
    "index",
    "objects/info/alternates",
    "packed-refs",
    "shallow",
];

/// Settings in force in process, whatever the repository's configuration says: no process that writes into the repository
/// decides what a commit's content, its parents or its places of files seem to be.
pub(crate) const IN_FORCE: [&str; 5] = [
    "core.useReplaceRefs=false",
    "core.commitGraph=false",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    // Larger files are not looked at to find out whether they were renamed.
    "core.bigFileThreshold=4m",
];

impl Git {
    /// Opens a worktree's root or a bare repository, and configures it.
    pub fn open(&self, path: &Path) -> Result<Repository, OpenError> {
        let repository = self.open_unchanged(path)?;
        repository.configure()?;
        Ok(repository)
    }

    /// Opens a worktree's root or a bare repository, and writes nothing into it: it may be another one than the
    /// expected one. [`Repository::configure`] has to be called before work in it.
    pub fn open_unchanged(&self, path: &Path) -> Result<Repository, OpenError> {
        let repository = self.open_any(path)?;
        if repository
            .is_empty()
            .map_err(|source| OpenError::Damaged { path: path.to_owned(), source: source.into() })?
        {
            return Err(OpenError::Empty { path: path.to_owned() });
        }
        Ok(repository)
    }

    /// Returns the folder that all worktrees of a repository share, from anywhere inside it or them: it tells whether
    /// two paths are of one repository. None where there is none that can be opened; nothing is changed.
    pub fn common_dir(&self, path: &Path) -> Option<PathBuf> {
        let path = std::fs::canonicalize(path).ok()?;
        let root = path.ancestors().find(|place| looks_like_repository(place))?;
        Some(self.open_any(root).ok()?.0.common_dir.clone())
    }

    /// Opens a repository as it is, with or without commits.
    pub(crate) fn open_any(&self, path: &Path) -> Result<Repository, OpenError> {
        let path = std::fs::canonicalize(path)
            .ok()
            .filter(|path| path.is_dir())
            .ok_or_else(|| OpenError::Missing { path: path.to_owned() })?;
        let damaged = |source: gix::Error| OpenError::Damaged { path: path.clone(), source: source.into() };
        if !looks_like_repository(&path) {
            return Err(match path.ancestors().skip(1).find(|parent| has_git_dir(parent)) {
                Some(root) => OpenError::Inside { path: path.clone(), root: root.to_owned() },
                None => OpenError::NotARepository { path },
            });
        }
        if let Some(other) = no_file_among(&git_dir_of(&path)) {
            let source = Error::NotPlain { path: other }.into();
            return Err(OpenError::Damaged { path, source });
        }
        if is_reftable(&path) {
            return Err(OpenError::Reftable { path });
        }
        // Creating a worktree's HEAD reads the committer from the configuration.
        let by = self.identity();
        let committer = [
            format!("gitoxide.committer.nameFallback={}", by.name),
            format!("gitoxide.committer.emailFallback={}", by.email),
        ];
        let in_force = IN_FORCE.into_iter().map(str::to_owned).chain(committer);
        let options = gix::open::Options::isolated().config_overrides(in_force);
        let mut opened = options.open(&path).map_err(damaged)?.to_thread_local();
        ignore_programs(&mut opened).map_err(damaged)?;
        let common_dir = absolute(opened.common_dir());
        if common_dir.join("reftable").is_dir() {
            return Err(OpenError::Reftable { path });
        }
        let root = opened.workdir().map_or_else(|| common_dir.clone(), absolute);
        let main_root = opened.main_repo().map_err(damaged)?.workdir().map(absolute);
        if let Some(main_root) = main_root.as_ref().filter(|root| !leads_to(root, &common_dir)) {
            return Err(OpenError::WorktreeElsewhere { path, worktree: main_root.clone() });
        }
        ignore_false_shallow(&mut opened).map_err(damaged)?;
        let empty_tree = gix::ObjectId::empty_tree(opened.object_hash()).to_string();
        let shared = self.shared(&common_dir);
        let gix = opened.into_sync();
        let identity = identity(&common_dir);
        let inner =
            Inner { git: self.clone(), gix, root, common_dir, identity, main_root, empty_tree, shared };
        let repository = Repository(Arc::new(inner));
        repository
            .note_state()
            .map_err(|source| OpenError::Damaged { path: path.clone(), source: source.into() })?;
        Ok(repository)
    }
}

impl Repository {
    /// Returns whether no branch has a commit.
    pub(crate) fn is_empty(&self) -> Result<bool, Error> {
        let repository = self.local();
        let has_head = repository.head_id().is_ok();
        Ok(!has_head && self.branches()?.is_empty())
    }

    /// Writes those settings of a managed repository that are not in force yet.
    pub fn configure(&self) -> Result<(), OpenError> {
        self.write_settings()
            .map_err(|source| OpenError::Configure { path: self.path().to_owned(), source: Box::new(source) })
    }

    pub(crate) fn write_settings(&self) -> Result<(), Error> {
        let repository = self.local();
        let config = repository.config_snapshot();
        for (key, value) in SETTINGS {
            if config.string(key).is_none_or(|found| found != value) {
                self.wait_for_lock(&self.0.common_dir.join("config"))?;
                let set = self.command("config").args(["--local", "--replace-all", key, value]);
                set.limit(crate::process::pipes::TIMEOUT).run()?;
            }
        }
        Ok(())
    }
}

/// Drops the parts of the configuration that name programs from what is in force in process.
pub(crate) fn ignore_programs(repository: &mut gix::Repository) -> gix::Result<()> {
    let mut config = repository.config_snapshot_mut();
    let ids: Vec<_> = IGNORED_SECTIONS
        .into_iter()
        .filter_map(|name| Some(config.sections_and_ids_by_name(name)?.map(|(_, id)| id).collect::<Vec<_>>()))
        .flatten()
        .collect();
    for id in ids {
        config.remove_section_by_id(id);
    }
    config.commit().map(|_| ())
}

/// Returns whether a file of commits whose parents are said to be missing tells the truth; one that does not is not
/// read.
///
/// History ends for a walk at such a commit, so that what comes before it would be left out of reviews.
pub(crate) fn ignore_false_shallow(repository: &mut gix::Repository) -> gix::Result<()> {
    // Asked of gix, the file would stay in its memory.
    let listed = std::fs::read_to_string(repository.common_dir().join("shallow")).unwrap_or_default();
    let is_boundary = |line: &str| {
        let id = gix::ObjectId::from_hex(line.trim().as_bytes()).ok();
        let commit = id.and_then(|id| repository.find_commit(id).ok());
        commit.is_some_and(|commit| !commit.parent_ids().any(|parent| repository.has_object(parent)))
    };
    let is_true = !listed.is_empty() && listed.lines().all(is_boundary);
    if !is_true {
        let mut config = repository.config_snapshot_mut();
        config.set_raw_value("gitoxide.core.shallowFile", "/dev/null")?;
        config.commit()?;
    }
    Ok(())
}

/// Returns whether a folder is what git itself takes for a repository.
fn looks_like_repository(path: &Path) -> bool {
    has_git_dir(path) || is_git_dir(path)
}

/// Returns whether a folder has a git folder, or a pointer to one.
fn has_git_dir(path: &Path) -> bool {
    let dot_git = path.join(".git");
    is_git_dir(&dot_git) || pointed_at(&dot_git).is_some()
}

/// Returns whether a folder has what each git folder has. One of a linked worktree has its objects and refs elsewhere.
fn is_git_dir(path: &Path) -> bool {
    let has_own = path.join("objects").is_dir() && path.join("refs").is_dir();
    path.join("HEAD").symlink_metadata().is_ok() && (has_own || path.join("commondir").is_file())
}

/// Returns the git folder that a file called `.git` points at.
fn pointed_at(file: &Path) -> Option<PathBuf> {
    const LONGEST: u64 = 8 * 1024;
    let is_pointer = file.metadata().is_ok_and(|found| found.is_file() && found.len() <= LONGEST);
    let text = is_pointer.then(|| plain::read_text(file).ok().flatten()).flatten()?;
    let target = text.strip_prefix("gitdir: ")?.trim_end();
    Some(file.parent()?.join(target))
}

/// Returns whether the git folder of a worktree's root is the given one.
fn leads_to(root: &Path, git_dir: &Path) -> bool {
    let dot_git = root.join(".git");
    absolute(&pointed_at(&dot_git).unwrap_or(dot_git)) == git_dir
}

/// Returns the git folder of a worktree's root or a bare repository.
fn git_dir_of(path: &Path) -> PathBuf {
    let dot_git = path.join(".git");
    if dot_git.is_dir() { dot_git } else { pointed_at(&dot_git).unwrap_or_else(|| path.to_owned()) }
}

/// Returns the first of the files that are read when a repository is opened which is a pipe or a device: reading it
/// might not end.
fn no_file_among(git_dir: &Path) -> Option<PathBuf> {
    let pointer = plain::unless_replaced(plain::read(&git_dir.join("commondir"))).ok().flatten();
    let common_dir = pointer.map(|bytes| git_dir.join(String::from_utf8_lossy(&bytes).trim()));
    let folders = [Some(git_dir.to_owned()), common_dir];
    let paths =
        folders.into_iter().flatten().flat_map(|folder| READ_AT_OPENING.map(|name| folder.join(name)));
    let is_other = |path: &PathBuf| path.metadata().is_ok_and(|found| !found.is_file());
    paths.into_iter().find(is_other)
}

/// Returns whether a repository says in its configuration that it keeps refs in tables.
fn is_reftable(path: &Path) -> bool {
    [path.join(".git/config"), path.join("config")].iter().any(|config| {
        std::fs::read_to_string(config).is_ok_and(|text| {
            text.lines().filter_map(|line| line.split_once('=')).any(|(key, value)| {
                key.trim().eq_ignore_ascii_case("refstorage") && value.trim().starts_with("reftable")
            })
        })
    })
}

pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
