//! What holds for every text that is read as a document.

use crate::anchor::{Lines, excerpt, locate};
use crate::checklist::{self, Marker, StatusBlock};
use crate::{hash, lint, plan, requirements, validate};

/// Reads bytes as a plan, marks its items, and makes a checklist of it.
///
/// # Panics
/// When what is read or edited is not as it has to be.
pub fn plan(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().count();
    let mut plan = plan::parse(&text);
    for item in &plan.items {
        assert!((1..=lines).contains(&item.line), "line {} of {lines}", item.line);
        assert!(text.get(item.marker_span.clone()).is_some(), "{:?}", item.marker_span);
    }
    let units = plan.units();
    for unit in &units {
        let needs = &unit.dependencies;
        assert!(needs.iter().all(|needed| *needed < units.len() && *needed != unit.index), "{needs:?}");
    }
    plan.open_again(&units.iter().map(|unit| unit.number.as_str()).collect::<Vec<_>>());
    let progress = checklist::render_progress(&plan, "Name");
    for unit in &units {
        let marked = checklist::mark(&progress, &unit.number, Marker::Completed);
        assert_ne!(marked, progress, "{} cannot be marked", unit.number);
    }
    let (hash, read) = (hash::content_hash("", "", &text), checklist::parse(&text));
    assert!((0.0..=100.0).contains(&read.progress()), "{}", read.progress());
    for at in 0..read.items.len().min(8) {
        for marker in [Marker::Pending, Marker::InProgress, Marker::Completed] {
            let marked = checklist::mark_at(&text, at, marker);
            assert_eq!(hash::content_hash("", "", &marked), hash, "marking changes the content");
            assert_eq!(checklist::parse(&marked).items.len(), read.items.len(), "marking changes the items");
        }
    }
    let status = StatusBlock::default();
    let once = checklist::set_status_block(&text, &status);
    assert_eq!(checklist::set_status_block(&once, &status), once, "a status is set twice");
    lint::lint("", &text);
}

/// Reads bytes as requirements, and finds the lines of them that are quoted.
///
/// # Panics
/// When what is read is not as it has to be.
pub fn requirements(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().count();
    for item in &requirements::parse(&text).items {
        let criteria = item.criteria.iter().map(|one| one.line);
        for line in criteria.chain([item.line]) {
            assert!((1..=lines).contains(&line), "line {line} of {lines}");
        }
    }
    for finding in lint::lint(&text, &text) {
        assert!(finding.line <= lines.max(1), "{} of {lines}", finding.line);
    }
    let _ = validate(&text, &text, &text);
    for start in 1..=lines.min(8) {
        let named = Lines { start, end: start + 1 };
        if let Some(found) = locate(&text, &excerpt(&text, named), Some(named)) {
            assert!(
                1 <= found.start && found.start <= found.end && found.end <= lines,
                "{found:?} of {lines}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn plans() {
        fuzz_seeds::run("plan", &["crates/specs/tests/shapes/plan-"], 200, super::plan);
    }

    #[test]
    fn requirements() {
        let shapes = &["crates/specs/tests/shapes/requirements-"];
        fuzz_seeds::run("requirements", shapes, 200, super::requirements);
    }
}
