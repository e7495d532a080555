//! Counts the metrics of tasks.

use super::range::{Range, date};
use super::{
    AgentFigures, Analytics, BucketFigures, ClassFigures, Figures, PhaseFigures, ProjectFigures, Spread,
};
use crate::insight::report::in_seconds;
use crate::wire;
use std::collections::BTreeMap;
use store::TaskMetricsRow;
use workflow::{FailureClass, Millis, SessionStatus, Stage, TaskMetrics, Usage, day};

/// The stages that have durations in reports. In every other stage a task has not started or has ended.
const PHASES: [Stage; 7] = [
    Stage::PlanningQueued,
    Stage::Planning,
    Stage::SpecReview,
    Stage::HandOff,
    Stage::ImplementationQueued,
    Stage::Implementation,
    Stage::ImplementationReview,
];

/// Everything that is counted, as it grows.
struct Count {
    range: Range,
    totals: Tally,
    buckets: Vec<Tally>,
    projects: BTreeMap<String, Tally>,
    agents: BTreeMap<String, Tally>,
    failures: BTreeMap<FailureClass, u64>,
    phases: BTreeMap<Stage, Vec<i64>>,
    lead: Vec<i64>,
    sessions: Vec<i64>,
}

/// Figures with what is spent as it is added up.
#[derive(Clone, Default)]
struct Tally {
    figures: Figures,
    usage: Usage,
}

/// Returns the figures of some tasks; projects are named by the caller.
pub fn count(range: Range, rows: &[TaskMetricsRow]) -> Analytics {
    let many = usize::try_from(range.count()).unwrap_or(0);
    let mut count = Count {
        range,
        totals: Tally::default(),
        buckets: vec![Tally::default(); many],
        projects: BTreeMap::new(),
        agents: BTreeMap::new(),
        failures: BTreeMap::new(),
        phases: BTreeMap::new(),
        lead: Vec::new(),
        sessions: Vec::new(),
    };
    for row in rows {
        if let Some(metrics) = &row.metrics {
            count.task(row, metrics);
        }
    }
    let uncounted = rows.iter().filter(|row| row.metrics.is_none()).count();
    Analytics { uncounted_tasks: uncounted, ..count.finish() }
}

impl Count {
    /// Adds to all figures that something of one day belongs to.
    fn add(&mut self, at: i64, project: &str, agent: Option<&str>, add: impl Fn(&mut Tally)) {
        if !self.range.holds(at) {
            return;
        }
        add(&mut self.totals);
        let number = usize::try_from(self.range.number(at)).unwrap_or(usize::MAX);
        self.buckets.get_mut(number).into_iter().for_each(&add);
        add(entry(&mut self.projects, project));
        if let Some(agent) = agent {
            add(entry(&mut self.agents, agent));
        }
    }

    pub(crate) fn task(&mut self, row: &TaskMetricsRow, metrics: &TaskMetrics) {
        let project = row.project.as_str();
        self.add(day(row.created_at), project, None, |tally| tally.figures.tasks_created += 1);
        for interval in &metrics.stages {
            match interval.stage {
                Stage::Done => {
                    self.add(day(interval.from), project, None, |tally| tally.figures.tasks_done += 1);
                    if self.range.holds(day(interval.from)) {
                        self.lead.push(interval.from.0 - row.created_at.0);
                    }
                }
                Stage::Cancelled => {
                    self.add(day(interval.from), project, None, |tally| tally.figures.tasks_cancelled += 1);
                }
                stage => {
                    if let Some(until) = interval.until.filter(|until| self.range.holds(day(*until))) {
                        self.phases.entry(stage).or_default().push(until.0 - interval.from.0);
                    }
                }
            }
        }
        for session in &metrics.sessions {
            let Some(started) = session.started_at else { continue };
            let agent = Some(session.agent.as_str());
            self.add(day(started), project, agent, |tally| tally.figures.sessions_started += 1);
            let (Some(ended), Some(outcome)) = (session.ended_at, session.outcome) else { continue };
            self.ended(started, ended, outcome, project, agent);
        }
        for failure in &metrics.failures {
            let count = u64::from(failure.count);
            self.add(failure.day, project, failure.agent.as_deref(), |tally| tally.figures.failures += count);
            if self.range.holds(failure.day) {
                *self.failures.entry(failure.class).or_default() += count;
            }
        }
        for spent in &metrics.spent {
            self.add(spent.day, project, Some(&spent.agent), |tally| tally.usage.add(&spent.usage));
        }
    }

    fn ended(
        &mut self,
        started: Millis,
        ended: Millis,
        outcome: SessionStatus,
        project: &str,
        agent: Option<&str>,
    ) {
        self.add(day(ended), project, agent, |Tally { figures, .. }| match outcome {
            SessionStatus::Completed => figures.sessions_completed += 1,
            SessionStatus::Failed => figures.sessions_failed += 1,
            SessionStatus::Cancelled => figures.sessions_cancelled += 1,
            SessionStatus::Pending | SessionStatus::Active | SessionStatus::Blocked => {}
        });
        if self.range.holds(day(ended)) && outcome == SessionStatus::Completed {
            self.sessions.push(ended.0 - started.0);
        }
    }

    fn finish(mut self) -> Analytics {
        let phases = PHASES.into_iter().filter_map(|stage| {
            let time = spread(self.phases.get(&stage)?.clone());
            Some(PhaseFigures { phase: stage, time })
        });
        let phases = phases.collect();
        let review: Vec<i64> = self
            .phases
            .iter()
            .filter(|(stage, _)| stage.is_review())
            .flat_map(|(_, times)| times)
            .copied()
            .collect();
        let range = self.range;
        let buckets = (0..).zip(std::mem::take(&mut self.buckets));
        let mut failures: Vec<ClassFigures> =
            self.failures.into_iter().map(|(class, count)| ClassFigures { class, count }).collect();
        failures.sort_by_key(|one| std::cmp::Reverse(one.count));
        let agents = self.agents.into_iter().map(|(agent, tally)| {
            let figures = tally.finish();
            AgentFigures {
                agent,
                sessions_started: figures.sessions_started,
                sessions_completed: figures.sessions_completed,
                sessions_failed: figures.sessions_failed,
                failures: figures.failures,
                usage: figures.usage,
            }
        });
        let projects = self.projects.into_iter().map(|(project_id, tally)| ProjectFigures {
            project_id,
            project_name: String::new(),
            figures: tally.finish(),
        });
        Analytics {
            from: date(range.first),
            to: date(range.last),
            bucket: range.bucket.as_str().to_owned(),
            totals: self.totals.finish(),
            buckets: buckets
                .map(|(number, tally)| BucketFigures {
                    start: date(range.start(number)),
                    figures: tally.finish(),
                })
                .collect(),
            phases,
            review_waiting: spread(review),
            lead_time: spread(self.lead),
            session_time: spread(self.sessions),
            failures,
            agents: agents.collect(),
            projects: projects.collect(),
            ..Analytics::default()
        }
    }
}

impl Tally {
    fn finish(self) -> Figures {
        Figures { usage: wire::usage(self.usage), ..self.figures }
    }
}

fn entry<'t>(tallies: &'t mut BTreeMap<String, Tally>, name: &str) -> &'t mut Tally {
    if !tallies.contains_key(name) {
        tallies.insert(name.to_owned(), Tally::default());
    }
    tallies.entry(name.to_owned()).or_default()
}

/// Returns the distribution of durations: the median and the 90th percentile are durations that occurred.
fn spread(mut times: Vec<i64>) -> Spread {
    times.sort_unstable();
    let at = |percent: usize| {
        let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(place).map(|time| in_seconds(*time))
    };
    Spread {
        count: times.len(),
        median_seconds: at(50),
        p90_seconds: at(90),
        total_seconds: in_seconds(times.iter().sum()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let spread_of = |times: &[i64]| {
            let spread = spread(times.iter().map(|time| time * 1_000).collect());
            (spread.median_seconds, spread.p90_seconds, spread.total_seconds)
        };
        assert_eq!(spread_of(&[]), (None, None, 0.0));
        assert_eq!(spread_of(&[7]), (Some(7.0), Some(7.0), 7.0));
        assert_eq!(spread_of(&[10, 1, 9, 2, 8, 3, 7, 4, 6, 5]), (Some(5.0), Some(9.0), 55.0));
    }

    #[test]
    fn what_is_outside_the_range_is_not_counted() {
        let range = Range::parse(Some("1970-01-05"), Some("1970-01-18"), None, Millis(0)).expect("a range");
        let (day_ms, agent) = (86_400_000, "a".to_owned());
        let usage = Usage { input_tokens: 5, cost_usd: Some(0.5), ..Usage::default() };
        let spent = |day| workflow::Spent { agent: agent.clone(), day, usage };
        let interval = |stage, from: i64, until: Option<i64>| workflow::StageInterval {
            stage,
            from: Millis(from * day_ms),
            until: until.map(|until| Millis(until * day_ms)),
        };
        let metrics = TaskMetrics {
            stages: vec![
                interval(Stage::Planning, 1, Some(2)),
                interval(Stage::SpecReview, 2, Some(5)),
                interval(Stage::Done, 12, None),
            ],
            spent: vec![spent(2), spent(4), spent(11), spent(18)],
            ..TaskMetrics::default()
        };
        let row = TaskMetricsRow {
            task: "spt_1".into(),
            project: "prj_1".into(),
            created_at: Millis(day_ms),
            metrics: Some(metrics),
        };
        let found = count(range, &[row.clone(), TaskMetricsRow { metrics: None, ..row }]);
        assert_eq!(found.uncounted_tasks, 1);
        assert_eq!((found.totals.tasks_created, found.totals.tasks_done), (0, 1));
        assert_eq!((found.totals.usage.input_tokens, found.totals.usage.cost_usd), (10, Some(1.0)));
        let weeks: Vec<(&str, u64)> =
            found.buckets.iter().map(|week| (week.start.as_str(), week.figures.usage.input_tokens)).collect();
        assert_eq!(weeks, [("1970-01-05", 5), ("1970-01-12", 5)]);
        assert_eq!(found.phases.len(), 1);
        assert_eq!(found.review_waiting.median_seconds, Some(3.0 * 86_400.0));
        assert_eq!(found.lead_time.median_seconds, Some(11.0 * 86_400.0));
        assert_eq!(found.agents[0].usage.input_tokens, 10);
    }
}
