//! The budget of a project per day (UTC): what was used of it, and when it renews.

use crate::App;
use crate::clock::{now, rfc3339};
use crate::settings::config::Limits;
use crate::settings::project::ProjectSettings;
use std::collections::{BTreeMap, BTreeSet};
use store::{DailyUsage, Project, StoreError};
use workflow::{Millis, ProjectId, day};

/// The length of a day, in milliseconds.
const DAY: i64 = 24 * 3_600_000;

/// How the reason of a used-up budget begins.
const USED_UP: &str = "The project's daily budget is used up";

/// Returns whether a sentence is such a reason.
pub(crate) fn is_reason(sentence: &str) -> bool {
    sentence.starts_with(USED_UP)
}

/// What a project may use on one day; absent is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DailyBudget {
    pub max_cost_usd: Option<f64>,
    /// Input and output tokens.
    pub max_tokens: Option<u64>,
}

impl DailyBudget {
    /// Returns the budget in force: the project's, or the server's; 0 is no limit.
    pub fn of(settings: &ProjectSettings, limits: &Limits) -> Self {
        let cost = settings.daily_cost_usd.unwrap_or(limits.project_daily_cost_usd);
        let tokens = settings.daily_tokens.unwrap_or(limits.project_daily_tokens);
        Self {
            max_cost_usd: Some(cost).filter(|cost| *cost > 0.0),
            max_tokens: Some(tokens).filter(|tokens| *tokens > 0),
        }
    }
}

/// A project's budget for today, and what it used of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Today {
    pub budget: DailyBudget,
    pub usage: DailyUsage,
    /// The midnight (UTC) at which the next day begins.
    pub renews_at: Millis,
}

impl Today {
    /// Returns why no turn of the project begins, as a sentence; none while the budget is not used up.
    pub fn exhausted(&self) -> Option<String> {
        let Self { budget, usage, renews_at } = self;
        let tokens = usage.input_tokens + usage.output_tokens;
        let used = match (budget.max_cost_usd, budget.max_tokens) {
            (Some(most), _) if usage.cost_usd >= most => format!("${:.2} of ${most:.2}", usage.cost_usd),
            (_, Some(most)) if tokens >= most => format!("{tokens} of {most} tokens"),
            _ => return None,
        };
        Some(format!(
            "{USED_UP}: {used}. It renews at {} (midnight UTC). To continue now, raise it in the \
             project's settings.",
            rfc3339(*renews_at)
        ))
    }
}

/// Returns the budget of a project for today.
pub async fn today(app: &App, project: &Project) -> Result<Today, StoreError> {
    let settings = app.repositories.in_force(project).await.settings;
    let at = now();
    let today = day(at);
    Ok(Today {
        budget: DailyBudget::of(&settings, &app.config.limits),
        usage: app.store.usage_of_day(&project.id, today).await?,
        renews_at: Millis((today + 1) * DAY),
    })
}

/// Returns why no turn of a project begins today, with the time at which its budget renews.
pub(crate) async fn exhausted(
    app: &App,
    project: &ProjectId,
) -> Result<Option<(String, Millis)>, StoreError> {
    let Some(project) = app.store.project(project).await? else { return Ok(None) };
    let today = today(app, &project).await?;
    Ok(today.exhausted().map(|reason| (reason, today.renews_at)))
}

/// Returns the reasons of [`exhausted`] for those of these projects whose budget is used up.
pub(crate) async fn exhausted_among<'p>(
    app: &App,
    projects: impl Iterator<Item = &'p ProjectId>,
) -> Result<BTreeMap<ProjectId, String>, StoreError> {
    let projects: BTreeSet<&ProjectId> = projects.collect();
    let mut reasons = BTreeMap::new();
    for project in projects {
        if let Some((reason, _)) = exhausted(app, project).await? {
            reasons.insert(project.clone(), reason);
        }
    }
    Ok(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today(budget: DailyBudget, cost_usd: f64, tokens: u64) -> Today {
        let usage = DailyUsage { input_tokens: tokens, cost_usd, ..DailyUsage::default() };
        Today { budget, usage, renews_at: Millis(DAY) }
    }

    #[test]
    fn a_used_up_budget_names_itself_and_its_renewal() {
        let budget = DailyBudget { max_cost_usd: Some(5.0), max_tokens: Some(1_000) };
        assert_eq!(today(budget, 4.9, 999).exhausted(), None);
        let reason = today(budget, 5.25, 0).exhausted().expect("a reason");
        assert!(reason.contains("$5.25 of $5.00") && reason.contains("1970-01-02T00:00:00"), "{reason}");
        let reason = today(budget, 0.0, 1_000).exhausted().expect("a reason");
        assert!(reason.contains("1000 of 1000 tokens"), "{reason}");
    }

    #[test]
    fn the_project_comes_before_the_server_and_0_is_no_limit() {
        let limits = Limits { project_daily_cost_usd: 5.0, project_daily_tokens: 0, ..Limits::default() };
        let of = |cost, tokens| {
            let settings =
                ProjectSettings { daily_cost_usd: cost, daily_tokens: tokens, ..ProjectSettings::default() };
            DailyBudget::of(&settings, &limits)
        };
        assert_eq!(of(None, None), DailyBudget { max_cost_usd: Some(5.0), max_tokens: None });
        assert_eq!(of(Some(0.0), Some(7)), DailyBudget { max_cost_usd: None, max_tokens: Some(7) });
    }
}
