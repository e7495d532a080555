//! Plans with tasks that are ticked when a person approves them.

use crate::fresh::{self, Counter};
use specs::{checklist, plan};
use std::collections::VecDeque;
use workflow::*;

const PLAN: &str = "- [x] 1. Set up\n  - [x] 1.1 Store\n- [ ] 2. Build\n  _Depends: 1_\n- [x] 3. Check\n- [ ] 4. Ship\n  _Depends: 2, 3_\n";

/// A task with its plan under review.
struct Review {
    task: Task,
    ids: Counter,
}

impl Review {
    fn new(tasks: &str) -> Self {
        let mut ids = Counter::default();
        let new = fresh::task("Write the book", TaskKind::Feature);
        let step = Task::create(new, true, &mut Context { now: Millis(0), ids: &mut ids }).expect("a task");
        let mut review = Self { task: step.task.clone(), ids };
        review.play(step.effects, tasks);
        while review.task.status() != TaskStatus::SpecReview {
            let effects = review.give(Input::Admit).expect("a place");
            review.play(effects, tasks);
        }
        review
    }

    fn give(&mut self, input: Input) -> Result<Vec<EffectRow>, Rejected> {
        let step = self.task.handle(input, &mut Context { now: Millis(1), ids: &mut self.ids })?;
        self.task = step.task;
        Ok(step.effects)
    }

    /// Answers every effect until none is left.
    fn play(&mut self, effects: Vec<EffectRow>, tasks: &str) {
        let mut open: VecDeque<EffectRow> = effects.into();
        while let Some(row) = open.pop_front() {
            let input = match row.effect {
                Effect::PreparePlanning { session } => Input::PlanningReady { session },
                Effect::RunTurn { session, turn } => {
                    let stop_reason = "end_turn".to_owned();
                    let (usage, said, closing, plan) = (None, None, Closing::Nothing, None);
                    Input::TurnEnded { session, turn, stop_reason, usage, said, closing, plan }
                }
                Effect::CommitSpecs { session, turn, round } => {
                    Input::SpecsCommitted { session, turn, specs: specs(round, tasks) }
                }
                Effect::HandOff { hash } => Input::HandedOff { hash, commit: Commit("c".to_owned()) },
                _ => continue,
            };
            open.extend(self.give(input).expect("it is asked for"));
        }
    }

    fn approve(&mut self, run_again: &[&str], tasks: &str) -> Result<(), Rejected> {
        let effects = self.give(Input::ReviewSpecs {
            decision: Decision::Approve,
            by: "ada".to_owned(),
            comments: String::new(),
            changes: Vec::new(),
            hash: None,
            run_again: run_again.iter().map(|number| (*number).to_owned()).collect(),
        })?;
        self.play(effects, tasks);
        let effects = self.give(Input::Admit)?;
        self.play(effects, tasks);
        Ok(())
    }

    /// The names of the sessions that carry out planned tasks, with those that they wait for.
    fn sessions(&self) -> Vec<(&str, Vec<&str>)> {
        let name = |id: &SessionId| self.task.session(id).map_or("", |session| session.name.as_str());
        let crew = self.task.sessions.iter().filter(|session| session.unit.is_some());
        crew.map(|session| (session.name.as_str(), session.depends_on.iter().map(name).collect())).collect()
    }

    fn statuses(&self) -> Vec<UnitStatus> {
        (0..self.task.units().len()).map(|index| self.task.unit_status(index)).collect()
    }
}

fn specs(round: u32, tasks: &str) -> Specs {
    let units = plan::parse(tasks).units().into_iter().map(|unit| Unit {
        id: UnitId(format!("stit_{}", unit.index)),
        index: unit.index,
        number: unit.number,
        title: unit.title,
        description: unit.description,
        acceptance_criteria: unit.acceptance_criteria,
        effort: "small".to_owned(),
        optional: unit.optional,
        dependencies: unit.dependencies,
        requirements: unit.requirements,
        boundary: unit.boundary,
        resources: unit.resources,
        completed_before: unit.is_done,
    });
    Specs { round, commit: Commit("d".to_owned()), hash: "h".to_owned(), title: None, units: units.collect() }
}

#[test]
fn what_is_ticked_before_the_approval_is_not_run() {
    let mut review = Review::new(PLAN);
    assert_eq!(review.statuses()[0], UnitStatus::Completed);
    review.approve(&[], PLAN).expect("it is approved");
    assert_eq!(review.sessions(), [("Build", vec![]), ("Ship", vec!["Build"])]);
    assert_eq!((review.statuses()[0], review.statuses()[2]), (UnitStatus::Completed, UnitStatus::Completed));
    let progress = checklist::render_progress(&plan::parse(PLAN), "Book");
    assert!(
        progress.contains("- [x] 1. Set up\n  - [x] 1.1 Store\n- [ ] 2. Build\n- [x] 3. Check\n"),
        "{progress}"
    );
}

#[test]
fn a_person_may_have_it_run_again() {
    let mut review = Review::new(PLAN);
    review.approve(&["3"], PLAN).expect("it is approved");
    assert_eq!(
        review.sessions(),
        [("Build", vec![]), ("Check", vec!["Build"]), ("Ship", vec!["Build", "Check"])]
    );
    let mut plan = plan::parse(PLAN);
    plan.open_again(&["1"]);
    let progress = checklist::render_progress(&plan, "Book");
    assert!(
        progress.contains("- [ ] 1. Set up\n  - [ ] 1.1 Store\n- [ ] 2. Build\n- [x] 3. Check\n"),
        "{progress}"
    );
}

#[test]
fn a_plan_with_everything_ticked_asks_what_to_run() {
    let done = PLAN.replace("[ ]", "[x]");
    let mut review = Review::new(&done);
    let refused = review.approve(&[], &done).expect_err("there is nothing to run").to_string();
    assert!(refused.contains("run_again"), "{refused}");
    assert!(review.approve(&["9"], &done).expect_err("there is no such task").to_string().contains('9'));
    review.approve(&["all"], &done).expect("it is approved");
    assert_eq!(review.sessions().len(), 4);
}
