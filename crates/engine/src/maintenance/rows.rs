//! Rows of the database that expire: finished effects, idempotency answers, messages of the feed.

use super::{Mode, Removal, Rules, STEP_PAUSE, Subject};
use crate::App;
use store::{Expiring, FeedSpan, RowTotal};
use workflow::{Millis, TaskId};

/// How many of the last messages of a topic stay; a client that is further behind reads the present state.
const FEED_ROWS: u64 = 10_000;
/// The prefix of tasks' topics.
const TASK_TOPIC: &str = "task:";
/// How many topics are read at once.
const TOPICS: u64 = 200;

pub(super) async fn effects(app: &App, rules: &Rules<'_>, mode: Mode) -> anyhow::Result<Vec<Removal>> {
    let days = rules.retention.effects_days;
    let Some(before) = rules.before_days(days) else { return Ok(Vec::new()) };
    let total = expired(app, Expiring::FinishedEffects, before, mode).await?;
    let reason = format!("Effects that finished more than {days} days ago.");
    Ok(vec![removal(Subject::Effects, reason, total)])
}

pub(super) async fn idempotency(app: &App, rules: &Rules<'_>, mode: Mode) -> anyhow::Result<Vec<Removal>> {
    let hours = rules.retention.idempotency_hours;
    let Some(before) = rules.before_hours(hours) else { return Ok(Vec::new()) };
    let total = expired(app, Expiring::IdempotencyAnswers, before, mode).await?;
    let reason = format!("Answers to requests with an idempotency key from more than {hours} hours ago.");
    Ok(vec![removal(Subject::IdempotencyAnswers, reason, total)])
}

/// Messages of tasks that are finished and recorded, and those that are too many for one topic.
pub(super) async fn feed(app: &App, rules: &Rules<'_>, mode: Mode) -> anyhow::Result<Vec<Removal>> {
    let mut removals = Vec::new();
    let days = rules.retention.feed_days;
    if let Some(before) = rules.before_days(days) {
        let (mut total, mut after) = (RowTotal::default(), String::new());
        loop {
            let spans = app.store.feed_of_finished(TASK_TOPIC, before, &after, TOPICS).await?;
            let Some(last) = spans.last() else { break };
            after.clone_from(&last.topic);
            for span in spans {
                let task = span.topic.strip_prefix(TASK_TOPIC).map(TaskId::from);
                if task.is_none_or(|task| rules.unrecorded.contains(&task)) {
                    continue;
                }
                total += messages(app, &span, mode).await?;
            }
        }
        let reason = format!("Live messages of finished tasks that have not changed for {days} days.");
        removals.push(removal(Subject::Feed, reason, total));
    }
    let mut total = RowTotal::default();
    for span in app.store.feed_beyond(FEED_ROWS, u64::MAX).await? {
        total += messages(app, &span, mode).await?;
    }
    let reason = format!("Live messages beyond the last {FEED_ROWS} of a topic.");
    removals.push(removal(Subject::Feed, reason, total));
    Ok(removals)
}

async fn messages(app: &App, span: &FeedSpan, mode: Mode) -> anyhow::Result<RowTotal> {
    if mode == Mode::DryRun {
        return Ok(span.total);
    }
    let mut total = RowTotal::default();
    loop {
        let removed = app.store.remove_feed(span).await?;
        total += removed;
        if removed.rows < store::BATCH_ROWS {
            return Ok(total);
        }
        tokio::time::sleep(STEP_PAUSE).await;
    }
}

async fn expired(app: &App, what: Expiring, before: Millis, mode: Mode) -> anyhow::Result<RowTotal> {
    if mode == Mode::DryRun {
        return Ok(app.store.count_expired(what, before).await?);
    }
    let mut total = RowTotal::default();
    loop {
        let removed = app.store.remove_expired(what, before).await?;
        total += removed;
        if removed.rows < store::BATCH_ROWS {
            return Ok(total);
        }
        tokio::time::sleep(STEP_PAUSE).await;
    }
}

fn removal(subject: Subject, reason: String, total: RowTotal) -> Removal {
    Removal { subject, reason, count: total.rows, bytes: total.bytes }
}
