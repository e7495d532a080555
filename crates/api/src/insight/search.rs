//! Full-text search over the caller's tasks, their documents, and the logs of their sessions.

use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::page::{bad_cursor, limit, page_headers};
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use engine::App;
use engine::clock::rfc3339;
use engine::record::log_archive;
use protocol::words::{DocumentName, SearchKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use store::{Hit, SearchFilter, SearchPlace, Source};
use utoipa::{IntoParams, ToSchema};

/// How long a query may be, in characters.
const LONGEST: usize = 1_000;

/// The search terms and the scope of a search.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// Words that must all be found. `"words in quotes"` follow each other, `begin*` finds longer words, `-word` must not be
    /// there, `this OR that` finds either. Case does not matter; `parsePlan`, `parse_plan` and `parse plan` are alike.
    q: String,
    /// `task`, `spec` or `transcript`; absent is everything.
    kind: Option<String>,
    project_id: Option<String>,
    /// Only in this task.
    task_id: Option<String>,
    /// Whether archived tasks are searched as well.
    archived: Option<bool>,
    /// 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
    /// Where the page before ended, from its `Link` header.
    cursor: Option<String>,
}

/// Something found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchResult {
    /// Where it was found.
    kind: SearchKind,
    task_id: String,
    /// The short form of the task's id, such as `SPEC-12`.
    task_short_id: String,
    task_name: String,
    project_id: String,
    /// The work session in whose log it is.
    #[schema(required)]
    work_session_id: Option<String>,
    #[schema(required)]
    work_session_name: Option<String>,
    /// The number of the log's entry.
    #[schema(required)]
    seq: Option<u64>,
    /// The document in which it was found.
    #[schema(required)]
    document: Option<DocumentName>,
    /// The line of the document, from 1.
    #[schema(required)]
    line: Option<u64>,
    /// A few words around what was found, in parts: what was found is marked.
    snippet: Vec<SnippetPart>,
    /// Higher is better: names and prompts, then documents, then conversations; of one rank the newest comes first.
    rank: f64,
    at: String,
}

/// A part of a snippet, as plain text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SnippetPart {
    text: String,
    marked: bool,
}

/// Searches the caller's tasks, documents and transcripts, best first; of a word that is everywhere, the newest thousand
/// places are found. What was written a second ago is found.
#[utoipa::path(get, path = "/search", tag = "search", params(SearchQuery),
    responses((status = 200, body = [SearchResult]), (status = 422, body = Problem)))]
pub(crate) async fn search(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<SearchQuery>,
) -> Result<(HeaderMap, Json<Vec<SearchResult>>), Problem> {
    if query.q.chars().count() > LONGEST {
        return Err(Problem::invalid("q", format!("is longer than {LONGEST} characters")));
    }
    let filter = SearchFilter {
        owner: caller.id().clone(),
        query: store::Query::parse(&query.q),
        source: query.kind.as_deref().map(source).transpose()?,
        project: query.project_id.map(Into::into),
        task: query.task_id.map(Into::into),
        archived: query.archived.unwrap_or(false),
        limit: limit(query.limit)?,
        after: query.cursor.map(|cursor| SearchPlace::parse(&cursor).ok_or_else(bad_cursor)).transpose()?,
    };
    let mut found = app.store.search(&filter).await?;
    if restore_logs(&app, &found.hits).await {
        found = app.store.search(&filter).await?;
    }
    let next = found.next.map(|place| place.to_string());
    let headers = page_headers(&uri, found.total, next.as_deref());
    let mut names = Names { app: &app, tasks: Vec::new() };
    let mut results = Vec::with_capacity(found.hits.len());
    for hit in found.hits {
        let name = names.of(&hit).await?;
        results.push(SearchResult::of(hit, name));
    }
    Ok((headers, Json(results)))
}

/// Restores the logs of passages whose text is only in git; returns whether there were any.
async fn restore_logs(app: &App, hits: &[Hit]) -> bool {
    let without_text = hits.iter().filter(|hit| hit.snippet.iter().all(|part| part.text.is_empty()));
    let sessions: BTreeSet<_> = without_text.filter_map(|hit| hit.session.as_ref()).collect();
    let mut is_restored = false;
    for session in sessions {
        match log_archive::ensure_present(app, session).await {
            Ok(restored) => is_restored |= restored,
            // The passage is found all the same, without its text.
            Err(error) => {
                tracing::warn!(%session, error = engine::failure::chain(&error), "could not restore a session log");
            }
        }
    }
    is_restored
}

fn source(word: &str) -> Result<Source, Problem> {
    Source::ALL
        .into_iter()
        .find(|source| source.as_str() == word)
        .ok_or_else(|| Problem::invalid("kind", format!("{word:?} is not one of task, spec, transcript")))
}

/// The display names of sessions, by tasks that are each read once.
struct Names<'a> {
    app: &'a App,
    tasks: Vec<workflow::Task>,
}

impl Names<'_> {
    async fn of(&mut self, hit: &Hit) -> Result<Option<String>, Problem> {
        let Some(session) = &hit.session else { return Ok(None) };
        if !self.tasks.iter().any(|task| task.id == hit.task) {
            self.tasks.extend(self.app.store.task(&hit.task).await?);
        }
        let task = self.tasks.iter().find(|task| task.id == hit.task);
        Ok(task.and_then(|task| task.session(session)).map(|session| session.display_name().to_owned()))
    }
}

impl SearchResult {
    fn of(hit: Hit, session_name: Option<String>) -> Self {
        Self {
            kind: match hit.source {
                Source::Task => SearchKind::Task,
                Source::Spec => SearchKind::Spec,
                Source::Transcript => SearchKind::Transcript,
            },
            task_id: hit.task.0,
            task_short_id: hit.short_id,
            task_name: hit.task_name,
            project_id: hit.project.0,
            work_session_id: hit.session.map(|session| session.0),
            work_session_name: session_name,
            seq: hit.seq,
            document: hit.document.and_then(|name| name.parse().ok()),
            line: hit.line,
            snippet: hit
                .snippet
                .into_iter()
                .map(|part| SnippetPart { text: part.text, marked: part.marked })
                .collect(),
            rank: hit.rank,
            at: rfc3339(hit.at),
        }
    }
}
