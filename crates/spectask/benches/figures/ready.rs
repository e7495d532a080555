//! A session's worktree with its dependencies: a second session of a project of 20,000 dependency files, beside `git worktree add`
//! and a copy of the same files by hand.

use crate::quantile;
use crate::server::{Server, documents, git};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const FILES: usize = 20_000;
const RUNS: usize = 5;
const SETUP: &str = "python3 -c \"import os\nfor n in range(20000):\n  d='node_modules/p%d'%(n//50)\n  os.makedirs(d,exist_ok=True)\n  \
     open(d+'/f%d.js'%n,'w').write('x'*300)\n\"";

pub(crate) async fn print() {
    println!("\n## A worktree with {FILES} dependency files, which an earlier session made");
    let (requirements, design, tasks) = documents(1);
    let scenario = format!(
        "id = \"ready\"\nprompts = [\"ready\"]\n[planning]\nrequirements = {requirements:?}\ndesign = {design:?}\ntasks = {tasks:?}\n\
         [[sessions]]\ntask = \"1\"\nsteps = [{{ write = \"a.md\", content = \"x\" }}]\n"
    );
    let server = Server::start(tempfile::tempdir().expect("a folder"), &scenario, 0, 1).await;
    let (bare, _) = server.project("bare").await;
    let (full, repository) = server.project("full").await;
    std::fs::write(repository.join(".gitignore"), "node_modules\n").expect("a file");
    std::fs::write(repository.join("package-lock.json"), "{}\n").expect("a file");
    git(&repository, &["add", "-A"]);
    git(&repository, &["commit", "-qm", "Ignore dependencies"]);
    let settings = json!({ "settings": { "setup_command": SETUP } });
    server.put(&format!("/projects/{full}"), &settings).await;
    let first = begin(&server, &full, 0).await;
    let mut with = Vec::new();
    let mut without = Vec::new();
    for number in 1..=RUNS {
        with.push(begin(&server, &full, number).await);
        without.push(begin(&server, &bare, number).await);
    }
    let (with, without) = (quantile(&mut with, 0.5), quantile(&mut without, 0.5));
    let made = made_by_hand(&repository, server.folder.path());
    let served = with.saturating_sub(without);
    println!(
        "first session {:.0} ms; later ones {:.0} ms, without dependencies {:.0} ms: {:.0} ms for them, beside {:.0} ms of copying by hand: {:.2}x",
        crate::ms(first),
        crate::ms(with),
        crate::ms(without),
        crate::ms(served),
        crate::ms(made),
        served.as_secs_f64() / made.as_secs_f64()
    );
    server.stop().await;
}

/// Returns the time from the creation of a task until its work is done.
async fn begin(server: &Server, project: &str, number: usize) -> Duration {
    let begun = Instant::now();
    let body = json!({ "prompt": format!("Ready {number}"), "project_id": project, "planning": false });
    let task = server.post("/spec-tasks/from-prompt", &body).await["id"].as_str().expect("a task").to_owned();
    server.wait_for(&task, "implementation_review").await;
    begun.elapsed()
}

/// Returns the median time of copying the dependencies by hand, with reflinks where the file system has them.
fn made_by_hand(repository: &Path, folder: &Path) -> Duration {
    let dependencies = folder.join("by-hand");
    std::fs::create_dir_all(&dependencies).expect("a folder");
    let made = Command::new("sh").args(["-c", SETUP]).current_dir(&dependencies).status().expect("it runs");
    assert!(made.success());
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|number| {
            let tree = folder.join(format!("tree-{number}"));
            let tree = tree.to_string_lossy();
            git(repository, &["worktree", "add", "-q", "--detach", &tree]);
            let begun = Instant::now();
            let copied = Command::new("cp")
                .args(["-a", "--reflink=auto"])
                .arg(dependencies.join("node_modules"))
                .arg(&*tree)
                .status()
                .expect("it runs");
            assert!(copied.success());
            begun.elapsed()
        })
        .collect();
    quantile(&mut times, 0.5)
}
