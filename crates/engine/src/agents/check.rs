//! Tries an agent as the server uses it: whether it starts, opens a session, answers, and writes where it has to.

use crate::agents::Agents;
use agent::{AgentError, AgentEvent, AgentInfo, Launch, PermissionAnswer, Process, TurnEnd, Update};
use protocol::AgentOption;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an agent may take for the few things that it is asked to do.
const TIMEOUT: Duration = Duration::from_mins(3);
/// The word that the agent is asked to write.
const WORD: &str = "spectask-check";

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    pub info: AgentInfo,
    /// The answer of the agent.
    pub answer: String,
    pub stop_reason: String,
    /// The options that it offers, such as model, mode and effort.
    pub options: Vec<AgentOption>,
    /// The files that it was asked to write and did not.
    pub missing: Vec<PathBuf>,
}

impl CheckReport {
    pub fn has_passed(&self) -> bool {
        self.missing.is_empty()
    }
}

/// Starts an agent and asks it to write a file in its working directory and one among documents beside it.
pub(crate) async fn check(agents: &Agents, id: &str) -> Result<CheckReport, AgentError> {
    let (mut launch, _network) = agents.launch_alone(id).await?;
    let place = launch.cwd.clone();
    let (folder, documents) = (place.join("work"), place.join("documents"));
    let made = std::fs::create_dir_all(&folder).and_then(|()| std::fs::create_dir_all(&documents));
    made.map_err(|source| AgentError::Spawn { command: id.to_owned(), source })?;
    launch.additional_directories.push(documents.clone());
    let report = run(launch, &folder, &documents).await;
    // Left behind only when something still holds it.
    let _ = std::fs::remove_dir_all(place.parent().unwrap_or(&place));
    report
}

/// What an agent said, how its turn ended, and the options that it offers.
type Checked = (String, TurnEnd, Vec<AgentOption>);

async fn run(launch: Launch, folder: &Path, documents: &Path) -> Result<CheckReport, AgentError> {
    let (events, mut heard) = tokio::sync::mpsc::channel(256);
    let process = Process::start(launch, events).await?;
    let files = [folder.join("check.txt"), documents.join("check.txt")];
    let prompt = format!(
        "This is a test of your tools. Do exactly this, and nothing else:\n\n\
         1. Write the file `{}` with the content `{WORD}`.\n2. Write the file `{}` with the content `{WORD}`.\n\
         3. Reply with the single word: ready\n",
        files[0].display(),
        files[1].display()
    );
    let asked = async {
        let session = process.new_session(folder, &[], None).await?;
        let asked = process.prompt(&session, &prompt, None);
        let mut asked = std::pin::pin!(asked);
        let mut answer = String::new();
        loop {
            tokio::select! {
                biased;
                Some(event) = heard.recv() => match event {
                    AgentEvent::Update { kind: Update::AgentText(text), .. } => answer.push_str(&text),
                    AgentEvent::Permission { request_id, options, .. } => {
                        let allowed = options.iter().find(|option| option.kind == "allow_once");
                        let answer = allowed.map_or(PermissionAnswer::Cancelled, |option| {
                            PermissionAnswer::Selected(option.id.clone())
                        });
                        process.answer_permission(request_id, &answer);
                    }
                    _ => {}
                },
                end = &mut asked => return end.map(|end| (answer, end, process.offer(&session).options)),
            }
        }
    };
    let asked: Result<Result<Checked, AgentError>, _> = tokio::time::timeout(TIMEOUT, asked).await;
    let info = process.info().clone();
    process.stop().await;
    let (answer, end, options) =
        asked.unwrap_or_else(|_| Err(AgentError::TimedOut { what: "the test".to_owned() }))?;
    let is_written = |file: &PathBuf| std::fs::read_to_string(file).is_ok_and(|text| text.contains(WORD));
    let missing = files.into_iter().filter(|file| !is_written(file)).collect();
    Ok(CheckReport { info, answer, stop_reason: end.stop_reason, options, missing })
}

/// What came of starting an agent and opening a session.
pub(crate) struct Probe {
    /// What it says of itself.
    pub(crate) info: Option<AgentInfo>,
    pub(crate) options: Vec<AgentOption>,
    /// Why it cannot be used.
    pub(crate) error: Option<AgentError>,
}

/// Starts an agent and opens a session.
pub(crate) async fn probe(agents: &Agents, id: &str) -> Probe {
    let failed = |error| Probe { info: None, options: Vec::new(), error: Some(error) };
    let (launch, _network) = match agents.launch_alone(id).await {
        Ok(launched) => launched,
        Err(error) => return failed(error),
    };
    let folder = launch.cwd.clone();
    let (events, mut heard) = tokio::sync::mpsc::channel(256);
    let drained = tokio::spawn(async move { while heard.recv().await.is_some() {} });
    let process = match Process::start(launch, events).await {
        Ok(process) => process,
        Err(error) => return failed(error),
    };
    let opened = process.new_session(&folder, &[], None).await;
    let info = process.info().clone();
    process.stop().await;
    drained.abort();
    // Left behind only when something still holds it.
    let _ = std::fs::remove_dir_all(&folder);
    let options = opened.as_ref().map(|session| process.offer(session).options).unwrap_or_default();
    Probe { info: Some(info), options, error: opened.err() }
}
