//! Permission requests: answered, refused, withdrawn.

use crate::harness::{in_time, place};
use agent::{AgentEvent, PermissionAnswer};

const ASKS: &str = r#"
    [[sessions]]
    task = "1"
    steps = [{ ask = "Run the migration?", kind = "execute" }, { write = "migrated", content = "" }]
"#;

#[tokio::test]
async fn an_allowed_step_is_taken() {
    let place = place(ASKS);
    let mut agent = place.start().await;
    let session = agent.session(&place.folder("work")).await;
    let turn = agent.begin(&session, "1");
    let (request, title, options) = loop {
        if let AgentEvent::Permission { request_id, tool_call, options, .. } = agent.next().await {
            break (request_id, tool_call["title"].clone(), options);
        }
    };
    assert_eq!(title, "Run the migration?");
    let allow = options.iter().find(|option| option.kind == "allow_once").unwrap();
    agent.process.answer_permission(request, &PermissionAnswer::Selected(allow.id.clone()));
    assert_eq!(in_time(turn).await.unwrap().unwrap().stop_reason, "end_turn");
    assert!(place.path("work/migrated").exists());
    assert!(!agent.reported().iter().any(|event| matches!(event, AgentEvent::PermissionWithdrawn { .. })));
    agent.process.stop().await;
}

#[tokio::test]
async fn a_refused_step_is_not_taken() {
    let place = place(ASKS);
    let mut agent = place.start().await;
    let session = agent.session(&place.folder("work")).await;
    let turn = agent.begin(&session, "1");
    let (_, request) = agent.asked().await;
    agent.process.answer_permission(request, &PermissionAnswer::Selected("reject".into()));
    assert_eq!(in_time(turn).await.unwrap().unwrap().stop_reason, "end_turn");
    assert!(agent.said().contains("not allowed"));
    assert!(!place.path("work/migrated").exists());
    agent.process.stop().await;
}

#[tokio::test]
async fn a_cancelled_turn_withdraws_its_question() {
    let place = place(ASKS);
    let mut agent = place.start().await;
    let session = agent.session(&place.folder("work")).await;
    let turn = agent.begin(&session, "1");
    let (_, request) = agent.asked().await;
    agent.process.cancel(&session).await;
    assert_eq!(in_time(turn).await.unwrap().unwrap().stop_reason, "cancelled");
    assert_eq!(agent.next().await, AgentEvent::PermissionWithdrawn { session, request_id: request });
    // An answer that comes too late changes nothing.
    agent.process.answer_permission(request, &PermissionAnswer::Selected("allow".into()));
    assert!(!place.path("work/migrated").exists());
    agent.process.stop().await;
}
