//! The keys of the file, and how its text is read within bounds.

use crate::settings::config::{HostPattern, NetworkMode};
use crate::settings::permission_policy::Policy;
use protocol::AgentOptionsRule;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::{PartialSchema as _, ToSchema};
use workflow::Isolation;

/// Where the file is in the repository.
pub const PATH: &str = ".spectask/project.toml";
/// How large the file may be, in bytes.
pub(super) const MAX_BYTES: u64 = 64 * 1024;
/// How many entries a list may have.
const MAX_ENTRIES: usize = 100;
/// In how many rounds a change can be repaired before a person reviews it.
const MAX_REPAIR_ROUNDS: u32 = 20;
/// How long a command or a boundary may be, in characters.
const MAX_CHARS: usize = 2_000;

/// How SpecTask works in this repository. Every key is optional.
///
/// A key is a setting of the project with the same name; only the agents are named otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProjectFile {
    /// Commands that must pass on the finished change; their results are part of the review.
    #[schema(example = json!(["npm test", "npm run lint"]))]
    pub checks: Option<Vec<String>>,
    /// The command that makes a fresh worktree ready, before the agent and before the checks.
    #[schema(example = "npm ci")]
    pub setup_command: Option<String>,
    /// The command that runs in a session's worktree before it is removed.
    #[schema(example = "docker compose down")]
    pub teardown_command: Option<String>,
    /// Variables that agents, setup and teardown commands and checks get. Values that are secret are not for this file: store them with
    /// `spectask secrets set`.
    #[schema(example = json!({ "NODE_ENV": "test" }))]
    pub env: Option<BTreeMap<String, String>>,
    /// Whether folders that the setup command made are used again in other worktrees with the same inputs.
    pub setup_cache: Option<bool>,
    /// The command that runs the tests. Prompts to agents name it, and it is the check unless `checks` are given.
    #[schema(example = "npm test")]
    pub test_command: Option<String>,
    /// The agents of tasks that name none.
    #[schema(inline)]
    pub agents: FileAgents,
    /// Options that agents get, such as the model, by phase and agent; later entries win.
    #[schema(inline, example = json!([{ "phase": "planning", "agent": "claude", "options": { "model": "opus" } }]))]
    pub agent_options: Option<Vec<AgentOptionsRule>>,
    /// Sessions of one task that run at once.
    #[schema(minimum = 1)]
    pub max_parallel_sessions: Option<u32>,
    /// Whether each session works in its own worktree and branch, or all sessions of a task in one.
    #[schema(inline)]
    pub isolation: Option<Isolation>,
    /// How many rounds of repair a finished change with problems gets before a person reviews it; 0 is none.
    pub repair_rounds: Option<u32>,
    /// What happens when an agent reaches a limit of its account: `wait`, or the id of the agent that takes over.
    #[schema(example = "codex")]
    pub on_limit: Option<String>,
    /// Who answers the permission requests of agents: the server with yes, a person, or the server with no.
    #[schema(inline)]
    pub permissions: Option<Policy>,
    /// The network of agents and commands.
    #[schema(inline)]
    pub network: Option<NetworkMode>,
    /// The hosts that they reach under `allowlist`.
    #[schema(value_type = Option<Vec<String>>, example = json!(["packages.example.org", "*.example.org:8443"]))]
    pub network_allow: Option<Vec<HostPattern>>,
    /// How many sessions may have each resource at once, by the name that plans have for it after `_Needs:`.
    #[schema(example = json!({ "simulator": 1 }))]
    pub resources: Option<BTreeMap<String, u32>>,
    /// What agents must leave as it is: paths (`migrations/`, `*.lock`) and rules in words. Every prompt names them, and a
    /// change to such a path is a finding that holds the merge.
    #[schema(example = json!(["migrations/", "Do not add dependencies."]))]
    pub boundaries: Option<Vec<String>>,
    /// What the project's sessions may cost on one day (UTC), in dollars; 0 is no limit.
    #[schema(minimum = 0, example = 20.0)]
    pub daily_cost_usd: Option<f64>,
    /// How many input and output tokens the project's sessions may use on one day (UTC); 0 is no limit.
    #[schema(example = 5_000_000)]
    pub daily_tokens: Option<u64>,
    /// How often the record is committed while there is something new, in minutes.
    pub commit_frequency_minutes: Option<u64>,
}

/// The agents of tasks that name none, by what they do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FileAgents {
    /// The id of the agent that plans.
    #[schema(example = "claude")]
    pub planning: Option<String>,
    /// The id of the agent that implements.
    #[schema(example = "codex")]
    pub implementation: Option<String>,
}

/// The settings that have another name than their key, by table and key.
const RENAMED: [(&str, &str, &str); 2] =
    [("agents", "planning", "spec_agent"), ("agents", "implementation", "implementation_agent")];

impl ProjectFile {
    /// Reads the file. The error is a clause that says what is wrong, with the line where there is one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: Self = toml::from_str(text).map_err(|error| {
            let until = error.span().map_or(0, |span| span.start);
            let line = text.as_bytes().iter().take(until).filter(|byte| **byte == b'\n').count() + 1;
            format!("line {line}: {}", error.message().trim().replace('\n', " "))
        })?;
        file.check()?;
        Ok(file)
    }

    fn check(&self) -> Result<(), String> {
        for (name, list) in [("checks", &self.checks), ("boundaries", &self.boundaries)] {
            let list = list.as_deref().unwrap_or_default();
            if list.len() > MAX_ENTRIES {
                return Err(format!("{name} has more than {MAX_ENTRIES} entries"));
            }
            list.iter().try_for_each(|entry| check_text(name, entry))?;
        }
        let texts = [
            ("setup_command", &self.setup_command),
            ("teardown_command", &self.teardown_command),
            ("test_command", &self.test_command),
            ("on_limit", &self.on_limit),
            ("agents.planning", &self.agents.planning),
            ("agents.implementation", &self.agents.implementation),
        ];
        for (name, text) in texts {
            text.as_deref().map_or(Ok(()), |text| check_text(name, text))?;
        }
        if let Some(variables) = &self.env {
            crate::settings::variables::check(variables)?;
        }
        if let Some(resources) = &self.resources {
            check_resources(resources.iter().map(|(name, count)| (name.as_str(), u64::from(*count))))?;
        }
        protocol::check_rules(self.agent_options.as_deref().unwrap_or_default())
            .map_err(|message| format!("agent_options {message}"))?;
        if self.daily_cost_usd.is_some_and(|cost| !(cost >= 0.0 && cost.is_finite())) {
            return Err("daily_cost_usd is less than 0; write dollars, or 0 for no limit".to_owned());
        }
        self.repair_rounds.map_or(Ok(()), check_repair_rounds)?;
        if self.max_parallel_sessions == Some(0) {
            return Err("max_parallel_sessions is 0; it must be at least 1".to_owned());
        }
        if self.network_allow.as_ref().is_some_and(|hosts| hosts.len() > MAX_ENTRIES) {
            return Err(format!("network_allow has more than {MAX_ENTRIES} entries"));
        }
        Ok(())
    }

    /// Returns the settings of the project that the file gives, by their names.
    pub fn settings(&self) -> Map<String, Value> {
        // Plain data, whose serialization cannot fail.
        let mut keys = serde_json::to_value(self).unwrap_or_default();
        let mut settings = Map::new();
        for (table, key, setting) in RENAMED {
            settings.insert(setting.to_owned(), keys[table][key].take());
        }
        for (key, value) in keys.as_object().into_iter().flatten() {
            if !RENAMED.iter().any(|(table, ..)| table == key) {
                settings.insert(key.clone(), value.clone());
            }
        }
        settings.retain(|_, value| !value.is_null());
        settings
    }
}

/// Checks how often a change is repaired. The error is a sentence without its end.
pub fn check_repair_rounds(rounds: u32) -> Result<(), String> {
    if rounds > MAX_REPAIR_ROUNDS {
        return Err(format!(
            "repair_rounds is more than {MAX_REPAIR_ROUNDS}, the most that is repaired before a person looks"
        ));
    }
    Ok(())
}

/// Checks the resources of a project. The error is a sentence without its end.
pub fn check_resources<'a>(resources: impl Iterator<Item = (&'a str, u64)>) -> Result<(), String> {
    for (at, (name, count)) in resources.enumerate() {
        if at >= MAX_ENTRIES {
            return Err(format!("resources has more than {MAX_ENTRIES} entries"));
        }
        if !specs::plan::is_resource(name) {
            return Err(format!(
                "resources has the name {name:?}; a name is one word in lower case, such as `simulator` or `gpu-0`"
            ));
        }
        if count == 0 {
            return Err(format!("resources.{name} is 0; it must be at least 1"));
        }
    }
    Ok(())
}

fn check_text(name: &str, text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err(format!("{name} has an empty text; remove it or write one"));
    }
    if text.chars().count() > MAX_CHARS {
        return Err(format!("{name} has a text of more than {MAX_CHARS} characters"));
    }
    // A command that looks otherwise than it is could be trusted by mistake.
    if matches!(crate::visible::visible(text), std::borrow::Cow::Owned(_)) {
        return Err(format!("{name} has a text with control or invisible characters"));
    }
    Ok(())
}

/// Returns the JSON Schema of the file.
pub fn schema() -> Value {
    let mut schema = serde_json::to_value(ProjectFile::schema()).unwrap_or_default();
    as_json_schema(&mut schema);
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        members.insert("title".to_owned(), format!("SpecTask {PATH}").into());
    }
    schema
}

/// Turns a schema of OpenAPI into one for TOML, which has no null: a key that has no value is absent.
fn as_json_schema(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    let parts = ["oneOf", "allOf"].iter().find_map(|kind| members.remove(*kind));
    if let Some(Value::Object(inlined)) = parts.as_ref().and_then(|parts| parts.get(0)) {
        let own = std::mem::replace(members, inlined.clone());
        let described = own.get("description").or_else(|| parts.as_ref()?.get(1)?.get("description"));
        members.extend(described.map(|text| ("description".to_owned(), text.clone())));
    }
    if let Some(types) = members.get_mut("type")
        && let Some(first) = types.as_array().and_then(|types| types.first()).cloned()
    {
        *types = first;
    }
    members.remove("default");
    if let Some(example) = members.remove("example") {
        members.insert("examples".to_owned(), Value::Array(vec![example]));
    }
    if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(as_json_schema);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::project::ProjectSettings;
    use serde_json::json;

    #[test]
    fn keys_become_settings_of_the_project() {
        let text = "checks = [\"make test\"]\nmax_parallel_sessions = 2\nisolation = \"shared\"\n\
                    network = \"allowlist\"\nnetwork_allow = [\"*.example.org\"]\nboundaries = [\"vendor/\"]\n\
                    [agents]\nplanning = \"claude\"\n";
        let settings = ProjectFile::parse(text).expect("a file").settings();
        let wanted = json!({
            "checks": ["make test"], "max_parallel_sessions": 2, "isolation": "shared", "network": "allowlist",
            "network_allow": ["*.example.org"], "boundaries": ["vendor/"], "spec_agent": "claude",
        });
        assert_eq!(Value::Object(settings), wanted);
    }

    #[test]
    fn each_key_is_a_setting_of_the_project() {
        let known = serde_json::to_value(ProjectSettings::default()).expect("settings");
        let every = serde_json::to_value(ProjectFile::default()).expect("keys");
        for key in every.as_object().into_iter().flatten().map(|(key, _)| key) {
            assert!(key == "agents" || known.get(key).is_some(), "{key}");
        }
        for (.., setting) in RENAMED {
            assert!(known.get(setting).is_some(), "{setting}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, said) in [
            ("checks = [\"a\"]\ncheck = 1\n", "line 2: unknown field `check`, expected one of `checks`"),
            ("\n\nchecks = \"make\"\n", "line 3: invalid type: string \"make\", expected a sequence"),
            ("max_parallel_sessions = 0", "max_parallel_sessions is 0; it must be at least 1"),
            ("max_parallel_sessions = -1", "line 1: invalid value: integer `-1`, expected u32"),
            ("repair_rounds = 21", "repair_rounds is more than 20"),
            ("setup_command = \" \"", "setup_command has an empty text"),
            ("isolation = \"none\"", "line 1: "),
            ("permissions = \"yes\"", "line 1: unknown variant `yes`"),
            ("[agents]\ntesting = \"x\"", "line 2: unknown field `testing`"),
            ("network_allow = [\"https://x\"]", "line 1: "),
            ("test_command = \"make \\u202e\"", "control or invisible characters"),
            ("checks = [", "line 1: "),
        ] {
            let error = ProjectFile::parse(text).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn nested_and_repeated_toml_ends_soon() {
        let deep = format!("checks = {}{}", "[".repeat(30_000), "]".repeat(30_000));
        let dotted = format!("{} = 1", vec!["a"; 30_000].join("."));
        let wide = format!("checks = [{}]", "\"a\",".repeat(16_000));
        let begun = std::time::Instant::now();
        for text in [deep, dotted, wide] {
            assert!(ProjectFile::parse(&text).is_err());
        }
        assert!(begun.elapsed().as_secs() < 10);
    }

    #[test]
    fn the_committed_schema_is_that_of_the_type() {
        let committed: Value =
            serde_json::from_str(include_str!("../../../../../docs/project.schema.json")).expect("JSON");
        assert!(
            committed == schema(),
            "docs/project.schema.json is out of date; write it with `spectask config --project-schema`"
        );
        assert_eq!(committed["additionalProperties"], false);
    }
}
