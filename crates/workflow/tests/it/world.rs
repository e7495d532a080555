//! A world that drops, delays, repeats and reorders what it reports, crashes between any two steps, and has people
//! who ask for anything at any time.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use workflow::schedule::{self, Limits};
use workflow::*;

/// Identifiers that count up.
#[derive(Default)]
struct Counter(u64);

impl Ids for Counter {
    fn next(&mut self, prefix: &str) -> String {
        self.0 += 1;
        format!("{prefix}_{}", self.0)
    }
}

/// An effect in the outbox.
struct Queued {
    row: EffectRow,
    lane: String,
    attempt: u32,
    leased: bool,
    done: bool,
}

/// A report on its way, with the fence it was made under.
#[derive(Clone)]
struct Report {
    effect: EffectId,
    attempt: u32,
    input: Option<Input>,
}

struct World {
    task: Task,
    log: Vec<(Event, Millis)>,
    first: Task,
    outbox: Vec<Queued>,
    reports: Vec<Report>,
    ids: Counter,
    now: Millis,
    /// The hash of the documents as the world has them.
    documents: u32,
    turns_begun: BTreeSet<TurnId>,
    planned_units: BTreeMap<String, u32>,
    ended: bool,
    dice: Vec<u16>,
}

impl World {
    fn new(planned: bool, dice: Vec<u16>) -> Self {
        let mut ids = Counter::default();
        let new = NewTask {
            id: TaskId::from("spt_1"),
            project: ProjectId::from("prj_1"),
            owner: UserId::from("usr_1"),
            name: "Add due dates".to_owned(),
            description: String::new(),
            kind: TaskKind::Feature,
            priority: Priority::Medium,
            complexity: Complexity::Complex,
            prompt: "Add due dates".to_owned(),
            spec_agent: "scripted".to_owned(),
            implementation_agent: "scripted".to_owned(),
            base_branch: "main".to_owned(),
            labels: Vec::new(),
            depends_on: Vec::new(),
            budget: None,
            workspace_config: None,
            max_parallel: 2,
            planned,
        };
        let now = Millis(1_000);
        let step = Task::create(new, true, &mut Context { now, ids: &mut ids }).expect("a good task");
        let Some(Event::TaskCreated { task: created }) = step.events.first() else { panic!("created first") };
        let mut world = Self {
            first: Task::created(created, now),
            task: step.task.clone(),
            log: Vec::new(),
            outbox: Vec::new(),
            reports: Vec::new(),
            ids,
            now,
            documents: 1,
            turns_begun: BTreeSet::new(),
            planned_units: BTreeMap::new(),
            ended: false,
            dice,
        };
        world.save(step);
        world
    }

    fn roll(&mut self, sides: usize) -> usize {
        let die = self.dice.pop().unwrap_or(0);
        usize::from(die) % sides.max(1)
    }

    /// What the database does: state, log and outbox in one transaction.
    fn save(&mut self, step: Step) {
        self.check_step(&step);
        for event in &step.events {
            self.log.push((event.clone(), self.now));
        }
        for row in step.effects {
            let lane = row.effect.lane(&step.task.id);
            self.outbox.push(Queued { row, lane, attempt: 0, leased: false, done: false });
        }
        self.task = step.task;
        self.check();
    }

    fn input(&mut self, input: Input) -> Result<(), Rejected> {
        let step = self.task.handle(input, &mut Context { now: self.now, ids: &mut self.ids })?;
        self.save(step);
        Ok(())
    }

    fn schedule(&mut self) {
        let limits = Limits { instances: 4, in_review: 4 };
        for (_, input) in schedule::admissions(std::slice::from_ref(&self.task), &BTreeMap::new(), limits) {
            // A task that stopped waiting meanwhile refuses.
            let _ = self.input(input);
        }
    }

    /// Effects that may be claimed: due, free, and first in their lane.
    fn claimable(&self) -> Vec<usize> {
        (0..self.outbox.len())
            .filter(|&at| {
                let effect = &self.outbox[at];
                let first =
                    !self.outbox[..at].iter().any(|before| !before.done && before.lane == effect.lane);
                !effect.done && !effect.leased && first && effect.row.not_before <= self.now
            })
            .collect()
    }

    fn claim(&mut self, at: usize) {
        let effect = &mut self.outbox[at];
        effect.attempt += 1;
        effect.leased = true;
        let (id, attempt, what) = (effect.row.id.clone(), effect.attempt, effect.row.effect.clone());
        let input = if self.task.wants(&what) { self.perform(&what) } else { None };
        self.reports.push(Report { effect: id, attempt, input });
    }

    /// What the outside world answers.
    fn perform(&mut self, effect: &Effect) -> Option<Input> {
        let failure = |class, at| Failure { class, message: "it went wrong".to_owned(), at };
        if self.roll(12) == 0 {
            let classes = [FailureClass::Git, FailureClass::Conflict, FailureClass::AuthNeeded];
            let class = classes[self.roll(classes.len())];
            return Some(Input::EffectFailed { effect: effect.clone(), failure: failure(class, self.now) });
        }
        match effect.clone() {
            Effect::PreparePlanning { session } => Some(Input::PlanningReady { session }),
            Effect::RunTurn { session, turn } => {
                self.turns_begun.insert(turn.clone());
                match self.roll(8) {
                    0 => {
                        let classes = [
                            FailureClass::AgentCrashed,
                            FailureClass::AgentSilent,
                            FailureClass::AgentRefused,
                        ];
                        let class = classes[self.roll(classes.len())];
                        Some(Input::TurnFailed { session, turn, failure: failure(class, self.now) })
                    }
                    other => {
                        let reasons = [
                            "end_turn",
                            "end_turn",
                            "end_turn",
                            "max_tokens",
                            "refusal",
                            "cancelled",
                            "end_turn",
                        ];
                        let stop_reason = reasons[other - 1].to_owned();
                        Some(Input::TurnEnded { session, turn, stop_reason, usage: None })
                    }
                }
            }
            Effect::CommitSpecs { session, turn, round } => {
                if self.roll(4) == 0 {
                    return Some(Input::SpecsInvalid {
                        session,
                        turn,
                        problems: vec!["no requirement".to_owned()],
                    });
                }
                Some(Input::SpecsCommitted { session, turn, specs: self.specs(round) })
            }
            Effect::HandOff { hash } => {
                let round = self.task.specs().map_or(1, |specs| specs.round);
                if hash == self.documents.to_string() {
                    Some(Input::HandedOff { hash, commit: Commit("c".to_owned()) })
                } else {
                    Some(Input::DocumentsChanged { specs: self.specs(round), by: "somebody".to_owned() })
                }
            }
            Effect::OpenWorktree { session } => Some(Input::WorktreeOpened { session }),
            Effect::CommitWork { session, turn } => {
                let changed = self.roll(5) != 0;
                Some(Input::WorkCommitted { session, turn, head: Some(Commit("w".to_owned())), changed })
            }
            Effect::MergeSession { session, .. } => {
                let outcome = if self.roll(4) == 0 {
                    MergeOutcome::Conflict { files: vec!["a".to_owned()], details: String::new() }
                } else {
                    MergeOutcome::Merged { commit: Commit("m".to_owned()) }
                };
                Some(Input::SessionMerged { session, outcome })
            }
            Effect::RunChecks => Some(Input::ChecksRan { head: Commit("h".to_owned()), results: Vec::new() }),
            Effect::Land => {
                let outcome = match self.roll(4) {
                    0 => LandOutcome::Waiting { reason: "the working tree has changes".to_owned() },
                    1 => LandOutcome::Conflict { files: vec!["a".to_owned()], details: String::new() },
                    _ => LandOutcome::Landed { commit: Commit("l".to_owned()) },
                };
                Some(Input::Landed { outcome })
            }
            Effect::CancelTurn { .. }
            | Effect::RecordReview { .. }
            | Effect::MarkProgress { .. }
            | Effect::StopInstance
            | Effect::CloseWorktrees => None,
        }
    }

    /// Documents of the world's present content: four planned tasks, two of them side by side.
    fn specs(&mut self, round: u32) -> Specs {
        let unit = |index: usize, dependencies: Vec<usize>| Unit {
            id: UnitId(format!("stit_{index}")),
            index,
            number: (index + 1).to_string(),
            title: format!("Part {}", index + 1),
            description: String::new(),
            acceptance_criteria: String::new(),
            effort: "small".to_owned(),
            optional: false,
            dependencies,
            requirements: Vec::new(),
            boundary: Vec::new(),
        };
        let units = vec![unit(0, vec![]), unit(1, vec![0]), unit(2, vec![0]), unit(3, vec![1, 2])];
        Specs { round, commit: Commit("d".to_owned()), hash: self.documents.to_string(), units }
    }

    /// Takes in a report under its fence; a report from a lost lease changes nothing.
    fn deliver(&mut self, report: &Report) {
        let Some(at) = self.outbox.iter().position(|effect| effect.row.id == report.effect) else { return };
        let effect = &self.outbox[at];
        if effect.done || !effect.leased || effect.attempt != report.attempt {
            return;
        }
        // The effect's end and what it means are one transaction.
        self.outbox[at].done = true;
        self.outbox[at].leased = false;
        if let Some(input) = report.input.clone() {
            // A rejected report ends its effect all the same.
            let _ = self.input(input);
        }
        self.check();
    }

    fn crash(&mut self) {
        for effect in &mut self.outbox {
            effect.leased = false;
        }
    }

    fn person(&mut self) {
        let sessions: Vec<SessionId> = self.task.sessions.iter().map(|session| session.id.clone()).collect();
        let session =
            sessions.get(self.roll(sessions.len())).cloned().unwrap_or(SessionId::from("stws_none"));
        let by = "ada".to_owned();
        let decision = |at: usize| {
            [Decision::Approve, Decision::Approve, Decision::RequestChanges, Decision::Approve][at]
        };
        let comments = "please".to_owned();
        let turn = TurnId::fresh(&mut self.ids);
        let input = match self.roll(16) {
            0..=3 => {
                let decision = decision(self.roll(4));
                let hash = (self.roll(3) == 0).then(|| self.documents.to_string());
                Input::ReviewSpecs { decision, by, comments, changes: Vec::new(), hash }
            }
            4..=6 => Input::ReviewImplementation { decision: decision(self.roll(4)), by, comments },
            7 | 8 => Input::Retry { by },
            9 => Input::RetrySession { session },
            10 => Input::SkipSession { session },
            11 => Input::CancelSession { session },
            12 => {
                Input::Say { session, turn, by, text: "look here".to_owned(), interrupt: turn_of(&self.task) }
            }
            13 => {
                self.documents += 1;
                let round = self.task.specs().map_or(1, |specs| specs.round);
                Input::DocumentsChanged { specs: self.specs(round), by }
            }
            14 if self.roll(6) == 0 => Input::Cancel { by },
            _ => Input::Start,
        };
        let changed = matches!(input, Input::DocumentsChanged { .. });
        if self.input(input).is_err() && changed {
            // Nobody was told: the content that counts is the one last reported.
        }
    }

    fn any_step(&mut self) {
        match self.roll(10) {
            0..=3 => {
                let claimable = self.claimable();
                if !claimable.is_empty() {
                    let at = claimable[self.roll(claimable.len())];
                    self.claim(at);
                }
            }
            4..=6 => {
                if !self.reports.is_empty() {
                    let at = self.roll(self.reports.len());
                    let report = match self.roll(5) {
                        0 => self.reports[at].clone(), // It stays, and comes again.
                        1 => {
                            self.reports.remove(at); // It is lost, and with it the lease.
                            return self.crash();
                        }
                        _ => self.reports.remove(at),
                    };
                    self.deliver(&report);
                }
            }
            7 => self.schedule(),
            8 => self.person(),
            _ => match self.roll(3) {
                0 => self.crash(),
                _ => self.now = self.now.plus(3_000),
            },
        }
    }

    /// A world without faults in which a person approves: the task comes to rest.
    fn calm_down(&mut self) {
        self.dice.clear();
        self.dice.resize(20_000, 7);
        self.reports.clear();
        self.crash();
        for _ in 0..2_000 {
            self.schedule();
            self.now = self.now.plus(60_000);
            if let Some(at) = self.claimable().first().copied() {
                self.claim(at);
                while let Some(report) = self.reports.pop() {
                    self.deliver(&report);
                }
                continue;
            }
            let by = "ada".to_owned();
            let input = match self.task.status() {
                TaskStatus::SpecReview => Input::ReviewSpecs {
                    decision: Decision::Approve,
                    by,
                    comments: String::new(),
                    changes: Vec::new(),
                    hash: None,
                },
                TaskStatus::ImplementationReview => {
                    Input::ReviewImplementation { decision: Decision::Approve, by, comments: String::new() }
                }
                TaskStatus::SpecFailed | TaskStatus::ImplementationFailed => Input::Retry { by },
                TaskStatus::Done | TaskStatus::Cancelled => return,
                other => panic!("the task waits in silence in {other}: {:#?}", self.task),
            };
            self.documents =
                self.task.specs().map_or(self.documents, |specs| specs.hash.parse().expect("a number"));
            self.input(input).expect("the state allows it");
        }
        panic!("the task never comes to rest: {:#?}", self.task);
    }

    /// What must hold of every step.
    fn check_step(&mut self, step: &Step) {
        for event in &step.events {
            match event {
                Event::TurnStarted { session, turn } => {
                    let session = step.task.session(session).expect("a session of the task");
                    assert!(!self.log.iter().any(
                        |(old, _)| matches!(old, Event::TurnStarted { turn: before, .. } if before.id == turn.id)
                    ));
                    if session.phase != SessionPhase::Planning && step.task.planned {
                        let approved = step.task.approved().expect("approved documents");
                        let said = self.log.iter().chain(step.events.iter().map(|event| (event, self.now)).map(|(e, n)| (e.clone(), n)).collect::<Vec<_>>().iter()).any(
                            |(event, _)| matches!(event, Event::SpecsApproved { approved: by } if by.specs.hash == approved.specs.hash),
                        );
                        assert!(said, "a session runs on documents nobody approved");
                    }
                }
                Event::SessionPlanned { session } if session.unit.is_some() => {
                    let planned = self.planned_units.entry(session.name.clone()).or_default();
                    *planned += 1;
                    let cancelled = self
                        .task
                        .sessions
                        .iter()
                        .filter(|old| old.name == session.name && old.state == SessionState::Cancelled);
                    assert!(
                        *planned as usize <= cancelled.count() + 1,
                        "{} is carried out twice",
                        session.name
                    );
                }
                _ => {}
            }
        }
        if self.ended {
            assert!(step.task.status().is_terminal(), "what is over goes on");
        }
        self.ended = step.task.status().is_terminal();
    }

    /// What must hold at all times.
    fn check(&self) {
        let mut folded = self.first.clone();
        for (event, at) in &self.log {
            folded.apply(event, *at);
        }
        folded.version = self.task.version;
        folded.updated_at = self.task.updated_at;
        assert_eq!(folded, self.task, "the log gives another state");

        let rests =
            matches!(
                self.task.status(),
                TaskStatus::Backlog
                    | TaskStatus::SpecReview
                    | TaskStatus::Done
                    | TaskStatus::SpecFailed
                    | TaskStatus::ImplementationFailed
                    | TaskStatus::Cancelled
            ) || matches!(self.task.phase, Phase::ImplementationReview { landing: Landing::Undecided, .. });
        let unfinished = |effect: &&Queued| !effect.done && self.task.wants(&effect.row.effect);
        let acts = self.outbox.iter().filter(unfinished).any(|effect| {
            !matches!(
                effect.row.effect,
                Effect::MarkProgress { .. } | Effect::RecordReview { .. } | Effect::CancelTurn { .. }
            )
        });
        assert!(
            rests || acts || self.task.waits_for_a_place(),
            "nothing moves and nothing says why: {:#?}",
            self.task
        );

        for session in &self.task.sessions {
            let runs = self
                .outbox
                .iter()
                .filter(unfinished)
                .filter(|effect| matches!(&effect.row.effect, Effect::RunTurn { session: of, .. } if *of == session.id))
                .count();
            assert!(runs <= 1, "two turns at once in {}", session.name);
        }
    }
}

fn turn_of(task: &Task) -> bool {
    task.sessions.iter().any(|session| session.turn().is_some())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_task_survives_any_world(planned in prop::bool::weighted(0.85), dice in prop::collection::vec(any::<u16>(), 0..700)) {
        let mut world = World::new(planned, dice);
        while !world.dice.is_empty() {
            world.any_step();
        }
        world.calm_down();
    }
}
