//! A place with scenarios, and an agent that plays them.

use agent::{AgentError, AgentEvent, Launch, Process, TurnEnd, Update};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

const BINARY: &str = env!("CARGO_BIN_EXE_scripted-agent");

/// How long a test waits for anything before it gives up.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);

/// A throw-away folder with scenarios and working directories.
pub(crate) struct Place(tempfile::TempDir);

/// A running agent and what it reports.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) events: mpsc::Receiver<AgentEvent>,
}

/// A place whose only scenario has these sessions.
pub(crate) fn place(sessions: &str) -> Place {
    let place = Place(tempfile::tempdir().unwrap());
    std::fs::create_dir(place.path("scenarios")).unwrap();
    let scenario = format!("id = \"test\"\nprompts = [\"Test\"]\n{sessions}");
    std::fs::write(place.path("scenarios/test.toml"), scenario).unwrap();
    place
}

impl Place {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A working directory.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.path(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    pub(crate) fn launch(&self) -> Launch {
        let scenarios = self.path("scenarios").to_string_lossy().into_owned();
        let mut launch = Launch::new(BINARY, vec!["--scenarios".to_owned(), scenarios], self.0.path());
        launch.env.push(("SPECTASK_SCRIPTED_PACE_MS".to_owned(), "0".to_owned()));
        launch.watchers = Some(agent::Watchers::new(vec![BINARY.to_owned(), "exec-agent".to_owned()]));
        launch
    }

    pub(crate) async fn start(&self) -> Running {
        start(self.launch(), 10_000).await
    }

    /// What a file of a working directory holds.
    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).unwrap()
    }
}

pub(crate) async fn start(launch: Launch, capacity: usize) -> Running {
    let (sender, events) = mpsc::channel(capacity);
    let process = Process::start(launch, sender).await.unwrap();
    Running { process, events }
}

impl Running {
    /// A session in a folder, whose turn is to carry out a planned task.
    pub(crate) async fn session(&self, cwd: &Path) -> String {
        self.process.new_session(cwd, &[], None).await.unwrap()
    }

    /// Begins a turn for a planned task; it goes on beside the test.
    pub(crate) fn begin(
        &self,
        session: &str,
        number: &str,
    ) -> tokio::task::JoinHandle<Result<TurnEnd, AgentError>> {
        let (process, session, told) = (self.process.clone(), session.to_owned(), implement(number));
        tokio::spawn(async move { process.prompt(&session, "Do it.", Some(told)).await })
    }

    /// Takes a turn for a planned task to its end.
    pub(crate) async fn take(&self, session: &str, number: &str) -> Result<TurnEnd, AgentError> {
        in_time(self.process.prompt(session, "Do it.", Some(implement(number)))).await
    }

    pub(crate) async fn next(&mut self) -> AgentEvent {
        in_time(self.events.recv()).await.expect("another event")
    }

    /// The next permission request.
    pub(crate) async fn asked(&mut self) -> (String, u64) {
        loop {
            if let AgentEvent::Permission { session, request_id, .. } = self.next().await {
                return (session, request_id);
            }
        }
    }

    /// Waits until the agent said something, and returns it.
    pub(crate) async fn heard(&mut self) -> String {
        loop {
            if let AgentEvent::Update { kind: Update::AgentText(text), .. } = self.next().await {
                return text;
            }
        }
    }

    /// What is reported already.
    pub(crate) fn reported(&mut self) -> Vec<AgentEvent> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    /// What the agent said in what is reported already.
    pub(crate) fn said(&mut self) -> String {
        let said = self.reported().into_iter().filter_map(|event| match event {
            AgentEvent::Update { kind: Update::AgentText(text), .. } => Some(text),
            _ => None,
        });
        said.collect()
    }
}

/// What the agent is told when it is to carry out a planned task.
pub(crate) fn implement(number: &str) -> Value {
    told(
        &json!({"phase": "implementation", "implementation_task_number": number, "ask": {"ask": "implement"}}),
    )
}

/// What the agent is told, for the prompt of the scenario.
pub(crate) fn told(fields: &Value) -> Value {
    let mut told = json!({"original_prompt": "A test.", "attempt": 1, "round": 1, "work_session_id": "ses_1", "title": "It"});
    for (name, value) in fields.as_object().unwrap() {
        told[name] = value.clone();
    }
    json!({"spectask": told})
}

pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, future).await.expect("it happens in time")
}

/// Runs git and returns what it says.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut git = std::process::Command::new("git");
    git.arg("-C")
        .arg(folder)
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
        .args(arguments);
    let output = git.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// A repository with one commit of these files.
pub(crate) fn repository(folder: &Path, files: &[(&str, &str)]) {
    git(folder, &["init", "-q", "-b", "main"]);
    for (file, text) in files {
        std::fs::write(folder.join(file), text).unwrap();
    }
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-qm", "Start"]);
}
