//! What the scripted agent does with git.

use crate::harness::{Running, git, in_time, place, repository, told};
use serde_json::{Value, json};
use std::path::Path;

async fn ask(agent: &Running, session: &str, number: Option<&str>, progress: Option<&Path>, ask: Value) {
    let meta = told(&json!({
        "phase": "implementation", "implementation_task_number": number, "ask": ask, "documents": {"progress": progress},
    }));
    let end =
        in_time(agent.process.prompt(session, "Merge it (`git merge other`), please.", Some(meta))).await;
    assert_eq!(end.unwrap().stop_reason, "end_turn");
}

#[tokio::test]
async fn ticks_change_one_marker_and_commit_that_file_alone() {
    let place = place(
        r#"
        [[sessions]]
        task = "1"
        steps = [{ tick = "1", state = "doing" }, { tick = "1.1", state = "done" }, { tick = "1", state = "done" }]
        [[sessions]]
        task = "2"
        steps = [{ tick = "2", state = "doing" }, { tick = "2", state = "done" }, { tick = "2", state = "done" }]
        "#,
    );
    let docs = place.folder("docs");
    repository(
        &docs,
        &[("progress.md", "# P\n- [ ] 1. One\n  - [ ] 1.1 Sub\n- [ ] 2. Two\n- [ ] 3. Three\n"), ("a", "")],
    );
    std::fs::write(docs.join("a"), "somebody is at it").unwrap();
    let agent = place.start().await;
    let (first, second) =
        (agent.session(&place.folder("one")).await, agent.session(&place.folder("two")).await);
    let progress = docs.join("progress.md");
    // Both threads work on the same checklist at once.
    tokio::join!(
        ask(&agent, &first, Some("1"), Some(&progress), json!({"ask": "implement"})),
        ask(&agent, &second, Some("2"), Some(&progress), json!({"ask": "implement"})),
    );
    assert_eq!(
        place.read("docs/progress.md"),
        "# P\n- [x] 1. One\n  - [x] 1.1 Sub\n- [x] 2. Two\n- [ ] 3. Three\n"
    );
    let mut log: Vec<String> = git(&docs, &["log", "--format=%s"]).lines().map(str::to_owned).collect();
    log.sort();
    assert_eq!(
        log,
        [
            "Progress: 1 is begun",
            "Progress: 1 is done",
            "Progress: 1.1 is done",
            "Progress: 2 is begun",
            "Progress: 2 is done",
            "Start"
        ]
    );
    assert_eq!(git(&docs, &["status", "--porcelain"]), " M a");
    // The same turn once more changes nothing that is done.
    let steps = "[[sessions]]\ntask = \"1\"\nsteps = [{ tick = \"1\", state = \"done\" }]";
    std::fs::write(
        place.path("scenarios/test.toml"),
        format!("id = \"test\"\nprompts = [\"Test\"]\n{steps}"),
    )
    .unwrap();
    ask(&agent, &first, Some("1"), Some(&progress), json!({"ask": "implement"})).await;
    assert_eq!(git(&docs, &["rev-list", "--count", "HEAD"]), "6");
    agent.process.stop().await;
}

#[tokio::test]
async fn a_held_lock_is_waited_for() {
    let place = place("[[sessions]]\ntask = \"1\"\nsteps = [{ tick = \"1\", state = \"done\" }]");
    let docs = place.folder("docs");
    repository(&docs, &[("progress.md", "- [ ] 1. One\n")]);
    let lock = docs.join(".git/index.lock");
    std::fs::write(&lock, "").unwrap();
    let mut agent = place.start().await;
    let session = agent.session(&place.folder("one")).await;
    let meta = told(&json!({
        "phase": "implementation", "implementation_task_number": "1", "ask": {"ask": "implement"},
        "documents": {"progress": docs.join("progress.md")},
    }));
    let process = agent.process.clone();
    let turn = tokio::spawn(async move { process.prompt(&session, "Do it.", Some(meta)).await });
    // The marker is changed before the commit begins.
    while place.read("docs/progress.md") != "- [x] 1. One\n" {
        agent.next().await;
    }
    std::fs::remove_file(&lock).unwrap();
    assert_eq!(in_time(turn).await.unwrap().unwrap().stop_reason, "end_turn");
    assert_eq!(git(&docs, &["log", "-1", "--format=%s"]), "Progress: 1 is done");
    agent.process.stop().await;
}

#[tokio::test]
async fn work_is_committed_when_there_is_some() {
    let place = place(
        "[[sessions]]\ntask = \"1\"\nsteps = [{ write = \"b\", content = \"x\" }, { commit = \"Add b\" }, { commit = \"Add nothing\" }]",
    );
    let work = place.folder("work");
    repository(&work, &[("a", "")]);
    let agent = place.start().await;
    let session = agent.session(&work).await;
    ask(&agent, &session, Some("1"), None, json!({"ask": "implement"})).await;
    assert_eq!(git(&work, &["log", "--format=%s by %an"]), "Add b by Scripted agent\nStart by Ada");
    agent.process.stop().await;
}

#[tokio::test]
async fn a_conflict_keeps_both_sides() {
    let place = place("");
    let work = place.folder("work");
    repository(&work, &[("a", "one\n"), ("gone", "one\n")]);
    git(&work, &["checkout", "-qb", "other"]);
    std::fs::write(work.join("a"), "theirs\n").unwrap();
    git(&work, &["rm", "-q", "gone"]);
    git(&work, &["commit", "-qam", "Other"]);
    git(&work, &["checkout", "-q", "main"]);
    std::fs::write(work.join("a"), "ours\n").unwrap();
    std::fs::write(work.join("gone"), "two\n").unwrap();
    git(&work, &["commit", "-qam", "Main"]);
    let agent = place.start().await;
    let session = agent.session(&work).await;
    let conflict = json!({"ask": "resolve_conflict", "files": ["a"], "details": ""});
    ask(&agent, &session, Some("1"), None, conflict.clone()).await;
    assert_eq!(place.read("work/a"), "ours\ntheirs\n");
    assert_eq!(git(&work, &["status", "--porcelain"]), "");
    assert_eq!(git(&work, &["log", "-1", "--format=%P"]).split(' ').count(), 2);
    // Once more there is nothing to merge.
    ask(&agent, &session, Some("1"), None, conflict).await;
    assert_eq!(git(&work, &["rev-list", "--count", "HEAD"]), "4");
    agent.process.stop().await;
}

#[tokio::test]
async fn without_a_scenario_a_note_stands_for_the_work() {
    let place = place("");
    let (work, docs) = (place.folder("work"), place.folder("docs"));
    repository(&docs, &[("progress.md", "- [ ] 2. Two\n  - [ ] 2.1 Sub\n")]);
    let agent = place.start().await;
    let session = agent.session(&work).await;
    ask(&agent, &session, Some("2"), Some(&docs.join("progress.md")), json!({"ask": "implement"})).await;
    assert!(place.read("work/docs/spectask/2.md").contains("not a model"));
    assert_eq!(place.read("docs/progress.md"), "- [x] 2. Two\n  - [x] 2.1 Sub\n");
    let rework = json!({"ask": "rework", "comments": "Rename it."});
    ask(&agent, &session, None, None, rework.clone()).await;
    ask(&agent, &session, None, None, rework).await;
    assert_eq!(place.read("work/REVIEW_NOTES.md").matches("> Rename it.").count(), 1);
    agent.process.stop().await;
}
