//! Announces to sessions which of their conflicts begin and end.

use super::Latest;
use crate::App;
use crate::clock::Ulids;
use git::{Collision, CollisionState};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use workflow::{
    CoordinationEvent, CoordinationKind, EventId, Ids as _, Input, NewCoordination, SessionId, Task, TaskId,
};

/// How many files a sentence names.
const NAMED: usize = 3;

/// How a pair of sessions changed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// They conflict in these files, in some of which they did not before.
    Conflict { between: [String; 2], files: Vec<String> },
    /// They conflict no more.
    Resolved { between: [String; 2] },
    /// They touch other files together, without a conflict.
    Touched { between: [String; 2] },
}

impl Change {
    /// Returns whether a conflict ended.
    pub(super) fn is_end(&self) -> bool {
        matches!(self, Self::Resolved { .. })
    }

    pub(super) fn between(&self) -> &[String; 2] {
        match self {
            Self::Conflict { between, .. } | Self::Resolved { between } | Self::Touched { between } => {
                between
            }
        }
    }
}

/// Returns how the pairs of sessions differ from the last state.
pub(super) fn changes(before: &[Latest], after: &[Collision]) -> Vec<Change> {
    let mut changes = Vec::new();
    for collision in after {
        let known =
            before.iter().map(|latest| &latest.collision).find(|known| known.between == collision.between);
        let (had, has) = (known.map(conflicts).unwrap_or_default(), conflicts(collision));
        let between = collision.between.clone();
        if has.iter().any(|path| !had.contains(path)) {
            changes.push(Change::Conflict { between, files: has.into_iter().cloned().collect() });
        } else if has.is_empty() && !had.is_empty() {
            changes.push(Change::Resolved { between });
        } else if known != Some(collision) {
            changes.push(Change::Touched { between });
        }
    }
    for latest in before {
        let between = &latest.collision.between;
        if after.iter().any(|collision| collision.between == *between) {
            continue;
        }
        let between = between.clone();
        changes.push(if latest.collision.is_conflict() {
            Change::Resolved { between }
        } else {
            Change::Touched { between }
        });
    }
    changes
}

fn conflicts(collision: &Collision) -> Vec<&String> {
    let conflicting = collision.files.iter().filter(|file| file.state == CollisionState::Conflict);
    conflicting.map(|file| &file.path).collect()
}

/// Returns the files of conflicts with another session that were announced to a session and have not ended since.
fn announced_files<'e>(
    events: &'e [CoordinationEvent],
    session: &SessionId,
    other: &SessionId,
) -> BTreeSet<&'e str> {
    let mut announced = BTreeSet::new();
    for event in events.iter().filter(|event| event.to.as_ref() == Some(session)) {
        let collision = &event.data["collision"];
        if collision["with"] != other.as_str() {
            continue;
        }
        let files = collision["files"].as_array().into_iter().flatten().filter_map(Value::as_str);
        if event.kind == CoordinationKind::Blocking {
            announced.extend(files);
        } else {
            announced.clear();
        }
    }
    announced
}

/// Sends both sessions a message, delivered with their next turns, about a conflict that begins or ends. A file that was announced to a session is
/// left out, also when the server started since.
pub(super) async fn announce_collision(app: &App, tasks: &BTreeMap<TaskId, Task>, change: &Change) {
    let (kind, files) = match change {
        Change::Conflict { files, .. } => (CoordinationKind::Blocking, files.as_slice()),
        Change::Resolved { .. } => (CoordinationKind::Notification, &[][..]),
        Change::Touched { .. } => return,
    };
    let between = change.between().each_ref().map(|name| SessionId::from(name.as_str()));
    let named = |id: &SessionId| tasks.values().find_map(|task| Some((task, task.session(id)?)));
    for (id, other) in [(&between[0], &between[1]), (&between[1], &between[0])] {
        // A session that has ended reads no more.
        let Some((task, _)) = named(id) else { continue };
        let announced = announced_files(&task.coordination, id, other);
        let files: Vec<String> =
            files.iter().filter(|file| !announced.contains(file.as_str())).cloned().collect();
        let is_known = if change.is_end() { announced.is_empty() } else { files.is_empty() };
        if is_known {
            continue;
        }
        let other_name = named(other).map_or_else(|| other.to_string(), |(_, session)| session.name.clone());
        let message = match change {
            // A sentence that begins with the name of a session is laid out in the direction of that name's script.
            Change::Conflict { .. } => format!(
                "The session {other_name:?} changes the same lines in {}. Whichever is merged later has to resolve it.",
                some(&files)
            ),
            Change::Resolved { .. } | Change::Touched { .. } => {
                format!("The changes no longer conflict with those of {other_name:?}.")
            }
        };
        let event = NewCoordination {
            id: EventId(Ulids.next(EventId::PREFIX)),
            kind,
            from: task.session(other).map(|session| session.id.clone()),
            to: Some(id.clone()),
            by: None,
            message,
            data: json!({ "collision": { "with": other, "files": files } }),
            answers: None,
            // The session that merges later resolves the conflict during its merge, so this message starts no turn.
            before_merge: false,
            person_request: None,
        };
        if let Err(error) =
            app.orchestrator.decide(&task.id, Input::Coordinate { event: Box::new(event) }).await
        {
            tracing::warn!(%error, task = %task.id, "could not announce a collision");
        }
    }
}

fn some(files: &[String]) -> String {
    let named = files.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match files.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, announced_files, changes};
    use crate::worktrees::collisions::Latest;
    use git::{Collision, CollisionFile, CollisionState};
    use serde_json::json;
    use workflow::{CoordinationEvent, CoordinationKind, EventId, Millis, SessionId};

    fn collision(files: &[(&str, CollisionState)]) -> Collision {
        let file = |(path, state): &(&str, CollisionState)| CollisionFile {
            path: (*path).to_owned(),
            state: *state,
            reason: None,
            places: Vec::new(),
        };
        Collision { between: ["a", "b"].map(str::to_owned), files: files.iter().map(file).collect() }
    }

    fn after(before: Option<Collision>, after: Option<Collision>) -> Vec<Change> {
        let before: Vec<_> =
            before.into_iter().map(|collision| Latest { collision, since: Millis(0) }).collect();
        changes(&before, &after.into_iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_conflict_changes_when_files_are_added_and_when_it_ends() {
        use CollisionState::{BothTouch, Conflict};
        let between = ["a", "b"].map(str::to_owned);
        let (one, two) = (collision(&[("x", Conflict)]), collision(&[("x", Conflict), ("y", Conflict)]));
        let touched = collision(&[("x", BothTouch)]);
        let begun = |files: &[&str]| {
            let files = files.iter().map(|file| (*file).to_owned()).collect();
            vec![Change::Conflict { between: between.clone(), files }]
        };
        assert_eq!(after(None, Some(one.clone())), begun(&["x"]));
        assert_eq!(after(Some(one.clone()), Some(one.clone())), []);
        assert_eq!(after(Some(one.clone()), Some(two.clone())), begun(&["x", "y"]));
        assert_eq!(after(Some(two), Some(one.clone())), [Change::Touched { between: between.clone() }]);
        assert_eq!(
            after(Some(one.clone()), Some(touched.clone())),
            [Change::Resolved { between: between.clone() }]
        );
        assert_eq!(after(Some(one), None), [Change::Resolved { between: between.clone() }]);
        assert_eq!(after(Some(touched), None), [Change::Touched { between }]);
    }

    #[test]
    fn announced_files_are_read_from_the_coordination_log() {
        let [one, two] = ["stws_1", "stws_2"].map(SessionId::from);
        let event = |kind, to: &SessionId, with: &SessionId, files: &[&str]| CoordinationEvent {
            id: EventId("evt_1".to_owned()),
            kind,
            from: Some(with.clone()),
            to: Some(to.clone()),
            by: None,
            message: String::new(),
            data: json!({ "collision": { "with": with, "files": files } }),
            at: Millis(0),
            before_merge: false,
            deliveries: Vec::new(),
            answers: None,
            answered_by: None,
            person_request: None,
        };
        let mut log = vec![
            event(CoordinationKind::Blocking, &one, &two, &["x"]),
            event(CoordinationKind::Blocking, &one, &two, &["y"]),
            event(CoordinationKind::Blocking, &two, &one, &["z"]),
        ];
        assert_eq!(announced_files(&log, &one, &two).into_iter().collect::<Vec<_>>(), ["x", "y"]);
        assert!(announced_files(&log, &one, &SessionId::from("stws_3")).is_empty());
        log.push(event(CoordinationKind::Notification, &one, &two, &[]));
        assert!(
            announced_files(&log, &one, &two).is_empty(),
            "after the end of a conflict its files are announced again"
        );
    }
}
