//! Removes results of setup commands that were not used for a while, and those that exceed the limit.

use super::{Mode, Removal, Rules, Subject};
use crate::App;
use crate::worktrees::setup::{CACHE, CacheEntry, cache_entries};
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use workflow::Millis;

/// How long a result stays after its last use, whatever the size of all: it may be being copied.
const MIN_AGE: Duration = Duration::from_hours(1);
/// The pause after each removed result.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) async fn apply(app: &App, rules: &Rules<'_>, mode: Mode) -> anyhow::Result<Vec<Removal>> {
    let retention = rules.retention;
    let before = rules.before_days(retention.setup_cache_days);
    let limit = (retention.setup_cache_mb > 0).then(|| retention.setup_cache_mb.saturating_mul(1 << 20));
    let folder = app.config.data_dir.join(CACHE);
    let entries = crate::spawn_blocking(move || cache_entries(&folder)).await??;
    let days = retention.setup_cache_days;
    let mut removals = [
        removal(format!("Results of setup commands that were not used for {days} days.")),
        removal(format!(
            "Results of setup commands that were not used for the longest time, since all exceed {} MiB.",
            retention.setup_cache_mb
        )),
    ];
    for (entry, is_for_size) in choose(entries, time(rules.now), before.map(time), limit) {
        if mode == Mode::Remove {
            crate::spawn_blocking(move || remove(&entry.path)).await??;
            tokio::time::sleep(PAUSE).await;
        }
        let removal = &mut removals[usize::from(is_for_size)];
        removal.count += 1;
        removal.bytes += entry.bytes;
    }
    Ok(removals.into())
}

fn removal(reason: String) -> Removal {
    Removal { subject: Subject::SetupCache, reason, count: 0, bytes: 0 }
}

/// Chooses the entries to remove, of entries in the order of their last use; `true` marks those that exceed the size
/// limit.
fn choose(
    entries: Vec<CacheEntry>,
    now: SystemTime,
    before: Option<SystemTime>,
    limit: Option<u64>,
) -> Vec<(CacheEntry, bool)> {
    let mut left: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let mut chosen = Vec::new();
    for entry in entries {
        let is_old = before.is_some_and(|before| entry.used_at < before);
        let is_in_use = now.duration_since(entry.used_at).is_ok_and(|age| age < MIN_AGE);
        let is_too_much = limit.is_some_and(|limit| left > limit) && !is_in_use;
        if is_old || is_too_much {
            left -= entry.bytes;
            chosen.push((entry, !is_old));
        }
    }
    chosen
}

/// Removes an entry; one of which a part is gone is not used.
fn remove(path: &Path) -> io::Result<()> {
    let going = path.with_extension("partial");
    match fs::rename(path, &going) {
        Ok(()) => fs::remove_dir_all(going),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn time(at: Millis) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(at.0).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn what_is_unused_goes_and_then_what_was_used_least_recently() {
        let now = UNIX_EPOCH + Duration::from_hours(1000);
        let entry = |hours: u64| CacheEntry {
            path: PathBuf::from(hours.to_string()),
            bytes: 10,
            used_at: now - Duration::from_hours(hours),
        };
        let entries = || vec![entry(100), entry(50), entry(0)];
        let names = |chosen: Vec<(CacheEntry, bool)>| {
            chosen
                .into_iter()
                .map(|(entry, size)| (entry.path.display().to_string(), size))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(choose(entries(), now, None, None)), []);
        let before = Some(now - Duration::from_hours(60));
        assert_eq!(names(choose(entries(), now, before, None)), [("100".to_owned(), false)]);
        let all_but_one = [("100".to_owned(), true), ("50".to_owned(), true)];
        assert_eq!(names(choose(entries(), now, None, Some(1))), all_but_one, "what is in use stays");
    }
}
