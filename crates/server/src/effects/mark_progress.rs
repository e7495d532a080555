//! Marks a planned task in progress.md as its session starts and ends, and keeps the status block.

use super::{Done, Job, blocking, git_failure};
use crate::clock::now;
use crate::repositories::document;
use git::{Change, Commit};
use workflow::documents::checklist::{self, Marker, StatusBlock};
use workflow::{Failure, SessionId};

pub(super) async fn perform(job: &Job<'_>, id: &SessionId, marker: char) -> Result<Done, Failure> {
    let app = job.app;
    let session = job.session(id)?;
    let Some(unit) = session.unit.and_then(|index| job.task.units().get(index)) else {
        return Ok(Done::Nothing);
    };
    let workplace =
        app.repositories.workplace(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let marker = match marker {
        '~' => Marker::InProgress,
        'x' => Marker::Completed,
        _ => Marker::Pending,
    };
    let status = StatusBlock {
        current_task: Some(format!("{}. {}", unit.number, unit.title)),
        agent_session: Some(id.to_string()),
        started: session.started_at.map(crate::wire::rfc3339),
        estimated_completion: None,
    };
    let branch = workplace.settings.design_docs_branch.clone();
    let path = document(&job.task.id, "progress.md");
    let word = match marker {
        Marker::InProgress => "started",
        Marker::Completed => "done",
        Marker::Pending => "waiting",
    };
    let message = format!("{}: {} {word}\n\nSpecTask-Task: {}\n", job.task.name, unit.number, job.task.id);
    let (number, author, effect) = (unit.number.clone(), crate::App::identity(), job.trailer("progress"));
    blocking(move || {
        let repository = &workplace.repository;
        // Read, edit, commit where the branch stood; somebody else's commit between is read again.
        repository.commit_edit(
            &branch,
            &path,
            &mut |text| {
                let text = String::from_utf8_lossy(text);
                let marked = checklist::mark(&text, &number, marker);
                checklist::set_status_block(&marked, &status).into_bytes()
            },
            &Commit {
                branch: branch.clone(),
                changes: Vec::<Change>::new(),
                message,
                author,
                time_ms: now().0,
                effect: Some(effect),
            },
        )
    })
    .await?;
    Ok(Done::Nothing)
}
