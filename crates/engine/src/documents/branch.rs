//! The three documents of a task, between git, the workflow and the store.

use crate::App;
use crate::clock::now;
use crate::documents::metadata;
use crate::projects::repositories::{ProjectRepo, RepositoryError, document};
use crate::settings::redaction;
use crate::wire;
use protocol::words::ItemStatus;
use protocol::{ChecklistItem, ChecklistView};
use sha2::{Digest as _, Sha256};
use specs::checklist::{self, Checklist, Marker};
use specs::{hash, plan, validate};
use store::{Revision, StoreError};
use workflow::{Commit, Ids as _, PlannedItem, Specs, Task, TaskId, Unit, UnitId};

/// The largest number of planned tasks in a plan; each is carried out by a separate session.
const MAX_PLANNED_TASKS: usize = 500;

/// The three documents, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Documents {
    pub requirements: String,
    pub design: String,
    pub tasks: String,
}

impl Documents {
    /// Returns the hash of their content without checkbox state.
    pub(crate) fn hash(&self) -> String {
        hash::content_hash(&self.requirements, &self.design, &self.tasks)
    }

    /// Returns what makes them unusable, as sentences for the planner.
    pub fn problems(&self) -> Vec<String> {
        let many = plan::parse(&self.tasks).units().len();
        let too_many = (many > MAX_PLANNED_TASKS).then(|| {
            format!(
                "tasks.md: the plan has {many} planned tasks, and a task has at most {MAX_PLANNED_TASKS}; make sub-tasks of \
                 those that belong together, or split the work into several tasks."
            )
        });
        let found = match validate(&self.requirements, &self.design, &self.tasks) {
            Ok(()) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        };
        too_many.into_iter().chain(found).collect()
    }
}

/// Reads a task's documents at a commit; none when it has none there.
pub async fn read(
    project_repo: &ProjectRepo,
    task: &TaskId,
    commit: &str,
) -> Result<Option<Documents>, RepositoryError> {
    let (repository, task, commit) = (project_repo.repository.clone(), task.clone(), commit.to_owned());
    let read = crate::spawn_blocking(move || {
        let text = |name: &str| -> Result<Option<String>, git::Error> {
            let bytes = repository.read(&commit, &document(&task, name))?;
            Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        let (requirements, design, tasks) = (text("requirements.md")?, text("design.md")?, text("tasks.md")?);
        // A bug's requirements may stand in a document of their own: what is, what should be, what stays.
        let requirements = match requirements {
            Some(requirements) => Some(requirements),
            None => text("bugfix.md")?,
        };
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

/// Restores documents in force that were deleted at a commit, and returns whether there were any.
pub(crate) async fn put_back(
    project_repo: &ProjectRepo,
    task: &Task,
    in_force: &Specs,
    commit: &str,
) -> Result<bool, RepositoryError> {
    let (repository, branch) =
        (project_repo.repository.clone(), project_repo.settings.design_docs_branch.clone());
    let (id, from, at) = (task.id.clone(), in_force.commit.to_string(), commit.to_owned());
    let message = format!(
        "{} {}: put deleted documents back\n\nSpecTask-Task: {}\n",
        task.shown_id(),
        task.name,
        task.id
    );
    let put = crate::spawn_blocking(move || {
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

/// Writes a task's documents in force from the database where the branch has others or none, and the checklist made from
/// them where it has none.
pub(crate) async fn write_again(app: &App, project_repo: &ProjectRepo, task: &Task) -> anyhow::Result<()> {
    let Some(specs) = task.specs() else { return Ok(()) };
    let branch = project_repo.settings.design_docs_branch.clone();
    if read(project_repo, &task.id, &branch).await?.is_some_and(|found| found.hash() == specs.hash) {
        return Ok(());
    }
    let revisions = app.store.revisions(&task.id).await?;
    let is_it = |revision: &&Revision| revision.round == specs.round && revision.hash == specs.hash;
    let Some(revision) = revisions.iter().rev().find(is_it) else { return Ok(()) };
    let metadata = metadata::of(app, task, specs, task.status(), serde_json::Map::new()).await?;
    let mut files = vec![
        ("requirements.md", revision.requirements.clone()),
        ("design.md", revision.design.clone()),
        ("tasks.md", revision.tasks.clone()),
        ("spec-metadata.json", metadata),
    ];
    if task.approved().is_some() {
        files.push(("progress.md", checklist::render_progress(&plan::parse(&revision.tasks), &task.name)));
    }
    let (repository, id) = (project_repo.repository.clone(), task.id.clone());
    let message = format!(
        "{} {}: write lost documents again\n\nSpecTask-Task: {}\n",
        task.shown_id(),
        task.name,
        task.id
    );
    let written = crate::spawn_blocking(move || {
        let mut changes = Vec::new();
        for (name, text) in files {
            let path = document(&id, name);
            // The checklist that is there is further than the one that is made here.
            if name != "progress.md" || repository.read(&branch, &path)?.is_none() {
                changes.push(git::Change { path, content: Some(text.into_bytes()) });
            }
        }
        let author = crate::App::identity();
        let commit = git::Commit { branch, changes, message, author, time_ms: now().0, effect: None };
        repository.commit(&commit)
    });
    written.await??;
    Ok(())
}

/// Keeps a round of documents in the store, without secrets, with who edited them where it was not the planner, and returns it as the workflow knows it, or what is wrong with it.
pub async fn keep(
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
        requirements: redaction::redact(&app.redactor, &documents.requirements).into_owned(),
        design: redaction::redact(&app.redactor, &documents.design).into_owned(),
        tasks: redaction::redact(&app.redactor, &documents.tasks).into_owned(),
        created_at: now(),
        reviewer: None,
        decision: None,
        comments: None,
        changes: Vec::new(),
        decided_at: None,
        edited_by: edited_by.map(|by| if by.is_empty() { "somebody" } else { by }.to_owned()),
    };
    app.store.put_revision(revision).await?;
    Ok(Ok(Specs {
        round,
        commit: Commit(commit.to_owned()),
        hash,
        title: specs::requirements::title(&documents.requirements),
        units: units(&task.id, &documents.tasks),
    }))
}

/// Returns the planned tasks of a plan, each carried out by one session.
pub fn units(task: &TaskId, tasks: &str) -> Vec<Unit> {
    plan::parse(tasks)
        .units()
        .into_iter()
        .map(|unit| Unit {
            acceptance_criteria: unit.acceptance_criteria,
            completed_before: unit.is_done,
            id: unit_id(task, &unit.uid),
            index: unit.index,
            number: unit.number,
            title: unit.title,
            description: unit.description,
            effort: unit.effort.map_or_else(|| "medium".to_owned(), |effort| effort.to_string()),
            optional: unit.optional,
            dependencies: unit.dependencies,
            requirements: unit.requirements,
            boundary: unit.boundary,
            resources: unit.resources,
        })
        .collect()
}

/// Returns a planned task's identity: the same for the same task and uid on every computation.
fn unit_id(task: &TaskId, uid: &str) -> UnitId {
    let digest = Sha256::digest(format!("{task}/{uid}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    UnitId(format!("stit_{}", ulid::Ulid::from_bytes(bytes)))
}

/// Returns a task's checklist for clients, with what stands behind each item.
pub fn view(task: &Task, checklist: &Checklist) -> ChecklistView {
    // The planned task that each item is or is a part of.
    let mut unit: Option<&Unit> = None;
    let tasks: Vec<ChecklistItem> = checklist
        .items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let own = task.units().iter().find(|unit| Some(&unit.number) == item.number.as_ref());
            unit = own.or(unit.filter(|_| item.depth > 0));
            let is_done = item.marker == Marker::Completed;
            let has_state = |unit: &Unit| {
                let is_unreported = |open: &PlannedItem| {
                    own.is_some() || (open.number == item.number && open.title == item.description)
                };
                let session = task.session_of_unit(unit.index);
                is_done || session.is_some_and(|session| session.unreported.iter().any(is_unreported))
            };
            let evidence = unit.filter(|unit| has_state(unit)).map(|unit| task.evidence(unit.index, is_done));
            ChecklistItem {
                index,
                number: item.number.clone(),
                description: item.description.clone(),
                status: status_of(item.marker),
                depth: item.depth,
                optional: item.optional,
                evidence: evidence.as_ref().map(wire::evidence).unwrap_or_default(),
            }
        })
        .collect();
    let completed_tasks = tasks.iter().filter(|item| item.status == ItemStatus::Completed).count();
    ChecklistView {
        total_tasks: tasks.len(),
        completed_tasks,
        in_progress_task: checklist.current_index().and_then(|at| tasks.get(at).cloned()),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a hundred")]
        progress_pct: (task.progress() * 100.0).round() as u32,
        tasks,
    }
}

fn status_of(marker: Marker) -> ItemStatus {
    match marker {
        Marker::Pending => ItemStatus::Pending,
        Marker::InProgress => ItemStatus::InProgress,
        Marker::Completed => ItemStatus::Completed,
    }
}
