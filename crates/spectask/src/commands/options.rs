//! The options of agents from the terminal: given to a task, and shown and set for a work session.

use super::client;
use crate::cli::{AgentOptions, Cli, Options};
use crate::output::{self, plain, short, text};
use serde_json::{Map, Value, json};

/// The rules of a task that is created: options for its agents, none where none are given.
pub(crate) fn rules(options: &AgentOptions) -> Option<Value> {
    let mut values = Map::new();
    values.extend(options.model.iter().map(|model| ("model".to_owned(), json!(model))));
    values.extend(options.options.iter().map(|(id, value)| (id.clone(), value_of(value))));
    (!values.is_empty()).then(|| json!([{ "options": values }]))
}

/// `true` and `false` are flags, everything else is the id or name of a value.
fn value_of(text: &str) -> Value {
    match text {
        "true" => json!(true),
        "false" => json!(false),
        _ => json!(text),
    }
}

/// Shows the options and commands of a session's agent, or sets options.
pub(crate) async fn options(cli: &Cli, command: &Options) -> anyhow::Result<()> {
    let client = client(cli)?;
    let path = format!("/work-sessions/{}", command.session);
    let session = if command.set.is_empty() {
        let mut found = client.get(&path, &[]).await?.body;
        found["work_session"].take()
    } else {
        let value = |text: &str| if text.is_empty() { Value::Null } else { value_of(text) };
        let set: Map<String, Value> =
            command.set.iter().map(|(id, text)| (id.clone(), value(text))).collect();
        client.put(&format!("{path}/agent-options"), &json!({ "options": set })).await?
    };
    if cli.json {
        let members = ["agent_options", "chosen_options", "available_commands"];
        let shown: Map<String, Value> =
            members.iter().map(|name| ((*name).to_owned(), session[*name].clone())).collect();
        output::json(&Value::Object(shown));
        return Ok(());
    }
    let list = |name: &str| session[name].as_array().cloned().unwrap_or_default();
    let options = list("agent_options");
    if options.is_empty() {
        println!("The agent has offered no options yet.");
        if let Some(chosen) = session["chosen_options"].as_object().filter(|chosen| !chosen.is_empty()) {
            let chosen: Vec<String> =
                chosen.iter().map(|(id, value)| format!("{} = {}", plain(id), shown(value))).collect();
            println!("It gets when its session is opened: {}", chosen.join(", "));
        }
    } else {
        let row = |option: &Value| {
            let values = option["values"].as_array().into_iter().flatten();
            let values: Vec<String> = values.map(|value| plain(text(value, "value"))).collect();
            vec![
                plain(text(option, "id")),
                plain(text(option, "name")),
                shown(&option["current_value"]),
                short(&values.join(", "), 100),
            ]
        };
        let rows: Vec<Vec<String>> = options.iter().map(row).collect();
        output::table(&["OPTION", "NAME", "VALUE", "VALUES"], &rows);
    }
    let commands = list("available_commands");
    if !commands.is_empty() {
        println!();
        let row = |one: &Value| {
            vec![format!("/{}", plain(text(one, "name"))), short(text(one, "description"), 100)]
        };
        let rows: Vec<Vec<String>> = commands.iter().map(row).collect();
        output::table(&["COMMAND", "DESCRIPTION"], &rows);
    }
    Ok(())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "unknown".to_owned(),
        Value::String(text) => plain(text),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_one_rule_and_flags_are_told_apart() {
        let options = AgentOptions {
            model: Some("opus".to_owned()),
            options: vec![("fast".to_owned(), "true".to_owned()), ("effort".to_owned(), "high".to_owned())],
        };
        let wanted = json!([{ "options": { "model": "opus", "fast": true, "effort": "high" } }]);
        assert_eq!(rules(&options), Some(wanted));
        assert_eq!(rules(&AgentOptions::default()), None);
    }
}
