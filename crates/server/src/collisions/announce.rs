//! Tells of collisions that begin and end.

use super::Latest;
use crate::App;
use crate::clock::Ulids;
use git::{Collision, CollisionState};
use serde_json::json;
use std::collections::BTreeMap;
use workflow::{CoordinationKind, EventId, Ids as _, Input, NewCoordination, SessionId, Task, TaskId};

/// How many files a sentence names.
const NAMED: usize = 3;

/// What became of two sessions.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// They conflict in files in which they did not before.
    Conflict { between: [String; 2], files: Vec<String> },
    /// They conflict no more.
    Resolved { between: [String; 2] },
    /// They touch other files together, without a conflict.
    Touched { between: [String; 2] },
}

impl Change {
    /// Whether a conflict ended.
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

/// What is different from what was known.
pub(super) fn changes(before: &[Latest], after: &[Collision]) -> Vec<Change> {
    let mut changes = Vec::new();
    for collision in after {
        let known =
            before.iter().map(|latest| &latest.collision).find(|known| known.between == collision.between);
        let (had, has) = (known.map(conflicts).unwrap_or_default(), conflicts(collision));
        let between = collision.between.clone();
        let fresh: Vec<String> =
            has.iter().filter(|path| !had.contains(path)).map(|path| (*path).clone()).collect();
        if !fresh.is_empty() {
            changes.push(Change::Conflict { between, files: fresh });
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

/// Tells both sessions, with their next turns, of a conflict that begins or ends.
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
        let other_name = named(other).map_or_else(|| other.to_string(), |(_, session)| session.name.clone());
        let message = match change {
            Change::Conflict { .. } => format!(
                "{other_name:?} changes the same lines in {}. Whichever is merged later has to resolve it.",
                some(files)
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
            // Whoever merges later resolves it then; it is no reason for a turn of its own.
            before_merge: false,
        };
        if let Err(error) =
            app.orchestrator.decide(&task.id, Input::Coordinate { event: Box::new(event) }).await
        {
            tracing::warn!(%error, task = %task.id, "could not tell of a collision");
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
    use super::{Change, changes};
    use crate::collisions::Latest;
    use git::{Collision, CollisionFile, CollisionState};
    use workflow::Millis;

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
    fn a_conflict_is_told_once_for_each_file_and_when_it_ends() {
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
        assert_eq!(after(Some(one.clone()), Some(two)), begun(&["y"]));
        assert_eq!(
            after(Some(one.clone()), Some(touched.clone())),
            [Change::Resolved { between: between.clone() }]
        );
        assert_eq!(after(Some(one), None), [Change::Resolved { between: between.clone() }]);
        assert_eq!(after(Some(touched), None), [Change::Touched { between }]);
    }
}
