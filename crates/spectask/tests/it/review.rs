//! Documents are edited and commented on, and changes are sent back with comments on their lines.

use crate::harness::{git, text};
use crate::job::{Job, begin, note, scenario, session};
use crate::record::recorded;
use serde_json::{Value, json};

/// A reworded plan's requirements, as the planner makes them in its second round.
const REVISED: &str = "# Requirements Document\n\n## Introduction\n\nNotes, and who reads them.\n\n## Requirements\n\n### Requirement 1: Notes\n\n\
    **User Story:** As a reader, I want notes, so that I can read them.\n\n#### Acceptance Criteria\n\n\
    1. WHEN the notes are asked for, THE folder SHALL contain both of them.\n";

fn revising() -> String {
    let answers =
        "I revised them.\\n\\nC1: done. Both are named.\\nC2: declined, because nothing goes missing.";
    let revision =
        format!("[[planning.revisions]]\nsteps = [{{ say = \"{answers}\" }}]\nrequirements = {REVISED:?}\n");
    scenario(&(revision + &note(1) + &note(2)))
}

impl Job {
    fn path(&self, rest: &str) -> String {
        format!("/spec-tasks/{}{rest}", self.task)
    }

    async fn reviews(&self) -> Vec<Value> {
        self.server.get(&self.path("/reviews")).await.as_array().expect("reviews").clone()
    }

    async fn comment(&self, body: &Value) -> (u16, Value) {
        let review = text(self.reviews().await.last().expect("a review"), "id");
        let path = self.path(&format!("/reviews/{review}/comments"));
        self.server.try_post(&path, body).await.expect("an answer")
    }

    async fn edit(&self, document: &str, content: &str, base: &Value) -> (u16, Value) {
        let body = json!({ "content": content, "base_commit": base });
        self.server.try_put(&self.path(&format!("/documents/{document}")), &body).await.expect("an answer")
    }

    async fn document(&self, name: &str) -> Value {
        self.server.get(&self.path(&format!("/documents/{name}"))).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_reach_the_planner_and_its_answers_come_back() {
    let job = begin(&revising()).await;
    let Job { server, repository, task, .. } = &job;
    job.wait_for("spec_review").await;
    let quote = "THE folder SHALL contain them";
    let (status, first) = job
        .comment(&json!({ "document": "requirements.md", "quoted_text": quote, "comment": "Which?", "kind": "blocking" }))
        .await;
    assert_eq!((status, &first["label"], &first["start_line"]), (201, &json!("C1"), &json!(15)), "{first:#}");
    let lines = json!({ "document": "requirements", "start_line": 16, "end_line": 16, "comment": "Really?", "kind": "question" });
    let (status, second) = job.comment(&lines).await;
    assert_eq!((status, &second["anchor"]), (201, &json!("kept")), "{second:#}");
    let (_, praise) =
        job.comment(&json!({ "document": "design", "comment": "Short.", "kind": "praise" })).await;
    for (body, field) in [
        (json!({ "document": "poem", "comment": "x" }), "document"),
        (json!({ "document": "design", "comment": " " }), "comment"),
        (json!({ "document": "design", "comment": "x", "kind": "rant" }), "kind"),
        (json!({ "document": "design", "comment": "x", "start_line": 900 }), "start_line"),
        (json!({ "document": "design", "comment": "x", "quoted_text": "not there" }), "quoted_text"),
        (json!({ "comment": "x" }), "document"),
    ] {
        let (status, problem) = job.comment(&body).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{body}: {problem:#}");
    }
    let reply = format!("/comments/{}/reply", text(&first, "id"));
    server.post(&reply, &json!({ "comment": "Both, I mean." })).await;
    for path in ["/comments/cmt_none/reply", "/comments/cmt_none/resolve"] {
        let (status, _) = server.try_post(path, &json!({ "comment": "x" })).await.expect("an answer");
        assert_eq!(status, 404, "{path}");
    }
    // The open comments are all that is asked for.
    server.post(&job.path("/approve-specs"), &json!({ "approved": false })).await;
    let found = job.wait_for("spec_review").await;
    assert_eq!(found["spec_revision_count"], 1);
    let rounds = job.reviews().await;
    let comments = rounds[0]["comments"].as_array().expect("comments");
    let [one, two, three] = comments.as_slice() else { panic!("{comments:#?}") };
    assert_eq!(
        (&one["status"], &one["anchor"], &one["start_line"]),
        (&json!("answered"), &json!("changed"), &json!(15))
    );
    assert_eq!(one["replies"][0]["comment"], "Both, I mean.");
    assert_eq!(
        (&one["replies"][1]["answer"], &one["replies"][1]["comment"]),
        (&json!("done"), &json!("Both are named."))
    );
    assert_eq!((&two["outdated"], &two["replies"][0]["answer"]), (&json!(true), &json!("declined")));
    assert_eq!(two["original"]["text"], "2. IF a note is missing, THEN THE folder SHALL say so.");
    assert_eq!((&three["status"], &three["id"]), (&json!("open"), &praise["id"]));
    assert!(text(&rounds[1]["diff_from_previous"], "requirements").contains("+1. WHEN"), "{:#}", rounds[1]);
    let log = planner_log(&job).await;
    assert!(
        log.contains("C1 (blocking), requirements.md, line 15") && log.contains("Both, I mean."),
        "{log}"
    );
    let resolve = format!("/comments/{}/resolve", text(one, "id"));
    for _ in 0..2 {
        assert_eq!(server.post(&resolve, &json!({})).await["status"], "resolved");
    }
    let (status, problem) = server
        .try_post(&job.path(&format!("/reviews/{}/comments", text(&rounds[0], "id"))), &lines)
        .await
        .expect("an answer");
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("wrong_state")),
        "an earlier version is commented on"
    );
    recorded(server, task).await;
    let kept =
        git(repository, &["show", &format!("helix-design-docs:specs/{task}/reviews/0001-comments.md")]);
    for said in ["C1: blocking on requirements.md, line 15", "> Both, I mean.", "C1: done", "C1: resolved"] {
        assert!(kept.contains(said), "{said}: {kept}");
    }
    job.end().await;
}

/// What the planning session was asked.
async fn planner_log(job: &Job) -> String {
    let sessions = job.server.get(&job.path("/work-sessions?phase=planning")).await;
    let id = text(&sessions["work_sessions"][0], "id");
    let entries = job.server.get(&format!("/work-sessions/{id}/events?limit=500")).await;
    let asked = entries.as_array().expect("entries").iter().filter(|entry| entry["kind"] == "user_message");
    asked.filter_map(|entry| entry["text"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_edits_a_document_in_review_and_after_it() {
    let job = begin(&scenario(&(session(1, "{ wait_ms = 60000 }") + &note(2)))).await;
    let Job { server, repository, task, .. } = &job;
    job.wait_for("spec_review").await;
    let metadata: Value =
        serde_json::from_str(&text(&job.document("metadata").await, "content")).expect("JSON");
    assert_eq!((&metadata["status"], &metadata["spec_approved_by"]), (&json!("spec_review"), &Value::Null));
    let read = job.document("requirements").await;
    let content = text(&read, "content").replace("THE folder SHALL say so", "it should say so");
    let (status, edited) = job.edit("requirements", &content, &read["commit"]).await;
    assert_eq!(
        (status, &edited["content"], &edited["approval_void"]),
        (200, &json!(content), &json!(false)),
        "{edited:#}"
    );
    let author = git(
        repository,
        &["log", "-1", "--format=%an", "helix-design-docs", "--", &format!("specs/{task}/requirements.md")],
    );
    assert_eq!(author, "owner");
    // Both versions can be read from here on.
    let version = async |number: u32| job.document(&format!("requirements?revision={number}")).await;
    assert_eq!((&read["revision"], &edited["revision"]), (&json!(1), &json!(2)));
    assert_eq!(
        (&version(1).await["content"], &version(2).await["content"]),
        (&read["content"], &json!(content))
    );
    let rounds = job.reviews().await;
    assert_eq!(
        (rounds.len(), &rounds[1]["edited_by"], &rounds[1]["status"]),
        (2, &json!("owner"), &json!("open"))
    );
    assert!(
        server.get(&job.path("/lint")).await.as_array().is_some_and(|found| !found.is_empty()),
        "lint sees it"
    );
    let specs = server.get(&job.path("/specs")).await;
    assert_eq!(specs["requirements_spec"], content);
    let stale = json!({ "approved": true, "content_hash": rounds[0]["content_hash"] });
    let (status, _) = server.try_post(&job.path("/approve-specs"), &stale).await.expect("an answer");
    assert_eq!(status, 409, "what was read is not what is there");
    let metadata: Value =
        serde_json::from_str(&text(&job.document("metadata").await, "content")).expect("JSON");
    assert_eq!(metadata["content_hash"], specs["content_hash"]);
    // Asked again it is the same edit; another one from there is told that the document moved on.
    let again = job.edit("requirements", &content, &read["commit"]).await;
    assert_eq!((again.0, &again.1["content"]), (200, &json!(content)));
    let (status, problem) =
        job.edit("requirements.md", &format!("{content}\nMore.\n"), &read["commit"]).await;
    assert_eq!((status, &problem["code"]), (409, &json!("document_moved_on")), "{problem:#}");
    let present = text(&job.document("requirements").await, "commit");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(&present)), "{problem:#}");
    for (document, content, base, status) in [
        ("requirements", "", present.as_str(), 422),
        ("requirements", &content.replace("Notes.", "All notes."), "not a commit", 422),
        ("requirements", &content.replace("Notes.", "All notes."), "00000000000000000000", 409),
        ("metadata", "{}", &present, 422),
        ("poem", "x", &present, 404),
        ("progress", "- [ ] 1. x\n", &present, 404),
    ] {
        assert_eq!(job.edit(document, content, &json!(base)).await.0, status, "{document} {base}");
    }
    job.approve_specs().await;
    job.wait_for("implementation").await;
    // Ticking a box keeps the approval; changing a word does not.
    let progress = job.document("progress").await;
    let ticked = text(&progress, "content").replacen("- [ ] 2. Note two", "- [~] 2. Note two", 1);
    let (status, answer) = job.edit("progress", &ticked, &progress["commit"]).await;
    let is_overtaken = status == 409;
    assert!(is_overtaken || answer["approval_void"] == false, "{answer:#}");
    assert_eq!(server.get(&job.path("")).await["status"], "implementation");
    let design = job.document("design").await;
    let (status, answer) = job
        .edit("design", &format!("{}\n## More\n\nWords.\n", text(&design, "content")), &design["commit"])
        .await;
    assert_eq!(
        (status, &answer["approval_void"], &answer["status"]),
        (200, &json!(true), &json!("spec_review")),
        "{answer:#}"
    );
    server.post(&job.path("/cancel"), &json!({})).await;
    let (status, problem) = job.edit("design", "# Design\n", &answer["commit"]).await;
    assert_eq!((status, &problem["code"]), (409, &json!("wrong_state")));
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_is_edited_task_by_task() {
    let job = begin(&scenario(&(note(1) + &note(2)))).await;
    let server = &job.server;
    job.wait_for("spec_review").await;
    let read = server.get(&job.path("/plan")).await;
    let before = job.document("tasks").await;
    let number = text(&read["tasks"][1], "number");
    let edits = |dry_run: bool, operations: Value| json!({ "expected_hash": read["hash"], "dry_run": dry_run, "operations": operations });
    let path = job.path("/plan-edits");
    let change = json!([
        { "op": "change", "task": number, "title": "Note two again", "effort": "large" },
        { "op": "add", "title": "Tell the readers", "details": ["Write a line"] },
    ]);
    let tried = server.post(&path, &edits(true, change.clone())).await;
    assert_eq!(
        (&tried["saved"], &tried["tasks"][1]["effort"]),
        (&json!(false), &json!("large")),
        "{tried:#}"
    );
    assert!(
        tried["findings"].as_array().is_some_and(|found| !found.is_empty()),
        "the lint sees the added task"
    );
    assert_eq!(job.document("tasks").await["content"], before["content"], "a dry run saves nothing");
    let wait = json!([{ "op": "change", "task": "1", "dependencies": [number] },
        { "op": "change", "task": number, "dependencies": ["1"] }]);
    let (status, problem) = server.try_post(&path, &edits(false, wait)).await.expect("an answer");
    assert_eq!((status, &problem["code"]), (422, &json!("dependency_cycle")), "{problem:#}");
    assert_eq!(problem["errors"][0]["field"], "operations[1]");
    let saved = server.post(&path, &edits(false, change.clone())).await;
    assert_eq!((&saved["saved"], &saved["status"]), (&json!(true), &json!("spec_review")), "{saved:#}");
    assert_eq!(job.document("tasks").await["content"], tried["content"]);
    assert_eq!(job.reviews().await.len(), 2, "the edit is a version of its own");
    let (status, problem) = server.try_post(&path, &edits(false, change)).await.expect("an answer");
    assert_eq!((status, &problem["code"]), (409, &json!("plan_moved_on")), "{problem:#}");
    // The version before comes back as any edit of the document.
    let (status, back) = job.edit("tasks", &text(&before, "content"), &saved["commit"]).await;
    assert_eq!((status, &back["content"]), (200, &before["content"]));
    assert_eq!(server.get(&job.path("/plan")).await["hash"], read["hash"]);
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_are_committed_to_a_branch_for_a_git_host() {
    let job = begin(&scenario(&(note(1) + &note(2)))).await;
    let Job { server, repository, task, .. } = &job;
    job.wait_for("spec_review").await;
    let path = job.path("/generate-documents");
    let body = json!({
        "branch_name": "docs/notes", "commit_message": "Specs of the notes", "create_pull_request": true,
        "reviewers_needed": ["Ada"], "custom_metadata": { "team": "notes" },
    });
    let made = server.post(&path, &body).await;
    assert_eq!(made["branch_name"], "docs/notes");
    assert_eq!((&made["success"], &made["pull_request_url"]), (&json!(true), &Value::Null));
    assert!(made["warnings"].to_string().contains("pull request"), "{made:#}");
    assert_eq!(git(repository, &["rev-parse", "docs/notes"]), text(&made, "commit_hash"));
    for (file, content) in made["generated_files"].as_object().expect("files") {
        let there = git(repository, &["show", &format!("docs/notes:{file}")]);
        assert_eq!(there, content.as_str().expect("text").trim(), "{file}");
    }
    let metadata = git(repository, &["show", &format!("docs/notes:specs/{task}/spec-metadata.json")]);
    assert!(metadata.contains("\"team\": \"notes\""), "{metadata}");
    assert_eq!(server.post(&path, &body).await["commit_hash"], made["commit_hash"], "again it is the same");
    let read = job.document("design").await;
    job.edit("design", &format!("{}\nMore.\n", text(&read, "content")), &read["commit"]).await;
    let (status, problem) = server.try_post(&path, &body).await.expect("an answer");
    assert_eq!((status, &problem["code"]), (409, &json!("already_exists")));
    let over = json!({ "branch_name": "docs/notes", "overwrite_existing": true });
    assert_ne!(server.post(&path, &over).await["commit_hash"], made["commit_hash"]);
    for branch in ["main", "helix-design-docs", "task/x", "a..b"] {
        let (status, problem) =
            server.try_post(&path, &json!({ "branch_name": branch })).await.expect("an answer");
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("branch_name")), "{branch}");
    }
    assert_eq!(server.post(&path, &json!({})).await["branch_name"], format!("specs/{task}"));
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_on_lines_are_the_next_sessions_instructions() {
    let rework =
        "[[sessions]]\nrework = true\nsteps = [{ write = \"note1.md\", content = \"Note one\\n\" }]\n";
    let job = begin(&scenario(&(note(1) + &note(2) + rework))).await;
    let Job { server, .. } = &job;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    let line = |path: &str, line: u32| {
        let comment = json!({ "path": path, "side": "new", "line": line, "quoted_text": "Note 1", "comment": "Spell it out." });
        json!({ "decision": "request_changes", "line_comments": [comment] })
    };
    let path = job.path("/approve-implementation");
    for wrong in [line("nothing.md", 1), line("note1.md", 0)] {
        let (status, problem) = server.try_post(&path, &wrong).await.expect("an answer");
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("line_comments")), "{problem:#}");
    }
    let (status, _) =
        server.try_post(&path, &json!({ "decision": "request_changes" })).await.expect("an answer");
    assert_eq!(status, 422, "nothing is asked for");
    job.decide(line("note1.md", 1)).await;
    let found = job.wait_for("implementation_review").await;
    let sessions = found["work_sessions"].as_array().expect("sessions");
    let rework = sessions.iter().find(|one| one["name"] == "Review changes").expect("a session");
    let log =
        server.get(&format!("/work-sessions/{}/events?limit=500", text(rework, "id"))).await.to_string();
    assert!(
        log.contains("`note1.md`, line 1:") && log.contains("Note 1") && log.contains("Spell it out."),
        "{log}"
    );
    job.decide(json!({ "decision": "approve" })).await;
    job.wait_for("done").await;
    job.end().await;
}
