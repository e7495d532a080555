//! What others do to the documents' worktree is put right.

use crate::harness::git;
use crate::record::{Job, begin, scenario};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How soon the server sees to what somebody else did.
const SOON: Duration = Duration::from_secs(30);
const BRANCH: &str = "helix-design-docs";

fn docs(repository: &Path) -> PathBuf {
    repository.join(".git-worktrees").join(BRANCH)
}

/// Waits for something to be so.
async fn soon(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < SOON, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A file on the branch, byte for byte; none when it is not there.
fn kept(repository: &Path, file: &str) -> Option<Vec<u8>> {
    let shown = std::process::Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["show", &format!("{BRANCH}:{file}")])
        .output()
        .expect("git runs");
    shown.status.success().then_some(shown.stdout)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_documents_worktree_that_vanished_is_made_again_and_agents_go_on_in_it() {
    let waits = "{ say = \"I begin.\" }, { run = \"while ! test -f ../../../../go; do sleep 0.05; done\" }, \
                 { write = \"note1.md\", content = \"One\\n\" }, { tick = \"1.1\", state = \"done\" }";
    let Job { place, server, repository, task } = begin(&scenario(waits)).await;
    server.wait_for(&task, &["spec_review"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    let docs = docs(&repository);
    let progress = docs.join(format!("specs/{task}/progress.md"));
    let is_begun = || std::fs::read_to_string(&progress).is_ok_and(|text| text.contains("[~] 1."));
    soon("the first session begins", is_begun).await;
    for forget in ["list", "prune"] {
        std::fs::remove_dir_all(&docs).expect("it is taken away");
        git(&repository, &["worktree", forget]);
        soon("the worktree is there", || docs.join(".git").is_file() && is_begun()).await;
        soon("it has everything", || git(&docs, &["status", "--porcelain"]).is_empty()).await;
        assert_eq!(git(&docs, &["rev-parse", "--abbrev-ref", "HEAD"]), BRANCH);
    }
    std::fs::write(place.path("go"), "").expect("a file");
    server.wait_for(&task, &["implementation_review"]).await;
    let text =
        String::from_utf8(kept(&repository, &format!("specs/{task}/progress.md")).expect("a checklist"));
    let text = text.expect("text");
    assert!(text.contains("[x] 1.1"), "{text}");
    server.end().await;
}
