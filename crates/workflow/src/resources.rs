//! The resources that sessions hold while they work, such as a simulator: who needs which, and who gets them next.
//!
//! A session holds all of its resources from the opening of its worktree until its work is saved, and none while it waits: no session
//! that waits keeps another from its end, so that sessions never wait for each other in a circle.

use crate::order::SessionGraph;
use crate::{Input, Phase, ProjectId, Session, SessionId, SessionPhase, SessionStatus, Task, TaskId};
use std::collections::{BTreeMap, BTreeSet};

/// How many sessions may hold each resource at once, by project and name; a name that is absent is held by one.
pub type Capacities = BTreeMap<ProjectId, BTreeMap<String, usize>>;

impl Task {
    /// Returns the resources that a session needs, in the order of their names. A fork and an alternative need what the session needs
    /// that they continue from.
    pub fn resources_of(&self, session: &Session) -> BTreeSet<&str> {
        let mut found = session;
        // An origin is an earlier session, so that this ends.
        for _ in 0..self.sessions.len() {
            let origin = found
                .alternative_to
                .as_ref()
                .or_else(|| found.branched_from.as_ref().map(|point| &point.session))
                .filter(|_| found.unit.is_none());
            match origin.and_then(|origin| self.session(origin)) {
                Some(origin) => found = origin,
                None => break,
            }
        }
        if session.phase != SessionPhase::Implementation {
            return BTreeSet::new();
        }
        self.units_of(found).iter().flat_map(|unit| &unit.resources).map(String::as_str).collect()
    }

    /// Returns the sessions that could start if the resources that they need were free, those first that start first.
    pub fn awaiting_resources(&self) -> Vec<&Session> {
        let is_at_work =
            matches!(self.phase, Phase::Implementation { checking: false, .. }) && self.paused.is_none();
        if !is_at_work || self.is_over_budget() {
            return Vec::new();
        }
        let needs = |session: &&Session| {
            session.is_crew()
                && session.own_status() == SessionStatus::Pending
                && !self.resources_of(session).is_empty()
        };
        let mut needing: Vec<&Session> = self.sessions.iter().filter(needs).collect();
        if needing.is_empty() {
            return needing;
        }
        let graph = SessionGraph::of(self);
        needing.retain(|session| graph.status(session) == SessionStatus::Pending);
        needing.sort_by_key(|session| graph.start_key(session));
        needing
    }

    /// Returns whether a planned task needs a resource.
    pub fn needs_resources(&self) -> bool {
        self.units().iter().any(|unit| !unit.resources.is_empty())
    }

    /// Returns how many more of its sessions may run.
    pub(crate) fn free_slots(&self) -> usize {
        self.max_parallel
            .saturating_sub(self.sessions.iter().filter(|session| session.occupies_slot()).count())
    }
}

/// A session among those of all tasks.
#[derive(Clone, Copy)]
struct Member<'t> {
    task: &'t Task,
    session: &'t Session,
}

/// Returns the decision for every session that waits for a resource: it starts with all that it needs, or waits for a reason.
///
/// Sessions are served in the order in which they would start. What an earlier session waits for is kept for it, so that later ones
/// that need less do not overtake it for ever.
pub fn grants(live: &[Task], capacities: &Capacities) -> Vec<(TaskId, Input)> {
    let mut waiting = Vec::new();
    let mut holders: BTreeMap<(&ProjectId, &str), Vec<Member<'_>>> = BTreeMap::new();
    for task in live {
        for session in task.sessions.iter().filter(|session| session.occupies_slot()) {
            for resource in task.resources_of(session) {
                holders.entry((&task.project, resource)).or_default().push(Member { task, session });
            }
        }
        let graph = SessionGraph::of(task);
        let awaiting = task.awaiting_resources().into_iter();
        waiting.extend(awaiting.map(|session| (graph.start_key(session), Member { task, session })));
    }
    waiting.sort_by(|(one, a), (other, b)| (one, &a.session.id).cmp(&(other, &b.session.id)));
    let mut free: BTreeMap<&TaskId, usize> = live.iter().map(|task| (&task.id, task.free_slots())).collect();
    let mut kept: BTreeMap<(&ProjectId, &str), Member<'_>> = BTreeMap::new();
    let mut decisions = Vec::new();
    for (_, member) in waiting {
        let Member { task, session } = member;
        let slots = free.entry(&task.id).or_default();
        if *slots == 0 {
            continue;
        }
        let needed: Vec<(&ProjectId, &str)> =
            task.resources_of(session).into_iter().map(|resource| (&task.project, resource)).collect();
        let taken = needed.iter().find_map(|key| {
            let capacity = capacities.get(key.0).and_then(|all| all.get(key.1)).copied().unwrap_or(1);
            let held = holders.get(key).map_or(&[][..], Vec::as_slice);
            let holder = held.first().filter(|_| held.len() >= capacity);
            holder.map(|holder| (key.1, *holder, true)).or_else(|| Some((key.1, *kept.get(key)?, false)))
        });
        match taken {
            None => {
                *slots -= 1;
                for key in needed {
                    holders.entry(key).or_default().push(member);
                }
                decisions.push((task.id.clone(), Input::StartSession { session: session.id.clone() }));
            }
            Some((resource, holder, is_held)) => {
                for key in needed {
                    kept.entry(key).or_insert(member);
                }
                let reason = reason(resource, task, holder, is_held);
                if session.resource_wait.as_ref() != Some(&reason) {
                    let session: SessionId = session.id.clone();
                    decisions.push((task.id.clone(), Input::AwaitResource { session, reason }));
                }
            }
        }
    }
    decisions
}

fn reason(resource: &str, task: &Task, holder: Member<'_>, is_held: bool) -> String {
    let name = holder.session.display_name();
    let of = if holder.task.id == task.id {
        String::new()
    } else {
        format!(" of {:?} ({})", holder.task.name, holder.task.id)
    };
    if is_held {
        format!("Waiting for the resource {resource}: {name:?}{of} holds it.")
    } else {
        format!("Waiting for the resource {resource}: {name:?}{of} is next and waits for another one.")
    }
}
