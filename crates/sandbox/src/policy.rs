//! What a confined process may see, write, reach and use up.

use crate::system;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The permissions of a confined process tree. Everything that is not named here, or part of the system, is out of
/// reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Files and folders that can be read, besides those of the system. Missing ones are left out.
    pub readable: Vec<PathBuf>,
    /// Files and folders that can be read and written. Missing ones are left out.
    pub writable: Vec<PathBuf>,
    /// Files and folders that stay out of sight although a folder above them can be read.
    pub hidden: Vec<PathBuf>,
    /// Folders that are empty and read-only where they lie beneath the home folder or `/tmp`, which are the processes' own:
    /// what is written to them fails there instead of being kept where no one finds it.
    pub concealed: Vec<PathBuf>,
    /// Folders beneath which [`crate::Admission`]s are made while the processes run.
    pub admissible: Vec<PathBuf>,
    /// Paths that can be written where folders cannot be admitted later: under Landlock alone.
    pub unadmitted: Vec<PathBuf>,
    /// Object folders of repositories. Commits add to them; under Landlock alone not beside their folders for objects, where
    /// packs are.
    pub objects: Vec<PathBuf>,
    /// The folder that processes see as their home.
    pub home: Option<Home>,
    /// The folder for temporary files; under bubblewrap it is `/tmp` as well.
    pub temporary: Option<PathBuf>,
    pub network: Network,
    pub limits: Limits,
}

/// A home folder of which only what the policy names is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// The path that processes know, usually the person's home folder.
    pub path: PathBuf,
    /// The folder that takes in what processes write there. Under Landlock alone the person's own folder stays in place.
    pub backing: PathBuf,
}

/// The network of a confined process tree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Everything that the machine reaches.
    #[default]
    Open,
    /// Only what the HTTP proxy that listens on this unix socket lets through.
    Proxy {
        socket: PathBuf,
        /// Ports of this machine that processes reach at the same loopback port inside.
        forwards: Vec<Forward>,
    },
    /// Nothing but, under bubblewrap, each other.
    None,
}

/// A loopback port inside that leads through the proxy to a port of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    pub port: u16,
    /// The target in the request to the proxy, such as `localhost:5432`.
    pub target: String,
}

impl Network {
    /// Returns the name that people and programs know it by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Proxy { .. } => "allowlist",
            Self::None => "none",
        }
    }
}

/// How much a process tree may use; absent is without limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Memory of the whole tree, in bytes.
    pub memory_bytes: Option<u64>,
    /// Processes of the whole tree.
    pub processes: Option<u64>,
    /// Size of a single file, in bytes.
    pub file_bytes: Option<u64>,
    /// Size of everything beneath [`Limits::disk_folders`], in bytes.
    pub disk_bytes: Option<u64>,
    /// The folders whose size counts.
    pub disk_folders: Vec<PathBuf>,
}

/// The access of the started program to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    Hidden,
}

impl Policy {
    /// Returns the hidden and concealed folders beneath folders that are the processes' own, such as `/tmp`. A folder that
    /// holds one of these, or that something shown holds, is none of them.
    pub(crate) fn concealed_beneath(&self, own: &[&Path], view: &[(PathBuf, Access)]) -> Vec<PathBuf> {
        let is_shown = |path: &Path| view.iter().any(|(shown, _)| path.starts_with(shown));
        let folders = self.hidden.iter().chain(&self.concealed).filter_map(|path| path.canonicalize().ok());
        let mut found: Vec<PathBuf> = folders
            .filter(|path| path.is_dir() && own.iter().any(|own| path.starts_with(own)))
            .filter(|path| !own.iter().any(|own| own.starts_with(path)) && !is_shown(path))
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// Lists what is seen where: canonical paths, parents before what is beneath them.
    pub(crate) fn view(&self) -> Vec<(PathBuf, Access)> {
        let named = [(&self.readable, Access::Read), (&self.writable, Access::Write)];
        let mut shown: Vec<(PathBuf, Access)> = Vec::new();
        let mut aliases: Vec<(PathBuf, Access)> = Vec::new();
        for (paths, access) in named {
            for path in paths.iter().filter(|path| path.is_absolute()) {
                let Ok(canonical) = path.canonicalize() else { continue };
                if canonical != *path {
                    aliases.push((path.clone(), access));
                }
                shown.push((canonical, access));
            }
        }
        // A link that stands in something that is shown, or for a folder of the system, is there already.
        let links: Vec<PathBuf> = system::links().map(|(link, _)| link).collect();
        let parents: Vec<PathBuf> = shown.iter().map(|(path, _)| path.clone()).chain(links).collect();
        aliases.retain(|(alias, _)| !parents.iter().any(|parent| alias.starts_with(parent)));
        shown.extend(aliases);
        let is_beneath = |path: &Path| shown.iter().any(|(parent, _)| path.starts_with(parent));
        let hidden: Vec<(PathBuf, Access)> = (self.hidden.iter())
            .filter_map(|path| path.canonicalize().ok())
            .filter(|path| is_beneath(path))
            .map(|path| (path, Access::Hidden))
            .collect();
        shown.extend(hidden);
        // What is named twice is as the last naming says; what is hidden is hidden.
        shown.sort_by_key(|(path, access)| (path.components().count(), path.clone(), *access as u8));
        let mut view: Vec<(PathBuf, Access)> = Vec::new();
        for (path, access) in shown {
            match view.last_mut() {
                Some((last, kept)) if *last == path => *kept = access,
                _ => view.push((path, access)),
            }
        }
        view
    }
}
