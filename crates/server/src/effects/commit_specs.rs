//! Validates what the planner wrote and commits it to the design-docs branch.

use super::{Done, Job, blocking, git_failure, store_failure};
use crate::clock::now;
use crate::documents::{self, Documents};
use crate::repositories::document;
use git::{Change, Commit};
use workflow::{Failure, Input, SessionId, TurnId};

pub(super) async fn perform(
    job: &Job<'_>,
    session: &SessionId,
    turn: &TurnId,
    round: u32,
) -> Result<Done, Failure> {
    let app = job.app;
    let workplace =
        app.repositories.workplace(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let folder =
        app.repositories.docs_worktree(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let folder = folder.join("specs").join(job.task.id.as_str());
    let found = blocking(move || {
        let text = |name: &str| match std::fs::read(folder.join(name)) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
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
    let change = |name: &str, text: &str| Change {
        path: document(&job.task.id, name),
        content: Some(text.as_bytes().to_vec()),
    };
    let commit = Commit {
        branch: workplace.settings.design_docs_branch.clone(),
        changes: vec![
            change("requirements.md", &found.requirements),
            change("design.md", &found.design),
            change("tasks.md", &found.tasks),
        ],
        message: format!("{}: documents, round {round}\n\nSpecTask-Task: {}\n", job.task.name, job.task.id),
        author: crate::App::identity(),
        time_ms: now().0,
        effect: Some(job.trailer("specs")),
    };
    let committed = blocking(move || workplace.repository.commit(&commit)).await?;
    let kept = documents::keep(app, job.task, round, &committed.id.to_string(), &found).await;
    let (session, turn) = (session.clone(), turn.clone());
    Ok(Done::Report(match kept.map_err(|error| store_failure(&error))? {
        Ok(specs) => Input::SpecsCommitted { session, turn, specs },
        Err(problems) => Input::SpecsInvalid { session, turn, problems },
    }))
}
