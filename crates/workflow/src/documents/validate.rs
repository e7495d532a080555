//! Whether the three documents can be reviewed and worked from.

use super::{needs, plan, requirements};
use std::fmt;

/// What makes documents unusable, as a sentence for who wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub document: &'static str,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.document, self.message)
    }
}

/// Finds what makes the documents unusable; what could merely be better is the lint's business.
pub fn validate(requirements: &str, design: &str, tasks: &str) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut problem =
        |document, message: &str| problems.push(Problem { document, message: message.to_owned() });
    for (document, text) in [("requirements.md", requirements), ("design.md", design), ("tasks.md", tasks)] {
        if text.trim().is_empty() {
            problem(document, "the file is missing or empty; write it.");
        }
    }
    if !requirements.trim().is_empty() && requirements::parse(requirements).items.is_empty() {
        problem(
            "requirements.md",
            "no requirement was found; write each as `### Requirement 1: Title` with numbered acceptance criteria.",
        );
    }
    if !tasks.trim().is_empty() {
        let units = plan::parse(tasks).units();
        if units.is_empty() {
            problem("tasks.md", "no planned task was found; write each as `- [ ] 1. Title`.");
        }
        if let Some(cycle) = needs::cycle(&units) {
            problem(
                "tasks.md",
                &format!("the tasks wait for each other: {}; break the cycle.", cycle.join(" → ")),
            );
        }
        for unit in units.iter().filter(|unit| !unit.unknown.is_empty()) {
            let unknown = unit.unknown.join(", ");
            problem(
                "tasks.md",
                &format!("task {} depends on {unknown}, which the plan does not have.", unit.number),
            );
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIREMENTS: &str =
        "### Requirement 1: A\n\n#### Acceptance Criteria\n\n1. THE system SHALL work.\n";

    fn problems(requirements: &str, design: &str, tasks: &str) -> Vec<String> {
        validate(requirements, design, tasks)
            .err()
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(problems(REQUIREMENTS, "# Design", "- [ ] 1. Do it\n"), Vec::<String>::new());
        assert_eq!(problems("", "", "").len(), 3);
        assert!(problems("words", "d", "words")[0].contains("no requirement was found"));
        let cycle = "- [ ] 1. a\n  _Depends: 2_\n- [ ] 2. b\n  _Depends: 1_\n";
        assert!(problems(REQUIREMENTS, "d", cycle)[0].contains("1 → 2 → 1"));
        assert!(problems(REQUIREMENTS, "d", "- [ ] 1. a\n  _Depends: 7_\n")[0].contains("depends on 7"));
    }
}
