//! Gathering a report from the task, its documents and its events: all that a rebuilt database has as well.

use super::{
    AgentUsage, PhaseTime, Report, ReportedCommit, ReportedDecision, ReportedEvidence, ReportedFailure,
    ReportedRequirement, RequirementTask, StageSpan,
};
use crate::App;
use crate::clock::now;
use crate::clock::rfc3339;
use crate::insight::traceability::{Traceability, TracedRequirement, traced};
use crate::insight::views;
use crate::projects::repositories::RepositoryError;
use crate::wire;
use protocol::words::{CommitKind, DecisionAction, RequirementProof};
use store::LoggedEvent;
use workflow::{
    Decision, Event, EvidenceState, Millis, Phase, Stage, Task, TaskMetrics, Unit, UnitStatus, Usage,
};

/// How many events are read at once.
const PAGE: u64 = 1_000;

/// Returns a task's report as of now.
pub async fn gather(app: &App, task: &Task) -> Result<Report, RepositoryError> {
    let scene = views::sessions(app, task).await?;
    let Traceability { requirements, uncovered_requirements, orphan_tasks } = traced(app, task).await?;
    let metrics = app.store.task_metrics(task).await?;
    let decisions = decisions(app, task).await?;
    let now = now();
    let review: Vec<&workflow::StageInterval> =
        metrics.stages.iter().filter(|interval| interval.stage.is_review()).collect();
    Ok(Report {
        generated_at: rfc3339(now),
        spec_task: views::task(app, task).await?,
        requirements: requirements.into_iter().map(|one| requirement(task, one)).collect(),
        uncovered_requirements,
        orphan_tasks,
        implementation_tasks: views::units(app, task).await?,
        evidence: evidence(task),
        work_sessions: scene.work_sessions,
        phases: phases(&metrics, now),
        timeline: metrics.stages.iter().map(|interval| stage_span(interval, now)).collect(),
        review_waiting_seconds: in_seconds(
            review.iter().map(|interval| interval.until.unwrap_or(now).0 - interval.from.0).sum(),
        ),
        review_count: review.len(),
        checks: metrics.checks.iter().map(wire::check).collect(),
        commits: commits(task),
        usage_by_agent: usage(&metrics),
        failures: failures(&metrics),
        decisions,
    })
}

/// Returns people's decisions on a task, in order.
async fn decisions(app: &App, task: &Task) -> Result<Vec<ReportedDecision>, RepositoryError> {
    let (mut after, mut decisions) = (0, Vec::new());
    loop {
        let events = app.store.task_events(&task.id, after, PAGE).await?;
        decisions.extend(events.iter().filter_map(|logged| decision(task, logged)));
        match events.last() {
            Some(last) if events.len() as u64 >= PAGE => after = last.seq,
            _ => return Ok(decisions),
        }
    }
}

fn decision(task: &Task, logged: &LoggedEvent) -> Option<ReportedDecision> {
    let decided =
        |action: DecisionAction, by: Option<&String>, decision: Option<Decision>, comments: String| {
            Some(ReportedDecision { at: rfc3339(logged.at), by: by.cloned(), action, decision, comments })
        };
    let name = |id| task.session(id).map(|session| session.display_name().to_owned()).unwrap_or_default();
    match &logged.event {
        Event::SpecsReviewed { decision, by, comments, changes, .. } => {
            let mut said = vec![comments.clone()];
            said.extend(changes.clone());
            said.retain(|text| !text.is_empty());
            decided(DecisionAction::ReviewSpecs, Some(by), Some(*decision), said.join("\n"))
        }
        Event::DocumentsChanged { by, .. } => {
            decided(DecisionAction::EditDocuments, Some(by), None, String::new())
        }
        Event::ImplementationReviewed { decision, by, comments, .. } => {
            decided(DecisionAction::ReviewImplementation, Some(by), Some(*decision), comments.clone())
        }
        Event::Retried { by } => decided(DecisionAction::Retry, Some(by), None, String::new()),
        Event::Cancelled { by } => decided(DecisionAction::Cancel, Some(by), None, String::new()),
        Event::Reopened { by, .. } => decided(DecisionAction::Reopen, Some(by), None, String::new()),
        Event::Closed { by } => decided(DecisionAction::Close, Some(by), None, String::new()),
        Event::SessionSkipped { session } => decided(DecisionAction::SkipSession, None, None, name(session)),
        Event::SessionChosen { session, .. } => {
            decided(DecisionAction::ChooseSession, None, None, name(session))
        }
        _ => None,
    }
}

fn requirement(task: &Task, traced: TracedRequirement) -> ReportedRequirement {
    let units: Vec<&Unit> = task.units().iter().filter(|unit| traced.tasks.contains(&unit.number)).collect();
    let states: Vec<Option<EvidenceState>> = units.iter().map(|unit| state(task, unit)).collect();
    let proof = if states.is_empty() || states.contains(&None) {
        RequirementProof::Missing
    } else if states.contains(&Some(EvidenceState::NotReported)) {
        RequirementProof::NotReported
    } else if states.contains(&Some(EvidenceState::Claimed)) {
        RequirementProof::Claimed
    } else {
        RequirementProof::Evidenced
    };
    let tasks = units.into_iter().map(|unit| RequirementTask {
        number: unit.number.clone(),
        title: unit.title.clone(),
        status: task.unit_status(unit.index),
    });
    ReportedRequirement {
        id: traced.id,
        text: traced.text,
        ears_pattern: traced.ears_pattern,
        status: traced.status,
        proof,
        tasks: tasks.collect(),
        work_sessions: traced.work_sessions,
        commits: traced.commits,
    }
}

fn is_marked(task: &Task, unit: &Unit) -> bool {
    task.unit_status(unit.index) == UnitStatus::Completed
}

fn state(task: &Task, unit: &Unit) -> Option<EvidenceState> {
    task.evidence(unit.index, is_marked(task, unit)).state
}

fn evidence(task: &Task) -> Vec<ReportedEvidence> {
    let mut units: Vec<&Unit> = task.units().iter().filter(|unit| state(task, unit).is_some()).collect();
    units.sort_by_key(|unit| match state(task, unit) {
        Some(EvidenceState::NotReported) => 0,
        Some(EvidenceState::Claimed) => 1,
        Some(EvidenceState::Done) | None => 2,
    });
    let shown = |unit: &Unit| ReportedEvidence {
        number: unit.number.clone(),
        title: unit.title.clone(),
        evidence: wire::evidence(&task.evidence(unit.index, is_marked(task, unit))),
    };
    units.into_iter().map(shown).collect()
}

fn seconds(interval: &workflow::StageInterval, now: Millis) -> f64 {
    in_seconds(interval.until.unwrap_or(now).0 - interval.from.0)
}

/// Returns a length of time in seconds, to the millisecond.
#[expect(clippy::cast_precision_loss, reason = "no task lasts for as long as matters")]
pub fn in_seconds(milliseconds: i64) -> f64 {
    milliseconds.max(0) as f64 / 1_000.0
}

fn stage_span(interval: &workflow::StageInterval, now: Millis) -> StageSpan {
    StageSpan {
        phase: interval.stage,
        from: rfc3339(interval.from),
        until: interval.until.map(rfc3339),
        seconds: if interval.stage.is_end() { 0.0 } else { seconds(interval, now) },
    }
}

fn phases(metrics: &TaskMetrics, now: Millis) -> Vec<PhaseTime> {
    let mut stages: Vec<Stage> = Vec::new();
    for interval in &metrics.stages {
        if !interval.stage.is_end() && !stages.contains(&interval.stage) {
            stages.push(interval.stage);
        }
    }
    let time = |stage: Stage| PhaseTime {
        phase: stage,
        seconds: in_seconds(metrics.time_at(stage, now).unwrap_or(0)),
        times: metrics.stages.iter().filter(|interval| interval.stage == stage).count(),
    };
    stages.into_iter().map(time).collect()
}

fn commits(task: &Task) -> Vec<ReportedCommit> {
    let mut commits: Vec<ReportedCommit> = Vec::new();
    let mut add = |commit: &workflow::Commit, kind: CommitKind, session: Option<&workflow::Session>| {
        if commits.iter().all(|known| known.commit != commit.0) {
            commits.push(ReportedCommit {
                commit: commit.0.clone(),
                kind,
                work_session_id: session.map(|session| session.id.to_string()),
                work_session_name: session.map(|session| session.display_name().to_owned()),
            });
        }
    };
    for session in &task.sessions {
        for turn in session.ended.iter().filter(|turn| turn.changed) {
            turn.commit.iter().for_each(|commit| add(commit, CommitKind::Work, Some(session)));
        }
        session.merged.iter().for_each(|commit| add(commit, CommitKind::Merge, Some(session)));
    }
    if let Phase::Done { merged: Some(commit), .. } = &task.phase {
        add(commit, CommitKind::Landing, None);
    }
    commits
}

fn usage(metrics: &TaskMetrics) -> Vec<AgentUsage> {
    let mut agents: Vec<(&str, Usage)> = Vec::new();
    for spent in &metrics.spent {
        match agents.iter_mut().find(|(agent, _)| *agent == spent.agent) {
            Some((_, usage)) => usage.add(&spent.usage),
            None => agents.push((&spent.agent, spent.usage)),
        }
    }
    let shown =
        |(agent, usage): (&str, Usage)| AgentUsage { agent: agent.to_owned(), usage: wire::usage(usage) };
    agents.into_iter().map(shown).collect()
}

fn failures(metrics: &TaskMetrics) -> Vec<ReportedFailure> {
    let mut failures: Vec<ReportedFailure> = Vec::new();
    for count in &metrics.failures {
        let class = count.class;
        match failures.iter_mut().find(|known| known.class == class && known.agent == count.agent) {
            Some(known) => known.count += count.count,
            None => failures.push(ReportedFailure { class, agent: count.agent.clone(), count: count.count }),
        }
    }
    failures
}
