//! The model of a plan: its tasks as they are written, and the planned tasks that sessions carry out.

use super::checklist::ChecklistItem;
use super::graph::Graph;
use super::phases::Phase;
use super::units;
use crate::finding::Finding;
use crate::markdown::labels::Kind;
use crate::markdown::marker::Marker;
use crate::outline::facts::Effort;
use crate::outline::headings::Heading;
use crate::outline::references::{Told, Unresolved};
use std::collections::BTreeMap;
use std::ops::Range;

/// A plan, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub items: Vec<Item>,
    pub dialect: Dialect,
    /// The findings of the parser; the lint has the rest.
    pub findings: Vec<Finding>,
    /// Numbered headings, for plans whose tasks stand below them.
    pub(crate) headings: Vec<Heading>,
    pub(crate) phases: Vec<Phase>,
    /// The dependencies that the text names for all tasks of a phase, besides the order of writing.
    pub(crate) phase_dependencies: Vec<Told>,
    /// Flowcharts, of tasks or of anything else.
    pub(crate) graphs: Vec<Graph>,
    /// Lines with arrows in sections about dependencies: the texts between the arrows.
    pub(crate) chains: Vec<(usize, Vec<String>)>,
    /// Which task may begin in which wave.
    pub(crate) waves: BTreeMap<String, usize>,
    /// Labels that are not known and have ids behind them.
    pub(crate) assumed: Vec<Assumed>,
}

/// A label in words that are not known, and what it was taken for by the ids behind it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assumed {
    /// The first line that has it.
    pub(crate) line: usize,
    pub(crate) label: String,
    pub(crate) ids: Vec<String>,
    /// None when its lines are left in the description.
    pub(crate) kind: Option<Kind>,
    /// Whether its shape leaves little doubt.
    pub(crate) is_sure: bool,
}

/// One task of a plan.
#[expect(clippy::struct_excessive_bools, reason = "each is a mark of its own in the text")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// Stays the same when the plan is renumbered.
    pub uid: String,
    /// As displayed.
    pub number: Option<String>,
    pub title: String,
    pub description: String,
    pub state: Marker,
    pub optional: bool,
    pub depth: usize,
    /// The item it is a part of.
    pub parent: Option<usize>,
    /// The section that it stands in, counted from the start of the plan.
    pub phase: usize,
    /// Whether it may run beside its neighbours.
    pub parallel: bool,
    pub requirements: Vec<String>,
    /// The dependencies that the text names, as written.
    pub dependencies: Vec<Told>,
    /// The dependencies that an unknown label seems to name, besides the order of writing.
    pub assumed_dependencies: Vec<Told>,
    /// The dependents that the text names, as written.
    pub dependents: Vec<Told>,
    pub boundary: Vec<String>,
    /// The resources that its session holds while it works: `_Needs: simulator_`.
    pub resources: Vec<String>,
    pub effort: Option<Effort>,
    pub acceptance: Vec<String>,
    /// From 1.
    pub line: usize,
    /// Where its marker is; empty for a task that is a heading.
    pub marker_span: Range<usize>,
    /// Whether Markdown would take it for code.
    pub in_fence: bool,
    /// Whether it is a heading or an item of a plain list, without a box.
    pub is_heading: bool,
    /// Whether it is an acceptance criterion of the heading above it.
    pub is_criterion: bool,
    /// Whether it is a check of the whole plan, which no session carries out.
    pub is_check: bool,
    /// Whether it, or what it is a part of, is struck through: no session carries it out.
    pub is_dropped: bool,
}

/// The tool or convention whose plan format it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// `- [ ] 1. Title` with detail bullets and `_Requirements: …_`.
    #[default]
    Kiro,
    /// Kiro's with `(P)`, `_Depends: …_`, `_Boundary: …_` and `_Needs: …_`; what is written here.
    CcSdd,
    /// `- [ ] T012 [P] [US1] Title`.
    SpecKit,
    /// `## 1. Title` above `- [ ] 1.1 Title`.
    OpenSpec,
    /// Kiro's with `_Leverage: …_` and `_Prompt: …_`.
    SpecWorkflow,
    /// `### Task 3: Title`.
    Headings,
}

/// A planned task: a top-level item with its parts, carried out by one session.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanUnit {
    /// Stays the same when the plan is renumbered.
    pub uid: String,
    pub index: usize,
    pub number: String,
    pub title: String,
    pub description: String,
    pub acceptance_criteria: String,
    pub effort: Option<Effort>,
    pub optional: bool,
    /// Indices of the planned tasks it needs.
    pub dependencies: Vec<usize>,
    pub requirements: Vec<String>,
    pub boundary: Vec<String>,
    /// The resources that its session holds while it works, in the order of their names.
    pub resources: Vec<String>,
    /// From 1.
    pub line: usize,
    /// Whether all of it is ticked already.
    pub is_done: bool,
    /// Dependencies that name no task: the order of writing counts for this task then.
    pub unresolved: Vec<Unresolved>,
    /// Dependencies that are left out, since the tasks would wait for each other.
    pub cut: Vec<usize>,
    /// Words that are taken to mean that it depends on nothing.
    pub taken_as_none: Vec<Told>,
}

impl Plan {
    /// Returns the planned tasks, each carried out by one session, with what each needs.
    pub fn units(&self) -> Vec<PlanUnit> {
        units::of(self)
    }

    /// Opens planned tasks and their parts again, by the numbers of the tasks.
    pub fn open_again(&mut self, numbers: &[&str]) {
        units::open_again(self, numbers);
    }

    /// Returns the plan as a checklist: its planned tasks with their parts.
    pub(crate) fn checklist(&self) -> Vec<ChecklistItem> {
        units::checklist(self)
    }
}
