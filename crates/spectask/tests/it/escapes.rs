//! Attempts to leave the sandbox, each judged by what came of it outside and not by what it says of itself.

use crate::harness::{Place, git, text, worktrees};
use crate::job::{note, scenario, session};
use crate::sandbox::{MODE, path_without};
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const ESCAPES: &str = include_str!("escapes.py");
const SECRET: &str = "a-secret-of-the-server-4711";
/// What an attempt leaves in a file that it writes.
const MARK: &[u8] = b"# escaped\n";

/// What succeeds at the level that has no namespaces; docs/sandbox.md names each.
const LANDLOCK_LIMITS: [&str; 8] = [
    "change the worktree's pointer",
    "replace the worktree's pointer",
    "redirect the repository through commondir",
    "redirect the worktree through gitdir",
    "exchange the worktree's git directory",
    "rename the worktree",
    "prune other worktrees",
    "connect to a socket file outside",
];

/// Attempts that succeed without a sandbox, or they would prove nothing.
const PROVEN: [&str; 47] = [
    "read the database",
    "read the configuration",
    "read another task's worktree",
    "read the person's ssh key",
    "read cloud credentials",
    "read git credentials",
    "read registry credentials",
    "read the person's uncommitted files",
    "read the database through a symbolic link",
    "read the server's environment",
    "read the environment of any process outside",
    "write the database",
    "write a scenario",
    "write another task's worktree",
    "write the person's checkout",
    "write the person's profile",
    "write a toolchain",
    "write a toolchain's settings",
    "write through a symbolic link",
    "swap a folder for a link while it is written",
    "write the repository's configuration",
    "plant a hook",
    "write grafts",
    "name further object folders",
    "plant a pack",
    "move the repository's HEAD",
    "write packed refs",
    "write the base branch",
    "move the base branch",
    "delete the base branch",
    "make a branch outside the session's",
    "make a tag",
    "replace a commit",
    "set a hooks path",
    "set a filter",
    "repack the repository",
    "prune other worktrees",
    "remove the base branch's file",
    "change the worktree's pointer",
    "redirect the repository through commondir",
    "redirect the worktree through gitdir",
    "exchange the task's home folder",
    "point git at another configuration",
    "signal the server",
    "connect to an abstract socket outside",
    "poison the package cache of npm",
    "leave a file in the shared temporary folder",
];

/// Where a test's files are: people keep repositories below their home folder, elsewhere, and below `/tmp`.
#[derive(Clone, Copy, PartialEq)]
enum Where {
    Temporary,
    Elsewhere,
    Home,
}

/// What the script says of an attempt.
#[derive(Deserialize)]
struct Said {
    number: i32,
    #[serde(default)]
    name: String,
    #[serde(default)]
    done: bool,
    #[serde(default)]
    is_effect: bool,
    read: Option<PathBuf>,
}

/// What attempts aim at, as it is outside: it is looked at after each of them, and put right.
struct World {
    watched: Vec<PathBuf>,
    before: BTreeMap<PathBuf, Entry>,
    database: PathBuf,
}

#[derive(Clone, Debug, PartialEq)]
enum Entry {
    Folder,
    Link(PathBuf),
    File(Vec<u8>),
}

impl World {
    fn new(watched: Vec<PathBuf>, database: PathBuf) -> Self {
        let before = snapshot(&watched);
        Self { watched, before, database }
    }

    /// What is other than it was.
    fn changed(&self) -> Vec<PathBuf> {
        let now = snapshot(&self.watched);
        let paths =
            now.keys().chain(self.before.keys()).filter(|path| now.get(*path) != self.before.get(*path));
        let database = self.database_length().map(|_| self.database.clone());
        paths.cloned().chain(database).collect()
    }

    /// The length of the database without what an attempt wrote behind it, if one did.
    fn database_length(&self) -> Option<u64> {
        let content = std::fs::read(&self.database).unwrap_or_default();
        let rest = content.strip_suffix(MARK)?;
        u64::try_from(rest.len()).ok()
    }

    fn put_right(&self) {
        for path in snapshot(&self.watched).keys().rev().filter(|path| !self.before.contains_key(*path)) {
            let _ = std::fs::remove_file(path).or_else(|_| std::fs::remove_dir(path));
        }
        for (path, entry) in &self.before {
            match entry {
                Entry::Folder => std::fs::create_dir_all(path).expect("a folder"),
                Entry::Link(target) if !path.is_symlink() => {
                    std::os::unix::fs::symlink(target, path).expect("a link");
                }
                Entry::Link(_) => {}
                Entry::File(content) if std::fs::read(path).is_ok_and(|found| found == *content) => {}
                Entry::File(content) => {
                    // Objects are read-only files.
                    let _ = std::fs::remove_file(path);
                    std::fs::write(path, content).expect("a file");
                }
            }
        }
        if let Some(length) = self.database_length() {
            let database = std::fs::OpenOptions::new().write(true).open(&self.database).expect("a database");
            database.set_len(length).expect("it is cut");
        }
    }
}

fn snapshot(watched: &[PathBuf]) -> BTreeMap<PathBuf, Entry> {
    let mut found = BTreeMap::new();
    let mut waiting = watched.to_vec();
    while let Some(path) = waiting.pop() {
        let Ok(data) = path.symlink_metadata() else { continue };
        if data.is_dir() {
            waiting
                .extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
            found.insert(path, Entry::Folder);
        } else if data.is_symlink() {
            found.insert(path.clone(), Entry::Link(std::fs::read_link(&path).unwrap_or_default()));
        } else if data.is_file() {
            found.insert(path.clone(), Entry::File(std::fs::read(&path).unwrap_or_default()));
        }
    }
    found
}

/// Plays every attempt in a session's worktree and returns which there were and which succeeded.
async fn play(mode: &str, at: Where, path: Option<&Path>) -> (usize, BTreeSet<String>) {
    let place = match at {
        Where::Temporary => Place::new(0),
        Where::Elsewhere | Where::Home => Place::beneath(Path::new(env!("CARGO_TARGET_TMPDIR")), 0),
    };
    let home = if at == Where::Home { place.folder.path().to_owned() } else { place.path("home") };
    furnish(&home);
    let abstract_name = format!("spectask-{}", place.folder.path().display());
    let address = SocketAddr::from_abstract_name(&abstract_name).expect("a name");
    let _abstract = UnixListener::bind_addr(&address).expect("an abstract socket");
    // The path of a socket is short.
    let sockets = tempfile::tempdir_in("/var/tmp").expect("a folder");
    let socket = sockets.path().join("outside.sock");
    let _socket = UnixListener::bind(&socket).expect("a socket");

    let (aim, script) = (place.path("own-scenarios/aim.json"), place.path("own-scenarios/escapes.py"));
    let run = format!("{{ run = \"python3 {} \\\"$(cat {})\\\"\" }}", script.display(), aim.display());
    let steps = session(1, &format!("{run}, {{ write = \"note1.md\", content = \"1\\n\" }}")) + &note(2);
    place.configure(&scenario(&steps));
    std::fs::write(&script, ESCAPES).expect("a script");
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    std::fs::write(repository.join(".env"), "KEY=secret\n").expect("a file");
    let data = place.path("data");
    let other = data.join("worktrees/spt_other/ses_other");
    std::fs::create_dir_all(other.parent().expect("a parent")).expect("a folder");
    git(&repository, &["worktree", "add", "-q", "--detach", &other.to_string_lossy()]);

    let (home_text, search) = (home.to_string_lossy(), path.map(|path| path.to_string_lossy().into_owned()));
    let mut variables = vec![("HOME", home_text.as_ref()), ("A_SECRET", SECRET), (MODE, mode)];
    variables.extend(search.as_deref().map(|path| ("PATH", path)));
    let server = place.serve_with(&variables).await;
    let pid = server.pid();
    let marker = format!("spectask-escape-{pid}");
    let documents = repository.join(".git-worktrees/helix-design-docs");
    let aims = json!({
        "data": data, "home": home, "repository": repository, "other_worktree": other, "config": place.path("spectask.toml"),
        "scenarios": place.path("own-scenarios"), "documents": documents, "server": pid, "server_group": pid,
        "secret": SECRET, "disk": disk(), "abstract": abstract_name, "socket": socket, "marker": marker,
    });
    std::fs::write(&aim, aims.to_string()).expect("a file");
    let project = server.project(&repository, &[]).await;
    let body = json!({ "prompt": "Write the two notes", "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    let outcome = judge(&place, &task, |worktree| {
        let mut watched = targets(&home, &repository, worktree);
        watched.extend([other.clone(), place.path("spectask.toml"), place.path("own-scenarios")]);
        watched.extend(["/tmp/", "/usr/local/bin/"].map(|folder| format!("{folder}{marker}").into()));
        watched.push(format!("/etc/profile.d/{marker}.sh").into());
        World::new(watched, data.join("spectask.db"))
    });
    let outcome = outcome.await;
    server.kill().await;
    outcome
}

/// Puts what a person has into a home folder.
fn furnish(home: &Path) {
    for (file, content) in [
        (".ssh/id_ed25519", "key\n"),
        (".aws/credentials", "key\n"),
        (".git-credentials", "key\n"),
        (".gitconfig", "[user]\n\tname = Ada\n\temail = ada@example.org\n"),
        (".cargo/credentials.toml", "key\n"),
        (".cargo/config.toml", "\n"),
        (".cargo/bin/tool", "#!/bin/sh\n"),
        (".cargo/registry/index", "clean"),
        (".npm/_cacache/index", "clean"),
        (".local/bin/tool", "#!/bin/sh\n"),
    ] {
        let file = home.join(file);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
        std::fs::write(file, content).expect("a file");
    }
}

/// What attempts may change of a home folder, of a repository, and of the git directory of a worktree.
fn targets(home: &Path, repository: &Path, worktree: &Path) -> Vec<PathBuf> {
    let of_home =
        [".ssh", ".aws", ".git-credentials", ".gitconfig", ".cargo", ".npm", ".local", ".profile-of-person"];
    let of_repository = ["README.md", ".env", "raced"].map(|name| repository.join(name));
    let of_git = [
        "config",
        "HEAD",
        "hooks",
        "info",
        "packed-refs",
        "refs/heads/main",
        "refs/heads/escape",
        "refs/tags",
        "refs/replace",
        "refs/spectask/forward/main",
        "objects/info",
        "objects/pack",
        "worktrees/ses_other",
    ];
    let own = git(worktree, &["rev-parse", "--absolute-git-dir"]);
    let of_worktree = ["commondir", "gitdir", "config.worktree"].map(|name| Path::new(&own).join(name));
    let mut found: Vec<PathBuf> = of_home.iter().map(|name| home.join(name)).collect();
    found.extend(of_repository);
    found.extend(of_git.iter().map(|name| repository.join(".git").join(name)));
    found.extend(of_worktree);
    found.push(worktree.join(".git"));
    found
}

/// Answers the script after each attempt, until it has made all.
async fn judge(place: &Place, task: &str, world: impl Fn(&Path) -> World) -> (usize, BTreeSet<String>) {
    let (mut made, mut succeeded) = (0, BTreeSet::new());
    let mut begun: Option<World> = None;
    let mut answered = None;
    let mut asked_at = Instant::now();
    loop {
        assert!(
            asked_at.elapsed() < Duration::from_secs(120),
            "the attempts stopped at {answered:?}: {}",
            place.read_log()
        );
        let asked = worktrees(place, task).into_iter().find_map(|worktree| {
            let text = std::fs::read_to_string(worktree.join("asked.json")).ok()?;
            Some((serde_json::from_str::<Said>(&text).ok()?, worktree))
        });
        let Some((said, worktree)) = asked.filter(|(said, _)| answered != Some(said.number)) else {
            tokio::time::sleep(Duration::from_millis(2)).await;
            continue;
        };
        let world = begun.get_or_insert_with(|| world(&worktree));
        if said.number > 0 {
            made += 1;
            let is_seen = |path: &PathBuf| {
                let seen = std::fs::read(worktree.join("seen")).unwrap_or_default();
                !seen.is_empty() && std::fs::read(path).is_ok_and(|content| content.starts_with(&seen))
            };
            let claim = said.done && !said.is_effect && said.read.as_ref().is_none_or(is_seen);
            let changed = world.changed();
            if claim || !changed.is_empty() {
                eprintln!("succeeded: {} {changed:?}", said.name);
                succeeded.insert(said.name);
            }
            world.put_right();
            let _ = std::fs::remove_file(worktree.join("seen"));
        }
        answered = Some(said.number);
        asked_at = Instant::now();
        std::fs::write(worktree.join("answered"), said.number.to_string()).expect("an answer");
        if said.number < 0 {
            return (made, succeeded);
        }
    }
}

/// The machine's disk as a device, where it has one.
fn disk() -> PathBuf {
    let disks = ["/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/mem"].map(PathBuf::from);
    disks.into_iter().find(|disk| disk.exists()).unwrap_or_else(|| "/dev/mem".into())
}

async fn none_succeeds(at: Where) {
    let (made, succeeded) = play("require", at, None).await;
    assert!(made >= 95, "only {made} attempts were made");
    assert_eq!(succeeded, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attempt_succeeds_where_everything_is_below_tmp() {
    none_succeeds(Where::Temporary).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attempt_succeeds_outside_of_tmp_and_home() {
    none_succeeds(Where::Elsewhere).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attempt_succeeds_where_everything_is_below_the_home_folder() {
    none_succeeds(Where::Home).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_bubblewrap_exactly_what_is_documented_succeeds() {
    let programs = tempfile::tempdir().expect("a folder");
    let path = path_without("bwrap", programs.path());
    for at in [Where::Temporary, Where::Elsewhere] {
        let (_, succeeded) = play("auto", at, Some(&path)).await;
        assert_eq!(succeeded, LANDLOCK_LIMITS.map(str::to_owned).into());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sandbox_the_attempts_reach_their_aims() {
    let (_, succeeded) = play("off", Where::Temporary, None).await;
    let missed: Vec<&&str> = PROVEN.iter().filter(|name| !succeeded.contains(**name)).collect();
    assert_eq!(missed, Vec::<&&str>::new(), "these attempts prove nothing");
}
