//! The pager for long output, as git uses one: `$PAGER`, and only where a person reads a terminal.

use crate::cli::{Cli, Command};
use std::io::{IsTerminal as _, Write as _};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

/// The pager where `PAGER` names none, if it is installed.
const DEFAULT_PAGER: &str = "less";
/// The options of `less` where `LESS` is not set: quit if the text fits, keep colors, leave the text on the screen.
const LESS_OPTIONS: &str = "FRX";

/// Whether what is printed is read in a pager on a terminal.
static IS_RUNNING: AtomicBool = AtomicBool::new(false);

/// A pager that reads what is printed. Dropping it waits until the person has read.
pub(crate) struct Pager(Child);

impl Pager {
    /// Starts the pager for a command whose output may be long.
    pub(crate) fn start(cli: &Cli) -> Option<Self> {
        let is_wanted = !cli.no_pager && cli.command.as_ref().is_some_and(is_paged);
        if !is_wanted || !std::io::stdout().is_terminal() {
            return None;
        }
        let program = program(std::env::var("PAGER").ok().as_deref())?;
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &program]).stdin(Stdio::piped());
        if std::env::var_os("LESS").is_none() {
            command.env("LESS", LESS_OPTIONS);
        }
        let mut child = command.spawn().ok()?;
        let input = child.stdin.take()?;
        if rustix::stdio::dup2_stdout(&input).is_err() {
            drop(input);
            let _ = child.wait();
            return None;
        }
        IS_RUNNING.store(true, Ordering::Relaxed);
        Some(Self(child))
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        let _ = std::io::stdout().flush();
        // The pager waits for the end of what is printed: the terminal takes the place of the pipe.
        let _ = rustix::stdio::dup2_stdout(std::io::stderr());
        let _ = self.0.wait();
    }
}

/// Returns whether a pager shows what is printed.
pub(crate) fn is_running() -> bool {
    IS_RUNNING.load(Ordering::Relaxed)
}

/// Returns whether the output of a command may be long.
fn is_paged(command: &Command) -> bool {
    match command {
        Command::Inbox(inbox) => inbox.command.is_none() && !inbox.watch,
        Command::List(_)
        | Command::Show(_)
        | Command::Document(_)
        | Command::Diff(_)
        | Command::Search(_)
        | Command::Report(_)
        | Command::Audit(_) => true,
        _ => false,
    }
}

/// Returns the pager to run: the one that is named, else the usual one where it is installed.
fn program(named: Option<&str>) -> Option<String> {
    match named.map(str::trim) {
        Some("" | "cat") => None,
        Some(named) => Some(named.to_owned()),
        None => {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let is_installed =
                std::env::split_paths(&path).any(|folder| folder.join(DEFAULT_PAGER).is_file());
            is_installed.then(|| DEFAULT_PAGER.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn a_pager_that_is_switched_off_is_none() {
        assert_eq!(program(Some("")), None);
        assert_eq!(program(Some("cat")), None);
        assert_eq!(program(Some("less -S")).as_deref(), Some("less -S"));
    }
}
