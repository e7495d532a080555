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
        how_to_install: "Install it with `npm install -g @agentclientprotocol/claude-agent-acp`, then sign in with `claude` or set ANTHROPIC_API_KEY.",
    },
    KnownAgent {
        id: "codex",
        name: "Codex",
        command: "codex-acp",
        args: &[],
        roles: BOTH,
        how_to_install: "Install it with `npm install -g @agentclientprotocol/codex-acp`, then sign in with `codex login` or set OPENAI_API_KEY.",
    },
    KnownAgent {
        id: "gemini",
        name: "Gemini CLI",
        command: "gemini",
        // It writes nowhere but into its working directory and the folders that it is told of.
        args: &["--acp", "--include-directories", "{documents}"],
        roles: BOTH,
        how_to_install: "Install it with `npm install -g @google/gemini-cli`, then sign in by starting `gemini` once or set GEMINI_API_KEY.",
    },
    KnownAgent {
        id: "qwen",
        name: "Qwen Code",
        command: "qwen",
        args: &["--acp"],
        roles: BOTH,
        how_to_install: "Install it with `npm install -g @qwen-code/qwen-code`, then sign in by starting `qwen` once or set OPENAI_API_KEY and OPENAI_BASE_URL.",
    },
    KnownAgent {
        id: "opencode",
        name: "OpenCode",
        command: "opencode",
        args: &["acp"],
        roles: BOTH,
        how_to_install: "Install it with `npm install -g opencode-ai`, then sign in with `opencode auth login`.",
    },
    KnownAgent {
        id: "copilot",
        name: "GitHub Copilot",
        command: "copilot",
        args: &["--acp"],
        roles: BOTH,
        how_to_install: "Install it with `npm install -g @github/copilot`, then start `copilot` once and sign in with `/login`.",
    },
    KnownAgent {
        id: "vibe",
        name: "Mistral Vibe",
        command: "vibe-acp",
        args: &[],
        roles: BOTH,
        how_to_install: "Install it with `uv tool install mistral-vibe`, then start `vibe` once to sign in or set MISTRAL_API_KEY.",
    },
    KnownAgent {
        id: "openhands",
        name: "OpenHands",
        command: "openhands",
        args: &["acp"],
        roles: BOTH,
        how_to_install: "Install it with `uv tool install openhands`, then start `openhands` once to choose a model and its key.",
    },
    KnownAgent {
        id: "kimi",
        name: "Kimi",
        command: "kimi",
        args: &["acp"],
        roles: BOTH,
        how_to_install: "Install it with `uv tool install kimi-cli`, then start `kimi` once and sign in with `/login`.",
    },
    KnownAgent {
        id: "goose",
        name: "Goose",
        command: "goose",
        args: &["acp"],
        roles: BOTH,
        how_to_install: "Install the `goose` command as its own documentation says, then choose a model and its key with `goose configure`.",
    },
];

/// The agents that need no configuration, the most used first.
pub fn known() -> &'static [KnownAgent] {
    &KNOWN
}

/// What to do when a command is not there.
pub(crate) fn hint(command: &str) -> String {
    let name = command.rsplit('/').next().unwrap_or(command);
    match KNOWN.iter().find(|agent| agent.command == name) {
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
    fn a_missing_command_comes_with_what_to_install() {
        assert!(hint("/usr/local/bin/opencode").contains("opencode-ai"));
        assert!(hint("my-agent").contains("full path"));
    }
}
