//! Reads a template's file within bounds, and reports errors with their line.

use super::fill::{Filling, documents};
use serde::Deserialize;
use specs::{Severity, lint, validate};
use toml::Spanned;
use workflow::{Complexity, PlanStart, Priority, TaskKind};

/// How large a template's file may be, in bytes.
pub(crate) const LARGEST: u64 = 64 * 1024;
/// How long one of its short texts may be, in characters.
const SHORT: usize = 500;
/// How many labels or checks it may have.
const MANY: usize = 20;

/// A template as it is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    pub(crate) title: String,
    pub(crate) description: String,
    pub kind: Option<TaskKind>,
    pub priority: Option<Priority>,
    pub complexity: Option<Complexity>,
    pub planning: bool,
    pub start: Option<PlanStart>,
    pub labels: Vec<String>,
    pub checks: Vec<String>,
    pub spec_agent: Option<String>,
    pub implementation_agent: Option<String>,
    pub(crate) requirements: String,
    pub(crate) design: String,
    pub(crate) tasks: String,
    pub(crate) item: String,
    pub(crate) last: String,
}

/// An error in a file, with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) message: String,
}

/// The keys of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    title: Option<Spanned<String>>,
    description: Option<Spanned<String>>,
    #[serde(rename = "type")]
    kind: Option<Spanned<TaskKind>>,
    priority: Option<Priority>,
    complexity: Option<Complexity>,
    planning: Option<Spanned<bool>>,
    start: Option<Spanned<PlanStart>>,
    labels: Option<Spanned<Vec<String>>>,
    checks: Option<Spanned<Vec<String>>>,
    spec_agent: Option<String>,
    implementation_agent: Option<String>,
    requirements: Option<Spanned<String>>,
    design: Option<Spanned<String>>,
    tasks: Option<Spanned<String>>,
    item: Option<Spanned<String>>,
    last: Option<Spanned<String>>,
}

impl Written {
    /// Returns whether it has a plan with which sessions start without a planner.
    pub fn is_ready(&self) -> bool {
        let has_plan = [&self.tasks, &self.item].iter().any(|part| !part.trim().is_empty());
        has_plan && !self.planning
    }

    /// Returns whether it is made for a list of items.
    pub fn takes_items(&self) -> bool {
        !self.item.trim().is_empty()
    }
}

/// Reads a template; its author is not trusted.
pub(super) fn parse(text: &str) -> Result<Written, Mistake> {
    let at = |from: usize| text.as_bytes().iter().take(from).filter(|byte| **byte == b'\n').count() + 1;
    let keys: Keys = toml::from_str(text).map_err(|error| Mistake {
        line: at(error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    let wrong = |from: usize, message: String| Mistake { line: at(from), message };
    for (name, part) in [("title", &keys.title), ("description", &keys.description)] {
        if let Some(part) = part
            && (part.get_ref().trim().is_empty() || part.get_ref().chars().count() > SHORT)
        {
            return Err(wrong(part.span().start, format!("{name} has 1 to {SHORT} characters")));
        }
    }
    for (name, list) in [("labels", &keys.labels), ("checks", &keys.checks)] {
        let is_bad = |one: &String| one.trim().is_empty() || one.chars().count() > SHORT;
        if let Some(list) = list
            && (list.get_ref().len() > MANY || list.get_ref().iter().any(is_bad))
        {
            let message = format!("{name} are at most {MANY}, each of 1 to {SHORT} characters");
            return Err(wrong(list.span().start, message));
        }
    }
    let kind = keys.kind.as_ref().map(|kind| *kind.get_ref());
    let planning = keys
        .planning
        .as_ref()
        .map_or_else(|| kind.is_none_or(TaskKind::is_planned), |planning| *planning.get_ref());
    if let Some(kind) = keys.kind.as_ref().filter(|kind| planning && !kind.get_ref().is_planned()) {
        let message = format!("a task of type {} has no planning; write planning = false", kind.get_ref());
        return Err(wrong(kind.span().start, message));
    }
    // A text begins where its first line is.
    let begins = |part: Option<&Spanned<String>>| part.map_or(0, |part| part.span().start);
    let places = [&keys.tasks, &keys.item, &keys.last, &keys.requirements, &keys.design]
        .map(|part| begins(part.as_ref()));
    let start_at = keys.start.as_ref().map(|start| start.span().start);
    let item_at = places[1];
    let owned = |part: Option<Spanned<String>>| part.map(Spanned::into_inner).unwrap_or_default();
    let written = Written {
        title: owned(keys.title),
        description: owned(keys.description),
        kind,
        priority: keys.priority,
        complexity: keys.complexity,
        planning,
        start: keys.start.map(Spanned::into_inner),
        labels: keys.labels.map(Spanned::into_inner).unwrap_or_default(),
        checks: keys.checks.map(Spanned::into_inner).unwrap_or_default(),
        spec_agent: keys.spec_agent,
        implementation_agent: keys.implementation_agent,
        requirements: owned(keys.requirements),
        design: owned(keys.design),
        tasks: owned(keys.tasks),
        item: owned(keys.item),
        last: owned(keys.last),
    };
    if let Some(from) = start_at.filter(|_| !written.is_ready()) {
        return Err(wrong(
            from,
            "start is for a plan that is ready: planning = false, and tasks or item".to_owned(),
        ));
    }
    if written.takes_items() && !written.item.contains("{{item}}") {
        return Err(wrong(
            item_at,
            "item does not say {{item}}, so that every planned task would be the same".to_owned(),
        ));
    }
    if written.is_ready() && kind == Some(TaskKind::Interactive) {
        return Err(wrong(
            places[0].max(item_at),
            "an interactive task is a conversation and has no plan".to_owned(),
        ));
    }
    check_plan(&written).map_err(|(document, message)| {
        let part = match document {
            "requirements.md" => places[3],
            "design.md" => places[4],
            // A plan is written in up to three parts; the first that is there is named.
            _ => places[..3].iter().copied().filter(|place| *place > 0).min().unwrap_or(0),
        };
        wrong(part, message)
    })?;
    Ok(written)
}

/// Whether the plan, with a sample of items put in, is one that sessions can carry out.
fn check_plan(written: &Written) -> Result<(), (&'static str, String)> {
    let has_plan = [&written.tasks, &written.item, &written.last].iter().any(|part| !part.trim().is_empty());
    if !has_plan {
        return Ok(());
    }
    let items = if written.takes_items() { vec!["one".to_owned(), "another".to_owned()] } else { Vec::new() };
    let filling = Filling { prompt: "What is wanted", name: "Name", items: &items };
    let filled = documents(written, &filling);
    let (requirements, design) = if written.is_ready() {
        (filled.requirements.as_str(), filled.design.as_str())
    } else {
        ("### Requirement 1: A\n\n1. THE plan SHALL hold.\n", "# Design")
    };
    match validate(requirements, design, &filled.tasks) {
        // What is only a finding in documents that people bring is a mistake in a template.
        Ok(()) => lint::lint("", &filled.tasks)
            .into_iter()
            .find(|finding| finding.severity == Severity::Error)
            .map_or(Ok(()), |finding| Err(("tasks.md", finding.message))),
        Err(problems) => Err(problems.first().map_or_else(
            || ("tasks.md", "the plan cannot be used".to_owned()),
            |problem| (problem.document, problem.message.clone()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &str) -> (usize, String) {
        let mistake = parse(text).expect_err("it is wrong");
        (mistake.line, mistake.message)
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        assert_eq!(mistake("title = \"A\"\ntype = \"epic\"\n").0, 2);
        assert!(mistake("title = \"A\"\ntype = \"epic\"\n").1.contains("feature"));
        assert_eq!(mistake("title = \"A\"\n\nrun = \"rm -rf /\"\n").0, 3);
        assert_eq!(mistake("title = \"\"\n").0, 1);
        assert_eq!(mistake("title = \"A\"\nlabels =\n").0, 2);
        let (line, message) = mistake("title = \"A\"\ntype = \"batch\"\nplanning = true\n");
        assert!(line == 2 && message.contains("planning = false"), "{line}: {message}");
        let cycle =
            "title = \"A\"\ntasks = '''\n- [ ] 1. a\n  _Depends: 2_\n- [ ] 2. b\n  _Depends: 1_\n'''\n";
        let (line, message) = mistake(cycle);
        assert!(line == 2 && message.contains("1 → 2 → 1"), "{line}: {message}");
        assert!(mistake("start = \"at_once\"\n").1.contains("planning = false"));
        assert!(mistake("planning = false\nitem = \"- [ ] {{number}}. same\"\n").1.contains("{{item}}"));
        assert_eq!(mistake("labels = [\"a\", \"\"]\n").0, 1);
    }

    #[test]
    fn what_is_left_out_has_a_meaning() {
        let plain = parse("title = \"Talk\"\ntype = \"interactive\"\n").expect("a template");
        assert!(!plain.planning && !plain.is_ready());
        let planned = parse("title = \"A\"\n").expect("a template");
        assert!(planned.planning && !planned.is_ready() && !planned.takes_items());
        let ready = parse("planning = false\ntasks = \"- [ ] 1. Do it\"\n").expect("a template");
        assert!(ready.is_ready());
    }
}
