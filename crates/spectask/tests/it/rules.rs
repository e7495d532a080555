//! The rules that every route keeps: who may ask, from where, and how errors look.

use crate::harness::{Place, TOKEN, git};
use serde_json::{Value, json};

fn http() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

async fn problem(answer: reqwest::Response) -> (u16, Value) {
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap_or_default().to_owned());
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.expect("a problem is JSON");
    assert_eq!(kind.as_deref(), Some("application/problem+json"), "{body:#}");
    assert_eq!(body["status"], status);
    assert!(body["code"].is_string() && body["detail"].is_string() && body["title"].is_string(), "{body:#}");
    (status, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_needs_a_token() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let document = server.get("/openapi.json").await;
    assert!(
        document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")),
        "{}",
        document["openapi"]
    );
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 40, "{}", paths.len());
    for (path, methods) in paths {
        for method in methods.as_object().expect("methods").keys() {
            if !path.starts_with("/api/v1") || path.ends_with("/login") || path.ends_with("/logout") {
                continue;
            }
            let url = format!("{}{}", server.url, path.replace("{id}", "x").replace("{doc}", "design"));
            let request = http().request(method.to_uppercase().parse().expect("a method"), url);
            let (status, _) = problem(request.send().await.expect("an answer")).await;
            assert_eq!(status, 401, "{method} {path}");
        }
    }
    for open in ["/healthz", "/readyz"] {
        let status = http().get(format!("{}{open}", server.url)).send().await.expect("an answer").status();
        assert_eq!(status, 200, "{open}");
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_and_origins_are_checked() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let me = format!("{}/api/v1/me", server.url);
    let rebound = http()
        .get(&me)
        .bearer_auth(TOKEN)
        .header("host", "evil.example.org")
        .send()
        .await
        .expect("an answer");
    assert_eq!(problem(rebound).await.0, 403);
    let foreign = http()
        .post(format!("{}/api/v1/logout", server.url))
        .header("origin", "https://evil.example.org")
        .send()
        .await;
    assert_eq!(problem(foreign.expect("an answer")).await.0, 403);
    let own = http().post(format!("{}/api/v1/logout", server.url)).header("origin", &server.url).send().await;
    assert_eq!(own.expect("an answer").status(), 204);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_logs_in_by_link_or_form() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let led = http().get(format!("{}/tasks?token={TOKEN}&x=1", server.url)).send().await.expect("an answer");
    assert_eq!(led.status(), 303);
    assert_eq!(led.headers()["location"], "/tasks?x=1");
    let cookie = led.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();
    let me: Value = http()
        .get(format!("{}/api/v1/me", server.url))
        .header("cookie", &cookie)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(me["name"], "owner");
    let unknown =
        http().get(format!("{}/?token=nobody;Path=/x", server.url)).send().await.expect("an answer");
    assert_eq!((unknown.status().as_u16(), unknown.headers().contains_key("set-cookie")), (303, false));
    for (path, status) in [("/assets/none.js", 404), ("/api", 404), ("/tasks/any", 200)] {
        let answer = http().get(format!("{}{path}", server.url)).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{path}");
    }
    let login = |token: String| {
        http().post(format!("{}/api/v1/login", server.url)).json(&json!({ "token": token })).send()
    };
    assert_eq!(login(TOKEN.to_owned()).await.expect("an answer").status(), 200);
    assert_eq!(problem(login("wrong".to_owned()).await.expect("an answer")).await.0, 401);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_told_what_is_wrong() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    git(&repository, &["tag", "v1"]);
    let project = server.project(&repository, &[]).await;
    for (path, body, status, field) in [
        ("/spec-tasks/from-prompt", json!({}), 422, "prompt"),
        ("/spec-tasks/from-prompt", json!({ "prompt": "  ", "project_id": project }), 422, "prompt"),
        ("/spec-tasks/from-prompt", json!({ "prompt": "x", "project_id": "prj_none" }), 422, "project_id"),
        (
            "/spec-tasks/from-prompt",
            json!({ "prompt": "x", "project_id": project, "priority": "urgent" }),
            422,
            "priority",
        ),
        (
            "/spec-tasks/from-prompt",
            json!({ "prompt": "x", "project_id": project, "spec_agent": "nobody" }),
            422,
            "spec_agent",
        ),
        (
            "/spec-tasks/from-prompt",
            json!({ "prompt": "x", "project_id": project, "base_branch": "--x" }),
            422,
            "base_branch",
        ),
        // A tag does not move, so nothing can land on it.
        (
            "/spec-tasks/from-prompt",
            json!({ "prompt": "x", "project_id": project, "base_branch": "v1" }),
            422,
            "base_branch",
        ),
        (
            "/spec-tasks/from-prompt",
            json!({ "prompt": "x", "project_id": project, "depends_on": ["spt_x"] }),
            422,
            "depends_on",
        ),
        ("/spec-tasks/from-demo", json!({ "prompt": "x", "demo_repo": "nothing" }), 422, "demo_repo"),
        ("/projects", json!({}), 422, "repository_path"),
        ("/projects", json!({ "repository_path": "relative" }), 422, "repository_path"),
        ("/projects", json!({ "repository_path": "/nowhere/at/all" }), 422, "repository_path"),
        ("/projects", json!({ "clone_url": "ext::sh -c id" }), 422, "clone_url"),
    ] {
        let (answered, problem) = server.try_post(path, &body).await.expect("an answer");
        assert_eq!(answered, status, "{path} {body}: {problem:#}");
        assert_eq!(problem["errors"][0]["field"], field, "{path} {body}: {problem:#}");
    }
    let (status, problem_of) =
        server.try_post("/projects", &json!({ "repository_path": repository })).await.expect("an answer");
    assert_eq!((status, &problem_of["code"]), (409, &json!("already_registered")));
    for (path, status) in [
        ("/spec-tasks?limit=0", 422),
        ("/spec-tasks?limit=501", 422),
        ("/spec-tasks?sort=colour", 422),
        ("/spec-tasks?status=nonsense", 422),
        ("/spec-tasks/spt_none", 404),
        ("/work-sessions/stws_none", 404),
        ("/nowhere", 404),
    ] {
        let answer = http()
            .get(format!("{}/api/v1{path}", server.url))
            .bearer_auth(TOKEN)
            .send()
            .await
            .expect("an answer");
        assert_eq!(problem(answer).await.0, status, "{path}");
    }
    let raw = |kind: &'static str, body: Vec<u8>| {
        http()
            .post(format!("{}/api/v1/spec-tasks/from-prompt", server.url))
            .bearer_auth(TOKEN)
            .header("content-type", kind)
            .body(body)
            .send()
    };
    assert_eq!(problem(raw("application/json", b"{".to_vec()).await.expect("an answer")).await.0, 400);
    assert_eq!(problem(raw("text/plain", b"{}".to_vec()).await.expect("an answer")).await.0, 415);
    let large = vec![b' '; 3 * 1024 * 1024];
    assert_eq!(problem(raw("application/json", large).await.expect("an answer")).await.0, 413);
    let task = server
        .post(
            "/spec-tasks/from-prompt",
            &json!({ "prompt": "x", "project_id": project, "start": false, "unknown": 1 }),
        )
        .await;
    let id = task["id"].as_str().expect("an id");
    assert_eq!(task["status"], "backlog");
    let put = http()
        .put(format!("{}/api/v1/spec-tasks/{id}", server.url))
        .bearer_auth(TOKEN)
        .json(&json!({ "status": "done" }))
        .send()
        .await;
    assert_eq!(problem(put.expect("an answer")).await.0, 422);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_does_nothing_twice() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let project = server.project(&repository, &[]).await;
    let ask = |prompt: &str| {
        let body = json!({ "prompt": prompt, "project_id": project, "start": false });
        http()
            .post(format!("{}/api/v1/spec-tasks/from-prompt", server.url))
            .bearer_auth(TOKEN)
            .header("idempotency-key", "k1")
            .json(&body)
            .send()
    };
    let all = futures::future::join_all((0..5).map(|_| ask("Do it"))).await;
    let mut ids = std::collections::BTreeSet::new();
    for answer in all {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 201);
        let task: Value = answer.json().await.expect("JSON");
        ids.insert(task["id"].to_string());
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(problem(ask("Do something else").await.expect("an answer")).await.0, 422);
    assert_eq!(server.get("/spec-tasks").await.as_array().map(Vec::len), Some(1));
    server.end().await;
}
