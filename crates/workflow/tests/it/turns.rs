//! Turns: what they cost and report, what they wait for, and the decisions about their change.

use crate::story::*;
use workflow::*;

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
        usage: usage.map(ReportedUsage::Turn),
        said: None,
        closing,
        plan,
    });
    assert_eq!((story.task.usage.input_tokens, story.task.usage.cost_usd), (7, Some(1.5)));
    assert_eq!(story.task.session(&session).expect("a session").usage.cost_usd, Some(1.5));
}

#[test]
fn the_usage_of_a_session_so_far_is_counted_once() {
    let mut story = Story::new(Isolation::Worktree);
    let name = "Write the book";
    let mut ends = |conversation: &str, input_tokens: u64| {
        let (session, turn) = (story.id(name), story.turn(name).id);
        let usage = Usage { input_tokens, ..Usage::default() };
        let usage = ConversationUsage { conversation: conversation.to_owned(), usage };
        // A message begins the next turn.
        story.says(name, "Go on.");
        story.goes(Input::TurnEnded {
            session: session.clone(),
            turn,
            stop_reason: "end_turn".to_owned(),
            usage: Some(ReportedUsage::Conversation(usage)),
            said: None,
            closing: Closing::Nothing,
            plan: None,
        });
        story.commits(name, WorkReport::default());
        let spent = story.task.session(&session).expect("a session").usage.input_tokens;
        assert_eq!(story.task.usage.input_tokens, spent);
        spent
    };
    assert_eq!(ends("a", 100), 100);
    assert_eq!(ends("a", 130), 130, "the sum has what was reported before");
    assert_eq!(ends("b", 50), 180, "another conversation begins at nothing");
    assert_eq!(ends("b", 20), 200, "an agent that reports less has restarted its count");
}

#[test]
fn a_turn_that_fails_has_spent_what_its_model_calls_did() {
    let mut story = Story::new(Isolation::Worktree);
    let name = "Write the book";
    let (session, turn) = (story.id(name), story.turn(name).id);
    let failure = Failure { class: FailureClass::Network, message: "away".to_owned(), at: Millis(0) };
    let usage = Some(Usage { input_tokens: 40, output_tokens: 2, ..Usage::default() });
    story.goes(Input::TurnFailed { session: session.clone(), turn, failure, retry_at: None, usage });
    let spent = |usage: Usage| (usage.input_tokens, usage.output_tokens);
    assert_eq!(spent(story.task.usage), (40, 2));
    assert_eq!(spent(story.task.session(&session).expect("a session").usage), (40, 2));
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
            wish: SessionRequest::default(),
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
        person_request: None,
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
fn a_plan_that_its_agent_reports_as_completed_is_not_the_end_of_the_work() {
    let mut story = Story::new(Isolation::Worktree);
    let session = story.id("Write the book");
    let entry = |status: &str| PlanEntry { content: "a step".to_owned(), status: status.to_owned() };
    for (statuses, expected) in [(&["completed", "pending", "pending"][..], 0.25), (&["completed"; 3], 0.75)]
    {
        let plan = statuses.iter().map(|status| entry(status)).collect();
        story.goes(Input::PlanUpdated { session: session.clone(), plan });
        let progress = story.task.session_progress(story.task.session(&session).expect("a session"));
        assert!((progress - expected).abs() < 1e-9, "{progress} of {statuses:?}");
        assert!((story.task.progress() - expected).abs() < 1e-9);
    }
}

#[test]
fn a_limit_is_waited_for_and_shown() {
    let mut story = Story::new(Isolation::Worktree);
    let name = "Write the book";
    let (session, turn) = (story.id(name), story.turn(name).id);
    let failure =
        Failure { class: FailureClass::Limit, message: "Too many requests.".to_owned(), at: Millis(0) };
    let input = Input::TurnFailed {
        session: session.clone(),
        turn: turn.clone(),
        failure,
        retry_at: Some(Millis(900_000)),
        usage: None,
    };
    let step =
        story.task.handle(input, &mut Context { now: Millis(10_000), ids: &mut story.ids }).expect("a step");
    let [again] = step.effects.as_slice() else { panic!("{:?}", step.effects) };
    assert_eq!(again.not_before, Millis(900_000));
    story.task = step.task;
    assert_eq!(story.waits(name).as_deref(), Some("Waiting to retry the turn: Too many requests."));
    assert_eq!(story.turn(name).id, turn);
    let retried = Input::TurnRetried { session, turn };
    story.goes(retried.clone());
    assert_eq!(story.waits(name), None, "the agent is at work again");
    let again = story.task.handle(retried, &mut Context { now: Millis(900_001), ids: &mut story.ids });
    assert!(matches!(again, Err(Rejected::AlreadySo(_))));
}

#[test]
fn a_task_whose_work_waits_for_a_lasting_limit_holds_no_agent() {
    let mut story = Story::new(Isolation::Worktree);
    let mut parks = |minutes: i64| {
        let working: Vec<(SessionId, TurnId)> = story
            .task
            .sessions
            .iter()
            .filter_map(|session| Some((session.id.clone(), session.turn()?.id.clone())))
            .collect();
        assert!(!working.is_empty());
        for (session, turn) in working {
            assert!(story.task.holds_instance(), "a session is at work");
            let until = Millis(minutes * 60_000);
            story.goes(Input::TurnParked { session, turn, until, reason: "Weekly limit.".to_owned() });
        }
        let is_held = story.task.holds_instance();
        for session in story.task.sessions.clone() {
            if let Some(turn) = session.turn() {
                story.goes(Input::TurnRetried { session: session.id.clone(), turn: turn.id.clone() });
            }
        }
        assert!(story.task.holds_instance(), "it continues");
        is_held
    };
    assert!(parks(1), "a short wait keeps the process");
    assert!(!parks(600));
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
    assert!(!story.task.holds_instance() && !story.task.is_queued());
    assert!(!story.task.still_needs(&Effect::RunTurn { session: story.id(name), turn: turn.clone() }));
    assert_eq!(story.waits(name).as_deref(), Some("Paused. Resume the task to continue."));
    // What a person says meanwhile is kept.
    story.says(name, "Mind the index.");
    assert_eq!(story.state(name), SessionState::Pending);
    story.goes(Input::Resume { by: "ada".to_owned() });
    assert!(story.task.is_queued());
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
    story.goes(Input::Say { session, id, turn, by, text, attachments: Vec::new(), interrupt: true });
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
    story.goes(Input::ChecksRan { head, results: Vec::new(), repair: RepairRequest::default() });
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
    story.goes(Input::ChecksRan {
        head: Commit("c".to_owned()),
        results: Vec::new(),
        repair: RepairRequest::default(),
    });
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
