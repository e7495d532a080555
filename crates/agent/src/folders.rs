//! Where the known agents keep their settings, sign-ins and conversations.

/// The files that one agent keeps in the home folder.
#[derive(Debug)]
struct Folders {
    /// Names by which the agent is started: its id, its command or its package.
    names: &'static [&'static str],
    /// The paths that it writes.
    written: &'static [&'static str],
    /// Settings beneath those that it only reads: what it runs is in them.
    settings: &'static [&'static str],
    /// Environment variables that are set for the agent when it runs in the sandbox.
    confined_env: &'static [(&'static str, &'static str)],
}

/// Codex runs each command in namespaces of its own, which a confined process cannot make.
const CODEX_CONFINED: &[(&str, &str)] = &[("INITIAL_AGENT_MODE", "agent-full-access")];

const FOLDERS: [Folders; 12] = [
    Folders {
        names: &["claude", "claude-agent-acp", "claude-code-acp"],
        written: &[".claude", ".claude.json", ".config/claude", ".local/share/claude", ".local/state/claude"],
        settings: &[
            ".claude/CLAUDE.md",
            ".claude/agents",
            ".claude/commands",
            ".claude/hooks",
            ".claude/plugins",
            ".claude/settings.json",
            ".claude/settings.local.json",
            ".claude/skills",
        ],
        confined_env: &[],
    },
    Folders {
        names: &["codex", "codex-acp"],
        written: &[".codex"],
        settings: &[".codex/config.toml", ".codex/AGENTS.md", ".codex/prompts", ".codex/rules"],
        confined_env: CODEX_CONFINED,
    },
    Folders {
        names: &["gemini", "gemini-cli"],
        written: &[".gemini"],
        settings: &[".gemini/settings.json", ".gemini/GEMINI.md", ".gemini/extensions", ".gemini/commands"],
        confined_env: &[],
    },
    Folders {
        names: &["qwen", "qwen-code"],
        written: &[".qwen"],
        settings: &[".qwen/settings.json", ".qwen/QWEN.md", ".qwen/extensions", ".qwen/commands"],
        confined_env: &[],
    },
    Folders {
        names: &["opencode", "opencode-ai"],
        written: &[
            ".cache/opencode",
            ".config/opencode",
            ".local/share/opencode",
            ".local/state/opencode",
            ".opencode",
        ],
        settings: &[
            ".config/opencode/opencode.json",
            ".config/opencode/opencode.jsonc",
            ".config/opencode/plugin",
            ".config/opencode/agent",
            ".config/opencode/command",
            ".opencode/bin",
        ],
        confined_env: &[],
    },
    Folders {
        names: &["copilot"],
        written: &[".copilot", ".config/github-copilot"],
        settings: &[],
        confined_env: &[],
    },
    Folders {
        names: &["vibe", "vibe-acp"],
        written: &[".vibe"],
        settings: &[".vibe/config.toml"],
        confined_env: &[],
    },
    Folders { names: &["openhands"], written: &[".openhands"], settings: &[], confined_env: &[] },
    Folders {
        names: &["kimi", "kimi-code", "kimi-cli"],
        written: &[".kimi", ".kimi-code", ".config/kimi", ".local/share/kimi"],
        settings: &[],
        confined_env: &[],
    },
    Folders {
        names: &["goose"],
        written: &[".config/goose", ".local/share/goose", ".local/state/goose"],
        settings: &[".config/goose/config.yaml"],
        confined_env: &[],
    },
    Folders { names: &["cline"], written: &[".cline"], settings: &[], confined_env: &[] },
    Folders {
        names: &["fast-agent", "fast-agent-acp"],
        written: &[".fast-agent"],
        settings: &[],
        confined_env: &[],
    },
];

/// The files that an agent keeps in the home folder, by paths in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnFolders {
    /// Files and folders that it writes.
    pub written: &'static [&'static str],
    /// Those of them that it only reads.
    pub settings: &'static [&'static str],
    /// Variables that it is started with when it is confined: an agent with a sandbox of its own leaves it to ours.
    pub confined_env: &'static [(&'static str, &'static str)],
}

/// Returns what the agent keeps in the home folder that an id, a command or its arguments name.
pub fn own_folders<'a>(names: impl IntoIterator<Item = &'a str>) -> OwnFolders {
    for name in names {
        // A package may be named with its scope, its version and the path of a file in it.
        let parts = name.split(['/', '@']).filter(|part| !part.is_empty());
        for part in parts {
            let found = FOLDERS.iter().find(|folders| folders.names.contains(&part));
            if let Some(Folders { written, settings, confined_env, .. }) = found {
                return OwnFolders { written, settings, confined_env };
            }
        }
    }
    OwnFolders::default()
}

#[cfg(test)]
mod tests {
    use super::own_folders;

    #[test]
    fn an_agent_is_known_by_its_command_or_its_package() {
        assert_eq!(own_folders(["mine", "/opt/bin/qwen"]).written, [".qwen"]);
        assert_eq!(own_folders(["mine", "npx", "-y", "@qwen-code/qwen-code@0.15.10"]).written, [".qwen"]);
        assert!(own_folders(["mine", "python3", "agent.py"]).written.is_empty());
        let codex = own_folders(["mine", "npx", "-y", "@agentclientprotocol/codex-acp@2.6.0"]);
        assert_eq!(codex.confined_env, [("INITIAL_AGENT_MODE", "agent-full-access")]);
    }
}
