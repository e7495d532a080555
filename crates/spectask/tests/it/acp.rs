//! Editors: `spectask acp` on pipes, driven by a client of the Agent Client Protocol.

use crate::harness::{Place, Server, TOKEN, text, until};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

const TIMEOUT: Duration = Duration::from_secs(60);

const SCENARIO: &str = r#"
id = "editor"
prompts = ["conversation in an editor"]
[[sessions]]
steps = [{ say = "I am ready." }]
[[conversation]]
when = ["note"]
steps = [{ plan = ["Write it"], done = 1 }, { write = "note.md", content = "Note\n" }, { say = "I wrote the note." }]
[[conversation]]
when = ["slowly"]
steps = [{ say = "Begun." }, { wait_ms = 1500 }, { say = "That took a while." }]
[[conversation]]
when = ["wait"]
steps = [{ say = "Waiting." }, { quiet = true }]
[[conversation]]
when = ["migrate"]
steps = [{ ask = "Run the migration?", kind = "execute" }, { say = "Migrated." }]
[[conversation]]
steps = [{ say = "I heard you." }]
"#;

/// An editor: a client that starts `spectask acp` and reads what it says.
pub(crate) struct Editor {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::UnboundedReceiver<Value>,
    /// What came and was not asked for yet.
    pub(crate) heard: Vec<Value>,
    last: u64,
}

impl Editor {
    pub(crate) fn start(place: &Place, args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_spectask"))
            .arg("acp")
            .args(args)
            .arg("--data-dir")
            .arg(place.path("data"))
            .arg("--config")
            .arg(place.path("spectask.toml"))
            .env("SPECTASK_TOKEN", TOKEN)
            .env_remove("SPECTASK_URL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let (sender, lines) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = out.next_line().await {
                let message = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no protocol: {line}"));
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self { stdin: child.stdin.take(), child, lines, heard: Vec::new(), last: 0 }
    }

    /// Starts, says hello and opens a thread in a folder.
    async fn open(place: &Place, cwd: &Path) -> (Self, String) {
        let mut editor = Self::start(place, &[]);
        editor.ask("initialize", json!({ "protocolVersion": 1, "clientCapabilities": {} })).await;
        let opened = editor.ask("session/new", json!({ "cwd": cwd, "mcpServers": [] })).await;
        let session = opened["result"]["sessionId"].as_str();
        let session = session.unwrap_or_else(|| panic!("no session: {opened:#}")).to_owned();
        (editor, session)
    }

    async fn write(&mut self, line: &[u8]) {
        let stdin = self.stdin.as_mut().expect("an open input");
        stdin.write_all(line).await.expect("it reads");
        stdin.write_all(b"\n").await.expect("it reads");
    }

    async fn send(&mut self, method: &str, params: Value) -> u64 {
        self.last += 1;
        let message = json!({ "jsonrpc": "2.0", "id": self.last, "method": method, "params": params });
        self.write(message.to_string().as_bytes()).await;
        self.last
    }

    async fn notify(&mut self, method: &str, params: Value) {
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.write(message.to_string().as_bytes()).await;
    }

    /// Waits for a message, and leaves those before it for later.
    async fn wait(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.heard.iter().position(&is_it) {
            return self.heard.remove(at);
        }
        let deadline = tokio::time::Instant::now() + TIMEOUT;
        loop {
            let message = tokio::time::timeout_at(deadline, self.lines.recv()).await;
            let message = message.unwrap_or_else(|_| panic!("no {what}; heard {:#?}", self.heard));
            let message = message.unwrap_or_else(|| panic!("it ended before {what}"));
            if is_it(&message) {
                return message;
            }
            self.heard.push(message);
        }
    }

    async fn answer(&mut self, id: u64) -> Value {
        self.wait("answer", |message| message["id"] == id && message.get("method").is_none()).await
    }

    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params).await;
        self.answer(id).await
    }

    async fn prompt(&mut self, session: &str, text: &str) -> u64 {
        self.send(
            "session/prompt",
            json!({ "sessionId": session, "prompt": [{ "type": "text", "text": text }] }),
        )
        .await
    }

    /// Waits for an update with a text.
    async fn hear(&mut self, kind: &str, words: &str) -> Value {
        self.wait(words, |message| {
            let update = &message["params"]["update"];
            update["sessionUpdate"] == kind
                && update["content"]["text"].as_str().is_some_and(|text| text.contains(words))
        })
        .await
    }

    async fn permission(&mut self) -> Value {
        self.wait("permission request", |message| message["method"] == "session/request_permission").await
    }

    /// Closes the input, and expects it to end well.
    async fn end(mut self) {
        drop(self.stdin.take());
        let status = tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await;
        assert!(status.expect("it ends with its input").expect("a status").success());
    }
}

/// A server with a project, whose agents' permission requests go to people.
async fn stage() -> (Place, Server, PathBuf) {
    let place = Place::new(0);
    place.configure(SCENARIO);
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let ask = json!({ "settings": { "permissions": "ask" } });
    server.put(&format!("/projects/{project}"), &ask).await;
    (place, server, repository)
}

fn details(answer: &Value) -> (i64, String) {
    let error = &answer["error"];
    (
        error["code"].as_i64().unwrap_or_else(|| panic!("no error: {answer:#}")),
        text(&error["data"], "details"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_is_opened_spoken_in_and_loaded_by_another_process() {
    let (place, server, repository) = stage().await;
    let mut editor = Editor::start(&place, &[]);
    let hello = editor.ask("initialize", json!({ "protocolVersion": 2 })).await["result"].clone();
    assert_eq!((&hello["protocolVersion"], &hello["authMethods"]), (&json!(1), &json!([])));
    let can = &hello["agentCapabilities"];
    assert_eq!(
        (&can["loadSession"], &can["sessionCapabilities"]),
        (&json!(true), &json!({ "list": {}, "resume": {} }))
    );
    // A new thread in a repository is a conversation.
    let opened =
        editor.ask("session/new", json!({ "cwd": repository, "mcpServers": [{ "name": "x" }] })).await;
    let at = Instant::now();
    let session = text(&opened["result"], "sessionId");
    editor
        .wait("commands", |message| {
            message["params"]["update"]["sessionUpdate"] == "available_commands_update"
        })
        .await;
    assert!(at.elapsed() >= Duration::from_millis(100));
    editor.hear("agent_thought_chunk", "MCP servers").await;
    let found = server.get(&format!("/work-sessions/{session}")).await;
    assert_eq!(found["work_session"]["creation_method"], "ad_hoc");
    assert_eq!(found["spec_task"]["type"], "interactive");
    // The first message names it; its turn's end is the prompt's.
    let id = editor.prompt(&session, "Write a note").await;
    assert_eq!(editor.answer(id).await["result"]["stopReason"], "end_turn");
    editor.hear("agent_message_chunk", "I wrote the note").await;
    let listed = editor.ask("session/list", json!({})).await["result"]["sessions"].clone();
    assert_eq!((&listed[0]["sessionId"], &listed[0]["title"]), (&json!(session), &json!("Write a note")));
    assert!(text(&listed[0], "updatedAt").ends_with('Z'));
    let cwd = text(&listed[0], "cwd");
    assert!(Path::new(&cwd).join("note.md").exists(), "{cwd}");
    // A thread that is opened in the worktree is another session of the task.
    let second = editor.ask("session/new", json!({ "cwd": cwd, "mcpServers": [] })).await;
    let second = text(&second["result"], "sessionId");
    let task = text(&found["spec_task"], "id");
    assert_eq!(server.get(&format!("/work-sessions/{second}")).await["spec_task"]["id"], task.as_str());
    // Another process loads the first one.
    let mut other = Editor::start(&place, &[]);
    let there = other.ask("session/list", json!({ "cwd": cwd })).await["result"]["sessions"].clone();
    assert_eq!((there[0]["sessionId"].as_str(), there[1].is_null()), (Some(session.as_str()), true));
    let load = json!({ "sessionId": session, "cwd": cwd, "mcpServers": [] });
    assert_eq!(other.ask("session/load", load.clone()).await["result"], json!({}));
    let replayed: Vec<Value> =
        other.heard.drain(..).map(|message| message["params"]["update"].clone()).collect();
    let of_kind = |kind: &str| -> Vec<&Value> {
        replayed.iter().filter(|update| update["sessionUpdate"] == kind).collect()
    };
    let said = of_kind("user_message_chunk");
    assert_eq!((said.len(), &said[0]["content"]["text"]), (1, &json!("Write a note")), "{replayed:#?}");
    assert!(text(said[0], "messageId").starts_with("msg_"));
    let calls = of_kind("tool_call");
    assert!(calls.iter().all(|call| call["status"] == "completed"), "{calls:#?}");
    assert!(!calls.is_empty() && of_kind("tool_call_update").is_empty() && of_kind("plan").len() == 1);
    assert_eq!(of_kind("agent_message_chunk").len(), 1, "{replayed:#?}");
    // Both see what one of them says; a resumed session is not replayed.
    other.ask("session/resume", load).await;
    other.wait("commands", |message| message["method"] == "session/update").await;
    let id = editor.prompt(&session, "Hello there").await;
    editor.answer(id).await;
    other.hear("user_message_chunk", "Hello there").await;
    other.hear("agent_message_chunk", "I heard you").await;
    let id = editor.prompt(&session, "/status").await;
    assert_eq!(editor.answer(id).await["result"]["stopReason"], "end_turn");
    editor.hear("agent_message_chunk", "Branch: spectask/").await;
    other.end().await;
    editor.end().await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_survives_the_end_of_the_server() {
    let (place, server, repository) = stage().await;
    let (mut editor, session) = Editor::open(&place, &repository).await;
    let prompt = editor.prompt(&session, "Do it slowly").await;
    editor.hear("agent_message_chunk", "Begun").await;
    server.kill().await;
    // Everything is answered while the server is away.
    let (code, why) = details(&editor.ask("session/list", json!({})).await);
    assert!(code == -32603 && why.ends_with('.'), "{code}: {why}");
    let second = editor.prompt(&session, "Hello").await;
    details(&editor.answer(second).await);
    let server = place.serve().await;
    assert_eq!(editor.answer(prompt).await["result"]["stopReason"], "end_turn");
    editor.hear("agent_message_chunk", "That took a while").await;
    let id = editor.prompt(&session, "Hello").await;
    assert_eq!(editor.answer(id).await["result"]["stopReason"], "end_turn");
    editor.end().await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_to_a_permission_request_counts() {
    let (place, server, repository) = stage().await;
    let (mut one, session) = Editor::open(&place, &repository).await;
    let mut other = Editor::start(&place, &[]);
    other.ask("session/resume", json!({ "sessionId": session, "cwd": repository, "mcpServers": [] })).await;
    // A turn that is started on the page streams to editors too.
    server.post(&format!("/work-sessions/{session}/messages"), &json!({ "content": "Please migrate" })).await;
    let asked = one.permission().await;
    let elsewhere = other.permission().await;
    let options = asked["params"]["options"].as_array().expect("options");
    let allow = options.iter().find(|option| option["kind"] == "allow_once").expect("a yes");
    let outcome = json!({ "outcome": "selected", "optionId": allow["optionId"] });
    let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "outcome": outcome } });
    one.write(answer.to_string().as_bytes()).await;
    let withdrawn = other.wait("withdrawal", |message| message["method"] == "$/cancel_request").await;
    assert_eq!(withdrawn["params"]["requestId"], elsewhere["id"]);
    one.hear("agent_message_chunk", "Migrated").await;
    other.hear("agent_message_chunk", "Migrated").await;
    // A late answer harms nothing.
    let late = json!({ "jsonrpc": "2.0", "id": elsewhere["id"], "result": { "outcome": outcome } });
    other.write(late.to_string().as_bytes()).await;
    // The page's answer withdraws the editor's.
    let prompt = one.prompt(&session, "migrate again").await;
    let asked = one.permission().await;
    let open = until(&server, "/permissions", |open| !open[0].is_null()).await;
    let path = format!("/permissions/{}", text(&open[0], "id"));
    server.post(&path, &json!({ "option_id": allow["optionId"] })).await;
    let withdrawn = one.wait("withdrawal", |message| message["method"] == "$/cancel_request").await;
    assert_eq!(withdrawn["params"]["requestId"], asked["id"]);
    assert_eq!(one.answer(prompt).await["result"]["stopReason"], "end_turn");
    one.end().await;
    other.end().await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_prompt_is_answered_so_and_the_thread_goes_on() {
    let (place, server, repository) = stage().await;
    let (mut editor, session) = Editor::open(&place, &repository).await;
    let cancel = json!({ "sessionId": session });
    let prompt = editor.prompt(&session, "Please wait").await;
    editor.hear("agent_message_chunk", "Waiting").await;
    // One that waits for the turn's end is taken back with it.
    let queued = editor.prompt(&session, "And a note").await;
    until(&server, &format!("/work-sessions/{session}"), |found| {
        found["work_session"]["queued_messages"][0].is_object()
    })
    .await;
    editor.notify("session/cancel", cancel.clone()).await;
    assert_eq!(editor.answer(prompt).await["result"]["stopReason"], "cancelled");
    assert_eq!(editor.answer(queued).await["result"]["stopReason"], "cancelled");
    // While the agent waits for a permission.
    let prompt = editor.prompt(&session, "Please migrate").await;
    editor.permission().await;
    editor.notify("session/cancel", cancel.clone()).await;
    assert_eq!(editor.answer(prompt).await["result"]["stopReason"], "cancelled");
    // At once.
    let prompt = editor.prompt(&session, "Please wait").await;
    editor.notify("session/cancel", cancel).await;
    assert_eq!(editor.answer(prompt).await["result"]["stopReason"], "cancelled");
    until(&server, &format!("/work-sessions/{session}"), |found| {
        found["work_session"]["waits_for_person"] == true
    })
    .await;
    let prompt = editor.prompt(&session, "Hello").await;
    assert_eq!(editor.answer(prompt).await["result"]["stopReason"], "end_turn");
    editor.end().await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_of_a_prompt_go_with_its_message() {
    let (place, server, repository) = stage().await;
    let (mut editor, session) = Editor::open(&place, &repository).await;
    let prompt = json!([
        { "type": "text", "text": "Look at " },
        { "type": "image", "data": "iVBORw0KGgo=", "mimeType": "image/png" },
        { "type": "resource", "resource": { "uri": "file:///tmp/log.bin", "blob": "AAEC" } },
    ]);
    let id = editor.send("session/prompt", json!({ "sessionId": session, "prompt": prompt })).await;
    assert_eq!(editor.answer(id).await["result"]["stopReason"], "end_turn");
    let log = server.get(&format!("/work-sessions/{session}/events?limit=500")).await;
    let said =
        log.as_array().into_iter().flatten().find(|entry| entry["text"] == "Look at [image-1.png][log.bin]");
    let said = said.unwrap_or_else(|| panic!("no message: {log:#}"));
    let names: Vec<&Value> =
        said["attachments"].as_array().into_iter().flatten().map(|file| &file["name"]).collect();
    assert_eq!(names, ["image-1.png", "log.bin"], "{said:#}");
    let prompt = json!([{ "type": "image", "data": "R0lGODlh", "mimeType": "image/png" }]);
    let refused = editor.ask("session/prompt", json!({ "sessionId": session, "prompt": prompt })).await;
    let (_, why) = details(&refused);
    assert!(why.contains("image/png"), "{why}");
    drop(editor);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_an_editor_sends_is_answered() {
    let (place, server, repository) = stage().await;
    let (mut editor, session) = Editor::open(&place, &repository).await;
    for (method, params, code) in [
        ("session/fork", json!({ "sessionId": session }), -32601),
        ("session/close", json!({ "sessionId": session }), -32601),
        ("session/set_mode", json!({ "sessionId": session, "modeId": "plan" }), -32602),
        ("session/new", json!({}), -32602),
        ("session/new", json!({ "cwd": "src" }), -32602),
        ("session/load", json!({ "sessionId": "stws_unknown" }), -32002),
        ("session/load", json!({ "sessionId": "../spec-tasks" }), -32002),
        (
            "session/prompt",
            json!({ "sessionId": "stws_unknown", "prompt": [{ "type": "text", "text": "x" }] }),
            -32002,
        ),
        ("session/prompt", json!({ "sessionId": session, "prompt": [] }), -32602),
        ("session/prompt", json!({ "sessionId": session, "prompt": [{ "type": "image" }] }), -32602),
    ] {
        let (found, why) = details(&editor.ask(method, params).await);
        assert_eq!(found, code, "{method}: {why}");
        assert!(why.ends_with('.'), "{why}");
    }
    let (_, why) = details(&editor.ask("session/new", json!({ "cwd": "/", "mcpServers": [] })).await);
    assert!(why.contains("spectask projects add"), "{why}");
    // Garbage is answered where it has an answer, and nothing else breaks.
    for (line, code) in [
        (&b"\xff\xfe not json"[..], -32700),
        (b"[]", -32600),
        (b"7", -32600),
        (b"{\"jsonrpc\":\"2.0\"}", -32600),
    ] {
        editor.write(line).await;
        let answer = editor
            .wait("answer to garbage", |message| message["id"].is_null() && message["error"].is_object())
            .await;
        assert_eq!(details(&answer).0, code);
    }
    editor.write(b"").await;
    // A huge prompt is carried or refused in a sentence.
    let id = editor.prompt(&session, &"words ".repeat(10 * 1024 * 1024 / 6)).await;
    let answer = editor.answer(id).await;
    assert!(answer["result"]["stopReason"] == "end_turn" || details(&answer).1.ends_with('.'), "{answer}");
    let id = editor.prompt(&session, "Hello").await;
    assert_eq!(editor.answer(id).await["result"]["stopReason"], "end_turn");
    editor.end().await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_adopts_what_was_opened_on_the_page_and_a_task_can_be_named() {
    let (place, server, repository) = stage().await;
    let (mut editor, session) = Editor::open(&place, &repository).await;
    let id = editor.prompt(&session, "Write a note").await;
    editor.answer(id).await;
    let found = server.get(&format!("/work-sessions/{session}")).await;
    let (cwd, task) = (text(&found["work_session"], "workspace_path"), text(&found["spec_task"], "id"));
    server.post(&format!("/work-sessions/{session}/editor-handoff"), &json!({})).await;
    let (mut other, adopted) = Editor::open(&place, Path::new(&cwd)).await;
    assert_eq!(adopted, session);
    other.hear("agent_message_chunk", "I wrote the note").await;
    let mut bound = Editor::start(&place, &["--task", &task]);
    let opened = bound.ask("session/new", json!({ "cwd": "/", "mcpServers": [] })).await;
    let opened = text(&opened["result"], "sessionId");
    assert_eq!(server.get(&format!("/work-sessions/{opened}")).await["spec_task"]["id"], task.as_str());
    for editor in [editor, other, bound] {
        editor.end().await;
    }
    server.end().await;
}
