//! Maintenance: what is stored, what retention removes, and removing it.

use crate::cli::{Cli, Maintenance};
use crate::commands;
use crate::output::{self, plain, text};
use serde_json::{Value, json};

/// The stored things that are counted, by their names in the API.
const STORED: [(&str, &str); 8] = [
    ("feed", "live feed"),
    ("session_logs", "session logs"),
    ("effects", "effects"),
    ("idempotency_answers", "idempotency answers"),
    ("trash", "trash"),
    ("worktrees", "worktrees"),
    ("setup_cache", "setup results"),
    ("repositories", "repositories"),
];

pub(crate) async fn run(cli: &Cli, command: &Maintenance) -> anyhow::Result<()> {
    let client = commands::client(cli)?;
    if command.dry_run {
        let found = client.get("/maintenance", &[]).await?.body;
        if cli.json {
            output::json(&found);
            return Ok(());
        }
        print_storage(&found["storage"]);
        println!();
        print_removals("would be removed", &found["planned"]);
        for kept in found["kept"].as_array().into_iter().flatten() {
            println!("kept: {}: {}", plain(text(kept, "name")), plain(text(kept, "reason")));
        }
        return Ok(());
    }
    let run = client.post("/maintenance", &json!({})).await?;
    if cli.json {
        output::json(&run);
        return Ok(());
    }
    print_removals("removed", &run["removed"]);
    let errors = run["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    for error in errors {
        output::tell(&format!("failed: {}", plain(error.as_str().unwrap_or_default())));
    }
    anyhow::ensure!(errors.is_empty(), "maintenance could not remove everything; the next run tries again");
    Ok(())
}

fn print_storage(storage: &Value) {
    let mut rows = vec![
        vec!["database".to_owned(), String::new(), size(&storage["database_bytes"])],
        vec!["database, free".to_owned(), String::new(), size(&storage["database_free_bytes"])],
    ];
    rows.extend(STORED.iter().map(|(field, label)| {
        let usage = &storage[*field];
        vec![(*label).to_owned(), usage["count"].to_string(), size(&usage["bytes"])]
    }));
    output::table(&["STORED", "COUNT", "SIZE"], &rows);
}

fn print_removals(head: &str, removals: &Value) {
    let removals = removals.as_array().map(Vec::as_slice).unwrap_or_default();
    if removals.is_empty() {
        println!("Nothing {head}.");
        return;
    }
    for removal in removals {
        let reason = plain(text(removal, "reason"));
        println!("{head}: {} ({}): {reason}", removal["count"], size(&removal["bytes"]));
    }
}

fn size(bytes: &Value) -> String {
    output::size(bytes.as_u64().unwrap_or(0))
}
