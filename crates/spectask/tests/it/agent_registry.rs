//! Agents that are installed from an ACP agent registry.

use crate::commands::{said, spectask};
use crate::harness::{Place, text};
use crate::job::{PROMPT, note, scenario};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// Writes a program that starts the built-in scripted agent.
fn program(path: &Path) {
    let text = format!("#!/bin/sh\nexec {:?} \"$@\"\n", env!("CARGO_BIN_EXE_spectask"));
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(path, text).expect("a program");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
}

fn pack(archive: &Path, folder: &Path, name: &str) {
    let packed = Command::new("tar").arg("-czf").arg(archive).arg("-C").arg(folder).arg(name).status();
    assert!(packed.expect("tar runs").success());
}

/// Serves one file on loopback. Returns its address.
async fn serve(bytes: Vec<u8>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = axum::routing::get(async move || bytes.clone());
    let router = axum::Router::new().route("/agent.tar.gz", answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/agent.tar.gz")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_of_a_registry_is_installed_plans_and_is_removed() {
    let place = Place::new(0);
    place.configure(&scenario(&(note(1) + &note(2))));
    let scenarios = place.path("own-scenarios");
    let args = json!(["agent", "scripted", "--scenarios", scenarios]);
    let package = place.path("package");
    program(&package.join("run.sh"));
    let manifest =
        json!({ "name": "@example/packed", "version": "1.0.0", "bin": { "packed-acp": "run.sh" } });
    std::fs::write(package.join("package.json"), manifest.to_string()).expect("a manifest");
    let tarball = place.path("packed.tgz");
    pack(&tarball, place.folder.path(), "package");
    program(&place.path("archive/bin/archived"));
    let archive = place.path("agent.tar.gz");
    pack(&archive, &place.path("archive"), ".");
    let bytes = std::fs::read(&archive).expect("an archive");
    let digest = hex::encode(Sha256::digest(&bytes));
    let address = serve(bytes).await;
    let platform = agent::acp_registry::platform();
    let binary = |sha256: &str| json!({ platform.as_str(): { "archive": address, "cmd": "./bin/archived", "args": args, "sha256": sha256 } });
    let registry = json!({ "version": "1.0.0", "agents": [
        { "id": "packed", "name": "Packed", "version": "1.0.0", "distribution": { "npx": { "package": tarball, "args": args } } },
        { "id": "archived", "name": "Archived", "version": "2.0.0", "distribution": { "binary": binary(&digest) } },
        { "id": "changed", "name": "Changed", "version": "2.0.0", "distribution": { "binary": binary("00") } },
        { "id": "greedy", "name": "Greedy", "version": "1.0.0",
          "distribution": { "npx": { "package": tarball, "env": { "TOKEN": "${SPECTASK_TOKEN}" } } } },
        { "id": "../out", "name": "Out", "version": "1.0.0", "distribution": {} },
    ] });
    let file = place.path("registry.json");
    std::fs::write(&file, registry.to_string()).expect("a registry");
    let file = file.to_string_lossy().into_owned();
    let run = |args: &[&str]| spectask(&place, &[args, &["--registry", &file]].concat());

    let listed = said(&run(&["agents", "registry"]));
    assert!(
        listed.contains("archived") && listed.contains("Left out") && listed.contains("../out"),
        "{listed}"
    );
    for (id, expected) in [("changed", "SHA-256"), ("greedy", "TOKEN"), ("nothing", "packed, archived")] {
        let refused = run(&["agents", "install", id]);
        assert!(!refused.status.success(), "{id}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(expected), "{id}: {refused:?}");
        assert!(!place.path("data/agents").join(id).exists(), "nothing of {id} stays");
    }
    for id in ["packed", "archived"] {
        let installed = run(&["agents", "install", id]);
        assert!(installed.status.success(), "{id}: {installed:?}");
    }
    let server = place.serve().await;
    let agents = server.get("/agents").await;
    let found = |id: &str| agents.as_array().into_iter().flatten().find(|agent| agent["id"] == id).cloned();
    assert!(found("packed").is_some_and(|agent| agent["installed"] == true), "{agents:#}");
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let project = server.project(&repository, &[]).await;
    for id in ["packed", "archived"] {
        let body = json!({ "prompt": PROMPT, "project_id": project, "spec_agent": id });
        let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
        let planned = server.wait_for(&task, &["spec_review", "spec_failed"]).await;
        assert_eq!(planned["status"], "spec_review", "{id}: {planned:#}");
    }
    server.end().await;
    assert!(spectask(&place, &["agents", "uninstall", "packed"]).status.success());
    assert_eq!(spectask(&place, &["agents", "uninstall", "packed"]).status.code(), Some(3));
    assert!(!place.path("data/agents/packed").exists() && place.path("data/agents/archived").exists());
}
