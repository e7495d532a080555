//! A crew: sessions that are spawned, merged, blocked, chosen between and set aside.

use crate::story::*;
use std::fmt::Write as _;
use workflow::*;

#[test]
fn a_spawned_session_is_merged_after_its_parent() {
    let mut story = Story::new(Isolation::Worktree);
    story.spawns("Write the book", "Index", &[]);
    story.opens("Index");
    story.ends("Index");
    assert_eq!(
        story.waits("Index").as_deref(),
        Some("Waiting for \"Write the book\", which is merged before it.")
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
    story.goes(Input::TurnFailed { session: session.clone(), turn, failure, retry_at: None, usage: None });
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
    notification: Index: "Index" is skipped: a person decided to continue without its work.
    session_opening Cover
    Cover will read: [
        "\"Write the book\" spawned \"Cover\".",
        "\"Index\" failed: Sign in first. You wait until it is retried or skipped.",
        "\"Index\" is skipped: a person decided to continue without its work.",
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
    story.goes(Input::TurnFailed { session: session.clone(), turn, failure, retry_at: None, usage: None });
    assert_eq!(story.task.status(), TaskStatus::ImplementationFailed);
    story.goes(Input::CancelSession { session: session.clone() });
    story.goes(Input::Admit);
    assert_eq!(story.task.sessions.len(), 1, "{}", story.read);
    assert_eq!(story.state(name), SessionState::Cancelled);
    story.goes(Input::ChecksRan {
        head: Commit("c".to_owned()),
        results: Vec::new(),
        repair: RepairRequest::default(),
    });
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
        Some("Waiting for \"Write the book\", which is merged before it.")
    );
}
