//! The API in process, for the tests beside its operations: a database of its own, no connections and no work in the background.

use crate::router;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, header};
use engine::Config;
use engine::settings::config::{Defaults, Sandbox, SandboxMode};
use openapi_check::Document;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use tempfile::TempDir;
use tower::ServiceExt as _;

/// How large an answer may be.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    let document = serde_json::to_value(crate::document()).expect("a document");
    Document::new(Box::leak(Box::new(document)))
});

/// An API with its database, and the owner's token.
pub(crate) struct Api {
    pub(crate) token: String,
    pub(crate) app: engine::App,
    router: Router,
    folder: TempDir,
}

/// An answer of the API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// JSON, or the text of an answer that is not.
    pub(crate) body: Value,
}

impl Answer {
    /// Returns the body of a problem, which has every part that the API promises.
    pub(crate) fn problem(self) -> (u16, Value) {
        let Self { status, headers, body } = self;
        assert_eq!(
            headers.get(header::CONTENT_TYPE).expect("a type"),
            "application/problem+json",
            "{body:#}"
        );
        assert_eq!(body["status"], status);
        assert!(
            body["code"].is_string() && body["detail"].is_string() && body["title"].is_string(),
            "{body:#}"
        );
        (status, body)
    }
}

impl Api {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let sandbox = Sandbox { mode: SandboxMode::Off, ..Sandbox::default() };
        let scripted = || Some("scripted".to_owned());
        let defaults =
            Defaults { spec_agent: scripted(), implementation_agent: scripted(), ..Defaults::default() };
        let config = Config { data_dir: folder.path().join("data"), defaults, sandbox, ..Config::default() };
        let prepared = engine::prepare(config).expect("a data directory");
        let engine::Opened { app, token } = engine::open(prepared).await.expect("a database");
        Self { router: router(app.clone()), app, token, folder }
    }

    /// Makes a repository with a commit and returns its path.
    pub(crate) fn repository(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir(&path).expect("a folder");
        git(&path, &["init", "--quiet", "--initial-branch", "main"]);
        std::fs::write(path.join("README.md"), "# Notes\n").expect("a file");
        git(&path, &["add", "."]);
        git(
            &path,
            &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "--quiet", "-m", "Begin"],
        );
        path
    }

    /// Registers a new repository as a project and returns its id.
    pub(crate) async fn project(&self) -> String {
        let path = self.repository("notes");
        id(&self.post("/projects", &json!({ "name": "notes", "repository_path": path })).await)
    }

    /// Creates a task that is not started and returns its id.
    pub(crate) async fn task(&self, project: &str, name: &str) -> String {
        let body = json!({ "prompt": name, "project_id": project, "start": false });
        id(&self.post("/spec-tasks/from-prompt", &body).await)
    }

    /// Returns the answer to a request that is granted.
    pub(crate) async fn get(&self, path: &str) -> Value {
        granted(self.try_get(path).await)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        granted(self.try_post(path, body).await)
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Value {
        granted(self.send(self.request(Method::PUT, path), body).await)
    }

    pub(crate) async fn try_get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path), &Value::Null).await
    }

    pub(crate) async fn try_post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path), body).await
    }

    /// Begins a request of the owner to a route of the API.
    pub(crate) fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let token = format!("Bearer {}", self.token);
        anonymous(method, &format!("/api/v1{path}")).header(header::AUTHORIZATION, token)
    }

    /// Sends a request with a JSON body, or none for null, and compares both with the OpenAPI document.
    pub(crate) async fn send(&self, request: axum::http::request::Builder, body: &Value) -> Answer {
        let request = if body.is_null() {
            request.body(Body::empty())
        } else {
            request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))
        };
        let request = request.expect("a request");
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let answer = self.send_raw(request).await;
        let faults = DOCUMENT.faults(&method, &path, body, answer.status, &answer.body);
        assert!(faults.is_empty(), "not as documented: {faults:#?}");
        answer
    }

    pub(crate) async fn send_raw(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, MAX_ANSWER_BYTES).await.expect("a body");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

/// Begins a request without credentials, at an address of the server.
pub(crate) fn anonymous(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:7433")
}

/// Returns the `id` of an answer.
pub(crate) fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_else(|| panic!("no id: {answer:#}")).to_owned()
}

fn granted(answer: Answer) -> Value {
    assert!(answer.status < 300, "answered {}: {:#}", answer.status, answer.body);
    answer.body
}

/// Runs git in a folder.
pub(crate) fn git(path: &Path, args: &[&str]) {
    let output = Command::new("git").arg("-C").arg(path).args(args).output().expect("git runs");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}
