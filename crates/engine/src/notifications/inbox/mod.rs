//! The inbox: items that wait for a person, and the notification of watchers.
//!
//! Items follow from the state of tasks and from the permission requests of agents that run. The store keeps them as rows,
//! written in the transaction of the feed message that says so; each server start compares the rows with the tasks.

mod items;
mod permissions;
mod reconcile;

pub use items::of_task;
pub use permissions::OpenQuestion;
pub(crate) use permissions::{PermissionChange, follow};
pub(crate) use reconcile::reconcile;

use crate::notifications::updates;
use protocol::words::InboxEvent;
use protocol::{InboxItem, InboxUpdate};
use sha2::{Digest as _, Sha256};
use store::FeedEntry;
use workflow::Task;

/// How many hexadecimal digits an item's id has.
const ID_DIGITS: usize = 16;

/// Returns the changes of the inbox that a step of a task makes.
pub(crate) fn changes(before: Option<&Task>, after: &Task) -> Vec<InboxUpdate> {
    let known = before.map(of_task).unwrap_or_default();
    difference(known, &of_task(after))
}

/// Returns the updates that turn one list of items into another.
fn difference(before: Vec<InboxItem>, after: &[InboxItem]) -> Vec<InboxUpdate> {
    let mut updates = Vec::new();
    for item in after {
        let event = match before.iter().find(|known| known.id == item.id) {
            None => InboxEvent::Added,
            Some(known) if known != item => InboxEvent::Changed,
            Some(_) => continue,
        };
        updates.push(InboxUpdate { event, item: item.clone() });
    }
    let is_gone = |item: &InboxItem| !after.iter().any(|present| present.id == item.id);
    let gone = before.into_iter().filter(is_gone);
    updates.extend(gone.map(|item| InboxUpdate { event: InboxEvent::Resolved, item }));
    updates
}

/// Returns the feed messages of changes of the inbox.
pub(crate) fn feed_entries(task: &Task, updates: &[InboxUpdate]) -> Vec<FeedEntry> {
    updates.iter().flat_map(|update| updates::entry(task, update.clone())).collect()
}

/// Returns the id of an item: the same id for the same item, on every computation.
fn id(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut digits = hex::encode(hash.finalize());
    digits.truncate(ID_DIGITS);
    format!("inb_{digits}")
}

/// Returns a text of at most so many characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}
