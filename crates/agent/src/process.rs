//! One agent process with its sessions.

use crate::offers::Offers;
use crate::permissions::Permissions;
use crate::prompt::{self, PromptFile};
use crate::readable::readable;
use crate::tail::Tail;
use crate::tap::{Loading, OPEN_REQUESTS, Tap};
use crate::tree::{self, ProcessIdentity};
use crate::turn::Turns;
use crate::{AgentError, AgentEvent, AgentInfo, Exit, Launch, PermissionAnswer, TurnEnd, failure};
use agent_client_protocol::schema::ProtocolVersion;
use agent_client_protocol::v1::schema::{
    CancelNotification, Implementation, InitializeRequest, PromptRequest,
};
use agent_client_protocol::{
    Agent, Builder, Client, ConnectionTo, Error, ErrorCode, JsonRpcMessage, Lines, Responder, UntypedMessage,
};
use futures::StreamExt as _;
use rustix::process::Signal;
use serde_json::Value;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::{CancellationToken, DropGuard, PollSender};

/// How long an agent may take to end after its standard input was closed.
const AFTER_CLOSE: Duration = Duration::from_secs(1);

/// How long an agent may take to end after SIGTERM.
const AFTER_TERM: Duration = Duration::from_secs(2);

/// How long to wait for the status of a process whose output has ended.
const AFTER_SILENCE: Duration = Duration::from_secs(4);

/// The code of an answer that says that a session is not there.
const UNKNOWN_SESSION: i64 = -32002;

/// Words by which adapters report that the program they drive has ended.
const ENGINE_DIED: [&str; 3] = ["process exited unexpectedly", "process died", "process has exited"];

/// A running agent. Cheap to clone; the process ends when it is stopped or the last clone is dropped.
#[derive(Clone)]
pub struct Process(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) link: Link,
    pub(crate) info: AgentInfo,
    /// Folders beside its working directory in which the agent's sessions may work.
    pub(crate) additional_directories: Vec<PathBuf>,
    /// The names of the variables in the agent's environment.
    pub(crate) variables: Vec<String>,
}

/// Everything that talks to the process.
pub(crate) struct Link {
    identity: ProcessIdentity,
    connection: ConnectionTo<Agent>,
    permissions: Permissions,
    pub(crate) loading: Loading,
    pub(crate) offers: Offers,
    turns: Turns,
    /// How many updates were reported.
    updates: Arc<AtomicU64>,
    stderr: Tail,
    exit: watch::Receiver<Option<Exit>>,
    stop: CancellationToken,
    start_timeout: Duration,
    /// Ends the process at once when the link is dropped.
    _kill: DropGuard,
}

impl Process {
    /// Starts an agent and introduces us to it: as a client without file system and terminal.
    ///
    /// The caller must keep receiving `events`: a full channel stops the agent from being heard, answers included.
    pub async fn start(launch: Launch, events: mpsc::Sender<AgentEvent>) -> Result<Process, AgentError> {
        let link = Link::open(&launch, events).await?;
        let ours = Implementation::new("spectask", env!("CARGO_PKG_VERSION"));
        let request = InitializeRequest::new(ProtocolVersion::V1).client_info(ours);
        let answer = link.call_in_time("initialize", &request).await?;
        if let Some(watchers) = launch.watchers.clone() {
            tokio::spawn(async move { watchers.prepare_soon().await });
        }
        let info = AgentInfo::read(&answer);
        if info.protocol_version != 1 {
            let message = match answer["protocolVersion"].as_u64() {
                Some(version) => format!("it speaks version {version} of ACP, and version 1 is needed"),
                None => "it does not say which version of ACP it speaks".to_owned(),
            };
            return Err(AgentError::Protocol { message });
        }
        let process = Process(Arc::new(Inner {
            link,
            info,
            additional_directories: launch.additional_directories.clone(),
            variables: launch.environment().into_iter().map(|(name, _)| name).collect(),
        }));
        if let Some(method) = &launch.auth_method {
            process.authenticate(method).await?;
        }
        Ok(process)
    }

    pub fn info(&self) -> &AgentInfo {
        &self.0.info
    }

    /// Returns the root of the agent's process tree, to be recorded for [`crate::kill_tree`].
    pub fn identity(&self) -> ProcessIdentity {
        self.0.link.identity
    }

    /// Prompts a session with a text alone; see [`Self::prompt_with`].
    pub async fn prompt(
        &self,
        session: &str,
        text: &str,
        meta: Option<Value>,
    ) -> Result<TurnEnd, AgentError> {
        self.prompt_with(session, text, &[], meta).await
    }

    /// Prompts a session and waits for the end of the turn, however long it takes. The turn continues when the future is
    /// dropped. A turn that the agent ends as usual although its model failed is an error.
    pub async fn prompt_with(
        &self,
        session: &str,
        text: &str,
        files: &[PromptFile],
        meta: Option<Value>,
    ) -> Result<TurnEnd, AgentError> {
        self.0.link.loading.end(session);
        let content = prompt::blocks(text, files, &self.0.info);
        let request = PromptRequest::new(session.to_owned(), content).meta(object(meta));
        self.0.link.turns.begin(session);
        let answer = self.0.call(&request).await;
        // The answer is read after the updates before it.
        let updates = self.0.link.updates.load(Ordering::Relaxed);
        self.0.link.permissions.withdraw(session);
        let heard = self.0.link.turns.end(session);
        let raw = answer.map_err(|error| match error {
            // An agent that does not know its session has lost it with what drove it.
            AgentError::Refused { code: UNKNOWN_SESSION, message } => AgentError::EngineDied { message },
            error => error,
        })?;
        let stop_reason = raw["stopReason"].as_str().unwrap_or("unknown").to_owned();
        if let Some(failure) = heard.failure(&stop_reason) {
            return Err(self.0.with_sign_in_hint(failure));
        }
        let usage = ["/usage", "/_meta/usage", "/_meta/quota/token_count"];
        let usage = usage.iter().find_map(|place| raw.pointer(place).filter(|usage| !usage.is_null()));
        let (usage, is_silent) = (usage.cloned(), heard.is_silent(&stop_reason));
        let last_message = heard.into_last_message();
        Ok(TurnEnd { stop_reason, usage, last_message, is_silent, updates, raw })
    }

    /// Asks the agent to end the session's turn. It is a wish: only the prompt's answer is the end of the turn.
    #[expect(
        clippy::unused_async,
        reason = "sending may come to wait, and callers should not have to change then"
    )]
    pub async fn cancel(&self, session: &str) {
        self.0.link.permissions.withdraw(session);
        // An agent that is gone has nothing to cancel.
        let _ = self.0.link.connection.send_notification(CancelNotification::new(session.to_owned()));
    }

    /// Answers a permission request. One that was withdrawn is left alone.
    pub fn answer_permission(&self, request_id: u64, answer: &PermissionAnswer) {
        self.0.link.permissions.answer(request_id, answer);
    }

    /// Ends the process and everything it started: its input is closed, then SIGTERM, then SIGKILL.
    pub async fn stop(&self) -> Exit {
        self.0.link.stop.cancel();
        self.0.link.exit().await
    }

    /// Begins to end the process and everything it started, without waiting for it.
    pub fn stop_soon(&self) {
        self.0.link.stop.cancel();
    }

    /// Waits until the process has ended by itself or was stopped.
    pub async fn exited(&self) -> Exit {
        self.0.link.exit().await
    }

    pub fn alive(&self) -> bool {
        self.0.link.exit.borrow().is_none()
    }

    /// Returns the end of what the agent wrote to standard error, and what it wrote to standard output that is no
    /// message.
    pub fn stderr_tail(&self) -> String {
        self.0.link.stderr.text()
    }
}

impl Inner {
    pub(crate) async fn call(&self, request: &impl JsonRpcMessage) -> Result<Value, AgentError> {
        let answer = self.link.call(request).await;
        answer.map_err(|error| self.with_sign_in_hint(error))
    }

    pub(crate) async fn call_in_time(
        &self,
        what: &str,
        request: &impl JsonRpcMessage,
    ) -> Result<Value, AgentError> {
        let answer = self.link.call_in_time(what, request).await;
        answer.map_err(|error| self.with_sign_in_hint(error))
    }

    /// Adds the ways to sign in that the agent named when it started.
    fn with_sign_in_hint(&self, error: AgentError) -> AgentError {
        let AgentError::AuthNeeded { mut message } = error else { return error };
        for method in &self.info.auth_methods {
            message.push_str("\n- ");
            message.push_str(&method.name);
            if !method.description.is_empty() {
                message.push_str(": ");
                message.push_str(&method.description);
            }
        }
        AgentError::AuthNeeded { message }
    }
}

impl Link {
    async fn open(launch: &Launch, events: mpsc::Sender<AgentEvent>) -> Result<Link, AgentError> {
        let mut child = launch.spawn().await?;
        let identity = child.id().and_then(ProcessIdentity::of);
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(identity), (Some(stdin), Some(stdout), Some(stderr))) = (identity, pipes) else {
            return Err(AgentError::Protocol {
                message: "it has no standard streams, or /proc is not there".into(),
            });
        };

        let tail = Tail::new(launch.stderr_bytes);
        let permissions = Permissions::new(events.clone());
        let loading = Loading::default();
        let turns = Turns::default();
        let offers = Offers::default();
        let updates = Arc::new(AtomicU64::default());
        let requests = Arc::new(Semaphore::new(OPEN_REQUESTS));
        let (ended, stop, kill, closing) = Default::default();
        let _: [&CancellationToken; 4] = [&ended, &stop, &kill, &closing];

        let (incoming, incoming_lines) = mpsc::channel(64);
        let tap = Tap {
            events: events.clone(),
            protocol: incoming,
            loading: loading.clone(),
            turns: turns.clone(),
            offers: offers.clone(),
            updates: updates.clone(),
            requests: requests.clone(),
            noise: tail.clone(),
            ended: ended.clone(),
        };
        let limit = launch.max_line_bytes;
        let output_end = CancellationToken::new();
        let output_ended = output_end.clone().drop_guard();
        tokio::spawn(async move {
            tap.run(stdout, limit).await;
            drop(output_ended);
        });
        let last_words = tokio::spawn(tail.clone().follow(stderr));
        let (outgoing, outgoing_lines) = mpsc::channel(64);
        tokio::spawn(write(stdin, outgoing_lines, requests, closing.clone()));

        let connection = connect(outgoing, incoming_lines, permissions.clone(), ended.clone()).await?;
        let (exit_sender, exit) = watch::channel(None);
        let is_watched = launch.watchers.is_some();
        let keeper = Keeper {
            child,
            identity,
            is_watched,
            stop: stop.clone(),
            kill: kill.clone(),
            closing,
            output_end: output_end.clone(),
        };
        let last = permissions.clone();
        tokio::spawn(async move {
            let exit = keeper.run().await;
            ended.cancel();
            // Why an agent ended is in its last words, so they are read before its end is known.
            let _ = tokio::time::timeout(AFTER_CLOSE, last_words).await;
            exit_sender.send_replace(Some(exit.clone()));
            // What the agent wrote before it ended still counts, so this is the last event.
            output_end.cancelled().await;
            last.withdraw_all().await;
            let _ = events.send(AgentEvent::Exited(exit)).await;
        });
        Ok(Link {
            identity,
            connection,
            permissions,
            loading,
            offers,
            turns,
            updates,
            stderr: tail,
            exit,
            stop,
            start_timeout: launch.start_timeout,
            _kill: kill.drop_guard(),
        })
    }

    /// Sends a request and waits for its answer in whatever shape it comes.
    async fn call(&self, request: &impl JsonRpcMessage) -> Result<Value, AgentError> {
        let message =
            request.to_untyped_message().map_err(|error| AgentError::Protocol { message: error.message })?;
        let session =
            (message.method == "session/load").then(|| message.params["sessionId"].as_str()).flatten();
        let session = session.map(str::to_owned);
        let prepared = self.connection.prepare_request(message);
        if let Some(session) = session {
            let id = serde_json::to_string(prepared.raw_id()).unwrap_or_default();
            self.loading.begin(id, session);
        }
        let (sender, answer) = oneshot::channel();
        // A task of its own, because dropping the request would send the agent a cancellation that few understand.
        tokio::spawn(async move { sender.send(prepared.block_task().await) });
        match answer.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.failure(error).await),
            Err(_) => Err(self.ended().await),
        }
    }

    async fn call_in_time(&self, what: &str, request: &impl JsonRpcMessage) -> Result<Value, AgentError> {
        let answer = tokio::time::timeout(self.start_timeout, self.call(request)).await;
        answer.unwrap_or_else(|_| Err(AgentError::TimedOut { what: what.to_owned() }))
    }

    async fn failure(&self, error: Error) -> AgentError {
        if agent_client_protocol::is_incoming_transport_closed(&error)
            || agent_client_protocol::is_connection_terminated(&error)
            || self.exit.borrow().is_some()
        {
            return self.ended().await;
        }
        let code = i64::from(error.code.value());
        let message = sentence(&error);
        if error.code == ErrorCode::AUTH_REQUIRED {
            return AgentError::AuthNeeded { message };
        }
        let data = error.data.unwrap_or_default();
        if data["restartable"].is_boolean() || ENGINE_DIED.iter().any(|words| message.contains(words)) {
            return AgentError::EngineDied { message };
        }
        // Codes decide before words, and the agent's own before those of what it passes on.
        let kind = ["errorKind", "code", "type", "status"].into_iter().find_map(|key| data[key].as_str());
        let status = || data["statusCode"].as_u64().or_else(|| u64::try_from(code).ok());
        let text = format!("{} {data}", error.message);
        let class = kind
            .and_then(failure::by_code)
            .or_else(|| failure::by_text(&error.message))
            .or_else(|| failure::by_text(&message))
            .or_else(|| status().and_then(failure::by_status));
        match class {
            Some(class) => AgentError::of_class(class, message, &text),
            None => AgentError::Refused { code, message },
        }
    }

    /// Returns why an answer cannot come any more.
    async fn ended(&self) -> AgentError {
        let exit = tokio::time::timeout(AFTER_SILENCE + AFTER_CLOSE + AFTER_TERM, self.exit()).await;
        match exit {
            Ok(exit) if exit.requested && self.stop.is_cancelled() => AgentError::Closed,
            Ok(exit) if exit.requested => AgentError::Protocol {
                message: "it closed its output and went on running, so it was ended".into(),
            },
            Ok(exit) => AgentError::Crashed { status: exit.to_string(), stderr: self.stderr.text() },
            Err(_) => AgentError::Crashed { status: "an unknown status".into(), stderr: self.stderr.text() },
        }
    }

    async fn exit(&self) -> Exit {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await;
        ended.ok().and_then(|exit| exit.clone()).unwrap_or_default()
    }
}

/// Gives the protocol library its two ends and returns the connection once it runs.
async fn connect(
    outgoing: mpsc::Sender<String>,
    incoming: mpsc::Receiver<std::io::Result<String>>,
    permissions: Permissions,
    ended: CancellationToken,
) -> Result<ConnectionTo<Agent>, AgentError> {
    let sink = PollSender::new(outgoing);
    let sink = futures::SinkExt::sink_map_err(sink, |_| std::io::ErrorKind::BrokenPipe.into());
    let stream = futures::stream::unfold(incoming, async |mut lines| Some((lines.recv().await?, lines)));
    let (sender, connection) = oneshot::channel();
    // The builder without a version guard: versions are checked by us, with a sentence that says what is wrong.
    let run = Builder::new(Client)
        .name("agent")
        .on_receive_request(
            async move |request: UntypedMessage, responder: Responder<Value>, _connection| {
                if request.method == "session/request_permission" {
                    permissions.open(&request.params, responder);
                    return Ok(());
                }
                // File system and terminal are not offered, yet some agents ask for them.
                responder.respond_with_error(Error::method_not_found())
            },
            agent_client_protocol::on_receive_request!(),
        )
        .connect_with(Lines::new(sink, stream.boxed()), async move |connection| {
            let _ = sender.send(connection.clone());
            ended.cancelled().await;
            connection.incoming_closed().await;
            Ok(())
        });
    tokio::spawn(async move {
        if let Err(error) = run.await {
            tracing::debug!(%error, "the connection to an agent ended");
        }
    });
    connection.await.map_err(|_| AgentError::Protocol { message: "the connection did not begin".into() })
}

/// Writes lines to the agent until its input is to be closed.
async fn write(
    mut stdin: ChildStdin,
    mut lines: mpsc::Receiver<String>,
    requests: Arc<Semaphore>,
    closing: CancellationToken,
) {
    let pump = async {
        while let Some(mut line) = lines.recv().await {
            let is_answer = serde_json::from_str::<Envelope>(&line).is_ok_and(|line| line.method.is_none());
            line.push('\n');
            if stdin.write_all(line.as_bytes()).await.is_err() {
                break;
            }
            if is_answer {
                requests.add_permits(1);
            }
        }
    };
    tokio::select! {
        () = pump => (),
        () = closing.cancelled() => (),
    }
    // No answers come any more, so reading must not wait for them.
    requests.close();
}

#[derive(serde::Deserialize)]
struct Envelope {
    method: Option<serde::de::IgnoredAny>,
}

/// Waits for the end of a process, brings it about when asked, and clears up after it.
struct Keeper {
    child: Child,
    identity: ProcessIdentity,
    /// A watcher ends by itself after the agent, so it gets no SIGTERM.
    is_watched: bool,
    stop: CancellationToken,
    kill: CancellationToken,
    closing: CancellationToken,
    output_end: CancellationToken,
}

impl Keeper {
    async fn run(mut self) -> Exit {
        let output_end = self.output_end.clone();
        let silence = async {
            output_end.cancelled().await;
            tokio::time::sleep(AFTER_SILENCE / 2).await;
        };
        let (kill, stop) = (self.kill.clone(), self.stop.clone());
        let (status, requested) = tokio::select! {
            status = self.child.wait() => (status.ok(), false),
            () = kill.cancelled() => (self.end_now().await, true),
            () = stop.cancelled() => (self.end().await, true),
            () = silence => (self.end().await, true),
        };
        self.closing.cancel();
        let identity = self.identity;
        // What the process left behind ends with it.
        let _ = tokio::task::spawn_blocking(move || tree::kill_now(identity)).await;
        let code = status.and_then(|status| status.code());
        Exit { code, signal: status.and_then(|status| status.signal()), requested }
    }

    async fn end(&mut self) -> Option<ExitStatus> {
        self.closing.cancel();
        if let Ok(status) = tokio::time::timeout(AFTER_CLOSE, self.child.wait()).await {
            return status.ok();
        }
        let (identity, is_watched) = (self.identity, self.is_watched);
        let term = move || tree::signal_all(identity, Signal::TERM, !is_watched);
        let _ = tokio::task::spawn_blocking(term).await;
        if let Ok(status) = tokio::time::timeout(AFTER_TERM, self.child.wait()).await {
            return status.ok();
        }
        self.end_now().await
    }

    async fn end_now(&mut self) -> Option<ExitStatus> {
        let identity = self.identity;
        let _ = tokio::task::spawn_blocking(move || tree::kill_now(identity)).await;
        self.child.wait().await.ok()
    }
}

/// Returns what an error says, with its details, which often hold all there is to know.
fn sentence(error: &Error) -> String {
    let details = error.data.as_ref().and_then(|data| match data {
        Value::String(text) => Some(text.clone()),
        Value::Object(object) => ["details", "message", "error"]
            .iter()
            .find_map(|key| object.get(*key)?.as_str().map(str::to_owned)),
        _ => None,
    });
    let message = readable(&error.message);
    match details.map(|details| readable(&details)) {
        Some(details) if !details.is_empty() && !message.contains(&details) => {
            format!("{message}: {details}")
        }
        _ => message,
    }
}

pub(crate) fn object(meta: Option<Value>) -> Option<serde_json::Map<String, Value>> {
    match meta {
        Some(Value::Object(object)) => Some(object),
        _ => None,
    }
}
