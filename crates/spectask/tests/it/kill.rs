//! The server is killed at random moments, again and again, and the end is that of an undisturbed run.

use crate::harness::{Place, Server, file_has, git, stray_processes, text, worktrees_are_closed};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// How often the server is killed at least; `SPECTASK_KILLS` asks for more or fewer.
const KILLS: u32 = 50;
pub(crate) const PROMPT: &str = "Write the five chapters";

/// Five planned tasks: one first, three side by side, one last.
pub(crate) fn scenario() -> String {
    let mut tasks = String::from("# Implementation Plan\n\n");
    for (number, title, marks) in [
        (1, "Table of contents", ""),
        (2, "Chapter one", "(P) "),
        (3, "Chapter two", "(P) "),
        (4, "Chapter three", "(P) "),
        (5, "Index", ""),
    ] {
        tasks.push_str(&format!(
            "- [ ] {number}. {marks}{title}\n  - [ ] {number}.1 Write it\n    - _Requirements: 1.1_\n    - _Boundary: book/{number}.md_\n"
        ));
    }
    let requirements = "# Requirements Document\n\n## Introduction\n\nA book of five parts.\n\n## Requirements\n\n\
        ### Requirement 1: Parts\n\n**User Story:** As a reader, I want five parts, so that I can read them.\n\n\
        #### Acceptance Criteria\n\n1. WHEN the book is built, THE book SHALL contain five parts.\n\
        2. IF a part is missing, THEN THE book SHALL name the missing part.\n";
    let design = "# Design\n\n## Overview\n\nOne file for each part.\n\n## Sessions\n\nChapters are written side by side.\n";
    let mut scenario = format!(
        "id = \"book\"\nprompts = [{PROMPT:?}]\n\n[planning]\nsteps = [{{ say = \"I read the repository.\" }}]\n\
         requirements = {requirements:?}\ndesign = {design:?}\ntasks = {tasks:?}\n"
    );
    for number in 1..=5 {
        scenario.push_str(&format!(
            "\n[[sessions]]\ntask = \"{number}\"\nsteps = [\n\
             {{ say = \"I begin with part {number}.\" }},\n\
             {{ tick = \"{number}.1\", state = \"doing\" }},\n\
             {{ write = \"book/{number}.md\", content = \"# Part {number}\\n\" }},\n\
             {{ say = \"It is written; now it is checked.\" }},\n\
             {{ run = \"test -f book/{number}.md\", expect = 0 }},\n\
             {{ tick = \"{number}.1\", state = \"done\" }},\n\
             {{ say = \"Part {number} is done.\" }},\n]\n"
        ));
    }
    scenario
}

/// What a run leaves behind, without what differs from run to run.
#[derive(Debug, PartialEq)]
pub(crate) struct End {
    tree: String,
    subjects: Vec<String>,
    checklist: Vec<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_change_nothing() {
    let undisturbed = {
        let place = Place::new(0);
        place.configure(&scenario());
        let repository = place.repository("book", &[("README.md", "# A book\n")]);
        let server = place.serve().await;
        let project = server.project(&repository, &["test -f book/5.md"]).await;
        let task = create(&server, &project).await;
        let server = carry(server, &task).await;
        let end = look(&server, &repository, &task).await;
        server.end().await;
        assert_eq!(stray_processes(&place), Vec::<String>::new());
        end
    };

    let wanted = std::env::var("SPECTASK_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let place = Place::new(25);
    place.configure(&scenario());
    let mut dice = Dice(0x5eed);
    let mut kills = 0;
    let mut round = 0;
    while kills < wanted {
        round += 1;
        let repository = place.repository(&format!("book-{round}"), &[("README.md", "# A book\n")]);
        let mut server = place.serve().await;
        let project = server.project(&repository, &["test -f book/5.md"]).await;
        let task = create(&server, &project).await;
        loop {
            if kills >= wanted {
                push(&server, &task).await;
                break;
            }
            let until = Duration::from_millis(150 + dice.roll(900));
            let done = tokio::time::timeout(until, push(&server, &task)).await;
            if done.is_ok() {
                break;
            }
            server.kill().await;
            kills += 1;
            server = place.serve().await;
        }
        let end = look(&server, &repository, &task).await;
        assert_eq!(end, undisturbed, "after {kills} kills; the log: {}", place.read_log());
        server.end().await;
        assert_eq!(stray_processes(&place), Vec::<String>::new());
    }
    eprintln!("{kills} kills over {round} tasks");
}

/// A small generator, so that a failing run can be run again.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

pub(crate) async fn create(server: &Server, project: &str) -> String {
    let task =
        server.post("/spec-tasks/from-prompt", &json!({ "prompt": PROMPT, "project_id": project })).await;
    text(&task, "id")
}

/// Carries a task to its end without disturbing anything.
async fn carry(server: Server, task: &str) -> Server {
    push(&server, task).await;
    server
}

/// Approves whatever waits for approval until the task is done.
pub(crate) async fn push(server: &Server, task: &str) {
    loop {
        let states = ["spec_review", "implementation_review", "done", "spec_failed", "implementation_failed"];
        let found = server.wait_for(task, &states).await;
        match found["status"].as_str() {
            Some("spec_review") => {
                server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
            }
            Some("implementation_review") => {
                let body = json!({ "decision": "approve" });
                server.post(&format!("/spec-tasks/{task}/approve-implementation"), &body).await;
            }
            Some("done") => return,
            _ => panic!("the task failed: {:#}", found["last_error"]),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn look(server: &Server, repository: &Path, task: &str) -> End {
    let found = server.get(&format!("/spec-tasks/{task}")).await;
    let sessions = found["work_sessions"].as_array().expect("work sessions").clone();
    for session in &sessions {
        assert_eq!(session["status"], "completed", "{session:#}");
        without_gaps(server, &text(session, "id")).await;
    }
    assert_eq!(sessions.len(), 6, "five sessions and the planner");
    each_effect_once(repository);
    crate::record::is_whole(server, repository, task).await;
    // The trees of the worktrees are closed a moment after the task is done.
    worktrees_are_closed(repository).await;
    let mut subjects: Vec<String> = git(repository, &["log", "--format=%s", "main"])
        .lines()
        .map(|line| line.replace(task, "TASK").replace(&text(&found, "short_id"), "TASK"))
        .collect();
    subjects.sort();
    let progress = git(repository, &["show", &format!("helix-design-docs:specs/{task}/progress.md")]);
    let checklist = progress.lines().filter(|line| line.contains("- [")).map(str::to_owned).collect();
    End { tree: git(repository, &["rev-parse", "main:book"]), subjects, checklist }
}

pub(crate) async fn without_gaps(server: &Server, session: &str) {
    let mut after = 0;
    loop {
        let page = server.get(&format!("/work-sessions/{session}/events?after={after}&limit=500")).await;
        let page: Vec<Value> = page.as_array().expect("entries").clone();
        if page.is_empty() {
            return;
        }
        for entry in page {
            assert_eq!(entry["seq"], json!(after + 1), "a gap in the log of {session}");
            after += 1;
        }
    }
}

pub(crate) fn each_effect_once(repository: &Path) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    // A branch that is removed while git lists the refs is none, and no damage.
    let log = std::process::Command::new("git")
        .env("GIT_REF_PARANOIA", "0")
        .current_dir(repository)
        .args(["log", "--all", "--format=%H %(trailers:key=SpecTask-Effect,valueonly,separator=%x2C)"])
        .output()
        .expect("git runs");
    assert!(log.status.success(), "{}", String::from_utf8_lossy(&log.stderr));
    let log = String::from_utf8_lossy(&log.stdout);
    for line in log.lines() {
        let Some((commit, effect)) = line.split_once(' ').filter(|(_, effect)| !effect.is_empty()) else {
            continue;
        };
        if let Some(other) = seen.insert(effect.to_owned(), commit.to_owned()) {
            panic!("the effect {effect} was done twice, in {other} and {commit}");
        }
    }
    assert!(!seen.is_empty(), "commits carry their effects");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checklist_that_a_kill_left_blank_is_put_back() {
    let place = Place::new(0);
    place.configure(&scenario().replace("{ say = \"I begin with part 1.\" }", "{ hang = true }"));
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let task = create(&server, &project).await;
    server.wait_for(&task, &["spec_review"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    server.wait_for(&task, &["implementation"]).await;
    let path = format!("specs/{task}/progress.md");
    let file = repository.join(".git-worktrees/helix-design-docs").join(&path);
    file_has(&file, "- [~] 1. Table of contents").await;
    server.kill().await;
    std::fs::write(&file, "").expect("the file is emptied");
    let server = place.serve().await;
    file_has(&file, "5. Index").await;
    server.post(&format!("/spec-tasks/{task}/cancel"), &json!({})).await;
    server.end().await;
}
