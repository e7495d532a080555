//! The entries of the built-in model agent: one with tools, and one that only talks.

use crate::settings::config::{AgentEntry, Config, HostPattern, ModelAgent};
use agent::models::{Endpoint, MissingSetting, Provider, VARIABLES};
use std::collections::BTreeMap;

/// The id of the model agent with tools.
pub const MODEL: &str = "model";
/// The id of the model agent that only talks.
pub const MODEL_CHAT: &str = "model-chat";

/// How to get it.
pub(super) const HOW_TO_SET_UP: &str = "Part of SpecTask: set `model.name` in the configuration to a model of OpenAI, \
    Anthropic, Gemini, Ollama or a service with OpenAI's API, set the key in OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY, \
    and start the server again.";

pub(super) fn is_model(id: &str) -> bool {
    [MODEL, MODEL_CHAT].contains(&id)
}

/// Whether an entry of the configuration starts the model agent of a SpecTask binary.
pub(super) fn starts_model_agent(entry: &AgentEntry) -> bool {
    let command = entry.command.rsplit('/').next().unwrap_or_default();
    command == "spectask"
        && entry.args.first().is_some_and(|arg| arg == "agent")
        && entry.args.get(1).is_some_and(|arg| arg == "model")
}

pub(super) fn entries(config: &Config) -> [AgentEntry; 2] {
    let entry = |id: &str, name: &str, roles: &[&str], further: Option<&str>| {
        let mut args = vec!["agent".to_owned(), "model".to_owned()];
        args.extend(arguments(&config.model));
        args.extend(further.map(str::to_owned));
        AgentEntry {
            id: id.to_owned(),
            name: name.to_owned(),
            command: config.own_binary.to_string_lossy().into_owned(),
            args,
            env: BTreeMap::new(),
            roles: roles.iter().map(|&role| role.to_owned()).collect(),
            max_sessions_per_process: 0,
            inherit: variables(),
            auth_method: None,
            options: protocol::OptionValues::new(),
            on_limit: None,
            usage: None,
            network_allow: hosts(&config.model),
        }
    };
    [
        entry(MODEL, "Model agent", &["planning", "implementation"], None),
        entry(MODEL_CHAT, "Model agent (conversation only)", &[], Some("--no-tools")),
    ]
}

pub(super) fn variables() -> Vec<String> {
    VARIABLES.iter().map(|&name| name.to_owned()).collect()
}

/// Returns what is missing for the configured model, as far as that can be seen without asking it.
pub(super) fn missing(model: &ModelAgent) -> Option<MissingSetting> {
    endpoint(model).err()
}

fn endpoint(model: &ModelAgent) -> Result<Endpoint, MissingSetting> {
    let name = model.name.as_deref().unwrap_or_default();
    Endpoint::find(name, model.provider, model.base_url.as_deref(), &|name| std::env::var(name).ok())
}

fn arguments(model: &ModelAgent) -> Vec<String> {
    let ModelAgent { name, others, provider, base_url, context_tokens, max_steps } = model;
    let mut arguments = Vec::new();
    let mut add = |flag: &str, value: String| arguments.extend([flag.to_owned(), value]);
    for model in name.iter().chain(others) {
        add("--model", model.clone());
    }
    if let Some(provider) = provider {
        add("--provider", provider.to_string());
    }
    if let Some(url) = base_url {
        add("--base-url", url.clone());
    }
    if *context_tokens > 0 {
        add("--context-tokens", context_tokens.to_string());
    }
    add("--max-steps", max_steps.to_string());
    arguments
}

/// The hosts of the model, and those of vendors, between whose models a session may switch.
fn hosts(model: &ModelAgent) -> Vec<HostPattern> {
    let own = endpoint(model).ok();
    let own = own.as_ref().and_then(Endpoint::host).and_then(|host| host.parse().ok());
    let vendors = Provider::ALL.into_iter().filter_map(Provider::vendor_host);
    own.into_iter().chain(vendors.filter_map(|host| host.parse().ok())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configured_model_is_in_the_command() {
        let mut config = Config::default();
        config.model.name = Some("qwen3".to_owned());
        config.model.others = vec!["llama".to_owned()];
        config.model.provider = Some(Provider::Ollama);
        config.model.base_url = Some("http://gpu.example:11434".to_owned());
        let [with_tools, talks] = entries(&config);
        let args = "agent model --model qwen3 --model llama --provider ollama --base-url http://gpu.example:11434 --max-steps 200";
        assert_eq!(with_tools.args.join(" "), args);
        assert_eq!(talks.args.join(" "), format!("{args} --no-tools"));
        assert_eq!(with_tools.network_allow[0], "gpu.example".parse().unwrap());
        assert_eq!(missing(&config.model), None);
        assert!(missing(&ModelAgent::default()).is_some());
        assert!(starts_model_agent(&AgentEntry { command: "/usr/bin/spectask".into(), ..with_tools }));
    }
}
