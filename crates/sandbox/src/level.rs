//! How strongly processes are confined, and how strongly this machine can.

use crate::confinement::Confinement;
use crate::{Network, Policy, file_access};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How strongly processes are confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Not at all.
    Off,
    /// By Landlock and a system call filter, in the machine's own namespaces.
    Landlock,
    /// By bubblewrap in namespaces of their own, and by Landlock and a system call filter within.
    Bubblewrap,
}

impl Level {
    /// Returns the name that people and programs know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Landlock => "landlock",
            Self::Bubblewrap => "bubblewrap",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Which level is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Bubblewrap, or nothing is started.
    Require,
    /// The strongest level that works.
    #[default]
    Auto,
    /// No confinement.
    Off,
}

/// The confinement of processes on this machine.
#[derive(Clone, Debug)]
pub struct Sandbox {
    mode: Mode,
    level: Level,
    bubblewrap: Option<PathBuf>,
    own_command: Vec<String>,
    reasons: Vec<String>,
}

/// Confinement that was asked for and does not work here.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "sandbox.mode is \"require\", and bubblewrap does not work here: {reason}. Install it (Debian: apt-get install bubblewrap) \
     and allow user namespaces, or set sandbox.mode = \"auto\" to accept a weaker level"
)]
pub struct Unavailable {
    reason: String,
}

/// A restriction of the network that does not work here.
#[derive(Clone, Debug, thiserror::Error)]
#[error("it cannot be enforced here: {reason}")]
pub struct NetworkUnavailable {
    reason: String,
}

impl Sandbox {
    /// Finds the strongest level that works. `own_command` begins a stage of this binary; its arguments go to
    /// [`crate::run_stage`].
    pub fn detect(mode: Mode, own_command: Vec<String>) -> Self {
        let mut sandbox =
            Self { mode, level: Level::Off, bubblewrap: None, own_command, reasons: Vec::new() };
        if mode == Mode::Off {
            return sandbox;
        }
        match sandbox.probe_bubblewrap(Network::Open) {
            Ok(program) => {
                sandbox.bubblewrap = Some(program);
                sandbox.level = Level::Bubblewrap;
                return sandbox;
            }
            Err(reason) => sandbox.reasons.push(format!("bubblewrap: {reason}")),
        }
        match file_access::abi() {
            Some(_) => sandbox.level = Level::Landlock,
            None => sandbox
                .reasons
                .push("landlock: the kernel does not offer it (Linux 5.13 or later)".to_owned()),
        }
        sandbox
    }

    /// Returns the same machine with the level `level`, which is not above what works.
    #[must_use]
    pub fn at_most(mut self, level: Level) -> Self {
        self.level = self.level.min(level);
        self
    }

    /// Returns the level at which processes are confined.
    pub fn level(&self) -> Level {
        self.level
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns why the level is not stronger; empty at the strongest and where confinement is off.
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// Fails when the level that is asked for does not work here.
    pub fn require(&self) -> Result<(), Unavailable> {
        if self.mode == Mode::Require && self.level != Level::Bubblewrap {
            return Err(Unavailable { reason: self.reasons.join("; ") });
        }
        Ok(())
    }

    /// Fails when a restriction of the network cannot be enforced at the level.
    pub fn require_network(&self, network: &Network) -> Result<(), NetworkUnavailable> {
        let reason = match (self.level, network) {
            (_, Network::Open) | (Level::Bubblewrap, _) | (Level::Landlock, Network::None) => return Ok(()),
            (Level::Landlock, Network::Proxy { .. }) if file_access::restricts_ports() => return Ok(()),
            (Level::Landlock, Network::Proxy { .. }) => {
                "bubblewrap does not work, and the kernel does not restrict ports (Linux 6.7 or later)"
                    .to_owned()
            }
            (Level::Off, _) if self.mode == Mode::Off => {
                "there is no sandbox; set sandbox.mode to \"auto\" or \"require\"".to_owned()
            }
            (Level::Off, _) => format!("no sandbox works ({})", self.reasons.join("; ")),
        };
        Err(NetworkUnavailable { reason })
    }

    /// Tries whether processes get a network of their own here, at the level that makes one.
    pub fn try_own_network(&self) -> Result<(), String> {
        match self.level {
            Level::Bubblewrap => self.probe_bubblewrap(Network::None).map(|_| ()),
            Level::Landlock | Level::Off => Ok(()),
        }
    }

    /// Confines what is started with it by a policy.
    pub fn confine(&self, policy: Policy) -> Confinement {
        Confinement {
            level: self.level,
            bubblewrap: self.bubblewrap.clone().unwrap_or_default(),
            own_command: self.own_command.clone(),
            policy,
        }
    }

    /// Tries bubblewrap the way processes are started by it.
    fn probe_bubblewrap(&self, network: Network) -> Result<PathBuf, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program =
            std::env::split_paths(&path).map(|folder| folder.join("bwrap")).find(|file| file.is_file());
        let program = program.ok_or("the command bwrap is not installed")?;
        let [own, arguments @ ..] = self.own_command.as_slice() else {
            return Err("no command to try it with was given".to_owned());
        };
        let confinement = Confinement {
            level: Level::Bubblewrap,
            bubblewrap: program.clone(),
            own_command: self.own_command.clone(),
            policy: Policy { network, ..Policy::default() },
        };
        let probe = serde_json::to_string(&confinement).map_err(|error| error.to_string())?;
        let tried = Command::new(own)
            .args(arguments)
            .args(["--probe", &probe])
            .env_clear()
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{own} does not start: {error}"))?;
        if tried.status.success() {
            return Ok(program);
        }
        let said = String::from_utf8_lossy(&tried.stderr).trim().replace('\n', "; ");
        Err(if said.is_empty() { format!("it ended with {}", tried.status) } else { said })
    }
}

/// Runs the probe of [`Sandbox::detect`] in the process that was started for it.
pub(crate) fn probe(confinement: &Confinement) -> Result<(), String> {
    crate::enter_namespace().map_err(|error| format!("namespaces are refused: {error}"))?;
    let program = OsString::from("/bin/true");
    let mut command = confinement.command(program.as_ref(), &[], std::path::Path::new("/"));
    let output = command.output().map_err(|error| format!("it does not start: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    Err(if said.is_empty() { format!("it ended with {}", output.status) } else { said })
}
