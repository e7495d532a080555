//! People, who ask for anything at any time.

use super::*;

impl World {
    pub(super) fn person(&mut self) {
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
        let input = match self.roll(21) {
            0..=3 => {
                let decision = decision(self.roll(4));
                let hash = (self.roll(3) == 0).then(|| self.documents.to_string());
                Input::ReviewSpecs {
                    decision,
                    by,
                    comments,
                    changes: Vec::new(),
                    hash,
                    run_again: Vec::new(),
                }
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
                let commit = (self.roll(3) == 0).then(|| Commit("another".to_owned()));
                let allow_empty = self.roll(2) == 0;
                Input::ReviewImplementation {
                    decision,
                    by,
                    comments,
                    acknowledged,
                    line_comments,
                    commit,
                    allow_empty,
                }
            }
            7 | 8 => Input::Retry { by },
            9 => Input::RetrySession { session },
            10 => Input::SkipSession { session },
            11 => Input::CancelSession { session },
            12 => {
                let id = MessageId::fresh(&mut self.ids);
                let interrupt = turn_of(&self.task);
                Input::Say {
                    session,
                    id,
                    turn,
                    by,
                    text: "look here".to_owned(),
                    attachments: Vec::new(),
                    interrupt,
                }
            }
            13 => {
                self.documents += 1;
                let round = self.task.specs().map_or(1, |specs| specs.round);
                Input::DocumentsChanged { specs: self.specs(round), by }
            }
            14 if self.roll(6) == 0 => Input::Cancel { by },
            14 if self.roll(3) == 0 => Input::Close { by },
            14 => Input::Finish,
            19 => Input::Pause { by },
            20 => Input::Resume { by },
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
        let input = match self.roll(14) {
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
                    person_request: None,
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
            13 => Input::StopTurn { session, by },
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
                    wish: SessionRequest::default(),
                };
                Input::ThreadReported { thread: Box::new(thread), limits }
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
        let wish = SessionRequest {
            priority: priorities[self.roll(3)],
            effort: efforts[self.roll(3)],
            ..SessionRequest::default()
        };
        NewSession {
            name: format!("Extra {id}"),
            description: "More to do".to_owned(),
            agent: None,
            depends_on,
            wish,
            is_conversation: self.roll(4) == 0,
            id,
        }
    }

    /// A session among alternatives that a person may choose.
    pub(super) fn undecided(&self) -> Option<SessionId> {
        let is_open = |session: &&Session| {
            !self.task.alternatives(session).is_empty()
                && self.task.session_status(session) != SessionStatus::Cancelled
        };
        self.task.sessions.iter().find(is_open).map(|session| session.id.clone())
    }
}
