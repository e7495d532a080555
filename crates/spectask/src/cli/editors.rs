//! Editors that attach.

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Acp {
    /// The task that new threads belong to (default: the one whose worktree the editor has open).
    #[arg(long, value_name = "ID")]
    pub(crate) task: Option<String>,
    /// Print the configuration with which an editor starts this command.
    #[arg(long, value_name = "EDITOR")]
    pub(crate) setup: Option<Editor>,
    /// Merge the configuration into the editor's file, and keep a copy of the file.
    #[arg(long, requires = "setup")]
    pub(crate) write: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Editor {
    Zed,
    Jetbrains,
    Neovim,
    Emacs,
    Vscode,
}
