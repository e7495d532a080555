//! The missing part of a task's record: read from the database beyond what git has, and rendered.

use super::{code, coordination, decided, unreadable, whole};
use crate::App;
use crate::agents::attachments::content;
use crate::documents;
use crate::documents::metadata;
use crate::failure::{blocking, failure, git_failure, store_failure};
use crate::projects::repositories::{ProjectRepo, document};
use crate::record::log_archive;
use git::{Change, CommitId};
use protocol::LogEntry;
use serde_json::Value;
use std::collections::BTreeMap;
use store::LogRow;
use workflow::records::conversation::{self, Entry, Head};
use workflow::records::events::{self, Line};
use workflow::records::instances::{self, InstanceRecord};
use workflow::records::progress_updates::{self, ProgressUpdate};
use workflow::records::reviews::{self, Review};
use workflow::records::rounds::{self, Round};
use workflow::records::threads::{self, ThreadRecord};
use workflow::records::{activity, attachments, code_changes, comments, completion, decisions, paths};
use workflow::{Event, Failure, FailureClass, Session, SessionId, Task, TaskId};

/// How many entries of one log are added by one commit.
const MAX_ENTRIES: u64 = 2_000;
/// The size of a file of a conversation in bytes from which on its next entries begin another one: each commit writes the
/// file that it adds to as a whole.
const PART_BYTES: usize = 2 * 1024 * 1024;
/// The size of a task's files in bytes from which on a commit takes no further conversation.
const ENOUGH_BYTES: usize = 8 * 1024 * 1024;

/// The extent of a task's record with the composed files.
pub(super) struct Gathered {
    pub(super) task: TaskId,
    pub(super) name: String,
    pub(super) events: u64,
    pub(super) logs: BTreeMap<SessionId, u64>,
    /// The attached files in git.
    pub(super) attachments: Vec<String>,
    /// Whether anything is added.
    pub(super) is_new: bool,
    /// The commit at which the record was whole, and since which it did not change.
    pub(super) whole_at: Option<String>,
    /// Whether there is more than one commit takes.
    pub(super) has_more: bool,
}

/// Composes the files of a task's record from what they are at a commit; `None` for a task that is gone.
pub(super) async fn task(
    app: &App,
    project_repo: &ProjectRepo,
    base: CommitId,
    id: &TaskId,
) -> Result<Option<(Gathered, Vec<Change>)>, Failure> {
    let task = app.store.task(id).await.map_err(|error| store_failure(&error))?;
    let Some(task) = task else { return Ok(None) };
    let mut files = Files { app, project_repo, base, changed: BTreeMap::new() };
    let mut gathered = Gathered {
        task: id.clone(),
        name: task.name.clone(),
        events: 0,
        logs: BTreeMap::new(),
        attachments: Vec::new(),
        is_new: false,
        whole_at: None,
        has_more: false,
    };
    let known = app.store.recorded(id).await.map_err(|error| store_failure(&error))?;
    if let Some((_, commit)) = known {
        let repository = project_repo.repository.clone();
        let (whole, tip, of) = (commit.clone(), base.to_string(), id.clone());
        match blocking(move || whole::is_as_at(&repository, &whole, &tip, &of)).await? {
            Some(true) => gathered.whole_at = Some(commit),
            Some(false) => whole::complete(&mut files, id, &commit).await?,
            // The repository does not know that commit: what it has is found by the numbers of the entries that are there.
            None => app.store.forget_recorded(&task.project).await.map_err(|error| store_failure(&error))?,
        }
    }
    let lines = new_events(&mut files, &task, &mut gathered).await?;
    // The task as it is now has every session and comment that the events name.
    let task = app.store.task(id).await.map_err(|error| store_failure(&error))?;
    let Some(task) = task else { return Ok(None) };
    for session in &task.sessions {
        let rows = new_entries(&mut files, &task, session, &mut gathered).await?;
        session_files(&mut files, &task, session, &lines, &rows).await?;
    }
    let messages: Vec<_> = lines.iter().filter_map(coordination::of).collect();
    if !messages.is_empty() {
        let text = workflow::records::coordination::render(&messages);
        let head = || workflow::records::coordination::head(&task.name);
        files.append(paths::coordination(id), head, text).await?;
    }
    task_files(&mut files, &task, &lines).await?;
    attached_files(&mut files, id, &mut gathered).await?;
    gathered.is_new = !files.changed.is_empty();
    let instance = files.text(&paths::instance(id)).await?;
    if gathered.is_new || instance.is_none_or(|text| instances::parse(&text).is_err()) {
        instance_file(&mut files, id).await?;
    }
    gathered.is_new = !files.changed.is_empty();
    if gathered.is_new {
        metadata_file(&mut files, &task).await?;
    }
    Ok(Some((gathered, files.into_changes())))
}

/// Returns the task's events that git has not.
async fn new_events(
    files: &mut Files<'_>,
    task: &Task,
    gathered: &mut Gathered,
) -> Result<Vec<Line>, Failure> {
    let path = paths::events(&task.id);
    let before = files.text(&path).await?.unwrap_or_default();
    let from = events::last_seq(&before).map_err(|error| unreadable(&path, &error))?;
    let store = &files.app.store;
    let last = store.last_event(&task.id).await.map_err(|error| store_failure(&error))?;
    not_ahead(&path, from, last)?;
    let found =
        store.task_events(&task.id, from, MAX_ENTRIES).await.map_err(|error| store_failure(&error))?;
    let lines: Vec<Line> = found
        .into_iter()
        .map(|logged| Line { seq: logged.seq, at: logged.at, version: logged.version, event: logged.event })
        .collect();
    gathered.events = lines.last().map_or(from, |line| line.seq);
    gathered.has_more |= gathered.events < last;
    files.append(path, String::new, events::render(&lines)).await?;
    Ok(lines)
}

/// Returns the entries of a session's log that git has not, as many as a commit has room for; they are added to its
/// conversation.
async fn new_entries(
    files: &mut Files<'_>,
    task: &Task,
    session: &Session,
    gathered: &mut Gathered,
) -> Result<Vec<LogRow>, Failure> {
    let store = &files.app.store;
    let last = store.log_tail(&session.id).await.map_err(|error| store_failure(&error))?;
    let known = store.recorded_log(&session.id).await.map_err(|error| store_failure(&error))?;
    // A long conversation is read again only when it grows.
    if known == last {
        gathered.logs.insert(session.id.clone(), last);
        return Ok(Vec::new());
    }
    if files.is_full() {
        gathered.has_more = true;
        return Ok(Vec::new());
    }
    let Conversation { part, path, before, reached: from } =
        Conversation::read(files, &task.id, &session.id).await?;
    not_ahead(&path, from, last)?;
    log_archive::ensure_present(files.app, &session.id).await.map_err(|error| git_failure(&error))?;
    let rows = store.read_log(&session.id, from, MAX_ENTRIES).await.map_err(|error| store_failure(&error))?;
    let reached = rows.last().map_or(from, |row| row.seq);
    gathered.logs.insert(session.id.clone(), reached);
    gathered.has_more |= reached < last;
    let entries: Vec<Entry> =
        rows.iter().map(|row| Entry { seq: row.seq, at: row.at, entry: row.entry.clone() }).collect();
    let text = conversation::render(&before, &entries).map_err(|error| unreadable(&path, &error))?;
    let head = || {
        conversation::head(&Head {
            session: session.id.to_string(),
            name: session.display_name().to_owned(),
            task: task.id.to_string(),
            agent: session.agent.clone(),
            part,
        })
    };
    files.append(path, head, text).await?;
    Ok(rows)
}

/// The file of a conversation that entries are added to.
struct Conversation {
    part: u32,
    path: String,
    before: String,
    /// The number of the last entry in it, or in the part before.
    reached: u64,
}

impl Conversation {
    pub(crate) async fn read(files: &Files<'_>, task: &TaskId, session: &SessionId) -> Result<Self, Failure> {
        let mut part = files.conversation_parts(task, session).await?;
        loop {
            let path = paths::conversation(task, session, part);
            let before = files.text(&path).await?.unwrap_or_default();
            let reached = conversation::last_seq(&before).map_err(|error| unreadable(&path, &error))?;
            // A part without entries says nothing of how far the conversation is recorded.
            if reached == 0 && part > 1 {
                part -= 1;
                continue;
            }
            if before.len() >= PART_BYTES {
                let path = paths::conversation(task, session, part + 1);
                let before = files.text(&path).await?.unwrap_or_default();
                return Ok(Self { part: part + 1, path, before, reached });
            }
            return Ok(Self { part, path, before, reached });
        }
    }
}

/// Returns what beside the conversation is kept of a session.
async fn session_files(
    files: &mut Files<'_>,
    task: &Task,
    session: &Session,
    lines: &[Line],
    rows: &[LogRow],
) -> Result<(), Failure> {
    let name = session.display_name();
    let text = activity::render(&activity::of(&session.id, lines));
    files.append(paths::activity(&task.id, &session.id), || activity::head(name), text).await?;
    let text = decisions::render(&decided::of(session, lines, rows));
    files.append(paths::decisions(&task.id, &session.id), || decisions::head(name), text).await?;
    let run = files.app.store.session_run(&session.id).await.map_err(|error| store_failure(&error))?;
    if let Some(run) = run {
        let thread = ThreadRecord {
            agent_sessions: run.agent_sessions,
            workspace_path: run.workspace_path,
            base: run.base,
            opened: run.thread_opened,
            closed: run.thread_closed,
            config: run.thread_config,
            last_activity: run.last_activity,
        };
        files.replace(paths::thread(&task.id, &session.id), threads::render(&thread)).await?;
    }
    if rows.iter().any(|row| matches!(row.entry, LogEntry::Commit(_) | LogEntry::Recorded(_))) {
        let path = paths::code_changes(&task.id, &session.id);
        let before = files.text(&path).await?.unwrap_or_default();
        let known = code_changes::parse(&before).map_err(|error| unreadable(&path, &error))?;
        let changes = code::of(files.app, files.project_repo, task, session, &known, rows).await?;
        files.append(path, || code_changes::head(name), code_changes::render(&changes)).await?;
    }
    Ok(())
}

/// How a round was decided, where git lost what the decision's own effect wrote.
async fn review_file(files: &mut Files<'_>, task: &Task, event: &Event) -> Result<(), Failure> {
    let Event::SpecsReviewed { decision, by, comments, changes, round, points } = event else {
        return Ok(());
    };
    let path = paths::review(&task.id, *round, *decision);
    if files.text(&path).await?.is_none() {
        let points = task.comments.iter().filter(|comment| points.contains(&comment.id)).collect();
        let review = Review { round: *round, decision: *decision, by, comments, changes, points };
        files.put(path, reviews::render(&review).into_bytes());
    }
    Ok(())
}

/// Returns what is kept of the task as a whole beside its events.
async fn task_files(files: &mut Files<'_>, task: &Task, lines: &[Line]) -> Result<(), Failure> {
    let is_round = |event: &Event| {
        matches!(
            event,
            Event::SpecsReady { .. } | Event::DocumentsChanged { .. } | Event::SpecsReviewed { .. }
        )
    };
    if lines.iter().any(|line| is_round(&line.event)) {
        let path = paths::rounds(&task.id);
        let before = files.text(&path).await?.unwrap_or_default();
        let known = rounds::parse(&before).map_err(|error| unreadable(&path, &error))?;
        let all = files.app.store.revisions(&task.id).await.map_err(|error| store_failure(&error))?;
        let new: Vec<Round> = all
            .into_iter()
            .filter(|revision| known.iter().all(|round| round.id != revision.id))
            .map(|revision| Round {
                id: revision.id,
                round: revision.round,
                commit: revision.commit,
                hash: revision.hash,
                created_at: revision.created_at,
                edited_by: revision.edited_by,
            })
            .collect();
        files.append(path, String::new, rounds::render(&new)).await?;
    }
    for line in lines {
        let id = match &line.event {
            Event::Commented { comment } => Some(&comment.id),
            Event::CommentReplied { comment, .. } | Event::CommentResolved { comment, .. } => Some(comment),
            _ => None,
        };
        let comment = id.and_then(|id| task.comments.iter().find(|comment| comment.id == *id));
        if let Some(comment) = comment
            && let Some(remark) = comments::of(line.at, &line.event, comment)
        {
            let path = paths::comments(&task.id, comment.round);
            files.append(path, || comments::head(comment.round), comments::render(&[remark])).await?;
        }
        review_file(files, task, &line.event).await?;
        if let Event::ProgressNoted { by, summary, details } = &line.event {
            let update = ProgressUpdate {
                at: line.at,
                by: by.clone(),
                phase: task.status().to_string(),
                summary: summary.clone(),
                details: details.clone(),
            };
            let text = progress_updates::render(&update);
            files.append(paths::progress_update(&task.id, line.at), String::new, text).await?;
        }
    }
    if lines.iter().any(|line| matches!(line.event, Event::Landed { .. } | Event::Closed { .. })) {
        let path = paths::completion(&task.id);
        if files.text(&path).await?.is_none() {
            let all = code::all_events(files.app, &task.id).await?;
            let requirements = requirements(files.app, task).await?;
            let text = completion::render(&completion::of(task, &all, &requirements));
            files.append(path, String::new, text).await?;
        }
    }
    Ok(())
}

/// Adds the attached files that git has not, as many as a commit has room for.
async fn attached_files(
    files: &mut Files<'_>,
    task: &TaskId,
    gathered: &mut Gathered,
) -> Result<(), Failure> {
    let store = &files.app.store;
    let all = store.attachment_records(task).await.map_err(|error| store_failure(&error))?;
    if all.is_empty() {
        return Ok(());
    }
    let path = paths::attachments(task);
    let before = files.text(&path).await?.unwrap_or_default();
    let known = attachments::parse(&before).map_err(|error| unreadable(&path, &error))?;
    let mut new = Vec::new();
    for record in all {
        let id = record.attachment.id.clone();
        let last = known.iter().rev().find(|known| known.attachment.id == id);
        if last != Some(&record) {
            if files.is_full() {
                gathered.has_more = true;
                break;
            }
            if last.is_none() {
                let found = store.attachment(task, &id).await.map_err(|error| store_failure(&error))?;
                let Some((attachment, base64)) = found else { continue };
                let content = content(&base64).map_err(|error| failure(FailureClass::Internal, error))?;
                files.put(paths::attachment(task, &id, &attachment.name), content);
            }
            new.push(record);
        }
        gathered.attachments.push(id);
    }
    files.append(path, String::new, attachments::render(&new)).await
}

/// The agent that serves the task, as it is now; as the metadata, it is no reason to commit.
async fn instance_file(files: &mut Files<'_>, task: &TaskId) -> Result<(), Failure> {
    let found = files.app.store.instance_of(task).await.map_err(|error| store_failure(&error))?;
    let Some(row) = found else { return Ok(()) };
    let record = InstanceRecord {
        agent: row.agent,
        status: row.status.to_string(),
        restarts: row.restarts,
        started_at: row.started_at,
        last_activity: row.last_activity,
    };
    files.replace(paths::instance(task), instances::render(&record)).await
}

/// The metadata of the documents as the task is now: it goes along with what is recorded, and is no reason to commit.
async fn metadata_file(files: &mut Files<'_>, task: &Task) -> Result<(), Failure> {
    let path = document(&task.id, "spec-metadata.json");
    let (Some(specs), Some(before)) = (task.specs(), files.text(&path).await?) else { return Ok(()) };
    let before: Value = serde_json::from_str(&before).unwrap_or_default();
    if !metadata::is_of(&before, specs) {
        let found = documents::read(files.project_repo, &task.id, &files.base.to_string()).await;
        let found = found.map_err(|error| git_failure(&error))?;
        if found.is_none_or(|found| found.hash() != specs.hash) {
            // If the documents differ, the commit that changes them also updates their metadata.
            return Ok(());
        }
    }
    let text = metadata::again(files.app, task, specs, &before).await;
    files.replace(path, text.map_err(|error| store_failure(&error))?).await
}

/// Returns the requirements in force.
async fn requirements(app: &App, task: &Task) -> Result<String, Failure> {
    let Some(specs) = task.specs() else { return Ok(String::new()) };
    let all = app.store.revisions(&task.id).await.map_err(|error| store_failure(&error))?;
    let found = all.into_iter().rev().find(|one| one.round == specs.round && one.hash == specs.hash);
    Ok(found.map(|revision| revision.requirements).unwrap_or_default())
}

/// Rejects a record that has more than the database: numbers would be assigned twice.
fn not_ahead(path: &str, from: u64, last: u64) -> Result<(), Failure> {
    if from <= last {
        return Ok(());
    }
    Err(failure(
        FailureClass::Conflict,
        format!(
            "The record {path} reaches to number {from}, the database only to {last}: it is an older copy. Rebuild it with \
             `spectask rebuild`."
        ),
    ))
}

/// The files of the record, as they are at a commit and with what is added.
pub(super) struct Files<'a> {
    app: &'a App,
    pub(super) project_repo: &'a ProjectRepo,
    pub(super) base: CommitId,
    changed: BTreeMap<String, Vec<u8>>,
}

impl Files<'_> {
    async fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(bytes) = self.changed.get(path) {
            return Ok(Some(bytes.clone()));
        }
        let (repository, base, path) = (self.project_repo.repository.clone(), self.base, path.to_owned());
        blocking(move || repository.read(&base.to_string(), &path)).await
    }

    async fn text(&self, path: &str) -> Result<Option<String>, Failure> {
        let bytes = self.bytes(path).await?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Returns whether a commit has no room for further conversations.
    fn is_full(&self) -> bool {
        self.changed.values().map(Vec::len).sum::<usize>() >= ENOUGH_BYTES
    }

    /// Returns how many files a session's conversation has; 1 for one that is not recorded yet.
    async fn conversation_parts(&self, task: &TaskId, session: &SessionId) -> Result<u32, Failure> {
        let folder = paths::session_folder(task, session);
        let (repository, base) = (self.project_repo.repository.clone(), self.base);
        let listed = blocking({
            let folder = folder.clone();
            move || repository.list(&base.to_string(), &folder)
        });
        let listed = listed.await?;
        let all = listed.iter().chain(self.changed.keys());
        let names = all.filter_map(|path| path.strip_prefix(&folder)?.strip_prefix('/'));
        Ok(names.filter_map(paths::conversation_part).max().unwrap_or(1))
    }

    /// Adds to a file; what is there stays byte for byte.
    async fn append(
        &mut self,
        path: String,
        head: impl FnOnce() -> String,
        text: String,
    ) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        let mut content = match self.bytes(&path).await? {
            Some(bytes) => bytes,
            None => head().into_bytes(),
        };
        // The last line of another writer may lack its end.
        if content.last().is_some_and(|byte| *byte != b'\n') {
            content.push(b'\n');
        }
        content.extend_from_slice(text.as_bytes());
        self.changed.insert(path, content);
        Ok(())
    }

    /// Puts a file in place of the one that is there, unless it is the same.
    async fn replace(&mut self, path: String, text: String) -> Result<(), Failure> {
        if self.bytes(&path).await?.as_deref() != Some(text.as_bytes()) {
            self.changed.insert(path, text.into_bytes());
        }
        Ok(())
    }

    /// Puts a file back.
    pub(super) fn put(&mut self, path: String, content: Vec<u8>) {
        self.changed.insert(path, content);
    }

    fn into_changes(self) -> Vec<Change> {
        self.changed.into_iter().map(|(path, content)| Change { path, content: Some(content) }).collect()
    }
}
