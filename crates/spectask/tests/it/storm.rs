//! A storm: sessions that do odd things side by side, people who come in between, servers that are killed. No work of a
//! completed session is lost, no log has a gap, no effect happens twice.
//!
//! `SPECTASK_STORM=SEED` plays one storm of one's choice; a failing one says its seed.

use crate::harness::{Place, Server, git, stray_processes, text, worktrees_are_closed};
use crate::kill::{Dice, each_effect_once, without_gaps};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const PROMPT: &str = "Weather the storm";
/// Sessions of the plan.
const SESSIONS: u32 = 6;
const SEEDS: [u64; 3] = [0x5707, 0xbeef, 0x1d0];
/// How long a storm may take before it counts as stuck.
const TIMEOUT: Duration = Duration::from_secs(240);
/// How long it blows.
const STORM: Duration = Duration::from_secs(10);
/// When whoever is still at work is stopped.
const TIRED: Duration = Duration::from_secs(15);
/// How often a session that failed is tried again before it is skipped.
const RETRIES: u32 = 3;

/// Commits in the session's worktree, and writes down which commit it made.
fn commit(message: &str, book: &Path) -> String {
    format!(
        "git add -A && git -c user.name=Storm -c user.email=storm@example.org commit -q --allow-empty {message} && git rev-parse HEAD >> {}",
        book.display()
    )
}

/// What a session does, by chance.
fn deeds(dice: &mut Dice, number: u32, book: &Path) -> String {
    let run = |command: &str| format!("{{ run = {command:?} }}");
    let own = format!("{{ write = \"part{number}.md\", content = \"Part {number}\\n\" }}");
    let other = 1 + u32::try_from(dice.roll(u64::from(SESSIONS))).expect("small");
    let (first, again) = (commit("-m one", book), commit("--amend -m two", book));
    let deed = match dice.roll(12) {
        0 => format!("{{ write = \"shared.md\", content = \"by {number}\\n\" }}"),
        1 => format!("{{ write = \"part{other}.md\", content = \"taken over by {number}\\n\" }}"),
        2 => run("rm -f shared.md"),
        3 => run(&format!("{first}; {again}")),
        4 => run(&format!("{first}; git reset -q --hard HEAD~1")),
        5 => run(&format!("git checkout -q -B elsewhere-{number}; {first}")),
        6 => run("touch \"$(git rev-parse --git-dir)/index.lock\""),
        7 => return "{ say = \"Nothing is to be done.\" }".to_owned(),
        8 => run("mkdir -p many && for i in $(seq 400); do echo $i > many/$i.txt; done"),
        9 => format!("{{ crash = 3, once = true }}, {}", run(&first)),
        10 => run(&format!("git checkout -q --detach; {first}")),
        _ => "{ quiet = true, once = true }".to_owned(),
    };
    let wait = format!("{{ wait_ms = {} }}", dice.roll(700));
    format!("{own}, {wait}, {deed}, {wait}, {{ tick = \"{number}.1\", state = \"done\" }}")
}

fn scenario(dice: &mut Dice, books: &Path) -> String {
    let mut tasks = String::from("# Implementation Plan\n\n");
    for number in 1..=SESSIONS {
        tasks.push_str(&format!(
            "- [ ] {number}. (P) Part {number}\n  - [ ] {number}.1 Write it\n    - _Requirements: 1.1_\n"
        ));
        if number == SESSIONS {
            tasks.push_str("  - _Depends: 1_\n");
        }
    }
    let requirements = "# Requirements Document\n\n## Introduction\n\nParts.\n\n## Requirements\n\n### Requirement 1: Parts\n\n\
        **User Story:** As a reader, I want parts, so that I can read them.\n\n#### Acceptance Criteria\n\n\
        1. WHEN the parts are asked for, THE folder SHALL contain them.\n";
    let design = "# Design\n\n## Overview\n\nOne file for each part.\n";
    let mut scenario = format!(
        "id = \"storm\"\nprompts = [{PROMPT:?}]\n\n[planning]\nrequirements = {requirements:?}\ndesign = {design:?}\ntasks = {tasks:?}\n"
    );
    for number in 1..=SESSIONS {
        let deeds = deeds(dice, number, &books.join(number.to_string()));
        scenario.push_str(&format!("\n[[sessions]]\ntask = \"{number}\"\nsteps = [{deeds}]\n"));
    }
    // What is spawned and what is told in between does something small.
    scenario.push_str("\n[[sessions]]\nsteps = [{ write = \"spawned.md\", content = \"Spawned\\n\" }]\n");
    scenario
}

/// One storm and those who are in it.
struct Storm {
    place: Place,
    repository: PathBuf,
    /// There is none while it is started again.
    server: Option<Server>,
    task: String,
    dice: Dice,
    deeds: Vec<String>,
    retries: BTreeMap<String, u32>,
}

impl Storm {
    async fn begin(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let place = Place::new(0);
        let books = place.path("shared/books");
        place.configure(&scenario(&mut dice, &books));
        place.shared();
        std::fs::create_dir_all(&books).expect("a folder");
        let repository = place.repository("parts", &[("README.md", "# Parts\n"), ("shared.md", "shared\n")]);
        let server = place.serve().await;
        let project = server.project(&repository, &[]).await;
        let body = json!({ "prompt": PROMPT, "project_id": project, "complexity": "complex" });
        let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
        let (server, retries) = (Some(server), BTreeMap::new());
        Self { place, repository, server, task, dice, deeds: Vec::new(), retries }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("a server")
    }

    fn pick<'v>(&mut self, from: &'v [Value]) -> Option<&'v Value> {
        let at = usize::try_from(self.dice.roll(from.len().max(1) as u64)).ok()?;
        from.get(at)
    }

    async fn ask(&self, path: &str, body: Value) {
        // Whatever the server says to it in this state is right; it only has to answer.
        let answer = self.server().try_post(path, &body).await;
        let (status, answer) =
            answer.unwrap_or_else(|| panic!("no answer to {path}: {}", self.place.read_log()));
        assert!(status < 500, "POST {path} answered {status}: {answer}");
    }

    /// What a person, an editor or the weather does next.
    async fn act(&mut self, sessions: &[Value]) {
        let active: Vec<Value> = sessions.iter().filter(|one| one["status"] == "active").cloned().collect();
        let task = self.task.clone();
        let deed = match self.dice.roll(9) {
            0 | 1 => {
                self.server.take().expect("a server").kill().await;
                self.server = Some(self.place.serve().await);
                "kill".to_owned()
            }
            2 => {
                let Some(id) = self.pick(&active).map(|one| text(one, "id")) else { return };
                let body = json!({ "name": "Help", "description": "Write what is missing." });
                self.ask(&format!("/work-sessions/{id}/spawn"), body).await;
                format!("spawn {id}")
            }
            3 => {
                let Some(id) = self.pick(&active).map(|one| text(one, "id")) else { return };
                let mode = ["queue", "interrupt"][usize::from(self.dice.roll(2) == 1)];
                self.ask(
                    &format!("/work-sessions/{id}/messages"),
                    json!({ "content": "Go on.", "mode": mode }),
                )
                .await;
                format!("say {mode} {id}")
            }
            4 => {
                let instance = self.server().get(&format!("/spec-tasks/{task}/zed-instance")).await;
                let body = json!({
                    "zed_instance_id": instance["zed_instance_id"], "zed_thread_id": "editor-1", "spec_task_id": task,
                    "thread_name": "By hand",
                });
                for _ in 0..2 {
                    self.ask("/zed-threads/create-session", body.clone()).await;
                }
                let body = json!({
                    "instance_id": instance["zed_instance_id"], "event_type": "thread_status_changed", "spec_task_id": task,
                    "thread_id": "editor-1", "data": { "status": "completed" },
                });
                self.ask("/zed/events", body).await;
                "editor".to_owned()
            }
            5 => {
                // Somebody commits to the documents at the same time.
                let docs = self.repository.join(".git-worktrees/helix-design-docs");
                if !docs.join(".git").exists() {
                    return;
                }
                std::fs::write(docs.join("notes.md"), format!("{}\n", self.deeds.len())).expect("a note");
                let by = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
                try_git(&docs, &["add", "notes.md"]);
                try_git(&docs, &[&by[..], &["commit", "-q", "-m", "A note"]].concat());
                "commit to the documents".to_owned()
            }
            6 => {
                let root = try_git(&self.repository, &["rev-list", "--max-parents=0", "helix-design-docs"]);
                let root = root.lines().next().unwrap_or_default().to_owned();
                try_git(&self.repository, &["update-ref", "refs/heads/helix-design-docs", &root]);
                "rewrite the documents".to_owned()
            }
            7 => {
                try_git(&self.repository, &["update-ref", "-d", "refs/heads/helix-design-docs"]);
                "delete the documents".to_owned()
            }
            _ => {
                let body = json!({ "event_type": "broadcast", "message": "Mind the wind." });
                self.ask(&format!("/spec-tasks/{task}/coordination-events"), body).await;
                "broadcast".to_owned()
            }
        };
        self.deeds.push(deed);
    }

    /// What a patient person does: approves what waits, tries failed sessions again, stops what says nothing, and skips
    /// what does not help.
    async fn tend(&mut self, found: &Value, sessions: &[Value], since: Instant) {
        let task = self.task.clone();
        match found["status"].as_str().unwrap_or_default() {
            "spec_review" => {
                self.ask(&format!("/spec-tasks/{task}/approve-specs"), json!({ "approved": true })).await;
            }
            "implementation_review" => {
                // Where all that was done is skipped there is nothing that could land.
                let is_empty = found["change"]["is_empty"] == true;
                let decision = json!({ "decision": if is_empty { "reject" } else { "approve" } });
                self.ask(&format!("/spec-tasks/{task}/approve-implementation"), decision).await;
            }
            "spec_failed" => self.ask(&format!("/spec-tasks/{task}/retry"), json!({})).await,
            _ => {}
        }
        for session in sessions {
            let id = text(session, "id");
            let action = match session["status"].as_str().unwrap_or_default() {
                "failed" if self.retries.get(&id).is_none_or(|retries| *retries < RETRIES) => {
                    *self.retries.entry(id.clone()).or_default() += 1;
                    "retry"
                }
                "failed" | "cancelled" => "skip",
                "active" if since.elapsed() > TIRED => "cancel",
                _ => continue,
            };
            self.ask(&format!("/work-sessions/{id}/{action}"), json!({})).await;
        }
    }

    /// Goes on until the task is done or rejected; the weather clears after a while.
    async fn pass(&mut self) {
        let begun = Instant::now();
        loop {
            let found = self.server().get(&format!("/spec-tasks/{}", self.task)).await;
            if found["status"] == "done" || found["status"] == "cancelled" {
                return;
            }
            let sessions = found["work_sessions"].as_array().cloned().unwrap_or_default();
            assert!(
                begun.elapsed() < TIMEOUT,
                "the storm does not end after {:?}: {found:#}\n{}",
                self.deeds,
                self.place.read_log()
            );
            self.tend(&found, &sessions, begun).await;
            if begun.elapsed() < STORM {
                self.act(&sessions).await;
            }
            let pause = Duration::from_millis(50 + self.dice.roll(250));
            tokio::time::sleep(pause).await;
        }
    }

    /// What has to be so when it is over; returns how many commits of completed sessions were looked for.
    async fn look(&self) -> usize {
        let found = self.server().get(&format!("/spec-tasks/{}", self.task)).await;
        let mut commits = 0;
        for session in found["work_sessions"].as_array().expect("sessions") {
            without_gaps(self.server(), &text(session, "id")).await;
            if session["status"] == "completed" {
                commits += self.has_its_commits(session);
            }
        }
        each_effect_once(&self.repository);
        crate::record::is_whole(self.server(), &self.repository, &self.task).await;
        git(&self.repository, &["fsck", "--no-dangling", "--connectivity-only"]);
        worktrees_are_closed(&self.repository).await;
        commits
    }

    /// Every commit that a completed session wrote down is part of the task's branch, of what landed or of a saved ref.
    fn has_its_commits(&self, session: &Value) -> usize {
        let Some(index) = session["implementation_task_index"].as_u64() else { return 0 };
        let book = self.place.path("shared/books").join((index + 1).to_string());
        let made: BTreeSet<String> =
            std::fs::read_to_string(book).unwrap_or_default().lines().map(str::to_owned).collect();
        for commit in &made {
            let refs = git(&self.repository, &["for-each-ref", "--format=%(refname)", "--contains", commit]);
            let is_kept = |name: &str| {
                ["refs/heads/main", "refs/heads/task/", "refs/spectask/saved/"]
                    .iter()
                    .any(|kept| name.starts_with(kept))
            };
            assert!(
                refs.lines().any(is_kept),
                "{commit} of {session:#} is only on {refs:?} after {:?}",
                self.deeds
            );
        }
        made.len()
    }
}

/// Runs git and returns what it prints; what it refuses at that moment is no deed.
fn try_git(path: &Path, args: &[&str]) -> String {
    let output = std::process::Command::new("git").arg("-C").arg(path).args(args).output().expect("git runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_in_a_storm() {
    let chosen = std::env::var("SPECTASK_STORM").ok().and_then(|seed| seed.parse().ok());
    let seeds = chosen.map_or_else(|| SEEDS.to_vec(), |seed: u64| vec![seed]);
    let mut commits = 0;
    for seed in seeds {
        eprintln!("the storm of SPECTASK_STORM={seed}");
        let mut storm = Storm::begin(seed).await;
        storm.pass().await;
        eprintln!("{:?}", storm.deeds);
        commits += storm.look().await;
        storm.server.take().expect("a server").end().await;
        assert_eq!(stray_processes(&storm.place), Vec::<String>::new());
    }
    assert!(commits > 0 || chosen.is_some(), "no completed session made a commit: the storms prove nothing");
}
