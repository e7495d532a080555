//! The changes of a session of the crew, short enough for an agent.

use super::member::Member;
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::sessions::session::found;
use axum::Json;
use axum::extract::State;
use engine::App;
use engine::projects::session_changes;
use serde::Serialize;
use std::fmt::Write as _;
use utoipa::ToSchema;

/// How long the diff may be, in bytes.
const MAX_DIFF: usize = 32 * 1024;
/// How many files are listed.
const MAX_FILES: usize = 200;

/// The changes of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrewChanges {
    /// The session whose changes these are.
    session_id: String,
    name: String,
    #[schema(required)]
    branch: Option<String>,
    /// Whether what is not committed is in it, because the session is at work.
    with_uncommitted: bool,
    total_files: usize,
    additions: usize,
    deletions: usize,
    /// The files, with how many lines of each changed.
    files: Vec<CrewFile>,
    /// The change as a unified diff.
    diff: String,
    /// Whether the diff is cut; read the session's branch for the rest.
    is_truncated: bool,
}

/// A changed file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrewFile {
    path: String,
    /// `added`, `modified`, `deleted` or `renamed`.
    status: String,
    additions: usize,
    deletions: usize,
}

/// Shows what a session of the crew changed: the files, and a bounded diff.
#[utoipa::path(get, path = "/spec-tasks/{id}/crew/sessions/{session_id}/changes", tag = "coordination",
    params(("id" = String, Path), ("session_id" = String, Path)),
    responses((status = 200, body = CrewChanges), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    member: Member,
    Path((id, session)): Path<(String, String)>,
) -> Result<Json<CrewChanges>, Problem> {
    let task = member.task(&app, &id).await?;
    let session = found(&task, &session)?;
    let (files, with_uncommitted) = session_changes::of(&app, &task, session).await?;
    let (diff, is_truncated) = unified(&files);
    Ok(Json(CrewChanges {
        session_id: session.id.to_string(),
        name: session.name.clone(),
        branch: session.branch.clone(),
        with_uncommitted,
        total_files: files.len(),
        additions: files.iter().map(|file| file.additions).sum(),
        deletions: files.iter().map(|file| file.deletions).sum(),
        diff,
        is_truncated,
        files: files
            .into_iter()
            .take(MAX_FILES)
            .map(|file| CrewFile {
                path: file.path,
                status: file.status,
                additions: file.additions,
                deletions: file.deletions,
            })
            .collect(),
    }))
}

/// Writes a diff as git does, up to the limit; returns whether something is left out.
fn unified(files: &[git::FileDiff]) -> (String, bool) {
    let mut text = String::new();
    for file in files {
        let old = file.old_path.as_ref().unwrap_or(&file.path);
        let _ = writeln!(text, "--- a/{old}\n+++ b/{}", file.path);
        if file.is_binary {
            text.push_str("(its lines are not shown)\n");
        }
        for hunk in &file.hunks {
            let (old, new) = ((hunk.old_start, hunk.old_lines), (hunk.new_start, hunk.new_lines));
            let _ = writeln!(text, "@@ -{},{} +{},{} @@", old.0, old.1, new.0, new.1);
            for line in &hunk.lines {
                let _ = writeln!(text, "{}{}", line.kind, line.text.trim_end_matches('\n'));
                if text.len() > MAX_DIFF {
                    text.truncate(text.floor_char_boundary(MAX_DIFF));
                    return (text, true);
                }
            }
        }
    }
    let is_truncated = text.len() > MAX_DIFF;
    text.truncate(text.floor_char_boundary(MAX_DIFF));
    (text, is_truncated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use git::{DiffLine, FileDiff, Hunk};

    fn file(lines: usize) -> FileDiff {
        let line = |n: usize| DiffLine { kind: '+', text: format!("line {n} ü") };
        let hunk = Hunk {
            header: String::new(),
            old_start: 0,
            old_lines: 0,
            new_start: 1,
            new_lines: 1,
            lines: (0..lines).map(line).collect(),
        };
        FileDiff {
            path: "a.md".to_owned(),
            old_path: None,
            status: "added".to_owned(),
            old_mode: None,
            new_mode: None,
            is_binary: false,
            additions: lines,
            deletions: 0,
            hunks: vec![hunk],
        }
    }

    #[test]
    fn a_diff_is_bounded() {
        let (text, is_truncated) = unified(&[file(1)]);
        assert_eq!(
            (text.as_str(), is_truncated),
            ("--- a/a.md\n+++ b/a.md\n@@ -0,0 +1,1 @@\n+line 0 ü\n", false)
        );
        let (text, is_truncated) = unified(&[file(100_000), file(1)]);
        assert!(is_truncated && text.len() <= MAX_DIFF, "{}", text.len());
    }
}
