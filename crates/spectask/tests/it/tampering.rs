//! What is done behind the server's back in a repository: base branches moved, objects replaced, records and documents tampered with.

use crate::harness::{Place, TOKEN, git, http, text};
use crate::job::{Job, begin, note, scenario, session};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use std::path::Path;

/// The open findings of a task that hold its landing.
async fn findings(job: &Job) -> Vec<Value> {
    let found = job.server.get(&format!("/spec-tasks/{}/secret-findings", job.task)).await;
    found.as_array().expect("a list").iter().filter(|one| one["confidence"] == "sure").cloned().collect()
}

async fn reviewed(scenario: &str) -> Job {
    let job = begin(scenario).await;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    job
}

/// Waits until the landing is held, and returns the sentence that says why.
async fn held(job: &Job) -> String {
    loop {
        let found = job.server.get(&format!("/spec-tasks/{}", job.task)).await;
        assert_ne!(found["status"], "done", "it landed: {found:#}");
        if found["last_error"]["code"] == "finding_open" {
            return text(&found["last_error"], "message");
        }
        tokio::task::yield_now().await;
    }
}

fn paths(diff: &Value) -> Vec<&str> {
    diff["files"].as_array().expect("files").iter().filter_map(|file| file["path"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_branch_that_has_unreviewed_work_is_shown_whole_and_holds_the_landing() {
    let job = reviewed(&scenario(&(note(1) + &note(2)))).await;
    let Job { server, repository, task, .. } = &job;
    let before = git(repository, &["rev-parse", "main"]);
    let branch = text(&server.get(&format!("/spec-tasks/{task}")).await, "branch_name");
    git(repository, &["update-ref", "refs/heads/main", &branch]);
    let diff = server.get(&format!("/spec-tasks/{task}/diff")).await;
    assert!(paths(&diff).contains(&"note1.md") && paths(&diff).contains(&"note2.md"), "{diff:#}");
    let open = findings(&job).await;
    assert_eq!(open.len(), 1, "{open:#?}");
    assert_eq!(open[0]["kind"], "base_branch_moved");
    job.decide(json!({ "decision": "approve" })).await;
    let why = held(&job).await;
    assert!(why.contains("unreviewed commits of refs/heads/") && why.contains(&before), "{why}");
    // Taken back, nothing is in the way.
    git(repository, &["update-ref", "refs/heads/main", &before]);
    assert_eq!(findings(&job).await, Vec::<Value>::new());
    job.decide(json!({ "decision": "approve" })).await;
    job.wait_for("done").await;
    assert_eq!(git(repository, &["status", "--porcelain"]), "");
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_knows_that_the_base_branch_was_moved_may_land() {
    let job = reviewed(&scenario(&(note(1) + &note(2)))).await;
    let Job { server, repository, task, .. } = &job;
    let branch = text(&server.get(&format!("/spec-tasks/{task}")).await, "branch_name");
    git(repository, &["merge", "-q", "--ff-only", &branch]);
    let open = findings(&job).await;
    let body = json!({ "decision": "approve", "acknowledged_findings": [open[0]["id"]] });
    job.decide(body).await;
    job.wait_for("done").await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_people_took_off_the_base_branch_does_not_come_back_unnoticed() {
    let job = begin(&scenario(&(note(1) + &note(2)))).await;
    let Job { repository, .. } = &job;
    job.wait_for("spec_review").await;
    std::fs::write(repository.join("private.txt"), "private\n").expect("a file");
    git(repository, &["add", "private.txt"]);
    let by = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    git(repository, &[&by[..], &["commit", "-qm", "Oops"]].concat());
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    git(repository, &["reset", "-q", "--hard", "HEAD~1"]);
    let open = findings(&job).await;
    assert_eq!(
        open.iter().map(|one| one["kind"].clone()).collect::<Vec<_>>(),
        [json!("base_branch_rewound")]
    );
    job.decide(json!({ "decision": "approve" })).await;
    let why = held(&job).await;
    assert!(why.contains("no longer has the commit") && why.contains("Oops"), "{why}");
    assert!(!why.contains("secret"), "{why}");
    assert!(!repository.join("private.txt").exists());
    job.decide(json!({ "decision": "approve", "acknowledged_findings": [open[0]["id"]] })).await;
    job.wait_for("done").await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_people_make_on_the_base_branch_are_no_finding() {
    let job = reviewed(&scenario(&(note(1) + &note(2)))).await;
    let Job { repository, .. } = &job;
    std::fs::write(repository.join("README.md"), "# Notes, by hand\n").expect("a file");
    git(
        repository,
        &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qam", "By hand"],
    );
    assert_eq!(findings(&job).await, Vec::<Value>::new());
    job.decide(json!({ "decision": "approve" })).await;
    job.wait_for("done").await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_an_agent_keeps_for_itself_hold_the_landing_until_acknowledged() {
    let own = "{ write = \"note1.md\", content = \"Note 1\\n\" }, { write = \".new-agent/state\", content = \"x\\n\" }, \
               { write = \".fast-agent/history\", content = \"x\\n\" }, { tick = \"1.1\", state = \"done\" }";
    let job = reviewed(&scenario(&(session(1, own) + &note(2)))).await;
    let Job { server, task, .. } = &job;
    let diff = server.get(&format!("/spec-tasks/{task}/diff")).await;
    assert!(!paths(&diff).contains(&".fast-agent/history"), "{diff:#}");
    let open = findings(&job).await;
    assert_eq!(open.iter().map(|one| one["path"].clone()).collect::<Vec<_>>(), [json!(".new-agent")]);
    job.decide(json!({ "decision": "approve" })).await;
    let why = held(&job).await;
    assert!(why.contains(".new-agent with 1 new file"), "{why}");
    job.decide(json!({ "decision": "approve", "acknowledged_findings": [open[0]["id"]] })).await;
    job.wait_for("done").await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_in_the_way_is_refused_with_the_reason() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let refused = async |name: &str, prepare: &dyn Fn(&Path)| {
        let repository = place.repository(name, &[("README.md", "# A book\n")]);
        prepare(&repository);
        let body = json!({ "repository_path": repository });
        let (status, problem) = server.try_post("/projects", &body).await.expect("an answer");
        assert_eq!(status, 422, "{problem:#}");
        text(&problem["errors"][0], "message")
    };
    for name in ["specs", "task", "spectask"] {
        let why = refused(name, &|repository| drop(git(repository, &["branch", name]))).await;
        assert!(why.contains(&format!("git branch -m {name} NEW-NAME")), "{why}");
    }
    let why = refused("linked", &|repository| {
        std::fs::create_dir(place.path("elsewhere")).expect("a folder");
        symlink(place.path("elsewhere"), repository.join(".git-worktrees")).expect("a link");
    })
    .await;
    assert!(why.contains(".git-worktrees is a symbolic link"), "{why}");
    let why = refused("astray", &|repository| {
        drop(git(repository, &["config", "core.worktree", "/tmp"]));
    })
    .await;
    assert!(why.contains("core.worktree"), "{why}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_an_odd_name_does_not_stop_the_download_of_documents() {
    let job = begin(&scenario(&(note(1) + &note(2)))).await;
    job.wait_for("spec_review").await;
    let Job { server, repository, task, .. } = &job;
    let docs = repository.join(".git-worktrees/helix-design-docs");
    let folder = docs.join("specs").join(task);
    for name in ["a\\b.md", "..\\..\\up.md", "line\nbreak.md", "C:drive.md"] {
        std::fs::write(folder.join(name), "odd\n").expect("a file");
    }
    symlink("/etc/passwd", folder.join("link.md")).expect("a link");
    git(&docs, &["add", "-A"]);
    git(&docs, &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Odd"]);
    let answer = http()
        .get(format!("{}/api/v1/spec-tasks/{task}/download-documents", server.url))
        .bearer_auth(TOKEN)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    let archive = answer.bytes().await.expect("a body");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).expect("an archive");
    let names: Vec<String> = archive.file_names().map(|name| name.expect("a name").into_owned()).collect();
    assert!(names.contains(&format!("specs/{task}/design.md")), "{names:?}");
    assert!(names.iter().all(|name| !name.contains(['\\', '\n', ':'])), "{names:?}");
    let mut note = String::new();
    let mut file = archive.by_name("LEFT-OUT.txt").expect("a note");
    std::io::Read::read_to_string(&mut file, &mut note).expect("text");
    assert!(note.contains("link.md") && note.contains("a\\\\b.md"), "{note}");
    drop(file);
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_cannot_replace_objects_or_fill_the_disk() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    server.project(&repository, &[]).await;
    let host = server.url.trim_start_matches("http://");
    let url = format!("http://ada:{TOKEN}@{host}/git/owner/test.git");
    git(&place.path(""), &["clone", "-q", &url, "clone"]);
    let clone = place.path("clone");
    let tree = git(&clone, &["rev-parse", "HEAD^{tree}"]);
    let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    let evil = git(&clone, &[&identity[..], &["commit-tree", &tree, "-m", "Evil"][..]].concat());
    git(&clone, &["replace", "HEAD", &evil]);
    let push = |args: &[&str]| {
        let output =
            std::process::Command::new("git").arg("-C").arg(&clone).args(args).output().expect("git runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (good, said) = push(&["push", "-q", "origin", "refs/replace/*:refs/replace/*"]);
    assert!(!good, "{said}");
    assert_eq!(git(&repository, &["for-each-ref", "refs/replace"]), "");
    // An ordinary push says nothing that looks like a fault.
    git(&clone, &["replace", "-d", &git(&clone, &["rev-parse", "HEAD"])]);
    let (good, said) = push(&["push", "origin", "HEAD:refs/heads/draft"]);
    assert!(good && !said.contains("error:") && !said.contains("cannot run"), "{said}");
    // A thousand times as large as it comes, for a branch that is streamed to git and for the one that is read whole.
    for (branch, statuses) in [("x", [200, 413]), ("helix-design-docs", [413, 413])] {
        let command = format!("{} {} refs/heads/{branch}", "0".repeat(40), "1".repeat(40));
        let head = format!("{:04x}{command}0000", command.len() + 4);
        let script = format!("(printf %s {head:?}; head -c 67108864 /dev/zero) | gzip -9");
        let compressed =
            std::process::Command::new("sh").args(["-c", &script]).output().expect("gzip runs").stdout;
        assert!(compressed.len() < 1024 * 1024);
        let answer = http()
            .post(format!("{}/git/owner/test.git/git-receive-pack", server.url))
            .basic_auth("ada", Some(TOKEN))
            .header("content-encoding", "gzip")
            .header("content-type", "application/x-git-receive-pack-request")
            .body(compressed)
            .send()
            .await
            .expect("an answer");
        assert!(statuses.contains(&answer.status().as_u16()), "{branch}: {}", answer.status());
        assert!(!answer.text().await.expect("a body").contains("ok refs/heads/"));
    }
    server.end().await;
}
