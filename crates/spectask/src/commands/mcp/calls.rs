//! The requests of each tool to the server's API.

use super::tools::ASK_SECONDS;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::text;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long one request of a wait takes.
const WAIT_SLICE: u64 = 50;
/// How many tasks are listed.
const MAX_TASKS: &str = "20";

/// The session or person that the tools belong to.
pub(super) struct Scope {
    pub(super) session: Option<String>,
    pub(super) task: Option<String>,
}

/// A call of a tool.
pub(super) struct Calls<'a> {
    pub(super) client: Client,
    pub(super) scope: &'a Scope,
}

impl Calls<'_> {
    /// Calls a tool whose arguments are checked.
    pub(super) async fn call(&self, name: &str, given: &Value) -> anyhow::Result<Value> {
        match name {
            "list_tasks" => self.list_tasks(given).await,
            "get_task" => self.get(given, "task").await,
            "list_sessions" => self.get(given, "sessions").await,
            "get_session_changes" => {
                let session = segment(given, "session_id")?;
                self.get(given, &format!("sessions/{session}/changes")).await
            }
            "send_message" => {
                let body = members(given, &["message", "kind", "to_session_id", "request_id"]);
                self.post(given, "messages", &body).await
            }
            "get_messages" => self.post(given, "messages/read", &json!({})).await,
            "ask_user" => self.ask_user(given).await,
            "spawn_session" => {
                let body = members(given, &["name", "description", "depends_on", "parent_session_id"]);
                self.post(given, "sessions", &body).await
            }
            "propose_plan_change" => {
                let body =
                    json!({ "kind": "plan_change", "message": given["proposal"], "diff": given["diff"] });
                let asked = self.post(given, "requests", &body).await?;
                Ok(json!({
                    "proposal_id": asked["id"],
                    "note": "Recorded for a person. Continue with the plan as it is; the decision arrives as a message.",
                }))
            }
            "report_evidence" => {
                let body = members(given, &["item", "commit", "check_output"]);
                self.post(given, "evidence", &body).await
            }
            other => Err(Failure::NotFound(format!("there is no tool {other:?}")).into()),
        }
    }

    /// Asks a person, and waits in parts, so that no request outlasts the client's own deadline.
    async fn ask_user(&self, given: &Value) -> anyhow::Result<Value> {
        let choices = if given["choices"].is_null() { json!([]) } else { given["choices"].clone() };
        let body = json!({ "kind": "question", "message": given["question"], "choices": choices });
        let asked = self.post(given, "requests", &body).await?;
        let id = text(&asked, "id").to_owned();
        let seconds = given["wait_seconds"].as_u64().unwrap_or(ASK_SECONDS);
        let until = Instant::now() + Duration::from_secs(seconds);
        loop {
            let left = until.saturating_duration_since(Instant::now()).as_secs();
            let body = json!({ "seconds": left.min(WAIT_SLICE) });
            match self.post(given, &format!("requests/{id}/wait"), &body).await {
                Ok(answer) if answer["is_answered"] == true => {
                    return Ok(
                        json!({ "question_id": id, "answer": answer["answer"], "answered_by": answer["by"] }),
                    );
                }
                Ok(_) if left > 0 => {}
                // The question is kept, whatever becomes of the wait.
                Ok(_) | Err(_) => return Ok(recorded(&id)),
            }
        }
    }

    async fn list_tasks(&self, given: &Value) -> anyhow::Result<Value> {
        let mut query = vec![("limit", MAX_TASKS.to_owned()), ("sort", "-created_at".to_owned())];
        if let Some(words) = given["query"].as_str() {
            query.push(("q", words.to_owned()));
        }
        let found = self.client.get("/spec-tasks", &query).await?.body;
        let tasks = found.as_array().into_iter().flatten();
        let tasks: Vec<Value> =
            tasks.map(|task| members(task, &["id", "name", "status", "needs_person", "progress"])).collect();
        Ok(json!({ "tasks": tasks }))
    }

    async fn get(&self, given: &Value, path: &str) -> anyhow::Result<Value> {
        let task = self.task(given).await?;
        Ok(self.client.get(&format!("/spec-tasks/{task}/crew/{path}"), &[]).await?.body)
    }

    async fn post(&self, given: &Value, path: &str, body: &Value) -> anyhow::Result<Value> {
        let task = self.task(given).await?;
        self.client.post(&format!("/spec-tasks/{task}/crew/{path}"), body).await
    }

    /// Returns the task of the call: the server's, else the one that is named.
    async fn task(&self, given: &Value) -> anyhow::Result<String> {
        match (&self.scope.task, &self.scope.session) {
            (Some(task), _) => self.client.task_id(task).await,
            (None, None) => self.client.task_id(text(given, "task")).await,
            (None, Some(_)) => {
                Err(Failure::NotFound("start `spectask mcp --session ID` with `--task ID`, too".to_owned())
                    .into())
            }
        }
    }
}

/// Returns what a model reads whose question is not answered in time.
fn recorded(id: &str) -> Value {
    json!({
        "question_id": id,
        "answer": null,
        "note": "Recorded; no answer yet. End your turn now with a message that says what you wait for. The answer arrives as \
                 your next message.",
    })
}

/// Returns an argument as a part of a path.
fn segment(given: &Value, name: &str) -> anyhow::Result<String> {
    let id = text(given, name);
    let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    anyhow::ensure!(is_id, "`{name}` {id:?} is no id; list_sessions names them");
    Ok(id.to_owned())
}

/// Returns the named members of an object that it has.
fn members(object: &Value, names: &[&str]) -> Value {
    let found = names.iter().filter(|name| !object[**name].is_null());
    Value::Object(found.map(|name| ((*name).to_owned(), object[*name].clone())).collect())
}
