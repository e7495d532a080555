//! A terminal in a session's worktree, over a WebSocket.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::problem::Problem;
use crate::sessions::session::found;
use axum::body::Bytes;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use engine::App;
use engine::worktrees::terminals::{
    AttachedTerminal, GRACE, MAX_FRAME, TerminalEnd, TerminalError, TerminalInput, TerminalSize,
    TerminalWatch,
};
use protocol::{TerminalMessage, TerminalRequest};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use utoipa::IntoParams;
use workflow::{Session, Task};

/// How many bytes of output are sent before the page has shown what was sent before.
const WINDOW: u64 = 512 * 1024;
/// How long a message may wait for a client that does not read before the connection is given up.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the server asks whether the client is there, and whether it may still use the terminal.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How many columns and rows a terminal may have.
const MAX_SIZE: u16 = 1000;

/// How large the terminal is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TerminalQuery {
    /// 1 to 1000; 80 when absent.
    #[param(minimum = 1, maximum = 1000)]
    columns: Option<u16>,
    /// 1 to 1000; 24 when absent.
    #[param(minimum = 1, maximum = 1000)]
    rows: Option<u16>,
}

/// Opens a terminal in the session's worktree as a WebSocket, or shows the one that is open. Binary messages carry what is
/// typed and printed; text messages are JSON. Needs the owner's token.
#[utoipa::path(get, path = "/work-sessions/{id}/terminal", tag = "work-sessions", params(("id" = String, Path), TerminalQuery),
    responses((status = 101, description = "A WebSocket", body = TerminalMessage), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 426, description = "The request is no WebSocket", body = Problem)))]
pub(crate) async fn open(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<TerminalQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let session = found(&task, &id)?.clone();
    let size = size(query.columns.unwrap_or(80), query.rows.unwrap_or(24));
    let Ok(upgrade) = upgrade else {
        let detail = "This address speaks WebSocket; the session's page opens it.";
        return Err(Problem::new(StatusCode::UPGRADE_REQUIRED, "websocket_only", detail));
    };
    let upgrade = upgrade.max_message_size(MAX_FRAME).max_frame_size(MAX_FRAME);
    Ok(upgrade.on_upgrade(move |socket| serve(app, caller, task, session, size, socket)).into_response())
}

fn size(columns: u16, rows: u16) -> TerminalSize {
    TerminalSize { columns: columns.clamp(1, MAX_SIZE), rows: rows.clamp(1, MAX_SIZE) }
}

async fn serve(
    app: App,
    caller: Caller,
    task: Task,
    session: Session,
    size: TerminalSize,
    mut socket: WebSocket,
) {
    let last = match attach(&app, &caller, &task, &session, size).await {
        Ok(terminal) => show(&app, &caller, terminal, &mut socket).await,
        Err(refused) => Some(refused),
    };
    if let Some(last) = last {
        send(&mut socket, &last).await;
    }
    // One that is gone needs no farewell.
    let _ = tokio::time::timeout(HEARTBEAT, socket.send(Message::Close(None))).await;
}

/// Opens the terminal and notes that in the audit log.
async fn attach(
    app: &App,
    caller: &Caller,
    task: &Task,
    session: &Session,
    size: TerminalSize,
) -> Result<AttachedTerminal, TerminalMessage> {
    let refused = |code: &str, detail: String| TerminalMessage::Refused { code: code.to_owned(), detail };
    let data = json!({ "work_session_id": session.id });
    // What cannot be noted is not opened.
    if let Err(problem) = audit::record(app, caller, "open_terminal", task.id.as_str(), &data).await {
        return Err(refused("not_recorded", problem.detail));
    }
    app.terminals.attach(app, caller.id(), task, session, size).await.map_err(|error| {
        let sentence = sentence(&error);
        match error {
            TerminalError::NoWorktree => refused("no_worktree", sentence),
            TerminalError::TooMany => refused("too_many_terminals", sentence),
            TerminalError::Failed(cause) => {
                tracing::warn!(%cause, session = %session.id, "a terminal could not be opened");
                refused("terminal_failed", format!("The terminal could not be opened: {cause}."))
            }
        }
    })
}

/// An error as a sentence.
fn sentence(error: &TerminalError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

/// Passes on what is typed and printed until either side ends; returns what is to be said last.
async fn show(
    app: &App,
    caller: &Caller,
    mut terminal: AttachedTerminal,
    socket: &mut WebSocket,
) -> Option<TerminalMessage> {
    let watch = terminal.watch();
    let opened = TerminalMessage::Opened { is_new: terminal.is_new, grace_seconds: GRACE.as_secs() };
    if let Err(last) = pass_on(socket, &watch, text(&opened)).await {
        return last;
    }
    let scrollback = terminal.scrollback();
    // How many bytes were sent that the page has not shown.
    let mut waiting = scrollback.len() as u64;
    for chunk in scrollback.chunks(MAX_FRAME) {
        if let Err(last) = pass_on(socket, &watch, Message::Binary(chunk.to_vec().into())).await {
            return last;
        }
    }
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    heartbeat.reset();
    let (mut is_heard, mut is_dropping) = (true, false);
    loop {
        let may_send = waiting < WINDOW;
        tokio::select! {
            received = socket.recv() => {
                let Some(Ok(message)) = received else { return None };
                is_heard = true;
                let input = match message {
                    Message::Binary(bytes) => TerminalInput::Bytes(bytes.to_vec()),
                    Message::Text(request) => match serde_json::from_str(&request) {
                        Ok(TerminalRequest::Resize { columns, rows }) => TerminalInput::Resize(size(columns, rows)),
                        Ok(TerminalRequest::Shown(bytes)) => {
                            waiting = waiting.saturating_sub(bytes);
                            continue;
                        }
                        // What a later page says is not for this server.
                        Err(_) => continue,
                    },
                    Message::Close(_) => return None,
                    Message::Ping(_) | Message::Pong(_) => continue,
                };
                let is_dropped = !terminal.send(input);
                if is_dropped
                    && !is_dropping
                    && let Err(last) = pass_on(socket, &watch, text(&TerminalMessage::InputDropped)).await
                {
                    return last;
                }
                is_dropping = is_dropped;
            }
            output = terminal.read(), if may_send => {
                let Some(bytes) = output else { return Some(exited(terminal).await) };
                waiting += bytes.len() as u64;
                if let Err(last) = pass_on(socket, &watch, Message::Binary(bytes.into())).await {
                    return last;
                }
            }
            () = watch.replaced() => return Some(replaced()),
            reason = watch.ended() => return Some(end_of(reason)),
            _ = heartbeat.tick() => {
                if terminal.is_idle() {
                    terminal.close(TerminalEnd::Idle).await;
                    return Some(end_of(TerminalEnd::Idle));
                }
                if !caller.is_still_valid(app).await {
                    terminal.close(TerminalEnd::Unattended).await;
                    return Some(ended("signed_out", "The terminal was ended, since you are signed out."));
                }
                if !is_heard {
                    return None;
                }
                is_heard = false;
                if let Err(last) = pass_on(socket, &watch, Message::Ping(Bytes::new())).await {
                    return last;
                }
            }
            () = app.stop.cancelled() => return Some(end_of(TerminalEnd::ServerStopped)),
        }
    }
}

/// The end of a terminal whose shell has ended.
async fn exited(mut terminal: AttachedTerminal) -> TerminalMessage {
    let exit_code = tokio::time::timeout(SEND_TIMEOUT, terminal.exit_code()).await.ok().flatten();
    terminal.close(TerminalEnd::Exited).await;
    let detail = match exit_code {
        Some(0) | None => "The shell ended.".to_owned(),
        Some(code) => format!("The shell ended with the exit code {code}."),
    };
    TerminalMessage::Ended { reason: "exited".to_owned(), detail, exit_code }
}

fn end_of(reason: TerminalEnd) -> TerminalMessage {
    match reason {
        TerminalEnd::WorktreeRemoved => ended(
            "worktree_removed",
            "The terminal was ended, since the session's worktree is being removed.",
        ),
        TerminalEnd::Idle => {
            ended("idle", "The terminal was ended, since nothing was typed or printed for four hours.")
        }
        TerminalEnd::Unattended => {
            ended("unattended", "The terminal was ended, since no page showed it for a minute.")
        }
        TerminalEnd::ServerStopped => {
            ended("server_stopped", "The terminal was ended, since the server stops.")
        }
        TerminalEnd::Exited => ended("exited", "The shell ended."),
    }
}

fn ended(reason: &str, detail: &str) -> TerminalMessage {
    TerminalMessage::Ended { reason: reason.to_owned(), detail: detail.to_owned(), exit_code: None }
}

fn replaced() -> TerminalMessage {
    ended("replaced", "The terminal is open in another page.")
}

/// Sends a message for as long as the page shows the terminal. An error is the end of the connection, with what is to be said
/// last; a client that does not read does not keep another page from showing the terminal.
async fn pass_on(
    socket: &mut WebSocket,
    watch: &TerminalWatch,
    message: Message,
) -> Result<(), Option<TerminalMessage>> {
    tokio::select! {
        is_sent = deliver(socket, message) => if is_sent { Ok(()) } else { Err(None) },
        () = watch.replaced() => Err(Some(replaced())),
        reason = watch.ended() => Err(Some(end_of(reason))),
    }
}

/// Sends a message; false when the client is gone or does not read.
async fn send(socket: &mut WebSocket, message: &TerminalMessage) -> bool {
    deliver(socket, text(message)).await
}

async fn deliver(socket: &mut WebSocket, message: Message) -> bool {
    matches!(tokio::time::timeout(SEND_TIMEOUT, socket.send(message)).await, Ok(Ok(())))
}

fn text(message: &TerminalMessage) -> Message {
    // Plain data, whose serialization cannot fail.
    Message::Text(serde_json::to_string(message).unwrap_or_default().into())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Api, anonymous, id};
    use axum::body::Body;
    use axum::http::Method;
    use serde_json::json;

    /// Asks for the terminal of a session with a token.
    async fn asked(api: &Api, session: &str, token: Option<&str>) -> (u16, String) {
        let mut request = anonymous(Method::GET, &format!("/api/v1/work-sessions/{session}/terminal"));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let (status, problem) = api.send_raw(request.body(Body::empty()).expect("a request")).await.problem();
        (status, problem["code"].as_str().unwrap_or_default().to_owned())
    }

    #[tokio::test]
    async fn the_owners_token_alone_opens_a_terminal() {
        let api = Api::open().await;
        let project = api.project().await;
        let body = json!({ "prompt": "Write a note", "project_id": project });
        let task = id(&api.post("/spec-tasks/from-prompt", &body).await);
        let sessions = api.get(&format!("/spec-tasks/{task}/work-sessions")).await;
        let session = id(&sessions["work_sessions"][0]);
        let token = async |body| {
            let made = api.post("/tokens", &body).await;
            made["token"].as_str().expect("a token").to_owned()
        };
        let read = token(json!({ "name": "reads", "scope": "read" })).await;
        let decides =
            json!({ "name": "decides", "scope": "project", "project_id": project, "can_decide": true });
        let decides = token(decides).await;
        let owner = token(json!({ "name": "mine", "scope": "owner" })).await;
        assert_eq!(asked(&api, &session, None).await, (401, "unauthorized".to_owned()));
        for token in [&read, &decides] {
            assert_eq!(asked(&api, &session, Some(token)).await, (403, "not_allowed".to_owned()));
        }
        assert_eq!(asked(&api, "stws_none", Some(&owner)).await.0, 404);
        assert_eq!(asked(&api, &session, Some(&owner)).await, (426, "websocket_only".to_owned()));
    }
}
