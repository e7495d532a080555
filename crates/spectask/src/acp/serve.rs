//! The loop that reads what the editor says.

use super::dispatch::Agent;
use super::input::{Line, next_line};
use super::rpc::RpcError;
use super::server::Server;
use super::wire::Wire;
use crate::cli::Cli;
use serde_json::Value;
use std::time::Duration;
use tokio::io::BufReader;
use tokio_util::task::TaskTracker;

/// How long requests have to be answered when the input has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Serves an editor until it closes standard input. Nothing else is written to standard output: panics go to the log on standard error.
pub(crate) async fn run(cli: Cli, task: Option<String>) {
    let wire = Wire::new();
    let agent = Agent::new(Server::new(cli), wire.clone(), task);
    let mut input = BufReader::new(tokio::io::stdin());
    // Requests, which are answered when the input has ended, and prompts, which end with their turns.
    let (requests, prompts) = (TaskTracker::new(), TaskTracker::new());
    loop {
        match next_line(&mut input).await {
            Ok(Some(Line::Text(line))) => take(&agent, &wire, &line, &requests, &prompts),
            Ok(Some(Line::TooLong)) => {
                let wire = wire.clone();
                requests.spawn(async move {
                    let error = RpcError::new(RpcError::INVALID_REQUEST, "The line is longer than 64 MiB.");
                    wire.respond(Value::Null, Err(error)).await;
                });
            }
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(%error, "the editor cannot be read");
                break;
            }
        }
    }
    requests.close();
    let _ = tokio::time::timeout(LAST_ANSWERS, requests.wait()).await;
    let _ = tokio::time::timeout(LAST_ANSWERS, wire.flush()).await;
}

/// Takes in one line. It never waits: a cancellation is read while everything else runs.
fn take(agent: &Agent, wire: &Wire, line: &[u8], requests: &TaskTracker, prompts: &TaskTracker) {
    if line.trim_ascii().is_empty() {
        return;
    }
    let (agent, wire) = (agent.clone(), wire.clone());
    let refuse = |id: Value, code: i64, message: &'static str| {
        let wire = wire.clone();
        requests.spawn(async move { wire.respond(id, Err(RpcError::new(code, message))).await });
    };
    let mut message = match serde_json::from_slice::<Value>(line) {
        Ok(message @ Value::Object(_)) => message,
        Ok(_) => return refuse(Value::Null, RpcError::INVALID_REQUEST, "The line is no JSON-RPC message."),
        Err(_) => return refuse(Value::Null, RpcError::PARSE, "The line is not JSON."),
    };
    let params = message["params"].take();
    let id = message.get("id").filter(|id| !id.is_null()).cloned();
    let method = message["method"].as_str().map(str::to_owned);
    let cancelled = agent.arrive(method.as_deref().unwrap_or_default(), &params);
    match (method, id) {
        (Some(method), Some(id)) => {
            let tracker = if method == "session/prompt" { prompts } else { requests };
            tracker.spawn(async move { agent.answer(id, method, params, cancelled).await });
        }
        (Some(method), None) => {
            requests.spawn(async move { agent.notice(&method, &params).await });
        }
        (None, Some(_)) if message.get("result").is_some() || message.get("error").is_some() => {
            wire.answered(message);
        }
        (None, id) => {
            let message = "The message has no method.";
            refuse(id.unwrap_or(Value::Null), RpcError::INVALID_REQUEST, message);
        }
    }
}
