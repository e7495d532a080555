//! The outbox: effects that runners claim under a lease and a fence.

use crate::connection::{Backend, Executor, Row, Transaction, Value};
use crate::sql::{self, Taken, execute, from_json, number, rows, text};
use crate::{Store, StoreError};
use workflow::{EffectId, EffectRow, Millis, SessionId, TaskId};

/// A claim's right to report: the effect, and the number of the claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    pub effect: EffectId,
    pub attempt: i64,
}

/// On what terms effects are claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The worker that holds the claim.
    pub worker: String,
    /// Effects that are due by now.
    pub now: Millis,
    /// When the claim ends unless it is renewed.
    pub until: Millis,
}

/// An effect that a runner holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    pub row: EffectRow,
    pub task: TaskId,
    pub attempt: i64,
    /// How often it was tried and failed. A claim that was cut off, or that waited for room, is no failure.
    pub failures: i64,
}

impl Claimed {
    pub fn fence(&self) -> Fence {
        Fence { effect: self.row.id.clone(), attempt: self.attempt }
    }
}

/// An effect that has not come to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingEffect {
    pub row: EffectRow,
    pub attempt: i64,
    /// `pending` or `leased`.
    pub state: String,
    /// Why it did not succeed the last time; empty when it was not tried.
    pub error: String,
}

/// The effects of one name and state that have not come to their end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectQueue {
    /// The name of the effects, as [`workflow::Effect::name`] has it.
    pub effect: String,
    /// `pending` or `leased`.
    pub state: String,
    pub count: u64,
    /// The earliest time from which one of them may start.
    pub first_due: Millis,
}

impl Store {
    /// Counts the effects that have not come to their end, by name and state.
    pub async fn effect_queues(&self) -> Result<Vec<EffectQueue>, StoreError> {
        let sql = "SELECT name, state, COUNT(*) AS total, MIN(not_before) AS first_due FROM effects \
                   WHERE state IN ('pending', 'leased') GROUP BY name, state ORDER BY name, state";
        let found = rows(&self.readers, sql, Vec::new()).await?;
        let read = |row: &Row| {
            Ok(EffectQueue {
                effect: text(row, "name")?,
                state: text(row, "state")?,
                count: sql::unsigned(row, "total")?,
                first_due: Millis(number(row, "first_due")?),
            })
        };
        found.iter().map(read).collect()
    }

    /// Claims due effects: free ones or those whose lease from another worker ran out, first in their lane.
    pub async fn claim_effects(&self, lease: Lease, limit: u64) -> Result<Vec<Claimed>, StoreError> {
        // Looking costs no write; most looks find nothing.
        let due = Due { lease: &lease, task: None, limit };
        let found = rows(&self.readers, &due.sql(Backend::Sqlite), due.values()).await?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        self.write(move |on| Box::pin(async move { claim(on, &lease, None, limit).await })).await
    }

    /// Holds a claim for longer; false when it belongs to another claim by now.
    pub async fn renew_lease(&self, fence: &Fence, until: Millis) -> Result<bool, StoreError> {
        let sql = "UPDATE effects SET lease_until = ? WHERE id = ? AND attempt = ? AND state = 'leased'";
        self.fenced(fence, sql, vec![until.0.into()]).await
    }

    /// Ends an effect that nothing waits for.
    pub async fn finish_effect(&self, fence: &Fence) -> Result<bool, StoreError> {
        let fence = fence.clone();
        self.write(move |on| Box::pin(async move { finish(on, &fence).await })).await
    }

    /// Gives an effect back that failed, to be tried again later.
    pub async fn release_effect(
        &self,
        fence: &Fence,
        not_before: Millis,
        error: &str,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE effects SET state = 'pending', failures = failures + 1, not_before = ?, error = ? \
                   WHERE id = ? AND attempt = ? AND state = 'leased'";
        self.fenced(fence, sql, vec![not_before.0.into(), error.into()]).await
    }

    /// Gives an effect back that could not be tried yet, such as for lack of room; that is no failure of it.
    pub async fn postpone_effect(
        &self,
        fence: &Fence,
        not_before: Millis,
        reason: &str,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE effects SET state = 'pending', not_before = ?, error = ? WHERE id = ? AND attempt = ? AND state = 'leased'";
        self.fenced(fence, sql, vec![not_before.0.into(), reason.into()]).await
    }

    /// Moves the due times of waiting effects that are still ahead of `now` earlier by so many milliseconds, as after the
    /// clock was set back by them. Returns how many there are.
    pub async fn advance_waiting_effects(&self, now: Millis, by: i64) -> Result<u64, StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let sql =
                    "UPDATE effects SET not_before = not_before - ? WHERE state = 'pending' AND not_before > ?";
                execute(on, sql, vec![by.into(), now.0.into()]).await
            })
        })
        .await
    }

    /// Starts the turn of a session now that waits for its time. Returns whether one waited.
    pub async fn start_waiting_turn(&self, session: &SessionId, now: Millis) -> Result<bool, StoreError> {
        let lane = format!("session/{session}");
        self.write(move |on| {
            Box::pin(async move {
                let sql = "UPDATE effects SET not_before = ? \
                           WHERE lane = ? AND name = 'run_turn' AND state = 'pending' AND not_before > ?";
                Ok(execute(on, sql, vec![now.0.into(), lane.into(), now.0.into()]).await? > 0)
            })
        })
        .await
    }

    /// The effects that a worker holds and has not renewed: their leases end by `until`.
    ///
    /// A worker asks for its own, to find the claims that it does not know of: the answer to the commit that made them
    /// was lost.
    pub async fn claims_until(&self, worker: &str, until: Millis) -> Result<Vec<Claimed>, StoreError> {
        let sql = "SELECT id, task, effect, attempt, not_before, failures FROM effects \
                   WHERE state = 'leased' AND worker = ? AND lease_until <= ? ORDER BY seq";
        let found = rows(&self.readers, sql, vec![worker.into(), until.0.into()]).await?;
        found.iter().map(|row| read_claimed(row, 0)).collect()
    }

    /// Claims an effect again that its own worker holds; false when the claim has ended.
    pub async fn reclaim_effect(&self, fence: &Fence, until: Millis) -> Result<bool, StoreError> {
        let sql = "UPDATE effects SET attempt = attempt + 1, lease_until = ? WHERE id = ? AND attempt = ? AND state = 'leased'";
        self.fenced(fence, sql, vec![until.0.into()]).await
    }

    /// Frees the claims of a worker that is gone, and says how many there were.
    pub async fn release_worker(&self, worker: &str) -> Result<u64, StoreError> {
        let worker = worker.to_owned();
        self.write(move |on| {
            Box::pin(async move {
                let sql = "UPDATE effects SET state = 'pending' WHERE worker = ? AND state = 'leased'";
                execute(on, sql, vec![worker.into()]).await
            })
        })
        .await
    }

    /// Returns a task's effects that have not come to their end.
    pub async fn pending_effects(&self, task: &TaskId) -> Result<Vec<PendingEffect>, StoreError> {
        let sql = "SELECT id, effect, attempt, state, not_before, error FROM effects WHERE task = ? AND state <> 'done' ORDER BY seq";
        let found = rows(&self.readers, sql, vec![task.as_str().into()]).await?;
        found
            .iter()
            .map(|row| {
                Ok(PendingEffect {
                    row: EffectRow {
                        id: text(row, "id")?.into(),
                        effect: from_json(row, "effect", "effect")?,
                        not_before: Millis(number(row, "not_before")?),
                    },
                    attempt: number(row, "attempt")?,
                    state: text(row, "state")?,
                    error: text(row, "error")?,
                })
            })
            .collect()
    }

    async fn fenced(
        &self,
        fence: &Fence,
        sql: &'static str,
        mut values: Vec<Value>,
    ) -> Result<bool, StoreError> {
        values.extend([fence.effect.as_str().into(), fence.attempt.into()]);
        self.write(move |on| Box::pin(async move { Ok(execute(on, sql, values).await? == 1) })).await
    }
}

/// Which effects may be claimed.
struct Due<'a> {
    lease: &'a Lease,
    task: Option<&'a TaskId>,
    limit: u64,
}

impl Due<'_> {
    fn sql(&self, backend: Backend) -> String {
        let task = if self.task.is_some() { " AND e.task = ?" } else { "" };
        let lock = if backend == Backend::Postgres { " FOR UPDATE OF e SKIP LOCKED" } else { "" };
        format!(
            "SELECT e.id, e.task, e.effect, e.attempt, e.not_before, e.failures FROM effects e \
             WHERE e.not_before <= ? AND (e.state = 'pending' OR (e.state = 'leased' AND e.lease_until < ? AND e.worker <> ?)){task} \
             AND NOT EXISTS (SELECT 1 FROM effects b WHERE b.lane = e.lane AND b.seq < e.seq AND b.state <> 'done') \
             ORDER BY e.not_before, e.seq LIMIT ?{lock}"
        )
    }

    fn values(&self) -> Vec<Value> {
        let now = self.lease.now.0;
        // A worker keeps the leases that it still holds, however late it renews: the machine may have slept.
        let mut values = vec![now.into(), now.into(), self.lease.worker.as_str().into()];
        values.extend(self.task.map(|task| task.as_str().into()));
        values.push(sql::signed(self.limit));
        values
    }
}

/// Claims due effects, of one task or of any, within a transaction.
pub(crate) async fn claim(
    on: &Transaction<'_>,
    lease: &Lease,
    task: Option<&TaskId>,
    limit: u64,
) -> Result<Vec<Claimed>, StoreError> {
    let due = Due { lease, task, limit };
    let claimed = rows(on, &due.sql(on.backend()), due.values()).await?;
    let claimed: Vec<Claimed> =
        claimed.iter().map(|row| read_claimed(row, 1)).collect::<Result<_, StoreError>>()?;
    if !claimed.is_empty() {
        let marks = vec!["?"; claimed.len()].join(", ");
        let sql = format!(
            "UPDATE effects SET state = 'leased', worker = ?, attempt = attempt + 1, lease_until = ? WHERE id IN ({marks})"
        );
        let mut values = vec![lease.worker.as_str().into(), lease.until.0.into()];
        values.extend(claimed.iter().map(|claimed| claimed.row.id.as_str().into()));
        execute(on, &sql, values).await?;
    }
    Ok(claimed)
}

/// Returns a row as a claim, whose number is that of the row's last one and `later`.
fn read_claimed(row: &Row, later: i64) -> Result<Claimed, StoreError> {
    Ok(Claimed {
        row: EffectRow {
            id: EffectId(text(row, "id")?),
            effect: from_json(row, "effect", "effect")?,
            not_before: Millis(number(row, "not_before")?),
        },
        task: text(row, "task")?.into(),
        attempt: number(row, "attempt")? + later,
        failures: number(row, "failures")?,
    })
}

/// Ends an effect under its fence; false when the claim is lost.
pub(crate) async fn finish(on: &impl Executor, fence: &Fence) -> Result<bool, StoreError> {
    let sql = "UPDATE effects SET state = 'done' WHERE id = ? AND attempt = ? AND state = 'leased'";
    Ok(execute(on, sql, vec![fence.effect.as_str().into(), fence.attempt.into()]).await? == 1)
}

/// Puts effects behind those that their task has already.
///
/// A turn that waits to be retried, for hours where a limit was met, holds back its lane. An effect that is requested behind it
/// says that the task has left the turn, so the wait ends: the turn is claimed, found unneeded and skipped.
pub(crate) async fn enqueue(
    on: &Transaction<'_>,
    task: &TaskId,
    effects: &[EffectRow],
    taken: &Taken,
) -> Result<(), StoreError> {
    let first = taken.get(&counter(task)).copied().unwrap_or(1);
    let row = |(seq, row): (u64, &EffectRow)| {
        vec![
            row.id.as_str().into(),
            task.as_str().into(),
            sql::signed(seq),
            row.effect.lane(task).into(),
            row.effect.name().into(),
            sql::json(&row.effect),
            row.not_before.0.into(),
            "pending".into(),
            "".into(),
            0_i64.into(),
            0_i64.into(),
            "".into(),
        ]
    };
    for row in effects.iter().filter(|row| row.effect.follows_turns()) {
        let sql = "UPDATE effects SET not_before = ? \
                   WHERE lane = ? AND name = 'run_turn' AND state = 'pending' AND not_before > ?";
        let values = vec![row.not_before.0.into(), row.effect.lane(task).into(), row.not_before.0.into()];
        execute(on, sql, values).await?;
    }
    let table =
        "effects (id, task, seq, lane, name, effect, not_before, state, worker, attempt, lease_until, error)";
    sql::insert(on, table, (first..).zip(effects).map(row).collect(), "").await.map(|_| ())
}

/// Returns the counter of a task's effects.
pub(crate) fn counter(task: &TaskId) -> String {
    format!("effects/{task}")
}
