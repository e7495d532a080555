//! One call of the model: streamed, repeated when its server fails, and with failures in words that SpecTask and people
//! understand.

use agent::models::{Endpoint, Provider};
use agent::wire::Wire;
use futures::StreamExt as _;
use genai::adapter::AdapterKind;
use genai::chat::{ChatOptions, ChatRequest, ChatStreamEvent, MessageContent, StopReason, ToolCall};
use genai::resolver::{AuthData, Endpoint as Address};
use genai::{Client, ModelIden, ServiceTarget};
use serde_json::{Value, json};
use std::io;
use std::time::Duration;

/// How long a server may take to begin its answer, and to send the next piece of it.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(5);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// The pause before the first repetition; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, also where the server asks for one: a longer one is SpecTask's to wait for.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// How much of a server's error is passed on, in bytes.
const MAX_ERROR: usize = 1000;

/// Words by which services say that a conversation is too long.
const TOO_LONG: [&str; 9] = [
    "context_length_exceeded",
    "context length",
    "context window",
    "maximum context",
    "prompt is too long",
    "prompt too long",
    "input is too long",
    "maximum number of tokens",
    "too many tokens",
];

/// A model that can be called.
pub(crate) struct Model {
    client: Client,
    endpoint: Endpoint,
    max_retries: u32,
}

/// What the model said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) content: MessageContent,
    pub(crate) calls: Vec<ToolCall>,
    pub(crate) usage: Spent,
    pub(crate) end: End,
}

/// Why a reply ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum End {
    #[default]
    Complete,
    /// It reached the longest answer that the model gives.
    MaxTokens,
    /// The service held it back.
    Refused,
}

/// How many tokens calls took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cached: u64,
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModelError {
    /// The key is missing or not valid.
    SignIn(String),
    /// The conversation does not fit the model's context.
    TooLong(String),
    /// The server does not take the request as it is.
    Refused(String),
    Failed(String),
    /// The client is gone.
    Disconnected,
}

/// A failure of one call.
struct Failure {
    error: ModelError,
    is_passing: bool,
    /// How long the server wants to be left alone.
    retry_after: Option<Duration>,
}

/// Where the words of a reply are sent.
pub(crate) struct Listener<'a> {
    pub(crate) wire: &'a Wire,
    pub(crate) session: &'a str,
}

impl From<io::Error> for ModelError {
    fn from(_: io::Error) -> Self {
        Self::Disconnected
    }
}

impl Spent {
    pub(crate) fn add(&mut self, more: Spent) {
        self.input += more.input;
        self.output += more.output;
        self.cached += more.cached;
    }

    /// The usage of a turn, as ACP has it.
    pub(crate) fn to_acp(self) -> Value {
        json!({
            "inputTokens": self.input, "outputTokens": self.output, "cachedReadTokens": self.cached,
            "totalTokens": self.input + self.output,
        })
    }
}

impl Model {
    pub(crate) fn new(endpoint: Endpoint, max_retries: u32) -> Result<Model, String> {
        let http = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).build();
        let http = http.map_err(|error| format!("the HTTP client could not be made: {error}"))?;
        let client = Client::builder().with_reqwest(http).build();
        let client = client.map_err(|error| format!("the model's client could not be made: {error}"))?;
        Ok(Model { client, endpoint, max_retries })
    }

    pub(crate) fn provider(&self) -> Provider {
        self.endpoint.provider
    }

    /// Asks the model, and repeats that while its server fails and there is hope. What the model says is passed on to the
    /// listener as it comes.
    pub(crate) async fn ask(
        &self,
        request: &ChatRequest,
        listener: Option<&Listener<'_>>,
    ) -> Result<Reply, ModelError> {
        let mut pause = FIRST_PAUSE;
        for attempt in 0.. {
            let failure = match self.ask_once(request, listener).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            let wait = failure.retry_after.unwrap_or(pause);
            if !failure.is_passing || attempt >= self.max_retries || wait > MAX_PAUSE {
                return Err(failure.error);
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
        unreachable!("the last attempt returns")
    }

    async fn ask_once(
        &self,
        request: &ChatRequest,
        listener: Option<&Listener<'_>>,
    ) -> Result<Reply, Failure> {
        let options = ChatOptions::default()
            .with_capture_content(true)
            .with_capture_tool_calls(true)
            .with_capture_usage(true)
            .with_stream_header_timeout(RESPONSE_TIMEOUT)
            .with_stream_read_timeout(RESPONSE_TIMEOUT);
        let answer = self.client.exec_chat_stream(self.target(), request.clone(), Some(&options)).await;
        let mut stream = answer.map_err(|error| self.failure(&error))?.stream;
        let message = format!("msg-{}", ulid::Ulid::generate());
        let mut has_text = false;
        while let Some(event) = stream.next().await {
            let (kind, chunk) = match event.map_err(|error| self.failure(&error))? {
                ChatStreamEvent::Chunk(chunk) => ("agent_message_chunk", chunk),
                ChatStreamEvent::ReasoningChunk(chunk) => ("agent_thought_chunk", chunk),
                ChatStreamEvent::End(end) => {
                    let mut reply = Reply::default();
                    if let Some(usage) = end.captured_usage {
                        let number =
                            |tokens: Option<i32>| tokens.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
                        reply.usage = Spent {
                            input: number(usage.prompt_tokens),
                            output: number(usage.completion_tokens),
                            cached: number(
                                usage.prompt_tokens_details.and_then(|details| details.cached_tokens),
                            ),
                        };
                    }
                    reply.end = match end.captured_stop_reason {
                        Some(StopReason::MaxTokens(_)) => End::MaxTokens,
                        Some(StopReason::ContentFilter(_)) => End::Refused,
                        _ => End::Complete,
                    };
                    reply.content = end.captured_content.unwrap_or_default();
                    reply.calls = reply.content.tool_calls().into_iter().cloned().collect();
                    if reply.calls.is_empty() && !has_text && reply.end == End::Complete {
                        return Err(Failure::passing("The model gave an empty response."));
                    }
                    return Ok(reply);
                }
                ChatStreamEvent::Start
                | ChatStreamEvent::ThoughtSignatureChunk(_)
                | ChatStreamEvent::ToolCallChunk(_)
                | ChatStreamEvent::Heartbeat => continue,
            };
            has_text |= kind == "agent_message_chunk" && !chunk.content.trim().is_empty();
            if let Some(Listener { wire, session }) = listener
                && !chunk.content.is_empty()
            {
                let content = json!({"type": "text", "text": chunk.content});
                let update = json!({"sessionUpdate": kind, "content": content, "messageId": message});
                wire.update(session, update).await.map_err(|error| Failure {
                    error: error.into(),
                    is_passing: false,
                    retry_after: None,
                })?;
            }
        }
        Err(Failure::passing(
            "The model's server closed the connection before its answer was complete (socket closed).",
        ))
    }

    fn target(&self) -> ServiceTarget {
        let kind = match self.endpoint.provider {
            Provider::OpenAi => AdapterKind::OpenAI,
            Provider::Anthropic => AdapterKind::Anthropic,
            Provider::Gemini => AdapterKind::Gemini,
            Provider::Ollama => AdapterKind::Ollama,
        };
        ServiceTarget {
            endpoint: Address::from_owned(self.endpoint.base_url.as_str()),
            auth: AuthData::from_single(self.endpoint.key.as_deref().unwrap_or("none")),
            model: ModelIden::new(kind, self.endpoint.model.as_str()),
        }
    }

    fn failure(&self, error: &genai::Error) -> Failure {
        // The answer of a server whose status is an error comes inside an error of the stream.
        if let genai::Error::WebStream { error: inner, cause, .. } = error {
            if let Some(inner) = inner.downcast_ref::<genai::Error>() {
                return self.failure(inner);
            }
            let cause = inner.source().map_or_else(|| cause.clone(), root_cause);
            return self.unreachable(&cause);
        }
        match error {
            genai::Error::HttpError { status, body, headers, .. } => {
                let after = headers.get("retry-after").and_then(|value| value.to_str().ok());
                self.refused(status.as_u16(), &message_of(body), after.and_then(retry_after))
            }
            genai::Error::ChatResponse { body, .. } => {
                let text = message_of(&body.to_string());
                let status = match body["type"].as_str().or_else(|| body["code"].as_str()) {
                    Some("overloaded_error") => 529,
                    Some("rate_limit_error" | "rate_limit_exceeded") => 429,
                    Some("invalid_request_error") => 400,
                    Some("authentication_error" | "invalid_api_key") => 401,
                    _ => 500,
                };
                self.refused(status, &text, None)
            }
            genai::Error::WebModelCall { webc_error, .. } => self.unreachable(&root_cause(webc_error)),
            genai::Error::StreamParse { .. } => {
                Failure::passing("The model's server sent an answer that is not JSON (server_error).")
            }
            error => {
                Failure::lasting(format!("The model could not be asked: {}.", shorten(&error.to_string())))
            }
        }
    }

    fn unreachable(&self, cause: &str) -> Failure {
        Failure::passing(format!(
            "Failed to connect to the model's server at {}, or the connection was lost: {}. Check the address and the network.",
            self.endpoint.base_url,
            shorten(cause)
        ))
    }

    fn refused(&self, status: u16, detail: &str, retry_after: Option<Duration>) -> Failure {
        let lower = detail.to_ascii_lowercase();
        let reason = reqwest::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let reason = reason.unwrap_or(if status == 529 { "Overloaded" } else { "error" });
        let what = format!("The server of the model {} answered {status} {reason}", self.endpoint.model);
        let is_key_error =
            status == 401 || lower.contains("api key not valid") || lower.contains("invalid api key");
        if is_key_error || status == 403 {
            let name = self.endpoint.provider.key_variable().unwrap_or("the key");
            let text = format!(
                "{what}: {detail} Set a valid {name} in the environment of the server, then try again."
            );
            return Failure { error: ModelError::SignIn(text), is_passing: false, retry_after: None };
        }
        if status == 413 || (status == 400 && TOO_LONG.iter().any(|words| lower.contains(words))) {
            let error = ModelError::TooLong(format!("{what}: {detail}"));
            return Failure { error, is_passing: false, retry_after: None };
        }
        if matches!(status, 400 | 415 | 422 | 501) || (lower.contains("image") && status != 429) {
            let error = ModelError::Refused(format!("{what}: {detail}"));
            return Failure { error, is_passing: false, retry_after: None };
        }
        let after = retry_after
            .map_or_else(String::new, |after| format!(" Retry after {} seconds.", after.as_secs()));
        let error = ModelError::Failed(format!("{what}: {detail}{after}"));
        // A quota that is spent stays spent for longer than this waits.
        let is_spent = lower.contains("quota") || lower.contains("billing") || lower.contains("credit");
        let is_passing = matches!(status, 408 | 409 | 429 | 500..) && !(status == 429 && is_spent);
        Failure { error, is_passing, retry_after }
    }
}

impl Failure {
    fn passing(message: impl Into<String>) -> Failure {
        Failure { error: ModelError::Failed(message.into()), is_passing: true, retry_after: None }
    }

    fn lasting(message: impl Into<String>) -> Failure {
        Failure { error: ModelError::Failed(message.into()), is_passing: false, retry_after: None }
    }
}

/// Reads the header `Retry-After`: seconds, or a moment.
fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = jiff::fmt::rfc2822::parse(value.trim()).ok()?.timestamp();
    Some(at.duration_since(jiff::Timestamp::now()).try_into().unwrap_or(Duration::ZERO))
}

/// The sentence in the body of an error.
fn message_of(body: &str) -> String {
    let json: Option<Value> = serde_json::from_str(body).ok();
    // Gemini puts the error into a list when it streams.
    let json = json.map(|json| json.get(0).cloned().unwrap_or(json));
    let places = ["/error/message", "/message", "/error"];
    let found = json
        .and_then(|json| places.iter().find_map(|place| json.pointer(place)?.as_str().map(str::to_owned)));
    let mut text = shorten(found.as_deref().unwrap_or(body).trim());
    if text.is_empty() {
        "no reason is given".clone_into(&mut text);
    }
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

fn shorten(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_ERROR)].to_owned()
}

pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Model {
        let endpoint = Endpoint {
            provider: Provider::OpenAi,
            model: "m".into(),
            base_url: "http://127.0.0.1:1/v1/".into(),
            key: None,
        };
        // Tests make no TLS connection, but the HTTP client wants to know the cryptography for it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Model::new(endpoint, 0).unwrap()
    }

    #[test]
    fn a_refusal_says_whether_trying_again_helps() {
        let model = model();
        let refused = |status, detail: &str| model.refused(status, detail, None);
        for status in [408, 429, 500, 502, 503, 529] {
            assert!(refused(status, "Try later.").is_passing, "{status}");
        }
        for status in [400, 402, 404] {
            assert!(!refused(status, "It is so.").is_passing, "{status}");
        }
        assert!(!refused(429, "You exceeded your current quota.").is_passing);
        assert!(
            matches!(refused(401, "no").error, ModelError::SignIn(text) if text.contains("OPENAI_API_KEY"))
        );
        assert!(matches!(refused(400, "API key not valid.").error, ModelError::SignIn(_)));
        assert!(matches!(refused(400, "prompt is too long: 3 > 2").error, ModelError::TooLong(_)));
        let limited = model.refused(429, "Slow down.", Some(Duration::from_secs(90)));
        assert!(
            matches!(limited.error, ModelError::Failed(text) if text.ends_with("Slow down. Retry after 90 seconds."))
        );
    }

    #[test]
    fn pauses_are_seconds_or_moments() {
        assert_eq!(retry_after("7"), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(retry_after("soon"), None);
    }

    #[test]
    fn the_sentence_of_an_error_is_found() {
        assert_eq!(message_of(r#"{"error":{"message":"Slow down"}}"#), "Slow down.");
        assert_eq!(message_of(r#"[{"error":{"message":"Slow down."}}]"#), "Slow down.");
        assert_eq!(message_of(r#"{"error":"model not found"}"#), "model not found.");
        assert_eq!(message_of("<html>"), "<html>.");
        assert_eq!(message_of(""), "no reason is given.");
    }
}
