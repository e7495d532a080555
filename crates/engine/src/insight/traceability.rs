//! Traceability of requirements: the planned tasks, sessions and commits that carry each one out, and the tests among
//! the changed files.

use crate::App;
use crate::insight::views;
use crate::projects::repositories::RepositoryError;
use crate::projects::session_changes;
use protocol::words::RequirementStatus;
use serde::Serialize;
use specs::requirements::{self, Criterion, Requirement, Requirements};
use std::collections::{BTreeSet, HashMap};
use utoipa::ToSchema;
use workflow::{Session, SessionId, Task, UnitStatus};

/// The traceability of a task's requirements.
#[derive(Debug, Serialize, ToSchema)]
pub struct Traceability {
    pub(crate) requirements: Vec<TracedRequirement>,
    /// Criteria, and requirements without criteria, that no planned task cites.
    pub(crate) uncovered_requirements: Vec<String>,
    /// Planned tasks that cite no requirement.
    pub(crate) orphan_tasks: Vec<String>,
}

/// A criterion, or a requirement without criteria, and what carries it out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TracedRequirement {
    pub(crate) id: String,
    pub(crate) text: String,
    #[schema(required)]
    pub(crate) ears_pattern: Option<String>,
    pub(crate) tasks: Vec<String>,
    pub(crate) work_sessions: Vec<String>,
    pub(crate) commits: Vec<String>,
    /// Files with tests that these sessions changed, by where they are and how they are called, and once they are done, the
    /// checks that passed on the whole change.
    pub(crate) tests: Vec<String>,
    pub(crate) status: RequirementStatus,
}

/// Returns what carries out each criterion of a task's documents in force; nothing while it has none.
pub async fn traced(app: &App, task: &Task) -> Result<Traceability, RepositoryError> {
    let Some(revision) = views::in_force(app, task).await? else {
        return Ok(Traceability {
            requirements: Vec::new(),
            uncovered_requirements: Vec::new(),
            orphan_tasks: Vec::new(),
        });
    };
    let parsed = requirements::parse(&revision.requirements);
    let tests = tests(app, task).await?;
    let mut traced = Vec::new();
    for item in &parsed.items {
        if item.criteria.is_empty() {
            traced.push(trace(task, &tests, &parsed, item, None));
        }
        for criterion in &item.criteria {
            traced.push(trace(task, &tests, &parsed, item, Some(criterion)));
        }
    }
    let uncovered = traced
        .iter()
        .filter(|one| one.status == RequirementStatus::Uncovered)
        .map(|one| one.id.clone())
        .collect();
    let orphans = task
        .units()
        .iter()
        .filter(|unit| unit.requirements.is_empty())
        .map(|unit| unit.number.clone())
        .collect();
    Ok(Traceability { requirements: traced, uncovered_requirements: uncovered, orphan_tasks: orphans })
}

/// Returns the files with tests among what each session's merge brought.
async fn tests(app: &App, task: &Task) -> Result<HashMap<SessionId, Vec<String>>, RepositoryError> {
    let mut tests = HashMap::new();
    for session in task.sessions.iter().filter(|session| session.merged.is_some()) {
        let (files, _) = session_changes::of(app, task, session).await?;
        let paths: Vec<String> =
            files.into_iter().map(|file| file.path).filter(|path| is_test(path)).collect();
        tests.insert(session.id.clone(), paths);
    }
    Ok(tests)
}

fn trace(
    task: &Task,
    tests: &HashMap<SessionId, Vec<String>>,
    parsed: &Requirements,
    requirement: &Requirement,
    criterion: Option<&Criterion>,
) -> TracedRequirement {
    let (id, text) = match criterion {
        Some(criterion) => (&criterion.number, &criterion.text),
        None => (&requirement.number, &requirement.title),
    };
    let units: Vec<_> = task
        .units()
        .iter()
        .filter(|unit| unit.requirements.iter().any(|cited| cites(parsed, cited, id, &requirement.number)))
        .collect();
    let sessions: Vec<&Session> = units.iter().filter_map(|unit| task.session_of_unit(unit.index)).collect();
    let statuses: Vec<UnitStatus> = units.iter().map(|unit| task.unit_status(unit.index)).collect();
    let status = status(&statuses);
    TracedRequirement {
        id: id.to_owned(),
        text: text.to_owned(),
        ears_pattern: criterion.and_then(|one| one.pattern).map(|pattern| pattern.to_string()),
        tasks: units.iter().map(|unit| unit.number.clone()).collect(),
        work_sessions: sessions.iter().map(|session| session.id.to_string()).collect(),
        commits: sessions
            .iter()
            .filter_map(|session| session.merged.as_ref())
            .map(ToString::to_string)
            .collect(),
        tests: {
            let changed = sessions.iter().filter_map(|session| tests.get(&session.id)).flatten();
            let changed: BTreeSet<String> = changed.cloned().collect();
            let passed: BTreeSet<String> = units
                .iter()
                .flat_map(|unit| task.evidence(unit.index, status == RequirementStatus::Done).checks)
                .collect();
            changed.into_iter().chain(passed).collect()
        },
        status,
    }
}

/// Returns whether a citation means a criterion or all of its requirement; of a requirement without criteria, any part
/// of it.
fn cites(parsed: &Requirements, cited: &str, id: &str, requirement: &str) -> bool {
    if cited.eq_ignore_ascii_case("all") {
        return true;
    }
    match parsed.find(cited) {
        Some(found) => found == id || found == requirement,
        None => {
            let whole = cited.rsplit_once('.').and_then(|(whole, _)| parsed.find(whole));
            id == requirement && whole == Some(requirement)
        }
    }
}

/// Returns how far a criterion is carried out, by the planned tasks that cite it. What a person skipped does not hold
/// it back, and alone carries nothing out.
fn status(units: &[UnitStatus]) -> RequirementStatus {
    let is = |meant: UnitStatus| units.contains(&meant);
    let mut wanted = units.iter().filter(|status| **status != UnitStatus::Skipped).peekable();
    if units.is_empty() {
        RequirementStatus::Uncovered
    } else if wanted.peek().is_none() {
        RequirementStatus::Skipped
    } else if wanted.clone().all(|status| *status == UnitStatus::Completed) {
        RequirementStatus::Done
    } else if wanted.all(|status| matches!(status, UnitStatus::Completed | UnitStatus::NotReported)) {
        RequirementStatus::NotReported
    } else if is(UnitStatus::InProgress) || is(UnitStatus::Completed) || is(UnitStatus::NotReported) {
        RequirementStatus::InProgress
    } else {
        RequirementStatus::Planned
    }
}

/// Returns whether a file has tests, by the habits of the languages: a folder of tests, or a name that says so.
fn is_test(path: &str) -> bool {
    const FOLDERS: [&str; 5] = ["test", "tests", "__tests__", "spec", "e2e"];
    const ENDS: [&str; 8] = ["_test", "_tests", "_spec", ".test", ".spec", "-test", "Test", "Tests"];
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    folders.split('/').any(|folder| FOLDERS.contains(&folder))
        || name.starts_with("test_")
        || ENDS.iter().any(|end| stem.ends_with(end))
        || matches!(stem, "test" | "tests")
}

#[cfg(test)]
mod tests {
    use super::{cites, is_test, status};
    use protocol::words::RequirementStatus;
    use specs::requirements;
    use workflow::UnitStatus::{Completed, InProgress, NotReported, Pending, Skipped};

    #[test]
    fn a_criterion_is_done_when_what_carries_it_out_is() {
        for (units, expected) in [
            (&[][..], RequirementStatus::Uncovered),
            (&[Pending], RequirementStatus::Planned),
            (&[Completed, InProgress], RequirementStatus::InProgress),
            (&[Completed, Skipped], RequirementStatus::Done),
            (&[Skipped], RequirementStatus::Skipped),
            (&[Completed, NotReported], RequirementStatus::NotReported),
            (&[Pending, NotReported], RequirementStatus::InProgress),
        ] {
            assert_eq!(status(units), expected, "{units:?}");
        }
    }

    #[test]
    fn a_citation_means_a_criterion_or_its_requirement() {
        let parsed = requirements::parse(
            "### Requirement 1: A\n1. THE system SHALL a.\n2. THE system SHALL b.\n### Requirement 2: Audit\nWords.\n",
        );
        for (cited, id, requirement, expected) in [
            ("1.1", "1.1", "1", true),
            ("1.1", "1.2", "1", false),
            ("1", "1.2", "1", true),
            ("REQ-1.2", "1.2", "1", true),
            ("All", "1.2", "1", true),
            ("2", "2", "2", true),
            ("REQ-2", "2", "2", true),
            ("2.1", "2", "2", true),
            ("1", "2", "2", false),
        ] {
            assert_eq!(cites(&parsed, cited, id, requirement), expected, "{cited} of {id}");
        }
    }

    #[test]
    fn tests_are_told_by_folder_and_name() {
        let tests = [
            "tests/it/main.rs",
            "src/parse/tests.rs",
            "pkg/store_test.go",
            "app/test_views.py",
            "web/src/list.test.tsx",
            "spec/models/user_spec.rb",
            "src/test/java/StoreTest.java",
        ];
        for path in tests {
            assert!(is_test(path), "{path}");
        }
        for path in
            ["src/latest.rs", "contest.py", "specs/spt_1/tasks.md", "src/attestation.go", "testing.md"]
        {
            assert!(!is_test(path), "{path}");
        }
    }
}
