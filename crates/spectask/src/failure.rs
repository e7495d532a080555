//! The error message of a failed command, and its exit code for programs.

use std::process::ExitCode;

/// A failure with its own exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The server answered with an error.
    #[error("{detail}")]
    Refused { status: u16, detail: String },
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    NoServer(String),
    #[error("{0}")]
    NoToken(String),
    /// An agent does not do what it has to.
    #[error("{0}")]
    CheckFailed(String),
    /// A folder or repository that cannot be used as it is.
    #[error("{0}")]
    Unusable(String),
    /// A person did not confirm what was asked.
    #[error("{0}")]
    Unconfirmed(String),
    /// The awaited task, session or check failed.
    #[error("{0}")]
    TaskFailed(String),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Refused { status: 404, .. } | Self::NotFound(_) => 3,
            Self::Refused { status: 409, .. } | Self::Unconfirmed(_) | Self::Unusable(_) => 4,
            Self::NoServer(_) => 5,
            Self::Refused { status: 401 | 403, .. } | Self::NoToken(_) => 6,
            Self::TaskFailed(_) => 7,
            Self::Refused { status: 400 | 422, .. } => 2,
            Self::Refused { .. } | Self::CheckFailed(_) => 1,
        }
    }
}

/// Says what went wrong on stderr, the whole chain of causes in one line.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    crate::output::tell(&format!("spectask: {}", crate::output::lines(&format!("{error:#}"))));
    ExitCode::from(error.downcast_ref::<Failure>().map_or(1, Failure::code))
}
