//! Secrets do not get through: not in what is streamed, stored or committed, and not onto the base branch unnoticed.

use crate::commands::spectask;
use crate::harness::{git, until};
use crate::job::{Job, begin, note, scenario, session};
use serde_json::{Value, json};

/// A token by its format; it is put together here so that none is written in this repository.
fn token() -> String {
    ["gh", "p_", "aB3dE5fG7hJ9kL1mN3pQ", "5rS7tU9vW1xY3zA5"].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_says_and_writes_has_no_secrets() {
    let said = format!(
        "{{ say = \"I found {} in the file.\" }}, {{ write = \"note1.md\", content = \"Note 1\\n\" }}",
        token()
    );
    let text = scenario(&(session(1, &said) + &note(2)))
        .replace("One file for each note.", &format!("The key is {}.", token()));
    let job = begin(&text).await;
    let Job { server, repository, task, .. } = &job;
    let review = job.wait_for("spec_review").await;
    let design = review["technical_design"].as_str().expect("a design");
    assert!(design.contains("[secret:github-token:") && !design.contains(&token()), "{design}");
    let lint = server.get(&format!("/spec-tasks/{task}/lint")).await;
    assert!(
        lint.as_array().is_some_and(|all| all.iter().any(|one| one["rule"] == "secret-removed")),
        "{lint:#}"
    );
    let committed = git(repository, &["show", &format!("helix-design-docs:specs/{task}/design.md")]);
    assert!(!committed.contains(&token()), "{committed}");
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    let sessions = server.get(&format!("/spec-tasks/{task}/work-sessions")).await;
    let mut said = String::new();
    for session in sessions["work_sessions"].as_array().expect("sessions") {
        let id = session["id"].as_str().expect("an id");
        said.push_str(&server.get(&format!("/work-sessions/{id}/events?limit=500")).await.to_string());
    }
    assert!(said.contains("[secret:github-token:") && !said.contains(&token()), "{said}");
    job.end().await;
}

/// What is taken out of a document under review is named with its line, and a person decides: what is kept is put back
/// where it stood, what is removed stays out.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_out_of_a_document_is_kept_or_removed_by_a_person() {
    let other = token().replace("aB3d", "zY8x");
    let kept = format!("Line one.\\n\\nThe example is {} and the key is {other}.", token());
    let text = scenario(&(note(1) + &note(2))).replace("One file for each note.", &kept);
    let job = begin(&text).await;
    let Job { server, repository, task, .. } = &job;
    job.wait_for("spec_review").await;
    let path = format!("/spec-tasks/{task}/held-secrets");
    let held = server.get(&path).await;
    let held = held.as_array().expect("a list").clone();
    assert_eq!(held.len(), 2, "{held:#?}");
    let specs = server.get(&format!("/spec-tasks/{task}/specs")).await;
    let design = specs["technical_design"].as_str().expect("a design");
    for one in &held {
        let line = usize::try_from(one["line"].as_u64().expect("a line")).expect("small");
        let shown = design.lines().nth(line - 1).unwrap_or_default();
        assert!(shown.contains(one["tag"].as_str().expect("a tag")), "{one:#} is not in {shown:?}");
        assert_eq!((&one["decision"], &one["can_keep"]), (&json!(null), &json!(true)));
        assert!(!one.to_string().contains("aB3dE5") && !one.to_string().contains("zY8x"));
    }
    let first = design.find(held[0]["tag"].as_str().expect("a tag"));
    let second = design.find(held[1]["tag"].as_str().expect("a tag"));
    let (keep, remove) = if first < second { (&held[0], &held[1]) } else { (&held[1], &held[0]) };
    let decide = async |one: &Value, decision: &str| {
        let id = one["id"].as_str().expect("an id");
        server.post(&format!("{path}/{id}"), &json!({ "decision": decision })).await
    };
    decide(keep, "keep").await;
    let after = decide(remove, "remove").await;
    assert_eq!(after.as_array().map(Vec::len), Some(1), "{after:#}");
    assert_eq!(after[0]["decision"], "remove");
    let specs = server.get(&format!("/spec-tasks/{task}/specs")).await;
    let design = specs["technical_design"].as_str().expect("a design");
    assert!(design.contains(&token()) && !design.contains(&other), "{design}");
    let committed = git(repository, &["show", &format!("helix-design-docs:specs/{task}/design.md")]);
    assert!(committed.contains(&token()) && !committed.contains(&other), "{committed}");
    let address = format!("{path}/{}", remove["id"].as_str().expect("an id"));
    let again = server.try_post(&address, &json!({ "decision": "keep" })).await;
    assert_eq!(again.map(|(status, _)| status), Some(409), "its value is forgotten");
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_with_a_secret_waits_for_a_person_who_knows() {
    let write = format!("{{ write = \"note1.md\", content = \"Note 1\\nkey {}\\n\" }}", token());
    let job = begin(&scenario(&(session(1, &write) + &note(2)))).await;
    let Job { server, repository, task, place, .. } = &job;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    // The command line says so before it approves; it reads the commit with the change.
    let review = server.get(&format!("/spec-tasks/{task}")).await;
    let commit = review["change"]["head"].as_str().expect("a commit").to_owned();
    let refused = spectask(place, &["approve", task, "--at", &commit]);
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success(), "{message}");
    assert!(message.contains("github-token in note1.md, line 2"), "{message}");
    let unchanged = server.get(&format!("/spec-tasks/{task}")).await;
    assert_eq!(
        (&unchanged["status"], &unchanged["last_error"]),
        (&json!("implementation_review"), &Value::Null)
    );
    let diff = server.get(&format!("/spec-tasks/{task}/diff")).await.to_string();
    assert!(diff.contains("[secret:github-token:") && !diff.contains(&token()), "{diff}");
    job.decide(json!({ "decision": "approve" })).await;
    let held = loop {
        let found = server.get(&format!("/spec-tasks/{task}")).await;
        assert_ne!(found["status"], "done", "it landed with the secret");
        if found["last_error"]["code"] == "secret_found" {
            break found;
        }
        tokio::task::yield_now().await;
    };
    let message = held["last_error"]["message"].as_str().expect("a sentence");
    assert!(message.contains("github-token in note1.md line 2") && !message.contains(&token()), "{message}");
    assert_eq!(git(repository, &["log", "--format=%s", "main"]), "Start", "nothing landed");
    let findings = server.get(&format!("/spec-tasks/{task}/secret-findings")).await;
    let sure: Vec<&Value> =
        findings.as_array().expect("findings").iter().filter(|one| one["confidence"] == "sure").collect();
    assert_eq!(sure.len(), 1, "{findings:#}");
    assert_eq!(
        (&sure[0]["path"], &sure[0]["line"], &sure[0]["at_tip"]),
        (&json!("note1.md"), &json!(2), &json!(true))
    );
    job.decide(json!({ "decision": "approve", "acknowledged_findings": [sure[0]["id"]] })).await;
    job.wait_for("done").await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_send_has_no_secrets_wherever_they_put_them() {
    let job = begin(&scenario(&(session(1, "{ hang = true }") + &note(2)))).await;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    job.wait_for("implementation").await;
    let Job { place, server, repository, task } = job;
    let said = format!("The key is {}.", token());
    let instance = task.replace("spt_", "zi_");
    let thread = json!({
        "zed_instance_id": instance, "zed_thread_id": "t-1", "spec_task_id": task, "thread_name": said,
        "thread_description": said, "initial_prompt": said, "agent_configuration": { "note": said },
    });
    let made = server.post("/zed-threads/create-session", &thread).await;
    let id = made["work_session"]["id"].as_str().expect("an id");
    let config = json!({ "thread_config": { "note": [said] } });
    assert_eq!(
        server.try_put(&format!("/work-sessions/{id}/zed-thread"), &config).await.expect("an answer").0,
        200
    );
    server.post(&format!("/spec-tasks/{task}/commit-progress"), &json!({ "summary": said })).await;
    let project =
        server.get(&format!("/spec-tasks/{task}")).await["project_id"].as_str().expect("an id").to_owned();
    let path = format!("/projects/{project}");
    server.try_put(&path, &json!({ "name": said })).await.expect("an answer");
    let (status, problem) =
        server.try_put(&path, &json!({ "settings": { "checks": [said] } })).await.expect("an answer");
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("settings.checks")), "{problem:#}");
    server.post(&format!("/spec-tasks/{task}/cancel"), &json!({})).await;
    let data = place.path("data");
    server.end().await;
    let is_in = |path: &std::path::Path| {
        std::fs::read(path).is_ok_and(|bytes| bytes.windows(40).any(|window| window == token().as_bytes()))
    };
    let database = std::fs::read_dir(&data).expect("the data").flatten().map(|entry| entry.path());
    assert_eq!(
        database.filter(|path| path.is_file() && is_in(path)).collect::<Vec<_>>(),
        Vec::<std::path::PathBuf>::new()
    );
    let found = std::process::Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["grep", "-l", &token(), "helix-design-docs"])
        .output()
        .expect("git runs");
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_files_and_messages_of_commits_are_shown_and_recorded_without_secrets() {
    let steps = format!(
        "{{ write = \"f-{0}.txt\", content = \"Note 1\\n\" }}, {{ write = \"note1.md\", content = \"Note 1\\n\" }}, \
         {{ run = \"git add -A && git -c user.name=A -c user.email=a@b commit -qm 'The key {0}'\", expect = 0 }}, \
         {{ tick = \"1.1\", state = \"done\" }}",
        token()
    );
    let job = begin(&scenario(&(session(1, &steps) + &note(2)))).await;
    let Job { server, repository, task, .. } = &job;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    let recorded = |status: &Value| status["fully_recorded"] == true;
    until(server, &format!("/spec-tasks/{task}/document-status"), recorded).await;
    let sessions = server.get(&format!("/spec-tasks/{task}/work-sessions")).await;
    let mut shown = vec![server.get(&format!("/spec-tasks/{task}/diff")).await.to_string()];
    for session in sessions["work_sessions"].as_array().expect("sessions") {
        let id = session["id"].as_str().expect("an id");
        for part in ["diff", "history", "events?limit=500"] {
            shown.push(server.get(&format!("/work-sessions/{id}/{part}")).await.to_string());
        }
    }
    assert!(shown[0].contains("[secret:github-token:"), "{}", shown[0]);
    assert!(shown.iter().all(|text| !text.contains(&token())), "{shown:#?}");
    let record = git(repository, &["grep", "-l", "-F", "[secret:github-token:", "helix-design-docs"]);
    assert!(record.contains("code-changes.md"), "{record}");
    let leaked = std::process::Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["grep", "-F", &token(), "helix-design-docs"])
        .output()
        .expect("git runs");
    assert!(leaked.stdout.is_empty(), "{}", String::from_utf8_lossy(&leaked.stdout));
    let findings = server.get(&format!("/spec-tasks/{task}/secret-findings")).await.to_string();
    assert!(findings.contains("in the name of the file"), "{findings}");
    job.end().await;
}
