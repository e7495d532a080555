//! What carrying out a plan probably uses, from planned tasks of the project that have landed.

use crate::{Effort, Unit};

/// What one planned task of a finished task used; what its agent did not report is absent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlannedUsage {
    pub effort: Effort,
    /// Input and output tokens.
    pub tokens: Option<u64>,
    pub cost_usd: Option<f64>,
}

/// A forecast of one quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The sum of the lower quartiles.
    pub low: f64,
    /// The sum of the medians.
    pub median: f64,
    /// The sum of the upper quartiles.
    pub high: f64,
    /// How many finished planned tasks it is based on.
    pub basis: usize,
}

/// What a plan will probably use; a quantity of which nothing is known is absent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// How many planned tasks are to be carried out.
    pub planned_tasks: usize,
    pub tokens: Option<Range>,
    pub cost_usd: Option<Range>,
}

impl Forecast {
    /// Returns the forecast for a plan; none where there is no history, or nothing to carry out.
    pub fn of(units: &[Unit], history: &[PlannedUsage]) -> Option<Self> {
        let open: Vec<Effort> = units
            .iter()
            .filter(|unit| !unit.completed_before)
            .map(|unit| unit.effort.parse().unwrap_or(Effort::Medium))
            .collect();
        if open.is_empty() {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^53")]
        let tokens = range(&open, history, |used| used.tokens.map(|tokens| tokens as f64));
        let cost_usd = range(&open, history, |used| used.cost_usd);
        let is_known = tokens.is_some() || cost_usd.is_some();
        is_known.then_some(Self { planned_tasks: open.len(), tokens, cost_usd })
    }
}

/// Adds up the quartiles of the planned tasks with the same effort, or of all of them where no finished one has it.
fn range(
    open: &[Effort],
    history: &[PlannedUsage],
    quantity: impl Fn(&PlannedUsage) -> Option<f64>,
) -> Option<Range> {
    let sorted = |effort: Option<Effort>| {
        let fits = |used: &&PlannedUsage| effort.is_none_or(|effort| used.effort == effort);
        let mut found: Vec<f64> = history.iter().filter(fits).filter_map(&quantity).collect();
        found.sort_by(f64::total_cmp);
        found
    };
    let all = sorted(None);
    if all.is_empty() {
        return None;
    }
    let mut range = Range { low: 0.0, median: 0.0, high: 0.0, basis: all.len() };
    for effort in open {
        let same = sorted(Some(*effort));
        let known = if same.is_empty() { &all } else { &same };
        range.low += quantile(known, 1);
        range.median += quantile(known, 2);
        range.high += quantile(known, 3);
    }
    Some(range)
}

/// Returns a quartile of sorted values, between two of them where it falls there.
fn quantile(sorted: &[f64], quarter: usize) -> f64 {
    let (at, rest) = ((sorted.len() - 1) * quarter / 4, (sorted.len() - 1) * quarter % 4);
    let next = sorted.get(at + 1).copied().unwrap_or(sorted[at]);
    #[expect(clippy::cast_precision_loss, reason = "a remainder of 4 is exact")]
    let share = rest as f64 / 4.0;
    sorted[at] + (next - sorted[at]) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(effort: &str) -> Unit {
        serde_json::from_value(serde_json::json!({
            "id": "unit_1", "index": 0, "number": "1", "title": "Title", "description": "", "acceptance_criteria": "",
            "effort": effort, "optional": false, "dependencies": [], "requirements": [], "boundary": [],
        }))
        .expect("a planned task")
    }

    fn used(effort: Effort, tokens: u64, cost_usd: Option<f64>) -> PlannedUsage {
        PlannedUsage { effort, tokens: Some(tokens), cost_usd }
    }

    #[test]
    fn a_plan_costs_what_planned_tasks_of_its_efforts_did() {
        let history = [
            used(Effort::Small, 100, Some(1.0)),
            used(Effort::Small, 300, None),
            used(Effort::Large, 1_000, Some(8.0)),
        ];
        let found = Forecast::of(&[unit("small"), unit("large")], &history).expect("a forecast");
        let tokens = found.tokens.expect("tokens");
        assert_eq!((tokens.low, tokens.median, tokens.high, tokens.basis), (1_150.0, 1_200.0, 1_250.0, 3));
        let cost = found.cost_usd.expect("a cost");
        assert_eq!((cost.median, cost.basis), (9.0, 2), "a cost that is not known does not count as 0");
    }

    #[test]
    fn an_effort_without_history_takes_all_of_it() {
        let history = [used(Effort::Small, 100, None), used(Effort::Large, 300, None)];
        let found = Forecast::of(&[unit("medium")], &history).expect("a forecast");
        assert_eq!(found.tokens.map(|tokens| tokens.median), Some(200.0));
        assert_eq!(found.cost_usd, None);
    }

    #[test]
    fn there_is_no_forecast_without_history_or_work() {
        assert_eq!(Forecast::of(&[unit("small")], &[]), None);
        let done = Unit { completed_before: true, ..unit("small") };
        assert_eq!(Forecast::of(&[done], &[used(Effort::Small, 1, None)]), None);
    }
}
