//! The commits of a branch.

use crate::error::Context as _;
use crate::{CommitId, Error, Repository};
use gix::ObjectId;
use gix::object::tree::diff::ChangeDetached;
use gix::revision::walk::Sorting;
use gix::traverse::commit::simple::CommitTimeOrder;
use serde::{Deserialize, Serialize};

/// A commit, with the files it touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    pub id: CommitId,
    pub author: String,
    pub email: String,
    pub time_ms: i64,
    pub subject: String,
    pub message: String,
    /// The files that differ from the first parent's.
    pub files_touched: Vec<String>,
}

impl Repository {
    /// Returns the commits that `to` has and `from` has not, newest first.
    pub fn log(&self, from: Option<&str>, to: &str, limit: usize) -> Result<Vec<LogEntry>, Error> {
        self.walk(from, to, limit, false)
    }

    /// Returns the commits that were made on the way from `from` to `to`, newest first, without those that came by
    /// merges.
    pub fn log_of_first_parents(
        &self,
        from: Option<&str>,
        to: &str,
        limit: usize,
    ) -> Result<Vec<LogEntry>, Error> {
        self.walk(from, to, limit, true)
    }

    fn walk(
        &self,
        from: Option<&str>,
        to: &str,
        limit: usize,
        first_parents: bool,
    ) -> Result<Vec<LogEntry>, Error> {
        let repository = self.local();
        let tip = self.need(&repository, to)?;
        let hidden = from.map(|from| self.need(&repository, from)).transpose()?;
        let mut walk = repository
            .rev_walk([tip])
            .sorting(Sorting::ByCommitTime(CommitTimeOrder::NewestFirst))
            .with_hidden(hidden);
        if first_parents {
            walk = walk.first_parent_only();
        }
        let walk = walk.all().context("walk the history of", to)?;
        let mut entries = Vec::new();
        for info in walk.take(limit) {
            entries.push(entry(&repository, info.context("walk the history of", to)?.id)?);
        }
        Ok(entries)
    }
}

fn entry(repository: &gix::Repository, id: ObjectId) -> Result<LogEntry, Error> {
    let commit = repository.find_commit(id).context("read the commit", id)?;
    let author = commit.author().context("read the author of", id)?;
    let message = commit.message_raw().context("read the message of", id)?.to_string();
    let seconds = author.time().map_or(0, |time| time.seconds);
    let parent = commit.parent_ids().next().map(gix::Id::detach);
    Ok(LogEntry {
        id: CommitId(id),
        author: author.name.to_string(),
        email: author.email.to_string(),
        time_ms: seconds.saturating_mul(1000),
        subject: message.lines().next().unwrap_or_default().to_owned(),
        files_touched: files(repository, parent, id)?,
        message,
    })
}

fn files(repository: &gix::Repository, parent: Option<ObjectId>, id: ObjectId) -> Result<Vec<String>, Error> {
    let tree_of = |id: ObjectId| {
        let tree = repository.find_commit(id).and_then(|commit| commit.tree());
        tree.context("read the tree of", id)
    };
    // The parent of a shallow clone's last commit is not there.
    let old = match parent {
        Some(parent) if repository.has_object(parent) => tree_of(parent)?,
        Some(_) | None => repository.empty_tree(),
    };
    let changes = repository
        .diff_tree_to_tree(&old, &tree_of(id)?, gix::diff::Options::default())
        .context("compare the files of", id)?;
    let mut files: Vec<String> = changes
        .into_iter()
        .filter_map(|change| match change {
            ChangeDetached::Addition { location, entry_mode, .. }
            | ChangeDetached::Deletion { location, entry_mode, .. }
            | ChangeDetached::Modification { location, entry_mode, .. }
            | ChangeDetached::Rewrite { location, entry_mode, .. } => {
                (!entry_mode.is_tree()).then(|| location.to_string())
            }
        })
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}
