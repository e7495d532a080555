//! Makes a fresh database from git alone: every project, task, session, conversation and review that the record has.

use crate::agents::attachments::{id_of, name_problem};
use crate::clock::{Ulids, now};
use crate::insight::indexer;
use crate::notifications::updates;
use crate::projects::samples;
use crate::settings::config::{Config, NetworkMode};
use crate::settings::data_dir::{DataDir, Database};
use crate::settings::owner;
use crate::settings::project::{ProjectSettings, UNCONFIRMED};
use crate::settings::project_file::{TRUSTED, TRUSTED_LIMITS};
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git::{Git, Repository, Settings};
use protocol::Attachment;
use protocol::words::InstanceStatus;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use store::{
    AttachmentRow, InstanceRow, LogRow, LoggedEvent, Outcome, Project, RebuiltTask, Recorded, Revision,
    SessionRun, Store, StoreError, User,
};
use workflow::records::attachments::{self, AttachmentRecord};
use workflow::records::{
    Unreadable, conversation, events, instances, metadata, paths, projects, rounds, threads,
};
use workflow::{Context, Event, Input, InstanceId, Millis, SessionId, Task, TaskId};

/// The result of a rebuild.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    pub projects: usize,
    pub tasks: usize,
    pub events: usize,
    pub entries: usize,
    pub attachments: usize,
    /// Damaged data that was left out, as sentences.
    pub left_out: Vec<String>,
    /// Changes in the record that could be read all the same, as sentences.
    pub changed: Vec<String>,
    /// The commands that the record names; they do not run before a person confirms them.
    pub commands: Vec<String>,
}

/// How a database is rebuilt.
#[derive(Clone, Debug)]
pub struct Options {
    /// The branch that holds the record.
    pub branch: String,
    /// Whether the record's commands run without being confirmed.
    pub trust_commands: bool,
}

/// Fills the database of a configuration, which must be empty, from repositories.
pub async fn rebuild(
    config: &Config,
    repositories: &[PathBuf],
    options: &Options,
) -> anyhow::Result<Rebuilt> {
    // Held until everything is written: no server may run on it meanwhile.
    let directory = DataDir::open(&config.data_dir)?;
    samples::write_scenarios(&config.data_dir.join("scenarios")).context("cannot write the scenarios")?;
    let git = Git::new(Settings { git_binary: None, identity: crate::App::identity() })
        .context("cannot use git; install it (Debian: apt-get install git)")?;
    let mut records = Vec::new();
    for path in repositories {
        records.push(Record::open(&git, path, options)?);
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
        Box::pin(record.restore(&store, &mut rebuilt)).await?;
    }
    indexer::catch_up(&store).await.context("cannot fill the index of the search")?;
    store.end_rebuild().await.context("cannot write the database")?;
    store.close().await;
    directory.note_database(&Database::of(config))?;
    Ok(rebuilt)
}

/// The record in one repository.
struct Record {
    repository: Repository,
    path: PathBuf,
    /// The branch's tip: everything is read from this commit.
    tip: String,
    /// Commits that have a file as it was before a later one rewrote it, newest first.
    before: BTreeMap<String, Vec<git::Rewritten>>,
    trust_commands: bool,
}

impl Record {
    fn open(git: &Git, path: &Path, options: &Options) -> anyhow::Result<Self> {
        let branch = options.branch.as_str();
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
        let tip = tip.to_string();
        let mut before: BTreeMap<String, Vec<git::Rewritten>> = BTreeMap::new();
        for rewritten in repository.rewritten(&tip, &paths::only_grows)? {
            before.entry(rewritten.path.clone()).or_default().push(rewritten);
        }
        Ok(Self { repository, path, tip, before, trust_commands: options.trust_commands })
    }

    async fn restore(&self, store: &Store, rebuilt: &mut Rebuilt) -> anyhow::Result<()> {
        let files = self.repository.list(&self.tip, "sessions")?;
        let tasks: BTreeSet<TaskId> =
            files.iter().filter_map(|file| recorded_task(file)).map(TaskId::from).collect();
        for file in self.repository.list(&self.tip, "projects")? {
            let record = self.text(&file).and_then(|text| {
                projects::parse(&text.unwrap_or_default()).with_context(|| self.place(&file))
            });
            match record {
                Ok(record) => {
                    self.restore_project(store, record, rebuilt).await?;
                    rebuilt.projects += 1;
                }
                Err(error) => rebuilt.left_out.push(format!("{error:#}")),
            }
        }
        for (path, rewritten) in &self.before {
            if let Some(id) = recorded_task(path).filter(|id| !tasks.contains(&TaskId::from(*id))) {
                let by = rewritten.first().map(|one| one.commit.to_string()).unwrap_or_default();
                rebuilt.left_out.push(format!("the task {id}, whose record commit {by} deleted"));
            }
        }
        for id in tasks {
            let mut task = match self.task(&id, rebuilt) {
                Ok(task) => task,
                Err(error) => {
                    rebuilt.left_out.push(format!("the task {id}: {error:#}"));
                    continue;
                }
            };
            if store.project(&task.task.project).await?.is_none() {
                rebuilt
                    .left_out
                    .push(format!("the task {id}, whose project {} has no record", task.task.project));
                continue;
            }
            for command in task.task.template.iter().flat_map(|template| &template.checks) {
                add_command(rebuilt, command);
            }
            if store.task(&id).await?.is_some() {
                rebuilt
                    .left_out
                    .push(format!("the task {id} in {}, which is there already", self.path.display()));
                continue;
            }
            let mut logs = Vec::new();
            for session in &task.task.sessions {
                let last = self.restore_conversation(store, &id, &session.id, rebuilt).await;
                let last = last.with_context(|| format!("cannot write task {id}"))?;
                logs.push((session.id.clone(), last));
            }
            let attachments = self.restore_attachments(store, &id, rebuilt).await;
            let attachments = attachments.with_context(|| format!("cannot write task {id}"))?;
            let events = task.events.len();
            task.next = next(&task.task);
            let recorded = Recorded {
                task: id.clone(),
                at: now(),
                commit: self.tip.clone(),
                events: task.events.last().map_or(0, |event| event.seq),
                logs,
                attachments,
            };
            store.put_rebuilt(task).await.with_context(|| format!("cannot write task {id}"))?;
            store.put_recorded(recorded).await.with_context(|| format!("cannot write task {id}"))?;
            rebuilt.tasks += 1;
            rebuilt.events += events;
        }
        Ok(())
    }

    async fn restore_project(
        &self,
        store: &Store,
        mut record: projects::ProjectRecord,
        rebuilt: &mut Rebuilt,
    ) -> anyhow::Result<()> {
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
        let settings = ProjectSettings::read(&record.settings);
        settings
            .setup_command
            .iter()
            .chain(&settings.teardown_command)
            .chain(&settings.checks)
            .chain(&settings.test_command)
            .for_each(|command| add_command(rebuilt, command));
        // Anyone who could write to the record could have written these, whatever the record says of it.
        if let Some(fields) = record.settings.as_object_mut() {
            fields.remove(TRUSTED);
            fields.remove(TRUSTED_LIMITS);
            if self.trust_commands {
                fields.remove(UNCONFIRMED);
            } else {
                fields.insert(UNCONFIRMED.to_owned(), true.into());
                // Neither opens the network what is not confirmed.
                fields.remove("network_allow");
                if fields.get("network").is_some_and(|mode| mode == NetworkMode::Open.as_str()) {
                    fields.remove("network");
                }
            }
        }
        let project = Project {
            id: record.id,
            owner: record.owner,
            name: record.name,
            key: record.key,
            repository_path: self.path.to_string_lossy().into_owned(),
            clone_url: record.clone_url,
            default_branch: record.default_branch,
            settings: record.settings,
            created_at: record.created_at,
            updated_at: record.updated_at,
        };
        let known = project.clone();
        match store.put_project(project).await {
            // Records of two databases may have the same key.
            Err(StoreError::KeyTaken { .. }) => {
                store.put_project(Project { key: String::new(), ..known }).await.map(|_| ())
            }
            put => put.map(|_| ()),
        }
        .context("cannot write a project")
    }

    /// Returns a task as its files give it back. What is damaged of it is left out and told.
    pub(crate) fn task(&self, id: &TaskId, rebuilt: &mut Rebuilt) -> anyhow::Result<RebuiltTask> {
        let lines = self.longest(&paths::events(id), rebuilt, &events::parse_prefix)?;
        let mut task = events::fold(&lines).with_context(|| {
            format!("{}: it does not begin with the task's creation", self.place(&paths::events(id)))
        })?;
        anyhow::ensure!(task.id == *id, "its record is a copy of that of the task {}", task.id);
        if task.short_id.is_none() {
            // The events of a task of an earlier version do not have it.
            task.short_id = self
                .text(&crate::projects::repositories::document(id, "spec-metadata.json"))
                .ok()
                .flatten()
                .and_then(|text| metadata::short_id(&text));
        }
        let mut runs = Vec::new();
        for session in &task.sessions {
            match self.run(id, &session.id) {
                Ok(run) => runs.extend(run.map(|run| (session.id.clone(), run))),
                Err(error) => rebuilt.left_out.push(format!("the thread of {}: {error:#}", session.id)),
            }
        }
        let revisions = self.revisions(id, &lines).unwrap_or_else(|error| {
            rebuilt.left_out.push(format!("the review rounds of {id}: {error:#}"));
            Vec::new()
        });
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
        let instance = self.instance(&task).unwrap_or_else(|error| {
            rebuilt.left_out.push(format!("the agent instance of {id}: {error:#}"));
            None
        });
        Ok(RebuiltTask { task, events, logs: Vec::new(), revisions, runs, instance, next: None })
    }

    /// Writes the entries of a session's conversation, one of its files after the other, and returns the last number.
    async fn restore_conversation(
        &self,
        store: &Store,
        task: &TaskId,
        session: &SessionId,
        rebuilt: &mut Rebuilt,
    ) -> anyhow::Result<u64> {
        if store.task_of_session(session).await?.is_some() {
            rebuilt.left_out.push(format!("the conversation of {session}, which another task has already"));
            return Ok(0);
        }
        store.clear_rebuilt_log(session).await?;
        let mut last = 0;
        for part in 1.. {
            let entries = match self.conversation_part(task, session, (part, last), rebuilt) {
                Ok(Some(entries)) => entries,
                Ok(None) => break,
                Err(error) => {
                    rebuilt.left_out.push(format!("the conversation of {session}: {error:#}"));
                    break;
                }
            };
            last = entries.last().map_or(last, |entry| entry.seq);
            rebuilt.entries += entries.len();
            let row =
                |entry: conversation::Entry| LogRow { seq: entry.seq, at: entry.at, entry: entry.entry };
            store.put_rebuilt_log(session, entries.into_iter().map(row).collect()).await?;
        }
        Ok(last)
    }

    /// Writes the files of a task, and returns their ids.
    async fn restore_attachments(
        &self,
        store: &Store,
        task: &TaskId,
        rebuilt: &mut Rebuilt,
    ) -> anyhow::Result<Vec<String>> {
        let path = paths::attachments(task);
        let mut records: BTreeMap<String, AttachmentRecord> = BTreeMap::new();
        for record in self.longest(&path, rebuilt, &attachments::parse_prefix)? {
            records.insert(record.attachment.id.clone(), record);
        }
        let mut restored = Vec::new();
        for (id, AttachmentRecord { attachment, session, of_prompt, at }) in records {
            let content = match self.attachment(task, &attachment) {
                Ok(content) => content,
                Err(error) => {
                    rebuilt.left_out.push(format!("an attached file of {task}: {error:#}"));
                    continue;
                }
            };
            let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
            let (attachment, content) = (Attachment { size, ..attachment }, STANDARD.encode(content));
            store
                .put_attachment(AttachmentRow {
                    task: task.clone(),
                    attachment,
                    session,
                    of_prompt,
                    content,
                    at,
                })
                .await?;
            restored.push(id);
        }
        rebuilt.attachments += restored.len();
        Ok(restored)
    }

    /// Returns the content of an attached file: as it is, or as it was before a commit changed it.
    fn attachment(&self, task: &TaskId, attachment: &Attachment) -> anyhow::Result<Vec<u8>> {
        let Attachment { id, name, media_type, .. } = attachment;
        if let Some(problem) = name_problem(name) {
            anyhow::bail!("its name {name:?} {problem}");
        }
        let path = paths::attachment(task, id, name);
        let earlier = self.before.get(&path).into_iter().flatten().map(|one| one.before.to_string());
        for commit in std::iter::once(self.tip.clone()).chain(earlier) {
            if let Some(content) = self.repository.read(&commit, &path)?
                && id_of(name, media_type, &content) == *id
            {
                return Ok(content);
            }
        }
        anyhow::bail!("{path} is missing or is not what was attached")
    }

    /// Returns the entries of a file of a session's conversation, given by its number and that of the entry before it;
    /// none when there is no such file.
    fn conversation_part(
        &self,
        task: &TaskId,
        session: &SessionId,
        (part, after): (u32, u64),
        rebuilt: &mut Rebuilt,
    ) -> anyhow::Result<Option<Vec<conversation::Entry>>> {
        let path = paths::conversation(task, session, part);
        let is_there = self.before.contains_key(&path) || self.repository.size(&self.tip, &path)?.is_some();
        if part > 1 && !is_there {
            return Ok(None);
        }
        self.longest(&path, rebuilt, &|text| conversation::parse_prefix(text, after)).map(Some)
    }

    /// Returns the agent that served a task. Its processes are gone.
    fn instance(&self, task: &Task) -> anyhow::Result<Option<InstanceRow>> {
        let path = paths::instance(&task.id);
        let Some(text) = self.text(&path)? else { return Ok(None) };
        let record = instances::parse(&text).with_context(|| self.place(&path))?;
        let status = match record.status.parse() {
            Ok(InstanceStatus::Active) if !task.holds_instance() => InstanceStatus::Completed,
            Ok(InstanceStatus::Active) | Err(_) => InstanceStatus::Disconnected,
            Ok(status) => status,
        };
        Ok(Some(InstanceRow {
            id: InstanceId::of(&task.id),
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

    /// Returns what is known of a session's run.
    fn run(&self, task: &TaskId, session: &SessionId) -> anyhow::Result<Option<SessionRun>> {
        let path = paths::thread(task, session);
        let Some(text) = self.text(&path)? else { return Ok(None) };
        let thread = threads::parse(&text).with_context(|| self.place(&path))?;
        Ok(Some(SessionRun {
            agent_sessions: thread.agent_sessions,
            workspace_path: thread.workspace_path,
            base: thread.base,
            thread_opened: thread.opened,
            thread_closed: thread.closed,
            thread_config: thread.config,
            last_activity: thread.last_activity,
        }))
    }

    /// Returns the items of a file that only grows: of the branch's tip, or of the commit before one that took some
    /// away.
    fn longest<T>(
        &self,
        path: &str,
        rebuilt: &mut Rebuilt,
        parse: &dyn Fn(&str) -> Prefix<T>,
    ) -> anyhow::Result<Vec<T>> {
        let read = |commit: &str| -> anyhow::Result<Prefix<T>> {
            let bytes = self.repository.read(commit, path)?.unwrap_or_default();
            // What is no text is where the damage begins.
            let text = match std::str::from_utf8(&bytes) {
                Ok(text) => text.to_owned(),
                Err(error) => {
                    String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned() + "\n\u{fffd}\n"
                }
            };
            Ok(parse(&text))
        };
        let (mut items, mut wrong) = read(&self.tip)?;
        for rewritten in self.before.get(path).into_iter().flatten() {
            let (earlier, error) = read(&rewritten.before.to_string())?;
            let lost = earlier.len().saturating_sub(items.len());
            let what = if lost > 0 {
                format!("{lost} of its items were taken away, and are read as they were before")
            } else {
                "what it had was changed, and is read as it is".to_owned()
            };
            rebuilt.changed.push(format!("{path}: commit {} rewrote it; {what}", rewritten.commit));
            if lost > 0 {
                (items, wrong) = (earlier, error);
            }
        }
        if let Some(error) = wrong {
            let kept = items.len();
            rebuilt.left_out.push(format!(
                "{}: line {}: {}; the {kept} items before it are rebuilt",
                self.place(path),
                error.line,
                error.reason
            ));
        }
        Ok(items)
    }

    /// Returns the rounds of documents, with their texts from the branch's history and what was decided about them.
    fn revisions(&self, task: &TaskId, lines: &[events::Line]) -> anyhow::Result<Vec<Revision>> {
        let path = paths::rounds(task);
        let text = self.text(&path)?.unwrap_or_default();
        let mut revisions = Vec::new();
        for round in rounds::parse(&text).with_context(|| self.place(&path))? {
            let document = |name: &str| -> anyhow::Result<String> {
                let bytes = self
                    .repository
                    .read(&round.commit.0, &crate::projects::repositories::document(task, name))?;
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

    /// Returns how a file is named to people.
    fn place(&self, file: &str) -> String {
        format!("the record {file} in {} cannot be read", self.path.display())
    }
}

/// The items of a file up to the first that cannot be read, and what is wrong with that one.
type Prefix<T> = (Vec<T>, Option<Unreadable>);

/// Returns the task whose events a file has.
fn recorded_task(path: &str) -> Option<&str> {
    let id = path.strip_prefix("sessions/")?.strip_suffix("/events.jsonl")?;
    Some(id).filter(|id| !id.contains('/'))
}

fn add_command(rebuilt: &mut Rebuilt, command: &str) {
    if !rebuilt.commands.iter().any(|known| known == command) {
        rebuilt.commands.push(command.to_owned());
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

/// Returns what a task does next whose work was under way.
fn next(task: &Task) -> Option<Outcome> {
    let mut ids = Ulids;
    let step = task.handle(Input::Rebuilt, &mut Context { now: now(), ids: &mut ids }).ok()?;
    let feed = updates::of(Some(task), &step, &[]);
    let logs = updates::log_entries(&step);
    // The next start of the server brings the inbox up to date.
    Some(Outcome { step, feed, logs, deliveries: Vec::new() })
}
