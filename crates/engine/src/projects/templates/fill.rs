//! Fills a template's texts with the prompt and the items of a task.

use super::file::Written;
use specs::plan;
use std::fmt::Write as _;

/// How much of a prompt stands in one line of a plan, in characters.
const LINE: usize = 400;

/// The values that fill a template.
pub struct Filling<'f> {
    pub prompt: &'f str,
    pub name: &'f str,
    pub items: &'f [String],
}

/// The texts of a task.
#[derive(Debug, PartialEq, Eq)]
pub struct Filled {
    pub requirements: String,
    pub design: String,
    pub tasks: String,
}

const REQUIREMENTS: &str = "# Requirements Document\n\n## Introduction\n\n{{prompt}}\n\n## Requirements\n\n\
    ### Requirement 1: {{name}}\n\n\
    **User Story:** As the person who asked, I want what is asked for, so that I need not ask again.\n\n\
    #### Acceptance Criteria\n\n\
    1. WHEN a planned task ends, THE change SHALL contain what that planned task asks for.\n\
    2. IF a planned task cannot be carried out, THEN THE session SHALL say why.\n";
const DESIGN: &str = "# Design Document\n\n## Overview\n\n{{prompt}}\n";

/// Returns the documents of a template; hints stay hints where a planner runs.
pub fn documents(written: &Written, filling: &Filling<'_>) -> Filled {
    let whole = |text: &str, usual: &str| {
        let text = if text.trim().is_empty() && written.is_ready() { usual } else { text };
        put(text.trim_start(), filling, filling.prompt.trim(), &[])
    };
    Filled {
        requirements: whole(&written.requirements, REQUIREMENTS),
        design: whole(&written.design, DESIGN),
        tasks: tasks(written, filling),
    }
}

/// Returns the plan: what comes first, a planned task for each item, what comes last.
pub(super) fn tasks(written: &Written, filling: &Filling<'_>) -> String {
    let prompt = one_line(filling.prompt);
    let mut text = put(written.tasks.trim_start(), filling, &prompt, &[]);
    let mut number = plan::parse(&text).units().len();
    let mut numbers = Vec::new();
    for item in filling.items.iter().filter(|_| written.takes_items()) {
        number += 1;
        numbers.push(number.to_string());
        let own = [("number", number.to_string()), ("item", one_line(item))];
        apart(&mut text, &put(written.item.trim(), filling, &prompt, &own));
    }
    if !written.last.trim().is_empty() {
        let own = [("number", (number + 1).to_string()), ("item_numbers", numbers.join(", "))];
        apart(&mut text, &put(written.last.trim(), filling, &prompt, &own));
    }
    text
}

fn apart(text: &mut String, part: &str) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(part);
    text.push('\n');
}

/// Puts values in for `{{name}}`; what a value says is never looked through again.
fn put(text: &str, filling: &Filling<'_>, prompt: &str, own: &[(&str, String)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let Some(end) = rest[at..].find("}}") else { break };
        let name = rest[at + 2..at + end].trim();
        filled.push_str(&rest[..at]);
        match (name, own.iter().find(|(known, _)| *known == name)) {
            (_, Some((_, value))) => filled.push_str(value),
            ("prompt", None) => filled.push_str(prompt),
            ("name", None) => filled.push_str(&one_line(filling.name)),
            ("slug", None) => filled.push_str(&slug(filling.name)),
            ("items", None) => {
                for item in filling.items {
                    let _ = writeln!(filled, "- {}", one_line(item));
                }
            }
            // An unknown name is part of the text.
            (_, None) => filled.push_str(&rest[at..at + end + 2]),
        }
        rest = &rest[at + end + 2..];
    }
    filled + rest
}

/// Returns a text in one line, short enough for a plan.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}

/// Returns a name as a piece of a path.
fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug: Vec<String> = words.take(6).map(str::to_ascii_lowercase).collect();
    if slug.is_empty() { "task".to_owned() } else { slug.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_a_planned_task() {
        let written = Written {
            tasks: "# Plan\n\n- [ ] 1. Prepare\n".to_owned(),
            item: "- [ ] {{number}}. (P) {{item}}\n  - {{prompt}} {{other}}\n  - _Depends: 1_\n".to_owned(),
            last: "- [ ] {{number}}. Sum up\n  - _Depends: {{item_numbers}}_\n".to_owned(),
            ..Written::default()
        };
        let items = ["de".to_owned(), "{{prompt}}\nfr".to_owned()];
        let filling = Filling { prompt: "Translate\nit", name: "A name", items: &items };
        let filled = documents(&written, &filling);
        assert_eq!(
            filled.tasks,
            "# Plan\n\n- [ ] 1. Prepare\n- [ ] 2. (P) de\n  - Translate it {{other}}\n  - _Depends: 1_\n\
             - [ ] 3. (P) {{prompt}} fr\n  - Translate it {{other}}\n  - _Depends: 1_\n\
             - [ ] 4. Sum up\n  - _Depends: 2, 3_\n"
        );
        let units = plan::parse(&filled.tasks).units();
        assert_eq!(units.len(), 4);
        assert_eq!(units[3].dependencies, [1, 2]);
        assert_eq!(slug("Bücher & mehr: ein Test"), "b-cher-mehr-ein-test");
    }
}
