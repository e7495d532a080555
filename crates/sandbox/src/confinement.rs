//! A policy at a level, and the command that starts a program under it.

use crate::policy::Access;
use crate::system;
use crate::{Level, Network, Policy};
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// How one process tree is confined. It travels to the process that starts the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    pub(crate) level: Level,
    pub(crate) bubblewrap: PathBuf,
    /// The command that begins a stage of this binary.
    pub(crate) own_command: Vec<String>,
    pub(crate) policy: Policy,
}

/// The size of the folders in memory that hold nothing but mount points.
const EMPTY_BYTES: &str = "1048576";
/// The size of the shared memory folder.
const SHARED_MEMORY_BYTES: &str = "268435456";

/// Where every process tree has files of its own under bubblewrap, besides its home folder.
pub const OWN_FOLDERS: [&str; 2] = ["/tmp", "/var/tmp"];

impl Confinement {
    pub fn level(&self) -> Level {
        self.level
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns whether the process that starts the tree needs namespaces to admit folders in; see
    /// [`crate::enter_namespace`].
    pub fn needs_namespace(&self) -> bool {
        self.level == Level::Bubblewrap
    }

    /// Returns the command that starts a program confined. Its environment is the caller's to set.
    pub fn command(&self, program: &Path, arguments: &[OsString], directory: &Path) -> Command {
        match self.level {
            Level::Off => {
                let mut command = Command::new(program);
                command.args(arguments).current_dir(directory);
                command
            }
            Level::Landlock => {
                let mut command = self.inner_stage(program, arguments);
                command.current_dir(directory);
                command
            }
            Level::Bubblewrap => {
                let inner = self.inner_stage(program, arguments);
                let mut command = Command::new(&self.bubblewrap);
                command.args(self.bubblewrap_arguments(directory)).arg("--");
                command.arg(inner.get_program()).args(inner.get_args());
                command
            }
        }
    }

    /// Returns the stage that restricts itself and becomes the program.
    fn inner_stage(&self, program: &Path, arguments: &[OsString]) -> Command {
        // Plain data, whose serialization cannot fail.
        let order = serde_json::to_string(self).unwrap_or_default();
        let (own, first) = self
            .own_command
            .split_first()
            .map_or((OsStr::new(""), &[][..]), |(own, first)| (own.as_ref(), first));
        let mut command = Command::new(own);
        command.args(first).args(["--confine", &order, "--"]).arg(program).args(arguments);
        command
    }

    fn bubblewrap_arguments(&self, directory: &Path) -> Vec<OsString> {
        let mut arguments = Arguments(Vec::new());
        for flag in [
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup-try",
            "--die-with-parent",
            "--new-session",
        ] {
            arguments.flag(flag);
        }
        arguments.two("--cap-drop", "ALL");
        arguments.two("--hostname", "sandbox");
        if self.policy.network != Network::Open {
            arguments.flag("--unshare-net");
        }
        for (link, target) in system::links() {
            arguments.three("--symlink", target, link);
        }
        let mut view = self.policy.clone();
        view.readable.extend(system::folders());
        view.readable.extend(self.own_command.first().map(PathBuf::from));
        view.hidden.extend(system::secrets());
        if let Network::Proxy { socket, .. } = &self.policy.network {
            view.readable.push(socket.clone());
        }
        let temporary = self.policy.temporary.as_deref();
        for path in OWN_FOLDERS {
            match temporary {
                Some(folder) => arguments.three("--bind", folder, path),
                None => arguments.tmpfs(EMPTY_BYTES, path),
            }
        }
        if let Some(home) = &self.policy.home {
            arguments.three("--bind", &home.backing, &home.path);
        }
        view.writable.extend(temporary.map(Path::to_owned));
        arguments.two("--proc", "/proc");
        arguments.two("--dev", "/dev");
        arguments.tmpfs(SHARED_MEMORY_BYTES, "/dev/shm");
        let home = self.policy.home.iter().map(|home| home.path.as_path());
        let own: Vec<&Path> = OWN_FOLDERS.iter().map(Path::new).chain(home).collect();
        let mut shown = view.view();
        let concealed = view.concealed_beneath(&own, &shown);
        shown.extend(concealed.iter().map(|path| (path.clone(), Access::Hidden)));
        shown.sort_by_key(|(path, _)| path.components().count());
        for (path, access) in shown {
            match access {
                Access::Read => arguments.three("--ro-bind-try", &path, &path),
                Access::Write => arguments.three("--bind-try", &path, &path),
                Access::Hidden if path.is_dir() => {
                    arguments.tmpfs(EMPTY_BYTES, &path);
                }
                Access::Hidden => arguments.three("--ro-bind", "/dev/null", &path),
            }
        }
        for path in concealed.iter().map(PathBuf::as_path).chain([Path::new("/")]) {
            arguments.two("--remount-ro", path);
        }
        arguments.two("--chdir", directory);
        arguments.0
    }
}

/// Arguments of bubblewrap.
struct Arguments(Vec<OsString>);

impl Arguments {
    fn flag(&mut self, flag: &str) {
        self.0.push(flag.into());
    }

    fn two(&mut self, option: &str, value: impl AsRef<OsStr>) {
        self.0.extend([option.into(), value.as_ref().to_owned()]);
    }

    fn three(&mut self, option: &str, first: impl AsRef<OsStr>, second: impl AsRef<OsStr>) {
        self.0.extend([option.into(), first.as_ref().to_owned(), second.as_ref().to_owned()]);
    }

    fn tmpfs(&mut self, bytes: &str, path: impl AsRef<OsStr>) {
        self.two("--size", bytes);
        self.two("--tmpfs", path);
    }
}
