//! Limits that a whole crew waits for, and repairs of a change before a person is asked.

use crate::fresh::Counter;
use crate::story::Story;
use std::collections::BTreeMap;
use workflow::schedule::{self, Limits};
use workflow::*;

const NAME: &str = "Write the book";

fn problem(name: &str, owner: Option<SessionId>) -> Problem {
    Problem { kind: ProblemKind::Check, name: name.to_owned(), details: "1 failed".to_owned(), owner }
}

/// Returns the story of a task whose checks begin.
fn at_checks() -> Story {
    let mut story = Story::new(Isolation::Worktree);
    story.ends(NAME);
    story.merges(NAME);
    story.read.clear();
    story
}

fn checked(story: &mut Story, head: &str, max_rounds: u32, problems: Vec<Problem>) -> String {
    let (head, repair) = (Commit(head.to_owned()), RepairRequest { max_rounds, problems });
    story.read.clear();
    story.goes(Input::ChecksRan { head, results: Vec::new(), repair });
    story.read.clone()
}

#[test]
fn red_checks_go_to_their_session_before_a_person() {
    let mut story = at_checks();
    let owner = story.id(NAME);
    let read = checked(&mut story, "h1", 2, vec![problem("make test", Some(owner.clone()))]);
    let started = "checks_ran\nsession_retried Write the book\nsession_told Write the book\nrepair_started\n\
                   session_opening Write the book\n";
    assert_eq!(read, started);
    story.opens(NAME);
    let Ask::Repair { round: 1, problems, with_base: false } = story.turn(NAME).ask else {
        panic!("{:?}", story.turn(NAME))
    };
    assert_eq!(problems[0].details, "1 failed");
    story.ends(NAME);
    story.merges(NAME);
    let read = checked(&mut story, "h2", 2, Vec::new());
    assert_eq!(read, "checks_ran\nrepairs_ended\nchange_ready\n");
    let [repair] = story.task.repairs.as_slice() else { panic!("{:?}", story.task.repairs) };
    assert_eq!((repair.round, &repair.session), (1, &owner));
    assert!(repair.outcome.as_ref().is_some_and(|outcome| outcome.is_fixed && outcome.head.0 == "h2"));
    assert_eq!(story.task.status(), TaskStatus::ImplementationReview);
}

#[test]
fn a_person_decides_after_the_last_round() {
    let mut story = at_checks();
    // A problem that no session owns goes to the session that was merged last.
    for round in 1..=2 {
        let read = checked(&mut story, "h", 2, vec![problem("make test", None)]);
        assert!(read.contains("repair_started"), "round {round}: {read}");
        story.opens(NAME);
        story.ends(NAME);
        story.merges(NAME);
    }
    let read = checked(&mut story, "h", 2, vec![problem("make test", None)]);
    assert_eq!(read, "checks_ran\nrepairs_ended\nchange_ready\n");
    assert!(story.task.repairs.iter().all(|repair| repair.outcome.as_ref().is_some_and(|end| !end.is_fixed)));
    // A person's decision allows the rounds again.
    story.goes(Input::ReviewImplementation {
        decision: Decision::Approve,
        by: "ada".to_owned(),
        comments: String::new(),
        acknowledged: Vec::new(),
        line_comments: Vec::new(),
        commit: None,
        allow_empty: true,
    });
    assert_eq!(story.task.repair_rounds, 0);
    let repair = RepairRequest { max_rounds: 2, problems: vec![problem("make test", None)] };
    story.read.clear();
    story.goes(Input::Landed { outcome: LandOutcome::ChecksFailed { results: Vec::new(), repair } });
    assert!(story.read.ends_with("landing_held\nimplementation_queued\n"), "{}", story.read);
    story.goes(Input::Admit);
    story.opens(NAME);
    assert!(matches!(story.turn(NAME).ask, Ask::Repair { with_base: true, .. }));
}

#[test]
fn nothing_is_repaired_without_rounds_or_budget() {
    let mut story = at_checks();
    let read = checked(&mut story, "h", 0, vec![problem("make test", None)]);
    assert_eq!(read, "checks_ran\nchange_ready\n");
    let mut story = at_checks();
    story.task.budget = Some(Budget { max_cost_usd: None, max_tokens: Some(1) });
    story.task.usage.input_tokens = 2;
    let read = checked(&mut story, "h", 2, vec![problem("make test", None)]);
    assert_eq!(read, "checks_ran\nchange_ready\n");
}

#[test]
fn a_parked_turn_waits_for_the_limit_of_its_agent() {
    let mut story = Story::new(Isolation::Worktree);
    let (session, turn) = (story.id(NAME), story.turn(NAME).id);
    let reason = "The agent scripted reached a limit.".to_owned();
    let (until, now) = (Millis(3_610_000), Millis(10_000));
    let parked = Input::TurnParked { session: session.clone(), turn: turn.clone(), until, reason };
    let step = story.task.handle(parked, &mut Context { now, ids: &mut story.ids }).expect("a step");
    let [again] = step.effects.as_slice() else { panic!("{:?}", step.effects) };
    assert!((until..until.plus(30_000)).contains(&again.not_before), "{:?}", again.not_before);
    story.task = step.task;
    let waits = "Waiting to retry the turn: The agent scripted reached a limit.";
    assert_eq!(story.waits(NAME).as_deref(), Some(waits));
    assert_eq!(story.task.session(&session).map(|session| session.retries), Some(0), "nothing was tried");
    story.goes(Input::TurnHandedOver {
        session: session.clone(),
        turn: turn.clone(),
        agent: "other".to_owned(),
    });
    assert_eq!(story.waits(NAME), None);
    assert_eq!(story.turn(NAME).id, turn, "the same turn continues");
    assert_eq!(story.task.session(&session).map(|session| session.agent.as_str()), Some("other"));
}

#[test]
fn no_task_starts_with_an_agent_that_has_a_limit() {
    let mut ids = Counter::default();
    let new = crate::fresh::task("Add due dates", TaskKind::Feature);
    let task = Task::create(new, true, &mut Context { now: Millis(0), ids: &mut ids }).expect("a task").task;
    let limits = Limits { instances: 1, in_review: 1 };
    let decide = |limited: &BTreeMap<String, String>| {
        schedule::admissions(std::slice::from_ref(&task), &BTreeMap::new(), limits, limited, &BTreeMap::new())
    };
    let reason = "The agent scripted reached a limit.".to_owned();
    let limited = BTreeMap::from([("scripted".to_owned(), reason.clone())]);
    assert_eq!(decide(&limited), [(task.id.clone(), Input::Wait { reason })]);
    assert_eq!(decide(&BTreeMap::new()), [(task.id.clone(), Input::Admit)]);
}
