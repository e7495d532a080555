//! The commits of a session, read from its branch.

use crate::App;
use crate::agents::transcript::last_message;
use crate::failure::{blocking, store_failure};
use crate::projects::attribution::Attribution;
use crate::projects::repositories::ProjectRepo;
use git::{LogEntry as LoggedCommit, Repository};
use protocol::LogEntry;
use protocol::log::{ActivityType, Recorded};
use secrets::Redactor;
use store::LogRow;
use workflow::records::code_changes::{ChangedFile, CodeChange};
use workflow::records::events::Line;
use workflow::{Commit, Event, Failure, Millis, Session, Task, TaskId};

/// How many commits of one turn are listed one by one.
const COMMITS: usize = 100;
/// How much of what the agent said stands for its reasons, in bytes.
const REASONS: usize = 2_000;

/// Returns the commits that entries of the log name, beyond those that are known.
pub(super) async fn of(
    app: &App,
    project_repo: &ProjectRepo,
    task: &Task,
    session: &Session,
    known: &[CodeChange],
    rows: &[LogRow],
) -> Result<Vec<CodeChange>, Failure> {
    let mut from = match known.iter().rev().find(|change| !change.commit.0.is_empty()) {
        Some(last) => last.commit.0.clone(),
        None => start(app, task, session).await?,
    };
    let attribution = Attribution::of(app, task, session).await.map_err(|error| store_failure(&error))?;
    let mut changes = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let head = match &row.entry {
            LogEntry::Commit(commit) if commit.commit != from => &commit.commit,
            LogEntry::Recorded(recorded)
                if recorded.activity_type.as_ref() == Some(&ActivityType::CodeChange) =>
            {
                changes.push(stated(row.at, recorded));
                continue;
            }
            _ => continue,
        };
        let said = reasons(&rows[..at]);
        let (repository, since, to) = (project_repo.repository.clone(), from.clone(), head.to_owned());
        let attribution = attribution.clone();
        match blocking(move || read(&repository, &since, &to, &attribution, &said)).await {
            Ok(made) => changes.extend(made.into_iter().map(|change| clean(&app.redactor, change))),
            Err(error) => {
                tracing::warn!(task = %task.id, reason = error.message, "a session's commits cannot be read");
                changes.push(unread(head, row.at));
            }
        }
        from.clone_from(head);
    }
    Ok(changes)
}

/// Returns a change without secrets: what an agent writes into a message or the name of a file is nowhere looked
/// through before.
fn clean(redactor: &Redactor, mut change: CodeChange) -> CodeChange {
    for text in [&mut change.author, &mut change.subject, &mut change.reasoning] {
        *text = redactor.redact(text).into_owned();
    }
    for file in &mut change.files {
        file.path = redactor.redact(&file.path).into_owned();
    }
    change
}

/// Returns all events of a task.
pub(super) async fn all_events(app: &App, task: &TaskId) -> Result<Vec<Line>, Failure> {
    let found = app.store.task_events(task, 0, u64::MAX).await.map_err(|error| store_failure(&error))?;
    Ok(found
        .into_iter()
        .map(|logged| Line { seq: logged.seq, at: logged.at, version: logged.version, event: logged.event })
        .collect())
}

/// Returns where a session's branch began: the task's branch as it was then.
async fn start(app: &App, task: &Task, session: &Session) -> Result<String, Failure> {
    let lines = all_events(app, &task.id).await?;
    let opened =
        |line: &Line| matches!(&line.event, Event::SessionOpening { session: id } if *id == session.id);
    let merged = lines.iter().take_while(|line| !opened(line)).fold(None, |last, line| match &line.event {
        Event::SessionCompleted { merged: Some(commit), .. }
        | Event::SessionIdle { merged: Some(commit), .. }
        | Event::HandedOff { commit } => Some(commit.0.clone()),
        _ => last,
    });
    Ok(merged.unwrap_or_else(|| task.base_branch.clone()))
}

/// Returns the session's commits of a turn, oldest first.
pub(super) fn read(
    repository: &Repository,
    from: &str,
    to: &str,
    attribution: &Attribution,
    said: &str,
) -> Result<Vec<CodeChange>, git::Error> {
    let mut log = repository.log_of_first_parents(Some(from), to, COMMITS)?;
    log.retain(|entry| attribution.is_own(entry));
    log.reverse();
    log.iter().map(|entry| change(repository, entry, said)).collect()
}

fn change(repository: &Repository, entry: &LoggedCommit, said: &str) -> Result<CodeChange, git::Error> {
    let id = entry.id.to_string();
    let files = repository
        .diff(&format!("{id}^"), &id)?
        .into_iter()
        .map(|file| ChangedFile {
            path: file.path,
            status: file.status,
            added: file.additions,
            removed: file.deletions,
        })
        .collect();
    let body = body(&entry.message);
    Ok(CodeChange {
        commit: Commit(id),
        at: Millis(entry.time_ms),
        author: entry.author.clone(),
        subject: entry.subject.clone(),
        reasoning: if body.is_empty() { said.to_owned() } else { body },
        files,
    })
}

/// Returns a commit's message without its subject and its trailers.
fn body(message: &str) -> String {
    let paragraphs = message.split("\n\n").skip(1);
    let is_trailers = |paragraph: &&str| {
        paragraph
            .trim()
            .lines()
            .all(|line| line.split_once(": ").is_some_and(|(name, _)| !name.contains(' ')))
    };
    let kept: Vec<&str> = paragraphs.filter(|paragraph| !is_trailers(paragraph)).map(str::trim).collect();
    kept.join("\n\n")
}

/// Returns the end of what the agent said last.
fn reasons(before: &[LogRow]) -> String {
    let text = last_message(before.iter().map(|row| &row.entry));
    let from = text.len().saturating_sub(REASONS);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(from);
    text[from..].to_owned()
}

/// Returns a change that was reported in words.
fn stated(at: Millis, recorded: &Recorded) -> CodeChange {
    CodeChange {
        commit: Commit(String::new()),
        at,
        author: recorded.by.text().to_owned(),
        subject: "Recorded".to_owned(),
        reasoning: recorded.text.clone(),
        files: recorded
            .files_affected
            .items()
            .iter()
            .map(|path| ChangedFile {
                path: path.clone(),
                status: "recorded".to_owned(),
                added: 0,
                removed: 0,
            })
            .collect(),
    }
}

/// Returns a commit that is not there to be read.
fn unread(head: &str, at: Millis) -> CodeChange {
    CodeChange {
        commit: Commit(head.to_owned()),
        at,
        author: String::new(),
        subject: "A commit that is gone".to_owned(),
        reasoning: String::new(),
        files: Vec::new(),
    }
}
