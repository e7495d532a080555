//! Starts a helper program of this process so that it can only use the files that it is for.

use crate::file_access;
use crate::system;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// The files of `/etc` that programs need to start and to name the user; nothing else there is for a helper program.
const OF_ETC: [&str; 8] = [
    "/etc/alternatives",
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/static",
];

/// The files that a helper program can use, besides the programs and libraries of the system.
///
/// It is for programs that work in a folder which another process changes at the same time: the kernel refuses every file
/// outside, also where a path was replaced by a symbolic link after it was checked. Where the kernel has no Landlock, nothing is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Files and folders that can be read. Missing ones are left out.
    pub readable: Vec<PathBuf>,
    /// Files and folders that can be read and written. Missing ones are left out.
    pub writable: Vec<PathBuf>,
}

impl Bounds {
    /// Adds a program, with the folders of its installation.
    #[must_use]
    pub fn with_program(mut self, program: &Path) -> Self {
        let search = std::env::var_os("PATH").unwrap_or_default();
        let found =
            std::env::split_paths(&search).map(|folder| folder.join(program)).find(|file| file.is_file());
        let home = std::env::home_dir();
        let kept_out: Vec<&Path> = home.as_deref().into_iter().collect();
        self.readable.extend(found.iter().flat_map(|file| system::installation_of(file, &kept_out)));
        self
    }

    /// Adds what a repository borrows objects from.
    #[must_use]
    pub fn with_alternates(mut self, common_dir: &Path) -> Self {
        self.readable.extend(crate::repository::alternates(&common_dir.join("objects")));
        self
    }

    /// Starts a command within these bounds.
    ///
    /// Restrictions belong to a thread and to what it starts, so a thread of its own takes them on.
    pub fn spawn(&self, mut command: Command) -> io::Result<Child> {
        std::thread::scope(|scope| {
            let started = scope.spawn(|| {
                let system = system::folders().filter(|folder| !folder.starts_with("/etc"));
                let readable: Vec<PathBuf> =
                    system.chain(OF_ETC.map(PathBuf::from)).chain(self.readable.iter().cloned()).collect();
                file_access::restrict_thread(&readable, &self.writable).map_err(io::Error::other)?;
                command.spawn()
            });
            started.join().unwrap_or_else(|_| Err(io::Error::other("the thread that starts it ended")))
        })
    }
}
