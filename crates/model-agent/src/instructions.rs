//! What the model is told before the conversation.

use crate::workspace::Workspace;
use std::fmt::Write as _;

/// Files in the working directory with rules for agents; the first that is there counts.
const RULES: [&str; 2] = ["AGENTS.md", "CLAUDE.md"];
/// How much of such a file is used, in bytes.
const MAX_RULES: usize = 32 * 1024;

const WITH_TOOLS: &str = "\
You are a coding agent. You work on a software repository with the tools that you have, until the task of the user is done.

1. Read what you need before you change anything: list folders, search, read files.
2. Make the smallest change that does the whole task, in the style of the code around it. Do not change what is not part of it.
3. Use edit_file for changes and write_file for new files. Use shell for builds, tests and git.
4. Check your work: run the tests or commands that show that it is right, where there are some.
5. Keep a plan with update_plan when the task has several steps, and mark each step when it is done.
6. If a tool answers with an error, read it, correct the call and try again, or choose another way.
7. When you are done, answer with a short summary of what you did and what you could not do. Do not claim what you did not check.";

const WITHOUT_TOOLS: &str = "\
You are an assistant for software engineers. You have no tools: you cannot read or change files or run commands. Answer from the
conversation alone, and say what you would need to know. Do not claim that you did something.";

/// What the model is told when it is to summarize a conversation that is too long.
pub(crate) const SUMMARIZE: &str = "\
The conversation is about to be cut. Write a summary from which you can continue the work without it. Use these headings:
1. Task: what the user asked for, with every requirement, name, path and command, word for word where it matters.
2. Done: what was changed, with paths, and what was found out.
3. Left: what is still to do, in order.
Write the summary only.";

/// Returns it; `problems` says which MCP servers did not start.
pub(crate) fn system_prompt(workspace: &Workspace, has_tools: bool, problems: &[String]) -> String {
    if !has_tools {
        return WITHOUT_TOOLS.to_owned();
    }
    let mut text = WITH_TOOLS.to_owned();
    let _ = write!(text, "\n\nYour working directory is `{}`.", workspace.cwd().display());
    if let [_, others @ ..] = workspace.roots()
        && !others.is_empty()
    {
        let others: Vec<String> = others.iter().map(|root| format!("`{}`", root.display())).collect();
        let _ = write!(text, " Your file tools also reach {}.", others.join(", "));
    }
    for problem in problems {
        let _ = write!(text, "\n\n{problem}");
    }
    let rules = RULES.iter().find_map(|name| Some((name, workspace.resolve(name).ok()?.read().ok()?)));
    if let Some((name, rules)) = rules {
        let end = rules.floor_char_boundary(MAX_RULES);
        let _ = write!(text, "\n\nThe repository's rules for agents, from {name}:\n\n{}", &rules[..end]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_the_repository_are_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("AGENTS.md"), "Use tabs.").unwrap();
        let workspace = Workspace::new(folder.path(), &[]).unwrap();
        assert!(system_prompt(&workspace, true, &[]).ends_with("from AGENTS.md:\n\nUse tabs."));
        assert_eq!(system_prompt(&workspace, false, &[]), WITHOUT_TOOLS);
        assert!(system_prompt(&workspace, true, &["It is away.".to_owned()]).contains("\n\nIt is away."));
    }
}
