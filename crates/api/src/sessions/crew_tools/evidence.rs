//! A session's agent reports an item of its planned task as done, with what shows it.

use super::member::Member;
use crate::request::extract::JsonBody;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use engine::App;
use engine::documents::progress::{self, TickError};
use protocol::log::{ActivityType, Recorded};
use protocol::{LogEntry, Optional};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use workflow::{Session, Task};

/// How long the output of a check or a note may be, in bytes.
const MAX_TEXT: usize = 16 * 1024;

/// The evidence that an item is done.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CrewEvidenceBody {
    /// The item's number, such as `2.1`.
    item: String,
    /// A commit on the session's branch.
    commit: Option<String>,
    /// The output of a check.
    check_output: Option<String>,
}

/// An item that is reported.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrewEvidence {
    /// The item's number.
    item: String,
    /// Always true: what is not marked is a problem.
    is_marked: bool,
}

/// Marks an item of the session's own planned task as done in the checklist, and keeps the evidence in the session's log.
#[utoipa::path(post, path = "/spec-tasks/{id}/crew/evidence", tag = "coordination", params(("id" = String, Path)),
    request_body = CrewEvidenceBody, responses((status = 200, body = CrewEvidence), (status = 403, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn report(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<CrewEvidenceBody>,
) -> Result<Json<CrewEvidence>, Problem> {
    let task = member.task(&app, &id).await?;
    let session = member.own_session(&task)?;
    member.expect_turn(&task)?;
    let is_some = |text: &String| !text.trim().is_empty();
    let (commit, check) = (body.commit.filter(is_some), body.check_output.filter(is_some));
    if commit.is_none() && check.is_none() {
        return Err(Problem::invalid(
            "commit",
            "is required, unless `check_output` has what a check printed",
        ));
    }
    if check.as_ref().is_some_and(|check| check.len() > MAX_TEXT) {
        return Err(Problem::invalid(
            "check_output",
            format!("is longer than {MAX_TEXT} bytes; send its end"),
        ));
    }
    let item = body.item.trim().trim_end_matches('.').to_owned();
    if let Some(commit) = &commit {
        expect_own(&app, &task, session, commit).await?;
    }
    progress::tick(&app, &task, session, &item).await.map_err(|error| match error {
        TickError::NotOwn(..) | TickError::NoPlannedTask => {
            Problem::invalid("item", crate::request::problem::sentence(&error.to_string()))
        }
        TickError::Failed(_) => Problem::internal(&error),
    })?;
    let entry = Recorded {
        activity_type: Optional::Value(ActivityType::Decision),
        text: format!("Reported {item} as done."),
        by: "agent".into(),
        metadata: Optional::Value(json!({ "item": item, "commit": commit, "check_output": check })),
        ..Recorded::default()
    };
    app.instances.recorder(&session.id).record(LogEntry::Recorded(entry)).await;
    Ok(Json(CrewEvidence { item, is_marked: true }))
}

/// Refuses a commit that is not on the session's branch.
async fn expect_own(app: &App, task: &Task, session: &Session, commit: &str) -> Result<(), Problem> {
    let is_hash = (7..=64).contains(&commit.len()) && commit.chars().all(|c| c.is_ascii_hexdigit());
    let branch = session.branch.clone().filter(|_| is_hash);
    let unknown = || {
        let branch = session.branch.as_deref().unwrap_or("the session's branch");
        Problem::invalid(
            "commit",
            format!("{commit:?} is no commit on {branch}; commit the work there first"),
        )
    };
    let branch = branch.ok_or_else(unknown)?;
    let repository = app.repositories.project_repo(&task.project).await?.repository;
    let sought = commit.to_owned();
    let found = engine::spawn_blocking(move || {
        let Some(id) = repository.resolve(&sought)? else { return Ok(false) };
        repository.contains(&branch, &id.to_string())
    });
    let found: Result<bool, git::Error> = found.await.map_err(|error| Problem::internal(&error))?;
    if found.unwrap_or(false) { Ok(()) } else { Err(unknown()) }
}
