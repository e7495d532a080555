//! Renders the settings file for the detected tools.

use super::detection::Detection;
use std::fmt::Write as _;

/// Writes the settings file of a repository, with comments.
pub fn project_file(detection: &Detection) -> String {
    let mut text = String::from(
        "# How SpecTask works in this repository. It is read from the base branch, once a person trusted it.\n\
         # Every key is optional: docs/project-settings.md of SpecTask describes them.\n",
    );
    let languages = detection.languages.join(", ");
    if !languages.is_empty() {
        let _ = writeln!(text, "# Found: {languages}.");
    }
    let mut entry = |about: &str, key: &str, value: Option<String>, example: &str| {
        let line = value.map_or_else(|| format!("# {key} = {example}"), |value| format!("{key} = {value}"));
        let _ = write!(text, "\n# {about}\n{line}\n");
    };
    entry(
        "Makes a new worktree ready, before the agent and before the checks.",
        "setup_command",
        detection.setup_command.as_deref().map(quoted),
        "\"npm ci\"",
    );
    entry(
        "Runs the tests; prompts to agents name it.",
        "test_command",
        detection.test_command.as_deref().map(quoted),
        "\"npm test\"",
    );
    entry(
        "Must pass on every finished change; without this key, the test command.",
        "checks",
        (!detection.checks.is_empty()).then(|| list(&detection.checks)),
        "[\"npm test\", \"npm run lint\"]",
    );
    entry(
        "Boundaries for agents: paths that they must not change, and rules in words.",
        "boundaries",
        None,
        "[\"migrations/\", \"Do not add dependencies.\"]",
    );
    entry(
        "The network of agents and commands: \"open\", \"allowlist\" or \"none\".",
        "network",
        None,
        "\"allowlist\"",
    );
    text.push_str("\n# [agents]\n# planning = \"claude\"\n# implementation = \"codex\"\n");
    text
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(texts: &[String]) -> String {
    let mut lines = String::new();
    for text in texts {
        let _ = writeln!(lines, "    {},", quoted(text));
    }
    format!("[\n{lines}]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::project_file::ProjectFile;

    #[test]
    fn what_is_written_is_read_again() {
        let detection = Detection {
            setup_command: Some("a \"b\" \\ c".to_owned()),
            test_command: Some("cargo test && (cd web && npm test)".to_owned()),
            checks: vec!["one".to_owned(), "'two'".to_owned()],
            ..Detection::default()
        };
        let file = ProjectFile::parse(&project_file(&detection)).expect("a file");
        assert_eq!(file.setup_command, detection.setup_command);
        assert_eq!(file.test_command, detection.test_command);
        assert_eq!(file.checks, Some(detection.checks));
        let empty = ProjectFile::parse(&project_file(&Detection::default())).expect("a file");
        assert_eq!(empty, ProjectFile::default());
    }
}
