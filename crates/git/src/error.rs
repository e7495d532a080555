//! Errors, which name the operation and its object.

use std::path::PathBuf;

type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Why an operation on a repository failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not {operation} {thing}")]
    Failed { operation: &'static str, thing: String, source: Source },
    #[error("git {command} failed in {place}: {message}")]
    Command { command: String, place: PathBuf, message: String },
    #[error("git {command} in {place} took longer than {seconds} seconds and was ended")]
    TooSlow { command: String, place: PathBuf, seconds: u64 },
    #[error("git {command} in {place} printed more than {bytes} bytes and was ended")]
    TooMuch { command: String, place: PathBuf, bytes: usize },
    #[error("git {found} is too old; {needed} or newer is needed")]
    TooOld { found: String, needed: &'static str },
    #[error("{name:?} cannot be the name of a {what}")]
    Name { what: &'static str, name: String },
    #[error("the repository at {repository} has no commit {rev:?}")]
    UnknownRevision { repository: PathBuf, rev: String },
    #[error("the branch {branch} moved under every one of {attempts} attempts to commit to it")]
    Contended { branch: String, attempts: usize },
    #[error("{lock} is held by another process; if none is at work, remove the file")]
    Locked { lock: PathBuf },
    #[error("{path} is not a worktree of the repository at {repository}")]
    NotAWorktree { path: PathBuf, repository: PathBuf },
    #[error("{path} is not a worktree that was made here, so it is left alone")]
    NotOurs { path: PathBuf },
    #[error("{path} is in the way of a worktree; move it elsewhere")]
    Occupied { path: PathBuf },
    #[error("the branch {branch} is already checked out at {path}")]
    CheckedOut { branch: String, path: PathBuf },
    #[error("the worktree {path} has unresolved conflicts in {}", files.join(", "))]
    Unmerged { path: PathBuf, files: Vec<String> },
    #[error("{path} holds something else already")]
    Exists { path: PathBuf },
    #[error(
        "{name} is a symbolic ref to {target}, and only branches are moved here; make a branch of it with `git symbolic-ref --delete {name}` and `git update-ref {name} {target}`"
    )]
    SymbolicRef { name: String, target: String },
    #[error("{path} is a symbolic link, and nothing is written through links; remove it from the repository")]
    Link { path: PathBuf },
    #[error(
        "the object {id} has another content than its name says, so the repository was tampered with or is damaged; run `git fsck` for details"
    )]
    Forged { id: String },
    #[error("{path} is a pipe, which git waits for; remove it, or make a file of it")]
    Pipe { path: PathBuf },
    #[error("{path} is no plain file, as git keeps one there; remove it")]
    NotPlain { path: PathBuf },
    #[error("could not open the repository")]
    Open(#[from] OpenError),
}

/// Why a folder cannot be used as a repository.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("there is no folder {path}")]
    Missing { path: PathBuf },
    #[error("{path} is not a git repository")]
    NotARepository { path: PathBuf },
    #[error("{path} is a folder inside the git repository {root}; name that one")]
    Inside { path: PathBuf, root: PathBuf },
    #[error("the git repository {path} has no commits yet; make a first commit")]
    Empty { path: PathBuf },
    #[error(
        "the git repository {path} keeps its refs as reftable, which is not supported; convert it with `git refs migrate --ref-format=files`"
    )]
    Reftable { path: PathBuf },
    #[error(
        "the git repository {path} has its files at {worktree}, which does not belong to it; put that right with `git -C {path} config --unset core.worktree`"
    )]
    WorktreeElsewhere { path: PathBuf, worktree: PathBuf },
    #[error(
        "the git repository {path} belongs to {owner}, and this server runs as {user}, so git does not trust it; allow it with `git config --global --add safe.directory {path}` as {user}"
    )]
    OwnedByAnother { path: PathBuf, owner: String, user: String },
    #[error(
        "the branch {branch} of {path} takes a name that branches made here begin with ({wanted}/…); rename it with `git branch -m {branch} NEW-NAME`"
    )]
    BranchInTheWay { path: PathBuf, branch: String, wanted: String },
    #[error(
        "the branch {branch} of {path} takes the name of the documents' branch {docs_branch} for a folder; rename it with `git branch -m {branch} NEW-NAME`, or name another branch in `design_docs_branch`"
    )]
    BranchBeneathDocuments { path: PathBuf, branch: String, docs_branch: String },
    #[error(
        "the git repository {path} has the branch {branch} checked out, in which documents are kept; check out another one with `git -C {path} switch BRANCH`, or name another branch in `design_docs_branch`"
    )]
    DocumentsCheckedOut { path: PathBuf, branch: String },
    #[error(
        "{place} is a file or has tracked files, and the worktree of the documents goes there; move it elsewhere"
    )]
    PlaceTaken { place: PathBuf },
    #[error(
        "{path} has a file `{name}` in its commits, and the approved documents go into a folder of that name; rename the file"
    )]
    DocumentsPlaceTaken { path: PathBuf, name: String },
    #[error(
        "the git repository {path} is a partial clone and lacks objects of its files or of its recent commits; fetch them with `git -C {path} fetch --refetch --no-filter`"
    )]
    Partial { path: PathBuf },
    #[error("the git repository {path} cannot be read")]
    Damaged { path: PathBuf, source: Source },
    #[error("the git repository {path} cannot be configured")]
    Configure { path: PathBuf, source: Box<Error> },
}

/// Why a repository could not be cloned.
#[derive(Debug, thiserror::Error)]
pub enum CloneError {
    #[error("{url:?} cannot be cloned: {reason}")]
    Refused { url: String, reason: &'static str },
    #[error("could not clone {url:?}")]
    Failed { url: String, source: Box<Error> },
    #[error("could not use the clone of {url:?}")]
    Open { url: String, source: OpenError },
}

/// Gives a failure its operation and thing.
pub(crate) trait Context<T> {
    fn context(self, operation: &'static str, thing: impl ToString) -> Result<T, Error>;
}

impl<T, E: Into<Source>> Context<T> for Result<T, E> {
    fn context(self, operation: &'static str, thing: impl ToString) -> Result<T, Error> {
        self.map_err(|source| Error::Failed { operation, thing: thing.to_string(), source: source.into() })
    }
}
