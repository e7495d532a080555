//! Finding what was indexed.

use super::index::{documents, scope_word, task_text};
use super::passage::{self, EntryText, Passage};
use super::query::Query;
use super::snippet::{Segment, snippet};
use crate::connection::{Backend, Executor as _, Pool, Row, Transaction, Value};
use crate::sql::{self, from_json, number, rows, text};
use crate::{Revision, Store, StoreError};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use workflow::{Millis, ProjectId, SessionId, Task, TaskId, UserId};

/// How many of the newest passages with the words are found, of logs and of everything else each: how long a search for
/// a common word takes does not grow with what there is.
const NEWEST: i64 = 1_000;

/// The texts to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Names, prompts, descriptions and labels.
    Task,
    /// Requirements, design and plan.
    Spec,
    /// Messages and tool calls of sessions.
    Transcript,
}

/// The search terms and the scope of a search.
#[derive(Clone, Debug)]
pub struct SearchFilter {
    pub owner: UserId,
    pub query: Query,
    /// Absent is everything.
    pub source: Option<Source>,
    pub project: Option<ProjectId>,
    pub task: Option<TaskId>,
    /// Whether archived tasks are searched as well.
    pub archived: bool,
    pub limit: u64,
    /// Where the page before ended.
    pub after: Option<SearchPlace>,
}

/// A place in a list of results: what was indexed later is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchPlace {
    newest: i64,
    skip: u64,
}

/// A page of results, best first.
#[derive(Clone, Debug)]
pub struct Searched {
    pub hits: Vec<Hit>,
    /// How many can be paged through.
    pub total: u64,
    pub next: Option<SearchPlace>,
}

/// Something found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub source: Source,
    pub task: TaskId,
    pub short_id: String,
    pub task_name: String,
    pub project: ProjectId,
    /// The session whose log it is in.
    pub session: Option<SessionId>,
    /// The entry of the log.
    pub seq: Option<u64>,
    /// `requirements`, `design` or `tasks`.
    pub document: Option<String>,
    /// The line of the document, from 1.
    pub line: Option<u64>,
    pub snippet: Vec<Segment>,
    /// Higher is better; of the same rank the newest comes first.
    pub rank: f64,
    pub at: Millis,
}

/// A passage that has the words, without its text.
struct Candidate {
    id: i64,
    hit: Hit,
    from: u64,
    to: u64,
}

impl SearchPlace {
    /// Reads a place from what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (newest, skip) = text.split_once('-')?;
        Some(Self { newest: newest.parse().ok()?, skip: skip.parse().ok()? })
    }
}

impl fmt::Display for SearchPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.newest, self.skip)
    }
}

impl Source {
    pub const ALL: [Self; 3] = [Self::Task, Self::Spec, Self::Transcript];

    /// Returns the word clients know.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Spec => "spec",
            Self::Transcript => "transcript",
        }
    }

    /// Returns how much more a result of this kind says than one in a log.
    fn weight(self) -> f64 {
        match self {
            Self::Task => 3.0,
            Self::Spec => 1.5,
            Self::Transcript => 1.0,
        }
    }
}

impl Store {
    /// Returns a page of what was found.
    pub async fn search(&self, filter: &SearchFilter) -> Result<Searched, StoreError> {
        let SearchPlace { newest, skip } = filter.after.unwrap_or(SearchPlace { newest: i64::MAX, skip: 0 });
        let mut found = Vec::new();
        if !filter.query.is_empty() {
            for sources in [&[Source::Task, Source::Spec][..], &[Source::Transcript]] {
                let sources: Vec<Source> = sources
                    .iter()
                    .copied()
                    .filter(|source| filter.source.is_none_or(|wanted| wanted == *source))
                    .collect();
                if !sources.is_empty() {
                    found.extend(self.candidates(filter, &sources, newest).await?);
                }
            }
        }
        found.sort_by(|a, b| {
            b.hit.rank.total_cmp(&a.hit.rank).then(b.hit.at.cmp(&a.hit.at)).then(b.id.cmp(&a.id))
        });
        let total = found.len() as u64;
        let newest =
            if newest == i64::MAX { found.iter().map(|one| one.id).max().unwrap_or(0) } else { newest };
        let (from, limit) = (usize::try_from(skip), usize::try_from(filter.limit));
        let page = found.into_iter().skip(from.unwrap_or(usize::MAX)).take(limit.unwrap_or(usize::MAX));
        let mut texts = Texts { store: self, tasks: HashMap::new(), revisions: HashMap::new() };
        let mut hits = Vec::new();
        for candidate in page {
            hits.push(texts.show(candidate, &filter.query).await?);
        }
        let shown = skip.saturating_add(hits.len() as u64);
        let next = (shown < total && !hits.is_empty()).then_some(SearchPlace { newest, skip: shown });
        Ok(Searched { hits, total, next })
    }

    async fn candidates(
        &self,
        filter: &SearchFilter,
        sources: &[Source],
        newest: i64,
    ) -> Result<Vec<Candidate>, StoreError> {
        let mut scope = vec![vec![scope_word('o', filter.owner.as_str())]];
        scope.push(sources.iter().map(|source| scope_word('k', source.as_str())).collect());
        scope.extend(filter.project.iter().map(|project| vec![scope_word('p', project.as_str())]));
        scope.extend(filter.task.iter().map(|task| vec![scope_word('t', task.as_str())]));
        let (with, values): (&str, Vec<Value>) = if self.readers.backend() == Backend::Postgres {
            let query = filter.query.tsquery(&scope);
            (POSTGRES, vec![query.into(), newest.into(), NEWEST.into()])
        } else {
            let query = filter.query.fts5(&scope);
            (SQLITE, vec![query.into(), newest.into(), NEWEST.into()])
        };
        let archived = if filter.archived { "" } else { " AND t.archived = 0" };
        let sql = format!(
            "{with} SELECT h.id, p.kind, p.task, p.session, p.part, p.from_number, p.to_number, p.at, t.name, t.short_id, t.project \
             FROM h JOIN search_passages p ON p.id = h.id JOIN tasks t ON t.id = p.task WHERE t.owner = ?{archived}"
        );
        let mut values = values;
        values.push(filter.owner.as_str().into());
        let found = if let Pool::Postgres(pool) = &self.readers {
            let mut alone = pool.begin().await?;
            let transaction = Transaction::on_postgres(&mut alone);
            transaction.execute_batch(BY_INDEX).await?;
            let found = rows(&transaction, &sql, values).await?;
            alone.commit().await?;
            found
        } else {
            rows(&self.readers, &sql, values).await?
        };
        found.iter().map(read).collect()
    }
}

/// The newest passages with the words. SQLite's own rank would count every passage that has any of them.
const SQLITE: &str = "WITH h AS MATERIALIZED (SELECT rowid AS id FROM search_words WHERE search_words MATCH ? AND rowid <= ? \
                      ORDER BY rowid DESC LIMIT ?)";

/// The newest passages with the words. All are found by the index before the newest are taken: to walk through the newest and
/// look at each is what the planner may choose otherwise, and takes long for a rare word.
const POSTGRES: &str = "WITH q AS MATERIALIZED (SELECT CAST(CAST(? AS TEXT) AS TSQUERY) AS query), \
                        f AS MATERIALIZED (SELECT s.id FROM search_passages s, q WHERE s.words @@ q.query), \
                        h AS MATERIALIZED (SELECT id FROM f WHERE id <= ? ORDER BY id DESC LIMIT ?)";

/// PostgreSQL takes the passages for short, because their words are kept apart, and would read them all.
const BY_INDEX: &str = "SET LOCAL enable_seqscan = off";

fn read(row: &Row) -> Result<Candidate, StoreError> {
    let source = match text(row, "kind")?.as_str() {
        "task" => Source::Task,
        "spec" => Source::Spec,
        _ => Source::Transcript,
    };
    let is_log = source == Source::Transcript;
    let from = sql::unsigned(row, "from_number")?;
    let hit = Hit {
        source,
        task: text(row, "task")?.into(),
        short_id: text(row, "short_id")?,
        task_name: text(row, "name")?,
        project: text(row, "project")?.into(),
        session: is_log.then(|| text(row, "session")).transpose()?.map(SessionId::from),
        seq: is_log.then_some(from),
        document: (source == Source::Spec).then(|| text(row, "part")).transpose()?,
        line: (source == Source::Spec).then_some(from),
        snippet: Vec::new(),
        rank: source.weight(),
        at: Millis(number(row, "at")?),
    };
    Ok(Candidate { id: number(row, "id")?, hit, from, to: sql::unsigned(row, "to_number")? })
}

/// The texts of what was found, each read once.
struct Texts<'s> {
    store: &'s Store,
    tasks: HashMap<TaskId, Option<Task>>,
    revisions: HashMap<TaskId, Option<Revision>>,
}

impl Texts<'_> {
    async fn show(&mut self, candidate: Candidate, query: &Query) -> Result<Hit, StoreError> {
        let Candidate { mut hit, from, to, .. } = candidate;
        let passage = match (hit.source, &hit.session) {
            (Source::Transcript, Some(session)) => {
                passage::of_entries(&self.entries(session, from, to).await?)
            }
            (Source::Spec, _) => self.section(&hit, from, to).await?,
            _ => self.task(&hit.task).await?,
        };
        let (segments, number) = snippet(&passage, query);
        hit.snippet = segments;
        hit.seq = hit.seq.map(|_| number);
        hit.line = hit.line.map(|_| number);
        Ok(hit)
    }

    /// Returns what is indexed of some entries of a log.
    async fn entries(&self, session: &SessionId, from: u64, to: u64) -> Result<Vec<EntryText>, StoreError> {
        let (mut texts, mut after) = (Vec::new(), from.saturating_sub(1));
        while after < to {
            let rows = self.store.read_log(session, after, to - after).await?;
            let Some(last) = rows.last() else { break };
            after = last.seq;
            texts.extend(rows.iter().map(EntryText::of));
        }
        Ok(texts)
    }

    async fn task(&mut self, id: &TaskId) -> Result<Passage, StoreError> {
        if !self.tasks.contains_key(id) {
            let sql = "SELECT state FROM tasks WHERE id = ?";
            let found = sql::row(&self.store.readers, sql, vec![id.as_str().into()]).await?;
            let task = found.map(|row| from_json(&row, "state", "task")).transpose()?;
            self.tasks.insert(id.clone(), task);
        }
        let text = self.tasks.get(id).and_then(Option::as_ref).map(task_text).unwrap_or_default();
        Ok(Passage { text, ..Passage::default() })
    }

    async fn section(&mut self, hit: &Hit, from: u64, to: u64) -> Result<Passage, StoreError> {
        if !self.revisions.contains_key(&hit.task) {
            let found = self.store.last_revision(&hit.task).await?;
            self.revisions.insert(hit.task.clone(), found);
        }
        let Some(Some(revision)) = self.revisions.get(&hit.task) else { return Ok(Passage::default()) };
        let document =
            documents(revision).into_iter().find(|(name, _)| hit.document.as_deref() == Some(*name));
        Ok(document.map(|(_, text)| passage::of_lines(text, from, to)).unwrap_or_default())
    }
}
