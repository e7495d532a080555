//! The metrics of this crate. `docs/observability.md` lists them.

use metrics::{Unit, describe_histogram};

pub const WRITE_GROUP_SIZE: &str = "spectask_write_group_size";
pub const WRITE_WAIT: &str = "spectask_write_wait_seconds";
pub const WRITE_DURATION: &str = "spectask_write_duration_seconds";

/// Describes every metric of this crate to the recorder.
pub fn describe() {
    describe_histogram!(
        WRITE_GROUP_SIZE,
        Unit::Count,
        "Operations that share one commit of the SQLite writer."
    );
    describe_histogram!(
        WRITE_WAIT,
        Unit::Seconds,
        "Time that an operation waits for the writer or a connection."
    );
    describe_histogram!(
        WRITE_DURATION,
        Unit::Seconds,
        "Time of one write transaction, from its begin to the end of its commit."
    );
}
