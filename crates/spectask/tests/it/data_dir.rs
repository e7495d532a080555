//! The data directory is one server's and one user's; the address of a killed server is waited for.

use crate::harness::{Place, TOKEN, eventually, file_has};
use crate::kill;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn serve(place: &Place, bind: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spectask"));
    command
        .args(["serve", "--bind", bind, "--data-dir"])
        .arg(place.path("data"))
        .arg("--config")
        .arg(place.path("spectask.toml"))
        .env("SPECTASK_TOKEN", TOKEN)
        .env("RUST_LOG", "info")
        .stdin(Stdio::null());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_is_refused_with_the_first_ones_address_and_process() {
    let place = Place::new(0);
    place.configure(&kill::scenario());
    let server = place.serve().await;
    let file = place.path("data/server.json");
    let before = std::fs::read_to_string(&file).expect("the server's file");
    let refused = serve(&place, "127.0.0.1:0").output().expect("it runs");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{said}");
    let pid = serde_json::from_str::<serde_json::Value>(&before).expect("JSON")["pid"].to_string();
    assert!(said.contains(&server.url) && said.contains(&pid), "{said}");
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), before);
    assert_eq!(server.try_get_at("/readyz").await.expect("an answer").0, 200);
    server.end().await;
    assert!(!file.exists(), "the server's end removes its own file");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_is_refused_where_tasks_are_kept_in_another() {
    let place = Place::new(0);
    place.configure(&kill::scenario());
    let server = place.serve().await;
    server.end().await;
    let other = format!("sqlite://{}", place.path("other.db").display());
    let refused = serve(&place, "127.0.0.1:0").env("DATABASE_URL", &other).output().expect("it runs");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{said}");
    assert!(said.contains("other.db is empty") && said.contains("DATABASE_URL"), "{said}");
    let server = place.serve().await;
    server.end().await;
}

/// A hang-up, as of a terminal that closes, ends the server in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_ends_the_server_in_order() {
    let place = Place::new(0);
    place.configure(&kill::scenario());
    let mut server =
        serve(&place, "127.0.0.1:0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
    let mut line = String::new();
    let stdout = server.stdout.take().expect("its output");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).expect("a line");
    assert!(line.starts_with("listening on "), "{line}");
    let pid = rustix::process::Pid::from_child(&server);
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).expect("sent");
    assert!(server.wait().expect("it ends").success());
    assert!(!place.path("data/server.json").exists(), "it ended in order");
}

/// A limit of the size of files makes writes fail, and the server says so instead of ending.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_file_sizes_does_not_end_the_server() {
    let place = Place::new(0);
    place.configure(&kill::scenario());
    if place.on_postgres {
        // Its files are not this process's.
        return;
    }
    let mut limited = Command::new("prlimit");
    let serve = serve(&place, "127.0.0.1:0");
    limited.arg("--fsize=2097152").arg(serve.get_program()).args(serve.get_args()).stdin(Stdio::null());
    limited.envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut server = limited.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
    let mut line = String::new();
    let stdout = server.stdout.take().expect("its output");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).expect("a line");
    let url = line.trim().strip_prefix("listening on ").expect("an address").to_owned();
    let http = crate::harness::http();
    let post = async |path: &str, body: &serde_json::Value| {
        let answer = http.post(format!("{url}/api/v1{path}")).bearer_auth(TOKEN).json(body).send().await;
        let answer = answer.expect("the server answers");
        (answer.status().as_u16(), answer.json::<serde_json::Value>().await.expect("JSON"))
    };
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    let (_, project) =
        post("/projects", &serde_json::json!({ "name": "book", "repository_path": repository })).await;
    let body = serde_json::json!({
        "prompt": "Long. ".repeat(5_000), "project_id": project["id"], "start": false,
        "spec_agent": "scripted", "implementation_agent": "scripted",
    });
    let begun = Instant::now();
    loop {
        let (status, answer) = post("/spec-tasks/from-prompt", &body).await;
        if status == 503 {
            break;
        }
        assert_eq!(status, 201, "{answer:#}");
        assert!(begun.elapsed() < Duration::from_secs(60), "the limit is not met");
    }
    assert!(server.try_wait().expect("its state").is_none(), "it runs");
    server.kill().expect("killed");
    server.wait().expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_can_read_what_a_job_leaves() {
    let place = Place::new(0);
    place.configure(&kill::scenario().replace("{ say = \"I begin with part 1.\" }", "{ hang = true }"));
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let task = kill::create(&server, &project).await;
    server.wait_for(&task, &["spec_review"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &serde_json::json!({ "approved": true })).await;
    let worktrees = place.path("data/worktrees").join(&task);
    eventually(async || {
        let count = std::fs::read_dir(&worktrees).map_or(0, Iterator::count);
        if count >= 2 { Ok(()) } else { Err(format!("{count} worktrees")) }
    })
    .await;
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let data = place.path("data");
    assert_eq!(mode(&data), 0o700);
    for entry in std::fs::read_dir(&data).expect("the data directory").flatten() {
        let expected = if entry.path().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&entry.path()), expected, "{}", entry.path().display());
    }
    for worktree in std::fs::read_dir(&worktrees).expect("worktrees").flatten() {
        let path = worktree.path();
        eventually(async || (mode(&path) == 0o700).then_some(()).ok_or_else(|| path.display().to_string()))
            .await;
    }
    server.post(&format!("/spec-tasks/{task}/cancel"), &serde_json::json!({})).await;
    server.end().await;
}

/// A server that waits for its address, which the listener holds.
async fn waiting_for_address(place: &Place) -> (Child, TcpListener) {
    place.configure(&kill::scenario());
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = held.local_addr().expect("an address").to_string();
    let log = std::fs::File::create(place.path("server.log")).expect("a log");
    let child = serve(place, &address).stdout(Stdio::piped()).stderr(log).spawn().expect("the binary starts");
    file_has(&place.path("server.log"), "the address is in use").await;
    (child, held)
}

/// Ends a server as an administrator does.
fn terminate(server: &Child) {
    let pid = server.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_still_in_use_is_waited_for() {
    let place = Place::new(0);
    let (mut server, held) = waiting_for_address(&place).await;
    let address = held.local_addr().expect("an address");
    drop(held);
    let stdout = server.stdout.take().expect("a pipe");
    let line = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).map(|_| line)
    });
    let line = line.await.expect("no panic").expect("a line");
    assert_eq!(line.trim(), format!("listening on http://{address}"), "{}", place.read_log());
    terminate(&server);
    assert!(server.wait().expect("it ends").success(), "{}", place.read_log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_during_the_start_ends_the_server_cleanly() {
    let place = Place::new(0);
    let (mut server, held) = waiting_for_address(&place).await;
    terminate(&server);
    drop(held);
    assert!(server.wait().expect("it ends").success(), "{}", place.read_log());
}

/// Many tasks that wait to be recorded at once are not one commit.
#[tokio::test(flavor = "multi_thread")]
async fn the_record_of_many_tasks_is_committed_in_bounded_steps() {
    let place = Place::new(0);
    place.configure(&kill::scenario());
    place.configure_more("\n[recording]\ncommit_frequency_minutes = 0\n");
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let mut tasks = Vec::new();
    for number in 0..150 {
        let body =
            serde_json::json!({ "prompt": format!("Task {number}"), "project_id": project, "start": false });
        tasks.push(crate::harness::text(&server.post("/spec-tasks/from-prompt", &body).await, "id"));
    }
    let none = serde_json::json!({});
    let cancels = tasks.iter().map(|task| {
        let (server, path) = (&server, format!("/spec-tasks/{task}/cancel"));
        let none = &none;
        async move { server.post(&path, none).await }
    });
    futures::future::join_all(cancels).await;
    let commits = eventually(async || {
        let log = crate::harness::git(
            &repository,
            &["log", "--format=%x00%(trailers:key=SpecTask-Task,valueonly)", "--branches=helix-design-doc*"],
        );
        let commits: Vec<usize> =
            log.split('\0').map(|of| of.lines().filter(|line| !line.is_empty()).count()).collect();
        if commits.iter().sum::<usize>() >= tasks.len() { Ok(commits) } else { Err(format!("{commits:?}")) }
    })
    .await;
    assert!(commits.iter().all(|tasks| *tasks <= 64), "{commits:?}");
    server.end().await;
}
