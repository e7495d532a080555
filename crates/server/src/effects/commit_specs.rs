//! Validates what the planner wrote and commits it to the design-docs branch.

use super::{Done, Job, blocking, git_failure, store_failure};
use crate::clock::now;
use crate::documents::{self, Documents};
use crate::metadata;
use crate::repositories::document;
use git::{Change, Commit};
use secrets::Redactor;
use std::borrow::Cow;
use std::path::Path;
use workflow::{Failure, Input, SessionId, Specs, TaskStatus, TurnId};

pub(super) async fn perform(
    job: &Job<'_>,
    session: &SessionId,
    turn: &TurnId,
    round: u32,
) -> Result<Done, Failure> {
    let app = job.app;
    let folder =
        app.repositories.docs_worktree(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let folder = folder.join("specs").join(job.task.id.as_str());
    let redactor = app.redactor.clone();
    let found = blocking(move || {
        let text = |name: &str| match std::fs::read(folder.join(name)) {
            Ok(bytes) => clean(&redactor, &folder.join(name), &String::from_utf8_lossy(&bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(error),
        };
        let (requirements, design, tasks) = (text("requirements.md")?, text("design.md")?, text("tasks.md")?);
        Ok::<_, std::io::Error>(Documents { requirements, design, tasks })
    })
    .await?;
    let problems = found.problems();
    if !problems.is_empty() {
        return Ok(Done::Report(Input::SpecsInvalid {
            session: session.clone(),
            turn: turn.clone(),
            problems,
        }));
    }
    let kept = commit(job, round, &found).await?;
    let (session, turn) = (session.clone(), turn.clone());
    Ok(Done::Report(match kept {
        Ok(specs) => Input::SpecsCommitted { session, turn, specs },
        Err(problems) => Input::SpecsInvalid { session, turn, problems },
    }))
}

/// Commits a round of documents and keeps them, or says what is wrong with them.
pub(super) async fn commit(
    job: &Job<'_>,
    round: u32,
    documents: &Documents,
) -> Result<Result<Specs, Vec<String>>, Failure> {
    let app = job.app;
    let workplace =
        app.repositories.workplace(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let specs = Specs {
        round,
        commit: workflow::Commit(String::new()),
        hash: documents.hash(),
        units: documents::units(&job.task.id, &documents.tasks),
    };
    let metadata = metadata::of(app, job.task, &specs, TaskStatus::SpecReview, serde_json::Map::new()).await;
    let metadata = metadata.map_err(|error| store_failure(&error))?;
    let change = |name: &str, text: &str| Change {
        path: document(&job.task.id, name),
        content: Some(text.as_bytes().to_vec()),
    };
    let commit = Commit {
        branch: workplace.settings.design_docs_branch.clone(),
        changes: vec![
            change("requirements.md", &documents.requirements),
            change("design.md", &documents.design),
            change("tasks.md", &documents.tasks),
            change("spec-metadata.json", &metadata),
        ],
        message: format!("{}: documents, round {round}\n\nSpecTask-Task: {}\n", job.task.name, job.task.id),
        author: crate::App::identity(),
        time_ms: now().0,
        effect: Some(job.trailer("specs")),
    };
    let committed = blocking(move || {
        let committed = workplace.repository.commit(&commit)?;
        // Whoever deletes the branch from here on does not take the documents along.
        workplace.repository.keep_forward(&commit.branch)?;
        Ok::<_, git::Error>(committed)
    });
    let committed = committed.await?;
    let kept = documents::keep(app, job.task, round, &committed.id.to_string(), documents, None).await;
    kept.map_err(|error| store_failure(&error))
}

/// A document without secrets. The file gets it too: what an agent commits from there by itself has none either.
fn clean(redactor: &Redactor, path: &Path, text: &str) -> std::io::Result<String> {
    let clean = redactor.redact(text);
    if let Cow::Owned(clean) = &clean {
        std::fs::write(path, clean)?;
    }
    Ok(clean.into_owned())
}
