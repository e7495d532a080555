//! The services whose models the built-in model agent uses: their addresses, and the variables with their keys.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The API that a model is reached by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Chat completions, as OpenAI and many other services offer them.
    OpenAi,
    Anthropic,
    Gemini,
    Ollama,
}

/// A model and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub provider: Provider,
    pub model: String,
    /// Ends with a slash.
    pub base_url: String,
    /// Absent where the service needs none.
    pub key: Option<String>,
}

/// The variables of the environment that say where models are and hold the keys for them.
pub const VARIABLES: &[&str] = &[
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "GEMINI_API_KEY",
    "GOOGLE_GEMINI_BASE_URL",
    "OLLAMA_HOST",
];

/// The port on which Ollama listens.
const OLLAMA_PORT: u16 = 11_434;

/// Why a model cannot be reached before it was tried: a sentence that says what to set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MissingSetting(String);

impl Provider {
    pub const ALL: [Provider; 4] = [Self::OpenAi, Self::Anthropic, Self::Gemini, Self::Ollama];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    /// Returns the provider that a model's name belongs to; none for the names of open models, which many services offer.
    pub fn of_model(model: &str) -> Option<Provider> {
        let name = model.to_ascii_lowercase();
        let begins_with = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        if begins_with(&["claude"]) {
            Some(Self::Anthropic)
        } else if begins_with(&["gemini"]) {
            Some(Self::Gemini)
        } else if !name.starts_with("gpt-oss") && begins_with(&["gpt", "chatgpt", "codex", "o1", "o3", "o4"])
        {
            Some(Self::OpenAi)
        } else {
            None
        }
    }

    /// The variable with the key; none where the service needs none.
    pub fn key_variable(self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("OPENAI_API_KEY"),
            Self::Anthropic => Some("ANTHROPIC_API_KEY"),
            Self::Gemini => Some("GEMINI_API_KEY"),
            Self::Ollama => None,
        }
    }

    /// How many tokens fit into a conversation, where the user names no other number.
    pub fn context_tokens(self) -> u64 {
        match self {
            Self::OpenAi => 128_000,
            Self::Anthropic => 200_000,
            Self::Gemini => 1_000_000,
            Self::Ollama => 32_768,
        }
    }

    /// The host of the provider's own service; none where everyone runs their own.
    pub fn vendor_host(self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("api.openai.com"),
            Self::Anthropic => Some("api.anthropic.com"),
            Self::Gemini => Some("generativelanguage.googleapis.com"),
            Self::Ollama => None,
        }
    }

    fn base_url_variable(self) -> &'static str {
        match self {
            Self::OpenAi => "OPENAI_BASE_URL",
            Self::Anthropic => "ANTHROPIC_BASE_URL",
            Self::Gemini => "GOOGLE_GEMINI_BASE_URL",
            Self::Ollama => "OLLAMA_HOST",
        }
    }

    fn default_base_url(self) -> &'static str {
        match self {
            Self::OpenAi => "https://api.openai.com/v1/",
            Self::Anthropic => "https://api.anthropic.com/v1/",
            Self::Gemini => "https://generativelanguage.googleapis.com/v1beta/",
            Self::Ollama => "http://127.0.0.1:11434/",
        }
    }

    /// Returns an address as the service's client needs it. Vendors' own variables hold it without the version of the API.
    fn complete(self, url: &str) -> String {
        let url = url.trim().trim_end_matches('/');
        match self {
            Self::Anthropic if !url.ends_with("/v1") => format!("{url}/v1/"),
            Self::Gemini if !url.ends_with("/v1beta") && !url.ends_with("/v1") => format!("{url}/v1beta/"),
            Self::Ollama => complete_host(url),
            Self::OpenAi | Self::Anthropic | Self::Gemini => format!("{url}/"),
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|provider| provider.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no provider; use openai, anthropic, gemini or ollama"))
    }
}

impl Endpoint {
    /// Finds where a model is; `variable` reads the environment.
    ///
    /// The name decides the provider where none is given. A name that says nothing is taken for one of a service with
    /// OpenAI's API when there is an address for it, else for one of Ollama.
    pub fn find(
        model: &str,
        provider: Option<Provider>,
        base_url: Option<&str>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Endpoint, MissingSetting> {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        if model.trim().is_empty() {
            return Err(MissingSetting("No model is named. Set `--model NAME`.".to_owned()));
        }
        let provider = provider.or_else(|| Provider::of_model(model)).unwrap_or_else(|| {
            let has_address = base_url.is_some() || set("OPENAI_BASE_URL").is_some();
            if has_address { Provider::OpenAi } else { Provider::Ollama }
        });
        let named = base_url.map(str::to_owned).or_else(|| set(provider.base_url_variable()));
        let base_url =
            named.map_or_else(|| provider.default_base_url().to_owned(), |url| provider.complete(&url));
        let key = provider.key_variable().and_then(set);
        // Servers with OpenAI's API on one's own machine ask for no key.
        let is_vendor = provider != Provider::OpenAi || base_url == provider.default_base_url();
        match provider.key_variable() {
            Some(name) if key.is_none() && is_vendor => Err(MissingSetting(format!(
                "The model {model} of {provider} needs an API key. Set {name} in the environment of the server, then try again."
            ))),
            _ => Ok(Endpoint { provider, model: model.to_owned(), base_url, key }),
        }
    }

    /// The host of the address, without its port.
    pub fn host(&self) -> Option<&str> {
        let (_, rest) = self.base_url.split_once("://")?;
        let authority = rest.split('/').next()?;
        let host = authority.rsplit('@').next()?;
        let host = match host.strip_prefix('[') {
            Some(v6) => v6.split(']').next()?,
            None => host.split(':').next()?,
        };
        Some(host).filter(|host| !host.is_empty())
    }
}

/// Returns the address that `OLLAMA_HOST` means: it may lack its scheme and its port, and may name the address that a server
/// listens on.
fn complete_host(host: &str) -> String {
    let (scheme, rest) = host.split_once("://").unwrap_or(("http", host));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let authority = authority.replace("0.0.0.0", "127.0.0.1");
    let name_end = authority.rfind(']').unwrap_or(0);
    let port = if authority[name_end..].contains(':') || scheme == "https" {
        String::new()
    } else {
        format!(":{OLLAMA_PORT}")
    };
    let path = if path.is_empty() { String::new() } else { format!("{path}/") };
    format!("{scheme}://{authority}{port}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(model: &str, base_url: Option<&str>, env: &[(&str, &str)]) -> Result<Endpoint, MissingSetting> {
        let variable =
            |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Endpoint::find(model, None, base_url, &variable)
    }

    #[test]
    fn the_name_of_a_model_says_where_it_is() {
        let url = |model: &str, env: &[(&str, &str)]| find(model, None, env).unwrap().base_url;
        assert_eq!(url("gpt-5", &[("OPENAI_API_KEY", "k")]), "https://api.openai.com/v1/");
        assert_eq!(url("claude-x", &[("ANTHROPIC_API_KEY", "k")]), "https://api.anthropic.com/v1/");
        assert_eq!(
            url("gemini-x", &[("GEMINI_API_KEY", "k")]),
            "https://generativelanguage.googleapis.com/v1beta/"
        );
        assert_eq!(url("qwen3:8b", &[]), "http://127.0.0.1:11434/");
        assert_eq!(url("gpt-oss:20b", &[("OLLAMA_HOST", "0.0.0.0")]), "http://127.0.0.1:11434/");
        assert_eq!(
            url("qwen3", &[("OPENAI_BASE_URL", "http://10.0.0.1:8000/v1")]),
            "http://10.0.0.1:8000/v1/"
        );
    }

    #[test]
    fn addresses_may_lack_what_the_api_begins_with() {
        let key = [("ANTHROPIC_API_KEY", "k"), ("GEMINI_API_KEY", "k")];
        let url = |model: &str, base: &str| find(model, Some(base), &key).unwrap().base_url;
        assert_eq!(url("claude-x", "http://a.example"), "http://a.example/v1/");
        assert_eq!(url("claude-x", "http://a.example/v1/"), "http://a.example/v1/");
        assert_eq!(url("gemini-x", "http://a.example/"), "http://a.example/v1beta/");
        assert_eq!(complete_host("gpu:1"), "http://gpu:1/");
        assert_eq!(complete_host("https://gpu.example/ollama"), "https://gpu.example/ollama/");
        assert_eq!(complete_host("[::1]"), "http://[::1]:11434/");
        assert_eq!(find("llama", Some("http://[::1]:1/v1"), &[]).unwrap().host(), Some("::1"));
    }

    #[test]
    fn a_missing_key_is_named() {
        for (model, name) in
            [("gpt-5", "OPENAI_API_KEY"), ("claude-x", "ANTHROPIC_API_KEY"), ("gemini-x", "GEMINI_API_KEY")]
        {
            assert!(find(model, None, &[]).unwrap_err().to_string().contains(name), "{model}");
            assert!(find(model, None, &[(name, " ")]).is_err(), "{model}");
        }
        assert_eq!(find("gpt-5", Some("http://127.0.0.1:1/v1"), &[]).unwrap().key, None);
        assert!(find("", None, &[]).is_err());
    }
}
