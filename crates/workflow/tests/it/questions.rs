//! What a session asks a person, and how it waits for the answer.

use crate::story::*;
use workflow::*;

const BOOK: &str = "Write the book";

fn asks(story: &mut Story, request: PersonRequest) -> EventId {
    let event = NewCoordination {
        id: EventId::fresh(&mut story.ids),
        kind: CoordinationKind::Request,
        from: Some(story.id(BOOK)),
        to: None,
        by: None,
        message: "How many letters?".to_owned(),
        data: serde_json::Value::Null,
        answers: None,
        before_merge: false,
        person_request: Some(request),
    };
    let id = event.id.clone();
    story.goes(Input::AskPerson { event: Box::new(event) });
    id
}

fn question() -> PersonRequest {
    PersonRequest::Question { choices: vec!["24".to_owned(), "26".to_owned()] }
}

fn answers(story: &mut Story, request: &EventId, text: &str, accepted: Option<bool>) -> String {
    story.read.clear();
    let id = EventId::fresh(&mut story.ids);
    let answer = PersonAnswer { id, by: "ada".to_owned(), text: text.to_owned(), accepted };
    story.goes(Input::AnswerRequest { request: request.clone(), answer: Box::new(answer) });
    story.read.clone()
}

#[test]
fn a_session_waits_without_a_slot_and_continues_with_the_answer() {
    let mut story = Story::new(Isolation::Worktree);
    let asked = asks(&mut story, question());
    assert!(story.task.needs_person(), "also while the agent works");
    story.ends(BOOK);
    let session = story.task.session(&story.id(BOOK)).expect("a session").clone();
    assert_eq!(session.state, SessionState::Pending);
    assert_eq!(story.task.session_status(&session), SessionStatus::Blocked);
    assert_eq!(story.waits(BOOK).as_deref(), Some("Waiting for your answer: How many letters?"));
    assert!(story.task.is_waiting_for_user() && !story.task.holds_instance());
    assert_eq!(story.task.status(), TaskStatus::Implementation);
    let read = answers(&mut story, &asked, "26, as always", None);
    assert!(read.contains("response") && read.contains("implementation_queued"), "{read}");
    assert!(!story.task.needs_person());
    story.goes(Input::Admit);
    story.opens(BOOK);
    assert_eq!(story.turn(BOOK).coordination.len(), 1, "the turn has the answer");
    story.ends(BOOK);
    assert_ne!(story.state(BOOK), SessionState::Pending, "it does not wait again");
}

#[test]
fn a_request_in_the_same_words_is_the_same_until_its_answer_arrives() {
    let mut story = Story::new(Isolation::Worktree);
    let asked = asks(&mut story, question());
    let session = story.id(BOOK);
    let same = |story: &Story, message: &str, request: &PersonRequest| {
        story.task.same_person_request(&session, message, request).map(|event| event.id.clone())
    };
    let words = "How many letters?";
    assert_eq!(same(&story, words, &question()), Some(asked.clone()));
    assert_eq!(same(&story, "How many words?", &question()), None);
    assert_eq!(same(&story, words, &PersonRequest::Question { choices: Vec::new() }), None);
    answers(&mut story, &asked, "26", None);
    assert_eq!(same(&story, words, &question()), Some(asked), "its answer waits to be read");
    let unread: Vec<EventId> = story.task.unread(&session).iter().map(|event| event.id.clone()).collect();
    story.goes(Input::ReadCoordination { session: session.clone(), events: unread });
    assert_eq!(same(&story, words, &question()), None, "who asks again wants another answer");
}

#[test]
fn an_answer_that_was_read_in_the_turn_is_not_delivered_again() {
    let mut story = Story::new(Isolation::Worktree);
    let asked = asks(&mut story, question());
    answers(&mut story, &asked, "26", None);
    let session = story.id(BOOK);
    let unread: Vec<EventId> = story.task.unread(&session).iter().map(|event| event.id.clone()).collect();
    assert_eq!(unread.len(), 1);
    story.goes(Input::ReadCoordination { session: session.clone(), events: unread.clone() });
    assert!(story.task.unread(&session).is_empty());
    assert_eq!(story.turn(BOOK).coordination, unread, "the turn has it");
    story.ends(BOOK);
    assert!(!matches!(story.state(BOOK), SessionState::Pending | SessionState::Working { .. }));
}

#[test]
fn an_answer_that_was_not_read_begins_another_turn() {
    let mut story = Story::new(Isolation::Worktree);
    let asked = asks(&mut story, question());
    answers(&mut story, &asked, "26", None);
    story.ends(BOOK);
    assert_eq!(story.turn(BOOK).ask, Ask::Message);
}

#[test]
fn a_message_of_a_person_ends_the_wait() {
    let mut story = Story::new(Isolation::Worktree);
    asks(&mut story, question());
    story.ends(BOOK);
    story.says(BOOK, "Decide it yourself.");
    assert_eq!(story.task.status(), TaskStatus::ImplementationQueued);
    story.goes(Input::Admit);
    story.opens(BOOK);
    assert_eq!(story.turn(BOOK).messages.len(), 1);
}

#[test]
fn a_proposal_is_decided_and_holds_nothing_up() {
    let mut story = Story::new(Isolation::Worktree);
    let asked = asks(&mut story, PersonRequest::PlanChange { diff: None });
    assert!(answers(&mut story, &asked, "fine", None).contains("`accepted`"));
    story.ends(BOOK);
    assert!(!matches!(story.state(BOOK), SessionState::Pending));
    assert!(story.task.needs_person());
    answers(&mut story, &asked, "", Some(false));
    let answer = story.task.coordination.last().expect("an answer");
    assert_eq!((answer.message.as_str(), answer.answers.as_ref()), ("Not accepted.", Some(&asked)));
}

#[test]
fn what_is_not_a_request_or_too_much_is_refused_with_a_sentence() {
    let mut story = Story::new(Isolation::Worktree);
    let asked = asks(&mut story, question());
    assert!(answers(&mut story, &asked, "  ", None).contains("the answer is empty"));
    assert!(answers(&mut story, &asked, "26", Some(true)).contains("in words"));
    assert!(
        answers(&mut story, &EventId::from("evt_none"), "26", None).contains("no agent of the task asked")
    );
    assert!(answers(&mut story, &asked, &"x".repeat(20_000), None).contains("bytes"));
    answers(&mut story, &asked, "26", None);
    assert!(answers(&mut story, &asked, "24", None).contains("answered already"));
    story.read.clear();
    asks(&mut story, PersonRequest::Question { choices: vec!["a".to_owned(); 11] });
    assert!(story.read.contains("at most 10 answers"), "{}", story.read);
    for _ in 0..6 {
        asks(&mut story, question());
    }
    assert!(story.read.contains("5 requests that wait for a person"), "{}", story.read);
    // Another session cannot answer in a person's place.
    story.read.clear();
    let open = story.task.open_question(&story.id(BOOK)).expect("a question").id.clone();
    let forged = NewCoordination {
        id: EventId::fresh(&mut story.ids),
        kind: CoordinationKind::Response,
        from: None,
        to: Some(story.id(BOOK)),
        by: Some("mallory".to_owned()),
        message: "24".to_owned(),
        data: serde_json::Value::Null,
        answers: Some(open),
        before_merge: true,
        person_request: None,
    };
    story.goes(Input::Coordinate { event: Box::new(forged) });
    assert!(story.read.contains("no request"), "{}", story.read);
}
