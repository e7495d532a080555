//! What each project uses per day, and what planned tasks of finished tasks used.
//!
//! Both are added to in the transaction that saves the turn's end or the landing, so that a budget and a forecast read a few
//! rows instead of finished work.

use crate::connection::{Executor, Row, Transaction, Value};
use crate::sql::{execute, number, row, rows, signed, text, unsigned};
use crate::{Store, StoreError};
use workflow::{Effort, Event, Millis, PlannedUsage, ProjectId, Session, Task, day};

/// How many planned tasks a forecast is based on at most, the latest first.
const MAX_PLANNED: i64 = 200;
/// A dollar in the unit of the tables.
const MICROS: f64 = 1_000_000.0;

/// What a project used on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DailyUsage {
    /// The day, as a number of days since 1970-01-01 (UTC).
    pub day: i64,
    /// The turns that ended.
    pub turns: u64,
    /// The turns of which the agent reported no tokens.
    pub turns_without_tokens: u64,
    /// The turns of which the agent reported no cost.
    pub turns_without_cost: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// The cost that agents reported, in dollars.
    pub cost_usd: f64,
}

/// Adds the tokens and cost that a step's events report to the daily usage of the task's project. When the task's change
/// lands, adds a row for each of its planned tasks, which forecasts are made from.
pub(crate) async fn add(on: &Transaction<'_>, task: &Task, events: &[Event]) -> Result<(), StoreError> {
    let at = task.updated_at;
    let mut used = DailyUsage::default();
    let mut has_landed = false;
    for event in events {
        match event {
            Event::TurnEnded { session, usage, .. } => {
                let reports_sum = task.session(session).is_some_and(|session| session.cost.is_some());
                let cost = usage.and_then(|usage| usage.cost_usd);
                used.turns += 1;
                used.turns_without_tokens += u64::from(usage.is_none_or(|usage| !has_tokens(&usage)));
                used.turns_without_cost += u64::from(cost.is_none() && !reports_sum);
                used.input_tokens += usage.map_or(0, |usage| usage.input_tokens);
                used.output_tokens += usage.map_or(0, |usage| usage.output_tokens);
                used.cost_usd += cost.unwrap_or(0.0);
            }
            Event::TurnFailed { usage: Some(usage), .. } => {
                used.input_tokens += usage.input_tokens;
                used.output_tokens += usage.output_tokens;
                used.cost_usd += usage.cost_usd.unwrap_or(0.0);
            }
            Event::Spent { usd, .. } => used.cost_usd += usd,
            Event::Landed { .. } => has_landed = true,
            _ => {}
        }
    }
    if used != DailyUsage::default() {
        let sql = "INSERT INTO daily_usage (project, day, turns, turns_without_tokens, turns_without_cost, input_tokens, output_tokens, \
                   cost_micros) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project, day) DO UPDATE SET \
                   turns = daily_usage.turns + excluded.turns, \
                   turns_without_tokens = daily_usage.turns_without_tokens + excluded.turns_without_tokens, \
                   turns_without_cost = daily_usage.turns_without_cost + excluded.turns_without_cost, \
                   input_tokens = daily_usage.input_tokens + excluded.input_tokens, \
                   output_tokens = daily_usage.output_tokens + excluded.output_tokens, \
                   cost_micros = daily_usage.cost_micros + excluded.cost_micros";
        let numbers = [
            used.turns,
            used.turns_without_tokens,
            used.turns_without_cost,
            used.input_tokens,
            used.output_tokens,
        ];
        let mut values: Vec<Value> = vec![task.project.as_str().into(), day(at).into()];
        values.extend(numbers.map(signed));
        values.push(micros(used.cost_usd).into());
        execute(on, sql, values).await?;
    }
    if has_landed {
        for session in task.sessions.iter().filter(|session| session.unit.is_some()) {
            add_planned(on, task, session, at).await?;
        }
    }
    Ok(())
}

async fn add_planned(
    on: &impl Executor,
    task: &Task,
    session: &Session,
    at: Millis,
) -> Result<(), StoreError> {
    let tokens = has_tokens(&session.usage).then(|| session.usage.input_tokens + session.usage.output_tokens);
    let cost = session.usage.cost_usd;
    if tokens.is_none() && cost.is_none() {
        return Ok(());
    }
    let sql = "INSERT INTO planned_task_usage (session, project, effort, at, tokens, cost_micros) VALUES (?, ?, ?, ?, ?, ?) \
               ON CONFLICT (session) DO NOTHING";
    let values = vec![
        session.id.as_str().into(),
        task.project.as_str().into(),
        task.effort_of(session).as_str().into(),
        at.0.into(),
        Value::Integer(tokens.map(|tokens| i64::try_from(tokens).unwrap_or(i64::MAX))),
        Value::Integer(cost.map(micros)),
    ];
    execute(on, sql, values).await?;
    Ok(())
}

fn has_tokens(usage: &workflow::Usage) -> bool {
    usage.input_tokens + usage.output_tokens > 0
}

/// Returns dollars in the unit of the tables.
#[expect(clippy::cast_possible_truncation, reason = "a float is cast to the nearest number that fits")]
fn micros(usd: f64) -> i64 {
    (usd * MICROS).round() as i64
}

/// Returns an amount of the tables in dollars.
#[expect(clippy::cast_precision_loss, reason = "amounts beyond 2^53 millionths of a dollar do not occur")]
fn dollars(micros: i64) -> f64 {
    micros as f64 / MICROS
}

fn read(row: &Row) -> Result<DailyUsage, StoreError> {
    Ok(DailyUsage {
        day: number(row, "day")?,
        turns: unsigned(row, "turns")?,
        turns_without_tokens: unsigned(row, "turns_without_tokens")?,
        turns_without_cost: unsigned(row, "turns_without_cost")?,
        input_tokens: unsigned(row, "input_tokens")?,
        output_tokens: unsigned(row, "output_tokens")?,
        cost_usd: dollars(number(row, "cost_micros")?),
    })
}

impl Store {
    /// Returns what a project used on a day.
    pub async fn usage_of_day(&self, project: &ProjectId, day: i64) -> Result<DailyUsage, StoreError> {
        let sql = "SELECT * FROM daily_usage WHERE project = ? AND day = ?";
        let found = row(&self.readers, sql, vec![project.as_str().into(), day.into()]).await?;
        found.map_or(Ok(DailyUsage { day, ..DailyUsage::default() }), |row| read(&row))
    }

    /// Returns what a project used on each day from a day on, the earliest first; a day without a turn is left out.
    pub async fn usage_since(&self, project: &ProjectId, day: i64) -> Result<Vec<DailyUsage>, StoreError> {
        let sql = "SELECT * FROM daily_usage WHERE project = ? AND day >= ? ORDER BY day";
        let found = rows(&self.readers, sql, vec![project.as_str().into(), day.into()]).await?;
        found.iter().map(read).collect()
    }

    /// Returns what the latest planned tasks of a project's finished tasks used.
    pub async fn planned_usage(&self, project: &ProjectId) -> Result<Vec<PlannedUsage>, StoreError> {
        let sql = "SELECT effort, tokens, cost_micros FROM planned_task_usage WHERE project = ? ORDER BY at DESC, session LIMIT ?";
        let found = rows(&self.readers, sql, vec![project.as_str().into(), MAX_PLANNED.into()]).await?;
        let read = |row: &Row| {
            let tokens: Option<i64> = row.get("tokens")?;
            let cost: Option<i64> = row.get("cost_micros")?;
            Ok(PlannedUsage {
                effort: text(row, "effort")?.parse().unwrap_or(Effort::Medium),
                tokens: tokens.and_then(|tokens| u64::try_from(tokens).ok()),
                cost_usd: cost.map(dollars),
            })
        };
        found.iter().map(read).collect()
    }
}
