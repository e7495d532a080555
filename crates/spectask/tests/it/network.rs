//! What agents, setup commands and checks reach over the network.

use crate::harness::{Place, Server, eventually, stray_processes, text, until};
use crate::job::{note, scenario, session};
use crate::sandbox::path_without;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

const REACH: &str = include_str!("reach.py");
/// The variable of `sandbox.mode`.
const MODE: &str = "SPECTASK_SANDBOX__MODE";

/// A server on the loopback address that greets whoever connects; returns its port.
fn greeter() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                // Those that only look whether it is there send nothing.
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
            });
        }
    });
    port
}

/// A step that tries to reach something and has to end so.
fn reach(what: &str, expect: i32) -> String {
    format!("{{ run = \"python3 reach.py {what}\", expect = {expect} }}")
}

struct Work {
    place: Place,
    server: Server,
    project: String,
    task: String,
}

/// A task in a project with settings, whose first session takes steps.
async fn begin(steps: &[String], settings: Value, variables: &[(&str, &str)]) -> Work {
    let place = Place::new(0);
    let write = "{ write = \"note1.md\", content = \"Note 1\\n\" }, { tick = \"1.1\", state = \"done\" }";
    place.configure(&scenario(&(session(1, &format!("{}, {write}", steps.join(", "))) + &note(2))));
    place.configure_more("inherit = [\"OPENAI_BASE_URL\"]\n");
    let repository = place.repository("notes", &[("README.md", "# Notes\n"), ("reach.py", REACH)]);
    let server = place.serve_with(variables).await;
    let body = json!({ "name": "test", "repository_path": repository, "settings": settings });
    let project = text(&server.post("/projects", &body).await, "id");
    let body = json!({ "prompt": "Write the two notes", "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    Work { place, server, project, task }
}

impl Work {
    async fn approve(&self) {
        self.server.wait_for(&self.task, &["spec_review"]).await;
        let path = format!("/spec-tasks/{}/approve-specs", self.task);
        self.server.post(&path, &json!({ "approved": true })).await;
    }

    async fn review(&self) -> Value {
        self.server.wait_for(&self.task, &["implementation_review", "implementation_failed"]).await
    }

    /// The work session of the first planned task.
    async fn session(&self) -> Value {
        let sessions = self.server.get(&format!("/spec-tasks/{}/work-sessions", self.task)).await;
        let sessions = sessions["work_sessions"].as_array().cloned().unwrap_or_default();
        let is_first = |session: &Value| {
            session["phase"] == "implementation" && session["implementation_task_index"] == 0
        };
        sessions.into_iter().find(is_first).unwrap_or_default()
    }

    /// The notices in the first session's log.
    async fn notices(&self) -> Vec<String> {
        let session = self.session().await;
        let Some(id) = session["id"].as_str() else { return Vec::new() };
        let log = self.server.get(&format!("/work-sessions/{id}/events?limit=500")).await;
        let entries = log.as_array().or_else(|| log["entries"].as_array()).cloned().unwrap_or_default();
        let notices = entries.iter().filter(|entry| entry["kind"] == "notice");
        notices.map(|entry| text(entry, "text")).collect()
    }

    async fn end(self) {
        self.server.end().await;
        assert_eq!(stray_processes(&self.place), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowlist_lets_its_hosts_through_and_shows_what_it_refuses() {
    let (allowed, other) = (greeter(), greeter());
    let steps = [
        reach(&format!("get localhost:{allowed}"), 0),
        reach(&format!("tunnel LOCALHOST.:{allowed}"), 0),
        reach(&format!("direct localhost {allowed}"), 0),
        reach("get example.org:80", 3),
        reach("get example.org:80", 3),
        reach("tunnel example.org:443", 3),
        reach(&format!("tunnel 127.0.0.1:{allowed}"), 3),
        reach(&format!("direct 127.0.0.1 {other}"), 1),
        reach(&format!("get 127.0.0.1:{other}"), 3),
        reach("socket udp", 0),
        reach("inside", 0),
        "{ run = \"python3 reach.py direct 127.0.0.1 ${SPECTASK_INSTANCE_URL##*:}\", expect = 1 }".to_owned(),
        "{ run = \"python3 reach.py get 127.0.0.1:${SPECTASK_INSTANCE_URL##*:}\", expect = 3 }".to_owned(),
    ];
    let check = format!(
        "python3 reach.py get localhost:{allowed}; python3 reach.py get example.org:80; \
         python3 reach.py tunnel example.org:443; test -f note1.md"
    );
    let settings = json!({
        "network": "allowlist", "network_allow": [format!("localhost:{allowed}")], "checks": [check],
    });
    let work = begin(&steps, settings, &[(MODE, "require")]).await;
    work.approve().await;
    let change = work.review().await;
    let refusal = "`example.org:80` was refused: the project's network is `allowlist`. Add it to `network_allow` to allow it.";
    let check = &change["change"]["checks"][0];
    assert_eq!(check["passed"], true, "{change:#}");
    assert_eq!(text(check, "output").matches(refusal).count(), 1, "{check:#}");
    assert_eq!(text(check, "output").matches("`example.org:443` was refused").count(), 1, "{check:#}");
    assert!(text(check, "output").contains("hello"), "{check:#}");
    let notices = work.notices().await;
    let times = |host: &str| notices.iter().filter(|notice| notice.starts_with(&format!("`{host}`"))).count();
    assert_eq!(times("example.org:80"), 1, "{notices:#?}");
    assert_eq!(times("example.org:443"), 1, "{notices:#?}");
    assert_eq!(times(&format!("127.0.0.1:{other}")), 1, "{notices:#?}");
    assert_eq!(times(&format!("localhost:{allowed}")), 0, "{notices:#?}");
    let sandbox = work.session().await["sandbox"].clone();
    assert_eq!(sandbox["network"], "allowlist");
    assert_eq!(sandbox["network_hosts"], json!([format!("localhost:{allowed}")]));
    let sockets = std::fs::read_dir(work.place.path("data/network")).expect("a folder");
    assert!(sockets.count() <= 1, "sockets of processes that have ended are left");
    work.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_network_checks_reach_nothing_and_an_agent_its_model_alone() {
    let (model, other) = (greeter(), greeter());
    let steps = [
        reach(&format!("direct 127.0.0.1 {model}"), 0),
        reach(&format!("get 127.0.0.1:{model}"), 0),
        reach(&format!("get 127.0.0.1:{other}"), 3),
        reach(&format!("direct 127.0.0.1 {other}"), 1),
    ];
    let check = format!(
        "test -z \"$HTTP_PROXY\" && python3 reach.py inside && ! python3 reach.py direct 127.0.0.1 {other} && \
         python3 reach.py direct 127.0.0.1 {model}"
    );
    let url = format!("http://127.0.0.1:{model}/v1");
    let work = begin(
        &steps,
        json!({ "network": "none", "network_allow": [format!("127.0.0.1:{other}")], "checks": [check] }),
        &[(MODE, "require"), ("OPENAI_BASE_URL", url.as_str())],
    )
    .await;
    work.approve().await;
    let change = work.review().await;
    let check = &change["change"]["checks"][0];
    assert_eq!(check["exit_code"], 1, "{change:#}");
    assert!(text(check, "output").contains("The project's network is `none`"), "{check:#}");
    assert!(!text(check, "output").contains("hello"), "{check:#}");
    let sandbox = work.session().await["sandbox"].clone();
    assert_eq!(sandbox["network"], "none");
    assert_eq!(sandbox["network_hosts"], json!([format!("127.0.0.1:{model}")]));
    work.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_added_is_reached_by_agents_that_run() {
    let port = greeter();
    let again = format!(
        "{{ run = \"until python3 reach.py get 127.0.0.1:{port}; do sleep 0.1; done\", expect = 0 }}"
    );
    let work = begin(&[again], json!({ "network": "allowlist" }), &[(MODE, "require")]).await;
    work.approve().await;
    let host = format!("127.0.0.1:{port}");
    eventually(async || {
        let notices = work.notices().await;
        if notices.iter().any(|notice| notice.contains(&host)) { Ok(()) } else { Err(notices.join("\n")) }
    })
    .await;
    let path = format!("/projects/{}", work.project);
    let edited = work.server.put(&path, &json!({ "settings": { "network_allow": [host] } })).await;
    assert_eq!(edited["settings"]["network"], "allowlist");
    work.review().await;
    work.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sandbox_a_restricted_network_starts_nothing_and_says_why() {
    let work = begin(&[reach("inside", 0)], json!({ "network": "none" }), &[(MODE, "off")]).await;
    let reason = "the project's network is `none`, and it cannot be enforced here: there is no sandbox; set sandbox.mode";
    let path = format!("/spec-tasks/{}", work.task);
    until(&work.server, &path, |found| found.to_string().contains(reason)).await;
    work.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_bubblewrap_ports_and_other_protocols_are_closed() {
    let (allowed, other) = (greeter(), greeter());
    let folder = tempfile::tempdir().expect("a folder");
    let path = as_text(&path_without("bwrap", folder.path()));
    let steps = [
        reach(&format!("get localhost:{allowed}"), 0),
        reach(&format!("direct 127.0.0.1 {allowed}"), 0),
        reach("get example.org:80", 3),
        reach(&format!("direct 127.0.0.1 {other}"), 1),
        reach("socket udp", 1),
        reach("socket mptcp", 1),
        reach(&format!("socket fastopen {allowed}"), 1),
    ];
    let settings = json!({ "network": "allowlist", "network_allow": [format!("localhost:{allowed}")] });
    let work = begin(&steps, settings, &[(MODE, "auto"), ("PATH", path.as_str())]).await;
    work.approve().await;
    work.review().await;
    let session = work.session().await;
    assert_eq!(session["sandbox"]["level"], "landlock", "{session:#}");
    assert_eq!(session["status"], "completed", "{session:#}");
    work.server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_bubblewrap_no_network_is_no_network() {
    let port = greeter();
    let folder = tempfile::tempdir().expect("a folder");
    let path = as_text(&path_without("bwrap", folder.path()));
    let steps = [reach(&format!("direct 127.0.0.1 {port}"), 1), reach("socket udp", 1), reach("inside", 1)];
    let variables = [(MODE, "auto"), ("PATH", path.as_str()), ("SPECTASK_SANDBOX__NETWORK", "none")];
    let work = begin(&steps, json!({}), &variables).await;
    work.approve().await;
    work.review().await;
    assert_eq!(work.session().await["sandbox"]["network"], "none");
    work.server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_the_network_are_checked() {
    let place = Place::new(0);
    place.configure(&scenario(&note(1)));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    for (settings, field, part) in [
        (json!({ "network": "lan" }), "settings.network", "expected one of open, allowlist, none"),
        (
            json!({ "network_allow": ["a.org", "*"] }),
            "settings.network_allow",
            "in front, as in *.example.org",
        ),
        (json!({ "network_allow": ["https://a.org"] }), "settings.network_allow", "leave out the scheme"),
        (json!({ "network_allow": ["127.1"] }), "settings.network_allow", "four decimal numbers"),
    ] {
        let body = json!({ "repository_path": repository, "settings": settings });
        let (status, problem) = server.try_post("/projects", &body).await.expect("an answer");
        assert_eq!(status, 422, "{problem:#}");
        assert_eq!(problem["errors"][0]["field"], field, "{problem:#}");
        assert!(problem["errors"][0]["message"].to_string().contains(part), "{problem:#}");
    }
    server.end().await;
}

fn as_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
