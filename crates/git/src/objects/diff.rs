//! The change of one branch against another.

use crate::error::Context as _;
use crate::{Error, Repository, objects};
use gix::ObjectId;
use gix::diff::blob::{Algorithm, InternedInput, diff_with_slider_heuristics};
use gix::object::tree::diff::ChangeDetached;
use gix::objs::tree::{EntryKind, EntryMode};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::{Component, Path};

/// The number of unchanged lines around a change.
const CONTEXT_LINES: u32 = 3;
/// Larger files are shown as binary ones.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The number of lines of one file that are shown; further lines are counted.
const MAX_LINES: usize = 20_000;
/// The longest line that is shown, in bytes.
const MAX_LINE_BYTES: usize = 4096;

/// The line that git writes where a file ends without a newline.
const NO_NEWLINE: &str = " No newline at end of file";

/// The change of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    pub path: String,
    /// Where it was before it was renamed.
    pub old_path: Option<String>,
    /// `added`, `modified`, `deleted` or `renamed`.
    pub status: String,
    /// The modes before and after, as git writes them, such as `100755`; absent on the side where the file is not.
    #[serde(default)]
    pub old_mode: Option<String>,
    #[serde(default)]
    pub new_mode: Option<String>,
    /// Whether its lines are not shown, because it has none or is very large.
    pub is_binary: bool,
    pub additions: usize,
    pub deletions: usize,
    pub hunks: Vec<Hunk>,
}

/// Lines that changed close together, with the unchanged ones around them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    pub header: String,
    pub old_start: u32,
    pub old_lines: u32,
    pub new_start: u32,
    pub new_lines: u32,
    pub lines: Vec<DiffLine>,
}

/// A line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    /// `' '`, `'+'`, `'-'`, or `'\\'` for git's note on the line before it: that the file ends there without a newline.
    pub kind: char,
    pub text: String,
}

impl Repository {
    /// Returns what `head` changed since it left `base`, file by file.
    pub fn diff(&self, base: &str, head: &str) -> Result<Vec<FileDiff>, Error> {
        let repository = self.local();
        let (base, head) = (self.need(&repository, base)?, self.need(&repository, head)?);
        compare_trees(&repository, left_at(&repository, base, head), objects::tree_of(&repository, head)?)
    }

    /// Returns the paths that a commit changed since it left another's history, those of deleted files among them.
    pub fn changed_paths(&self, base: &str, head: &str) -> Result<Vec<String>, Error> {
        let repository = self.local();
        let (base, head) = (self.need(&repository, base)?, self.need(&repository, head)?);
        let old = objects::tree_of(&repository, left_at(&repository, base, head))?;
        let new = objects::tree_of(&repository, head)?;
        let changed = objects::differences::differences(&repository, old, new)?;
        Ok(changed.into_iter().map(|difference| difference.path.to_string()).collect())
    }

    /// Returns the symbolic links that a commit made or changed since it left another's history and that lead out of the
    /// worktree or into its `.git`, with where they lead.
    pub fn links_outside(&self, base: &str, head: &str) -> Result<Vec<(String, String)>, Error> {
        let repository = self.local();
        let (base, head) = (self.need(&repository, base)?, self.need(&repository, head)?);
        let old = objects::tree_of(&repository, left_at(&repository, base, head))?;
        let new = objects::tree_of(&repository, head)?;
        let mut links = Vec::new();
        for difference in objects::differences::differences(&repository, old, new)? {
            let link = difference.new.filter(|(mode, _)| mode.is_link());
            if link.is_none() {
                continue;
            }
            // A target that is too large to be read cannot be checked out as a link either.
            let target = content(&repository, link)?.unwrap_or_default();
            let target = String::from_utf8_lossy(&target).into_owned();
            let path = difference.path.to_string();
            if leads_outside(&path, &target) {
                links.push((path, target));
            }
        }
        Ok(links)
    }

    /// Returns whether two commits have the same files with the same content.
    pub fn has_same_files(&self, one: &str, other: &str) -> Result<bool, Error> {
        let repository = self.local();
        let (one, other) = (self.need(&repository, one)?, self.need(&repository, other)?);
        Ok(objects::tree_of(&repository, one)? == objects::tree_of(&repository, other)?)
    }

    /// Returns what a worktree's files, committed or not, changed since its commit left `base`, file by file. The
    /// worktree and its index stay as they are.
    pub fn diff_of_worktree(&self, base: &str, worktree: &Path) -> Result<Vec<FileDiff>, Error> {
        let repository = self.local();
        let base = self.need(&repository, base)?;
        let checkout = self.checkout(worktree)?;
        let head = checkout.head(&repository)?.ok_or_else(|| self.unknown("HEAD"))?;
        let tree = self.tree_of_files(&checkout)?;
        compare_trees(&self.local(), left_at(&repository, base, head), tree)
    }
}

/// Returns whether a symbolic link leads out of the worktree that it is in, or into its `.git`, by its words alone.
fn leads_outside(path: &str, target: &str) -> bool {
    let target = Path::new(target);
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut way: Vec<&std::ffi::OsStr> = Vec::new();
    for part in folder.components().chain(target.components()) {
        match part {
            Component::Normal(name) => way.push(name),
            Component::CurDir => {}
            Component::ParentDir if way.pop().is_some() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return true,
        }
    }
    way.first().is_some_and(|first| first.eq_ignore_ascii_case(".git"))
}

/// Returns where a commit left another's history; without common history everything is compared.
fn left_at(repository: &gix::Repository, base: ObjectId, head: ObjectId) -> ObjectId {
    repository.merge_base(base, head).ok().flatten().map_or(base, gix::Id::detach)
}

/// Returns what a tree has otherwise than a commit.
fn compare_trees(
    repository: &gix::Repository,
    start: ObjectId,
    tree: ObjectId,
) -> Result<Vec<FileDiff>, Error> {
    let read = |id: ObjectId| repository.find_tree(id).context("read the tree", id);
    let old = read(objects::tree_of(repository, start)?)?;
    let options = gix::diff::Options::default().with_rewrites(Some(gix::diff::Rewrites::default()));
    let changes = repository.diff_tree_to_tree(&old, &read(tree)?, options).context("compare with", start)?;
    let mut files = Vec::new();
    for change in changes {
        files.extend(file(repository, change)?);
    }
    files.sort_by(|one: &FileDiff, other| one.path.cmp(&other.path));
    Ok(files)
}

type Side = Option<(EntryMode, ObjectId)>;

fn file(repository: &gix::Repository, change: ChangeDetached) -> Result<Option<FileDiff>, Error> {
    let (path, old_path, status, old, new): (_, _, _, Side, Side) = match change {
        ChangeDetached::Addition { location, entry_mode, id, .. } => {
            (location, None, "added", None, Some((entry_mode, id)))
        }
        ChangeDetached::Deletion { location, entry_mode, id, .. } => {
            (location, None, "deleted", Some((entry_mode, id)), None)
        }
        ChangeDetached::Modification { location, previous_entry_mode, previous_id, entry_mode, id } => {
            (location, None, "modified", Some((previous_entry_mode, previous_id)), Some((entry_mode, id)))
        }
        ChangeDetached::Rewrite {
            source_location,
            source_entry_mode,
            source_id,
            location,
            entry_mode,
            id,
            ..
        } => {
            let sides = (Some((source_entry_mode, source_id)), Some((entry_mode, id)));
            (location, Some(source_location.to_string()), "renamed", sides.0, sides.1)
        }
    };
    let is_tree = |side: Side| side.is_some_and(|(mode, _)| mode.is_tree());
    if is_tree(old) || is_tree(new) {
        return Ok(None);
    }
    let mode = |side: Side| side.map(|(mode, _)| format!("{:06o}", mode.value()));
    let (old_mode, new_mode) = (mode(old), mode(new));
    let (old, new) = (content(repository, old)?, content(repository, new)?);
    let is_text = |side: &Option<Vec<u8>>| side.as_ref().is_some_and(|content| !is_binary(content));
    let mut diff = FileDiff {
        path: path.to_string(),
        old_path,
        status: status.to_owned(),
        old_mode,
        new_mode,
        is_binary: !is_text(&old) || !is_text(&new),
        additions: 0,
        deletions: 0,
        hunks: Vec::new(),
    };
    if let (Some(old), Some(new), false) = (old, new, diff.is_binary) {
        compare(&mut diff, &old, &new);
    }
    Ok(Some(diff))
}

/// Returns what a side has; `None` where it is too large to be shown, which is not read.
fn content(repository: &gix::Repository, side: Side) -> Result<Option<Vec<u8>>, Error> {
    match side {
        None => Ok(Some(Vec::new())),
        Some((mode, id)) if mode.kind() == EntryKind::Commit => {
            Ok(Some(format!("Submodule commit {id}\n").into_bytes()))
        }
        Some((_, id)) => {
            let size = repository.find_header(id).context("read the size of", id)?.size();
            if size > MAX_BYTES as u64 { Ok(None) } else { objects::blob(repository, id).map(Some) }
        }
    }
}

pub(crate) fn is_binary(content: &[u8]) -> bool {
    content.len() > MAX_BYTES || content.iter().take(8000).any(|byte| *byte == 0)
}

fn compare(diff: &mut FileDiff, old: &[u8], new: &[u8]) {
    let input = InternedInput::new(old, new);
    let found = diff_with_slider_heuristics(Algorithm::Histogram, &input);
    diff.additions = found.count_additions() as usize;
    diff.deletions = found.count_removals() as usize;
    let before: Vec<_> = input.before.iter().map(|token| input.interner[*token]).collect();
    let after: Vec<_> = input.after.iter().map(|token| input.interner[*token]).collect();
    let mut group: Vec<(Range<u32>, Range<u32>)> = Vec::new();
    let mut shown = 0;
    for hunk in found.hunks() {
        if group.last().is_some_and(|(old, _)| hunk.before.start - old.end > 2 * CONTEXT_LINES) {
            show(diff, &mut shown, &group, &before, &after);
            group.clear();
        }
        group.push((hunk.before, hunk.after));
    }
    if !group.is_empty() {
        show(diff, &mut shown, &group, &before, &after);
    }
}

/// Adds changes that are close together as one hunk.
fn show(
    diff: &mut FileDiff,
    shown: &mut usize,
    group: &[(Range<u32>, Range<u32>)],
    before: &[&[u8]],
    after: &[&[u8]],
) {
    let (Some((old_first, new_first)), Some((old_last, _))) = (group.first(), group.last()) else { return };
    if *shown >= MAX_LINES {
        return;
    }
    let total = u32::try_from(before.len()).unwrap_or(u32::MAX);
    let start = old_first.start.saturating_sub(CONTEXT_LINES);
    let end = old_last.end.saturating_add(CONTEXT_LINES).min(total);
    let new_start = new_first.start - (old_first.start - start);
    let mut lines = Vec::new();
    let mut at = start;
    for (old, new) in group {
        add(&mut lines, ' ', before, at..old.start);
        add(&mut lines, '-', before, old.clone());
        add(&mut lines, '+', after, new.clone());
        at = old.end;
    }
    add(&mut lines, ' ', before, at..end);
    let count = |kinds: [char; 2]| {
        let lines = lines.iter().filter(|line| kinds.contains(&line.kind)).count();
        u32::try_from(lines).unwrap_or(u32::MAX)
    };
    let (old_lines, new_lines) = (count([' ', '-']), count([' ', '+']));
    // A side without lines is named by the line before it, as git does.
    let first = |start: u32, lines: u32| if lines == 0 { start } else { start + 1 };
    let (old_start, new_start) = (first(start, old_lines), first(new_start, new_lines));
    let header = format!("@@ -{old_start},{old_lines} +{new_start},{new_lines} @@");
    lines.truncate(MAX_LINES - *shown);
    *shown += lines.len();
    diff.hunks.push(Hunk { header, old_start, old_lines, new_start, new_lines, lines });
}

fn add(lines: &mut Vec<DiffLine>, kind: char, from: &[&[u8]], range: Range<u32>) {
    for line in &from[range.start as usize..range.end as usize] {
        let (line, has_newline) = line.strip_suffix(b"\n").map_or((*line, false), |line| (line, true));
        let text = String::from_utf8_lossy(&line[..line.len().min(MAX_LINE_BYTES)]).into_owned();
        lines.push(DiffLine { kind, text });
        if !has_newline {
            lines.push(DiffLine { kind: '\\', text: NO_NEWLINE.to_owned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::leads_outside;

    #[test]
    fn links_that_leave_the_worktree_are_told_apart() {
        for (path, target) in
            [("a", "b"), ("d/a", "../b"), ("d/e/a", "../../b/./c"), ("a", ".github/b"), ("a", "")]
        {
            assert!(!leads_outside(path, target), "{path} -> {target}");
        }
        for (path, target) in [
            ("a", "/etc/passwd"),
            ("a", ".."),
            ("d/a", "../../b"),
            ("a", "b/../../c"),
            ("d/a", "../.git/config"),
        ] {
            assert!(leads_outside(path, target), "{path} -> {target}");
        }
    }
}
