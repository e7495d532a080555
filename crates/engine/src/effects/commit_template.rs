//! Commits the documents that the task's template has ready to the design-docs branch.

use super::commit_specs::commit;
use super::{Done, Job, failure, git_failure};
use crate::documents::Documents;
use workflow::{Failure, FailureClass, Input};

pub(super) async fn perform(job: &Job<'_>, round: u32) -> Result<Done, Failure> {
    let Some(template) = &job.task.template else { return Ok(Done::Nothing) };
    // The branch is there before the first commit to it.
    let made = job.app.repositories.docs_worktree(&job.task.project).await;
    made.map_err(|error| git_failure(&error))?;
    let documents = Documents {
        requirements: template.requirements.clone(),
        design: template.design.clone(),
        tasks: template.tasks.clone(),
    };
    let problems = documents.problems();
    let kept = if problems.is_empty() { commit(job, round, &documents).await? } else { Err(problems) };
    match kept {
        Ok(specs) => Ok(Done::Report(Input::TemplateCommitted { specs })),
        Err(problems) => {
            let message = format!("The documents of the template cannot be used: {}", problems.join(" "));
            Err(failure(FailureClass::InvalidOutput, message))
        }
    }
}
