//! The outbox: effects that runners claim under a lease and a fence.

use crate::sql::{self, execute, from_json, number, rows, text};
use crate::{Store, StoreError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};
use workflow::{EffectId, EffectRow, Millis, TaskId};

/// A claim's right to report: the effect, and the number of the claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    pub effect: EffectId,
    pub attempt: i64,
}

/// An effect that a runner holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    pub row: EffectRow,
    pub task: TaskId,
    pub attempt: i64,
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

impl Store {
    /// Claims due effects: free ones or those whose lease ran out, first in their lane.
    pub async fn claim_effects(
        &self,
        worker: &str,
        limit: u64,
        now: Millis,
        lease_until: Millis,
    ) -> Result<Vec<Claimed>, StoreError> {
        let sql = |lock: &str| {
            format!(
                "SELECT e.id, e.task, e.effect, e.attempt, e.not_before FROM effects e \
                 WHERE e.not_before <= ? AND (e.state = 'pending' OR (e.state = 'leased' AND e.lease_until < ?)) \
                 AND NOT EXISTS (SELECT 1 FROM effects b WHERE b.lane = e.lane AND b.seq < e.seq AND b.state <> 'done') \
                 ORDER BY e.not_before, e.seq LIMIT ?{lock}"
            )
        };
        // Looking costs no write; most looks find nothing.
        let values = vec![now.0.into(), now.0.into(), sql::signed(limit)];
        if rows(&self.readers, &sql(""), values.clone()).await?.is_empty() {
            return Ok(Vec::new());
        }
        let worker = worker.to_owned();
        let lock = if self.backend() == DbBackend::Postgres { " FOR UPDATE OF e SKIP LOCKED" } else { "" };
        let sql = sql(lock);
        self.write(move |on| {
            Box::pin(async move {
                let mut claimed = Vec::new();
                for row in rows(on, &sql, values).await? {
                    let id = EffectId(text(&row, "id")?);
                    let attempt = number(&row, "attempt")? + 1;
                    let lease = "UPDATE effects SET state = 'leased', worker = ?, attempt = ?, lease_until = ? WHERE id = ?";
                    let values = vec![worker.clone().into(), attempt.into(), lease_until.0.into(), id.as_str().into()];
                    execute(on, lease, values).await?;
                    let row_of = EffectRow {
                        id,
                        effect: from_json(&row, "effect", "effect")?,
                        not_before: Millis(number(&row, "not_before")?),
                    };
                    claimed.push(Claimed { row: row_of, task: text(&row, "task")?.into(), attempt });
                }
                Ok(claimed)
            })
        })
        .await
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

    /// Gives an effect back, to be tried again later.
    pub async fn release_effect(
        &self,
        fence: &Fence,
        not_before: Millis,
        error: &str,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE effects SET state = 'pending', not_before = ?, error = ? WHERE id = ? AND attempt = ? AND state = 'leased'";
        self.fenced(fence, sql, vec![not_before.0.into(), error.into()]).await
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

    /// A task's effects that have not come to their end.
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
        mut values: Vec<sea_orm::Value>,
    ) -> Result<bool, StoreError> {
        values.extend([fence.effect.as_str().into(), fence.attempt.into()]);
        self.write(move |on| Box::pin(async move { Ok(execute(on, sql, values).await? == 1) })).await
    }
}

/// Ends an effect under its fence; false when the claim is lost.
pub(crate) async fn finish(on: &impl ConnectionTrait, fence: &Fence) -> Result<bool, StoreError> {
    let sql = "UPDATE effects SET state = 'done' WHERE id = ? AND attempt = ? AND state = 'leased'";
    Ok(execute(on, sql, vec![fence.effect.as_str().into(), fence.attempt.into()]).await? == 1)
}

pub(crate) async fn enqueue(
    on: &DatabaseTransaction,
    task: &TaskId,
    effects: &[EffectRow],
) -> Result<(), StoreError> {
    if effects.is_empty() {
        return Ok(());
    }
    let last = sql::count(on, &format!("effects/{task}"), effects.len()).await?;
    let first = last - i64::try_from(effects.len()).unwrap_or(0) + 1;
    for (seq, row) in (first..).zip(effects) {
        let sql = "INSERT INTO effects (id, task, seq, lane, name, effect, state, worker, attempt, lease_until, not_before, error) \
                   VALUES (?, ?, ?, ?, ?, ?, 'pending', '', 0, 0, ?, '')";
        let values = vec![
            row.id.as_str().into(),
            task.as_str().into(),
            seq.into(),
            row.effect.lane(task).into(),
            row.effect.name().into(),
            sql::json(&row.effect),
            row.not_before.0.into(),
        ];
        execute(on, sql, values).await?;
    }
    Ok(())
}
