//! The live stream: every event once, in order, and taken up where a connection broke off.

use crate::harness::{Place, Server, TOKEN, http, text};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

type Stream = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

struct Socket(Stream);

impl Socket {
    async fn open(server: &Server, subscribe: Value, after: Option<u64>) -> Self {
        let mut request = format!("{}/api/v1/ws", server.url.replace("http", "ws"))
            .into_client_request()
            .expect("a request");
        request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().expect("a header"));
        let mut socket = Self(tokio_tungstenite::connect_async(request).await.expect("a socket").0);
        socket.send(&json!({ "subscribe": subscribe, "after": after })).await;
        socket
    }

    async fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.expect("sent");
    }

    async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(Duration::from_secs(30), self.0.next()).await;
            match message.expect("a message in time").expect("an open socket").expect("a message") {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Close(_) => panic!("closed"),
                _ => {}
            }
        }
    }

    /// Reads events until one passes, and returns them all; their numbers rise by one.
    async fn until(&mut self, passes: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::new();
        loop {
            let event = self.next().await;
            if !event["topic"].is_string() {
                continue;
            }
            if let Some(last) = events.last() {
                assert_eq!(
                    event["seq"].as_u64(),
                    last["seq"].as_u64().map(|seq| seq + 1),
                    "{last:#} {event:#}"
                );
            }
            let last = passes(&event);
            events.push(event);
            if last {
                return events;
            }
        }
    }
}

async fn backlog_task(server: &Server, project: &str, name: &str) -> String {
    let body = json!({ "prompt": name, "project_id": project, "start": false });
    text(&server.post("/spec-tasks/from-prompt", &body).await, "id")
}

fn is_named(event: &Value, name: &str) -> bool {
    event["type"] == "task.updated" && event["data"]["name"] == name
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_once_in_order_and_are_taken_up_after_a_restart() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let fleet = json!([{ "topic": "fleet" }]);
    let mut socket = Socket::open(&server, fleet.clone(), None).await;
    assert_eq!(socket.next().await["type"], "subscribed");
    let first = backlog_task(&server, &project, "first").await;
    let events = socket.until(|event| is_named(event, "first")).await;
    let seen = events.last().and_then(|event| event["seq"].as_u64()).expect("a number");
    drop(socket);
    backlog_task(&server, &project, "second").await;
    server.kill().await;
    let server = place.serve().await;
    backlog_task(&server, &project, "third").await;
    let mut socket = Socket::open(&server, fleet.clone(), Some(seen)).await;
    let missed = socket.until(|event| is_named(event, "third")).await;
    assert_eq!(missed[0]["seq"].as_u64(), Some(seen + 1));
    assert!(
        missed.iter().any(|event| is_named(event, "second"))
            && !missed.iter().any(|event| is_named(event, "first")),
        "{missed:#?}"
    );
    // From the future, or from before what is kept: read anew.
    let mut lost = Socket::open(&server, fleet, Some(seen + 1_000_000)).await;
    assert_eq!(lost.next().await["type"], "subscribed");
    assert_eq!(lost.next().await["type"], "snapshot_required");
    socket.send(&json!({ "ping": 7 })).await;
    assert_eq!(socket.next().await["pong"], 7);
    socket.send(&json!({ "subscribe": [{ "topic": "task", "id": "spt_none" }] })).await;
    assert_eq!(socket.next().await["code"], "not_found");
    socket.send(&json!({ "subscribe": [{ "topic": "weather" }] })).await;
    assert_eq!(socket.next().await["code"], "invalid");
    socket.send(&json!("nonsense")).await;
    assert_eq!(socket.next().await["type"], "error");
    let stream = http()
        .get(format!("{}/api/v1/events?topic=task:{first}&after=0", server.url))
        .bearer_auth(TOKEN)
        .send()
        .await
        .expect("an answer");
    assert!(
        stream.headers()["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/event-stream"))
    );
    let mut body = stream.bytes_stream();
    let mut received = String::new();
    while !received.contains("task.updated") {
        received.push_str(&String::from_utf8_lossy(&body.next().await.expect("an event").expect("bytes")));
    }
    assert!(received.contains("id: 1"), "{received}");
    drop(body);
    drop(socket);
    drop(lost);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_topics_are_taken_up_exactly() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let tasks = [backlog_task(&server, &project, "a").await, backlog_task(&server, &project, "b").await];
    let [a, b] = tasks.each_ref().map(|id| json!({ "topic": "task", "id": id }));
    let topics = json!([{ "topic": "fleet" }, a, b]);
    let mut socket = Socket::open(&server, topics.clone(), None).await;
    let begun = socket.next().await;
    assert_eq!(begun["type"], "subscribed");
    let edits = (0..12).map(|number| {
        let path = format!("/spec-tasks/{}", tasks[number % 2]);
        let (server, body) = (&server, json!({ "description": format!("{number}") }));
        async move { server.put(&path, &body).await }
    });
    futures::future::join_all(edits).await;
    let mut events = Vec::new();
    // Each edit is told to the fleet and to its task.
    while events.len() < 24 {
        events.push(socket.next().await);
    }
    let first = begun["after"].as_u64().expect("a number");
    let numbers: Vec<u64> = events.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert_eq!(numbers, (first + 1..=first + 24).collect::<Vec<_>>());
    for seen in [0, 1, 17, 23] {
        let mut again = Socket::open(&server, topics.clone(), Some(first + seen)).await;
        assert_eq!(again.next().await["after"], first + seen);
        for event in &events[usize::try_from(seen).expect("small")..] {
            assert_eq!(again.next().await, *event);
        }
    }
    socket.send(&json!({ "unsubscribe": [{ "topic": "fleet" }] })).await;
    socket.send(&json!({ "ping": 1 })).await;
    assert_eq!(socket.next().await["pong"], 1);
    server.put(&format!("/spec-tasks/{}", tasks[0]), &json!({ "description": "last" })).await;
    let last = socket.next().await;
    assert_eq!((&last["topic"], &last["data"]["description"]), (&json!("task"), &json!("last")));
    for garbage in ["", "[]", "3", "{\"subscribe\": 3}", "{\"subscribe\": [{}]}"] {
        socket.0.send(Message::text(garbage)).await.expect("sent");
        assert_eq!(socket.next().await["type"], "error", "{garbage:?}");
    }
    drop(socket);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_streams_to_its_socket_without_a_gap() {
    let place = Place::new(0);
    let requirements = "### Requirement 1: A\n\n#### Acceptance Criteria\n\n1. THE folder SHALL have a note.\n2. IF it has none, THEN THE folder SHALL say so.\n";
    place.configure(&format!(
        "prompts = [\"Talk\"]\n[planning]\nsteps = [{{ repeat = 200, say = \"word \", every_ms = 2 }}]\nrequirements = {requirements:?}\n\
         design = \"# Design\\n\"\ntasks = \"- [ ] 1. Note\\n  - _Requirements: 1_\\n\"\n"
    ));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let task =
        server.post("/spec-tasks/from-prompt", &json!({ "prompt": "Talk", "project_id": project })).await;
    let task = text(&task, "id");
    let session = text(&server.get(&format!("/spec-tasks/{task}")).await["work_sessions"][0], "id");
    let topic = json!([{ "topic": "session", "id": session }]);
    let mut socket = Socket::open(&server, topic.clone(), Some(0)).await;
    let ended = |event: &Value| event["data"]["kind"] == "turn_ended";
    let events = socket.until(ended).await;
    assert_eq!(events[0]["seq"], 1, "from the log's beginning");
    let said: String = events
        .iter()
        .filter(|event| event["data"]["kind"] == "agent_message")
        .filter_map(|event| event["data"]["text"].as_str())
        .collect();
    assert_eq!(said.matches("word ").count(), 200, "{said}");
    server.wait_for(&task, &["spec_review"]).await;
    let mut again = Socket::open(&server, topic, Some(3)).await;
    assert_eq!(again.until(ended).await[0]["seq"], 4);
    let log = server.get(&format!("/work-sessions/{session}/events?limit=500")).await;
    for (event, entry) in events.iter().zip(log.as_array().expect("entries")) {
        assert_eq!(event["data"], *entry);
    }
    drop(again);
    drop(socket);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_and_its_session_on_one_connection_are_taken_up() {
    let place = Place::new(0);
    let requirements = "### Requirement 1: A\n\n#### Acceptance Criteria\n\n1. THE folder SHALL have a note.\n2. IF it has none, THEN THE folder SHALL say so.\n";
    let go = place.path("shared/go");
    place.configure(&format!(
        "prompts = [\"Talk\"]\n[planning]\nsteps = [{{ run = \"until test -e {}; do sleep 0.05; done\" }}, {{ repeat = 100, say = \"word \", every_ms = 5 }}]\n\
         requirements = {requirements:?}\ndesign = \"# Design\\n\"\ntasks = \"- [ ] 1. Note\\n  - _Requirements: 1_\\n\"\n",
        go.display()
    ));
    place.shared();
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let task =
        server.post("/spec-tasks/from-prompt", &json!({ "prompt": "Talk", "project_id": project })).await;
    let task = text(&task, "id");
    let session = text(&server.get(&format!("/spec-tasks/{task}")).await["work_sessions"][0], "id");
    let topics = json!([
        { "topic": "fleet" }, { "topic": "task", "id": task }, { "topic": "session", "id": session }
    ]);
    let mut socket = Socket::open(&server, topics.clone(), None).await;
    std::fs::write(&go, "").expect("a file");
    let is_last = |event: &Value| {
        event["topic"] == "task"
            && event["data"]["status"] == "spec_review"
            && event["type"] == "task.updated"
    };
    let events = socket.until(is_last).await;
    assert!(events.iter().any(|event| event["topic"] == "session"), "{events:#?}");
    drop(socket);
    for missed in [1, events.len() / 2, events.len() - 1] {
        let from = &events[events.len() - missed - 1];
        let mut again = Socket::open(&server, topics.clone(), from["seq"].as_u64()).await;
        assert_eq!(again.next().await["after"], from["seq"]);
        let mut left: Vec<(&Value, &Value)> =
            events[events.len() - missed..].iter().map(|event| (&event["topic"], &event["data"])).collect();
        let mut seq = from["seq"].as_u64().expect("a number");
        while !left.is_empty() {
            let event = again.next().await;
            assert_ne!(event["type"], "snapshot_required");
            seq += 1;
            assert_eq!(event["seq"], seq);
            // What came after the connection broke off may be among them.
            left.retain(|(topic, data)| (*topic, *data) != (&event["topic"], &event["data"]));
        }
    }
    server.end().await;
}
