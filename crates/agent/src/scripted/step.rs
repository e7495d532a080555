//! One step of a scenario: a table with exactly one main key.

use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// A step and whether it is played only once in a session.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Table")]
pub(super) struct Step {
    pub(super) action: Action,
    pub(super) once: bool,
}

/// The action of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Say(String),
    Think(String),
    Write {
        path: String,
        content: String,
    },
    Edit {
        path: String,
        find: String,
        replace: String,
    },
    Delete(String),
    Run {
        command: String,
        expect: Option<i32>,
    },
    /// The first `done` entries are completed, the next one is in progress.
    Plan {
        entries: Vec<String>,
        done: usize,
    },
    Tick {
        number: String,
        mark: Mark,
    },
    Commit(String),
    Ask {
        question: String,
        kind: String,
    },
    Wait(Duration),
    Burst {
        times: u32,
        text: String,
        every: Duration,
    },
    Fail(String),
    Auth(String),
    Crash(i32),
    /// Never answers, whatever is asked of it.
    Hang,
    Noise(String),
    Flood(u64),
    /// Reports that so many input tokens were used.
    UseTokens(u64),
    /// Does nothing until it is cancelled.
    Quiet,
    Stray(String),
    /// Says which values the session's options have.
    ShowOptions,
    /// Sets an option by itself and tells the client.
    SetOption {
        id: String,
        value: Value,
    },
    /// Calls a tool of an MCP server that the client handed over.
    CallTool {
        server: String,
        tool: String,
        arguments: Value,
    },
}

/// The state of a checklist item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mark {
    Open,
    Doing,
    Done,
}

/// A step as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Table {
    say: Option<String>,
    think: Option<String>,
    write: Option<String>,
    content: Option<String>,
    edit: Option<String>,
    find: Option<String>,
    replace: Option<String>,
    delete: Option<String>,
    run: Option<String>,
    expect: Option<i32>,
    plan: Option<Vec<String>>,
    done: Option<usize>,
    tick: Option<String>,
    state: Option<Mark>,
    commit: Option<String>,
    ask: Option<String>,
    kind: Option<String>,
    wait_ms: Option<u64>,
    repeat: Option<u32>,
    every_ms: Option<u64>,
    fail: Option<String>,
    auth: Option<String>,
    crash: Option<i32>,
    hang: Option<bool>,
    noise: Option<String>,
    flood_bytes: Option<u64>,
    use_tokens: Option<u64>,
    quiet: Option<bool>,
    stray: Option<String>,
    show_options: Option<bool>,
    set_option: Option<String>,
    value: Option<Value>,
    call_tool: Option<String>,
    arguments: Option<Value>,
    server: Option<String>,
    once: bool,
}

impl TryFrom<Table> for Step {
    type Error = String;

    fn try_from(mut table: Table) -> Result<Step, String> {
        let once = table.once;
        let mut actions = Vec::new();
        if let Some(times) = table.repeat.take() {
            let text = table.say.take().ok_or("`repeat` needs `say`")?;
            let every = Duration::from_millis(table.every_ms.take().unwrap_or_default());
            actions.push(Action::Burst { times, text, every });
        }
        actions.extend(table.say.map(Action::Say));
        actions.extend(table.think.map(Action::Think));
        if let Some(path) = table.write {
            actions.push(Action::Write {
                path,
                content: table.content.take().ok_or("`write` needs `content`")?,
            });
        }
        if let Some(path) = table.edit {
            let find = table.find.take().ok_or("`edit` needs `find`")?;
            actions.push(Action::Edit {
                path,
                find,
                replace: table.replace.take().ok_or("`edit` needs `replace`")?,
            });
        }
        actions.extend(table.delete.map(Action::Delete));
        if let Some(command) = table.run {
            actions.push(Action::Run { command, expect: table.expect.take() });
        }
        if let Some(entries) = table.plan {
            actions.push(Action::Plan { entries, done: table.done.take().unwrap_or_default() });
        }
        if let Some(number) = table.tick {
            actions.push(Action::Tick { number, mark: table.state.take().ok_or("`tick` needs `state`")? });
        }
        actions.extend(table.commit.map(Action::Commit));
        if let Some(question) = table.ask {
            actions.push(Action::Ask {
                question,
                kind: table.kind.take().unwrap_or_else(|| "other".to_owned()),
            });
        }
        actions.extend(table.wait_ms.map(|pause| Action::Wait(Duration::from_millis(pause))));
        actions.extend(table.fail.map(Action::Fail));
        actions.extend(table.auth.map(Action::Auth));
        actions.extend(table.crash.map(Action::Crash));
        actions.extend(table.hang.filter(|hang| *hang).map(|_| Action::Hang));
        actions.extend(table.noise.map(Action::Noise));
        actions.extend(table.flood_bytes.map(Action::Flood));
        actions.extend(table.use_tokens.map(Action::UseTokens));
        actions.extend(table.quiet.filter(|quiet| *quiet).map(|_| Action::Quiet));
        actions.extend(table.stray.map(Action::Stray));
        actions.extend(table.show_options.filter(|show| *show).map(|_| Action::ShowOptions));
        if let Some(id) = table.set_option {
            let value = table.value.take().ok_or("`set_option` needs `value`")?;
            actions.push(Action::SetOption { id, value });
        }
        if let Some(tool) = table.call_tool {
            actions.push(Action::CallTool {
                server: table.server.take().unwrap_or_else(|| "spectask".to_owned()),
                tool,
                arguments: table.arguments.take().unwrap_or_else(|| Value::Object(Map::new())),
            });
        }
        let belongs_elsewhere = [
            ("content", table.content.is_some()),
            ("find", table.find.is_some()),
            ("replace", table.replace.is_some()),
            ("expect", table.expect.is_some()),
            ("done", table.done.is_some()),
            ("state", table.state.is_some()),
            ("kind", table.kind.is_some()),
            ("every_ms", table.every_ms.is_some()),
            ("arguments", table.arguments.is_some()),
            ("server", table.server.is_some()),
            ("value", table.value.is_some()),
        ];
        if let Some((name, _)) = belongs_elsewhere.iter().find(|(_, is_left)| *is_left) {
            return Err(format!("`{name}` stands beside a step it does not belong to"));
        }
        match (actions.pop(), actions.is_empty()) {
            (Some(action), true) => Ok(Step { action, once }),
            (Some(_), false) => Err("a step does exactly one thing, this one does several".to_owned()),
            (None, _) => Err("a step does exactly one thing, this one does nothing".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Steps {
        steps: Vec<Step>,
    }

    fn read(steps: &str) -> Result<Vec<Action>, String> {
        let steps: Steps =
            toml::from_str(&format!("steps = [{steps}]")).map_err(|error| error.message().to_owned())?;
        Ok(steps.steps.into_iter().map(|step| step.action).collect())
    }

    #[test]
    fn steps_are_read() {
        let actions = read(
            r#"{ say = "a" }, { run = "ls", expect = 1 }, { repeat = 3, say = "b", every_ms = 5 },
               { tick = "2.1", state = "doing" }, { plan = ["x", "y"], done = 1 }, { hang = true, once = true }"#,
        );
        assert_eq!(
            actions.unwrap(),
            [
                Action::Say("a".into()),
                Action::Run { command: "ls".into(), expect: Some(1) },
                Action::Burst { times: 3, text: "b".into(), every: Duration::from_millis(5) },
                Action::Tick { number: "2.1".into(), mark: Mark::Doing },
                Action::Plan { entries: vec!["x".into(), "y".into()], done: 1 },
                Action::Hang,
            ]
        );
    }

    #[test]
    fn a_step_that_is_no_step_is_refused_with_a_reason() {
        assert!(read(r#"{ say = "a", run = "ls" }"#).unwrap_err().contains("several"));
        assert!(read("{ once = true }").unwrap_err().contains("nothing"));
        assert!(read(r#"{ write = "a" }"#).unwrap_err().contains("`content`"));
        assert!(read(r#"{ say = "a", expect = 1 }"#).unwrap_err().contains("`expect`"));
        assert!(read(r#"{ shout = "a" }"#).unwrap_err().contains("shout"));
    }
}
