//! The overview of the commands: by what they are for, with an example of each way to use them.

use crate::cli::Cli;
use clap::{Command, CommandFactory as _};
use std::fmt::Write as _;

/// The commands by what they are for, in the order of a task's life.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Set up", &["init", "demo", "serve", "doctor", "agents", "projects", "templates", "acp", "mcp"]),
    (
        "Work",
        &[
            "new", "task", "say", "spawn", "branch", "choose", "skip", "pause", "resume", "retry", "cancel",
            "reopen",
        ],
    ),
    (
        "Review",
        &[
            "inbox",
            "document",
            "plan",
            "diff",
            "approve",
            "request-changes",
            "reject",
            "revert",
            "permissions",
            "questions",
            "answer",
        ],
    ),
    (
        "Watch",
        &[
            "list",
            "show",
            "watch",
            "sessions",
            "options",
            "log",
            "attachments",
            "search",
            "report",
            "analytics",
        ],
    ),
    (
        "Operate",
        &[
            "config",
            "prompts",
            "token",
            "secrets",
            "audit",
            "maintenance",
            "webhooks",
            "rebuild",
            "completions",
            "agent",
        ],
    ),
];

/// An example of each way to use it.
const EXAMPLES: &str = "Examples:
  spectask demo                                   Try it on a sample repository
  spectask init                                   Set up the repository of this folder
  spectask new \"Add due dates to todos\" --wait    Plan work in the repository of this folder
  spectask document \"due dates\"                   Read its requirements, design and plan
  spectask approve \"due dates\"                    Approve what is under review
  spectask watch                                  Watch everything, live";

/// Examples of the commands that take most.
const OF_COMMANDS: [(&str, &str); 19] = [
    (
        "acp",
        "Examples:\n  spectask acp --setup zed                     Print the configuration\n  \
         spectask acp --setup jetbrains --write       Merge it into the editor's file",
    ),
    (
        "inbox",
        "Examples:\n  spectask inbox\n  spectask inbox answer inb_0a1b allow\n  spectask inbox answer inb_0a1b reply \"Use the library that is there\"\n  \
         spectask inbox --watch --json            For programs",
    ),
    (
        "init",
        "Examples:\n  spectask init\n  spectask init --dry-run                      Print what it would write\n  \
         spectask init ~/src/shop --base-branch develop",
    ),
    (
        "new",
        "Examples:\n  spectask new \"Add due dates to todos\"\n  spectask new \"Fix the login\" --type bug --agent claude --wait\n  \
         spectask new - < prompt.md\n  spectask new \"Add due dates\" --demo nodejs-todo",
    ),
    (
        "list",
        "Examples:\n  spectask list\n  spectask list --status spec_review --status implementation_review",
    ),
    (
        "diff",
        "Examples:\n  spectask diff \"due dates\"\n  spectask diff stws_01H…                  What one work session changed\n  \
         spectask diff \"due dates\" --specs > change.patch",
    ),
    (
        "report",
        "Examples:\n  spectask report \"due dates\"\n  spectask report \"due dates\" --format csv > report.csv",
    ),
    ("say", "Examples:\n  spectask say stws_01H… \"Use the library that is there\""),
    (
        "log",
        "Examples:\n  spectask sessions \"due dates\"            The sessions with their ids\n  spectask log stws_01H…",
    ),
    (
        "retry",
        "Examples:\n  spectask retry \"due dates\" --wait\n  spectask retry stws_01H…                 One work session",
    ),
    (
        "projects",
        "Examples:\n  spectask projects\n  spectask projects add ~/src/shop --check \"npm test\"\n  \
         spectask projects trust shop                 Read and trust .spectask/project.toml\n  spectask projects remove shop",
    ),
    (
        "token",
        "Examples:\n  spectask token\n  spectask token create ci --scope project --project shop --expires-in-days 30\n  \
         spectask token revoke ci",
    ),
    (
        "secrets",
        "Examples:\n  spectask secrets set NPM_TOKEN               Type the value; it is not shown\n  \
         spectask secrets set NPM_TOKEN --project shop < token.txt\n  spectask secrets list\n  spectask secrets remove NPM_TOKEN",
    ),
    (
        "plan",
        "Examples:\n  spectask plan \"due dates\"\n  echo '[{\"op\": \"move\", \"task\": \"3\", \"before\": \"2\"}]' | spectask plan \"due dates\" --edit - --dry-run",
    ),
    ("document", "Examples:\n  spectask document \"due dates\"\n  spectask document \"due dates\" tasks"),
    (
        "approve",
        "Examples:\n  spectask approve \"due dates\" --wait\n  spectask approve \"due dates\" --at 3f2a91c    In a script: what was read",
    ),
    (
        "request-changes",
        "Examples:\n  spectask request-changes \"due dates\" -c \"Use ISO dates\"\n  \
         spectask request-changes \"due dates\" --change \"Rename the field\" --change \"Add a test\"",
    ),
    ("watch", "Examples:\n  spectask watch\n  spectask watch \"due dates\" --until-waiting"),
    (
        "search",
        "Examples:\n  spectask search due date\n  spectask search --kind transcript '\"wrong time zone\"'",
    ),
];

/// Returns the command line with its overview.
pub(crate) fn command() -> Command {
    let mut command = Cli::command();
    for (name, examples) in OF_COMMANDS {
        command = command.mut_subcommand(name, |one| one.after_help(examples));
    }
    let overview = overview(&command);
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{overview}\nOptions:\n{{options}}\n\n{EXAMPLES}\n\n\
         `spectask COMMAND --help` says more of a command.\n"
    );
    command.help_template(template)
}

/// Returns the groups with their commands, each with what it does.
fn overview(command: &Command) -> String {
    let mut text = String::new();
    for (title, names) in GROUPS {
        let _ = writeln!(text, "{title}:");
        for name in names {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let about = about.map_or_else(String::new, ToString::to_string);
            let _ = writeln!(text, "  {name:<16} {about}");
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_stands_in_one_place_and_every_argument_is_explained() {
        let command = command();
        for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
            let groups = GROUPS.iter().filter(|(_, names)| names.contains(&one.get_name())).count();
            assert_eq!(groups, 1, "{}", one.get_name());
            let line = format!("\n  {} ", one.get_name());
            assert_eq!(overview(&command).matches(&line).count(), 1, "{}", one.get_name());
            explained(one);
        }
        for name in GROUPS.iter().flat_map(|(_, names)| *names) {
            assert!(command.find_subcommand(name).is_some(), "{name}");
        }
    }

    fn explained(command: &Command) {
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
        }
        command.get_subcommands().for_each(explained);
    }
}
