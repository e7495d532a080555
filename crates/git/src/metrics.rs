//! The metrics of this crate. `docs/observability.md` lists them.

use metrics::{Unit, describe_counter, describe_histogram};

pub const COMMANDS: &str = "spectask_git_commands_total";
pub const COMMAND_DURATION: &str = "spectask_git_command_duration_seconds";

/// Describes every metric of this crate to the recorder.
pub fn describe() {
    describe_counter!(COMMANDS, Unit::Count, "Commands of git that ended, by name and outcome.");
    describe_histogram!(COMMAND_DURATION, Unit::Seconds, "Time that commands of git take.");
}
