//! Requests of agents to people: open questions and proposals, and the answers.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::{JsonBody, Query};
use crate::request::idempotency::FreshIds;
use crate::request::page::{PageQuery, Paged, page};
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::sessions::crew_tools::requests::CrewRequestKind;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use engine::App;
use engine::clock::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::TaskFilter;
use utoipa::ToSchema;
use workflow::{CoordinationEvent, EventId, Input, PersonAnswer, PersonRequest, Task};

/// How many tasks with something for a person are looked through.
const MAX_TASKS: u64 = 500;

/// Something that an agent asks a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuestionView {
    /// The question's id.
    id: String,
    spec_task_id: String,
    /// The short form of the task's id, such as `SPEC-12`.
    task_short_id: String,
    task_name: String,
    /// The session whose agent asks.
    work_session_id: String,
    session_name: String,
    kind: CrewRequestKind,
    /// The question, or the proposal in words.
    message: String,
    /// Answers to choose from; another one may be given.
    choices: Vec<String>,
    /// The change that a proposal has, as a unified diff.
    #[schema(required)]
    diff: Option<String>,
    asked_at: String,
    /// Whether the session has ended its turn and waits for the answer.
    is_waiting: bool,
}

impl QuestionView {
    fn of(task: &Task, event: &CoordinationEvent) -> Option<Self> {
        let session = task.session(event.from.as_ref()?)?;
        let (kind, choices, diff) = match event.person_request.clone()? {
            PersonRequest::Question { choices } => (CrewRequestKind::Question, choices, None),
            PersonRequest::PlanChange { diff } => (CrewRequestKind::PlanChange, Vec::new(), diff),
        };
        Some(Self {
            id: event.id.to_string(),
            spec_task_id: task.id.to_string(),
            task_short_id: task.shown_id().to_owned(),
            task_name: task.name.clone(),
            work_session_id: session.id.to_string(),
            session_name: session.display_name().to_owned(),
            kind,
            message: event.message.clone(),
            choices,
            diff,
            asked_at: rfc3339(event.at),
            is_waiting: task.awaited_answer(session).is_some(),
        })
    }
}

/// Lists what agents ask the caller, the oldest first.
#[utoipa::path(get, path = "/questions", tag = "fleet", params(PageQuery),
    responses((status = 200, body = Vec<QuestionView>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<QuestionView>, Problem> {
    let filter = TaskFilter {
        owner: Some(caller.id().clone()),
        needs_person: Some(true),
        limit: MAX_TASKS,
        ..TaskFilter::default()
    };
    let tasks = app.store.tasks(&filter).await?.tasks;
    let mut found: Vec<QuestionView> = tasks
        .iter()
        .filter(|task| caller.covers(task))
        .flat_map(|task| task.open_person_requests().filter_map(|event| QuestionView::of(task, event)))
        .collect();
    found.sort_by(|one, other| (&one.asked_at, &one.id).cmp(&(&other.asked_at, &other.id)));
    page(&uri, &query, found)
}

/// An answer to an agent.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AnswerBody {
    /// The answer in words. A question needs one.
    #[serde(default)]
    answer: String,
    /// Whether a proposal is accepted; a question has none. The documents stay as they are until a person changes them.
    accepted: Option<bool>,
}

/// The answer that an agent gets.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnswerView {
    /// The question's id.
    id: String,
    spec_task_id: String,
    /// The answer for the agent.
    answer: String,
}

/// Answers a question or a proposal of an agent. A session that waits for it continues with the answer.
#[utoipa::path(post, path = "/spec-tasks/{id}/questions/{question_id}/answer", tag = "fleet",
    params(("id" = String, Path), ("question_id" = String, Path)), request_body = AnswerBody,
    responses((status = 200, body = AnswerView), (status = 404, body = Problem), (status = 409, body = Problem),
    (status = 422, body = Problem)))]
pub(crate) async fn answer(
    State(app): State<App>,
    caller: Caller,
    Path((id, question)): Path<(String, String)>,
    mut ids: FreshIds,
    JsonBody(body): JsonBody<AnswerBody>,
) -> Result<Json<AnswerView>, Problem> {
    let task = caller.task(&app, &id).await?;
    let answer = PersonAnswer {
        id: EventId::fresh(&mut ids),
        by: caller.user.name.clone(),
        text: body.answer,
        accepted: body.accepted,
    };
    let (own, request) = (answer.id.clone(), EventId::from(question.as_str()));
    // A request whose answer was lost finds what it did.
    let task = if task.coordination_event(&own).is_some() {
        task
    } else {
        let input = Input::AnswerRequest { request, answer: Box::new(answer) };
        app.orchestrator.ask(caller.id(), &task.id, input).await?
    };
    let told = task.coordination_event(&own).map(|event| event.message.clone()).unwrap_or_default();
    let data = json!({ "question_id": question, "answer": told, "accepted": body.accepted });
    audit::record(&app, &caller, "answer_question", task.id.as_str(), &data).await?;
    Ok(Json(AnswerView { id: question, spec_task_id: id, answer: told }))
}
