//! What the scripted agent plays when documents are asked for.

use crate::harness::{Place, Running, in_time, place, told};
use serde_json::{Value, json};

async fn ask(agent: &Running, place: &Place, session: &str, round: u64, prompt: &str, ask: Value) {
    let path = |name: &str| place.path("docs").join(name);
    let meta = told(&json!({
        "phase": "planning", "original_prompt": prompt, "round": round, "ask": ask,
        "documents": {
            "requirements": path("requirements.md"), "design": path("design.md"), "tasks": path("tasks.md"),
            "progress": path("progress.md"),
        },
    }));
    let end = in_time(agent.process.prompt(session, "…", Some(meta))).await.unwrap();
    assert_eq!(end.stop_reason, "end_turn");
}

#[tokio::test]
async fn a_scenario_writes_and_revises_its_documents() {
    let place = place(
        r##"
        [planning]
        steps = [{ say = "Reading." }]
        requirements = "# R1\n"
        design = "# D1\n"
        tasks = "# T1\n"
        [[planning.revisions]]
        tasks = "# T2\n"
        "##,
    );
    let mut agent = place.start().await;
    let session = agent.session(&place.folder("work")).await;
    let documents = |place: &Place| {
        ["requirements", "design", "tasks"].map(|name| place.read(&format!("docs/{name}.md")))
    };
    ask(&agent, &place, &session, 1, "A test.", json!({"ask": "plan"})).await;
    assert_eq!(documents(&place), ["# R1\n", "# D1\n", "# T1\n"]);
    assert_eq!(agent.said(), "Reading.");
    let revise = json!({"ask": "revise", "comments": "Smaller.", "changes": ["Drop 3."]});
    ask(&agent, &place, &session, 2, "A test.", revise.clone()).await;
    assert_eq!(documents(&place), ["# R1\n", "# D1\n", "# T2\n"]);
    // The third round has no scenario, so it is answered in words; twice is once.
    ask(&agent, &place, &session, 3, "A test.", revise.clone()).await;
    ask(&agent, &place, &session, 3, "A test.", revise).await;
    assert_eq!(place.read("docs/requirements.md").matches("\"Smaller.; Drop 3.\"").count(), 1);
    // Documents somebody spoiled are written again; those that are unusable as they are get replaced.
    std::fs::write(place.path("docs/tasks.md"), "").unwrap();
    ask(&agent, &place, &session, 2, "A test.", json!({"ask": "mend_documents", "problems": ["empty"]}))
        .await;
    assert_eq!(documents(&place), ["# R1\n", "# D1\n", "# T2\n"]);
    ask(&agent, &place, &session, 2, "A test.", json!({"ask": "mend_documents", "problems": ["no task"]}))
        .await;
    assert!(place.read("docs/tasks.md").contains("- [ ] 1. (P) Note what is wanted"));
    agent.process.stop().await;
}

#[tokio::test]
async fn without_a_scenario_the_documents_say_who_wrote_them() {
    let place = place("");
    let mut agent = place.start().await;
    let session = agent.session(&place.folder("work")).await;
    ask(&agent, &place, &session, 1, "Rewrite it in Zig\nplease", json!({"ask": "plan"})).await;
    assert!(agent.said().contains("not a model"));
    let requirements = place.read("docs/requirements.md");
    assert!(requirements.contains("not a model") && requirements.contains("> please"));
    insta::assert_snapshot!(place.read("docs/tasks.md"));
    agent.process.stop().await;
}

#[tokio::test]
async fn a_scenario_that_cannot_be_read_is_named() {
    let place = place("[[sessions]]\nsteps = [{ shout = \"x\" }]");
    let agent = place.start().await;
    let session = agent.session(&place.folder("work")).await;
    let error = agent.take(&session, "1").await.unwrap_err();
    assert!(error.to_string().contains("test.toml"), "{error}");
    agent.process.stop().await;
}
