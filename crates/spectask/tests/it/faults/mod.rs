//! Writing fails, at any call: nothing that was acknowledged is lost, nothing is doubled, and everything continues when
//! the fault ends.
//!
//! The faults are real to the server: a library that is loaded before the C library makes its calls fail, and those of
//! the git commands it runs. `SPECTASK_FAULTS` says at how many calls of each kind a fault is played, spread over all of
//! them; `every` plays one at each. `SPECTASK_FAULTS_SHARE=2/4` plays the second quarter of these, so that several
//! processes can divide them.

use crate::harness::{Place, Server, eventually, git, stray_processes, text};
use crate::kill;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long anything may take to continue after a fault.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How long a fault lasts once it struck in a whole job.
const OUTAGE: Duration = Duration::from_millis(1500);

/// What a call meets, by its number in `faults.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    NoSpace = 1,
    Io = 2,
    ShortWrite = 3,
    Sync = 4,
}

/// The faults of one server.
struct Faults {
    control: PathBuf,
    variables: Vec<(String, String)>,
}

impl Faults {
    /// Compiles the library and says which paths' calls count, by how they begin.
    fn new(place: &Place, paths: &[String]) -> Self {
        let (library, control, bin) = (place.path("faults.so"), place.path("faults"), place.path("bin"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/faults/faults.c");
        let mut compiler = std::process::Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
        assert!(compiler.status().expect("a C compiler").success());
        let variables: Vec<(String, String)> = [
            ("LD_PRELOAD", library.display().to_string()),
            ("FAULTS_CONTROL", control.display().to_string()),
            ("FAULTS_PATHS", paths.join(":")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        // The server runs git with an environment of its own.
        let exports: Vec<String> =
            variables.iter().map(|(name, value)| format!("{name}='{value}'")).collect();
        let exports = exports.join(" ");
        let path = std::env::var("PATH").expect("a PATH");
        let real = std::env::split_paths(&path).map(|folder| folder.join("git")).find(|git| git.exists());
        let script = format!("#!/bin/sh\nexec env {exports} {} \"$@\"\n", real.expect("git").display());
        std::fs::create_dir(&bin).expect("a folder");
        std::fs::write(bin.join("git"), script).expect("a script");
        std::fs::set_permissions(bin.join("git"), std::fs::Permissions::from_mode(0o755)).expect("runnable");
        // An agent whose own git fails says so and needs a person; it is the server's that is tried here.
        let file = place.path("spectask.toml");
        let config = std::fs::read_to_string(&file).expect("a configuration");
        let own_path = config.replace("env = { SPECTASK", &format!("env = {{ PATH = {path:?}, SPECTASK"));
        std::fs::write(file, own_path).expect("a configuration");
        let mut faults = Self { control, variables };
        faults.variables.push(("PATH".to_owned(), format!("{}:{path}", bin.display())));
        faults.set(0, 0, Kind::NoSpace);
        faults
    }

    async fn serve(&self, place: &Place) -> Server {
        let variables: Vec<(&str, &str)> =
            self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        place.serve_with(&variables).await
    }

    /// Has calls fail, from one to another as they are counted from here on; 0 fails none.
    fn set(&self, from: u64, until: u64, kind: Kind) {
        let words = [from, until, kind as u64, 0, 0];
        let bytes: Vec<u8> = words.iter().flat_map(|word: &u64| word.to_ne_bytes()).collect();
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(&self.control);
        std::os::unix::fs::FileExt::write_all_at(&file.expect("a file"), &bytes, 0).expect("written");
    }

    /// Ends the fault and says how many calls failed.
    fn end(&self) -> u64 {
        let hits = self.read(4);
        self.set(0, 0, Kind::NoSpace);
        hits
    }

    fn calls(&self) -> u64 {
        self.read(3)
    }

    fn hits(&self) -> u64 {
        self.read(4)
    }

    fn read(&self, word: usize) -> u64 {
        let bytes = std::fs::read(&self.control).expect("the faults' file");
        u64::from_ne_bytes(bytes[word * 8..][..8].try_into().expect("eight bytes"))
    }
}

/// The numbers of the calls that meet a fault: a few, or as many as `SPECTASK_FAULTS` says.
fn spread(calls: u64, few: u64) -> Vec<u64> {
    let asked = std::env::var("SPECTASK_FAULTS").ok();
    let count = match asked.as_deref() {
        Some("every") => calls,
        Some(count) => count.parse().expect("SPECTASK_FAULTS is a number or `every`"),
        None => few,
    };
    let (share, shares) = std::env::var("SPECTASK_FAULTS_SHARE").map_or((1, 1), |asked| {
        let parts =
            asked.split_once('/').and_then(|(share, of)| Some((share.parse().ok()?, of.parse().ok()?)));
        parts.expect("SPECTASK_FAULTS_SHARE is two numbers, as 2/4")
    });
    (0..count.min(calls))
        .filter(|at: &u64| at % shares == share - 1)
        .map(|at| 1 + at * calls / count)
        .collect()
}

/// What the server acknowledged in a row of small changes, and whether it refused any.
#[derive(Default)]
struct Acknowledged {
    tasks: Vec<(String, String)>,
    refused: Vec<(u16, Value)>,
}

/// Creates tasks and renames them, from two sides at once, so that their transactions share commits.
async fn change_a_little(server: &Server, project: &str, round: &str) -> Acknowledged {
    let one = async |side: usize| {
        let mut done = Acknowledged::default();
        let prompt = format!("Change {round} of {side}");
        let body = json!({ "prompt": prompt, "project_id": project, "start": false });
        match server.try_post("/spec-tasks/from-prompt", &body).await.expect("an answer") {
            (status, task) if status < 300 => {
                let id = text(&task, "id");
                let name = format!("{prompt}, renamed");
                match server.try_put(&format!("/spec-tasks/{id}"), &json!({ "name": name })).await {
                    Some((status, _)) if status < 300 => done.tasks.push((id, name)),
                    Some(refused) => {
                        done.refused.push(refused);
                        done.tasks.push((id, text(&task, "name")));
                    }
                    None => panic!("the server does not answer"),
                }
            }
            refused => done.refused.push(refused),
        }
        done
    };
    let (mut all, others) = tokio::join!(one(1), one(2));
    all.tasks.extend(others.tasks);
    all.refused.extend(others.refused);
    all
}

/// Waits until a change is saved again.
async fn wait_until_writable(server: &Server, project: &str) {
    let body = json!({ "prompt": "Is it writable?", "project_id": project, "start": false });
    create_in_spite(server, &body).await;
}

async fn has_all(server: &Server, acknowledged: &[(String, String)]) {
    for (id, name) in acknowledged {
        let found = server.get(&format!("/spec-tasks/{id}")).await;
        assert_eq!(found["name"], *name, "what was acknowledged is there: {found:#}");
    }
    let listed = server.get("/spec-tasks?limit=500").await;
    let ids: Vec<&str> =
        listed.as_array().expect("tasks").iter().filter_map(|task| task["id"].as_str()).collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "nothing is there twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_acknowledges_survives_a_fault_at_any_call() {
    let place = Place::new(0);
    place.configure(&kill::scenario());
    let faults = Faults::new(&place, &[place.path("data/spectask.db").display().to_string()]);
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    let mut server = faults.serve(&place).await;
    let project = server.project(&repository, &[]).await;
    faults.set(0, 0, Kind::NoSpace);
    let mut acknowledged = change_a_little(&server, &project, "undisturbed").await.tasks;
    let calls = faults.calls();
    assert!(calls > 4, "a change is several calls: {calls}");
    let (mut struck, mut refused) = (0, 0);
    for kind in [Kind::NoSpace, Kind::Io, Kind::ShortWrite, Kind::Sync] {
        // Writes alone can be short, and the calls that sync are fewer.
        for (at, until) in spread(calls, 6).into_iter().flat_map(|at| [(at, at), (at, u64::MAX)]) {
            faults.set(at, until, kind);
            let done = change_a_little(&server, &project, &format!("{kind:?} {at} to {until}")).await;
            struck += faults.end();
            for (status, answer) in &done.refused {
                assert_eq!(*status, 503, "{kind:?} at {at}: {answer:#}");
                let detail = text(answer, "detail");
                // SQLite does not say why a sync failed.
                if kind == Kind::NoSpace && !detail.contains("disk I/O error") {
                    assert_eq!(answer["code"], "out_of_space", "{answer:#}");
                    assert!(detail.contains("spectask.db"), "the place is named: {detail}");
                }
            }
            refused += done.refused.len();
            acknowledged.extend(done.tasks);
            wait_until_writable(&server, &project).await;
        }
        has_all(&server, &acknowledged).await;
        // What was acknowledged is on the disk, and not in a process's memory.
        server.kill().await;
        server = faults.serve(&place).await;
        has_all(&server, &acknowledged).await;
    }
    eprintln!("{struck} calls failed, {refused} requests were refused, {} changes saved", acknowledged.len());
    assert!(struck > 0 && refused > 0, "the faults strike");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_named_and_everything_continues_when_there_is_room() {
    let place = Place::new(0);
    place.configure(&kill::scenario());
    let faults = Faults::new(&place, &[place.path("data/spectask.db").display().to_string()]);
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    let server = faults.serve(&place).await;
    let project = server.project(&repository, &[]).await;
    faults.set(1, u64::MAX, Kind::NoSpace);
    let body = json!({ "prompt": "Too much", "project_id": project, "start": false });
    let (status, answer) = server.try_post("/spec-tasks/from-prompt", &body).await.expect("an answer");
    assert_eq!((status, &answer["code"]), (503, &json!("out_of_space")), "{answer:#}");
    let (status, answer) = server.try_get_at("/readyz").await.expect("an answer");
    assert_eq!(status, 503, "{answer:#}");
    assert_eq!(answer["errors"][0]["field"], "writer", "{answer:#}");
    let detail = text(&answer, "detail");
    assert!(detail.contains("spectask.db is full"), "{detail}");
    let doctor = spectask(&place, &["doctor"]);
    assert!(doctor.contains("is not ready") && doctor.contains("spectask.db is full"), "{doctor}");
    faults.end();
    wait_until_ready(&server).await;
    server.post("/spec-tasks/from-prompt", &body).await;
    assert!(place.read_log().contains("the database can be written again"), "{}", place.read_log());
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_begins_below_the_reserve_and_the_place_is_named() {
    let place = Place::new(0);
    place.configure(&kill::scenario());
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    let server = place.serve_with(&[("SPECTASK_LIMITS__MIN_FREE_MB", "1000000000")]).await;
    let project = server.project(&repository, &["test -f book/5.md"]).await;
    eventually(async || {
        let (status, _) = server.try_get_at("/readyz").await.expect("an answer");
        (status != 200).then_some(()).ok_or("the shortage is not noticed")
    })
    .await;
    let task = kill::create(&server, &project).await;
    let found = server.get(&format!("/spec-tasks/{task}")).await;
    let reason = text(&found, "queue_reason");
    let data = place.path("data").canonicalize().expect("the data directory").display().to_string();
    assert!(reason.contains(&data) && reason.contains("1000000000 MB are needed"), "{reason}");
    assert_eq!(found["status"], "spec_generation", "it waits: {found:#}");
    let (_, answer) = server.try_get_at("/readyz").await.expect("an answer");
    assert_eq!(answer["errors"][0]["field"], "disk", "{answer:#}");
    server.end().await;
    let server = place.serve().await;
    kill::push(&server, &task).await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_database_is_noticed_and_nothing_more_is_acknowledged() {
    let place = Place::new(0);
    place.configure(&kill::scenario());
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    let server = place.serve().await;
    if place.on_postgres {
        // There is no file.
        return server.end().await;
    }
    let project = server.project(&repository, &[]).await;
    let (file, aside) = (place.path("data/spectask.db"), place.path("aside.db"));
    std::fs::rename(&file, &aside).expect("moved away");
    let (status, answer) = server.try_get_at("/readyz").await.expect("an answer");
    assert_eq!((status, &answer["errors"][0]["field"]), (503, &json!("database")), "{answer:#}");
    assert!(text(&answer, "detail").contains("deleted, moved or replaced"), "{answer:#}");
    let body = json!({ "prompt": "Lost?", "project_id": project, "start": false });
    let (status, answer) = server.try_post("/spec-tasks/from-prompt", &body).await.expect("an answer");
    assert_eq!((status, &answer["code"]), (503, &json!("database_file_gone")), "{answer:#}");
    std::fs::rename(&aside, &file).expect("put back");
    wait_until_ready(&server).await;
    server.post("/spec-tasks/from-prompt", &body).await;
    server.end().await;
    assert!(std::fs::metadata(place.path("data/spectask.db-wal")).map_or(true, |log| log.len() == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_job_survives_faults_of_every_place() {
    let undisturbed = {
        let place = Place::new(0);
        place.configure(&kill::scenario());
        let repository = place.repository("book", &[("README.md", "# A book\n")]);
        let server = place.serve().await;
        let project = server.project(&repository, &["test -f book/5.md"]).await;
        let task = kill::create(&server, &project).await;
        kill::push(&server, &task).await;
        let end = kill::look(&server, &repository, &task).await;
        server.end().await;
        end
    };
    let place = Place::new(0);
    // The base's history and the documents are in each repository; sessions work in the data directory.
    let targets = [
        ("database", "data/spectask.db", 2),
        ("repository", "books/", 3),
        ("worktrees", "data/worktrees/", 2),
    ];
    for (name, beginning, few) in targets {
        let data = place.path("data");
        std::fs::create_dir_all(&data).expect("a folder");
        let path = place.folder.path().canonicalize().expect("a path").join(beginning).display().to_string();
        place.configure(&kill::scenario());
        let faults = Faults::new(&place, &[path]);
        let mut server = faults.serve(&place).await;
        let mut calls = None;
        let mut numbers = vec![0];
        let mut round = 0;
        while let Some(at) = numbers.pop() {
            round += 1;
            let kind = if round % 3 == 0 { Kind::Io } else { Kind::NoSpace };
            let repository =
                place.repository(&format!("books/{name}-{round}"), &[("README.md", "# A book\n")]);
            let project = server.project(&repository, &["test -f book/5.md"]).await;
            faults.set(at, u64::MAX, kind);
            let work = async {
                let task =
                    create_in_spite(&server, &json!({ "prompt": kill::PROMPT, "project_id": project })).await;
                push_in_spite(&server, &task, &place).await;
                task
            };
            let ending = async {
                let begun = Instant::now();
                while at > 0 && faults.hits() == 0 && begun.elapsed() < Duration::from_secs(20) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                if at > 0 {
                    tokio::time::sleep(OUTAGE).await;
                    faults.end()
                } else {
                    0
                }
            };
            let (hits, task) = tokio::join!(ending, work);
            if at == 0 && calls.is_none() {
                let counted = faults.calls();
                calls = Some(counted);
                numbers = spread(counted, few);
                eprintln!(
                    "{name}: {counted} calls in an undisturbed job, faults at {} of them",
                    numbers.len()
                );
            } else {
                eprintln!("{name}: {kind:?} from call {at} on: {hits} calls failed");
            }
            faults.end();
            let end = kill::look(&server, &repository, &task).await;
            assert_eq!(end, undisturbed, "{name}, {kind:?} at {at}; the log: {}", place.read_log());
            git(&repository, &["fsck", "--no-dangling", "--connectivity-only"]);
        }
        assert!(calls.is_some_and(|calls| calls > 10), "the calls of {name} are counted: {calls:?}");
        server.kill().await;
        std::fs::remove_dir_all(place.path("bin")).expect("removed");
        server = place.serve().await;
        server.end().await;
        assert_eq!(stray_processes(&place), Vec::<String>::new());
    }
}

/// Creates a task; a refusal is asked for again.
async fn create_in_spite(server: &Server, body: &Value) -> String {
    eventually(async || match server.try_post("/spec-tasks/from-prompt", body).await {
        Some((status, task)) if status < 300 => Ok(text(&task, "id")),
        answer => Err(format!("no task is created: {answer:?}")),
    })
    .await
}

/// Carries the task to its end; refusals for lack of room are asked for again, and what failed is retried.
async fn push_in_spite(server: &Server, task: &str, place: &Place) {
    let begun = Instant::now();
    loop {
        let found = server.get(&format!("/spec-tasks/{task}")).await;
        let ask = match found["status"].as_str().unwrap_or_default() {
            "spec_review" => Some(("approve-specs", json!({ "approved": true }))),
            "implementation_review" => Some(("approve-implementation", json!({ "decision": "approve" }))),
            "done" => return,
            "spec_failed" | "implementation_failed" => {
                panic!("a person is needed: {found:#}; the log: {}", place.read_log())
            }
            _ => None,
        };
        if let Some((path, body)) = ask {
            let (status, answer) =
                server.try_post(&format!("/spec-tasks/{task}/{path}"), &body).await.expect("an answer");
            assert!(status < 300 || [409, 503].contains(&status), "{path}: {status} {answer:#}");
        }
        assert!(
            begun.elapsed() < 2 * TIMEOUT,
            "the job does not end: {found:#}; the log: {}",
            place.read_log()
        );
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

async fn wait_until_ready(server: &Server) {
    eventually(async || {
        let (status, answer) = server.try_get_at("/readyz").await.expect("an answer");
        if status == 200 { Ok(()) } else { Err(answer) }
    })
    .await;
}

/// Runs a command of the binary on a place's data and returns what it prints.
fn spectask(place: &Place, arguments: &[&str]) -> String {
    let run = |data: &Path| {
        std::process::Command::new(env!("CARGO_BIN_EXE_spectask"))
            .args(arguments)
            .arg("--data-dir")
            .arg(data)
            .arg("--config")
            .arg(place.path("spectask.toml"))
            .output()
            .expect("it runs")
    };
    let output = run(&place.path("data"));
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
