//! The server's own marks in progress.md: a planned task is begun, and done.

use crate::App;
use crate::clock::now;
use crate::documents::ChecklistView;
use crate::effects::blocking;
use crate::repositories::{Workplace, document};
use git::{Change, Commit};
use workflow::documents::checklist::{self, Marker, StatusBlock};
use workflow::{Failure, Session, SessionStatus, Task, Unit};

/// Marks a session's planned task and keeps the status block; `effect` makes it safe to repeat.
pub(crate) async fn mark(
    workplace: &Workplace,
    task: &Task,
    session: &Session,
    marker: Marker,
    effect: Option<String>,
) -> Result<(), Failure> {
    let Some(unit) = session.unit.and_then(|index| task.units().get(index)) else { return Ok(()) };
    let word = match marker {
        Marker::InProgress => "started",
        Marker::Completed => "done",
        Marker::Pending => "waiting",
    };
    let branch = workplace.settings.design_docs_branch.clone();
    let commit = Commit {
        branch: branch.clone(),
        changes: Vec::<Change>::new(),
        message: format!("{}: {} {word}\n\nSpecTask-Task: {}\n", task.name, unit.number, task.id),
        author: App::identity(),
        time_ms: now().0,
        effect,
    };
    let (repository, path, number) =
        (workplace.repository.clone(), document(&task.id, "progress.md"), unit.number.clone());
    // Read, edit, commit where the branch stood; after somebody else's commit between, it is read again.
    let (task, session) = (task.clone(), session.clone());
    let mut edit = move |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        let marked = match marker {
            Marker::Completed => checklist::complete(&text, &number),
            Marker::Pending | Marker::InProgress => checklist::mark(&text, &number, marker),
        };
        let begun = (marker == Marker::InProgress).then_some(&session);
        checklist::set_status_block(&marked, &status(&task, begun, &marked)).into_bytes()
    };
    blocking(move || repository.commit_edit(&branch, &path, &mut edit, &commit)).await?;
    Ok(())
}

/// What a checklist says above its items: what was begun just now, else what else is being done, if anything.
fn status(task: &Task, begun: Option<&Session>, checklist: &str) -> StatusBlock {
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
            started: session.started_at.map(crate::wire::rfc3339),
            estimated_completion: None,
        };
    }
    let is_done = task.units().iter().all(|unit| marker(unit) == Marker::Completed);
    StatusBlock { current_task: is_done.then(|| "everything is done".to_owned()), ..StatusBlock::default() }
}

/// Puts back a checklist that whoever was writing it left blank when it was killed: a file is emptied before it is
/// written. Says whether it did.
pub(crate) async fn put_back(app: &App, workplace: &Workplace, task: &Task) -> anyhow::Result<bool> {
    let branch = workplace.settings.design_docs_branch.clone();
    let (repository, path) = (workplace.repository.clone(), document(&task.id, "progress.md"));
    let read = tokio::task::spawn_blocking({
        let path = path.clone();
        move || repository.read(&branch, &path)
    });
    let Some(committed) = read.await?? else { return Ok(false) };
    let file = app.repositories.docs_worktree(&task.project).await?.join(path);
    let is_blank = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_whitespace);
    let is_lost = tokio::fs::read(&file).await.is_ok_and(|found| is_blank(&found)) && !is_blank(&committed);
    if is_lost {
        tokio::fs::write(&file, committed).await?;
    }
    Ok(is_lost)
}

/// Sets marks of finished work again that somebody else's commit, written from an older copy, took back.
///
/// The file is a projection: what is done stays done.
pub(crate) async fn restore(
    workplace: &Workplace,
    task: &Task,
    checklist: &ChecklistView,
) -> Result<(), Failure> {
    for unit in task.units() {
        let Some(session) = task.session_of_unit(unit.index) else { continue };
        if task.session_status(session) != SessionStatus::Completed {
            continue;
        }
        let item = checklist.tasks.iter().find(|item| item.number.as_ref() == Some(&unit.number));
        if item.is_some_and(|item| item.status != Marker::Completed.status()) {
            mark(workplace, task, session, Marker::Completed, None).await?;
        }
    }
    Ok(())
}
