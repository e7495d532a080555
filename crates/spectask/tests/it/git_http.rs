//! Repositories as git itself reaches them: cloned, fetched and pushed to over HTTP.

use crate::harness::{Place, Server, TOKEN, git, http, text};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

const DOCUMENTS: &str = "helix-design-docs";

/// Runs git and says whether it succeeded, with all it printed.
fn try_git(path: &Path, args: &[&str]) -> (bool, String) {
    let output = std::process::Command::new("git")
        .arg("-C")
        .arg(path)
        .args(["-c", "credential.helper=", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
        .args(args)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .expect("git runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn succeeds(path: &Path, args: &[&str]) -> String {
    let (good, said) = try_git(path, args);
    assert!(good, "git {args:?}: {said}");
    said
}

fn address(server: &Server, token: &str, name: &str) -> String {
    let host = server.url.trim_start_matches("http://");
    format!("http://ada:{token}@{host}/git/owner/{name}.git")
}

fn commit(path: &Path, file: &str, content: &str) {
    std::fs::create_dir_all(path.join(file).parent().expect("a parent")).expect("a folder");
    std::fs::write(path.join(file), content).expect("a file");
    succeeds(path, &["add", "-A"]);
    succeeds(path, &["commit", "-qm", file]);
}

/// A task whose documents are written.
async fn planned(server: &Server, repository: &Path) -> String {
    let project = server.project(repository, &[]).await;
    let body = json!({ "prompt": "Write a preface", "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&task, &["spec_review"]).await;
    task
}

#[tokio::test(flavor = "multi_thread")]
async fn git_clones_and_pushes_with_the_token_as_password() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    let id = server.project(&repository, &[]).await;

    for (token, name) in [("wrong", "test"), (TOKEN, "other")] {
        let (good, said) =
            try_git(place.path("").as_path(), &["clone", &address(&server, token, name), "refused"]);
        assert!(!good, "{token} {name}: {said}");
    }
    let asked = http().get(format!("{}/git/owner/test.git/info/refs?service=git-upload-pack", server.url));
    let asked = asked.send().await.expect("an answer");
    assert_eq!(asked.status(), 401);
    assert!(asked.headers()["www-authenticate"].to_str().expect("text").starts_with("Basic"));

    // By the project's name, by its id, and below the API's base path.
    succeeds(&place.path(""), &["clone", "-q", &address(&server, TOKEN, "test"), "clone"]);
    succeeds(&place.path(""), &["clone", "-q", &address(&server, TOKEN, &id), "by-id"]);
    let below = address(&server, TOKEN, "test").replace("/git/", "/api/v1/git/");
    assert!(succeeds(&place.path(""), &["ls-remote", &below]).contains("refs/heads/main"));
    let clone = place.path("clone");
    assert_eq!(std::fs::read_to_string(clone.join("README.md")).expect("a file"), "# A book\n");

    // A branch that nobody has checked out is made, rewritten and deleted; one that is checked out stays as it is.
    succeeds(&clone, &["switch", "-qc", "draft"]);
    commit(&clone, "big.txt", &"word\n".repeat(400_000));
    succeeds(&clone, &["push", "-q", "origin", "draft"]);
    assert_eq!(git(&repository, &["rev-parse", "draft"]), git(&clone, &["rev-parse", "HEAD"]));
    succeeds(&clone, &["commit", "-q", "--amend", "-m", "Other words"]);
    succeeds(&clone, &["push", "-q", "--force", "origin", "draft"]);
    succeeds(&clone, &["push", "-q", "origin", ":draft"]);
    let (good, said) = try_git(&clone, &["push", "origin", "draft:main"]);
    assert!(!good && said.contains("checked out"), "{said}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_ref_is_hidden_from_the_checks_of_a_push() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    let server = place.serve().await;
    server.project(&repository, &[]).await;
    let old = git(&repository, &["rev-parse", "HEAD"]);
    git(&repository, &["branch", "stable"]);
    commit(&repository, "notes.md", "A note\n");
    let new = git(&repository, &["rev-parse", "HEAD"]);

    let packet = |line: &str| format!("{:04x}{line}", line.len() + 4);
    let update = format!("{old} {new} refs/heads/stable");
    // Git reads the commands of a certificate line by line, whatever packets they come in.
    let certificate = [
        packet("push-cert\0report-status"),
        packet("certificate version 0.1\npusher ada <ada@example.org> 1 +0000\n"),
        packet(&format!("\n{update}\n")),
        packet("push-cert-end\n"),
    ];
    for (commands, reason) in [
        (certificate.concat(), "Signed pushes are not accepted; push with --no-signed."),
        (packet(&format!("{update}\n{update}")), "The request is not a push that git sends."),
    ] {
        let mut body = format!("{commands}0000").into_bytes();
        // A pack without objects, with its checksum.
        body.extend_from_slice(b"PACK\0\0\0\x02\0\0\0\0\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e");
        let answer = http()
            .post(format!("{}/git/owner/test.git/git-receive-pack", server.url))
            .basic_auth("ada", Some(TOKEN))
            .header("content-type", "application/x-git-receive-pack-request")
            .body(body)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 400);
        assert!(answer.text().await.expect("a body").contains(reason), "{reason}");
        assert_eq!(git(&repository, &["rev-parse", "stable"]), old);
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_only_go_forward() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    let server = place.serve().await;
    let task = planned(&server, &repository).await;

    succeeds(&place.path(""), &["clone", "-q", "-b", DOCUMENTS, &address(&server, TOKEN, "test"), "clone"]);
    let clone = place.path("clone");
    let before = git(&clone, &["rev-parse", "HEAD"]);
    let design = format!("specs/{task}/design.md");
    let text = std::fs::read_to_string(clone.join(&design)).expect("the design") + "\nOne page is enough.\n";
    commit(&clone, &design, &text);
    // The server may have written meanwhile: git says so, and the person joins it, as with every remote.
    while !try_git(&clone, &["push", "-q", "origin", DOCUMENTS]).0 {
        succeeds(&clone, &["pull", "-q", "--rebase", "origin", DOCUMENTS]);
    }
    let seen = server.get(&format!("/spec-tasks/{task}/documents/design")).await;
    assert_eq!(seen["content"], json!(text));
    let worktree = repository.join(".git-worktrees").join(DOCUMENTS);
    assert_eq!(std::fs::read_to_string(worktree.join(&design)).expect("the design"), text);

    for spec in [format!("+{before}:refs/heads/{DOCUMENTS}"), format!(":refs/heads/{DOCUMENTS}")] {
        let (good, said) = try_git(&clone, &["push", "origin", &spec]);
        assert!(!good && said.contains("rejected"), "{spec}: {said}");
    }
    // Beside them nothing else moves: a branch that is checked out somewhere would leave its checkout behind.
    commit(&clone, "notes.md", "A note\n");
    let together = ["push", "origin", DOCUMENTS, &format!("{DOCUMENTS}:refs/heads/aside")];
    let said = loop {
        succeeds(&clone, &["pull", "-q", "--rebase", "origin", DOCUMENTS]);
        let (good, said) = try_git(&clone, &together);
        assert!(!good, "{said}");
        if !said.contains("fetch first") {
            break said;
        }
    };
    assert!(said.contains("403"), "{said}");
    assert_eq!(git(&repository, &["merge-base", "--is-ancestor", &before, DOCUMENTS]), "");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_beside_the_record_leave_a_clean_checkout() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    place.configure_more("[recording]\ncommit_frequency_minutes = 0\n");
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    let server = place.serve().await;
    let task = planned(&server, &repository).await;
    let found = server.get(&format!("/spec-tasks/{task}/work-sessions")).await;
    let record = format!("/work-sessions/{}/record-history", text(&found["work_sessions"][0], "id"));

    succeeds(&place.path(""), &["clone", "-q", "-b", DOCUMENTS, &address(&server, TOKEN, "test"), "clone"]);
    let clone = place.path("clone");
    let pushed = tokio::task::spawn_blocking(move || {
        for number in 0..8 {
            commit(&clone, &format!("notes/{number}.md"), "A note\n");
            loop {
                if try_git(&clone, &["push", "-q", "origin", DOCUMENTS]).0 {
                    break;
                }
                succeeds(&clone, &["pull", "-q", "--rebase", "origin", DOCUMENTS]);
            }
        }
        git(&clone, &["rev-parse", "HEAD"])
    });
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    for number in 0..40 {
        pace.tick().await;
        let decision = json!({ "activity_type": "decision", "content": format!("Decision {number}.") });
        server.post(&record, &decision).await;
    }
    let pushed = pushed.await.expect("the pushes end");
    git(&repository, &["merge-base", "--is-ancestor", &pushed, DOCUMENTS]);
    let worktree = repository.join(".git-worktrees").join(DOCUMENTS);
    // A checkout is looked at between commits: its index follows a moment later.
    let clean =
        (0..200).any(|_| git(&worktree, &["status", "--porcelain", "--untracked-files=no"]).is_empty());
    assert!(clean, "{}", git(&worktree, &["status", "--porcelain"]));
    assert!((0..8).all(|number| worktree.join(format!("notes/{number}.md")).exists()));
    server.end().await;
}
