//! The audit log.

use crate::cli::{Audit, Cli};
use crate::commands;
use crate::output::{self, plain, text};

pub(crate) async fn list(cli: &Cli, command: &Audit) -> anyhow::Result<()> {
    let mut query = vec![("limit", command.limit.to_string())];
    query.extend(command.about.clone().map(|about| ("subject", about)));
    query.extend(command.action.clone().map(|action| ("action", action)));
    let found = commands::client(cli)?.get("/audit", &query).await?.body;
    if cli.json {
        output::json(&found);
        return Ok(());
    }
    let fields = ["at", "action", "object", "object_name", "actor", "way", "credential", "peer"];
    let rows: Vec<Vec<String>> = found
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| fields.iter().map(|field| plain(text(entry, field))).collect())
        .collect();
    output::table(&["TIME", "ACTION", "OBJECT", "NAME", "ACTOR", "WAY", "TOKEN", "ADDRESS"], &rows);
    Ok(())
}
