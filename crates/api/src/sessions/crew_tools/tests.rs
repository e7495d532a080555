use crate::testing::{Answer, Api, anonymous, id};
use axum::http::{Method, header};
use serde_json::{Value, json};
use workflow::{SessionId, TaskId};

/// A task whose planner has a session, and that session's token.
struct Crew {
    api: Api,
    project: String,
    task: String,
    session: String,
    token: String,
}

async fn begin() -> Crew {
    let api = Api::open().await;
    let project = api.project().await;
    let body = json!({ "prompt": "Write the book", "project_id": project });
    let task = id(&api.post("/spec-tasks/from-prompt", &body).await);
    let sessions = api.get(&format!("/spec-tasks/{task}/work-sessions")).await;
    let session = id(&sessions["work_sessions"][0]);
    let (of, one) = (TaskId::from(task.as_str()), SessionId::from(session.as_str()));
    let token = api.app.instances.issue_session_token(&of, &one);
    Crew { api, project, task, session, token }
}

impl Crew {
    async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = anonymous(method, &format!("/api/v1{path}"));
        let token = format!("Bearer {}", self.token);
        self.api.send(request.header(header::AUTHORIZATION, token), body).await
    }
}

#[tokio::test]
async fn the_token_of_a_session_opens_no_other_route() {
    let crew = begin().await;
    let document = crew.api.get("/openapi.json").await;
    let mut walked = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let Some(route) = path.strip_prefix("/api/v1") else { continue };
        if route == "/login" || route == "/logout" || route.contains("/crew/") {
            continue;
        }
        for method in methods.as_object().expect("methods").keys().filter(|name| *name != "parameters") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let own = match route.split('/').nth(1) {
                Some("work-sessions") => &crew.session,
                Some("projects") => &crew.project,
                _ => &crew.task,
            };
            let concrete = route.replace("{id}", own).replace("{doc}", "design");
            let (status, problem) = crew.send(method.clone(), &concrete, &Value::Null).await.problem();
            assert_eq!((status, &problem["code"]), (403, &json!("session_token")), "{method} {route}");
            walked += 1;
        }
    }
    assert!(walked > 80, "{walked}");
    let log = crew.api.get("/audit?action=refused&limit=500").await;
    assert!(!log.as_array().expect("entries").is_empty(), "refusals are in the audit log");
}

#[tokio::test]
async fn a_session_reaches_its_own_task_alone_and_as_long_as_it_lives() {
    let crew = begin().await;
    let other = crew.api.task(&crew.project, "Another task").await;
    let own = crew.send(Method::GET, &format!("/spec-tasks/{}/crew/task", crew.task), &Value::Null).await;
    assert_eq!((own.status, &own.body["session"]["session_id"]), (200, &json!(crew.session)));
    for path in ["task", "sessions", &format!("sessions/{}/changes", crew.session)] {
        let answer = crew.send(Method::GET, &format!("/spec-tasks/{other}/crew/{path}"), &Value::Null).await;
        assert_eq!(answer.status, 404, "{path}: {:#}", answer.body);
    }
    let message = json!({ "kind": "notification", "message": "hello" });
    let sent = crew.send(Method::POST, &format!("/spec-tasks/{other}/crew/messages"), &message).await;
    assert_eq!(sent.status, 404);
    crew.api.post(&format!("/spec-tasks/{}/cancel", crew.task), &json!({})).await;
    let over = crew.send(Method::GET, &format!("/spec-tasks/{}/crew/task", crew.task), &Value::Null).await;
    assert_eq!(over.status, 401, "{:#}", over.body);
}

#[tokio::test]
async fn nothing_is_done_for_a_session_between_turns_and_people_are_no_sessions() {
    let crew = begin().await;
    let path = |what: &str| format!("/spec-tasks/{}/crew/{what}", crew.task);
    let evidence = json!({ "item": "1.1", "check_output": "ok" });
    for (what, body) in [
        ("messages", json!({ "kind": "notification", "message": "hello" })),
        ("messages/read", json!({})),
        ("evidence", evidence.clone()),
        ("requests", json!({ "kind": "question", "message": "Why?" })),
    ] {
        let answer = crew.send(Method::POST, &path(what), &body).await;
        assert_eq!(answer.status, 409, "{what}: {:#}", answer.body);
    }
    for (what, body) in [
        ("evidence", evidence),
        ("messages/read", json!({})),
        ("requests", json!({ "kind": "question", "message": "Why?" })),
    ] {
        let (status, problem) = crew.api.try_post(&path(what), &body).await.problem();
        assert_eq!((status, &problem["code"]), (403, &json!("no_session")), "{what}");
    }
    let unknown = crew.send(Method::POST, &path("requests/evt_none/wait"), &json!({ "seconds": 0 })).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn calls_of_one_turn_are_bounded() {
    let crew = begin().await;
    let path = format!("/spec-tasks/{}/crew/task", crew.task);
    let session = SessionId::from(crew.session.as_str());
    while crew.api.app.instances.admit_tool_call(&session) {}
    let (status, problem) = crew.send(Method::GET, &path, &Value::Null).await.problem();
    assert_eq!((status, &problem["code"]), (429, &json!("too_many_tool_calls")));
}

#[tokio::test]
async fn questions_are_answered_by_those_who_may_decide() {
    let crew = begin().await;
    assert_eq!(crew.api.get("/questions").await, json!([]));
    let path = format!("/spec-tasks/{}/questions/evt_none/answer", crew.task);
    let (status, problem) = crew.api.try_post(&path, &json!({ "answer": "yes" })).await.problem();
    assert_eq!(status, 404, "{problem:#}");
}
