//! The open questions of agents and their answers.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::{JsonBody, Query};
use crate::request::page::{PageQuery, Paged, page};
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use engine::App;
use engine::agents::permissions::{Answer, AnswerError};
use engine::clock::rfc3339;
use protocol::log::PermissionChoice;
use protocol::words::PermissionDecision;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A question that waits for a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PermissionRequest {
    id: String,
    spec_task_id: String,
    work_session_id: String,
    title: String,
    tool_call: Value,
    options: Vec<PermissionChoice>,
    asked_at: String,
    /// When the answer becomes no by itself.
    deadline: String,
}

/// Lists the questions that wait for the caller.
#[utoipa::path(get, path = "/permissions", tag = "fleet", params(PageQuery),
    responses((status = 200, body = Vec<PermissionRequest>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<PermissionRequest>, Problem> {
    let mut mine = Vec::new();
    for question in app.instances.open_questions() {
        let Ok(task) = caller.task_of(&app, question.session.as_str()).await else { continue };
        mine.push(PermissionRequest {
            id: question.id,
            spec_task_id: task.id.to_string(),
            work_session_id: question.session.to_string(),
            title: question.tool_call["title"]
                .as_str()
                .unwrap_or("The agent asks for a permission")
                .to_owned(),
            tool_call: question.tool_call,
            options: question
                .options
                .into_iter()
                .map(|option| PermissionChoice {
                    option_id: option.id,
                    name: option.name,
                    kind: option.kind,
                    ..PermissionChoice::default()
                })
                .collect(),
            asked_at: rfc3339(question.asked_at),
            deadline: rfc3339(question.deadline),
        });
    }
    page(&uri, &query, mine)
}

/// The chosen answer: an option of the agent's, or an answer by its meaning.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PermissionBody {
    /// An option of the request.
    #[serde(default)]
    option_id: Option<String>,
    /// The meaning of the answer, in place of an option.
    #[serde(default)]
    answer: Option<PermissionDecision>,
}

/// The answer that an agent got.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PermissionAnswer {
    success: bool,
    /// The permission request's id.
    id: String,
    option_id: String,
}

/// Answers a question of an agent.
#[utoipa::path(post, path = "/permissions/{id}", tag = "fleet", params(("id" = String, Path)), request_body = PermissionBody,
    responses((status = 200, body = PermissionAnswer), (status = 409, body = Problem)))]
pub(crate) async fn answer(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<PermissionBody>,
) -> Result<Json<PermissionAnswer>, Problem> {
    let not_open = || {
        Problem::conflict("not_open", crate::request::problem::sentence(&AnswerError::NotOpen.to_string()))
    };
    let question =
        app.instances.open_questions().into_iter().find(|question| question.id == id).ok_or_else(not_open)?;
    let task = caller.task_of(&app, question.session.as_str()).await.map_err(|_| not_open())?;
    let by = &caller.user.name;
    let answer = match (body.option_id, body.answer) {
        (Some(option), None) => Some(Answer::Option(option)),
        (None, Some(PermissionDecision::Allow)) => Some(Answer::Allow),
        (None, Some(PermissionDecision::Deny)) => Some(Answer::Deny),
        (None, Some(PermissionDecision::AllowAlways)) => None,
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::invalid("option_id", "give either option_id or answer"));
        }
    };
    let answered = match &answer {
        Some(answer) => app.instances.answer_permission(&question.session, &id, answer, by).await,
        None => app.instances.allow_for_task(&task, &question, by).await,
    };
    let option_id = answered.map_err(|error| match error {
        AnswerError::NotOpen => not_open(),
        AnswerError::NoSuchOption(..) => Problem::invalid("option_id", error.to_string()),
        AnswerError::Store(error) => error.into(),
    })?;
    let data = json!({
        "request_id": id, "option_id": option_id, "work_session_id": question.session, "for_task": answer.is_none(),
    });
    audit::record(&app, &caller, "answer_permission", task.id.as_str(), &data).await?;
    Ok(Json(PermissionAnswer { success: true, id, option_id }))
}
