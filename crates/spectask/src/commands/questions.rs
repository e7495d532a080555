//! The questions of agents to people, from the terminal.

use super::client;
use crate::cli::{Answer, Cli};
use crate::failure::Failure;
use crate::output::{self, plain, short, text};
use serde_json::{Value, json};

pub(crate) async fn list(cli: &Cli) -> anyhow::Result<()> {
    let questions = client(cli)?.get("/questions?limit=500", &[]).await?.body;
    if cli.json {
        output::json(&questions);
        return Ok(());
    }
    let all: &[Value] = questions.as_array().map_or(&[], Vec::as_slice);
    if all.is_empty() {
        println!("No agent asks you anything.");
        return Ok(());
    }
    for question in all {
        let (task, session) = (plain(text(question, "task_name")), plain(text(question, "session_name")));
        let short_id = text(question, "task_short_id");
        println!("{short_id}  {} › {}  {}", short(&task, 40), short(&session, 40), text(question, "id"));
        println!("  {}", output::lines(text(question, "message")));
        for choice in question["choices"].as_array().into_iter().flatten() {
            println!("  - {}", plain(choice.as_str().unwrap_or_default()));
        }
        if let Some(diff) = question["diff"].as_str() {
            println!("{}", output::lines(diff));
        }
    }
    println!("\nAnswer one with: spectask answer ID TEXT, and a proposal with --accept or --decline");
    Ok(())
}

pub(crate) async fn answer(cli: &Cli, command: &Answer) -> anyhow::Result<()> {
    let client = client(cli)?;
    let questions = client.get("/questions?limit=500", &[]).await?.body;
    let found = questions.as_array().into_iter().flatten().find(|one| text(one, "id") == command.question);
    let found = found.ok_or_else(|| {
        Failure::NotFound(format!(
            "no question {:?} is open; `spectask questions` lists them",
            command.question
        ))
    })?;
    let accepted = match (command.accept, command.decline) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        (false, false) => None,
    };
    let body = json!({ "answer": command.text.clone().unwrap_or_default(), "accepted": accepted });
    let path = format!("/spec-tasks/{}/questions/{}/answer", text(found, "spec_task_id"), command.question);
    let answered = client.post(&path, &body).await?;
    if cli.json {
        output::json(&answered);
    } else {
        println!("Answered: {}", plain(text(&answered, "answer")));
    }
    Ok(())
}
