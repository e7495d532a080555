//! Which requirement is carried out where: planned tasks, sessions, commits, and the tests among what they changed.

use super::caller::Caller;
use super::problem::Problem;
use super::{scenes, session_diff};
use crate::App;
use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};
use utoipa::ToSchema;
use workflow::documents::requirements;
use workflow::{Session, SessionId, SessionStatus, Task};

/// Which requirement is carried out where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Traceability {
    pub(crate) requirements: Vec<TracedRequirement>,
    /// Criteria that no planned task cites.
    pub(crate) uncovered_requirements: Vec<String>,
    /// Planned tasks that cite no requirement.
    pub(crate) orphan_tasks: Vec<String>,
}

/// A criterion and what carries it out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TracedRequirement {
    pub(crate) id: String,
    pub(crate) text: String,
    #[schema(required)]
    pub(crate) ears_pattern: Option<String>,
    pub(crate) tasks: Vec<String>,
    pub(crate) work_sessions: Vec<String>,
    pub(crate) commits: Vec<String>,
    /// Files with tests that these sessions changed, by where they are and how they are called.
    pub(crate) tests: Vec<String>,
    /// `uncovered`, `planned`, `in_progress` or `done`.
    pub(crate) status: String,
}

/// Shows for each criterion the planned tasks, sessions and commits that carry it out.
#[utoipa::path(get, path = "/spec-tasks/{id}/traceability", tag = "spec-tasks", params(("id" = String, Path)),
    responses((status = 200, body = Traceability)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Traceability>, Problem> {
    let task = caller.task(&app, &id).await?;
    Ok(Json(traced(&app, &task).await?))
}

/// What carries out each criterion of a task's documents in force; nothing while it has none.
pub(crate) async fn traced(app: &App, task: &Task) -> Result<Traceability, Problem> {
    let Some(revision) = scenes::in_force(app, task).await? else {
        return Ok(Traceability {
            requirements: Vec::new(),
            uncovered_requirements: Vec::new(),
            orphan_tasks: Vec::new(),
        });
    };
    let parsed = requirements::parse(&revision.requirements);
    let tests = tests(app, task).await?;
    let mut traced = Vec::new();
    for criterion in parsed.items.iter().flat_map(|item| &item.criteria) {
        traced.push(trace(
            task,
            &tests,
            &criterion.number,
            &criterion.text,
            criterion.pattern.map(|pattern| pattern.to_string()),
        ));
    }
    let uncovered = traced.iter().filter(|one| one.status == "uncovered").map(|one| one.id.clone()).collect();
    let orphans = task
        .units()
        .iter()
        .filter(|unit| unit.requirements.is_empty())
        .map(|unit| unit.number.clone())
        .collect();
    Ok(Traceability { requirements: traced, uncovered_requirements: uncovered, orphan_tasks: orphans })
}

/// The files with tests among what each session's merge brought.
async fn tests(app: &App, task: &Task) -> Result<HashMap<SessionId, Vec<String>>, Problem> {
    let mut tests = HashMap::new();
    for session in task.sessions.iter().filter(|session| session.merged.is_some()) {
        let (files, _) = session_diff::changes(app, task, session).await?;
        let paths: Vec<String> =
            files.into_iter().map(|file| file.path).filter(|path| is_test(path)).collect();
        tests.insert(session.id.clone(), paths);
    }
    Ok(tests)
}

fn trace(
    task: &Task,
    tests: &HashMap<SessionId, Vec<String>>,
    id: &str,
    text: &str,
    ears_pattern: Option<String>,
) -> TracedRequirement {
    let whole = id.split('.').next().unwrap_or(id);
    let units: Vec<_> = task
        .units()
        .iter()
        .filter(|unit| {
            unit.requirements
                .iter()
                .any(|cited| cited == id || cited == whole || cited.eq_ignore_ascii_case("all"))
        })
        .collect();
    let sessions: Vec<&Session> = units.iter().filter_map(|unit| task.session_of_unit(unit.index)).collect();
    let statuses: Vec<SessionStatus> = sessions.iter().map(|session| task.session_status(session)).collect();
    let status = if units.is_empty() {
        "uncovered"
    } else if !statuses.is_empty() && statuses.iter().all(|status| *status == SessionStatus::Completed) {
        "done"
    } else if statuses.iter().any(|status| matches!(status, SessionStatus::Active | SessionStatus::Completed))
    {
        "in_progress"
    } else {
        "planned"
    };
    TracedRequirement {
        id: id.to_owned(),
        text: text.to_owned(),
        ears_pattern,
        tasks: units.iter().map(|unit| unit.number.clone()).collect(),
        work_sessions: sessions.iter().map(|session| session.id.to_string()).collect(),
        commits: sessions
            .iter()
            .filter_map(|session| session.merged.as_ref())
            .map(ToString::to_string)
            .collect(),
        tests: {
            let changed = sessions.iter().filter_map(|session| tests.get(&session.id)).flatten();
            changed.cloned().collect::<BTreeSet<String>>().into_iter().collect()
        },
        status: status.to_owned(),
    }
}

/// Whether a file has tests, by the habits of the languages: a folder of tests, or a name that says so.
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
    use super::is_test;

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
