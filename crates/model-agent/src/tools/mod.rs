//! The tools of the model: what they are called, what they do, and how they are shown to the client.

mod definitions;
mod files;
mod plan;
mod search;
mod shell;

pub(crate) use definitions::definitions;
pub(crate) use files::change_of;
pub(crate) use plan::plan_entries;
pub(crate) use shell::{Shell, key_variables};

use crate::modes::Action;
use crate::workspace::Workspace;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// How much a tool answers at most, in bytes.
const MAX_RESULT: usize = 64 * 1024;

/// A call of a tool with arguments that it understands.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    List(files::List),
    Read(files::Read),
    Search(search::Search),
    Edit(files::Edit),
    Write(files::Write),
    Shell(Shell),
    Plan(Value),
}

/// A change of a file before it is made.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) place: crate::workspace::Place,
    pub(crate) before: Option<String>,
    pub(crate) after: String,
}

impl Call {
    /// Reads what the model asks for; the error is an answer to the model.
    pub(crate) fn read(name: &str, arguments: &Value) -> Result<Call, String> {
        fn parse<T: DeserializeOwned>(name: &str, arguments: &Value) -> Result<T, String> {
            let arguments = match arguments {
                Value::Null => json!({}),
                // Services pass arguments on as text where they are no JSON.
                Value::String(text) => {
                    return Err(format!(
                        "The arguments of {name} are not valid JSON: {}. Call it again with a JSON object.",
                        &text[..text.floor_char_boundary(200)]
                    ));
                }
                object => object.clone(),
            };
            T::deserialize(arguments).map_err(|error| {
                format!("The arguments of {name} are wrong: {error}. Correct them and call it again.")
            })
        }
        Ok(match name {
            "list_files" => Call::List(parse(name, arguments)?),
            "read_file" => Call::Read(parse(name, arguments)?),
            "search" => Call::Search(parse(name, arguments)?),
            "edit_file" => Call::Edit(parse(name, arguments)?),
            "write_file" => Call::Write(parse(name, arguments)?),
            "shell" => Call::Shell(parse(name, arguments)?),
            "update_plan" => Call::Plan(parse::<Value>(name, arguments)?),
            other => {
                return Err(format!("There is no tool {other:?}. Use one of the tools that you were given."));
            }
        })
    }

    pub(crate) fn action(&self) -> Action {
        match self {
            Call::List(_) | Call::Read(_) | Call::Search(_) | Call::Plan(_) => Action::Read,
            Call::Edit(_) | Call::Write(_) => Action::Edit,
            Call::Shell(_) => Action::Run,
        }
    }

    /// The kind of the call in ACP.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Call::List(_) | Call::Read(_) => "read",
            Call::Search(_) => "search",
            Call::Edit(_) | Call::Write(_) => "edit",
            Call::Shell(_) => "execute",
            Call::Plan(_) => "think",
        }
    }

    pub(crate) fn title(&self) -> String {
        match self {
            Call::List(list) => format!("List {}", list.path()),
            Call::Read(read) => format!("Read {}", read.path),
            Call::Search(search) => format!("Search {}", search.pattern),
            Call::Edit(edit) => format!("Edit {}", edit.path),
            Call::Write(write) => format!("Write {}", write.path),
            Call::Shell(shell) => shell.command.clone(),
            Call::Plan(_) => "Update the plan".to_owned(),
        }
    }

    /// The files and folders that it concerns.
    pub(crate) fn locations(&self, workspace: &Workspace) -> Vec<PathBuf> {
        let path = match self {
            Call::List(list) => list.path(),
            Call::Read(read) => &read.path,
            Call::Search(search) => search.path(),
            Call::Edit(edit) => &edit.path,
            Call::Write(write) => &write.path,
            Call::Shell(_) | Call::Plan(_) => return Vec::new(),
        };
        workspace.resolve(path).into_iter().map(|place| place.path()).collect()
    }

    /// Carries out what only looks. It blocks.
    pub(crate) fn look(&self, workspace: &Workspace, cancel: &CancellationToken) -> Result<String, String> {
        match self {
            Call::List(list) => list.run(workspace, cancel),
            Call::Read(read) => read.run(workspace),
            Call::Search(search) => search.run(workspace, cancel),
            Call::Edit(_) | Call::Write(_) | Call::Shell(_) | Call::Plan(_) => {
                Err("This tool does more than look.".to_owned())
            }
        }
    }
}

/// Cuts a text at a limit and says so.
pub(crate) fn bounded(mut text: String, hint: &str) -> String {
    if text.len() > MAX_RESULT {
        text.truncate(text.floor_char_boundary(MAX_RESULT));
        text.push_str(&format!("\n[Cut after {} KiB. {hint}]", MAX_RESULT / 1024));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_arguments_are_answered_to_the_model() {
        for (name, arguments, words) in [
            ("read_file", json!("{\"path\": "), "not valid JSON"),
            ("read_file", json!({}), "missing field `path`"),
            ("read_file", json!({"path": 1}), "expected a string"),
            ("read_file", json!([1]), "wrong"),
            ("delete_everything", json!({}), "There is no tool"),
        ] {
            let error = Call::read(name, &arguments).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        assert!(Call::read("list_files", &Value::Null).is_ok());
    }

    #[test]
    fn every_tool_that_is_offered_is_understood() {
        for tool in definitions() {
            let name = tool.name.as_str().to_owned();
            let schema = tool.schema.unwrap();
            let required = schema["required"].as_array().unwrap();
            let arguments: serde_json::Map<String, Value> = required
                .iter()
                .map(|field| {
                    let field = field.as_str().unwrap();
                    let value =
                        if schema["properties"][field]["type"] == "array" { json!([]) } else { json!("a") };
                    (field.to_owned(), value)
                })
                .collect();
            Call::read(&name, &Value::Object(arguments)).unwrap();
        }
    }
}
