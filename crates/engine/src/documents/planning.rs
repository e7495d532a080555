//! The progress of planning, from the documents that the planner has written.

use crate::App;
use crate::documents::{self, Documents};
use std::path::Path;
use workflow::{Phase, Planning, PlanningStep, RetryPoint, Task};

/// The share of the whole planning that is done at a step; approval is the rest.
const PREPARED: f64 = 0.1;
const WRITTEN: f64 = 0.75;
const COMMITTED: f64 = 0.9;
/// A larger file is no document; it is not read to find out whether it is one.
const MAX_DOCUMENT_BYTES: u64 = 4 * 1024 * 1024;

/// Returns the share of the planning that is done, 0 to 1.
pub async fn share(app: &App, task: &Task) -> f64 {
    match &task.phase {
        _ if task.approved().is_some() => 1.0,
        Phase::SpecReview { .. } | Phase::SpecRevision { .. } => COMMITTED,
        Phase::SpecGeneration { planning } => under_way(app, task, planning).await,
        Phase::SpecFailed { stuck: RetryPoint::Planning(planning), .. } => {
            under_way(app, task, planning).await
        }
        Phase::Cancelled { specs: Some(_), .. } => COMMITTED,
        Phase::Backlog
        | Phase::SpecFailed { .. }
        | Phase::Cancelled { .. }
        | Phase::SpecApproved { .. }
        | Phase::ImplementationQueued { .. }
        | Phase::Implementation { .. }
        | Phase::ImplementationReview { .. }
        | Phase::ImplementationFailed { .. }
        | Phase::Done { .. } => 0.0,
    }
}

async fn under_way(app: &App, task: &Task, planning: &Planning) -> f64 {
    match planning.step {
        PlanningStep::Waiting | PlanningStep::Preparing => 0.0,
        PlanningStep::Writing => {
            let written = written(app, task, planning.round).await.unwrap_or_else(|error| {
                tracing::debug!(%error, task = %task.id, "could not look at what a planner has written");
                0
            });
            PREPARED + (WRITTEN - PREPARED) * f64::from(written) / 3.0
        }
        PlanningStep::Committing => WRITTEN,
    }
}

/// Returns how many of the three documents are there, and in a later round otherwise than before.
async fn written(app: &App, task: &Task, round: u32) -> anyhow::Result<u32> {
    let paths = app.repositories.document_paths(task).await?;
    let before = match app.store.revisions(&task.id).await?.into_iter().rfind(|known| known.round < round) {
        Some(known) => {
            let project_repo = app.repositories.project_repo(&task.project).await?;
            documents::read(&project_repo, &task.id, &known.commit.0).await?.unwrap_or_default()
        }
        None => Documents::default(),
    };
    let pairs = [
        (paths.requirements, before.requirements),
        (paths.design, before.design),
        (paths.tasks, before.tasks),
    ];
    let count = crate::spawn_blocking(move || {
        pairs.iter().map(|(path, before)| u32::from(is_written(Path::new(path), before))).sum()
    });
    Ok(count.await?)
}

/// Returns whether a file is there with something to read that was not there before.
fn is_written(path: &Path, before: &str) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let found = git::Dir::at(path.parent().unwrap_or(path)).read(name, MAX_DOCUMENT_BYTES);
    let text = match found {
        Ok(git::Entry::File(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Ok(_) | Err(_) => String::new(),
    };
    !text.trim().is_empty() && text != *before
}

#[cfg(test)]
mod tests {
    use super::is_written;
    use std::fs;

    #[test]
    fn a_document_is_written_when_it_says_something_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("design.md");
        assert!(!is_written(&path, ""));
        fs::write(&path, " \n").expect("written");
        assert!(!is_written(&path, ""));
        fs::write(&path, "# Design\n").expect("written");
        assert!(is_written(&path, "") && !is_written(&path, "# Design\n"));
    }
}
