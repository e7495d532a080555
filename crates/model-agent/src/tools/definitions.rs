//! The tools as the model is told of them.

use genai::chat::Tool;
use serde_json::{Value, json};

pub(crate) fn definitions() -> Vec<Tool> {
    let tool = |name: &str, description: &str, properties: Value, required: &[&str]| {
        Tool::new(name.to_owned()).with_description(description).with_schema(json!({
            "type": "object", "properties": properties, "required": required,
        }))
    };
    let text = |description: &str| json!({"type": "string", "description": description});
    let number = |description: &str| json!({"type": "integer", "description": description});
    let flag = |description: &str| json!({"type": "boolean", "description": description});
    vec![
        tool(
            "list_files",
            "Lists files and folders. Folders end with a slash. What git ignores is left out.",
            json!({
                "path": text("The folder; the working directory where it is left out."),
                "depth": number("How many levels are listed; 2 where it is left out."),
            }),
            &[],
        ),
        tool(
            "read_file",
            "Reads a text file, or some of its lines. Each line is preceded by its number and a tab, which are not part of the file.",
            json!({
                "path": text("The file, absolute or below the working directory."),
                "offset": number("The first line to read, from 1."),
                "limit": number("How many lines to read; 2000 where it is left out."),
            }),
            &["path"],
        ),
        tool(
            "search",
            "Searches text files line by line for a regular expression. What git ignores is left out.",
            json!({
                "pattern": text("A regular expression in the syntax of Rust's regex crate."),
                "path": text("The file or folder to search; the working directory where it is left out."),
                "glob": text("Search only files whose path matches, such as `*.rs`."),
                "ignore_case": flag("Whether capitals make no difference."),
            }),
            &["pattern"],
        ),
        tool(
            "edit_file",
            "Replaces a text in a file by another. The old text has to occur exactly once, with its whitespace, unless replace_all is set.",
            json!({
                "path": text("The file, absolute or below the working directory."),
                "old_text": text("The text to replace, with enough lines around it that it is unique."),
                "new_text": text("The text that takes its place."),
                "replace_all": flag("Whether every occurrence is replaced."),
            }),
            &["path", "old_text", "new_text"],
        ),
        tool(
            "write_file",
            "Writes a whole file. It makes folders that are missing, and replaces a file that is there.",
            json!({
                "path": text("The file, absolute or below the working directory."),
                "content": text("All that the file contains afterwards."),
            }),
            &["path", "content"],
        ),
        tool(
            "shell",
            "Runs a command with `sh -c` in the working directory, and returns its output and exit code. It has no input. Whatever it starts ends with it.",
            json!({
                "command": text("The command."),
                "timeout_seconds": number("After which it is ended; 120 where it is left out, at most 1800."),
            }),
            &["command"],
        ),
        tool(
            "update_plan",
            "Shows your plan to the user. Send all steps each time.",
            json!({
                "entries": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "content": text("The step."),
                            "status": {"type": "string", "enum": ["pending", "in_progress", "completed"]},
                        },
                        "required": ["content", "status"],
                    },
                },
            }),
            &["entries"],
        ),
    ]
}
