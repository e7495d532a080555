//! Clients that are slow, many, or do not keep to the protocol: they get no answer for long, and everybody else does.

use crate::harness::{Place, Server, TOKEN, eventually, http, text};
use futures::SinkExt as _;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};
use tokio_util::sync::CancellationToken;

/// Long enough for every time-out of the server in these tests.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many connections the server of these tests takes at once.
const CONNECTIONS: usize = 100;

async fn place() -> (Place, Server) {
    let place = Place::new(0);
    let requirements = "### Requirement 1: A\n\n#### Acceptance Criteria\n\n1. THE folder SHALL have a note.\n\
                        2. IF it has none, THEN THE folder SHALL say so.\n";
    place.configure(&format!(
        "prompts = [\"Write a note\"]\n[planning]\nrequirements = {requirements:?}\ndesign = \"# Design\\n\"\n\
         tasks = \"- [ ] 1. Note\\n  - _Requirements: 1_\\n\"\n\
         [[sessions]]\nsteps = [{{ write = \"note.md\", content = \"One\\n\" }}]\n"
    ));
    place.configure_more(&format!(
        "\n[http]\nheader_timeout_seconds = 1\nbody_timeout_seconds = 1\nwrite_timeout_seconds = 1\nmax_connections = {CONNECTIONS}\n"
    ));
    let server = place.serve().await;
    (place, server)
}

fn host(server: &Server) -> String {
    server.url.trim_start_matches("http://").to_owned()
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(host(server)).await.expect("connected")
}

/// Sends bytes and returns all that comes back until the server ends the connection.
async fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut stream = connect(server).await;
    // A server that has seen enough does not read the rest.
    let _ = stream.write_all(bytes).await;
    rest(&mut stream).await
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    // A connection that is reset has ended as well.
    let ended = tokio::time::timeout(TIMEOUT, stream.read_to_end(&mut received)).await;
    assert!(ended.is_ok(), "the connection stays open after {:?}", String::from_utf8_lossy(&received));
    String::from_utf8_lossy(&received).into_owned()
}

/// The status of each answer in what was received.
fn statuses(received: &str) -> Vec<u16> {
    received.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.get(..3)?.parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_mean_two_things_are_refused() {
    let (_place, server) = place().await;
    let host = host(&server);
    let me = |headers: &str| {
        format!(
            "GET /api/v1/me HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n{headers}\r\n"
        )
    };
    for (what, request, expected) in [
        ("one host", me(&format!("Host: {host}\r\n")), 200),
        ("two hosts", me(&format!("Host: {host}\r\nHost: {host}\r\n")), 400),
        ("no host", me(""), 400),
        ("another host", me("Host: evil.example.org\r\n"), 403),
        (
            "an address of another host",
            me(&format!("Host: {host}\r\n")).replace("GET /", "GET http://evil.example.org/"),
            400,
        ),
        (
            "an address of this host",
            me(&format!("Host: {host}\r\n")).replace("GET /", &format!("GET http://{host}/")),
            200,
        ),
        ("two lengths", me(&format!("Host: {host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n")), 400),
        ("a length that is no number", me(&format!("Host: {host}\r\nContent-Length: +1\r\n")), 400),
        ("an unknown coding", me(&format!("Host: {host}\r\nTransfer-Encoding: chunked, identity\r\n")), 400),
        ("many headers", me(&format!("Host: {host}\r\n{}", "A: b\r\n".repeat(1000))), 431),
        ("a huge header", me(&format!("Host: {host}\r\nA: {}\r\n", "x".repeat(1_000_000))), 431),
        (
            "a huge address",
            me(&format!("Host: {host}\r\n")).replace("/me", &format!("/{}", "x".repeat(100_000))),
            414,
        ),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 400),
    ] {
        let received = exchange(&server, request.as_bytes()).await;
        let answered = statuses(&received);
        let is_so = answered == [expected] || (expected != 200 && answered.is_empty());
        assert!(is_so, "{what}: {answered:?} {received}");
        assert!(expected == 200 || !received.contains("usr_owner"), "{what}: {received}");
    }
    // A length and a coding: whatever is in the body is no second request.
    let smuggled = format!(
        "POST /api/v1/login HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\
         Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
    );
    let received = exchange(&server, smuggled.as_bytes()).await;
    assert!(matches!(statuses(&received)[..], [400 | 422]), "{received}");
    // Requests in one go are answered one after the other.
    let pipelined = me(&format!("Host: {host}\r\n")).replace("Connection: close\r\n", "").repeat(3);
    let received = exchange(&server, pipelined.as_bytes()).await;
    assert_eq!(statuses(&received), [200, 200, 200], "{received}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_given_up() {
    let (_place, server) = place().await;
    let host = host(&server);
    let begun = Instant::now();
    let silent = async { rest(&mut connect(&server).await).await };
    let slow_head = async {
        let mut stream = connect(&server).await;
        let (mut reader, mut writer) = stream.split();
        let drip = async {
            let head = format!("GET /api/v1/me HTTP/1.1\r\nHost: {host}\r\nX-Slow: {}", "x".repeat(1000));
            for byte in head.as_bytes() {
                if writer.write_all(&[*byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let mut received = String::new();
        tokio::select! {
            () = drip => panic!("the server took it all"),
            _ = reader.read_to_string(&mut received) => {}
        }
    };
    let slow_body = async {
        let head = format!(
            "POST /api/v1/login HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
        );
        let received = exchange(&server, head.as_bytes()).await;
        assert_eq!(statuses(&received), [408], "{received}");
    };
    tokio::join!(silent, slow_head, slow_body);
    assert!(begun.elapsed() < TIMEOUT);
    // A large answer, asked for again and again and never read.
    let mut reader = connect(&server).await;
    let large =
        format!("GET /api/v1/openapi.json HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    let asked = 200;
    let wrote = tokio::time::timeout(TIMEOUT, reader.write_all(large.repeat(asked).as_bytes())).await;
    // The server may end the connection before all was asked.
    let _ = wrote.expect("the server reads or ends");
    wait_until_ended(&server, &mut reader).await;
    server.end().await;
}

/// Waits until the server has given a connection up; until then it is not read.
async fn wait_until_ended(server: &Server, stream: &mut TcpStream) {
    let ours = stream.local_addr().expect("an address").port();
    let theirs: u16 = server.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let (from, to) = (format!(":{theirs:04X} "), format!(":{ours:04X} 01 "));
    // The server's end of the connection is established until it gives up.
    eventually(async || {
        let table = std::fs::read_to_string("/proc/net/tcp").expect("a table");
        let is_there = table.lines().any(|line| line.contains(&from) && line.contains(&to));
        (!is_there).then_some(()).ok_or("the server keeps what is not read")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_floods_and_never_reads_is_given_up() {
    let (_place, server) = place().await;
    let mut request =
        format!("{}/api/v1/ws", server.url.replace("http", "ws")).into_client_request().expect("a request");
    request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().expect("a header"));
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("a socket");
    let flood = async {
        // Each is answered with as much.
        let ping = json!({ "ping": "x".repeat(30_000) }).to_string();
        while socket.send(Message::text(ping.clone())).await.is_ok() {}
    };
    assert!(tokio::time::timeout(TIMEOUT, flood).await.is_ok(), "the server takes it for ever");
    let too_large = format!("{}/api/v1/ws", server.url.replace("http", "ws"));
    let mut request = too_large.into_client_request().expect("a request");
    request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().expect("a header"));
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("a socket");
    let flood = async { while socket.send(Message::text("x".repeat(1_000_000))).await.is_ok() {} };
    assert!(tokio::time::timeout(TIMEOUT, flood).await.is_ok(), "a message has no limit");
    assert_eq!(server.get("/me").await["name"], "owner");
    server.end().await;
}

/// Lets this test have as many connections as the machine allows, and returns how many that are.
fn raise_descriptors() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let most = maximum.unwrap_or(8192).min(8192);
    setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum })
        .expect("the soft limit may be raised");
    usize::try_from(most).expect("a number") - 512
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_signs_in_and_approves_while_the_server_is_attacked() {
    let (place, server) = place().await;
    let many = raise_descriptors().min(5_000);
    let over = CancellationToken::new();
    // Thousands of connections that say nothing, and as many as there are attackers that always come back.
    let mut idle = Vec::new();
    for _ in 0..many {
        if let Ok(stream) = TcpStream::connect(host(&server)).await {
            idle.push(stream);
        }
    }
    assert!(idle.len() > CONNECTIONS, "{}", idle.len());
    let attackers: Vec<_> = (0..50)
        .map(|number| {
            let (host, over) = (host(&server), over.clone());
            tokio::spawn(over.run_until_cancelled_owned(async move {
                loop {
                    let Ok(mut stream) = TcpStream::connect(&host).await else { continue };
                    let bytes = match number % 4 {
                        0 => format!("GET / HTTP/1.1\r\nHost: {host}\r\nX"),
                        1 => format!(
                            "POST /api/v1/login HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99\r\n\r\n{{"
                        ),
                        2 => format!(
                            "GET /api/v1/me HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer x\r\n\r\n"
                        ),
                        _ => String::new(),
                    };
                    // The server may have ended it already.
                    let _ = stream.write_all(bytes.as_bytes()).await;
                    let mut received = Vec::new();
                    let _ = stream.read_to_end(&mut received).await;
                }
            }))
        })
        .collect();
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let login = http()
        .post(format!("{}/api/v1/login", server.url))
        .json(&json!({ "token": TOKEN }))
        .timeout(TIMEOUT)
        .send()
        .await
        .expect("the owner signs in");
    let cookie =
        login.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("a cookie").to_owned();
    let project = server.project(&repository, &[]).await;
    let body = json!({ "prompt": "Write a note", "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&task, &["spec_review"]).await;
    let approved = http()
        .post(format!("{}/api/v1/spec-tasks/{task}/approve-specs", server.url))
        .header("cookie", cookie)
        .json(&json!({ "approved": true }))
        .timeout(TIMEOUT)
        .send()
        .await
        .expect("the owner approves");
    assert!(approved.status().is_success(), "{:?}", approved.json::<Value>().await);
    server.wait_for(&task, &["implementation_review"]).await;
    over.cancel();
    for attacker in attackers {
        attacker.await.expect("an attacker ends");
    }
    drop(idle);
    server.end().await;
}
