//! Ports that are reserved for live sessions, and for the checks of live tasks. Those of an owner that has ended, or that is not
//! there, count as free.

use crate::sql::{execute, number, rows};
use crate::{Store, StoreError};
use std::collections::BTreeSet;

/// Selects the ports whose owner has ended or is not there.
const ENDED: &str = "SELECT p.port FROM reserved_ports p LEFT JOIN work_sessions w ON w.id = p.owner \
                     LEFT JOIN tasks t ON t.id = p.owner \
                     WHERE (w.id IS NULL OR w.status IN ('completed', 'failed', 'cancelled')) \
                     AND (t.id IS NULL OR t.status IN ('done', 'cancelled'))";

impl Store {
    /// Returns the ports that are reserved, of all owners.
    pub async fn reserved_ports(&self) -> Result<BTreeSet<u16>, StoreError> {
        let sql = format!("SELECT port FROM reserved_ports WHERE port NOT IN ({ENDED})");
        ports(&rows(&self.readers, &sql, Vec::new()).await?).map(|ports| ports.into_iter().collect())
    }

    /// Returns the ports that are reserved for a session or task, in their order.
    pub async fn ports_of(&self, owner: &str) -> Result<Vec<u16>, StoreError> {
        let sql = "SELECT port FROM reserved_ports WHERE owner = ? ORDER BY port";
        ports(&rows(&self.readers, sql, vec![owner.into()]).await?)
    }

    /// Reserves ports for a session or task, all or none, in the place of those that it has. Returns whether none of them was
    /// another's.
    pub async fn reserve_ports(&self, owner: &str, wanted: Vec<u16>) -> Result<bool, StoreError> {
        let owner = owner.to_owned();
        self.write(move |on| {
            Box::pin(async move {
                let own = || vec![owner.as_str().into()];
                execute(on, &format!("DELETE FROM reserved_ports WHERE port IN ({ENDED})"), Vec::new()).await?;
                execute(on, "DELETE FROM reserved_ports WHERE owner = ?", own()).await?;
                let mut reserved = 0;
                for port in &wanted {
                    let sql = "INSERT INTO reserved_ports (port, owner) VALUES (?, ?) ON CONFLICT (port) DO NOTHING";
                    let values = vec![i64::from(*port).into(), owner.as_str().into()];
                    reserved += execute(on, sql, values).await?;
                }
                let is_complete = usize::try_from(reserved) == Ok(wanted.len());
                if !is_complete {
                    execute(on, "DELETE FROM reserved_ports WHERE owner = ?", own()).await?;
                }
                Ok(is_complete)
            })
        })
        .await
    }

    /// Frees the ports of a session or task.
    pub async fn free_ports(&self, owner: &str) -> Result<(), StoreError> {
        let owner = owner.to_owned();
        self.write(move |on| {
            Box::pin(async move {
                execute(on, "DELETE FROM reserved_ports WHERE owner = ?", vec![owner.as_str().into()])
                    .await?;
                Ok(())
            })
        })
        .await
    }
}

fn ports(rows: &[crate::connection::Row]) -> Result<Vec<u16>, StoreError> {
    let ports = rows.iter().map(|row| number(row, "port"));
    // The table holds what was a port when it was written.
    ports.map(|port| Ok(u16::try_from(port?).unwrap_or_default())).collect()
}
