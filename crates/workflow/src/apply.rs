//! Folds events into the state of a task.

use crate::session::{ConversationCost, cut_short};
use crate::{
    Ask, Comment, CommentId, CoordinationEvent, Decision, EndedTurn, Event, Interval, Landing, Millis,
    NewTask, Paused, Phase, PlannedSession, Planning, PlanningStep, Repair, RepairOutcome, RetryPoint,
    Session, SessionId, SessionState, Stage, StageInterval, Task, TaskEdit, TaskStatus, Usage, task::slug,
};

impl Task {
    /// Returns the task after its first event.
    pub fn created(new: &NewTask, now: Millis) -> Self {
        let new = new.clone();
        Self {
            id: new.id,
            project: new.project,
            owner: new.owner,
            short_id: new.short_id.clone(),
            branch_short_id: new.short_id,
            branch_slug: slug(&new.name),
            name: new.name,
            takes_title: new.takes_title,
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
            config: new.config,
            agent_options: new.agent_options,
            template: new.template,
            commit_frequency_minutes: None,
            phase: Phase::Backlog,
            sessions: Vec::new(),
            revisions: 0,
            queue_reason: None,
            last_error: None,
            attempts: 0,
            usage: Usage::default(),
            isolation: new.isolation,
            coordination: Vec::new(),
            comments: Vec::new(),
            paused: None,
            item_counts: Vec::new(),
            waiting_since: None,
            repairs: Vec::new(),
            repair_rounds: 0,
            stages: vec![StageInterval { stage: Stage::Backlog, from: now, until: None }],
            created_at: now,
            updated_at: now,
            started_at: None,
            completed_at: None,
            version: 0,
        }
    }

    /// Folds an event into the state.
    pub fn apply(&mut self, event: &Event, now: Millis) {
        self.fold(event, now);
        self.note_stage(now);
    }

    fn fold(&mut self, event: &Event, now: Millis) {
        match event {
            Event::TaskCreated { .. }
            | Event::HandedOff { .. }
            | Event::ProgressNoted { .. }
            | Event::Rebuilt => {}
            Event::RecordingSet { commit_frequency_minutes } => {
                self.commit_frequency_minutes = Some(*commit_frequency_minutes);
            }
            Event::TaskEdited { edit } => self.edit(edit.clone()),
            Event::Queued { reason, needs_person } => {
                self.queue_reason = Some(reason.clone());
                if let Phase::ImplementationReview {
                    landing: Landing::Merging { needs_person: now, .. },
                    ..
                } = &mut self.phase
                {
                    *now = *needs_person;
                }
            }
            Event::PlanningQueued { planning } => {
                self.waiting_since = Some(now);
                self.phase = match self.specs().cloned() {
                    Some(specs) => Phase::SpecRevision { specs, planning: planning.clone() },
                    None => Phase::SpecGeneration { planning: planning.clone() },
                };
            }
            Event::TemplateTaken { round } => {
                self.started_at.get_or_insert(now);
                self.last_error = None;
                self.waiting_since = None;
                let planning = Planning { round: *round, step: PlanningStep::Committing };
                self.phase = Phase::SpecGeneration { planning };
            }
            Event::PlanningStarted { round, .. } => {
                self.started_at.get_or_insert(now);
                self.queue_reason = None;
                self.last_error = None;
                self.waiting_since = None;
                let planning = Planning { round: *round, step: PlanningStep::Preparing };
                self.phase = Phase::SpecGeneration { planning };
            }
            Event::PlanningWriting { .. } => self.planning_step(PlanningStep::Writing),
            Event::PlanningCommitting { .. } => self.planning_step(PlanningStep::Committing),
            Event::DocumentsInvalid { session, .. } => {
                self.on_session(session, now, |session| session.reprompts += 1);
                self.planning_step(PlanningStep::Writing);
            }
            Event::SpecsReady { specs } => {
                self.last_error = None;
                self.take_title(specs);
                self.phase = Phase::SpecReview { specs: specs.clone() };
            }
            Event::DocumentsChanged { specs, by } => {
                let by = if by.is_empty() { "A commit on the branch" } else { by };
                let was_approved = self.approved().is_some();
                // Documents under review may change while the task is paused.
                if was_approved || self.paused.is_none() {
                    self.paused = None;
                    self.queue_reason = was_approved.then(|| {
                        format!("{by} changed the approved documents; approve them again to continue.")
                    });
                }
                self.take_title(specs);
                self.phase = Phase::SpecReview { specs: specs.clone() };
            }
            Event::SpecsReviewed { decision, round, points, .. } => {
                if *decision == Decision::RequestChanges {
                    self.revisions += 1;
                }
                for comment in self.comments.iter_mut().filter(|comment| points.contains(&comment.id)) {
                    comment.sent = Some(*round);
                }
            }
            Event::Commented { comment } => self.comments.push(Comment::clone(comment)),
            Event::CommentReplied { comment, reply } => {
                self.on_comment(comment, |comment| comment.replies.push(reply.clone()));
            }
            Event::CommentResolved { comment, resolved } => {
                self.on_comment(comment, |comment| comment.resolved.clone_from(resolved));
            }
            Event::SpecsApproved { approved } => {
                if self.paused.is_none() {
                    self.queue_reason = None;
                }
                self.item_counts.clear();
                // The branches are made from the approval on, and their names stay.
                self.takes_title = false;
                self.phase = Phase::SpecApproved { approved: approved.clone() };
            }
            Event::ImplementationQueued => {
                let approved = self.approved().cloned();
                self.waiting_since = Some(now);
                self.phase = Phase::ImplementationQueued { approved };
            }
            Event::ImplementationStarted => {
                let approved = self.approved().cloned();
                self.started_at.get_or_insert(now);
                self.queue_reason = None;
                self.last_error = None;
                self.waiting_since = None;
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
            Event::SessionAssigned { session, agent } => {
                self.on_session(session, now, |session| session.agent.clone_from(agent));
            }
            Event::SessionRenamed { session, name, description } => {
                self.on_session(session, now, |session| {
                    session.given_name = name.clone().or(session.given_name.take());
                    session.given_description = description.clone().or(session.given_description.take());
                });
            }
            Event::SessionOpening { session } => self.on_session(session, now, |session| {
                session.started_at.get_or_insert(now);
                session.last_error = None;
                session.resource_wait = None;
                session.worked.push(Interval { from: now, until: None });
                session.state = SessionState::Opening;
            }),
            Event::ResourceAwaited { session, reason } => {
                self.on_session(session, now, |session| session.resource_wait = Some(reason.clone()));
            }
            Event::TurnStarted { session, turn } => {
                self.mark_delivered(session, &turn.id, &turn.coordination, now);
                self.on_session(session, now, |session| {
                    session.started_at.get_or_insert(now);
                    if !matches!(session.worked.last(), Some(Interval { until: None, .. })) {
                        session.worked.push(Interval { from: now, until: None });
                    }
                    session.turns = turn.number;
                    session.next_ask = None;
                    session.completed_at = None;
                    session.messages.clear();
                    session.state = SessionState::Working { turn: turn.clone() };
                });
            }
            Event::TurnEnded {
                session, stop_reason, usage, conversation_usage, said, closing, plan, ..
            } => {
                if let Some(usage) = usage {
                    self.usage.add(usage);
                }
                self.on_session(session, now, |session| {
                    if said.is_some() {
                        session.last_words.clone_from(said);
                    }
                    if let Some(usage) = usage {
                        session.usage.add(usage);
                    }
                    if conversation_usage.is_some() {
                        session.conversation_usage.clone_from(conversation_usage);
                    }
                    if let Some(plan) = plan {
                        session.plan.clone_from(plan);
                    }
                    session.retries = 0;
                    session.retry_at = None;
                    session.cut_short =
                        if cut_short(stop_reason).is_some() { session.cut_short + 1 } else { 0 };
                    if let SessionState::Working { turn } = &session.state {
                        let (turn, stop_reason) = (turn.clone(), stop_reason.clone());
                        session.state = SessionState::Saving { turn, stop_reason, closing: *closing };
                    }
                });
            }
            Event::Spent { session, conversation, total_usd, usd } => {
                let usage = Usage { cost_usd: Some(*usd), ..Usage::default() };
                self.usage.add(&usage);
                self.on_session(session, now, |session| {
                    session.usage.add(&usage);
                    session.cost =
                        Some(ConversationCost { conversation: conversation.clone(), usd: *total_usd });
                });
            }
            Event::TurnFailed { session, failure, will_retry, retry_at, usage, .. } => {
                if let Some(usage) = usage {
                    self.usage.add(usage);
                }
                self.on_session(session, now, |session| {
                    if let Some(usage) = usage {
                        session.usage.add(usage);
                    }
                    session.last_error = Some(failure.clone());
                    session.retry_at = *retry_at;
                    if *will_retry {
                        session.retries += 1;
                    }
                });
            }
            Event::TurnRetried { session, .. } => {
                self.on_session(session, now, |session| session.retry_at = None);
            }
            Event::TurnParked { session, failure, until, .. } => {
                self.on_session(session, now, |session| {
                    session.last_error = Some(failure.clone());
                    session.retry_at = Some(*until);
                });
            }
            Event::TurnInterrupted { session, turn: interrupted, is_stop, .. } => {
                self.on_session(session, now, |session| {
                    if let SessionState::Working { turn } = &mut session.state
                        && turn.id == *interrupted
                    {
                        turn.is_interrupted = true;
                        turn.is_stopped |= is_stop;
                        session.retry_at = None;
                    }
                });
            }
            Event::PlanUpdated { session, plan } => {
                self.on_session(session, now, |session| {
                    let before = session.plan_share();
                    session.plan.clone_from(plan);
                    if session.plan_share() != before {
                        session.item_since = Some(now);
                    }
                });
            }
            Event::ItemsCounted { counts } => {
                let moved: Vec<SessionId> = counts
                    .iter()
                    .filter(|count| !self.item_counts.contains(count))
                    .filter_map(|count| self.session_of_unit(count.unit).map(|session| session.id.clone()))
                    .collect();
                for session in moved {
                    self.on_session(&session, now, |session| session.item_since = Some(now));
                }
                self.item_counts.clone_from(counts);
            }
            Event::TaskPaused { by } => {
                self.paused = Some(Paused { by: by.clone(), at: now });
                self.queue_reason = Some(format!("Paused by {by}. Resume it to continue."));
            }
            Event::TaskResumed { .. } => {
                self.paused = None;
                self.queue_reason = None;
            }
            Event::MessageQueued { session, message } => {
                self.on_session(session, now, |session| session.messages.push(message.clone()));
            }
            Event::MessageEdited { session, message, text } => self.on_session(session, now, |session| {
                if let Some(found) = session.messages.iter_mut().find(|found| found.id == *message) {
                    found.text.clone_from(text);
                }
            }),
            Event::MessageWithdrawn { session, message } => {
                self.on_session(session, now, |session| {
                    session.messages.retain(|found| found.id != *message);
                });
            }
            Event::Coordinated { coordination } => self.coordinated(coordination),
            Event::CoordinationRead { session, turn, events } => self.mark_read(session, turn, events, now),
            Event::SessionReopened { session } => self.on_session(session, now, |session| {
                session.completed_at = None;
                session.state = SessionState::Pending;
            }),
            Event::SessionChosen { session, instead_of } => self.chosen(session, instead_of, now),
            Event::ThreadMoved { session, status, failure } => self.on_session(session, now, |session| {
                session.state = SessionState::External { status: *status };
                session.completed_at = session.is_ended().then_some(now);
                session.last_error.clone_from(failure);
            }),
            Event::WorkCommitted { session, head, changed, report, is_silent } => {
                self.on_session(session, now, |session| {
                    session.reported.clone_from(&report.reported);
                    session.unreported.clone_from(&report.unreported);
                    session.silent_turns = if *is_silent { session.silent_turns + 1 } else { 0 };
                    if let SessionState::Saving { turn, .. } = &session.state {
                        session.ended.push(EndedTurn {
                            turn: turn.id.clone(),
                            number: turn.number,
                            commit: head.clone(),
                            changed: *changed,
                            messages: turn.messages.iter().map(|message| message.id.clone()).collect(),
                        });
                    }
                    if let Some(head) = head {
                        session.last_commit = Some(head.clone());
                    }
                    if *changed {
                        session.reprompts = 0;
                    }
                });
            }
            Event::SessionTold { session, ask } => {
                self.on_session(session, now, |session| session.next_ask = Some(ask.clone()));
            }
            Event::SessionAskedAgain { session, ask } => self.on_session(session, now, |session| {
                match ask {
                    Ask::ResolveConflict { .. } => session.conflicts += 1,
                    Ask::ReportItems { .. } => session.is_report_asked = true,
                    _ => session.reprompts += 1,
                }
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
                session.reset_retry_counters();
                session.last_error = None;
                session.completed_at = Some(now);
                session.state = SessionState::Completed;
            }),
            Event::SessionIdle { session, merged } => self.on_session(session, now, |session| {
                session.close_interval(now);
                session.merged = merged.clone().or(session.merged.take());
                session.reset_retry_counters();
                session.last_error = None;
                session.state = SessionState::Idle;
            }),
            Event::SessionFailed { session, failure } => {
                self.requeue_undelivered(session);
                self.on_session(session, now, |session| {
                    session.close_interval(now);
                    session.last_error = Some(failure.clone());
                    session.completed_at = Some(now);
                    session.state = SessionState::Failed { failure: failure.clone() };
                });
            }
            Event::SessionRetried { session } => self.on_session(session, now, |session| {
                session.reset_retry_counters();
                session.completed_at = None;
                session.state = SessionState::Pending;
            }),
            Event::SessionSkipped { session } => self.end_session(session, now, SessionState::Skipped),
            Event::SessionCancelled { session } => self.end_session(session, now, SessionState::Cancelled),
            Event::SessionPaused { session, why } => {
                self.requeue_undelivered(session);
                self.on_session(session, now, |session| {
                    session.close_interval(now);
                    session.next_ask = Some(crate::Ask::Continue { why: why.clone() });
                    session.state = SessionState::Pending;
                });
            }
            Event::ChecksStarted => {
                if let Phase::Implementation { checking, .. } = &mut self.phase {
                    *checking = true;
                }
            }
            Event::ChecksRan { .. } => {}
            Event::RepairStarted { repair } => {
                self.repair_rounds = repair.round;
                self.repairs.push(Repair::clone(repair));
                if let Phase::Implementation { checking, .. } = &mut self.phase {
                    *checking = false;
                }
            }
            Event::RepairsEnded { head, left } => {
                for repair in self.repairs.iter_mut().filter(|repair| repair.outcome.is_none()) {
                    let is_fixed = !repair.problems.iter().any(|problem| left.contains(&problem.name));
                    repair.outcome = Some(RepairOutcome { is_fixed, head: head.clone(), at: now });
                }
            }
            Event::ChangeReady { change } => {
                let approved = self.approved().cloned();
                self.paused = None;
                self.queue_reason = None;
                self.phase = Phase::ImplementationReview {
                    approved,
                    change: change.clone(),
                    landing: Landing::Undecided,
                };
            }
            Event::ImplementationReviewed { decision, by, acknowledged, .. } => {
                self.repair_rounds = 0;
                if let Phase::ImplementationReview { landing, .. } = &mut self.phase
                    && *decision == Decision::Approve
                {
                    let acknowledged = acknowledged.clone();
                    *landing =
                        Landing::Merging { by: by.clone(), at: now, acknowledged, needs_person: false };
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
                let (approved, change) = (self.approved().cloned(), self.change().cloned());
                self.queue_reason = None;
                self.last_error = None;
                self.completed_at = Some(now);
                self.phase = Phase::Done { approved, merged: Some(commit.clone()), change };
            }
            Event::Closed { .. } => {
                self.paused = None;
                let (approved, change) = (self.approved().cloned(), self.change().cloned());
                self.queue_reason = None;
                self.completed_at = Some(now);
                self.phase = Phase::Done { approved, merged: None, change };
            }
            Event::SpecFailed { failure } => self.fail_specs(failure.clone()),
            Event::ImplementationFailed { failure } => {
                self.paused = None;
                let approved = self.approved().cloned();
                self.queue_reason = None;
                self.last_error = Some(failure.clone());
                self.phase = Phase::ImplementationFailed { approved, failure: failure.clone() };
            }
            Event::Retried { .. } => {
                self.paused = None;
                self.attempts += 1;
                self.repair_rounds = 0;
                self.last_error = None;
                self.waiting_since = Some(now);
                if let Phase::SpecFailed { specs, stuck, .. } = &self.phase {
                    self.phase = match (stuck.clone(), specs.clone()) {
                        (RetryPoint::Planning(planning), Some(specs)) => {
                            Phase::SpecRevision { specs, planning }
                        }
                        (RetryPoint::Planning(planning), None) => Phase::SpecGeneration { planning },
                        (RetryPoint::HandOff(approved), _) => Phase::SpecApproved { approved },
                    };
                }
            }
            Event::Cancelled { .. } => {
                self.paused = None;
                let (approved, specs) = (self.approved().cloned(), self.specs().cloned());
                self.queue_reason = None;
                self.completed_at = Some(now);
                self.phase = Phase::Cancelled { was: self.status(), approved, specs };
            }
            Event::Reopened { to, .. } => {
                let (approved, specs) = (self.approved().cloned(), self.specs().cloned());
                self.completed_at = None;
                self.last_error = None;
                self.phase = match (to, approved, specs) {
                    (TaskStatus::SpecApproved, Some(approved), _) => Phase::SpecApproved { approved },
                    (TaskStatus::ImplementationQueued, approved, _) => {
                        Phase::ImplementationQueued { approved }
                    }
                    (TaskStatus::SpecReview, _, Some(specs)) => Phase::SpecReview { specs },
                    _ => Phase::Backlog,
                };
            }
        }
    }

    fn edit(&mut self, edit: TaskEdit) {
        let TaskEdit {
            name,
            description,
            priority,
            labels,
            depends_on,
            budget,
            archived,
            config,
            agent_options,
        } = edit;
        if let Some(name) = name {
            self.takes_title = false;
            self.name = name;
        }
        self.description = description.unwrap_or(std::mem::take(&mut self.description));
        self.priority = priority.unwrap_or(self.priority);
        self.labels = labels.unwrap_or(std::mem::take(&mut self.labels));
        self.depends_on = depends_on.unwrap_or(std::mem::take(&mut self.depends_on));
        self.budget = budget.or(self.budget);
        self.archived = archived.unwrap_or(self.archived);
        self.config = config.or(self.config.take());
        self.agent_options = agent_options.unwrap_or(std::mem::take(&mut self.agent_options));
    }

    fn fail_specs(&mut self, failure: crate::Failure) {
        let stuck = match &self.phase {
            Phase::SpecApproved { approved } => RetryPoint::HandOff(approved.clone()),
            Phase::SpecGeneration { planning } | Phase::SpecRevision { planning, .. } => {
                RetryPoint::Planning(Planning { step: PlanningStep::Waiting, ..planning.clone() })
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
                RetryPoint::Planning(Planning { round: self.revisions + 1, step: PlanningStep::Waiting })
            }
        };
        let specs = self.specs().cloned();
        self.paused = None;
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

    fn on_comment(&mut self, id: &CommentId, change: impl FnOnce(&mut Comment)) {
        if let Some(comment) = self.comments.iter_mut().find(|comment| comment.id == *id) {
            change(comment);
        }
    }

    /// Links an answer to the request that it answers.
    fn coordinated(&mut self, event: &CoordinationEvent) {
        let asked = event.answers.as_ref();
        if let Some(request) = self.coordination.iter_mut().find(|other| Some(&other.id) == asked) {
            request.answered_by = Some(event.id.clone());
        }
        self.coordination.push(event.clone());
    }

    /// Replaces the other alternatives by the chosen session: it carries out their planned task, and their dependents depend on it.
    fn chosen(&mut self, chosen: &SessionId, instead_of: &[SessionId], now: Millis) {
        let unit = instead_of.iter().filter_map(|id| self.session(id)).find_map(|session| session.unit);
        for session in &mut self.sessions {
            if session.id == *chosen {
                session.unit = session.unit.or(unit);
                session.alternative_to = None;
                session.updated_at = now;
            } else if instead_of.contains(&session.id) {
                session.unit = None;
                session.alternative_to = None;
                session.superseded_by = Some(chosen.clone());
            }
        }
        // What was spawned from the others ends with them. One whose turn has ended in a conversation is open, too, although
        // others can build on it until then.
        let is_given_up = |session: &&Session| {
            !matches!(session.state, SessionState::Completed | SessionState::Skipped)
                && self.superseded_by(session).is_some_and(|instead| instead == chosen)
        };
        let given_up: Vec<SessionId> =
            self.sessions.iter().filter(is_given_up).map(|session| session.id.clone()).collect();
        for session in &mut self.sessions {
            if session.depends_on.iter().any(|needed| given_up.contains(needed)) {
                session.depends_on.retain(|needed| !given_up.contains(needed) && needed != chosen);
                if session.id != *chosen {
                    session.depends_on.push(chosen.clone());
                }
            }
        }
    }

    fn end_session(&mut self, id: &SessionId, now: Millis, state: SessionState) {
        self.requeue_undelivered(id);
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

    /// Returns the one with more tokens of two reports of the same.
    #[must_use]
    pub fn larger(self, other: Option<Usage>) -> Usage {
        let tokens = |usage: &Usage| usage.input_tokens + usage.output_tokens;
        match other {
            Some(other) if tokens(&other) > tokens(&self) => {
                Usage { cost_usd: other.cost_usd.or(self.cost_usd), ..other }
            }
            _ => self,
        }
    }

    /// Returns what was spent since an earlier sum; none where a part of it is less than it was.
    pub fn since(&self, earlier: &Usage) -> Option<Usage> {
        Some(Usage {
            input_tokens: self.input_tokens.checked_sub(earlier.input_tokens)?,
            output_tokens: self.output_tokens.checked_sub(earlier.output_tokens)?,
            cached_tokens: self.cached_tokens.checked_sub(earlier.cached_tokens)?,
            cost_usd: match (self.cost_usd, earlier.cost_usd) {
                (Some(now), Some(earlier)) if now < earlier => return None,
                (Some(now), earlier) => Some(now - earlier.unwrap_or(0.0)),
                (None, _) => None,
            },
        })
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
        given_name: None,
        given_description: None,
        phase: plan.phase,
        agent: plan.agent,
        method: plan.method,
        unit: plan.unit,
        parent: plan.parent,
        depends_on: plan.depends_on,
        rank: plan.rank,
        started_at: plan.external_thread.as_ref().map(|_| now),
        state: match &plan.external_thread {
            Some(_) => SessionState::External { status: crate::ThreadStatus::Active },
            None if plan.is_conversation => SessionState::Idle,
            None => SessionState::Pending,
        },
        external_thread: plan.external_thread,
        is_conversation: plan.is_conversation,
        branch: plan.branch,
        turns: 0,
        retries: 0,
        reprompts: 0,
        cut_short: 0,
        conflicts: 0,
        messages: Vec::new(),
        next_ask: plan.next_ask,
        last_commit: None,
        merged: None,
        last_error: None,
        usage: Usage::default(),
        conversation_usage: None,
        cost: None,
        wish: plan.wish,
        branched_from: plan.branched_from,
        alternative_to: plan.alternative_to,
        superseded_by: None,
        ended: Vec::new(),
        last_words: None,
        plan: Vec::new(),
        reported: Vec::new(),
        unreported: Vec::new(),
        is_report_asked: false,
        silent_turns: 0,
        item_since: None,
        resource_wait: None,
        retry_at: None,
        worked: Vec::new(),
        created_at: now,
        updated_at: now,
        completed_at: None,
    }
}
