//! A mount namespace above the confined one, through which folders are admitted to processes that run.
//!
//! The process that watches over a tree enters it before it starts bubblewrap. What is mounted in it later spreads into the
//! namespace that bubblewrap made, and nothing spreads back to the machine.

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{getgid, getuid};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders that a running process tree gets to write, beneath those that its policy names as admissible.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// A folder that no confined process sees, in which mounts are put together.
    pub staging: PathBuf,
    pub trees: Vec<Tree>,
    pub layers: Vec<Layer>,
}

/// A folder that can be written except for what is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    pub path: PathBuf,
    /// Files and folders in it that stay read-only, by their path in it. Missing ones are left out.
    pub read_only: Vec<PathBuf>,
    /// Whether the tree takes the place of one that was admitted at the path before.
    pub replaces: bool,
}

/// A folder that shows what another holds and takes in changes apart from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    pub lower: PathBuf,
    pub upper: PathBuf,
    /// An empty folder beside `upper`.
    pub work: PathBuf,
    pub at: PathBuf,
}

impl Admission {
    /// Returns the command that admits this to the tree which the process `watcher` watches over. `own_command` begins a
    /// stage of this binary.
    pub fn command(&self, own_command: &[String], watcher: u32) -> Command {
        let (own, first) =
            own_command.split_first().map_or(("", &[][..]), |(own, first)| (own.as_str(), first));
        let mut command = Command::new(own);
        // Plain data, whose serialization cannot fail.
        let order = serde_json::to_string(self).unwrap_or_default();
        command.args(first).args(["--admit", &watcher.to_string(), &order]).env_clear();
        command
    }

    pub fn is_empty(&self) -> bool {
        self.trees.is_empty() && self.layers.is_empty()
    }

    /// Mounts the trees and layers in the namespace of a watcher.
    pub(crate) fn make(&self, watcher: u32) -> io::Result<()> {
        join(watcher)?;
        let mounted = mount_points()?;
        for layer in self.layers.iter().filter(|layer| !mounted.contains(&layer.at)) {
            // Where the file system cannot be layered, the tree gets an empty folder of its own.
            if let Err(error) = layer.mount() {
                eprintln!("spectask: {} is not shown to the agent: {error}", layer.lower.display());
            }
        }
        for (number, tree) in self.trees.iter().enumerate() {
            let Ok(path) = tree.path.canonicalize() else { continue };
            // A tree that replaces another is mounted above it, so that the folder can be written at every moment.
            if mounted.contains(&path) && !tree.replaces {
                continue;
            }
            let stage = self.staging.join(format!("{}-{number}", std::process::id()));
            fs::create_dir_all(&stage)?;
            let made = tree.mount(&path, &stage).or_else(|error| match error.kind() {
                // It vanished meanwhile.
                io::ErrorKind::NotFound if !path.exists() => Ok(()),
                _ => Err(error),
            });
            let unmounted = umount2(&stage, MntFlags::MNT_DETACH);
            fs::remove_dir(&stage)?;
            made.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
            match unmounted {
                // Nothing was mounted.
                Ok(()) | Err(Errno::EINVAL) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Tree {
    /// Puts the tree together apart, so that it comes into sight at once and complete.
    fn mount(&self, path: &Path, stage: &Path) -> io::Result<()> {
        bind(path, stage)?;
        let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
        mount(None::<&str>, stage, None::<&str>, private, None::<&str>)?;
        for name in &self.read_only {
            let file = stage.join(name);
            if file.symlink_metadata().is_ok_and(|data| data.is_symlink()) || !file.exists() {
                continue;
            }
            match bind(&file, &file).and_then(|()| make_read_only(&file)) {
                // Files that are written aside and renamed come and go at any moment.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                made => made?,
            }
        }
        bind(stage, path)
    }
}

impl Layer {
    fn mount(&self) -> io::Result<()> {
        for folder in [&self.upper, &self.work, &self.at] {
            fs::create_dir_all(folder)?;
        }
        let escaped = |path: &Path| {
            path.to_string_lossy().replace('\\', "\\\\").replace(':', "\\:").replace(',', "\\,")
        };
        let options = format!(
            "lowerdir={},upperdir={},workdir={},userxattr",
            escaped(&self.lower),
            escaped(&self.upper),
            escaped(&self.work)
        );
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        Ok(mount(Some("overlay"), &self.at, Some("overlay"), flags, Some(options.as_str()))?)
    }
}

fn bind(from: &Path, to: &Path) -> io::Result<()> {
    Ok(mount(Some(from), to, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)?)
}

/// Makes a mount read-only. What the mount has in force already stays, since the kernel holds it locked.
fn make_read_only(path: &Path) -> io::Result<()> {
    let held = statvfs(path)?.flags();
    let mut flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    for (is, flag) in [
        (FsFlags::ST_NOSUID, MsFlags::MS_NOSUID),
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ] {
        flags.set(flag, held.contains(is));
    }
    Ok(mount(None::<&str>, path, None::<&str>, flags, None::<&str>)?)
}

/// Enters a mount namespace of its own; without privileges, in a user namespace that has them. The calling process must
/// have a single thread.
pub fn enter_namespace() -> io::Result<()> {
    let (user, group) = (getuid(), getgid());
    match unshare(CloneFlags::CLONE_NEWNS) {
        Ok(()) => {}
        Err(Errno::EPERM) => {
            unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
            fs::write("/proc/self/setgroups", "deny")?;
            fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
            fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
        }
        Err(error) => return Err(error.into()),
    }
    for kind in [MsFlags::MS_SLAVE, MsFlags::MS_SHARED] {
        mount(None::<&str>, "/", None::<&str>, kind | MsFlags::MS_REC, None::<&str>)?;
    }
    Ok(())
}

/// Joins the namespaces that a process entered by [`enter_namespace`].
fn join(process: u32) -> io::Result<()> {
    for (name, kind) in [("user", CloneFlags::CLONE_NEWUSER), ("mnt", CloneFlags::CLONE_NEWNS)] {
        let theirs = File::open(format!("/proc/{process}/ns/{name}"))?;
        let ours = fs::metadata(format!("/proc/self/ns/{name}"))?;
        // A user namespace cannot be joined from within; a mount namespace that is ours is the machine's.
        if theirs.metadata()?.ino() != ours.ino() {
            setns(theirs, kind)?;
        } else if kind == CloneFlags::CLONE_NEWNS {
            return Err(io::Error::other("the process has no mount namespace of its own"));
        }
    }
    Ok(())
}

fn mount_points() -> io::Result<Vec<PathBuf>> {
    let list = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(list
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(|path| PathBuf::from(unescaped(path)))
        .collect())
}

/// Returns a path without the octal escapes of the kernel's lists.
fn unescaped(path: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(path.to_owned(), |path, (escaped, plain)| path.replace(escaped, plain))
}
