//! One turn: the model is called, its tools are run, and again, until it has nothing more to call.

use crate::compaction::Compaction;
use crate::history::{History, Prompt};
use crate::instructions::system_prompt;
use crate::mcp::McpTool;
use crate::model::{End, Listener, ModelError, Reply, Spent};
use crate::modes::{Action, Permission};
use crate::serve::Agent;
use crate::session::{Choices, Progress, Session};
use crate::tools::{self, Call, Change};
use crate::transcripts::Transcript;
use agent::wire::RpcError;
use genai::chat::{ChatRequest, Tool, ToolCall, ToolResponse};
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What the model is told of calls that a cancelled turn did not get to.
const CANCELLED: &str = "Cancelled by the user.";
/// How large the two sides of a change may be to be shown, in bytes.
const MAX_DIFF: usize = 512 * 1024;
/// How often a conversation that the server found too long is shortened in one turn.
const MAX_SHORTENINGS: usize = 3;

/// A turn under way.
pub(crate) struct Turn {
    pub(crate) agent: Arc<Agent>,
    pub(crate) session: Arc<Session>,
    pub(crate) cancel: CancellationToken,
}

/// What a person can allow once and for all in a session.
enum Allowance<'a> {
    /// Every change of a file.
    Edits,
    Command(&'a str),
    /// A tool of an MCP server.
    Tool(&'a str),
}

/// How a turn ended.
#[derive(Debug)]
pub(crate) struct TurnEnd {
    pub(crate) stop_reason: &'static str,
    pub(crate) usage: Spent,
}

/// Why a turn ends before the model is done.
#[derive(Debug)]
pub(crate) enum Stop {
    Cancelled,
    Failed(RpcError),
    /// The client is gone.
    Disconnected,
}

impl From<io::Error> for Stop {
    /// The only stream that a turn writes to is the one to the client.
    fn from(_: io::Error) -> Stop {
        Stop::Disconnected
    }
}

impl From<ModelError> for Stop {
    fn from(error: ModelError) -> Stop {
        match error {
            ModelError::SignIn(message) => Stop::Failed(RpcError::new(RpcError::SIGN_IN_NEEDED, message)),
            ModelError::TooLong(message) | ModelError::Refused(message) | ModelError::Failed(message) => {
                Stop::Failed(RpcError::new(RpcError::FAILED, message))
            }
            ModelError::Disconnected => Stop::Disconnected,
        }
    }
}

impl Turn {
    /// Carries out a prompt.
    pub(crate) async fn run(&self, prompt: &Prompt, history: &mut History) -> Result<TurnEnd, Stop> {
        history.close_open_calls(CANCELLED);
        history.push_prompt(prompt);
        let ended = self.steps(&prompt.text, history).await;
        self.save(history);
        ended
    }

    async fn steps(&self, prompt: &str, history: &mut History) -> Result<TurnEnd, Stop> {
        let model = self.agent.model(&self.session.choices.lock().model)?;
        let has_tools = !self.agent.options().no_tools;
        let (mut tools, mut problems) = (Vec::new(), &[][..]);
        if has_tools {
            let mcp = self.unless_cancelled(self.session.start_mcp()).await?;
            tools = tools::definitions();
            tools.extend(mcp.definitions());
            problems = mcp.problems();
        }
        let system = system_prompt(&self.session.workspace, has_tools, problems);
        let described: usize = tools.iter().map(Tool::size).sum();
        let compaction = Compaction {
            model: &model,
            context_tokens: self.agent.context_tokens(&model),
            overhead: ((system.len() + described) / 4) as u64,
            prompt,
        };
        let mut usage = Spent::default();
        let mut shortenings = 0;
        for _ in 0..self.agent.max_steps() {
            let room = self.unless_cancelled(compaction.make_room(history)).await?;
            usage.add(room?);
            let reply = loop {
                let mut request = ChatRequest::new(history.messages().to_vec()).with_system(system.as_str());
                if has_tools {
                    request = request.with_tools(tools.clone());
                }
                let listener = Listener { wire: self.agent.wire(), session: &self.session.id };
                match self.unless_cancelled(model.ask(&request, Some(&listener))).await? {
                    Err(ModelError::TooLong(_)) if shortenings < MAX_SHORTENINGS => {
                        shortenings += 1;
                        let room = self.unless_cancelled(compaction.make_more_room(history)).await?;
                        usage.add(room?);
                    }
                    Err(ModelError::Refused(_)) if history.drop_images() => {
                        let content = json!({"type": "text", "text": "The model's server refused the images; it is asked without them.\n"});
                        self.update(json!({"sessionUpdate": "agent_thought_chunk", "content": content}))
                            .await?;
                    }
                    reply => break reply?,
                }
            };
            usage.add(reply.usage);
            let Reply { content, calls, usage: last, end } = reply;
            history.push_assistant(content);
            if last != Spent::default() {
                history.count(last.input + last.output);
            }
            self.update(json!({
                "sessionUpdate": "usage_update", "used": history.tokens(), "size": compaction.context_tokens,
            }))
            .await?;
            if calls.is_empty() {
                let stop_reason = match end {
                    End::Complete => "end_turn",
                    End::MaxTokens => "max_tokens",
                    End::Refused => "refusal",
                };
                return Ok(TurnEnd { stop_reason, usage });
            }
            self.run_calls(&calls, history).await?;
            self.save(history);
        }
        Ok(TurnEnd { stop_reason: "max_turn_requests", usage })
    }

    /// Runs the calls one after the other. Each gets an answer, also when the turn is cancelled: services want one.
    async fn run_calls(&self, calls: &[ToolCall], history: &mut History) -> Result<(), Stop> {
        let mut results: Vec<ToolResponse> = Vec::new();
        let mut stop = None;
        for call in calls {
            let answer = match stop {
                None => self.run_call(call).await,
                Some(_) => Ok(CANCELLED.to_owned()),
            };
            let answer = answer.unwrap_or_else(|reason| {
                stop = Some(reason);
                CANCELLED.to_owned()
            });
            results.push(ToolResponse::from_tool_call(call, answer));
        }
        history.push_results(results);
        stop.map_or(Ok(()), Err)
    }

    /// Runs one call and returns what the model is told of it.
    async fn run_call(&self, asked: &ToolCall) -> Result<String, Stop> {
        if self.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        let id = format!("call-{}", ulid::Ulid::generate());
        if let Some(tool) = self.session.mcp().and_then(|mcp| mcp.tool(&asked.fn_name)) {
            return self.call_tool(&id, tool, &asked.fn_arguments).await;
        }
        let read = if self.agent.options().no_tools {
            Err("You have no tools.".to_owned())
        } else {
            Call::read(&asked.fn_name, &asked.fn_arguments)
        };
        let call = match read {
            Ok(Call::Plan(arguments)) => return self.show_plan(&arguments).await,
            Ok(call) => call,
            Err(answer) => {
                self.update(json!({
                    "sessionUpdate": "tool_call", "toolCallId": id, "title": asked.fn_name, "kind": "other",
                    "status": "failed", "content": text_content(&answer), "rawInput": asked.fn_arguments,
                }))
                .await?;
                return Ok(answer);
            }
        };
        let locations = call.locations(&self.session.workspace);
        let locations: Vec<Value> = locations.into_iter().map(|path| json!({"path": path})).collect();
        let described = json!({
            "toolCallId": id, "title": call.title(), "kind": call.kind(), "status": "pending",
            "locations": locations, "rawInput": asked.fn_arguments,
        });
        self.update(with(&described, json!({"sessionUpdate": "tool_call"}))).await?;
        let change = match call.action() {
            Action::Edit => match self.in_background(&call, tools::change_of).await {
                Ok(change) => Some(change),
                Err(answer) => return self.fail(&id, answer).await,
            },
            Action::Read | Action::Run => None,
        };
        let diff = change.as_ref().map(diff_content);
        let shown =
            diff.as_ref().map_or(described.clone(), |diff| with(&described, json!({"content": diff})));
        let allowance = match &call {
            Call::Shell(shell) => Allowance::Command(&shell.command),
            _ => Allowance::Edits,
        };
        if let Err(answer) = self.permission(call.action(), &allowance, shown).await? {
            return self.fail(&id, answer).await;
        }
        self.update(json!({"sessionUpdate": "tool_call_update", "toolCallId": id, "status": "in_progress"}))
            .await?;
        match (&call, change) {
            (Call::Shell(shell), _) => {
                let progress = Progress { wire: self.agent.wire(), session: &self.session.id, call: &id };
                let ran = shell.run(self.session.workspace.cwd(), &self.cancel, Some(&progress)).await;
                let ran = match ran {
                    Ok(ran) => ran,
                    Err(error) => {
                        return self.fail(&id, format!("The command could not be run: {error}.")).await;
                    }
                };
                let (answer, is_success) = ran.answer(shell);
                let status = if is_success { "completed" } else { "failed" };
                let output = json!({"exitCode": ran.exit_code(), "output": ran.output});
                self.close(&id, status, &text_content(&answer), Some(output)).await?;
                if self.cancel.is_cancelled() { Err(Stop::Cancelled) } else { Ok(answer) }
            }
            (_, Some(change)) => {
                let path = change.place.path().display().to_string();
                let written = tokio::task::spawn_blocking(move || change.place.write(&change.after)).await;
                if let Err(error) = written.unwrap_or_else(|error| Err(io::Error::other(error))) {
                    return self.fail(&id, format!("{path} cannot be written: {error}.")).await;
                }
                self.close(&id, "completed", &diff.unwrap_or_default(), None).await?;
                Ok(format!("{path} was written."))
            }
            (_, None) => {
                let cancel = self.cancel.clone();
                match self.in_background(&call, move |call, workspace| call.look(workspace, &cancel)).await {
                    Ok(answer) => {
                        self.close(&id, "completed", &text_content(&answer), None).await?;
                        Ok(answer)
                    }
                    Err(answer) => self.fail(&id, answer).await,
                }
            }
        }
    }

    /// Calls a tool of an MCP server and returns what the model is told of it.
    async fn call_tool(&self, id: &str, tool: &McpTool, arguments: &Value) -> Result<String, Stop> {
        let described = json!({
            "toolCallId": id, "title": tool.title(), "kind": "other", "status": "pending", "rawInput": arguments,
        });
        self.update(with(&described, json!({"sessionUpdate": "tool_call"}))).await?;
        if !tool.is_own()
            && let Err(answer) = self.permission(Action::Run, &Allowance::Tool(&tool.id), described).await?
        {
            return self.fail(id, answer).await;
        }
        self.update(json!({"sessionUpdate": "tool_call_update", "toolCallId": id, "status": "in_progress"}))
            .await?;
        let mcp = self.session.start_mcp().await;
        match self.unless_cancelled(mcp.call(tool, arguments)).await? {
            Ok(answer) => {
                self.close(id, "completed", &text_content(&answer), None).await?;
                Ok(answer)
            }
            Err(answer) => self.fail(id, answer).await,
        }
    }

    /// Does what blocks on a thread of its own.
    async fn in_background<T: Send + 'static>(
        &self,
        call: &Call,
        work: impl FnOnce(&Call, &crate::workspace::Workspace) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let (call, session) = (call.clone(), self.session.clone());
        let worked = tokio::task::spawn_blocking(move || work(&call, &session.workspace)).await;
        worked.unwrap_or_else(|error| Err(format!("The tool failed: {error}.")))
    }

    async fn show_plan(&self, arguments: &Value) -> Result<String, Stop> {
        let entries = match tools::plan_entries(arguments) {
            Ok(entries) => entries,
            Err(answer) => return Ok(answer),
        };
        self.update(json!({"sessionUpdate": "plan", "entries": entries})).await?;
        Ok("The plan is shown to the user.".to_owned())
    }

    /// Finds out whether a call may be run; the inner error is an answer to the model.
    async fn permission(
        &self,
        action: Action,
        allowance: &Allowance<'_>,
        shown: Value,
    ) -> Result<Result<(), String>, Stop> {
        let needed = {
            let choices = self.session.choices.lock();
            match choices.mode.permission(action) {
                Permission::Ask if allowance.is_given(&choices) => Permission::Granted,
                needed => needed,
            }
        };
        match needed {
            Permission::Granted => return Ok(Ok(())),
            Permission::Refused => {
                return Ok(Err("The session is read-only: nothing may be changed or run.".to_owned()));
            }
            Permission::Ask => {}
        }
        let params = json!({
            "sessionId": self.session.id, "toolCall": shown,
            "options": [
                {"optionId": "allow", "name": "Allow", "kind": "allow_once"},
                {"optionId": "allow-always", "name": allowance.name(), "kind": "allow_always"},
                {"optionId": "reject", "name": "Reject", "kind": "reject_once"},
            ],
        });
        let answer = self.agent.wire().request("session/request_permission", params).await?;
        let answer = self.unless_cancelled(answer).await?.map_err(|_| Stop::Disconnected)?;
        let outcome = &answer["result"]["outcome"];
        if outcome["outcome"] == "cancelled" {
            return Err(Stop::Cancelled);
        }
        match outcome["optionId"].as_str() {
            Some("allow") => Ok(Ok(())),
            Some("allow-always") => {
                allowance.give(&mut self.session.choices.lock());
                Ok(Ok(()))
            }
            _ => {
                Ok(Err("The user does not allow this. Do not try it again; choose another way or ask."
                    .to_owned()))
            }
        }
    }

    async fn fail(&self, id: &str, answer: String) -> Result<String, Stop> {
        self.close(id, "failed", &text_content(&answer), None).await?;
        Ok(answer)
    }

    async fn close(
        &self,
        id: &str,
        status: &str,
        content: &Value,
        output: Option<Value>,
    ) -> Result<(), Stop> {
        let mut update = json!({"sessionUpdate": "tool_call_update", "toolCallId": id, "status": status, "content": content});
        if let Some(output) = output {
            update["rawOutput"] = output;
        }
        self.update(update).await
    }

    async fn update(&self, update: Value) -> Result<(), Stop> {
        Ok(self.agent.wire().update(&self.session.id, update).await?)
    }

    async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Stop::Cancelled),
            done = work => Ok(done),
        }
    }

    fn save(&self, history: &History) {
        let choices = self.session.choices.lock().clone();
        let transcript = Transcript { mode: choices.mode, model: choices.model, history: history.clone() };
        if let Err(error) = self.agent.transcripts().save(&self.session.id, transcript) {
            eprintln!("model agent: the session {} cannot be kept: {error}", self.session.id);
        }
    }
}

impl Allowance<'_> {
    fn is_given(&self, choices: &Choices) -> bool {
        match self {
            Allowance::Edits => choices.allows_edits,
            Allowance::Command(command) => choices.allowed_commands.contains(*command),
            Allowance::Tool(tool) => choices.allowed_tools.contains(*tool),
        }
    }

    fn give(&self, choices: &mut Choices) {
        match self {
            Allowance::Edits => choices.allows_edits = true,
            Allowance::Command(command) => {
                choices.allowed_commands.insert((*command).to_owned());
            }
            Allowance::Tool(tool) => {
                choices.allowed_tools.insert((*tool).to_owned());
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Allowance::Edits => "Allow all edits",
            Allowance::Command(_) => "Always allow this command",
            Allowance::Tool(_) => "Always allow this tool",
        }
    }
}

fn text_content(text: &str) -> Value {
    json!([{"type": "content", "content": {"type": "text", "text": text}}])
}

fn diff_content(change: &Change) -> Value {
    let Change { place, before, after } = change;
    if before.as_ref().map_or(0, String::len) + after.len() > MAX_DIFF {
        return text_content(&format!("The change is too large to be shown ({} bytes).", after.len()));
    }
    json!([{"type": "diff", "path": place.path(), "oldText": before, "newText": after}])
}

/// Returns an object with the members of another.
fn with(object: &Value, more: Value) -> Value {
    let mut object = object.clone();
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}
