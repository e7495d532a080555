//! Stories of a crew: what is asked and reported goes in, what a person would read comes out.

use crate::fresh::{self, Counter};
use std::fmt::Write as _;
use workflow::*;

/// A task without a plan whose one session is at work, and what happened since.
struct Story {
    task: Task,
    ids: Counter,
    now: i64,
    read: String,
}

const LIMITS: CrewLimits = CrewLimits { depth: 1, children: 2, sessions: 5 };

impl Story {
    fn new(isolation: Isolation) -> Self {
        let mut ids = Counter::default();
        let new = NewTask { isolation, ..fresh::task("Write the book", TaskKind::Batch) };
        let step = Task::create(new, true, &mut Context { now: Millis(0), ids: &mut ids }).expect("a task");
        let mut story = Self { task: step.task, ids, now: 0, read: String::new() };
        story.goes(Input::Admit);
        story.opens("Write the book");
        story.read.clear();
        story
    }

    fn goes(&mut self, input: Input) {
        self.now += 1_000;
        match self.task.handle(input, &mut Context { now: Millis(self.now), ids: &mut self.ids }) {
            Ok(step) => {
                for event in &step.events {
                    let of = event.session().and_then(|id| step.task.session(id));
                    let name = of.map_or(String::new(), |session| format!(" {}", session.name));
                    let _ = match event {
                        Event::Coordinated { coordination } => {
                            writeln!(self.read, "{}:{name}: {}", coordination.kind, coordination.message)
                        }
                        other => writeln!(self.read, "{}{name}", other.name()),
                    };
                }
                self.task = step.task;
            }
            Err(rejected) => {
                let _ = writeln!(self.read, "refused: {rejected}");
            }
        }
    }

    fn id(&self, name: &str) -> SessionId {
        self.task.sessions.iter().find(|session| session.name == name).expect("a session").id.clone()
    }

    fn opens(&mut self, name: &str) {
        let session = self.id(name);
        self.goes(Input::WorktreeOpened { session });
    }

    /// The session's turn ends, and what it left is committed.
    fn ends(&mut self, name: &str) {
        self.ends_so(name, "end_turn");
    }

    fn ends_so(&mut self, name: &str, stop_reason: &str) {
        let session = self.id(name);
        let turn = self.task.session(&session).and_then(Session::turn).expect("a turn").id.clone();
        let (stop_reason, said) = (stop_reason.to_owned(), Some("All written.".to_owned()));
        self.goes(Input::TurnEnded {
            session,
            turn,
            stop_reason,
            usage: None,
            said,
            closing: Closing::Message,
            plan: None,
        });
        self.commits(name, WorkReport::default());
    }

    /// What the session's turn left is committed.
    fn commits(&mut self, name: &str, report: WorkReport) {
        let session = self.id(name);
        let turn = self.task.session(&session).and_then(Session::turn).expect("a turn").id.clone();
        let head = Some(Commit("c".to_owned()));
        self.goes(Input::WorkCommitted { session, turn, head, changed: true, report });
    }

    /// The session's turn ends with what its agent sent last, and what it reported.
    fn closes(&mut self, name: &str, closing: Closing, report: WorkReport) {
        let session = self.id(name);
        let turn = self.task.session(&session).and_then(Session::turn).expect("a turn").id.clone();
        let stop_reason = "end_turn".to_owned();
        self.goes(Input::TurnEnded {
            session,
            turn,
            stop_reason,
            usage: None,
            said: None,
            closing,
            plan: None,
        });
        self.commits(name, report);
    }

    fn turn(&self, name: &str) -> Turn {
        self.task.session(&self.id(name)).and_then(Session::turn).expect("a turn").clone()
    }

    fn merges(&mut self, name: &str) {
        let outcome = MergeOutcome::Merged { commit: Commit("m".to_owned()) };
        self.goes(Input::SessionMerged { session: self.id(name), outcome });
    }

    fn conflicts(&mut self, name: &str) {
        let outcome =
            MergeOutcome::Conflict { files: vec!["a.md".to_owned()], details: "both sides".to_owned() };
        self.goes(Input::SessionMerged { session: self.id(name), outcome });
    }

    fn state(&self, name: &str) -> SessionState {
        self.task.session(&self.id(name)).expect("a session").state.clone()
    }

    /// The class of the failure that a person is shown.
    fn failure(&self, name: &str) -> Option<FailureClass> {
        match self.state(name) {
            SessionState::Failed { failure } => Some(failure.class),
            _ => None,
        }
    }

    fn new_session(&mut self, name: &str) -> NewSession {
        NewSession {
            id: SessionId::fresh(&mut self.ids),
            name: name.to_owned(),
            description: format!("{name}, please"),
            agent: None,
            depends_on: Vec::new(),
            wish: Wish::default(),
        }
    }

    fn spawns(&mut self, parent: &str, name: &str, depends_on: &[&str]) {
        let mut session = self.new_session(name);
        session.depends_on = depends_on.iter().map(|name| self.id(name)).collect();
        self.goes(Input::Spawn {
            parent: self.id(parent),
            session: Box::new(session),
            by: None,
            limits: LIMITS,
        });
    }

    fn says(&mut self, name: &str, text: &str) {
        let (id, turn) = (MessageId::fresh(&mut self.ids), TurnId::fresh(&mut self.ids));
        let (session, by) = (self.id(name), "ada".to_owned());
        self.goes(Input::Say { session, id, turn, by, text: text.to_owned(), interrupt: false });
    }

    fn waits(&self, name: &str) -> Option<String> {
        let session = self.task.session(&self.id(name)).expect("a session");
        self.task.waits_for(session)
    }
}

#[test]
fn a_spawned_session_is_merged_after_its_parent() {
    let mut story = Story::new(Isolation::Worktree);
    story.spawns("Write the book", "Index", &[]);
    story.opens("Index");
    story.ends("Index");
    assert_eq!(
        story.waits("Index").as_deref(),
        Some("Waits for \"Write the book\", which is merged before it.")
    );
    story.ends("Write the book");
    story.merges("Write the book");
    story.merges("Index");
    insta::assert_snapshot!(story.read, @r#"
    session_planned Index
    spawn: Write the book: "Write the book" spawned "Index".
    session_opening Index
    turn_started Index
    turn_ended Index
    work_committed Index
    session_ready_to_merge Index
    turn_ended Write the book
    work_committed Write the book
    session_ready_to_merge Write the book
    session_merging Write the book
    session_completed Write the book
    completion: Write the book: "Write the book" is finished and merged as m.
    session_merging Index
    session_completed Index
    completion: Index: "Index" is finished and merged as m.
    checks_started
    "#);
}

#[test]
fn a_crew_grows_only_so_far() {
    let mut story = Story::new(Isolation::Worktree);
    story.spawns("Write the book", "Index", &[]);
    story.spawns("Write the book", "Cover", &["Index"]);
    story.spawns("Write the book", "Preface", &[]);
    story.opens("Index");
    story.spawns("Index", "Letters", &[]);
    story.read.clear();
    story.spawns("Write the book", "Preface", &[]);
    story.spawns("Index", "Letters", &[]);
    story.spawns("Cover", "Back", &[]);
    insta::assert_snapshot!(story.read, @r#"
    refused: "Write the book" has as many sessions of its own under way as it may have (2); wait until one of them has ended
    refused: sessions spawn at most 1 deep, and "Index" is that deep; do it there, or spawn from its parent
    refused: cannot spawn from a work session that is blocked; only an active one spawns
    "#);
}

#[test]
fn a_failure_blocks_what_needs_it_and_a_person_clears_it() {
    let mut story = Story::new(Isolation::Worktree);
    story.spawns("Write the book", "Index", &[]);
    story.spawns("Write the book", "Cover", &["Index"]);
    story.opens("Index");
    story.read.clear();
    let session = story.id("Index");
    let turn = story.task.session(&session).and_then(Session::turn).expect("a turn").id.clone();
    let failure =
        Failure { class: FailureClass::AuthNeeded, message: "Sign in first.".to_owned(), at: Millis(0) };
    story.goes(Input::TurnFailed { session: session.clone(), turn, failure, retry_at: None });
    story.goes(Input::SkipSession { session });
    let cover = story.id("Cover");
    let told: Vec<String> = story.task.unread(&cover).iter().map(|event| event.message.clone()).collect();
    let _ = writeln!(story.read, "Cover will read: {told:#?}");
    insta::assert_snapshot!(story.read, @r#"
    turn_failed Index
    blocking: Index: "Index" failed: Sign in first. You wait until it is retried or skipped.
    notification: Index: "Index", which you spawned, failed: Sign in first.
    session_failed Index
    session_skipped Index
    notification: Index: "Index" is skipped: a person decided to go on without its work.
    session_opening Cover
    Cover will read: [
        "\"Write the book\" spawned \"Cover\".",
        "\"Index\" failed: Sign in first. You wait until it is retried or skipped.",
        "\"Index\" is skipped: a person decided to go on without its work.",
    ]
    "#);
}

#[test]
fn what_is_said_when_the_work_is_complete_is_read_before_it_is_merged() {
    let mut story = Story::new(Isolation::Worktree);
    story.spawns("Write the book", "Index", &[]);
    story.opens("Index");
    story.ends("Index");
    story.read.clear();
    story.says("Index", "Sort it by name.");
    story.opens("Index");
    let session = story.id("Index");
    let turn = story.task.session(&session).and_then(Session::turn).expect("a turn");
    assert_eq!((turn.ask.clone(), turn.messages[0].text.as_str()), (Ask::Message, "Sort it by name."));
    insta::assert_snapshot!(story.read, @r#"
    message_queued Index
    session_recalled Index
    session_opening Index
    turn_started Index
    "#);
}

#[test]
fn one_of_two_is_chosen_and_what_needed_the_other_needs_it() {
    let mut story = Story::new(Isolation::Worktree);
    story.spawns("Write the book", "Index", &[]);
    story.spawns("Write the book", "Cover", &["Index"]);
    story.opens("Index");
    story.ends("Index");
    let alternative = Box::new(story.new_session("Other index"));
    let session = story.id("Index");
    story.goes(Input::Branch { session, from_turn: None, alternative, limits: LIMITS });
    story.opens("Other index");
    story.ends("Other index");
    story.ends("Write the book");
    story.merges("Write the book");
    story.read.clear();
    let session = story.id("Other index");
    story.goes(Input::Choose { session: session.clone() });
    story.goes(Input::Admit);
    assert_eq!(
        story.task.session(&story.id("Cover")).map(|cover| cover.depends_on.clone()),
        Some(vec![session])
    );
    insta::assert_snapshot!(story.read, @r#"
    session_chosen Other index
    session_cancelled Index
    implementation_queued
    implementation_started
    session_merging Other index
    "#);
}

#[test]
fn in_one_worktree_nothing_is_merged() {
    let mut story = Story::new(Isolation::Shared);
    story.ends("Write the book");
    insta::assert_snapshot!(story.read, @r#"
    turn_ended Write the book
    work_committed Write the book
    session_completed Write the book
    completion: Write the book: "Write the book" is finished and merged as c.
    checks_started
    "#);
}

#[test]
fn what_was_written_before_there_were_crews_is_read() {
    let message: Message =
        serde_json::from_str(r#"{"turn": "turn_1", "by": "ada", "text": "Go on.", "at": 7}"#)
            .expect("a message");
    assert!(!message.returned);
    let event: Event = serde_json::from_str(
        r#"{"event": "turn_ended", "session": "stws_1", "turn": "turn_1", "stop_reason": "end_turn", "usage": null}"#,
    )
    .expect("an event");
    assert_eq!(event.name(), "turn_ended");
    let mut task = serde_json::to_value(Story::new(Isolation::Worktree).task).expect("a task");
    for field in ["isolation", "coordination", "waiting_since"] {
        task.as_object_mut().expect("an object").remove(field);
    }
    for field in
        ["wish", "branched_from", "alternative_to", "superseded_by", "elsewhere", "ended", "last_words"]
    {
        task["sessions"][0].as_object_mut().expect("an object").remove(field);
    }
    let task: Task = serde_json::from_value(task).expect("a task");
    assert_eq!(task.isolation, Isolation::Worktree);
}

#[test]
fn a_conflict_goes_back_a_few_times_and_then_to_a_person() {
    let mut story = Story::new(Isolation::Worktree);
    let name = "Write the book";
    let mut rounds = 0;
    while story.failure(name).is_none() {
        // Each round something changes, and it conflicts all the same.
        story.ends(name);
        story.conflicts(name);
        if story.failure(name).is_none() {
            rounds += 1;
            story.opens(name);
        }
    }
    assert_eq!((rounds, story.failure(name)), (3, Some(FailureClass::Conflict)));
    let session = story.task.session(&story.id(name)).expect("a session");
    assert_eq!(session.conflict(), Some((&["a.md".to_owned()][..], "both sides")));
    // Whoever tries it again begins with the conflict, and has as many rounds again.
    story.goes(Input::RetrySession { session: story.id(name) });
    story.goes(Input::Admit);
    story.opens(name);
    let turn = story.task.session(&story.id(name)).and_then(Session::turn).expect("a turn");
    assert!(matches!(turn.ask, Ask::ResolveConflict { .. }), "{:?}", turn.ask);
    story.ends(name);
    story.conflicts(name);
    assert_eq!(story.failure(name), None);
}

#[test]
fn a_merge_that_is_left_is_concluded_by_its_session() {
    let mut story = Story::new(Isolation::Worktree);
    let name = "Write the book";
    for round in 0..4 {
        let session = story.id(name);
        let turn = story.task.session(&session).and_then(Session::turn).expect("a turn").id.clone();
        let (stop_reason, said) = ("end_turn".to_owned(), None);
        story.goes(Input::TurnEnded {
            session: session.clone(),
            turn: turn.clone(),
            stop_reason,
            usage: None,
            said,
            closing: Closing::Message,
            plan: None,
        });
        let (files, details) = (vec!["a.md".to_owned()], "<<<<<<<".to_owned());
        story.goes(Input::MergeUnfinished { session, turn, files, details });
        assert_eq!(story.failure(name).is_some(), round == 3, "{}", story.read);
    }
    assert_eq!(story.failure(name), Some(FailureClass::Conflict));
}

#[test]
fn what_is_cut_short_again_and_again_waits_for_a_person() {
    let mut story = Story::new(Isolation::Worktree);
    let name = "Write the book";
    let mut turns = 0;
    while story.failure(name).is_none() {
        story.ends_so(name, "max_tokens");
        turns += 1;
    }
    assert_eq!((turns, story.failure(name)), (10, Some(FailureClass::Limit)));
    // A turn that ends by itself begins the count anew.
    let mut story = Story::new(Isolation::Worktree);
    for _ in 0..9 {
        story.ends_so(name, "max_turn_requests");
    }
    story.ends(name);
    assert_eq!(story.state(name), SessionState::Merging);
}

#[test]
fn what_a_person_ended_stays_ended() {
    let mut story = Story::new(Isolation::Worktree);
    let name = "Write the book";
    let session = story.id(name);
    let turn = story.task.session(&session).and_then(Session::turn).expect("a turn").id.clone();
    let failure =
        Failure { class: FailureClass::AgentRefused, message: "No.".to_owned(), at: Millis(story.now) };
    story.goes(Input::TurnFailed { session: session.clone(), turn, failure, retry_at: None });
    assert_eq!(story.task.status(), TaskStatus::ImplementationFailed);
    story.goes(Input::CancelSession { session: session.clone() });
    story.goes(Input::Admit);
    assert_eq!(story.task.sessions.len(), 1, "{}", story.read);
    assert_eq!(story.state(name), SessionState::Cancelled);
    story.goes(Input::ChecksRan { head: Commit("c".to_owned()), results: Vec::new() });
    story.read.clear();
    story.says(name, "Go on");
    assert_eq!(story.read, "refused: cannot speak to a work session that was cancelled; retry it first\n");
    story.goes(Input::RetrySession { session });
    assert_eq!(story.state(name), SessionState::Pending, "{}", story.read);
}

#[test]
fn what_alone_keeps_another_waiting_is_merged_before_what_comes_first() {
    let mut story = Story::new(Isolation::Worktree);
    let session = Box::new(story.new_session("Index"));
    story.goes(Input::AddSession { session, limits: LIMITS });
    let session = Box::new(story.new_session("Cover"));
    story.goes(Input::AddSession { session, limits: LIMITS });
    let mut letters = story.new_session("Letters");
    letters.depends_on = vec![story.id("Index")];
    story.goes(Input::AddSession { session: Box::new(letters), limits: LIMITS });
    for name in ["Index", "Cover"] {
        story.opens(name);
        story.ends(name);
    }
    assert_eq!(story.state("Index"), SessionState::Merging);
    story.merges("Index");
    assert_eq!(story.state("Letters"), SessionState::Opening);
    assert_eq!(
        story.waits("Cover").as_deref(),
        Some("Waits for \"Write the book\", which is merged before it.")
    );
}

#[test]
fn what_a_conversation_costs_is_counted_once() {
    let mut story = Story::new(Isolation::Worktree);
    let session = story.id("Write the book");
    let mut costs = |conversation: &str, total_usd: f64| {
        let conversation = conversation.to_owned();
        story.goes(Input::CostReported { session: session.clone(), conversation, total_usd });
        story.task.usage.cost_usd
    };
    assert_eq!(costs("a", 0.25), Some(0.25));
    assert_eq!(costs("a", 0.25), Some(0.25), "it is known");
    assert_eq!(costs("a", 0.75), Some(0.75));
    assert_eq!(costs("b", 0.5), Some(1.25), "another conversation begins at nothing");
    assert_eq!(costs("b", 0.25), Some(1.5), "who says less counts anew");
    assert_eq!(costs("b", f64::NAN), Some(1.5));
    // What a turn's own answer says of its cost is in the sum already.
    let turn = story.task.session(&session).and_then(Session::turn).expect("a turn").id.clone();
    let usage = Some(Usage { input_tokens: 7, cost_usd: Some(9.0), ..Usage::default() });
    let stop_reason = "end_turn".to_owned();
    let (closing, plan) = (Closing::Message, None);
    story.goes(Input::TurnEnded {
        session: session.clone(),
        turn,
        stop_reason,
        usage,
        said: None,
        closing,
        plan,
    });
    assert_eq!((story.task.usage.input_tokens, story.task.usage.cost_usd), (7, Some(1.5)));
    assert_eq!(story.task.session(&session).expect("a session").usage.cost_usd, Some(1.5));
}

#[test]
fn threads_of_editors_are_of_the_crew_and_within_its_limits() {
    let mut story = Story::new(Isolation::Worktree);
    let parent = story.id("Write the book");
    let mut reports = |thread: &str, parent: Option<&SessionId>| {
        story.read.clear();
        let thread = ReportedThread {
            id: SessionId::fresh(&mut story.ids),
            thread: thread.to_owned(),
            name: thread.to_owned(),
            description: String::new(),
            parent: parent.cloned(),
            wish: Wish::default(),
        };
        story.goes(Input::ThreadReported { thread: Box::new(thread), limits: LIMITS });
        (story.read.clone(), story.task.sessions.last().expect("a session").id.clone())
    };
    let (_, first) = reports("one", Some(&parent));
    reports("two", Some(&parent));
    assert!(reports("three", Some(&parent)).0.contains("as many sessions of its own under way"));
    assert!(reports("deep", Some(&first)).0.contains("at most 1 deep"));
    assert!(reports("one", Some(&parent)).0.contains("the thread is known"));
    reports("four", None);
    reports("five", None);
    assert!(reports("six", None).0.contains("the most it may have"));
}

#[test]
fn the_last_words_of_a_turn_answer_what_it_was_asked() {
    let mut story = Story::new(Isolation::Worktree);
    story.spawns("Write the book", "Index", &[]);
    let (asker, asked) = (story.id("Write the book"), story.id("Index"));
    let request = NewCoordination {
        id: EventId::fresh(&mut story.ids),
        kind: CoordinationKind::Request,
        from: Some(asker.clone()),
        to: Some(asked.clone()),
        by: None,
        message: "How many letters?".to_owned(),
        data: serde_json::Value::Null,
        answers: None,
        before_merge: true,
    };
    let id = request.id.clone();
    story.goes(Input::Coordinate { event: Box::new(request) });
    story.opens("Index");
    story.ends("Index");
    let answered = story.task.coordination_event(&id).and_then(|event| event.answered_by.clone());
    let answer = answered.and_then(|id| story.task.coordination_event(&id).cloned()).expect("an answer");
    assert_eq!((answer.kind, answer.from, answer.to), (CoordinationKind::Response, Some(asked), Some(asker)));
    assert_eq!(answer.message, "All written.");
}

#[test]
fn a_session_without_a_description_is_continued_as_two() {
    let mut story = Story::new(Isolation::Worktree);
    story.spawns("Write the book", "Index", &[]);
    story.opens("Index");
    story.ends("Index");
    let mut alternative = story.new_session("Otherwise");
    alternative.description.clear();
    story.read.clear();
    let session = story.id("Index");
    story.goes(Input::Branch {
        session,
        from_turn: None,
        alternative: Box::new(alternative),
        limits: LIMITS,
    });
    assert!(story.read.contains("session_planned Otherwise"), "{}", story.read);
}

fn unreported(number: &str) -> WorkReport {
    let item = PlannedItem { number: Some(number.to_owned()), title: "Letters".to_owned() };
    WorkReport { unreported: vec![item], ..WorkReport::default() }
}

#[test]
fn what_was_not_reported_is_asked_for_once_and_then_shown_so() {
    let mut story = Story::new(Isolation::Worktree);
    let name = "Write the book";
    story.closes(name, Closing::Message, unreported("1.2"));
    assert!(matches!(&story.turn(name).ask, Ask::ReportItems { items } if items[0].label() == "1.2 Letters"));
    story.closes(name, Closing::Message, unreported("1.2"));
    assert_eq!(story.state(name), SessionState::Merging);
    story.merges(name);
    let session = story.task.session(&story.id(name)).expect("a session");
    assert_eq!((&session.state, session.unreported.len()), (&SessionState::Completed, 1));
    assert_eq!(story.task.evidence(0, false).state, Some(EvidenceState::NotReported));
}

#[test]
fn a_turn_that_ends_without_a_word_is_no_end_of_the_work() {
    let mut story = Story::new(Isolation::Worktree);
    let name = "Write the book";
    for _ in 0..3 {
        story.closes(name, Closing::ToolCall, WorkReport::default());
        assert!(matches!(story.turn(name).ask, Ask::Continue { .. }), "{:?}", story.turn(name).ask);
    }
    story.closes(name, Closing::ToolCall, WorkReport::default());
    assert_eq!(story.failure(name), Some(FailureClass::AgentError));

    // A word, or the agent's own plan, is one.
    let mut story = Story::new(Isolation::Worktree);
    story.closes(name, Closing::ToolCall, WorkReport::default());
    let report = WorkReport { is_complete: true, ..WorkReport::default() };
    story.closes(name, Closing::ToolCall, report);
    assert_eq!(story.state(name), SessionState::Merging);
}

#[test]
fn a_limit_is_waited_for_and_shown() {
    let mut story = Story::new(Isolation::Worktree);
    let name = "Write the book";
    let (session, turn) = (story.id(name), story.turn(name).id);
    let failure =
        Failure { class: FailureClass::Limit, message: "Too many requests.".to_owned(), at: Millis(0) };
    let input = Input::TurnFailed { session, turn: turn.clone(), failure, retry_at: Some(Millis(900_000)) };
    let step =
        story.task.handle(input, &mut Context { now: Millis(10_000), ids: &mut story.ids }).expect("a step");
    let [again] = step.effects.as_slice() else { panic!("{:?}", step.effects) };
    assert_eq!(again.not_before, Millis(900_000));
    story.task = step.task;
    assert_eq!(
        story.waits(name).as_deref(),
        Some("Waits before the turn is tried again: Too many requests.")
    );
    assert_eq!(story.turn(name).id, turn);
}

#[test]
fn a_paused_task_stands_still_until_it_is_resumed() {
    let mut story = Story::new(Isolation::Worktree);
    let name = "Write the book";
    let turn = story.turn(name).id;
    let step = story
        .task
        .handle(Input::Pause { by: "ada".to_owned() }, &mut Context { now: Millis(1), ids: &mut story.ids });
    let step = step.expect("it is paused");
    let effects: Vec<&str> = step.effects.iter().map(|row| row.effect.name()).collect();
    assert_eq!(effects, ["cancel_turn", "stop_instance"]);
    story.task = step.task;
    assert!(!story.task.holds_instance() && !story.task.waits_for_a_place());
    assert!(!story.task.wants(&Effect::RunTurn { session: story.id(name), turn: turn.clone() }));
    assert_eq!(story.waits(name).as_deref(), Some("Paused. Resume the task to continue."));
    // What a person says meanwhile is kept.
    story.says(name, "Mind the index.");
    assert_eq!(story.state(name), SessionState::Pending);
    story.goes(Input::Resume { by: "ada".to_owned() });
    assert!(story.task.waits_for_a_place());
    story.goes(Input::Admit);
    story.opens(name);
    let again = story.turn(name);
    assert!(matches!(again.ask, Ask::Continue { .. }) && again.id != turn, "{again:?}");
    assert_eq!(again.messages.len(), 1);
}

#[test]
fn an_interruption_is_kept_with_the_turn() {
    let mut story = Story::new(Isolation::Worktree);
    let name = "Write the book";
    let (id, turn) = (MessageId::fresh(&mut story.ids), TurnId::fresh(&mut story.ids));
    let (session, by, text) = (story.id(name), "ada".to_owned(), "Stop.".to_owned());
    story.goes(Input::Say { session, id, turn, by, text, interrupt: true });
    assert!(story.turn(name).is_interrupted);
    let kept: Task =
        serde_json::from_value(serde_json::to_value(&story.task).expect("written")).expect("read");
    assert!(kept.session(&story.id(name)).and_then(Session::turn).expect("a turn").is_interrupted);
}

#[test]
fn a_decision_is_about_the_change_that_was_read() {
    let mut story = Story::new(Isolation::Worktree);
    let name = "Write the book";
    story.ends(name);
    story.merges(name);
    let head = Commit("0123456789abcdef".to_owned());
    story.goes(Input::ChecksRan { head, results: Vec::new() });
    let decides = |story: &mut Story, commit: &str| {
        story.read.clear();
        story.goes(Input::ReviewImplementation {
            decision: Decision::Approve,
            by: "ada".to_owned(),
            comments: String::new(),
            acknowledged: Vec::new(),
            line_comments: Vec::new(),
            commit: Some(Commit(commit.to_owned())),
            allow_empty: false,
        });
        story.read.clone()
    };
    assert!(
        decides(&mut story, "fedcba9876543210").contains("refused: the change is not the one that you read")
    );
    assert!(decides(&mut story, "0123").contains("refused"), "four characters name no commit");
    assert_eq!(story.task.status(), TaskStatus::ImplementationReview);
    assert_eq!(decides(&mut story, "0123456789"), "implementation_reviewed\n");
}

#[test]
fn a_change_without_a_change_is_approved_only_on_purpose() {
    let mut story = Story::new(Isolation::Worktree);
    let name = "Write the book";
    let session = story.id(name);
    story.goes(Input::SkipSession { session });
    story.goes(Input::ChecksRan { head: Commit("c".to_owned()), results: Vec::new() });
    assert!(story.task.is_change_empty());
    let mut decides = |allow_empty: bool| {
        story.read.clear();
        let (by, comments, commit) = ("ada".to_owned(), String::new(), None);
        let (decision, acknowledged, line_comments) = (Decision::Approve, Vec::new(), Vec::new());
        let review = Input::ReviewImplementation {
            decision,
            by,
            comments,
            acknowledged,
            line_comments,
            commit,
            allow_empty,
        };
        story.goes(review);
        story.read.clone()
    };
    assert!(decides(false).contains("refused: the change is empty"));
    assert_eq!(decides(true), "implementation_reviewed\n");
}

#[test]
fn an_estimate_has_the_range_of_what_sessions_took_before() {
    let mut story = Story::new(Isolation::Worktree);
    assert_eq!(story.task.estimate(&[], Millis(0)), None, "nothing is known");
    story.spawns("Write the book", "Index", &[]);
    let time = |effort, milliseconds| SessionTime { effort, milliseconds };
    let times = [time(Effort::Small, 60_000), time(Effort::Medium, 240_000), time(Effort::Large, 360_000)];
    // Two of medium effort are left, one built on the other only when it is merged, and two may run at once.
    let estimate = story.task.estimate(&times, Millis(1_000)).expect("an estimate");
    assert_eq!(estimate, Estimate { earliest: Millis(121_000), latest: Millis(241_000) });
    story.ends("Write the book");
    story.merges("Write the book");
    assert_eq!(story.task.session_times().len(), 1);
}
