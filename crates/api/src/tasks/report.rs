//! The report of a task, to be read, computed with, or opened in a spreadsheet.

use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use engine::App;
use engine::insight::report::{self, Report};
use serde::Deserialize;
use utoipa::IntoParams;

/// In which form the report is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReportQuery {
    /// `md`, `json` or `csv`; `md` when absent.
    format: Option<String>,
}

/// Exports a report of a task: what was asked, what was done for each requirement and what shows it, its sessions, time, waiting,
/// commits, checks, usage and decisions. As CSV it is one table whose first column says what a row is about.
#[utoipa::path(get, path = "/spec-tasks/{id}/report", tag = "spec-tasks", params(("id" = String, Path), ReportQuery),
    responses((status = 200, description = "The report", content(
        (Report = "application/json"), (String = "text/markdown"), (String = "text/csv")))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<ReportQuery>,
) -> Result<Response, Problem> {
    let task = caller.task(&app, &id).await?;
    let format = query.format.as_deref().unwrap_or("md");
    if !["md", "json", "csv"].contains(&format) {
        return Err(Problem::invalid("format", format!("{format:?} is not one of md, json, csv")));
    }
    let report = report::gather(&app, &task).await?;
    Ok(match format {
        "json" => Json(report).into_response(),
        "csv" => file("text/csv; charset=utf-8", &format!("{id}-report.csv"), report::csv(&report)),
        _ => file("text/markdown; charset=utf-8", &format!("{id}-report.md"), report::markdown(&report)),
    })
}

/// Returns a text that is kept under a name when it is downloaded.
pub(crate) fn file(kind: &'static str, name: &str, text: String) -> Response {
    let disposition = format!("inline; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], text)
        .into_response()
}
