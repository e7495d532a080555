//! The store: tasks, events, effects, sessions and logs as rows, in SQLite or PostgreSQL from one body of code.
//!
//! What belongs together is written in one transaction: a task's state, its events, its effects and what its watchers
//! are told, or none of them. On SQLite one writer groups what waits into one durable commit.
//!
//! The crate knows no HTTP, git or agents; it takes and returns `workflow` types.

mod attachments;
mod base_branches;
mod comments;
mod connection;
mod daily_usage;
mod database;
mod dependencies;
mod effects;
mod error;
mod feed;
mod file;
mod inbox;
mod instances;
mod leases;
mod log_archive;
mod logs;
pub mod metrics;
mod migrations;
mod pending_reviews;
mod people;
mod permission_grants;
mod ports;
mod projects;
mod push;
mod rebuild;
mod recorded;
mod retention;
mod revisions;
mod search;
mod session_list;
mod session_options;
mod sessions;
mod short_ids;
mod sql;
mod stored_secrets;
mod task_list;
mod task_metrics;
mod tasks;
mod webhooks;
mod writer;

pub use attachments::AttachmentRow;
pub use base_branches::BaseBranch;
pub use daily_usage::DailyUsage;
pub use database::Store;
pub use effects::{Claimed, EffectQueue, Fence, Lease, PendingEffect};
pub use error::{Fault, OpenError, StoreError};
pub use feed::{FeedEntry, FeedPlace, FeedRow};
pub use file::saved_copy;
pub use inbox::{InboxFilter, InboxPage, InboxPlace};
pub use instances::{InstanceRow, ProcessRow};
pub use log_archive::{ArchivedLogs, TaskWithLogs};
pub use logs::{LogAppend, LogRow};
pub use people::{
    AuditEntry, AuditFilter, AuditValues, BrowserSession, KeyClaim, KeyState, Remembered, Token, User,
};
pub use permission_grants::PermissionGrant;
pub use projects::Project;
pub use push::{PushKey, PushSubscription};
pub use rebuild::RebuiltTask;
pub use recorded::{Recorded, Unrecorded};
pub use retention::{BATCH_ROWS, DatabaseSize, Expiring, FeedSpan, RowTotal};
pub use revisions::Revision;
pub use search::{Hit, Query, SearchFilter, SearchPlace, Searched, Segment, Source, Unindexed};
pub use session_list::{ListedSession, SessionDirectory, SessionFilter};
pub use session_options::{OfferedOptions, SessionOptions};
pub use sessions::SessionRun;
pub use short_ids::NextShortId;
pub use stored_secrets::StoredSecret;
pub use task_list::{Page, Place, TaskFilter};
pub use task_metrics::TaskMetricsRow;
pub use tasks::{Advanced, LoggedEvent, Outcome, Saved};
pub use webhooks::{AfterAttempt, Attempt, Delivery, DeliveryCounts, NewDelivery};
