//! What a process tree uses, compared with its limits.

use crate::Limits;
use std::fs;
use std::path::{Path, PathBuf};

/// The size of a page of memory, in bytes.
const PAGE_BYTES: u64 = 4096;
/// How many files are counted at most when the size of folders is taken.
const MAX_FILES: usize = 2_000_000;

impl Limits {
    /// Returns whether memory or processes are limited.
    pub fn is_process_limited(&self) -> bool {
        self.memory_bytes.is_some() || self.processes.is_some()
    }

    /// Says which limit of memory or processes the descendants of a process exceed.
    pub fn process_excess(&self, root: u32) -> Option<String> {
        let tree = descendants(root);
        if let Some(most) = self.processes.filter(|most| tree.len() as u64 > *most) {
            return Some(format!(
                "the agent's process tree has {} processes, more than the limit of {most} (sandbox.processes)",
                tree.len()
            ));
        }
        let most = self.memory_bytes?;
        let used: u64 = tree.iter().map(|pid| memory_bytes(*pid)).sum();
        (used > most).then(|| {
            format!(
                "the agent's process tree uses {} MiB of memory, more than the limit of {} MiB (sandbox.memory_mb)",
                used >> 20,
                most >> 20
            )
        })
    }

    /// Says whether the folders are larger than their limit.
    pub fn disk_excess(&self) -> Option<String> {
        let most = self.disk_bytes?;
        let used: u64 = self.disk_folders.iter().map(|folder| folder_bytes(folder)).sum();
        (used > most).then(|| {
            format!(
                "the agent's worktrees and temporary files take {} MiB, more than the limit of {} MiB (sandbox.disk_mb)",
                used >> 20,
                most >> 20
            )
        })
    }
}

/// Returns the processes below one, which is the reaper of all that lose their parent.
fn descendants(root: u32) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::new();
    let mut looked_at = vec![root];
    while let Some(pid) = looked_at.pop() {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        for thread in threads {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
                found.push(child);
                looked_at.push(child);
            }
        }
    }
    found
}

/// Returns what a process has in memory that is not a file's.
fn memory_bytes(pid: u32) -> u64 {
    let pages = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages: Vec<u64> = pages.split_whitespace().filter_map(|pages| pages.parse().ok()).collect();
    let [_, resident, shared, ..] = pages.as_slice() else { return 0 };
    resident.saturating_sub(*shared).saturating_mul(PAGE_BYTES)
}

/// Returns the size of the files beneath a folder, without following links.
fn folder_bytes(folder: &Path) -> u64 {
    let mut bytes = 0_u64;
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            files += 1;
            if files > MAX_FILES {
                return bytes;
            }
            let Ok(data) = entry.metadata() else { continue };
            if data.is_dir() {
                folders.push(entry.path());
            } else {
                bytes =
                    bytes.saturating_add(std::os::unix::fs::MetadataExt::blocks(&data).saturating_mul(512));
            }
        }
    }
    bytes
}
