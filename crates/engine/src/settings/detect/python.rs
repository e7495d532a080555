//! Python: the package manager by its lock file, and pytest or unittest.

use super::detection::Stack;
use super::listing::Place;
use super::tools::stack;

const MANIFESTS: [&str; 7] = [
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements.txt",
    "requirements-dev.txt",
    "dev-requirements.txt",
    "Pipfile",
];

pub(super) fn python(place: Place<'_>) -> Option<Stack> {
    let found_by = place.first_of(&MANIFESTS)?;
    let texts: String = MANIFESTS.iter().chain(&["tox.ini"]).map(|name| place.text(name)).collect();
    let project = place.text("pyproject.toml");
    let virtual_environment = "python3 -m venv .venv && .venv/bin/pip install";
    let (tool, setup, run, found_by) = if place.has("uv.lock") {
        ("uv", "uv sync --frozen".to_owned(), "uv run ", "uv.lock")
    } else if place.has("poetry.lock") || project.contains("[tool.poetry") {
        ("poetry", "poetry install --no-interaction".to_owned(), "poetry run ", found_by)
    } else if place.has("pdm.lock") {
        ("pdm", "pdm install --frozen-lockfile".to_owned(), "pdm run ", "pdm.lock")
    } else if place.has("Pipfile") {
        ("pipenv", "pipenv install --dev".to_owned(), "pipenv run ", "Pipfile")
    } else if project.contains("[tool.uv") {
        ("uv", "uv sync".to_owned(), "uv run ", found_by)
    } else {
        let lists: Vec<String> = ["requirements.txt", "requirements-dev.txt", "dev-requirements.txt"]
            .iter()
            .filter(|name| place.has(name))
            .map(|name| format!(" -r {name}"))
            .collect();
        let is_package =
            place.has("setup.py") || project.contains("[build-system]") || project.contains("[project]");
        let own = if is_package { " -e ." } else { "" };
        ("pip", format!("{virtual_environment}{}{own}", lists.concat()), ".venv/bin/python -m ", found_by)
    };
    let is_tested_by_pytest = texts.contains("pytest")
        || place.first_of(&["pytest.ini", "conftest.py"]).is_some()
        || place.has("tests/conftest.py");
    let is_test = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.starts_with("test_") && name.rsplit_once('.').is_some_and(|(_, ending)| ending == "py")
    };
    let python = if tool == "pip" { ".venv/bin/python".to_owned() } else { format!("{run}python") };
    let test = if is_tested_by_pytest {
        Some(format!("{run}pytest"))
    } else if place.has("manage.py") {
        Some(format!("{python} manage.py test"))
    } else if place.any(is_test) {
        Some(format!("{python} -m unittest discover"))
    } else {
        None
    };
    let mut checks = Vec::new();
    if texts.contains("ruff") {
        checks.push(format!("{run}ruff check ."));
    }
    if project.contains("[tool.mypy") && texts.matches("mypy").count() > 1 {
        checks.push(format!("{run}mypy ."));
    }
    Some(Stack { setup: Some(setup), test, checks, ..stack(place, tool, "Python", found_by) })
}
