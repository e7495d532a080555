//! Landlock: which files a process tree may use, and that it signals and connects to none outside.

use crate::policy::Access as Seen;
use crate::{Level, Network, Policy, system};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, NetPort, PathBeneath,
    PathFd, RestrictionStatus, Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _,
    RulesetError, Scope,
};
use std::path::{Path, PathBuf};

/// The latest version of Landlock whose restrictions are known here.
const LATEST: ABI = ABI::V6;
/// Devices that programs use.
const DEVICES: [&str; 9] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
    "/dev/shm",
];

/// Returns whether the kernel restricts TCP connections by their port.
pub(crate) fn restricts_ports() -> bool {
    abi().is_some_and(|abi| abi >= ABI::V4)
}

/// Returns the version of Landlock that the kernel offers, up to the latest that is known here.
pub(crate) fn abi() -> Option<ABI> {
    let offers = |abi: ABI| {
        let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        let ruleset = ruleset.handle_access(AccessFs::from_all(abi)).ok()?;
        let ruleset = if AccessNet::from_all(abi).is_empty() {
            ruleset
        } else {
            ruleset.handle_access(AccessNet::from_all(abi)).ok()?
        };
        let ruleset = if Scope::from_all(abi).is_empty() {
            ruleset
        } else {
            ruleset.scope(Scope::from_all(abi)).ok()?
        };
        ruleset.create().ok()
    };
    [ABI::V6, ABI::V5, ABI::V4, ABI::V3, ABI::V2, ABI::V1].into_iter().find(|abi| offers(*abi).is_some())
}

/// Restricts the calling process and what it starts.
///
/// Under bubblewrap the file view is made by mounts, and writing alone is restricted here. Alone, reading is as well, and
/// TCP connections reach `ports` only unless the network is open.
pub(crate) fn restrict(
    level: Level,
    policy: &Policy,
    ports: &[u16],
) -> Result<RestrictionStatus, RulesetError> {
    let all = AccessFs::from_all(LATEST);
    let read = AccessFs::from_read(LATEST);
    let handled = if level == Level::Landlock { all } else { AccessFs::from_write(LATEST) };
    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(handled)?;
    ruleset = ruleset.scope(Scope::from_all(LATEST))?;
    // Under bubblewrap the network is one of the process tree's own.
    let is_port_restricted = level == Level::Landlock && matches!(policy.network, Network::Proxy { .. });
    if is_port_restricted {
        // A kernel that does not know ports must not leave them all open.
        ruleset = ruleset.set_compatibility(CompatLevel::HardRequirement);
        ruleset = ruleset.handle_access(AccessNet::from_all(LATEST))?;
        ruleset = ruleset.set_compatibility(CompatLevel::BestEffort);
    }
    let mut created = ruleset.create()?;
    for port in ports.iter().filter(|_| is_port_restricted) {
        created = created.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
    }
    if level == Level::Landlock {
        let mut view = policy.clone();
        view.readable.extend(system::folders());
        view.readable.push("/proc".into());
        view.hidden.extend(system::secrets());
        view.writable.extend(view.temporary.iter().cloned());
        view.writable.extend(view.unadmitted.iter().cloned());
        view.writable.extend(view.objects.iter().flat_map(|folder| object_folders(folder)));
        let view = view.view();
        for (path, seen) in &view {
            let access = match seen {
                Seen::Read => read,
                Seen::Write => all,
                Seen::Hidden => continue,
            };
            for path in without_hidden(path, &view) {
                created = allow(created, &path, access)?;
            }
        }
        for device in DEVICES {
            created = allow(created, Path::new(device), all)?;
        }
    } else {
        let home = policy.home.iter().map(|home| &home.path);
        let folders = policy.writable.iter().chain(&policy.admissible).chain(&policy.temporary).chain(home);
        for path in folders {
            created = allow(created, path, handled)?;
        }
        for path in ["/tmp", "/var/tmp", "/dev"] {
            created = allow(created, Path::new(path), handled)?;
        }
    }
    created.restrict_self()
}

/// Restricts the calling thread, and what it starts, to files beneath these paths. A kernel without Landlock restricts nothing.
pub(crate) fn restrict_thread(readable: &[PathBuf], writable: &[PathBuf]) -> Result<(), RulesetError> {
    let all = AccessFs::from_all(LATEST);
    let read = AccessFs::from_read(LATEST);
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?;
    let mut created = ruleset.scope(Scope::from_all(LATEST))?.create()?;
    let devices = DEVICES.map(PathBuf::from);
    let allowed = readable.iter().map(|path| (path, read));
    let allowed = allowed.chain(writable.iter().chain(&devices).map(|path| (path, all)));
    for (path, access) in allowed {
        created = allow(created, path, access)?;
    }
    created.restrict_self().map(|_| ())
}

/// Returns the folders that hold single objects, by the beginning of their names. They are made, since a rule allows
/// only what is there; a repository that cannot be written says so when an object is added.
fn object_folders(objects: &Path) -> Vec<PathBuf> {
    let folders: Vec<PathBuf> = (0..=u8::MAX).map(|first| objects.join(format!("{first:02x}"))).collect();
    for folder in &folders {
        let _ = std::fs::create_dir(folder);
    }
    folders
}

/// Allows what lies at a path; nothing where nothing is.
fn allow(
    ruleset: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(file) = PathFd::new(path) else { return Ok(ruleset) };
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(LATEST) };
    ruleset.add_rule(PathBeneath::new(file, access))
}

/// Returns a path, or, where something beneath it is hidden, everything beneath it that is not.
fn without_hidden(path: &Path, view: &[(PathBuf, Seen)]) -> Vec<PathBuf> {
    let holds_hidden = view.iter().any(|(other, seen)| *seen == Seen::Hidden && other.starts_with(path));
    if !holds_hidden {
        return vec![path.to_owned()];
    }
    let is_hidden = view.iter().any(|(other, seen)| *seen == Seen::Hidden && other == path);
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let entries = entries.filter(|_| !is_hidden).map(|entry| entry.path());
    entries.flat_map(|entry| without_hidden(&entry, view)).collect()
}
