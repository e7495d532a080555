//! Collisions as clients see them.

use crate::wire::rfc3339;
use git::{Collision, CollisionFile, CollisionState, Lines};
use secrets::Redactor;
use serde::Serialize;
use utoipa::ToSchema;
use workflow::Millis;

/// How many files of two sessions are listed; those that conflict come first.
const FILES: usize = 200;

/// What the sessions of a task collide in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Collisions {
    collisions: Vec<SessionCollision>,
    /// When the sessions' worktrees were looked at.
    checked_at: String,
}

/// Two sessions that change the same files.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionCollision {
    /// Their ids.
    sessions: [String; 2],
    files: Vec<CollidingFile>,
    /// How many files both touch; more than are listed where there are very many.
    total_files: usize,
    since: String,
}

/// A file that both sessions change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollidingFile {
    path: String,
    /// `both_touch` where both changes go together, `conflict` where they do not.
    state: &'static str,
    /// Why it conflicts, as a clause.
    #[schema(required)]
    reason: Option<String>,
    /// Where it conflicts.
    hunks: Vec<CollidingLines>,
}

/// A place where a file conflicts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollidingLines {
    /// What each of the sessions has there, in their order.
    sides: [CollidingSide; 2],
}

/// One session's lines in a place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollidingSide {
    /// The first line, from 1; where there is none, the line before.
    start_line: u32,
    line_count: u32,
    text: String,
}

pub fn view(collisions: &[(Collision, Millis)], checked_at: Millis) -> Collisions {
    let collisions =
        collisions.iter().map(|(collision, since)| session_collision(collision, *since)).collect();
    Collisions { collisions, checked_at: rfc3339(checked_at) }
}

impl Collisions {
    /// The collisions with secrets taken out of the text of files.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        let files = self.collisions.iter_mut().flat_map(|collision| &mut collision.files);
        for side in files.flat_map(|file| &mut file.hunks).flat_map(|lines| &mut lines.sides) {
            side.text = redactor.redact(&side.text).into_owned();
        }
        self
    }

    /// The collisions without the text of files, for those who only need to know where to look.
    pub(super) fn without_hunks(mut self) -> Vec<SessionCollision> {
        for file in self.collisions.iter_mut().flat_map(|collision| &mut collision.files) {
            file.hunks.clear();
        }
        self.collisions
    }
}

fn session_collision(collision: &Collision, since: Millis) -> SessionCollision {
    let mut files: Vec<&CollisionFile> = collision.files.iter().collect();
    files.sort_by_key(|file| file.state == CollisionState::BothTouch);
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
            CollisionState::BothTouch => "both_touch",
            CollisionState::Conflict => "conflict",
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
    fn a_secret_in_colliding_lines_is_not_shown() {
        let key = format!("gh{}_{}", 'p', "a1B2c3D4e5F6".repeat(3));
        let lines = |text: &str| CollidingSide { start_line: 1, line_count: 1, text: text.to_owned() };
        let sides = [lines(&format!("token = \"{key}\"\n")), lines("token = read()\n")];
        let file = CollidingFile {
            path: "a.py".to_owned(),
            state: "conflict",
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
        let shown = serde_json::to_string(&shown.redacted(&redactor)).expect("plain data");
        assert!(!shown.contains(&key) && shown.contains("[secret:") && shown.contains("read()"), "{shown}");
    }
}
