//! Who may do what: tokens and their scopes, agents, browsers, and what the audit log keeps of it.

use crate::harness::{Place, Server, TOKEN, eventually, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;
use std::sync::LazyLock;
use std::time::Duration;

/// Long enough for anything in a test.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What a route asks of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    Report,
    Read,
    /// To read a list of all tasks.
    ReadAll,
    Work,
    Create,
    Decide,
    Own,
}

/// Every route of the API, by method and path.
const ROUTES: &str = "
nothing GET /healthz
nothing GET /readyz
read GET /metrics
nothing POST /login
nothing POST /logout
read GET /me
read GET /openapi.json
own GET /config
own GET /maintenance
own POST /maintenance
own GET /tokens
own POST /tokens
own DELETE /tokens/{id}
own GET /secrets
own PUT /secrets/{name}
own DELETE /secrets/{name}
own GET /audit
own GET /audit/values
read GET /agents
own POST /agents/{id}/resume
read GET /agents/fleet/live-progress
readall GET /analytics
readall GET /search
readall GET /spec-tasks
readall GET /tasks
read GET /demo-repos
read GET /templates
read GET /events
read GET /ws
read GET /permissions
read GET /questions
read GET /inbox
own GET /webhooks
own GET /webhooks/{id}/deliveries
own POST /webhooks/{id}/deliveries/{delivery}/redeliver
own POST /webhooks/{id}/test
read GET /push/key
read GET /push/subscriptions
work POST /push/subscriptions
work DELETE /push/subscriptions/{id}
work POST /push/subscriptions/{id}/test
read GET /push/subscriptions/{id}/deliveries
read GET /work-sessions
work POST /editor-threads
decide POST /permissions/{id}
read GET /projects
own POST /projects
own POST /projects/detect
read GET /projects/{id}
own PUT /projects/{id}
own DELETE /projects/{id}
own POST /projects/{id}/trust-settings
read GET /projects/{id}/prompts
own POST /projects/{id}/prompts
read GET /projects/{id}/usage
own GET /projects/{id}/mcp-json
own POST /projects/{id}/mcp-json
read GET /git/{owner}/{repo}/info/refs
read POST /git/{owner}/{repo}/git-upload-pack
work POST /git/{owner}/{repo}/git-receive-pack
work POST /comments/{id}/reply
work POST /comments/{id}/resolve
read GET /reviews/{id}
read GET /sessions/{id}
read GET /sessions/{id}/messages
create POST /spec-tasks/from-prompt
own POST /spec-tasks/from-demo
read GET /spec-tasks/{id}
work PUT /spec-tasks/{id}
decide POST /spec-tasks/{id}/approve-implementation
decide POST /spec-tasks/{id}/approve-specs
decide POST /spec-tasks/{id}/approve-with-handoff
work POST /spec-tasks/{id}/cancel
read GET /spec-tasks/{id}/collisions
work POST /spec-tasks/{id}/crew/evidence
work POST /spec-tasks/{id}/crew/messages
work POST /spec-tasks/{id}/crew/messages/read
work POST /spec-tasks/{id}/crew/requests
work POST /spec-tasks/{id}/crew/requests/{request_id}/wait
work GET /spec-tasks/{id}/crew/sessions
work POST /spec-tasks/{id}/crew/sessions
work GET /spec-tasks/{id}/crew/sessions/{session_id}/changes
work GET /spec-tasks/{id}/crew/task
read GET /spec-tasks/{id}/permission-grants
read GET /spec-tasks/{id}/attachments
work POST /spec-tasks/{id}/attachments
read GET /spec-tasks/{id}/attachments/{attachment}
decide DELETE /spec-tasks/{id}/permission-grants/{grant}
decide POST /spec-tasks/{id}/questions/{question_id}/answer
work POST /spec-tasks/{id}/commit-progress
work POST /spec-tasks/{id}/coordination-events
read GET /spec-tasks/{id}/coordination-log
read GET /spec-tasks/{id}/design-docs
read GET /spec-tasks/{id}/diff
read GET /spec-tasks/{id}/document-status
read GET /spec-tasks/{id}/documents/{doc}
work PUT /spec-tasks/{id}/documents/{doc}
read GET /spec-tasks/{id}/download-documents
work POST /spec-tasks/{id}/generate-documents
work POST /spec-tasks/{id}/implementation-sessions
read GET /spec-tasks/{id}/implementation-tasks
read GET /spec-tasks/{id}/held-secrets
decide POST /spec-tasks/{id}/held-secrets/{secret}
work POST /spec-tasks/{id}/pause
read GET /spec-tasks/{id}/plan
work POST /spec-tasks/{id}/plan-edits
work POST /spec-tasks/{id}/resume
read GET /spec-tasks/{id}/pending-review
work PUT /spec-tasks/{id}/pending-review
decide POST /spec-tasks/{id}/reopen
decide POST /spec-tasks/{id}/revert
read GET /spec-tasks/{id}/lint
read GET /spec-tasks/{id}/multi-session-overview
read GET /spec-tasks/{id}/progress
read GET /spec-tasks/{id}/report
work POST /spec-tasks/{id}/retry
read GET /spec-tasks/{id}/reviews
work POST /spec-tasks/{id}/reviews/{review_id}/comments
read GET /spec-tasks/{id}/secret-findings
read GET /spec-tasks/{id}/forecast
read GET /spec-tasks/{id}/specs
work POST /spec-tasks/{id}/start
read GET /spec-tasks/{id}/timeline
read GET /spec-tasks/{id}/traceability
read GET /spec-tasks/{id}/work-sessions
work POST /spec-tasks/{id}/work-sessions/{session_id}/spawn
read GET /spec-tasks/{id}/zed-instance
work DELETE /spec-tasks/{id}/zed-instance
read GET /spec-tasks/{id}/zed-threads
create POST /tasks
read GET /tasks/{id}
work PUT /tasks/{id}
decide DELETE /tasks/{id}
decide PUT /tasks/{id}/status
read GET /tasks/{id}/work-sessions
work POST /tasks/{id}/work-sessions
read GET /work-sessions/{id}
work POST /work-sessions/{id}/branch
work POST /work-sessions/{id}/cancel
work POST /work-sessions/{id}/stop-turn
work POST /work-sessions/{id}/editor-handoff
decide POST /work-sessions/{id}/choose
decide PUT /work-sessions/{id}/agent
decide PUT /work-sessions/{id}/agent-options
read GET /work-sessions/{id}/diff
read GET /work-sessions/{id}/events
read GET /work-sessions/{id}/history
read GET /work-sessions/{id}/previews
work POST /work-sessions/{id}/previews
own GET /work-sessions/{id}/terminal
work POST /work-sessions/{id}/messages
work PUT /work-sessions/{id}/messages/{turn_id}
work DELETE /work-sessions/{id}/messages/{turn_id}
work POST /work-sessions/{id}/record-history
work POST /work-sessions/{id}/retry
work POST /work-sessions/{id}/skip
work POST /work-sessions/{id}/spawn
work PUT /work-sessions/{id}/status
read GET /work-sessions/{id}/zed-thread
work PUT /work-sessions/{id}/zed-thread
work POST /work-sessions/{id}/zed-thread
work DELETE /work-sessions/{id}/zed-thread
report POST /zed-threads/create-session
report POST /zed/events
read GET /schemas/spec-metadata.json
";

fn routes() -> BTreeMap<(String, String), Needs> {
    let parse = |line: &str| {
        let mut words = line.split(' ');
        let needs = match words.next()? {
            "nothing" => Needs::Nothing,
            "report" => Needs::Report,
            "read" => Needs::Read,
            "readall" => Needs::ReadAll,
            "work" => Needs::Work,
            "create" => Needs::Create,
            "decide" => Needs::Decide,
            "own" => Needs::Own,
            _ => return None,
        };
        Some(((words.next()?.to_owned(), words.next()?.to_owned()), needs))
    };
    ROUTES.lines().filter_map(parse).collect()
}

fn http() -> &'static reqwest::Client {
    static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
        let client = crate::harness::http_builder().redirect(reqwest::redirect::Policy::none());
        // Each test has a runtime of its own, and no connection outlives it.
        client.pool_max_idle_per_host(0).build().expect("a client")
    });
    &CLIENT
}

async fn status(server: &Server, token: Option<&str>, method: &str, path: &str) -> u16 {
    let request = http().request(method.parse().expect("a method"), format!("{}{path}", server.url));
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let request = if method == "GET" { request } else { request.json(&json!({})) };
    let answer = request.timeout(TIMEOUT).send().await.expect("an answer");
    answer.status().as_u16()
}

async fn create(server: &Server, body: Value) -> (String, String) {
    let created = server.post("/tokens", &body).await;
    (text(&created, "token"), text(&created, "id"))
}

/// Waits for a file and returns its lines.
async fn lines(file: &Path) -> Vec<String> {
    eventually(async || match std::fs::read_to_string(file) {
        Ok(text) if text.ends_with('\n') => Ok(text.lines().map(str::to_owned).collect()),
        _ => Err(format!("{} is not written", file.display())),
    })
    .await
}

/// A scenario whose planner runs a command before it writes its documents.
fn planner(command: &str) -> String {
    let requirements = "### Requirement 1: A\n\n#### Acceptance Criteria\n\n1. THE folder SHALL have a note.\n\
                        2. IF it has none, THEN THE folder SHALL say so.\n";
    format!(
        "prompts = [\"Write a note\"]\n[planning]\nsteps = [{{ run = {command:?} }}]\nrequirements = {requirements:?}\n\
         design = \"# Design\\n\"\ntasks = \"- [ ] 1. Note\\n  - _Requirements: 1_\\n\"\n\
         [[sessions]]\nsteps = [{{ write = \"note.md\", content = \"One\\n\" }}]\n"
    )
}

/// A server whose agents run without a sandbox, so that nothing but the server itself stops them.
fn unconfined(place: &Place, scenario: &str) {
    place.configure(scenario);
    place.configure_more("\n[sandbox]\nmode = \"off\"\n");
}

async fn new_task(server: &Server, project: &str) -> String {
    let body = json!({ "prompt": "Write a note", "project_id": project });
    text(&server.post("/spec-tasks/from-prompt", &body).await, "id")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_admits_exactly_the_tokens_that_it_should() {
    let mut place = Place::new(0);
    // A token is put into its database by hand.
    place.on_postgres = false;
    let said = place.path("instance-token");
    let waits = format!(
        "printenv SPECTASK_INSTANCE_TOKEN > {}; while ! test -e {}; do sleep 0.05; done",
        said.display(),
        place.path("go").display()
    );
    unconfined(&place, &planner(&waits));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    expired_token(&place, "sptk_test_expired").await;
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let task = new_task(&server, &project).await;
    let instance = lines(&said).await.remove(0);
    let (reader, _) = create(&server, json!({ "name": "reader" })).await;
    let (limited, _) =
        create(&server, json!({ "name": "limited", "scope": "project", "project_id": project })).await;
    let (deciding, _) =
        create(&server, json!({ "name": "deciding", "scope": "task", "task_id": task, "can_decide": true }))
            .await;
    let (revoked, id) = create(&server, json!({ "name": "revoked", "scope": "owner" })).await;
    assert_eq!(server.try_delete(&format!("/tokens/{id}")).await.expect("an answer").0, 204);
    let document = server.get("/openapi.json").await;
    let mut known = routes();
    let mut wrong = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            let key = (method.to_uppercase(), path.trim_start_matches("/api/v1").to_owned());
            let Some(needs) = known.remove(&key) else {
                wrong.push(format!("{key:?} is not in the table of this test"));
                continue;
            };
            let concrete = path.replace("{repo}", "x.git").replace("{doc}", "design");
            let concrete: Vec<&str> =
                concrete.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
            let concrete = concrete.join("/");
            for (name, token, may) in [
                ("no", None, needs == Needs::Nothing),
                ("a wrong", Some("sptk_wrong"), needs == Needs::Nothing),
                ("an expired", Some("sptk_test_expired"), needs == Needs::Nothing),
                ("a revoked", Some(revoked.as_str()), needs == Needs::Nothing),
                ("an instance's", Some(&instance), matches!(needs, Needs::Nothing | Needs::Report)),
                ("a reading", Some(&reader), matches!(needs, Needs::Nothing | Needs::Read | Needs::ReadAll)),
                (
                    "a project's",
                    Some(&limited),
                    !matches!(needs, Needs::ReadAll | Needs::Decide | Needs::Own),
                ),
                (
                    "a deciding task's",
                    Some(&deciding),
                    !matches!(needs, Needs::ReadAll | Needs::Create | Needs::Own),
                ),
                ("the owner's", Some(TOKEN), true),
            ] {
                let answered = status(&server, token, &key.0, &concrete).await;
                let is_refused = matches!(answered, 401 | 403 | 429);
                // Without a body there is nothing to sign in with, and no service is named to git.
                let is_own_check =
                    (answered == 401 && path.ends_with("/login")) || path.ends_with("/info/refs");
                if is_refused == may && !is_own_check {
                    wrong.push(format!("{} {path} with {name} token: {answered}", key.0));
                }
            }
        }
    }
    wrong.extend(known.keys().map(|key| format!("{key:?} is not documented")));
    assert!(wrong.is_empty(), "{wrong:#?}");
    // What an instance's token is for, it may do for its own task only.
    let event =
        |task: &str| json!({ "instance_id": "zi_x", "event_type": "heartbeat", "spec_task_id": task });
    let other = server
        .post(
            "/spec-tasks/from-prompt",
            &json!({ "prompt": "Another", "project_id": project, "start": false }),
        )
        .await;
    let report = async |body: Value| {
        let answer =
            http().post(format!("{}/api/v1/zed/events", server.url)).bearer_auth(&instance).json(&body);
        answer.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(report(event(&text(&other, "id"))).await, 404);
    // Scopes reach as far as they say.
    for (token, path, answered) in [
        (&limited, format!("/spec-tasks?project_id={project}"), 200),
        (&limited, format!("/spec-tasks/{task}"), 200),
        (&deciding, format!("/spec-tasks/{task}"), 200),
        (&deciding, format!("/spec-tasks/{}", text(&other, "id")), 404),
        (&deciding, format!("/projects/{project}"), 404),
    ] {
        assert_eq!(status(&server, Some(token), "GET", &format!("/api/v1{path}")).await, answered, "{path}");
    }
    std::fs::write(place.path("go"), "").expect("a file");
    server.end().await;
}

/// Puts a token that has expired into a place's database, before a server runs on it.
async fn expired_token(place: &Place, token: &str) {
    std::fs::create_dir_all(place.path("data")).expect("a folder");
    let url = format!("sqlite://{}", place.path("data").join("spectask.db").display());
    let store = store::Store::open(&url).await.expect("a database");
    let token = store::Token {
        hash: engine::settings::owner::hash(token),
        id: "tok_expired".to_owned(),
        user: engine::settings::owner::OWNER.into(),
        scope: "owner".to_owned(),
        target: None,
        decides: true,
        label: "expired".to_owned(),
        origin: "created".to_owned(),
        created_at: workflow::Millis(1),
        expires_at: Some(workflow::Millis(2)),
        last_used_at: None,
        revoked_at: None,
    };
    store.put_token(token).await.expect("saved");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_with_the_owners_token_approves_nothing() {
    let place = Place::new(0);
    let (url, task) = (place.path("url"), place.path("task"));
    let approve = format!(
        "until test -s {task}; do sleep 0.05; done; export SPECTASK_TOKEN={TOKEN}; \
         for verb in approve cancel; do {binary} --server \"$(cat {url})\" $verb \"$(cat {task})\" > {said}.$verb 2>&1; done; \
         {binary} --server \"$(cat {url})\" list > {said}.list 2>&1; {binary} --server \"$(cat {url})\" token create mine --scope owner > {said}.token 2>&1; true",
        url = url.display(),
        task = task.display(),
        said = place.path("said").display(),
        binary = env!("CARGO_BIN_EXE_spectask"),
    );
    unconfined(&place, &planner(&approve));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    std::fs::write(&url, &server.url).expect("a file");
    let project = server.project(&repository, &[]).await;
    let id = new_task(&server, &project).await;
    std::fs::write(&task, &id).expect("a file");
    let waiting = server.wait_for(&id, &["spec_review", "spec_failed"]).await;
    assert_eq!(waiting["status"], "spec_review", "{waiting:#}");
    for verb in ["approve", "cancel", "list", "token"] {
        let said = std::fs::read_to_string(place.path(&format!("said.{verb}"))).expect("it was tried");
        assert!(said.contains("a person's decision needs a person"), "{verb}: {said}");
    }
    let tokens = server.get("/tokens").await;
    assert_eq!(tokens.as_array().map(Vec::len), Some(1), "{tokens:#}");
    // It is on record, and shown where a person looks.
    let audit = server.get(&format!("/audit?subject={id}&action=refused")).await;
    let requests: Vec<String> = audit
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| {
            assert_eq!(
                (&entry["way"], &entry["credential"]),
                (&json!("agent_process"), &json!("owner")),
                "{entry:#}"
            );
            text(&entry["data"], "request")
        })
        .collect();
    assert!(requests.iter().any(|request| request.starts_with("POST /api/v1/tokens")), "{requests:?}");
    let session = text(&waiting["work_sessions"][0], "id");
    let log = server.get(&format!("/work-sessions/{session}/events?limit=500")).await;
    let is_shown = |entry: &Value| {
        entry["kind"] == "notice"
            && entry["text"].as_str().is_some_and(|text| text.starts_with("SpecTask refused"))
    };
    assert!(log.as_array().is_some_and(|log| log.iter().any(is_shown)), "{log:#}");
    // The person at the same machine is not the agent.
    server.post(&format!("/spec-tasks/{id}/approve-specs"), &json!({ "approved": true })).await;
    server.wait_for(&id, &["implementation_review"]).await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_session_is_not_the_token_and_ends() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let cookie = async |headers: &[(&str, &str)]| {
        let mut request =
            http().post(format!("{}/api/v1/login", server.url)).json(&json!({ "token": TOKEN }));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.headers()["set-cookie"].to_str().expect("text").to_owned()
    };
    let me = async |cookie: &str, headers: &[(&str, &str)]| {
        let pair = cookie.split(';').next().expect("a cookie").to_owned();
        let mut request = http().get(format!("{}/api/v1/me", server.url)).header("cookie", pair);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer").status().as_u16()
    };
    let [plain, other] = [cookie(&[]).await, cookie(&[]).await];
    assert!(plain.starts_with("spectask_session=spbs_") && !plain.contains(TOKEN), "{plain}");
    assert!(
        !plain.contains("Secure") && plain.contains("HttpOnly") && plain.contains("SameSite=Strict"),
        "{plain}"
    );
    assert_eq!((me(&plain, &[]).await, me(&other, &[]).await), (200, 200));
    let tls = [("x-forwarded-proto", "https")];
    let secure = cookie(&tls).await;
    assert!(secure.starts_with("__Host-spectask_session=") && secure.contains("; Secure"), "{secure}");
    assert_eq!((me(&secure, &tls).await, me(&secure, &[]).await, me(&plain, &tls).await), (200, 401, 401));
    // Sign-out ends the session, not only the cookie.
    let leave = async |cookie: &str, body: Value| {
        let pair = cookie.split(';').next().expect("a cookie").to_owned();
        let request = http().post(format!("{}/api/v1/logout", server.url)).header("cookie", pair).json(&body);
        assert_eq!(request.send().await.expect("an answer").status(), 204);
    };
    leave(&plain, json!({})).await;
    assert_eq!((me(&plain, &[]).await, me(&other, &[]).await), (401, 200));
    let third = cookie(&[]).await;
    leave(&third, json!({ "everywhere": true })).await;
    assert_eq!((me(&other, &[]).await, me(&secure, &tls).await), (401, 401));
    // A session ends with its token.
    let (token, id) = create(&server, json!({ "name": "phone", "scope": "owner" })).await;
    let answer = http().post(format!("{}/api/v1/login", server.url)).json(&json!({ "token": token }));
    let answer = answer.send().await.expect("an answer");
    let phone = answer.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert_eq!(me(&phone, &[]).await, 200);
    server.try_delete(&format!("/tokens/{id}")).await.expect("an answer");
    assert_eq!(me(&phone, &[]).await, 401);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_from_one_address_are_slowed_down_and_the_right_token_never_is() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    place.configure_more("\n[http]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    let server = place.serve().await;
    let ask = async |way: &str, token: &str, from: &str| {
        let base = &server.url;
        let request = match way {
            "bearer" => http().get(format!("{base}/api/v1/me")).bearer_auth(token),
            "basic" => http()
                .get(format!("{base}/api/v1/git/owner/x.git/info/refs?service=git-upload-pack"))
                .basic_auth("x", Some(token)),
            "link" => http().get(format!("{base}/?token={token}")),
            "cookie" => {
                http().get(format!("{base}/api/v1/me")).header("cookie", format!("spectask_session={token}"))
            }
            _ => http().post(format!("{base}/api/v1/login")).json(&json!({ "token": token })),
        };
        let answer = request.header("x-forwarded-for", from).send().await.expect("an answer");
        (answer.status().as_u16(), answer.headers().contains_key("retry-after"))
    };
    for (at, way) in ["bearer", "basic", "link", "cookie", "login"].into_iter().enumerate() {
        let from = format!("10.0.0.{at}");
        let mut last = (0, false);
        for _ in 0..12 {
            last = ask(way, "sptk_wrong", &from).await;
        }
        assert_eq!(last, (429, true), "{way}");
        for right in ["bearer", "login", "link", "basic"] {
            let (status, _) = ask(right, TOKEN, &from).await;
            assert!(!matches!(status, 401 | 429), "{right} after {way}: {status}");
        }
        assert_ne!(ask(way, "sptk_wrong", "10.0.1.1").await.0, 429, "another address");
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_token_at_the_start_replaces_the_one_before() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let (kept, _) = create(&server, json!({ "name": "kept", "scope": "owner" })).await;
    server.end().await;
    let second = "sptk_test_second";
    let server = place.serve_with_token(second).await;
    let me = async |token: &str| status(&server, Some(token), "GET", "/api/v1/me").await;
    assert_eq!((me(TOKEN).await, me(second).await, me(&kept).await), (401, 200, 200));
    assert!(place.read_log().contains("no longer works"), "{}", place.read_log());
    let printed = command(&place, &["token"]);
    assert_eq!(String::from_utf8_lossy(&printed.stdout).trim(), second);
    server.end().await;
    let server = place.serve().await;
    assert_eq!(status(&server, Some(TOKEN), "GET", "/api/v1/me").await, 200, "a former one may come back");
    assert_eq!(status(&server, Some(second), "GET", "/api/v1/me").await, 401);
    let audit = server.get("/audit?action=replace_token").await;
    assert_eq!(audit.as_array().map(Vec::len), Some(2), "{audit:#}");
    server.end().await;
}

/// Runs the command line on a place's data.
fn command(place: &Place, args: &[&str]) -> Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_spectask"));
    command.env_remove("SPECTASK_TOKEN").args(args).arg("--data-dir").arg(place.path("data"));
    command.arg("--config").arg(place.path("spectask.toml")).output().expect("the binary runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_the_audit_log_are_managed_from_the_command_line() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let run = |args: &[&str]| {
        let output = command(&place, args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let token =
        run(&["token", "create", "ci", "--scope", "project", "--project", "test", "--expires-in-days", "30"]);
    assert!(token.starts_with("sptk_") && token.len() == 69, "{token}");
    let listed = run(&["token", "list"]);
    assert!(
        listed.contains("ci") && listed.contains(&format!("project {project}")) && !listed.contains(&token),
        "{listed}"
    );
    let path = format!("/api/v1/projects/{project}");
    assert_eq!(status(&server, Some(&token), "GET", &path).await, 200);
    run(&["token", "revoke", "ci"]);
    assert_eq!(status(&server, Some(&token), "GET", &path).await, 401);
    let again = command(&place, &["token", "revoke", "ci"]);
    assert_eq!(again.status.code(), Some(3), "{}", String::from_utf8_lossy(&again.stderr));
    let audit = run(&["audit"]);
    for word in ["create_token", "revoke_token", "command_line", "owner"] {
        assert!(audit.contains(word), "{word}: {audit}");
    }
    // It outlives the server.
    server.kill().await;
    let server = place.serve().await;
    let revoked: Value =
        serde_json::from_str(&run(&["audit", "--action", "revoke_token", "--json"])).expect("JSON");
    assert_eq!(revoked.as_array().map(Vec::len), Some(1), "{revoked:#}");
    assert_eq!(revoked[0]["object_name"], "ci", "{revoked:#}");
    let page = server.get("/audit?limit=1").await;
    assert_eq!(page.as_array().map(Vec::len), Some(1), "{page:#}");
    let count = async |filter: &str| {
        server.get(&format!("/audit?action=revoke_token&{filter}")).await.as_array().map(Vec::len)
    };
    let at = text(&revoked[0], "at");
    for (filter, found) in [
        ("actor=usr_owner", 1),
        ("actor=usr_other", 0),
        ("way=command_line", 1),
        ("way=page", 0),
        (&format!("since={at}"), 1),
        (&format!("until={at}"), 0),
    ] {
        assert_eq!(count(filter).await, Some(found), "{filter}");
    }
    assert_eq!(status(&server, Some(TOKEN), "GET", "/api/v1/audit?since=yesterday").await, 422);
    let values = server.get("/audit/values").await;
    assert_eq!(values["actors"], json!(["usr_owner"]));
    for (field, value) in [("ways", "command_line"), ("actions", "revoke_token")] {
        assert!(values[field].as_array().is_some_and(|all| all.contains(&json!(value))), "{values:#}");
    }
    // The configuration is the running server's.
    let config = run(&["config"]);
    assert!(config.contains(&server.url), "{config}");
    let bind = config.lines().find(|line| line.starts_with("bind ")).expect("a row");
    assert!(bind.contains("127.0.0.1:0") && bind.contains("--bind"), "{bind}");
    let agent = config.lines().find(|line| line.starts_with("defaults.spec_agent ")).expect("a row");
    assert!(agent.contains("player") && agent.contains("spectask.toml"), "{agent}");
    server.end().await;
    let config = run(&["config"]);
    assert!(config.contains("no server runs"), "{config}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_stay_out_of_the_files_and_settings_that_others_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let mode = |file: &str| {
        let data = std::fs::metadata(place.path("data").join(file)).expect("a file");
        data.permissions().mode() & 0o777
    };
    assert_eq!(mode("token"), 0o600);
    let (token, _) = create(&server, json!({ "name": "x" })).await;
    let database = std::fs::read(place.path("data").join("spectask.db")).unwrap_or_default();
    let wal = std::fs::read(place.path("data").join("spectask.db-wal")).unwrap_or_default();
    for secret in [token.as_bytes(), TOKEN.as_bytes()] {
        let is_in = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret);
        assert!(!is_in(&database) && !is_in(&wal), "a token is in the database");
    }
    let answer =
        http().get(format!("{}/api/v1/me", server.url)).bearer_auth(TOKEN).send().await.expect("an answer");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(status(&server, None, "GET", "/metrics").await, 401);
    server.end().await;
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_spectask"))
        .args(["serve", "--bind", "127.0.0.1:0", "--data-dir"])
        .arg(place.path("data"))
        .env("NATS_URL", "nats://127.0.0.1:4222")
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("does not use NATS"), "{said}");
}
