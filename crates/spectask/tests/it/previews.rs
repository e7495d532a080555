//! Previews of dev servers that sessions start on their reserved ports.

use crate::harness::{Server, TOKEN, http_builder, text, until};
use crate::job::{Job, begin, note, scenario, session};
use crate::terminal::Terminal;
use futures::{SinkExt as _, StreamExt as _};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest as _};

const DEV_SERVER: &str = include_str!("dev_server.py");
/// How long anything that comes at once may take.
const SOON: Duration = Duration::from_secs(20);

/// A browser that reaches the hosts of previews at the server's address.
struct Browser {
    http: reqwest::Client,
    server: String,
    /// The preview's host, with its port.
    host: String,
    /// Its cookie, once it has one.
    cookie: String,
}

impl Browser {
    /// Opens a preview of a session from the dashboard, up to the first request without the ticket.
    async fn open(server: &Server, session: &str, number: u8) -> (Self, String) {
        let link =
            server.post(&format!("/work-sessions/{session}/previews"), &json!({ "number": number })).await;
        Self::follow(server, &text(&link, "url")).await
    }

    /// Follows a link to a preview.
    async fn follow(server: &Server, url: &str) -> (Self, String) {
        let rest = url.strip_prefix("http://").expect("an address");
        let (host, path) = rest.split_at(rest.find('/').expect("a path"));
        let http = http_builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let mut browser =
            Self { http, server: server.url.clone(), host: host.to_owned(), cookie: String::new() };
        let opened = browser.get(path).await;
        assert_eq!(
            (opened.status(), &opened.headers()["location"]),
            (StatusCode::SEE_OTHER, &"/".parse().expect("a value"))
        );
        let cookie = opened.headers()["set-cookie"].to_str().expect("text").to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        assert!(!cookie.contains("Domain"), "{cookie}");
        cookie.split(';').next().expect("a cookie").clone_into(&mut browser.cookie);
        (browser, path.to_owned())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.server)).header("host", &self.host);
        if self.cookie.is_empty() { request } else { request.header("cookie", &self.cookie) }
    }

    async fn get(&self, path: &str) -> Response {
        sent(self.request(Method::GET, path)).await
    }

    async fn until_shown(&self) -> Response {
        loop {
            let answer = self.get("/").await;
            if answer.status() == StatusCode::OK {
                return answer;
            }
            assert_eq!(answer.status(), StatusCode::BAD_GATEWAY, "{}", answer.text().await.expect("a page"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Opens a WebSocket.
    async fn socket(&self, origin: &str) -> Result<Socket, Box<Error>> {
        let address = format!("{}/socket", self.server.replace("http", "ws"));
        let mut request = address.into_client_request().expect("a request");
        for (name, value) in [("host", &self.host), ("cookie", &self.cookie), ("origin", &origin.to_owned())]
        {
            request.headers_mut().insert(name, value.parse().expect("a value"));
        }
        let connected = tokio_tungstenite::connect_async(request).await;
        connected.map(|(socket, _)| socket).map_err(Box::new)
    }
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn sent(request: RequestBuilder) -> Response {
    tokio::time::timeout(SOON, request.send()).await.expect("an answer in time").expect("an answer")
}

async fn page(answer: Response) -> (u16, String) {
    (answer.status().as_u16(), answer.text().await.expect("a page"))
}

/// A task with a session whose agent has started a dev server on its first port.
async fn begin_session() -> (Job, String, String) {
    let start = ". \\\"$(git rev-parse --git-dir)/spectask.env\\\" && (python3 dev.py $SPECTASK_PORT_1 >/dev/null 2>&1 &)";
    let steps = format!(
        "{{ write = \"dev.py\", content = {DEV_SERVER:?} }}, {{ run = \"{start}\", expect = 0 }}, {{ write = \"begun.md\", content = \"x\\n\" }}, \
         {{ wait_ms = 600000 }}"
    );
    let job = begin(&scenario(&(session(1, &steps) + &note(2)))).await;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    let list = format!("/spec-tasks/{}/work-sessions?phase=implementation", job.task);
    let is_at_work = |session: &Value| session["status"] == "active" && session["workspace_path"].is_string();
    let found = until(&job.server, &list, |list| is_at_work(&list["work_sessions"][0])).await;
    let session = &found["work_sessions"][0];
    let (id, worktree) = (text(session, "id"), text(session, "workspace_path"));
    while !Path::new(&worktree).join("begun.md").exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (job, id, worktree)
}

async fn listens(server: &Server, session: &str, number: u8) -> Value {
    let path = format!("/work-sessions/{session}/previews");
    let has = |list: &Value| {
        list["previews"].as_array().is_some_and(|all| all.iter().any(|one| one["number"] == number))
    };
    until(server, &path, has).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dev_server_is_shown_at_a_host_of_its_own() {
    let (job, session, _) = begin_session().await;
    let server = &job.server;
    let list = listens(server, &session, 1).await;
    assert_eq!(list["previews"].as_array().map(Vec::len), Some(1), "{list:#}");
    let port = list["previews"][0]["port"].as_u64().expect("a port");

    let (mut browser, ticket) = Browser::open(server, &session, 1).await;
    let origin = format!("http://{}", browser.host);
    assert!(browser.host.contains("-1.preview.localhost:"), "{origin}");
    // The dev server gets what the page sends, and nothing of SpecTask.
    let mixed = format!("{}; spectask_session=mine; own=1", browser.cookie);
    let asked = browser.request(Method::GET, "/a?b").header("cookie", mixed);
    let asked = asked.header("authorization", format!("Bearer {TOKEN}")).header("origin", &origin);
    let shown: Value = sent(asked).await.json().await.expect("JSON");
    let fields = &shown["fields"];
    assert_eq!(shown["path"], "/a?b");
    assert_eq!(
        (&fields["host"], &fields["origin"]),
        (&json!(format!("localhost:{port}")), &json!(format!("http://localhost:{port}")))
    );
    assert_eq!(fields["cookie"], "own=1");
    assert!(!shown.to_string().contains(TOKEN) && !shown.to_string().contains("spps_"), "{shown:#}");

    let led = browser.get("/redirect").await;
    assert_eq!(led.headers()["location"].to_str().ok(), Some(format!("{origin}/next?x").as_str()));
    let set = browser.get("/cookies").await;
    let cookies: Vec<&str> =
        set.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect();
    assert_eq!(cookies, ["theme=dark; Path=/"]);
    assert!(!set.headers().contains_key("clear-site-data"));

    // Bodies pass in both directions as they come.
    let (mut upload, body) = tokio::io::duplex(64);
    let body = reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::new(body));
    let mut echo = sent(browser.request(Method::POST, "/echo").body(body)).await;
    for part in ["one", "two"] {
        tokio::io::AsyncWriteExt::write_all(&mut upload, part.as_bytes()).await.expect("written");
        let echoed = tokio::time::timeout(SOON, echo.chunk()).await.expect("in time").expect("a chunk");
        assert_eq!(echoed.as_deref(), Some(part.as_bytes()));
    }
    drop(upload);
    assert_eq!(echo.chunk().await.expect("the end"), None);
    let mut events = browser.get("/events").await;
    assert_eq!(events.chunk().await.expect("a chunk").as_deref(), Some(&b"data: first\n\n"[..]));
    drop(events);
    let mut socket = browser.socket(&origin).await.expect("a socket");
    socket.send(Message::text("hot")).await.expect("sent");
    assert_eq!(socket.next().await.expect("open").expect("a message"), Message::text("hot"));

    // Only this host, from its own pages, with its own cookie.
    let foreign = browser.socket("http://localhost:1").await.map(drop);
    let is_refused =
        |error: &Error| matches!(error, Error::Http(answer) if answer.status() == StatusCode::FORBIDDEN);
    assert!(foreign.is_err_and(|error| is_refused(&error)));
    let loaded = browser
        .request(Method::GET, "/")
        .header("sec-fetch-site", "same-site")
        .header("sec-fetch-mode", "no-cors");
    assert_eq!(sent(loaded).await.status(), StatusCode::FORBIDDEN);
    let followed = browser.request(Method::GET, "/").header("sec-fetch-site", "cross-site");
    let followed = followed.header("sec-fetch-mode", "navigate").header("sec-fetch-dest", "document");
    assert_eq!(sent(followed).await.status(), StatusCode::OK);
    let dashboard = browser.http.get(format!("{}/api/v1/me", server.url)).header("cookie", &browser.cookie);
    assert_eq!(
        sent(dashboard).await.status(),
        StatusCode::UNAUTHORIZED,
        "the preview's cookie is not the dashboard's"
    );
    let own_host = std::mem::replace(&mut browser.host, "evil.example.org".to_owned());
    assert_eq!(browser.get("/").await.status(), StatusCode::FORBIDDEN);
    browser.host = own_host.replace("-1.preview", "-2.preview");
    assert_eq!(browser.get("/").await.status(), StatusCode::UNAUTHORIZED);
    browser.host = own_host;
    let cookie = std::mem::take(&mut browser.cookie);
    assert_eq!(browser.get("/").await.status(), StatusCode::UNAUTHORIZED);
    let owner = browser.request(Method::GET, "/").header("authorization", format!("Bearer {TOKEN}"));
    assert_eq!(sent(owner).await.status(), StatusCode::UNAUTHORIZED);
    let (status, used) = page(browser.get(&ticket).await).await;
    assert_eq!(status, 410, "{used}");
    browser.cookie = cookie;
    assert_eq!(browser.get(&ticket).await.status(), StatusCode::SEE_OTHER, "a step back leads on");

    // The end of the task is the preview's.
    server.post(&format!("/spec-tasks/{}/cancel", job.task), &json!({})).await;
    let last = tokio::time::timeout(SOON, socket.next()).await.expect("in time");
    assert!(!matches!(last, Some(Ok(Message::Text(_)))), "{last:?}");
    loop {
        let (status, shown) = page(browser.get("/").await).await;
        if status == 410 {
            assert!(shown.contains("The session is closed"), "{shown}");
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dev_server_in_a_network_of_its_own_is_shown() {
    let (job, session, _) = begin_session().await;
    let server = &job.server;
    let task = server.get(&format!("/spec-tasks/{}", job.task)).await;
    let project = format!("/projects/{}", text(&task, "project_id"));
    server.put(&project, &json!({ "settings": { "network": "none" } })).await;
    let (mut terminal, _) = Terminal::open(server, &session).await;
    let (browser, _) = Browser::open(server, &session, 2).await;
    let (status, waiting) = page(browser.get("/").await).await;
    assert_eq!(status, 502, "{waiting}");
    assert!(
        waiting.contains("Nothing listens on this port") && waiting.contains("SPECTASK_PORT_2"),
        "{waiting}"
    );
    terminal.enter("python3 dev.py $SPECTASK_PORT_2 & echo port=$SPECTASK_PORT_2=").await;
    let shown: Value = browser.until_shown().await.json().await.expect("JSON");
    let list = listens(server, &session, 2).await;
    let port = list["previews"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["number"] == 2)
        .expect("it listens")["port"]
        .as_u64();
    assert_eq!(shown["fields"]["host"], format!("localhost:{}", port.expect("a port")));
    let host_port = u16::try_from(port.expect("a port")).expect("a port");
    assert!(
        tokio::net::TcpStream::connect(("127.0.0.1", host_port)).await.is_err(),
        "it is in a network of its own"
    );
    let mut socket = browser.socket(&format!("http://{}", browser.host)).await.expect("a socket");
    socket.send(Message::text("hot")).await.expect("sent");
    assert_eq!(socket.next().await.expect("open").expect("a message"), Message::text("hot"));
    // The end of the dev server ends its connections.
    terminal.enter("kill %1").await;
    let last = tokio::time::timeout(SOON, socket.next()).await.expect("in time");
    assert!(!matches!(last, Some(Ok(Message::Text(_)))), "{last:?}");
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_ends_with_the_token_that_opened_it() {
    let (job, session, _) = begin_session().await;
    let server = &job.server;
    listens(server, &session, 1).await;
    let made = server.post("/tokens", &json!({ "name": "works", "scope": "owner" })).await;
    let path = format!("{}/api/v1/work-sessions/{session}/previews", server.url);
    let client = http_builder().build().expect("a client");
    let minted = client.post(&path).bearer_auth(text(&made, "token")).json(&json!({ "number": 1 }));
    let link: Value = sent(minted).await.json().await.expect("JSON");
    let (browser, _) = Browser::follow(server, &text(&link, "url")).await;
    assert_eq!(
        browser.get("/").await.status(),
        StatusCode::OK,
        "a token that may work on the task opens its previews"
    );
    let mut events = browser.get("/events").await;
    assert!(events.chunk().await.expect("a chunk").is_some());
    server.try_delete(&format!("/tokens/{}", text(&made, "id"))).await.expect("an answer");
    let ended = tokio::time::timeout(SOON, events.chunk()).await.expect("in time");
    assert!(!matches!(ended, Ok(Some(_))), "{ended:?}");
    let (status, shown) = page(browser.get("/").await).await;
    assert_eq!(status, 401, "{shown}");
    let reads = server.post("/tokens", &json!({ "name": "reads", "scope": "read" })).await;
    let refused = client.post(&path).bearer_auth(text(&reads, "token")).json(&json!({ "number": 1 }));
    assert_eq!(sent(refused).await.status(), StatusCode::FORBIDDEN);
    let refused = client.post(&path).bearer_auth("sptk_none").json(&json!({ "number": 1 }));
    assert_eq!(sent(refused).await.status(), StatusCode::UNAUTHORIZED);
    let none = server.try_post(&format!("/work-sessions/{session}/previews"), &json!({ "number": 10 })).await;
    assert_eq!(none.map(|(status, _)| status), Some(422));
    job.end().await;
}
