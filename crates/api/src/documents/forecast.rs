//! What carrying out a plan will probably use.

use crate::request::caller::Caller;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use engine::App;
use serde::Serialize;
use utoipa::ToSchema;
use workflow::{Forecast, Range};

/// The likely range of one quantity.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForecastRange {
    /// The sum of the lower quartiles.
    low: f64,
    /// The sum of the medians.
    median: f64,
    /// The sum of the upper quartiles.
    high: f64,
    /// How many finished planned tasks of the project it is based on.
    basis: usize,
}

impl From<Range> for ForecastRange {
    fn from(range: Range) -> Self {
        let Range { low, median, high, basis } = range;
        Self { low, median, high, basis }
    }
}

/// What a plan will probably use, from planned tasks of the project that landed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForecastView {
    /// How many planned tasks are to be carried out.
    planned_tasks: usize,
    /// Input and output tokens; null where no finished planned task reported tokens.
    #[schema(required)]
    tokens: Option<ForecastRange>,
    /// Dollars; null where no finished planned task reported its cost.
    #[schema(required)]
    cost_usd: Option<ForecastRange>,
}

/// A forecast, where there is one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForecastAnswer {
    /// Null without a plan, or without finished planned tasks to base it on.
    #[schema(required)]
    forecast: Option<ForecastView>,
}

/// Returns what carrying out a task's plan will probably use.
#[utoipa::path(get, path = "/spec-tasks/{id}/forecast", tag = "spec-tasks", params(("id" = String, Path)),
    responses((status = 200, body = ForecastAnswer), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ForecastAnswer>, Problem> {
    let task = caller.task(&app, &id).await?;
    let history =
        if task.units().is_empty() { Vec::new() } else { app.store.planned_usage(&task.project).await? };
    let view = |found: Forecast| ForecastView {
        planned_tasks: found.planned_tasks,
        tokens: found.tokens.map(Into::into),
        cost_usd: found.cost_usd.map(Into::into),
    };
    Ok(Json(ForecastAnswer { forecast: Forecast::of(task.units(), &history).map(view) }))
}

#[cfg(test)]
mod tests {
    use crate::testing::Api;
    use serde_json::Value;

    #[tokio::test]
    async fn there_is_no_forecast_without_a_plan() {
        let api = Api::open().await;
        let project = api.project().await;
        let task = api.task(&project, "A task").await;
        assert_eq!(api.get(&format!("/spec-tasks/{task}/forecast")).await["forecast"], Value::Null);
        assert_eq!(api.try_get("/spec-tasks/spt_unknown/forecast").await.status, 404);
    }
}
