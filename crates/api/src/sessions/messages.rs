//! A person sends a message to a session, and edits or withdraws one that no turn has delivered.

use crate::request::caller::Caller;
use crate::request::extract::JsonBody;
use crate::request::idempotency::FreshIds;
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::sessions::session::found;
use crate::tasks::attachments;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::App;
use engine::record::log_archive::{self, LogError};
use engine::wire;
use protocol::LogEntry;
use protocol::QueuedMessage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use workflow::{Input, MessageId, Session, SessionId, TurnId};

/// A person's message to a thread.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct MessageBody {
    content: String,
    /// The ids of files that were uploaded to the session's task, at most 10.
    #[serde(default)]
    attachments: Vec<String>,
    /// `queue` waits for the next turn; `interrupt` ends the present one first.
    #[serde(default)]
    mode: Mode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    #[default]
    Queue,
    Interrupt,
}

/// The turn that will carry a message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageAnswer {
    turn_id: String,
    /// By which it is changed or withdrawn where several messages wait for one turn.
    message_id: String,
}

/// Speaks into a work session's thread.
#[utoipa::path(post, path = "/work-sessions/{id}/messages", tag = "work-sessions", params(("id" = String, Path)),
    request_body = MessageBody, responses((status = 202, body = MessageAnswer), (status = 409, body = Problem)))]
pub(crate) async fn say(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    mut ids: FreshIds,
    JsonBody(body): JsonBody<MessageBody>,
) -> Result<(StatusCode, Json<MessageAnswer>), Problem> {
    let task = caller.task_of(&app, &id).await?;
    if body.content.trim().is_empty() {
        return Err(Problem::invalid("content", "is empty; say something to the session"));
    }
    let (message, turn) = (MessageId::fresh(&mut ids), TurnId::fresh(&mut ids));
    let session = found(&task, &id)?;
    let is_it = |entry: &LogEntry| matches!(entry, LogEntry::UserMessage(said) if said.message_id.as_deref() == Some(message.as_str()));
    if ids.were_taken_before(app.started_at) && has_entry(&app, &session.id, is_it).await? {
        let turn = carrier(session, &message).unwrap_or(turn);
        let answer = MessageAnswer { turn_id: turn.to_string(), message_id: message.to_string() };
        return Ok((StatusCode::ACCEPTED, Json(answer)));
    }
    let attachments = attachments::named(&app, &task.id, &body.attachments).await?;
    let input = Input::Say {
        session: SessionId::from(id.as_str()),
        id: message.clone(),
        turn: turn.clone(),
        by: caller.user.name.clone(),
        text: body.content,
        attachments,
        interrupt: body.mode == Mode::Interrupt,
    };
    let task = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    // Several messages that wait for the same turn carry its name.
    let turn = carrier(found(&task, &id)?, &message).unwrap_or(turn);
    Ok((
        StatusCode::ACCEPTED,
        Json(MessageAnswer { turn_id: turn.to_string(), message_id: message.to_string() }),
    ))
}

/// Returns whether a session's log has an entry that was named so, from a request whose answer was lost.
pub(crate) async fn has_entry(
    app: &App,
    session: &SessionId,
    is_meant: impl Fn(&LogEntry) -> bool,
) -> Result<bool, LogError> {
    log_archive::ensure_present(app, session).await?;
    let mut after = 0;
    loop {
        let rows = app.store.read_log(session, after, 1_000).await?;
        let Some(last) = rows.last() else { return Ok(false) };
        if rows.iter().any(|row| is_meant(&row.entry)) {
            return Ok(true);
        }
        after = last.seq;
    }
}

/// Returns the turn that carries a message, or will.
fn carrier(session: &Session, message: &MessageId) -> Option<TurnId> {
    let now = session.turn().into_iter().flat_map(|turn| &turn.messages);
    let mut all = session.messages.iter().chain(now);
    all.find(|found| found.id == *message).map(|found| found.turn.clone())
}

/// A message as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct MessageEdit {
    content: String,
}

/// Changes a message that no turn has carried; `turn_id` is its turn's name or its own.
#[utoipa::path(put, path = "/work-sessions/{id}/messages/{turn_id}", tag = "work-sessions",
    params(("id" = String, Path), ("turn_id" = String, Path)), request_body = MessageEdit,
    responses((status = 200, body = QueuedMessage), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn edit(
    State(app): State<App>,
    caller: Caller,
    Path((id, named)): Path<(String, String)>,
    JsonBody(body): JsonBody<MessageEdit>,
) -> Result<Json<QueuedMessage>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let session = SessionId::from(id.as_str());
    let input = Input::EditMessage { session, message: named.clone(), text: body.content };
    let task = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    let messages = &found(&task, &id)?.messages;
    let message =
        messages.iter().find(|message| message.id.as_str() == named || message.turn.as_str() == named);
    message.map(|message| Json(wire::queued_message(message))).ok_or_else(|| Problem::not_found("message"))
}

/// Takes back a message that no turn has carried; `turn_id` is its turn's name or its own.
#[utoipa::path(delete, path = "/work-sessions/{id}/messages/{turn_id}", tag = "work-sessions",
    params(("id" = String, Path), ("turn_id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn withdraw(
    State(app): State<App>,
    caller: Caller,
    Path((id, named)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let input = Input::WithdrawMessage { session: SessionId::from(id.as_str()), message: named };
    app.orchestrator.ask(caller.id(), &task.id, input).await?;
    Ok(StatusCode::NO_CONTENT)
}
