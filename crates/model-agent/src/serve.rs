//! The agent's main loop: what the client says, line by line, and which session it concerns.

use crate::history::{History, Prompt};
use crate::model::{Model, ModelError};
use crate::modes::Mode;
use crate::options::Options;
use crate::replay;
use crate::session::{Choices, Session};
use crate::transcripts::Transcripts;
use crate::turn::{Stop, Turn, TurnEnd};
use crate::workspace::Workspace;
use agent::models::Endpoint;
use agent::wire::{RpcError, Wire};
use genai::chat::Binary;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, BufReader};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often the model is called in one turn, where the user does not say.
const MAX_STEPS: u32 = 200;
/// How often a call is repeated, where the user does not say.
const MAX_RETRIES: u32 = 3;
/// How long turns may take to end after the input did.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves sessions on standard input and output until the input ends.
pub async fn serve(options: Options) -> ExitCode {
    let mode = options.mode.as_deref().unwrap_or(Mode::default().id());
    if Mode::find(mode).is_none() {
        eprintln!("model agent: there is no mode {mode:?}; use default, accept-edits, auto or read-only");
        return ExitCode::from(2);
    }
    let agent = Agent::new(options, Wire::to(std::io::stdout()), Transcripts::find());
    agent.serve(BufReader::new(tokio::io::stdin())).await;
    ExitCode::SUCCESS
}

pub(crate) struct Agent {
    options: Options,
    wire: Wire,
    transcripts: Transcripts,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    turns: TaskTracker,
    closing: CancellationToken,
}

impl Agent {
    pub(crate) fn new(options: Options, wire: Wire, transcripts: Transcripts) -> Arc<Agent> {
        Arc::new(Agent {
            options,
            wire,
            transcripts,
            sessions: Mutex::default(),
            turns: TaskTracker::new(),
            closing: CancellationToken::new(),
        })
    }

    pub(crate) async fn serve(self: &Arc<Self>, mut input: impl AsyncBufRead + Unpin) {
        let mut line = Vec::new();
        while let Ok(1..) = input.read_until(b'\n', &mut line).await {
            self.receive(&line);
            line.clear();
        }
        self.closing.cancel();
        self.turns.close();
        // Turns that have not ended by then end with the process.
        let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, self.turns.wait()).await;
        let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, self.wire.drain()).await;
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    pub(crate) fn transcripts(&self) -> &Transcripts {
        &self.transcripts
    }

    pub(crate) fn max_steps(&self) -> u32 {
        self.options.max_steps.unwrap_or(MAX_STEPS)
    }

    pub(crate) fn context_tokens(&self, model: &Model) -> u64 {
        self.options.context_tokens.unwrap_or_else(|| model.provider().context_tokens())
    }

    /// Returns a model by its name, when what it needs is set.
    pub(crate) fn model(&self, name: &str) -> Result<Model, ModelError> {
        let Options { provider, base_url, max_retries, .. } = &self.options;
        let endpoint = Endpoint::find(name, *provider, base_url.as_deref(), &|name| std::env::var(name).ok())
            .map_err(|error| ModelError::SignIn(error.to_string()))?;
        Model::new(endpoint, max_retries.unwrap_or(MAX_RETRIES)).map_err(ModelError::Failed)
    }

    /// Takes one line in. It never waits: a cancellation must be read while the client does not read the agent's messages.
    fn receive(self: &Arc<Self>, line: &[u8]) {
        let Ok(mut message) = serde_json::from_slice::<Value>(line) else {
            if !line.trim_ascii().is_empty() {
                eprintln!("model agent: a line that is no message was ignored");
            }
            return;
        };
        let method = message["method"].as_str().map(str::to_owned);
        let params = message["params"].take();
        match (method, message.get("id").filter(|id| !id.is_null()).cloned()) {
            (Some(method), Some(id)) if method == "session/prompt" => self.prompt(id, &params),
            (Some(method), Some(id)) => {
                let agent = self.clone();
                self.turns.spawn(async move {
                    let answer = agent.answer(&method, &params).await;
                    // A client that is gone needs no answer.
                    let _ = agent.wire.respond(&id, answer).await;
                });
            }
            (Some(method), None) if method == "session/cancel" => {
                if let Ok(session) = self.session(&params) {
                    session.cancel();
                }
            }
            (Some(_), None) => {}
            (None, Some(_)) => self.wire.answered(message),
            (None, None) => {
                self.respond(Value::Null, Err(RpcError::new(RpcError::INVALID, "this is no message")));
            }
        }
    }

    async fn answer(&self, method: &str, params: &Value) -> Result<Value, RpcError> {
        match method {
            "initialize" => Ok(json!({
                "protocolVersion": 1,
                "agentCapabilities": {
                    "loadSession": true,
                    "promptCapabilities": {"embeddedContext": true, "image": true},
                    "mcpCapabilities": {"http": true},
                    "sessionCapabilities": {"additionalDirectories": {}, "close": {}, "resume": {}},
                },
                "agentInfo": {"name": "spectask-model-agent", "title": "Model agent", "version": env!("CARGO_PKG_VERSION")},
                "authMethods": [],
            })),
            "authenticate" => Ok(json!({})),
            "session/new" => self.new_session(params),
            "session/load" => self.load_session(params, true).await,
            "session/resume" => self.load_session(params, false).await,
            "session/close" => {
                self.session(params)?.cancel();
                self.sessions.lock().remove(params["sessionId"].as_str().unwrap_or_default());
                Ok(json!({}))
            }
            "session/set_mode" => {
                self.set_mode(params, params["modeId"].as_str().unwrap_or_default())?;
                Ok(json!({}))
            }
            "session/set_config_option" => {
                let value = params["value"].as_str().unwrap_or_default();
                match params["configId"].as_str() {
                    Some("mode") => self.set_mode(params, value)?,
                    Some("model") => self.set_model(params, value)?,
                    other => {
                        return Err(invalid(format!(
                            "there is no option {other:?}; there are mode and model"
                        )));
                    }
                }
                let session = self.session(params)?;
                Ok(json!({"configOptions": self.config_options(&session)}))
            }
            other => {
                Err(RpcError::new(RpcError::NO_METHOD, format!("the model agent has no method {other}")))
            }
        }
    }

    fn new_session(&self, params: &Value) -> Result<Value, RpcError> {
        let model = self.options.models.first().cloned().unwrap_or_default();
        // A session that can never answer is refused at once.
        self.model(&model).map_err(as_rpc)?;
        self.transcripts.prune();
        let mode = self.options.mode.as_deref().and_then(Mode::find).unwrap_or_default();
        let id = format!("model-{}", ulid::Ulid::generate());
        let choices = Choices::new(mode, &model);
        let session = Arc::new(Session::new(
            id.clone(),
            workspace(params)?,
            &params["mcpServers"],
            choices,
            History::default(),
        ));
        let mut answer = self.state(&session);
        answer["sessionId"] = json!(id);
        self.sessions.lock().insert(id, session);
        Ok(answer)
    }

    /// Takes up a session of this or an earlier process, in the folders that the client names now.
    async fn load_session(&self, params: &Value, shows: bool) -> Result<Value, RpcError> {
        let id = params["sessionId"].as_str().unwrap_or_default();
        let known = self.transcripts.load(id).ok_or_else(|| unknown(id))?;
        let offered = |model: &String| self.options.models.contains(model);
        let model = Some(known.model).filter(offered).or_else(|| self.options.models.first().cloned());
        let model = model.unwrap_or_default();
        self.model(&model).map_err(as_rpc)?;
        let workspace = workspace(params)?;
        let updates = if shows { replay::updates(&known.history, &workspace) } else { Vec::new() };
        let choices = Choices::new(known.mode, &model);
        let session = Session::new(id.to_owned(), workspace, &params["mcpServers"], choices, known.history);
        let session = Arc::new(session);
        if let Some(before) = self.sessions.lock().insert(id.to_owned(), session.clone()) {
            before.cancel();
        }
        for update in updates {
            let sent = self.wire.update(id, update).await;
            sent.map_err(|error| RpcError::new(RpcError::FAILED, error.to_string()))?;
        }
        Ok(self.state(&session))
    }

    fn state(&self, session: &Session) -> Value {
        let mode = session.choices.lock().mode;
        if self.options.no_tools {
            return json!({"configOptions": self.config_options(session)});
        }
        json!({"modes": mode.list(), "configOptions": self.config_options(session)})
    }

    /// What can be chosen for a session; without tools all modes are the same.
    fn config_options(&self, session: &Session) -> Value {
        let Choices { mode, model, .. } = session.choices.lock().clone();
        let models: Vec<Value> =
            self.options.models.iter().map(|model| json!({"value": model, "name": model})).collect();
        let model = json!({
            "id": "model", "name": "Model", "category": "model", "type": "select", "currentValue": model, "options": models,
        });
        if self.options.no_tools { json!([model]) } else { json!([mode.config_option(), model]) }
    }

    fn set_mode(&self, params: &Value, id: &str) -> Result<(), RpcError> {
        let mode = Mode::find(id).ok_or_else(|| invalid(format!("there is no mode {id:?}")))?;
        self.session(params)?.choices.lock().mode = mode;
        Ok(())
    }

    fn set_model(&self, params: &Value, name: &str) -> Result<(), RpcError> {
        if !self.options.models.iter().any(|model| model == name) {
            let known = self.options.models.join(", ");
            return Err(invalid(format!("the model {name:?} is not offered; offered are {known}")));
        }
        self.model(name).map_err(as_rpc)?;
        name.clone_into(&mut self.session(params)?.choices.lock().model);
        Ok(())
    }

    /// Begins a turn, which runs beside everything else.
    fn prompt(self: &Arc<Self>, id: Value, params: &Value) {
        let session = match self.session(params) {
            Ok(session) => session,
            Err(error) => return self.respond(id, Err(error)),
        };
        let Some((cancel, mut history)) = session.begin(&self.closing) else {
            let error = RpcError::new(RpcError::INVALID, "a turn is under way in this session");
            return self.respond(id, Err(error));
        };
        let prompt = read_prompt(&params["prompt"]);
        let turn = Turn { agent: self.clone(), session, cancel };
        let agent = self.clone();
        self.turns.spawn(async move {
            let ended = turn.run(&prompt, &mut history).await;
            drop(history);
            let answer = match ended {
                Ok(TurnEnd { stop_reason, usage }) => {
                    Ok(json!({"stopReason": stop_reason, "usage": usage.to_acp()}))
                }
                // This turn was not cancelled by the client, which must not take it for one that was.
                Err(Stop::Cancelled) if agent.closing.is_cancelled() => return,
                Err(Stop::Cancelled) => Ok(json!({"stopReason": "cancelled"})),
                Err(Stop::Failed(error)) => Err(error),
                Err(Stop::Disconnected) => return,
            };
            let _ = agent.wire.respond(&id, answer).await;
        });
    }

    fn respond(self: &Arc<Self>, id: Value, answer: Result<Value, RpcError>) {
        let wire = self.wire.clone();
        self.turns.spawn(async move { wire.respond(&id, answer).await });
    }

    fn session(&self, params: &Value) -> Result<Arc<Session>, RpcError> {
        let id = params["sessionId"].as_str().unwrap_or_default();
        self.sessions.lock().get(id).cloned().ok_or_else(|| unknown(id))
    }
}

/// The folders that a request names.
fn workspace(params: &Value) -> Result<Workspace, RpcError> {
    let cwd = PathBuf::from(params["cwd"].as_str().unwrap_or_default());
    if !cwd.is_absolute() || !cwd.is_dir() {
        return Err(invalid(format!("the working directory {} does not exist", cwd.display())));
    }
    let additional = params["additionalDirectories"].as_array().into_iter().flatten();
    let additional: Vec<PathBuf> =
        additional.filter_map(|path| Some(PathBuf::from(path.as_str()?))).collect();
    Workspace::new(&cwd, &additional)
        .map_err(|error| invalid(format!("the working directory {} cannot be used: {error}", cwd.display())))
}

/// Reads a prompt. Files that come with it are part of its text; links to others are named.
fn read_prompt(blocks: &Value) -> Prompt {
    let text = |block: &Value| match block["type"].as_str() {
        Some("text") => block["text"].as_str().map(str::to_owned),
        Some("resource") => {
            let resource = &block["resource"];
            let uri = resource["uri"].as_str().unwrap_or("a file");
            Some(format!("The content of {uri}:\n\n{}", resource["text"].as_str()?))
        }
        Some("resource_link") => Some(format!("See {}.", block["uri"].as_str()?)),
        _ => None,
    };
    let blocks = blocks.as_array().map(Vec::as_slice).unwrap_or_default();
    let images = blocks.iter().filter(|block| block["type"] == "image");
    let image = |block: &Value| {
        let media_type = block["mimeType"].as_str().unwrap_or("image/png").to_owned();
        Some(Binary::from_base64(media_type, block["data"].as_str()?, None))
    };
    Prompt {
        text: blocks.iter().filter_map(text).collect::<Vec<_>>().join("\n"),
        images: images.filter_map(image).collect(),
    }
}

fn invalid(message: String) -> RpcError {
    RpcError::new(RpcError::INVALID_PARAMS, message)
}

fn unknown(id: &str) -> RpcError {
    RpcError::new(RpcError::NOT_FOUND, format!("there is no session {id:?}"))
}

fn as_rpc(error: ModelError) -> RpcError {
    match error {
        ModelError::SignIn(message) => RpcError::new(RpcError::SIGN_IN_NEEDED, message),
        ModelError::TooLong(message) | ModelError::Refused(message) | ModelError::Failed(message) => {
            RpcError::new(RpcError::FAILED, message)
        }
        ModelError::Disconnected => RpcError::new(RpcError::FAILED, "the client is gone"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_links_are_part_of_a_prompt() {
        let prompt = json!([
            {"type": "text", "text": "Look at this."},
            {"type": "resource", "resource": {"uri": "file:///a", "text": "one"}},
            {"type": "resource_link", "uri": "file:///b", "name": "b"},
            {"type": "image", "mimeType": "image/gif", "data": "AAAA"},
        ]);
        let prompt = read_prompt(&prompt);
        assert_eq!(
            prompt.images.iter().map(|image| image.content_type.as_str()).collect::<Vec<_>>(),
            ["image/gif"]
        );
        assert_eq!(prompt.text, "Look at this.\nThe content of file:///a:\n\none\nSee file:///b.");
    }
}
