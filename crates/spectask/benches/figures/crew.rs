//! A task with 20 independent sessions, beside the longest chain of its parts done by hand: one part's worktree, pauses and commit,
//! and the merges, which follow each other in any order of work.

use crate::filled::size;
use crate::ms;
use crate::server::{Server, documents, git, repository};
use serde_json::json;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const PROMPT: &str = "Write a book in parts";
/// How long the agent pauses before each of its steps.
const PACE: u32 = 100;
const STEPS: u32 = 10;

pub(crate) async fn print() {
    let sessions = usize::try_from(size("SPECTASK_BENCH_SESSIONS", 20)).expect("a number");
    let (requirements, design, tasks) = documents(sessions);
    let mut scenario = format!(
        "id = \"bench\"\nprompts = [{PROMPT:?}]\n\n[planning]\nrequirements = {requirements:?}\ndesign = {design:?}\ntasks = {tasks:?}\n"
    );
    for number in 1..=sessions {
        let says = vec!["{ say = \"I write.\" }"; STEPS as usize - 1].join(", ");
        let _ = write!(
            scenario,
            "\n[[sessions]]\ntask = \"{number}\"\nsteps = [{says}, {{ write = \"{number}.md\", content = \"Part {number}\\n\" }}]\n"
        );
    }
    let server = Server::start(tempfile::tempdir().expect("a folder"), &scenario, PACE, sessions).await;
    let (project, _) = server.project("served").await;
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = server.post("/spec-tasks/from-prompt", &body).await["id"].as_str().expect("a task").to_owned();
    server.wait_for(&task, "spec_review").await;
    let begun = Instant::now();
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    server.wait_for(&task, "implementation_review").await;
    let served = begun.elapsed();
    let cpu = server.cpu();

    let hand = server.folder.path().join("by-hand");
    repository(&hand);
    let chain = by_hand(&hand, sessions).await;
    let all: Duration = Duration::from_millis(u64::from(PACE * STEPS)) * u32::try_from(sessions).unwrap_or(1);
    let pause = Duration::from_millis(u64::from(PACE * STEPS));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cores = f64::from(u32::try_from(cores).unwrap_or(1));
    // While all agents pause there is nothing to compute; in the rest the cores can be used up.
    let busy = cpu / (cores * served.saturating_sub(pause).as_secs_f64());
    println!(
        "crew: {sessions} sessions of {STEPS} steps in {:.0} ms; the longest chain by hand {:.0} ms (ratio {:.2}); their pauses one after the \
         other {:.0} ms; the server with its git and agents used {:.2} s of CPU, which is {:.0} % of {cores} cores outside of the \
         agents' pauses",
        ms(served),
        ms(chain),
        served.as_secs_f64() / chain.as_secs_f64(),
        ms(all),
        cpu,
        busy * 100.0
    );
    server.stop().await;
}

/// One part, and then the merges of all: the other parts are there already.
async fn by_hand(path: &std::path::Path, sessions: usize) -> Duration {
    let part = |number: usize| {
        let worktree = path.with_file_name(format!("part-{number}"));
        let branch = format!("part-{number}");
        git(path, &["worktree", "add", "-q", "-b", &branch, &worktree.to_string_lossy(), "main"]);
        worktree
    };
    let finish = |number: usize, worktree: &std::path::Path| {
        std::fs::write(worktree.join(format!("{number}.md")), format!("Part {number}\n")).expect("a file");
        git(worktree, &["add", "-A"]);
        git(worktree, &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Part"]);
    };
    for number in 2..=sessions {
        finish(number, &part(number));
    }
    let begun = Instant::now();
    let first = part(1);
    for _ in 0..STEPS {
        tokio::time::sleep(Duration::from_millis(u64::from(PACE))).await;
    }
    finish(1, &first);
    for number in 1..=sessions {
        let branch = format!("part-{number}");
        let author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
        git(path, &[&author[..], &["merge", "-q", "--no-ff", "-m", "Merge", &branch]].concat());
    }
    begun.elapsed()
}
