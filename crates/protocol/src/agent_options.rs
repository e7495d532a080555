//! The options of agents, such as their model, mode and effort: what an agent offers, and what people want of it.

use crate::words::AgentRole;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use utoipa::ToSchema;

/// How many rules a list may have, and how many options one of them.
const MAX_RULES: usize = 50;
/// How long the name of an option, or a value, may be, in characters.
const MAX_CHARS: usize = 500;

/// An option that an agent offers for its session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentOption {
    /// The agent's id for it.
    #[schema(example = "model")]
    pub id: String,
    /// The agent's name for it.
    #[schema(example = "Model")]
    pub name: String,
    /// What the agent says about it.
    #[serde(default)]
    #[schema(required)]
    pub description: Option<String>,
    /// What the option is for: `model`, `mode`, `thought_level`, or a word of the agent's own.
    #[serde(default)]
    #[schema(required, example = "model")]
    pub category: Option<String>,
    /// `select`, `boolean`, or a word of the agent's own.
    #[serde(rename = "type")]
    #[schema(example = "select")]
    pub kind: String,
    /// The value that is set; null where the agent does not say it.
    #[serde(default)]
    #[schema(required)]
    pub current_value: Option<OptionValue>,
    /// The values among which it is chosen.
    #[serde(default)]
    pub values: Vec<AgentOptionValue>,
}

/// A value of an option that an agent offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentOptionValue {
    /// The agent's id for it.
    pub value: String,
    /// The agent's name for it.
    pub name: String,
    /// What the agent says about it.
    #[serde(default)]
    #[schema(required)]
    pub description: Option<String>,
    /// The heading under which the agent lists it.
    #[serde(default)]
    #[schema(required)]
    pub group: Option<String>,
}

/// The value of an option: an id of one that the agent offers, or yes or no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum OptionValue {
    Flag(bool),
    Text(String),
}

/// A command that an agent offers in its session: a message that begins with `/` and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentCommand {
    /// Its name, without the slash.
    #[schema(example = "review")]
    pub name: String,
    /// What the agent says about it.
    pub description: String,
    /// What to write after its name, where it takes something.
    #[serde(default)]
    #[schema(required)]
    pub hint: Option<String>,
}

/// Options by their id or their category, such as `model`, `mode` and `thought_level`.
pub type OptionValues = BTreeMap<String, OptionValue>;

/// What options agents get, in which phase and which agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AgentOptionsRule {
    /// The phase whose sessions get them; absent is both.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub phase: Option<AgentRole>,
    /// The id of the agent that gets them; absent is every agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "claude")]
    pub agent: Option<String>,
    /// The values by the id or the category of the option: `model`, `mode`, `thought_level` and others.
    #[schema(value_type = std::collections::BTreeMap<String, serde_json::Value>)]
    pub options: OptionValues,
}

impl AgentOptionsRule {
    /// Whether a session of an agent gets these options.
    pub fn applies_to(&self, phase: AgentRole, agent: &str) -> bool {
        self.phase.is_none_or(|own| own == phase) && self.agent.as_deref().is_none_or(|own| own == agent)
    }
}

/// Checks rules as a person wrote them; the error is a clause that says what is wrong.
pub fn check_rules(rules: &[AgentOptionsRule]) -> Result<(), String> {
    if rules.len() > MAX_RULES {
        return Err(format!("has more than {MAX_RULES} entries"));
    }
    rules.iter().try_for_each(|rule| check_values(&rule.options))
}

/// Checks options as a person wrote them; the error is a clause that says what is wrong.
pub fn check_values(options: &OptionValues) -> Result<(), String> {
    if options.len() > MAX_RULES {
        return Err(format!("has more than {MAX_RULES} options"));
    }
    for (id, value) in options {
        let texts = [Some(id.as_str()), value.text()];
        for text in texts.into_iter().flatten() {
            if text.trim().is_empty() || text.chars().count() > MAX_CHARS || text.contains(char::is_control) {
                return Err(format!(
                    "has an option or value that is empty, longer than {MAX_CHARS} characters, or contains control \
                     characters"
                ));
            }
        }
    }
    Ok(())
}

impl OptionValue {
    /// Returns the id of a value; none for yes and no.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Flag(_) => None,
            Self::Text(text) => Some(text),
        }
    }
}

impl From<&str> for OptionValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(true) => f.write_str("on"),
            Self::Flag(false) => f.write_str("off"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl AgentOption {
    /// Returns the name of a value, as the agent calls it.
    pub fn name_of<'v>(&'v self, value: &'v OptionValue) -> std::borrow::Cow<'v, str> {
        let known = self.values.iter().find(|known| Some(known.value.as_str()) == value.text());
        known.map_or_else(|| value.to_string().into(), |known| known.name.as_str().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_apply_by_phase_and_agent_and_are_bounded() {
        let rule: AgentOptionsRule = serde_json::from_value(serde_json::json!({
            "phase": "planning", "agent": "claude", "options": { "model": "opus", "fast": true },
        }))
        .expect("a rule");
        assert!(rule.applies_to(AgentRole::Planning, "claude"));
        assert!(!rule.applies_to(AgentRole::Implementation, "claude"));
        assert!(!rule.applies_to(AgentRole::Planning, "codex"));
        assert!(AgentOptionsRule::default().applies_to(AgentRole::Planning, "codex"));
        assert_eq!(rule.options["fast"], OptionValue::Flag(true));
        assert_eq!(check_rules(std::slice::from_ref(&rule)), Ok(()));
        assert!(check_rules(&vec![rule; MAX_RULES + 1]).is_err());
        for bad in ["", "a\nb", &"x".repeat(MAX_CHARS + 1)] {
            assert!(check_values(&OptionValues::from([(bad.to_owned(), "a".into())])).is_err());
            assert!(check_values(&OptionValues::from([("model".to_owned(), bad.into())])).is_err());
        }
    }
}
