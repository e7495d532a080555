//! Terminals of people in sessions' worktrees: what they run, how much they print, and when they end.

use crate::harness::{Server, TOKEN, git, text, until};
use crate::job::{Job, begin, note, scenario, session};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

/// How many bytes the server sends before they were shown, with one chunk more.
const MAX_UNSHOWN: usize = (512 + 16) * 1024;
/// How much may be under way between a program and the page: pipes, and a chunk in each stage.
const MAX_UNDER_WAY: usize = 512 * 1024;

type Stream = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

pub(crate) struct Terminal {
    stream: Stream,
    /// What was printed.
    printed: String,
    received: usize,
}

impl Terminal {
    /// Opens the terminal of a session, and returns it with the server's first message.
    pub(crate) async fn open(server: &Server, session: &str) -> (Self, Value) {
        let address = server.url.replace("http", "ws");
        let mut request = format!("{address}/api/v1/work-sessions/{session}/terminal?columns=200&rows=40")
            .into_client_request()
            .expect("a request");
        request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().expect("a header"));
        let stream = tokio_tungstenite::connect_async(request).await.expect("a socket").0;
        let mut terminal = Self { stream, printed: String::new(), received: 0 };
        let first = terminal.message().await;
        (terminal, first)
    }

    async fn next(&mut self) -> Message {
        let message = tokio::time::timeout(Duration::from_secs(20), self.stream.next()).await;
        message.expect("a message in time").expect("an open socket").expect("a message")
    }

    /// Reads until the server says something, and returns that.
    async fn message(&mut self) -> Value {
        loop {
            match self.next().await {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Binary(bytes) => self.take(&bytes),
                Message::Close(_) => panic!("closed; printed: {}", self.printed),
                _ => {}
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.received += bytes.len();
        self.printed.push_str(&String::from_utf8_lossy(bytes));
    }

    /// Reads until words were printed; what is read is shown.
    async fn until_printed(&mut self, words: &str) {
        while !self.printed.contains(words) {
            match self.next().await {
                Message::Binary(bytes) => {
                    self.take(&bytes);
                    self.tell(&json!({ "shown": bytes.len() })).await;
                }
                Message::Text(text) => panic!("{text} instead of {words}; printed: {}", self.printed),
                Message::Close(_) => panic!("closed; printed: {}", self.printed),
                _ => {}
            }
        }
    }

    pub(crate) async fn enter(&mut self, line: &str) {
        self.stream.send(Message::binary(format!("{line}\n").into_bytes())).await.expect("sent");
    }

    async fn tell(&mut self, message: &Value) {
        self.stream.send(Message::text(message.to_string())).await.expect("sent");
    }
}

/// Whether a process of this machine was started with a word among its arguments.
fn is_running(word: &str) -> bool {
    let all = std::fs::read_dir("/proc").expect("a process table").flatten();
    let mut commands = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    commands.any(|command| command.split(|byte| *byte == 0).any(|argument| argument == word.as_bytes()))
}

async fn until_begun(word: &str) {
    until_is(word, true).await;
}

async fn until_ended(word: &str) {
    until_is(word, false).await;
}

async fn until_is(word: &str, wanted: bool) {
    let begun = Instant::now();
    while is_running(word) != wanted {
        assert!(begun.elapsed() < Duration::from_secs(30), "the process {word} is running: {}", !wanted);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A task with a session that is at work in its worktree.
async fn begin_session() -> (Job, Value) {
    let waits = session(1, r#"{ write = "begun.md", content = "x\n" }, { wait_ms = 600000 }"#);
    let job = begin(&scenario(&(waits + &note(2)))).await;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    let list = format!("/spec-tasks/{}/work-sessions?phase=implementation", job.task);
    let is_at_work = |session: &Value| session["status"] == "active" && session["workspace_path"].is_string();
    let found = until(&job.server, &list, |list| is_at_work(&list["work_sessions"][0])).await;
    let session = found["work_sessions"][0].clone();
    // Its agent writes a file once the worktree is ready.
    let file = Path::new(&text(&session, "workspace_path")).join("begun.md");
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (job, session)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_runs_in_the_worktree() {
    let (job, session) = begin_session().await;
    let id = text(&session, "id");

    let (mut terminal, opened) = Terminal::open(&job.server, &id).await;
    assert_eq!(
        (opened["type"].as_str(), opened["is_new"].as_bool()),
        (Some("opened"), Some(true)),
        "{opened}"
    );
    terminal
        .enter("echo \"in=$(pwd)= \"; echo \"port=$SPECTASK_PORT_1= size=$(stty size)= session=$SPECTASK_SESSION=\"")
        .await;
    terminal.until_printed(&format!("in={}=", text(&session, "workspace_path"))).await;
    terminal.until_printed(&format!("size=40 200= session={id}=")).await;
    let port =
        terminal.printed.rsplit("port=").next().and_then(|rest| rest.split('=').next()?.parse::<u16>().ok());
    assert!(port.is_some_and(|port| port > 1024), "{}", terminal.printed);
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_comes_back_has_the_same_terminal() {
    let (job, session) = begin_session().await;
    let id = text(&session, "id");
    let (mut terminal, _) = Terminal::open(&job.server, &id).await;
    terminal.enter("echo ready$((1+1))").await;
    terminal.until_printed("ready2").await;
    // A page that comes back has the same terminal; one that is still there is told.
    let (mut again, opened) = Terminal::open(&job.server, &id).await;
    assert_eq!(opened["is_new"], false, "{opened}");
    let last = terminal.message().await;
    assert_eq!((last["type"].as_str(), last["reason"].as_str()), (Some("ended"), Some("replaced")), "{last}");
    again.until_printed("ready2").await;
    drop(terminal);
    drop(again);
    let (mut terminal, opened) = Terminal::open(&job.server, &id).await;
    assert_eq!(opened["is_new"], false, "{opened}");
    terminal.until_printed("ready2").await;

    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_waits_for_the_page() {
    let (job, session) = begin_session().await;
    let id = text(&session, "id");
    let (mut terminal, _) = Terminal::open(&job.server, &id).await;
    // A program that prints without end waits for the page.
    terminal.received = 0;
    terminal.enter("yes flood64391").await;
    while terminal.received < 500 * 1024 {
        let Message::Binary(bytes) = terminal.next().await else { panic!("no output") };
        terminal.take(&bytes);
    }
    terminal.stream.send(Message::binary(vec![3])).await.expect("sent");
    until_ended("flood64391").await;
    terminal.enter("echo over$((1+1))").await;
    let shown = terminal.received;
    assert!(shown <= MAX_UNSHOWN, "{shown}");
    terminal.tell(&json!({ "shown": shown })).await;
    terminal.until_printed("over2").await;
    assert!(terminal.received < MAX_UNSHOWN + MAX_UNDER_WAY, "{}", terminal.received);

    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_dead_does_not_hold_the_terminal() {
    let (job, session) = begin_session().await;
    let id = text(&session, "id");
    let (mut terminal, _) = Terminal::open(&job.server, &id).await;
    terminal.enter("yes").await;
    // It asks for ever more and takes nothing, until the server cannot send any more.
    for _ in 0..5000 {
        terminal.tell(&json!({ "shown": MAX_UNSHOWN })).await;
    }
    let begun = Instant::now();
    let (mut again, opened) = Terminal::open(&job.server, &id).await;
    assert_eq!(opened["is_new"], false, "{opened}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    again.stream.send(Message::binary(vec![3])).await.expect("sent");
    again.enter("echo over$((1+1))").await;
    again.until_printed("over2").await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_size_keeps_letters_whole_and_a_commit_is_made() {
    let (job, session) = begin_session().await;
    let id = text(&session, "id");
    let (mut terminal, _) = Terminal::open(&job.server, &id).await;
    terminal
        .enter(
            "printf 'gr\\303\\274\\303\\237e \\360\\237\\246\\200 %s\\n' \"$((1+1))\"; read -r _; stty size",
        )
        .await;
    terminal.until_printed("grüße 🦀 2").await;
    terminal.tell(&json!({ "resize": { "columns": 60, "rows": 20 } })).await;
    terminal.enter("").await;
    terminal.until_printed("20 60").await;
    assert!(!terminal.printed.contains('\u{fffd}'), "{}", terminal.printed);
    terminal
        .enter("echo typed > typed.md && git add typed.md && git -c user.name=Ada -c user.email=ada@example.org commit -qm 'Add typed'; echo done$((1+1))")
        .await;
    terminal.until_printed("done2").await;
    let worktree = text(&session, "workspace_path");
    assert_eq!(git(Path::new(&worktree), &["log", "-1", "--format=%s"]), "Add typed", "{}", terminal.printed);
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_ends_with_its_shell_and_its_worktree() {
    let (job, session) = begin_session().await;
    let id = text(&session, "id");
    let (mut terminal, _) = Terminal::open(&job.server, &id).await;
    // The shell's end is the terminal's.
    terminal.enter("sleep 71234567 & exit 3").await;
    let last = terminal.message().await;
    assert_eq!((last["reason"].as_str(), last["exit_code"].as_i64()), (Some("exited"), Some(3)), "{last}");
    until_ended("71234567").await;

    // Each opening is in the audit log, and the end of the worktree ends the terminal with everything in it.
    let (mut terminal, opened) = Terminal::open(&job.server, &id).await;
    assert_eq!(opened["is_new"], true, "{opened}");
    terminal.enter("sleep 71234568 & setsid sleep 71234569 & echo begun$((1+1))").await;
    terminal.until_printed("begun2").await;
    let audit = job.server.get("/audit?action=open_terminal").await;
    assert_eq!(audit.as_array().map(Vec::len), Some(2), "{audit:#}");
    job.server.post(&format!("/spec-tasks/{}/cancel", job.task), &json!({})).await;
    let last = terminal.message().await;
    assert_eq!(last["reason"], "worktree_removed", "{last}");
    until_ended("71234568").await;
    until_ended("71234569").await;
    while Path::new(&text(&session, "workspace_path")).exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (_, refused) = Terminal::open(&job.server, &id).await;
    assert_eq!(
        (refused["type"].as_str(), refused["code"].as_str()),
        (Some("refused"), Some("no_worktree")),
        "{refused}"
    );
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_ends_with_a_server_that_is_killed() {
    let (job, session) = begin_session().await;
    let id = text(&session, "id");
    let (mut terminal, _) = Terminal::open(&job.server, &id).await;
    terminal.enter("sleep 71234570 & setsid sleep 71234571 & echo begun$((1+1))").await;
    terminal.until_printed("begun2").await;
    until_begun("71234570").await;
    until_begun("71234571").await;
    job.server.kill().await;
    until_ended("71234570").await;
    until_ended("71234571").await;
}
