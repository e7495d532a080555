//! A task without a plan whose one session is at work: inputs go in, what a person would read comes out.

use crate::fresh::{self, Counter};
use std::fmt::Write as _;
use workflow::*;

/// A task without a plan whose one session is at work, and what happened since.
pub(crate) struct Story {
    pub(crate) task: Task,
    pub(crate) ids: Counter,
    pub(crate) now: i64,
    pub(crate) read: String,
}

pub(crate) const LIMITS: CrewLimits = CrewLimits { depth: 1, children: 2, sessions: 5 };

impl Story {
    pub(crate) fn new(isolation: Isolation) -> Self {
        let mut ids = Counter::default();
        let new = NewTask { isolation, ..fresh::task("Write the book", TaskKind::Batch) };
        let step = Task::create(new, true, &mut Context { now: Millis(0), ids: &mut ids }).expect("a task");
        let mut story = Self { task: step.task, ids, now: 0, read: String::new() };
        story.goes(Input::Admit);
        story.opens("Write the book");
        story.read.clear();
        story
    }

    pub(crate) fn goes(&mut self, input: Input) {
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

    pub(crate) fn id(&self, name: &str) -> SessionId {
        self.task.sessions.iter().find(|session| session.name == name).expect("a session").id.clone()
    }

    pub(crate) fn opens(&mut self, name: &str) {
        let session = self.id(name);
        self.goes(Input::WorktreeOpened { session });
    }

    /// The session's turn ends, and what it left is committed.
    pub(crate) fn ends(&mut self, name: &str) {
        self.ends_so(name, "end_turn");
    }

    pub(crate) fn ends_so(&mut self, name: &str, stop_reason: &str) {
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
    pub(crate) fn commits(&mut self, name: &str, report: WorkReport) {
        let session = self.id(name);
        let turn = self.task.session(&session).and_then(Session::turn).expect("a turn").id.clone();
        let head = Some(Commit("c".to_owned()));
        self.goes(Input::WorkCommitted { session, turn, head, changed: true, report });
    }

    /// The session's turn ends with what its agent sent last, and what it reported.
    pub(crate) fn closes(&mut self, name: &str, closing: Closing, report: WorkReport) {
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

    pub(crate) fn turn(&self, name: &str) -> Turn {
        self.task.session(&self.id(name)).and_then(Session::turn).expect("a turn").clone()
    }

    pub(crate) fn merges(&mut self, name: &str) {
        let outcome = MergeOutcome::Merged { commit: Commit("m".to_owned()) };
        self.goes(Input::SessionMerged { session: self.id(name), outcome });
    }

    pub(crate) fn conflicts(&mut self, name: &str) {
        let outcome =
            MergeOutcome::Conflict { files: vec!["a.md".to_owned()], details: "both sides".to_owned() };
        self.goes(Input::SessionMerged { session: self.id(name), outcome });
    }

    pub(crate) fn state(&self, name: &str) -> SessionState {
        self.task.session(&self.id(name)).expect("a session").state.clone()
    }

    /// The class of the failure that a person is shown.
    pub(crate) fn failure(&self, name: &str) -> Option<FailureClass> {
        match self.state(name) {
            SessionState::Failed { failure } => Some(failure.class),
            _ => None,
        }
    }

    pub(crate) fn new_session(&mut self, name: &str) -> NewSession {
        NewSession {
            id: SessionId::fresh(&mut self.ids),
            name: name.to_owned(),
            description: format!("{name}, please"),
            agent: None,
            depends_on: Vec::new(),
            wish: SessionRequest::default(),
            is_conversation: false,
        }
    }

    pub(crate) fn spawns(&mut self, parent: &str, name: &str, depends_on: &[&str]) {
        let mut session = self.new_session(name);
        session.depends_on = depends_on.iter().map(|name| self.id(name)).collect();
        self.goes(Input::Spawn {
            parent: self.id(parent),
            session: Box::new(session),
            by: None,
            limits: LIMITS,
        });
    }

    pub(crate) fn says(&mut self, name: &str, text: &str) {
        let (id, turn) = (MessageId::fresh(&mut self.ids), TurnId::fresh(&mut self.ids));
        let (session, by) = (self.id(name), "ada".to_owned());
        self.goes(Input::Say {
            session,
            id,
            turn,
            by,
            text: text.to_owned(),
            attachments: Vec::new(),
            interrupt: false,
        });
    }

    pub(crate) fn waits(&self, name: &str) -> Option<String> {
        let session = self.task.session(&self.id(name)).expect("a session");
        self.task.waits_for(session)
    }
}
