//! A world that drops, delays, repeats and reorders what it reports, crashes between any two steps, and has people
//! who ask for anything at any time.

use crate::fresh::{self, Counter};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use workflow::records::events::{self, Line};
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
        let new = NewTask { planned, isolation, template, ..fresh::task("Add due dates", kind) };
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
                        let said = (self.roll(2) == 0)
                            .then(|| "C1: done.\nC2: declined, since it is so.".to_owned());
                        Some(Input::TurnEnded { session, turn, stop_reason, usage: None, said })
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
                // Calm dice show a seven, and then it lands.
                let outcome = match self.roll(8) {
                    3 => LandOutcome::ChecksFailed { results: Vec::new() },
                    0 => LandOutcome::Waiting { reason: "the working tree has changes".to_owned() },
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

    /// The database and everything on disk is lost but git, and the task is rebuilt from its record.
    fn disaster(&mut self) {
        self.outbox.clear();
        self.reports.clear();
        let lines = events::parse(&self.record).expect("a record that can be read");
        let rebuilt = events::fold(&lines).expect("a task");
        assert_eq!(rebuilt, self.task, "the record gives another state");
        check_past(&Timeline::of(&lines), &rebuilt);
        self.task = rebuilt;
        match self.input(Input::Rebuilt) {
            Ok(()) | Err(Rejected::AlreadySo(_)) => self.check(),
            Err(rejected) => panic!("a state does not go on: {rejected}"),
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
        if self.roll(2) == 0 {
            return self.crew(session, &sessions);
        }
        let input = match self.roll(19) {
            0..=3 => {
                let decision = decision(self.roll(4));
                let hash = (self.roll(3) == 0).then(|| self.documents.to_string());
                Input::ReviewSpecs { decision, by, comments, changes: Vec::new(), hash }
            }
            4..=6 => {
                let acknowledged = vec!["3f2a".to_owned()];
                let line = LineComment {
                    path: "a.txt".to_owned(),
                    side: DiffSide::New,
                    line: 1,
                    quote: "a".to_owned(),
                    text: "b, please".to_owned(),
                };
                let line_comments = (self.roll(2) == 0).then_some(line).into_iter().collect();
                let decision = decision(self.roll(4));
                Input::ReviewImplementation { decision, by, comments, acknowledged, line_comments }
            }
            7 | 8 => Input::Retry { by },
            9 => Input::RetrySession { session },
            10 => Input::SkipSession { session },
            11 => Input::CancelSession { session },
            12 => {
                let id = MessageId::fresh(&mut self.ids);
                let interrupt = turn_of(&self.task);
                Input::Say { session, id, turn, by, text: "look here".to_owned(), interrupt }
            }
            13 => {
                self.documents += 1;
                let round = self.task.specs().map_or(1, |specs| specs.round);
                Input::DocumentsChanged { specs: self.specs(round), by }
            }
            14 if self.roll(6) == 0 => Input::Cancel { by },
            14 if self.roll(3) == 0 => Input::Close { by },
            14 => Input::Finish,
            16 => self.comment(by),
            17 => match self.comment_id() {
                Some(comment) => Input::ReplyToComment { comment, by, text: "so it is".to_owned() },
                None => Input::Start,
            },
            18 => match self.comment_id() {
                Some(comment) => Input::ResolveComment { comment, by, resolved: self.roll(3) != 0 },
                None => Input::Start,
            },
            _ => Input::Start,
        };
        let changed = matches!(input, Input::DocumentsChanged { .. });
        if self.input(input).is_err() && changed {
            // Nobody was told: the content that counts is the one last reported.
        }
    }

    fn comment(&mut self, by: String) -> Input {
        let anchor = CommentAnchor {
            document: DocumentName::ALL[self.roll(DocumentName::ALL.len())],
            quote: "the words".to_owned(),
            lines: (self.roll(3) != 0).then_some((1, 2)),
            excerpt: "the words\nand more".to_owned(),
        };
        let specs = self.task.specs();
        let comment = NewComment {
            review: ReviewId::from("rev_1"),
            round: specs.map_or(1, |specs| specs.round),
            hash: specs.map_or_else(String::new, |specs| specs.hash.clone()),
            id: CommentId::fresh(&mut self.ids),
            anchor,
            kind: CommentKind::ALL[self.roll(CommentKind::ALL.len())],
            text: "why so?".to_owned(),
            by,
        };
        Input::Comment { comment: Box::new(comment) }
    }

    fn comment_id(&mut self) -> Option<CommentId> {
        let at = self.roll(self.task.comments.len());
        self.task.comments.get(at).map(|comment| comment.id.clone())
    }

    /// What sessions and people ask of the crew.
    fn crew(&mut self, session: SessionId, sessions: &[SessionId]) {
        let other = sessions.get(self.roll(sessions.len())).cloned();
        let limits = CrewLimits { depth: 2, children: 2, sessions: 12 };
        let by = "ada".to_owned();
        let message = self.task.session(&session).and_then(|session| session.messages.first());
        let message = message.map_or("turn_none".to_owned(), |message| message.id.to_string());
        let input = match self.roll(13) {
            0..=2 => {
                let kind = CoordinationKind::ALL[self.roll(CoordinationKind::ALL.len())];
                let event = NewCoordination {
                    id: EventId::fresh(&mut self.ids),
                    kind,
                    from: (self.roll(2) == 0).then_some(session),
                    to: other.filter(|_| self.roll(3) != 0),
                    by: Some(by),
                    message: "mind the index".to_owned(),
                    data: serde_json::Value::Null,
                    answers: None,
                    before_merge: self.roll(2) == 0,
                };
                Input::Coordinate { event: Box::new(event) }
            }
            3 | 4 => {
                let depends_on = other.filter(|_| self.roll(3) == 0).into_iter().collect();
                let session_of = self.new_session(depends_on);
                Input::Spawn { parent: session, session: Box::new(session_of), by: None, limits }
            }
            5 => Input::EditMessage { session, message, text: "look there".to_owned() },
            6 => Input::WithdrawMessage { session, message },
            7 => {
                let alternative = Box::new(self.new_session(Vec::new()));
                Input::Branch { session, from_turn: None, alternative, limits }
            }
            8 => Input::Choose { session },
            9 => Input::RetrySession { session },
            12 => {
                let depends_on = other.filter(|_| self.roll(3) == 0).into_iter().collect();
                Input::AddSession { session: Box::new(self.new_session(depends_on)), limits }
            }
            10 => {
                let thread = ReportedThread {
                    id: SessionId::fresh(&mut self.ids),
                    thread: format!("editor-{}", self.roll(2)),
                    name: "In the editor".to_owned(),
                    description: String::new(),
                    parent: other.filter(|_| self.roll(2) == 0),
                    wish: Wish::default(),
                };
                Input::ThreadReported { thread: Box::new(thread) }
            }
            _ => {
                let status = ThreadStatus::ALL[self.roll(ThreadStatus::ALL.len())];
                Input::ThreadMoved { session, status, detail: None }
            }
        };
        // Most of it is refused in most states.
        let _ = self.input(input);
    }

    fn new_session(&mut self, depends_on: Vec<SessionId>) -> NewSession {
        let id = SessionId::fresh(&mut self.ids);
        let priorities = [None, Some(Priority::Low), Some(Priority::Critical)];
        let efforts = [None, Some(Effort::Small), Some(Effort::Large)];
        let wish =
            Wish { priority: priorities[self.roll(3)], effort: efforts[self.roll(3)], ..Wish::default() };
        NewSession {
            name: format!("Extra {id}"),
            description: "More to do".to_owned(),
            agent: None,
            depends_on,
            wish,
            id,
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
                TaskStatus::ImplementationReview => Input::ReviewImplementation {
                    decision: Decision::Approve,
                    by,
                    comments: String::new(),
                    acknowledged: Vec::new(),
                    line_comments: Vec::new(),
                },
                TaskStatus::ImplementationFailed => match self.undecided() {
                    Some(session) => Input::Choose { session },
                    None => Input::Retry { by },
                },
                TaskStatus::SpecFailed => Input::Retry { by },
                TaskStatus::Implementation if self.task.rests() => {
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

    /// A session among alternatives that a person may choose.
    fn undecided(&self) -> Option<SessionId> {
        let is_open = |session: &&Session| {
            !self.task.alternatives(session).is_empty()
                && self.task.session_status(session) != SessionStatus::Cancelled
        };
        self.task.sessions.iter().find(is_open).map(|session| session.id.clone())
    }

    /// What must hold of every step.
    fn check_step(&mut self, step: &Step) {
        for event in &step.events {
            match event {
                Event::TurnEnded { session, turn, .. } => self.tell(session, turn),
                Event::TurnStarted { session, turn } => {
                    self.under_way.insert(session.clone(), turn.clone());
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
        let mut course = Course::default();
        for ((event, at), seq) in self.log.iter().zip(1..) {
            course.take(seq, *at, event);
        }
        let stage = course.stage().unwrap_or(Stage::Backlog);
        assert!(stage.fits(self.task.status()), "{stage} is not where {} is", self.task.status());
        assert!(
            course.stays.windows(2).all(|pair| pair[0].until == Some(pair[1].from)),
            "{:?}",
            course.stays
        );

        let rests =
            matches!(
                self.task.status(),
                TaskStatus::Backlog
                    | TaskStatus::SpecReview
                    | TaskStatus::Done
                    | TaskStatus::SpecFailed
                    | TaskStatus::ImplementationFailed
                    | TaskStatus::Cancelled
            ) || matches!(self.task.phase, Phase::ImplementationReview { landing: Landing::Undecided, .. })
                || self.task.rests();
        let unfinished = |effect: &&Queued| !effect.done && self.task.wants(&effect.row.effect);
        let acts = self.outbox.iter().filter(unfinished).any(|effect| {
            !matches!(
                effect.row.effect,
                Effect::MarkProgress { .. }
                    | Effect::RecordReview { .. }
                    | Effect::RecordHistory
                    | Effect::CancelTurn { .. }
            )
        });
        assert!(
            rests || acts || self.task.waits_for_a_place(),
            "nothing moves and nothing says why: {:#?}",
            self.task
        );

        self.check_crew();
        self.check_rest();
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

impl World {
    /// What must hold of the crew at all times.
    fn check_crew(&self) {
        let task = &self.task;
        let at_work =
            task.sessions.iter().filter(|session| session.takes_a_place() && session.is_crew()).count();
        assert!(at_work <= task.max_parallel, "{at_work} sessions at work");
        for session in &task.sessions {
            let is_over = task.status().is_terminal();
            let waits = matches!(session.state, SessionState::Pending | SessionState::WaitingToMerge);
            let is_next = session.state == SessionState::WaitingToMerge
                && task.sessions.iter().any(|other| other.state == SessionState::Merging);
            let held = matches!(task.phase, Phase::Implementation { .. });
            assert!(
                is_over || !waits || !held || is_next || task.waits_for(session).is_some(),
                "{} waits in silence: {task:#?}",
                session.name
            );
            if session.state == SessionState::Merging {
                assert!(task.alternatives(session).is_empty(), "{} is merged before a choice", session.name);
            }
            if session.superseded_by.is_some() {
                assert!(session.is_ended(), "{} goes on although another was chosen", session.name);
            }
        }
        self.check_told();
        self.check_comments();
    }

    /// A conversation rests because a person is to speak, and holds no place while it does.
    fn check_rest(&self) {
        let task = &self.task;
        for session in &task.sessions {
            if session.state == SessionState::Idle {
                assert!(task.is_conversation(), "{} waits for words in no conversation", session.name);
                assert!(session.messages.is_empty(), "{} was not told what a person said", session.name);
                assert!(task.waits_for(session).is_some());
            }
        }
        if !task.rests() {
            return;
        }
        assert!(!task.holds_instance());
        for session in task.sessions.iter().filter(|session| session.is_crew()) {
            let could_begin = session.state == SessionState::Pending && task.blockers(session).is_empty();
            assert!(!could_begin, "{} could begin in a task at rest: {task:#?}", session.name);
        }
    }

    /// What is told to a session is carried by one turn that ends; what that turn carried is told.
    fn tell(&mut self, session: &SessionId, turn: &TurnId) {
        let told = self.under_way.remove(session).expect("a turn under way");
        assert_eq!(told.id, *turn);
        let messages = told.messages.iter().map(|message| message.id.to_string());
        for what in messages.chain(told.coordination.iter().map(ToString::to_string)) {
            assert!(self.told.insert((session.clone(), what.clone())), "{what} was told twice");
        }
    }

    /// Comments keep their numbers; only people resolve them, and only what was sent is answered.
    fn check_comments(&self) {
        for (at, comment) in self.task.comments.iter().enumerate() {
            assert_eq!(comment.number, at + 1);
            assert!(comment.resolved.as_ref().is_none_or(|resolved| resolved.by == "ada"), "{comment:#?}");
            let answers = comment.replies.iter().filter_map(|reply| reply.round);
            let mut sent = answers.map(|round| comment.sent.is_some_and(|sent| round <= sent + 1));
            assert!(sent.all(|was_sent| was_sent), "{comment:#?}");
        }
    }

    /// What was told is known to be, and nothing else.
    fn check_told(&self) {
        for event in &self.task.coordination {
            for delivery in &event.deliveries {
                let session = self.task.session(&delivery.to).expect("a session of the task");
                let is_being_told = session.turn().is_some_and(|turn| turn.coordination.contains(&event.id));
                let is_told =
                    is_being_told || self.told.contains(&(delivery.to.clone(), event.id.to_string()));
                assert_eq!(is_told, delivery.carried.is_some(), "{event:#?}");
            }
        }
        if self.task.status() == TaskStatus::ImplementationReview {
            for session in
                self.task.sessions.iter().filter(|session| session.state == SessionState::Completed)
            {
                assert!(session.messages.is_empty(), "{} was not told what a person said", session.name);
            }
        }
    }
}

fn turn_of(task: &Task) -> bool {
    task.sessions.iter().any(|session| session.turn().is_some())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, max_shrink_iters: 100, ..ProptestConfig::default() })]

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

/// Stretches of time follow each other, and only the last of those that have not ended are open.
fn check_past(past: &Timeline, task: &Task) {
    for spans in past.sessions.values().chain([&past.task]) {
        assert!(spans.iter().all(|span| span.until.is_none_or(|until| span.from < until)), "{spans:?}");
        let follows = |pair: &[Span]| pair[0].until.is_some_and(|until| until <= pair[1].from);
        assert!(spans.windows(2).all(follows), "{spans:?}");
    }
    let is_open = |spans: &Vec<Span>| spans.last().is_some_and(|span| span.until.is_none());
    let is_over = matches!(task.status(), TaskStatus::Done | TaskStatus::Cancelled);
    assert_eq!(is_open(&past.task), !is_over, "{:?}", past.task);
    assert!(!is_over || !past.sessions.values().any(is_open), "{:?}", past.sessions);
}
