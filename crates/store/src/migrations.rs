//! The tables, made step by step; a step only adds, and a new column that is `NOT NULL` has a default.

use crate::connection::{Backend, Executor as _};
use crate::task_list::ATTENTION;
use crate::{OpenError, Store, StoreError, sql};

/// Every step, in order; its number is its place, from 1. A step that was released does not change. A statement that begins
/// with the name of a database is for that one.
pub(crate) const STEPS: &[&[&str]] = &[
    TABLES,
    RECORDS,
    COMMENTS,
    SEARCH,
    NEEDS_PERSON,
    BEGINNINGS,
    FAILURES,
    BASES,
    CREDENTIALS,
    PENDING_REVIEWS,
    AUDIT_VALUES,
    PERMISSION_REQUESTS,
    AUDIT_NAMES,
    RETENTION,
    LOG_ARCHIVE,
    LIVE_WORK,
    RESERVED_PORTS,
    SESSION_LIST,
    INBOX,
    SHORT_IDS,
    STORED_SECRETS,
    SESSION_OPTIONS,
    ATTACHMENTS,
    PROJECT_USAGE,
    RECORDED_ATTACHMENTS,
    PUSH,
    SENT_FILES,
];

/// Whether git has an attached file, as far as is known.
const RECORDED_ATTACHMENTS: &[&str] = &[
    "ALTER TABLE attachments ADD COLUMN recorded BIGINT NOT NULL DEFAULT 0",
    "CREATE INDEX attachments_not_recorded ON attachments (task) WHERE recorded = 0",
];

/// The session whose agent sent a file; null for what people attached.
const SENT_FILES: &[&str] = &["ALTER TABLE attachments ADD COLUMN session TEXT"];

/// Browsers that are sent push messages, and the keys by which push services know the server. What is secret is encrypted with the
/// key of stored secrets. The messages are in the queue of webhooks.
const PUSH: &[&str] = &[
    "CREATE TABLE push_keys (key_id TEXT PRIMARY KEY, public_key TEXT NOT NULL, sealed TEXT NOT NULL, created_at BIGINT NOT NULL)",
    "CREATE TABLE push_subscriptions (id TEXT PRIMARY KEY, owner TEXT NOT NULL, token TEXT NOT NULL, signed_in_at BIGINT NOT NULL, \
     project TEXT NOT NULL, task TEXT NOT NULL, name TEXT NOT NULL, service TEXT NOT NULL, key_id TEXT NOT NULL, \
     sealed TEXT NOT NULL, created_at BIGINT NOT NULL, confirmed_at BIGINT NOT NULL)",
    "CREATE INDEX push_subscriptions_by_owner ON push_subscriptions (owner, created_at, id)",
    "CREATE INDEX push_subscriptions_by_token ON push_subscriptions (token)",
];

/// Files of a task: those of its prompt and of messages. The content is Base64.
const ATTACHMENTS: &[&str] = &[
    "CREATE TABLE attachments (task TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, media_type TEXT NOT NULL, \
     size BIGINT NOT NULL, of_prompt BIGINT NOT NULL, content TEXT NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (task, id))",
];

/// What each project used on each day (UTC), and what each planned task of a finished task used. Money is in millionths of a
/// dollar; a cost that is not known is null.
const PROJECT_USAGE: &[&str] = &[
    "CREATE TABLE daily_usage (project TEXT NOT NULL, day BIGINT NOT NULL, turns BIGINT NOT NULL, turns_without_tokens BIGINT NOT NULL, \
     turns_without_cost BIGINT NOT NULL, input_tokens BIGINT NOT NULL, output_tokens BIGINT NOT NULL, cost_micros BIGINT NOT NULL, \
     PRIMARY KEY (project, day))",
    "CREATE TABLE planned_task_usage (session TEXT PRIMARY KEY, project TEXT NOT NULL, effort TEXT NOT NULL, at BIGINT NOT NULL, \
     tokens BIGINT, cost_micros BIGINT)",
    "CREATE INDEX planned_task_usage_by_project ON planned_task_usage (project, at)",
];

/// The short ids of tasks and the keys of projects. A key stays with the first project that has it, because tasks keep their short
/// ids. Existing projects and tasks get theirs when the database is opened (see `short_ids`).
const SHORT_IDS: &[&str] = &[
    "CREATE TABLE project_keys (owner TEXT NOT NULL, key TEXT NOT NULL, project TEXT NOT NULL, PRIMARY KEY (owner, key))",
    "CREATE INDEX project_keys_by_project ON project_keys (project)",
    "ALTER TABLE tasks ADD COLUMN short_id TEXT NOT NULL DEFAULT ''",
    "CREATE UNIQUE INDEX tasks_by_short_id ON tasks (owner, short_id) WHERE short_id <> ''",
    "CREATE INDEX tasks_without_short_id ON tasks (created_at, id) WHERE short_id = ''",
];

/// The secrets that people stored, encrypted with a key that is not in the database; `project` is empty for a user's own, which all
/// projects of the user get. One server at a time holds a lease.
const STORED_SECRETS: &[&str] = &[
    "CREATE TABLE stored_secrets (user_id TEXT NOT NULL, project TEXT NOT NULL, name TEXT NOT NULL, sealed TEXT NOT NULL, \
     key_id TEXT NOT NULL, fingerprint TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, \
     PRIMARY KEY (user_id, project, name))",
    "CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until BIGINT NOT NULL)",
];

/// The ports that sessions and the checks of tasks have; a port has one owner.
const RESERVED_PORTS: &[&str] = &[
    "CREATE TABLE reserved_ports (port BIGINT PRIMARY KEY, owner TEXT NOT NULL)",
    "CREATE INDEX reserved_ports_by_owner ON reserved_ports (owner)",
];

/// The work sessions of a user are listed by index, those that changed last first, and so are those that a person is about to open
/// in an editor. Sessions from before get their titles with the next change of their task.
const SESSION_LIST: &[&str] = &[
    "ALTER TABLE work_sessions ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE work_sessions ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE work_sessions ADD COLUMN title TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE work_sessions ADD COLUMN is_shared BIGINT NOT NULL DEFAULT 0",
    "UPDATE work_sessions SET owner = (SELECT t.owner FROM tasks t WHERE t.id = work_sessions.task), \
     updated_at = (SELECT t.updated_at FROM tasks t WHERE t.id = work_sessions.task), \
     title = (SELECT t.name FROM tasks t WHERE t.id = work_sessions.task) \
     WHERE EXISTS (SELECT 1 FROM tasks t WHERE t.id = work_sessions.task)",
    "CREATE INDEX work_sessions_by_change ON work_sessions (owner, updated_at, id)",
    "CREATE TABLE editor_handoffs (session TEXT PRIMARY KEY, task TEXT NOT NULL, user_id TEXT NOT NULL, at BIGINT NOT NULL)",
];

/// What the agents of sessions offer, and what people chose of it.
const SESSION_OPTIONS: &[&str] =
    &["CREATE TABLE session_options (session TEXT PRIMARY KEY, offered TEXT NOT NULL, chosen TEXT NOT NULL)"];

/// What waits for a person, what webhooks are to be sent, and what a person allowed for the rest of a task.
const INBOX: &[&str] = &[
    "CREATE TABLE inbox (id TEXT PRIMARY KEY, owner TEXT NOT NULL, project TEXT NOT NULL, task TEXT NOT NULL, \
     urgency BIGINT NOT NULL, since TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE INDEX inbox_by_owner ON inbox (owner, urgency, since, id)",
    "CREATE TABLE webhook_deliveries (id SERIAL_KEY, endpoint TEXT NOT NULL, message TEXT NOT NULL, event TEXT NOT NULL, \
     payload TEXT NOT NULL, state TEXT NOT NULL, attempts BIGINT NOT NULL, created_at BIGINT NOT NULL, \
     next_at BIGINT NOT NULL, status BIGINT NOT NULL, error TEXT NOT NULL)",
    "CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (endpoint, id)",
    "CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint, next_at, id) WHERE state = 'pending'",
    "CREATE TABLE permission_grants (id TEXT PRIMARY KEY, task TEXT NOT NULL, request_key TEXT NOT NULL, title TEXT NOT NULL, \
     granted_by TEXT NOT NULL, granted_at BIGINT NOT NULL, uses BIGINT NOT NULL, UNIQUE (task, request_key))",
];

/// Nothing that is looked up regularly reads the rows of finished tasks: live tasks, records that are behind and every order of
/// the list have an index of their own. On SQLite, triggers count the tasks of a list; on PostgreSQL concurrent transactions would wait
/// for each other's counts, so it counts the entries of an index.
const LIVE_WORK: &[&str] = &[
    "CREATE INDEX tasks_live ON tasks (created_at, id) WHERE status NOT IN ('done', 'cancelled', 'backlog')",
    "ALTER TABLE counters ADD COLUMN recorded BIGINT NOT NULL DEFAULT 0",
    "UPDATE counters SET recorded = COALESCE((SELECT r.value FROM recorded r WHERE r.name = counters.name), 0)",
    "DROP TABLE recorded",
    "CREATE INDEX counters_behind ON counters (name) \
     WHERE value > recorded AND (name LIKE 'events/%' OR name LIKE 'log/%')",
    "DROP INDEX tasks_by_owner",
    "CREATE INDEX tasks_by_creation ON tasks (owner, archived, created_at, id)",
    "CREATE INDEX tasks_by_change ON tasks (owner, archived, updated_at, id)",
    "CREATE INDEX tasks_by_priority ON tasks (owner, archived, priority, id)",
    "CREATE INDEX tasks_by_name ON tasks (owner, archived, name, id)",
    "CREATE INDEX tasks_in_order_of_status ON tasks (owner, archived, status, id)",
    "CREATE INDEX tasks_by_owner_status ON tasks (owner, archived, status, created_at, id)",
    "CREATE INDEX tasks_by_attention ON tasks (owner, archived, ATTENTION, id)",
    "CREATE INDEX tasks_needing_person ON tasks (owner, archived, created_at, id) WHERE needs_person = 1",
    "SQLITE CREATE TABLE task_totals (owner TEXT NOT NULL, project TEXT NOT NULL, archived BIGINT NOT NULL, status TEXT NOT NULL, \
     needs_person BIGINT NOT NULL, total BIGINT NOT NULL, PRIMARY KEY (owner, project, archived, status, needs_person)) WITHOUT ROWID",
    "SQLITE INSERT INTO task_totals SELECT owner, project, archived, status, needs_person, COUNT(*) FROM tasks \
     GROUP BY owner, project, archived, status, needs_person",
    "SQLITE CREATE TRIGGER tasks_count_inserted AFTER INSERT ON tasks BEGIN \
     INSERT INTO task_totals VALUES (NEW.owner, NEW.project, NEW.archived, NEW.status, NEW.needs_person, 1) \
     ON CONFLICT DO UPDATE SET total = total + 1; END",
    "SQLITE CREATE TRIGGER tasks_count_updated AFTER UPDATE OF owner, project, archived, status, needs_person ON tasks \
     WHEN (OLD.owner, OLD.project, OLD.archived, OLD.status, OLD.needs_person) \
     IS NOT (NEW.owner, NEW.project, NEW.archived, NEW.status, NEW.needs_person) BEGIN \
     UPDATE task_totals SET total = total - 1 WHERE owner = OLD.owner AND project = OLD.project \
     AND archived = OLD.archived AND status = OLD.status AND needs_person = OLD.needs_person; \
     INSERT INTO task_totals VALUES (NEW.owner, NEW.project, NEW.archived, NEW.status, NEW.needs_person, 1) \
     ON CONFLICT DO UPDATE SET total = total + 1; END",
    "SQLITE CREATE TRIGGER tasks_count_deleted AFTER DELETE ON tasks BEGIN \
     UPDATE task_totals SET total = total - 1 WHERE owner = OLD.owner AND project = OLD.project \
     AND archived = OLD.archived AND status = OLD.status AND needs_person = OLD.needs_person; END",
];

/// Where the logs of each task are (see `log_archive`), and finished tasks whose logs are in the database by time.
const LOG_ARCHIVE: &[&str] = &[
    "ALTER TABLE tasks ADD COLUMN logs_state BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE tasks ADD COLUMN logs_commit TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE tasks ADD COLUMN logs_restored_at BIGINT NOT NULL DEFAULT 0",
    "CREATE INDEX tasks_with_logs ON tasks (updated_at, id) WHERE logs_state < 2 AND status IN ('done', 'cancelled')",
];

/// Indexes by time for retention.
const RETENTION: &[&str] = &[
    "CREATE INDEX effects_finished ON effects (state, lease_until) WHERE state = 'done'",
    "CREATE INDEX idempotency_by_time ON idempotency (at)",
    "CREATE INDEX tasks_by_status_time ON tasks (status, updated_at)",
];

/// The name of each audit entry's subject at that time; and entries are counted by time.
const AUDIT_NAMES: &[&str] = &[
    "ALTER TABLE audit ADD COLUMN subject_name TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX audit_by_time ON audit (at)",
];

/// The permission requests that a person has to answer, and the answers, are found in a log without reading the rest of it.
const PERMISSION_REQUESTS: &[&str] = &[
    "CREATE INDEX session_log_for_person ON session_log (session, seq) WHERE entry LIKE '%\"for_person\":true%'",
];

/// How often an effect failed, beside how often it was claimed.
const FAILURES: &[&str] = &["ALTER TABLE effects ADD COLUMN failures BIGINT NOT NULL DEFAULT 0"];

/// Where each base branch stood when its moves were last accounted for.
const BASES: &[&str] = &[
    "CREATE TABLE base_branches (project TEXT NOT NULL, branch TEXT NOT NULL, trusted TEXT NOT NULL, expected TEXT NOT NULL, \
     suspicion TEXT NOT NULL, PRIMARY KEY (project, branch))",
];

/// Reviews that are not sent yet.
const PENDING_REVIEWS: &[&str] = &[
    "CREATE TABLE pending_reviews (task TEXT NOT NULL, user_id TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (task, user_id))",
];

/// The values of the audit log's columns are found by index, of all users and of one.
const AUDIT_VALUES: &[&str] = &[
    "CREATE INDEX audit_by_way ON audit (way)",
    "CREATE INDEX audit_by_action ON audit (action)",
    "CREATE INDEX audit_by_user_way ON audit (user_id, way)",
    "CREATE INDEX audit_by_user_action ON audit (user_id, action)",
];

/// Beginnings of words are found by an index of their own. What was indexed is indexed again, bit by bit.
const BEGINNINGS: &[&str] = &[
    "SQLITE DROP TABLE search_words",
    "SQLITE CREATE VIRTUAL TABLE search_words USING fts5(scope, words, compounds, content = '', contentless_delete = 1, \
     tokenize = 'ascii', prefix = '3 4')",
    "SQLITE DELETE FROM search_passages",
    "SQLITE DELETE FROM search_places",
];

/// The mutable state of a token, browsers that are signed in, and how each entry of the audit log came about.
const CREDENTIALS: &[&str] = &[
    "ALTER TABLE tokens ADD COLUMN revoked_at BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE tokens ADD COLUMN last_used_at BIGINT NOT NULL DEFAULT 0",
    "CREATE INDEX tokens_by_user ON tokens (user_id)",
    "CREATE TABLE browser_sessions (hash TEXT PRIMARY KEY, user_id TEXT NOT NULL, token TEXT NOT NULL, \
     signed_in_at BIGINT NOT NULL, issued_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, replaced BIGINT NOT NULL DEFAULT 0)",
    "CREATE INDEX browser_sessions_by_token ON browser_sessions (token)",
    "ALTER TABLE audit ADD COLUMN way TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE audit ADD COLUMN credential TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE audit ADD COLUMN peer TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX audit_by_subject ON audit (subject)",
];

/// How far the record in git reaches, and which version of its task each event made.
const RECORDS: &[&str] = &[
    "ALTER TABLE task_events ADD COLUMN version BIGINT NOT NULL DEFAULT 0",
    "CREATE TABLE recorded (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
    "CREATE TABLE records (task TEXT PRIMARY KEY, at BIGINT NOT NULL, commit_id TEXT NOT NULL)",
];

/// By which comments on documents are found.
const COMMENTS: &[&str] = &["CREATE TABLE comments (id TEXT PRIMARY KEY, task TEXT NOT NULL)"];

/// Whether a person is to act next; of live tasks it is noted when the server starts.
const NEEDS_PERSON: &[&str] = &[
    "ALTER TABLE tasks ADD COLUMN needs_person BIGINT NOT NULL DEFAULT 0",
    "UPDATE tasks SET needs_person = 1 \
     WHERE status IN ('spec_review', 'spec_failed', 'implementation_review', 'implementation_failed')",
];

/// The search index; the serving process fills it from the other tables, bit by bit (see `search`). The words
/// themselves are in an index alone: the texts are where they were.
const SEARCH: &[&str] = &[
    "CREATE TABLE search_places (name TEXT PRIMARY KEY, value BIGINT NOT NULL, hash BIGINT NOT NULL)",
    "SQLITE CREATE TABLE search_passages (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, task TEXT NOT NULL, session TEXT NOT NULL, \
     part TEXT NOT NULL, from_number BIGINT NOT NULL, to_number BIGINT NOT NULL, at BIGINT NOT NULL, is_open BIGINT NOT NULL)",
    "SQLITE CREATE VIRTUAL TABLE search_words USING fts5(scope, words, compounds, content = '', contentless_delete = 1, \
     tokenize = 'ascii')",
    "POSTGRES CREATE TABLE search_passages (id BIGSERIAL PRIMARY KEY, kind TEXT NOT NULL, task TEXT NOT NULL, \
     session TEXT NOT NULL, part TEXT NOT NULL, from_number BIGINT NOT NULL, to_number BIGINT NOT NULL, at BIGINT NOT NULL, \
     is_open BIGINT NOT NULL, words TSVECTOR NOT NULL)",
    "POSTGRES CREATE INDEX search_words ON search_passages USING GIN (words)",
    "CREATE INDEX search_passages_by_place ON search_passages (task, session, is_open)",
    "CREATE TABLE task_courses (task TEXT PRIMARY KEY, data TEXT NOT NULL)",
];

const TABLES: &[&str] = &[
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
    "CREATE TABLE tasks (id TEXT PRIMARY KEY, owner TEXT NOT NULL, project TEXT NOT NULL, name TEXT NOT NULL, \
     status TEXT NOT NULL, kind TEXT NOT NULL, priority BIGINT NOT NULL, labels TEXT NOT NULL, archived BIGINT NOT NULL, \
     search TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, version BIGINT NOT NULL, state TEXT NOT NULL)",
    "CREATE INDEX tasks_by_owner ON tasks (owner, archived, created_at)",
    "CREATE INDEX tasks_by_status ON tasks (status)",
    "CREATE INDEX tasks_by_project ON tasks (project)",
    "CREATE TABLE work_sessions (id TEXT PRIMARY KEY, task TEXT NOT NULL, helix_session TEXT NOT NULL UNIQUE, \
     thread TEXT NOT NULL UNIQUE, status TEXT NOT NULL, rank BIGINT NOT NULL)",
    "CREATE INDEX work_sessions_by_task ON work_sessions (task)",
    "CREATE TABLE task_events (task TEXT NOT NULL, seq BIGINT NOT NULL, id TEXT NOT NULL, at BIGINT NOT NULL, event TEXT NOT NULL, \
     PRIMARY KEY (task, seq))",
    "CREATE TABLE effects (id TEXT PRIMARY KEY, task TEXT NOT NULL, seq BIGINT NOT NULL, lane TEXT NOT NULL, name TEXT NOT NULL, \
     effect TEXT NOT NULL, state TEXT NOT NULL, worker TEXT NOT NULL, attempt BIGINT NOT NULL, lease_until BIGINT NOT NULL, \
     not_before BIGINT NOT NULL, error TEXT NOT NULL)",
    "CREATE INDEX effects_by_state ON effects (state, not_before)",
    "CREATE INDEX effects_by_lane ON effects (lane, seq)",
    "CREATE INDEX effects_by_task ON effects (task, seq)",
    "CREATE TABLE session_log (session TEXT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, entry TEXT NOT NULL, \
     PRIMARY KEY (session, seq))",
    "CREATE TABLE feed (id SERIAL_KEY, topic TEXT NOT NULL, seq BIGINT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL, \
     at BIGINT NOT NULL, UNIQUE (topic, seq))",
    "CREATE TABLE revisions (id TEXT PRIMARY KEY, task TEXT NOT NULL, round BIGINT NOT NULL, hash TEXT NOT NULL, \
     created_at BIGINT NOT NULL, data TEXT NOT NULL, UNIQUE (task, round, hash))",
    "CREATE TABLE session_runs (session TEXT PRIMARY KEY, data TEXT NOT NULL)",
    "CREATE TABLE instances (id TEXT PRIMARY KEY, task TEXT NOT NULL UNIQUE, status TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE TABLE projects (id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, repository_path TEXT NOT NULL, \
     created_at BIGINT NOT NULL, data TEXT NOT NULL)",
    "CREATE INDEX projects_by_owner ON projects (owner, created_at)",
    "CREATE TABLE users (id TEXT PRIMARY KEY, data TEXT NOT NULL)",
    "CREATE TABLE tokens (hash TEXT PRIMARY KEY, user_id TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE TABLE idempotency (user_id TEXT NOT NULL, route TEXT NOT NULL, name TEXT NOT NULL, body_hash TEXT NOT NULL, \
     status BIGINT NOT NULL, response TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (user_id, route, name))",
    "CREATE TABLE audit (id SERIAL_KEY, at BIGINT NOT NULL, user_id TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, \
     data TEXT NOT NULL)",
];

/// Brings the tables up to date; a database that a newer program wrote is refused.
pub(crate) async fn run(store: &Store) -> Result<(), OpenError> {
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let found = version(store).await.map_err(OpenError::Migrate)?;
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    for (at, step) in STEPS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        apply(store, at, step).await.map_err(OpenError::Migrate)?;
    }
    Ok(())
}

async fn version(store: &Store) -> Result<i64, StoreError> {
    store
        .write(|on| {
            Box::pin(async move {
                let table = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)";
                if on.backend() == Backend::Postgres {
                    // Servers that start together migrate one after the other.
                    sql::execute(on, "SELECT pg_advisory_xact_lock(7236)", Vec::new()).await?;
                }
                sql::execute(on, table, Vec::new()).await?;
                let row = sql::row(
                    on,
                    "SELECT COALESCE(MAX(version), 0) AS version FROM schema_version",
                    Vec::new(),
                )
                .await?;
                row.map_or(Ok(0), |row| sql::number(&row, "version"))
            })
        })
        .await
}

async fn apply(store: &Store, at: usize, step: &'static [&'static str]) -> Result<(), StoreError> {
    let number = i64::try_from(at + 1).unwrap_or(i64::MAX);
    store
        .write(move |on| {
            Box::pin(async move {
                let backend = on.backend();
                if backend == Backend::Postgres {
                    sql::execute(on, "SELECT pg_advisory_xact_lock(7236)", Vec::new()).await?;
                }
                let done =
                    sql::row(on, "SELECT version FROM schema_version WHERE version = ?", vec![number.into()])
                        .await?;
                if done.is_some() {
                    return Ok(());
                }
                for statement in step {
                    let own = if backend == Backend::Postgres { "POSTGRES " } else { "SQLITE " };
                    let other = if backend == Backend::Postgres { "SQLITE " } else { "POSTGRES " };
                    if statement.starts_with(other) {
                        continue;
                    }
                    let statement = statement.strip_prefix(own).unwrap_or(statement);
                    let key = if backend == Backend::Postgres {
                        "BIGSERIAL PRIMARY KEY"
                    } else {
                        "INTEGER PRIMARY KEY"
                    };
                    let statement = statement.replace("SERIAL_KEY", key).replace("ATTENTION", ATTENTION);
                    sql::execute(on, &statement, Vec::new()).await?;
                }
                sql::execute(on, "INSERT INTO schema_version (version) VALUES (?)", vec![number.into()])
                    .await?;
                Ok(())
            })
        })
        .await
}
