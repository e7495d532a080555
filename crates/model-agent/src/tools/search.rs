//! The tool that searches files.

use super::bounded;
use super::files::walk;
use crate::workspace::Workspace;
use ignore::overrides::OverrideBuilder;
use regex::RegexBuilder;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

/// How many lines are shown at most.
const MAX_MATCHES: usize = 200;
/// The largest file that is searched, in bytes.
const MAX_FILE: u64 = 4 << 20;
/// How much of a line is shown, in bytes.
const MAX_LINE: usize = 300;
/// The largest compiled pattern, in bytes.
const MAX_PATTERN: usize = 1 << 20;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Search {
    pub(super) pattern: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    glob: Option<String>,
    #[serde(default)]
    ignore_case: bool,
}

impl Search {
    pub(super) fn path(&self) -> &str {
        self.path.as_deref().unwrap_or(".")
    }

    pub(super) fn run(&self, workspace: &Workspace, cancel: &CancellationToken) -> Result<String, String> {
        let pattern = RegexBuilder::new(&self.pattern)
            .case_insensitive(self.ignore_case)
            .size_limit(MAX_PATTERN)
            .build();
        let pattern = pattern.map_err(|error| format!("The pattern is not valid: {error}"))?;
        let folder = workspace.resolve(self.path())?.path();
        let mut files = walk(&folder);
        files.max_filesize(Some(MAX_FILE));
        if let Some(glob) = &self.glob {
            let mut only = OverrideBuilder::new(&folder);
            let only = only.add(glob).and_then(|only| only.build());
            files.overrides(only.map_err(|error| format!("The glob is not valid: {error}"))?);
        }
        let mut found = Vec::new();
        'files: for entry in
            files.build().flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        {
            if cancel.is_cancelled() {
                break;
            }
            // What is no text has no lines to find.
            let place = entry.path().to_str().and_then(|path| workspace.resolve(path).ok());
            let Some(text) = place.and_then(|place| place.read().ok()) else { continue };
            let shown =
                entry.path().strip_prefix(workspace.cwd()).unwrap_or(entry.path()).display().to_string();
            for (at, line) in text.lines().enumerate().filter(|(_, line)| pattern.is_match(line)) {
                if found.len() == MAX_MATCHES {
                    found.push(format!(
                        "[Only the first {MAX_MATCHES} matches are shown. Narrow the search.]"
                    ));
                    break 'files;
                }
                found.push(format!("{shown}:{}: {}", at + 1, &line[..line.floor_char_boundary(MAX_LINE)]));
            }
        }
        if found.is_empty() {
            return Ok("Nothing matches.".to_owned());
        }
        Ok(bounded(found.join("\n"), "Narrow the search."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_match_are_found_in_text_files() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).unwrap();
        write("a.rs", b"fn one() {}\nfn two() {}\n");
        write("b.txt", b"FN three\n");
        write("c.bin", b"fn \xff\n");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        let workspace = Workspace::new(folder.path(), &[]).unwrap();
        let search = |pattern: &str, glob: Option<&str>, path: Option<&str>, ignore_case| {
            let search = Search {
                pattern: pattern.into(),
                path: path.map(str::to_owned),
                glob: glob.map(str::to_owned),
                ignore_case,
            };
            search.run(&workspace, &CancellationToken::new())
        };
        assert_eq!(search("fn t", None, None, false).unwrap(), "a.rs:2: fn two() {}");
        assert_eq!(search("fn t", None, None, true).unwrap(), "a.rs:2: fn two() {}\nb.txt:1: FN three");
        assert_eq!(search("fn t", Some("*.txt"), None, true).unwrap(), "b.txt:1: FN three");
        assert_eq!(search("two", None, Some("a.rs"), false).unwrap(), "a.rs:2: fn two() {}");
        assert_eq!(search("root", None, None, false).unwrap(), "Nothing matches.");
        assert!(search("(", None, None, false).is_err());
        assert!(search("a", None, Some("link"), false).is_err());
    }
}
