//! The permission requests of agents, from the terminal.

use super::client;
use crate::cli::{Cli, Permissions, PermissionsCommand};
use crate::failure::Failure;
use crate::output::{self, plain, short, text};
use serde_json::{Value, json};

pub(crate) async fn run(cli: &Cli, command: &Permissions) -> anyhow::Result<()> {
    match &command.command {
        None => list(cli).await,
        Some(PermissionsCommand::Answer { id, answer: chosen }) => answer(cli, id, chosen).await,
        Some(PermissionsCommand::Granted { task }) => granted(cli, task).await,
        Some(PermissionsCommand::Revoke { task, grant }) => revoke(cli, task, grant).await,
    }
}

async fn granted(cli: &Cli, task: &str) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(task).await?;
    let found = client.get(&format!("/spec-tasks/{id}/permission-grants?limit=500"), &[]).await?.body;
    if cli.json {
        output::json(&found);
        return Ok(());
    }
    let all: &[Value] = found.as_array().map_or(&[], Vec::as_slice);
    if all.is_empty() {
        println!("Nothing is allowed for the rest of the task.");
        return Ok(());
    }
    let row = |grant: &Value| {
        vec![
            text(grant, "id").to_owned(),
            text(grant, "granted_by").to_owned(),
            grant["uses"].to_string(),
            short(text(grant, "title"), 60),
        ]
    };
    output::table(&["ID", "BY", "USES", "ALLOWED"], &all.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

async fn revoke(cli: &Cli, task: &str, grant: &str) -> anyhow::Result<()> {
    let client = client(cli)?;
    let id = client.task_id(task).await?;
    let revoked = client.delete(&format!("/spec-tasks/{id}/permission-grants/{grant}")).await?;
    if cli.json {
        output::json(&revoked);
    } else {
        println!("Revoked {:?}; the next equal request is asked again.", plain(text(&revoked, "title")));
    }
    Ok(())
}

async fn list(cli: &Cli) -> anyhow::Result<()> {
    let requests = client(cli)?.get("/permissions?limit=500", &[]).await?.body;
    if cli.json {
        output::json(&requests);
        return Ok(());
    }
    let all: &[Value] = requests.as_array().map_or(&[], Vec::as_slice);
    if all.is_empty() {
        println!("No agent asks for a permission.");
        return Ok(());
    }
    let row = |request: &Value| {
        vec![
            text(request, "id").to_owned(),
            text(request, "work_session_id").to_owned(),
            text(request, "deadline").to_owned(),
            short(text(request, "title"), 60),
        ]
    };
    output::table(&["ID", "SESSION", "DEADLINE", "REQUEST"], &all.iter().map(row).collect::<Vec<_>>());
    println!("\nAnswer one with: spectask permissions answer ID allow|reject|always");
    Ok(())
}

async fn answer(cli: &Cli, id: &str, chosen: &str) -> anyhow::Result<()> {
    let client = client(cli)?;
    let requests = client.get("/permissions?limit=500", &[]).await?.body;
    let found = requests.as_array().into_iter().flatten().find(|request| text(request, "id") == id);
    let found = found.ok_or_else(|| {
        Failure::NotFound(format!("no permission request {id:?} is open; `spectask permissions` lists them"))
    })?;
    if chosen == "always" {
        let answered =
            client.post(&format!("/permissions/{id}"), &json!({ "answer": "allow_always" })).await?;
        if cli.json {
            output::json(&answered);
        } else {
            println!("Allowed {:?} for the rest of the task.", plain(text(found, "title")));
        }
        return Ok(());
    }
    let options: &[Value] = found["options"].as_array().map_or(&[], Vec::as_slice);
    let option = option(options, chosen).ok_or_else(|| {
        let known: Vec<&str> = options.iter().map(|option| text(option, "option_id")).collect();
        Failure::NotFound(format!("the request has no option {chosen:?}; it has {}", known.join(", ")))
    })?;
    let body = json!({ "option_id": text(option, "option_id") });
    let answered = client.post(&format!("/permissions/{id}"), &body).await?;
    if cli.json {
        output::json(&answered);
    } else {
        println!("Answered {:?}: {}", plain(text(found, "title")), plain(text(option, "name")));
    }
    Ok(())
}

/// Returns the option that is named by its id, or as `allow` or `reject`: for this once where the agent offers that.
fn option<'o>(options: &'o [Value], chosen: &str) -> Option<&'o Value> {
    let by_id = options.iter().find(|option| text(option, "option_id") == chosen);
    let of_kind = |kind: &str| options.iter().find(|option| text(option, "kind") == kind);
    match chosen {
        _ if by_id.is_some() => by_id,
        "allow" | "reject" => {
            of_kind(&format!("{chosen}_once")).or_else(|| of_kind(&format!("{chosen}_always")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allow_is_for_once_where_the_agent_offers_that() {
        let options = [
            json!({ "option_id": "proceed_always", "kind": "allow_always" }),
            json!({ "option_id": "proceed_once", "kind": "allow_once" }),
            json!({ "option_id": "cancel", "kind": "reject_once" }),
        ];
        let chosen = |answer: &str| option(&options, answer).map(|option| text(option, "option_id"));
        assert_eq!(chosen("allow"), Some("proceed_once"));
        assert_eq!(chosen("reject"), Some("cancel"));
        assert_eq!(chosen("proceed_always"), Some("proceed_always"));
        assert_eq!(chosen("maybe"), None);
        assert_eq!(option(&options[..1], "allow"), Some(&options[0]));
    }
}
