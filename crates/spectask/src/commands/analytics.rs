//! Figures about all tasks, in a terminal.

use super::client;
use crate::cli::{Analytics, Cli};
use crate::output::{self, plain, text};
use serde_json::Value;

pub(crate) async fn analytics(cli: &Cli, command: &Analytics) -> anyhow::Result<()> {
    let client = client(cli)?;
    let mut query = vec![("bucket", command.bucket.clone())];
    let more = [("from", &command.from), ("to", &command.to), ("project_id", &command.project)];
    query.extend(more.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    if command.csv {
        query.push(("format", "csv".to_owned()));
        print!("{}", client.text("/analytics", &query).await?);
        return Ok(());
    }
    let found = client.get("/analytics", &query).await?.body;
    if cli.json {
        output::json(&found);
        return Ok(());
    }
    println!("{} to {}", text(&found, "from"), text(&found, "to"));
    println!();
    let rows: Vec<Vec<String>> =
        items(&found, "buckets").iter().map(|row| figures(text(row, "start"), row)).collect();
    let all = figures("all", &found["totals"]);
    let head = [text(&found, "bucket"), "created", "done", "sessions", "failures", "tokens", "cost"];
    output::table(&head, &rows.into_iter().chain([all]).collect::<Vec<_>>());
    let phases: Vec<Vec<String>> = items(&found, "phases")
        .iter()
        .map(|row| {
            let time = |field: &str| duration(row[field].as_f64());
            vec![
                text(row, "phase").replace('_', " "),
                row["count"].to_string(),
                time("median_seconds"),
                time("p90_seconds"),
            ]
        })
        .collect();
    if !phases.is_empty() {
        println!();
        output::table(&["phase", "times", "median", "p90"], &phases);
    }
    let agents: Vec<Vec<String>> = items(&found, "agents")
        .iter()
        .map(|row| {
            let count = |field: &str| row[field].to_string();
            vec![
                plain(text(row, "agent")),
                count("sessions_started"),
                count("sessions_failed"),
                tokens(row),
                cost(row),
            ]
        })
        .collect();
    if !agents.is_empty() {
        println!();
        output::table(&["agent", "sessions", "failed", "tokens", "cost"], &agents);
    }
    Ok(())
}

fn items<'v>(found: &'v Value, field: &str) -> &'v [Value] {
    found[field].as_array().map_or(&[], Vec::as_slice)
}

fn figures(name: &str, row: &Value) -> Vec<String> {
    let count = |field: &str| row[field].to_string();
    vec![
        name.to_owned(),
        count("tasks_created"),
        count("tasks_done"),
        count("sessions_started"),
        count("failures"),
        tokens(row),
        cost(row),
    ]
}

fn tokens(row: &Value) -> String {
    let count = |field: &str| row["usage"][field].as_u64().unwrap_or(0);
    (count("input_tokens") + count("output_tokens")).to_string()
}

fn cost(row: &Value) -> String {
    row["usage"]["cost_usd"].as_f64().map_or("–".to_owned(), |cost| format!("${cost:.2}"))
}

/// Returns a length of time in its two largest units, as everywhere in the product.
fn duration(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return "–".to_owned() };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length of time")]
    let whole = seconds.max(0.0).round() as u64;
    let parts =
        [(whole / 86_400, "d"), (whole / 3_600 % 24, "h"), (whole / 60 % 60, "min"), (whole % 60, "s")];
    let Some(first) = parts.iter().position(|(count, _)| *count > 0) else { return "0 s".to_owned() };
    let shown = parts.iter().skip(first).take(2).filter(|(count, _)| *count > 0);
    shown.map(|(count, unit)| format!("{count} {unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_their_two_largest_units() {
        let seconds =
            [None, Some(0.4), Some(2.0), Some(90.0), Some(5_400.0), Some(86_460.0), Some(129_600.0)];
        assert_eq!(seconds.map(duration), ["–", "0 s", "2 s", "1 min 30 s", "1 h 30 min", "1 d", "1 d 12 h"]);
    }
}
