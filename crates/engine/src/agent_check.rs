//! Tries an agent as the server uses it: whether it starts, opens a session, answers, and writes where it has to.

use crate::agents::Agents;
use agent::{AgentError, AgentEvent, AgentInfo, Launch, PermissionAnswer, Process, TurnEnd, Update};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an agent may take for the few things that it is asked to do.
const TIMEOUT: Duration = Duration::from_mins(3);
/// What the agent is asked to write.
const WORD: &str = "spectask-check";

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckReport {
    pub info: AgentInfo,
    /// What the agent said.
    pub answer: String,
    pub stop_reason: String,
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
    let (mut launch, _network) = agents.launch_alone(id)?;
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
                end = &mut asked => return end.map(|end| (answer, end)),
            }
        }
    };
    let asked: Result<Result<(String, TurnEnd), AgentError>, _> = tokio::time::timeout(TIMEOUT, asked).await;
    let info = process.info().clone();
    process.stop().await;
    let (answer, end) =
        asked.unwrap_or_else(|_| Err(AgentError::TimedOut { what: "the test".to_owned() }))?;
    let is_written = |file: &PathBuf| std::fs::read_to_string(file).is_ok_and(|text| text.contains(WORD));
    let missing = files.into_iter().filter(|file| !is_written(file)).collect();
    Ok(CheckReport { info, answer, stop_reason: end.stop_reason, missing })
}

/// Starts an agent and opens a session: returns what it says of itself, and why it cannot be used.
pub(crate) async fn probe(agents: &Agents, id: &str) -> (Option<AgentInfo>, Option<AgentError>) {
    let (launch, _network) = match agents.launch_alone(id) {
        Ok(launched) => launched,
        Err(error) => return (None, Some(error)),
    };
    let folder = launch.cwd.clone();
    let (events, mut heard) = tokio::sync::mpsc::channel(256);
    let drained = tokio::spawn(async move { while heard.recv().await.is_some() {} });
    let process = match Process::start(launch, events).await {
        Ok(process) => process,
        Err(error) => return (None, Some(error)),
    };
    let opened = process.new_session(&folder, &[], None).await;
    let info = process.info().clone();
    process.stop().await;
    drained.abort();
    // Left behind only when something still holds it.
    let _ = std::fs::remove_dir_all(&folder);
    (Some(info), opened.err())
}
