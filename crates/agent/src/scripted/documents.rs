//! The documents and notes the agent writes where no scenario plays. They say who wrote them.

use super::scenario::Documents;

/// Said wherever the agent invents something.
pub(super) const DISCLAIMER: &str =
    "Written by the scripted agent, which is not a model: no scenario plays for this prompt.";

/// Returns the documents for a prompt: two small planned tasks that note what is wanted.
pub(super) fn generic(prompt: &str) -> Documents {
    let title = title(prompt);
    let quoted = quoted(prompt);
    let requirements = format!(
        "# Requirements Document\n\n## Introduction\n\n{DISCLAIMER} What is wanted:\n\n{quoted}\n\
         ## Glossary\n\n- **Note**: a Markdown file under `docs/spectask` that describes one planned task.\n\n\
         ## Requirements\n\n\
         ### Requirement 1: The wish is noted\n\n\
         **User Story:** As a maintainer, I want to find the wish in the repository, so that I know what was asked.\n\n\
         #### Acceptance Criteria\n\n\
         1. WHEN the first planned task ends, THE repository SHALL contain a Note with the wish.\n\
         2. IF the Note is there before, THEN THE agent SHALL write it over with the same content.\n\n\
         ### Requirement 2: The check is noted\n\n\
         **User Story:** As a maintainer, I want to find how the request can be checked, so that it can be carried out.\n\n\
         #### Acceptance Criteria\n\n\
         1. WHEN the second planned task ends, THE repository SHALL contain a Note on the check.\n\
         2. IF the Note is there before, THEN THE agent SHALL write it over with the same content.\n\n\
         ## Open Questions\n\n- Which agent with a model should plan and carry this out?\n"
    );
    let design = format!(
        "# Design Document\n\n## Overview\n\n{DISCLAIMER} The change adds two Notes and touches nothing else.\n\n\
         ## Architecture\n\nThe repository stays as it is; `docs/spectask` holds the Notes.\n\n\
         ## Components and Interfaces\n\nNone.\n\n## Data Models\n\nNone.\n\n\
         ## Error Handling\n\nA Note that cannot be written fails its planned task.\n\n\
         ## Testing Strategy\n\nThe checks of the project still pass.\n\n\
         ## Sessions\n\nBoth planned tasks run side by side and share no file.\n"
    );
    let tasks = format!(
        "# Implementation Plan\n\n\
         - [ ] 1. (P) Note what is wanted: {title}\n\
         \x20 - [ ] 1.1 Write the Note\n\
         \x20 - _Requirements: 1.1, 1.2_\n\
         \x20 - _Boundary: docs/spectask/1.md_\n\
         \x20 - _Effort: small_\n\
         - [ ] 2. (P) Note how it can be checked: {title}\n\
         \x20 - [ ] 2.1 Write the Note\n\
         \x20 - _Requirements: 2.1, 2.2_\n\
         \x20 - _Boundary: docs/spectask/2.md_\n\
         \x20 - _Effort: small_\n"
    );
    Documents { requirements: Some(requirements), design: Some(design), tasks: Some(tasks) }
}

/// Returns the note that stands for the work of a planned task.
pub(super) fn note(heading: &str, prompt: &str) -> String {
    let quoted = quoted(prompt);
    format!(
        "# {heading}\n\n{DISCLAIMER} A real agent would carry out this planned task here.\n\nThe prompt:\n\n{quoted}"
    )
}

/// Returns the requirements with an answer to the reviewer under `## Revision notes`; the same round answers once.
pub(super) fn revised(requirements: &str, round: u64, comments: &str) -> String {
    let said = one_line(comments, 300);
    let said = if said.is_empty() { "(no comment)".to_owned() } else { said };
    let line = format!(
        "- Round {round}: the reviewer said \"{said}\". Noted by the scripted agent, which is not a model.\n"
    );
    if requirements.contains(&format!("- Round {round}: ")) {
        return requirements.to_owned();
    }
    let mut text = requirements.trim_end().to_owned();
    text.push('\n');
    if !text.lines().any(|line| line.trim_end() == "## Revision notes") {
        text.push_str("\n## Revision notes\n\n");
    }
    text.push_str(&line);
    text
}

/// Text as a quotation.
pub(super) fn quoted(text: &str) -> String {
    text.trim().lines().flat_map(|line| ["> ", line, "\n"]).collect()
}

/// Returns the first line of a prompt, short enough for a heading.
pub(super) fn title(prompt: &str) -> String {
    let first = prompt.trim().lines().next().unwrap_or_default();
    let title = one_line(first.trim_start_matches(['#', ' ']), 60);
    if title.is_empty() { "an empty prompt".to_owned() } else { title }
}

fn one_line(text: &str, limit: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_answered_once() {
        let once = revised("# R\n", 2, "Shorter,\nplease.");
        assert_eq!(
            once,
            "# R\n\n## Revision notes\n\n- Round 2: the reviewer said \"Shorter, please.\". Noted by the scripted agent, \
             which is not a model.\n"
        );
        assert_eq!(revised(&once, 2, "Shorter,\nplease."), once);
        assert_eq!(revised(&once, 3, "Again.").matches("## Revision notes").count(), 1);
    }

    #[test]
    fn titles_are_short() {
        assert_eq!(title("\n# Add   due dates\nmore"), "Add due dates");
        assert_eq!(title(""), "an empty prompt");
        assert!(title(&"wort ".repeat(50)).chars().count() <= 61);
    }
}
