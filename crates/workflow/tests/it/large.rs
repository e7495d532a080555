//! Plans of hundreds of planned tasks with thousands of dependencies: each decision stays quick, and the plan's order holds.

use crate::fresh::{self, Counter};
use proptest::prelude::*;
use std::collections::VecDeque;
use workflow::*;

const TASKS: usize = 200;

struct Run {
    task: Task,
    ids: Counter,
    now: i64,
    effects: VecDeque<Effect>,
    /// The planned tasks in the order in which their sessions were opened.
    opened: Vec<usize>,
    dice: Vec<u16>,
}

impl Run {
    fn new(dependencies: &[Vec<usize>], dice: Vec<u16>) -> Self {
        let mut ids = Counter::default();
        let new = NewTask { max_parallel: 4, ..fresh::task("Build it", TaskKind::Feature) };
        let step = Task::create(new, true, &mut Context { now: Millis(0), ids: &mut ids }).expect("a task");
        let (task, effects, opened) = (step.task, VecDeque::new(), Vec::new());
        let mut run = Self { task, ids, now: 0, effects, opened, dice };
        run.takes(Input::Admit);
        let session = run.task.sessions[0].id.clone();
        run.takes(Input::PlanningReady { session: session.clone() });
        let turn = run.task.sessions[0].turn().expect("a turn").id.clone();
        run.ends(session.clone(), turn.clone());
        let units = dependencies.iter().enumerate().map(|(index, needs)| unit(index, needs)).collect();
        let specs =
            Specs { round: 1, commit: Commit("d".to_owned()), hash: "1".to_owned(), title: None, units };
        run.takes(Input::SpecsCommitted { session, turn, specs });
        let (decision, by, comments, changes) =
            (Decision::Approve, "ada".to_owned(), String::new(), Vec::new());
        let (hash, run_again) = (None, Vec::new());
        run.takes(Input::ReviewSpecs { decision, by, comments, changes, hash, run_again });
        run.effects.clear();
        run.takes(Input::HandedOff { hash: "1".to_owned(), commit: Commit("c".to_owned()) });
        run.takes(Input::Admit);
        run
    }

    fn roll(&mut self, sides: u16) -> u16 {
        self.dice.pop().map_or(1, |die| die % sides)
    }

    fn takes(&mut self, input: Input) {
        self.now += 1_000;
        let step = self.task.handle(input, &mut Context { now: Millis(self.now), ids: &mut self.ids });
        let step = step.expect("the state allows it");
        for event in &step.events {
            if let Event::SessionOpening { session } = event {
                self.opened.extend(step.task.session(session).and_then(|session| session.unit));
            }
        }
        self.effects.extend(step.effects.into_iter().map(|row| row.effect));
        self.task = step.task;
    }

    fn ends(&mut self, session: SessionId, turn: TurnId) {
        let (stop_reason, said) = ("end_turn".to_owned(), Some("Done.".to_owned()));
        let (usage, closing, plan) = (None, Closing::Message, None);
        self.takes(Input::TurnEnded { session, turn, stop_reason, usage, said, closing, plan });
    }

    /// Carries the plan out, to the checks of the whole change.
    fn carry_out(&mut self) {
        while let Some(effect) = self.effects.pop_front() {
            if !self.task.still_needs(&effect) {
                continue;
            }
            match effect {
                Effect::OpenWorktree { session } => self.takes(Input::WorktreeOpened { session }),
                Effect::RunTurn { session, turn } => match self.roll(12) {
                    0 => {
                        let message = "It broke.".to_owned();
                        let failure = Failure { class: FailureClass::Network, message, at: Millis(self.now) };
                        self.takes(Input::TurnFailed { session, turn, failure, retry_at: None, usage: None });
                    }
                    2 => {
                        let (by, text) = ("ada".to_owned(), "Mind the index.".to_owned());
                        let (id, of) = (MessageId::fresh(&mut self.ids), TurnId::fresh(&mut self.ids));
                        let said = session.clone();
                        self.takes(Input::Say {
                            session: said,
                            id,
                            turn: of,
                            by,
                            text,
                            attachments: Vec::new(),
                            interrupt: true,
                        });
                        self.ends(session, turn);
                    }
                    _ => self.ends(session, turn),
                },
                Effect::CommitWork { session, turn, .. } => {
                    let open = PlannedItem { number: Some("1.1".to_owned()), title: "Begin".to_owned() };
                    let unreported = if self.roll(9) == 0 { vec![open] } else { Vec::new() };
                    let report = WorkReport { unreported, ..WorkReport::default() };
                    let head = Some(Commit(format!("w{}", self.now)));
                    self.takes(Input::WorkCommitted { session, turn, head, changed: true, report });
                }
                Effect::MergeSession { session, .. } => {
                    let outcome = MergeOutcome::Merged { commit: Commit(format!("m{}", self.now)) };
                    self.takes(Input::SessionMerged { session, outcome });
                }
                _ => {}
            }
        }
    }
}

fn unit(index: usize, dependencies: &[usize]) -> Unit {
    Unit {
        id: UnitId(format!("stit_{index}")),
        index,
        number: (index + 1).to_string(),
        title: format!("Part {}", index + 1),
        description: String::new(),
        acceptance_criteria: String::new(),
        effort: "small".to_owned(),
        optional: false,
        dependencies: dependencies.to_vec(),
        requirements: Vec::new(),
        boundary: Vec::new(),
        resources: Vec::new(),
        completed_before: false,
    }
}

fn carried_out(dependencies: &[Vec<usize>], dice: Vec<u16>) -> Task {
    let mut run = Run::new(dependencies, dice);
    run.carry_out();
    assert!(matches!(run.task.phase, Phase::Implementation { checking: true, .. }), "{}", run.task.status());
    for (index, needs) in dependencies.iter().enumerate() {
        let at = |unit: usize| run.opened.iter().position(|opened| *opened == unit).expect("it was opened");
        assert!(needs.iter().all(|needed| at(*needed) < at(index)), "{index} began before what it needs");
    }
    run.task
}

#[test]
fn each_of_two_hundred_tasks_needs_all_before_it() {
    let dependencies: Vec<Vec<usize>> = (0..TASKS).map(|index| (0..index).collect()).collect();
    let task = carried_out(&dependencies, Vec::new());
    // Each is handed on to the one that comes next, so that there is room for what people say.
    assert!(task.coordination.len() <= 2 * TASKS, "{}", task.coordination.len());
    assert!(task.sessions.iter().filter(|session| session.unit.is_some()).all(|session| session.turns == 1));
}

#[test]
fn a_session_that_waits_for_many_names_the_first_ones() {
    let dependencies: Vec<Vec<usize>> = (0..TASKS).map(|index| (0..index).collect()).collect();
    let task = Run::new(&dependencies, Vec::new()).task;
    let reason = |at: usize| {
        let of_unit = |session: &&Session| session.unit == Some(at);
        task.sessions.iter().find(of_unit).and_then(|session| task.waits_for(session))
    };
    assert_eq!(reason(2).as_deref(), Some("Waiting for \"Part 1\", \"Part 2\"."));
    let names = "\"Part 1\", \"Part 2\", \"Part 3\", \"Part 4\", \"Part 5\"";
    assert_eq!(reason(5), Some(format!("Waiting for {names}.")));
    assert_eq!(reason(TASKS - 1), Some(format!("Waiting for {names} and 194 more.")));
}

/// Dependencies that form a cycle do not get past validation; should they, nothing hangs.
#[test]
fn a_cycle_ends() {
    let dependencies: Vec<Vec<usize>> = (0..TASKS).map(|index| vec![(index + 1) % TASKS]).collect();
    let mut run = Run::new(&dependencies, Vec::new());
    let ids: Vec<SessionId> = run
        .task
        .sessions
        .iter()
        .filter(|session| session.unit.is_some())
        .map(|session| session.id.clone())
        .collect();
    for (at, id) in ids.iter().enumerate() {
        let depends_on = vec![ids[(at + 1) % ids.len()].clone()];
        let event = Event::SessionReplanned {
            session: id.clone(),
            unit: at,
            name: format!("Part {}", at + 1),
            description: String::new(),
            depends_on,
            rank: at,
        };
        run.task.apply(&event, Millis(0));
    }
    let graph = SessionGraph::of(&run.task);
    let session = run.task.session(&ids[0]).expect("a session");
    assert_eq!(graph.merge_position(session), TASKS - 1);
    assert!(!graph.needs_person(session));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn large_plans_are_carried_out_in_their_order(
        seeds in prop::collection::vec(any::<u64>(), TASKS),
        density in 1_u64..20,
        dice in prop::collection::vec(any::<u16>(), 0..400),
    ) {
        let needs = |index: usize| {
            let wants = |needed: &usize| seeds[index].wrapping_mul(*needed as u64 + 1).is_multiple_of(density);
            (0..index).filter(wants).collect()
        };
        let dependencies: Vec<Vec<usize>> = (0..TASKS).map(needs).collect();
        carried_out(&dependencies, dice);
    }
}
