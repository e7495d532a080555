//! Messages of a member to others of the crew, and those that wait for a session.

use super::member::Member;
use crate::request::extract::JsonBody;
use crate::request::idempotency::FreshIds;
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::sessions::session::found;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::App;
use engine::clock::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use workflow::{CoordinationEvent, CoordinationKind, EventId, Input, NewCoordination, Task};

/// The purpose of a message.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CrewMessageKind {
    /// Something that others should know.
    Notification,
    /// A question to another session, which its agent answers.
    Request,
    /// Something that keeps the sender or the recipient from continuing.
    Blocking,
    /// Work that the recipient continues.
    Handoff,
    /// The answer to a request.
    Response,
}

/// A message to the crew.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CrewMessageBody {
    /// The session that gets it; absent is every session that has not ended.
    to_session_id: Option<String>,
    kind: CrewMessageKind,
    /// The text of the message.
    message: String,
    /// The request that a response answers; absent is the last open one.
    request_id: Option<String>,
}

/// A message that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrewSent {
    id: String,
    /// The sessions that get it with their next turn.
    recipients: Vec<String>,
}

/// Sends a message to a session of the crew, or to all; it arrives with their next turn.
#[utoipa::path(post, path = "/spec-tasks/{id}/crew/messages", tag = "coordination", params(("id" = String, Path)),
    request_body = CrewMessageBody, responses((status = 201, body = CrewSent), (status = 409, body = Problem),
    (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn send(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
    mut ids: FreshIds,
    JsonBody(body): JsonBody<CrewMessageBody>,
) -> Result<(StatusCode, Json<CrewSent>), Problem> {
    let task = member.task(&app, &id).await?;
    member.expect_turn(&task)?;
    let to = match body.to_session_id.filter(|id| !id.is_empty()) {
        Some(to) => Some(
            found(&task, &to)
                .map_err(|_| Problem::invalid("to_session_id", format!("the task has no work session {to}")))?
                .id
                .clone(),
        ),
        None => None,
    };
    let id = EventId::fresh(&mut ids);
    let event = NewCoordination {
        id: id.clone(),
        kind: body.kind.into(),
        from: member.session.clone(),
        to,
        by: member.person(),
        message: body.message,
        data: Value::Null,
        answers: body.request_id.filter(|id| !id.is_empty()).map(|id| EventId::from(id.as_str())),
        before_merge: true,
        person_request: None,
    };
    let input = Input::Coordinate { event: Box::new(event) };
    let task = app.orchestrator.ask(member.caller.id(), &task.id, input).await?;
    let sent = task.coordination_event(&id).ok_or_else(|| Problem::not_found("message"))?;
    let recipients = sent.deliveries.iter().map(|delivery| delivery.to.to_string()).collect();
    Ok((StatusCode::CREATED, Json(CrewSent { id: id.to_string(), recipients })))
}

impl From<CrewMessageKind> for CoordinationKind {
    fn from(kind: CrewMessageKind) -> Self {
        match kind {
            CrewMessageKind::Notification => Self::Notification,
            CrewMessageKind::Request => Self::Request,
            CrewMessageKind::Blocking => Self::Blocking,
            CrewMessageKind::Handoff => Self::Handoff,
            CrewMessageKind::Response => Self::Response,
        }
    }
}

/// The messages that waited for a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrewMessages {
    /// The messages, in order.
    messages: Vec<CrewMessage>,
}

/// A message to a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrewMessage {
    id: String,
    kind: CoordinationKind,
    /// The session or the person that sent it; `SpecTask` where neither did.
    from: String,
    #[schema(required)]
    from_session_id: Option<String>,
    message: String,
    /// The request that it answers.
    #[schema(required)]
    answers: Option<String>,
    at: String,
}

/// Takes the messages that wait for the session that asks; its next turn does not have them again.
#[utoipa::path(post, path = "/spec-tasks/{id}/crew/messages/read", tag = "coordination", params(("id" = String, Path)),
    responses((status = 200, body = CrewMessages), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Json<CrewMessages>, Problem> {
    let task = member.task(&app, &id).await?;
    let session = member.own_session(&task)?;
    member.expect_turn(&task)?;
    let unread = task.unread(&session.id);
    let messages = unread.iter().map(|event| view(&task, event)).collect();
    let events: Vec<EventId> = unread.iter().map(|event| event.id.clone()).collect();
    if !events.is_empty() {
        let input = Input::ReadCoordination { session: session.id.clone(), events };
        app.orchestrator.ask(member.caller.id(), &task.id, input).await?;
    }
    Ok(Json(CrewMessages { messages }))
}

fn view(task: &Task, event: &CoordinationEvent) -> CrewMessage {
    let session = event.from.as_ref().and_then(|id| task.session(id)).map(|session| session.name.clone());
    CrewMessage {
        id: event.id.to_string(),
        kind: event.kind,
        from: session.or_else(|| event.by.clone()).unwrap_or_else(|| "SpecTask".to_owned()),
        from_session_id: event.from.as_ref().map(ToString::to_string),
        message: event.message.clone(),
        answers: event.answers.as_ref().map(ToString::to_string),
        at: rfc3339(event.at),
    }
}
