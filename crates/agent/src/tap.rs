//! Between an agent's standard output and the protocol library: updates are taken off here, noise ends here.
//!
//! Updates do not pass through the library, for two reasons: it would drop kinds it does not know, and its queues have no
//! bound. Here a full events channel stops the reading, so that a flood waits in the agent and not in our memory; and an
//! update that the agent wrote before an answer is delivered before that answer.

use crate::lines::{BoundedLines, Line};
use crate::offers::Offers;
use crate::turn::Turns;
use crate::{AgentEvent, Update, tail::Tail};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::AsyncRead;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// How many of an agent's requests may be unanswered before we stop reading.
pub(crate) const OPEN_REQUESTS: usize = 256;

/// The code that JSON-RPC has for an error without one.
const INTERNAL_ERROR: i64 = -32603;

/// How long the output of an ended process may stay silent before it counts as ended too.
const LINGER: Duration = Duration::from_secs(1);

/// How long an agent must be quiet after it has loaded a session: some replay the rest after their answer.
const QUIET: Duration = Duration::from_millis(250);
/// How long a replay may go on after the answer.
const REPLAY: Duration = Duration::from_secs(5);

/// The sessions whose past is being replayed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loading(Arc<Mutex<Sessions>>);

#[derive(Debug, Default)]
struct Sessions {
    /// By the id of the request that loads them, as JSON.
    asked: HashMap<String, String>,
    /// Those whose request is answered, with when they were heard last.
    answered: HashMap<String, Instant>,
}

impl Loading {
    pub(crate) fn begin(&self, request: String, session: String) {
        self.sessions().asked.insert(request, session);
    }

    /// Waits until a session that was loaded is quiet. What it says from then on is not of the past.
    pub(crate) async fn settle(&self, session: &str) {
        let begun = Instant::now();
        loop {
            let Some(heard) = self.sessions().answered.get(session).copied() else { return };
            let quiet = heard.elapsed();
            if quiet >= QUIET || begun.elapsed() >= REPLAY {
                return self.end(session);
            }
            tokio::time::sleep(QUIET.saturating_sub(quiet)).await;
        }
    }

    /// Whatever a session says from here on is not of the past.
    pub(crate) fn end(&self, session: &str) {
        self.sessions().answered.remove(session);
    }

    /// Returns whether an update of a session is of its past.
    fn is_loading(&self, session: &str) -> bool {
        let mut sessions = self.sessions();
        if let Some(heard) = sessions.answered.get_mut(session) {
            *heard = Instant::now();
            return true;
        }
        sessions.asked.values().any(|loading| loading == session)
    }

    fn answer(&self, request: &str) {
        let mut sessions = self.sessions();
        if let Some(session) = sessions.asked.remove(request) {
            sessions.answered.insert(session, Instant::now());
        }
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.0.lock()
    }
}

/// The context of the tap and its receiver.
pub(crate) struct Tap {
    pub(crate) events: mpsc::Sender<AgentEvent>,
    /// Lines for the protocol library.
    pub(crate) protocol: mpsc::Sender<std::io::Result<String>>,
    pub(crate) loading: Loading,
    pub(crate) turns: Turns,
    pub(crate) offers: Offers,
    /// How many updates were reported.
    pub(crate) updates: Arc<AtomicU64>,
    /// One permit for each request of the agent that may still be opened.
    pub(crate) requests: Arc<Semaphore>,
    pub(crate) noise: Tail,
    /// Cancelled when the process has ended.
    pub(crate) ended: CancellationToken,
}

impl Tap {
    /// Reads to the end of the output.
    pub(crate) async fn run(self, stdout: impl AsyncRead + Unpin, limit: usize) {
        let mut lines = BoundedLines::new(stdout, limit);
        loop {
            let line = tokio::select! {
                line = lines.next() => line,
                () = async { self.ended.cancelled().await; tokio::time::sleep(LINGER).await } => return,
            };
            match line {
                Ok(Some(Line::Whole(line))) => self.whole(&line).await,
                Ok(Some(Line::TooLong { head, length })) => self.too_long(&head, length).await,
                Ok(None) | Err(_) => return,
            }
        }
    }

    async fn whole(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        // Programs of some platforms begin their output with a byte order mark.
        let line = line.trim_start_matches('\u{feff}');
        if line.trim().is_empty() {
            return;
        }
        match serde_json::from_str(line) {
            Ok(Value::Array(batch)) => {
                for message in batch {
                    self.message(message).await;
                }
            }
            Ok(message) => self.message(message).await,
            Err(_) => self.noise(line),
        }
    }

    async fn message(&self, mut message: Value) {
        normalize(&mut message);
        match classify(&message) {
            Shape::Update => {
                let params = message["params"].take();
                self.update(params).await;
            }
            Shape::Notification => self.pass(message).await,
            Shape::Request => {
                if let Ok(permit) = self.requests.acquire().await {
                    permit.forget();
                }
                self.pass(message).await;
            }
            Shape::Response => {
                self.loading.answer(&message["id"].to_string());
                self.pass(message).await;
            }
            Shape::Nothing => self.noise(&message.to_string()),
        }
    }

    async fn update(&self, raw: Value) {
        let Some(session) = raw["sessionId"].as_str().map(str::to_owned) else {
            return self.noise(&raw.to_string());
        };
        let replay = self.loading.is_loading(&session);
        let kind = Update::read(&raw["update"]);
        if matches!(kind, Update::Other(_)) {
            self.offers.take_update(&session, &raw["update"]);
        }
        if !replay {
            self.turns.on_update(&session, &kind, &raw);
        }
        self.updates.fetch_add(1, Ordering::Relaxed);
        // A receiver that is gone does not keep the agent from being read to its end.
        let _ = self.events.send(AgentEvent::Update { session, replay, raw, kind }).await;
    }

    async fn pass(&self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        let _ = self.protocol.send(Ok(message.to_string())).await;
    }

    /// Reads a line whose end was thrown away: the request that waits for it learns that its answer does not come.
    async fn too_long(&self, head: &[u8], length: u64) {
        tracing::warn!(length, "an agent wrote a line that is too long; it is dropped");
        let head = String::from_utf8_lossy(head);
        let envelope = head.split("\"params\"").next().unwrap_or(&head);
        let envelope = envelope.split("\"result\"").next().unwrap_or(envelope);
        let envelope = envelope.split("\"error\"").next().unwrap_or(envelope);
        let id = member(envelope, "id").filter(|id| !id.is_null());
        match (member(envelope, "method"), id) {
            (Some(method), None) if method == "session/update" => {
                let session = member(&head, "sessionId").unwrap_or_default();
                let update = json!({"sessionUpdate": "line_too_long", "bytes": length});
                self.update(json!({"sessionId": session, "update": update})).await;
            }
            (Some(_), Some(id)) => {
                self.message(json!({"id": id, "method": "_spectask/line_too_long"})).await;
            }
            (None, Some(id)) => {
                let error = json!({"code": -32603, "message": format!("the answer is a line of {length} bytes, which is too long")});
                self.message(json!({"id": id, "error": error})).await;
            }
            (_, None) => self.noise(&head),
        }
    }

    fn noise(&self, line: &str) {
        tracing::debug!(bytes = line.len(), "an agent wrote something that is no message");
        let end = line.char_indices().nth(200).map_or(line.len(), |(index, _)| index);
        self.noise.push(format!("[stdout] {}\n", &line[..end]).as_bytes());
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Shape {
    Update,
    Notification,
    Request,
    Response,
    Nothing,
}

/// Puts a message into the form of JSON-RPC that the library takes, where an agent strays from it: without the member
/// `jsonrpc`, with a whole number as `1.0`, with `"error": null` beside a result, or with an error that is no object with a code and a message.
fn normalize(message: &mut Value) {
    let Some(object) = message.as_object_mut() else { return };
    object.insert("jsonrpc".to_owned(), "2.0".into());
    if let Some(whole) = object.get("id").and_then(whole_number) {
        object.insert("id".to_owned(), whole.into());
    }
    if object.contains_key("method") || !(object.contains_key("result") || object.contains_key("error")) {
        return;
    }
    match object.remove("error").filter(|error| !error.is_null()) {
        Some(error) => {
            object.remove("result");
            object.insert("error".to_owned(), error_object(error));
        }
        None => {
            object.entry("result").or_insert(Value::Null);
        }
    }
}

/// Returns a number that is whole and is written with a fraction.
fn whole_number(number: &Value) -> Option<i64> {
    let number = number.as_number().filter(|number| number.is_f64())?.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
    let whole = (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    whole
}

/// Returns an error as JSON-RPC has it; what the agent sent is its data where it has another form.
fn error_object(error: Value) -> Value {
    if error["code"].is_i64() && error["message"].is_string() {
        return error;
    }
    let words =
        ["message", "error", "detail", "details", "reason"].iter().find_map(|name| error[*name].as_str());
    let message = words.or_else(|| error.as_str()).map_or_else(|| error.to_string(), str::to_owned);
    let code = error["code"].as_i64().unwrap_or(INTERNAL_ERROR);
    json!({ "code": code, "message": message, "data": error })
}

fn classify(message: &Value) -> Shape {
    let Some(object) = message.as_object() else { return Shape::Nothing };
    let id = object.get("id").filter(|id| id.is_string() || id.is_number());
    match (object.get("method").map(Value::as_str), id) {
        (Some(Some("session/update")), _) => Shape::Update,
        (Some(Some(_)), Some(_)) => Shape::Request,
        (Some(Some(_)), None) => Shape::Notification,
        (None, Some(_)) if object.contains_key("result") || object.contains_key("error") => Shape::Response,
        (Some(None) | None, _) => Shape::Nothing,
    }
}

/// Returns the string or number that follows the first `"name":` in a piece of JSON.
fn member(json: &str, name: &str) -> Option<Value> {
    let (_, rest) = json.split_once(&format!("\"{name}\""))?;
    let rest = rest.trim_start().strip_prefix(':')?;
    serde_json::Deserializer::from_str(rest).into_iter::<Value>().next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let shape = |text: &str| classify(&serde_json::from_str(text).unwrap());
        assert_eq!(shape(r#"{"method":"session/update","params":{}}"#), Shape::Update);
        assert_eq!(shape(r#"{"id":1,"method":"fs/read_text_file"}"#), Shape::Request);
        assert_eq!(shape(r#"{"method":"_x"}"#), Shape::Notification);
        assert_eq!(shape(r#"{"id":"a","result":null}"#), Shape::Response);
        assert_eq!(shape(r#"{"id":null,"result":null}"#), Shape::Nothing);
        assert_eq!(shape(r#"{"id":1}"#), Shape::Nothing);
        assert_eq!(shape(r#"{"method":7}"#), Shape::Nothing);
        assert_eq!(shape("17"), Shape::Nothing);
    }

    #[test]
    fn messages_that_stray_from_json_rpc_are_put_right() {
        let normal = |message: Value| {
            let mut message = message;
            normalize(&mut message);
            message
        };
        let answer = |error: Value| json!({ "jsonrpc": "2.0", "id": 1, "error": error });
        for (sent, meant) in [
            (json!({ "id": 1.0, "result": {} }), json!({ "jsonrpc": "2.0", "id": 1, "result": {} })),
            (
                json!({ "id": "a", "result": {}, "error": null }),
                json!({ "jsonrpc": "2.0", "id": "a", "result": {} }),
            ),
            (json!({ "id": 1, "error": null }), json!({ "jsonrpc": "2.0", "id": 1, "result": null })),
            (
                json!({ "id": 1, "result": null, "error": { "code": 5, "message": "no" } }),
                answer(json!({ "code": 5, "message": "no" })),
            ),
            (
                json!({ "id": 1, "error": "boom" }),
                answer(json!({ "code": -32603, "message": "boom", "data": "boom" })),
            ),
            (
                json!({ "id": 1, "error": { "code": "E", "message": null } }),
                answer(json!({ "code": -32603, "message": "{\"code\":\"E\",\"message\":null}",
                    "data": { "code": "E", "message": null } })),
            ),
            (json!({ "id": 2.5, "method": "x" }), json!({ "jsonrpc": "2.0", "id": 2.5, "method": "x" })),
            (json!(17), json!(17)),
        ] {
            assert_eq!(normal(sent), meant);
        }
    }

    #[test]
    fn members_are_found_in_the_head_of_a_line() {
        let head = r#"{"jsonrpc":"2.0", "id" : 17, "result":{"text":"aaaa"#;
        assert_eq!(member(head, "id"), Some(json!(17)));
        assert_eq!(member(r#"{"sessionId":"s\"1","update":"#, "sessionId"), Some(json!("s\"1")));
        assert_eq!(member(head, "method"), None);
    }
}
