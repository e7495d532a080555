//! Whether the three documents can be reviewed and worked from.

use crate::plan;
use std::fmt;

/// A reason why documents are unusable, as a sentence for their author.
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

/// Finds what makes the documents unusable: one that is missing or empty, and a plan without a task. What could merely
/// be better, dependencies that name nothing and tasks that would wait for each other included, is the lint's business:
/// documents that a person brings are never a dead end.
pub fn validate(requirements: &str, design: &str, tasks: &str) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut problem =
        |document, message: &str| problems.push(Problem { document, message: message.to_owned() });
    for (document, text) in [("requirements.md", requirements), ("design.md", design), ("tasks.md", tasks)] {
        if !text.contains(|c: char| c.is_alphanumeric()) {
            problem(document, "the file is missing or empty; write it.");
        }
    }
    if tasks.contains(|c: char| c.is_alphanumeric()) && plan::parse(tasks).units().is_empty() {
        problem("tasks.md", "no planned task was found; write each as `- [ ] 1. Title`.");
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
        assert!(problems(REQUIREMENTS, "d", "<!-- - [ ] 1. a -->")[0].contains("no planned task was found"));
        assert_eq!(problems("Words.", "d", "Do it."), Vec::<String>::new());
        for usable in
            ["- [ ] 1. a\n  _Depends: 2_\n- [ ] 2. b\n  _Depends: 1_\n", "- [ ] 1. a\n  _Depends: 7_\n"]
        {
            assert_eq!(problems("Words.", "d", usable), Vec::<String>::new());
        }
    }
}
