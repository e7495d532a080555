//! The variables of a session: its folders, and nine reserved ports.

use crate::App;
use crate::failure::store_failure;
use crate::paths::workdir;
use crate::projects::repositories::ProjectRepo;
use crate::settings::config::PortRange;
use crate::settings::secret_store::{Receiver, SecretError};
use rustix::fs::{Mode, OFlags};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use tokio::net::TcpSocket;
use workflow::{Failure, Isolation, Session, SessionId, Task};

/// How many ports a session gets.
const PORTS: usize = 9;
/// The number of attempts to find ports when another session reserves some of them meanwhile.
const ATTEMPTS: usize = 20;

/// A session's environment, for its prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SessionEnvironment {
    /// The variables, by name.
    pub(crate) variables: Vec<(String, String)>,
    /// The file that sets them, for a shell.
    pub(crate) file: Option<PathBuf>,
    /// None when the range has no nine ports left.
    pub(crate) ports: Vec<u16>,
}

/// Ensures that a session has its ports and the file with its variables.
pub(crate) async fn ensure(
    app: &App,
    task: &Task,
    session: &Session,
    project: &ProjectRepo,
) -> Result<SessionEnvironment, Failure> {
    let worktree = workdir(&app.config.data_dir, task, session);
    let source = project.repository.path();
    let ports = reserve(app, session.id.as_str()).await.map_err(|error| store_failure(&error))?;
    let mut all = project.settings.variables();
    all.extend(variables(task, Some(&session.id), source, &worktree, &ports));
    let variables = all;
    let name = match task.isolation {
        Isolation::Worktree => "spectask.env".to_owned(),
        // All sessions have the same worktree.
        Isolation::Shared => format!("spectask-{}.env", session.id),
    };
    let (text, source) = (script(&variables), source.to_owned());
    let written = crate::spawn_blocking(move || write(&worktree, &source, &name, &text)).await;
    let file = match written {
        Ok(Ok(file)) => Some(file),
        Ok(Err(error)) => {
            tracing::warn!(%error, session = %session.id, "could not write the file with a session's variables");
            None
        }
        Err(error) => {
            tracing::error!(%error, "writing a session's variables ended early");
            None
        }
    };
    Ok(SessionEnvironment { variables, file, ports })
}

/// Returns variables with the stored secrets of a task's user and project, for a command; a secret goes before a variable of its name.
pub(crate) async fn with_secrets(
    app: &App,
    task: &Task,
    variables: Vec<(String, String)>,
) -> Result<Vec<(String, String)>, SecretError> {
    let secrets = app.secret_store.given(&task.owner, Some(&task.project), Receiver::Command).await?;
    let mut given = variables;
    given.retain(|(name, _)| !secrets.contains_key(name));
    given.extend(secrets);
    Ok(given)
}

/// Returns the variables of the checks of a task. Its ports are the task's until [`end_checks`].
pub(crate) async fn of_checks(
    app: &App,
    task: &Task,
    directory: &Path,
) -> Result<Vec<(String, String)>, SecretError> {
    let project = app.repositories.project_repo(&task.project).await.ok();
    let source = project.as_ref().map(|project| project.repository.path().to_owned()).unwrap_or_default();
    let mut all = project.map(|project| project.settings.variables()).unwrap_or_default();
    let ports = reserve(app, task.id.as_str()).await.unwrap_or_else(|error| {
        tracing::warn!(%error, task = %task.id, "checks get no ports");
        Vec::new()
    });
    all.extend(variables(task, None, &source, directory, &ports));
    with_secrets(app, task, all).await
}

/// Frees the ports of a task's checks.
pub(crate) async fn end_checks(app: &App, task: &Task) {
    if let Err(error) = app.store.free_ports(task.id.as_str()).await {
        tracing::warn!(%error, task = %task.id, "the ports of checks are freed with their task");
    }
}

/// Returns the variables of a session, or of a task where there is no session.
pub(crate) fn variables(
    task: &Task,
    session: Option<&SessionId>,
    source: &Path,
    worktree: &Path,
    ports: &[u16],
) -> Vec<(String, String)> {
    let mut variables = vec![
        ("SPECTASK_TASK".to_owned(), task.id.to_string()),
        ("SPECTASK_SOURCE".to_owned(), source.to_string_lossy().into_owned()),
        ("SPECTASK_WORKTREE".to_owned(), worktree.to_string_lossy().into_owned()),
        ("SPECTASK_SLUG".to_owned(), task.branch_slug.clone()),
    ];
    variables.extend(session.map(|id| ("SPECTASK_SESSION".to_owned(), id.to_string())));
    let resources = session.and_then(|id| task.session(id)).map(|session| task.resources_of(session));
    let resources = resources.filter(|resources| !resources.is_empty());
    variables.extend(resources.map(|names| {
        let names: Vec<&str> = names.into_iter().collect();
        ("SPECTASK_RESOURCES".to_owned(), names.join(","))
    }));
    let numbered = (1..).zip(ports);
    variables.extend(numbered.map(|(number, port)| (format!("SPECTASK_PORT_{number}"), port.to_string())));
    variables
}

/// Returns the lines that set variables in a shell.
fn script(variables: &[(String, String)]) -> String {
    variables.iter().fold(String::new(), |mut text, (name, value)| {
        // In single quotes a shell takes everything but a quote as it is.
        let _ = writeln!(text, "export {name}='{}'", value.replace('\'', r"'\''"));
        text
    })
}

/// Writes a file into the git directory of a worktree, which commits never have. An agent may write there: nothing is followed.
fn write(worktree: &Path, source: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let common_dir = sandbox::common_dir(source).ok_or(io::ErrorKind::NotFound)?;
    let git_dir = sandbox::git_dir(worktree).filter(|found| found.starts_with(common_dir.join("worktrees")));
    let git_dir = git_dir.ok_or(io::ErrorKind::NotFound)?;
    let is_there = git::Dir::at(&git_dir).read(name, 64 * 1024)?;
    if is_there != git::Entry::File(text.as_bytes().to_vec()) {
        git::Dir::at(&git_dir).write(name, text.as_bytes())?;
    }
    let file = git_dir.join(name);
    let opened = rustix::fs::open(
        &file,
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    rustix::fs::fchmod(&opened, Mode::RUSR | Mode::WUSR)?;
    Ok(file)
}

/// Reserves ports for a session or a task; those that it has stay. Empty when the range has too few left.
async fn reserve(app: &App, owner: &str) -> Result<Vec<u16>, store::StoreError> {
    let range = app.config.sessions.ports;
    let own = app.store.ports_of(owner).await?;
    if own.len() == PORTS && own.iter().all(|port| (range.first..=range.last).contains(port)) {
        return Ok(own);
    }
    for _ in 0..ATTEMPTS {
        let reserved = app.store.reserved_ports().await?;
        let found = crate::spawn_blocking(move || free_ports(range, &reserved)).await.unwrap_or_default();
        if found.len() < PORTS {
            tracing::warn!(owner, "the ports of sessions.ports are used up; a session gets none");
            return Ok(Vec::new());
        }
        if app.store.reserve_ports(owner, found.clone()).await? {
            return Ok(found);
        }
    }
    tracing::warn!(owner, "other sessions reserve ports all the time; a session gets none");
    Ok(Vec::new())
}

/// Returns the first ports of a range that are not reserved and on which nothing listens.
fn free_ports(range: PortRange, reserved: &BTreeSet<u16>) -> Vec<u16> {
    let free = (range.first..=range.last).filter(|port| !reserved.contains(port) && is_unused(*port));
    free.take(PORTS).collect()
}

/// Returns whether nothing on this machine listens on a port. Nothing listens on it here either, which another look at the same
/// time would take for a program's.
fn is_unused(port: u16) -> bool {
    let bind = |address: SocketAddr| {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)
    };
    let binds = |address: SocketAddr| match bind(address) {
        Ok(()) => true,
        // A machine may have no addresses of one kind.
        Err(error) => matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported),
    };
    binds((Ipv4Addr::UNSPECIFIED, port).into()) && binds((Ipv6Addr::UNSPECIFIED, port).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn looks_at_the_same_time_do_not_take_each_other_for_programs() {
        let range = PortRange { first: 15_000, last: 15_009 };
        let found =
            |_| std::thread::spawn(move || (0..200).map(|_| free_ports(range, &BTreeSet::new()).len()).min());
        let looks: Vec<_> = (0..4).map(found).collect();
        let found: Vec<_> = looks.into_iter().map(|look| look.join().expect("it ends")).collect();
        assert_eq!(found, vec![Some(PORTS); 4]);
    }

    #[test]
    fn ports_that_are_reserved_or_listened_on_are_passed_over() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let taken = listener.local_addr().expect("an address").port();
        assert!(!is_unused(taken));
        let range = PortRange { first: taken.saturating_sub(20).max(1024), last: taken.saturating_add(40) };
        let reserved = BTreeSet::from([range.first]);
        let found = free_ports(range, &reserved);
        assert!(!found.contains(&taken) && !found.contains(&range.first), "{found:?}");
    }

    #[test]
    fn a_shell_reads_values_as_they_are() {
        let text = script(&[("A".to_owned(), "it's $HOME `x`".to_owned())]);
        let output =
            std::process::Command::new("sh").args(["-c", &format!("{text}printf %s \"$A\"")]).output();
        assert_eq!(String::from_utf8_lossy(&output.expect("it runs").stdout), "it's $HOME `x`");
    }
}
