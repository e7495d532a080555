//! A world that drops, delays, repeats and reorders what it reports, crashes between any two steps, and has people
//! who ask for anything at any time.

mod checks;
mod person;

use crate::fresh::{self, Counter};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use workflow::records::events::{self, Line};
use workflow::resources::{self, Capacities};
use workflow::schedule::{self, Limits};
use workflow::timeline::{Span, Timeline};
use workflow::*;

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

/// How many rounds of repair a project allows.
const MAX_REPAIR_ROUNDS: u32 = 2;

/// How a task goes to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Planned,
    /// By a plan that a template has ready.
    Ready,
    AtOnce,
    Unplanned,
    Conversation,
}

struct World {
    task: Task,
    log: Vec<(Event, Millis)>,
    /// The log as git has it.
    record: String,
    first: Task,
    outbox: Vec<Queued>,
    reports: Vec<Report>,
    ids: Counter,
    now: Millis,
    /// The hash of the documents as the world has them.
    documents: u32,
    turns_begun: BTreeSet<TurnId>,
    planned_units: BTreeMap<String, u32>,
    /// The turn that each session has, and what those that ended told it.
    under_way: BTreeMap<SessionId, Turn>,
    told: BTreeSet<(SessionId, String)>,
    ended: bool,
    /// Whether planned tasks need the same resource.
    shares_resources: bool,
    dice: Vec<u16>,
}

impl World {
    fn new(way: Way, isolation: Isolation, dice: Vec<u16>) -> Self {
        let mut ids = Counter::default();
        let kind = if way == Way::Conversation { TaskKind::Interactive } else { TaskKind::Feature };
        let ready = match way {
            Way::Ready => Some(PlanStart::AfterApproval),
            Way::AtOnce => Some(PlanStart::AtOnce),
            Way::Planned | Way::Unplanned | Way::Conversation => None,
        };
        let template = ready.map(|_| Template { ready, ..Template::default() });
        let planned = !matches!(way, Way::Unplanned | Way::Conversation);
        // Half of the conversations begin with a message.
        let opening_session =
            (way == Way::Conversation && dice.len().is_multiple_of(2)).then(|| SessionId::fresh(&mut ids));
        let new =
            NewTask { planned, isolation, template, opening_session, ..fresh::task("Add due dates", kind) };
        let now = Millis(1_000);
        let step = Task::create(new, true, &mut Context { now, ids: &mut ids }).expect("a good task");
        let Some(Event::TaskCreated { task: created }) = step.events.first() else { panic!("created first") };
        let mut world = Self {
            first: Task::created(created, now),
            task: step.task.clone(),
            log: Vec::new(),
            record: String::new(),
            outbox: Vec::new(),
            reports: Vec::new(),
            ids,
            now,
            documents: 1,
            turns_begun: BTreeSet::new(),
            planned_units: BTreeMap::new(),
            under_way: BTreeMap::new(),
            told: BTreeSet::new(),
            ended: false,
            shares_resources: dice.len() % 3 == 1,
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
            let seq = self.log.len() as u64;
            let line = Line { seq, at: self.now, version: step.task.version, event: event.clone() };
            self.record.push_str(&events::render(&[line]));
        }
        for row in step.effects {
            let lane = row.effect.lane(&step.task.id);
            if row.effect.follows_turns() {
                // A turn that waits to be retried holds back nothing that is requested after it.
                for before in self.outbox.iter_mut().filter(|before| before.lane == lane) {
                    if matches!(before.row.effect, Effect::RunTurn { .. }) {
                        before.row.not_before = before.row.not_before.min(row.not_before);
                    }
                }
            }
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
        let mut limited = BTreeMap::new();
        // Calm dice show a seven.
        if self.roll(9) == 0 {
            limited.insert("scripted".to_owned(), "The agent scripted reached a limit.".to_owned());
        }
        let tasks = std::slice::from_ref(&self.task);
        for (_, input) in schedule::admissions(tasks, &BTreeMap::new(), limits, &limited, &BTreeMap::new()) {
            // A task that stopped waiting meanwhile refuses.
            let _ = self.input(input);
        }
        for (_, input) in resources::grants(std::slice::from_ref(&self.task), &Capacities::new()) {
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

    /// When the first of the open effects is due: a turn that met a limit waits for minutes.
    fn next_due(&self) -> Millis {
        self.outbox
            .iter()
            .filter(|effect| !effect.done)
            .map(|effect| effect.row.not_before)
            .min()
            .unwrap_or(self.now)
    }

    fn claim(&mut self, at: usize) {
        let effect = &mut self.outbox[at];
        effect.attempt += 1;
        effect.leased = true;
        let (id, attempt, what) = (effect.row.id.clone(), effect.attempt, effect.row.effect.clone());
        let input = match &what {
            _ if !self.task.still_needs(&what) => None,
            // Whatever became of the process meanwhile, an interrupted turn is not asked again.
            Effect::RunTurn { session, turn } if self.is_interrupted(session) => Some(Input::TurnEnded {
                session: session.clone(),
                turn: turn.clone(),
                stop_reason: "cancelled".to_owned(),
                usage: None,
                said: None,
                closing: Closing::Nothing,
                plan: None,
            }),
            what => self.perform(what),
        };
        self.reports.push(Report { effect: id, attempt, input });
    }

    fn is_interrupted(&self, session: &SessionId) -> bool {
        self.task.session(session).and_then(Session::turn).is_some_and(|turn| turn.is_interrupted)
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
            Effect::RunTurn { session, turn } if self.roll(10) == 0 => {
                if self.roll(2) == 0 {
                    let agent = ["scripted", "other"][self.roll(2)].to_owned();
                    return Some(Input::TurnHandedOver { session, turn, agent });
                }
                let until = self.now.plus([-1_000, 9_000, 200_000_000][self.roll(3)]);
                Some(Input::TurnParked { session, turn, until, reason: "It reached a limit.".to_owned() })
            }
            Effect::RunTurn { session, turn } => {
                self.turns_begun.insert(turn.clone());
                let waited = self.task.session(&session).is_some_and(|session| session.retry_at.is_some());
                if waited && self.roll(4) > 0 {
                    // The retry of a turn that was cancelled is refused.
                    let _ = self.input(Input::TurnRetried { session: session.clone(), turn: turn.clone() });
                }
                match self.roll(8) {
                    0 => {
                        let classes = [
                            FailureClass::AgentCrashed,
                            FailureClass::AgentSilent,
                            FailureClass::AgentRefused,
                            FailureClass::Limit,
                        ];
                        let class = classes[self.roll(classes.len())];
                        let retry_at = (self.roll(3) == 0).then(|| self.now.plus(9_000));
                        Some(Input::TurnFailed {
                            session,
                            turn,
                            failure: failure(class, self.now),
                            retry_at,
                            usage: None,
                        })
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
                        let said = (self.roll(2) == 0)
                            .then(|| "C1: done.\nC2: declined, since it is so.".to_owned());
                        let closing = match self.roll(6) {
                            0 => Closing::ToolCall,
                            2 => Closing::Nothing,
                            _ => Closing::Message,
                        };
                        let entry = PlanEntry { content: "Do it".to_owned(), status: "completed".to_owned() };
                        let plan = (self.roll(3) == 0).then(|| vec![entry]);
                        Some(Input::TurnEnded {
                            session,
                            turn,
                            stop_reason,
                            usage: None,
                            said,
                            closing,
                            plan,
                        })
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
            Effect::CommitTemplate { round } => Some(Input::TemplateCommitted { specs: self.specs(round) }),
            Effect::HandOff { hash } => {
                let round = self.task.specs().map_or(1, |specs| specs.round);
                if hash == self.documents.to_string() {
                    Some(Input::HandedOff { hash, commit: Commit("c".to_owned()) })
                } else {
                    Some(Input::DocumentsChanged { specs: self.specs(round), by: "somebody".to_owned() })
                }
            }
            Effect::OpenWorktree { session } => Some(Input::WorktreeOpened { session }),
            Effect::CommitWork { session, turn, .. } => {
                let changed = self.roll(5) != 0;
                let open = PlannedItem { number: Some("1.1".to_owned()), title: "Begin".to_owned() };
                let unreported = if self.roll(4) == 0 { vec![open] } else { Vec::new() };
                let report =
                    WorkReport { is_complete: self.roll(3) == 0, unreported, ..WorkReport::default() };
                let head = Some(Commit(format!("w{}", self.log.len())));
                Some(Input::WorkCommitted { session, turn, head, changed, report })
            }
            Effect::MergeSession { session, .. } => {
                let outcome = if self.roll(4) == 0 {
                    MergeOutcome::Conflict { files: vec!["a".to_owned()], details: String::new() }
                } else {
                    MergeOutcome::Merged { commit: Commit("m".to_owned()) }
                };
                Some(Input::SessionMerged { session, outcome })
            }
            Effect::RunChecks => {
                let repair = self.problems();
                let head = Commit(format!("h{}", self.log.len()));
                Some(Input::ChecksRan { head, results: Vec::new(), repair })
            }
            Effect::Land => {
                // Calm dice show a seven, and then it lands.
                let outcome = match self.roll(8) {
                    3 => LandOutcome::ChecksFailed { results: Vec::new(), repair: self.problems() },
                    0 => LandOutcome::Waiting {
                        reason: "the working tree has changes".to_owned(),
                        needs_person: true,
                    },
                    1 => LandOutcome::Conflict { files: vec!["a".to_owned()], details: String::new() },
                    2 => LandOutcome::Secrets { message: "a token in a.txt".to_owned() },
                    _ => LandOutcome::Landed { commit: Commit("l".to_owned()) },
                };
                Some(Input::Landed { outcome })
            }
            Effect::CancelTurn { .. }
            | Effect::RecordReview { .. }
            | Effect::MarkProgress { .. }
            | Effect::RecordHistory
            | Effect::KeepWork { .. }
            | Effect::StopInstance
            | Effect::CloseWorktrees => None,
        }
    }

    /// What is wrong with the change, by any session or none, and how many rounds of repair there may be.
    fn problems(&mut self) -> RepairRequest {
        let mut problems = Vec::new();
        // Calm dice show a seven: nothing is wrong.
        if self.roll(2) == 0 {
            for at in 0..=self.roll(2) {
                let of = self.roll(self.task.sessions.len() + 1);
                let owner = self.task.sessions.get(of).map(|session| session.id.clone());
                let kind = [ProblemKind::Check, ProblemKind::Finding][at];
                problems.push(Problem {
                    kind,
                    name: format!("p{at}"),
                    details: "It is red.".to_owned(),
                    owner,
                });
            }
        }
        RepairRequest { max_rounds: MAX_REPAIR_ROUNDS, problems }
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
            resources: Vec::new(),
            completed_before: false,
        };
        let mut units = vec![unit(0, vec![]), unit(1, vec![0]), unit(2, vec![0]), unit(3, vec![1, 2])];
        if self.shares_resources {
            // Those that would work side by side share one; of another one there is only this use.
            units[1].resources = vec!["simulator".to_owned()];
            units[2].resources = vec!["gpu".to_owned(), "simulator".to_owned()];
        }
        Specs { round, commit: Commit("d".to_owned()), hash: self.documents.to_string(), title: None, units }
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

    /// The database and everything on disk is lost but git, and the task is rebuilt from its record.
    fn disaster(&mut self) {
        self.outbox.clear();
        self.reports.clear();
        let lines = events::parse(&self.record).expect("a record that can be read");
        let rebuilt = events::fold(&lines).expect("a task");
        assert_eq!(rebuilt, self.task, "the record gives another state");
        checks::check_past(&Timeline::of(&lines), &rebuilt);
        self.task = rebuilt;
        match self.input(Input::Rebuilt) {
            Ok(()) | Err(Rejected::AlreadySo(_)) => self.check(),
            Err(rejected) => panic!("a state does not go on: {rejected}"),
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
            _ => match self.roll(4) {
                0 => self.crash(),
                1 if self.roll(4) == 0 => self.disaster(),
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
            self.now = self.now.plus(60_000).max(self.next_due());
            if let Some(at) = self.claimable().first().copied() {
                self.claim(at);
                while let Some(report) = self.reports.pop() {
                    self.deliver(&report);
                }
                continue;
            }
            let by = "ada".to_owned();
            let input = match self.task.status() {
                _ if self.task.paused.is_some() => Input::Resume { by },
                TaskStatus::SpecReview => Input::ReviewSpecs {
                    decision: Decision::Approve,
                    by,
                    comments: String::new(),
                    changes: Vec::new(),
                    hash: None,
                    run_again: Vec::new(),
                },
                TaskStatus::ImplementationReview => Input::ReviewImplementation {
                    decision: Decision::Approve,
                    by,
                    comments: String::new(),
                    acknowledged: Vec::new(),
                    line_comments: Vec::new(),
                    commit: self.task.change().map(|change| change.head.clone()),
                    allow_empty: true,
                },
                TaskStatus::ImplementationFailed => match self.undecided() {
                    Some(session) => Input::Choose { session },
                    None => Input::Retry { by },
                },
                TaskStatus::SpecFailed => Input::Retry { by },
                TaskStatus::Implementation if self.task.is_waiting_for_user() => {
                    let is_open = |session: &Session| session.state == SessionState::Idle;
                    match self.undecided() {
                        Some(session) => Input::Choose { session },
                        None if self.task.sessions.iter().any(is_open) => Input::Finish,
                        None => Input::Close { by },
                    }
                }
                TaskStatus::Done | TaskStatus::Cancelled => return,
                other => panic!("the task waits in silence in {other}: {:#?}", self.task),
            };
            self.documents =
                self.task.specs().map_or(self.documents, |specs| specs.hash.parse().expect("a number"));
            self.input(input).expect("the state allows it");
        }
        panic!("the task never comes to rest: {:#?}", self.task);
    }
}

fn turn_of(task: &Task) -> bool {
    task.sessions.iter().any(|session| session.turn().is_some())
}

proptest! {
    // `PROPTEST_CASES` asks for more.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(600),
        max_shrink_iters: 100,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_task_survives_any_world(
        way in prop_oneof![
            6 => Just(Way::Planned), 1 => Just(Way::Ready), 1 => Just(Way::AtOnce), 1 => Just(Way::Unplanned),
            4 => Just(Way::Conversation),
        ],
        shared in prop::bool::weighted(0.2),
        dice in prop::collection::vec(any::<u16>(), 0..700),
    ) {
        let isolation = if shared { Isolation::Shared } else { Isolation::Worktree };
        let mut world = World::new(way, isolation, dice);
        while !world.dice.is_empty() {
            world.any_step();
        }
        world.calm_down();
    }
}
