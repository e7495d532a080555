//! 50 sessions that each start a server on their port: none clashes, and after `kill -9` none listens any more.

use crate::server::{Server, documents};
use serde_json::json;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

const SESSIONS: usize = 50;
const PROMPT: &str = "Serve pages";
const TIMEOUT: Duration = Duration::from_secs(300);
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// A server that answers with the session that it belongs to.
const PAGE: &str = "import http.server, sys\nclass Page(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        \
     body = sys.argv[2].encode()\n        self.send_response(200)\n        self.send_header('Content-Length', str(len(body)))\n        \
     self.end_headers()\n        self.wfile.write(body)\nhttp.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Page).serve_forever()\n";

pub(crate) async fn print() {
    println!("\n## {SESSIONS} sessions that start a server on their port");
    let (requirements, design, tasks) = documents(SESSIONS);
    let mut scenario = format!(
        "id = \"ports\"\nprompts = [{PROMPT:?}]\n\n[planning]\nrequirements = {requirements:?}\ndesign = {design:?}\ntasks = {tasks:?}\n"
    );
    let run = ". \\\"$(git rev-parse --git-dir)/spectask.env\\\" && (python3 page.py $SPECTASK_PORT_1 $SPECTASK_SESSION >/dev/null 2>&1 &)";
    for number in 1..=SESSIONS {
        let _ = write!(
            scenario,
            "\n[[sessions]]\ntask = \"{number}\"\nsteps = [{{ write = \"page.py\", content = {PAGE:?} }}, {{ run = \"{run}\", expect = 0 }}, \
             {{ wait_ms = 600000 }}]\n"
        );
    }
    let server = Server::start(tempfile::tempdir().expect("a folder"), &scenario, 0, SESSIONS).await;
    let (project, _) = server.project("ports").await;
    let body = json!({ "prompt": PROMPT, "project_id": project, "complexity": "complex" });
    let task = server.post("/spec-tasks/from-prompt", &body).await["id"].as_str().expect("a task").to_owned();
    server.wait_for(&task, "spec_review").await;
    let begun = Instant::now();
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    let http = reqwest::Client::new();
    let mut ports: Vec<(String, u16)> = Vec::new();
    let mut own = 0;
    while ports.len() < SESSIONS {
        assert!(begun.elapsed() < TIMEOUT, "{} of {SESSIONS} servers listen", ports.len());
        let found = server.get(&format!("/spec-tasks/{task}/work-sessions?phase=implementation")).await;
        for session in found["work_sessions"].as_array().into_iter().flatten() {
            let id = session["id"].as_str().expect("an id");
            if ports.iter().any(|(known, _)| known == id) {
                continue;
            }
            let previews = server.get(&format!("/work-sessions/{id}/previews")).await;
            let Some(port) =
                previews["previews"][0]["port"].as_u64().and_then(|port| u16::try_from(port).ok())
            else {
                continue;
            };
            let answer = http.get(format!("http://127.0.0.1:{port}/")).send().await.expect("an answer");
            own += usize::from(answer.text().await.expect("a page") == id);
            ports.push((id.to_owned(), port));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    let listening = begun.elapsed();
    let folder = server.stop().await;
    let begun = Instant::now();
    let mut open = ports.len();
    while open > 0 && begun.elapsed() < Duration::from_secs(30) {
        open = 0;
        for (_, port) in &ports {
            open += usize::from(TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], *port))).await.is_ok());
        }
    }
    println!(
        "{own} of {SESSIONS} answer for their own session after {:.1} s; after kill -9 {} of {SESSIONS} ports are free in {:.0} ms, before any restart",
        listening.as_secs_f64(),
        SESSIONS - open,
        begun.elapsed().as_secs_f64() * 1000.0
    );
    drop(folder);
}
