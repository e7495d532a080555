//! The server's own marks in progress.md: a planned task is begun, and done.

use crate::App;
use crate::clock::now;
use crate::clock::rfc3339;
use crate::failure::{blocking, git_failure};
use crate::projects::repositories::{ProjectRepo, document};
use git::{Change, Commit, Dir};
use protocol::ChecklistView;
use protocol::words::ItemStatus;
use specs::checklist::{self, Marker, StatusBlock};
use store::TaskFilter;
use workflow::{Estimate, Failure, Session, SessionTime, Task, TaskStatus, Unit, UnitStatus, tick_reported};

/// How many finished tasks of the project an estimate looks at.
const MAX_TASKS_OF_HISTORY: u64 = 10;

/// How large a checklist may be that is read from a worktree.
const MAX_CHECKLIST_BYTES: u64 = 4 * 1024 * 1024;
/// A larger file is not blank.
const MAX_BLANK_BYTES: u64 = 64 * 1024;

/// Marks a session's planned task and keeps the status block; `effect` makes it safe to repeat.
pub(crate) async fn mark(
    app: &App,
    project_repo: &ProjectRepo,
    task: &Task,
    session: &Session,
    marker: Marker,
    effect: Option<String>,
) -> Result<(), Failure> {
    let estimate = task.estimate(&session_times(app, task).await, now());
    let units = task.units_of(session).to_vec();
    let Some(first) = units.first() else { return Ok(()) };
    let word = match marker {
        Marker::InProgress => "started",
        Marker::Completed if !session.unreported.is_empty() => "ended, not all of it reported",
        Marker::Completed => "done",
        Marker::Pending => "waiting",
    };
    let message =
        format!("{} {}: {} {word}\n\nSpecTask-Task: {}\n", task.shown_id(), task.name, first.number, task.id);
    let (of, session) = (task.clone(), session.clone());
    let edit = move |text: &str| {
        let marked = match marker {
            Marker::Completed => tick_reported(text, &units, &session),
            Marker::Pending | Marker::InProgress => {
                units.iter().fold(text.to_owned(), |text, unit| checklist::mark(&text, &unit.number, marker))
            }
        };
        let begun = (marker == Marker::InProgress).then_some(&session);
        checklist::set_status_block(&marked, &status(&of, begun, estimate, &marked))
    };
    commit_edit(project_repo, task, message, effect, edit).await
}

/// Why an item is not marked as done.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    #[error("{0} is no item of the session's own planned task; it has {1}")]
    NotOwn(String, String),
    #[error("the session carries out no planned task, so there is no item to report")]
    NoPlannedTask,
    #[error("{}", .0.message)]
    Failed(Failure),
}

/// Marks an item of a session's own planned task as done, as its agent does in progress.md.
pub async fn tick(app: &App, task: &Task, session: &Session, number: &str) -> Result<(), TickError> {
    let units = task.units_of(session);
    if units.is_empty() {
        return Err(TickError::NoPlannedTask);
    }
    let project_repo = app.repositories.project_repo(&task.project).await;
    let project_repo = project_repo.map_err(|error| TickError::Failed(git_failure(&error)))?;
    let (branch, path) =
        (project_repo.settings.design_docs_branch.clone(), document(&task.id, "progress.md"));
    let repository = project_repo.repository.clone();
    let found = blocking(move || repository.read(&branch, &path)).await.map_err(TickError::Failed)?;
    let text = String::from_utf8_lossy(&found.unwrap_or_default()).into_owned();
    let own: Vec<String> = checklist::parse(&text)
        .items
        .into_iter()
        .filter_map(|item| item.number)
        .filter(|item| units.iter().any(|unit| is_of(item, &unit.number)))
        .collect();
    if !own.iter().any(|item| item == number) {
        return Err(TickError::NotOwn(number.to_owned(), own.join(", ")));
    }
    let message =
        format!("{} {}: {number} reported\n\nSpecTask-Task: {}\n", task.shown_id(), task.name, task.id);
    let number = number.to_owned();
    let edit = move |text: &str| checklist::mark(text, &number, Marker::Completed);
    commit_edit(&project_repo, task, message, None, edit).await.map_err(TickError::Failed)
}

/// Returns whether an item is a planned task's own line or one of its sub-tasks.
fn is_of(item: &str, unit: &str) -> bool {
    item.strip_prefix(unit).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Commits the items that agents ticked in the documents' worktree and left uncommitted. Threads work side by side, so
/// the server commits, and only their ticks.
pub(crate) async fn commit_ticks(app: &App, task: &Task) -> Result<(), Failure> {
    let project_repo =
        app.repositories.project_repo(&task.project).await.map_err(|error| git_failure(&error))?;
    let message = format!("{} {}: progress\n\nSpecTask-Task: {}\n", task.shown_id(), task.name, task.id);
    commit_edit(&project_repo, task, message, None, str::to_owned).await
}

/// Edits the living checklist where the branch stands, with what agents ticked in its worktree, and commits it.
async fn commit_edit(
    project_repo: &ProjectRepo,
    task: &Task,
    message: String,
    effect: Option<String>,
    edit: impl Fn(&str) -> String + Send + 'static,
) -> Result<(), Failure> {
    let branch = project_repo.settings.design_docs_branch.clone();
    let commit = Commit {
        branch: branch.clone(),
        changes: Vec::<Change>::new(),
        message,
        author: App::identity(),
        time_ms: now().0,
        effect,
    };
    let (repository, path) = (project_repo.repository.clone(), document(&task.id, "progress.md"));
    let folder = Dir::at(git::docs_worktree(repository.path(), &branch));
    let planned: Vec<String> = task.units().iter().map(|unit| unit.number.clone()).collect();
    blocking(move || {
        let found = read_file(&folder, &path);
        let mut written = String::new();
        // Read, edit, commit where the branch stood; after another commit in between, it is read again.
        let mut edited = |text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            written = edit(&with_marks(&text, found.as_deref().unwrap_or_default(), &planned));
            written.clone().into_bytes()
        };
        let committed = repository.commit_edit(&branch, &path, &mut edited, &commit)?;
        // What an agent left uncommitted is left as it is when the branch moves. Now the branch has it.
        if committed.fresh
            && found.is_some()
            && read_file(&folder, &path) == found
            && found.as_ref() != Some(&written)
        {
            // It stays as it is where it cannot be written; the branch has what counts.
            if let Err(error) = folder.write(&path, written.as_bytes()) {
                tracing::warn!(%error, path, "could not bring a checklist up to date");
            }
        }
        Ok::<_, git::Error>(())
    })
    .await
}

/// Returns a checklist in a worktree; none where there is none, or something else is in its place.
fn read_file(folder: &Dir, path: &str) -> Option<String> {
    match folder.read(path, MAX_CHECKLIST_BYTES) {
        Ok(git::Entry::File(bytes)) => String::from_utf8(bytes).ok(),
        Ok(_) | Err(_) => None,
    }
}

/// Returns a checklist with the items marked as completed or in progress that another copy of it has marked so. Whether
/// a planned task is in progress is the server's to say: a copy may be from before its session was stopped.
fn with_marks(text: &str, copy: &str, planned: &[String]) -> String {
    if text.is_empty() || text == copy {
        return text.to_owned();
    }
    let known = checklist::parse(text).items;
    let marker_of = |number: &String| {
        known.iter().find(|item| item.number.as_ref() == Some(number)).map(|item| item.marker)
    };
    let mut text = text.to_owned();
    for item in checklist::parse(copy).items {
        let Some(number) = item.number else { continue };
        let is_news = match (item.marker, marker_of(&number)) {
            (Marker::Completed, Some(known)) => known != Marker::Completed,
            (Marker::InProgress, Some(Marker::Pending)) => !planned.contains(&number),
            (Marker::InProgress | Marker::Pending, _) | (Marker::Completed, None) => false,
        };
        if is_news {
            text = checklist::mark(&text, &number, item.marker);
        }
    }
    text
}

/// Returns how long sessions of the project took: of this task, and of those that were done last.
async fn session_times(app: &App, task: &Task) -> Vec<SessionTime> {
    let filter = TaskFilter {
        project: Some(task.project.clone()),
        statuses: vec![TaskStatus::Done],
        sort: Some("-updated_at".to_owned()),
        limit: MAX_TASKS_OF_HISTORY,
        ..TaskFilter::default()
    };
    let done = match app.store.tasks(&filter).await {
        Ok(page) => page.tasks,
        Err(error) => {
            tracing::warn!(%error, task = %task.id, "could not read what an estimate is made from");
            Vec::new()
        }
    };
    done.iter().chain([task]).flat_map(Task::session_times).collect()
}

/// Returns what a checklist says above its items: what was begun just now, else what else is being done, if anything.
fn status(task: &Task, begun: Option<&Session>, estimate: Option<Estimate>, checklist: &str) -> StatusBlock {
    let items = checklist::parse(checklist).items;
    let marker = |unit: &Unit| {
        let item = items.iter().find(|item| item.number.as_ref() == Some(&unit.number));
        item.map_or(Marker::Pending, |item| item.marker)
    };
    let unit_of = |session: &Session| session.unit.and_then(|index| task.units().get(index));
    let under_way = || {
        let mut units = task.units().iter().filter(|unit| marker(unit) == Marker::InProgress);
        units.find_map(|unit| task.session_of_unit(unit.index))
    };
    if let Some(session) = begun.or_else(under_way) {
        return StatusBlock {
            current_task: unit_of(session).map(|unit| format!("{}. {}", unit.number, unit.title)),
            agent_session: Some(session.id.to_string()),
            started: session.started_at.map(rfc3339),
            estimated_completion: estimate
                .map(|Estimate { earliest, latest }| format!("{} to {}", rfc3339(earliest), rfc3339(latest))),
        };
    }
    let is_done = task.units().iter().all(|unit| marker(unit) == Marker::Completed);
    StatusBlock { current_task: is_done.then(|| "everything is done".to_owned()), ..StatusBlock::default() }
}

/// Puts back a checklist that its writer left blank when it was killed, since a file is emptied before it is written, and one
/// in whose place a symbolic link was put. Says whether it did.
pub(crate) async fn put_back(app: &App, project_repo: &ProjectRepo, task: &Task) -> anyhow::Result<bool> {
    let branch = project_repo.settings.design_docs_branch.clone();
    let (repository, path) = (project_repo.repository.clone(), document(&task.id, "progress.md"));
    let read = crate::spawn_blocking({
        let path = path.clone();
        move || repository.read(&branch, &path)
    });
    let Some(committed) = read.await?? else { return Ok(false) };
    let folder = git::Dir::at(app.repositories.docs_worktree(&task.project).await?);
    let is_blank = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_whitespace);
    let put = crate::spawn_blocking(move || {
        let found = folder.read(&path, MAX_BLANK_BYTES)?;
        let is_lost = match found {
            git::Entry::File(found) => is_blank(&found) && !is_blank(&committed),
            git::Entry::Link => true,
            git::Entry::Nothing | git::Entry::TooLarge | git::Entry::Other => false,
        };
        if is_lost {
            folder.write(&path, &committed)?;
        }
        Ok::<_, std::io::Error>(is_lost)
    });
    let is_lost = put.await??;
    Ok(is_lost)
}

/// Puts back a checklist in whose place an agent put a symbolic link. Says whether it did.
pub(crate) async fn replace_link(
    app: &App,
    project_repo: &ProjectRepo,
    task: &Task,
) -> Result<bool, Failure> {
    let folder = app.repositories.docs_worktree(&task.project).await.map_err(|error| git_failure(&error))?;
    if !folder.join(document(&task.id, "progress.md")).is_symlink() {
        return Ok(false);
    }
    put_back(app, project_repo, task).await.map_err(|error| git_failure(error.as_ref()))
}

/// Restores the marks of finished work that a commit, written from an older copy, removed.
///
/// The file is a projection: what is done stays done.
pub(crate) async fn restore(
    app: &App,
    project_repo: &ProjectRepo,
    task: &Task,
    checklist: &ChecklistView,
) -> Result<(), Failure> {
    for unit in task.units() {
        let Some(session) = task.session_of_unit(unit.index) else { continue };
        if task.unit_status(unit.index) != UnitStatus::Completed {
            continue;
        }
        let item = checklist.tasks.iter().find(|item| item.number.as_ref() == Some(&unit.number));
        if item.is_some_and(|item| item.status != ItemStatus::Completed) {
            mark(app, project_repo, task, session, Marker::Completed, None).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{is_of, with_marks};

    #[test]
    fn items_belong_to_the_planned_task_whose_number_they_begin_with() {
        assert!(is_of("2", "2") && is_of("2.1", "2") && is_of("2.1.3", "2"));
        assert!(!is_of("21", "2") && !is_of("1.2", "2") && !is_of("2", "2.1"));
    }

    #[test]
    fn marks_of_a_copy_are_taken_over_and_nothing_else() {
        let branch = "- [x] 1. A\n- [~] 2. B\n- [ ] 3. C\n- [ ] 4. D\n";
        let copy = "- [ ] 1. A\n- [x] 2. B\n- [~] 3. C\n- [x] 9. Other\n";
        assert_eq!(with_marks(branch, copy, &[]), "- [x] 1. A\n- [x] 2. B\n- [~] 3. C\n- [ ] 4. D\n");
        let planned = ["3".to_owned()];
        assert_eq!(with_marks(branch, copy, &planned), "- [x] 1. A\n- [x] 2. B\n- [ ] 3. C\n- [ ] 4. D\n");
        assert_eq!(with_marks(branch, "", &[]), branch);
        assert_eq!(with_marks("", copy, &[]), "");
    }
}
