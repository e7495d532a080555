//! Gathers the work of a turn onto the session's branch, whatever the agent did with git, and commits what it left
//! uncommitted.

use super::merge_session::DETAILS;
use super::{Done, Job, blocking, git_failure};
use crate::clock::now;
use crate::documents::progress;
use crate::paths::workdir;
use crate::projects::attribution::Attribution;
use crate::worktrees::setup::SetupState;
use git::{Gather, Gathered, LogEntry, Repository};
use protocol::log::Notice;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use workflow::{Ask, Commit, Failure, Input, Isolation, Session, SessionId, TurnId, WorkReport};

/// How large a file is whose conflict markers are shown.
const MAX_MARKED_BYTES: u64 = 16 * 1024 * 1024;
/// How many of a session's commits are looked through for files that they touch.
const COMMITS: usize = 500;
/// How many ignored files a notice names.
const MAX_NAMED: usize = 10;

pub(super) async fn perform(job: &Job<'_>, id: &SessionId, turn: &TurnId) -> Result<Done, Failure> {
    let app = job.app;
    let session = job.session(id)?;
    let project_repo =
        app.repositories.project_repo(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let run = app.store.session_run(id).await.map_err(|error| super::store_failure(&error))?;
    let branch = session.branch.clone().unwrap_or_else(|| job.task.session_branch(id, &session.name));
    // What the session began with is not its own work.
    let begun = run.and_then(|run| run.base).unwrap_or_else(|| job.task.branch());
    let base = app.repositories.base(&job.task.project, &job.task.base_branch).await;
    let base = base.map_err(|error| git_failure(&error))?.revision;
    let worktree = workdir(app.repositories.data_dir(), job.task, session);
    let setup = SetupState::read(&app.config.data_dir, &job.task.id, &worktree);
    let gather = Gather {
        worktree,
        branch: branch.clone(),
        upstream: vec![job.task.branch(), base, begun.clone()],
        saved: format!("refs/spectask/saved/{}/{id}", job.task.id),
        message: format!("{}\n\nSpecTask-Task: {}\nSpecTask-Session: {id}\n", session.name, job.task.id),
        author: crate::App::identity(),
        time_ms: now().0,
        effect: Some(job.trailer("work")),
        left_out: setup.map(|setup| setup.left_out()).unwrap_or_default(),
    };
    let in_conflict = match session.turn().map(|turn| &turn.ask) {
        Some(Ask::ResolveConflict { files, .. }) => files.clone(),
        _ => Vec::new(),
    };
    let sides: Vec<String> = [Some(job.task.branch()), session.last_commit.as_ref().map(ToString::to_string)]
        .into_iter()
        .flatten()
        .collect();
    let repository = project_repo.repository.clone();
    let left = blocking(move || {
        let gathered = match repository.gather(&gather) {
            Err(git::Error::Unmerged { path, files }) => {
                let details = shown(&marked(&path, &files));
                return Ok(Left::Unmerged { files, details });
            }
            gathered => gathered?,
        };
        let marked = committed_markers(&repository, &gathered, &sides, &in_conflict)?;
        if !marked.is_empty() {
            let files = marked.iter().map(|(file, _)| file.clone()).collect();
            return Ok(Left::Unmerged { files, details: shown(&marked) });
        }
        // A change that was reverted again is no work, however many commits it took.
        let made = if repository.has_same_files(&begun, &gathered.head.to_string())? {
            Vec::new()
        } else {
            repository.log(Some(&begun), &branch, COMMITS)?
        };
        Ok::<_, git::Error>(Left::Gathered { gathered, made })
    })
    .await?;
    let (gathered, mut made) = match left {
        Left::Gathered { gathered, made } => (gathered, made),
        Left::Unmerged { files, details } => {
            let (session, turn) = (id.clone(), turn.clone());
            return Ok(Done::Report(Input::MergeUnfinished { session, turn, files, details }));
        }
    };
    for anomaly in &gathered.anomalies {
        tracing::warn!(task = %job.task.id, session = %id, %anomaly, "a session left its worktree in an unusual state");
        add_notice(job, id, turn, anomaly.to_string()).await;
    }
    note_ignored(job, session, turn).await?;
    if progress::replace_link(app, &project_repo, job.task).await? {
        let text =
            "progress.md was replaced by a symbolic link, which is not followed; the file is put back.";
        add_notice(job, id, turn, text.to_owned()).await;
    }
    made.retain(|commit| !commit.files_touched.is_empty());
    let changed = !made.is_empty();
    let head = if job.task.isolation == Isolation::Shared && changed {
        // The others' commits are no evidence of this session's work.
        let attribution = Attribution::of(app, job.task, session).await;
        let attribution = attribution.map_err(|error| super::store_failure(&error))?;
        made.iter().find(|commit| attribution.is_own(commit)).map(|commit| commit.id)
    } else {
        Some(gathered.head)
    };
    let report = report(job, session).await?;
    Ok(Done::Report(Input::WorkCommitted {
        session: id.clone(),
        turn: turn.clone(),
        head: head.map(|head| Commit(head.to_string())),
        changed,
        report,
    }))
}

/// Returns what the session's agent reported as done; what it ticked in the documents' worktree is committed first.
async fn report(job: &Job<'_>, session: &Session) -> Result<WorkReport, Failure> {
    let checklist = match job.task.approved() {
        Some(_) => {
            progress::commit_ticks(job.app, job.task).await?;
            job.app.repositories.checklist(job.task).await.map_err(|error| git_failure(&error))?
        }
        None => None,
    };
    let said = session.last_words.as_deref().unwrap_or_default();
    let units = job.task.units_of(session);
    Ok(workflow::work_report(units, &checklist.unwrap_or_default(), &session.reported, &session.plan, said))
}

/// The state in which a turn left its worktree.
enum Left {
    Gathered {
        gathered: Gathered,
        /// The commits since the session began, newest first.
        made: Vec<LogEntry>,
    },
    /// A merge with files whose conflicts are not resolved.
    Unmerged { files: Vec<String>, details: String },
}

/// Returns the files of a conflict whose markers were committed: places that neither side of the merge has.
fn committed_markers(
    repository: &Repository,
    gathered: &Gathered,
    sides: &[String],
    files: &[String],
) -> Result<Vec<(String, Vec<String>)>, git::Error> {
    let mut marked = Vec::new();
    for file in files {
        let text = |rev: &str| -> Result<String, git::Error> {
            let bytes = repository.read(rev, file)?.unwrap_or_default();
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let mut places = places(&text(&gathered.head.to_string())?);
        if places.is_empty() {
            continue;
        }
        let before = sides.iter().map(|side| text(side)).collect::<Result<Vec<_>, _>>()?;
        places.retain(|place| is_whole(place) && !before.iter().any(|side| side.contains(place.as_str())));
        if !places.is_empty() {
            marked.push((file.clone(), places));
        }
    }
    Ok(marked)
}

/// Returns the files of a worktree with their places that have conflict markers.
fn marked(worktree: &Path, files: &[String]) -> Vec<(String, Vec<String>)> {
    let worktree = git::Dir::at(worktree);
    let read = |path: &String| {
        let bytes = match worktree.read(path, MAX_MARKED_BYTES) {
            Ok(git::Entry::File(bytes)) => bytes,
            Ok(_) | Err(_) => Vec::new(),
        };
        (path.clone(), places(&String::from_utf8_lossy(&bytes)))
    };
    files.iter().map(read).collect()
}

/// Places with conflict markers, as text for an agent or a person.
fn shown(marked: &[(String, Vec<String>)]) -> String {
    let mut text = String::new();
    for (path, places) in marked {
        let _ = writeln!(text, "### {path}: not resolved\n");
        for place in places {
            let _ = writeln!(text, "```\n{place}```\n");
        }
        if text.len() > DETAILS {
            text.truncate(text.floor_char_boundary(DETAILS));
            text.push_str("\n(the rest is left out)\n");
            break;
        }
    }
    text
}

/// Returns whether a place has both sides and its end, as git marks a conflict.
pub(super) fn is_whole(place: &str) -> bool {
    let begins = |marker: &str| place.lines().any(|line| line.starts_with(marker));
    begins("<<<<<<< ") && begins("=======") && begins(">>>>>>> ")
}

/// Returns the spans between conflict markers, including these.
fn places(text: &str) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    let mut is_inside = false;
    for line in text.lines() {
        if line.starts_with("<<<<<<<") {
            is_inside = true;
            places.push(String::new());
        }
        if let Some(place) = places.last_mut().filter(|_| is_inside) {
            place.push_str(line);
            place.push('\n');
        }
        is_inside &= !line.starts_with(">>>>>>>");
    }
    places
}

/// Names the files that the agent wrote and that ignore rules keep out of every commit. Build output is not among them:
/// only what the agent's own tool calls edited.
async fn note_ignored(job: &Job<'_>, session: &Session, turn: &TurnId) -> Result<(), Failure> {
    let edited = crate::projects::attribution::edited_in(job.app, job.task, session, turn).await;
    let edited = edited.map_err(|error| super::store_failure(&error))?;
    if edited.is_empty() {
        return Ok(());
    }
    let project_repo =
        job.app.repositories.project_repo(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let worktree = workdir(job.app.repositories.data_dir(), job.task, session);
    let ignored = blocking(move || project_repo.repository.ignored_files(&worktree, &edited)).await?;
    if let Some(text) = ignored_notice(&ignored) {
        add_notice(job, &session.id, turn, text).await;
    }
    Ok(())
}

fn ignored_notice(ignored: &[PathBuf]) -> Option<String> {
    let shown: Vec<String> = ignored.iter().take(MAX_NAMED).map(|file| file.display().to_string()).collect();
    let (names, more) = (shown.join(", "), ignored.len() - shown.len());
    let names = if more > 0 { format!("{names} and {more} more") } else { names };
    match ignored.len() {
        0 => None,
        1 => Some(format!(
            "{names} is not part of the change, because an ignore rule (.gitignore) matches it. To include it, change the \
             rule or run `git add --force`."
        )),
        _ => Some(format!(
            "These files are not part of the change, because ignore rules (.gitignore) match them: {names}. To include \
             them, change the rules or run `git add --force`."
        )),
    }
}

/// Adds a notice to the session's log. A log that cannot be written now is no reason to gather again.
async fn add_notice(job: &Job<'_>, id: &SessionId, turn: &TurnId, text: String) {
    let notice = Notice { text, turn_id: turn.to_string().into(), ..Notice::default() };
    match job.app.store.append_log(id, now(), vec![notice.into()]).await {
        Ok(rows) => job.app.feed.publish_log(id, rows),
        Err(error) => tracing::warn!(%error, session = %id, "could not write a notice into a session's log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_names_the_first_ignored_files() {
        assert_eq!(ignored_notice(&[]), None);
        let files: Vec<PathBuf> = (0..12).map(|number| PathBuf::from(format!("out/{number}.js"))).collect();
        let one = ignored_notice(&files[..1]).expect("a notice");
        assert!(one.starts_with("out/0.js is not part of the change"), "{one}");
        let all = ignored_notice(&files).expect("a notice");
        assert!(all.contains("out/8.js, out/9.js and 2 more. To include them"), "{all}");
    }
}
