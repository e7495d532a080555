//! The tools that list, read and change files.

use super::{Call, Change, bounded};
use crate::workspace::Workspace;
use ignore::WalkBuilder;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

/// How many files and folders are listed at most.
const MAX_LISTED: usize = 1000;
/// How many lines are read at once, where the model does not say.
const LINES: usize = 2000;
/// How much of one line is shown, in bytes.
const MAX_LINE: usize = 2000;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct List {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    depth: Option<usize>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Read {
    pub(super) path: String,
    #[serde(default)]
    offset: Option<usize>,
    #[serde(default)]
    limit: Option<usize>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Edit {
    pub(super) path: String,
    old_text: String,
    new_text: String,
    #[serde(default)]
    replace_all: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Write {
    pub(super) path: String,
    content: String,
}

impl List {
    pub(super) fn path(&self) -> &str {
        self.path.as_deref().unwrap_or(".")
    }

    pub(super) fn run(&self, workspace: &Workspace, cancel: &CancellationToken) -> Result<String, String> {
        let folder = workspace.resolve(self.path())?.path();
        if !folder.is_dir() {
            return Err(format!("{} is no folder.", self.path()));
        }
        let depth = self.depth.unwrap_or(2).max(1);
        let mut listed = Vec::new();
        for entry in walk(&folder).max_depth(Some(depth)).build().flatten().skip(1) {
            if cancel.is_cancelled() || listed.len() >= MAX_LISTED {
                listed.push(format!("[Only the first {MAX_LISTED} are listed. List a folder in it.]"));
                break;
            }
            let path = entry.path().strip_prefix(&folder).unwrap_or(entry.path()).display().to_string();
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            listed.push(if is_folder { format!("{path}/") } else { path });
        }
        if listed.is_empty() {
            return Ok("The folder is empty.".to_owned());
        }
        Ok(bounded(listed.join("\n"), "List a folder in it."))
    }
}

/// Walks through a folder in order, without following links, past what git ignores.
pub(super) fn walk(folder: &std::path::Path) -> WalkBuilder {
    let mut walk = WalkBuilder::new(folder);
    walk.hidden(false).require_git(false).follow_links(false).sort_by_file_name(std::cmp::Ord::cmp);
    walk.filter_entry(|entry| entry.file_name() != ".git");
    walk
}

impl Read {
    pub(super) fn run(&self, workspace: &Workspace) -> Result<String, String> {
        let text = workspace.resolve(&self.path)?.read();
        let text = text.map_err(|error| format!("{} cannot be read: {error}.", self.path))?;
        let first = self.offset.unwrap_or(1).max(1);
        let limit = self.limit.unwrap_or(LINES).max(1);
        let total = text.lines().count();
        if total == 0 {
            return Ok("The file is empty.".to_owned());
        }
        if first > total {
            return Err(format!("{} has only {total} lines.", self.path));
        }
        let mut shown = String::new();
        for (at, line) in text.lines().enumerate().skip(first - 1).take(limit) {
            let end = line.floor_char_boundary(MAX_LINE);
            let cut = if end < line.len() { "…" } else { "" };
            shown.push_str(&format!("{}\t{}{cut}\n", at + 1, &line[..end]));
            if shown.len() > super::MAX_RESULT {
                break;
            }
        }
        let last = (first - 1).saturating_add(limit);
        if last < total && shown.len() <= super::MAX_RESULT {
            shown.push_str(&format!("[Lines {first} to {last} of {total}. Use offset to read on.]"));
        }
        Ok(bounded(shown, "Use offset and limit to read other lines."))
    }
}

/// Returns what a call would change in a file; nothing is written.
pub(crate) fn change_of(call: &Call, workspace: &Workspace) -> Result<Change, String> {
    match call {
        Call::Edit(edit) => {
            let place = workspace.resolve_for_change(&edit.path)?;
            let before = place.read().map_err(|error| format!("{} cannot be read: {error}.", edit.path))?;
            let after = edit.apply(&before)?;
            Ok(Change { place, before: Some(before), after })
        }
        Call::Write(write) => {
            let place = workspace.resolve_for_change(&write.path)?;
            let before = match place.read() {
                Ok(before) => Some(before),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => return Err(format!("{} cannot be replaced: {error}.", write.path)),
            };
            Ok(Change { place, before, after: write.content.clone() })
        }
        _ => Err("This tool changes no file.".to_owned()),
    }
}

impl Edit {
    fn apply(&self, text: &str) -> Result<String, String> {
        let Edit { path, old_text, new_text, replace_all } = self;
        if old_text.is_empty() {
            return Err("old_text is empty. Use write_file for a new file.".to_owned());
        }
        if old_text == new_text {
            return Err("old_text and new_text are the same.".to_owned());
        }
        match text.matches(old_text.as_str()).count() {
            0 => Err(format!(
                "{path} does not contain old_text. Read the file and copy the text exactly, with its whitespace."
            )),
            1 => Ok(text.replacen(old_text, new_text, 1)),
            _ if *replace_all => Ok(text.replace(old_text, new_text)),
            count => Err(format!(
                "{path} contains old_text {count} times. Add lines around it until it is unique, or set replace_all."
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workspace() -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::new(folder.path(), &[]).unwrap();
        (folder, workspace)
    }

    fn edit(text: &str, old: &str, new: &str, replace_all: bool) -> Result<String, String> {
        Edit { path: "a".into(), old_text: old.into(), new_text: new.into(), replace_all }.apply(text)
    }

    #[test]
    fn an_edit_replaces_what_is_there_exactly_once() {
        assert_eq!(edit("one two", "two", "2", false).unwrap(), "one 2");
        assert_eq!(edit("a\n\ta\n", "\ta", "\tb", false).unwrap(), "a\n\tb\n");
        assert!(edit("one two", "three", "3", false).unwrap_err().contains("does not contain"));
        assert!(edit("a a a", "a", "b", false).unwrap_err().contains("3 times"));
        assert_eq!(edit("a a a", "a", "b", true).unwrap(), "b b b");
        assert!(edit("a", "", "b", false).is_err());
        assert!(edit("a", "a", "a", false).is_err());
        assert_eq!(edit("$1", "$1", "$0", false).unwrap(), "$0");
    }

    #[test]
    fn a_change_is_known_before_it_is_made() {
        let (folder, workspace) = workspace();
        std::fs::write(folder.path().join("a"), "one").unwrap();
        let call =
            Call::read("edit_file", &json!({"path": "a", "old_text": "one", "new_text": "two"})).unwrap();
        let change = change_of(&call, &workspace).unwrap();
        assert_eq!((change.before.as_deref(), change.after.as_str()), (Some("one"), "two"));
        assert_eq!(std::fs::read_to_string(folder.path().join("a")).unwrap(), "one");
        let call = Call::read("write_file", &json!({"path": "b/c", "content": "new"})).unwrap();
        assert_eq!(change_of(&call, &workspace).unwrap().before, None);
        for path in [".", "../b", ".git/config"] {
            let call = Call::read("write_file", &json!({"path": path, "content": ""})).unwrap();
            assert!(change_of(&call, &workspace).is_err(), "{path}");
        }
    }

    #[test]
    fn a_range_of_lines_is_read_with_numbers() {
        let (folder, workspace) = workspace();
        let lines: Vec<String> = (1..=10).map(|line| format!("line {line}\n")).collect();
        let text = lines.concat();
        std::fs::write(folder.path().join("a"), text).unwrap();
        std::fs::write(folder.path().join("long"), "x".repeat(200_000)).unwrap();
        let read = |path: &str, offset, limit| Read { path: path.into(), offset, limit }.run(&workspace);
        let some = read("a", Some(3), Some(2)).unwrap();
        assert_eq!(some, "3\tline 3\n4\tline 4\n[Lines 3 to 4 of 10. Use offset to read on.]");
        assert!(read("a", None, None).unwrap().ends_with("10\tline 10\n"));
        assert!(read("a", Some(11), None).unwrap_err().contains("only 10 lines"));
        assert!(read("a", Some(usize::MAX), Some(usize::MAX)).is_err());
        assert!(read("long", None, None).unwrap().len() < 3000);
        assert!(read("absent", None, None).is_err());
    }

    #[test]
    fn folders_are_listed_past_what_git_ignores() {
        let (folder, workspace) = workspace();
        std::fs::create_dir_all(folder.path().join("src/deep/deeper")).unwrap();
        std::fs::create_dir_all(folder.path().join(".git")).unwrap();
        std::fs::write(folder.path().join(".gitignore"), "target\n").unwrap();
        std::fs::write(folder.path().join("src/main.rs"), "").unwrap();
        std::fs::write(folder.path().join("target"), "").unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("link")).unwrap();
        let list = List { path: None, depth: None }.run(&workspace, &CancellationToken::new()).unwrap();
        assert_eq!(list, ".gitignore\nlink\nsrc/\nsrc/deep/\nsrc/main.rs");
        let outside = List { path: Some("link".into()), depth: None };
        assert!(outside.run(&workspace, &CancellationToken::new()).is_err());
    }
}
