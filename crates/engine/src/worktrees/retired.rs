//! Branches of landed tasks that are removed, and the refs that keep their commits for a while.

use git::{CommitId, Repository, Retire, Retired};
use workflow::{Millis, Task};

/// Where the refs are that keep the commits of removed branches: by task, and by the time they were made.
pub(crate) const SAVED: &str = "refs/spectask/retired/";

/// Returns the request to remove a task's branch whose commits the base branch has. All branches of a task have one ref that
/// keeps their commits.
pub(crate) fn request(
    repository: &Repository,
    task: &Task,
    branch: &str,
    tip: CommitId,
    now: Millis,
) -> Result<Retire, git::Error> {
    let saved = format!("{SAVED}{}/", task.id);
    let present = repository.refs_beneath(&saved)?.into_iter().next();
    Ok(Retire {
        branch: branch.to_owned(),
        tip,
        into: task.base_branch.clone(),
        saved: format!("refs/spectask/saved/{}/", task.id),
        keep: present.map_or_else(|| format!("{saved}{}", now.0), |(name, _)| name),
    })
}

/// Removes a branch, after a ref keeps the commits of the task's branch, which has those of the task's other branches.
pub(crate) fn remove(repository: &Repository, task: &Task, retire: &Retire) -> Result<Retired, git::Error> {
    let is_first = repository.resolve(&retire.keep)?.is_none();
    if is_first && repository.can_retire(retire)? == Retired::Removed {
        repository.save_tip(&task.branch(), &retire.keep)?;
    }
    repository.retire_branch(retire)
}

/// Removes the branches of a landed task's sessions, as far as the base branch has their commits.
pub(crate) fn remove_session_branches(
    repository: &Repository,
    task: &Task,
    now: Millis,
) -> Result<(), git::Error> {
    let beneath = format!("refs/heads/{}/", task.session_branches());
    for (name, tip) in repository.refs_beneath(&beneath)? {
        let branch = name.strip_prefix("refs/heads/");
        if !task.sessions.iter().any(|session| session.branch.as_deref() == branch) {
            continue;
        }
        let retire = request(repository, task, &name, tip, now)?;
        if let Retired::Kept(reason) = remove(repository, task, &retire)? {
            tracing::debug!(task = %task.id, branch = name, reason, "the branch of a session stays");
        }
    }
    Ok(())
}
