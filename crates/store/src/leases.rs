//! Leases: what one server at a time may do among those that share the database.

use crate::sql::execute;
use crate::{Store, StoreError};
use workflow::Millis;

impl Store {
    /// Takes a lease, or extends it, until a time; false while another holder has it.
    pub async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        at: Millis,
        until: Millis,
    ) -> Result<bool, StoreError> {
        let (name, holder) = (name.to_owned(), holder.to_owned());
        self.write(move |on| {
            Box::pin(async move {
                let sql = "INSERT INTO leases (name, holder, until) VALUES (?, ?, ?) \
                           ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until \
                           WHERE leases.holder = excluded.holder OR leases.until < ?";
                let values = vec![name.into(), holder.into(), until.0.into(), at.0.into()];
                Ok(execute(on, sql, values).await? == 1)
            })
        })
        .await
    }
}
