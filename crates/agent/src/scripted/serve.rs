//! The agent's main loop: what the client says, line by line, and which session it concerns.

use super::memory::{Memory, Remembered};
use super::play::{Playing, Stage, Stop, Thread};
use super::scenario::{Offers, Scenario};
use super::told::Told;
use super::turn;
use crate::wire::{RpcError, Wire};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The pause between chunks and steps where `SPECTASK_SCRIPTED_PACE_MS` does not say another.
const PACE: Duration = Duration::from_millis(40);

/// How long turns may take to end after the input did.
const FAREWELL: Duration = Duration::from_millis(500);

/// How long a hanging agent outlives its input, for want of anyone who ends it.
const HANG: Duration = Duration::from_mins(1);

/// Serves sessions on standard input and output until the input ends.
pub async fn serve(scenarios: Option<PathBuf>) -> ExitCode {
    let agent = Agent::new(scenarios);
    let mut input = BufReader::new(tokio::io::stdin());
    let mut line = Vec::new();
    while let Ok(1..) = input.read_until(b'\n', &mut line).await {
        agent.on_message(&line);
        line.clear();
    }
    agent.end().await;
    ExitCode::SUCCESS
}

struct Agent {
    stage: Arc<Stage>,
    threads: Mutex<HashMap<String, Arc<Thread>>>,
    turns: TaskTracker,
    closing: CancellationToken,
}

impl Agent {
    fn new(scenarios: Option<PathBuf>) -> Agent {
        let pace = std::env::var("SPECTASK_SCRIPTED_PACE_MS").ok().and_then(|pace| pace.parse().ok());
        let memory = Memory::open(scenarios.as_deref());
        Agent {
            stage: Arc::new(Stage::new(
                Wire::to(std::io::stdout()),
                memory,
                scenarios,
                pace.map_or(PACE, Duration::from_millis),
            )),
            threads: Mutex::default(),
            turns: TaskTracker::new(),
            closing: CancellationToken::new(),
        }
    }

    /// Takes one line in. It never waits: a cancellation must be read while the client does not read the agent's messages.
    fn on_message(&self, line: &[u8]) {
        let Ok(mut message) = serde_json::from_slice::<Value>(line) else {
            if !line.trim_ascii().is_empty() {
                eprintln!("scripted agent: a line that is no message was passed over");
            }
            return;
        };
        let method = message["method"].as_str().map(str::to_owned);
        let params = message["params"].take();
        match (method, message.get("id").filter(|id| !id.is_null()).cloned()) {
            (Some(method), Some(id)) if method == "session/prompt" => self.prompt(id, &params),
            (Some(method), Some(id)) => self.respond(id, self.answer(&method, &params)),
            (Some(method), None) if method == "session/cancel" => {
                if let Some(thread) = params["sessionId"].as_str().and_then(|id| self.thread(id)) {
                    thread.cancel();
                }
            }
            (Some(_), None) => {}
            (None, Some(_)) => self.stage.wire.answered(message),
            (None, None) => self.respond(Value::Null, Err(RpcError::new(RpcError::INVALID, "no message"))),
        }
    }

    /// Answers a request that needs no time.
    fn answer(&self, method: &str, params: &Value) -> Result<Value, RpcError> {
        match method {
            "initialize" => Ok(json!({
                "protocolVersion": 1,
                "agentCapabilities": {"loadSession": true, "promptCapabilities": {"embeddedContext": true}},
                "agentInfo": {"name": "scripted-agent", "title": "Scripted agent", "version": env!("CARGO_PKG_VERSION")},
                "authMethods": [],
            })),
            "authenticate" => Ok(json!({})),
            "session/new" => {
                let id = self.stage.fresh("scripted");
                let cwd = directory(params)?;
                let Offers { options, commands } = self.offers(params, &cwd);
                let remembered = Remembered { cwd, options: options.clone(), ..Remembered::default() };
                self.open(&id, remembered, params)?;
                self.tell_commands(&id, commands);
                let mut answer = json!({"sessionId": id});
                if !options.is_empty() {
                    answer["configOptions"] = Value::Array(options);
                }
                Ok(answer)
            }
            "session/load" => {
                let id = params["sessionId"].as_str().unwrap_or_default();
                let open = self.thread(id).map(|thread| thread.remembered());
                let known = open.or_else(|| self.stage.memory.load(id));
                let known = known.ok_or_else(|| {
                    RpcError::new(RpcError::NOT_FOUND, format!("there is no session {id:?}"))
                })?;
                let cwd = directory(params)?;
                let Offers { commands, .. } = self.offers(params, &cwd);
                let options = known.options.clone();
                self.open(id, Remembered { cwd, ..known }, params)?;
                self.tell_commands(id, commands);
                Ok(if options.is_empty() { json!({}) } else { json!({"configOptions": options}) })
            }
            "session/set_config_option" => {
                let id = params["sessionId"].as_str().unwrap_or_default();
                let thread = self.thread(id).ok_or_else(|| {
                    RpcError::new(RpcError::NOT_FOUND, format!("there is no session {id:?}"))
                })?;
                let option = params["configId"].as_str().unwrap_or_default();
                let options = self.stage.set_option(&thread, option, &params["value"])?;
                Ok(json!({"configOptions": options}))
            }
            other => {
                Err(RpcError::new(RpcError::NO_METHOD, format!("the scripted agent does not know {other}")))
            }
        }
    }

    /// What the scenario of a session's task offers. A scenario that cannot be read says so in the first turn.
    fn offers(&self, params: &Value, cwd: &Path) -> Offers {
        let prompt = Told::read(params).and_then(|told| told.original_prompt);
        let found = prompt.map(|prompt| Scenario::find(self.stage.scenarios.as_deref(), &prompt, cwd));
        found.and_then(Result::ok).flatten().map(|scenario| scenario.offers).unwrap_or_default()
    }

    fn tell_commands(&self, id: &str, commands: Vec<Value>) {
        if commands.is_empty() {
            return;
        }
        let (wire, id) = (self.stage.wire.clone(), id.to_owned());
        self.turns.spawn(async move {
            let update = json!({"sessionUpdate": "available_commands_update", "availableCommands": commands});
            // A client that is gone needs no commands.
            let _ = wire.update(&id, update).await;
        });
    }

    fn open(&self, id: &str, remembered: Remembered, params: &Value) -> Result<(), RpcError> {
        let saved = self.stage.memory.save(id, &remembered);
        saved.map_err(|error| {
            RpcError::new(RpcError::FAILED, format!("the session cannot be remembered: {error}"))
        })?;
        let servers = params["mcpServers"].as_array().cloned().unwrap_or_default();
        let thread = Arc::new(Thread::new(id.to_owned(), remembered, Told::read(params), servers));
        if let Some(before) = self.threads().insert(id.to_owned(), thread) {
            before.cancel();
        }
        Ok(())
    }

    /// Begins a turn, which runs beside everything else.
    fn prompt(&self, id: Value, params: &Value) {
        let session = params["sessionId"].as_str().unwrap_or_default();
        let Some(thread) = self.thread(session) else {
            let error = RpcError::new(RpcError::NOT_FOUND, format!("there is no session {session:?}"));
            return self.respond(id, Err(error));
        };
        let Some(cancel) = thread.begin(&self.closing) else {
            return self
                .respond(id, Err(RpcError::new(RpcError::INVALID, "a turn is under way in this session")));
        };
        let blocks = params["prompt"].as_array().into_iter().flatten();
        let text: Vec<&str> = blocks.filter_map(|block| block["text"].as_str()).collect();
        let text = text.join("\n");
        let told = Told::read(params).or_else(|| thread.told.clone()).unwrap_or_default();
        let playing = Playing { stage: self.stage.clone(), thread, cancel, told };
        let closing = self.closing.clone();
        self.turns.spawn(async move {
            let played = turn::take(&playing, &text).await;
            let answer = match played {
                Ok(()) | Err(Stop::Ended) => Ok(json!({"stopReason": "end_turn"})),
                // This turn was not cancelled; the client must not take it for one that was.
                Err(Stop::Cancelled) if closing.is_cancelled() => return,
                Err(Stop::Cancelled) => Ok(json!({"stopReason": "cancelled"})),
                Err(Stop::Failed(error)) => Err(error),
                Err(Stop::Unheard) => return,
            };
            playing.thread.finish();
            // A client that is gone needs no answer.
            let _ = playing.stage.wire.respond(&id, answer).await;
        });
    }

    fn respond(&self, id: Value, answer: Result<Value, RpcError>) {
        let wire = self.stage.wire.clone();
        self.turns.spawn(async move { wire.respond(&id, answer).await });
    }

    /// Ends every turn, so that no command it runs stays behind.
    async fn end(&self) {
        self.closing.cancel();
        self.turns.close();
        let patience = if self.stage.wire.is_hanging() { HANG } else { FAREWELL };
        // Turns that have not ended by then end with the process.
        let _ = tokio::time::timeout(patience, self.turns.wait()).await;
        let _ = tokio::time::timeout(FAREWELL, self.stage.wire.drain()).await;
    }

    fn thread(&self, id: &str) -> Option<Arc<Thread>> {
        self.threads().get(id).cloned()
    }

    fn threads(&self) -> MutexGuard<'_, HashMap<String, Arc<Thread>>> {
        self.threads.lock()
    }
}

fn directory(params: &Value) -> Result<PathBuf, RpcError> {
    let cwd = PathBuf::from(params["cwd"].as_str().unwrap_or_default());
    if cwd.is_absolute() && cwd.is_dir() {
        return Ok(cwd);
    }
    Err(RpcError::new(
        RpcError::INVALID_PARAMS,
        format!("the working directory {} is not there", cwd.display()),
    ))
}
