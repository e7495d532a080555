//! Webhooks: the endpoints of the configuration, and their deliveries.

use super::client;
use crate::cli::{Cli, Webhooks, WebhooksCommand};
use crate::output::{self, short, text};
use serde_json::{Value, json};

pub(crate) async fn run(cli: &Cli, command: &Webhooks) -> anyhow::Result<()> {
    let client = client(cli)?;
    match &command.command {
        None => {
            let found = client.get("/webhooks?limit=500", &[]).await?.body;
            show(cli, &found, endpoints);
        }
        Some(WebhooksCommand::Deliveries { id }) => {
            let found = client.get(&format!("/webhooks/{id}/deliveries?limit=500"), &[]).await?.body;
            show(cli, &found, deliveries);
        }
        Some(WebhooksCommand::Redeliver { id, delivery }) => {
            let path = format!("/webhooks/{id}/deliveries/{delivery}/redeliver");
            queued(cli, id, &client.post(&path, &json!({})).await?);
        }
        Some(WebhooksCommand::Test { id }) => {
            queued(cli, id, &client.post(&format!("/webhooks/{id}/test"), &json!({})).await?);
        }
    }
    Ok(())
}

fn show(cli: &Cli, found: &Value, print: fn(&[Value])) {
    if cli.json {
        output::json(found);
    } else {
        print(found.as_array().map_or(&[], Vec::as_slice));
    }
}

fn endpoints(all: &[Value]) {
    if all.is_empty() {
        println!("No webhooks. Add [[webhooks]] to the configuration file; docs/inbox.md has an example.");
        return;
    }
    let row = |endpoint: &Value| {
        vec![
            text(endpoint, "id").to_owned(),
            short(text(endpoint, "url"), 60),
            endpoint["pending"].to_string(),
            endpoint["delivered"].to_string(),
            endpoint["failed"].to_string(),
            short(text(&endpoint["last_delivery"], "error"), 60),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    output::table(&["ID", "URL", "PENDING", "DELIVERED", "FAILED", "LAST ERROR"], &rows);
}

fn deliveries(all: &[Value]) {
    if all.is_empty() {
        println!("Nothing was sent to it yet.");
        return;
    }
    let row = |delivery: &Value| {
        let status = delivery["status"].as_u64().map(|status| status.to_string()).unwrap_or_default();
        vec![
            delivery["id"].to_string(),
            text(delivery, "event").to_owned(),
            text(delivery, "state").to_owned(),
            status,
            delivery["attempts"].to_string(),
            text(delivery, "created_at").to_owned(),
            short(text(delivery, "error"), 60),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    output::table(&["DELIVERY", "EVENT", "STATE", "STATUS", "ATTEMPTS", "CREATED", "ERROR"], &rows);
}

fn queued(cli: &Cli, id: &str, answer: &Value) {
    if cli.json {
        output::json(answer);
    } else {
        println!("Delivery {} is being sent; see: spectask webhooks deliveries {id}", answer["id"]);
    }
}
