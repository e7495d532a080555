//! Short ids that a repository knows from an earlier database.

use git::Repository;
use store::{Project, Store};
use workflow::ShortId;

/// The refs whose names have short ids: the branches of tasks, of sessions, and what was fetched of them.
const PREFIXES: [&str; 3] = ["refs/heads/task/", "refs/heads/spectask/", "refs/remotes/"];

/// Continues a project's numbers after those that branches of the repository have, so that no task begins on a branch of another.
pub async fn continue_numbers(
    store: &Store,
    project: &Project,
    repository: Repository,
) -> anyhow::Result<()> {
    let key = project.key.clone();
    let last = crate::spawn_blocking(move || last_number(&repository, &key)).await??;
    store.number_tasks_after(&project.id, last).await?;
    Ok(())
}

/// The highest number of a key in the names of branches, or 0.
fn last_number(repository: &Repository, key: &str) -> Result<u64, git::Error> {
    let mut last = 0;
    for prefix in PREFIXES {
        for (name, _) in repository.refs_beneath(prefix)? {
            let found = name.split('/').filter_map(ShortId::at_start_of).filter(|id| id.key() == key);
            last = found.map(|id| id.number()).fold(last, u64::max);
        }
    }
    Ok(last)
}
