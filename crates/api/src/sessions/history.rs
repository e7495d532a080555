//! The record: activities of sessions, records of people, and its state in git.

use crate::request::caller::Caller;
use crate::request::extract::{JsonBody, Query};
use crate::request::idempotency::FreshIds;
use crate::request::page::limit;
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::sessions::coordination::{self, Recorded, RecordedCoordination};
use crate::sessions::messages::has_entry;
use crate::sessions::session::found;
use axum::Json;
use axum::extract::State;
use engine::App;
use engine::agents::transcript::{self, Message};
use engine::clock::now;
use engine::clock::rfc3339;
use engine::projects::attribution::Attribution;
use engine::record::{history, log_archive};
use protocol::log::{ActivityType, Recorded as RecordedEntry};
use protocol::words::TaskStatus;
use protocol::{LogEntry, Optional};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use store::LogRow;
use utoipa::{IntoParams, ToSchema};
use workflow::{EventId, Ids as _, Input, Session, Task};

/// Which records are read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// `conversation`, `code_change`, `decision` or `coordination`.
    activity_type: Option<ActivityType>,
    limit: Option<u64>,
}

/// The activities of a session, from its record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct History {
    work_session_id: String,
    spec_task_id: String,
    #[schema(required)]
    activity_type: Option<ActivityType>,
    limit: u64,
    entries: Vec<HistoryEntry>,
    total_entries: usize,
    /// The branch that holds the record.
    #[schema(required)]
    git_branch: Option<String>,
    /// The last commit of the task's record.
    #[schema(required)]
    last_commit: Option<String>,
}

/// One recorded activity.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryEntry {
    timestamp: String,
    activity_type: ActivityType,
    content: String,
    files_affected: Vec<String>,
    /// Whether it is in git already.
    committed: bool,
}

/// How many commits of one turn are looked through for the files that they touch.
const COMMITS: usize = 100;

/// Reads what a work session did.
#[utoipa::path(get, path = "/work-sessions/{id}/history", tag = "work-sessions", params(("id" = String, Path), HistoryQuery),
    responses((status = 200, body = History),
    (status = 409, description = "The log is archived in git, and the repository cannot be read", body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<History>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let session = found(&task, &id)?;
    let limit = limit(query.limit)?;
    // What cannot be looked at is not known to be there.
    let kept = history::reached(&app, &task, &session.id).await.unwrap_or(0);
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_asked_for = |kind| query.activity_type.is_none_or(|asked| asked == kind);
    let mut total_entries = 0;
    // The last ones are shown; of the others only the number is.
    let mut last: VecDeque<(u64, HistoryEntry)> = VecDeque::new();
    let mut commits: Vec<(u64, String)> = Vec::new();
    let visit = |row: &LogRow| {
        if let LogEntry::Commit(made) = &row.entry {
            commits.push((row.seq, made.commit.clone()));
        }
        let Some(entry) = activity(row, kept).filter(|entry| is_asked_for(entry.activity_type)) else {
            return;
        };
        total_entries += 1;
        last.push_back((row.seq, entry));
        if last.len() > shown {
            last.pop_front();
        }
    };
    let of_end = |all: &[Message]| all.iter().rev().take(shown).map(|message| message.seq).collect();
    log_archive::ensure_present(&app, &session.id).await?;
    let messages = transcript::read_messages(&app.store, &session.id, visit, of_end).await?;
    let mut entries: Vec<(u64, HistoryEntry)> = last.into();
    if is_asked_for(ActivityType::Conversation) {
        total_entries += messages.len();
        let skip = messages.len().saturating_sub(shown);
        let said = messages.into_iter().skip(skip);
        entries.extend(said.map(|message| (message.seq, spoken(message, kept))));
    }
    entries.sort_by_key(|(seq, _)| *seq);
    let mut entries = entries.split_off(entries.len().saturating_sub(shown));
    let shown: BTreeSet<u64> = entries.iter().map(|(seq, _)| *seq).collect();
    if commits.iter().any(|(seq, _)| shown.contains(seq)) {
        let touched = touched(&app, &task, session, commits, shown).await?;
        for (seq, entry) in &mut entries {
            entry.files_affected.extend(touched.get(seq).into_iter().flatten().cloned());
        }
    }
    let recorded = app.store.recorded(&task.id).await?;
    let branch = app.repositories.project_repo(&task.project).await.ok();
    Ok(Json(History {
        work_session_id: id,
        spec_task_id: task.id.to_string(),
        activity_type: query.activity_type,
        limit,
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        total_entries,
        git_branch: branch.map(|project_repo| project_repo.settings.design_docs_branch),
        last_commit: recorded.map(|(_, commit)| commit),
    }))
}

/// Returns the messages, whole and as they were last.
fn spoken(message: Message, kept: u64) -> HistoryEntry {
    HistoryEntry {
        timestamp: rfc3339(message.at),
        activity_type: ActivityType::Conversation,
        content: message.text,
        files_affected: Vec::new(),
        committed: message.to <= kept,
    }
}

/// Returns the files that the commits of a session touch, by the numbers of the entries that name these, for those that
/// are shown.
async fn touched(
    app: &App,
    task: &Task,
    session: &Session,
    commits: Vec<(u64, String)>,
    shown: BTreeSet<u64>,
) -> Result<BTreeMap<u64, BTreeSet<String>>, Problem> {
    let Ok(project_repo) = app.repositories.project_repo(&task.project).await else {
        return Ok(BTreeMap::new());
    };
    let attribution = Attribution::of(app, task, session).await?;
    let redactor = app.redactor.clone();
    let mut from = app.store.session_run(&session.id).await?.and_then(|run| run.base);
    let read = engine::spawn_blocking(move || {
        let mut found = BTreeMap::new();
        for (seq, commit) in commits {
            let since = from.replace(commit.clone());
            if !shown.contains(&seq) {
                continue;
            }
            let most = if since.is_some() { COMMITS } else { 1 };
            // A commit that is gone touches nothing that can be told.
            let made = project_repo.repository.log_of_first_parents(since.as_deref(), &commit, most);
            let own = made.unwrap_or_default().into_iter().filter(|commit| attribution.is_own(commit));
            let files = own.flat_map(|commit| commit.files_touched);
            found.insert(seq, files.map(|file| redactor.redact(&file).into_owned()).collect());
        }
        found
    });
    read.await.map_err(|error| Problem::internal(&error))
}

/// Returns what an entry of the log records, if it records an activity other than speech.
fn activity(row: &LogRow, kept: u64) -> Option<HistoryEntry> {
    let mut timestamp = None;
    let (activity_type, content, files_affected) = match &row.entry {
        LogEntry::ToolCall(call) if call.changes_files() => {
            let mut files: Vec<String> = Vec::new();
            for path in call.location_paths().chain(call.diff_paths()) {
                if !files.iter().any(|file| file == path) {
                    files.push(path.to_owned());
                }
            }
            (ActivityType::CodeChange, call.title.text().to_owned(), files)
        }
        LogEntry::Commit(made) => (ActivityType::CodeChange, format!("Commit {}", made.commit), Vec::new()),
        LogEntry::PermissionResolved(answer) => {
            let content = format!("{} {}", answer.outcome.text(), answer.option_id.text());
            (ActivityType::Decision, content, Vec::new())
        }
        LogEntry::Coordination(event) => {
            let data = event.data.as_ref();
            timestamp = data.and_then(|data| data["timestamp"].as_str());
            let files = data.and_then(|data| data["files_affected"].as_array()).into_iter().flatten();
            let files = files.filter_map(|file| file.as_str().map(str::to_owned)).collect();
            (ActivityType::Coordination, event.text.clone(), files)
        }
        LogEntry::Recorded(recorded) => {
            timestamp = recorded.timestamp.as_deref();
            (
                *recorded.activity_type.as_ref()?,
                recorded.text.clone(),
                recorded.files_affected.items().to_vec(),
            )
        }
        _ => return None,
    };
    Some(HistoryEntry {
        timestamp: timestamp.map_or_else(|| rfc3339(row.at), str::to_owned),
        activity_type,
        content,
        files_affected,
        committed: row.seq <= kept,
    })
}

/// Something to be recorded about a session.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RecordBody {
    activity_type: ActivityType,
    content: String,
    timestamp: Option<String>,
    #[serde(default)]
    files_affected: Vec<String>,
    code_changes: Option<Value>,
    coordination_data: Option<RecordedCoordination>,
    metadata: Option<Value>,
}

/// The recorded activity.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordAnswer {
    success: bool,
    work_session_id: String,
    activity_type: ActivityType,
    /// When it was recorded.
    recorded_at: String,
    message: String,
}

/// Records an activity of a work session, in its log and in git.
#[utoipa::path(post, path = "/work-sessions/{id}/record-history", tag = "work-sessions", params(("id" = String, Path)),
    request_body = RecordBody, responses((status = 200, body = RecordAnswer)))]
pub(crate) async fn record(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    mut ids: FreshIds,
    JsonBody(body): JsonBody<RecordBody>,
) -> Result<Json<RecordAnswer>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let session = found(&task, &id)?;
    if body.content.trim().is_empty() {
        return Err(Problem::invalid("content", "is empty"));
    }
    let timestamp = match &body.timestamp {
        Some(text) => match text.parse::<jiff::Timestamp>() {
            Ok(time) => Some(rfc3339(workflow::Millis(time.as_millisecond()))),
            Err(_) => {
                let message = format!("{text:?} is no RFC 3339 time with its zone");
                return Err(Problem::invalid("timestamp", message));
            }
        },
        None => None,
    };
    for (field, value) in [("code_changes", &body.code_changes), ("metadata", &body.metadata)] {
        crate::request::extract::object(field, value.as_ref())?;
    }
    for lines in ["lines_added", "lines_removed"] {
        let many = body.code_changes.as_ref().and_then(|changes| changes.get(lines));
        if many.is_some_and(|many| !many.is_null() && many.as_u64().is_none()) {
            return Err(Problem::invalid(&format!("code_changes.{lines}"), "is no number of lines"));
        }
    }
    let at = now();
    if body.activity_type == ActivityType::Coordination {
        // It is in the session's log as an event that is sent.
        let mut data = json!({});
        for (field, value) in [
            ("timestamp", json!(timestamp)),
            ("files_affected", json!(body.files_affected)),
            ("code_changes", json!(body.code_changes)),
            ("metadata", json!(body.metadata)),
        ] {
            if !value.is_null() && value != json!([]) {
                data[field] = value;
            }
        }
        let recorded = Recorded {
            id: EventId::fresh(&mut ids),
            message: body.content.clone(),
            data,
            to: body.coordination_data.as_ref(),
        };
        coordination::from_record(&app, &caller, &task, session, recorded).await?;
    } else {
        let name = ids.next("rec");
        let is_it = |entry: &LogEntry| matches!(entry, LogEntry::Recorded(recorded) if recorded.record_id.as_deref() == Some(name.as_str()));
        let is_recorded =
            ids.were_taken_before(app.started_at) && has_entry(&app, &session.id, is_it).await?;
        let entry = RecordedEntry {
            record_id: name.into(),
            activity_type: Optional::Value(body.activity_type),
            text: body.content,
            by: caller.user.name.clone().into(),
            timestamp: timestamp.into(),
            files_affected: Optional::Value(body.files_affected),
            code_changes: body.code_changes.into(),
            coordination_data: body.coordination_data.map(|data| json!(data)).into(),
            metadata: body.metadata.into(),
            ..RecordedEntry::default()
        };
        if !is_recorded {
            let rows = app.store.append_log(&session.id, at, vec![entry.into()]).await?;
            app.feed.publish_log(&session.id, rows);
        }
    }
    let message = match app.history.record(&app, &task.project, &task.id).await {
        Ok(()) => "Recorded in the session's log and committed.".to_owned(),
        Err(failure) => {
            tracing::warn!(task = %task.id, reason = failure.message, "a record could not be committed at once");
            format!("Recorded in the session's log; it is committed later. {}", failure.message)
        }
    };
    Ok(Json(RecordAnswer {
        success: true,
        work_session_id: id,
        activity_type: body.activity_type,
        recorded_at: rfc3339(at),
        message,
    }))
}

/// A word on how far a task is.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ProgressBody {
    /// A line on how far it is; absent is what the checklist says.
    summary: Option<String>,
    #[serde(default)]
    details: String,
}

/// The commit of the progress.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgressAnswer {
    spec_task_id: String,
    /// The status of the task.
    phase: TaskStatus,
    #[schema(required)]
    git_commit_hash: Option<String>,
    branch_name: String,
    files_committed: Vec<String>,
    success: bool,
    message: String,
}

/// Records how far a task is, together with everything else that is new, and commits it.
#[utoipa::path(post, path = "/spec-tasks/{id}/commit-progress", tag = "documents", params(("id" = String, Path)),
    request_body = ProgressBody, responses((status = 200, body = ProgressAnswer), (status = 422, body = Problem)))]
pub(crate) async fn commit_progress(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ProgressBody>,
) -> Result<Json<ProgressAnswer>, Problem> {
    let task = caller.task(&app, &id).await?;
    let summary = match body.summary.filter(|summary| !summary.trim().is_empty()) {
        Some(summary) => summary,
        None => how_far(&app, &task).await,
    };
    let branch_name = app.repositories.project_repo(&task.project).await?.settings.design_docs_branch;
    let input = Input::NoteProgress { by: caller.user.name.clone(), summary, details: body.details };
    let task = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    let recorded = app.history.record(&app, &task.project, &task.id).await;
    let commit = app.store.recorded(&task.id).await?.map(|(_, commit)| commit);
    let (success, message) = match &recorded {
        Ok(()) => (true, "The progress is committed.".to_owned()),
        Err(failure) => (false, format!("The progress is kept and committed later. {}", failure.message)),
    };
    let git_commit_hash = commit.filter(|_| success);
    Ok(Json(ProgressAnswer {
        spec_task_id: id,
        phase: task.status(),
        files_committed: committed_files(&app, &task, git_commit_hash.as_deref()).await?,
        git_commit_hash,
        branch_name,
        success,
        message,
    }))
}

/// Returns how far a task is, in a line.
async fn how_far(app: &App, task: &Task) -> String {
    match app.repositories.checklist(task).await {
        Ok(Some(list)) => {
            format!("{}: {:.0}% of the checklist is done", task.status(), list.progress() * 100.0)
        }
        Ok(None) | Err(_) => task.status().to_string(),
    }
}

/// Returns the files of a task that a commit changed.
async fn committed_files(app: &App, task: &Task, commit: Option<&str>) -> Result<Vec<String>, Problem> {
    let Some(commit) = commit.map(str::to_owned) else { return Ok(Vec::new()) };
    let project_repo = app.repositories.project_repo(&task.project).await?;
    let log = engine::spawn_blocking(move || project_repo.repository.log(None, &commit, 1));
    let log =
        log.await.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
    let folders = [format!("specs/{}/", task.id), format!("sessions/{}/", task.id)];
    let is_ours = |file: &String| folders.iter().any(|folder| file.starts_with(folder));
    Ok(log.into_iter().flat_map(|entry| entry.files_touched).filter(is_ours).collect())
}
