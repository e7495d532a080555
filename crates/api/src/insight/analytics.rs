//! Analytics of all of the caller's tasks.

use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::problem::Problem;
use crate::tasks::report::file;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use engine::App;
use engine::clock::now;
use engine::clock::rfc3339;
use engine::insight::analytics::{Analytics, Range, count, csv};
use serde::Deserialize;
use std::collections::HashMap;
use utoipa::IntoParams;

/// The range and the format of the analytics.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AnalyticsQuery {
    /// The first day, as a date or a time; twelve weeks with the one of `to` when absent.
    from: Option<String>,
    /// The last day; today when absent.
    to: Option<String>,
    project_id: Option<String>,
    /// `day` or `week`; `week` when absent.
    bucket: Option<String>,
    /// `json` or `csv`; `json` when absent.
    format: Option<String>,
}

/// Counts what came and went, how long it took and waited, what failed, and what it cost, by day or week, phase, agent and
/// project. Archived tasks count. As CSV there is one figure in each row.
#[utoipa::path(get, path = "/analytics", tag = "analytics", params(AnalyticsQuery),
    responses((status = 200, description = "The figures", content((Analytics = "application/json"), (String = "text/csv")))))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AnalyticsQuery>,
) -> Result<Response, Problem> {
    let format = query.format.as_deref().unwrap_or("json");
    if !["json", "csv"].contains(&format) {
        return Err(Problem::invalid("format", format!("{format:?} is not one of json, csv")));
    }
    let now = now();
    let range = Range::parse(query.from.as_deref(), query.to.as_deref(), query.bucket.as_deref(), now)
        .map_err(|(field, message)| Problem::invalid(field, message))?;
    let project = match &query.project_id {
        Some(id) => Some(caller.project(&app, id).await?),
        None => None,
    };
    let project_id = project.as_ref().map(|project| project.id.clone());
    let (from, until) = range.times();
    let rows = app.store.task_metrics_between(caller.id(), project_id.as_ref(), from, until).await?;
    let mut found = count(range, &rows);
    let projects = app.store.projects(caller.id()).await?;
    let names: HashMap<&str, &str> =
        projects.iter().map(|project| (project.id.as_str(), project.name.as_str())).collect();
    for one in &mut found.projects {
        let name = names.get(one.project_id.as_str()).copied().unwrap_or_default();
        name.clone_into(&mut one.project_name);
    }
    found.project_id = project_id.map(|id| id.0);
    found.generated_at = rfc3339(now);
    Ok(match format {
        "csv" => file(
            "text/csv; charset=utf-8",
            &format!("analytics-{}-{}.csv", found.from, found.to),
            csv(&found),
        ),
        _ => Json(found).into_response(),
    })
}
