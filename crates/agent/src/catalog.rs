//! The agents people have, how each is started, and how to get those that are missing.

/// An agent that is offered without configuration when its command is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownAgent {
    /// What tasks name.
    pub id: &'static str,
    pub name: &'static str,
    pub command: &'static str,
    pub args: &'static [&'static str],
    pub roles: &'static [&'static str],
    /// The variables of the server's environment that it gets besides those that all agents get: keys, addresses and
    /// models.
    pub inherits: &'static [&'static str],
    /// The hosts of its model and of its sign-in, which it reaches whatever its project allows: those of the vendor, or of
    /// the vendors that it can be set up with.
    pub hosts: &'static [&'static str],
    /// What to install and how to sign in, in sentences.
    pub how_to_install: &'static str,
}

const BOTH: &[&str] = &["planning", "implementation"];

const KNOWN: [KnownAgent; 10] = [
    KnownAgent {
        id: "claude",
        name: "Claude Code",
        command: "claude-agent-acp",
        args: &[],
        roles: BOTH,
        inherits: &[
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_MODEL",
            "ANTHROPIC_CUSTOM_HEADERS",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_MAX_RETRIES",
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CODE_USE_VERTEX",
            "CLAUDE_CONFIG_DIR",
        ],
        hosts: &["api.anthropic.com", "console.anthropic.com", "platform.claude.com"],
        how_to_install: "Install it with `npm install -g @agentclientprotocol/claude-agent-acp` (Node 22 or later), then set ANTHROPIC_API_KEY, or install Claude Code with `npm install -g @anthropic-ai/claude-code` and start `claude` once to sign in.",
    },
    KnownAgent {
        id: "codex",
        name: "Codex",
        command: "codex-acp",
        args: &[],
        roles: BOTH,
        inherits: &["OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_HOME"],
        hosts: &["api.openai.com", "auth.openai.com", "chatgpt.com"],
        how_to_install: "Install it with `npm install -g @agentclientprotocol/codex-acp`, then set OPENAI_API_KEY, or install Codex with `npm install -g @openai/codex` and sign in with `codex login`.",
    },
    KnownAgent {
        id: "gemini",
        name: "Gemini CLI",
        command: "gemini",
        // It writes only into its working directory and the folders that the session names.
        args: &["--acp", "--include-directories", "{documents}"],
        roles: BOTH,
        inherits: &[
            "GEMINI_API_KEY",
            "GEMINI_MODEL",
            "GOOGLE_API_KEY",
            "GOOGLE_GEMINI_BASE_URL",
            "GOOGLE_GENAI_USE_VERTEXAI",
            "GOOGLE_CLOUD_PROJECT",
            "GOOGLE_CLOUD_LOCATION",
            "GOOGLE_APPLICATION_CREDENTIALS",
        ],
        hosts: &[
            "generativelanguage.googleapis.com",
            "cloudcode-pa.googleapis.com",
            "oauth2.googleapis.com",
            "aiplatform.googleapis.com",
        ],
        how_to_install: "Install it with `npm install -g @google/gemini-cli`, then sign in by starting `gemini` once or set GEMINI_API_KEY.",
    },
    KnownAgent {
        id: "qwen",
        name: "Qwen Code",
        command: "qwen",
        args: &["--acp"],
        roles: BOTH,
        inherits: &["OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "DASHSCOPE_API_KEY"],
        hosts: &["dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", "portal.qwen.ai", "chat.qwen.ai"],
        how_to_install: "Install it with `npm install -g @qwen-code/qwen-code`, then sign in by starting `qwen` once or set OPENAI_API_KEY and OPENAI_BASE_URL.",
    },
    KnownAgent {
        id: "opencode",
        name: "OpenCode",
        command: "opencode",
        args: &["acp"],
        roles: BOTH,
        inherits: &[
            "ANTHROPIC_API_KEY",
            "OPENAI_API_KEY",
            "GEMINI_API_KEY",
            "GOOGLE_GENERATIVE_AI_API_KEY",
            "OPENROUTER_API_KEY",
            "OPENCODE_API_KEY",
            "OPENCODE_CONFIG",
        ],
        hosts: &[
            "api.anthropic.com",
            "api.openai.com",
            "generativelanguage.googleapis.com",
            "openrouter.ai",
            "opencode.ai",
        ],
        how_to_install: "Install it with `npm install -g opencode-ai`, then sign in with `opencode auth login`.",
    },
    KnownAgent {
        id: "copilot",
        name: "GitHub Copilot",
        command: "copilot",
        args: &["--acp"],
        roles: BOTH,
        inherits: &["COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"],
        hosts: &["api.github.com", "*.githubcopilot.com"],
        how_to_install: "Install it with `npm install -g @github/copilot`, then start `copilot` once and sign in with `/login`.",
    },
    KnownAgent {
        id: "vibe",
        name: "Mistral Vibe",
        command: "vibe-acp",
        args: &[],
        roles: BOTH,
        inherits: &["MISTRAL_API_KEY", "VIBE_HOME"],
        hosts: &["api.mistral.ai"],
        how_to_install: "Install it with `uv tool install mistral-vibe`, then start `vibe` once to sign in or set MISTRAL_API_KEY.",
    },
    KnownAgent {
        id: "openhands",
        name: "OpenHands",
        command: "openhands",
        args: &["acp"],
        roles: BOTH,
        inherits: &["LLM_API_KEY", "LLM_BASE_URL", "LLM_MODEL"],
        hosts: &["api.anthropic.com", "api.openai.com"],
        how_to_install: "Install it with `uv tool install openhands`, then start `openhands` once to choose a model and its key.",
    },
    KnownAgent {
        id: "kimi",
        name: "Kimi",
        command: "kimi",
        args: &["acp"],
        roles: BOTH,
        inherits: &["KIMI_API_KEY", "KIMI_BASE_URL", "KIMI_MODEL_NAME", "MOONSHOT_API_KEY"],
        hosts: &["api.kimi.com", "auth.kimi.com", "api.moonshot.ai", "api.moonshot.cn"],
        how_to_install: "Install it with `npm install -g @moonshot-ai/kimi-code` (Node 22.19 or later), then start `kimi` once and sign in with `/login`.",
    },
    KnownAgent {
        id: "goose",
        name: "Goose",
        command: "goose",
        args: &["acp"],
        roles: BOTH,
        inherits: &[
            "GOOSE_PROVIDER",
            "GOOSE_MODEL",
            "ANTHROPIC_API_KEY",
            "OPENAI_API_KEY",
            "GOOGLE_API_KEY",
            "OPENROUTER_API_KEY",
        ],
        hosts: &["api.anthropic.com", "api.openai.com", "generativelanguage.googleapis.com", "openrouter.ai"],
        how_to_install: "Install the `goose` command as its own documentation says, then choose a model and its key with `goose configure`.",
    },
];

/// The agents that need no configuration, the most used first.
pub fn known() -> &'static [KnownAgent] {
    &KNOWN
}

/// The known agent that a command starts.
pub fn by_command(command: &str) -> Option<&'static KnownAgent> {
    let name = command.rsplit('/').next().unwrap_or(command);
    KNOWN.iter().find(|agent| agent.command == name)
}

/// Returns the command that installs an agent, from what says how to; it is the first that is quoted.
pub fn install_command(how_to_install: &str) -> Option<&str> {
    let rest = how_to_install.strip_prefix("Install it with `")?;
    rest.split_once('`').map(|(command, _)| command)
}

/// What to do when a command is not there.
pub(crate) fn hint(command: &str) -> String {
    match by_command(command) {
        Some(agent) => agent.how_to_install.to_owned(),
        None => "Install it, or write its full path into the agent's entry in the configuration.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique() {
        let mut ids: Vec<_> = known().iter().map(|agent| agent.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), known().len());
    }

    #[test]
    fn a_key_that_a_hint_names_reaches_the_agent() {
        for agent in known() {
            let words = agent.how_to_install.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for variable in words.filter(|word| word.contains('_') && word.to_uppercase() == *word) {
                assert!(agent.inherits.contains(&variable), "{} does not inherit {variable}", agent.id);
            }
        }
    }

    #[test]
    fn the_command_that_installs_is_the_first_that_is_quoted() {
        let commands = known().iter().filter_map(|agent| install_command(agent.how_to_install));
        let is_install = |command: &str| {
            ["npm install -g ", "uv tool install "].iter().any(|begin| command.starts_with(begin))
        };
        assert!(commands.clone().all(is_install));
        assert_eq!(commands.count(), known().len() - 1, "goose alone has its own documentation");
    }

    #[test]
    fn a_missing_command_comes_with_what_to_install() {
        assert!(hint("/usr/local/bin/opencode").contains("opencode-ai"));
        assert!(hint("my-agent").contains("full path"));
    }
}
