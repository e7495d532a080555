//! Tasks without planning, seen from outside: conversations, batches, and what ends them.

use crate::harness::{Place, Server, eventually, git, stray_processes, text, until};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A conversation that writes a note when asked to, and a batch that writes one by itself.
const SCENARIO: &str = r#"
id = "talk"
prompts = ["Talk with me", "Sort the notes"]
[[sessions]]
steps = [{ say = "What shall I write?" }]
[[conversation]]
when = ["first"]
steps = [{ write = "first.md", content = "First\n" }, { say = "I wrote the first note." }]
[[conversation]]
when = ["second"]
steps = [{ write = "second.md", content = "Second\n" }, { say = "I wrote the second note." }]
[[conversation]]
when = ["slowly"]
steps = [{ write = "slow.md", content = "Slow\n" }, { wait_ms = 600 }, { say = "That took a while." }]
[[conversation]]
steps = [{ say = "I have nothing to write." }]
"#;

const BATCH: &str = r#"
prompts = ["Sort the notes"]
[[sessions]]
steps = [{ write = "sorted.md", content = "Sorted\n" }, { say = "Sorted." }]
"#;

struct Talk {
    place: Place,
    server: Server,
    repository: PathBuf,
    task: String,
    session: String,
}

/// A place with a server and a project with one check.
async fn open(scenario: &str) -> (Place, Server, PathBuf, String) {
    let place = Place::new(0);
    place.configure(scenario);
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &["test -f README.md"]).await;
    (place, server, repository, project)
}

/// A conversation whose first turn is over.
async fn begin() -> Talk {
    let (place, server, repository, project) = open(SCENARIO).await;
    let body = json!({ "name": "Talk with me", "task_type": "interactive", "project_id": project });
    let task = server.post("/tasks", &body).await;
    assert_eq!(task["status"], "implementation_queued", "{task:#}");
    assert_eq!(task["task_type"], "interactive");
    let task = text(&task, "id");
    rest(&server, &task).await;
    let asked = server.get("/spec-tasks?needs_person=true").await;
    assert_eq!((asked[0]["id"].as_str(), &asked[1]), (Some(task.as_str()), &Value::Null), "{asked:#}");
    assert_eq!(server.get("/spec-tasks?needs_person=false").await, json!([]));
    let sessions = server.get(&format!("/tasks/{task}/work-sessions")).await;
    let session = text(&sessions[0], "id");
    Talk { place, server, repository, task, session }
}

/// Waits until a conversation waits for a person.
async fn rest(server: &Server, task: &str) -> Value {
    until(server, &format!("/tasks/{task}"), |found| found["waits_for_person"] == true).await
}

impl Talk {
    async fn say(&self, words: &str) -> Value {
        self.say_to(&self.session, words).await
    }

    async fn say_to(&self, session: &str, words: &str) -> Value {
        let path = format!("/work-sessions/{session}/messages");
        let answer = self.server.post(&path, &json!({ "content": words })).await;
        assert!(text(&answer, "turn_id").starts_with("turn_"));
        rest(&self.server, &self.task).await
    }

    async fn move_to(&self, status: &str) -> (u16, Value) {
        self.server
            .try_put(&format!("/tasks/{}/status", self.task), &json!({ "status": status }))
            .await
            .expect("the server answers")
    }

    fn on(&self, branch: &str, file: &str) -> String {
        git(&self.repository, &["show", &format!("{branch}:{file}")])
    }

    async fn end(self) {
        self.server.end().await;
        assert_eq!(stray_processes(&self.place), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_goes_on_until_a_person_closes_it() {
    let talk = begin().await;
    let waiting = rest(&talk.server, &talk.task).await;
    assert_eq!(waiting["status"], "implementation");
    assert_eq!(waiting["queue_reason"], "Waiting for your reply.");
    let session = talk.server.get(&format!("/work-sessions/{}", talk.session)).await;
    assert_eq!(session["work_session"]["status"], "active", "{session:#}");
    assert_eq!(session["work_session"]["waits_for_person"], true);
    let after = talk.say("Write the first one").await;
    let branch = text(&after, "branch_name");
    assert_eq!(talk.on(&branch, "first.md"), "First");
    talk.say("And the second").await;
    assert_eq!(talk.on(&branch, "second.md"), "Second");
    // A further session works beside the first one and is spoken to apart.
    let body = json!({ "name": "Beside", "description": "Talk with me as well" });
    let beside = talk.server.post(&format!("/tasks/{}/work-sessions", talk.task), &body).await;
    assert_eq!(beside["creation_method"], "ad_hoc", "{beside:#}");
    rest(&talk.server, &talk.task).await;
    talk.say_to(&text(&beside, "id"), "slowly please").await;
    assert_eq!(talk.on(&branch, "slow.md"), "Slow");
    let diff = talk.server.get(&format!("/spec-tasks/{}/diff", talk.task)).await;
    assert_eq!(diff["total_files"], 3, "{diff:#}");

    let (status, wrong) = talk.move_to("sideways").await;
    assert_eq!((status, wrong["errors"][0]["field"].as_str()), (422, Some("status")), "{wrong:#}");
    let (status, wrong) = talk.move_to("spec_review").await;
    assert_eq!(status, 409, "{wrong:#}");
    assert!(text(&wrong, "detail").contains("done"), "{wrong:#}");
    let (status, closed) = talk.move_to("completed").await;
    assert_eq!((status, closed["status"].as_str()), (200, Some("done")), "{closed:#}");
    assert_eq!(talk.move_to("done").await.0, 200, "closing again is no error");
    assert_eq!(talk.on(&branch, "first.md"), "First", "what was made stays on its branch");
    assert_eq!(git(&talk.repository, &["log", "--format=%s", "main"]), "Start", "nothing landed");
    let path = format!("/work-sessions/{}/messages", talk.session);
    let late = talk.server.try_post(&path, &json!({ "content": "Hello?" })).await;
    assert_eq!(late.map(|(status, _)| status), Some(409));
    talk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_conversation_made_can_be_reviewed_and_lands() {
    let talk = begin().await;
    talk.say("Write the first one").await;
    assert_eq!(talk.move_to("implementation_review").await.0, 200);
    let review = talk.server.wait_for(&talk.task, &["implementation_review"]).await;
    assert_eq!(review["change"]["checks"][0]["passed"], true, "{review:#}");
    // Speaking takes it back out of review.
    talk.say("And the second").await;
    assert_eq!(talk.move_to("implementation_review").await.0, 200);
    talk.server.wait_for(&talk.task, &["implementation_review"]).await;
    let path = format!("/spec-tasks/{}/approve-implementation", talk.task);
    talk.server.post(&path, &json!({ "decision": "approve" })).await;
    talk.server.wait_for(&talk.task, &["done"]).await;
    assert!(talk.repository.join("first.md").exists() && talk.repository.join("second.md").exists());
    talk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_survives_kills() {
    let mut talk = begin().await;
    // Killed at rest: the next message finds its thread.
    talk.server.kill().await;
    talk.server = talk.place.serve().await;
    rest(&talk.server, &talk.task).await;
    talk.say("Write the first one").await;
    // Killed in a turn: the turn is asked again, and the message is told once.
    let path = format!("/work-sessions/{}/messages", talk.session);
    talk.server.post(&path, &json!({ "content": "Now slowly" })).await;
    until(&talk.server, &format!("/work-sessions/{}", talk.session), |session| {
        session["work_session"]["waits_for_person"] == false
    })
    .await;
    talk.server.kill().await;
    talk.server = talk.place.serve().await;
    let after = rest(&talk.server, &talk.task).await;
    let branch = text(&after, "branch_name");
    assert_eq!(talk.on(&branch, "slow.md"), "Slow");
    assert_eq!(talk.on(&branch, "first.md"), "First");
    let events = talk.server.get(&format!("/work-sessions/{}/events?limit=500", talk.session)).await;
    let told = events.as_array().into_iter().flatten().filter(|entry| {
        entry["kind"] == "user_message" && entry["by"] == "owner" && entry["text"] == "Now slowly"
    });
    assert_eq!(told.count(), 1);
    talk.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_of_a_conversation_at_rest_ends_and_comes_back() {
    let place = Place::new(0);
    place.configure(SCENARIO);
    let file = place.path("spectask.toml");
    let config = std::fs::read_to_string(&file).expect("a configuration");
    std::fs::write(&file, format!("{config}\n[turns]\nidle_seconds = 0\n[limits]\nmax_instances = 1\n"))
        .expect("a file");
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let mut tasks = Vec::new();
    // Conversations at rest take no place: a second one begins although there is one place alone.
    for name in ["Talk with me", "Talk with me about more"] {
        let body = json!({ "name": name, "task_type": "interactive", "project_id": project });
        let task = text(&server.post("/tasks", &body).await, "id");
        rest(&server, &task).await;
        tasks.push(task);
    }
    let instance = format!("/spec-tasks/{}/zed-instance", tasks[0]);
    until(&server, &instance, |instance| instance["status"] != "active").await;
    let sessions = server.get(&format!("/tasks/{}/work-sessions", tasks[0])).await;
    let session = text(&sessions[0], "id");
    let path = format!("/work-sessions/{session}/messages");
    server.post(&path, &json!({ "content": "Write the first one" })).await;
    let after = rest(&server, &tasks[0]).await;
    let branch = text(&after, "branch_name");
    eventually(async || {
        let listed = git(&repository, &["ls-tree", "--name-only", &branch]);
        if listed.contains("first.md") { Ok(()) } else { Err(listed) }
    })
    .await;
    server.end().await;
    assert_eq!(stray_processes(&place), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_an_ignore_rule_keeps_out_of_the_change_is_named() {
    let place = Place::new(0);
    place.configure(
        r#"
prompts = ["Sort the notes"]
[[sessions]]
steps = [
    { write = "sorted.md", content = "Sorted\n" },
    { write = "build/index.html", content = "Index\n" },
    { say = "Sorted." },
]
"#,
    );
    let repository = place.repository("notes", &[("README.md", "# Notes\n"), (".gitignore", "build/\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let body = json!({ "name": "Sort the notes", "task_type": "batch", "project_id": project });
    let task = text(&server.post("/tasks", &body).await, "id");
    server.wait_for(&task, &["implementation_review"]).await;
    let sessions = server.get(&format!("/tasks/{task}/work-sessions")).await;
    let log = server.get(&format!("/work-sessions/{}/events?limit=500", text(&sessions[0], "id"))).await;
    let notices: Vec<&str> = log
        .as_array()
        .into_iter()
        .flatten()
        .filter(|entry| entry["kind"] == "notice")
        .filter_map(|entry| entry["text"].as_str().filter(|text| text.contains("not part of the change")))
        .collect();
    assert_eq!(notices.len(), 1, "{log:#}");
    assert!(notices[0].starts_with("build/index.html is not part of the change"), "{notices:?}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_ends_like_other_work() {
    let (place, server, repository, project) = open(BATCH).await;
    let body = json!({
        "name": "Notes", "description": "Sort the notes", "task_type": "batch", "project_id": project,
        "priority": "high", "config": { "ticket": "N-1" },
    });
    let task = text(&server.post("/tasks", &body).await, "id");
    let review = server.wait_for(&task, &["implementation_review", "implementation_failed"]).await;
    assert_eq!(review["status"], "implementation_review", "{review:#}");
    assert_eq!((review["planned"].clone(), review["priority"].clone()), (json!(false), json!("high")));
    assert_eq!(server.get(&format!("/tasks/{task}")).await["config"]["ticket"], "N-1");
    let refused = server
        .try_put(&format!("/tasks/{task}/status"), &json!({ "status": "done" }))
        .await
        .expect("the server answers");
    assert_eq!(refused.0, 409, "{:#}", refused.1);
    server
        .post(&format!("/spec-tasks/{task}/approve-implementation"), &json!({ "decision": "approve" }))
        .await;
    server.wait_for(&task, &["done"]).await;
    assert!(repository.join("sorted.md").exists());

    // A spec task that is just done, and one with a plan, are seen among them.
    let body = json!({ "name": "Sort the notes again", "task_type": "feature", "project_id": project });
    let just_done = server.post("/tasks", &body).await;
    assert_eq!(just_done["status"], "implementation_queued");
    let body = json!({ "prompt": "Plan the notes", "project_id": project, "start": false });
    let planned = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    let listed = server.get("/tasks").await;
    let kinds: Vec<&Value> = listed.as_array().into_iter().flatten().map(|task| &task["task_type"]).collect();
    assert_eq!(kinds, ["feature", "feature", "batch"]);
    let batches = server.get("/tasks?task_type=batch").await;
    assert_eq!(batches.as_array().map(Vec::len), Some(1), "{batches:#}");

    // What is edited, and what is not.
    let edited =
        server.put(&format!("/tasks/{planned}"), &json!({ "name": "Other", "config": { "a": 1 } })).await;
    assert_eq!((edited["name"].as_str(), &edited["config"]["a"]), (Some("Other"), &json!(1)));
    for body in [json!({ "status": "done" }), json!({ "task_type": "batch" }), json!({ "config": 3 })] {
        let (status, answer) =
            server.try_put(&format!("/tasks/{planned}"), &body).await.expect("the server answers");
        assert_eq!(status, 422, "{body}: {answer:#}");
    }
    for (body, field) in [
        (json!({ "task_type": "batch" }), "name"),
        (json!({ "name": "A" }), "task_type"),
        (json!({ "name": "A", "task_type": "epic" }), "task_type"),
        (json!({ "name": " ", "task_type": "batch" }), "name"),
        (json!({ "name": "A", "task_type": "batch", "config": [] }), "config"),
        (json!({ "name": "A", "task_type": "batch", "project_id": "prj_none" }), "project_id"),
    ] {
        let (status, answer) = server.try_post("/tasks", &body).await.expect("an answer");
        assert_eq!((status, answer["errors"][0]["field"].as_str()), (422, Some(field)), "{body}: {answer:#}");
    }
    let (status, deleted) = server.try_delete(&format!("/tasks/{planned}")).await.expect("an answer");
    assert_eq!((status, &deleted["status"], &deleted["archived"]), (200, &json!("cancelled"), &json!(true)));
    let left = server.get("/tasks").await;
    assert_eq!(left.as_array().map(Vec::len), Some(2), "{left:#}");
    server.end().await;
    assert_eq!(stray_processes(&place), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_loses_no_work() {
    let talk = begin().await;
    let after = talk.say("Write the first one").await;
    let branch = text(&after, "branch_name");
    let path = format!("/work-sessions/{}/messages", talk.session);
    talk.server.post(&path, &json!({ "content": "Now slowly" })).await;
    let (status, gone) = talk.server.try_delete(&format!("/tasks/{}", talk.task)).await.expect("an answer");
    assert_eq!((status, &gone["status"]), (200, &json!("cancelled")), "{gone:#}");
    assert_eq!(talk.on(&branch, "first.md"), "First");
    assert_eq!(talk.server.get("/tasks").await, json!([]));
    assert_eq!(talk.server.get("/tasks?archived=true").await.as_array().map(Vec::len), Some(1));
    talk.end().await;
}
