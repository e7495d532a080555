//! Webhooks, with receivers on this machine.

use crate::commands::{said, spectask};
use crate::harness::{Place, Server, eventually, text, until};
use crate::job::{PROMPT, note, scenario};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

const SECRET: &str = concat!("whsec_", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");

/// What a receiver got, and how it answers.
#[derive(Clone)]
struct Receiver {
    got: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    answer: fn(usize) -> StatusCode,
    url: String,
}

impl Receiver {
    /// Starts a receiver that answers its n-th request so.
    async fn start(answer: fn(usize) -> StatusCode) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hooks", listener.local_addr().expect("an address"));
        let receiver = Self { got: Arc::default(), answer, url };
        let app = Router::new().route("/hooks", post(receive)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }

    fn got(&self) -> Vec<(HeaderMap, String)> {
        self.got.lock().expect("no panic").clone()
    }

    /// The types of the messages, once there are so many.
    async fn wait_for(&self, many: usize) -> Vec<(HeaderMap, Value)> {
        let got = eventually(async || {
            let got = self.got();
            if got.len() >= many { Ok(got) } else { Err(format!("only {got:#?} came")) }
        })
        .await;
        let read =
            |(headers, body): (HeaderMap, String)| (headers, serde_json::from_str(&body).expect("JSON"));
        got.into_iter().map(read).collect()
    }
}

async fn receive(State(receiver): State<Receiver>, headers: HeaderMap, body: String) -> Response {
    let number = {
        let mut got = receiver.got.lock().expect("no panic");
        got.push((headers, body));
        got.len()
    };
    let status = (receiver.answer)(number);
    if status.is_redirection() {
        return (status, [(header::LOCATION, receiver.url)]).into_response();
    }
    status.into_response()
}

fn webhook(id: &str, url: &str, events: &str) -> String {
    format!(
        "\n[[webhooks]]\nid = {id:?}\nurl = {url:?}\nsecret = \"${{TEST_WEBHOOK_SECRET}}\"\nevents = {events}\n"
    )
}

const ENVIRONMENT: [(&str, &str); 1] = [("TEST_WEBHOOK_SECRET", SECRET)];

async fn begin(place: &Place, server: &Server) -> String {
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let project = server.project(&repository, &[]).await;
    let body = json!({ "prompt": PROMPT, "project_id": project });
    text(&server.post("/spec-tasks/from-prompt", &body).await, "id")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_signed_and_sent_again_with_the_same_id_until_it_is_taken() {
    let receiver = Receiver::start(|number| match number {
        1 => StatusCode::INTERNAL_SERVER_ERROR,
        2 => StatusCode::TEMPORARY_REDIRECT,
        _ => StatusCode::NO_CONTENT,
    })
    .await;
    let place = Place::new(0);
    place.configure(&scenario(&(note(1) + &note(2))));
    place.configure_more(&webhook("ops", &receiver.url, "[\"inbox.added\"]"));
    let server = place.serve_with(&ENVIRONMENT).await;
    let task = begin(&place, &server).await;
    let got = receiver.wait_for(3).await;
    let ids: Vec<&str> =
        got.iter().map(|(headers, _)| headers["webhook-id"].to_str().expect("text")).collect();
    assert!(ids[0].starts_with("msg_") && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let verifier = standardwebhooks::Webhook::new(SECRET).expect("a secret");
    for (headers, body) in receiver.got() {
        verifier.verify(body.as_bytes(), &headers).expect("the signature is right");
        assert!(verifier.verify(body.replace("spec_review", "done").as_bytes(), &headers).is_err());
    }
    let (_, message) = &got[2];
    let item = &message["data"]["item"];
    assert_eq!((&message["type"], &item["kind"]), (&json!("inbox.added"), &json!("spec_review")));
    assert_eq!(message["data"]["url"], format!("{}/tasks/{task}?tab=specification", server.url));
    assert!(!message.to_string().contains("Acceptance"), "no documents: {message:#}");
    let log = until(&server, "/webhooks/ops/deliveries", |log| log[0]["state"] == "delivered").await;
    assert_eq!((&log[0]["attempts"], &log[0]["status"]), (&json!(3), &json!(204)), "{log:#}");

    let number = log[0]["id"].to_string();
    let again = spectask(&place, &["webhooks", "redeliver", "ops", &number]);
    assert!(again.status.success(), "{again:?}");
    let got = receiver.wait_for(4).await;
    assert_eq!(got[3].0["webhook-id"], got[0].0["webhook-id"]);
    let tested = spectask(&place, &["webhooks", "test", "ops"]);
    assert!(tested.status.success(), "{tested:?}");
    assert_eq!(receiver.wait_for(5).await[4].1["type"], "webhook.test");
    let shown = said(&spectask(&place, &["webhooks"]));
    assert!(shown.contains("ops") && !shown.contains("whsec_"), "{shown}");
    let config = server.get("/config").await.to_string();
    assert!(config.contains("webhooks") && !config.contains("MDEyMzQ1"), "the secret is not shown");
    for path in ["/webhooks/none/test", "/webhooks/ops/deliveries/999/redeliver"] {
        assert_eq!(server.try_post(path, &json!({})).await.expect("an answer").0, 404, "{path}");
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_before_a_crash_is_sent_after_it() {
    let place = Place::new(0);
    place.configure(&scenario(&(note(1) + &note(2))));
    // Nothing listens there until the server was killed.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let url = format!("http://{address}/hooks");
    place.configure_more(&webhook("ops", &url, "[]"));
    let server = place.serve_with(&ENVIRONMENT).await;
    let task = begin(&place, &server).await;
    server.wait_for(&task, &["spec_review"]).await;
    let added = server.get("/webhooks/ops/deliveries").await;
    assert_eq!((&added[0]["event"], &added[0]["state"]), (&json!("inbox.added"), &json!("pending")));
    server.kill().await;

    let receiver = Receiver { got: Arc::default(), answer: |_| StatusCode::OK, url };
    let listener = tokio::net::TcpListener::bind(address).await.expect("the same port");
    let app = Router::new().route("/hooks", post(receive)).with_state(receiver.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let server = place.serve_with(&ENVIRONMENT).await;
    let got = receiver.wait_for(1).await;
    assert_eq!(got[0].0["webhook-id"].to_str().expect("text"), text(&added[0], "message_id"));
    let approved = json!({ "approved": false, "decision": "reject", "comments": "No." });
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &approved).await;
    let types: Vec<Value> =
        receiver.wait_for(2).await.into_iter().map(|(_, message)| message["type"].clone()).collect();
    assert_eq!(types[1], "inbox.resolved", "{types:?}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_slow_or_closes_holds_up_nothing() {
    let place = Place::new(0);
    place.configure(&scenario(&(note(1) + &note(2))));
    // One takes connections and never answers, one closes each.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let closing = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = |listener: &tokio::net::TcpListener| {
        format!("http://{}/hooks", listener.local_addr().expect("an address"))
    };
    place.configure_more(&webhook("silent", &url(&silent), "[]"));
    place.configure_more(&webhook("closing", &url(&closing), "[]"));
    let receiver = Receiver::start(|_| StatusCode::OK).await;
    place.configure_more(&webhook("ops", &receiver.url, "[\"task.done\", \"task.failed\"]"));
    let held = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((socket, _)) = silent.accept().await {
            open.push(socket);
        }
    });
    let closed = tokio::spawn(async move { while closing.accept().await.is_ok() {} });
    let server = place.serve_with(&ENVIRONMENT).await;
    let task = begin(&place, &server).await;
    server.wait_for(&task, &["spec_review"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    let reviewed = server.wait_for(&task, &["implementation_review"]).await;
    let decision = json!({ "decision": "approve", "commit": reviewed["change"]["head"] });
    server.post(&format!("/spec-tasks/{task}/approve-implementation"), &decision).await;
    server.wait_for(&task, &["done"]).await;
    let got = receiver.wait_for(1).await;
    assert_eq!((&got[0].1["type"], &got[0].1["data"]["task"]["id"]), (&json!("task.done"), &json!(task)));
    let tried = |id: &'static str| format!("/webhooks/{id}/deliveries");
    let closing = until(&server, &tried("closing"), |log| log[0]["error"].is_string()).await;
    assert_eq!(closing[0]["state"], "pending", "it is tried again: {closing:#}");
    let states: HashMap<String, u64> = server
        .get("/webhooks")
        .await
        .as_array()
        .expect("a list")
        .iter()
        .map(|hook| (text(hook, "id"), hook["pending"].as_u64().expect("a number")))
        .collect();
    assert!(states["silent"] > 0 && states["closing"] > 0 && states["ops"] == 0, "{states:?}");
    // It ends in time although an endpoint does not answer.
    server.end().await;
    held.abort();
    closed.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_cannot_be_used_stops_the_start_with_a_sentence() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    place.configure_more(&webhook("ops", "https://ada:pw@example.org/", "[]"));
    let args = ["serve", "--bind", "127.0.0.1:0"];
    let output = spectask(&place, &args);
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && why.contains("password") && why.contains("\"ops\""), "{why}");
}
