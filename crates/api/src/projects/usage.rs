//! What a project used per day, and its daily budget.

use crate::request::caller::Caller;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use engine::App;
use engine::clock::rfc3339;
use engine::projects::daily_budget;
use serde::Serialize;
use store::DailyUsage;
use utoipa::ToSchema;
use workflow::Millis;

/// How many days are listed.
const DAYS: i64 = 30;
/// The length of a day, in milliseconds.
const DAY: i64 = 24 * 3_600_000;

/// What a project used on one day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DayOfUsage {
    /// The day (UTC).
    #[schema(example = "2026-05-04")]
    date: String,
    /// The turns that ended.
    turns: u64,
    /// The turns of which the agent reported no tokens; they are not part of the sums.
    turns_without_tokens: u64,
    /// The turns of which the agent reported no cost; they are not part of the cost.
    turns_without_cost: u64,
    /// The input tokens that agents reported.
    input_tokens: u64,
    /// The output tokens that agents reported.
    output_tokens: u64,
    /// The cost that agents reported, in dollars; null where no turn reported one.
    #[schema(required)]
    cost_usd: Option<f64>,
}

impl DayOfUsage {
    fn of(usage: &DailyUsage) -> Self {
        let is_known = usage.cost_usd > 0.0 || usage.turns_without_cost < usage.turns || usage.turns == 0;
        Self {
            date: rfc3339(Millis(usage.day * DAY)).chars().take(10).collect(),
            turns: usage.turns,
            turns_without_tokens: usage.turns_without_tokens,
            turns_without_cost: usage.turns_without_cost,
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cost_usd: is_known.then_some(usage.cost_usd),
        }
    }
}

/// A project's use of its daily budget.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectUsage {
    /// The budget for a day, in dollars; null is no limit.
    #[schema(required)]
    daily_cost_usd: Option<f64>,
    /// The budget for a day, in input and output tokens; null is no limit.
    #[schema(required)]
    daily_tokens: Option<u64>,
    /// When the budget renews: the next midnight (UTC).
    renews_at: String,
    /// Why no turn begins; null while the budget is not used up.
    #[schema(required)]
    exhausted: Option<String>,
    /// The present day.
    today: DayOfUsage,
    /// The days with turns among the last thirty, the earliest first.
    days: Vec<DayOfUsage>,
}

/// Returns what a project used per day, and its daily budget.
#[utoipa::path(get, path = "/projects/{id}/usage", tag = "projects", params(("id" = String, Path)),
    responses((status = 200, body = ProjectUsage), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ProjectUsage>, Problem> {
    let project = caller.project(&app, &id).await?;
    let today = daily_budget::today(&app, &project).await?;
    let days = app.store.usage_since(&project.id, today.usage.day - DAYS + 1).await?;
    Ok(Json(ProjectUsage {
        daily_cost_usd: today.budget.max_cost_usd,
        daily_tokens: today.budget.max_tokens,
        renews_at: rfc3339(today.renews_at),
        exhausted: today.exhausted(),
        today: DayOfUsage::of(&today.usage),
        days: days.iter().map(DayOfUsage::of).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Api;
    use axum::http::Method;
    use serde_json::{Value, json};

    #[tokio::test]
    async fn a_project_shows_its_budget_and_what_it_used() {
        let api = Api::open().await;
        let project = api.project().await;
        let path = format!("/projects/{project}/usage");
        let found = api.get(&path).await;
        assert_eq!(found["daily_cost_usd"], Value::Null);
        assert_eq!((&found["today"]["turns"], &found["days"]), (&json!(0), &json!([])));
        let settings = json!({ "settings": { "daily_cost_usd": 2.5, "daily_tokens": 1000 } });
        api.put(&format!("/projects/{project}"), &settings).await;
        let found = api.get(&path).await;
        assert_eq!((&found["daily_cost_usd"], &found["daily_tokens"]), (&json!(2.5), &json!(1000)));
        assert_eq!(found["exhausted"], Value::Null);
        assert!(found["renews_at"].as_str().is_some_and(|at| at.contains("T00:00:00")));
    }

    #[tokio::test]
    async fn a_budget_below_nothing_is_refused() {
        let api = Api::open().await;
        let project = api.project().await;
        for settings in [json!({ "daily_cost_usd": -1 }), json!({ "daily_tokens": -1 })] {
            let request = api.request(Method::PUT, &format!("/projects/{project}"));
            let (status, problem) = api.send(request, &json!({ "settings": settings })).await.problem();
            assert_eq!(status, 422, "{problem:#}");
        }
    }

    #[test]
    fn an_unknown_cost_is_not_0() {
        let usage = DailyUsage { turns: 2, turns_without_cost: 2, ..DailyUsage::default() };
        assert_eq!(DayOfUsage::of(&usage).cost_usd, None);
        let some = DailyUsage { turns_without_cost: 1, ..usage };
        assert_eq!(DayOfUsage::of(&some).cost_usd, Some(0.0));
    }
}
