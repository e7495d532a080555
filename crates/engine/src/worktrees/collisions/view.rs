//! Collisions as clients see them.

use crate::clock::rfc3339;
use git::{Collision, CollisionFile, Lines};
use protocol::words::CollisionState;
use protocol::{CollidingFile, CollidingLines, CollidingSide, Collisions, SessionCollision};
use secrets::Redactor;
use workflow::Millis;

/// How many files of two sessions are listed; those that conflict come first.
const FILES: usize = 200;

pub fn view(collisions: &[(Collision, Millis)], checked_at: Millis) -> Collisions {
    let collisions =
        collisions.iter().map(|(collision, since)| session_collision(collision, *since)).collect();
    Collisions { collisions, checked_at: rfc3339(checked_at) }
}

/// Returns the collisions without the secrets in names and lines of files.
#[must_use]
pub fn redacted(mut collisions: Collisions, redactor: &Redactor) -> Collisions {
    for file in collisions.collisions.iter_mut().flat_map(|collision| &mut collision.files) {
        file.path = redactor.redact(&file.path).into_owned();
        for side in file.hunks.iter_mut().flat_map(|lines| &mut lines.sides) {
            side.text = redactor.redact(&side.text).into_owned();
        }
    }
    collisions
}

/// Returns the collisions without the text of files, for those who only need to know where to look.
pub(super) fn without_hunks(mut collisions: Collisions) -> Vec<SessionCollision> {
    for file in collisions.collisions.iter_mut().flat_map(|collision| &mut collision.files) {
        file.hunks.clear();
    }
    collisions.collisions
}

fn session_collision(collision: &Collision, since: Millis) -> SessionCollision {
    let mut files: Vec<&CollisionFile> = collision.files.iter().collect();
    files.sort_by_key(|file| file.state == git::CollisionState::BothTouch);
    SessionCollision {
        sessions: collision.between.clone(),
        files: files.into_iter().take(FILES).map(file).collect(),
        total_files: collision.files.len(),
        since: rfc3339(since),
    }
}

fn file(file: &CollisionFile) -> CollidingFile {
    let side = |lines: &Lines| CollidingSide {
        start_line: lines.start,
        line_count: lines.count,
        text: lines.text.clone(),
    };
    CollidingFile {
        path: file.path.clone(),
        state: match file.state {
            git::CollisionState::BothTouch => CollisionState::BothTouch,
            git::CollisionState::Conflict => CollisionState::Conflict,
        },
        reason: file.reason.clone(),
        hunks: file
            .places
            .iter()
            .map(|place| CollidingLines { sides: [side(&place.ours), side(&place.theirs)] })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrets::Settings;

    #[test]
    fn a_secret_in_names_or_lines_of_colliding_files_is_not_shown() {
        let key = format!("gh{}_{}", 'p', "a1B2c3D4e5F6".repeat(3));
        let lines = |text: &str| CollidingSide { start_line: 1, line_count: 1, text: text.to_owned() };
        let sides = [lines(&format!("token = \"{key}\"\n")), lines("token = read()\n")];
        let file = CollidingFile {
            path: format!("keys/{key}/a.py"),
            state: CollisionState::Conflict,
            reason: None,
            hunks: vec![CollidingLines { sides }],
        };
        let collision = SessionCollision {
            sessions: ["stws_1".to_owned(), "stws_2".to_owned()],
            files: vec![file],
            total_files: 1,
            since: String::new(),
        };
        let shown = Collisions { collisions: vec![collision], checked_at: String::new() };
        let redactor = Redactor::new(&Settings::default()).expect("the rules compile");
        let shown = serde_json::to_string(&redacted(shown, &redactor)).expect("plain data");
        assert!(!shown.contains(&key) && shown.contains("[secret:") && shown.contains("read()"), "{shown}");
    }
}
