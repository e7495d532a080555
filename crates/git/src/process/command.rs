//! The hardened `git` command: the only place in this crate that starts a process.
//!
//! Planted hooks, configuration, attributes and worktree pointers make plain git run a stranger's programs. So
//! every call has a cleared environment and says where the repository, its common folder and its worktree are,
//! the options that name programs are overridden, and calls that read or write files of a worktree also
//! override each filter and driver that the repository's configuration defines. In a linked worktree, where an
//! agent may replace files at any moment, Landlock limits them to the worktree and the repository.

use crate::error::Context as _;
use crate::metrics::{COMMAND_DURATION, COMMANDS};
use crate::process::pipes;
use crate::{Error, Git};
use metrics::{counter, histogram};
use parking_lot::{Mutex, MutexGuard};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use sandbox::Bounds;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// The longest run of a command.
const LIMIT: Duration = Duration::from_mins(2);
/// The time that a terminated command gets to remove its lock files.
const GRACE: Duration = Duration::from_secs(1);
/// The largest output of a command.
const OUTPUT: usize = 64 * 1024 * 1024;
/// The size of a command's standard error that is kept.
const COMPLAINT: usize = 16 * 1024;

/// Options of every call, against programs named by a repository's configuration.
const OPTIONS: [&str; 26] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.sshCommand=ssh -o BatchMode=yes",
    "core.pager=cat",
    "core.editor=false",
    "core.askPass=",
    "core.attributesFile=/dev/null",
    // An empty command is a program that cannot be started, which git complains of.
    "core.alternateRefsCommand=true",
    "core.gitProxy=",
    "core.fsync=objects,reference",
    // A process that can write into the object store must not decide what a commit's content or its parents seem to be.
    "core.useReplaceRefs=false",
    "core.commitGraph=false",
    // Names that other file systems take for `.git` are refused on every system.
    "core.protectHFS=true",
    "core.protectNTFS=true",
    // Converting line ends is done as configured; that it cannot be undone is no reason to lose a session's work.
    "core.safecrlf=false",
    "diff.external=",
    "credential.helper=",
    "protocol.ext.allow=never",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    "advice.addEmbeddedRepo=false",
    "advice.graftFileDeprecated=false",
];

/// The place where a command runs.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) git_dir: PathBuf,
    pub(crate) common_dir: PathBuf,
    pub(crate) work_tree: Option<PathBuf>,
    /// The empty tree, in the repository's hash.
    pub(crate) empty_tree: String,
}

/// A call of `git`, to be given its arguments and run.
pub(crate) struct Command {
    binary: PathBuf,
    name: String,
    place: PathBuf,
    options: Vec<OsString>,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
    input: Option<File>,
    limit: Duration,
    /// The worktree all of whose folders it reads.
    reads: Option<PathBuf>,
    bounds: Option<Bounds>,
}

/// The output of a call, and whether it succeeded.
pub(crate) struct Output {
    pub(crate) succeeded: bool,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) complaint: String,
}

impl Output {
    /// Returns the output, or the error of a call that failed.
    pub(crate) fn unless_failed(self, command: &str, place: &Path) -> Result<Self, Error> {
        if self.succeeded { Ok(self) } else { Err(self.failure(command, place)) }
    }

    /// Returns the error of a call that failed.
    pub(crate) fn failure(self, command: &str, place: &Path) -> Error {
        let message = if self.complaint.is_empty() {
            self.code.map_or_else(|| "it was killed".to_owned(), |code| format!("exit code {code}"))
        } else {
            self.complaint
        };
        Error::Command { command: command.to_owned(), place: place.to_owned(), message }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

impl Git {
    /// Returns a call that neither reads nor writes files of a worktree. No attribute is in force.
    pub(crate) fn command(&self, name: &str, place: &Place) -> Command {
        let mut command = self.command_with_attributes(name, place);
        if self.has_attr_source() {
            command.environment.push(("GIT_ATTR_SOURCE", place.empty_tree.clone().into()));
        }
        command
    }

    fn command_with_attributes(&self, name: &str, place: &Place) -> Command {
        let directory = place.work_tree.as_deref().filter(|path| path.is_dir()).unwrap_or(&place.common_dir);
        let mut command = Command::bare(self.binary(), name, directory);
        command.environment.push(("GIT_DIR", place.git_dir.clone().into()));
        if place.git_dir != place.common_dir {
            command.environment.push(("GIT_COMMON_DIR", place.common_dir.clone().into()));
        }
        // No program that another owner's configuration names is run; who serves the repository asks about the owner itself.
        command.option(&format!("safe.directory={}", place.common_dir.display()));
        if let Some(work_tree) = &place.work_tree {
            command.environment.push(("GIT_WORK_TREE", work_tree.clone().into()));
        }
        command
    }

    /// Returns a call that reads or writes files of a worktree: with every configured filter and driver turned off.
    /// Line ends, encodings and `ident` are converted as the attributes say, as by everyone else who uses the
    /// repository.
    pub(crate) fn command_on_files(&self, name: &str, place: &Place) -> Result<Command, Error> {
        let mut command = self.command_with_attributes(name, place);
        let settings = self.settings(place)?;
        for Setting { key, .. } in &settings {
            if let Some(value) = harmless(key) {
                if key.contains('=') {
                    return Err(Error::Name { what: "filter or driver", name: key.clone() });
                }
                command.option(&format!("{key}={value}"));
            }
        }
        command.bounds = bounds(place, &settings).map(|bounds| bounds.with_program(self.binary()));
        Ok(command)
    }

    /// Returns what the repository's configuration says, with where it says so.
    fn settings(&self, place: &Place) -> Result<Vec<Setting>, Error> {
        let list = self.command("config", place).args(["--list", "--show-origin", "-z"]);
        let listed = list.limit(pipes::TIMEOUT).run()?;
        let text = String::from_utf8_lossy(&listed.stdout);
        let mut parts = text.split('\0');
        let mut settings = Vec::new();
        while let (Some(origin), Some(setting)) = (parts.next(), parts.next()) {
            let (key, value) = setting.split_once('\n').unwrap_or((setting, ""));
            let file = origin.strip_prefix("file:").map(PathBuf::from);
            settings.push(Setting { file, key: key.to_owned(), value: value.to_owned() });
        }
        Ok(settings)
    }
}

/// A line of a repository's configuration.
struct Setting {
    /// The file that has the setting; none for the call's own options.
    file: Option<PathBuf>,
    key: String,
    value: String,
}

/// Returns the files that a call in a linked worktree may use. The kernel enforces it, also where an agent replaces a
/// folder by a symbolic link while git runs. A checkout of the repository itself is a person's, and no agent can write
/// there.
fn bounds(place: &Place, settings: &[Setting]) -> Option<Bounds> {
    let work_tree = place.work_tree.clone().filter(|_| place.git_dir != place.common_dir)?;
    let files = settings.iter().filter_map(|setting| setting.file.as_deref());
    let mut named: BTreeSet<PathBuf> = files.map(|file| work_tree.join(file)).collect();
    let ignored = settings.iter().filter(|setting| setting.key == "core.excludesfile");
    named.extend(ignored.map(|setting| match setting.value.strip_prefix("~/") {
        Some(rest) => std::env::home_dir().unwrap_or_default().join(rest),
        None => work_tree.join(&setting.value),
    }));
    let readable = named.into_iter().chain([place.common_dir.clone()]).collect();
    let writable = vec![work_tree, place.git_dir.clone(), place.common_dir.join("objects")];
    Some(Bounds { readable, writable }.with_alternates(&place.common_dir))
}

/// Returns the value that makes a configured filter or driver do nothing.
fn harmless(key: &str) -> Option<&'static str> {
    let lower = key.to_ascii_lowercase();
    let (section, rest) = lower.split_once('.')?;
    let (_, variable) = rest.rsplit_once('.')?;
    match (section, variable) {
        ("filter", "required") => Some("false"),
        ("filter", "clean" | "smudge" | "process")
        | ("diff", "command" | "textconv")
        | ("merge", "driver") => Some(""),
        _ => None,
    }
}

impl Command {
    /// Returns a call without a repository.
    pub(crate) fn bare(binary: &Path, name: &str, place: &Path) -> Self {
        let kept = ["PATH", "HOME", "LANG", "TMPDIR"];
        let mut environment: Vec<_> =
            kept.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))).collect();
        environment.extend([
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_CONFIG_GLOBAL", "/dev/null".into()),
            ("GIT_ATTR_NOSYSTEM", "1".into()),
            ("GIT_TERMINAL_PROMPT", "0".into()),
            // The system's errors are recognized by their words.
            ("LC_MESSAGES", "C".into()),
            ("GIT_OPTIONAL_LOCKS", "0".into()),
            ("GIT_NO_REPLACE_OBJECTS", "1".into()),
            ("GIT_GRAFT_FILE", "/dev/null".into()),
            ("GIT_NO_LAZY_FETCH", "1".into()),
            ("GIT_ALLOW_PROTOCOL", "file:http:https:ssh".into()),
            ("GIT_ASKPASS", "true".into()),
            ("SSH_ASKPASS", "true".into()),
        ]);
        let mut command = Self {
            binary: binary.to_owned(),
            name: name.to_owned(),
            place: place.to_owned(),
            options: Vec::new(),
            arguments: Vec::new(),
            environment,
            input: None,
            limit: LIMIT,
            reads: None,
            bounds: None,
        };
        for option in OPTIONS {
            command.option(option);
        }
        command
    }

    /// Returns the call with the configuration of the person who runs the server, for questions about that alone.
    pub(crate) fn with_own_configuration(mut self) -> Self {
        let ignored = ["GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL"];
        self.environment.retain(|(name, _)| !ignored.contains(name));
        self
    }

    pub(crate) fn option(&mut self, option: &str) {
        self.options.extend(["-c".into(), option.into()]);
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Returns what the call reads from its standard input.
    pub(crate) fn input(mut self, input: File) -> Self {
        self.input = Some(input);
        self
    }

    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Declares that the call reads files in every folder of a worktree, so that it is ended when it blocks on a named
    /// pipe in the place of one.
    pub(crate) fn reads(mut self, worktree: &Path) -> Self {
        self.reads = Some(worktree.to_owned());
        self
    }

    /// Returns the call as a command that the caller starts, talks to and waits for.
    pub(crate) fn into_std(self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.binary);
        command
            .args(&self.options)
            .arg(&self.name)
            .args(&self.arguments)
            .current_dir(&self.place)
            .env_clear()
            .envs(self.environment)
            .stdin(self.input.map_or_else(Stdio::null, Stdio::from))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }

    /// Runs the call; an exit code other than 0 is an error.
    pub(crate) fn run(self) -> Result<Output, Error> {
        let (name, place) = (self.name.clone(), self.place.clone());
        self.run_unchecked()?.unless_failed(&name, &place)
    }

    /// Runs the call to its end or its limits; any exit code is an answer.
    pub(crate) fn run_unchecked(self) -> Result<Output, Error> {
        let name = self.name.clone();
        let _span = tracing::info_span!("git_command", command = name).entered();
        let begun = Instant::now();
        let ended = self.run_to_end();
        let duration = begun.elapsed();
        let outcome = match &ended {
            Ok(output) if output.succeeded => "ok",
            Ok(_) => "exit_nonzero",
            Err(Error::TooSlow { .. }) => "timeout",
            Err(_) => "error",
        };
        histogram!(COMMAND_DURATION, "command" => name.clone()).record(duration);
        counter!(COMMANDS, "command" => name, "outcome" => outcome).increment(1);
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(outcome, duration_ms, "a git command ended");
        ended
    }

    fn run_to_end(self) -> Result<Output, Error> {
        let mut limits = Limits {
            name: self.name.clone(),
            place: self.place.clone(),
            limit: self.limit,
            reads: self.reads.clone(),
        };
        let binary = self.binary.clone();
        let bounds = self.bounds.clone();
        let mut command = self.into_std();
        let started = match bounds {
            Some(bounds) => bounds.spawn(command),
            None => command.spawn(),
        };
        let mut child = started.context("start", binary.display())?;
        running().insert(child.id());
        let ended = limits.wait(&mut child);
        running().remove(&child.id());
        if ended.is_err() {
            end(&mut child);
        }
        ended
    }
}

/// The calls that run.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

fn running() -> MutexGuard<'static, BTreeSet<u32>> {
    RUNNING.lock()
}

/// Ends every running call: processes that outlive the server would run without limits.
pub fn end_commands() {
    for group in running().iter().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
        // The call may have ended meanwhile, which is the intended result.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// The limits of a running call, and its name and place for the error when it exceeds them.
struct Limits {
    name: String,
    place: PathBuf,
    limit: Duration,
    /// A worktree that is searched for pipes once, when the call is slow.
    reads: Option<PathBuf>,
}

impl Limits {
    fn wait(&mut self, child: &mut Child) -> Result<Output, Error> {
        let deadline = Instant::now() + self.limit;
        let look_at = Instant::now() + pipes::TIMEOUT;
        let (name, place, seconds) = (self.name.clone(), self.place.clone(), self.limit.as_secs());
        let too_slow = || Error::TooSlow { command: name.clone(), place: place.clone(), seconds };
        let (sender, receiver) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            read(stdout, OUTPUT, true, sender.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            read(stderr, COMPLAINT, false, sender);
        }
        let (mut stdout, mut complaint) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            let until = |at: Instant| at.saturating_duration_since(Instant::now());
            let stream = match receiver.recv_timeout(until(look_at.min(deadline))) {
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(path) = self.reads.take().and_then(|worktree| pipes::find(&worktree)) {
                        return Err(Error::Pipe { path });
                    }
                    receiver.recv_timeout(until(deadline))
                }
                received => received,
            };
            let stream = stream.map_err(|_| too_slow())?;
            let bytes = stream.bytes.context("read the output of git", &self.name)?;
            if !stream.is_stdout {
                complaint = bytes;
            } else if bytes.len() > OUTPUT {
                let (command, place) = (self.name.clone(), self.place.clone());
                return Err(Error::TooMuch { command, place, bytes: OUTPUT });
            } else {
                stdout = bytes;
            }
        }
        if !ends_by(child, deadline) {
            return Err(too_slow());
        }
        let status = child.wait().context("wait for git", &self.name)?;
        let complaint = String::from_utf8_lossy(&complaint).trim().replace('\n', "; ");
        Ok(Output { succeeded: status.success(), code: status.code(), stdout, complaint })
    }
}

struct Stream {
    is_stdout: bool,
    bytes: std::io::Result<Vec<u8>>,
}

/// Reads a stream to its end and keeps its beginning. Standard output stops being read at its bound.
fn read(mut stream: impl Read + Send + 'static, bound: usize, is_stdout: bool, to: mpsc::Sender<Stream>) {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut result = stream.by_ref().take(bound as u64 + 1).read_to_end(&mut bytes).map(|_| ());
        if !is_stdout && result.is_ok() {
            result = std::io::copy(&mut stream, &mut std::io::sink()).map(|_| ());
        }
        // The receiver is gone once the command was given up.
        let _ = to.send(Stream { is_stdout, bytes: result.map(|()| bytes) });
    });
}

/// Waits for a process that has closed its outputs.
fn ends_by(child: &Child, deadline: Instant) -> bool {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let Some(Ok(pidfd)) = pid.map(|pid| pidfd_open(pid, PidfdFlags::empty())) else {
        // Without pidfds the end is awaited by `wait` alone.
        return true;
    };
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(timeout) = Timespec::try_from(left) else { return false };
        match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&timeout)) {
            Ok(0) if left.is_zero() => return false,
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => return true,
        }
    }
}

/// Ends a command's process group: git removes its lock files when it is asked to end.
fn end(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // The group may be gone already.
        let _ = kill_process_group(group, Signal::TERM);
        ends_by(child, Instant::now() + GRACE);
        let _ = kill_process_group(group, Signal::KILL);
    }
    // The child is dead or about to be, so this reaps it; a failure leaves nothing to do.
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::{Command, Place, harmless};
    use crate::{Error, Git, Identity, Repository, Settings, WorktreeSpec};
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    #[test]
    fn programs_in_the_configuration_are_turned_off() {
        assert_eq!(harmless("filter.lfs.clean"), Some(""));
        assert_eq!(harmless("filter.a.b.process"), Some(""));
        assert_eq!(harmless("Filter.lfs.Required"), Some("false"));
        assert_eq!(harmless("diff.pdf.textconv"), Some(""));
        assert_eq!(harmless("merge.ours.driver"), Some(""));
        assert_eq!(harmless("core.bare"), None);
        assert_eq!(harmless("diff.renames"), None);
    }

    /// A repository with a linked worktree, and a folder outside with `secret.txt`.
    struct Linked {
        folder: tempfile::TempDir,
        git: Git,
        repository: Repository,
        place: Place,
    }

    impl Linked {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let identity = Identity { name: "Ann".to_owned(), email: "ann@example.org".to_owned() };
            let git = Git::new(Settings { git_binary: None, identity }).unwrap();
            let files = [("a.txt".to_owned(), b"a\n".to_vec())];
            let repository =
                git.create_repository(&folder.path().join("r"), "main", &files, "First").unwrap();
            let path = folder.path().join("worktree");
            let branch = Some("session/one".to_owned());
            let spec = WorktreeSpec { path: path.clone(), branch, start: "main".to_owned(), detached: false };
            repository.ensure_worktree(&spec).unwrap();
            let place = repository.place_at(&repository.checkout(&path).unwrap()).unwrap();
            fs::create_dir(folder.path().join("outside")).unwrap();
            fs::write(folder.path().join("outside/secret.txt"), "secret\n").unwrap();
            Self { folder, git, repository, place }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().canonicalize().unwrap().join(name)
        }

        /// Runs a call in the worktree, and returns what it printed, or its complaint.
        fn run(&self, name: &str, arguments: &[&Path]) -> Result<String, String> {
            let call = self.git.command_on_files(name, &self.place).unwrap();
            let output = call.args(arguments).run_unchecked().unwrap();
            if output.succeeded { Ok(output.text()) } else { Err(output.complaint) }
        }
    }

    #[test]
    fn a_call_that_is_ended_can_remove_its_lock_files() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (program, lock) = (folder.path().join("slow"), folder.path().join("index.lock"));
        // The lock is there from before the first chance to end the call until it is asked to end.
        fs::write(&lock, "").unwrap();
        fs::write(&program, "#!/bin/sh\ntrap 'rm index.lock; exit 1' TERM\nsleep 60 &\nwait\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let mut call = Command::bare(&program, "add", folder.path());
        call.environment.push(("PATH", std::env::var_os("PATH").unwrap()));
        let ended = call.limit(Duration::from_secs(2)).run_unchecked();
        assert!(matches!(ended, Err(Error::TooSlow { .. })), "{:?}", ended.map(|output| output.complaint));
        assert!(!lock.exists(), "the lock is left behind");
    }

    #[test]
    fn a_call_in_a_linked_worktree_reaches_nothing_beyond_it_and_the_repository() {
        let linked = Linked::new();
        let inside = linked.run("hash-object", &[Path::new("a.txt")]).unwrap();
        assert_eq!(inside.trim().len(), 40);
        let outside = linked.path("outside");
        let refused = linked.run("hash-object", &[&outside.join("secret.txt")]).unwrap_err();
        assert!(refused.contains("Permission denied"), "{refused}");
        // A folder that a link leads to is written as little as it is read.
        std::os::unix::fs::symlink(&outside, linked.place.work_tree.as_ref().unwrap().join("link")).unwrap();
        linked.run("checkout-index", &[Path::new("--prefix=link/"), Path::new("-a")]).unwrap_err();
        assert!(!outside.join("a.txt").exists());
        fs::write(linked.place.work_tree.as_ref().unwrap().join("new.txt"), "new\n").unwrap();
        linked.run("add", &[Path::new("new.txt")]).unwrap();
        linked.run("write-tree", &[]).unwrap();
    }

    #[test]
    fn what_the_repository_itself_names_can_be_read_from_a_linked_worktree() {
        let linked = Linked::new();
        let (included, ignored) = (linked.path("outside/more.config"), linked.path("outside/ignore"));
        fs::write(&ignored, "*.log\n").unwrap();
        fs::write(&included, format!("[core]\n\texcludesFile = {}\n", ignored.display())).unwrap();
        let config = linked.repository.path().join(".git/config");
        let own = fs::read_to_string(&config).unwrap();
        fs::write(&config, format!("{own}[include]\n\tpath = {}\n", included.display())).unwrap();
        // Objects that another repository lends.
        let objects = linked.repository.path().join(".git/objects");
        let lender = linked.path("outside/objects");
        fs::rename(&objects, &lender).unwrap();
        fs::create_dir_all(objects.join("info")).unwrap();
        fs::write(objects.join("info/alternates"), format!("{}\n", lender.display())).unwrap();
        let work_tree = linked.place.work_tree.as_ref().unwrap();
        fs::write(work_tree.join("noise.log"), "noise\n").unwrap();
        fs::write(work_tree.join("a.txt"), "changed\n").unwrap();
        assert_eq!(linked.run("status", &[Path::new("--porcelain")]).unwrap(), " M a.txt\n");
        assert!(linked.run("ls-tree", &[Path::new("HEAD")]).unwrap().contains("a.txt"));
    }
}
