//! What the lint finds in the documents in force.

use super::caller::Caller;
use super::extract::Query;
use super::page::{PageQuery, Paged, page};
use super::problem::Problem;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use engine::App;
use engine::views;
use protocol::words::DocumentName;
use serde::Serialize;
use specs::lint;
use store::Revision;
use utoipa::ToSchema;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    Error,
    Warning,
    Info,
}

impl From<specs::Severity> for Severity {
    fn from(severity: specs::Severity) -> Self {
        match severity {
            specs::Severity::Error => Self::Error,
            specs::Severity::Warning => Self::Warning,
            specs::Severity::Info => Self::Info,
        }
    }
}

/// A finding of the lint.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingView {
    /// The document that it is about.
    document: DocumentName,
    line: usize,
    rule: String,
    /// How much it matters.
    severity: Severity,
    message: String,
    #[schema(required)]
    suggestion: Option<String>,
}

pub(super) fn findings(revision: &Revision) -> Vec<FindingView> {
    let found = lint::lint(&revision.requirements, &revision.tasks).into_iter().map(|finding| FindingView {
        document: document_of(finding.document),
        line: finding.line,
        rule: finding.rule.to_owned(),
        severity: finding.severity.into(),
        message: finding.message,
        suggestion: finding.suggestion,
    });
    let documents = [
        (DocumentName::Requirements, &revision.requirements),
        (DocumentName::Design, &revision.design),
        (DocumentName::Tasks, &revision.tasks),
    ];
    found.chain(documents.into_iter().flat_map(|(document, text)| secrets(document, text))).collect()
}

fn document_of(document: specs::Document) -> DocumentName {
    match document {
        specs::Document::Requirements => DocumentName::Requirements,
        specs::Document::Design => DocumentName::Design,
        specs::Document::Tasks => DocumentName::Tasks,
    }
}

/// The secrets that were taken out of a document: a reviewer learns that the planner wrote them.
fn secrets(document: DocumentName, text: &str) -> Vec<FindingView> {
    let finding = |removed: secrets::Removed| FindingView {
        document,
        line: text[..removed.span.start].matches('\n').count() + 1,
        rule: "secret-removed".to_owned(),
        severity: Severity::Warning,
        message: format!(
            "A secret ({}) stood here and was taken out before the document was stored.",
            removed.kind
        ),
        suggestion: Some(
            "Find out how the agent came by it, and replace it at its service if it is real.".to_owned(),
        ),
    };
    secrets::removed(text).into_iter().map(finding).collect()
}

/// Lints the documents in force.
#[utoipa::path(get, path = "/spec-tasks/{id}/lint", tag = "documents", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Vec<FindingView>, headers(("X-Total-Count" = u64), ("Link" = String))),
        (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<FindingView>, Problem> {
    let task = caller.task(&app, &id).await?;
    let revision = views::in_force(&app, &task).await?.ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "not_generated_yet", "There are no documents to look at yet.")
    })?;
    page(&uri, &query, findings(&revision))
}
