//! The three documents of a task, between git, the workflow and the store.

use crate::App;
use crate::clock::now;
use crate::repositories::{RepositoryError, Workplace, document};
use crate::wire::EvidenceView;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::{Revision, StoreError};
use utoipa::ToSchema;
use workflow::documents::checklist::{self, Checklist, Marker};
use workflow::documents::{hash, plan, validate};
use workflow::{Commit, Ids as _, Specs, Task, TaskId, Unit, UnitId};

/// The three documents, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Documents {
    pub(crate) requirements: String,
    pub(crate) design: String,
    pub(crate) tasks: String,
}

impl Documents {
    /// The hash of their content without checkbox state.
    pub(crate) fn hash(&self) -> String {
        hash::content_hash(&self.requirements, &self.design, &self.tasks)
    }

    /// What makes them unusable, as sentences for the planner.
    pub(crate) fn problems(&self) -> Vec<String> {
        match validate(&self.requirements, &self.design, &self.tasks) {
            Ok(()) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Reads a task's documents at a commit; none when it has none there.
pub(crate) async fn read(
    workplace: &Workplace,
    task: &TaskId,
    commit: &str,
) -> Result<Option<Documents>, RepositoryError> {
    let (repository, task, commit) = (workplace.repository.clone(), task.clone(), commit.to_owned());
    let read = tokio::task::spawn_blocking(move || {
        let text = |name: &str| -> Result<Option<String>, git::Error> {
            let bytes = repository.read(&commit, &document(&task, name))?;
            Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        let (requirements, design, tasks) = (text("requirements.md")?, text("design.md")?, text("tasks.md")?);
        if requirements.is_none() && design.is_none() && tasks.is_none() {
            return Ok(None);
        }
        Ok::<_, git::Error>(Some(Documents {
            requirements: requirements.unwrap_or_default(),
            design: design.unwrap_or_default(),
            tasks: tasks.unwrap_or_default(),
        }))
    });
    Ok(read.await??)
}

/// Puts the documents in force back that are not there at a commit any more, and says whether there were such.
pub(crate) async fn put_back(
    workplace: &Workplace,
    task: &Task,
    in_force: &Specs,
    commit: &str,
) -> Result<bool, RepositoryError> {
    let (repository, branch) = (workplace.repository.clone(), workplace.settings.design_docs_branch.clone());
    let (id, from, at) = (task.id.clone(), in_force.commit.to_string(), commit.to_owned());
    let message = format!("{}: put deleted documents back\n\nSpecTask-Task: {}\n", task.name, task.id);
    let put = tokio::task::spawn_blocking(move || {
        let mut changes = Vec::new();
        for name in ["requirements.md", "design.md", "tasks.md"] {
            let path = document(&id, name);
            let (before, now) = (repository.read(&from, &path)?, repository.read(&at, &path)?);
            if let (Some(content), None) = (before, now) {
                changes.push(git::Change { path, content: Some(content) });
            }
        }
        if changes.is_empty() {
            return Ok(false);
        }
        let author = crate::App::identity();
        let commit = git::Commit { branch, changes, message, author, time_ms: now().0, effect: None };
        repository.commit(&commit).map(|_| true)
    });
    let is_put = put.await??;
    if is_put {
        tracing::warn!(task = %task.id, "documents in force were deleted, and are put back");
    }
    Ok(is_put)
}

/// Keeps a round of documents in the store, without secrets, with who edited them where it was not the planner, and returns it as the workflow knows it, or what is wrong with it.
pub(crate) async fn keep(
    app: &App,
    task: &Task,
    round: u32,
    commit: &str,
    documents: &Documents,
    edited_by: Option<&str>,
) -> Result<Result<Specs, Vec<String>>, StoreError> {
    let problems = documents.problems();
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    let hash = documents.hash();
    let revision = Revision {
        id: crate::clock::Ulids.next("rev").into(),
        task: task.id.clone(),
        round,
        commit: Commit(commit.to_owned()),
        hash: hash.clone(),
        requirements: app.redactor.redact(&documents.requirements).into_owned(),
        design: app.redactor.redact(&documents.design).into_owned(),
        tasks: app.redactor.redact(&documents.tasks).into_owned(),
        created_at: now(),
        reviewer: None,
        decision: None,
        comments: None,
        changes: Vec::new(),
        decided_at: None,
        edited_by: edited_by.map(|by| if by.is_empty() { "somebody" } else { by }.to_owned()),
    };
    app.store.put_revision(revision).await?;
    Ok(Ok(Specs { round, commit: Commit(commit.to_owned()), hash, units: units(&task.id, &documents.tasks) }))
}

/// The planned tasks of a plan, each carried out by one session.
pub(crate) fn units(task: &TaskId, tasks: &str) -> Vec<Unit> {
    plan::parse(tasks)
        .units()
        .into_iter()
        .map(|unit| Unit {
            id: unit_id(task, &unit.uid),
            index: unit.index,
            number: unit.number,
            title: unit.title,
            description: unit.description,
            acceptance_criteria: unit.acceptance_criteria,
            effort: unit.effort.map_or_else(|| "medium".to_owned(), |effort| effort.to_string()),
            optional: unit.optional,
            dependencies: unit.dependencies,
            requirements: unit.requirements,
            boundary: unit.boundary,
        })
        .collect()
}

/// A planned task's identity: the same for the same task and uid, whoever computes it.
fn unit_id(task: &TaskId, uid: &str) -> UnitId {
    let digest = Sha256::digest(format!("{task}/{uid}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    UnitId(format!("stit_{}", ulid::Ulid::from_bytes(bytes)))
}

/// A living checklist as clients see it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChecklistView {
    pub tasks: Vec<ChecklistItem>,
    pub total_tasks: usize,
    pub completed_tasks: usize,
    /// The item being worked on, if any.
    pub in_progress_task: Option<ChecklistItem>,
    pub progress_pct: u32,
}

/// One item of a checklist.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChecklistItem {
    pub index: usize,
    /// The number in the plan, where the item has one.
    pub number: Option<String>,
    pub description: String,
    /// `pending`, `in_progress` or `completed`.
    pub status: String,
    pub depth: usize,
    /// What stands behind the item, where it is marked as done.
    #[serde(default)]
    pub evidence: EvidenceView,
}

/// Puts beside each item what stands behind it: what its planned task has.
pub(crate) fn with_evidence(task: &Task, mut checklist: ChecklistView) -> ChecklistView {
    let evidence = |item: &ChecklistItem| {
        let number = item.number.as_ref()?;
        let whole = number.split('.').next().unwrap_or(number);
        let unit = task.units().iter().find(|unit| unit.number == *whole)?;
        Some(EvidenceView::of(&task.evidence(unit.index, item.status == Marker::Completed.status())))
    };
    for item in &mut checklist.tasks {
        item.evidence = evidence(item).unwrap_or_default();
    }
    checklist.in_progress_task =
        checklist.in_progress_task.and_then(|item| checklist.tasks.get(item.index).cloned());
    checklist
}

/// Reads a checklist for clients.
pub fn checklist_view(text: &str) -> ChecklistView {
    view(&checklist::parse(text))
}

pub(crate) fn view(checklist: &Checklist) -> ChecklistView {
    let tasks: Vec<ChecklistItem> = checklist
        .items
        .iter()
        .enumerate()
        .map(|(index, item)| ChecklistItem {
            index,
            number: item.number.clone(),
            description: item.description.clone(),
            status: item.marker.status().to_owned(),
            depth: item.depth,
            evidence: EvidenceView::default(),
        })
        .collect();
    let completed_tasks = tasks.iter().filter(|item| item.status == "completed").count();
    ChecklistView {
        total_tasks: tasks.len(),
        completed_tasks,
        in_progress_task: checklist.current_index().and_then(|at| tasks.get(at).cloned()),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a hundred")]
        progress_pct: (crate::wire::share(completed_tasks, tasks.len()) * 100.0).round() as u32,
        tasks,
    }
}
