//! Requests of a session's agent to a person: a question, or a change of the plan.

use super::member::Member;
use crate::request::extract::JsonBody;
use crate::request::idempotency::FreshIds;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::App;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;
use utoipa::ToSchema;
use workflow::{
    CoordinationKind, EventId, Input, NewCoordination, PersonRequest, SessionId, SessionState, Task,
};

/// How long one call waits for an answer at most.
const MAX_WAIT: Duration = Duration::from_secs(120);
/// The polling interval of a wait without a notification of a change.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// The kind of a request to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CrewRequestKind {
    /// A question, answered in words.
    Question,
    /// A proposal to change the plan, which is accepted or not.
    PlanChange,
}

/// A request to a person.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CrewRequestBody {
    kind: CrewRequestKind,
    /// The question, or the proposal in words.
    message: String,
    /// Answers to choose from; the person may write another one.
    #[serde(default)]
    choices: Vec<String>,
    /// The proposed change as a unified diff.
    diff: Option<String>,
}

/// A request with its answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrewRequest {
    /// The request's id.
    id: String,
    /// Whether a person answered it.
    is_answered: bool,
    /// The answer.
    #[schema(required)]
    answer: Option<String>,
    /// The person who answered.
    #[schema(required)]
    by: Option<String>,
    /// Whether a proposal is accepted.
    #[schema(required)]
    accepted: Option<bool>,
}

/// Asks a person something in the name of a session. The answer arrives with the session's next turn, unless it is taken by
/// waiting for it. A request in the same words whose answer did not arrive yet is returned as it is.
#[utoipa::path(post, path = "/spec-tasks/{id}/crew/requests", tag = "coordination", params(("id" = String, Path)),
    request_body = CrewRequestBody, responses((status = 201, body = CrewRequest), (status = 403, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn ask(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
    mut ids: FreshIds,
    JsonBody(body): JsonBody<CrewRequestBody>,
) -> Result<(StatusCode, Json<CrewRequest>), Problem> {
    let task = member.task(&app, &id).await?;
    let session = member.own_session(&task)?;
    let request = match body.kind {
        CrewRequestKind::Question => PersonRequest::Question { choices: body.choices },
        CrewRequestKind::PlanChange => PersonRequest::PlanChange { diff: body.diff },
    };
    if let Some(same) = task.same_person_request(&session.id, &body.message, &request) {
        return Ok((StatusCode::CREATED, Json(view(&task, &same.id))));
    }
    let event = NewCoordination {
        id: EventId::fresh(&mut ids),
        kind: CoordinationKind::Request,
        from: Some(session.id.clone()),
        to: None,
        by: None,
        message: body.message,
        data: Value::Null,
        answers: None,
        before_merge: false,
        person_request: Some(request),
    };
    let id = event.id.clone();
    let input = Input::AskPerson { event: Box::new(event) };
    let task = app.orchestrator.ask(member.caller.id(), &task.id, input).await?;
    Ok((StatusCode::CREATED, Json(view(&task, &id))))
}

/// How long to wait for an answer.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CrewWaitBody {
    /// 0 to 120.
    #[serde(default)]
    seconds: u64,
}

/// Waits for the answer to a request of the session, and takes it: its next turn does not have it again.
#[utoipa::path(post, path = "/spec-tasks/{id}/crew/requests/{request_id}/wait", tag = "coordination",
    params(("id" = String, Path), ("request_id" = String, Path)), request_body = CrewWaitBody,
    responses((status = 200, body = CrewRequest), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn wait(
    State(app): State<App>,
    member: Member,
    Path((id, request)): Path<(String, String)>,
    JsonBody(body): JsonBody<CrewWaitBody>,
) -> Result<Json<CrewRequest>, Problem> {
    let mut task = member.task(&app, &id).await?;
    let own = member.own_session(&task)?.id.clone();
    let request = EventId::from(request.as_str());
    let is_own = |task: &Task| {
        task.coordination_event(&request)
            .is_some_and(|event| event.person_request.is_some() && event.from.as_ref() == Some(&own))
    };
    if !is_own(&task) {
        return Err(Problem::not_found("request of this session"));
    }
    // A commit between the look and the wait is heard of.
    let mut feed = app.feed.subscribe();
    let until = Instant::now() + Duration::from_secs(body.seconds).min(MAX_WAIT);
    let waiting = app.instances.begin_waiting_call(&own);
    let topic = format!("task:{id}");
    loop {
        task = member.caller.task(&app, &id).await?;
        if answer_of(&task, &request).is_some() {
            drop(waiting);
            return Ok(Json(take(&app, &member, &task, &own, &request).await?));
        }
        if Instant::now() >= until || app.stop.is_cancelled() || !has_turn(&task, &own) {
            return Ok(Json(view(&task, &request)));
        }
        let look = until.min(Instant::now() + LOOK_INTERVAL);
        loop {
            tokio::select! {
                row = feed.recv() => match row {
                    Ok(row) if row.topic != topic => {}
                    _ => break,
                },
                () = tokio::time::sleep_until(look) => break,
                () = app.stop.cancelled() => break,
            }
        }
    }
}

fn has_turn(task: &Task, session: &SessionId) -> bool {
    task.session(session).is_some_and(|session| matches!(session.state, SessionState::Working { .. }))
}

fn answer_of<'t>(task: &'t Task, request: &EventId) -> Option<&'t workflow::CoordinationEvent> {
    let answered_by = task.coordination_event(request)?.answered_by.as_ref()?;
    task.coordination_event(answered_by)
}

/// Takes an answer as read in the session's turn.
async fn take(
    app: &App,
    member: &Member,
    task: &Task,
    session: &SessionId,
    request: &EventId,
) -> Result<CrewRequest, Problem> {
    let answer = answer_of(task, request).map(|answer| answer.id.clone());
    let is_unread = |id: &EventId| task.unread(session).iter().any(|event| event.id == *id);
    if let Some(answer) = answer.filter(|id| is_unread(id) && has_turn(task, session)) {
        let input = Input::ReadCoordination { session: session.clone(), events: vec![answer] };
        app.orchestrator.ask(member.caller.id(), &task.id, input).await?;
    }
    Ok(view(task, request))
}

fn view(task: &Task, request: &EventId) -> CrewRequest {
    let answer = answer_of(task, request);
    CrewRequest {
        id: request.to_string(),
        is_answered: answer.is_some(),
        answer: answer.map(|answer| answer.message.clone()),
        by: answer.and_then(|answer| answer.by.clone()),
        accepted: answer.and_then(|answer| answer.data["accepted"].as_bool()),
    }
}
