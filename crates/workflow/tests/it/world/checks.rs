//! What must hold in every world: of each step, and at all times.

use super::*;

impl World {
    /// What must hold of every step.
    pub(super) fn check_step(&mut self, step: &Step) {
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
    pub(super) fn check(&self) {
        let mut folded = self.first.clone();
        for (event, at) in &self.log {
            folded.apply(event, *at);
        }
        folded.version = self.task.version;
        folded.updated_at = self.task.updated_at;
        assert_eq!(folded, self.task, "the log gives another state");
        let stages = &self.task.stages;
        assert!(stages.windows(2).all(|pair| pair[0].until == Some(pair[1].from)), "{stages:?}");

        // Repairs are bounded, each by a session of the crew, and none is open when a person decides.
        assert!(self.task.repair_rounds <= super::MAX_REPAIR_ROUNDS, "{:#?}", self.task.repairs);
        for repair in &self.task.repairs {
            let session = self.task.session(&repair.session).expect("the session of a repair");
            assert!(session.is_crew() && !repair.problems.is_empty());
        }
        if matches!(self.task.phase, Phase::ImplementationReview { landing: Landing::Undecided, .. }) {
            assert!(
                self.task.repairs.iter().all(|repair| repair.outcome.is_some()),
                "{:#?}",
                self.task.repairs
            );
        }

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
                || self.task.is_waiting_for_user()
                || self.task.paused.is_some();
        let unfinished = |effect: &&Queued| !effect.done && self.task.still_needs(&effect.row.effect);
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
            rests || acts || self.task.is_queued() || !self.task.awaiting_resources().is_empty(),
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

    /// What must hold of the crew at all times.
    fn check_crew(&self) {
        let task = &self.task;
        let at_work =
            task.sessions.iter().filter(|session| session.occupies_slot() && session.is_crew()).count();
        assert!(at_work <= task.max_parallel, "{at_work} sessions at work");
        let holds =
            |session: &&Session| session.occupies_slot() && task.resources_of(session).contains("simulator");
        assert!(task.sessions.iter().filter(holds).count() <= 1, "two sessions hold a resource: {task:#?}");
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
        self.check_reports();
        self.check_told();
        self.check_comments();
    }

    /// Nothing counts as done that was not reported, nothing works in a paused task, and the order has no gaps.
    fn check_reports(&self) {
        let task = &self.task;
        let graph = SessionGraph::of(task);
        for session in &task.sessions {
            let is_open = matches!(session.state, SessionState::Opening | SessionState::Working { .. });
            assert!(task.paused.is_none() || !is_open, "{} works in a paused task", session.name);
            assert_eq!(graph.status(session), task.session_status(session));
            assert_eq!(graph.blockers(session), task.blockers(session));
        }
        for unit in task.units() {
            let session = task.session_of_unit(unit.index);
            let is_completed = task.unit_status(unit.index) == UnitStatus::Completed;
            assert!(!is_completed || session.is_some_and(|session| session.unreported.is_empty()));
            assert!((0.0..=1.0).contains(&task.unit_progress(unit.index)));
        }
        assert!((0.0..=1.0).contains(&task.progress()));
    }

    /// A conversation rests because a person is to speak, and holds no place while it does.
    fn check_rest(&self) {
        let task = &self.task;
        for session in &task.sessions {
            if session.state == SessionState::Idle {
                assert!(task.converses(session), "{} waits for words in no conversation", session.name);
                assert!(session.messages.is_empty(), "{} was not told what a person said", session.name);
                assert!(task.waits_for(session).is_some());
            }
        }
        if !task.is_waiting_for_user() {
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
                assert_eq!(is_told, delivery.delivered.is_some(), "{event:#?}");
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

/// Stretches of time follow each other, and only the last of those that have not ended are open.
pub(super) fn check_past(past: &Timeline, task: &Task) {
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
