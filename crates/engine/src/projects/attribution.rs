//! Attribution of commits to sessions where several sessions share one worktree.
//!
//! The branch of a session identifies its commits. In a shared worktree a commit of one session may contain uncommitted files
//! of another, so commits are attributed by the files that each session's agent reported as changed.

use crate::App;
use crate::paths::workdir;
use git::LogEntry as LoggedCommit;
use protocol::LogEntry;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use store::{LogRow, StoreError};
use workflow::{Isolation, Millis, Session, Task, TurnId};

/// How many entries of a log are read at once.
const PAGE: u64 = 1_000;

/// How a session's own commits are recognized among those that were made since it began.
#[derive(Clone, Debug)]
pub enum Attribution {
    /// No other session could have made them.
    All,
    /// They touch one of these files, which the session's tool calls changed.
    Touching(BTreeSet<PathBuf>),
}

impl Attribution {
    pub async fn of(app: &App, task: &Task, session: &Session) -> Result<Self, StoreError> {
        if task.isolation != Isolation::Shared || is_alone(task, session) {
            return Ok(Self::All);
        }
        edited(app, task, session).await.map(Self::Touching)
    }

    pub fn is_own(&self, commit: &LoggedCommit) -> bool {
        match self {
            Self::All => true,
            Self::Touching(edited) => {
                commit.files_touched.iter().any(|file| edited.contains(Path::new(file)))
            }
        }
    }
}

/// Returns whether no other session worked in the shared worktree since this one began, until it ended.
fn is_alone(task: &Task, session: &Session) -> bool {
    let Some(begun) = session.worked.first().map(|interval| interval.from) else { return true };
    let ended = session.worked.last().and_then(|interval| interval.until).unwrap_or(Millis(i64::MAX));
    let mut others = task.sessions.iter().filter(|other| other.id != session.id && other.branch.is_some());
    !others.any(|other| {
        let mut worked = other.worked.iter();
        worked.any(|interval| interval.from < ended && interval.until.is_none_or(|until| until > begun))
    })
}

/// Returns the files that the last tool calls of a turn changed, relative to the session's worktree.
pub(crate) async fn edited_in(
    app: &App,
    task: &Task,
    session: &Session,
    turn: &TurnId,
) -> Result<Vec<PathBuf>, StoreError> {
    let mut calls = Calls::default();
    let rows = app.store.read_log_end(&session.id, PAGE).await?;
    let is_start = |row: &LogRow| matches!(&row.entry, LogEntry::TurnStarted(started) if started.turn_id.text() == turn.as_str());
    let start = rows.iter().rposition(is_start).unwrap_or(0);
    for row in rows.iter().skip(start) {
        calls.take(row);
    }
    let root = workdir(app.repositories.data_dir(), task, session);
    Ok(calls.edited(&root).into_iter().collect())
}

/// Returns the files that a session's tool calls changed, relative to its worktree.
async fn edited(app: &App, task: &Task, session: &Session) -> Result<BTreeSet<PathBuf>, StoreError> {
    let root = workdir(app.repositories.data_dir(), task, session);
    let mut calls = Calls::default();
    let mut after = 0;
    loop {
        let rows = app.store.read_log(&session.id, after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.seq;
        for row in &rows {
            calls.take(row);
        }
    }
    Ok(calls.edited(&root))
}

/// The tool calls of a log, from their entries.
#[derive(Default)]
struct Calls {
    /// The calls that change files, by what they are.
    changing: BTreeSet<String>,
    /// The files that each call names.
    named: Vec<(String, PathBuf)>,
    /// The files that diffs are of.
    compared: BTreeSet<PathBuf>,
}

impl Calls {
    /// One entry may have the kind of a call, and another one its files.
    fn take(&mut self, row: &LogRow) {
        let LogEntry::ToolCall(call) = &row.entry else { return };
        let id = call.tool_call_id.text();
        if call.changes_files() {
            self.changing.insert(id.to_owned());
        }
        self.named.extend(call.location_paths().map(|path| (id.to_owned(), PathBuf::from(path))));
        self.compared.extend(call.diff_paths().map(PathBuf::from));
    }

    fn edited(self, root: &Path) -> BTreeSet<PathBuf> {
        let Self { changing, named, compared } = self;
        let named = named.into_iter().filter(|(id, _)| changing.contains(id)).map(|(_, path)| path);
        named.chain(compared).filter_map(|path| beneath(root, &path)).collect()
    }
}

/// Returns a path as git names it; absent when it is outside the worktree.
fn beneath(root: &Path, path: &Path) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    let path = if path.is_absolute() { path.strip_prefix(root).ok()? } else { path };
    for component in path.components() {
        match component {
            Component::Normal(name) => found.push(name),
            Component::CurDir => {}
            Component::ParentDir => found.pop().then_some(())?,
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn what_tool_calls_changed_is_known_by_their_kinds_and_diffs() {
        let call = |id: &str, rest: Value| {
            let mut entry = json!({ "kind": "tool_call", "tool_call_id": id });
            for (name, value) in rest.as_object().into_iter().flatten() {
                entry[name] = value.clone();
            }
            entry
        };
        let entries = [
            call("a", json!({ "locations": [{ "path": "/w/src/one.rs", "line": 3 }] })),
            call("a", json!({ "tool_kind": "edit", "status": "completed" })),
            call("b", json!({ "tool_kind": "read", "locations": [{ "path": "/w/read.rs" }] })),
            call("c", json!({ "content": [{ "type": "diff", "path": "./src/../two.rs", "newText": "" }] })),
            call("d", json!({ "tool_kind": "delete", "locations": [{ "path": "/elsewhere/three.rs" }] })),
            call(
                "e",
                json!({ "tool_kind": "move", "locations": [{ "path": "../four.rs" }, { "path": "five" }] }),
            ),
        ];
        let mut calls = Calls::default();
        for (seq, entry) in (1..).zip(entries) {
            calls.take(&LogRow { seq, at: Millis(0), entry: entry.into() });
        }
        let edited: Vec<_> = calls.edited(Path::new("/w")).into_iter().collect();
        assert_eq!(edited, ["five", "src/one.rs", "two.rs"].map(PathBuf::from));
    }
}
