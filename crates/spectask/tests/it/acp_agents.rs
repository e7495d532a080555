//! Agents of others, as the server treats them: a small one in Python plays what real ones do, and keeps what it is sent.

use crate::acp::Editor;
use crate::commands::{said, spectask};
use crate::harness::{Place, Server, eventually, git, stray_processes, text, until};
use crate::record::{rebuilt, recorded};
use serde_json::{Value, json};
use std::path::PathBuf;

const AGENT: &str = include_str!("acp_agent.py");

/// A place whose agents play the parts that their entries name.
struct Stage {
    place: Place,
    /// What each agent gets is written here, and its script is here.
    folder: PathBuf,
}

impl Stage {
    /// Agents by their ids, parts and further lines of their entries; `settings` ends the configuration.
    fn new(agents: &[(&str, &str, &str)], settings: &str) -> Self {
        let place = Place::new(0);
        let folder = place.path("agents");
        std::fs::create_dir_all(&folder).expect("a folder");
        let script = folder.join("agent.py");
        std::fs::write(&script, AGENT).expect("a script");
        let (own, script) = (json!(folder), json!(script));
        let mut config = format!("[sandbox]\nreadable = [{own}]\nwritable = [{own}]\n{settings}\n");
        for (id, parts, lines) in agents {
            let mut args = vec![script.clone(), json!(folder.join(format!("{id}.jsonl")))];
            args.extend(parts.split_whitespace().map(|part| json!(part)));
            let args = json!(args);
            config.push_str(&format!(
                "[[agents]]\nid = \"{id}\"\ncommand = \"python3\"\nargs = {args}\n{lines}\n"
            ));
        }
        std::fs::write(place.path("spectask.toml"), config).expect("a configuration");
        Self { place, folder }
    }

    /// What an agent was sent: the methods of requests and notifications with their parameters, in order.
    fn sent(&self, agent: &str) -> Vec<(String, Value)> {
        let log = std::fs::read_to_string(self.folder.join(format!("{agent}.jsonl"))).unwrap_or_default();
        let messages = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        messages
            .filter_map(|message| Some((message["method"].as_str()?.to_owned(), message["params"].clone())))
            .collect()
    }

    fn methods(&self, agent: &str) -> Vec<String> {
        self.sent(agent).into_iter().map(|(method, _)| method).collect()
    }

    /// Waits until an agent was sent a message of this method.
    async fn is_sent(&self, agent: &str, method: &str) {
        eventually(async || {
            let sent = self.methods(agent);
            let is_there = sent.iter().any(|sent| sent == method);
            if is_there { Ok(()) } else { Err(format!("no {method}: {sent:?}")) }
        })
        .await;
    }

    /// A task in a fresh project, which an agent does without a plan or with one.
    async fn task(&self, server: &Server, agent: &str, planning: bool, settings: Value) -> String {
        let repository = self.place.repository(&format!("notes-{agent}"), &[("README.md", "# Notes\n")]);
        let body = json!({ "name": agent, "repository_path": repository, "settings": settings });
        let project = text(&server.post("/projects", &body).await, "id");
        let body = json!({ "prompt": "Write a note", "project_id": project, "planning": planning,
            "spec_agent": agent, "implementation_agent": agent });
        text(&server.post("/spec-tasks/from-prompt", &body).await, "id")
    }

    async fn end(self, server: Server) {
        server.end().await;
        assert_eq!(stray_processes(&self.place), Vec::<String>::new());
    }
}

/// The log of a task's session that builds.
async fn log_of(server: &Server, task: &str) -> (String, Vec<Value>) {
    let sessions = server.get(&format!("/spec-tasks/{task}/work-sessions")).await;
    let all = sessions["work_sessions"].as_array().cloned().unwrap_or_default();
    let session = all.iter().find(|session| session["phase"] != "planning").expect("a session");
    let id = text(session, "id");
    let log = server.get(&format!("/work-sessions/{id}/events?limit=500")).await;
    (id, log.as_array().cloned().unwrap_or_default())
}

async fn state_of(server: &Server, agent: &str) -> Value {
    let agents = server.get("/agents?limit=500").await;
    let found = agents.as_array().into_iter().flatten().find(|one| one["id"] == agent);
    found.cloned().unwrap_or_else(|| panic!("no {agent} in {agents:#}"))
}

const OVER: [&str; 3] = ["implementation_review", "done", "implementation_failed"];

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_signed_in_with_its_key_or_a_person_is_told_how() {
    let with_key = "env = { TEST_AGENT_API_KEY = \"a-key\" }";
    let stage = Stage::new(&[("keyed", "key", with_key), ("keyless", "key", "")], "");
    let server = stage.place.serve().await;
    let task = stage.task(&server, "keyed", false, json!({})).await;
    let found = server.wait_for(&task, &OVER).await;
    assert_ne!(found["status"], "implementation_failed", "{found:#}");
    let sent = stage.sent("keyed");
    let sign_in = sent.iter().find(|(method, _)| method == "authenticate");
    assert_eq!(sign_in.map(|(_, params)| &params["methodId"]), Some(&json!("api-key")), "{sent:#?}");

    let task = stage.task(&server, "keyless", false, json!({})).await;
    let failed = server.wait_for(&task, &OVER).await;
    assert_eq!(failed["last_error"]["code"], "auth_needed", "{failed:#}");
    assert!(text(&failed["last_error"], "message").contains("Set TEST_AGENT_API_KEY"), "{failed:#}");
    assert_eq!(failed["needs_person"], true);
    assert!(
        !stage.methods("keyless").contains(&"authenticate".to_owned()),
        "there is no key to sign in with"
    );
    let state = state_of(&server, "keyless").await;
    assert_eq!(
        (&state["state"], &state["auth_needed"]),
        (&json!("sign_in_needed"), &json!(true)),
        "{state:#}"
    );
    stage.end(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_project_puts_agents_into_the_mode_that_only_reads_and_lets_planners_write() {
    let stage = Stage::new(&[("other", "modes planner", "")], "");
    let server = stage.place.serve().await;
    let task = stage.task(&server, "other", true, json!({ "permissions": "read_only" })).await;
    let planned = server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    assert_eq!(planned["status"], "spec_review", "{planned:#}");
    assert!(!stage.methods("other").contains(&"session/set_mode".to_owned()), "a planner writes documents");
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    stage.is_sent("other", "session/set_mode").await;
    let found = server.wait_for(&task, &OVER).await;
    assert_eq!(found["status"], "implementation_review", "{found:#}");
    let sent = stage.sent("other");
    let at = sent.iter().position(|(method, _)| method == "session/set_mode").expect("a mode");
    assert_eq!(sent[at].1["modeId"], "read-only");
    let session = &sent[at].1["sessionId"];
    let prompted = sent
        .iter()
        .rposition(|(method, params)| method == "session/prompt" && params["sessionId"] == *session);
    assert!(prompted.is_some_and(|prompted| at < prompted), "the mode is set before the agent is asked");
    stage.end(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_request_needs_a_person_everywhere_and_is_answered_from_the_command_line() {
    let stage = Stage::new(&[("other", "asks", "")], "");
    let server = stage.place.serve().await;
    let task = stage.task(&server, "other", false, json!({ "permissions": "ask" })).await;
    let request = until(&server, "/permissions", |open| open[0].is_object()).await[0].clone();
    let waiting = server.get("/spec-tasks?needs_person=true").await;
    assert_eq!((&waiting[0]["id"], &waiting[0]["needs_person"]), (&json!(task), &json!(true)), "{waiting:#}");
    assert_eq!(server.get("/spec-tasks?needs_person=false").await, json!([]));
    assert_eq!(server.get(&format!("/spec-tasks/{task}")).await["needs_person"], true);
    let listed = said(&spectask(&stage.place, &["permissions"]));
    assert!(listed.contains("Write note.md"), "{listed}");
    let answered = spectask(&stage.place, &["permissions", "answer", &text(&request, "id"), "allow"]);
    assert!(answered.status.success(), "{}", String::from_utf8_lossy(&answered.stderr));
    let found = server.wait_for(&task, &OVER).await;
    assert_ne!(found["status"], "implementation_failed", "{found:#}");
    let diff = server.get(&format!("/spec-tasks/{task}/diff")).await;
    assert_eq!(diff["files"][0]["path"], "note.md", "{diff:#}");
    let (session, _) = log_of(&server, &task).await;
    let shown = said(&spectask(&stage.place, &["log", &session]));
    assert!(
        shown.contains("asks for permission: Write note.md") && shown.contains("permission: yes"),
        "{shown}"
    );
    stage.end(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_falls_silent_is_stopped_and_asked_again() {
    let deadlines = "[turns]\nstart_deadline_seconds = 2\nno_progress_deadline_seconds = 2";
    let stage = Stage::new(&[("other", "mute", "")], deadlines);
    let server = stage.place.serve().await;
    let task = stage.task(&server, "other", false, json!({})).await;
    let found = server.wait_for(&task, &OVER).await;
    assert_ne!(found["status"], "implementation_failed", "{found:#}");
    let methods = stage.methods("other");
    assert!(methods.contains(&"session/cancel".to_owned()), "{methods:?}");
    let (_, log) = log_of(&server, &task).await;
    let failed = log.iter().find(|entry| entry["kind"] == "turn_failed").expect("a failed turn");
    assert_eq!(failed["code"], "agent_silent", "{failed:#}");
    assert!(text(failed, "message").contains("said nothing for"), "{failed:#}");
    let diff = server.get(&format!("/spec-tasks/{task}/diff")).await;
    assert_eq!(diff["files"][0]["path"], "note.md", "{diff:#}");
    stage.end(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_only_writes_files_and_sends_nothing_does_its_work() {
    let stage = Stage::new(&[("other", "planner wordless", "")], "");
    let server = stage.place.serve().await;
    let task = stage.task(&server, "other", true, json!({})).await;
    let planned = server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    assert_eq!(planned["status"], "spec_review", "{planned:#}");
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    let found = server.wait_for(&task, &OVER).await;
    assert_eq!(found["status"], "implementation_review", "{found:#}");
    assert_eq!(server.get(&format!("/spec-tasks/{task}/diff")).await["files"][0]["path"], "note.md");
    let (_, log) = log_of(&server, &task).await;
    let failed = log.iter().find(|entry| entry["kind"] == "turn_failed");
    assert_eq!(failed, None, "{log:#?}");
    stage.end(server).await;
}

/// Interrupts the first turn of a task with a message, and waits until the task has no more turns.
async fn interrupt_and_finish(stage: &Stage) -> (Server, String) {
    let server = stage.place.serve().await;
    let task = stage.task(&server, "other", false, json!({})).await;
    stage.is_sent("other", "session/prompt").await;
    let (session, _) = log_of(&server, &task).await;
    let stop = json!({ "content": "Write it now.", "mode": "interrupt" });
    server.post(&format!("/work-sessions/{session}/messages"), &stop).await;
    let found = server.wait_for(&task, &OVER).await;
    assert_ne!(found["status"], "implementation_failed", "{found:#}");
    (server, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_session_is_closed_after_its_turn_was_interrupted_and_loaded_by_the_next() {
    let stage = Stage::new(&[("other", "mute", "")], "");
    let (server, _) = interrupt_and_finish(&stage).await;
    let sent = stage.methods("other");
    let wanted = ["session/prompt", "session/cancel", "session/close", "session/load", "session/prompt"];
    let of_turns = sent.iter().filter(|method| wanted.contains(&method.as_str()));
    // It is closed once more when its work is over.
    assert_eq!(of_turns.take(wanted.len()).collect::<Vec<_>>(), wanted, "{sent:?}");
    stage.end(server).await;
}

/// The requests that open a session or prompt in it, of an agent that was interrupted once, up to the second prompt.
async fn opened_until_prompted_again(parts: &str) -> Vec<String> {
    let stage = Stage::new(&[("other", parts, "")], "");
    let (server, task) = interrupt_and_finish(&stage).await;
    let (_, log) = log_of(&server, &task).await;
    assert!(log.iter().any(|entry| entry["code"] == "out_of_space"), "{log:#?}");
    let mut sent = stage.methods("other");
    sent.retain(|method| ["session/new", "session/load", "session/prompt"].contains(&method.as_str()));
    let second = sent.iter().enumerate().filter(|(_, method)| *method == "session/prompt").nth(1);
    sent.truncate(second.expect("a second prompt").0 + 1);
    stage.end(server).await;
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_cannot_be_loaded_for_lack_of_room_is_loaded_later() {
    let sent = opened_until_prompted_again("mute full:session/load:1").await;
    assert_eq!(sent, ["session/new", "session/prompt", "session/load", "session/load", "session/prompt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_could_not_be_loaded_is_not_prompted() {
    let sent = opened_until_prompted_again("mute forgets full:session/new:2").await;
    let opened = ["session/load", "session/new", "session/load", "session/new", "session/prompt"];
    assert_eq!(sent[2..], opened, "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_did_is_shown_with_its_plan_and_what_its_commands_printed() {
    let stage = Stage::new(&[("other", "terminal", "")], "");
    let server = stage.place.serve().await;
    let task = stage.task(&server, "other", false, json!({})).await;
    let found = server.wait_for(&task, &OVER).await;
    assert_ne!(found["status"], "implementation_failed", "{found:#}");
    let (session, _) = log_of(&server, &task).await;
    let shown = said(&spectask(&stage.place, &["log", &session]));
    for part in ["run: Write the note", "│ wrote the note", "[~] Write the note", "The work is done."] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
    assert!(!shown.contains('\u{1b}') && !shown.contains(" 0 tokens"), "{shown}");
    stage.end(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_tools_fails_its_check_and_is_no_default() {
    let stage = Stage::new(&[("idle", "idle", ""), ("able", "", "")], "");
    let checked = spectask(&stage.place, &["agents", "check", "idle"]);
    assert!(!checked.status.success(), "{}", said(&checked));
    assert!(String::from_utf8_lossy(&checked.stderr).contains("did not write"), "{checked:?}");
    let checked = spectask(&stage.place, &["agents", "check", "able"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    // No server runs.
    let listed = said(&spectask(&stage.place, &["--json", "agents"]));
    let agents: Value = serde_json::from_str(&listed).expect("JSON");
    let of = |id: &str| {
        agents.as_array().into_iter().flatten().find(|one| one["id"] == id).cloned().unwrap_or_default()
    };
    let (idle, able) = (of("idle"), of("able"));
    assert_eq!((&idle["state"], &idle["default_for"]), (&json!("failed"), &json!([])), "{idle:#}");
    assert_eq!((&able["state"], &able["version"]), (&json!("passed"), &json!("1.2.3")), "{able:#}");
    assert_eq!(able["default_for"], json!(["planning", "implementation"]), "{able:#}");
    let server = stage.place.serve().await;
    assert_eq!(state_of(&server, "idle").await["state"], "failed");
    stage.end(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attached_files_outlive_a_restart_and_reach_agents_in_the_forms_that_they_take() {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";
    let stage = Stage::new(&[("sees", "image", ""), ("reads", "", "")], "mode = \"off\"");
    let mut server = stage.place.serve().await;
    let mut tasks = Vec::new();
    for agent in ["sees", "reads"] {
        let repository = stage.place.repository(agent, &[("README.md", "# Notes\n")]);
        let body = json!({ "name": agent, "repository_path": repository });
        let project = text(&server.post("/projects", &body).await, "id");
        let body = json!({ "prompt": "Write a note", "project_id": project, "planning": false, "start": false,
            "spec_agent": agent, "implementation_agent": agent });
        let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
        let path = format!("/spec-tasks/{task}/attachments");
        server.upload(&format!("{path}?name=draft.png&purpose=prompt"), PNG).await;
        let note = server.upload(&format!("{path}?name=note.txt"), b"Read me.\n").await;
        tasks.push((agent, task, text(&note, "id")));
    }
    server.kill().await;
    server = stage.place.serve().await;
    for (agent, task, note) in &tasks {
        server.post(&format!("/spec-tasks/{task}/start"), &json!({})).await;
        server.wait_for(task, &OVER).await;
        let (session, log) = log_of(&server, task).await;
        let prompt = log.iter().find(|entry| entry["kind"] == "user_message").expect("a prompt");
        assert_eq!(prompt["attachments"][0]["name"], "draft.png", "{prompt:#}");
        let path = format!("/work-sessions/{session}/messages");
        let refused = server.try_post(&path, &json!({ "content": "Look", "attachments": ["att_0"] })).await;
        let (status, problem) = refused.expect("the server answers");
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("attachments")), "{problem:#}");
        server.post(&path, &json!({ "content": "Look at it", "attachments": [note] })).await;
        let prompts = eventually(async || {
            let sent = stage.sent(agent);
            let prompts: Vec<Value> = sent
                .into_iter()
                .filter(|(method, _)| method == "session/prompt")
                .map(|(_, params)| params["prompt"].clone())
                .collect();
            if prompts.len() > 1 { Ok(prompts) } else { Err(format!("{} prompts", prompts.len())) }
        })
        .await;
        let (first, last) = (&prompts[0], &prompts[prompts.len() - 1]);
        if *agent == "sees" {
            assert_eq!((&first[1]["type"], &first[1]["mimeType"]), (&json!("image"), &json!("image/png")));
            assert_eq!(last[1]["resource"]["text"], "Read me.\n", "{last:#}");
        } else {
            assert_eq!(
                (&first[2]["type"], &first[2]["name"]),
                (&json!("resource_link"), &json!("draft.png"))
            );
            let path = last[2]["uri"].as_str().and_then(|uri| uri.strip_prefix("file://")).expect("a path");
            assert_eq!(std::fs::read(path).expect("the file"), b"Read me.\n");
            let words = last[1]["text"].as_str().unwrap_or_default();
            assert!(words.contains(path), "{words}");
        }
        server.wait_for(task, &OVER).await;
    }
    stage.end(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_of_an_agent_are_files_of_the_task_in_the_log_in_editors_and_in_the_record() {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";
    const GIF: &[u8] = b"GIF89a rest";
    let stage = Stage::new(&[("artist", "draws", "")], "");
    let server = stage.place.serve().await;
    let task = stage.task(&server, "artist", false, json!({})).await;
    server.wait_for(&task, &OVER).await;
    let (session, log) = log_of(&server, &task).await;
    let path = format!("/spec-tasks/{task}/attachments");
    let files = server.get(&path).await;
    let told =
        |at: usize| ["name", "media_type", "purpose", "session_id"].map(|member| files[at][member].clone());
    assert_eq!(told(0), ["image.png", "image/png", "agent", &session].map(Value::from), "{files:#}");
    assert_eq!(told(1), ["last look.gif", "image/gif", "agent", &session].map(Value::from), "{files:#}");
    assert!(files[2].is_null(), "one image that was sent twice is one file: {files:#}");
    let ids = [text(&files[0], "id"), text(&files[1], "id")];
    for (id, content) in ids.iter().zip([PNG, GIF]) {
        assert!(server.download(&format!("{path}/{id}")).await == content);
    }

    let call = log
        .iter()
        .find(|entry| entry["kind"] == "tool_call" && entry["status"] == "completed")
        .expect("a call");
    assert_eq!(
        (&call["attachments"][0]["id"], &call["content"][0]["content"]["attachment"]),
        (&json!(ids[0]), &json!(ids[0]))
    );
    let message = log
        .iter()
        .find(|entry| !entry["attachments"].is_null() && entry["kind"] == "agent_message")
        .expect("a message");
    assert_eq!(
        (&message["text"], &message["attachments"][0]["id"]),
        (&json!("[image]"), &json!(ids[1])),
        "{message:#}"
    );
    assert!(!json!(log).to_string().contains("iVBOR"), "{log:#?}");

    let listed = said(&spectask(&stage.place, &["attachments", &task]));
    assert!(listed.contains("last look.gif") && listed.contains(&format!("agent of {session}")), "{listed}");
    let saved = spectask(&stage.place, &["attachments", &task, "image.png", "--output", "-"]);
    assert_eq!(saved.stdout, PNG);

    let mut editor = Editor::start(&stage.place, &[]);
    let folder = stage.place.path("notes-artist");
    editor.ask("initialize", json!({ "protocolVersion": 1, "clientCapabilities": {} })).await;
    let loaded = json!({ "sessionId": session, "cwd": folder, "mcpServers": [] });
    assert_eq!(editor.ask("session/load", loaded).await["result"], json!({}));
    let shown = json!(editor.heard).to_string();
    for data in ["iVBORw0KGgpyZXN0", "R0lGODlhIHJlc3Q="] {
        assert!(shown.contains(&format!("\"data\":\"{data}\"")), "no {data} in {shown}");
    }
    drop(editor);

    server.post(&format!("/spec-tasks/{task}/commit-progress"), &json!({ "summary": "Drawn" })).await;
    recorded(&server, &task).await;
    server.end().await;
    let tree = format!("helix-design-docs:sessions/{task}");
    let words = git(&folder, &["show", &format!("{tree}/{session}/conversation.md")]);
    assert!(words.contains(&format!("[last look.gif](../attachments/{}-last_look.gif)", ids[1])), "{words}");
    assert_eq!(git(&folder, &["cat-file", "-s", &format!("{tree}/attachments/{}-image.png", ids[0])]), "12");
    std::fs::rename(stage.place.path("data"), stage.place.path("lost"))
        .expect("the data directory is taken away");
    let (code, done) = rebuilt(&stage.place, &folder, "data", &["--trust-commands"]);
    assert_eq!((code, &done["attachments"]), (Some(0), &json!(2)), "{done:#}");
    let server = stage.place.serve().await;
    assert_eq!(server.get(&path).await, files);
    stage.end(server).await;
}
