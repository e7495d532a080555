//! The findings of the lint in the documents in force.

use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::page::{PageQuery, Paged, page};
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use engine::App;
use engine::insight::views;
use protocol::words::DocumentName;
use serde::Serialize;
use specs::lint;
use std::collections::BTreeMap;
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

pub(crate) fn findings(revision: &Revision) -> Vec<FindingView> {
    let found = findings_of(&revision.requirements, &revision.tasks);
    let documents = [
        (DocumentName::Requirements, &revision.requirements),
        (DocumentName::Design, &revision.design),
        (DocumentName::Tasks, &revision.tasks),
    ];
    found
        .into_iter()
        .chain(documents.into_iter().flat_map(|(document, text)| secrets(document, text)))
        .collect()
}

/// Returns the findings of the lint in requirements and a plan.
pub(crate) fn findings_of(requirements: &str, tasks: &str) -> Vec<FindingView> {
    let view = |finding: specs::Finding| FindingView {
        document: document_of(finding.document),
        line: finding.line,
        rule: finding.rule.to_owned(),
        severity: finding.severity.into(),
        message: finding.message,
        suggestion: finding.suggestion,
    };
    lint::lint(requirements, tasks).into_iter().map(view).collect()
}

fn document_of(document: specs::Document) -> DocumentName {
    match document {
        specs::Document::Requirements => DocumentName::Requirements,
        specs::Document::Design => DocumentName::Design,
        specs::Document::Tasks => DocumentName::Tasks,
    }
}

/// Returns the secrets that were taken out of a document: a reviewer learns that the planner wrote them.
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
    let mut found = findings(&revision);
    if let Some(project) = app.store.project(&task.project).await? {
        let known = app.repositories.in_force(&project).await.settings.resources;
        found.extend(unknown_resources(&revision.tasks, &known));
    }
    page(&uri, &query, found)
}

/// The resources that a plan needs and the project's settings do not have.
fn unknown_resources(tasks: &str, known: &BTreeMap<String, usize>) -> Vec<FindingView> {
    let finding = |line: usize, name: &str| FindingView {
        document: DocumentName::Tasks,
        line,
        rule: "unknown-resource".to_owned(),
        severity: Severity::Info,
        message: format!(
            "The project's settings do not have the resource {name:?}: one session at a time holds it."
        ),
        suggestion: Some("Add it to `resources` in the project's settings, or correct the name.".to_owned()),
    };
    let units = specs::plan::parse(tasks).units();
    let needed = units.iter().flat_map(|unit| unit.resources.iter().map(|name| (unit.line, name)));
    needed.filter(|(_, name)| !known.contains_key(*name)).map(|(line, name)| finding(line, name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_that_the_settings_do_not_know_is_told() {
        let plan = "- [ ] 1. One\n  - _Needs: simulator, gpu_\n- [ ] 2. Two\n";
        let known = BTreeMap::from([("gpu".to_owned(), 2)]);
        let found = unknown_resources(plan, &known);
        let [only] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((only.line, only.severity), (1, Severity::Info));
        assert!(only.message.contains("\"simulator\""), "{}", only.message);
    }
}
