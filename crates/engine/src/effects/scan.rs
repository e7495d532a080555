//! Looks for findings that a person has to know before a task's branch lands: secrets in its files, its history and its
//! messages, files that do not belong to the project, and a base branch that was moved without a review.

use super::{blocking, git_failure, store_failure};
use crate::App;
use crate::projects::bases;
use crate::settings::project_file;
use crate::settings::project_file::boundaries::PathBoundaries;
use crate::worktrees::setup::{INCLUDE_FILE, Rules};
use git::Repository;
use secrets::{Confidence, Redactor};
use std::collections::HashSet;
use workflow::{Failure, Task};

/// The kinds of findings that are no secrets.
const BASE_MOVED: &str = "base_branch_moved";
const BASE_REWOUND: &str = "base_branch_rewound";
const STRAY_FILES: &str = "stray_files";
const UNFILTERED: &str = "unfiltered_file";
const REPLACED: &str = "replaced_object";
const INCLUDED: &str = "included_file";
const SETTINGS_FILE: &str = "settings_file_changed";
const BOUNDARY: &str = "boundary_crossed";
const LINK_OUTSIDE: &str = "link_outside";
/// How many commits that a base branch lost are counted.
const MAX_LOST: usize = 1_000;
/// The number of files of a kind that are reported one by one.
const MAX_FILES: usize = 50;

/// A secret in what a task's branch adds, or something else that a person has to know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The id with which a person acknowledges it: the same for the same secret in the same file.
    pub id: String,
    pub kind: String,
    pub is_sure: bool,
    /// The tag that replaces it wherever it is shown.
    pub tag: String,
    /// The file; none for a commit's message.
    pub path: Option<String>,
    /// The line in that file as the commit has it, from 1.
    pub line: usize,
    pub commit: String,
    /// Whether the branch's last commit still has it.
    pub at_tip: bool,
    /// The finding as a clause, if it is no secret.
    pub description: Option<String>,
}

/// Returns the secrets in what a commit of a task's branch adds to its base, those that are still there first.
pub async fn scan(app: &App, task: &Task, head: &str) -> Result<Vec<Found>, Failure> {
    let project_repo =
        app.repositories.project_repo(&task.project).await.map_err(|error| git_failure(&error))?;
    let base =
        app.repositories.base(&task.project, &task.base_branch).await.map_err(|error| git_failure(&error))?;
    let moved = base.suspicion.as_ref().map(|suspicion| Found {
        id: app.redactor.fingerprint(&format!("{BASE_MOVED}\n{}\n{:?}", base.revision, suspicion.tip)),
        kind: BASE_MOVED.to_owned(),
        is_sure: true,
        tag: String::new(),
        path: None,
        line: 0,
        commit: suspicion.tip.clone().unwrap_or_default(),
        at_tip: true,
        description: Some(bases::sentence(&task.base_branch, &base, suspicion)),
    });
    let runs = app.store.session_runs(&task.id).await.map_err(|error| store_failure(&error))?;
    let starts: Vec<String> = runs.into_values().filter_map(|run| run.base).collect();
    let task = task.clone();
    let (base, head) = (base.revision, head.to_owned());
    let redactor = app.redactor.clone();
    let mut found = blocking(move || {
        let repository = project_repo.repository;
        let mut found: Vec<Found> = moved.into_iter().collect();
        found.extend(rewound(&redactor, &repository, &task, &base, &starts)?);
        found.extend(files(&redactor, &repository, &base, &head)?);
        found.extend(bounded(&redactor, &repository, &project_repo.settings.boundaries, &base, &head)?);
        let mut known = HashSet::new();
        repository.additions(&base, &head, &mut |addition| {
            for one in findings(&redactor, &addition) {
                if known.insert(one.id.clone()) {
                    found.push(one);
                }
            }
        })?;
        for one in found.iter_mut().filter(|one| one.description.is_none()) {
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

/// Returns the commits that the change is built on and that people took off the base branch since: landing would bring
/// them back, and the reviewed diff does not show them.
fn rewound(
    redactor: &Redactor,
    repository: &Repository,
    task: &Task,
    base: &str,
    starts: &[String],
) -> Result<Option<Found>, git::Error> {
    let mut known = Vec::new();
    for start in starts {
        if repository.resolve(start)?.is_some() {
            known.push(start);
        }
    }
    // The first session began where the task's branch was cut; later ones have work of the task, too.
    let mut first: Option<&String> = None;
    for start in known {
        first = match first {
            Some(first) if repository.contains(start, first)? => Some(first),
            _ => Some(start),
        };
    }
    let Some(first) = first else { return Ok(None) };
    let mut lost = repository.log(Some(base), first, MAX_LOST)?;
    // The approved documents come before the first session.
    let own = format!("SpecTask-Task: {}", task.id);
    lost.retain(|commit| !commit.message.contains(&own));
    let Some(newest) = lost.first() else { return Ok(None) };
    let subject = newest.message.lines().next().unwrap_or_default();
    let more = match lost.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let id = newest.id.to_string();
    Ok(Some(Found {
        id: redactor.fingerprint(&format!("{BASE_REWOUND}\n{base}\n{first}")),
        kind: BASE_REWOUND.to_owned(),
        is_sure: true,
        tag: String::new(),
        path: None,
        line: 0,
        commit: id.clone(),
        at_tip: true,
        description: Some(format!(
            "the base branch {} no longer has the commit {} {:?}{more} that the change is built on; landing brings it back",
            task.base_branch,
            &id[..id.len().min(10)],
            redactor.redact(subject)
        )),
    }))
}

/// Files of the change that do not belong to the project, or that are not as its users' git would have made them.
fn files(
    redactor: &Redactor,
    repository: &Repository,
    base: &str,
    head: &str,
) -> Result<Vec<Found>, git::Error> {
    let finding =
        |kind: &str, path: &str, description: String| of_file(redactor, head, kind, path, description);
    let mut found = Vec::new();
    for stray in repository.stray_files(base, head)?.into_iter().take(MAX_FILES) {
        let what = if stray.is_agents {
            "an agent keeps its own files there"
        } else {
            "the project has no such folder"
        };
        let files =
            if stray.files == 1 { "1 new file".to_owned() } else { format!("{} new files", stray.files) };
        found.push(finding(STRAY_FILES, &stray.path, format!("{} with {files}: {what}", stray.path)));
    }
    for (path, filter) in repository.filtered_files(base, head)?.into_iter().take(MAX_FILES) {
        let description = format!(
            "{path} belongs to the filter {filter:?}, which is not run here, so the file would land as it is in the worktree"
        );
        found.push(finding(UNFILTERED, &path, description));
    }
    for (path, target) in repository.links_outside(base, head)?.into_iter().take(MAX_FILES) {
        let target = redactor.redact(&target).into_owned();
        let description = format!("{path} is a symbolic link to {target:?}, which is not in the repository");
        found.push(finding(LINK_OUTSIDE, &path, description));
    }
    let rules = Rules::parse(&repository.read(base, INCLUDE_FILE)?.unwrap_or_default());
    let added = repository.added_files(base, head)?.into_iter().filter(|path| rules.includes(path, false));
    for path in added.take(MAX_FILES) {
        let description = format!(
            "{path} is a file that {INCLUDE_FILE} names: worktrees get a copy of the one in the checkout, which is not meant to be \
             part of a change"
        );
        found.push(finding(INCLUDED, &path, description));
    }
    for object in repository.replaced_objects(base, head)?.into_iter().take(MAX_FILES) {
        let description = format!(
            "git shows another object than {object} of the change, by refs/replace/{object}; what is shown here and lands is the \
             object itself; remove the ref with `git replace -d {object}`"
        );
        let path = None;
        found.push(Found { path, ..finding(REPLACED, &object, description) });
    }
    Ok(found)
}

/// Changes of the project's settings file, and of what its boundaries name.
fn bounded(
    redactor: &Redactor,
    repository: &Repository,
    boundaries: &[String],
    base: &str,
    head: &str,
) -> Result<Vec<Found>, git::Error> {
    let boundaries = PathBoundaries::new(boundaries);
    let mut found = Vec::new();
    for path in repository.changed_paths(base, head)? {
        if path == project_file::PATH {
            let description = format!(
                "{path} changes: commands and limits of the project; after the merge nothing of the file is used before a person \
                 trusts it again"
            );
            found.push(of_file(redactor, head, SETTINGS_FILE, &path, description));
        }
        if let Some(boundary) = boundaries.covering(&path)
            && found.len() < MAX_FILES
        {
            let description = format!("{path} changes, and the project's boundary {boundary:?} forbids it");
            found.push(of_file(redactor, head, BOUNDARY, &path, description));
        }
    }
    Ok(found)
}

/// Returns a finding about a file that is no secret.
fn of_file(redactor: &Redactor, head: &str, kind: &str, path: &str, description: String) -> Found {
    Found {
        id: redactor.fingerprint(&format!("{kind}\n{path}")),
        kind: kind.to_owned(),
        is_sure: true,
        tag: String::new(),
        path: Some(path.to_owned()),
        line: 0,
        commit: head.to_owned(),
        at_tip: true,
        description: Some(description),
    }
}

fn findings(redactor: &Redactor, addition: &git::Addition<'_>) -> Vec<Found> {
    let text = String::from_utf8_lossy(addition.content);
    let mut found: Vec<Found> = addition.path.map_or_else(Vec::new, |path| in_name(redactor, path, addition));
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
            is_sure: finding.confidence == Confidence::Sure,
            tag: finding.tag,
            path: addition.path.map(str::to_owned),
            line: line + 1,
            commit: addition.commit.to_string(),
            at_tip: addition.path.is_none(),
            description: None,
        });
    }
    found
}

/// Returns the secrets in a file's name.
fn in_name(redactor: &Redactor, path: &str, addition: &git::Addition<'_>) -> Vec<Found> {
    let found = redactor.findings(path).into_iter().map(|finding| Found {
        id: id(redactor, &path[finding.span.clone()], "name"),
        description: Some(format!("{} in the name of the file {}", finding.kind, redactor.redact(path))),
        kind: finding.kind,
        is_sure: finding.confidence == Confidence::Sure,
        tag: finding.tag,
        path: None,
        line: 0,
        commit: addition.commit.to_string(),
        at_tip: true,
    });
    found.collect()
}

fn id(redactor: &Redactor, secret: &str, path: &str) -> String {
    redactor.fingerprint(&format!("{path}\n{secret}"))
}

/// Returns whether a finding is something else than a secret.
pub(super) fn is_other(found: &Found) -> bool {
    found.description.is_some()
}

/// Returns what an agent is asked to do about a finding; `None` where only a person can decide.
pub(super) fn request(found: &Found) -> Option<String> {
    if !found.is_sure || !found.at_tip {
        return None;
    }
    let path = found.path.as_deref()?;
    let Some(description) = &found.description else {
        return Some(format!(
            "{path}, line {}: {} is surely a secret. Take it out of the file, and read it from the environment or a file that is \
             not committed where the code needs it.",
            found.line, found.kind
        ));
    };
    let advice = match found.kind.as_str() {
        STRAY_FILES => "Remove these files with `git rm`, unless the task asks for them.",
        LINK_OUTSIDE => "Remove the link, or lead it to a file of the repository.",
        INCLUDED => "Remove the file from the change with `git rm --cached`.",
        BOUNDARY => "Take your changes of this path back, and solve the task without them.",
        // A person decides about the project's settings and about filters of git.
        _ => return None,
    };
    Some(format!("{description}. {advice}"))
}

/// Why a change does not land, and what to do about it.
pub(super) fn message(found: &[&Found]) -> String {
    const NAMED: usize = 5;
    let place = |one: &&Found| {
        let commit = &one.commit[..one.commit.len().min(10)];
        if let Some(description) = &one.description {
            return format!("{description} (finding {})", one.id);
        }
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
    let is_secret = |one: &&Found| one.description.is_none();
    let what = match (found.iter().all(is_secret), found.iter().any(is_secret)) {
        (true, _) => "The change holds what are surely secrets",
        (false, true) => "The change holds secrets and more that needs a look",
        (false, false) => "The change needs a look before it lands",
    };
    let advice = if found.iter().any(is_secret) {
        "Ask for changes to have it taken out of the branch and, where it is a secret, its history, and replace secrets that are \
         real."
    } else {
        "Correct it, or ask for changes."
    };
    format!(
        "{what}: {}{more}. {advice} To land with it knowingly, acknowledge the findings with the approval (`spectask approve --acknowledge ID`; `acknowledged_findings` in the API).",
        named.join("; ")
    )
}
