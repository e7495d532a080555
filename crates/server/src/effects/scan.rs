//! Looks for secrets in everything that lands with a task's branch: its files, its history, its messages.

use super::{blocking, git_failure};
use crate::App;
use secrets::{Redactor, Sureness};
use std::collections::HashSet;
use workflow::{Failure, Task};

/// A secret in what a task's branch adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// By this a person says that they know of it: the same for the same secret in the same file.
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) is_sure: bool,
    /// What stands in its place wherever it is shown.
    pub(crate) tag: String,
    /// The file; none for a commit's message.
    pub(crate) path: Option<String>,
    /// The line in that file as the commit has it, from 1.
    pub(crate) line: usize,
    pub(crate) commit: String,
    /// Whether the branch's last commit still has it.
    pub(crate) at_tip: bool,
}

/// The secrets in what a commit of a task's branch adds to its base, those that are still there first.
pub(crate) async fn scan(app: &App, task: &Task, head: &str) -> Result<Vec<Found>, Failure> {
    let workplace = app.repositories.workplace(&task.project).await.map_err(|error| git_failure(&error))?;
    let (base, head) = (task.base_branch.clone(), head.to_owned());
    let redactor = app.redactor.clone();
    let mut found = blocking(move || {
        let repository = workplace.repository;
        let mut found: Vec<Found> = Vec::new();
        let mut known = HashSet::new();
        repository.additions(&base, &head, &mut |addition| {
            for one in findings(&redactor, &addition) {
                if known.insert(one.id.clone()) {
                    found.push(one);
                }
            }
        })?;
        for one in &mut found {
            let Some(path) = &one.path else { continue };
            let content = repository.read(&head, path)?.unwrap_or_default();
            let text = String::from_utf8_lossy(&content);
            let still = redactor.findings(&text).into_iter();
            one.at_tip = still.map(|still| id(&redactor, &text[still.span], path)).any(|id| id == one.id);
        }
        Ok::<_, git::Error>(found)
    })
    .await?;
    found.sort_by_key(|one| (!one.is_sure, !one.at_tip));
    Ok(found)
}

fn findings(redactor: &Redactor, addition: &git::Addition<'_>) -> Vec<Found> {
    let text = String::from_utf8_lossy(addition.content);
    let mut found = Vec::new();
    for finding in redactor.findings(&text) {
        let line = text[..finding.span.start].bytes().filter(|byte| *byte == b'\n').count();
        let last = line + text[finding.span.clone()].trim_end().bytes().filter(|byte| *byte == b'\n').count();
        let is_added = |at: usize| {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            addition.lines.iter().any(|lines| lines.contains(&at))
        };
        if !(line..=last).any(is_added) {
            continue;
        }
        found.push(Found {
            id: id(redactor, &text[finding.span.clone()], addition.path.unwrap_or_default()),
            kind: finding.kind,
            is_sure: finding.sureness == Sureness::Sure,
            tag: finding.tag,
            path: addition.path.map(str::to_owned),
            line: line + 1,
            commit: addition.commit.to_string(),
            at_tip: addition.path.is_none(),
        });
    }
    found
}

fn id(redactor: &Redactor, secret: &str, path: &str) -> String {
    redactor.fingerprint(&format!("{path}\n{secret}"))
}

/// Why a change does not land, and what to do about it.
pub(super) fn message(found: &[&Found]) -> String {
    const NAMED: usize = 5;
    let place = |one: &&Found| {
        let commit = &one.commit[..one.commit.len().min(10)];
        let place = match &one.path {
            Some(path) if one.at_tip => format!("{path} line {}", one.line),
            Some(path) => {
                format!("{path} line {} of commit {commit}, though a later one takes it away", one.line)
            }
            None => format!("the message of commit {commit}"),
        };
        format!("{} in {place} (finding {})", one.kind, one.id)
    };
    let named: Vec<String> = found.iter().take(NAMED).map(place).collect();
    let more = match found.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "The change holds what are surely secrets: {}{more}. Ask for changes to have them taken out of the branch and its \
         history, and replace those that are real. To land with them knowingly, approve again with the findings in \
         `acknowledged_findings`.",
        named.join("; ")
    )
}
