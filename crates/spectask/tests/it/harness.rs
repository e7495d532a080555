//! The real binary, driven as a user drives it: over HTTP, with signals, on real repositories.

use crate::shapes;
use serde_json::{Value, json};
use sqlx::Connection as _;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The token of the owner in every test.
pub(crate) const TOKEN: &str = "sptk_test_owner";

/// How long anything in a test may take before the test fails.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);
/// How often a probe is repeated.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Where PostgreSQL is when `SPECTASK_TEST_POSTGRES` does not say.
const POSTGRES: &str = "postgres://postgres@127.0.0.1:5432/test";

/// Where a test's server, repository and scenarios are.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    /// The pause of the scripted agent between steps, in milliseconds.
    pub(crate) pace: u32,
    /// Whether its database is on PostgreSQL. `SPECTASK_TEST_ON=postgres` makes it so for every test.
    pub(crate) on_postgres: bool,
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    http: reqwest::Client,
}

/// Returns an HTTP client.
pub(crate) fn http() -> reqwest::Client {
    http_builder().build().expect("a client")
}

/// Returns the builder of an HTTP client, which needs the cryptography of TLS to be installed once.
pub(crate) fn http_builder() -> reqwest::ClientBuilder {
    // A second call finds it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}

impl Place {
    pub(crate) fn new(pace: u32) -> Self {
        Self::beneath(&std::env::temp_dir(), pace)
    }

    /// A place in a folder that need not be the one for temporary files.
    pub(crate) fn beneath(parent: &Path, pace: u32) -> Self {
        let on_postgres = std::env::var("SPECTASK_TEST_ON").is_ok_and(|database| database == "postgres");
        Self { folder: tempfile::tempdir_in(parent).expect("a folder"), pace, on_postgres }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the scenario and the configuration that makes the scripted agent play it.
    pub(crate) fn configure(&self, scenario: &str) {
        let scenarios = self.path("own-scenarios");
        std::fs::create_dir_all(&scenarios).expect("a folder for scenarios");
        std::fs::write(scenarios.join("test.toml"), scenario).expect("a scenario");
        let config = format!(
            "[defaults]\nspec_agent = \"player\"\nimplementation_agent = \"player\"\n\n[[agents]]\nid = \"player\"\n\
             command = {:?}\nargs = [\"agent\", \"scripted\", \"--scenarios\", {:?}]\n\
             env = {{ SPECTASK_SCRIPTED_PACE_MS = \"{}\" }}\n",
            env!("CARGO_BIN_EXE_spectask"),
            scenarios.to_string_lossy(),
            self.pace
        );
        std::fs::write(self.path("spectask.toml"), config).expect("a configuration");
    }

    /// Adds lines to the configuration, at first to the agent's entry.
    pub(crate) fn configure_more(&self, lines: &str) {
        let file = self.path("spectask.toml");
        let config = std::fs::read_to_string(&file).expect("a configuration") + lines;
        std::fs::write(file, config).expect("a configuration");
    }

    /// A folder that agents and checks may use too. The configuration is written before.
    pub(crate) fn shared(&self) -> PathBuf {
        let folder = self.path("shared");
        std::fs::create_dir_all(&folder).expect("a folder");
        self.configure_more(&format!("\n[sandbox]\nwritable = [{:?}]\n", folder.to_string_lossy()));
        folder
    }

    /// A repository with one commit.
    pub(crate) fn repository(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(&path).expect("a folder");
        git(&path, &["init", "-q", "-b", "main"]);
        for (file, text) in files {
            let file = path.join(file);
            std::fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            std::fs::write(file, text).expect("a file");
        }
        git(&path, &["add", "-A"]);
        git(&path, &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Start"]);
        path
    }

    /// Starts the server on this place's data.
    pub(crate) async fn serve(&self) -> Server {
        self.serve_with(&[]).await
    }

    /// Starts the server with another token for the owner.
    pub(crate) async fn serve_with_token(&self, token: &str) -> Server {
        self.serve_with(&[("SPECTASK_TOKEN", token)]).await
    }

    /// Starts the server with further variables in its environment.
    pub(crate) async fn serve_with(&self, variables: &[(&str, &str)]) -> Server {
        let database = if self.on_postgres { Some(self.postgres().await) } else { None };
        let mut child = Command::new(env!("CARGO_BIN_EXE_spectask"))
            .envs(database.map(|url| ("DATABASE_URL", url)))
            .env("SPECTASK_TOKEN", TOKEN)
            .env("RUST_LOG", "info")
            .envs(variables.iter().copied())
            .args(["serve", "--bind", "127.0.0.1:0", "--data-dir"])
            .arg(self.path("data"))
            .arg("--config")
            .arg(self.path("spectask.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(self.log())
            // A test that fails leaves no server behind.
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let stdout = child.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(TIMEOUT, lines.next_line()).await.expect("a line in time");
        let line =
            line.expect("readable output").unwrap_or_else(|| panic!("no line; the log: {}", self.read_log()));
        let url = line.strip_prefix("listening on ").expect("the line says where it listens").to_owned();
        Server { child, url, http: http() }
    }

    /// The address of a schema on PostgreSQL that is this place's alone.
    async fn postgres(&self) -> String {
        let (url, schema) = self.schema();
        let made = store::Store::open_in_schema(&url, Some(&schema)).await;
        made.expect("PostgreSQL answers; SPECTASK_TEST_POSTGRES says where it is").close().await;
        format!("{url}?options=-c%20search_path%3D{schema}")
    }

    /// The database and the schema in it.
    fn schema(&self) -> (String, String) {
        let url = std::env::var("SPECTASK_TEST_POSTGRES").unwrap_or_else(|_| POSTGRES.to_owned());
        let folder = self.folder.path().file_name().expect("a name").to_string_lossy();
        (url, format!("spectask_{}", folder.trim_start_matches('.').to_lowercase()))
    }

    fn log(&self) -> std::fs::File {
        let mut options = std::fs::OpenOptions::new();
        options.create(true).append(true).open(self.path("server.log")).expect("a log")
    }

    /// The end of what the server logged.
    pub(crate) fn read_log(&self) -> String {
        let text = std::fs::read_to_string(self.path("server.log")).unwrap_or_default();
        let from = text.len().saturating_sub(6_000);
        text.get(from..).unwrap_or_default().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the end of the server's log:\n{}", self.read_log());
        }
        if !self.on_postgres {
            return;
        }
        let (url, schema) = self.schema();
        // A test's own runtime is busy dropping this; a schema that stays is in nobody's way.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                let mut database = sqlx::PgConnection::connect(&url).await.ok()?;
                let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
                sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut database).await.ok()
            })
        });
        let _ = dropped.join();
    }
}

impl Server {
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.try_get(path).await.expect("the server answers");
        assert!(status < 300, "GET {path} answered {status}: {body}");
        body
    }

    /// An answer, or none when the server is away.
    pub(crate) async fn try_get(&self, path: &str) -> Option<(u16, Value)> {
        self.send(self.http.get(format!("{}/api/v1{path}", self.url))).await
    }

    /// The same for a route beside the API.
    pub(crate) async fn try_get_at(&self, path: &str) -> Option<(u16, Value)> {
        self.send(self.http.get(format!("{}{path}", self.url))).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.try_post(path, body).await.expect("the server answers");
        assert!(status < 300, "POST {path} answered {status}: {answer}");
        answer
    }

    /// Sends the content of a file as it is.
    pub(crate) async fn upload(&self, path: &str, content: &[u8]) -> Value {
        let request = self.http.post(format!("{}/api/v1{path}", self.url));
        let request = request.header("content-type", "application/octet-stream").body(content.to_vec());
        let (status, answer) = self.send(request).await.expect("the server answers");
        assert!(status < 300, "POST {path} answered {status}: {answer}");
        answer
    }

    pub(crate) async fn download(&self, path: &str) -> Vec<u8> {
        let request = self.http.get(format!("{}/api/v1{path}", self.url)).bearer_auth(TOKEN);
        let answer = request.send().await.expect("the server answers");
        assert_eq!(answer.status().as_u16(), 200, "GET {path}");
        answer.bytes().await.expect("a body").to_vec()
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.try_put(path, body).await.expect("the server answers");
        assert!(status < 300, "PUT {path} answered {status}: {answer}");
        answer
    }

    pub(crate) async fn try_put(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        self.send(self.http.put(format!("{}/api/v1{path}", self.url)).json(body)).await
    }

    pub(crate) async fn try_post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        self.send(self.http.post(format!("{}/api/v1{path}", self.url)).json(body)).await
    }

    pub(crate) async fn try_delete(&self, path: &str) -> Option<(u16, Value)> {
        self.send(self.http.delete(format!("{}/api/v1{path}", self.url))).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Option<(u16, Value)> {
        let request = request.bearer_auth(TOKEN).timeout(Duration::from_secs(60)).build().expect("a request");
        let (method, path) = (request.method().to_string(), request.url().path().to_owned());
        let asked = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
        let asked: Value = serde_json::from_slice(asked).unwrap_or_default();
        let answer = self.http.execute(request).await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        let body = serde_json::from_str(&text).unwrap_or(json!(text));
        let faults = shapes::faults(&method, &path, &asked, status, &body);
        assert!(faults.is_empty(), "not as documented: {faults:#?}");
        Some((status, body))
    }

    /// Registers a repository as a project.
    pub(crate) async fn project(&self, path: &Path, checks: &[&str]) -> String {
        let body = json!({ "name": "test", "repository_path": path, "settings": { "checks": checks } });
        text(&self.post("/projects", &body).await, "id")
    }

    /// Waits until the task is in one of the states, and returns it.
    pub(crate) async fn wait_for(&self, task: &str, states: &[&str]) -> Value {
        let is_in_one = |found: &Value| states.iter().any(|state| found["status"] == *state);
        until(self, &format!("/spec-tasks/{task}"), is_in_one).await
    }

    /// Ends the server as an operator does and expects it to end well and in time.
    pub(crate) async fn end(mut self) {
        let pid = self.child.id().expect("a running server").to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        let status = tokio::time::timeout(Duration::from_secs(10), self.child.wait()).await;
        assert!(status.expect("ends within ten seconds").expect("a status").success());
    }

    /// The number of the server's process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("a running server")
    }

    /// Ends the server as a power cut does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }
}

/// Probes until it finds something, and returns that. Fails after [`TIMEOUT`] with what the last probe reported.
pub(crate) async fn eventually<T, R: Display>(mut probe: impl AsyncFnMut() -> Result<T, R>) -> T {
    let begun = Instant::now();
    loop {
        match probe().await {
            Ok(found) => return found,
            Err(reported) => assert!(begun.elapsed() < TIMEOUT, "still after {TIMEOUT:?}: {reported:#}"),
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Waits until a condition holds, whose words are in the failure.
pub(crate) async fn eventually_holds(condition: &str, holds: impl Fn() -> bool) {
    eventually(async || holds().then_some(()).ok_or_else(|| format!("not yet: {condition}"))).await;
}

/// Reads a path of the API until its answer fits, and returns the answer.
pub(crate) async fn until(server: &Server, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
    eventually(async || {
        let found = server.get(path).await;
        if fits(&found) { Ok(found) } else { Err(format!("GET {path} answers {found:#}")) }
    })
    .await
}

/// Runs git in a repository and returns what it prints. Where the server holds the index at that moment, or commits first,
/// git is run again, as a person would.
pub(crate) fn git(path: &Path, args: &[&str]) -> String {
    let run = || std::process::Command::new("git").arg("-C").arg(path).args(args).output().expect("git runs");
    let is_in_the_way = |output: &std::process::Output| {
        let said = String::from_utf8_lossy(&output.stderr);
        !output.status.success()
            && (said.contains("index.lock': File exists") || said.contains("cannot lock ref 'HEAD': is at"))
    };
    let output = std::iter::repeat_with(run).take(100).find(|output| !is_in_the_way(output));
    let output = output.expect("nothing is in the way now and then");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Waits until a file has a text.
pub(crate) async fn file_has(file: &Path, wanted: &str) {
    eventually(async || {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if text.contains(wanted) { Ok(()) } else { Err(format!("{} has {text}", file.display())) }
    })
    .await;
}

/// Waits until a repository has no worktree but its own and that of the documents.
pub(crate) async fn worktrees_are_closed(repository: &Path) {
    eventually(async || {
        let left = git(repository, &["worktree", "list"]);
        if left.lines().count() <= 2 { Ok(()) } else { Err(left) }
    })
    .await;
}

/// The worktrees of a task's sessions that are there.
pub(crate) fn worktrees(place: &Place, task: &str) -> Vec<PathBuf> {
    let found = std::fs::read_dir(place.path("data/worktrees").join(task)).into_iter().flatten().flatten();
    found.map(|entry| entry.path()).collect()
}

/// A field that is text.
pub(crate) fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value:#}")).to_owned()
}

/// Whether any process that a place's server started is still there.
pub(crate) fn stray_processes(place: &Place) -> Vec<String> {
    let mark = place.folder.path().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("a process table").flatten() {
        let path = entry.path();
        let Ok(command) = std::fs::read_to_string(path.join("cmdline")) else { continue };
        let cwd = std::fs::read_link(path.join("cwd")).unwrap_or_default();
        if command.contains(&mark) || cwd.starts_with(place.folder.path()) {
            found.push(format!("{} {}", path.display(), command.replace('\0', " ")));
        }
    }
    found
}
