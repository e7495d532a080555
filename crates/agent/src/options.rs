//! The options that agents offer for their sessions, such as model, mode and effort, and the commands.
//!
//! Agents name them in `configOptions`, or in the older `models` and `modes`. They are read leniently: what is not understood
//! of one option leaves the others alone, and everything is bounded.

use protocol::{AgentCommand, AgentOption, AgentOptionValue, OptionValue};
use serde_json::{Value, json};

/// How many options, values of one option, and commands are kept.
const MAX_OPTIONS: usize = 50;
const MAX_VALUES: usize = 500;
const MAX_COMMANDS: usize = 300;
/// How long an id may be, in bytes; an option or value with a longer one is left out.
const MAX_ID_BYTES: usize = 500;
/// How much of a name or description is kept, in characters.
const MAX_TEXT_CHARS: usize = 500;

/// What an agent offers for one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionOffer {
    pub options: Vec<AgentOption>,
    pub commands: Vec<AgentCommand>,
}

/// The option's id where an agent lists models or modes outside of `configOptions`.
const MODELS: &str = "model";
const MODES: &str = "mode";

/// By which request an option is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setter {
    ConfigOption,
    Model,
    Mode,
}

/// The options and commands of one session, as far as the agent told them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OfferedOptions {
    pub(crate) offer: SessionOffer,
    /// The ids of those that have a method of their own.
    own_methods: Vec<(String, Setter)>,
}

/// Why an option cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unoffered {
    #[error("the agent offers no option {key:?}; {}", listed("it offers", known))]
    Option { key: String, known: Vec<String> },
    #[error("the agent's option {option} has no value {value:?}; {}", listed("it has", known))]
    Value { option: String, value: String, known: Vec<String> },
}

/// How many of what an agent offers a sentence names.
const MAX_LISTED: usize = 30;

fn listed(verb: &str, known: &[String]) -> String {
    if known.is_empty() {
        return format!("{verb} none");
    }
    let more = known.len().saturating_sub(MAX_LISTED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{verb} {}{more}", known[..known.len().min(MAX_LISTED)].join(", "))
}

impl SessionOffer {
    /// Returns the option that a key means, by its id or else its category, and the value as the agent names it: by the
    /// value's id or else its name.
    pub fn resolve(&self, key: &str, value: &OptionValue) -> Result<(&AgentOption, OptionValue), Unoffered> {
        let by_id = self.options.iter().find(|option| option.id == key);
        let by_category = || self.options.iter().find(|option| option.category.as_deref() == Some(key));
        let Some(option) = by_id.or_else(by_category) else {
            let known = self.options.iter().map(|option| option.id.clone()).collect();
            return Err(Unoffered::Option { key: key.to_owned(), known });
        };
        if option.kind == "boolean" {
            let flag = match value {
                OptionValue::Flag(flag) => Some(*flag),
                OptionValue::Text(text) => match text.as_str() {
                    "true" | "on" => Some(true),
                    "false" | "off" => Some(false),
                    _ => None,
                },
            };
            let unknown = || Unoffered::Value {
                option: option.name.clone(),
                value: value.to_string(),
                known: vec!["on".to_owned(), "off".to_owned()],
            };
            return flag.map(|flag| (option, OptionValue::Flag(flag))).ok_or_else(unknown);
        }
        if option.values.is_empty() {
            return Ok((option, value.clone()));
        }
        let asked = value.to_string();
        let by_id = option.values.iter().find(|known| known.value == asked);
        let by_name = || {
            let is_asked = |text: &str| text.eq_ignore_ascii_case(&asked);
            option.values.iter().find(|known| is_asked(&known.value) || is_asked(&known.name))
        };
        match by_id.or_else(by_name) {
            Some(known) => Ok((option, OptionValue::Text(known.value.clone()))),
            None => {
                let known = option.values.iter().map(|known| known.value.clone()).collect();
                Err(Unoffered::Value { option: option.name.clone(), value: asked, known })
            }
        }
    }
}

impl OfferedOptions {
    /// Takes in an answer to `session/new`, `session/load` or `session/set_config_option`.
    pub(crate) fn take_answer(&mut self, answer: &Value) {
        if let Some(options) = answer["configOptions"].as_array() {
            self.take_config_options(options);
        }
        for (setter, answer, id, name) in [
            (Setter::Model, &answer["models"], MODELS, "Model"),
            (Setter::Mode, &answer["modes"], MODES, "Mode"),
        ] {
            let category = id;
            let is_listed = |option: &AgentOption| {
                (option.category.as_deref() == Some(category) || option.id == id)
                    && !self.own_methods.iter().any(|(own, _)| *own == option.id)
            };
            if self.offer.options.iter().any(is_listed) {
                continue;
            }
            let (current, values, key) = match setter {
                Setter::Model => ("currentModelId", "availableModels", "modelId"),
                Setter::Mode | Setter::ConfigOption => ("currentModeId", "availableModes", "id"),
            };
            let Some(values) = answer[values].as_array() else { continue };
            let option = AgentOption {
                id: id.to_owned(),
                name: name.to_owned(),
                description: None,
                category: Some(category.to_owned()),
                kind: "select".to_owned(),
                current_value: answer[current].as_str().map(OptionValue::from),
                values: values
                    .iter()
                    .filter_map(|value| read_value(value, key, None))
                    .take(MAX_VALUES)
                    .collect(),
            };
            self.offer.options.retain(|known| known.id != id);
            self.offer.options.push(option);
            self.own_methods.retain(|(own, _)| own != id);
            self.own_methods.push((id.to_owned(), setter));
        }
    }

    /// Takes in the parameters' `update` of a `session/update`; tells whether it is about options or commands.
    pub(crate) fn take_update(&mut self, update: &Value) -> bool {
        match update["sessionUpdate"].as_str() {
            Some("config_option_update") => {
                if let Some(options) = update["configOptions"].as_array() {
                    self.take_config_options(options);
                }
            }
            Some("current_mode_update") => {
                let mode = update["currentModeId"].as_str().or_else(|| update["modeId"].as_str());
                if let Some((option, mode)) = self.of_category(MODES).zip(mode) {
                    option.current_value = Some(mode.into());
                }
            }
            Some("available_commands_update") => {
                let commands = update["availableCommands"].as_array().into_iter().flatten();
                self.offer.commands = commands.filter_map(read_command).take(MAX_COMMANDS).collect();
            }
            _ => return false,
        }
        true
    }

    /// The whole list of options; those with a method of their own are not among them.
    fn take_config_options(&mut self, options: &[Value]) {
        let own = std::mem::take(&mut self.offer.options);
        self.offer.options = options.iter().filter_map(read_option).take(MAX_OPTIONS).collect();
        let listed = &mut self.offer.options;
        let is_left = |option: &AgentOption| {
            self.own_methods.iter().any(|(own, _)| *own == option.id)
                && !listed.iter().any(|known| known.id == option.id || known.category == option.category)
        };
        let left: Vec<AgentOption> = own.into_iter().filter(is_left).collect();
        self.own_methods.retain(|(own, _)| left.iter().any(|option| option.id == *own));
        self.offer.options.extend(left);
    }

    fn of_category(&mut self, category: &str) -> Option<&mut AgentOption> {
        self.offer.options.iter_mut().find(|option| option.category.as_deref() == Some(category))
    }

    /// Returns the session's modes, where it has any.
    pub(crate) fn modes(&self) -> Option<&AgentOption> {
        self.offer.options.iter().find(|option| option.category.as_deref() == Some(MODES))
    }

    pub(crate) fn option(&self, id: &str) -> Option<&AgentOption> {
        self.offer.options.iter().find(|option| option.id == id)
    }

    /// Returns the request that sets an option: its method and parameters.
    pub(crate) fn request(&self, session: &str, id: &str, value: &OptionValue) -> (&'static str, Value) {
        let setter = self.own_methods.iter().find(|(own, _)| own == id).map(|(_, setter)| *setter);
        match setter.unwrap_or(Setter::ConfigOption) {
            Setter::Model => ("session/set_model", json!({ "sessionId": session, "modelId": value })),
            Setter::Mode => ("session/set_mode", json!({ "sessionId": session, "modeId": value })),
            Setter::ConfigOption => {
                let mut params = json!({ "sessionId": session, "configId": id, "value": value });
                if matches!(value, OptionValue::Flag(_)) {
                    params["type"] = json!("boolean");
                }
                ("session/set_config_option", params)
            }
        }
    }

    /// Notes that the agent took a value.
    pub(crate) fn set(&mut self, id: &str, value: &OptionValue) {
        if let Some(option) = self.offer.options.iter_mut().find(|option| option.id == id) {
            option.current_value = Some(value.clone());
        }
    }
}

fn read_option(option: &Value) -> Option<AgentOption> {
    let id = id_of(&option["id"])?;
    let kind = match option["type"].as_str() {
        Some(kind) => kind.to_owned(),
        None if option["options"].is_array() => "select".to_owned(),
        None if option["currentValue"].is_boolean() => "boolean".to_owned(),
        None => "unknown".to_owned(),
    };
    let current_value = match &option["currentValue"] {
        Value::Bool(flag) => Some(OptionValue::Flag(*flag)),
        Value::String(text) if text.len() <= MAX_ID_BYTES => Some(OptionValue::Text(text.clone())),
        Value::Number(number) => Some(OptionValue::Text(number.to_string())),
        _ => None,
    };
    let mut values = Vec::new();
    for value in option["options"].as_array().into_iter().flatten() {
        match value["options"].as_array() {
            Some(grouped) => {
                let group = text_of(&value["name"]);
                values.extend(grouped.iter().filter_map(|value| read_value(value, "value", group.clone())));
            }
            None => values.extend(read_value(value, "value", None)),
        }
        if values.len() >= MAX_VALUES {
            break;
        }
    }
    values.truncate(MAX_VALUES);
    Some(AgentOption {
        name: text_of(&option["name"]).unwrap_or_else(|| id.clone()),
        description: text_of(&option["description"]),
        category: text_of(&option["category"]),
        kind: shortened(&kind),
        current_value,
        values,
        id,
    })
}

fn read_value(value: &Value, key: &str, group: Option<String>) -> Option<AgentOptionValue> {
    let id = id_of(&value[key])?;
    Some(AgentOptionValue {
        name: text_of(&value["name"]).unwrap_or_else(|| id.clone()),
        description: text_of(&value["description"]),
        group,
        value: id,
    })
}

fn read_command(command: &Value) -> Option<AgentCommand> {
    let name = id_of(&command["name"])?;
    Some(AgentCommand {
        name: name.trim_start_matches('/').to_owned(),
        description: text_of(&command["description"]).unwrap_or_default(),
        hint: text_of(&command["input"]["hint"]),
    })
}

fn id_of(value: &Value) -> Option<String> {
    value.as_str().filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES).map(str::to_owned)
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(shortened)
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(answer: &Value) -> OfferedOptions {
        let mut offered = OfferedOptions::default();
        offered.take_answer(answer);
        offered
    }

    #[test]
    fn options_of_every_kind_are_read_and_unknown_ones_survive() {
        let mut offered = offered(&json!({ "configOptions": [
            { "id": "model", "name": "Model", "category": "model", "type": "select", "currentValue": "a", "options": [
                { "group": "fast", "name": "Fast", "options": [{ "value": "a", "name": "A" }, { "name": "no value" }] },
                { "group": "slow", "name": "Slow", "options": [{ "value": "b", "name": "B", "description": "Thinks" }] } ] },
            { "id": "fast", "name": "Fast", "type": "boolean", "currentValue": false },
            { "id": "budget", "type": "slider", "currentValue": 7, "category": 3 },
            { "name": "no id" }, 17,
        ] }));
        let options = &offered.offer.options;
        let ids: Vec<&str> = options.iter().map(|option| option.id.as_str()).collect();
        assert_eq!(ids, ["model", "fast", "budget"]);
        let values: Vec<_> =
            options[0].values.iter().map(|one| (one.value.as_str(), one.group.as_deref())).collect();
        assert_eq!(values, [("a", Some("Fast")), ("b", Some("Slow"))]);
        assert_eq!(options[1].current_value, Some(OptionValue::Flag(false)));
        assert_eq!((options[2].kind.as_str(), &options[2].current_value), ("slider", &Some("7".into())));
        let (method, params) = offered.request("s", "fast", &OptionValue::Flag(true));
        assert_eq!(method, "session/set_config_option");
        assert_eq!(params, json!({ "sessionId": "s", "configId": "fast", "value": true, "type": "boolean" }));
        let update = json!({ "sessionUpdate": "config_option_update", "configOptions": [
            { "id": "model", "name": "Model", "type": "select", "currentValue": "b", "options": [] } ] });
        assert!(offered.take_update(&update));
        assert_eq!(offered.offer.options.len(), 1);
        assert_eq!(offered.offer.options[0].current_value, Some("b".into()));
        assert!(!offered.take_update(&json!({ "sessionUpdate": "plan" })));
    }

    #[test]
    fn models_and_modes_outside_of_the_options_are_options_too() {
        let mut offered = offered(&json!({
            "models": { "currentModelId": "m1", "availableModels": [{ "modelId": "m1", "name": "One" }, { "modelId": "m2" }] },
            "modes": { "currentModeId": "ask", "availableModes": [{ "id": "ask" }, { "id": "code", "name": "Code" }] },
        }));
        assert_eq!(
            offered.request("s", "model", &"m2".into()),
            ("session/set_model", json!({ "sessionId": "s", "modelId": "m2" }))
        );
        assert_eq!(
            offered.request("s", "mode", &"code".into()),
            ("session/set_mode", json!({ "sessionId": "s", "modeId": "code" }))
        );
        offered.take_update(&json!({ "sessionUpdate": "current_mode_update", "currentModeId": "code" }));
        assert_eq!(offered.modes().and_then(|modes| modes.current_value.clone()), Some("code".into()));
        // A `configOptions` entry replaces the mode of the same id; the models, which it does not list, keep `session/set_model`.
        offered.take_update(&json!({ "sessionUpdate": "config_option_update", "configOptions": [
            { "id": "mode", "category": "mode", "type": "select", "currentValue": "ask", "options": [{ "value": "ask" }] } ] }));
        assert_eq!(offered.request("s", "mode", &"ask".into()).0, "session/set_config_option");
        assert_eq!(offered.request("s", "model", &"m2".into()).0, "session/set_model");
    }

    #[test]
    fn what_is_wanted_is_found_by_id_category_and_name_or_the_error_lists_what_there_is() {
        let offered = offered(&json!({ "configOptions": [
            { "id": "llm", "name": "Model", "category": "model", "type": "select", "currentValue": "o-4", "options": [
                { "value": "o-4", "name": "Opus" }, { "value": "s-4", "name": "Sonnet" } ] },
            { "id": "fast", "name": "Fast", "type": "boolean", "currentValue": false },
            { "id": "free", "name": "Free", "type": "text" },
        ] }));
        let resolve = |key: &str, value: OptionValue| {
            let found = offered.offer.resolve(key, &value);
            found.map(|(option, value)| (option.id.clone(), value)).map_err(|error| error.to_string())
        };
        assert_eq!(resolve("llm", "s-4".into()), Ok(("llm".to_owned(), "s-4".into())));
        assert_eq!(resolve("model", "sonnet".into()), Ok(("llm".to_owned(), "s-4".into())));
        assert_eq!(resolve("fast", "on".into()), Ok(("fast".to_owned(), OptionValue::Flag(true))));
        assert_eq!(resolve("free", "x".into()), Ok(("free".to_owned(), "x".into())));
        assert_eq!(
            resolve("model", "haiku".into()),
            Err("the agent's option Model has no value \"haiku\"; it has o-4, s-4".to_owned())
        );
        assert_eq!(
            resolve("effort", "high".into()),
            Err("the agent offers no option \"effort\"; it offers llm, fast, free".to_owned())
        );
        assert!(resolve("fast", "maybe".into()).is_err());
    }

    #[test]
    fn both_forms_at_once_are_one_option() {
        let offered = offered(&json!({
            "configOptions": [{ "id": "m", "category": "mode", "type": "select", "currentValue": "x", "options": [] }],
            "modes": { "currentModeId": "x", "availableModes": [{ "id": "x" }] },
        }));
        assert_eq!(offered.offer.options.len(), 1);
        assert_eq!(offered.request("s", "m", &"x".into()).0, "session/set_config_option");
    }

    #[test]
    fn commands_are_replaced_and_everything_is_bounded() {
        let mut offered = OfferedOptions::default();
        let many: Vec<Value> = (0..2 * MAX_COMMANDS)
            .map(|number| json!({ "name": format!("/c{number}"), "description": "x".repeat(2 * MAX_TEXT_CHARS) }))
            .collect();
        assert!(offered.take_update(
            &json!({ "sessionUpdate": "available_commands_update", "availableCommands": many })
        ));
        assert_eq!(offered.offer.commands.len(), MAX_COMMANDS);
        assert_eq!(offered.offer.commands[0].name, "c0");
        assert_eq!(offered.offer.commands[0].description.len(), MAX_TEXT_CHARS);
        offered.take_update(&json!({ "sessionUpdate": "available_commands_update", "availableCommands": [
            { "name": "plan", "description": "Plans", "input": { "hint": "what" } } ] }));
        assert_eq!(offered.offer.commands[0].hint.as_deref(), Some("what"));
        let values: Vec<Value> =
            (0..2 * MAX_VALUES).map(|number| json!({ "value": number.to_string() })).collect();
        let options: Vec<Value> =
            (0..2 * MAX_OPTIONS).map(|id| json!({ "id": id.to_string(), "options": values })).collect();
        offered.take_answer(&json!({ "configOptions": options }));
        assert_eq!(offered.offer.options.len(), MAX_OPTIONS);
        assert_eq!(offered.offer.options[0].values.len(), MAX_VALUES);
        offered.take_answer(&json!({ "configOptions": "no", "modes": 3, "models": [] }));
        assert_eq!(offered.offer.options.len(), MAX_OPTIONS);
    }
}
