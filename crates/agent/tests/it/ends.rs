//! How processes end, and that nothing of them is left.

use crate::harness::{Running, TIMEOUT, in_time, place, start};
use agent::{AgentError, AgentEvent, Launch, Process, is_alive};
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::sync::mpsc;

/// Waits for the last event and returns what came before it.
async fn until_exited(agent: &mut Running) -> (Vec<AgentEvent>, agent::Exit) {
    let mut before = Vec::new();
    loop {
        match agent.next().await {
            AgentEvent::Exited(exit) => {
                assert_eq!(agent.reported(), []);
                return (before, exit);
            }
            event => before.push(event),
        }
    }
}

fn exists(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[tokio::test]
async fn a_crash_in_a_turn_tells_its_last_words() {
    let steps =
        "[[sessions]]\ntask = \"1\"\nsteps = [{ run = \"true\" }, { say = \"So far.\" }, { crash = 3 }]";
    let place = place(steps);
    let unwatched = Launch { watchers: None, ..place.launch() };
    let prepared = place.launch();
    prepared.watchers.as_ref().unwrap().prepare();
    for launch in [place.launch(), unwatched, prepared] {
        let mut agent = start(launch, 100).await;
        let session = agent.session(&place.folder("work")).await;
        let error = agent.take(&session, "1").await.unwrap_err();
        assert_eq!(error.class().as_str(), "agent_crashed");
        let AgentError::Crashed { status, stderr } = &error else { panic!("{error:?}") };
        assert_eq!(status, "exit code 3");
        assert!(stderr.contains("crashing with code 3"), "{stderr}");
        assert!(agent.process.stderr_tail().contains("crashing with code 3"));
        let (before, exit) = until_exited(&mut agent).await;
        assert_eq!((exit.code, exit.requested), (Some(3), false));
        // What it said before it ended is not lost.
        assert!(before.iter().any(|event| format!("{event:?}").contains("So far.")));
        assert!(!agent.process.alive());
        assert_eq!(agent.take(&session, "1").await.unwrap_err().class().as_str(), "agent_crashed");
    }
}

#[tokio::test]
async fn an_agent_that_hangs_is_ended_by_stop() {
    let place = place("[[sessions]]\ntask = \"1\"\nsteps = [{ say = \"Thinking.\" }, { hang = true }]");
    let mut agent = place.start().await;
    let session = agent.session(&place.folder("work")).await;
    let turn = agent.begin(&session, "1");
    agent.heard().await;
    agent.process.cancel(&session).await;
    let exit = in_time(agent.process.stop()).await;
    assert!(exit.requested);
    assert!(!is_alive(agent.process.identity()));
    assert!(matches!(in_time(turn).await.unwrap(), Err(AgentError::Closed)));
    assert_eq!(until_exited(&mut agent).await.1, exit);
}

#[tokio::test]
async fn stop_ends_a_child_that_left_the_agents_session() {
    let place = place("[[sessions]]\ntask = \"1\"\nsteps = [{ stray = \"sleep 1000\" }, { quiet = true }]");
    let mut agent = place.start().await;
    let session = agent.session(&place.folder("work")).await;
    let turn = agent.begin(&session, "1");
    let pid = stray(&mut agent).await;
    assert!(exists(&pid));
    in_time(agent.process.stop()).await;
    assert!(!exists(&pid));
    assert!(in_time(turn).await.unwrap().is_err());
}

#[tokio::test]
async fn a_crash_ends_a_child_that_left_the_agents_session() {
    let place = place(
        "[[sessions]]\ntask = \"1\"\nsteps = [{ stray = \"sleep 1000\" }, { ask = \"Go on?\" }, { crash = 1 }]",
    );
    let mut agent = place.start().await;
    let session = agent.session(&place.folder("work")).await;
    let turn = agent.begin(&session, "1");
    let pid = stray(&mut agent).await;
    let (_, request) = agent.asked().await;
    assert!(exists(&pid));
    agent.process.answer_permission(request, &agent::PermissionAnswer::Selected("allow".into()));
    assert!(in_time(turn).await.unwrap().is_err());
    until_exited(&mut agent).await;
    assert!(!exists(&pid));
}

/// The process that a `stray` step says it left behind.
async fn stray(agent: &mut Running) -> String {
    let mut said = String::new();
    while !said.ends_with("behind.") {
        said.push_str(&agent.heard().await);
    }
    said.chars().filter(char::is_ascii_digit).collect()
}

#[tokio::test]
async fn an_agent_ends_with_the_last_hold_on_it() {
    let place = place("");
    let Running { process, mut events } = place.start().await;
    let identity = process.identity();
    drop(process);
    let AgentEvent::Exited(exit) = in_time(events.recv()).await.unwrap() else { panic!("it exits") };
    assert!(exit.requested);
    assert!(!is_alive(identity));
}

#[tokio::test]
async fn a_recorded_tree_is_ended_by_its_identity() {
    let place = place("[[sessions]]\ntask = \"1\"\nsteps = [{ stray = \"sleep 1000\" }, { hang = true }]");
    let mut agent = place.start().await;
    let session = agent.session(&place.folder("work")).await;
    let turn = agent.begin(&session, "1");
    let pid = stray(&mut agent).await;
    let identity = agent.process.identity();
    tokio::task::spawn_blocking(move || agent::kill_tree(identity)).await.unwrap();
    assert!(!is_alive(identity) && !exists(&pid));
    assert_eq!(in_time(turn).await.unwrap().unwrap_err().class().as_str(), "agent_crashed");
}

/// Nobody is left to stop the agent, so the shim does.
#[tokio::test]
async fn the_death_of_the_server_ends_the_whole_tree() {
    let script = r#""$0" exec-agent -- sh -c 'setsid sleep 1000 & echo started; sleep 1000' & wait"#;
    let mut server = tokio::process::Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_scripted-agent")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(server.stdout.take().unwrap());
    let mut line = String::new();
    in_time(output.read_line(&mut line)).await.unwrap();
    assert_eq!(line, "started\n");
    server.kill().await.unwrap();
    // The output ends when nobody holds it any more.
    let rest = tokio::time::timeout(TIMEOUT, output.read_to_string(&mut line)).await;
    assert!(rest.is_ok(), "somebody of the tree is left");
}

#[tokio::test]
async fn a_command_that_is_not_there_comes_with_a_hint() {
    let (events, _keep) = mpsc::channel(1);
    let launch = Launch::new("opencode-that-nobody-has", Vec::new(), Path::new("/"));
    let error = Process::start(launch, events).await.err().unwrap();
    assert_eq!(error.class().as_str(), "agent_missing");
    assert!(error.to_string().contains("configuration"), "{error}");
}
