//! The live stream: one WebSocket, and the same as server-sent events.

use crate::live::resumption::Resumptions;
use crate::live::subscriber::{Subscriber, TopicName, Wake};
use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::metrics::Transport;
use crate::request::problem::Problem;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use engine::App;
use protocol::StreamMessage;
use protocol::feed::ControlMessage;
use serde::Deserialize;
use serde_json::Value;
use std::convert::Infallible;
use std::time::Duration;
use utoipa::IntoParams;

/// How large a client's message may be, in bytes.
const MESSAGE: usize = 64 * 1024;
/// How long a message may wait for a client that does not read before the connection is given up.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the server asks whether a client is there, and whether it may still listen.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// A message of a client.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Request {
    subscribe: Vec<TopicName>,
    unsubscribe: Vec<TopicName>,
    after: Option<u64>,
    ping: Option<Value>,
}

/// Opens the live stream as a WebSocket.
#[utoipa::path(get, path = "/ws", tag = "live", responses((status = 101, description = "A WebSocket"), (status = 401, body = Problem)))]
pub(crate) async fn socket(
    State(app): State<App>,
    Extension(streams): Extension<Resumptions>,
    caller: Caller,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => upgrade
            .max_message_size(MESSAGE)
            .max_frame_size(MESSAGE)
            .on_upgrade(move |socket| serve(app, streams, caller, socket)),
        Err(_) => {
            let detail = "This address speaks WebSocket; for server-sent events use /api/v1/events?topic=….";
            Problem::new(StatusCode::UPGRADE_REQUIRED, "websocket_only", detail).into_response()
        }
    }
}

async fn serve(app: App, streams: Resumptions, caller: Caller, mut socket: WebSocket) {
    let stop = app.stop.clone();
    let mut subscriber = Subscriber::new(app, streams, caller, Transport::WebSocket);
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    heartbeat.reset();
    let mut is_heard = true;
    loop {
        while let Some(message) = subscriber.next_ready() {
            if !send(&mut socket, &message).await {
                return;
            }
        }
        if subscriber.lacks_any() {
            if let Err(problem) = subscriber.read_on().await {
                tracing::warn!(detail = problem.detail, "a live stream ends");
                return;
            }
            continue;
        }
        tokio::select! {
            received = socket.recv() => {
                let Some(Ok(message)) = received else { return };
                is_heard = true;
                match answer(&mut subscriber, message).await {
                    Ok(Some(reply)) => if !send(&mut socket, &StreamMessage::Control(reply)).await { return },
                    Ok(None) => {}
                    Err(Closed) => return,
                }
            }
            wake = subscriber.wait() => {
                if matches!(wake, Wake::Closed) {
                    return;
                }
                if let Err(problem) = subscriber.on_wake(wake).await {
                    tracing::warn!(detail = problem.detail, "a live stream ends");
                    return;
                }
            }
            _ = heartbeat.tick() => {
                // One that did not answer the last ping is gone or does not read.
                if !is_heard || !subscriber.is_still_allowed().await {
                    let _ = tokio::time::timeout(HEARTBEAT, socket.send(Message::Close(None))).await;
                    return;
                }
                is_heard = false;
                let ping = socket.send(Message::Ping(Bytes::new()));
                if !matches!(tokio::time::timeout(SEND_TIMEOUT, ping).await, Ok(Ok(()))) {
                    return;
                }
            }
            () = stop.cancelled() => {
                // The client comes back and says where it was.
                let _ = socket.send(Message::Close(None)).await;
                return;
            }
        }
    }
}

/// The client ended the connection.
struct Closed;

async fn answer(subscriber: &mut Subscriber, message: Message) -> Result<Option<ControlMessage>, Closed> {
    let text = match message {
        Message::Text(text) => text,
        Message::Close(_) => return Err(Closed),
        Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => return Ok(None),
    };
    if text.is_empty() {
        let detail = "The message is empty; send a JSON object.";
        return Ok(Some(error(Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail))));
    }
    let request: Request = match crate::request::extract::parse(text.as_bytes()) {
        Ok(request) => request,
        Err(problem) => return Ok(Some(error(problem))),
    };
    if !request.unsubscribe.is_empty()
        && let Err(problem) = subscriber.unsubscribe(request.unsubscribe).await
    {
        return Ok(Some(error(problem)));
    }
    if !request.subscribe.is_empty()
        && let Err(problem) = subscriber.subscribe(request.subscribe, request.after).await
    {
        return Ok(Some(error(problem)));
    }
    Ok(request.ping.map(|pong| ControlMessage::Pong { pong }))
}

fn error(problem: Problem) -> ControlMessage {
    ControlMessage::Error { code: problem.code.to_owned(), status: problem.status, detail: problem.detail }
}

/// Sends a message; false when the client is gone or does not read.
async fn send(socket: &mut WebSocket, message: &StreamMessage) -> bool {
    let text = to_json(message);
    let sent = tokio::time::timeout(SEND_TIMEOUT, socket.send(Message::Text(text.into()))).await;
    matches!(sent, Ok(Ok(())))
}

/// Which events are streamed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// `fleet`, `task:ID` or `session:ID`; may be given several times.
    #[serde(default)]
    topic: Vec<String>,
    /// The id of a single topic `task` or `session`.
    id: Option<String>,
    /// The number of the last event seen; `Last-Event-ID` says the same.
    after: Option<u64>,
}

/// Streams the live feed as server-sent events.
#[utoipa::path(get, path = "/events", tag = "live", params(EventsQuery),
    responses((status = 200, description = "Server-sent events", body = StreamMessage, content_type = "text/event-stream")))]
pub(crate) async fn events(
    State(app): State<App>,
    Extension(streams): Extension<Resumptions>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<EventsQuery>,
) -> Result<Response, Problem> {
    if query.topic.is_empty() {
        return Err(Problem::invalid("topic", "is required: fleet, task:ID or session:ID"));
    }
    let last = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse().ok());
    let names = query.topic.iter().map(|topic| TopicName::parse(topic, query.id.clone())).collect();
    let stop = app.stop.clone();
    let mut subscriber = Subscriber::new(app, streams, caller, Transport::ServerSentEvents);
    subscriber.subscribe(names, query.after.or(last)).await?;
    let stream = futures::stream::unfold((subscriber, stop), async |(mut subscriber, stop)| {
        loop {
            if let Some(message) = subscriber.next_ready() {
                return Some((Ok::<_, Infallible>(event(&message)), (subscriber, stop)));
            }
            if subscriber.lacks_any() {
                if subscriber.read_on().await.is_err() {
                    return None;
                }
                continue;
            }
            let wake = tokio::select! {
                wake = subscriber.wait() => wake,
                () = tokio::time::sleep(HEARTBEAT) => {
                    if !subscriber.is_still_allowed().await {
                        return None;
                    }
                    continue;
                }
                () = stop.cancelled() => return None,
            };
            if matches!(wake, Wake::Closed) || subscriber.on_wake(wake).await.is_err() {
                return None;
            }
        }
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()).into_response())
}

fn event(message: &StreamMessage) -> Event {
    let event = Event::default().event(message.kind());
    let event = match message {
        StreamMessage::Live(message) => event.id(message.seq.to_string()),
        StreamMessage::Control(_) | StreamMessage::Other(_) => event,
    };
    event.data(to_json(message))
}

fn to_json(message: &StreamMessage) -> String {
    // Plain data, whose serialization cannot fail.
    serde_json::to_string(message).unwrap_or_default()
}
