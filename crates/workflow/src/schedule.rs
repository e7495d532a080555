//! The admission of tasks to free slots: a pure function over all live tasks.

use crate::{Complexity, Effort, Input, Millis, Phase, Priority, ProjectId, Task, TaskId, TaskStatus};
use std::collections::BTreeMap;

/// The waiting time that one step of priority is worth, in milliseconds: a quarter of an hour.
const PRIORITY: i64 = 15 * 60 * 1000;
/// The waiting time that one step of effort is worth, in milliseconds: small tasks go first, but effort never outweighs
/// a step of priority.
const EFFORT: i64 = 5 * 60 * 1000;
/// The longest time by which a later task can overtake an earlier one, in milliseconds.
pub const MAX_PRIORITY_BOOST: i64 = 3 * PRIORITY + 2 * EFFORT;

/// Returns the position in the queue of a task or session that waits since a time: the smallest goes first.
///
/// A higher priority or a smaller effort counts as a longer wait. So nothing starves: a task that comes more than
/// [`MAX_PRIORITY_BOOST`] later is behind, whatever its priority.
pub fn queue_key(since: Millis, priority: Priority, effort: Effort) -> i64 {
    let priority = match priority {
        Priority::Low => 0,
        Priority::Medium => 1,
        Priority::High => 2,
        Priority::Critical => 3,
    };
    let effort = match effort {
        Effort::Large => 0,
        Effort::Medium => 1,
        Effort::Small => 2,
    };
    since.0 - priority * PRIORITY - effort * EFFORT
}

/// Returns a task's position in the queue.
fn line(task: &Task) -> i64 {
    let effort = match task.complexity {
        Complexity::Simple => Effort::Small,
        Complexity::Complex => Effort::Medium,
    };
    queue_key(task.waiting_since.unwrap_or(task.created_at), task.priority, effort)
}

/// The limits on what runs at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Agent instances, one per task at work.
    pub instances: usize,
    /// Tasks in specification review before planning of further ones is held back.
    pub in_review: usize,
}

/// Returns the decision for every task that waits for a slot: it is admitted, or waits for a reason.
///
/// A higher priority goes first, then a smaller effort, and a long wait goes before either. `statuses` has the tasks that
/// others depend on; `limited` has, by its id, each agent that reached a limit of its account, with a sentence that says so;
/// `exhausted` has each project whose daily budget is used up.
pub fn admissions(
    live: &[Task],
    statuses: &BTreeMap<TaskId, TaskStatus>,
    limits: Limits,
    limited: &BTreeMap<String, String>,
    exhausted: &BTreeMap<ProjectId, String>,
) -> Vec<(TaskId, Input)> {
    let mut at_work = live.iter().filter(|task| task.holds_instance()).count();
    // A task that plans will be in review soon: it takes its place in the review column already.
    let mut in_review = live
        .iter()
        .filter(|task| match &task.phase {
            Phase::SpecReview { .. } => true,
            Phase::SpecGeneration { .. } => task.holds_instance(),
            Phase::Backlog
            | Phase::SpecRevision { .. }
            | Phase::SpecApproved { .. }
            | Phase::ImplementationQueued { .. }
            | Phase::Implementation { .. }
            | Phase::ImplementationReview { .. }
            | Phase::Done { .. }
            | Phase::SpecFailed { .. }
            | Phase::ImplementationFailed { .. }
            | Phase::Cancelled { .. } => false,
        })
        .count();
    let mut waiting: Vec<&Task> = live.iter().filter(|task| task.is_queued()).collect();
    waiting.sort_by_key(|task| (line(task), task.created_at, task.id.clone()));
    let mut decisions = Vec::new();
    let mut ahead = 0;
    for task in waiting {
        let plans = matches!(task.phase, Phase::SpecGeneration { .. } | Phase::SpecRevision { .. });
        let open: Vec<(String, TaskStatus)> = task
            .depends_on
            .iter()
            .filter_map(|needed| Some((needed.to_string(), *statuses.get(needed)?)))
            .filter(|(_, status)| *status != TaskStatus::Done)
            .collect();
        let ended: Vec<&str> = open
            .iter()
            .filter(|(_, status)| *status == TaskStatus::Cancelled)
            .map(|(id, _)| id.as_str())
            .collect();
        let reason = if !ended.is_empty() {
            Some(format!(
                "waiting for {}, which is cancelled; remove it from the dependencies to continue",
                ended.join(", ")
            ))
        } else if !open.is_empty() {
            let open: Vec<&str> = open.iter().map(|(id, _)| id.as_str()).collect();
            Some(format!("waiting for {} to be done", open.join(", ")))
        } else if let Some(budget) = exhausted.get(&task.project) {
            Some(budget.clone())
        } else if let Some(limit) =
            limited.get(if plans { &task.spec_agent } else { &task.implementation_agent })
        {
            Some(limit.clone())
        } else if at_work >= limits.instances {
            ahead += 1;
            Some(format!(
                "no agent instance is free: {at_work} of {} are running; position {ahead} in the queue",
                limits.instances
            ))
        } else if plans && in_review >= limits.in_review {
            Some(format!(
                "too many tasks in review: {in_review} of {} review slots are taken",
                limits.in_review
            ))
        } else {
            None
        };
        match reason {
            None => {
                at_work += 1;
                in_review += usize::from(plans);
                decisions.push((task.id.clone(), Input::Admit));
            }
            Some(reason) if task.queue_reason.as_deref() == Some(reason.as_str()) => {}
            Some(reason) => decisions.push((task.id.clone(), Input::Wait { reason })),
        }
    }
    decisions
}
