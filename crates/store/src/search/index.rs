//! Writing the index, in steps of which each is whole or not there.

use super::passage::{self, EntryText, Passage};
use super::words::words;
use crate::connection::{Backend, Executor, Row, Transaction, Value};
use crate::logs::LogPage;
use crate::sql::{self, execute, from_json, number, row, rows, text};
use crate::{Revision, Store, StoreError};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use workflow::{SessionId, Task, TaskId, TaskMetrics};

/// How many entries of a log one step reads at most.
const STEP: u64 = 512;
/// The size of these entries in bytes from which on a step reads no further one.
const STEP_BYTES: u64 = 512 * 1024;
/// How much text one step writes, in bytes, about: what else waits for the database does not wait long.
const TEXT: usize = 256 * 1024;
/// PostgreSQL keeps no higher places of words.
const LAST_PLACE: usize = 16_383;
/// How far apart messages stand, so that no phrase reaches over.
const GAP: usize = 8;

/// Which passages a search may be about.
struct Scope {
    owner: String,
    project: String,
    task: TaskId,
}

/// A passage on its way into the index.
struct Entry {
    kind: &'static str,
    session: String,
    part: &'static str,
    is_open: bool,
    passage: Passage,
}

/// Returns the word by which the passages of an owner, a project, a task or a kind are found: no text has it.
pub(super) fn scope_word(what: char, id: &str) -> String {
    let id: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{what}{}", id.to_ascii_lowercase())
}

impl Store {
    /// Indexes what follows in a session's log; true while there is more.
    pub async fn index_log(&self, session: &SessionId) -> Result<bool, StoreError> {
        let sql = "SELECT t.id, t.owner, t.project FROM work_sessions w JOIN tasks t ON t.id = w.task WHERE w.id = ?";
        let Some(found) = row(&self.readers, sql, vec![session.as_str().into()]).await? else {
            return Ok(false);
        };
        let scope = read_scope(&found)?;
        let place = place(session);
        let reached = reached(&self.readers, &place).await?.map_or(0, |(value, _)| value);
        let sql = "SELECT from_number FROM search_passages WHERE task = ? AND session = ? AND is_open = 1";
        let values = vec![scope.task.as_str().into(), session.as_str().into()];
        let open =
            row(&self.readers, sql, values).await?.map(|row| number(&row, "from_number")).transpose()?;
        let after = open.map_or(reached, |from| (from - 1).min(reached));
        let [after, reached_number] = [after, reached].map(|number| u64::try_from(number).unwrap_or(0));
        let Some((texts, mut through)) = self.texts_to_index(session, after, reached_number).await? else {
            return Ok(false);
        };
        let mut has_more = through < self.log_tail(session).await?;
        let mut passages = passage::of_log(&texts);
        let mut size = 0;
        let fits = passages.iter().take_while(|passage| {
            let fits = size < TEXT;
            size += passage.text.len();
            fits
        });
        let fits = fits.count();
        if fits < passages.len() {
            passages.truncate(fits);
            through = passages.last().map_or(through, |passage| passage.to);
            has_more = true;
        }
        if i64::try_from(through).unwrap_or(i64::MAX) <= reached {
            return Ok(false);
        }
        // The last passage may grow.
        let last = passages.len().saturating_sub(1);
        let entry = |(at, passage): (usize, Passage)| Entry {
            kind: "transcript",
            session: session.to_string(),
            part: "",
            is_open: at == last,
            passage,
        };
        let entries: Vec<Entry> = passages.into_iter().enumerate().map(entry).collect();
        let session = session.clone();
        self.write(move |on| {
            Box::pin(async move {
                if !advance(on, &place, reached, through, 0).await? {
                    // Another process indexed it meanwhile.
                    return Ok(true);
                }
                // The passage that grows keeps its place among the results.
                let mut place = open_passage(on, &scope, &session).await?;
                if let Some(id) = place {
                    remove(on, "id = ?", vec![id.into()]).await?;
                }
                for entry in entries.iter().filter(|entry| entry.is_open || !entry.passage.text.is_empty()) {
                    put(on, &scope, entry, place.take()).await?;
                }
                Ok(has_more)
            })
        })
        .await
    }

    /// Reads what is indexed of a session's entries after a number, through one that follows `reached`, and that one's number;
    /// `None` when there is none.
    async fn texts_to_index(
        &self,
        session: &SessionId,
        after: u64,
        reached: u64,
    ) -> Result<Option<(Vec<EntryText>, u64)>, StoreError> {
        let (mut texts, mut after) = (Vec::new(), after);
        loop {
            let rows = self.read_log_page(session, LogPage { after, limit: STEP, bytes: STEP_BYTES }).await?;
            let Some(last) = rows.last() else { return Ok(None) };
            after = last.seq;
            texts.extend(rows.iter().map(EntryText::of));
            if after > reached {
                return Ok(Some((texts, after)));
            }
        }
    }

    /// Indexes a task with the documents it has, and folds its metrics.
    pub async fn index_task(&self, id: &TaskId) -> Result<(), StoreError> {
        let sql = "SELECT id, owner, project, version, state FROM tasks WHERE id = ?";
        let Some(found) = row(&self.readers, sql, vec![id.as_str().into()]).await? else { return Ok(()) };
        let scope = read_scope(&found)?;
        let version = sql::unsigned(&found, "version")?;
        let task: Task = from_json(&found, "state", "task")?;
        let revision = self.last_revision(id).await?;
        let place = format!("task/{id}");
        let known = reached(&self.readers, &place).await?;
        let metrics = self.task_metrics(&task).await?;
        // It is found by its ids as well, which no snippet shows.
        let text = format!("{}\n{id}\n{}", task_text(&task), task.shown_id());
        let hash = hash(&text, revision.as_ref(), &scope);
        let is_same = known.is_some_and(|(_, known)| known == hash);
        let before = known.map_or(-1, |(value, _)| value);
        self.write(move |on| {
            Box::pin(async move {
                if !advance(on, &place, before, version, hash).await? {
                    return Ok(());
                }
                put_task_metrics(on, &scope.task, &metrics).await?;
                if is_same {
                    return Ok(());
                }
                remove(on, "task = ? AND session = ''", vec![scope.task.as_str().into()]).await?;
                for entry in entries_of(&task, text, revision.as_ref()) {
                    put(on, &scope, &entry, None).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Returns a task's metrics through its last event.
    pub async fn task_metrics(&self, task: &Task) -> Result<TaskMetrics, StoreError> {
        let sql = "SELECT data FROM task_courses WHERE task = ?";
        let found = row(&self.readers, sql, vec![task.id.as_str().into()]).await?;
        let mut metrics: TaskMetrics =
            found.map_or(Ok(TaskMetrics::default()), |row| from_json(&row, "data", "task metrics"))?;
        metrics.set_stages(&task.stages);
        loop {
            let events = self.task_events(&task.id, metrics.seq, STEP).await?;
            for event in &events {
                metrics.fold(event.seq, event.at, &event.event);
            }
            if (events.len() as u64) < STEP {
                return Ok(metrics);
            }
        }
    }

    pub(super) async fn last_revision(&self, task: &TaskId) -> Result<Option<Revision>, StoreError> {
        let sql =
            "SELECT data FROM revisions WHERE task = ? ORDER BY round DESC, created_at DESC, id DESC LIMIT 1";
        let found = row(&self.readers, sql, vec![task.as_str().into()]).await?;
        found.map(|row| from_json(&row, "data", "revision")).transpose()
    }

    /// Takes out of the index what belongs to no task any more.
    pub(super) async fn forget_gone(&self) -> Result<(), StoreError> {
        let gone = "NOT EXISTS (SELECT 1 FROM tasks t WHERE t.id = search_passages.task)";
        let sql = format!("SELECT id FROM search_passages WHERE {gone} LIMIT 1");
        if row(&self.readers, &sql, Vec::new()).await?.is_none() {
            return Ok(());
        }
        self.write(move |on| {
            Box::pin(async move {
                remove(on, gone, Vec::new()).await?;
                execute(on, "DELETE FROM task_courses WHERE task NOT IN (SELECT id FROM tasks)", Vec::new())
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

fn read_scope(row: &Row) -> Result<Scope, StoreError> {
    Ok(Scope { owner: text(row, "owner")?, project: text(row, "project")?, task: text(row, "id")?.into() })
}

/// By which name it is remembered how far a log is indexed.
fn place(session: &SessionId) -> String {
    format!("log/{session}")
}

async fn reached(on: &impl Executor, place: &str) -> Result<Option<(i64, i64)>, StoreError> {
    let found = row(on, "SELECT value, hash FROM search_places WHERE name = ?", vec![place.into()]).await?;
    found.map(|row| Ok((number(&row, "value")?, number(&row, "hash")?))).transpose()
}

/// Moves the index's position forward; false when another process did meanwhile.
async fn advance(on: &impl Executor, place: &str, from: i64, to: u64, hash: i64) -> Result<bool, StoreError> {
    let sql = "INSERT INTO search_places (name, value, hash) VALUES (?, ?, ?) \
               ON CONFLICT (name) DO UPDATE SET value = excluded.value, hash = excluded.hash WHERE search_places.value = ?";
    let touched = execute(on, sql, vec![place.into(), sql::signed(to), hash.into(), from.into()]).await?;
    Ok(touched == 1)
}

async fn put_task_metrics(
    on: &impl Executor,
    task: &TaskId,
    metrics: &TaskMetrics,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO task_courses (task, data) VALUES (?, ?) \
               ON CONFLICT (task) DO UPDATE SET data = excluded.data";
    execute(on, sql, vec![task.as_str().into(), sql::json(metrics)]).await.map(|_| ())
}

/// Returns what people wrote of a task itself.
pub(super) fn task_text(task: &Task) -> String {
    let labels = task.labels.join(" ");
    let parts = [&task.name, &task.prompt, &task.description, &labels];
    let mut parts: Vec<&str> =
        parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    // A name is often the prompt's first words.
    if task.prompt.starts_with(task.name.trim_end_matches('…')) {
        parts.remove(0);
    }
    parts.join("\n")
}

/// Returns the documents of a round, by the names that they are searched by.
pub(super) fn documents(revision: &Revision) -> [(&'static str, &str); 3] {
    [("requirements", &revision.requirements), ("design", &revision.design), ("tasks", &revision.tasks)]
}

fn entries_of(task: &Task, text: String, revision: Option<&Revision>) -> Vec<Entry> {
    let entry = |kind, part, passage| Entry { kind, session: String::new(), part, is_open: false, passage };
    let whole = Passage { from: 1, to: 1, text, at: task.updated_at.0, ..Passage::default() };
    let mut entries = vec![entry("task", "", whole)];
    if let Some(revision) = revision {
        for (name, text) in documents(revision) {
            for passage in passage::of_document(text) {
                entries.push(entry("spec", name, Passage { at: revision.created_at.0, ..passage }));
            }
        }
    }
    entries
}

/// Returns what tells whether a task has other texts than those that are indexed.
fn hash(text: &str, revision: Option<&Revision>, scope: &Scope) -> i64 {
    let mut hasher = DefaultHasher::new();
    (text, &scope.owner, &scope.project).hash(&mut hasher);
    if let Some(revision) = revision {
        (revision.id.as_str(), documents(revision)).hash(&mut hasher);
    }
    i64::from_ne_bytes(hasher.finish().to_ne_bytes())
}

async fn open_passage(
    on: &impl Executor,
    scope: &Scope,
    session: &SessionId,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT id FROM search_passages WHERE task = ? AND session = ? AND is_open = 1";
    let found = row(on, sql, vec![scope.task.as_str().into(), session.as_str().into()]).await?;
    found.map(|row| number(&row, "id")).transpose()
}

async fn remove(on: &Transaction<'_>, condition: &str, values: Vec<Value>) -> Result<(), StoreError> {
    if on.backend() != Backend::Postgres {
        let ids = format!("SELECT id FROM search_passages WHERE {condition}");
        for found in rows(on, &ids, values.clone()).await? {
            execute(on, "DELETE FROM search_words WHERE rowid = ?", vec![number(&found, "id")?.into()])
                .await?;
        }
    }
    execute(on, &format!("DELETE FROM search_passages WHERE {condition}"), values).await.map(|_| ())
}

/// Puts a passage in, in the place of one that was there or after all others.
async fn put(
    on: &Transaction<'_>,
    scope: &Scope,
    entry: &Entry,
    place: Option<i64>,
) -> Result<(), StoreError> {
    let is_postgres = on.backend() == Backend::Postgres;
    let tags = [
        scope_word('o', &scope.owner),
        scope_word('p', &scope.project),
        scope_word('t', scope.task.as_str()),
        scope_word('k', entry.kind),
    ];
    let passage = &entry.passage;
    let mut columns = "kind, task, session, part, from_number, to_number, at, is_open".to_owned();
    let mut marks = "?, ?, ?, ?, ?, ?, ?, ?".to_owned();
    let mut values: Vec<Value> = vec![
        entry.kind.into(),
        scope.task.as_str().into(),
        entry.session.as_str().into(),
        entry.part.into(),
        sql::signed(passage.from),
        sql::signed(passage.to),
        passage.at.into(),
        i64::from(entry.is_open).into(),
    ];
    if is_postgres {
        columns.push_str(", words");
        marks.push_str(", CAST(CAST(? AS TEXT) AS TSVECTOR)");
        values.push(tsvector(passage, &tags).into());
    }
    if let Some(place) = place {
        columns.push_str(", id");
        marks.push_str(", ?");
        values.push(place.into());
    }
    let sql = format!("INSERT INTO search_passages ({columns}) VALUES ({marks}) RETURNING id");
    let Some(id) = row(on, &sql, values).await? else { return Ok(()) };
    if is_postgres {
        return Ok(());
    }
    let (words, compounds) = spaced(passage);
    let sql = "INSERT INTO search_words (rowid, scope, words, compounds) VALUES (?, ?, ?, ?)";
    let values = vec![number(&id, "id")?.into(), tags.join(" ").into(), words.into(), compounds.into()];
    execute(on, sql, values).await.map(|_| ())
}

/// Returns the words with spaces between them, and the compound ones; a mark that no query has stands where a message
/// begins.
fn spaced(passage: &Passage) -> (String, String) {
    let (mut plain, mut compounds) = (String::with_capacity(passage.text.len()), String::new());
    let mut breaks = passage.breaks.iter().peekable();
    for word in words(&passage.text) {
        while breaks.next_if(|at| **at <= word.start).is_some() {
            plain.push_str("¶ ");
        }
        let into = if word.is_compound { &mut compounds } else { &mut plain };
        into.push_str(&word.text);
        into.push(' ');
    }
    (plain, compounds)
}

/// Returns the words with their places, as PostgreSQL reads them.
fn tsvector(passage: &Passage, tags: &[String]) -> String {
    let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut breaks = passage.breaks.iter().peekable();
    let mut gap = 1;
    for word in words(&passage.text) {
        while breaks.next_if(|at| **at <= word.start).is_some() {
            gap += GAP;
        }
        places.entry(word.text).or_default().push((word.place + gap).min(LAST_PLACE));
    }
    let mut vector = String::with_capacity(passage.text.len());
    for (word, at) in places {
        let at: Vec<String> = at.into_iter().take(255).map(|place| place.to_string()).collect();
        // Words have letters and digits only, so that nothing in the quotes ends them.
        let _ = write!(vector, "'{word}':{} ", at.join(","));
    }
    for tag in tags {
        let _ = write!(vector, "'={tag}' ");
    }
    vector
}
