//! Makes a fresh database from git alone: every project, task, session, conversation and review that the record has.

use crate::clock::{Ulids, now};
use crate::config::Config;
use crate::instances::instance_id;
use crate::{indexer, news, owner, samples};
use anyhow::Context as _;
use git::{Git, Repository, Settings};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use store::{
    InstanceRow, LogRow, LoggedEvent, Outcome, Project, RebuiltTask, Recorded, Revision, SessionRun, Store,
    User,
};
use workflow::records::{conversation, events, instances, paths, projects, rounds, threads};
use workflow::{Context, Event, Input, Millis, SessionId, Task, TaskId};

/// What was rebuilt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    pub projects: usize,
    pub tasks: usize,
    pub events: usize,
    pub entries: usize,
}

/// Fills the database of a configuration, which must be empty, from repositories.
pub async fn rebuild(config: &Config, repositories: &[PathBuf], branch: &str) -> anyhow::Result<Rebuilt> {
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("cannot make the data directory {}", config.data_dir.display()))?;
    samples::write_scenarios(&config.data_dir.join("scenarios")).context("cannot write the scenarios")?;
    let git = Git::new(Settings { git_binary: None, identity: crate::App::identity() })
        .context("cannot use git; install it (Debian: apt-get install git)")?;
    let mut records = Vec::new();
    for path in repositories {
        records.push(Record::open(&git, path, branch)?);
    }
    let store = Store::open(&config.database()).await.context("cannot open the database")?;
    if !store.begin_rebuild().await.context("cannot write the database")? {
        anyhow::bail!(
            "the database in {} has projects or tasks already, and nothing was changed; a database is rebuilt only where there is \
             none: choose another --data-dir, or move this one away",
            config.data_dir.display()
        );
    }
    let mut rebuilt = Rebuilt::default();
    for record in &records {
        record.restore(&store, &mut rebuilt).await?;
    }
    indexer::catch_up(&store).await.context("cannot fill the index of the search")?;
    store.end_rebuild().await.context("cannot write the database")?;
    store.close().await;
    Ok(rebuilt)
}

/// The record in one repository.
struct Record {
    repository: Repository,
    path: PathBuf,
    /// The branch's tip: everything is read from this commit.
    tip: String,
}

impl Record {
    fn open(git: &Git, path: &Path, branch: &str) -> anyhow::Result<Self> {
        let path =
            path.canonicalize().with_context(|| format!("there is no repository {}", path.display()))?;
        let repository =
            git.open(&path).with_context(|| format!("cannot open the repository {}", path.display()))?;
        let tip = repository.resolve(branch)?;
        // A fresh clone has the branch only as its remote's.
        let tip = match tip {
            Some(tip) => Some(tip),
            None => repository.resolve(&format!("refs/remotes/origin/{branch}"))?,
        };
        let tip = tip.with_context(|| {
            format!("{} has no branch {branch}; --branch names another one", path.display())
        })?;
        if repository.resolve(&format!("refs/heads/{branch}"))?.is_none() {
            repository.create_branch(branch, &tip.to_string())?;
        }
        Ok(Self { repository, path, tip: tip.to_string() })
    }

    async fn restore(&self, store: &Store, rebuilt: &mut Rebuilt) -> anyhow::Result<()> {
        let files = self.repository.list(&self.tip, "sessions")?;
        let tasks: BTreeSet<TaskId> = files
            .iter()
            .filter_map(|file| file.strip_prefix("sessions/")?.strip_suffix("/events.jsonl"))
            .filter(|task| !task.contains('/'))
            .map(TaskId::from)
            .collect();
        for file in self.repository.list(&self.tip, "projects")? {
            let text = self.text(&file)?.unwrap_or_default();
            let record = projects::parse(&text).with_context(|| self.place(&file))?;
            self.restore_project(store, record).await?;
            rebuilt.projects += 1;
        }
        for id in tasks {
            let mut task = self.task(&id)?;
            rebuilt.tasks += 1;
            rebuilt.events += task.events.len();
            rebuilt.entries += task.logs.iter().map(|(_, rows)| rows.len()).sum::<usize>();
            task.next = next(&task.task);
            let recorded = Recorded {
                task: id.clone(),
                at: now(),
                commit: self.tip.clone(),
                events: task.events.last().map_or(0, |event| event.seq),
                logs: task
                    .logs
                    .iter()
                    .map(|(session, rows)| (session.clone(), rows.last().map_or(0, |row| row.seq)))
                    .collect(),
            };
            store.put_rebuilt(task).await.with_context(|| format!("cannot write task {id}"))?;
            store.put_recorded(recorded).await.with_context(|| format!("cannot write task {id}"))?;
        }
        Ok(())
    }

    async fn restore_project(&self, store: &Store, record: projects::ProjectRecord) -> anyhow::Result<()> {
        if store.user(&record.owner).await?.is_none() {
            let role = if record.owner.as_str() == owner::OWNER { "owner" } else { "member" };
            store
                .put_user(User {
                    id: record.owner.clone(),
                    name: record.owner_name,
                    roles: vec![role.to_owned()],
                    created_at: record.created_at,
                })
                .await?;
        }
        let project = Project {
            id: record.id,
            owner: record.owner,
            name: record.name,
            repository_path: self.path.to_string_lossy().into_owned(),
            clone_url: record.clone_url,
            default_branch: record.default_branch,
            settings: record.settings,
            created_at: record.created_at,
            updated_at: record.updated_at,
        };
        store.put_project(project).await.context("cannot write a project")
    }

    /// A task as its files give it back.
    fn task(&self, id: &TaskId) -> anyhow::Result<RebuiltTask> {
        let path = paths::events(id);
        let text = self.text(&path)?.unwrap_or_default();
        let lines = events::parse(&text).with_context(|| self.place(&path))?;
        let task = events::fold(&lines)
            .with_context(|| format!("{}: it does not begin with the task's creation", self.place(&path)))?;
        let mut logs = Vec::new();
        let mut runs = Vec::new();
        for session in &task.sessions {
            logs.push((session.id.clone(), self.log(id, &session.id)?));
            let path = paths::thread(id, &session.id);
            if let Some(text) = self.text(&path)? {
                let thread = threads::parse(&text).with_context(|| self.place(&path))?;
                let run = SessionRun {
                    agent_sessions: thread.agent_sessions,
                    workspace_path: thread.workspace_path,
                    base: thread.base,
                    thread_opened: thread.opened,
                    thread_closed: thread.closed,
                    thread_config: thread.config,
                    last_activity: thread.last_activity,
                };
                runs.push((session.id.clone(), run));
            }
        }
        let revisions = self.revisions(id, &lines)?;
        let events = lines
            .into_iter()
            .map(|line| LoggedEvent {
                seq: line.seq,
                id: LoggedEvent::identity(id, line.seq),
                at: line.at,
                version: line.version,
                event: line.event,
            })
            .collect();
        let instance = self.instance(&task)?;
        Ok(RebuiltTask { task, events, logs, revisions, runs, instance, next: None })
    }

    /// The agent that served a task. Its processes are gone.
    fn instance(&self, task: &Task) -> anyhow::Result<Option<InstanceRow>> {
        let path = paths::instance(&task.id);
        let Some(text) = self.text(&path)? else { return Ok(None) };
        let record = instances::parse(&text).with_context(|| self.place(&path))?;
        let status = match record.status.as_str() {
            "active" if task.holds_instance() => "disconnected".to_owned(),
            "active" => "completed".to_owned(),
            _ => record.status,
        };
        Ok(Some(InstanceRow {
            id: instance_id(&task.id),
            task: task.id.clone(),
            status,
            agent: record.agent,
            pid: None,
            processes: Vec::new(),
            start_time: None,
            restarts: record.restarts,
            started_at: record.started_at,
            last_activity: record.last_activity,
            project_path: None,
        }))
    }

    fn log(&self, task: &TaskId, session: &SessionId) -> anyhow::Result<Vec<LogRow>> {
        let path = paths::conversation(task, session);
        let text = self.text(&path)?.unwrap_or_default();
        let entries = conversation::parse(&text).with_context(|| self.place(&path))?;
        Ok(entries
            .into_iter()
            .map(|entry| LogRow { seq: entry.seq, at: entry.at, entry: entry.entry })
            .collect())
    }

    /// The rounds of documents, with their texts from the branch's history and what was decided about them.
    fn revisions(&self, task: &TaskId, lines: &[events::Line]) -> anyhow::Result<Vec<Revision>> {
        let path = paths::rounds(task);
        let text = self.text(&path)?.unwrap_or_default();
        let mut revisions = Vec::new();
        for round in rounds::parse(&text).with_context(|| self.place(&path))? {
            let document = |name: &str| -> anyhow::Result<String> {
                let bytes =
                    self.repository.read(&round.commit.0, &crate::repositories::document(task, name))?;
                Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default())
            };
            revisions.push(Revision {
                requirements: document("requirements.md")?,
                design: document("design.md")?,
                tasks: document("tasks.md")?,
                id: round.id,
                task: task.clone(),
                round: round.round,
                commit: round.commit,
                hash: round.hash,
                created_at: round.created_at,
                reviewer: None,
                decision: None,
                comments: None,
                changes: Vec::new(),
                decided_at: None,
                edited_by: round.edited_by,
            });
        }
        for line in lines {
            decide(&mut revisions, line.at, &line.event);
        }
        Ok(revisions)
    }

    fn text(&self, path: &str) -> anyhow::Result<Option<String>> {
        let bytes = self.repository.read(&self.tip, path)?;
        bytes.map(|bytes| String::from_utf8(bytes).with_context(|| self.place(path))).transpose()
    }

    /// How a file is named to people.
    fn place(&self, file: &str) -> String {
        format!("the record {file} in {} cannot be read", self.path.display())
    }
}

/// A decision is about the last content of its round, as it was at that time.
fn decide(revisions: &mut [Revision], at: Millis, event: &Event) {
    let Event::SpecsReviewed { decision, by, comments, changes, round, points: _ } = event else { return };
    let about = revisions
        .iter_mut()
        .filter(|revision| revision.round == *round && revision.created_at <= at)
        .max_by_key(|revision| (revision.created_at, revision.id.clone()));
    if let Some(revision) = about {
        revision.reviewer = Some(by.clone());
        revision.decision = Some(*decision);
        revision.comments = Some(comments.clone());
        revision.changes.clone_from(changes);
        revision.decided_at = Some(at);
    }
}

/// What a task does next whose work was under way.
fn next(task: &Task) -> Option<Outcome> {
    let mut ids = Ulids;
    let step = task.handle(Input::Rebuilt, &mut Context { now: now(), ids: &mut ids }).ok()?;
    let feed = news::of(Some(task), &step);
    let logs = news::log_entries(&step);
    Some(Outcome { step, feed, logs })
}
