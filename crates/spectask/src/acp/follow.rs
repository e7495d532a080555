//! The live stream of one session: every entry of its log from a number on, in order and without gaps, across restarts of the server.

use super::server::Server;
use futures::{SinkExt as _, StreamExt as _};
use protocol::feed::ControlMessage;
use protocol::{FeedMessage, LiveMessage, NumberedEntry, StreamMessage};
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long to wait before the first and before later attempts to connect again.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const MAX_DELAY: Duration = Duration::from_secs(2);
/// How long a connection may be silent; the server asks twice as often whether the client is there.
const MAX_SILENCE: Duration = Duration::from_secs(75);

/// A message of the stream.
pub(super) enum Followed {
    Entry(Box<NumberedEntry>),
    /// The connection was made again: what is not in the log may have changed.
    Connected,
}

/// Hands over the entries of a session's log after a number, until the channel is closed.
pub(super) async fn follow(
    server: &Server,
    session: &str,
    mut position: u64,
    followed: mpsc::Sender<Followed>,
) {
    let mut delay = FIRST_DELAY;
    while !followed.is_closed() {
        match connect(server, session, position).await {
            Ok(mut socket) => {
                delay = FIRST_DELAY;
                let _ = followed.send(Followed::Connected).await;
                read(server, session, &mut socket, &mut position, &followed).await;
            }
            Err(error) => tracing::debug!(error = format!("{error:#}"), "the server is away"),
        }
        server.forget();
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(MAX_DELAY);
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(server: &Server, session: &str, position: u64) -> anyhow::Result<Socket> {
    let client = server.client()?;
    let address = format!("{}/api/v1/ws", client.url.replacen("http", "ws", 1));
    let mut request = address.into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {}", client.token).parse()?);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
    let topic = json!({ "topic": "session", "id": session });
    let hello = json!({ "subscribe": [topic], "after": position });
    socket.send(Message::text(hello.to_string())).await?;
    Ok(socket)
}

/// Reads until the connection is lost. What the stream leaves out is read from the log.
async fn read(
    server: &Server,
    session: &str,
    socket: &mut Socket,
    position: &mut u64,
    followed: &mpsc::Sender<Followed>,
) {
    while let Ok(Some(Ok(message))) = tokio::time::timeout(MAX_SILENCE, socket.next()).await {
        let Message::Text(text) = message else { continue };
        let Ok(message) = serde_json::from_str::<StreamMessage>(&text) else { continue };
        match message {
            StreamMessage::Live(LiveMessage { message, .. }) => {
                let FeedMessage::SessionEvent(entry) = &*message else { continue };
                if entry.seq > *position + 1
                    && !catch_up(server, session, position, entry.seq - 1, followed).await
                {
                    return;
                }
                if entry.seq == *position + 1 {
                    *position = entry.seq;
                    if followed.send(Followed::Entry(Box::new(entry.clone()))).await.is_err() {
                        return;
                    }
                }
            }
            StreamMessage::Control(ControlMessage::SnapshotRequired { after }) => {
                if !catch_up(server, session, position, after, followed).await {
                    return;
                }
            }
            StreamMessage::Control(ControlMessage::Error { detail, .. }) => {
                tracing::warn!(session, detail, "the server does not stream a session");
                return;
            }
            StreamMessage::Control(_) | StreamMessage::Other(_) => {}
        }
    }
}

/// Reads entries from the log up to a number; false when that is not possible now.
async fn catch_up(
    server: &Server,
    session: &str,
    position: &mut u64,
    until: u64,
    followed: &mpsc::Sender<Followed>,
) -> bool {
    while *position < until {
        let Ok(page) = server.entries(session, *position).await else { return false };
        if page.is_empty() {
            return false;
        }
        for entry in page {
            *position = entry.seq;
            if followed.send(Followed::Entry(Box::new(entry))).await.is_err() {
                return false;
            }
        }
    }
    true
}
