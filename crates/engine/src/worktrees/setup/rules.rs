//! The lines of a `.worktreeinclude` file: patterns in the syntax of `.gitignore`, and links.

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::path::{Component, Path};

/// The file at a repository's root.
pub(crate) const INCLUDE_FILE: &str = ".worktreeinclude";
/// How much of the file is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// The prefix of a line that names a link.
const LINK: &str = "link:";
/// Folders that are git's, or the server's.
const RESERVED: [&str; 2] = [".git", ".git-worktrees"];

/// The beginning of a pattern that names a place in a folder, up to its first wildcard.
struct Prefix {
    text: String,
    /// Whether the pattern goes through further folders after its first wildcard.
    is_deep: bool,
}

/// The rules for the files to copy from the user's checkout.
pub(crate) struct Rules {
    patterns: Gitignore,
    /// The places that patterns name in folders.
    prefixes: Vec<Prefix>,
    /// The paths that become symbolic links.
    pub(super) links: Vec<String>,
    /// Lines that cannot be used, as sentences.
    pub(super) problems: Vec<String>,
}

impl Rules {
    /// Reads the content of the file.
    pub(crate) fn parse(content: &[u8]) -> Self {
        let mut builder = GitignoreBuilder::new("");
        let (mut prefixes, mut links, mut problems) = (Vec::new(), Vec::new(), Vec::new());
        if content.len() > MAX_BYTES {
            problems.push(format!("{INCLUDE_FILE} is larger than {MAX_BYTES} bytes; its end is not used."));
        }
        let content = String::from_utf8_lossy(&content[..content.len().min(MAX_BYTES)]);
        for (number, line) in (1..).zip(content.lines()) {
            let text = line.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            if text.contains('\0') {
                problems
                    .push(format!("Line {number} of {INCLUDE_FILE} is not used: it has a NUL character."));
                continue;
            }
            if let Some(path) = text.strip_prefix(LINK) {
                match plain_path(path.trim()) {
                    Some(path) => links.push(path),
                    None => problems.push(format!(
                        "Line {number} of {INCLUDE_FILE} is not used: a link names a path inside the repository, without `..`."
                    )),
                }
                continue;
            }
            if text.split('/').any(|part| part == "..") {
                let what = "a pattern with `..` matches nothing in the repository";
                problems.push(format!("Line {number} of {INCLUDE_FILE} is not used: {what}."));
                continue;
            }
            if let Err(error) = builder.add_line(None, line) {
                problems.push(format!("Line {number} of {INCLUDE_FILE} is not used: {error}."));
                continue;
            }
            prefixes.extend(prefix(text));
        }
        let patterns = builder.build().unwrap_or_else(|error| {
            problems.push(format!("{INCLUDE_FILE} cannot be used: {error}."));
            Gitignore::empty()
        });
        Self { patterns, prefixes, links, problems }
    }

    /// Returns whether there is nothing to take over and nothing to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.links.is_empty() && self.problems.is_empty()
    }

    /// Returns whether a path, or a folder that it is in, is to be copied.
    pub(crate) fn includes(&self, path: &str, is_folder: bool) -> bool {
        !is_reserved(path)
            && Path::new(path).is_relative()
            && self.patterns.matched_path_or_any_parents(path, is_folder).is_ignore()
    }

    /// Returns whether a pattern names a place in a folder that git ignores. Patterns without a place, such as `.env`, are not
    /// looked for there: a dependency folder has files of every name.
    pub(super) fn reaches_into(&self, folder: &str) -> bool {
        let folder = format!("{folder}/");
        let leads_into = |Prefix { text, is_deep }: &Prefix| {
            let place = text.rsplit_once('/').map_or("", |(place, _)| place);
            text.starts_with(&folder) || (*is_deep && folder.starts_with(&format!("{place}/")))
        };
        !is_reserved(&folder) && self.prefixes.iter().any(leads_into)
    }
}

/// Returns whether a path is in a folder of git's or the server's.
pub(super) fn is_reserved(path: &str) -> bool {
    path.split('/').any(|part| RESERVED.iter().any(|name| part.eq_ignore_ascii_case(name)))
}

/// Returns what a pattern begins with, where it names a place in a folder. Patterns that take files out name none.
fn prefix(pattern: &str) -> Option<Prefix> {
    if pattern.starts_with('!') {
        return None;
    }
    let pattern = pattern.trim_start_matches('/').trim_end_matches('/');
    let wildcard = pattern.find(['*', '?', '[', '\\']).unwrap_or(pattern.len());
    let (text, rest) = pattern.split_at(wildcard);
    text.contains('/')
        .then(|| Prefix { text: text.to_owned(), is_deep: rest.contains('/') || rest.contains("**") })
}

/// Returns a path inside the repository, without a slash at its end.
fn plain_path(path: &str) -> Option<String> {
    let path = path.trim_end_matches('/');
    let is_plain = !path.is_empty()
        && !is_reserved(path)
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
        && path.split('/').all(|part| part != "." && !part.is_empty());
    is_plain.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_gitignore_and_never_match_gits_folders() {
        let rules =
            Rules::parse(b"# secrets\n.env*\n!.env.example\n/config/local.json\nnode_modules/\n*\n!keep\n");
        assert!(rules.includes(".env.local", false) && rules.includes("config/local.json", false));
        let rules = Rules::parse(b".env*\n!.env.example\n/config/local.json\nnode_modules/\n");
        assert!(rules.includes("a/b/.env", false) && !rules.includes(".env.example", false));
        assert!(rules.includes("node_modules/x/y.js", false) && !rules.includes("src/x.js", false));
        assert!(!rules.includes("a/config/local.json", false));
        let all = Rules::parse(b"*\n");
        for path in [".git", ".git/config", "a/.GIT/hooks", ".git-worktrees/x", "/etc/passwd"] {
            assert!(!all.includes(path, false), "{path}");
        }
        assert!(rules.problems.is_empty() && Rules::parse(b"\n# nothing\n").is_empty());
    }

    #[test]
    fn lines_that_lead_out_of_the_repository_are_named() {
        let rules = Rules::parse(
            b"../secrets\nlink: /etc\nlink: ../x\nlink: .git/config\nlink: a/./b\nlink: data/large/\n[z-a]\nlink: \0bad\n",
        );
        assert_eq!(rules.links, ["data/large"]);
        assert_eq!(rules.problems.len(), 7, "{:?}", rules.problems);
        assert!(rules.problems[0].starts_with("Line 1 of .worktreeinclude is not used"));
    }

    #[test]
    fn ignored_folders_are_entered_where_a_line_names_a_place_in_them() {
        let rules = Rules::parse(b".env\nbuild/keys/*.pem\n**/x\n");
        assert!(rules.reaches_into("build") && rules.reaches_into("build/keys"));
        assert!(!rules.reaches_into("node_modules") && !rules.reaches_into("build/other"));
        let rules = Rules::parse(b"conf/**\nconf2/*\ncerts/**/*.pem\nnode_modules/\n!other/x\n");
        for folder in ["conf", "conf2", "certs", "certs/a/b"] {
            assert!(rules.reaches_into(folder), "{folder}");
        }
        for folder in ["conf2/a", "confx", "certsx", "node_modules", "other"] {
            assert!(!rules.reaches_into(folder), "{folder}");
        }
        assert!(rules.includes("conf/a/b", false) && rules.includes("certs/a/b.pem", false));
    }
}
