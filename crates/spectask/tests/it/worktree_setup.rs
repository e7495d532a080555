//! A session's worktree has what its agent needs: files of the checkout, an environment with ports, and what the setup command
//! makes.

use crate::harness::{Place, Server, eventually_holds, git, text, until};
use crate::job::{PROMPT, note, scenario, session};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const SECRET: &str = concat!("kX9v2LqT7mZ4", "bN8wR3pYc6Hd");

struct Task {
    server: Server,
    id: String,
}

impl Task {
    /// Starts a task in a project with settings, and approves its documents.
    async fn begin(place: &Place, repository: &Path, settings: Value) -> Self {
        let server = place.serve().await;
        let id = start(&server, repository, settings).await;
        Self { server, id }
    }

    async fn sessions(&self) -> Vec<Value> {
        let found = self.server.get(&format!("/spec-tasks/{}/work-sessions", self.id)).await;
        let found = found["work_sessions"].as_array().cloned().unwrap_or_default();
        found.into_iter().filter(|session| session["phase"] == "implementation").collect()
    }

    /// The entries of all sessions' logs.
    async fn log(&self) -> Vec<Value> {
        let mut entries = Vec::new();
        for session in self.sessions().await {
            let path = format!("/work-sessions/{}/events?limit=500", text(&session, "id"));
            let page = self.server.get(&path).await;
            entries.extend(page.as_array().cloned().unwrap_or_else(|| panic!("no entries in {page:#}")));
        }
        entries
    }

    async fn entries(&self, kind: &str) -> Vec<Value> {
        self.log().await.into_iter().filter(|entry| entry["kind"] == kind).collect()
    }
}

async fn start(server: &Server, repository: &Path, settings: Value) -> String {
    let body = json!({ "name": "test", "repository_path": repository, "settings": settings });
    let project = text(&server.post("/projects", &body).await, "id");
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    task
}

/// A repository whose checkout has files that git ignores.
fn repository(place: &Place, include: &str) -> PathBuf {
    let repository = place.repository(
        "project",
        &[
            (".gitignore", ".env*\nnode_modules/\n/config/local.json\n"),
            (".worktreeinclude", include),
            ("config/default.json", "{}\n"),
            ("package-lock.json", "{}\n"),
        ],
    );
    std::fs::write(repository.join(".env"), format!("# local\nSERVICE_TOKEN={SECRET}\n")).expect("written");
    std::fs::write(repository.join("config/local.json"), "{ \"port\": 1 }\n").expect("written");
    repository
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worktree_is_ready_before_the_agents_first_turn() {
    let place = Place::new(0);
    let look = "test -f .env && test -f config/local.json && test -f node_modules/dep/index.js && test ! -e .env.out && \
                cat .env && . \\\"$(git rev-parse --git-dir)/spectask.env\\\" && test $SPECTASK_PORT_9 -gt 1024 && test $PWD = $SPECTASK_WORKTREE";
    let first = session(
        1,
        &format!(
            "{{ run = \"{look}\", expect = 0 }}, {{ write = \"note1.md\", content = \"Note 1\\n\" }}, {{ tick = \"1.1\", state = \"done\" }}"
        ),
    );
    place.configure(&scenario(&(first + &note(2))));
    let shared = place.shared();
    let repository = repository(&place, ".env*\nconfig/local.json\n../outside\nlink: /etc\n");
    std::os::unix::fs::symlink("/etc/passwd", repository.join(".env.out")).expect("a link");
    let runs = shared.join("runs");
    let setup = format!(
        "echo \"${{SPECTASK_SESSION:-checks}} $SPECTASK_PORT_1\" >> {}; mkdir -p node_modules/dep && echo made > node_modules/dep/index.js; echo ready",
        runs.display()
    );
    let task = Task::begin(&place, &repository, json!({ "setup_command": setup })).await;
    let change = task.server.wait_for(&task.id, &["implementation_review", "implementation_failed"]).await;
    assert_eq!(change["status"], "implementation_review", "{change:#}");

    // One session ran the command, and the other one has what it made.
    let by_sessions: Vec<String> =
        lines(&runs).into_iter().filter(|line| !line.starts_with("checks")).collect();
    assert_eq!(by_sessions.len(), 1, "{by_sessions:?}");
    let setups = task.entries("setup").await;
    assert_eq!(setups.len(), 2, "{setups:#?}");
    assert!(setups.iter().all(|entry| entry["passed"] == true), "{setups:#?}");
    let ran: Vec<&Value> = setups.iter().filter(|entry| entry["cached"] == false).collect();
    assert_eq!(ran.len(), 1, "{setups:#?}");
    assert_eq!((ran[0]["output"].as_str(), ran[0]["exit_code"].as_i64()), (Some("ready\n"), Some(0)));

    // What was copied and what was not is told, and no text has the secret.
    let notices = json!(task.entries("notice").await).to_string();
    for said in [
        "Copied 2 files",
        ".env.out was left out",
        "Line 3 of .worktreeinclude",
        "Line 4 of .worktreeinclude",
    ] {
        assert!(notices.contains(said), "{said}: {notices}");
    }
    let log = json!(task.log().await).to_string();
    assert!(log.contains("[secret:service_token:") && !log.contains(SECRET), "{log}");
    let diff = task.server.get(&format!("/spec-tasks/{}/diff", task.id)).await.to_string();
    assert!(!diff.contains(".env") && diff.contains("note1.md"), "{diff}");

    // A restarted server knows the secret, too.
    let Task { server, id } = task;
    server.kill().await;
    let task = Task { server: place.serve().await, id };
    let session = task.sessions().await[0].clone();
    let body = json!({ "status": session["status"], "name": format!("Say {SECRET}") });
    let path = format!("/work-sessions/{}/status", text(&session, "id"));
    let renamed = task.server.put(&path, &body).await.to_string();
    assert!(!renamed.contains(SECRET), "{renamed}");
    task.server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setup_that_fails_fails_the_session_and_a_retry_runs_it_again() {
    let place = Place::new(0);
    place.configure(&scenario(&(note(1) + &note(2))));
    let shared = place.shared();
    let repository = repository(&place, "");
    let flag = shared.join("repaired");
    // A command that asks gets no answer.
    let setup = format!("read -r answer && echo $answer; echo no registry >&2; test -f {}", flag.display());
    let task =
        Task::begin(&place, &repository, json!({ "setup_command": setup, "setup_cache": false })).await;
    let path = format!("/spec-tasks/{}/work-sessions", task.id);
    let failed = |found: &Value| {
        found["work_sessions"].as_array().is_some_and(|all| all.iter().any(|one| one["status"] == "failed"))
    };
    until(&task.server, &path, failed).await;
    let sessions = task.sessions().await;
    let session = sessions.iter().find(|one| one["status"] == "failed").expect("a failed session");
    let shown = session.to_string();
    assert!(
        shown.contains("setup_failed") && shown.contains("The setup command failed with exit code 1"),
        "{shown}"
    );
    let setups = task.entries("setup").await;
    assert!(text(&setups[0], "output").contains("no registry"), "{setups:#?}");
    std::fs::write(flag, "").expect("written");
    for session in sessions.iter().filter(|one| one["status"] == "failed") {
        let path = format!("/work-sessions/{}/retry", text(session, "id"));
        task.server.post(&path, &json!({})).await;
    }
    task.server.wait_for(&task.id, &["implementation_review"]).await;
    assert!(task.entries("setup").await.iter().any(|entry| entry["passed"] == true));
    task.server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setup_that_hangs_is_ended_at_its_limit() {
    let place = Place::new(0);
    place.configure(&scenario(&(note(1) + &note(2))));
    place.configure_more("\n[sessions]\nsetup_seconds = 1\n");
    let repository = repository(&place, "");
    let task = Task::begin(&place, &repository, json!({ "setup_command": "echo began; sleep 1000" })).await;
    let path = format!("/spec-tasks/{}/work-sessions", task.id);
    until(&task.server, &path, |found| {
        found["work_sessions"].as_array().is_some_and(|all| all.iter().any(|one| one["status"] == "failed"))
    })
    .await;
    let output = text(&task.entries("setup").await[0], "output");
    assert!(output.contains("began") && output.contains("took longer than 1 seconds"), "{output}");
    task.server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_file_that_an_agent_commits_is_a_finding_and_teardown_runs_at_the_end() {
    let place = Place::new(0);
    let first = session(
        1,
        "{ run = \"git add -f config/local.json && git -c user.name=A -c user.email=a@example.org commit -qm Forced\", expect = 0 }, \
         { write = \"note1.md\", content = \"Note 1\\n\" }, { tick = \"1.1\", state = \"done\" }",
    );
    place.configure(&scenario(&(first + &note(2))));
    let shared = place.shared();
    let repository = repository(&place, "config/local.json\n");
    let ended = shared.join("ended");
    let teardown = format!("echo $SPECTASK_SESSION >> {}; exit 3", ended.display());
    let task = Task::begin(&place, &repository, json!({ "teardown_command": teardown })).await;
    task.server.wait_for(&task.id, &["implementation_review"]).await;
    let findings = task.server.get(&format!("/spec-tasks/{}/secret-findings", task.id)).await.to_string();
    assert!(findings.contains("included_file") && findings.contains("config/local.json"), "{findings}");
    task.server.post(&format!("/spec-tasks/{}/cancel", task.id), &json!({})).await;
    let sessions: BTreeSet<String> = task.sessions().await.iter().map(|one| text(one, "id")).collect();
    eventually_holds("every teardown has run", || {
        lines(&ended).into_iter().collect::<BTreeSet<_>>() == sessions
    })
    .await;
    eventually_holds("the worktrees are removed", || crate::harness::worktrees(&place, &task.id).is_empty())
        .await;
    assert!(!place.path("data/setup").join(&task.id).exists());
    assert!(json!(task.entries("notice").await).to_string().contains("The teardown command failed"));
    assert_eq!(git(&repository, &["status", "--porcelain"]), "");
    task.server.end().await;
}

/// The ports of a session as its worktree's file has them.
fn ports(repository: &Path, session: &str) -> BTreeSet<u16> {
    let file = repository.join(".git/worktrees").join(session).join("spectask.env");
    let of = |line: &String| line.strip_prefix("export SPECTASK_PORT_")?.split('\'').nth(1)?.parse().ok();
    lines(&file).iter().filter_map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn live_sessions_have_ports_of_their_own_also_after_a_kill() {
    let place = Place::new(0);
    let quiet = |number: u32| session(number, "{ quiet = true }");
    // Side by side.
    let parallel = ["1", "2"].iter().fold(scenario(&(quiet(1) + &quiet(2))), |text, number| {
        text.replace(&format!("[ ] {number}. Note"), &format!("[ ] {number}. (P) Note"))
    });
    place.configure(&parallel);
    // Below the ports that connections get.
    place.configure_more("\n[sessions]\nports = \"16000-16017\"\n");
    let repository = repository(&place, "");
    let task = Task::begin(&place, &repository, json!({})).await;
    let path = format!("/spec-tasks/{}/work-sessions", task.id);
    let at_work = |found: &Value| {
        found["work_sessions"].as_array().is_some_and(|all| {
            all.iter().filter(|one| one["phase"] == "implementation" && one["status"] == "active").count()
                == 2
        })
    };
    until(&task.server, &path, at_work).await;
    let sessions: Vec<String> = task.sessions().await.iter().map(|one| text(one, "id")).collect();
    let has_ports = || sessions.iter().all(|session| ports(&repository, session).len() == 9);
    eventually_holds("the session has its ports", has_ports).await;
    let before: Vec<BTreeSet<u16>> = sessions.iter().map(|session| ports(&repository, session)).collect();
    assert!(before[0].is_disjoint(&before[1]), "{before:?}");
    let Task { server, id } = task;
    server.kill().await;
    let task = Task { server: place.serve().await, id };
    until(&task.server, &path, at_work).await;
    let after: Vec<BTreeSet<u16>> = sessions.iter().map(|session| ports(&repository, session)).collect();
    assert_eq!(after, before);
    // The range has room for two sessions: the next ones get what these leave.
    task.server.post(&format!("/spec-tasks/{}/cancel", task.id), &json!({})).await;
    task.server.wait_for(&task.id, &["cancelled"]).await;
    let other = place.repository("other", &[("README.md", "# Other\n")]);
    let id = start(&task.server, &other, json!({})).await;
    let other_task = Task { server: task.server, id };
    until(&other_task.server, &format!("/spec-tasks/{}/work-sessions", other_task.id), at_work).await;
    let sessions: Vec<String> = other_task.sessions().await.iter().map(|one| text(one, "id")).collect();
    eventually_holds("each session has nine ports", || {
        sessions.iter().all(|session| ports(&other, session).len() == 9)
    })
    .await;
    other_task.server.end().await;
}
