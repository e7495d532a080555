//! Folding an event into the state: what a task is after something happened.

use crate::{
    Decision, Event, Interval, Landing, Millis, NewTask, Phase, PlannedSession, Planning, PlanningStep,
    Session, SessionId, SessionState, Stuck, Task, TaskEdit, Usage, task::slug,
};

impl Task {
    /// The task as its first event leaves it.
    pub fn created(new: &NewTask, now: Millis) -> Self {
        let new = new.clone();
        Self {
            id: new.id,
            project: new.project,
            owner: new.owner,
            branch_slug: slug(&new.name),
            name: new.name,
            description: new.description,
            kind: new.kind,
            priority: new.priority,
            complexity: new.complexity,
            prompt: new.prompt,
            spec_agent: new.spec_agent,
            implementation_agent: new.implementation_agent,
            base_branch: new.base_branch,
            labels: new.labels,
            depends_on: new.depends_on,
            budget: new.budget,
            workspace_config: new.workspace_config,
            archived: false,
            max_parallel: new.max_parallel.max(1),
            planned: new.planned,
            phase: Phase::Backlog,
            sessions: Vec::new(),
            revisions: 0,
            queue_reason: None,
            last_error: None,
            attempts: 0,
            usage: Usage::default(),
            created_at: now,
            updated_at: now,
            started_at: None,
            completed_at: None,
            version: 0,
        }
    }

    /// Folds what happened into the state.
    pub fn apply(&mut self, event: &Event, now: Millis) {
        match event {
            Event::TaskCreated { .. } | Event::HandedOff { .. } => {}
            Event::TaskEdited { edit } => self.edit(edit.clone()),
            Event::Queued { reason } => self.queue_reason = Some(reason.clone()),
            Event::PlanningQueued { planning } => {
                self.started_at.get_or_insert(now);
                self.phase = match self.specs().cloned() {
                    Some(specs) => Phase::SpecRevision { specs, planning: planning.clone() },
                    None => Phase::SpecGeneration { planning: planning.clone() },
                };
            }
            Event::PlanningStarted { round, .. } => {
                self.queue_reason = None;
                self.last_error = None;
                let planning = Planning { round: *round, step: PlanningStep::Preparing };
                self.phase = Phase::SpecGeneration { planning };
            }
            Event::PlanningWriting { .. } => self.planning_step(PlanningStep::Writing),
            Event::PlanningCommitting { .. } => self.planning_step(PlanningStep::Committing),
            Event::DocumentsInvalid { session, .. } => {
                self.on_session(session, now, |session| session.asks += 1);
                self.planning_step(PlanningStep::Writing);
            }
            Event::SpecsReady { specs } => {
                self.last_error = None;
                self.phase = Phase::SpecReview { specs: specs.clone() };
            }
            Event::DocumentsChanged { specs, .. } => {
                self.queue_reason = None;
                self.phase = Phase::SpecReview { specs: specs.clone() };
            }
            Event::SpecsReviewed { decision, .. } => {
                if *decision == Decision::RequestChanges {
                    self.revisions += 1;
                }
            }
            Event::SpecsApproved { approved } => {
                self.queue_reason = None;
                self.phase = Phase::SpecApproved { approved: approved.clone() };
            }
            Event::ImplementationQueued => {
                let approved = self.approved().cloned();
                self.started_at.get_or_insert(now);
                self.phase = Phase::ImplementationQueued { approved };
            }
            Event::ImplementationStarted => {
                let approved = self.approved().cloned();
                self.queue_reason = None;
                self.last_error = None;
                self.phase = Phase::Implementation { approved, checking: false };
            }
            Event::SessionPlanned { session } => self.sessions.push(planned(session, now)),
            Event::SessionReplanned { session, unit, name, description, depends_on, rank } => {
                self.on_session(session, now, |session| {
                    session.unit = Some(*unit);
                    session.name.clone_from(name);
                    session.description.clone_from(description);
                    session.depends_on.clone_from(depends_on);
                    session.rank = *rank;
                });
            }
            Event::SessionOpening { session } => self.on_session(session, now, |session| {
                session.started_at.get_or_insert(now);
                session.last_error = None;
                session.worked.push(Interval { from: now, until: None });
                session.state = SessionState::Opening;
            }),
            Event::TurnStarted { session, turn } => self.on_session(session, now, |session| {
                session.started_at.get_or_insert(now);
                if !matches!(session.worked.last(), Some(Interval { until: None, .. })) {
                    session.worked.push(Interval { from: now, until: None });
                }
                session.turns = turn.number;
                session.next_ask = None;
                session.completed_at = None;
                session.messages.clear();
                session.state = SessionState::Working { turn: turn.clone() };
            }),
            Event::TurnEnded { session, stop_reason, usage, .. } => {
                if let Some(usage) = usage {
                    self.usage.add(usage);
                }
                self.on_session(session, now, |session| {
                    if let Some(usage) = usage {
                        session.usage.add(usage);
                    }
                    session.heals = 0;
                    if let SessionState::Working { turn } = &session.state {
                        let (turn, stop_reason) = (turn.clone(), stop_reason.clone());
                        session.state = SessionState::Saving { turn, stop_reason };
                    }
                });
            }
            Event::TurnFailed { session, failure, heals, .. } => self.on_session(session, now, |session| {
                session.last_error = Some(failure.clone());
                if *heals {
                    session.heals += 1;
                }
            }),
            Event::TurnInterrupted { .. } => {}
            Event::MessageQueued { session, message } => {
                self.on_session(session, now, |session| session.messages.push(message.clone()));
            }
            Event::WorkCommitted { session, head, changed } => self.on_session(session, now, |session| {
                if let Some(head) = head {
                    session.last_commit = Some(head.clone());
                }
                if *changed {
                    session.asks = 0;
                }
            }),
            Event::SessionTold { session, ask } => {
                self.on_session(session, now, |session| session.next_ask = Some(ask.clone()));
            }
            Event::SessionAskedAgain { session, ask } => self.on_session(session, now, |session| {
                session.asks += 1;
                session.next_ask = Some(ask.clone());
            }),
            Event::SessionReadyToMerge { session } => self.on_session(session, now, |session| {
                session.close_interval(now);
                session.state = SessionState::WaitingToMerge;
            }),
            Event::SessionMerging { session } => {
                self.on_session(session, now, |session| session.state = SessionState::Merging);
            }
            Event::SessionCompleted { session, merged } => self.on_session(session, now, |session| {
                session.close_interval(now);
                session.merged = merged.clone().or(session.merged.take());
                session.asks = 0;
                session.heals = 0;
                session.last_error = None;
                session.completed_at = Some(now);
                session.state = SessionState::Completed;
            }),
            Event::SessionFailed { session, failure } => self.on_session(session, now, |session| {
                session.close_interval(now);
                session.last_error = Some(failure.clone());
                session.completed_at = Some(now);
                session.state = SessionState::Failed { failure: failure.clone() };
            }),
            Event::SessionRetried { session } => self.on_session(session, now, |session| {
                session.heals = 0;
                session.asks = 0;
                session.completed_at = None;
                session.state = SessionState::Pending;
            }),
            Event::SessionSkipped { session } => self.end_session(session, now, SessionState::Skipped),
            Event::SessionCancelled { session } => self.end_session(session, now, SessionState::Cancelled),
            Event::SessionPaused { session, why } => self.on_session(session, now, |session| {
                session.close_interval(now);
                session.next_ask = Some(crate::Ask::Continue { why: why.clone() });
                session.state = SessionState::Pending;
            }),
            Event::ChecksStarted => {
                if let Phase::Implementation { checking, .. } = &mut self.phase {
                    *checking = true;
                }
            }
            Event::ChecksRan { .. } => {}
            Event::ChangeReady { change } => {
                let approved = self.approved().cloned();
                self.queue_reason = None;
                self.phase = Phase::ImplementationReview {
                    approved,
                    change: change.clone(),
                    landing: Landing::Undecided,
                };
            }
            Event::ImplementationReviewed { decision, by, .. } => {
                if let Phase::ImplementationReview { landing, .. } = &mut self.phase
                    && *decision == Decision::Approve
                {
                    *landing = Landing::Merging { by: by.clone(), at: now };
                }
            }
            Event::LandingHeld { failure } => {
                self.last_error = Some(failure.clone());
                self.queue_reason = None;
                if let Phase::ImplementationReview { landing, .. } = &mut self.phase {
                    *landing = Landing::Undecided;
                }
            }
            Event::Landed { commit } => {
                let approved = self.approved().cloned();
                self.queue_reason = None;
                self.last_error = None;
                self.completed_at = Some(now);
                self.phase = Phase::Done { approved, merged: Some(commit.clone()) };
            }
            Event::Closed { .. } => {
                let approved = self.approved().cloned();
                self.queue_reason = None;
                self.completed_at = Some(now);
                self.phase = Phase::Done { approved, merged: None };
            }
            Event::SpecFailed { failure } => self.fail_specs(failure.clone()),
            Event::ImplementationFailed { failure } => {
                let approved = self.approved().cloned();
                self.queue_reason = None;
                self.last_error = Some(failure.clone());
                self.phase = Phase::ImplementationFailed { approved, failure: failure.clone() };
            }
            Event::Retried { .. } => {
                self.attempts += 1;
                self.last_error = None;
                if let Phase::SpecFailed { specs, stuck, .. } = &self.phase {
                    self.phase = match (stuck.clone(), specs.clone()) {
                        (Stuck::Planning(planning), Some(specs)) => Phase::SpecRevision { specs, planning },
                        (Stuck::Planning(planning), None) => Phase::SpecGeneration { planning },
                        (Stuck::HandOff(approved), _) => Phase::SpecApproved { approved },
                    };
                }
            }
            Event::Cancelled { .. } => {
                let (approved, specs) = (self.approved().cloned(), self.specs().cloned());
                self.queue_reason = None;
                self.completed_at = Some(now);
                self.phase = Phase::Cancelled { was: self.status(), approved, specs };
            }
        }
    }

    fn edit(&mut self, edit: TaskEdit) {
        let TaskEdit { name, description, priority, labels, depends_on, budget, archived } = edit;
        self.name = name.unwrap_or(std::mem::take(&mut self.name));
        self.description = description.unwrap_or(std::mem::take(&mut self.description));
        self.priority = priority.unwrap_or(self.priority);
        self.labels = labels.unwrap_or(std::mem::take(&mut self.labels));
        self.depends_on = depends_on.unwrap_or(std::mem::take(&mut self.depends_on));
        self.budget = budget.or(self.budget);
        self.archived = archived.unwrap_or(self.archived);
    }

    fn fail_specs(&mut self, failure: crate::Failure) {
        let stuck = match &self.phase {
            Phase::SpecApproved { approved } => Stuck::HandOff(approved.clone()),
            Phase::SpecGeneration { planning } | Phase::SpecRevision { planning, .. } => {
                Stuck::Planning(Planning { step: PlanningStep::Waiting, ..planning.clone() })
            }
            Phase::Backlog
            | Phase::SpecReview { .. }
            | Phase::ImplementationQueued { .. }
            | Phase::Implementation { .. }
            | Phase::ImplementationReview { .. }
            | Phase::Done { .. }
            | Phase::SpecFailed { .. }
            | Phase::ImplementationFailed { .. }
            | Phase::Cancelled { .. } => {
                Stuck::Planning(Planning { round: self.revisions + 1, step: PlanningStep::Waiting })
            }
        };
        let specs = self.specs().cloned();
        self.queue_reason = None;
        self.last_error = Some(failure.clone());
        self.phase = Phase::SpecFailed { specs, failure, stuck };
    }

    fn planning_step(&mut self, to: PlanningStep) {
        if let Phase::SpecGeneration { planning } = &mut self.phase {
            planning.step = to;
        }
    }

    fn on_session(&mut self, id: &SessionId, now: Millis, change: impl FnOnce(&mut Session)) {
        if let Some(session) = self.sessions.iter_mut().find(|session| session.id == *id) {
            session.updated_at = now;
            change(session);
        }
    }

    fn end_session(&mut self, id: &SessionId, now: Millis, state: SessionState) {
        self.on_session(id, now, |session| {
            session.close_interval(now);
            session.completed_at = Some(now);
            session.state = state;
        });
    }
}

impl Session {
    fn close_interval(&mut self, now: Millis) {
        if let Some(interval @ Interval { until: None, .. }) = self.worked.last_mut() {
            interval.until = Some(now);
        }
    }
}

impl Usage {
    /// Adds what a turn spent.
    pub fn add(&mut self, other: &Usage) {
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cached_tokens += other.cached_tokens;
        self.cost_usd = match (self.cost_usd, other.cost_usd) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0.0) + b.unwrap_or(0.0)),
        };
    }
}

fn planned(plan: &PlannedSession, now: Millis) -> Session {
    let plan = plan.clone();
    Session {
        id: plan.id,
        helix_session: plan.helix_session,
        thread: plan.thread,
        name: plan.name,
        description: plan.description,
        phase: plan.phase,
        agent: plan.agent,
        method: plan.method,
        unit: plan.unit,
        parent: plan.parent,
        depends_on: plan.depends_on,
        rank: plan.rank,
        state: SessionState::Pending,
        branch: plan.branch,
        turns: 0,
        heals: 0,
        asks: 0,
        messages: Vec::new(),
        next_ask: plan.next_ask,
        last_commit: None,
        merged: None,
        last_error: None,
        usage: Usage::default(),
        worked: Vec::new(),
        created_at: now,
        updated_at: now,
        started_at: None,
        completed_at: None,
    }
}
