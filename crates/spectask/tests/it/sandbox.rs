//! Agents and checks in the sandbox: ordinary work passes, limits are kept, and trees end.

use crate::harness::{Place, Server, eventually_holds, git, stray_processes, text, until};
use crate::job::{note, scenario, session};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable of `sandbox.mode`.
pub(crate) const MODE: &str = "SPECTASK_SANDBOX__MODE";

/// A folder of links to every program that can be found, except for one.
pub(crate) fn path_without(program: &str, folder: &Path) -> PathBuf {
    let path = std::env::var_os("PATH").expect("a path");
    for place in std::env::split_paths(&path) {
        for file in std::fs::read_dir(place).into_iter().flatten().flatten() {
            if file.file_name() != program {
                // The first of a name counts.
                let _ = std::os::unix::fs::symlink(file.path(), folder.join(file.file_name()));
            }
        }
    }
    folder.to_owned()
}

/// A task under bubblewrap whose documents are approved.
struct Work {
    place: Place,
    server: Server,
    repository: PathBuf,
    task: String,
}

async fn begin(sessions: &str, check: &str, settings: &[(&str, &str)]) -> Work {
    let place = Place::new(0);
    place.configure(&scenario(sessions));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let variables: Vec<(&str, &str)> = settings.iter().copied().chain([(MODE, "require")]).collect();
    let server = place.serve_with(&variables).await;
    let project = server.project(&repository, &[check]).await;
    let body = json!({ "prompt": "Write the two notes", "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    Work { place, server, repository, task }
}

impl Work {
    async fn finished(&self) -> Value {
        self.server.wait_for(&self.task, &["implementation_review", "implementation_failed"]).await
    }

    async fn end(self) {
        self.server.end().await;
        assert_eq!(stray_processes(&self.place), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_amendments_and_own_branches_work_inside() {
    let steps = "{ write = \"note1.md\", content = \"Note 1\\n\" }, \
        { run = \"git add -A && git -c user.name=A -c user.email=a@b commit -qm one\", expect = 0 }, \
        { run = \"git -c user.name=A -c user.email=a@b commit -q --amend -m 'One note'\", expect = 0 }, \
        { run = \"git status --porcelain && git log --oneline -3 && git diff HEAD~1\", expect = 0 }, \
        { run = \"git branch $(git rev-parse --abbrev-ref HEAD)-draft\", expect = 0 }, \
        { tick = \"1.1\", state = \"done\" }";
    let work = begin(&(session(1, steps) + &note(2)), "test -f note1.md && git status", &[]).await;
    let change = work.finished().await;
    assert_eq!(change["change"]["checks"][0]["passed"], true, "{change:#}");
    assert!(git(&work.repository, &["log", "--format=%s", "--all"]).contains("One note"));
    let sessions = work.server.get(&format!("/spec-tasks/{}/work-sessions", work.task)).await;
    assert_eq!(sessions["work_sessions"][0]["sandbox"]["level"], "bubblewrap", "{sessions:#}");
    let progress =
        git(&work.repository, &["show", &format!("helix-design-docs:specs/{}/progress.md", work.task)]);
    assert!(progress.contains("[x] 1.1") || !progress.contains("[ ] 1.1"), "{progress}");
    work.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_is_killed_takes_everything_along() {
    let sleep = sleep_of_ours();
    let steps = format!("{{ stray = \"env -i setsid {sleep}\" }}, {{ quiet = true }}");
    let work = begin(&(session(1, &steps) + &note(2)), "true", &[]).await;
    eventually_holds("the command runs", || runs(&sleep)).await;
    let instance = work.server.get(&format!("/spec-tasks/{}/zed-instance", work.task)).await;
    let pid = instance["pid"].as_i64().unwrap_or_else(|| panic!("no pid in {instance:#}"));
    let before = starts(&sleep);
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().expect("kill runs").success());
    eventually_holds("the command is started again", || {
        starts(&sleep).iter().all(|process| !before.contains(process))
    })
    .await;
    work.server.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_check_leaves_running_ends_with_it() {
    let sleep = sleep_of_ours();
    let check = format!("test -f note1.md && (env -i setsid {sleep} >/dev/null 2>&1 &)");
    let work = begin(&(note(1) + &note(2)), &check, &[]).await;
    let change = work.finished().await;
    assert_eq!(change["change"]["checks"][0]["passed"], true, "{change:#}");
    assert!(!runs(&sleep), "a process of the check is left");
    work.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_takes_too_much_memory_is_ended_with_the_reason() {
    let take = "python3 -c 'import time; x = bytearray(700 << 20); time.sleep(60)'";
    let steps = session(1, &format!("{{ run = \"{take}\" }}")) + &note(2);
    let work = begin(&steps, "true", &[("SPECTASK_SANDBOX__MEMORY_MB", "300")]).await;
    let path = format!("/spec-tasks/{}/work-sessions", work.task);
    until(&work.server, &path, |found| found.to_string().contains("sandbox.memory_mb")).await;
    work.server.end().await;
}

/// A command that no other test runs.
fn sleep_of_ours() -> String {
    format!("sleep {}", 1_000_000 + std::process::id())
}

/// The processes that run a command on this machine, in whatever namespace.
pub(crate) fn starts(command: &str) -> Vec<PathBuf> {
    let wanted: Vec<&str> = command.split(' ').collect();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|process| process.path());
    let is_ours = |path: &PathBuf| {
        let line = std::fs::read_to_string(path.join("cmdline")).unwrap_or_default();
        line.trim_end_matches('\0').split('\0').collect::<Vec<_>>() == wanted
    };
    processes.filter(is_ours).collect()
}

fn runs(command: &str) -> bool {
    !starts(command).is_empty()
}
